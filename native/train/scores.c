/* scores.c - all scores of one set of pooled predictions: both scales, intervals, and by class of the observed value.
 *
 * The trap: per-class R2, CCC and the like are not comparable between classes (each has its own spread); tables show
 * RMSE, MAE, bias and coverage.
 */
#include "train/metrics.h"
#include <math.h>

static sal_status score_log(sal_context *ctx, int64_t n, const double *observed, const double *predicted,
                            const double *weights, double *values, bool *has)
{
    sal_status status;
    double *logs = NULL;
    for (int64_t i = 0; i < n; i++)
        if (observed[i] < 0) return SAL_STATUS_OK;
    SAL_TRY(sal_allocate(ctx, 2 * n, sizeof *logs, &logs));
    for (int64_t i = 0; i < n; i++) {
        logs[i] = log1p(observed[i]);
        logs[n + i] = log1p(fmax(predicted[i], 0));
    }
    SAL_TRY(sal_metrics_evaluate_weighted(ctx, n, logs, logs + n, weights, values));
    *has = true;
done:
    sal_release(ctx, logs);
    return status;
}

/* Members of class c, observed, predicted, lower and upper one after the other in part (4, n); returns how many. */
static int64_t gather_class(const sal_class_scheme *scheme, int32_t c, int64_t n, const double *observed, const double *predicted,
                            const double *lower, const double *upper, double *part)
{
    int64_t m = 0;
    for (int64_t i = 0; i < n; i++) {
        if (sal_class_of(scheme, observed[i]) != c) continue;
        part[m] = observed[i];
        part[n + m] = predicted[i];
        part[2 * n + m] = lower ? lower[i] : 0;
        part[3 * n + m] = upper ? upper[i] : 0;
        m++;
    }
    return m;
}

static sal_status score_classes(sal_context *ctx, int64_t n, const double *observed, const double *predicted,
                                const double *lower, const double *upper, sal_scores *out)
{
    sal_status status;
    double *part = NULL; /* (4, n): observed, predicted, lower, upper of one class */
    SAL_TRY(sal_allocate(ctx, 4 * n, sizeof *part, &part));
    for (int32_t c = 0; c < out->scheme.count; c++) {
        int64_t m = gather_class(&out->scheme, c, n, observed, predicted, lower, upper, part);
        out->class_n[c] = m;
        for (int k = 0; k < SAL_METRIC_COUNT; k++) out->class_natural[c][k] = NAN;
        for (int k = 0; k < SAL_INTERVAL_COUNT; k++) out->class_interval[c][k] = NAN;
        if (m == 0) continue;
        SAL_TRY(sal_metrics_evaluate(ctx, m, part, part + n, out->class_natural[c]));
        if (out->has_interval)
            SAL_TRY(sal_interval_metrics_evaluate(ctx, m, part, part + 2 * n, part + 3 * n, out->coverage,
                                                  out->class_interval[c]));
    }
    out->has_classes = true;
done:
    sal_release(ctx, part);
    return status;
}

sal_status sal_scores_compute(sal_context *ctx, int64_t n, const double *observed, const double *predicted,
                              const double *lower, const double *upper, double coverage, const sal_class_scheme *scheme,
                              sal_scores *out)
{
    sal_status status;
    *out = (sal_scores){ .n = n, .coverage = coverage };
    SAL_TRY(sal_metrics_evaluate(ctx, n, observed, predicted, out->natural));
    SAL_TRY(score_log(ctx, n, observed, predicted, NULL, out->log1p, &out->has_log));
    if (lower && upper) {
        SAL_TRY(sal_interval_metrics_evaluate(ctx, n, observed, lower, upper, coverage, out->interval));
        out->has_interval = true;
    }
    if (scheme) {
        out->scheme = *scheme;
        SAL_TRY(score_classes(ctx, n, observed, predicted, lower, upper, out));
    }
done:
    return status;
}

sal_status sal_scores_weigh(sal_context *ctx, int64_t n, const double *observed, const double *predicted, const double *weights,
                            sal_scores *out)
{
    sal_status status;
    bool has_log = false;
    double sum = 0, squares = 0;
    SAL_TRY(sal_metrics_evaluate_weighted(ctx, n, observed, predicted, weights, out->weighted_natural));
    SAL_TRY(score_log(ctx, n, observed, predicted, weights, out->weighted_log1p, &has_log));
    for (int64_t i = 0; i < n; i++) {
        sum += weights[i];
        squares += weights[i] * weights[i];
    }
    out->effective_n = sum * sum / squares;
    out->has_weighted = true;
done:
    return status;
}
