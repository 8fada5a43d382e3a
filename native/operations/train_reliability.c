/* train_reliability.c - how often out-of-fold intervals of every coverage hold the measurement, over all and by class: an
 * interval that is right at 90 % can be wrong at 50 %, and right on average while wrong in the saline class.
 *
 * As for the scores, the interval of a sample comes from a calibration on the other folds.
 */
#include "train_parts.h"

#include <math.h>
#include <stdio.h>

sal_status sal__train_intervals(const sal__train_work *w, const sal_fit_options *o, double *all, double *breaks, sal_intervals *out)
{
    int64_t n = w->dataset->count;
    const sal_class_scheme *scheme = &w->summary.scheme;
    for (int64_t i = 0; i < n; i++) {
        all[i] = o->log1p ? log1p(w->dataset->target[i]) : w->dataset->target[i];
        for (int64_t q = 0; q < 3; q++) all[(q + 1) * n + i] = w->training->out_of_fold[3 * i + q];
    }
    for (int32_t k = 0; k + 1 < scheme->count; k++) breaks[k] = o->log1p ? log1p(scheme->breaks[k]) : scheme->breaks[k];
    *out = (sal_intervals){.n = n, .k = w->folds->k, .fold = w->folds->fold, .observed = all, .lower = all + n, .median = all + 2 * n, .upper = all + 3 * n,
                           .quantiles = o->model.head != SAL_HEAD_HUBER, .breaks = breaks, .n_breaks = scheme->count - 1};
    return sal_intervals_find(w->ctx, sal_argument_text(w->arguments, "intervals"), &out->rule);
}

sal_status sal__train_check_intervals(const sal__train_work *w)
{
    sal_intervals intervals = {.n = w->dataset->count, .k = w->folds->k, .fold = w->folds->fold};
    sal_status status = sal_intervals_find(w->ctx, sal_argument_text(w->arguments, "intervals"), &intervals.rule);
    return status == SAL_STATUS_OK ? sal_intervals_check(w->ctx, &intervals) : status;
}

static void count(const sal__train_work *w, const double *observed, const double *lower, const double *upper, int32_t level, sal_train_reliability *out)
{
    const sal_class_scheme *scheme = &w->summary.scheme;
    int64_t inside[SAL_CLASS_MAX] = {0}, total[SAL_CLASS_MAX] = {0}, all = 0;
    for (int64_t i = 0; i < w->dataset->count; i++) {
        int32_t c = sal_class_of(scheme, w->dataset->target[i]);
        bool held = observed[i] >= lower[i] && observed[i] <= upper[i];
        total[c]++;
        inside[c] += held;
        all += held;
    }
    out->all[level] = (double)all / (double)w->dataset->count;
    for (int32_t c = 0; c < scheme->count; c++) out->by_class[c][level] = total[c] ? (double)inside[c] / (double)total[c] : NAN;
}

sal_status sal__train_reliability(sal__train_work *w, const sal_fit_options *o, sal_train_reliability *out)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = w->dataset->count;
    double *all = NULL, *quantiles = NULL, breaks[SAL_CLASS_MAX];
    sal_intervals intervals;
    SAL_TRY(sal_allocate(w->ctx, 6 * n, sizeof *all, &all));
    SAL_TRY(sal_allocate(w->ctx, n * SAL_DISTRIBUTION_QUANTILES, sizeof *quantiles, &quantiles));
    SAL_TRY(sal__train_intervals(w, o, all, breaks, &intervals));
    for (int32_t level = 0; level < SAL_CONFORMAL_LEVELS; level++) {
        SAL_TRY(sal_intervals_cross(w->ctx, &intervals, sal_conformal_levels[level], all + 4 * n, all + 5 * n));
        count(w, all, all + 4 * n, all + 5 * n, level, out);
        sal__train_take_quantiles(w, o->log1p, level, all + 4 * n, all + 5 * n, quantiles);
    }
    SAL_TRY(sal__train_distribution(w, quantiles));
done:
    sal_release(w->ctx, quantiles);
    sal_release(w->ctx, all);
    return status;
}

void sal__train_report_reliability(sal_report *report, const sal_train_summary *s)
{
    sal_report_line lines[SAL_CLASS_MAX + 2];
    char names[SAL_CLASS_MAX][96];
    int64_t n = 0;
    lines[n++] = (sal_report_line){"as asked for", SAL_CONFORMAL_LEVELS, sal_conformal_levels, sal_conformal_levels};
    lines[n++] = (sal_report_line){"all samples", SAL_CONFORMAL_LEVELS, sal_conformal_levels, s->reliability.all};
    for (int32_t c = 0; s->scores.has_classes && c < s->scheme.count; c++) {
        if (s->scores.class_n[c] < SAL_CONFORMAL_LEAST_N) continue; /* its curve would be chance */
        snprintf(names[c], sizeof names[c], "%s, n = %lld", s->scheme.names[c], (long long)s->scores.class_n[c]);
        lines[n++] = (sal_report_line){names[c], SAL_CONFORMAL_LEVELS, sal_conformal_levels, s->reliability.by_class[c]};
    }
    sal_report_lines(report, "How often intervals hold the measurement, for any coverage that is asked for; classes with 40 samples or more", "Coverage asked for (share)",
                     "Coverage found (share)", n, lines);
}

sal_status sal__train_add_reliability(sal_context *ctx, const sal_train_summary *s, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    json_object *list = json_object_new_array();
    SAL_TRY(sal_json_add(ctx, result, "reliability", list));
    for (int32_t level = 0; level < SAL_CONFORMAL_LEVELS; level++) {
        json_object *one = json_object_new_object(), *classes = json_object_new_object();
        json_object_array_add(list, one);
        SAL_TRY(sal_json_add_f64(ctx, one, "asked", sal_conformal_levels[level]));
        SAL_TRY(sal_json_add_f64(ctx, one, "found", s->reliability.all[level]));
        SAL_TRY(sal_json_add(ctx, one, "by_class", classes));
        for (int32_t c = 0; c < s->scheme.count; c++) SAL_TRY(sal_json_add_f64(ctx, classes, s->scheme.names[c], s->reliability.by_class[c][level]));
    }
done:
    return status;
}
