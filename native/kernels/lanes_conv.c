/* lanes_conv.c - convolution over planes, see lanes.h. Products and sums are contracted to FMA (a compile option).
 *
 * With 32 vector registers a tile of 8 channels written x 3 vectors of positions is kept in them, with 16 one of 2 x 3, where a vector of 64 bytes
 * takes two. Every load of x then serves all channels of the tile, and every broadcast weight all its vectors.
 */
#include "lanes_private.h"

INLINE void conv_tile(const sal_lanes_conv *c, const real *x, int64_t o, real *y, const int outputs, const int vectors, const bool relu)
{
    const sal_vec zero = { 0 };
    const real *w = c->w + o;
    sal_vec sum[8][3], at[3];
    SAL_UNROLL
    for (int j = 0; j < outputs; j++) {
        SAL_UNROLL
        for (int v = 0; v < vectors; v++) sum[j][v] = zero + (c->b ? c->b[o + j] : 0);
    }
    for (int64_t t = 0; t < c->tap_count; t++) {
        const real *from = x + c->taps[t];
        for (int64_t k = 0; k < c->in; k++, from += c->x_stride, w += c->w_stride) {
            SAL_UNROLL
            for (int v = 0; v < vectors; v++) at[v] = SAL_LOAD(from + v * SAL_LANES);
            SAL_UNROLL
            for (int j = 0; j < outputs; j++) {
                SAL_UNROLL
                for (int v = 0; v < vectors; v++) sum[j][v] += at[v] * w[j];
            }
        }
    }
    SAL_UNROLL
    for (int j = 0; j < outputs; j++) {
        SAL_UNROLL
        for (int v = 0; v < vectors; v++) {
            if (relu) sum[j][v] = SAL_WHERE(sum[j][v] > zero, sum[j][v]);
            SAL_STORE(y + (o + j) * c->y_stride + v * SAL_LANES, sum[j][v]);
        }
    }
}

INLINE void conv_columns(const sal_lanes_conv *c, const real *x, real *y, const int tile, const int vectors, const bool relu)
{
    int64_t o = 0;
    for (; o + tile <= c->out; o += tile) conv_tile(c, x, o, y, tile, vectors, relu);
    for (; o < c->out; o++) conv_tile(c, x, o, y, 1, vectors, relu);
}

INLINE void conv_with(const sal_lanes_conv *c, int64_t n, const real *x, real *y, const int tile, const bool relu)
{
    int64_t p = 0, threes = n / SAL_LANES % 3 == 1 && n > 3 * SAL_LANES ? n - 4 * SAL_LANES : n; /* 4 = 2 + 2, for enough sums at once */
    for (; p + 3 * SAL_LANES <= threes; p += 3 * SAL_LANES) conv_columns(c, x + p, y + p, tile, 3, relu);
    for (; p + 2 * SAL_LANES <= n; p += 2 * SAL_LANES) conv_columns(c, x + p, y + p, tile, 2, relu);
    for (; p < n; p += SAL_LANES) conv_columns(c, x + p, y + p, tile, 1, relu);
}

SAL_CLONES static void conv_8(const sal_lanes_conv *c, int64_t n, const real *x, real *y) { conv_with(c, n, x, y, 8, false); }
SAL_CLONES static void conv_2(const sal_lanes_conv *c, int64_t n, const real *x, real *y) { conv_with(c, n, x, y, 2, false); }
SAL_CLONES static void conv_8_relu(const sal_lanes_conv *c, int64_t n, const real *x, real *y) { conv_with(c, n, x, y, 8, true); }
SAL_CLONES static void conv_2_relu(const sal_lanes_conv *c, int64_t n, const real *x, real *y) { conv_with(c, n, x, y, 2, true); }

void sal_lanes_convolve(const sal_lanes_conv *conv, int64_t n, const real *x, real *y)
{
    if (sal__has_32_registers()) (conv->relu ? conv_8_relu : conv_8)(conv, n, x, y);
    else (conv->relu ? conv_2_relu : conv_2)(conv, n, x, y);
}
