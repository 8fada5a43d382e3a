/* window.h - windows of covariates: the eight symmetries of a square window, for augmentation (no covariate is a vector,
 * so nothing but the pixels is turned), and what a window sees beyond the edge of its raster: the mirror image of the
 * inside, in training and in the map alike.
 */
#ifndef SAL_DATA_WINDOW_H
#define SAL_DATA_WINDOW_H

#include <stdint.h>

#define SAL_WINDOW_SYMMETRIES 8

/* Writes symmetry 0..7 of `in` (size, size, channels) to `out`, another buffer of that shape. 0 is the identity; bit 0
 * mirrors columns, bit 1 mirrors rows, bit 2 then exchanges rows and columns. Cannot fail; any thread. */
void sal_window_symmetry(const float *in, int64_t size, int64_t channels, int32_t symmetry, float *out);
/* The symmetry that undoes another. */
int32_t sal_window_symmetry_inverse(int32_t symmetry);

/* Which pixel of a row (or column) of n >= 1 pixels stands for pixel i: itself inside, outside its mirror image at the
 * outer pixel, which is not repeated (-1 -> 1, n -> n - 2; NumPy's "reflect"), as often as it takes to come inside. */
int64_t sal_window_mirror(int64_t i, int64_t n);

/* Where a window lies in its raster; row and column may be negative. */
typedef struct sal_window_place {
    int64_t row, column, rows, columns, raster_rows, raster_columns;
} sal_window_place;

/* Gives every pixel of a window outside the raster the value of its mirror image, missing where that is missing.
 * values: (rows, stride, channels), stride >= columns in pixels; the pixels inside are read, those outside written, the
 * rest of a row is left alone. The window surrounds pixels of the raster, as far on every side: then it holds every
 * image. Cannot fail; any thread. */
void sal_window_reflect(const sal_window_place *place, float *values, int64_t stride, int64_t channels);

#endif
