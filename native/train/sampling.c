/* sampling.c - inverse sampling intensity.
 *
 * The trap: at the edge of the area half of the kernel has nowhere to find samples; without the correction edge samples would
 * seem rare and count twice.
 */
#include "train/sampling.h"
#include <math.h>

enum { CHUNK = 32 };

typedef struct intensity {
    int64_t n, m;
    const double *x, *y, *domain_x, *domain_y;
    double hx, hy;
    double *weights; /* first the inverse of lambda, up to a factor */
} intensity;

static double kernel(const intensity *t, double dx, double dy) { return exp(-0.5 * (dx * dx / (t->hx * t->hx) + dy * dy / (t->hy * t->hy))); }

static void weigh(void *arg, int64_t chunk, int32_t worker)
{
    const intensity *t = arg;
    (void)worker;
    int64_t end = chunk * CHUNK + CHUNK < t->n ? chunk * CHUNK + CHUNK : t->n;
    for (int64_t i = chunk * CHUNK; i < end; i++) {
        double samples = 0, ground = 0;
        for (int64_t j = 0; j < t->n; j++) samples += kernel(t, t->x[i] - t->x[j], t->y[i] - t->y[j]);
        for (int64_t j = 0; j < t->m; j++) ground += kernel(t, t->x[i] - t->domain_x[j], t->y[i] - t->domain_y[j]);
        t->weights[i] = ground / samples; /* lambda = samples / ground up to a factor; samples >= 1, its own kernel */
    }
}

static double spread(int64_t n, const double *v)
{
    double mean = 0, sum = 0;
    for (int64_t i = 0; i < n; i++) mean += v[i] / (double)n;
    for (int64_t i = 0; i < n; i++) sum += (v[i] - mean) * (v[i] - mean);
    return sqrt(sum / (double)(n - 1));
}

sal_status sal_sampling_weights(sal_context *ctx, int64_t n, const double *x, const double *y, int64_t m, const double *domain_x,
                                const double *domain_y, double *weights, double bandwidth_m[2])
{
    double scott = pow((double)n, -1.0 / 6), sum = 0;
    intensity t = { n, m, x, y, domain_x, domain_y, 0, 0, weights };
    if (n < 2 || m < 1) return sal_fail(ctx, SAL_STATUS_DATA, "%lld samples and %lld points of the ground are too few for a sampling intensity", (long long)n, (long long)m);
    bandwidth_m[0] = t.hx = spread(n, x) * scott;
    bandwidth_m[1] = t.hy = spread(n, y) * scott;
    if (!(t.hx > 0) || !(t.hy > 0))
        return sal_fail(ctx, SAL_STATUS_DATA, "all %lld samples lie on one line or in one place, so sampling has no intensity over an area; leave weighting at none", (long long)n);
    sal_pool_run(ctx, (n + CHUNK - 1) / CHUNK, weigh, &t);
    for (int64_t i = 0; i < n; i++) sum += weights[i];
    if (!(sum > 0)) return sal_fail(ctx, SAL_STATUS_DATA, "no sample lies near the ground to be mapped, so scores cannot be weighted; leave weighting at none");
    for (int64_t i = 0; i < n; i++) weights[i] *= (double)n / sum;
    return SAL_STATUS_OK;
}
