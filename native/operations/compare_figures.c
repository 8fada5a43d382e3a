/* compare_figures.c - the comparison as figures: scores of the systems with their bounds, and differences of the best to the others around 0.
 *
 * The trap: the bounds of two systems may overlap while their difference is clear, for both err on the same samples; the second kind of figure says which.
 */
#include "compare_parts.h"

#include <math.h>
#include <stdio.h>

enum { LABEL = 96 };

typedef struct rows {
    const char *labels[SAL__COMPARE_MOST];
    double value[SAL__COMPARE_MOST], lower[SAL__COMPARE_MOST], upper[SAL__COMPARE_MOST];
    int64_t n;
} rows;

static void add(rows *r, const char *label, double value, double lower, double upper)
{
    r->labels[r->n] = label;
    r->value[r->n] = value, r->lower[r->n] = lower, r->upper[r->n++] = upper;
}

static void draw(sal_report *report, const char *caption, const char *value_label, const rows *r, double target)
{
    const sal_report_rows all = {value_label, r->n, r->labels, 1, NULL, r->value, r->lower, r->upper, 3, target, 0};
    sal_report_intervals(report, caption, &all);
}

void sal__compare_draw_scores(const sal__compare_work *w, sal_report *report, const char *unit)
{
    char label[LABEL];
    rows r2 = {.n = 0}, rmse = {.n = 0};
    for (int64_t k = 0; k < w->count; k++) {
        const sal__compared *s = &w->systems[k];
        add(&r2, s->title, s->mean[0], s->r2_low, s->r2_high);
        add(&rmse, s->title, s->mean[1], s->rmse_low, s->rmse_high);
    }
    snprintf(label, sizeof label, "RMSE (%s)", unit);
    draw(report, "R2 of each system, mean over seeds, with 95 % bounds by the bootstrap; 0 is as good as the mean of all samples", "R2", &r2, 0);
    draw(report, "RMSE of each system, mean over seeds, with 95 % bounds by the bootstrap; less is better", label, &rmse, NAN);
}

void sal__compare_draw_differences(const sal__compare_work *w, sal_report *report, const char *unit)
{
    char label[LABEL], caption[3 * LABEL];
    const char *best = w->systems[w->best].title;
    rows r2 = {.n = 0}, rmse = {.n = 0};
    for (int64_t k = 0; k < w->count; k++) {
        const sal__difference *d = &w->to_best[k];
        if (k == w->best) continue;
        add(&r2, w->systems[k].title, d->r2, d->r2_low, d->r2_high);
        add(&rmse, w->systems[k].title, d->rmse, d->rmse_low, d->rmse_high);
    }
    snprintf(caption, sizeof caption, "How much greater the R2 of %s is than that of each other system, on the same samples; an interval across 0 may be chance", best);
    draw(report, caption, "Difference in R2", &r2, 0);
    snprintf(label, sizeof label, "Difference in RMSE (%s)", unit);
    snprintf(caption, sizeof caption, "RMSE of %s less that of each other system; below 0 it errs less, an interval across 0 may be chance", best);
    draw(report, caption, label, &rmse, 0);
}
