/* train_report.c - the report of Train model: what it comes to, data, folds, scores, figures, limits in plain words, model card. */
#include "train_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL = 64 };

/* Cells of a table, row by row. */
typedef struct cells {
    char text[400][CELL];
    const char *at[400];
    int64_t n;
} cells;

static void cell(cells *c, const char *format, ...) SAL_PRINTF(2, 3);
static void cell(cells *c, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (c->n < 400) {
        vsnprintf(c->text[c->n], CELL, format, list);
        c->at[c->n] = c->text[c->n];
        c->n++;
    }
    va_end(list);
}

static void data_section(sal_report *r, const sal_arguments *a, const sal_train_report_input *in, cells *c)
{
    const char *unit = sal_argument_text(a, "unit");
    const sal_dataset *d = in->dataset;
    sal_report_heading(r, "Data");
    sal_report_paragraph(r, "%lld samples of %s (%s)%s%s%s%s from \"%s\"; %lld bands, %lld indices and %lld environmental covariates%s.", (long long)d->count,
                         sal_argument_text(a, "target"), unit, sal_argument_given(a, "extract") ? ", extract " : "", sal_argument_given(a, "extract") ? sal_argument_text(a, "extract") : "",
                         sal_argument_given(a, "depth") ? ", depth " : "", sal_argument_given(a, "depth") ? sal_argument_text(a, "depth") : "", sal_argument_text(a, "samples"),
                         (long long)d->roles.band_count, (long long)d->roles.index_count, (long long)d->roles.covariate_count,
                         d->roles.window > 1 ? " in a window around each sample" : " at the pixel");
    c->n = 0;
    for (int64_t k = 0; k < in->stack_count && k < 60; k++) {
        double low = INFINITY, high = -INFINITY, sum = 0;
        int64_t n = 0;
        for (int64_t i = 0; i < d->count; i++) {
            if (d->stack[i] != k) continue;
            n++;
            sum += d->target[i];
            low = fmin(low, d->target[i]);
            high = fmax(high, d->target[i]);
        }
        cell(c, "%s", sal_stack_campaign(in->stacks[k]));
        cell(c, "%s", sal_stack_date(in->stacks[k])[0] ? sal_stack_date(in->stacks[k]) : "not stated");
        cell(c, "%lld", (long long)n);
        cell(c, n ? "%.3g" : "-", low);
        cell(c, n ? "%.3g" : "-", n ? sum / (double)n : 0);
        cell(c, n ? "%.3g" : "-", high);
    }
    char least[CELL], mean[CELL], most[CELL];
    snprintf(least, sizeof least, "least (%s)", unit);
    snprintf(mean, sizeof mean, "mean (%s)", unit);
    snprintf(most, sizeof most, "most (%s)", unit);
    const char *columns[6] = {"campaign", "date", "samples", least, mean, most};
    sal_report_table(r, "Samples by campaign", 6, columns, c->n / 6, c->at);
    if (d->dropped_nodata) sal_report_note(r, "%lld samples on pixels without data were left out.", (long long)d->dropped_nodata);
    if (d->windows_at_edge) sal_report_note(r, "%lld windows reach beyond the edge of their stack, where they hold its mirror image.", (long long)d->windows_at_edge);
    if (d->windows_with_gaps) sal_report_note(r, "%lld windows hold missing values, which count as the mean of the training samples.", (long long)d->windows_with_gaps);
}

/* Of up to LISTED folds each a line; of more the mean of all. */
static sal_status curves(sal_context *ctx, sal_report *r, const sal_train_report_input *in)
{
    enum { LISTED = 20 };
    sal_status status = SAL_STATUS_OK;
    int64_t epochs = in->training->epochs, folds = in->training->folds, lines = folds > LISTED ? 2 : folds + 1;
    double *x = NULL, *y = NULL;
    char names[LISTED + 1][40];
    sal_report_line all[LISTED + 1];
    SAL_TRY(sal_allocate(ctx, epochs, sizeof(double), &x));
    SAL_TRY(sal_allocate(ctx, epochs * lines, sizeof(double), &y));
    for (int64_t e = 0; e < epochs; e++) x[e] = (double)e + 1;
    for (int64_t k = 0; k < folds; k++)
        for (int64_t e = 0; e < epochs; e++) {
            double loss = (double)in->training->losses[k * epochs + e];
            if (folds > LISTED) y[e] += loss / (double)folds;
            else y[k * epochs + e] = loss;
        }
    for (int64_t e = 0; e < epochs; e++) y[(lines - 1) * epochs + e] = (double)in->training->losses[folds * epochs + e];
    for (int64_t k = 0; k < lines; k++) {
        if (k + 1 == lines) snprintf(names[k], sizeof names[k], "final model");
        else if (folds > LISTED) snprintf(names[k], sizeof names[k], "mean of %lld folds", (long long)folds);
        else snprintf(names[k], sizeof names[k], "fold %lld", (long long)k + 1);
        all[k] = (sal_report_line){names[k], epochs, x, y + k * epochs};
    }
    sal_report_lines(r, "Training loss by epoch", "Epoch", "Mean training loss", lines, all);
done:
    sal_release(ctx, x);
    sal_release(ctx, y);
    return status;
}

void sal_train_spread(int64_t n, const double *values, double *mean, double *sd)
{
    double square = 0;
    *mean = 0;
    for (int64_t i = 0; i < n; i++) *mean += values[i] / (double)n;
    for (int64_t i = 0; i < n; i++) square += (values[i] - *mean) * (values[i] - *mean);
    *sd = n > 1 ? sqrt(square / (double)(n - 1)) : NAN;
}

/* Each network of the ensemble alone: how much of the skill is luck of the seed. */
static void seed_table(sal_report *r, const sal_arguments *a, const sal_train_summary *s, cells *c)
{
    double r2, r2_sd, rmse, rmse_sd;
    char unit[CELL];
    if (s->members < 2) return;
    sal_train_spread(s->members, s->member_r2, &r2, &r2_sd);
    sal_train_spread(s->members, s->member_rmse, &rmse, &rmse_sd);
    snprintf(unit, sizeof unit, "RMSE (%s)", sal_argument_text(a, "unit"));
    c->n = 0;
    for (int64_t m = 0; m < s->members; m++) {
        cell(c, "seed %lld", (long long)(sal_argument_i64(a, "seed") + m));
        cell(c, "%.3f", s->member_r2[m]);
        cell(c, "%.3f", s->member_rmse[m]);
    }
    cell(c, "mean");
    cell(c, "%.3f", r2);
    cell(c, "%.3f", rmse);
    cell(c, "standard deviation");
    cell(c, "%.3f", r2_sd);
    cell(c, "%.3f", rmse_sd);
    sal_report_table(r, "Out-of-fold scores of each network alone; the model is their mean", 3, (const char *const[]){"network", "R2", unit}, c->n / 3, c->at);
}

/* The same predictions read as median and as mean: which one a map should show. */
static void centre_table(sal_report *r, const sal_arguments *a, const sal_train_report_input *in, cells *c)
{
    const double *metrics[2] = {in->summary->scores.natural, in->summary->mean.metrics};
    char rmse[CELL], bias[CELL];
    snprintf(rmse, sizeof rmse, "RMSE (%s)", sal_argument_text(a, "unit"));
    snprintf(bias, sizeof bias, "bias (%s)", sal_argument_text(a, "unit"));
    c->n = 0;
    for (int32_t k = 0; k < 2; k++) {
        cell(c, k ? "mean" : "median");
        cell(c, "%.3f", metrics[k][SAL_METRIC_R2]);
        cell(c, "%.3f", metrics[k][SAL_METRIC_RMSE]);
        cell(c, "%+.3f", metrics[k][SAL_METRIC_BIAS]);
    }
    sal_report_table(r, "Two centres of the same prediction, natural scale", 4, (const char *const[]){"centre", "R2", rmse, bias}, 2, c->at);
    if (in->options->log1p)
        sal_report_paragraph(r, "The mean is %.4g (1 + median) - 1: the ratio of observed to predicted 1 + value (Snowdon 1991), found on out-of-fold predictions; each fold is scored "
                                "with the ratio of the others. Retrieve with centre mean for totals and averages of an area.", in->summary->mean.factor);
    else
        sal_report_paragraph(r, "Without a transform the two are the same.");
}

static sal_status score_section(sal_context *ctx, sal_report *r, const sal_arguments *a, const sal_train_report_input *in, cells *c)
{
    sal_status status = SAL_STATUS_OK;
    const sal_dataset *d = in->dataset;
    double *error = NULL;
    char x_label[128], y_label[128], e_label[128];
    const char *target = sal_argument_text(a, "target"), *unit = sal_argument_text(a, "unit");
    snprintf(x_label, sizeof x_label, "Observed %s (%s)", target, unit);
    snprintf(y_label, sizeof y_label, "Predicted %s (%s)", target, unit);
    snprintf(e_label, sizeof e_label, "Predicted - observed (%s)", unit);
    sal_report_heading(r, "Skill");
    sal_report_scores(r, "Scores of pooled out-of-fold predictions", &in->summary->scores, unit);
    if (in->summary->scores.has_interval) {
        sal__train_report_reliability(r, in->summary);
        sal__train_report_distribution(r, in->summary, unit);
    }
    centre_table(r, a, in, c);
    seed_table(r, a, in->summary, c);
    sal_report_scatter(r, "Observed and out-of-fold predicted values with 90 % intervals", x_label, y_label, d->count, d->target, in->median, in->lower, in->upper,
                       in->options->log1p, (sal_report_categories){0, NULL, NULL});
    SAL_TRY(sal_allocate(ctx, d->count, sizeof(double), &error));
    for (int64_t i = 0; i < d->count; i++) error[i] = in->median[i] - d->target[i];
    sal_report_points(r, "Where the errors lie", d->count, d->x, d->y, (sal_report_categories){0, NULL, NULL}, error, e_label);
    if (in->training->epochs > 0) SAL_TRY(curves(ctx, r, in)); /* networks only */
done:
    sal_release(ctx, error);
    return status;
}

/* What a reader who reads nothing else should know. */
static void summary_section(sal_report *r, const sal_arguments *a, const sal_train_report_input *in)
{
    const sal_scores *s = &in->summary->scores;
    const char *unit = sal_argument_text(a, "unit");
    double r2 = s->natural[SAL_METRIC_R2];
    sal_report_heading(r, "In short");
    if (isfinite(r2) && r2 > 0)
        sal_report_paragraph(r, "On samples that it had not seen (%lld folds, validation \"%s\") the model explains %.0f %% of the variance of %s (R2 %.2f). Half of its predictions are within %.3g %s of the measurement; "
                                "the root mean square error is %.3g %s.", (long long)in->folds->k, in->folds->method, 100 * r2, sal_argument_text(a, "target"), r2, s->natural[SAL_METRIC_MEDAE], unit,
                             s->natural[SAL_METRIC_RMSE], unit);
    else
        sal_report_note(r, "On samples that it had not seen (%lld folds, validation \"%s\") the model does no better than the mean of the samples (R2 %.2f). Do not use its map: look at the figures for what is wrong, "
                           "or train longer, with more samples or other covariates.", (long long)in->folds->k, in->folds->method, r2);
    if (s->has_interval)
        sal_report_paragraph(r, "Intervals that should hold %.0f %% of the measurements hold %.0f %% of them, and are %.3g %s wide on average.", 100 * s->coverage, 100 * s->interval[SAL_INTERVAL_PICP],
                             s->interval[SAL_INTERVAL_MPIW], unit);
}

/* Classes about which the samples say little. */
static void small_classes(sal_report *r, const sal_scores *s)
{
    for (int32_t c = 0; s->has_classes && c < s->scheme.count; c++) {
        if (s->class_n[c] == 0)
            sal_report_note(r, "No sample is %s: nothing is known about the map there.", s->scheme.names[c]);
        else if (s->class_n[c] < SAL_CONFORMAL_LEAST_N)
            sal_report_note(r, "Only %lld sample(s) are %s: too few to say how good the map and its intervals are there.", (long long)s->class_n[c], s->scheme.names[c]);
    }
}

static void limit_section(sal_report *r, const sal_arguments *a, const sal_train_report_input *in)
{
    double most = 0;
    for (int64_t i = 0; i < in->dataset->count; i++) most = fmax(most, in->dataset->target[i]);
    sal_report_heading(r, "Limits");
    small_classes(r, &in->summary->scores);
    sal_report_paragraph(r, "The model has seen values up to %.4g %s; where the ground is more saline, the map says too little.", most, sal_argument_text(a, "unit"));
    if (in->options->log1p)
        sal_report_paragraph(r, "The model learns log(1 + value); its map is the centre on that scale, near the median and below the mean of a skewed variable, unless it is retrieved with centre mean.");
    sal_report_paragraph(r, "Intervals are calibrated on the out-of-fold predictions of this validation. They hold for ground like the samples%s.",
                         in->summary->applicability ? "; the bands di and quality of a map show where it leaves the ground that the samples know" : "");
    sal_report_paragraph(r, "Scores are of samples, not of the map: where samples were not drawn at random, they say little about the area between them.");
    sal_report_paragraph(r, "Classes follow %s. Values are in %s as measured; nothing was converted.", in->summary->scheme.title, sal_argument_text(a, "unit"));
    if (in->training->epochs <= 0)
        sal_report_paragraph(r, "The model sees bands, indices and environment at the pixel; its settings were tuned anew inside every fold. Its intervals have one width on the scale it learns on.");
}

sal_status sal_train_report_write(sal_context *ctx, const sal_arguments *a, const sal_train_report_input *in, const char *path)
{
    sal_status status = SAL_STATUS_OK;
    sal_report *r = NULL;
    cells *c = NULL;
    char title[160];
    snprintf(title, sizeof title, "%s: %s (%s)", sal_fit_system_title(in->options), sal_argument_text(a, "target"), sal_argument_text(a, "unit"));
    SAL_TRY(sal_allocate(ctx, 1, sizeof *c, &c));
    SAL_TRY(sal_report_new(ctx, title, &r));
    summary_section(r, a, in);
    data_section(r, a, in, c);
    SAL_TRY(sal_train_report_folds(ctx, r, in->dataset, in->folds));
    SAL_TRY(score_section(ctx, r, a, in, c));
    SAL_TRY(sal_train_report_applicability(ctx, r, in->summary));
    limit_section(r, a, in);
    SAL_TRY(sal__train_report_card(ctx, r, a, in));
    SAL_TRY(sal_report_save(r, path));
done:
    sal_report_free(r);
    sal_release(ctx, c);
    return status;
}
