/* tail_speed.c - microseconds per pixel and core of what SS-SoilNet does once per pixel when mapping: the tail behind the gates.
 *
 * usage: tail_speed [batch] [runs]; prints one JSON object with CPU seconds by op.
 */
#include "models/ss_soilnet_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sal_context *ctx;

static void check(int32_t status)
{
    if (status == SAL_STATUS_OK) return;
    fprintf(stderr, "tail_speed: %s\n", sal_context_message(ctx));
    exit(1);
}

static void fill(sal_program *p, const char *name, int64_t count)
{
    real *x = sal_program_input(p, name);
    for (int64_t i = 0; x && i < count; i++) x[i] = (real)sal_random_normal(7, 1, (uint64_t)i);
}

static double cpu_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    int64_t n = argc > 1 ? atoll(argv[1]) : 256, runs = argc > 2 ? atoll(argv[2]) : 300;
    sal_params *params;
    sal_tape *t;
    sal_program *program;
    sal_model_options o;
    char *profile;
    sal_model_defaults(&o);
    o.bands = 10;
    o.indices = 35;
    o.covariates = 10;
    if (argc > 3) o.width = atoll(argv[3]);
    check(sal_context_new(&ctx));
    check(sal_context_set_threads(ctx, 1));
    check(sal_params_new(ctx, &params));
    check(sal_tape_new(ctx, params, false, &t));
    sal_system tail = *sal_system_find("ss_soilnet");
    tail.uses &= ~(uint32_t)SAL_USES_WINDOW;
    sal_model_inputs in = sal_system_inputs(t, &tail, &o, n);
    sal_id pooled = sal_input(t, "pooled", SAL_SHAPE(n, o.covariates, o.channels[2] * o.pools), false);
    sal_tape_output(t, sal_ss_soilnet_tail(t, &o, &in, pooled), "y");
    check(sal_program_new(ctx, t, &program));
    check(sal_params_initialise(params, 1));
    fill(program, "spectrum", n * o.bands);
    fill(program, "index", n * o.indices);
    fill(program, "point", n * o.covariates);
    fill(program, "ndvi", n);
    fill(program, "pooled", n * o.covariates * o.channels[2] * o.pools);
    for (int64_t i = 0; i < 3; i++) sal_program_run(program, 1, 0);
    sal_tape *lanes_tape;
    sal_program *lanes;
    check(sal_tape_new(ctx, params, false, &lanes_tape));
    in = sal_system_inputs(lanes_tape, &tail, &o, n);
    sal_tape_output(lanes_tape, sal_ss_soilnet_tail(lanes_tape, &o, &in, sal_input(lanes_tape, "pooled", SAL_SHAPE(n, o.covariates, o.channels[2] * o.pools), false)), "y");
    check(sal_program_new_lanes(ctx, lanes_tape, &lanes));
    for (int64_t i = 0; i < runs / 4; i++) sal_program_run(lanes, 1, 0);
    double begin = cpu_clock();
    for (int64_t i = 0; i < runs; i++) sal_program_run(lanes, 1, 0);
    double lanes_us = 1e6 * (cpu_clock() - begin) / (double)(runs * n);
    sal_program_profile(lanes, true);
    for (int64_t i = 0; i < runs; i++) sal_program_run(lanes, 1, 0);
    check(sal_program_profile_json(lanes, &profile));
    printf("lanes %.3f %s\n", lanes_us, profile);
    sal_program_free(lanes);
    sal_tape_free(lanes_tape);
    begin = cpu_clock();
    for (int64_t i = 0; i < runs; i++) sal_program_run(program, 1, 0);
    double microseconds = 1e6 * (cpu_clock() - begin) / (double)(runs * n);
    sal_program_profile(program, true);
    for (int64_t i = 0; i < runs; i++) sal_program_run(program, 1, 0);
    check(sal_program_profile_json(program, &profile));
    printf("{\"batch\": %lld, \"microseconds_per_pixel\": %.3f, \"profile\": %s}\n", (long long)n, microseconds, profile);
    sal_release(ctx, profile);
    sal_program_free(program);
    sal_tape_free(t);
    sal_params_free(params);
    sal_context_free(ctx);
    return 0;
}
