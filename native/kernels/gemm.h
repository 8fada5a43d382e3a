/* gemm.h - matrix products of the engine, and the guard that makes the libraries beneath them single-threaded.
 *
 * Every call runs in the calling thread alone and may be made from several threads at once; the same input gives the same
 * bits whatever the number of threads around it.
 */
#ifndef SAL_KERNELS_GEMM_H
#define SAL_KERNELS_GEMM_H

#include "base/base.h"
#include "tensor/real.h"

/* C = alpha op(A) op(B) + beta C, row-major: op(A) is (m, k), op(B) is (k, n), C is (m, n); op transposes where asked, and
 * lda, ldb, ldc are the row lengths of the arrays as they lie in memory. C is not read when beta is 0. Float: OpenBLAS, or own
 * kernels where the product is small; double: plain C, so that gradient checks do not rest on the code they check. */
void sal_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, real alpha, const real *a,
              int64_t lda, const real *b, int64_t ldb, real beta, real *c, int64_t ldc);

/* Between enter and leave OpenBLAS uses the calling thread only. Its thread count is one number for the whole process (and its
 * results depend on it), so the pair counts its users: the first enter saves the number, the last leave puts it back, which
 * matters to a host such as QGIS with numpy. Call enter once around a run (training, mapping), not around each kernel. Any
 * thread. */
void sal_kernels_enter(sal_context *ctx);
void sal_kernels_leave(void);

#endif
