/* attention.c - multi-head attention with projections, transformer encoder layers, positions and class token.
 *
 * Vaswani et al. 2017 (arXiv:1706.03762); pre-norm as ViT (Dosovitskiy et al. 2021, arXiv:2010.11929). The keys' bias has no effect on
 * the weights (softmax is invariant to it) but is kept so that parameters map one to one to PyTorch's.
 */
#include "layers/layers.h"

sal_id sal_layer_attention(sal_tape *t, const char *name, sal_id query, sal_id memory, int64_t heads, sal_id *weights)
{
    char part[SAL_LAYER_NAME_MAX];
    int64_t d = sal_tape_dim(t, query, -1);
    sal_id q = sal_layer_dense(t, sal_layer_name(t, part, name, "q"), query, d);
    sal_id k = sal_layer_dense(t, sal_layer_name(t, part, name, "k"), memory, d);
    sal_id v = sal_layer_dense(t, sal_layer_name(t, part, name, "v"), memory, d);
    if (weights) *weights = sal_attention_weights(t, q, k, heads);
    return sal_layer_dense(t, sal_layer_name(t, part, name, "out"), sal_attention(t, q, k, v, heads), d);
}

static sal_id norm(sal_tape *t, const char *name, const char *which, sal_id x, const sal_transformer_options *o)
{
    char part[SAL_LAYER_NAME_MAX];
    sal_layer_name(t, part, name, which);
    return o->norm == SAL_LAYER_NORM_BATCH ? sal_layer_batch_norm(t, part, x, false) : sal_layer_norm(t, part, x);
}

static sal_id attend(sal_tape *t, const char *name, sal_id x, const sal_transformer_options *o)
{
    char part[SAL_LAYER_NAME_MAX];
    return sal_dropout(t, sal_layer_attention(t, sal_layer_name(t, part, name, "attention"), x, x, o->heads, NULL),
                       o->dropout);
}

static sal_id mlp(sal_tape *t, const char *name, sal_id x, const sal_transformer_options *o)
{
    char part[SAL_LAYER_NAME_MAX];
    int64_t d = sal_tape_dim(t, x, -1);
    sal_id h = sal_gelu(t, sal_layer_dense(t, sal_layer_name(t, part, name, "mlp/1"), x, o->hidden));
    h = sal_dropout(t, h, o->dropout);
    return sal_dropout(t, sal_layer_dense(t, sal_layer_name(t, part, name, "mlp/2"), h, d), o->dropout);
}

sal_id sal_layer_transformer(sal_tape *t, const char *name, sal_id x, const sal_transformer_options *options)
{
    if (options->pre_norm) {
        x = sal_add(t, x, attend(t, name, norm(t, name, "norm1", x, options), options));
        return sal_add(t, x, mlp(t, name, norm(t, name, "norm2", x, options), options));
    }
    x = norm(t, name, "norm1", sal_add(t, x, attend(t, name, x, options)), options);
    return norm(t, name, "norm2", sal_add(t, x, mlp(t, name, x, options)), options);
}

sal_id sal_layer_positions(sal_tape *t, const char *name, sal_id x)
{
    char part[SAL_LAYER_NAME_MAX];
    int64_t tokens = sal_tape_dim(t, x, 1), d = sal_tape_dim(t, x, 2);
    return sal_add(t, x,
                   sal_parameter(t, sal_layer_name(t, part, name, "positions"), SAL_SHAPE(1, tokens, d),
                                 SAL_INIT_NORMAL_02, d, d));
}

sal_id sal_layer_class_token(sal_tape *t, const char *name, sal_id x)
{
    char part[SAL_LAYER_NAME_MAX];
    int64_t n = sal_tape_dim(t, x, 0), d = sal_tape_dim(t, x, 2);
    sal_id token =
        sal_parameter(t, sal_layer_name(t, part, name, "token"), SAL_SHAPE(1, 1, d), SAL_INIT_NORMAL_02, d, d);
    return sal_concat(t, (sal_id[]){ sal_expand_to(t, token, SAL_SHAPE(n, 1, d)), x }, 2, 1);
}
