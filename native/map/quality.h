/* quality.h - what a reader of the map should know about a pixel: a sum of flags, one number per pixel.
 *
 * The map has a value wherever there are bands; these flags say where the network saw less, or other things, than it was trained on.
 */
#ifndef SAL_MAP_QUALITY_H
#define SAL_MAP_QUALITY_H

#include "train/model_file.h"

enum {
    SAL_QUALITY_EDGE = 1,    /* the window reaches beyond the raster, where it is a mirror image */
    SAL_QUALITY_MISSING = 2, /* a value is missing in the part of the window inside the raster, or an index of the pixel cannot be computed */
    SAL_QUALITY_RANGE = 4,   /* a covariate of the pixel lies outside the range of the training samples */
    SAL_QUALITY_OUTSIDE = 8  /* the pixel lies outside the area of applicability: its dissimilarity index is above the threshold of the model */
};

/* Where a tile lies in its raster. */
typedef struct sal_quality_place {
    int64_t row, column, rows, columns, raster_rows, raster_columns, halo;
} sal_quality_place;

/* quality: (rows, columns), written. EDGE and MISSING from the environment of a tile, (rows + 2 halo, stride, n) with NaN where missing; what
 * lies outside the raster is not looked at. Running sums, so that the cost does not depend on the window. scratch: sal_quality_scratch bytes. Any thread. */
void sal_quality_windows(const sal_quality_place *place, const float *environment, int64_t stride, int64_t n, void *scratch, float *quality);
int64_t sal_quality_scratch(int64_t rows, int64_t columns, int64_t halo);

/* Adds RANGE to the pixels of one row where a value (pixels, n) lies outside the training range of its covariate by more than a hundred-thousandth
 * of that range, and with `missing` MISSING where one is NaN. */
void sal_quality_pixels(const sal_model_covariate *const *covariates, int64_t n, bool missing, const float *values, int64_t pixels, float *quality);

#endif
