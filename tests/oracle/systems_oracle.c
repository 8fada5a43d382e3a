/* systems_oracle.c - every system with every head as JSON: parameters, inputs, outputs in evaluation and training, loss, gradients and ten
 * AdamW steps, for test_systems_torch.py to compare with PyTorch.   Usage: salina_systems_oracle out.json
 */
#include "graph/optimizer.h"
#include "native/models/networks.h"
#include <stdio.h>

enum { BATCH = 6, STEPS = 10 };

static FILE *out;
static const char *comma;

static void array(const char *prefix, const char *name, const sal_shape *shape, const real *values)
{
    fprintf(out, "%s\"%s%s\": {\"shape\": [", comma, prefix, name);
    for (int32_t k = 0; k < shape->rank; k++) fprintf(out, "%s%lld", k ? ", " : "", (long long)shape->dim[k]);
    fprintf(out, "], \"data\": [");
    for (int64_t i = 0; i < sal_shape_count(shape); i++) fprintf(out, "%s%.9g", i ? ", " : "", (double)values[i]);
    fprintf(out, "]}");
    comma = ",\n";
}

static void parameters(sal_params *p, const char *prefix, bool gradients, bool state)
{
    for (int64_t i = 0; i < sal_params_count(p); i++) {
        const sal_param_info *info = sal_params_info(p, i);
        if (info->is_state != state) continue;
        const real *slab = state ? sal_params_state(p) : gradients ? sal_params_gradients(p) : sal_params_values(p);
        array(prefix, info->name, &info->shape, slab + info->offset);
    }
}

static void decaying(sal_params *p)
{
    const char *between = "";
    fprintf(out, ",\n\"decays\": [");
    for (int64_t i = 0; i < sal_params_count(p); i++) {
        if (!sal_params_info(p, i)->decays) continue;
        fprintf(out, "%s\"%s\"", between, sal_params_info(p, i)->name);
        between = ", ";
    }
    fprintf(out, "]");
}

static void inputs(network *n, const sal_model_options *o)
{
    const int64_t b = BATCH, w = o->window;
    const sal_shape shapes[] = { SAL_SHAPE(b, o->bands), SAL_SHAPE(b, o->indices), SAL_SHAPE(b, 1), SAL_SHAPE(b, o->covariates), SAL_SHAPE(b, w, w, o->covariates), SAL_SHAPE(b) };
    const char *const names[] = { "spectrum", "index", "ndvi", "point", "window", "target" };
    for (size_t k = 0; k < 6; k++) {
        const real *values = sal_program_input(n->program, names[k]);
        if (values) array("in:", names[k], &shapes[k], values);
    }
}

static sal_status steps(sal_context *ctx, network *n)
{
    sal_status status = SAL_STATUS_OK;
    sal_optimizer *q = NULL;
    real loss[STEPS];
    const sal_shape shape = SAL_SHAPE(STEPS);
    SAL_TRY(sal_optimizer_new(ctx, n->params, &(sal_optimizer_options){ .weight_decay = 0.1, .clip_norm = 0.5 }, &q));
    for (uint64_t k = 0; k < STEPS; k++) {
        sal_program_run(n->program, 1, k);
        loss[k] = sal_program_output(n->program, "loss")[0];
        sal_optimizer_step(q, 0.005);
    }
    array("", "losses", &shape, loss);
    parameters(n->params, "after:", false, false);
    parameters(n->params, "after:", false, true);
done:
    sal_optimizer_free(q);
    return status;
}

static sal_status system_json(sal_context *ctx, const sal_system *system, sal_head head, bool first)
{
    sal_status status = SAL_STATUS_OK;
    network eval = { 0 }, train = { 0 };
    sal_model_options o = network_options(head);
    int64_t columns = head == SAL_HEAD_HUBER ? 1 : 3;
    const sal_shape prediction = SAL_SHAPE(BATCH, columns), one = SAL_SHAPE(1);
    SAL_TRY(network_open(ctx, system, &o, false, BATCH, &eval));
    SAL_TRY(network_open(ctx, system, &o, true, BATCH, &train));
    fprintf(out, "%s{\"system\": \"%s\", \"head\": \"%s\", \"shape\": {\"bands\": %d, \"indices\": %d, \"covariates\": %d, \"window\": %d, \"width\": %d, \"heads\": %d, "
                 "\"channels\": [%d, %d, %d], \"pools\": %d, \"hidden\": %d, \"head\": \"%s\"}",
            first ? "" : ",\n", system->id, columns == 1 ? "huber" : "quantile", (int)o.bands, (int)o.indices, (int)o.covariates, (int)o.window, (int)o.width, (int)o.heads,
            (int)o.channels[0], (int)o.channels[1], (int)o.channels[2], (int)o.pools, (int)o.hidden, columns == 1 ? "huber" : "quantile");
    comma = ",\n";
    decaying(train.params);
    inputs(&train, &o);
    parameters(train.params, "p:", false, false);
    parameters(train.params, "p:", false, true);
    sal_program_run(eval.program, 0, 0);
    array("", "eval", &prediction, sal_program_output(eval.program, "prediction"));
    sal_program_run(train.program, 1, 0);
    array("", "train", &prediction, sal_program_output(train.program, "prediction"));
    array("", "loss", &one, sal_program_output(train.program, "loss"));
    parameters(train.params, "gradient:", true, false);
    parameters(train.params, "moments:", false, true);
    network_close(&train);
    SAL_TRY(network_open(ctx, system, &o, true, BATCH, &train)); /* fresh running statistics */
    SAL_TRY(steps(ctx, &train));
    fprintf(out, "}");
done:
    network_close(&eval);
    network_close(&train);
    return status;
}

int main(int argc, char **argv)
{
    sal_context *ctx = NULL;
    sal_status status = SAL_STATUS_OK;
    if (argc != 2 || !(out = fopen(argv[1], "w"))) {
        fprintf(stderr, "usage: salina_systems_oracle out.json\n");
        return 2;
    }
    SAL_TRY(sal_context_new(&ctx));
    fprintf(out, "[");
    for (int64_t i = 0; i < sal_system_count(); i++) {
        SAL_TRY(system_json(ctx, sal_system_at(i), SAL_HEAD_QUANTILE, i == 0));
        SAL_TRY(system_json(ctx, sal_system_at(i), SAL_HEAD_HUBER, false));
    }
    fprintf(out, "]\n");
done:
    if (status != SAL_STATUS_OK) fprintf(stderr, "%s\n", ctx ? sal_context_message(ctx) : "no context");
    sal_context_free(ctx);
    return fclose(out) == 0 && status == SAL_STATUS_OK ? 0 : 1;
}
