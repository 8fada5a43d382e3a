/* train_speed.c - training steps per second of a system on random input: forward, gradients and (when given) the profile by op.
 *
 * usage: train_speed [system] [batch] [steps] [threads]; prints one JSON object. bench_train.py compares it with PyTorch.
 */
#include "graph/optimizer.h"
#include "models/model.h"
#include <stdio.h>
#include <stdlib.h>

static sal_context *ctx;

static void check(int32_t status)
{
    if (status == SAL_STATUS_OK) return;
    fprintf(stderr, "train_speed: %s\n", sal_context_message(ctx));
    exit(1);
}

static void fill(sal_program *p, const char *name, int64_t count)
{
    real *x = sal_program_input(p, name);
    for (int64_t i = 0; x && i < count; i++) x[i] = (real)sal_random_normal(7, 1, (uint64_t)i);
}

int main(int argc, char **argv)
{
    const char *id = argc > 1 ? argv[1] : "ss_soilnet";
    int64_t n = argc > 2 ? atoll(argv[2]) : 64, steps = argc > 3 ? atoll(argv[3]) : 20, threads = argc > 4 ? atoll(argv[4]) : 0;
    sal_params *params;
    sal_tape *t;
    sal_program *program;
    sal_model_options o;
    sal_model_defaults(&o);
    o.bands = 10;
    o.indices = 35;
    o.covariates = 10;
    check(sal_context_new(&ctx));
    check(sal_context_set_threads(ctx, (int32_t)threads));
    check(sal_params_new(ctx, &params));
    check(sal_tape_new(ctx, params, true, &t));
    const sal_system *system = sal_system_find(id);
    if (!system) return 2;
    sal_model_inputs in = sal_system_inputs(t, system, &o, n);
    sal_id y = system->build(t, &o, &in);
    sal_id loss = sal_model_loss(t, &o, y, sal_input(t, "target", SAL_SHAPE(n, 1), false), SAL_NONE);
    sal_tape_output(t, loss, "loss");
    sal_gradients(t, loss);
    check(sal_program_new(ctx, t, &program));
    check(sal_params_initialise(params, 1));
    fill(program, "window", n * o.window * o.window * o.covariates);
    fill(program, "spectrum", n * o.bands);
    fill(program, "index", n * o.indices);
    fill(program, "ndvi", n);
    fill(program, "target", n);
    const sal_optimizer_options options = { .weight_decay = 1e-2, .clip_norm = 1 };
    sal_optimizer *optimizer;
    check(sal_optimizer_new(ctx, params, &options, &optimizer));
    for (int64_t i = 0; i < 3; i++) {
        sal_program_run(program, 1, (uint64_t)i);
        sal_optimizer_step(optimizer, 1e-3);
    }
    sal_program_profile(program, true);
    double start = sal_clock();
    for (int64_t i = 0; i < steps; i++) {
        sal_program_run(program, 1, (uint64_t)i);
        sal_optimizer_step(optimizer, 1e-3);
    }
    double seconds = sal_clock() - start;
    char *profile;
    check(sal_program_profile_json(program, &profile));
    printf("{\"system\": \"%s\", \"batch\": %lld, \"parameters\": %lld, \"samples_per_second\": %.1f, \"loss\": %.5f, \"megabytes\": %.1f, \"profile\": %s}\n",
           id, (long long)n, (long long)sal_params_size(params), (double)(n * steps) / seconds, (double)sal_program_output(program, "loss")[0],
           (double)sal_program_bytes(program) / 1e6, profile);
    sal_release(ctx, profile);
    sal_optimizer_free(optimizer);
    sal_program_free(program);
    sal_tape_free(t);
    sal_params_free(params);
    sal_context_free(ctx);
    return 0;
}
