/* scores.c - all scores of one set of pooled predictions: both scales, intervals, and by class of the observed value.
 *
 * The trap: per-class R2, CCC and the like are not comparable between classes (each has its own spread); tables show
 * RMSE, MAE, bias and coverage.
 */
#include "train/metrics.h"
#include <ctype.h>
#include <math.h>

static sal_status score_log(sal_context *ctx, int64_t n, const double *observed, const double *predicted,
                            sal_scores *out)
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
    SAL_TRY(sal_metrics_evaluate(ctx, n, logs, logs + n, out->log1p));
    out->has_log = true;
done:
    sal_release(ctx, logs);
    return status;
}

static sal_status score_classes(sal_context *ctx, int64_t n, const double *observed, const double *predicted,
                                const double *lower, const double *upper, sal_scores *out)
{
    sal_status status;
    double *part = NULL; /* (4, n): observed, predicted, lower, upper of one class */
    SAL_TRY(sal_allocate(ctx, 4 * n, sizeof *part, &part));
    for (int32_t c = 0; c < out->scheme.count; c++) {
        int64_t m = 0;
        for (int64_t i = 0; i < n; i++) {
            if (sal_class_of(&out->scheme, observed[i]) != c) continue;
            part[m] = observed[i];
            part[n + m] = predicted[i];
            part[2 * n + m] = lower ? lower[i] : 0;
            part[3 * n + m] = upper ? upper[i] : 0;
            m++;
        }
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
    SAL_TRY(score_log(ctx, n, observed, predicted, out));
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

static sal_status add_rows(sal_context *ctx, json_object *object, int count, const double *values, bool interval)
{
    sal_status status = SAL_STATUS_OK;
    for (int m = 0; m < count; m++) {
        const char *id =
            interval ? sal_interval_metric_at((sal_interval_metric)m)->id : sal_metric_at((sal_metric)m)->id;
        char key[32];
        int k = 0;
        for (; id[k] && k < 31; k++) key[k] = (char)tolower((unsigned char)id[k]);
        key[k] = 0;
        SAL_TRY(sal_json_add_f64(ctx, object, key, values[m]));
    }
done:
    return status;
}

/* Adds object[key] = {rows}. */
static sal_status add_table(sal_context *ctx, json_object *object, const char *key, int count, const double *values,
                            bool interval)
{
    json_object *table = json_object_new_object();
    sal_status status = sal_json_add(ctx, object, key, table);
    return status == SAL_STATUS_OK ? add_rows(ctx, table, count, values, interval) : status;
}

static sal_status add_classes(sal_context *ctx, const sal_scores *s, json_object *object)
{
    sal_status status;
    json_object *list = json_object_new_array();
    SAL_TRY(sal_json_add_text(ctx, object, "scheme", s->scheme.id));
    SAL_TRY(sal_json_add(ctx, object, "classes", list));
    for (int32_t c = 0; c < s->scheme.count; c++) {
        json_object *row = json_object_new_object();
        if (!row || json_object_array_add(list, row)) {
            json_object_put(row);
            return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while writing scores");
        }
        char limits[64];
        sal_class_limits_text(&s->scheme, c, limits);
        SAL_TRY(sal_json_add_text(ctx, row, "name", s->scheme.names[c]));
        SAL_TRY(sal_json_add_text(ctx, row, "limits", limits));
        SAL_TRY(sal_json_add_i64(ctx, row, "n", s->class_n[c]));
        SAL_TRY(add_rows(ctx, row, SAL_METRIC_COUNT, s->class_natural[c], false));
        if (s->has_interval) SAL_TRY(add_rows(ctx, row, SAL_INTERVAL_COUNT, s->class_interval[c], true));
    }
done:
    return status;
}

sal_status sal_scores_json(sal_context *ctx, const sal_scores *s, json_object **out)
{
    sal_status status;
    json_object *object = json_object_new_object();
    SAL_TRY(sal_json_add_i64(ctx, object, "n", s->n));
    SAL_TRY(add_table(ctx, object, "natural", SAL_METRIC_COUNT, s->natural, false));
    if (s->has_log) SAL_TRY(add_table(ctx, object, "log1p", SAL_METRIC_COUNT, s->log1p, false));
    if (s->has_interval) {
        SAL_TRY(sal_json_add_f64(ctx, object, "coverage", s->coverage));
        SAL_TRY(add_table(ctx, object, "interval", SAL_INTERVAL_COUNT, s->interval, true));
    }
    if (s->has_classes) SAL_TRY(add_classes(ctx, s, object));
done:
    if (status != SAL_STATUS_OK) {
        json_object_put(object);
        object = NULL;
    }
    *out = object;
    return status;
}
