/* layers.h - the building blocks of networks: functions that append ops and name their parameters.
 *
 * A layer called "trunk/1" owns parameters "trunk/1/w", "trunk/1/b" ...; the same name on another tape of the same params is the same
 * layer, so a model builds its training and its inference tape with the same code. Layers never fail: see graph/tape.h. Arrays are
 * channels last; n is the batch, c channels, d the width of tokens.
 */
#ifndef SAL_LAYERS_LAYERS_H
#define SAL_LAYERS_LAYERS_H

#include "graph/tape.h"

/* ---- dense and convolution (dense.c, conv.c) ---- */

/* (..., in) -> (..., out); w (in, out) Xavier uniform, b (out) zeros. */
sal_id sal_layer_dense(sal_tape *t, const char *name, sal_id x, int64_t out);
/* The same without b. */
sal_id sal_layer_dense_no_bias(sal_tape *t, const char *name, sal_id x, int64_t out);
/* (n, rows, cols, in) -> (n, rows', cols', out); w (kernel, kernel, in / groups, out) He normal, b (out) zeros when bias. options NULL:
 * stride 1, no padding. */
sal_id sal_layer_conv2d(sal_tape *t, const char *name, sal_id x, int64_t out, int64_t kernel,
                        const sal_conv_options *options, bool bias);
/* (n, steps, in) -> (n, steps', out) with `pad` zeros on both sides. */
sal_id sal_layer_conv1d(sal_tape *t, const char *name, sal_id x, int64_t out, int64_t kernel, int64_t stride,
                        int64_t pad);
/* Convolution without bias, batch norm, ReLU when relu. Parameters name/conv/w, name/norm/... */
sal_id sal_layer_conv_bn(sal_tape *t, const char *name, sal_id x, int64_t out, int64_t kernel,
                         const sal_conv_options *options, bool relu);

/* ---- normalisation (norm.c) ---- */

/* Batch norm over all but the last dimension, ReLU after it when relu. A training tape uses the batch and moves the running moments
 * name/moments (2, c) by 0.1; any other tape uses those. eps 1e-5. */
sal_id sal_layer_batch_norm(sal_tape *t, const char *name, sal_id x, bool relu);
#define SAL_LAYER_NORM_EPS 1e-5 /* of every normalisation */
/* Over the last dimension, eps 1e-5; name/gamma, name/beta (c). */
sal_id sal_layer_norm(sal_tape *t, const char *name, sal_id x);
sal_id sal_layer_group_norm(sal_tape *t, const char *name, sal_id x, int64_t groups);

/* ---- attention (attention.c) ---- */

/* Multi-head attention of `query` (n, tq, d) on `memory` (n, tk, d'): projections name/q, name/k, name/v, name/out, each with bias, to
 * d. `memory` = `query` is self-attention. weights, unless NULL, receives the node (n, heads, tq, tk) of the weights, to be shown. */
sal_id sal_layer_attention(sal_tape *t, const char *name, sal_id query, sal_id memory, int64_t heads, sal_id *weights);

typedef enum sal_layer_norm_kind {
    SAL_LAYER_NORM_LAYER = 0,
    SAL_LAYER_NORM_BATCH = 1 /* over batch and steps, as in transformers for time series (Zerveas et al. 2021) */
} sal_layer_norm_kind;

typedef struct sal_transformer_options {
    int64_t heads, hidden; /* hidden width of the MLP */
    double dropout;
    bool pre_norm; /* x + f(norm(x)), as ViT; otherwise norm(x + f(x)), as Vaswani et al. */
    sal_layer_norm_kind norm;
} sal_transformer_options;

/* One encoder layer, self-attention and a GELU MLP: (n, tokens, d) -> the same. */
sal_id sal_layer_transformer(sal_tape *t, const char *name, sal_id x, const sal_transformer_options *options);
/* x (n, tokens, d) + learned positions name/positions (1, tokens, d), N(0, 0.02^2). */
sal_id sal_layer_positions(sal_tape *t, const char *name, sal_id x);
/* Puts a learned token name/token (1, 1, d) in front: (n, tokens, d) -> (n, 1 + tokens, d). */
sal_id sal_layer_class_token(sal_tape *t, const char *name, sal_id x);

/* ---- recurrence (lstm.c) ---- */

/* `layers` LSTMs on top of one another: (n, steps, in) -> (n, steps, hidden), dropout between them. Parameters name/0/w_ih ... */
sal_id sal_layer_lstm(sal_tape *t, const char *name, sal_id x, int64_t hidden, int64_t layers, double dropout);
/* Last step of a sequence: (n, steps, c) -> (n, c). */
sal_id sal_layer_last_step(sal_tape *t, sal_id x);

/* ---- blocks (blocks.c) ---- */

/* x + dense(dropout(relu(dense(norm(x))))): (..., d) -> the same. */
sal_id sal_layer_residual_mlp(sal_tape *t, const char *name, sal_id x, int64_t hidden, double dropout);
/* CBAM (Woo et al. 2018, arXiv:1807.06521). Channel gate sigmoid(mlp(mean) + mlp(max)) with c -> hidden -> c shared: x (n, rows, cols, c) ->
 * gate (n, 1, 1, c). Spatial gate sigmoid(norm(conv(max and mean over channels))) -> (n, rows, cols, 1). Multiply with sal_mul. */
sal_id sal_layer_channel_gate(sal_tape *t, const char *name, sal_id x, int64_t hidden);
sal_id sal_layer_spatial_gate(sal_tape *t, const char *name, sal_id x, int64_t kernel);
/* Both, channel first: x * channel gate * spatial gate. The gates are stored where channel and spatial point, unless NULL. */
sal_id sal_layer_cbam(sal_tape *t, const char *name, sal_id x, int64_t hidden, int64_t kernel, sal_id *channel,
                      sal_id *spatial);
/* Residual blocks of ResNet (He et al. 2016, arXiv:1512.03385) as in torchvision: basic 3x3-3x3 to `width` channels; bottleneck
 * 1x1-3x3-1x1 to 4 `width` channels, stride in the 3x3. A 1x1 convolution carries the shortcut where shapes differ. */
sal_id sal_layer_basic_block(sal_tape *t, const char *name, sal_id x, int64_t width, int64_t stride);
sal_id sal_layer_bottleneck(sal_tape *t, const char *name, sal_id x, int64_t width, int64_t stride);

/* "name/part" in `out` for names of own parameters; returns out. A name that does not fit fails the tape. */
#define SAL_LAYER_NAME_MAX 160
const char *sal_layer_name(sal_tape *t, char out[SAL_LAYER_NAME_MAX], const char *name, const char *part);

#endif
