/* linear.h - small dense linear algebra in double, on OpenBLAS and LAPACK. Between sal_kernels_enter and sal_kernels_leave (gemm.h).
 */
#ifndef SAL_KERNELS_LINEAR_H
#define SAL_KERNELS_LINEAR_H

#include "base/base.h"

/* gram (m, m) symmetric, lower triangle filled: x'x with m = p when `columns`, else x x' with m = n; x (n, p) row by row. */
void sal_linear_gram(bool columns, int64_t n, int64_t p, const double *x, double *gram);
/* b (m) <- a^-1 b for a symmetric positive definite a (m, m), of which the lower triangle is read and overwritten. DATA when it is not
 * positive definite. */
sal_status sal_linear_solve(sal_context *ctx, int64_t m, double *a, double *b);

#endif
