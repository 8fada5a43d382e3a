/* reduce.h - sums over a row in vector lanes: one order of additions for every instruction set, so bits do not depend on the processor's
 * register width. For use inside SAL_CLONES functions.
 */
#ifndef SAL_GRAPH_OPS_REDUCE_H
#define SAL_GRAPH_OPS_REDUCE_H

#include "tensor/simd.h"
#include <stdint.h>

#define SAL_INLINE static inline __attribute__((always_inline))

SAL_INLINE real sal__lanes_sum(const sal_vec *lanes)
{
    const sal_vec p = *lanes;
    real s[(int)SAL_LANES / 2];
    for (int k = 0; k < (int)SAL_LANES / 2; k++) s[k] = p[k] + p[k + (int)SAL_LANES / 2];
    for (int half = (int)SAL_LANES / 4; half > 0; half /= 2) {
        for (int k = 0; k < half; k++) s[k] += s[k + half];
    }
    return s[0];
}

/* sum x_i */
SAL_INLINE real sal__row_sum(const real *x, int64_t n)
{
    sal_vec v = { 0 };
    int64_t i = 0;
    for (; i + SAL_LANES <= n; i += SAL_LANES) v += SAL_LOAD(x + i);
    real s = sal__lanes_sum(&v);
    for (; i < n; i++) s += x[i];
    return s;
}

/* sum (x_i - a)^2 */
SAL_INLINE real sal__row_squares(const real *x, int64_t n, real a)
{
    sal_vec v = { 0 };
    int64_t i = 0;
    for (; i + SAL_LANES <= n; i += SAL_LANES) {
        sal_vec e = SAL_LOAD(x + i) - a;
        v += e * e;
    }
    real s = sal__lanes_sum(&v);
    for (; i < n; i++) s += (x[i] - a) * (x[i] - a);
    return s;
}

/* sum x_i y_i */
SAL_INLINE real sal__row_dot(const real *x, const real *y, int64_t n)
{
    sal_vec v = { 0 };
    int64_t i = 0;
    for (; i + SAL_LANES <= n; i += SAL_LANES) v += SAL_LOAD(x + i) * SAL_LOAD(y + i);
    real s = sal__lanes_sum(&v);
    for (; i < n; i++) s += x[i] * y[i];
    return s;
}

#endif
