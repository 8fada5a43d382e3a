/* transpose.h - matrices on their side: between pixels with their channels and channels with their pixels. */
#ifndef SAL_KERNELS_TRANSPOSE_H
#define SAL_KERNELS_TRANSPOSE_H

#include "base/base.h"
#include "tensor/real.h"

/* `count` matrices: to[c to_stride + r] = from[r from_stride + c], r < rows, c < columns, each from_step and to_step after the one before; nothing else of
 * `to` is written. They must not overlap. */
typedef struct sal_transposition {
    int64_t rows, columns, from_stride, to_stride;
    int64_t count, from_step, to_step;
} sal_transposition;
void sal_transpose_planes(const sal_transposition *t, const real *from, real *to);

#endif
