/* gemm_small.h - the plain C matrix product (private to kernels). */
#ifndef SAL_KERNELS_GEMM_SMALL_H
#define SAL_KERNELS_GEMM_SMALL_H

#include "base/base.h"
#include "tensor/real.h"

/* As sal_gemm, in blocked plain C. */
void sal__gemm_plain(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, real alpha, const real *a,
                     int64_t lda, const real *b, int64_t ldb, real beta, real *c, int64_t ldc);

#endif
