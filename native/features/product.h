/* product.h - a scene as its agency delivers it: a folder or an archive with a file a band and the numbers that turn
 * stored values into reflectance. One reader for each agency (safe.c, landsat.c); scenes.c takes what they find.
 */
#ifndef SAL_FEATURES_PRODUCT_H
#define SAL_FEATURES_PRODUCT_H

#include "data/files.h"
#include "features/stack_build.h"

enum { SAL__PRODUCT_BANDS = 16 };

typedef struct sal__product_band {
    const char *id, *path; /* id as in sensors.def */
    double scale, offset;  /* reflectance = stored * scale + offset */
} sal__product_band;

/* Texts are owned by the arena of the build. */
typedef struct sal__product {
    const char *path;    /* as the user gave it */
    const char *name;    /* as the agency calls it */
    const char *archive; /* the file to hash in place of its members; "" for a folder */
    const char *sensor, *tile, *baseline;
    char date[11];
    const char *level; /* "surface", "top of atmosphere", "" when not known */
    sal__product_band bands[SAL__PRODUCT_BANDS];
    int64_t band_count;
    double invalid[SAL_SOURCE_INVALID]; /* stored values that are no measurement */
    int64_t invalid_count;
    const char *mask, *mask_kind; /* file and row of masks.def; "" when there is none */
    char note[160];               /* what to know of its numbers, for the log and the stack */
} sal__product;

/* Whether a path is such a product: the folder, the archive, or its metadata file. Cheap; false for what is not there. */
bool sal__is_safe(sal_build *build, const char *path);
/* Reads its metadata and finds its files. DATA in one sentence when something is missing. */
sal_status sal__safe_read(sal_build *build, const char *path, sal__product *product);

/* Which agency's product a path is, -1 for none; sal_scene.agency. (scene_list.c) */
int sal__product_agency(sal_build *build, const char *path);
/* The rasters of a folder by their endings, owned by the arena of the build. DATA when there is none. (scene_list.c) */
sal_status sal__folder_rasters(sal_build *build, const char *path, const char *const **paths, int64_t *n);
/* Reads the metadata of a scene that is a product. (scene_list.c) */
sal_status sal__product_read(sal_build *build, const sal_scene *scene, sal__product *product);
/* Adds the bands and the mask of a product, with the user's scale and offset where given. DATA when it does not belong
 * to what the build already holds: another day, another sensor, the same tile again. (products.c) */
sal_status sal__build_add_product(sal_build *build, const sal__product *product);
/* Landsat 4-9 Collection 2: Level 2, or Level 1 with its MTL file. (landsat.c) */
bool sal__is_landsat(sal_build *build, const char *path);
sal_status sal__landsat_read(sal_build *build, const char *path, sal__product *product);

/* Whether a text ends so, without regard to case; the part of a path behind the last slash. (products.c) */
bool sal__ends_with(const char *text, const char *ending);
const char *sal__plain_name(const char *path);
/* Adds what the sources from first[0] and the patches from first[1] on came from to build->scenes. (products.c) */
sal_status sal__build_describe(sal_build *build, const sal__product *product, const int64_t first[2]);
/* Text by printf rules in the arena of the build. */
sal_status sal__build_text(sal_build *build, const char **out, const char *format, ...) SAL_PRINTF(3, 4);

#endif
