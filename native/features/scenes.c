/* scenes.c - which bands a scene holds, of which sensor and of which day, from descriptions, roles and file names.
 *
 * Three kinds of scene are understood: a raster whose band descriptions are band names, a raster whose bands the user
 * names in order, and single-band files with the band in the file name. The sensor comes first, since "B5" is red edge
 * on one and near infrared on another.
 */
#include "features/indices.h"
#include "features/masks.h"
#include "features/product.h"
#include "features/scene_names.h"
#include "features/scene_numbers.h"
#include "features/scene_roles.h"
#include "features/tiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = SAL__NAME };

/* ---- scenes ---- */

typedef struct scene {
    sal_raster *raster;
    char stem[256], file_band[NAME];
    const char **by_wavelength; /* role of each band, NULL where the names say it */
    sal__blend *blends;         /* of each band, with them */
    bool may_be_none;           /* one of a folder: left out when it is no band */
    int64_t tile;               /* -1 before it has given a band */
} scene;

/* Name of a band before the sensor is known; "" when it has none. */
static const char *raw_name(const scene *s, const sal__role_list *roles, int64_t band)
{
    if (roles->n > 0 && sal_raster_band_count(s->raster) > 1) {
        for (int64_t i = 0; i < roles->n; i++)
            if (roles->bands[i] == band && !sal__role_skipped(roles->names[i])) return roles->names[i];
        return "";
    }
    if (s->by_wavelength) return s->by_wavelength[band] ? s->by_wavelength[band] : "";
    const char *description = sal_raster_band_name(s->raster, band);
    if (sal_raster_band_count(s->raster) == 1 && !sal__looks_like_band(description) && !sal__mask_kind(description) &&
        strncmp(description, "SR_B", 4) != 0 && !sal__band_id("", description))
        return s->file_band;
    return description;
}

static void find_sensor(sal_build *build, const scene *scenes, int64_t n, const sal__role_list *roles)
{
    const char *names[256], *found = NULL;
    int64_t count = 0;
    for (int64_t i = 0; i < n && !build->sensor[0]; i++) {
        const char *stated = sal_raster_metadata(scenes[i].raster, "SALINA", "SENSOR");
        found = stated && stated[0] ? stated : sal__sensor_in_stem(scenes[i].stem);
        if (found) snprintf(build->sensor, sizeof build->sensor, "%.63s", found);
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t b = 0; b < sal_raster_band_count(scenes[i].raster) && count < 256; b++)
            names[count++] = raw_name(&scenes[i], roles, b);
    if (!build->sensor[0]) snprintf(build->sensor, sizeof build->sensor, "%s", sal__sensor_guess(names, count));
}

static sal_status find_date(sal_build *build, const scene *scenes, int64_t n)
{
    char dates[2][11];
    const char *first = NULL;
    if (build->date[0]) return SAL_STATUS_OK;
    for (int64_t i = 0; i < n; i++) {
        const char *stated = sal_raster_metadata(scenes[i].raster, "SALINA", "DATE");
        char *date = dates[first ? 1 : 0];
        if (stated && stated[0]) {
            if (!sal__date_valid(stated))
                return sal_fail(build->ctx, SAL_STATUS_DATA,
                                "scene \"%s\" states the date \"%s\", which is no day; give it as date = YYYY-MM-DD",
                                sal_raster_path(scenes[i].raster), stated);
            snprintf(date, 11, "%.10s", stated);
        } else if (!sal__date_find(scenes[i].stem, date)) {
            continue;
        }
        if (first && strcmp(dates[0], date) != 0)
            return sal_fail(build->ctx, SAL_STATUS_DATA,
                            "scenes are of different days: \"%s\" of %s and \"%s\" of %s; build one stack for each "
                            "campaign, or give date if they "
                            "belong together",
                            first, dates[0], sal_raster_path(scenes[i].raster), date);
        if (!first) first = sal_raster_path(scenes[i].raster);
    }
    if (first) snprintf(build->date, sizeof build->date, "%s", dates[0]);
    return SAL_STATUS_OK;
}

static sal_status check_roles(sal_build *build, const scene *s, const sal__role_list *roles)
{
    for (int64_t i = 0; i < roles->n; i++) {
        const char *name = roles->names[i];
        if (sal__role_skipped(name)) continue;
        if (!sal__band_id(build->sensor, name))
            return sal_fail(build->ctx, SAL_STATUS_ARGUMENT,
                            "roles has \"%s\", which is no band%s%s; use B, G, R, RE1, RE2, RE3, NIR, NIR2, SWIR1, "
                            "SWIR2 or the sensor's band names, "
                            "and - for a band to leave out",
                            name, build->sensor[0] ? " of " : "", build->sensor);
        if (sal_raster_band_count(s->raster) > 1 && roles->bands[i] >= sal_raster_band_count(s->raster))
            return sal_fail(build->ctx, SAL_STATUS_DATA,
                            "roles names band %lld (%s), but scene \"%s\" has only %lld bands",
                            (long long)roles->bands[i] + 1, name, sal_raster_path(s->raster),
                            (long long)sal_raster_band_count(s->raster));
    }
    return SAL_STATUS_OK;
}

/* One line for all bands of a scene that are none of the sensor's. */
static void warn_left_out(const sal_build *build, const scene *s, const sal__role_list *roles)
{
    sal_text names = { 0 };
    int64_t n = 0;
    for (int64_t b = 0; b < sal_raster_band_count(s->raster); b++) {
        const char *name = raw_name(s, roles, b);
        if (sal__band_id(build->sensor, name) || sal__mask_kind(name)) continue;
        if (n++ < 8) sal_text_append(build->ctx, &names, "%s\"%s\"", n > 1 ? ", " : "", name);
    }
    if (n > 0 && roles->n == 0)
        sal_warn(build->ctx,
                 "\"%s\": left out, because no spectral band%s%s: %s%s (%lld of %lld bands); give them as extra to "
                 "keep them",
                 sal_raster_path(s->raster), build->sensor[0] ? " of " : "", build->sensor,
                 names.data ? names.data : "", n > 8 ? " ..." : "", (long long)n,
                 (long long)sal_raster_band_count(s->raster));
    sal_text_free(build->ctx, &names);
}

/* What a scene says of its sensor, against the others; a sensor that the user named goes before. */
static sal_status check_sensor(const sal_build *build, const scene *s)
{
    const char *stated = sal_raster_metadata(s->raster, "SALINA", "SENSOR");
    const char *own = stated && stated[0] ? stated : sal__sensor_in_stem(s->stem);
    if (!own || build->sensor_given || strncmp(own, build->sensor, strlen(own)) == 0) return SAL_STATUS_OK;
    return sal_fail(build->ctx, SAL_STATUS_DATA,
                    "scenes are of different sensors: \"%s\" is of %s and the others are of %s; build one stack for "
                    "each sensor",
                    sal_raster_path(s->raster), own, build->sensor);
}

/* The quality bands of a scene: for its own tile, or, of a file that has no bands, for each tile that it belongs to. */
static sal_status add_masks(sal_build *build, const scene *s, const sal__role_list *roles)
{
    sal_status status = SAL_STATUS_OK;
    const char *path = sal_raster_path(s->raster);
    char name[16];
    sal__tile_in_name(s->stem, name);
    for (int64_t b = 0; b < sal_raster_band_count(s->raster); b++) {
        const char *kind = sal__mask_kind(raw_name(s, roles, b));
        int64_t used = 0;
        if (!kind || sal__band_id(build->sensor, raw_name(s, roles, b))) continue;
        for (int64_t tile = 0; tile < build->tile_count; tile++) {
            bool same = build->tile_count == 1 || tile == s->tile;
            if (!same && s->tile < 0) SAL_TRY(sal__tile_is(build, tile, name, path, &same));
            if (!same) continue;
            SAL_TRY(sal__mask_add(build, tile, kind, path, b, ""));
            used++;
        }
        if (used == 0 && build->tile_count > 0)
            SAL_TRY(sal_fail(build->ctx, SAL_STATUS_DATA,
                             "\"%s\" masks none of the scenes: it is of another tile or lies elsewhere; leave it out, or "
                             "give the scene it belongs to",
                             path));
    }
done:
    return status;
}

static sal_status add_bands(sal_build *build, scene *s, const sal__role_list *roles)
{
    sal_status status = SAL_STATUS_OK;
    int64_t found = 0;
    char tile[16];
    sal_source *source;
    const int64_t first[2] = { build->source_count, build->patch_count };
    s->tile = -1;
    sal__tile_in_name(s->stem, tile);
    SAL_TRY(check_sensor(build, s));
    SAL_TRY(check_roles(build, s, roles));
    for (int64_t b = 0; b < sal_raster_band_count(s->raster); b++) {
        const char *name = raw_name(s, roles, b), *id = sal__band_id(build->sensor, name), *mask = sal__mask_kind(name);
        if (!id && !mask) continue;
        found++;
        if (!id) continue;
        if (s->tile < 0) SAL_TRY(sal__build_tile(build, tile, sal_raster_path(s->raster), &s->tile));
        SAL_TRY(sal__build_add_band(build, s->tile, sal_raster_path(s->raster), b, id, &source));
        SAL_TRY(sal__source_numbers(build, s->raster, source));
        if (s->by_wavelength && s->blends[b].count > 0) {
            source->members = s->blends[b].members;
            source->weights = s->blends[b].weights;
            source->member_count = s->blends[b].count;
        }
    }
    if (found == 0 && s->may_be_none) return SAL_STATUS_OK;
    if (found == 0)
        SAL_TRY(sal_fail(build->ctx, SAL_STATUS_DATA,
                         "scene \"%s\" has no band that can be recognised (first band: \"%s\", sensor: %s); give "
                         "roles, such as B=1,G=2,R=3,NIR=4, "
                         "or sensor, or name the bands in their descriptions",
                         sal_raster_path(s->raster), raw_name(s, roles, 0),
                         build->sensor[0] ? build->sensor : "not known"));
    if (s->tile >= 0) {
        const sal__product said = { .path = sal_raster_path(s->raster),
                                    .name = s->stem,
                                    .sensor = build->sensor,
                                    .tile = tile,
                                    .baseline = "",
                                    .level = "" };
        SAL_TRY(sal__build_describe(build, &said, first));
    }
    if (!s->by_wavelength) warn_left_out(build, s, roles);
done:
    return status;
}

/* Whether no band of a raster with several has a name that says what it is. */
static bool nameless(const sal_build *build, const scene *s, const sal__role_list *roles)
{
    if (roles->n > 0 || sal_raster_band_count(s->raster) < 2) return false;
    for (int64_t b = 0; b < sal_raster_band_count(s->raster); b++)
        if (sal__band_id(build->sensor, raw_name(s, roles, b))) return false;
    return true;
}

/* Rasters that are no product of an agency. */
static sal_status add_loose(sal_build *build, const sal_scene *const *entries, int64_t n, const char *roles_text)
{
    sal_status status;
    sal_context *ctx = build->ctx;
    scene *scenes = NULL;
    sal__role_list *roles = NULL;
    SAL_TRY(sal_allocate(ctx, n, sizeof *scenes, &scenes));
    SAL_TRY(sal_allocate(ctx, 1, sizeof *roles, &roles));
    SAL_TRY(sal__roles_parse(ctx, roles_text, roles));
    for (int64_t i = 0; i < n; i++) {
        SAL_TRY(sal_raster_open(ctx, entries[i]->path, &scenes[i].raster));
        scenes[i].may_be_none = entries[i]->from_folder;
        sal__file_stem(entries[i]->path, scenes[i].stem);
        if (!sal__band_in_stem(scenes[i].stem, scenes[i].file_band)) scenes[i].file_band[0] = 0;
    }
    find_sensor(build, scenes, n, roles);
    SAL_TRY(find_date(build, scenes, n));
    for (int64_t i = 0; i < n; i++) {
        if (nameless(build, &scenes[i], roles))
            SAL_TRY(sal__roles_by_wavelength(build, scenes[i].raster, &scenes[i].by_wavelength, &scenes[i].blends));
        SAL_TRY(add_bands(build, &scenes[i], roles));
    }
    for (int64_t i = 0; i < n; i++) SAL_TRY(add_masks(build, &scenes[i], roles));
done:
    for (int64_t i = 0; scenes && i < n; i++) sal_raster_free(scenes[i].raster);
    sal_release(ctx, scenes);
    sal_release(ctx, roles);
    return status;
}

sal_status sal__build_add_scenes(sal_build *build, const sal_scene *scenes, int64_t n, const char *roles)
{
    sal_status status;
    sal_context *ctx = build->ctx;
    const sal_scene **loose = NULL;
    sal__product *product = NULL;
    int64_t loose_count = 0;
    SAL_TRY(sal_allocate(ctx, n, sizeof *loose, &loose));
    SAL_TRY(sal_allocate(ctx, 1, sizeof *product, &product));
    for (int64_t i = 0; i < n; i++) {
        if (scenes[i].agency < 0) {
            loose[loose_count++] = &scenes[i];
            continue;
        }
        SAL_TRY(sal__product_read(build, &scenes[i], product));
        SAL_TRY(sal__build_add_product(build, product));
    }
    if (loose_count > 0) SAL_TRY(add_loose(build, loose, loose_count, roles));
    if (n > 0 && build->source_count == 0)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA,
                         "\"%s\" holds no band that can be recognised by its name; name the files by their bands "
                         "(..._B04.tif), or give them one by one with roles",
                         scenes[0].path));
done:
    sal_release(ctx, loose);
    sal_release(ctx, product);
    return status;
}
