/* vector_math.h - functions of every element of an array, vectorised in float, libm in double.
 *
 * y may be x itself, not overlap otherwise. Any thread. An element's result depends on its value alone, not on its place or on
 * the array's length. Float errors are relative, against the exact value, over all finite x where no other range is given;
 * results below the smallest normal float become 0. NaN gives NaN.
 */
#ifndef SAL_KERNELS_VECTOR_MATH_H
#define SAL_KERNELS_VECTOR_MATH_H

#include "base/base.h"
#include "tensor/real.h"

void sal_math_exp(int64_t n, const real *x, real *y); /* 3e-7 */
void sal_math_expm1(int64_t n, const real *x, real *y); /* exp(x) - 1, 4e-7 */
void sal_math_log(int64_t n, const real *x,
                  real *y); /* 3e-7 (absolute where |ln x| < 1); -inf at 0, NaN below; normal x */
void sal_math_log1p(int64_t n, const real *x, real *y);   /* 3e-7 */
void sal_math_sigmoid(int64_t n, const real *x, real *y); /* 1 / (1 + e^-x), 4e-7 */
/* log(1 + e^x) without overflow, 5e-7 (absolute where it is below 1). */
void sal_math_softplus(int64_t n, const real *x, real *y);
void sal_math_tanh(int64_t n, const real *x, real *y);    /* 4e-7 */
/* x Phi(x), Phi the normal distribution function: GELU in its exact form (Hendrycks and Gimpel 2016), 5e-6 for x > -5 (1e-6 above -1). */
void sal_math_gelu(int64_t n, const real *x, real *y);
/* Its derivative, Phi(x) + x phi(x); absolute error 4e-7. */
void sal_math_gelu_slope(int64_t n, const real *x, real *y);

#endif
