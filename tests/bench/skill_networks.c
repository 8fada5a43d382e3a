/* skill_networks.c - networks trained on the first points of a layer and judged on the others, whose value is the truth.
 *
 * usage: skill_networks layer.gpkg count system seeds stack.tif ...; the points with fid <= count train. Prints a JSON array with one object for
 * each seed 1 .. seeds and, last, one for the mean of the networks: R2, log R2 (both 1 - SSE / SST), bias and seconds of training.
 */
#include "train/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STACKS_MAX = 64 };

static sal_context *ctx;

static void check(int32_t status)
{
    if (status == SAL_STATUS_OK) return;
    fprintf(stderr, "skill_networks: %s\n", sal_context_message(ctx));
    exit(1);
}

static void *room(int64_t n, size_t size)
{
    void *p;
    check(sal_allocate(ctx, n, size, &p));
    return p;
}

typedef struct points {
    sal_stack *stacks[STACKS_MAX];
    sal_samples *samples;
    sal_roles roles;
    sal_dataset *dataset;
    uint8_t *keep;
    int64_t *unseen, count; /* (count) samples of the dataset that are not trained on */
} points;

static void read_points(points *p, const char *layer, int64_t training, int64_t window, char **paths, int64_t n)
{
    for (int64_t i = 0; i < n; i++) check(sal_stack_open(ctx, paths[i], &p->stacks[i]));
    check(sal_samples_read(ctx, layer, "salinity", "date", &p->samples));
    check(sal_samples_match(ctx, p->samples, p->stacks, n));
    check(sal_roles_find(ctx, p->stacks, n, window, &p->roles));
    check(sal_dataset_new(ctx, p->samples, p->stacks, n, &p->roles, 20, &p->dataset));
    p->keep = room(p->dataset->count, sizeof *p->keep);
    p->unseen = room(p->dataset->count, sizeof *p->unseen);
    for (int64_t i = 0; i < p->dataset->count; i++) {
        p->keep[i] = p->dataset->fid[i] <= training;
        if (!p->keep[i]) p->unseen[p->count++] = i;
    }
}

/* log: log1p of the prediction. */
static void print_scores(const points *p, const double *log_predicted, const char *name, double seconds)
{
    double mean = 0, log_mean = 0, sse = 0, sst = 0, log_sse = 0, log_sst = 0, bias = 0;
    for (int64_t i = 0; i < p->count; i++) {
        double y = p->dataset->target[p->unseen[i]];
        mean += y / (double)p->count;
        log_mean += log1p(y) / (double)p->count;
    }
    for (int64_t i = 0; i < p->count; i++) {
        double y = p->dataset->target[p->unseen[i]], got = fmax(expm1(log_predicted[i]), 0), d = log1p(got) - log1p(y);
        sse += (got - y) * (got - y);
        sst += (y - mean) * (y - mean);
        log_sse += d * d;
        log_sst += (log1p(y) - log_mean) * (log1p(y) - log_mean);
        bias += (got - y) / (double)p->count;
    }
    printf("{\"network\": \"%s\", \"r2\": %.4f, \"log_r2\": %.4f, \"bias\": %.4f, \"unseen\": %lld, \"seconds\": %.1f}", name, 1 - sse / sst, 1 - log_sse / log_sst, bias,
           (long long)p->count, seconds);
}

int main(int argc, char **argv)
{
    if (argc < 6 || argc - 5 > STACKS_MAX) return 2;
    const sal_system *system = sal_system_find(argv[3]);
    int64_t seeds = atoll(argv[4]);
    points p = { 0 };
    if (!system) return 2;
    check(sal_context_new(&ctx));
    sal_fit_options o;
    sal_fit_defaults(&o);
    o.system = system;
    read_points(&p, argv[1], atoll(argv[2]), system->uses & SAL_USES_WINDOW ? o.model.window : 1, argv + 5, argc - 5);
    double *out = room(3 * p.count, sizeof *out), *one = room(p.count, sizeof *one), *mean = room(p.count, sizeof *mean);
    printf("[");
    for (int64_t k = 1; k <= seeds; k++) {
        char name[24];
        sal_fit *fit;
        o.seed = (uint64_t)k;
        check(sal_fit_new(ctx, p.dataset, p.keep, &o, &fit));
        double begun = sal_clock();
        check(sal_fit_run(fit, sal_fit_steps(fit)));
        double seconds = sal_clock() - begun;
        check(sal_fit_predict(fit, p.unseen, p.count, out));
        const sal_scaling *target = &sal_fit_scaler(fit)->target;
        for (int64_t i = 0; i < p.count; i++) {
            one[i] = out[3 * i + 1] * target->sd + target->mean;
            mean[i] += one[i] / (double)seeds;
        }
        snprintf(name, sizeof name, "seed %d", (int)k);
        print_scores(&p, one, name, seconds);
        printf(",\n");
        sal_fit_free(fit);
    }
    print_scores(&p, mean, "mean", 0);
    printf("]\n");
    sal_dataset_free(ctx, p.dataset);
    sal_roles_clear(ctx, &p.roles);
    sal_samples_free(ctx, p.samples);
    for (int k = 0; k < argc - 5; k++) sal_stack_free(p.stacks[k]);
    sal_release(ctx, p.keep);
    sal_release(ctx, p.unseen);
    sal_release(ctx, out);
    sal_release(ctx, one);
    sal_release(ctx, mean);
    sal_context_free(ctx);
    return 0;
}
