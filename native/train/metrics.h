/* metrics.h - scores of pooled out-of-fold predictions: natural and log scale, per class, with intervals. One row each
 * in the .def files.
 *
 * R2 is 1 - SSE/SST and may be negative; the squared correlation is r2. Scores are computed once from all pooled
 * predictions, never averaged over folds. A score that the data do not define (constant observations) is NaN here and
 * null in JSON.
 */
#ifndef SAL_TRAIN_METRICS_H
#define SAL_TRAIN_METRICS_H

#include "base/json.h"
#include "train/classes.h"

typedef enum sal_metric {
#define SAL_METRIC(id, label, what, formula) SAL_METRIC_##id,
#include "train/metrics.def"
#undef SAL_METRIC
    SAL_METRIC_COUNT
} sal_metric;

typedef enum sal_interval_metric {
#define SAL_INTERVAL_METRIC(id, label, what, formula) SAL_INTERVAL_##id,
#include "train/interval_metrics.def"
#undef SAL_INTERVAL_METRIC
    SAL_INTERVAL_COUNT
} sal_interval_metric;

typedef struct sal_metric_row {
    const char *id;    /* lower case: key in JSON */
    const char *label; /* in tables */
    char what;         /* 't' in the unit of the target, '1' a pure number */
    const char *formula;
} sal_metric_row;

const sal_metric_row *sal_metric_at(sal_metric metric);
const sal_metric_row *sal_interval_metric_at(sal_interval_metric metric);

/* values[SAL_METRIC_COUNT] of n >= 1 pairs. DATA when n is 0 or a value is not finite (says which). */
sal_status sal_metrics_evaluate(sal_context *ctx, int64_t n, const double *observed, const double *predicted,
                                double *values);
/* values[SAL_INTERVAL_COUNT] for intervals of nominal coverage (0.9). DATA as above, and when an interval is upside
 * down. */
sal_status sal_interval_metrics_evaluate(sal_context *ctx, int64_t n, const double *observed, const double *lower,
                                         const double *upper, double coverage, double *values);

typedef struct sal_scores {
    int64_t n;
    double natural[SAL_METRIC_COUNT];
    bool has_log;                   /* false when an observation is negative */
    double log1p[SAL_METRIC_COUNT]; /* of log(1 + value), predictions below 0 taken as 0 */
    bool has_interval;
    double coverage; /* nominal */
    double interval[SAL_INTERVAL_COUNT];
    bool has_classes;
    sal_class_scheme scheme;
    int64_t class_n[SAL_CLASS_MAX];                        /* by observed class */
    double class_natural[SAL_CLASS_MAX][SAL_METRIC_COUNT]; /* NaN in a class without samples */
    double class_interval[SAL_CLASS_MAX][SAL_INTERVAL_COUNT];
} sal_scores;

/* Everything at once. lower and upper may be NULL (no intervals), scheme may be NULL (no classes). */
sal_status sal_scores_compute(sal_context *ctx, int64_t n, const double *observed, const double *predicted,
                              const double *lower, const double *upper, double coverage, const sal_class_scheme *scheme,
                              sal_scores *out);
/* {"n":, "natural": {"r2":..}, "log1p": {..}, "interval": {..}, "scheme":, "classes": [{"name":, "limits":, "n":,
 * "rmse":, .. "picp":..}]}. The caller puts `*out`. */
sal_status sal_scores_json(sal_context *ctx, const sal_scores *scores, json_object **out);

/* Quantile of type 7 (R, numpy) of n >= 1 values sorted ascending; p in [0, 1]. */
double sal_quantile_sorted(int64_t n, const double *sorted, double p);
sal_status sal_sorted_copy(sal_context *ctx, int64_t n, const double *values, double **out);
void sal_sort_f64(int64_t n, double *values); /* ascending */

#endif
