/* conv.c - convolutions with their parameters; fans count the kernel and the channels of one group. */
#include "layers/layers.h"

sal_id sal_layer_conv2d(sal_tape *t, const char *name, sal_id x, int64_t out, int64_t kernel,
                        const sal_conv_options *options, bool bias)
{
    char w[SAL_LAYER_NAME_MAX], b[SAL_LAYER_NAME_MAX];
    sal_conv_options o = options ? *options : (sal_conv_options){ 0 };
    int64_t groups = o.groups > 0 ? o.groups : 1, in = sal_tape_dim(t, x, -1);
    if (in % groups || out % groups) {
        sal_tape_fail(t, "layer \"%s\": %lld and %lld channels do not divide into %lld groups", name, (long long)in,
                      (long long)out, (long long)groups);
        return SAL_NONE;
    }
    int64_t fan_in = kernel * kernel * in / groups, fan_out = kernel * kernel * out / groups;
    sal_id weights = sal_parameter(t, sal_layer_name(t, w, name, "w"), SAL_SHAPE(kernel, kernel, in / groups, out),
                                   SAL_INIT_HE_NORMAL, fan_in, fan_out);
    sal_id offset = SAL_NONE;
    if (bias)
        offset = sal_parameter(t, sal_layer_name(t, b, name, "b"), SAL_SHAPE(out), SAL_INIT_ZEROS, fan_in, fan_out);
    return sal_conv2d(t, x, weights, offset, &o);
}

sal_id sal_layer_conv1d(sal_tape *t, const char *name, sal_id x, int64_t out, int64_t kernel, int64_t stride,
                        int64_t pad)
{
    char w[SAL_LAYER_NAME_MAX], b[SAL_LAYER_NAME_MAX];
    int64_t in = sal_tape_dim(t, x, -1);
    sal_id weights = sal_parameter(t, sal_layer_name(t, w, name, "w"), SAL_SHAPE(kernel, in, out), SAL_INIT_HE_NORMAL,
                                   kernel * in, kernel * out);
    sal_id offset =
        sal_parameter(t, sal_layer_name(t, b, name, "b"), SAL_SHAPE(out), SAL_INIT_ZEROS, kernel * in, kernel * out);
    return sal_conv1d(t, x, weights, offset, stride, pad);
}

sal_id sal_layer_conv_bn(sal_tape *t, const char *name, sal_id x, int64_t out, int64_t kernel,
                         const sal_conv_options *options, bool relu)
{
    char conv[SAL_LAYER_NAME_MAX], norm[SAL_LAYER_NAME_MAX];
    x = sal_layer_conv2d(t, sal_layer_name(t, conv, name, "conv"), x, out, kernel, options, false);
    return sal_layer_batch_norm(t, sal_layer_name(t, norm, name, "norm"), x, relu);
}
