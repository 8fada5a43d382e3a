/* builders.h - one function per op: appends a node and returns its id. Shapes in comments; n is any batch, c channels. */
#ifndef SAL_GRAPH_BUILDERS_H
#define SAL_GRAPH_BUILDERS_H

/* ---- elementwise; add, sub, mul broadcast dimensions of size 1 (same rank) ---- */
sal_id sal_add(sal_tape *t, sal_id a, sal_id b);
sal_id sal_sub(sal_tape *t, sal_id a, sal_id b);
sal_id sal_mul(sal_tape *t, sal_id a, sal_id b);
sal_id sal_scale(sal_tape *t, sal_id x, double factor, double offset); /* factor x + offset */
sal_id sal_relu(sal_tape *t, sal_id x);
sal_id sal_relu_back(sal_tape *t, sal_id gy, sal_id y); /* gy where y > 0 */

/* ---- shape ---- */
sal_id sal_reshape(sal_tape *t, sal_id x, sal_shape shape);                 /* a view */
sal_id sal_concat(sal_tape *t, const sal_id *x, int32_t n, int32_t axis);   /* axis may be negative */
sal_id sal_slice(sal_tape *t, sal_id x, int32_t axis, int64_t from, int64_t count);
sal_id sal_transpose(sal_tape *t, sal_id x, const int32_t *order);          /* order: one axis per output axis */
sal_id sal_sum_to(sal_tape *t, sal_id x, sal_shape shape);                  /* sums the dimensions that are 1 in shape (same rank) */
sal_id sal_expand_to(sal_tape *t, sal_id x, sal_shape shape);               /* repeats the dimensions that are 1 in x */
sal_id sal_mean_to(sal_tape *t, sal_id x, sal_shape shape);

/* ---- layers ---- */
sal_id sal_dense(sal_tape *t, sal_id x, sal_id w, sal_id b);                /* (..., in) x (in, out) + (out) or SAL_NONE */
sal_id sal_matmul(sal_tape *t, sal_id a, sal_id b, bool transpose_a, bool transpose_b); /* batched: (..., m, k) x (..., k, n) */
/* Fields by name; unset strides, dilations and groups count as 1. */
typedef struct sal_conv_options {
    int64_t stride, dilation, groups, pad_top, pad_left, pad_bottom, pad_right;
} sal_conv_options;
/* (n, rows, cols, in) * (kernel rows, kernel cols, in / groups, out) + (out) or SAL_NONE; cross-correlation */
sal_id sal_conv2d(sal_tape *t, sal_id x, sal_id w, sal_id b, const sal_conv_options *options);
/* (n, steps, in) * (kernel, in, out); padding `pad` on both sides */
sal_id sal_conv1d(sal_tape *t, sal_id x, sal_id w, sal_id b, int64_t stride, int64_t pad);
/* Mean and biased variance over all but the last dimension: (..., c) -> (2, c) */
sal_id sal_moments(sal_tape *t, sal_id x);
/* gamma (x - mean) / sqrt(variance + eps) + beta, with ReLU when relu: moments (2, c), gamma, beta (c) */
sal_id sal_normalise(sal_tape *t, sal_id x, sal_id moments, sal_id gamma, sal_id beta, double eps, bool relu);
/* state <- (1 - momentum) state + momentum (mean, variance samples / (samples - 1)) */
sal_id sal_running_moments(sal_tape *t, sal_id state, sal_id moments, double momentum, int64_t samples);

#include "graph/builders_more.h"

#endif
