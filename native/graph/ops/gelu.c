/* gelu.c - y = x Phi(x) with Phi the standard normal distribution (Hendrycks and Gimpel 2016, arXiv:1606.08415), the exact form
 * with erf, not the tanh approximation; y' = Phi(x) + x phi(x).
 */
#include "graph/ops/unary.h"

static inline real normal_cdf(real x) { return (real)0.5 * (1 + r_erf(x * (real)0.70710678118654752440)); }
static inline real normal_pdf(real x) { return (real)0.39894228040143267794 * r_exp((real)-0.5 * x * x); }

SAL_UNARY(gelu, SAL_OP_INPLACE, 30, x *normal_cdf(x), SAL_SAVES_X, normal_cdf(v) + v * normal_pdf(v))
