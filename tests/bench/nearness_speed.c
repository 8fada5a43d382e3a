/* nearness_speed.c - pixels a second of the dissimilarity index, by matrix products and by looking at every sample, and with the local point density.
 *
 * nearness_speed [samples] [covariates] [threads]: prints one line of JSON. Samples and pixels are draws of one correlated field, pixels a little
 * rougher, as neighbours in a scene are.
 */
#include "train/applicability.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PIXELS = 528 * 400, FACTORS = 6 };

typedef struct bench {
    const sal_nearness *s;
    const sal_applicability *a;
    int64_t p;
    float *values, *di, *lpd; /* lpd: NULL for the index alone */
    char *scratch;
    int64_t scratch_bytes;
} bench;

static void fast(void *arg, int64_t chunk, int32_t worker)
{
    const bench *b = arg;
    int64_t first = chunk * SAL_NEARNESS_PIXELS;
    sal_nearness_parts parts = { 1, { b->p }, { b->values + first * b->p } };
    sal_nearness_run(b->s, &parts, SAL_NEARNESS_PIXELS, b->scratch + worker * b->scratch_bytes, b->di + first, b->lpd ? b->lpd + first : NULL);
}

static void plain(void *arg, int64_t chunk, int32_t worker)
{
    const bench *b = arg;
    double x[512];
    (void)worker;
    for (int64_t i = chunk * 100; i < chunk * 100 + 100; i++) {
        for (int64_t j = 0; j < b->p; j++) x[j] = (double)b->values[i * b->p + j];
        b->di[i] = (float)sal_applicability_at(b->a, x, NULL);
    }
}

static double draw(uint64_t stream, uint64_t i, int64_t j, double rough)
{
    double v = rough * sal_random_normal(9, stream + 50, i * 512 + (uint64_t)j);
    for (int f = 0; f < FACTORS; f++) v += sin(1.7 * f + (double)j) * sal_random_normal(9, stream + (uint64_t)f, i);
    return v;
}

int main(int argc, char **argv)
{
    int64_t n = argc > 1 ? atoll(argv[1]) : 800, p = argc > 2 ? atoll(argv[2]) : 40;
    sal_context *ctx;
    sal_applicability *a;
    sal_nearness *s;
    if (p > 512 || n < 3 || sal_context_new(&ctx)) return 1;
    sal_context_set_threads(ctx, argc > 3 ? atoi(argv[3]) : 2);
    bench b = { .p = p };
    double *x = malloc(sizeof *x * (size_t)(n * p)), *w = malloc(sizeof *w * (size_t)p);
    b.values = malloc(sizeof(float) * (size_t)(PIXELS * p)), b.di = malloc(sizeof(float) * PIXELS);
    for (int64_t i = 0; i < n * p; i++) x[i] = (double)(float)draw(0, (uint64_t)(i / p), i % p, 0.3);
    for (int64_t i = 0; i < PIXELS * p; i++) b.values[i] = (float)draw(1000, (uint64_t)(i / p), i % p, 0.4);
    for (int64_t j = 0; j < p; j++) w[j] = 0.1 + sal_random_uniform(9, 7, (uint64_t)j);
    if (sal_applicability_fit(ctx, n, p, x, w, NULL, NULL, &a) || sal_nearness_new(a, &s)) {
        fprintf(stderr, "%s\n", sal_context_message(ctx));
        return 1;
    }
    b.s = s, b.a = a, b.scratch_bytes = (sal_nearness_scratch(s) + 63) / 64 * 64;
    b.scratch = aligned_alloc(64, (size_t)(b.scratch_bytes * sal_context_threads(ctx)));
    sal_pool_run(ctx, 4, fast, &b);
    double begun = sal_clock();
    clock_t cpu = clock();
    sal_pool_run(ctx, PIXELS / SAL_NEARNESS_PIXELS, fast, &b);
    double fast_seconds = sal_clock() - begun, cpu_seconds = (double)(clock() - cpu) / CLOCKS_PER_SEC; /* of all threads: tells on a busy machine too */
    b.lpd = malloc(sizeof(float) * PIXELS);
    begun = sal_clock();
    sal_pool_run(ctx, PIXELS / SAL_NEARNESS_PIXELS, fast, &b);
    double density_rate = PIXELS / (sal_clock() - begun);
    begun = sal_clock();
    sal_pool_run(ctx, 20, plain, &b);
    double plain_rate = 2000 / (sal_clock() - begun), rate = PIXELS / fast_seconds;
    printf("{\"samples\": %lld, \"covariates\": %lld, \"threads\": %d, \"pixels_per_second\": %.0f, \"pixels_per_cpu_second\": %.0f, \"plain_pixels_per_second\": %.0f, \"ratio\": %.1f, \"with_density_pixels_per_second\": %.0f, \"full_tile_s\": %.1f}\n",
           (long long)n, (long long)p, (int)sal_context_threads(ctx), rate, PIXELS / cpu_seconds, plain_rate, rate / plain_rate, density_rate, 10980.0 * 10980 / rate);
    return 0;
}
