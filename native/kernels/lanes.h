/* lanes.h - kernels of per-pixel networks with the samples innermost: a value x (k, n) holds feature k of n samples beside each other.
 *
 * A vector then holds 16 samples, so that no sum crosses lanes, normalisation and softmax need no shuffles, and a weight is one number
 * broadcast. Sums run in one order whatever n is: a sample's result does not depend on its place. n must be a multiple of SAL_LANES.
 */
#ifndef SAL_KERNELS_LANES_H
#define SAL_KERNELS_LANES_H

#include "base/base.h"
#include "tensor/real.h"

/* What follows a dense layer in the same pass: y -> scale y + shift, (out) both or NULL; then a ReLU if asked; then y -> y + add, unless NULL: one
 * number of an output, (out), or if `add_samples` one of each sample, (out, n), which must not overlap y. */
typedef struct sal_lanes_after {
    const real *scale, *shift;
    bool relu, add_samples;
    const real *add;
} sal_lanes_after;
/* y (out, n) = W' x + b: x (in, n), w (in, out) row by row, b (out) or NULL, `after` or NULL. y must not overlap x. */
void sal_lanes_dense(int64_t n, int64_t in, int64_t out, const real *x, const real *w, const real *b, const sal_lanes_after *after, real *y);
/* y = gamma (x - m) / sqrt(v + eps) + beta over the `rows` features of each sample, m and v (biased) of the sample; gamma and beta (rows)
 * or both NULL. y may be x. */
void sal_lanes_layer_norm(int64_t n, int64_t rows, const real *x, const real *gamma, const real *beta, real eps, real *y);
/* y[k] = a[k] x[k] + b[k], with a ReLU if asked; x, y (groups, c, n), a, b (c). y may be x. */
void sal_lanes_line(int64_t n, int64_t groups, int64_t c, const real *x, const real *a, const real *b, bool relu, real *y);
/* One head of softmax(Q K' scale) V: q (tq, d, n), k and v (tk, d, n), y as q, of which the pointers give the first channel of the head and dh
 * channels are used. scratch: tk * SAL_LANES reals. */
void sal_lanes_attention(int64_t n, int64_t tq, int64_t tk, int64_t d, int64_t dh, real scale, const real *q, const real *k, const real *v, real *y, real *scratch);
/* A convolution over planes: y[o][p] = b[o] + sum over taps t and channels k < in of x[k x_stride + taps[t] + p] w[(t in + k) w_stride + o], the n
 * positions p of a channel standing side by side. `taps` says how far from p the tap reads (any sign). */
typedef struct sal_lanes_conv {
    int64_t tap_count, in, out;
    const int64_t *taps; /* (tap_count) */
    const real *w, *b;   /* b: (out) or NULL */
    int64_t w_stride, x_stride, y_stride; /* x_stride, y_stride: from one channel to the next */
    bool relu;
} sal_lanes_conv;
/* y must not overlap x. */
void sal_lanes_convolve(const sal_lanes_conv *conv, int64_t n, const real *x, real *y);
/* Sums over the cells of windows: y (pools, channels, n), y[p][j][s] = gate[s] sum over k < cells of weights[p][k][s] x[k][j x_stride + s], for 1 or 2
 * pools; weights (pools, cells, n). */
void sal_lanes_pool(int64_t n, int64_t cells, int64_t pools, int64_t channels, int64_t x_stride, const real *const *x, const real *weights, const real *gate, real *y);
/* to (features, n) from the rows of samples, from (count, stride), of which count <= n are given; the rest becomes 0. */
void sal_lanes_put(int64_t n, int64_t count, int64_t features, const real *from, int64_t stride, real *to);

#endif
