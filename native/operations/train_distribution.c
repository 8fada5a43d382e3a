/* train_distribution.c - predictive distributions of the samples, of intervals at every level from other folds: their scores over all and by
 * class, in the report and in the result JSON.
 *
 * The trap: among samples observed in a class PIT is never flat, however good the model, for those that are saline lie high in their
 * distributions. Flat is asked for over all and by predicted class, so both are shown.
 */
#include "train_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL = 48, COLUMNS = 10, ROWS = SAL_CLASS_MAX + 1 };

/* lower, upper: (n) limits at the level on the scale of learning; quantiles: (n, SAL_DISTRIBUTION_QUANTILES), natural.
 * Levels come in order. A wider interval that ends where a narrower one does may round to its inside by the last bit: quantiles must not fall. */
void sal__train_take_quantiles(const sal__train_work *w, bool log1p, int32_t level, const double *lower, const double *upper, double *quantiles)
{
    for (int64_t i = 0; i < w->dataset->count; i++) {
        double *q = quantiles + i * SAL_DISTRIBUTION_QUANTILES;
        int32_t l = sal_distribution_lower(level), u = sal_distribution_upper(level);
        q[SAL_CONFORMAL_LEVELS] = w->median[i];
        q[l] = fmin(sal__train_back(log1p, lower[i]), q[l + 1]);
        q[u] = fmax(sal__train_back(log1p, upper[i]), q[u - 1]);
    }
}

sal_status sal__train_distribution(sal__train_work *w, const double *quantiles)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = w->dataset->count;
    const double *y = w->dataset->target;
    sal_train_distribution *out = &w->summary.distribution;
    int32_t *group = NULL; /* (2, n) observed and predicted class */
    SAL_TRY(sal_allocate(w->ctx, n, sizeof *w->pit, &w->pit));
    SAL_TRY(sal_allocate(w->ctx, 2 * n, sizeof *group, &group));
    for (int64_t i = 0; i < n; i++) {
        group[i] = sal_class_of(&w->summary.scheme, y[i]);
        group[n + i] = sal_class_of(&w->summary.scheme, w->median[i]);
    }
    SAL_TRY(sal_distribution_pits(w->ctx, n, y, quantiles, w->pit));
    sal_distribution_evaluate(n, y, quantiles, w->pit, NULL, 0, &out->all);
    for (int32_t c = 0; c < w->summary.scheme.count; c++) {
        sal_distribution_evaluate(n, y, quantiles, w->pit, group, c, &out->observed[c]);
        sal_distribution_evaluate(n, y, quantiles, w->pit, group + n, c, &out->predicted[c]);
    }
    out->pit = w->pit;
done:
    sal_release(w->ctx, group);
    return status;
}

static void fill_row(const char *name, const sal_distribution_scores *s, char text[COLUMNS][CELL], const char **row)
{
    const double values[] = {s->picp, s->interval_score, s->crps, s->qcp[2], s->qcp[SAL_CONFORMAL_LEVELS], s->qcp[12], s->pit_mean, s->pit_sd};
    row[0] = name;
    snprintf(text[1], CELL, "%lld", (long long)s->n);
    row[1] = text[1];
    for (int32_t k = 2; k < COLUMNS; k++) {
        snprintf(text[k], CELL, "%.3f", values[k - 2]);
        row[k] = isfinite(values[k - 2]) ? text[k] : NULL;
    }
}

static void table(sal_report *r, const char *caption, const char *by, const char *unit, const sal_train_summary *s, const sal_distribution_scores *classes)
{
    char text[ROWS][COLUMNS][CELL], score[CELL], crps[CELL];
    const char *cells[ROWS * COLUMNS];
    snprintf(score, sizeof score, "interval score (%.20s)", unit);
    snprintf(crps, sizeof crps, "CRPS (%.20s)", unit);
    fill_row("all", &s->distribution.all, text[0], cells);
    for (int32_t c = 0; c < s->scheme.count; c++) fill_row(s->scheme.names[c], &classes[c], text[c + 1], cells + (c + 1) * COLUMNS);
    const char *const columns[COLUMNS] = {by, "n", "PICP, 90 %", score, crps, "QCP, 5 %", "QCP, 50 %", "QCP, 95 %", "PIT mean", "PIT sd"};
    sal_report_table(r, caption, COLUMNS, columns, s->scheme.count + 1, cells);
}

void sal__train_report_distribution(sal_report *r, const sal_train_summary *s, const char *unit)
{
    table(r, "Predictive distributions, by observed class", "observed class", unit, s, s->distribution.observed);
    table(r, "Predictive distributions, by predicted class", "predicted class", unit, s, s->distribution.predicted);
    sal_report_paragraph(r, "QCP is the share of observations at or below a quantile (0.05, 0.50 and 0.95 when honest), PIT the share of its predictive distribution below an observation "
                            "(mean 0.50 and standard deviation 0.29 when honest; a smaller deviation means intervals that are too wide), CRPS the distance between distribution and observation; less is "
                            "better. The distribution of a sample is a straight line between the limits of its intervals at 50, 60, 70, 80, 90, 95 and 99 %% and its centre. Among "
                            "samples observed to be saline QCP is low and PIT high even for a perfect model; among those predicted to be saline they should be as over all.");
    sal_report_pit(r, "Where observations fall in their predictive distributions: flat at 1 when honest, with the band of chance; high at both ends when intervals are too narrow, in the middle "
                      "when too wide, on one side when biased", s->scores.n, s->distribution.pit);
}

static sal_status add_list(sal_context *ctx, json_object *to, const char *key, int32_t n, const double *values)
{
    json_object *list = json_object_new_array();
    for (int32_t k = 0; k < n && list; k++) json_object_array_add(list, sal_json_number(values[k]));
    return sal_json_add(ctx, to, key, list);
}

static sal_status add_scores(sal_context *ctx, const sal_distribution_scores *s, json_object *to)
{
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_json_add_i64(ctx, to, "n", s->n));
    SAL_TRY(sal_json_add_f64(ctx, to, "picp", s->picp));
    SAL_TRY(sal_json_add_f64(ctx, to, "interval_score", s->interval_score));
    SAL_TRY(sal_json_add_f64(ctx, to, "crps", s->crps));
    SAL_TRY(add_list(ctx, to, "qcp", SAL_DISTRIBUTION_QUANTILES, s->qcp));
    SAL_TRY(sal_json_add_f64(ctx, to, "pit_mean", s->pit_mean));
    SAL_TRY(sal_json_add_f64(ctx, to, "pit_sd", s->pit_sd));
    SAL_TRY(add_list(ctx, to, "pit_tenths", SAL_PIT_BINS, s->pit));
done:
    return status;
}

static sal_status add_classes(sal_context *ctx, const sal_train_summary *s, const char *key, const sal_distribution_scores *classes, json_object *to)
{
    sal_status status = SAL_STATUS_OK;
    json_object *list = json_object_new_array();
    SAL_TRY(sal_json_add(ctx, to, key, list));
    for (int32_t c = 0; c < s->scheme.count; c++) {
        json_object *one = json_object_new_object();
        json_object_array_add(list, one);
        SAL_TRY(sal_json_add_text(ctx, one, "name", s->scheme.names[c]));
        SAL_TRY(add_scores(ctx, &classes[c], one));
    }
done:
    return status;
}

sal_status sal__train_add_distribution(sal_context *ctx, const sal_train_summary *s, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    double shares[SAL_DISTRIBUTION_QUANTILES];
    json_object *object = json_object_new_object(), *all = json_object_new_object();
    SAL_TRY(sal_json_add(ctx, result, "distribution", object));
    SAL_TRY(sal_json_add(ctx, object, "all", all));
    for (int32_t k = 0; k < SAL_DISTRIBUTION_QUANTILES; k++) shares[k] = sal_distribution_share(k);
    SAL_TRY(add_list(ctx, object, "quantiles", SAL_DISTRIBUTION_QUANTILES, shares));
    SAL_TRY(add_scores(ctx, &s->distribution.all, all));
    SAL_TRY(add_classes(ctx, s, "observed_classes", s->distribution.observed, object));
    SAL_TRY(add_classes(ctx, s, "predicted_classes", s->distribution.predicted, object));
done:
    return status;
}
