/* lanes.c - see lanes.h. Products and sums are contracted to FMA in this file (a compile option), which all its kernels share.
 *
 * dense keeps a tile of outputs x 2 or 3 vectors of samples in registers: 8 outputs with 32 vector registers (AVX-512), 2 with 16, where a
 * vector of 64 bytes takes two. Every load of x serves 8 outputs and every broadcast weight all vectors of the tile.
 */
#include "lanes_private.h"
#include "transpose.h"

#include <math.h>

/* ---- dense ---- */

typedef struct dense {
    int64_t n, in, out;
    const real *x, *w, *b;
    sal_lanes_after after;
    real *y;
} dense;

enum { ADD_NOTHING, ADD_NUMBERS, ADD_SAMPLES };

/* y of one sum: what follows the layer is known when the tile is compiled, scale and shift come together. */
INLINE void dense_store(const dense *d, int64_t o, int64_t s, const sal_vec *sum, const bool scaled, const bool relu, const int add)
{
    const sal_vec zero = { 0 };
    sal_vec y = *sum;
    if (scaled) y = y * d->after.scale[o] + d->after.shift[o];
    if (relu) y = SAL_WHERE(y > zero, y);
    if (add == ADD_NUMBERS) y += zero + d->after.add[o];
    if (add == ADD_SAMPLES) y += SAL_LOAD(d->after.add + o * d->n + s);
    SAL_STORE(d->y + o * d->n + s, y);
}

INLINE void dense_end(const dense *d, int64_t s, int64_t o, sal_vec (*sum)[3], const int outputs, const int vectors, const bool scaled, const bool relu, const int add)
{
    SAL_UNROLL
    for (int j = 0; j < outputs; j++) {
        SAL_UNROLL
        for (int v = 0; v < vectors; v++) dense_store(d, o + j, s + v * SAL_LANES, &sum[j][v], scaled, relu, add);
    }
}

INLINE void dense_tile(const dense *d, int64_t s, int64_t o, const int outputs, const int vectors, const bool scaled, const bool relu)
{
    const real *x = d->x + s, *w = d->w + o;
    const sal_vec zero = { 0 };
    sal_vec sum[8][3];
    SAL_UNROLL
    for (int j = 0; j < outputs; j++) {
        SAL_UNROLL
        for (int v = 0; v < vectors; v++) sum[j][v] = zero + (d->b ? d->b[o + j] : 0);
    }
    for (int64_t i = 0; i < d->in; i++, x += d->n, w += d->out) {
        sal_vec at[3];
        SAL_UNROLL
        for (int v = 0; v < vectors; v++) at[v] = SAL_LOAD(x + v * SAL_LANES);
        SAL_UNROLL
        for (int j = 0; j < outputs; j++) {
            SAL_UNROLL
            for (int v = 0; v < vectors; v++) sum[j][v] += at[v] * w[j];
        }
    }
    if (!d->after.add) dense_end(d, s, o, sum, outputs, vectors, scaled, relu, ADD_NOTHING);
    else if (d->after.add_samples) dense_end(d, s, o, sum, outputs, vectors, scaled, relu, ADD_SAMPLES);
    else dense_end(d, s, o, sum, outputs, vectors, scaled, relu, ADD_NUMBERS);
}

INLINE void dense_columns(const dense *d, int64_t s, const int tile, const int vectors, const bool scaled, const bool relu)
{
    int64_t o = 0;
    for (; o + tile <= d->out; o += tile) dense_tile(d, s, o, tile, vectors, scaled, relu);
    if (tile > 4 && o + 4 <= d->out) {
        dense_tile(d, s, o, 4, vectors, scaled, relu);
        o += 4;
    }
    for (; o + 2 <= d->out; o += 2) dense_tile(d, s, o, 2, vectors, scaled, relu);
    if (o < d->out) dense_tile(d, s, o, 1, vectors, scaled, relu);
}

INLINE void dense_with(const dense *d, const int tile, const bool scaled, const bool relu)
{
    int64_t s = 0;
    for (; s + 3 * SAL_LANES <= d->n; s += 3 * SAL_LANES) dense_columns(d, s, tile, 3, scaled, relu);
    for (; s < d->n; s += SAL_LANES) dense_columns(d, s, tile, 1, scaled, relu);
}

#define DENSE_OF(tile, name, scaled, relu)                                                                                                                             \
    SAL_CLONES static void dense_##tile##_##name(const dense *d) { dense_with(d, tile, scaled, relu); }

DENSE_OF(8, plain, false, false)
DENSE_OF(8, relu, false, true)
DENSE_OF(8, scaled, true, false)
DENSE_OF(8, scaled_relu, true, true)
DENSE_OF(2, plain, false, false)
DENSE_OF(2, relu, false, true)
DENSE_OF(2, scaled, true, false)
DENSE_OF(2, scaled_relu, true, true)

void sal_lanes_dense(int64_t n, int64_t in, int64_t out, const real *x, const real *w, const real *b, const sal_lanes_after *after, real *y)
{
    static void (*const ways[2][4])(const dense *) = { { dense_2_plain, dense_2_relu, dense_2_scaled, dense_2_scaled_relu },
                                                       { dense_8_plain, dense_8_relu, dense_8_scaled, dense_8_scaled_relu } };
    dense d = { n, in, out, x, w, b, { 0 }, y };
    if (after) d.after = *after;
    ways[sal__has_32_registers()][(d.after.scale ? 2 : 0) + (d.after.relu ? 1 : 0)](&d);
}

/* ---- pooling of windows ---- */

INLINE void pool_tile(int64_t n, int64_t cells, int64_t channels, int64_t x_stride, const real *const *x, int64_t j, int64_t s, const real *weights, const real *gate,
                      real *y, const int pools, const int tile)
{
    sal_vec sum[2][8], weight[2];
    SAL_UNROLL
    for (int p = 0; p < pools; p++) {
        SAL_UNROLL
        for (int i = 0; i < tile; i++) sum[p][i] = (sal_vec){ 0 };
    }
    for (int64_t k = 0; k < cells; k++) {
        const real *from = x[k] + j * x_stride + s;
        SAL_UNROLL
        for (int p = 0; p < pools; p++) weight[p] = SAL_LOAD(weights + (p * cells + k) * n + s);
        SAL_UNROLL
        for (int i = 0; i < tile; i++) {
            sal_vec v = *(const volatile sal_vec *)(from + i * x_stride); /* volatile: or gcc 12 loads it once for every pool */
            SAL_UNROLL
            for (int p = 0; p < pools; p++) sum[p][i] += weight[p] * v;
        }
    }
    SAL_UNROLL
    for (int p = 0; p < pools; p++) {
        SAL_UNROLL
        for (int i = 0; i < tile; i++) SAL_STORE(y + (p * channels + j + i) * n + s, sum[p][i] * SAL_LOAD(gate + s));
    }
}

INLINE void pool_with(int64_t n, int64_t cells, int64_t channels, int64_t x_stride, const real *const *x, const real *weights, const real *gate, real *y, const int pools,
                      const int tile)
{
    int64_t j = 0;
    for (; j + tile <= channels; j += tile) {
        for (int64_t s = 0; s < n; s += SAL_LANES) pool_tile(n, cells, channels, x_stride, x, j, s, weights, gate, y, pools, tile);
    }
    for (; j < channels; j++) {
        for (int64_t s = 0; s < n; s += SAL_LANES) pool_tile(n, cells, channels, x_stride, x, j, s, weights, gate, y, pools, 1);
    }
}

#define POOL_OF(pools, tile)                                                                                                                                           \
    SAL_CLONES static void pool_##pools##_##tile(int64_t n, int64_t cells, int64_t channels, int64_t x_stride, const real *const *x, const real *weights, const real *gate, real *y) \
    {                                                                                                                                                                  \
        pool_with(n, cells, channels, x_stride, x, weights, gate, y, pools, tile);                                                                                     \
    }

POOL_OF(1, 8)
POOL_OF(2, 8)
POOL_OF(1, 4)
POOL_OF(2, 4)

void sal_lanes_pool(int64_t n, int64_t cells, int64_t pools, int64_t channels, int64_t x_stride, const real *const *x, const real *weights, const real *gate, real *y)
{
    if (pools == 2) (sal__has_32_registers() ? pool_2_8 : pool_2_4)(n, cells, channels, x_stride, x, weights, gate, y);
    else (sal__has_32_registers() ? pool_1_8 : pool_1_4)(n, cells, channels, x_stride, x, weights, gate, y);
}

/* ---- normalisation ---- */

/* 1 / sqrt(x) */
INLINE void inverse_root(sal_vec *x)
{
    for (int k = 0; k < (int)SAL_LANES; k++) (*x)[k] = 1 / (sizeof(real) == sizeof(float) ? (real)sqrtf((float)(*x)[k]) : (real)sqrt((double)(*x)[k]));
}

INLINE void keep_larger(sal_vec *top, const sal_vec *x)
{
    sal_mask larger = (sal_mask)(*x > *top);
    *top = (sal_vec)(((sal_mask)*x & larger) | ((sal_mask)*top & ~larger));
}

/* 16 features in registers: read once. */
SAL_CLONES static void layer_norm_16(int64_t n, const real *x, const real *gamma, const real *beta, real eps, real *y)
{
    enum { ROWS = 16 };
    for (int64_t s = 0; s < n; s += SAL_LANES) {
        sal_vec h[ROWS], sum, squares = { 0 };
        for (int k = 0; k < ROWS; k++) h[k] = SAL_LOAD(x + k * n + s);
        sum = h[0];
        for (int k = 1; k < ROWS; k++) sum += h[k];
        sum /= (real)ROWS;
        for (int k = 0; k < ROWS; k++) {
            h[k] -= sum;
            squares += h[k] * h[k];
        }
        sal_vec inverse = squares / (real)ROWS + eps;
        inverse_root(&inverse);
        for (int k = 0; k < ROWS; k++) SAL_STORE(y + k * n + s, h[k] * inverse * gamma[k] + beta[k]);
    }
}

SAL_CLONES static void layer_norm(int64_t n, int64_t rows, const real *x, const real *gamma, const real *beta, real eps, real *y)
{
    for (int64_t s = 0; s < n; s += SAL_LANES) {
        sal_vec sum = { 0 }, squares = { 0 };
        for (int64_t k = 0; k < rows; k++) sum += SAL_LOAD(x + k * n + s);
        sal_vec mean = sum / (real)rows;
        for (int64_t k = 0; k < rows; k++) {
            sal_vec e = SAL_LOAD(x + k * n + s) - mean;
            squares += e * e;
        }
        sal_vec inverse = squares / (real)rows + eps;
        inverse_root(&inverse);
        for (int64_t k = 0; k < rows; k++) {
            sal_vec h = (SAL_LOAD(x + k * n + s) - mean) * inverse;
            if (gamma) h = h * gamma[k] + beta[k];
            SAL_STORE(y + k * n + s, h);
        }
    }
}

void sal_lanes_layer_norm(int64_t n, int64_t rows, const real *x, const real *gamma, const real *beta, real eps, real *y)
{
    if (rows == 16 && gamma) layer_norm_16(n, x, gamma, beta, eps, y);
    else layer_norm(n, rows, x, gamma, beta, eps, y);
}

SAL_CLONES static void line(int64_t n, int64_t groups, int64_t c, const real *x, const real *a, const real *b, bool relu, real *y)
{
    const sal_vec zero = { 0 };
    for (int64_t g = 0; g < groups; g++) {
        for (int64_t k = 0; k < c; k++, x += n, y += n) {
            for (int64_t s = 0; s < n; s += SAL_LANES) {
                sal_vec v = SAL_LOAD(x + s) * a[k] + b[k];
                if (relu) v = SAL_WHERE(v > zero, v);
                SAL_STORE(y + s, v);
            }
        }
    }
}

void sal_lanes_line(int64_t n, int64_t groups, int64_t c, const real *x, const real *a, const real *b, bool relu, real *y) { line(n, groups, c, x, a, b, relu, y); }

/* ---- attention ---- */

/* exp(x) for x <= 0, below -87 as at -87: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor polynomial of degree 7, n added to the exponent. */
INLINE void exp_of_negative(sal_vec *x)
{
#ifdef SAL_DOUBLE
    for (int k = 0; k < (int)SAL_LANES; k++) (*x)[k] = exp((*x)[k]);
#else
    const float round = 12582912.0f; /* 1.5 x 2^23: adding it rounds to an integer, which then stands in the low bits */
    sal_vec v = *x, low = (sal_vec){ 0 } - 87;
    keep_larger(&v, &low);
    sal_vec shifted = v * 1.44269504f + round, n = shifted - round;
    sal_vec r = v - n * 0.693145752f - n * 1.42860677e-6f;
    sal_vec p = r * (1.0f / 5040) + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r + 1;
    *x = (sal_vec)((sal_mask)p + ((sal_mask)shifted << 23)); /* the bits of 1.5 x 2^23 above n leave the word */
#endif
}

enum { KEYS_MAX = 64 };

/* 16 samples of one query: scores with the query in registers, softmax, values with the output in registers. dh is a constant but for _any. */
INLINE void attend(int64_t n, int64_t tk, int64_t d, const int dh, real scale, const real *q, const real *k, const real *v, real *y)
{
    sal_vec query[8], sum[8], score[KEYS_MAX], top = { 0 }, total = { 0 };
    SAL_UNROLL
    for (int c = 0; c < dh; c++) query[c] = SAL_LOAD(q + c * n) * scale;
    for (int64_t j = 0; j < tk; j++, k += d * n) {
        sal_vec s = query[0] * SAL_LOAD(k);
        SAL_UNROLL
        for (int c = 1; c < dh; c++) s += query[c] * SAL_LOAD(k + c * n);
        score[j] = s;
        if (j == 0) top = s;
        else keep_larger(&top, &s);
    }
    for (int64_t j = 0; j < tk; j++) { /* apart from the values, so that several run side by side */
        score[j] -= top;
        exp_of_negative(&score[j]);
    }
    SAL_UNROLL
    for (int c = 0; c < dh; c++) sum[c] = (sal_vec){ 0 };
    for (int64_t j = 0; j < tk; j++, v += d * n) {
        sal_vec weight = score[j];
        total += weight;
        SAL_UNROLL
        for (int c = 0; c < dh; c++) sum[c] += weight * SAL_LOAD(v + c * n);
    }
    sal_vec inverse = (real)1 / total;
    SAL_UNROLL
    for (int c = 0; c < dh; c++) SAL_STORE(y + c * n, sum[c] * inverse);
}

#define ATTEND_OF(channels)                                                                                                                                            \
    SAL_CLONES static void attend_##channels(int64_t n, int64_t tk, int64_t d, real scale, const real *q, const real *k, const real *v, real *y)                       \
    {                                                                                                                                                                  \
        for (int64_t s = 0; s < n; s += SAL_LANES) attend(n, tk, d, channels, scale, q + s, k + s, v + s, y + s);                                                      \
    }

ATTEND_OF(4)
ATTEND_OF(8)

/* Any number of channels and keys: scores and outputs go through memory; scratch (tk, SAL_LANES). */
SAL_CLONES static void attend_any(int64_t n, int64_t tk, int64_t d, int64_t dh, real scale, const real *q, const real *k, const real *v, real *y, real *score)
{
    for (int64_t at = 0; at < n; at += SAL_LANES) {
        sal_vec top = { 0 }, total = { 0 };
        for (int64_t j = 0; j < tk; j++) {
            sal_vec s = { 0 };
            for (int64_t c = 0; c < dh; c++) s += SAL_LOAD(q + c * n + at) * scale * SAL_LOAD(k + (j * d + c) * n + at);
            SAL_STORE(score + j * SAL_LANES, s);
            if (j == 0) top = s;
            else keep_larger(&top, &s);
        }
        for (int64_t j = 0; j < tk; j++) {
            sal_vec weight = SAL_LOAD(score + j * SAL_LANES) - top;
            exp_of_negative(&weight);
            total += weight;
            SAL_STORE(score + j * SAL_LANES, weight);
        }
        for (int64_t c = 0; c < dh; c++) {
            sal_vec sum = { 0 };
            for (int64_t j = 0; j < tk; j++) sum += SAL_LOAD(score + j * SAL_LANES) * SAL_LOAD(v + (j * d + c) * n + at);
            SAL_STORE(y + c * n + at, sum / total);
        }
    }
}

void sal_lanes_attention(int64_t n, int64_t tq, int64_t tk, int64_t d, int64_t dh, real scale, const real *q, const real *k, const real *v, real *y, real *scratch)
{
    for (int64_t i = 0; i < tq; i++, q += d * n, y += d * n) {
        if (dh == 4 && tk <= KEYS_MAX) attend_4(n, tk, d, scale, q, k, v, y);
        else if (dh == 8 && tk <= KEYS_MAX) attend_8(n, tk, d, scale, q, k, v, y);
        else attend_any(n, tk, d, dh, scale, q, k, v, y, scratch);
    }
}

/* ---- samples in ---- */

void sal_lanes_put(int64_t n, int64_t count, int64_t features, const real *from, int64_t stride, real *to)
{
    sal_transpose_planes(&(sal_transposition){ .rows = count, .columns = features, .from_stride = stride, .to_stride = n, .count = 1 }, from, to);
    for (int64_t k = 0; k < features; k++) {
        for (int64_t i = count; i < n; i++) to[k * n + i] = 0;
    }
}
