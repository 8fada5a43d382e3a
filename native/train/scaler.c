/* scaler.c - scaling of covariates and target, fitted on the training samples of a fold only.
 *
 * Values are clipped to +-SAL_SCALE_CLIP standard deviations, because ratios have long tails and one pixel must not rule a window.
 */
#include "dataset.h"
#include "tensor/simd.h"
#include <math.h>

/* Count, mean, sum of squared differences from it, least and greatest of the finite values. */
typedef struct sums {
    double n, mean, m2, low, high;
} sums;

/* Chan, Golub and LeVeque 1983: the sums of two sets together. */
static void join(sums *a, const sums *b)
{
    if (b->n == 0) return;
    if (a->n == 0) {
        *a = *b;
        return;
    }
    double n = a->n + b->n, d = b->mean - a->mean;
    a->m2 += b->m2 + d * d * a->n * b->n / n;
    a->mean += d * b->n / n;
    a->n = n;
    a->low = fmin(a->low, b->low);
    a->high = fmax(a->high, b->high);
}

static sal_scaling finish(const sums *s)
{
    sal_scaling out = { s->mean, s->n > 1 ? sqrt(s->m2 / s->n) : 0, s->low, s->high };
    if (!(out.sd > 1e-9 * (fabs(out.mean) + 1e-6))) out.sd = 1; /* a constant covariate becomes 0 everywhere */
    return out;
}

typedef struct part {
    const uint8_t *keep;
    const float *values; /* (count, rows, n) */
    int64_t rows, n;
    sums *sums; /* (count, n) */
} part;

/* One sample, two passes over its rows, which stay in the cache. */
static void sum_sample(void *arg, int64_t i, int32_t worker)
{
    const part *p = arg;
    const float *v = p->values + i * p->rows * p->n;
    sums *s = p->sums + i * p->n;
    double count[SAL_COVARIATES_MAX] = { 0 }, sum[SAL_COVARIATES_MAX] = { 0 }, square[SAL_COVARIATES_MAX] = { 0 };
    float low[SAL_COVARIATES_MAX], high[SAL_COVARIATES_MAX];
    if (!p->keep[i]) return;
    for (int64_t k = 0; k < p->n; k++) low[k] = INFINITY, high[k] = -INFINITY;
    for (int64_t r = 0; r < p->rows; r++) {
        for (int64_t k = 0; k < p->n; k++) {
            float x = v[r * p->n + k];
            bool real_number = fabsf(x) < INFINITY;
            count[k] += real_number ? 1 : 0;
            sum[k] += real_number ? (double)x : 0;
            low[k] = real_number && x < low[k] ? x : low[k];
            high[k] = real_number && x > high[k] ? x : high[k];
        }
    }
    for (int64_t k = 0; k < p->n; k++) sum[k] = count[k] > 0 ? sum[k] / count[k] : 0;
    for (int64_t r = 0; r < p->rows; r++) {
        for (int64_t k = 0; k < p->n; k++) {
            float x = v[r * p->n + k];
            double d = (double)x - sum[k];
            square[k] += fabsf(x) < INFINITY ? d * d : 0;
        }
    }
    for (int64_t k = 0; k < p->n; k++) s[k] = (sums){ count[k], sum[k], square[k], (double)low[k], (double)high[k] };
}

static sal_status fit_part(sal_context *ctx, int64_t count, const uint8_t *keep, const float *values, int64_t rows, int64_t n, sal_scaling *out)
{
    part p = { keep, values, rows, n, NULL };
    sal_status status = sal_allocate(ctx, count * n, sizeof *p.sums, &p.sums);
    if (status != SAL_STATUS_OK) return status;
    sal_pool_run(ctx, count, sum_sample, &p);
    for (int64_t k = 0; k < n; k++) {
        sums all = { 0 };
        for (int64_t i = 0; i < count; i++) join(&all, &p.sums[i * n + k]);
        out[k] = finish(&all);
    }
    sal_release(ctx, p.sums);
    return SAL_STATUS_OK;
}

double sal_scaler_forward(const sal_scaler *s, double target)
{
    double v = s->log1p ? log1p(target) : target;
    return (v - s->target.mean) / s->target.sd;
}

double sal_scaler_backward(const sal_scaler *s, double value)
{
    double v = value * s->target.sd + s->target.mean;
    return s->log1p ? expm1(v) : v;
}

sal_status sal_scaler_fit(sal_context *ctx, const sal_dataset *d, const uint8_t *keep, bool log_target, sal_scaler *out)
{
    const sal_roles *r = &d->roles;
    *out = (sal_scaler){ .bands = r->band_count, .indices = r->index_count, .covariates = r->covariate_count, .log1p = log_target };
    sal_scaling *bands = out->items, *indices = bands + r->band_count, *covariates = indices + r->index_count;
    sal_status status = fit_part(ctx, d->count, keep, d->spectrum, 1, r->band_count, bands);
    if (status == SAL_STATUS_OK) status = fit_part(ctx, d->count, keep, d->index, 1, r->index_count, indices);
    if (status == SAL_STATUS_OK) status = fit_part(ctx, d->count, keep, d->window, r->window * r->window, r->covariate_count, covariates);
    if (status != SAL_STATUS_OK) return status;
    sums s = { 0 };
    for (int64_t i = 0; i < d->count; i++) {
        double v = log_target ? log1p(d->target[i]) : d->target[i];
        if (keep[i]) join(&s, &(sums){ 1, v, 0, v, v });
    }
    if (s.n < 2 || !(s.high > s.low))
        return sal_fail(ctx, SAL_STATUS_DATA, "the %.0f training samples of a fold all have the same target value; use fewer folds or more samples", s.n);
    out->target = finish(&s);
    return SAL_STATUS_OK;
}

SAL_CLONES static void apply_plane(float a, float b, int64_t n, float *values)
{
    const float most = (float)SAL_SCALE_CLIP;
    for (int64_t i = 0; i < n; i++) {
        float v = values[i] * a + b;
        v = v == v ? v : 0;
        v = v < most ? v : most;
        values[i] = v > -most ? v : -most;
    }
}

void sal_scale_plane(const sal_scaling *scale, int64_t n, float *values) { apply_plane((float)(1 / scale->sd), (float)(-scale->mean / scale->sd), n, values); }

void sal_scale_apply(const sal_scaling *scales, int64_t n, int64_t rows, float *values)
{
    float a[SAL_COVARIATES_MAX], b[SAL_COVARIATES_MAX];
    for (int64_t k = 0; k < n; k++) {
        a[k] = (float)(1 / scales[k].sd);
        b[k] = (float)(-scales[k].mean / scales[k].sd);
    }
    const float most = (float)SAL_SCALE_CLIP;
    for (int64_t r = 0; r < rows; r++, values += n) {
        for (int64_t k = 0; k < n; k++) {
            float v = values[k] * a[k] + b[k];
            v = v == v ? v : 0;
            v = v < most ? v : most;
            values[k] = v > -most ? v : -most;
        }
    }
}
