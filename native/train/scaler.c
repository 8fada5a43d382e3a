/* scaler.c - scaling of covariates and target, fitted on the training samples of a fold only.
 *
 * Values are clipped to +-SAL_SCALE_CLIP standard deviations, because ratios have long tails and one pixel must not rule a window.
 */
#include "dataset.h"
#include <math.h>

typedef struct sums {
    double n, mean, m2, low, high;
} sums;

static void take(sums *s, double v)
{
    if (!isfinite(v)) return;
    if (s->n == 0) s->low = s->high = v;
    if (v < s->low) s->low = v;
    if (v > s->high) s->high = v;
    double d = v - s->mean;
    s->n += 1;
    s->mean += d / s->n;
    s->m2 += d * (v - s->mean);
}

static sal_scaling finish(const sums *s)
{
    sal_scaling out = { s->mean, s->n > 1 ? sqrt(s->m2 / s->n) : 0, s->low, s->high };
    if (!(out.sd > 1e-9 * (fabs(out.mean) + 1e-6))) out.sd = 1; /* a constant covariate becomes 0 everywhere */
    return out;
}

typedef struct part {
    const sal_dataset *d;
    const uint8_t *keep;
    const float *values; /* (count, rows, n) */
    int64_t rows, n;
    sal_scaling *out;
} part;

static void fit_one(void *arg, int64_t k, int32_t worker)
{
    const part *p = arg;
    sums s = { 0 };
    for (int64_t i = 0; i < p->d->count; i++) {
        if (!p->keep[i]) continue;
        const float *v = p->values + i * p->rows * p->n + k;
        for (int64_t r = 0; r < p->rows; r++) take(&s, v[r * p->n]);
    }
    p->out[k] = finish(&s);
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
    part parts[3] = {
        { d, keep, d->spectrum, 1, r->band_count, out->items },
        { d, keep, d->index, 1, r->index_count, out->items + r->band_count },
        { d, keep, d->window, r->window * r->window, r->covariate_count, out->items + r->band_count + r->index_count },
    };
    for (int32_t k = 0; k < 3; k++) sal_pool_run(ctx, parts[k].n, fit_one, &parts[k]);
    sums s = { 0 };
    for (int64_t i = 0; i < d->count; i++) {
        if (keep[i]) take(&s, log_target ? log1p(d->target[i]) : d->target[i]);
    }
    if (s.n < 2 || !(s.high > s.low))
        return sal_fail(ctx, SAL_STATUS_DATA, "the %.0f training samples of a fold all have the same target value; use fewer folds or more samples", s.n);
    out->target = finish(&s);
    return SAL_STATUS_OK;
}

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
