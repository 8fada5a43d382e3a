/* pool.h - maximum and average over windows of channels-last images, and their gradients.
 *
 * x is (images, rows, cols, channels), y is (images, out_rows, out_cols, channels). Calls run in the calling thread alone, from
 * any thread, and allocate nothing. Outputs are overwritten.
 */
#ifndef SAL_KERNELS_POOL_H
#define SAL_KERNELS_POOL_H

#include "base/base.h"
#include "tensor/real.h"

typedef struct sal_pool_shape {
    int64_t rows, cols, channels;
    int64_t kernel_rows, kernel_cols, stride_rows, stride_cols;
    int64_t pad_top, pad_left, pad_bottom, pad_right; /* less than the kernel */
    bool count_padding; /* average: divide by the whole kernel (as PyTorch does by default) or by the pixels inside */
} sal_pool_shape;

/* Output size; <= 0 where the window does not fit. */
void sal_pool_output_size(const sal_pool_shape *shape, int64_t *rows, int64_t *cols);

/* Largest value inside each window; the first of equal ones; NaN if there is one. argmax, as large as y, receives row * cols + col
 * of that pixel in its image; it may be NULL where no gradient follows. */
void sal_pool_max_forward(const sal_pool_shape *shape, int64_t images, const real *x, real *y, int32_t *argmax);
void sal_pool_max_backward(const sal_pool_shape *shape, int64_t images, const real *gy, const int32_t *argmax,
                           real *gx);

void sal_pool_average_forward(const sal_pool_shape *shape, int64_t images, const real *x, real *y);
void sal_pool_average_backward(const sal_pool_shape *shape, int64_t images, const real *gy, real *gx);

#endif
