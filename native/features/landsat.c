/* landsat.c - Landsat 4-9 products of Collection 2, and Level 1 of Collection 1 and before: folder, tar, or their MTL file (txt or xml).
 *
 *     Level 2:  surface reflectance = DN * 2.75e-5 - 0.2                       (LSDS-1619; the MTL says the same)
 *     Level 1:  reflectance at the top of the atmosphere = (M * DN + A) / sin(sun elevation)   (LSDS-1747 5.2)
 *
 * The trap: an MTL file of Level 2 holds REFLECTANCE_MULT_BAND_x twice, for Level 2 and for the Level 1 it was made of,
 * in groups of their own.
 */
#include "data/date.h"
#include "features/product.h"
#include "features/tiles.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const double surface_scale = 2.75e-5, surface_offset = -0.2;
static const double degree = 3.14159265358979323846 / 180;

/* The bands with a role, by number. */
static const int oli_bands[] = { 2, 3, 4, 5, 6, 7 }, tm_bands[] = { 1, 2, 3, 4, 5, 7 };

/* LC81950252013188LGN00: before 2016 names had no collection. */
static bool before_collections(const char *stem) { return isdigit((unsigned char)stem[2]) && stem[2] != '0'; }

typedef struct listing {
    const char *root, *archive;
    const char *const *names;
    int64_t count;
    char stem[128];            /* LC08_L2SP_193024_20200615_20200823_02_T1 */
    const char *text_metadata; /* file names, NULL when missing */
    const char *xml_metadata;
    bool surface;
} listing;

/* Length of the product's own name in a file name, 0 when it is no file of a Landsat product. */
static size_t stem_length(const char *name)
{
    static const char *const endings[] = { "_MTL.txt", "_MTL.xml", "_QA_PIXEL.TIF", "_BQA.TIF" };
    const size_t n = strlen(name);
    if (name[0] != 'L' || !strchr("COTEM", name[1]) || n < 12) return 0;
    for (int i = 0; i < 4; i++)
        if (sal__ends_with(name, endings[i])) return n - strlen(endings[i]);
    if (!sal__ends_with(name, ".TIF") || !isdigit((unsigned char)name[n - 5]) || name[n - 6] != 'B') return 0;
    return n >= 10 && strncmp(name + n - 10, "_SR_", 4) == 0 ? n - 10 : name[n - 7] == '_' ? n - 7 : 0;
}

static bool is_archive(const char *path)
{
    return sal__ends_with(path, ".tar") || sal__ends_with(path, ".tar.gz") || sal__ends_with(path, ".tgz");
}

static bool is_metadata(const char *path)
{
    return sal__ends_with(path, "_MTL.txt") || sal__ends_with(path, "_MTL.xml");
}

static sal_status list(sal_build *build, const char *path, listing *l)
{
    sal_status status;
    const char *name = sal__plain_name(path);
    *l = (listing){ .archive = is_archive(path) ? path : "" };
    if (l->archive[0])
        SAL_TRY(sal__build_text(build, &l->root, "/vsitar/%s", path));
    else if (is_metadata(path))
        SAL_TRY(sal__build_text(build, &l->root, "%.*s", name > path ? (int)(name - path) - 1 : 1,
                                name > path ? path : "."));
    else
        SAL_TRY(sal__build_text(build, &l->root, "%s", path));
    SAL_TRY(sal_files_list(build->ctx, build->arena, l->root, &l->names, &l->count));
    if (is_metadata(path)) snprintf(l->stem, sizeof l->stem, "%.*s", (int)stem_length(name), name);
done:
    return status;
}

bool sal__is_landsat(sal_build *build, const char *path)
{
    listing l;
    if (is_metadata(path)) return true;
    if (!is_archive(path) && !sal_files_is_folder(path)) return false;
    if (list(build, path, &l) != SAL_STATUS_OK) {
        sal_error_clear(build->ctx);
        return false;
    }
    for (int64_t i = 0; i < l.count; i++)
        if (stem_length(l.names[i])) return true;
    return false;
}

/* Which product of the folder, and which of its files there are. */
static sal_status survey(sal_build *build, const char *path, listing *l)
{
    for (int64_t i = 0; i < l->count; i++) {
        const char *name = l->names[i];
        const size_t n = stem_length(name);
        if (n == 0 || n >= sizeof l->stem) continue;
        if (!l->stem[0]) snprintf(l->stem, sizeof l->stem, "%.*s", (int)n, name);
        if (strlen(l->stem) != n || strncmp(name, l->stem, n) != 0) {
            if (is_metadata(path)) continue;
            return sal_fail(build->ctx, SAL_STATUS_DATA,
                            "folder \"%s\" holds files of more than one Landsat product, \"%s\" and \"%.*s\"; give the "
                            "MTL file of each",
                            path, l->stem, (int)n, name);
        }
        if (sal__ends_with(name, "_MTL.txt")) l->text_metadata = name;
        if (sal__ends_with(name, "_MTL.xml")) l->xml_metadata = name;
        if (strncmp(name + n, "_SR_B", 5) == 0) l->surface = true;
    }
    return SAL_STATUS_OK;
}

/* ---- MTL ---- */

typedef struct metadata {
    char *text;
    sal_xml *xml;
} metadata;

/* Value of a key in a group (NULL: anywhere) without quotes; "" when there is none. */
static void look_up(const metadata *m, const char *group, const char *key, char value[64])
{
    value[0] = 0;
    if (m->xml) {
        const sal_xml *within = m->xml;
        if (group && !sal_xml_find(m->xml, group, &within, 1)) return;
        const char *text = sal_xml_text(within, key);
        snprintf(value, 64, "%s", text ? text : "");
        return;
    }
    bool inside = !group;
    for (const char *line = m->text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        char name[64], found[64];
        while (*line == ' ' || *line == '\n') line++;
        if (sscanf(line, "%63[A-Za-z0-9_] = %63[^\r\n]", name, found) != 2) continue;
        if (group && strcmp(found, group) == 0) inside = strcmp(name, "GROUP") == 0;
        if (!inside || strcmp(name, key) != 0) continue;
        const size_t quote = found[0] == '"';
        snprintf(value, 64, "%.*s", (int)strcspn(found + quote, "\""), found + quote);
        return;
    }
}

static double look_up_number(const metadata *m, const char *group, const char *key)
{
    char value[64];
    look_up(m, group, key, value);
    return sal_text_number(value);
}

static sal_status open_metadata(sal_build *build, const listing *l, metadata *m)
{
    const char *path;
    sal_status status = SAL_STATUS_OK;
    const char *name = l->text_metadata ? l->text_metadata : l->xml_metadata;
    if (!name) return status;
    SAL_TRY(sal__build_text(build, &path, "%s/%s", l->root, name));
    status = l->text_metadata ? sal_files_text(build->ctx, path, 4 << 20, &m->text)
                              : sal_xml_open(build->ctx, path, &m->xml);
done:
    return status;
}

/* ---- the numbers ---- */

static sal_status calibrate(sal_build *build, const metadata *m, const listing *l, int number, sal__product *p,
                            sal__product_band *band)
{
    char mult[32], add[32];
    const char *group = l->surface ? "LEVEL2_SURFACE_REFLECTANCE_PARAMETERS" : NULL;
    snprintf(mult, sizeof mult, "REFLECTANCE_MULT_BAND_%d", number);
    snprintf(add, sizeof add, "REFLECTANCE_ADD_BAND_%d", number);
    double scale = look_up_number(m, group, mult), offset = look_up_number(m, group, add), sun = 1;
    if (l->surface) {
        band->scale = isfinite(scale) && isfinite(offset) ? scale : surface_scale;
        band->offset = isfinite(scale) && isfinite(offset) ? offset : surface_offset;
        snprintf(p->note, sizeof p->note, "surface reflectance, DN x %.6g %+.6g", band->scale, band->offset);
        return SAL_STATUS_OK;
    }
    const double elevation = look_up_number(m, NULL, "SUN_ELEVATION");
    if (!isfinite(scale) && before_collections(l->stem) && isfinite(elevation))
        return sal_fail(build->ctx, SAL_STATUS_DATA,
                        "scene \"%s\" is of before the Landsat collections: its MTL file holds radiance but no %s; download it again as "
                        "Collection 2 Level 2, which has replaced it",
                        p->path, mult);
    if (!isfinite(scale) || !isfinite(offset) || !(elevation > 0 && elevation <= 90))
        return sal_fail(build->ctx, SAL_STATUS_DATA,
                        "scene \"%s\" is Level 1 and its MTL file gives no usable %s, %s and SUN_ELEVATION; give the "
                        "product with its MTL file, or better its Level 2",
                        p->path, mult, add);
    sun = sin(elevation * degree);
    band->scale = scale / sun;
    band->offset = offset / sun;
    snprintf(p->note, sizeof p->note,
             "reflectance at the top of the atmosphere, sun %.2f degrees high: not corrected "
             "for the atmosphere",
             elevation);
    return SAL_STATUS_OK;
}

static sal_status find_file(sal_build *build, const listing *l, const char *ending, const char **path)
{
    char name[192];
    snprintf(name, sizeof name, "%s%s", l->stem, ending);
    *path = NULL;
    for (int64_t i = 0; i < l->count; i++)
        if (strcasecmp(l->names[i], name) == 0) return sal__build_text(build, path, "%s/%s", l->root, l->names[i]);
    return SAL_STATUS_OK;
}

static sal_status take_bands(sal_build *build, const metadata *m, const listing *l, sal__product *p)
{
    sal_status status = SAL_STATUS_OK;
    const bool oli = l->stem[2] == '8' || (l->stem[2] == '0' && l->stem[3] >= '8'); /* LC8..., LC08_ */
    p->sensor = oli ? l->surface ? "Landsat 8/9" : "Landsat 8/9 TOA" : l->surface ? "Landsat 4-7" : "Landsat 4-7 TOA";
    for (int i = 0; i < 6; i++) {
        const int number = oli ? oli_bands[i] : tm_bands[i];
        sal__product_band *band = &p->bands[p->band_count++];
        char ending[16];
        snprintf(ending, sizeof ending, l->surface ? "_SR_B%d.TIF" : "_B%d.TIF", number);
        SAL_TRY(find_file(build, l, ending, &band->path));
        if (!band->path)
            SAL_TRY(sal_fail(build->ctx, SAL_STATUS_DATA,
                             "scene \"%s\" has no band %d: the file %s%s is missing; download the product again, or "
                             "give the band files that there are one by one",
                             p->path, number, l->stem, ending));
        SAL_TRY(sal__build_text(build, &band->id, l->surface ? "SR_B%d" : "B%d", number));
        SAL_TRY(calibrate(build, m, l, number, p, band));
    }
    SAL_TRY(find_file(build, l, "_QA_PIXEL.TIF", &p->mask));
    p->mask_kind = "QA_PIXEL";
    if (!p->mask) {
        SAL_TRY(find_file(build, l, "_BQA.TIF", &p->mask));
        if (p->mask) p->mask_kind = before_collections(l->stem) ? "BQA_2013" : "BQA";
    }
    if (!p->mask) p->mask = "";
done:
    return status;
}

sal_status sal__landsat_read(sal_build *build, const char *path, sal__product *p)
{
    listing l;
    metadata m = { 0 };
    char day[64];
    sal_status status;
    SAL_TRY(list(build, path, &l));
    SAL_TRY(survey(build, path, &l));
    SAL_TRY(open_metadata(build, &l, &m));
    *p = (sal__product){ .path = path, .archive = l.archive, .baseline = "", .tile = "", .invalid_count = 1 };
    SAL_TRY(sal__build_text(build, &p->name, "%s", l.stem));
    sal__tile_in_name(l.stem, day);
    SAL_TRY(sal__build_text(build, &p->tile, "%s", day));
    p->level = l.surface ? "surface" : "top of atmosphere";
    look_up(&m, NULL, "DATE_ACQUIRED", day);
    if (!sal_date_parse(day, p->date) && !sal__date_find(l.stem, p->date))
        SAL_TRY(sal_fail(build->ctx, SAL_STATUS_DATA,
                         "scene \"%s\": neither its MTL file nor the name \"%s\" tells its day; give date", path,
                         l.stem));
    SAL_TRY(take_bands(build, &m, &l, p));
done:
    sal_release(build->ctx, m.text);
    sal_xml_free(m.xml);
    return status;
}
