/* train_report_applicability.c - the part of the report on what the model heeds and where it may be believed. */
#include "train_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN = 20, CELLS = 48 };

typedef struct ranked {
    const char *id;
    double value;
} ranked;

static int by_value(const void *a, const void *b)
{
    double p = ((const ranked *)a)->value, q = ((const ranked *)b)->value;
    return (p < q) - (p > q);
}

/* A bar for each of the n rows of the table. */
static void importance_bars(sal_report *r, int64_t n, const ranked *all)
{
    const char *names[SHOWN];
    double values[SHOWN];
    for (int64_t k = 0; k < n; k++) names[k] = all[k].id, values[k] = all[k].value;
    const sal_report_rows rows = {"Rise of the mean squared error (scale of the model)", n, names, 1, NULL, values, NULL, NULL, 4, NAN, 0};
    sal_report_bar_rows(r, "What the model heeds: importance of the covariates of the table above", &rows);
}

static sal_status importance_table(sal_context *ctx, sal_report *r, const sal_train_summary *s)
{
    char text[2 * SHOWN][CELLS], caption[320];
    const char *cells[3 * SHOWN];
    ranked *all = NULL;
    double sum = 0;
    int64_t n = s->covariates < SHOWN ? s->covariates : SHOWN;
    sal_status status = sal_allocate(ctx, s->covariates, sizeof *all, &all);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t k = 0; k < s->covariates; k++) {
        all[k] = (ranked){s->covariate_ids[k], s->importance[k]};
        sum += s->importance[k] > 0 ? s->importance[k] : 0;
    }
    qsort(all, (size_t)s->covariates, sizeof *all, by_value);
    for (int64_t k = 0; k < n; k++) {
        snprintf(text[2 * k], CELLS, "%.4f", all[k].value);
        snprintf(text[2 * k + 1], CELLS, "%.1f", all[k].value > 0 ? 100 * all[k].value / sum : 0);
        cells[3 * k] = all[k].id;
        cells[3 * k + 1] = text[2 * k];
        cells[3 * k + 2] = text[2 * k + 1];
    }
    snprintf(caption, sizeof caption, "Importance of the covariates%s: rise of the mean squared out-of-fold error, on the scale the model learns, when a sample gets the covariate of another",
             s->covariates > SHOWN ? ", the first 20" : "");
    sal_report_table(r, caption, 3, (const char *const[]){"covariate", "importance", "share (%)"}, n, cells);
    importance_bars(r, n, all);
    sal_report_paragraph(r, "Covariates that say the same share their importance, and each alone looks less important than both are.");
    sal_release(ctx, all);
    return status;
}

static void say_index(sal_report *r, const sal_applicability *a)
{
    int64_t beyond = 0, tested = 0;
    for (int64_t i = 0; i < a->n; i++) {
        tested += isfinite(a->di[i]);
        beyond += isfinite(a->di[i]) && a->di[i] > a->threshold;
    }
    if (a->basis == SAL_APPLICABILITY_EMBEDDING)
        sal_report_paragraph(r, "The dissimilarity index of a place is the distance of what the networks make of it - the %lld units of their last hidden layers, scaled and weighted by how much each moves the "
                                "prediction - to the nearest training sample, over the mean distance between training samples (Meyer and Pebesma 2021, on the embedding). Its threshold comes from the networks "
                                "of the folds, on samples that these have not seen. Places that the networks cannot tell apart count as alike, whatever their covariates.",
                             (long long)a->p);
    else
        sal_report_paragraph(r, "The dissimilarity index of a place is the distance of its covariates, scaled and weighted by their importance, to the nearest training sample, over the mean distance "
                                "between training samples (Meyer and Pebesma 2021).");
    sal_report_paragraph(r, "Its threshold is %.3f: %lld of %lld samples lie beyond it when they are tested. On ground beyond it the scores above say nothing; maps have the index in band di and flag 8 in band quality.",
                         a->threshold, (long long)beyond, (long long)tested);
}

sal_status sal_train_report_applicability(sal_context *ctx, sal_report *r, const sal_train_summary *s)
{
    sal_report_heading(r, s->applicability ? "Area of applicability" : "Importance of the covariates");
    if (s->applicability) say_index(r, s->applicability);
    else sal_report_note(r, "The model was trained without an area of applicability: its maps do not show where it leaves the ground that the samples know.");
    if (!s->importance) {
        sal_report_note(r, "No covariate improves the out-of-fold predictions%s.", s->applicability && s->applicability->basis == SAL_APPLICABILITY_COVARIATES ? ", so all weigh alike in the index" : "");
        return SAL_STATUS_OK;
    }
    return importance_table(ctx, r, s);
}
