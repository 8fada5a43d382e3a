/* masks.h - dropping what is no clear view of the ground: classes of a scene's own quality band (masks.def), with a
 * buffer, and pixels outside an area the user gives.
 */
#ifndef SAL_FEATURES_MASKS_H
#define SAL_FEATURES_MASKS_H

#include "features/stack_build.h"

/* The kind of mask that a band or file name says ("SCL", "QA_PIXEL", "Fmask"), NULL when none. */
const char *sal__mask_kind(const char *name);
/* The kind of a mask that is no quality band. */
extern const char sal__mask_area[];
/* Name of the i-th class that a mask drops, NULL behind the last; how far around it looks, in pixels. */
const char *sal__mask_dropped(const sal_mask *mask, int64_t i);
int64_t sal__mask_margin(const sal_build *build, const sal_mask *mask);
/* Adds a mask by the words in build->mask_classes; nothing when they say none. ARGUMENT when a word is no class of the
 * kind. It drops what comes from `tile`, -1 for all of them. `kind` "area" keeps what is neither 0 nor nodata and takes no words. */
sal_status sal__mask_add(sal_build *build, int64_t tile, const char *kind, const char *path, int64_t band, const char *archive);
/* Opens the masks on the grid: nearest neighbour, since classes have no mean. */
sal_status sal__masks_place(sal_build *build);

/* Memory that applying needs for blocks of edge x edge pixels; NULL scratch where there is no mask. */
int64_t sal__masks_bytes(const sal_build *build, int64_t edge);
sal_status sal__masks_scratch(sal_build *build, int64_t edge, void *out);
/* Makes every reflectance of the pixels that the masks of `tile` drop NaN and counts. block: (rows, columns, bands), sources first. */
sal_status sal__masks_apply(sal_build *build, int64_t tile, int64_t column, int64_t row, int64_t columns, int64_t rows,
                            void *scratch, float *block, int64_t bands);
/* ---- what became of it (mask_report.c) ---- */

/* Whether the quality bands left no pixel with a value. */
bool sal__masks_took_all(const sal_build *build);
/* DATA when a mask took every pixel. */
sal_status sal__masks_check(const sal_build *build);
/* [{"kind", "file", "dropped": ["cloud" ...], "buffer", "share"}]; NULL when out of memory. */
json_object *sal__masks_json(const sal_build *build);
/* Share of the pixels with a value that quality bands took; NaN when there is none. */
double sal__masks_cloud_share(const sal_build *build);

#endif
