/* lstm.c - the input's share of all gates is one product before the loop over time, and the gradients of W and x are one product
 * each after it; inside the loop stay only the products with U. Rows are apart by steps x width in memory, which the products
 * take as their row length, so nothing is transposed. */
#include "lstm.h"

#include "gemm.h"
#include "tensor/simd.h"
#include "vector_math.h"

#include <string.h>

int64_t sal_lstm_saved_size(const sal_lstm_shape *s) { return 5 * s->rows * s->steps * s->hidden; }

/* Gate gradients of the sequence, then dh, dc and tanh(c) of one step. */
int64_t sal_lstm_scratch_size(const sal_lstm_shape *s)
{
    return 4 * s->rows * s->steps * s->hidden + 2 * s->rows * s->hidden + s->hidden;
}

/* One row, one step: gates hold the sums and receive i f g o. before is c_{t-1} or NULL. */
SAL_CLONES static void cell_forward(int64_t n, const real *gates, const real *restrict before, real *restrict c)
{
    const real *i = gates, *f = gates + n, *g = gates + 2 * n;
    for (int64_t k = 0; k < n; k++) c[k] = i[k] * g[k] + (before ? f[k] * before[k] : 0);
}

SAL_CLONES static void multiply(int64_t n, const real *restrict a, real *restrict y)
{
    for (int64_t k = 0; k < n; k++) y[k] *= a[k];
}

void sal_lstm_forward(const sal_lstm_shape *s, const real *x, const real *w, const real *u, const real *b, real *h,
                      real *saved)
{
    int64_t n = s->hidden, line = s->steps * n;
    real *gates = saved, *cells = saved + 4 * s->rows * line;
    for (int64_t r = 0; r < s->rows * s->steps; r++) memcpy(gates + r * 4 * n, b, sizeof(real) * (size_t)(4 * n));
    sal_gemm(false, false, s->rows * s->steps, 4 * n, s->inputs, 1, x, s->inputs, w, 4 * n, 1, gates, 4 * n);
    for (int64_t t = 0; t < s->steps; t++) {
        if (t > 0)
            sal_gemm(false, false, s->rows, 4 * n, n, 1, h + (t - 1) * n, line, u, 4 * n, 1, gates + t * 4 * n,
                     4 * line);
        for (int64_t r = 0; r < s->rows; r++) {
            real *gate = gates + (r * s->steps + t) * 4 * n, *c = cells + r * line + t * n, *y = h + r * line + t * n;
            sal_math_sigmoid(2 * n, gate, gate);
            sal_math_tanh(n, gate + 2 * n, gate + 2 * n);
            sal_math_sigmoid(n, gate + 3 * n, gate + 3 * n);
            cell_forward(n, gate, t > 0 ? c - n : NULL, c);
            sal_math_tanh(n, c, y);
            multiply(n, gate + 3 * n, y);
        }
    }
}

/* One row, one step backwards. dh is the gradient of h_t, dc that of c_t from step t + 1 and then of c_{t-1}; tanh_c = tanh(c_t);
 * d receives the gradients of the four sums. */
SAL_CLONES static void cell_backward(int64_t n, const real *restrict gates, const real *restrict before,
                                     const real *restrict tanh_c, const real *restrict dh, real *restrict dc,
                                     real *restrict d)
{
    const real *i = gates, *f = gates + n, *g = gates + 2 * n, *o = gates + 3 * n;
    for (int64_t k = 0; k < n; k++) {
        real to_c = dc[k] + dh[k] * o[k] * (1 - tanh_c[k] * tanh_c[k]);
        d[k] = to_c * g[k] * i[k] * (1 - i[k]);
        d[n + k] = before ? to_c * before[k] * f[k] * (1 - f[k]) : 0;
        d[2 * n + k] = to_c * i[k] * (1 - g[k] * g[k]);
        d[3 * n + k] = dh[k] * tanh_c[k] * o[k] * (1 - o[k]);
        dc[k] = to_c * f[k];
    }
}

static void gate_gradients(const sal_lstm_shape *s, const real *u, const real *saved, const real *gh, real *d, real *dh,
                           real *dc, real *tanh_c)
{
    int64_t n = s->hidden, line = s->steps * n;
    const real *cells = saved + 4 * s->rows * line;
    memset(dc, 0, sizeof(real) * (size_t)(s->rows * n));
    for (int64_t t = s->steps - 1; t >= 0; t--) {
        for (int64_t r = 0; r < s->rows; r++) memcpy(dh + r * n, gh + r * line + t * n, sizeof(real) * (size_t)n);
        if (t < s->steps - 1)
            sal_gemm(false, true, s->rows, n, 4 * n, 1, d + (t + 1) * 4 * n, 4 * line, u, 4 * n, 1, dh, n);
        for (int64_t r = 0; r < s->rows; r++) {
            const real *c = cells + r * line + t * n;
            sal_math_tanh(n, c, tanh_c);
            cell_backward(n, saved + (r * s->steps + t) * 4 * n, t > 0 ? c - n : NULL, tanh_c, dh + r * n, dc + r * n,
                          d + (r * s->steps + t) * 4 * n);
        }
    }
}

void sal_lstm_backward(const sal_lstm_shape *s, const real *x, const real *w, const real *u, const real *h,
                       const real *saved, const real *gh, real *gx, real *gw, real *gu, real *gb, real *scratch)
{
    int64_t n = s->hidden, line = s->steps * n, all = s->rows * s->steps;
    real *d = scratch, *dh = d + 4 * s->rows * line, *dc = dh + s->rows * n;
    gate_gradients(s, u, saved, gh, d, dh, dc, dc + s->rows * n);
    if (gx) sal_gemm(false, true, all, s->inputs, 4 * n, 1, d, 4 * n, w, 4 * n, 0, gx, s->inputs);
    sal_gemm(true, false, s->inputs, 4 * n, all, 1, x, s->inputs, d, 4 * n, 0, gw, 4 * n);
    memset(gu, 0, sizeof(real) * (size_t)(4 * n * n));
    for (int64_t r = 0; r < s->rows && s->steps > 1; r++)
        sal_gemm(true, false, n, 4 * n, s->steps - 1, 1, h + r * line, n, d + r * 4 * line + 4 * n, 4 * n, 1, gu,
                 4 * n);
    memset(gb, 0, sizeof(real) * (size_t)(4 * n));
    for (int64_t r = 0; r < all; r++)
        for (int64_t k = 0; k < 4 * n; k++) gb[k] += d[r * 4 * n + k];
}
