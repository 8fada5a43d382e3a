/* blocks.c - residual MLP, CBAM gates (Woo et al. 2018) and ResNet blocks (He et al. 2016). */
#include "layers/layers.h"

sal_id sal_layer_residual_mlp(sal_tape *t, const char *name, sal_id x, int64_t hidden, double dropout)
{
    char part[SAL_LAYER_NAME_MAX];
    int64_t d = sal_tape_dim(t, x, -1);
    sal_id h = sal_layer_norm(t, sal_layer_name(t, part, name, "norm"), x);
    h = sal_relu(t, sal_layer_dense(t, sal_layer_name(t, part, name, "1"), h, hidden));
    h = sal_layer_dense(t, sal_layer_name(t, part, name, "2"), sal_dropout(t, h, dropout), d);
    return sal_add(t, x, h);
}

static sal_id shared_mlp(sal_tape *t, const char *name, sal_id x, int64_t hidden)
{
    char part[SAL_LAYER_NAME_MAX];
    int64_t c = sal_tape_dim(t, x, -1);
    sal_id h = sal_relu(t, sal_layer_dense(t, sal_layer_name(t, part, name, "1"), x, hidden));
    return sal_layer_dense(t, sal_layer_name(t, part, name, "2"), h, c);
}

sal_id sal_layer_channel_gate(sal_tape *t, const char *name, sal_id x, int64_t hidden)
{
    int64_t n = sal_tape_dim(t, x, 0), c = sal_tape_dim(t, x, -1);
    sal_id mean = shared_mlp(t, name, sal_global_mean(t, x), hidden),
           top = shared_mlp(t, name, sal_global_max(t, x), hidden);
    return sal_reshape(t, sal_sigmoid(t, sal_add(t, mean, top)), SAL_SHAPE(n, 1, 1, c));
}

sal_id sal_layer_spatial_gate(sal_tape *t, const char *name, sal_id x, int64_t kernel)
{
    int64_t pad = kernel / 2;
    sal_conv_options same = { .pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad };
    sal_id top = sal_channel_max(t, x), mean = sal_channel_mean(t, x);
    sal_id both = sal_concat(t, (sal_id[]){ top, mean }, 2, -1);
    return sal_sigmoid(t, sal_layer_conv_bn(t, name, both, 1, kernel, &same, false));
}

sal_id sal_layer_cbam(sal_tape *t, const char *name, sal_id x, int64_t hidden, int64_t kernel, sal_id *channel,
                      sal_id *spatial)
{
    char part[SAL_LAYER_NAME_MAX];
    sal_id gate = sal_layer_channel_gate(t, sal_layer_name(t, part, name, "channel"), x, hidden);
    if (channel) *channel = gate;
    x = sal_mul(t, x, gate);
    gate = sal_layer_spatial_gate(t, sal_layer_name(t, part, name, "spatial"), x, kernel);
    if (spatial) *spatial = gate;
    return sal_mul(t, x, gate);
}

static sal_conv_options padded(int64_t pad, int64_t stride)
{
    return (sal_conv_options){ .stride = stride, .pad_top = pad, .pad_left = pad, .pad_bottom = pad, .pad_right = pad };
}

static sal_id shortcut(sal_tape *t, const char *name, sal_id x, int64_t out, int64_t stride)
{
    char part[SAL_LAYER_NAME_MAX];
    sal_conv_options o = padded(0, stride);
    if (stride == 1 && sal_tape_dim(t, x, -1) == out) return x;
    return sal_layer_conv_bn(t, sal_layer_name(t, part, name, "shortcut"), x, out, 1, &o, false);
}

sal_id sal_layer_basic_block(sal_tape *t, const char *name, sal_id x, int64_t width, int64_t stride)
{
    char part[SAL_LAYER_NAME_MAX];
    sal_conv_options first = padded(1, stride), second = padded(1, 1);
    sal_id h = sal_layer_conv_bn(t, sal_layer_name(t, part, name, "1"), x, width, 3, &first, true);
    h = sal_layer_conv_bn(t, sal_layer_name(t, part, name, "2"), h, width, 3, &second, false);
    return sal_relu(t, sal_add(t, h, shortcut(t, name, x, width, stride)));
}

sal_id sal_layer_bottleneck(sal_tape *t, const char *name, sal_id x, int64_t width, int64_t stride)
{
    char part[SAL_LAYER_NAME_MAX];
    sal_conv_options one = padded(0, 1), three = padded(1, stride);
    sal_id h = sal_layer_conv_bn(t, sal_layer_name(t, part, name, "1"), x, width, 1, &one, true);
    h = sal_layer_conv_bn(t, sal_layer_name(t, part, name, "2"), h, width, 3, &three, true);
    h = sal_layer_conv_bn(t, sal_layer_name(t, part, name, "3"), h, 4 * width, 1, &one, false);
    return sal_relu(t, sal_add(t, h, shortcut(t, name, x, 4 * width, stride)));
}
