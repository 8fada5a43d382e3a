/* linear.c - Gram matrices by dsyrk, systems by Cholesky (dposv). */
#include "linear.h"
#include <cblas.h>
#include <lapacke.h>

void sal_linear_gram(bool columns, int64_t n, int64_t p, const double *x, double *gram)
{
    int64_t m = columns ? p : n, k = columns ? n : p;
    cblas_dsyrk(CblasRowMajor, CblasLower, columns ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)k, 1, x, (blasint)p, 0, gram, (blasint)m);
}

sal_status sal_linear_solve(sal_context *ctx, int64_t m, double *a, double *b)
{
    int info = (int)LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', (lapack_int)m, 1, a, (lapack_int)m, b, 1);
    if (info == 0) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_DATA, "a system of %lld equations is not positive definite (LAPACK dposv: %d); leave out covariates that repeat each other or hold no finite values", (long long)m, info);
}
