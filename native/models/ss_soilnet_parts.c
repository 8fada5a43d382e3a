/* ss_soilnet_parts.c - the branches of SS-SoilNet (Zhang et al. 2026, Comput. Electron. Agric. 247:111748) in the exactly mappable form.
 *
 * What the paper leaves open follows reference/systems.md section 6. Two choices are ours: no zero padding before the first gate, so
 * that one pass over a tile gives the features of every window; and one feature group per covariate up to its gate, so that the
 * channel gate of CBAM (Woo et al. 2018) is one readable number per covariate.
 */
#include "ss_soilnet_parts.h"
#include "layers/layers.h"
#include <stdio.h>

const int64_t sal_trunk_kernel[SAL_TRUNK_STAGES] = { 5, 3, 3 }, sal_trunk_stride[SAL_TRUNK_STAGES] = { 2, 2, 2 };

int64_t sal_trunk_cells(int64_t window)
{
    for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) {
        int64_t room = window - sal_trunk_kernel[k];
        if (room < 0 || room % sal_trunk_stride[k]) return 0;
        window = room / sal_trunk_stride[k] + 1;
    }
    return window % 2 ? window : 0; /* a centre cell, so that the pixel stays in the middle */
}

sal_id sal_trunk_stage(sal_tape *t, const sal_model_options *o, int32_t k, sal_id x, int64_t dilation)
{
    char name[32];
    snprintf(name, sizeof name, "trunk/stage%d", k + 1);
    sal_conv_options options = { .stride = dilation ? 1 : sal_trunk_stride[k], .dilation = dilation, .groups = o->covariates };
    return sal_layer_conv_bn(t, name, x, o->covariates * o->channels[k], sal_trunk_kernel[k], &options, true);
}

sal_id sal_ss_soilnet_trunk(sal_tape *t, const sal_model_options *o, sal_id window)
{
    if (!sal_trunk_cells(o->window))
        sal_tape_fail(t, "a window of %lld pixels does not fit the trunk; use 17, 33, 49 or 65", (long long)o->window);
    for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) window = sal_trunk_stage(t, o, k, window, 0);
    return window;
}

/* Channel gate: one number per covariate from the mean and the maximum of its feature group, through one shared perceptron. */
static sal_id channel_gate(sal_tape *t, const sal_model_options *o, sal_id mean_map, sal_id max_map)
{
    int64_t reduced = o->covariates < 8 ? 4 : o->covariates / 2;
    sal_id a = sal_layer_dense(t, "gate/channel1", sal_global_mean(t, mean_map), reduced);
    sal_id m = sal_layer_dense(t, "gate/channel1", sal_global_max(t, max_map), reduced);
    a = sal_layer_dense(t, "gate/channel2", sal_relu(t, a), o->covariates);
    m = sal_layer_dense(t, "gate/channel2", sal_relu(t, m), o->covariates);
    return sal_sigmoid(t, sal_add(t, a, m)); /* (n, covariate) */
}

/* Spatial gate: a map over the cells of the window from the mean and the maximum over gated covariates, 7 x 7 convolution. */
static sal_id spatial_gate(sal_tape *t, sal_id mean_map, sal_id max_map, sal_id channel)
{
    int64_t n = sal_tape_dim(t, mean_map, 0), cells = sal_tape_dim(t, mean_map, 1), e = sal_tape_dim(t, mean_map, 3);
    sal_id g = sal_reshape(t, channel, SAL_SHAPE(n, 1, 1, e));
    sal_id both[2] = { sal_channel_mean(t, sal_mul(t, mean_map, g)), sal_channel_max(t, sal_mul(t, max_map, g)) };
    both[0] = sal_reshape(t, both[0], SAL_SHAPE(n, cells, cells, 1));
    both[1] = sal_reshape(t, both[1], SAL_SHAPE(n, cells, cells, 1));
    sal_conv_options same = { .pad_top = 3, .pad_left = 3, .pad_bottom = 3, .pad_right = 3 };
    return sal_sigmoid(t, sal_layer_conv2d(t, "gate/spatial", sal_concat(t, both, 2, 3), 1, 7, &same, true));
}

sal_id sal_ss_soilnet_gates(sal_tape *t, const sal_model_options *o, sal_id features)
{
    int64_t n = sal_tape_dim(t, features, 0), cells = sal_tape_dim(t, features, 1), e = o->covariates, c = o->channels[2];
    sal_id groups = sal_reshape(t, features, SAL_SHAPE(n, cells, cells, e, c));
    sal_id mean_map = sal_reshape(t, sal_channel_mean(t, groups), SAL_SHAPE(n, cells, cells, e));
    sal_id max_map = sal_reshape(t, sal_channel_max(t, groups), SAL_SHAPE(n, cells, cells, e));
    sal_id channel = channel_gate(t, o, mean_map, max_map);
    sal_id spatial = spatial_gate(t, mean_map, max_map, channel);
    sal_id flat = sal_reshape(t, groups, SAL_SHAPE(n, cells * cells, e * c));
    sal_id place = sal_parameter(t, "gate/place/w", SAL_SHAPE(1, cells * cells, o->pools), SAL_INIT_XAVIER_UNIFORM, cells * cells, o->pools);
    sal_id maps = sal_mul(t, sal_reshape(t, spatial, SAL_SHAPE(n, cells * cells, 1)), place);  /* (n, cell, pool) */
    sal_id pooled = sal_matmul(t, maps, flat, true, false);                                    /* (n, pool, covariate channel) */
    pooled = sal_transpose(t, sal_reshape(t, pooled, SAL_SHAPE(n, o->pools, e, c)), (int32_t[]){ 0, 2, 1, 3 });
    pooled = sal_mul(t, sal_reshape(t, pooled, SAL_SHAPE(n, e, o->pools * c)), sal_reshape(t, channel, SAL_SHAPE(n, e, 1)));
    if (o->shows_attention) {
        sal_tape_output(t, channel, "channel_gate");
        sal_tape_output(t, spatial, "spatial_gate");
    }
    return pooled;
}

sal_id sal_spectral_tokens(sal_tape *t, const sal_model_options *o, sal_id spectrum)
{
    int64_t n = sal_tape_dim(t, spectrum, 0);
    sal_id x = sal_reshape(t, spectrum, SAL_SHAPE(n, o->bands, 1)), scale[3];
    for (int32_t k = 0; k < 3; k++) {
        char name[32];
        snprintf(name, sizeof name, "spectrum/scale%d", 2 * k + 1);
        scale[k] = sal_layer_conv1d(t, name, x, 8, 2 * k + 1, 1, k);
    }
    sal_id y = sal_layer_batch_norm(t, "spectrum/scales", sal_concat(t, scale, 3, 2), true);
    y = sal_layer_batch_norm(t, "spectrum/mix", sal_layer_dense(t, "spectrum/mix", y, o->width), true);
    sal_id place = sal_parameter(t, "spectrum/place", SAL_SHAPE(1, o->bands, o->width), SAL_INIT_NORMAL_02, o->bands, o->width);
    return sal_add(t, y, place);
}

/* One branch of the Index-ResNet: dense, then two residual blocks. */
static sal_id index_branch(sal_tape *t, const sal_model_options *o, const char *branch, sal_id index)
{
    char name[48];
    snprintf(name, sizeof name, "index/%s/in", branch);
    sal_id x = sal_layer_batch_norm(t, name, sal_layer_dense(t, name, index, o->width), true);
    for (int32_t k = 0; k < 2; k++) {
        snprintf(name, sizeof name, "index/%s/block%d", branch, k + 1);
        x = sal_layer_residual_mlp(t, name, x, o->width, o->dropout);
    }
    return x;
}

sal_id sal_index_tokens(sal_tape *t, const sal_model_options *o, sal_id index, sal_id ndvi)
{
    int64_t n = sal_tape_dim(t, index, 0);
    sal_id vegetated = sal_sigmoid(t, sal_scale(t, ndvi, 1 / 0.05, -0.3 / 0.05)); /* canopy closes around NDVI 0.3; smooth: no seam in maps */
    sal_id bare = sal_scale(t, vegetated, -1, 1);
    sal_id both[2] = { sal_mul(t, index_branch(t, o, "bare", index), bare), sal_mul(t, index_branch(t, o, "vegetated", index), vegetated) };
    for (int32_t k = 0; k < 2; k++) both[k] = sal_reshape(t, both[k], SAL_SHAPE(n, 1, o->width));
    return sal_concat(t, both, 2, 1);
}

sal_id sal_point_features(sal_tape *t, const sal_model_options *o, sal_id point)
{
    sal_id x = sal_layer_batch_norm(t, "point/in", sal_layer_dense(t, "point/in", point, o->width), true);
    return sal_layer_residual_mlp(t, "point/block1", x, o->width, o->dropout);
}

sal_id sal_regression_head(sal_tape *t, const sal_model_options *o, sal_id features)
{
    sal_id h = sal_layer_batch_norm(t, "head/hidden", sal_layer_dense(t, "head/hidden", features, o->hidden), true);
    h = sal_dropout(t, h, o->dropout);
    if (o->shows_embedding) sal_tape_output(t, h, "embedding");
    sal_id y = sal_layer_dense(t, "head/out", h, o->head == SAL_HEAD_HUBER ? 1 : 3);
    if (o->head == SAL_HEAD_HUBER) return y;
    sal_id median = sal_slice(t, y, 1, 1, 1);
    sal_id lower = sal_sub(t, median, sal_softplus(t, sal_slice(t, y, 1, 0, 1)));
    sal_id upper = sal_add(t, median, sal_softplus(t, sal_slice(t, y, 1, 2, 1)));
    return sal_concat(t, (sal_id[]){ lower, median, upper }, 3, 1);
}

/* One query per covariate: a shared projection of its pooled features plus a place of its own. */
static sal_id covariate_queries(sal_tape *t, const sal_model_options *o, sal_id pooled)
{
    sal_id q = sal_layer_dense(t, "query/project", pooled, o->width);
    sal_id place = sal_parameter(t, "query/place", SAL_SHAPE(1, o->covariates, o->width), SAL_INIT_NORMAL_02, o->covariates, o->width);
    return sal_layer_norm(t, "query/norm", sal_add(t, q, place));
}

sal_id sal_ss_soilnet_tail(sal_tape *t, const sal_model_options *o, const sal_model_inputs *in, sal_id pooled)
{
    int64_t n = sal_tape_dim(t, pooled, 0), d = o->width;
    sal_id band = sal_spectral_tokens(t, o, in->spectrum);                     /* (n, band, d) */
    sal_id index = sal_index_tokens(t, o, in->index, in->ndvi);                /* (n, 2, d) */
    sal_id query = covariate_queries(t, o, pooled);                            /* (n, covariate, d) */
    sal_id token = sal_layer_norm(t, "token/norm", sal_concat(t, (sal_id[]){ band, index }, 2, 1));
    sal_id weights = SAL_NONE;
    sal_id fused = sal_layer_attention(t, "cross", query, token, o->heads, o->shows_attention ? &weights : NULL);
    if (o->shows_attention) sal_tape_output(t, weights, "cross_attention");
    fused = sal_layer_norm(t, "fused/norm", sal_add(t, query, fused));
    sal_id point = sal_point_features(t, o, in->point);                        /* (n, d)  the pixel itself, which windows blur */
    sal_id parts[4] = { sal_reshape(t, fused, SAL_SHAPE(n, o->covariates * d)), sal_global_mean(t, band), sal_reshape(t, index, SAL_SHAPE(n, 2 * d)), point };
    return sal_regression_head(t, o, sal_concat(t, parts, 4, 1));
}
