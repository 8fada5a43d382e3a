/* norm.c - batch, layer and group normalisation with their parameters.
 *
 * PyTorch's conventions: eps 1e-5, running moments moved by 0.1, the running variance unbiased, the batch's own biased.
 */
#include "layers/layers.h"

static const double eps = SAL_LAYER_NORM_EPS, momentum = 0.1;

static sal_id gamma_of(sal_tape *t, const char *name, int64_t c)
{
    char full[SAL_LAYER_NAME_MAX];
    return sal_parameter(t, sal_layer_name(t, full, name, "gamma"), SAL_SHAPE(c), SAL_INIT_ONES, c, c);
}

static sal_id beta_of(sal_tape *t, const char *name, int64_t c)
{
    char full[SAL_LAYER_NAME_MAX];
    return sal_parameter(t, sal_layer_name(t, full, name, "beta"), SAL_SHAPE(c), SAL_INIT_ZEROS, c, c);
}

sal_id sal_layer_batch_norm(sal_tape *t, const char *name, sal_id x, bool relu)
{
    char full[SAL_LAYER_NAME_MAX];
    int64_t c = sal_tape_dim(t, x, -1);
    sal_id moments = sal_state(t, sal_layer_name(t, full, name, "moments"), SAL_SHAPE(2, c), SAL_INIT_MOMENTS);
    if (sal_tape_training(t)) {
        sal_shape shape = sal_tape_shape(t, x);
        sal_id batch = sal_moments(t, x);
        sal_keep(t, sal_running_moments(t, moments, batch, momentum, sal_shape_count(&shape) / c));
        moments = batch;
    }
    sal_id gamma = gamma_of(t, name, c), beta = beta_of(t, name, c);
    return sal_normalise(t, x, moments, gamma, beta, eps, relu);
}

sal_id sal_layer_norm(sal_tape *t, const char *name, sal_id x)
{
    int64_t c = sal_tape_dim(t, x, -1);
    sal_id gamma = gamma_of(t, name, c), beta = beta_of(t, name, c);
    return sal_layer_norm_op(t, x, gamma, beta, eps);
}

sal_id sal_layer_group_norm(sal_tape *t, const char *name, sal_id x, int64_t groups)
{
    int64_t c = sal_tape_dim(t, x, -1);
    sal_id gamma = gamma_of(t, name, c), beta = beta_of(t, name, c);
    return sal_group_norm_op(t, x, gamma, beta, groups, eps);
}
