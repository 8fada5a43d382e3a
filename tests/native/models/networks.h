/* networks.h - small networks of every system, for tests and for the comparison with PyTorch. */
#ifndef SAL_TEST_NETWORKS_H
#define SAL_TEST_NETWORKS_H

#include "models/model.h"

typedef struct network {
    sal_params *params;
    sal_tape *tape;
    sal_program *program;
    int64_t batch;
} network;

static inline sal_model_options network_options(sal_head head)
{
    sal_model_options o;
    sal_model_defaults(&o);
    o.bands = 4, o.indices = 5, o.covariates = 3, o.window = 33;
    o.width = 8, o.heads = 2, o.hidden = 6, o.dropout = 0, o.head = head;
    o.channels[0] = 2, o.channels[1] = 3, o.channels[2] = 4;
    return o;
}

static inline void network_close(network *n)
{
    sal_program_free(n->program);
    sal_tape_free(n->tape);
    sal_params_free(n->params);
    n->program = NULL, n->tape = NULL, n->params = NULL;
}

/* Parameters away from the symmetric start, where many gradients are 0; variances stay positive. */
static inline void network_roughen(sal_params *p)
{
    real *slab[2] = { sal_params_values(p), sal_params_state(p) };
    int64_t size[2] = { sal_params_size(p), sal_params_state_size(p) };
    for (uint64_t s = 0; s < 2; s++) {
        for (int64_t i = 0; i < size[s]; i++) slab[s][i] += (real)(0.3 * sal_random_uniform(5, s, (uint64_t)i));
    }
}

/* Sample `sample` into row `row` of every input the system has: the same values whatever the batch. */
static inline void network_fill(network *n, const sal_model_options *o, int64_t row, int64_t sample)
{
    const struct {
        const char *name;
        int64_t size;
        double scale, shift;
    } inputs[] = { { "spectrum", o->bands, 1, 0 },
                   { "index", o->indices, 1, 0 },
                   { "ndvi", 1, 0.1, 0.3 },
                   { "point", o->covariates, 1, 0 },
                   { "window", o->window * o->window * o->covariates, 1, 0 },
                   { "target", 1, 1, 0 } };
    for (uint64_t k = 0; k < sizeof inputs / sizeof inputs[0]; k++) {
        real *to = sal_program_input(n->program, inputs[k].name);
        for (int64_t i = 0; to && i < inputs[k].size; i++)
            to[row * inputs[k].size + i] =
                (real)(inputs[k].shift + inputs[k].scale * sal_random_normal(k, (uint64_t)sample, (uint64_t)i));
    }
}

/* Builds one system; training networks have the outputs "loss" and "prediction" and gradients, others "prediction". */
static inline sal_status network_open(sal_context *ctx, const sal_system *system, const sal_model_options *o, bool training,
                                      int64_t batch, network *n)
{
    sal_status status = SAL_STATUS_OK;
    *n = (network){ .batch = batch };
    SAL_TRY(sal_params_new(ctx, &n->params));
    SAL_TRY(sal_tape_new(ctx, n->params, training, &n->tape));
    sal_model_inputs in = sal_system_inputs(n->tape, system, o, batch);
    sal_id y = system->build(n->tape, o, &in);
    sal_tape_output(n->tape, y, "prediction");
    if (training) {
        sal_id target = sal_input(n->tape, "target", SAL_SHAPE(batch, 1), false);
        sal_id loss = sal_model_loss(n->tape, o, y, target, SAL_NONE);
        sal_gradients(n->tape, loss);
        sal_tape_output(n->tape, loss, "loss");
    }
    SAL_TRY(sal_program_new(ctx, n->tape, &n->program));
    SAL_TRY(sal_params_initialise(n->params, 7));
    network_roughen(n->params);
    for (int64_t k = 0; k < batch; k++) network_fill(n, o, k, k);
done:
    return status;
}

#endif
