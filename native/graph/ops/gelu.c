/* gelu.c - y = x Phi(x) with Phi the standard normal distribution (Hendrycks and Gimpel 2016, arXiv:1606.08415), the exact form, not
 * the tanh approximation; y' = Phi(x) + x phi(x).
 */
#include "graph/ops/unary.h"

enum { BLOCK = 256 };

static void gelu_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sal_math_gelu(hi - lo, sal__in(r, n, 0) + lo, sal__out(r, n) + lo);
}

static void gelu_eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const real *gy = sal__in(r, n, 0), *x = sal__in(r, n, 1);
    real *gx = sal__out(r, n), slope[BLOCK]; /* apart from gx, which may be gy */
    for (int64_t from = lo; from < hi; from += BLOCK) {
        int64_t count = hi - from < BLOCK ? hi - from : BLOCK;
        sal_math_gelu_slope(count, x + from, slope);
        for (int64_t i = 0; i < count; i++) gx[from + i] = gy[from + i] * slope[i];
    }
}

SAL_UNARY_OP(gelu, SAL_OP_INPLACE, 12, SAL_SAVES_X)
