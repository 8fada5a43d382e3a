/* gemm.c - sal_gemm: OpenBLAS for float, plain C for double, and the count of users of OpenBLAS's thread number.
 * OpenBLAS 0.3.21 has no per-thread setting and its sums depend on the number of threads, hence the guard. */
#include "gemm.h"

#include "gemm_small.h"

#ifndef SAL_DOUBLE
#include <cblas.h>
#endif
#include <pthread.h>

static pthread_mutex_t users_lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t users;
#ifndef SAL_DOUBLE
static int saved_threads;
#endif

void sal_kernels_enter(sal_context *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&users_lock);
#ifndef SAL_DOUBLE
    if (users == 0) {
        saved_threads = openblas_get_num_threads();
        openblas_set_num_threads(1);
    }
#endif
    users++;
    pthread_mutex_unlock(&users_lock);
}

void sal_kernels_leave(void)
{
    pthread_mutex_lock(&users_lock);
    users--;
#ifndef SAL_DOUBLE
    if (users == 0) openblas_set_num_threads(saved_threads);
#endif
    pthread_mutex_unlock(&users_lock);
}

void sal_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, real alpha, const real *a,
              int64_t lda, const real *b, int64_t ldb, real beta, real *c, int64_t ldc)
{
    if (m <= 0 || n <= 0) return;
#ifdef SAL_DOUBLE
    sal__gemm_plain(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
#else
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans,
                (blasint)m, (blasint)n, (blasint)k, alpha, a, (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
#endif
}
