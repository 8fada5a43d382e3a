/* lstm.c - stacked LSTMs. One bias per gate (PyTorch keeps two, of which only the sum acts); all weights start U(+-1 / sqrt(hidden)). */
#include "layers/layers.h"
#include <stdio.h>

static sal_id one(sal_tape *t, const char *name, sal_id x, int64_t hidden)
{
    char part[SAL_LAYER_NAME_MAX];
    int64_t in = sal_tape_dim(t, x, -1);
    sal_id w_ih = sal_parameter(t, sal_layer_name(t, part, name, "w_ih"), SAL_SHAPE(in, 4 * hidden),
                                SAL_INIT_UNIFORM_FAN_IN, hidden, hidden);
    sal_id w_hh = sal_parameter(t, sal_layer_name(t, part, name, "w_hh"), SAL_SHAPE(hidden, 4 * hidden),
                                SAL_INIT_UNIFORM_FAN_IN, hidden, hidden);
    sal_id bias = sal_parameter(t, sal_layer_name(t, part, name, "b"), SAL_SHAPE(4 * hidden), SAL_INIT_UNIFORM_FAN_IN,
                                hidden, hidden);
    return sal_lstm(t, x, w_ih, w_hh, bias);
}

sal_id sal_layer_lstm(sal_tape *t, const char *name, sal_id x, int64_t hidden, int64_t layers, double dropout)
{
    for (int64_t k = 0; k < layers; k++) {
        char part[SAL_LAYER_NAME_MAX], number[24];
        snprintf(number, sizeof number, "%lld", (long long)k);
        if (k > 0) x = sal_dropout(t, x, dropout);
        x = one(t, sal_layer_name(t, part, name, number), x, hidden);
    }
    return x;
}

sal_id sal_layer_last_step(sal_tape *t, sal_id x)
{
    int64_t n = sal_tape_dim(t, x, 0), steps = sal_tape_dim(t, x, 1), c = sal_tape_dim(t, x, 2);
    return sal_reshape(t, sal_slice(t, x, 1, steps - 1, 1), SAL_SHAPE(n, c));
}
