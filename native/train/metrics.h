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
/* The same where pair i counts weights[i] times (>= 0, any scale; NULL counts all alike): de Bruin et al. 2022 (doi
 * 10.1016/j.ecoinf.2022.101665) weigh by inverse sampling intensity. Standard deviations keep n - 1. */
sal_status sal_metrics_evaluate_weighted(sal_context *ctx, int64_t n, const double *observed, const double *predicted, const double *weights,
                                         double *values);
/* values[SAL_INTERVAL_COUNT] for intervals of nominal coverage (0.9). DATA as above, and when an interval is upside
 * down. */
sal_status sal_interval_metrics_evaluate(sal_context *ctx, int64_t n, const double *observed, const double *lower,
                                         const double *upper, double coverage, double *values);

/* Limits of a bootstrap confidence interval. */
typedef struct sal_bounds {
    double low, high; /* NaN where the data do not tell */
} sal_bounds;

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

    bool has_weighted; /* by sal_scores_weigh */
    double weighted_natural[SAL_METRIC_COUNT], weighted_log1p[SAL_METRIC_COUNT];
    double effective_n; /* (sum w)^2 / sum w^2: how many samples of equal weight say as much */

    int64_t draws;       /* of the bootstrap, by sal_scores_bootstrap; 0: the bounds below are not filled */
    int64_t units;       /* what was drawn: blocks or places */
    double unit_m;       /* size of blocks, 0 for places */
    double bounds_level; /* 0.95 */
    sal_bounds natural_bounds[SAL_METRIC_COUNT], log1p_bounds[SAL_METRIC_COUNT], interval_bounds[SAL_INTERVAL_COUNT];
    sal_bounds weighted_natural_bounds[SAL_METRIC_COUNT], weighted_log1p_bounds[SAL_METRIC_COUNT];
    sal_bounds class_bounds[SAL_CLASS_MAX][SAL_METRIC_COUNT], class_interval_bounds[SAL_CLASS_MAX][SAL_INTERVAL_COUNT];
} sal_scores;

/* Everything at once. lower and upper may be NULL (no intervals), scheme may be NULL (no classes). */
sal_status sal_scores_compute(sal_context *ctx, int64_t n, const double *observed, const double *predicted,
                              const double *lower, const double *upper, double coverage, const sal_class_scheme *scheme,
                              sal_scores *out);
/* Adds the scores on both scales where sample i counts weights[i] times. */
sal_status sal_scores_weigh(sal_context *ctx, int64_t n, const double *observed, const double *predicted, const double *weights,
                            sal_scores *scores);

enum { SAL_BOOTSTRAP_DRAWS = 1000, SAL_BOOTSTRAP_LEAST_UNITS = 5 };
/* Adds 95 % percentile bounds of every score (Efron 1979; whole blocks are drawn, because samples of a block say the same: Kuensch 1989,
 * Roberts et al. 2017). unit: (n) block or place of a sample, 0 .. units - 1. With fewer than SAL_BOOTSTRAP_LEAST_UNITS units, or a class that
 * lies in fewer, bounds are NaN. observed ... weights are those of sal_scores_compute and sal_scores_weigh. Deterministic by seed. */
typedef struct sal_bootstrap {
    int64_t n;
    const double *observed, *predicted, *lower, *upper, *weights; /* (n); lower and upper, weights may be NULL */
    const int64_t *unit;
    int64_t units;
    double unit_m;
    uint64_t seed;
} sal_bootstrap;
sal_status sal_scores_bootstrap(sal_context *ctx, const sal_bootstrap *bootstrap, sal_scores *scores);

/* {"n":, "natural": {"r2":..}, "log1p": {..}, "interval": {..}, "scheme":, "classes": [{"name":, "limits":, "n":,
 * "rmse":, .. "picp":..}], "weighted": {"effective_n":, "natural":, "log1p":}, "bounds": {"level":, "draws":, "units":, "unit_m":,
 * "natural": {"r2": [low, high]}, "log1p":, "interval":, "weighted":, "classes": [{..}]}}. The caller puts `*out`. */
sal_status sal_scores_json(sal_context *ctx, const sal_scores *scores, json_object **out);

/* Quantile of type 7 (R, numpy) of n >= 1 values sorted ascending; p in [0, 1]. */
double sal_quantile_sorted(int64_t n, const double *sorted, double p);
sal_status sal_sorted_copy(sal_context *ctx, int64_t n, const double *values, double **out);
void sal_sort_f64(int64_t n, double *values); /* ascending */

#endif
