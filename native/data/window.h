/* window.h - the eight symmetries of a square window, for augmentation. No covariate is a vector, so nothing but the
 * pixels is turned.
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

#endif
