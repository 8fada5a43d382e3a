/* safe.c - Sentinel-2 Level-2A products (SAFE folder, zip, or its MTD_MSIL2A.xml), read by their own metadata.
 *
 *     reflectance = (DN + BOA_ADD_OFFSET) / BOA_QUANTIFICATION_VALUE
 *
 * The trap: products of processing baseline 04.00 and later, which include old dates processed again, carry an offset
 * of -1000, earlier ones none. It is taken from the XML by band_id, never guessed from the date (ESA, S2 Products
 * Specification Document 14.9 and later).
 */
#include "data/date.h"
#include "features/product.h"
#include "features/tiles.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char metadata_name[] = "MTD_MSIL2A.xml";

/* The ten bands that models use and the resolution at which the instrument measures them. */
static const struct {
    const char *id, *ending;
} wanted[] = { { "B02", "_B02_10m" }, { "B03", "_B03_10m" }, { "B04", "_B04_10m" }, { "B05", "_B05_20m" },
               { "B06", "_B06_20m" }, { "B07", "_B07_20m" }, { "B08", "_B08_10m" }, { "B8A", "_B8A_20m" },
               { "B11", "_B11_20m" }, { "B12", "_B12_20m" } };

/* band_id counts the bands of the instrument in this order. */
static const char *const by_number[] = { "B01", "B02", "B03", "B04", "B05", "B06", "B07",
                                         "B08", "B8A", "B09", "B10", "B11", "B12" };

enum { WANTED = sizeof wanted / sizeof *wanted, NUMBERS = sizeof by_number / sizeof *by_number, IMAGES = 256 };

/* ---- where it is ---- */

/* Folder of the product inside a zip: the first *.SAFE of its top, or the top itself when the metadata lie there. */
static sal_status inside_zip(sal_build *build, const char *path, const char **root)
{
    const char *const *names = NULL, *top;
    int64_t n = 0;
    sal_status status;
    SAL_TRY(sal__build_text(build, &top, "/vsizip/%s", path));
    SAL_TRY(sal_files_list(build->ctx, build->arena, top, &names, &n));
    *root = NULL;
    for (int64_t i = 0; i < n && !*root; i++) {
        if (strcmp(names[i], metadata_name) == 0) *root = top;
        if (sal__ends_with(names[i], ".SAFE")) SAL_TRY(sal__build_text(build, root, "%s/%s", top, names[i]));
    }
done:
    return status;
}

bool sal__is_safe(sal_build *build, const char *path)
{
    const char *inside = NULL;
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    if (strcmp(sal__plain_name(path), metadata_name) == 0) return true;
    if (n > 5 && strncasecmp(path + n - 5, ".SAFE", 5) == 0) return true;
    if (sal__ends_with(path, ".zip")) {
        if (inside_zip(build, path, &inside) != SAL_STATUS_OK) sal_error_clear(build->ctx);
        return inside != NULL;
    }
    if (!sal_files_is_folder(path)) return false;
    if (sal__build_text(build, &inside, "%s/%s", path, metadata_name) != SAL_STATUS_OK) {
        sal_error_clear(build->ctx);
        return false;
    }
    return sal_files_exist(inside);
}

static sal_status find_root(sal_build *build, const char *path, sal__product *p, const char **root)
{
    sal_status status = SAL_STATUS_OK;
    const char *other;
    p->archive = "";
    if (sal__ends_with(path, ".zip")) {
        p->archive = path;
        return inside_zip(build, path, root);
    }
    if (strcmp(sal__plain_name(path), metadata_name) == 0) {
        const size_t n = strlen(path) - strlen(metadata_name);
        return sal__build_text(build, root, "%.*s", n > 0 ? (int)n - 1 : 1, n > 0 ? path : ".");
    }
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    SAL_TRY(sal__build_text(build, root, "%.*s", (int)n, path));
    if (!sal_files_is_folder(*root))
        SAL_TRY(sal_fail(build->ctx, SAL_STATUS_IO,
                         "scene \"%s\" is no folder that can be read; unpack it, or give "
                         "the zip",
                         path));
    SAL_TRY(sal__build_text(build, &other, "%s/MTD_MSIL1C.xml", *root));
    if (sal_files_exist(other))
        status = sal_fail(build->ctx, SAL_STATUS_DATA,
                          "scene \"%s\" is a Level-1C product, which is not corrected for the atmosphere; give the "
                          "Level-2A product, or make it with Sen2Cor",
                          path);
done:
    return status;
}

/* ---- what its metadata say ---- */

static sal_status fail_metadata(const sal_build *build, const sal__product *p, const char *element)
{
    return sal_fail(build->ctx, SAL_STATUS_DATA, "scene \"%s\": %s has no usable %s; download the product again",
                    p->path, metadata_name, element);
}

/* Offsets by band number, from the XML; 0 for a baseline that has none. */
static sal_status read_offsets(const sal_build *build, const sal_xml *xml, const sal__product *p,
                               double offset[NUMBERS])
{
    const sal_xml *found[NUMBERS];
    const int64_t n = sal_xml_find(xml, "BOA_ADD_OFFSET", found, NUMBERS);
    const double baseline = sal_text_number(p->baseline);
    for (int i = 0; i < NUMBERS; i++) offset[i] = n > 0 ? NAN : 0;
    for (int64_t i = 0; i < n && i < NUMBERS; i++) {
        const double band = sal_text_number(sal_xml_attribute(found[i], "band_id"));
        if (band >= 0 && band < NUMBERS) offset[(int)band] = sal_text_number(sal_xml_value(found[i]));
    }
    if (n > 0 || isfinite(build->offset) || (baseline > 0 && baseline < 4)) return SAL_STATUS_OK;
    return sal_fail(build->ctx, SAL_STATUS_DATA,
                    "scene \"%s\": its metadata hold no BOA_ADD_OFFSET and its processing baseline \"%s\" does not "
                    "tell whether there is one; set offset to -0.1 (baseline 04.00 and later) or to 0 (before)",
                    p->path, p->baseline);
}

static sal_status read_calibration(sal_build *build, const sal_xml *xml, sal__product *p)
{
    double offset[NUMBERS];
    const char *text = sal_xml_text(xml, "BOA_QUANTIFICATION_VALUE");
    if (!text) text = sal_xml_text(xml, "L2A_BOA_QUANTIFICATION_VALUE"); /* up to 2018 */
    const double quantification = sal_text_number(text);
    sal_status status = SAL_STATUS_OK;
    if (!(quantification > 0)) return fail_metadata(build, p, "BOA_QUANTIFICATION_VALUE");
    SAL_TRY(read_offsets(build, xml, p, offset));
    for (int64_t i = 0; i < WANTED; i++) {
        int k = 0;
        while (strcmp(by_number[k], wanted[i].id) != 0) k++;
        if (isnan(offset[k]) && !isfinite(build->offset))
            SAL_TRY(sal_fail(build->ctx, SAL_STATUS_DATA,
                             "scene \"%s\": %s gives no BOA_ADD_OFFSET with band_id %d, which is %s; set offset to "
                             "-0.1 (baseline 04.00 and later) or to 0 (before)",
                             p->path, metadata_name, k, wanted[i].id));
        p->bands[i] = (sal__product_band){ .id = wanted[i].id,
                                           .scale = 1 / quantification,
                                           .offset = offset[k] / quantification };
    }
    p->band_count = WANTED;
    snprintf(p->note, sizeof p->note, "processing baseline %s, offset %g, quantification %g",
             p->baseline[0] ? p->baseline : "unknown", offset[1], quantification);
done:
    return status;
}

/* NODATA and SATURATED, 0 and 65535 where the metadata do not say. */
static void read_special(const sal_xml *xml, sal__product *p)
{
    const sal_xml *found[8];
    const int64_t n = sal_xml_find(xml, "Special_Values", found, 8);
    p->invalid[0] = 0;
    p->invalid[1] = 65535;
    p->invalid_count = 2;
    for (int64_t i = 0; i < n && i < 8; i++) {
        const char *name = sal_xml_text(found[i], "SPECIAL_VALUE_TEXT");
        const double value = sal_text_number(sal_xml_text(found[i], "SPECIAL_VALUE_INDEX"));
        if (name && isfinite(value)) {
            if (strcmp(name, "NODATA") == 0) p->invalid[0] = value;
            if (strcmp(name, "SATURATED") == 0) p->invalid[1] = value;
        }
    }
}

static sal_status read_identity(sal_build *build, const sal_xml *xml, const char *root, sal__product *p)
{
    sal_status status = SAL_STATUS_OK;
    const char *baseline = sal_xml_text(xml, "PROCESSING_BASELINE"), *name = sal_xml_text(xml, "PRODUCT_URI"),
               *start = sal_xml_text(xml, "PRODUCT_START_TIME");
    char tile[16];
    if (!name) name = sal_xml_text(xml, "PRODUCT_URI_2A");
    if (!start || !sal_date_parse(start, p->date)) return fail_metadata(build, p, "PRODUCT_START_TIME");
    SAL_TRY(sal__build_text(build, &p->name, "%s", name ? name : sal__plain_name(root)));
    SAL_TRY(sal__build_text(build, &p->baseline, "%s", baseline ? baseline : ""));
    sal__tile_in_name(p->name, tile);
    SAL_TRY(sal__build_text(build, &p->tile, "%s", tile));
    p->sensor = "Sentinel-2";
    p->level = "surface";
done:
    return status;
}

/* ---- its files ---- */

static sal_status find_image(sal_build *build, const char *root, const char *const *images, int64_t n, const char *band,
                             const char *ending, const sal__product *p, const char **out)
{
    sal_status status = SAL_STATUS_OK;
    const char *found = NULL;
    for (int64_t i = 0; i < n; i++) {
        if (!sal__ends_with(images[i], ending)) continue;
        if (found)
            return sal_fail(build->ctx, SAL_STATUS_DATA,
                            "scene \"%s\" holds more than one tile (\"%s\" and \"%s\"); give products of one tile",
                            p->path, found, images[i]);
        found = images[i];
    }
    if (!found)
        return sal_fail(build->ctx, SAL_STATUS_DATA,
                        "scene \"%s\" has no band %s: %s lists no file that ends in %s; download the product again, or "
                        "give the band files that there are one by one",
                        p->path, band, metadata_name, ending);
    SAL_TRY(sal__build_text(build, out, "%s/%s.jp2", root, found));
    if (!sal_files_exist(*out))
        status = sal_fail(build->ctx, SAL_STATUS_DATA,
                          "scene \"%s\" has no band %s: the file %s.jp2 is missing; download the product again, or "
                          "give the band files that there are one by one",
                          p->path, band, found);
done:
    return status;
}

/* Paths below the product, without ending; the element has had three names. */
static sal_status find_files(sal_build *build, const sal_xml *xml, const char *root, sal__product *p)
{
    static const char *const elements[] = { "IMAGE_FILE", "IMAGE_FILE_2A", "IMAGE_ID_2A" };
    const sal_xml *found[IMAGES];
    const char *images[IMAGES];
    int64_t n = 0;
    sal_status status = SAL_STATUS_OK;
    for (int k = 0; k < 3 && n == 0; k++) {
        const int64_t count = sal_xml_find(xml, elements[k], found, IMAGES);
        for (int64_t i = 0; i < count && i < IMAGES; i++)
            if (sal_xml_value(found[i])) images[n++] = sal_xml_value(found[i]);
    }
    for (int64_t i = 0; i < p->band_count; i++)
        SAL_TRY(find_image(build, root, images, n, p->bands[i].id, wanted[i].ending, p, &p->bands[i].path));
    SAL_TRY(find_image(build, root, images, n, "SCL", "_SCL_20m", p, &p->mask));
    p->mask_kind = "SCL";
done:
    return status;
}

sal_status sal__safe_read(sal_build *build, const char *path, sal__product *product)
{
    sal_xml *xml = NULL;
    const char *root = NULL, *file;
    sal_status status;
    *product = (sal__product){ .path = path };
    SAL_TRY(find_root(build, path, product, &root));
    SAL_TRY(sal__build_text(build, &file, "%s/%s", root, metadata_name));
    if (!sal_files_exist(file))
        SAL_TRY(sal_fail(build->ctx, SAL_STATUS_DATA,
                         "scene \"%s\" has no %s, which holds the scale and offset of its bands; download the product "
                         "again, or give its band files one by one with scale and offset",
                         path, metadata_name));
    SAL_TRY(sal_xml_open(build->ctx, file, &xml));
    SAL_TRY(read_identity(build, xml, root, product));
    SAL_TRY(read_calibration(build, xml, product));
    read_special(xml, product);
    SAL_TRY(find_files(build, xml, root, product));
done:
    sal_xml_free(xml);
    return status;
}
