/* conv_direct.h - what the vector kernels of the direct convolution are given (private to kernels). Sizes are in reals. */
#ifndef SAL_KERNELS_CONV_DIRECT_H
#define SAL_KERNELS_CONV_DIRECT_H

#include "base/base.h"
#include "tensor/real.h"

/* Correlation of one block of output channels of one group over a rectangle of output pixels:
 * y[r, c, o] = bias[o] + sum over taps t and channels k < in of x[r x_row + c x_col + taps[t] + k] w[t, k, o]. */
typedef struct sal__direct_area {
    int64_t rows, cols, in, tap_count;
    const int64_t *taps;
    const real *x, *w, *bias; /* bias may be NULL */
    real *y;
    int64_t x_row, x_col, y_row, y_col;
} sal__direct_area;

/* The weight gradient of one block of output channels of one group, added to gw over a rectangle of output pixels:
 * gw[t, k, o] += sum over r, c of x[r x_row + c x_col + taps[t] + k] gy[r y_row + c y_col + o]. */
typedef struct sal__direct_weights {
    int64_t rows, cols, in, tap_count, kernel_cols;
    const int64_t *taps;
    const real *x, *gy;
    real *gw;
    int64_t x_row, x_col, y_row, y_col;
    int64_t gw_row;  /* from one (t, k) to the next */
    int64_t tap_col; /* taps[t + 1] - taps[t] within a kernel row */
} sal__direct_weights;

/* The kernels of one instruction set: [0] for blocks of 8 output channels, [1] for blocks of 16. `in` is 1 or a multiple of 8; with
 * in 1 the gradient wants kernel_cols 3 or 5. */
typedef struct sal__direct_kernels {
    void (*correlate[2])(const sal__direct_area *a);
    void (*gradient[2])(const sal__direct_weights *a);
} sal__direct_kernels;

/* NULL where this build or this processor has none. */
const sal__direct_kernels *sal__direct_avx512(void);
const sal__direct_kernels *sal__direct_avx2(void);

#endif
