/* train_report_folds.c - the part of the report on validation: what the folds ask, how many samples they test, where they lie, how far test and
 * training are apart and whether that is as far as the map is from the samples.
 */
#include "train_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LISTED = 20, STEPS = 500, CELLS = 32 };

static void say_method(sal_report *r, const sal_folds *f)
{
    const sal_fold_method *m = sal_fold_method_find(f->method);
    const sal_variogram *v = &f->variogram;
    sal_report_heading(r, "Validation");
    sal_report_paragraph(r, "%s, %lld folds. %s", m->title, (long long)f->k, m->help);
    sal_report_paragraph(r, "%.0f %% of the test samples have a window that shares pixels with a training window; the median distance from a test sample to its nearest training sample is %.0f m.",
                         100 * f->overlap_share, f->median_distance_m);
    if (f->block_m > 0)
        sal_report_paragraph(r, "Blocks are %.0f m wide; the samples occupy %lld of them.", f->block_m, (long long)f->blocks);
    if (f->buffer_m > 0) sal_report_paragraph(r, "The buffer is %.0f m; it keeps %lld samples, counted over all folds, out of training.", f->buffer_m, (long long)f->dropped_by_buffer);
    if (v->cutoff_m > 0 && v->range_m > 0)
        sal_report_paragraph(r, "The variogram of log(1 + target) has a range of %s%.0f m, nugget %.3g and sill %.3g (spherical model, up to %.0f m).", v->at_cutoff ? "at least " : "", v->range_m,
                             v->nugget, v->nugget + v->partial_sill, v->cutoff_m);
    else if (v->cutoff_m > 0)
        sal_report_paragraph(r, "The variogram of log(1 + target) shows no structure up to %.0f m.", v->cutoff_m);
    if (strcmp(f->method, "knndm") == 0 && f->clusters)
        sal_report_paragraph(r, "The samples are clustered against the map (Kolmogorov-Smirnov, p = %.2g); %lld clusters match it best.", f->clustered_p, (long long)f->clusters);
    if (strcmp(f->method, "knndm") == 0 && !f->clusters)
        sal_report_note(r, "The samples are as spread as the map (Kolmogorov-Smirnov, p = %.2g), so these folds are random: they already ask what the map asks.", f->clustered_p);
    if (strcmp(f->method, "random") == 0)
        sal_report_note(r, "Random folds are an optimistic reference: they say how well the map interpolates between samples, not how well it does on ground without samples. Train with blocks or knndm for that.");
    if (strcmp(f->method, "campaign") == 0)
        sal_report_note(r, "Places that were visited in several campaigns are in training while another visit is tested; campaign_location leaves them out too.");
}

static void fold_table(sal_report *r, const sal_folds *f)
{
    char text[4 * LISTED][CELLS];
    const char *cells[4 * LISTED], *columns[4] = {"fold", "tested", "trained", "left out"};
    if (f->k > LISTED) {
        sal_report_paragraph(r, "There are too many folds to list; all are in the JSON result of the training.");
        return;
    }
    for (int64_t k = 0; k < f->k; k++) {
        const int64_t values[4] = {k + 1, f->test_count[k], f->train_count[k], f->dropped_count[k]};
        for (int64_t c = 0; c < 4; c++) {
            snprintf(text[4 * k + c], CELLS, "%lld", (long long)values[c]);
            cells[4 * k + c] = text[4 * k + c];
        }
    }
    sal_report_table(r, "Folds; left out are samples that neither train nor are tested there", 4, columns, f->k, cells);
}

static void fold_map(sal_report *r, const sal_dataset *d, const sal_folds *f)
{
    char text[LISTED][CELLS];
    const char *names[LISTED];
    if (f->k > LISTED) { /* as many colours say nothing */
        sal_report_points(r, "Distance from each test sample to its nearest training sample", d->count, d->x, d->y, (sal_report_categories){0, NULL, NULL}, f->nearest_m, "Distance (m)");
        return;
    }
    for (int64_t k = 0; k < f->k; k++) {
        snprintf(text[k], CELLS, "fold %lld", (long long)k + 1);
        names[k] = text[k];
    }
    sal_report_points(r, "Where the folds lie", d->count, d->x, d->y, (sal_report_categories){f->k, names, f->fold}, NULL, NULL);
}

/* The distribution function of n values where it rises: exact up to STEPS values, of more every n / STEPS-th, so that it is nowhere off by more than
 * 1 / STEPS. x, y: (STEPS + 1); a step holds until the next. */
static sal_status distribution(sal_context *ctx, int64_t n, const double *values, double *x, double *y, sal_report_line *line)
{
    double *sorted = NULL;
    int64_t steps = n < STEPS ? n : STEPS;
    sal_status status = sal_sorted_copy(ctx, n, values, &sorted);
    if (status != SAL_STATUS_OK) return status;
    x[0] = sorted[0], y[0] = 0;
    for (int64_t i = 1; i <= steps; i++) {
        int64_t rank = (i * n + steps - 1) / steps; /* values up to and with this one */
        x[i] = sorted[rank - 1], y[i] = (double)rank / (double)n;
    }
    line->x = x, line->y = y, line->count = steps + 1;
    sal_release(ctx, sorted);
    return status;
}

static sal_status distance_curves(sal_context *ctx, sal_report *r, const sal_folds *f)
{
    sal_status status;
    double *xy = NULL;
    sal_report_line lines[3] = {{.name = "test to training (Gj*)"}, {.name = "between samples (Gj)"}, {.name = "map to samples (Gij)"}};
    const double *from[3] = {f->nearest_m, f->gj_m, f->gij_m};
    char caption[256];
    int64_t n = f->gij_m ? 3 : 2;
    SAL_TRY(sal_allocate(ctx, 6 * (STEPS + 1), sizeof *xy, &xy));
    for (int64_t i = 0; i < n; i++) SAL_TRY(distribution(ctx, i < 2 ? f->count : f->domain_count, from[i], xy + 2 * i * (STEPS + 1), xy + (2 * i + 1) * (STEPS + 1), &lines[i]));
    if (f->gij_m)
        snprintf(caption, sizeof caption, "Distances to the nearest neighbour. Folds ask what the map asks where Gj* lies on Gij; the area between them is W = %.0f m", f->w_m);
    else
        snprintf(caption, sizeof caption, "Distances to the nearest neighbour");
    sal_report_steps(r, caption, "Distance (m)", "Share of samples or of the map", n, lines);
done:
    sal_release(ctx, xy);
    return status;
}

sal_status sal_train_report_folds(sal_context *ctx, sal_report *r, const sal_dataset *dataset, const sal_folds *folds)
{
    say_method(r, folds);
    fold_table(r, folds);
    fold_map(r, dataset, folds);
    return distance_curves(ctx, r, folds);
}
