/* oracle.c - writes inputs, outputs and gradients of every op case, every layer and ten AdamW steps of a small network as JSON, for
 * test_ops_torch.py to compare with PyTorch.   Usage: salina_oracle out.json
 */
#include "graph/optimizer.h"
#include "layers/layers.h"
#include "native/graph/op_cases.h"
#include <stdio.h>

static FILE *out;
static const char *comma;

static void array(const char *name, const sal_shape *shape, const real *values)
{
    fprintf(out, "%s\"%s\": {\"shape\": [", comma, name);
    for (int32_t k = 0; k < shape->rank; k++) fprintf(out, "%s%lld", k ? ", " : "", (long long)shape->dim[k]);
    fprintf(out, "], \"data\": [");
    for (int64_t i = 0; i < sal_shape_count(shape); i++) fprintf(out, "%s%.9g", i ? ", " : "", (double)values[i]);
    fprintf(out, "]}");
    comma = ",\n";
}

static void open_case(const char *name, bool first)
{
    fprintf(out, "%s\"%s\": {\n", first ? "" : ",\n", name);
    comma = "";
}

/* ---- ops ---- */

static sal_status op_case_json(sal_context *ctx, const op_case *c, bool first)
{
    op_run r;
    sal_status status = op_run_new(ctx, c, 2, false, &r);
    if (status != SAL_STATUS_OK) goto done;
    op_run_loss(&r);
    open_case(c->name, first);
    for (int32_t k = 0; k < r.inputs; k++) {
        sal_shape s = sal_tape_shape(r.tape, r.in[k]);
        array(c->in[k].name, &s, sal_program_input(r.program, c->in[k].name));
    }
    sal_shape s = sal_tape_shape(r.tape, r.y);
    array("cotangent", &s, sal_program_input(r.program, "cotangent"));
    array("y", &s, sal_program_output(r.program, "y"));
    for (int32_t k = 0; k < r.inputs; k++) {
        char name[64];
        snprintf(name, sizeof name, "gradient:%s", c->in[k].name);
        s = sal_tape_shape(r.tape, r.in[k]);
        if (op_run_gradient(&r, k)) array(name, &s, op_run_gradient(&r, k));
    }
    fprintf(out, "}");
done:
    op_run_free(&r);
    return status;
}

/* ---- layers: x, parameters p:..., y, gradients of both, and state after the run s:... ---- */

typedef struct layer_case {
    const char *name;
    sal_id (*build)(sal_tape *t, sal_id x);
    sal_shape x;
    bool training;
} layer_case;

#define LAYER(name, ...)                                                                                               \
    static sal_id layer_##name(sal_tape *t, sal_id x) { return (__VA_ARGS__); }
LAYER(dense, sal_layer_dense(t, "l", x, 7))
LAYER(conv2d, sal_layer_conv2d(t, "l", x, 6, 3, &(sal_conv_options){ .stride = 2, .groups = 2 }, true))
LAYER(conv1d, sal_layer_conv1d(t, "l", x, 6, 3, 1, 1))
LAYER(conv_bn, sal_layer_conv_bn(t, "l", x, 6, 3, NULL, true))
LAYER(norm, sal_layer_norm(t, "l", x))
LAYER(group_norm, sal_layer_group_norm(t, "l", x, 2))
LAYER(attention, sal_layer_attention(t, "l", x, sal_slice(t, x, 1, 1, 3), 2, NULL))
LAYER(transformer_post, sal_layer_transformer(t, "l", x, &(sal_transformer_options){ .heads = 2, .hidden = 12 }))
LAYER(transformer_pre,
      sal_layer_transformer(t, "l", x, &(sal_transformer_options){ .heads = 4, .hidden = 12, .pre_norm = true }))
LAYER(transformer_batch,
      sal_layer_transformer(t, "l", x,
                            &(sal_transformer_options){ .heads = 2, .hidden = 12, .norm = SAL_LAYER_NORM_BATCH }))
LAYER(tokens, sal_layer_positions(t, "l", sal_layer_class_token(t, "l", x)))
LAYER(lstm, sal_layer_last_step(t, sal_layer_lstm(t, "l", x, 5, 2, 0)))
LAYER(residual_mlp, sal_layer_residual_mlp(t, "l", x, 9, 0))
LAYER(cbam, sal_layer_cbam(t, "l", x, 2, 3, NULL, NULL))
LAYER(basic_block, sal_layer_basic_block(t, "l", x, 6, 2))
LAYER(bottleneck, sal_layer_bottleneck(t, "l", x, 2, 1))

static const layer_case layers[] = {
    { "dense", layer_dense, S3(2, 3, 5), true },
    { "conv2d", layer_conv2d, S4(2, 7, 8, 4), true },
    { "conv1d", layer_conv1d, S3(2, 9, 4), true },
    { "conv_bn", layer_conv_bn, S4(3, 6, 6, 4), true },
    { "conv_bn_eval", layer_conv_bn, S4(3, 6, 6, 4), false },
    { "norm", layer_norm, S3(2, 3, 8), true },
    { "group_norm", layer_group_norm, S4(2, 3, 3, 8), true },
    { "attention", layer_attention, S3(2, 5, 8), true },
    { "transformer_post", layer_transformer_post, S3(2, 5, 8), true },
    { "transformer_pre", layer_transformer_pre, S3(2, 5, 8), true },
    { "transformer_batch", layer_transformer_batch, S3(3, 5, 8), true },
    { "tokens", layer_tokens, S3(2, 5, 8), true },
    { "lstm", layer_lstm, S3(3, 6, 4), true },
    { "residual_mlp", layer_residual_mlp, S3(2, 3, 6), true },
    { "cbam", layer_cbam, S4(3, 5, 5, 8), true },
    { "basic_block", layer_basic_block, S4(3, 7, 7, 4), true },
    { "bottleneck", layer_bottleneck, S4(3, 5, 5, 8), true },
};

typedef struct model {
    sal_params *params;
    sal_tape *tape;
    sal_program *program;
} model;

static void model_free(model *m)
{
    sal_program_free(m->program);
    sal_tape_free(m->tape);
    sal_params_free(m->params);
}

/* Parameters and state, or gradients, of a model under a prefix. Biases and norms get values of their own first, not 0 and 1. */
static void parameters(model *m, const char *prefix, bool gradients, bool state)
{
    for (int64_t i = 0; i < sal_params_count(m->params); i++) {
        const sal_param_info *info = sal_params_info(m->params, i);
        char name[256];
        if (info->is_state != state) continue;
        snprintf(name, sizeof name, "%s%s", prefix, info->name);
        const real *slab = state       ? sal_params_state(m->params)
                           : gradients ? sal_params_gradients(m->params)
                                       : sal_params_values(m->params);
        array(name, &info->shape, slab + info->offset);
    }
}

static void roughen(model *m)
{
    real *slabs[2] = { sal_params_values(m->params), sal_params_state(m->params) };
    int64_t sizes[2] = { sal_params_size(m->params), sal_params_state_size(m->params) };
    for (int s = 0; s < 2; s++) {
        for (int64_t i = 0; i < sizes[s]; i++)
            slabs[s][i] += (real)(0.2 * sal_random_uniform(21, (uint64_t)s, (uint64_t)i));
    }
}

static sal_status layer_json(sal_context *ctx, const layer_case *c, bool first)
{
    sal_status status = SAL_STATUS_OK;
    model m = { 0 };
    SAL_TRY(sal_params_new(ctx, &m.params));
    SAL_TRY(sal_tape_new(ctx, m.params, c->training, &m.tape));
    sal_id x = sal_input(m.tape, "x", c->x, true), y = c->build(m.tape, x);
    sal_id cotangent = sal_input(m.tape, "cotangent", sal_tape_shape(m.tape, y), false);
    sal_tape_output(m.tape, y, "y");
    sal_gradients(m.tape, sal_sum_all(m.tape, sal_mul(m.tape, y, cotangent)));
    SAL_TRY(sal_program_new(ctx, m.tape, &m.program));
    SAL_TRY(sal_params_initialise(m.params, 3));
    roughen(&m);
    sal_shape shape = sal_tape_shape(m.tape, y);
    op_fill(&(op_input){ "x", SS, -1, 1 }, 1, sal_shape_count(&c->x), sal_program_input(m.program, "x"));
    op_fill(&(op_input){ "cotangent", SS, -1, 1 }, 2, sal_shape_count(&shape),
            sal_program_input(m.program, "cotangent"));
    open_case(c->name, first);
    parameters(&m, "p:", false, false);
    parameters(&m, "s:", false, true);
    sal_program_run(m.program, 1, 1);
    array("x", &c->x, sal_program_input(m.program, "x"));
    array("cotangent", &shape, sal_program_input(m.program, "cotangent"));
    array("y", &shape, sal_program_output(m.program, "y"));
    array("gradient:x", &c->x, sal_program_output(m.program, "gradient:x"));
    parameters(&m, "gradient:p:", true, false);
    parameters(&m, "after:s:", false, true);
    fprintf(out, "}");
done:
    model_free(&m);
    return status;
}

/* ---- ten steps ---- */

static sal_id small_network(sal_tape *t, sal_id x)
{
    x = sal_layer_conv_bn(t, "1", x, 6, 3, &(sal_conv_options){ .stride = 2 }, true);
    x = sal_layer_conv_bn(t, "2", x, 8, 3, NULL, true);
    x = sal_relu(t, sal_layer_dense(t, "3", sal_global_mean(t, x), 8));
    return sal_layer_dense(t, "4", x, 3);
}

static sal_status training_json(sal_context *ctx, const char *name, const sal_optimizer_options *options, bool first)
{
    sal_status status = SAL_STATUS_OK;
    sal_optimizer *q = NULL;
    model m = { 0 };
    sal_shape xs = SAL_SHAPE(8, 9, 9, 3), ts = SAL_SHAPE(8), losses = SAL_SHAPE(10);
    real loss[10];
    SAL_TRY(sal_params_new(ctx, &m.params));
    SAL_TRY(sal_tape_new(ctx, m.params, true, &m.tape));
    sal_id x = sal_input(m.tape, "x", xs, false), target = sal_input(m.tape, "target", ts, false);
    sal_id error =
        sal_loss_pinball(m.tape, small_network(m.tape, x), target, SAL_NONE, (const double[]){ 0.05, 0.5, 0.95 }, 3);
    sal_tape_output(m.tape, error, "loss");
    sal_gradients(m.tape, error);
    SAL_TRY(sal_program_new(ctx, m.tape, &m.program));
    SAL_TRY(sal_params_initialise(m.params, 4));
    SAL_TRY(sal_optimizer_new(ctx, m.params, options, &q));
    op_fill(&(op_input){ "x", SS, -1, 1 }, 1, sal_shape_count(&xs), sal_program_input(m.program, "x"));
    op_fill(&(op_input){ "target", SS, -2, 4 }, 2, sal_shape_count(&ts), sal_program_input(m.program, "target"));
    open_case(name, first);
    array("x", &xs, sal_program_input(m.program, "x"));
    array("target", &ts, sal_program_input(m.program, "target"));
    parameters(&m, "p:", false, false);
    parameters(&m, "s:", false, true);
    for (uint64_t step = 0; step < 10; step++) {
        sal_program_run(m.program, 1, step);
        loss[step] = sal_program_output(m.program, "loss")[0];
        sal_optimizer_step(q, 0.01);
    }
    array("losses", &losses, loss);
    parameters(&m, "after:p:", false, false);
    parameters(&m, "after:s:", false, true);
    fprintf(out, "}");
done:
    sal_optimizer_free(q);
    model_free(&m);
    return status;
}

int main(int argc, char **argv)
{
    sal_context *ctx = NULL;
    sal_status status = SAL_STATUS_OK;
    if (argc != 2 || !(out = fopen(argv[1], "w"))) {
        fprintf(stderr, "usage: salina_oracle out.json\n");
        return 2;
    }
    SAL_TRY(sal_context_new(&ctx));
    fprintf(out, "{\"ops\": {\n");
    for (int i = 0; i < OP_CASES; i++) SAL_TRY(op_case_json(ctx, &op_cases[i], i == 0));
    fprintf(out, "},\n\"layers\": {\n");
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) SAL_TRY(layer_json(ctx, &layers[i], i == 0));
    fprintf(out, "},\n\"training\": {\n");
    SAL_TRY(training_json(ctx, "adamw", &(sal_optimizer_options){ .weight_decay = 0.1, .clip_norm = 0.5 }, true));
    SAL_TRY(training_json(
        ctx, "sgd",
        &(sal_optimizer_options){ .kind = SAL_OPTIMIZER_SGD, .momentum = 0.9, .nesterov = true, .weight_decay = 0.01 },
        false));
    fprintf(out, "}}\n");
done:
    if (status != SAL_STATUS_OK) fprintf(stderr, "%s\n", ctx ? sal_context_message(ctx) : "no context");
    sal_context_free(ctx);
    return fclose(out) == 0 && status == SAL_STATUS_OK ? 0 : 1;
}
