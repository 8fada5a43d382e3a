/* dense.c - y = x W + b over the last dimension, and the naming of parameters. */
#include "layers/layers.h"
#include <stdio.h>

const char *sal_layer_name(sal_tape *t, char out[SAL_LAYER_NAME_MAX], const char *name, const char *part)
{
    int length = snprintf(out, SAL_LAYER_NAME_MAX, "%s/%s", name, part);
    if (length < 0 || length >= SAL_LAYER_NAME_MAX) sal_tape_fail(t, "the name \"%s/%s\" is too long", name, part);
    return out;
}

static sal_id weights(sal_tape *t, const char *name, int64_t in, int64_t out)
{
    char full[SAL_LAYER_NAME_MAX];
    return sal_parameter(t, sal_layer_name(t, full, name, "w"), SAL_SHAPE(in, out), SAL_INIT_XAVIER_UNIFORM, in, out);
}

sal_id sal_layer_dense_no_bias(sal_tape *t, const char *name, sal_id x, int64_t out)
{
    return sal_dense(t, x, weights(t, name, sal_tape_dim(t, x, -1), out), SAL_NONE);
}

sal_id sal_layer_dense(sal_tape *t, const char *name, sal_id x, int64_t out)
{
    char full[SAL_LAYER_NAME_MAX];
    int64_t in = sal_tape_dim(t, x, -1);
    sal_id w = weights(t, name, in, out); /* in an order of its own: arguments have none */
    sal_id b = sal_parameter(t, sal_layer_name(t, full, name, "b"), SAL_SHAPE(out), SAL_INIT_ZEROS, in, out);
    return sal_dense(t, x, w, b);
}
