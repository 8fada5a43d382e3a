/* train_speed.c - training steps per second of a system on random input: forward, gradients, AdamW with clipping, and CPU seconds by op.
 *
 * usage: train_speed [system] [batch] [steps] [threads] [arrays.safetensors]; prints one JSON object. The file gets the arrays and, as text
 * "shape", the sizes of the network. bench_train.py compares it with PyTorch.
 */
#include "graph/optimizer.h"
#include "models/model.h"
#include "tensor/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

static void save(sal_params *params, const sal_model_options *o, const char *path)
{
    sal_tensors *file;
    char shape[400];
    check(sal_tensors_new(ctx, &file));
    for (int64_t i = 0; i < sal_params_count(params); i++) {
        const sal_param_info *info = sal_params_info(params, i);
        check(sal_tensors_add(file, info->name, sizeof(real) == 4 ? SAL_TENSOR_F32 : SAL_TENSOR_F64, info->shape.rank, info->shape.dim,
                              sal_params_find(params, info->name, NULL), false));
    }
    snprintf(shape, sizeof shape,
             "{\"bands\": %d, \"indices\": %d, \"covariates\": %d, \"window\": %d, \"width\": %d, \"heads\": %d, "
             "\"channels\": [%d, %d, %d], \"pools\": %d, \"hidden\": %d, \"head\": \"%s\"}",
             (int)o->bands, (int)o->indices, (int)o->covariates, (int)o->window, (int)o->width, (int)o->heads, (int)o->channels[0],
             (int)o->channels[1], (int)o->channels[2], (int)o->pools, (int)o->hidden, o->head == SAL_HEAD_HUBER ? "huber" : "quantile");
    check(sal_tensors_set_metadata(file, "shape", shape));
    check(sal_tensors_save(file, path));
    sal_tensors_free(file);
}

static sal_program *compile(sal_tape *t, const sal_system *system, const sal_model_options *o, int64_t n)
{
    sal_program *program;
    sal_model_inputs in = sal_system_inputs(t, system, o, n);
    sal_id y = system->build(t, o, &in);
    sal_id loss = sal_model_loss(t, o, y, sal_input(t, "target", SAL_SHAPE(n, 1), false), SAL_NONE);
    sal_tape_output(t, loss, "loss");
    sal_gradients(t, loss);
    check(sal_program_new(ctx, t, &program));
    fill(program, "window", n * o->window * o->window * o->covariates);
    fill(program, "spectrum", n * o->bands);
    fill(program, "index", n * o->indices);
    fill(program, "point", n * o->covariates);
    fill(program, "ndvi", n);
    fill(program, "target", n);
    return program;
}

static double cpu_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double seconds_of(sal_program *program, sal_optimizer *optimizer, int64_t steps)
{
    double start = sal_clock();
    for (int64_t i = 0; i < steps; i++) {
        sal_program_run(program, 1, (uint64_t)i);
        sal_optimizer_step(optimizer, 1e-3);
    }
    return sal_clock() - start;
}

int main(int argc, char **argv)
{
    const char *id = argc > 1 ? argv[1] : "ss_soilnet";
    int64_t n = argc > 2 ? atoll(argv[2]) : 64, steps = argc > 3 ? atoll(argv[3]) : 20, threads = argc > 4 ? atoll(argv[4]) : 0;
    const sal_optimizer_options adamw = { .weight_decay = 1e-2, .clip_norm = 1 };
    const sal_system *system = sal_system_find(id);
    sal_params *params;
    sal_tape *t;
    sal_optimizer *optimizer;
    sal_model_options o;
    char *profile;
    if (!system) return 2;
    sal_model_defaults(&o);
    o.bands = 10;
    o.indices = 35;
    o.covariates = 10;
    check(sal_context_new(&ctx));
    check(sal_context_set_threads(ctx, (int32_t)threads));
    check(sal_params_new(ctx, &params));
    check(sal_tape_new(ctx, params, true, &t));
    sal_program *program = compile(t, system, &o, n);
    check(sal_params_initialise(params, 1));
    if (argc > 5) save(params, &o, argv[5]);
    check(sal_optimizer_new(ctx, params, &adamw, &optimizer));
    seconds_of(program, optimizer, 3);
    double cpu = cpu_clock(), seconds = seconds_of(program, optimizer, steps);
    cpu = cpu_clock() - cpu;
    sal_program_profile(program, true);
    seconds_of(program, optimizer, steps / 4 + 1);
    check(sal_program_profile_json(program, &profile));
    printf("{\"system\": \"%s\", \"batch\": %lld, \"parameters\": %lld, \"samples_per_second\": %.1f, \"per_cpu_second\": %.1f, \"loss\": %.5f, \"megabytes\": %.1f, "
           "\"profile\": %s}\n",
           id, (long long)n, (long long)sal_params_size(params), (double)(n * steps) / seconds, (double)(n * steps) / cpu,
           (double)sal_program_output(program, "loss")[0],
           (double)sal_program_bytes(program) / 1e6, profile);
    sal_release(ctx, profile);
    sal_optimizer_free(optimizer);
    sal_program_free(program);
    sal_tape_free(t);
    sal_params_free(params);
    sal_context_free(ctx);
    return 0;
}
