/* train_scores.c - scores and intervals of Train model, from pooled out-of-fold predictions only, and its result JSON.
 */
#include "train_parts.h"

#include <math.h>
#include <stdio.h>

double sal__train_back(bool log1p, double v)
{
    double natural = log1p ? expm1(v) : v;
    return natural < 0 ? 0 : natural;
}

sal_status sal__train_evaluate(sal__train_work *w, const sal_fit_options *o, sal_conformal *conformal)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = w->dataset->count;
    double *all = NULL, *cl, *cu, breaks[SAL_CLASS_MAX];
    const double *m;
    const sal_class_scheme *scheme = &w->summary.scheme;
    sal_intervals intervals;
    SAL_TRY(sal_allocate(w->ctx, 6 * n, sizeof(double), &all));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof(double), &w->lower));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof(double), &w->median));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof(double), &w->upper));
    cl = all + 4 * n, cu = all + 5 * n;
    SAL_TRY(sal__train_intervals(w, o, all, breaks, &intervals));
    m = intervals.median;
    SAL_TRY(sal_intervals_fit(w->ctx, &intervals, conformal));
    SAL_TRY(sal_intervals_cross(w->ctx, &intervals, 0.9, cl, cu));
    for (int64_t i = 0; i < n; i++) {
        w->lower[i] = sal__train_back(o->log1p, cl[i]);
        w->median[i] = sal__train_back(o->log1p, m[i]);
        w->upper[i] = sal__train_back(o->log1p, cu[i]);
    }
    SAL_TRY(sal_scores_compute(w->ctx, n, w->dataset->target, w->median, w->lower, w->upper, 0.9, scheme, &w->summary.scores));
    if (w->weights) SAL_TRY(sal_scores_weigh(w->ctx, n, w->dataset->target, w->median, w->weights, &w->summary.scores));
    const sal_bootstrap bootstrap = {.n = n, .observed = w->dataset->target, .predicted = w->median, .lower = w->lower, .upper = w->upper, .weights = w->weights,
                                     .unit = w->folds->unit, .units = w->folds->units, .unit_m = w->folds->unit_m, .seed = (uint64_t)sal_argument_i64(w->arguments, "seed")};
    sal_progress_push(w->ctx, 0.97, 0.97);
    status = sal_scores_bootstrap(w->ctx, &bootstrap, &w->summary.scores);
    sal_progress_pop(w->ctx);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(sal_mean_scores_compute(w->ctx, n, w->dataset->target, m, w->folds->fold, (int32_t)w->folds->k, o->log1p, &w->summary.mean));
done:
    sal_release(w->ctx, all);
    return status;
}

/* Scores of every network alone, for the spread over seeds. */
sal_status sal__train_evaluate_members(sal__train_work *w, const sal_fit_options *o)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = w->dataset->count;
    double *predicted = NULL, metrics[SAL_METRIC_COUNT];
    SAL_TRY(sal_allocate(w->ctx, n, sizeof *predicted, &predicted));
    w->summary.members = w->training->members;
    for (int64_t m = 0; m < w->training->members; m++) {
        for (int64_t i = 0; i < n; i++) predicted[i] = sal__train_back(o->log1p, w->training->by_member[m * n + i]);
        SAL_TRY(sal_metrics_evaluate(w->ctx, n, w->dataset->target, predicted, metrics));
        w->summary.member_r2[m] = metrics[SAL_METRIC_R2];
        w->summary.member_rmse[m] = metrics[SAL_METRIC_RMSE];
    }
done:
    sal_release(w->ctx, predicted);
    return status;
}

/* {"median": {"r2", "rmse", "bias"}, "mean": {..}} */
sal_status sal__train_add_centres(const sal__train_work *w, json_object *to)
{
    sal_status status = SAL_STATUS_OK;
    json_object *centres = json_object_new_object();
    SAL_TRY(sal_json_add(w->ctx, to, "centres", centres));
    for (int32_t k = 0; k < 2; k++) {
        const double *metrics = k ? w->summary.mean.metrics : w->summary.scores.natural;
        json_object *one = json_object_new_object();
        SAL_TRY(sal_json_add(w->ctx, centres, k ? "mean" : "median", one));
        SAL_TRY(sal_json_add_f64(w->ctx, one, "r2", metrics[SAL_METRIC_R2]));
        SAL_TRY(sal_json_add_f64(w->ctx, one, "rmse", metrics[SAL_METRIC_RMSE]));
        SAL_TRY(sal_json_add_f64(w->ctx, one, "bias", metrics[SAL_METRIC_BIAS]));
    }
done:
    return status;
}

static sal_status add_spread(sal_context *ctx, json_object *to, const char *key, int64_t n, const double *values)
{
    sal_status status = SAL_STATUS_OK;
    double mean, sd;
    char name[32];
    json_object *list = json_object_new_array();
    for (int64_t i = 0; i < n && list; i++) json_object_array_add(list, sal_json_number(values[i]));
    SAL_TRY(sal_json_add(ctx, to, key, list));
    sal_train_spread(n, values, &mean, &sd);
    snprintf(name, sizeof name, "%s_mean", key);
    SAL_TRY(sal_json_add_f64(ctx, to, name, mean));
    snprintf(name, sizeof name, "%s_sd", key);
    SAL_TRY(sal_json_add_f64(ctx, to, name, sd));
done:
    return status;
}

sal_status sal__train_add_results(sal__train_work *w, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    json_object *scores = NULL;
    const sal_scores *s = &w->summary.scores;
    for (int32_t k = 0; k < SAL__TRAIN_OUTPUTS; k++) {
        if (w->outputs[k]) SAL_TRY(sal_json_add_text(w->ctx, result, sal__train_output_keys[k], sal_argument_text(w->arguments, sal__train_output_keys[k])));
    }
    SAL_TRY(sal_json_add_i64(w->ctx, result, "samples", w->dataset->count));
    SAL_TRY(sal_json_add_text(w->ctx, result, "validation", w->folds->method));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "overlap_share", w->folds->overlap_share));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "r2", s->natural[SAL_METRIC_R2]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "rmse", s->natural[SAL_METRIC_RMSE]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "mae", s->natural[SAL_METRIC_MAE]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "bias", s->natural[SAL_METRIC_BIAS]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "log_r2", s->has_log ? s->log1p[SAL_METRIC_R2] : NAN));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "mean_factor", w->summary.mean.factor));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "coverage_90", s->interval[SAL_INTERVAL_PICP]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "samples_per_second", w->training->samples_per_second));
    SAL_TRY(sal_scores_json(w->ctx, s, &scores));
    SAL_TRY(sal_json_add(w->ctx, result, "scores", scores));
    SAL_TRY(sal__train_add_centres(w, result));
    SAL_TRY(sal__train_add_folds(w->ctx, w->folds, result));
    SAL_TRY(sal__train_add_applicability(w, result));
    if (w->summary.members > 1) {
        json_object *seeds = json_object_new_object();
        SAL_TRY(sal_json_add(w->ctx, result, "by_seed", seeds));
        SAL_TRY(add_spread(w->ctx, seeds, "r2", w->summary.members, w->summary.member_r2));
        SAL_TRY(add_spread(w->ctx, seeds, "rmse", w->summary.members, w->summary.member_rmse));
    }
done:
    return status;
}
