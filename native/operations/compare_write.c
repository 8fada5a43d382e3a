/* compare_write.c - the comparison as CSV, as a page and as JSON: systems in the order asked for, scores as mean and standard deviation over seeds.
 */
#include "compare_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL = 48, COLUMNS = 8 };

static void number(sal_context *ctx, sal_text *t, double v)
{
    if (isfinite(v)) sal_text_append(ctx, t, ",%.6g", v);
    else sal_text_append(ctx, t, ",");
}

sal_status sal__compare_write_table(sal__compare_work *w, const char *path)
{
    sal_context *ctx = w->train.ctx;
    sal_text t = {0};
    sal_text_append(ctx, &t, "system,title,seeds");
    for (int32_t k = 0; k < SAL__COMPARE_METRICS; k++) sal_text_append(ctx, &t, ",%s_mean,%s_sd", sal__compare_metrics[k].key, sal__compare_metrics[k].key);
    sal_text_append(ctx, &t, ",r2_low,r2_high,rmse_low,rmse_high,r2_below_best,r2_below_best_low,r2_below_best_high,rmse_above_best,rmse_above_best_low,rmse_above_best_high\n");
    for (int64_t k = 0; k < w->count; k++) {
        const sal__compared *s = &w->systems[k];
        const sal__difference *d = &w->to_best[k];
        sal_text_append(ctx, &t, "%s,%s,%lld", s->id, s->title, (long long)s->members);
        for (int32_t m = 0; m < SAL__COMPARE_METRICS; m++) number(ctx, &t, s->mean[m]), number(ctx, &t, s->sd[m]);
        const double values[10] = {s->r2_low, s->r2_high, s->rmse_low, s->rmse_high, d->r2, d->r2_low, d->r2_high, 0 - d->rmse, 0 - d->rmse_high, 0 - d->rmse_low};
        for (int32_t m = 0; m < 10; m++) number(ctx, &t, values[m]);
        sal_text_append(ctx, &t, "\n");
    }
    sal_status status = t.status;
    if (status == SAL_STATUS_OK) status = sal_file_write(ctx, path, t.data, t.length);
    sal_text_free(ctx, &t);
    return status;
}

/* ---- page ---- */

typedef struct table {
    char text[SAL__COMPARE_MOST * COLUMNS][CELL];
    const char *at[SAL__COMPARE_MOST * COLUMNS];
    int64_t n;
} table;

static void cell(table *t, const char *format, ...) SAL_PRINTF(2, 3);
static void cell(table *t, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (t->n < SAL__COMPARE_MOST * COLUMNS) {
        vsnprintf(t->text[t->n], CELL, format, list);
        t->at[t->n] = t->text[t->n];
        t->n++;
    }
    va_end(list);
}

static void score_table(const sal__compare_work *w, sal_report *r, table *t, const char *unit)
{
    char labels[SAL__COMPARE_METRICS][CELL];
    const char *columns[2 + SAL__COMPARE_METRICS] = {"system", "seeds"};
    for (int32_t k = 0; k < SAL__COMPARE_METRICS; k++) {
        const sal__compare_metric *m = &sal__compare_metrics[k];
        snprintf(labels[k], CELL, m->has_unit ? "%s (%s)" : "%s", m->label, unit);
        columns[2 + k] = labels[k];
    }
    t->n = 0;
    for (int64_t k = 0; k < w->count; k++) {
        const sal__compared *s = &w->systems[k];
        cell(t, "%s", s->title);
        cell(t, "%lld", (long long)s->members);
        for (int32_t m = 0; m < SAL__COMPARE_METRICS; m++) {
            if (isfinite(s->sd[m])) cell(t, "%.3f \xc2\xb1 %.3f", s->mean[m], s->sd[m]);
            else cell(t, "%.3f", s->mean[m]);
        }
    }
    sal_report_table(r, "Pooled out-of-fold scores, mean and standard deviation over seeds", 2 + SAL__COMPARE_METRICS, columns, w->count, t->at);
}

static void add_difference(const sal__compare_work *w, table *t, const sal__difference *d)
{
    cell(t, "%s", w->systems[d->first].title);
    cell(t, "%s", w->systems[d->second].title);
    cell(t, "%+.3f", d->r2);
    cell(t, "%+.3f to %+.3f", d->r2_low, d->r2_high);
    cell(t, "%+.3f", d->rmse);
    cell(t, "%+.3f to %+.3f", d->rmse_low, d->rmse_high);
}

static void difference_tables(const sal__compare_work *w, sal_report *r, table *t, const char *unit)
{
    static const char *const verdicts[3] = {"no", "within chance", "yes"};
    char rmse[CELL];
    snprintf(rmse, sizeof rmse, "RMSE (%s)", unit);
    const char *columns[7] = {"system", "against", "R2", "95 % interval", rmse, "95 % interval", "holds"};
    t->n = 0;
    for (int64_t k = 0; k < w->count; k++)
        if (k != w->best) add_difference(w, t, &w->to_best[k]);
    sal_report_table(r, "Differences of the best system to the others, on the same samples", 6, columns, t->n / 6, t->at);
    if (w->claim_count == 0) return;
    t->n = 0;
    for (int64_t k = 0; k < w->claim_count; k++) {
        add_difference(w, t, &w->claims[k]);
        cell(t, "%s", verdicts[sal__compare_verdict(&w->claims[k]) + 1]);
    }
    sal_report_table(r, "The ranking of Zhang et al. (2026), pair by pair: the first should be better", 7, columns, t->n / 7, t->at);
}

static void say_data(const sal__compare_work *w, sal_report *r)
{
    const sal_dataset *d = w->train.dataset;
    const sal_folds *f = w->train.folds;
    const sal_arguments *a = w->train.arguments;
    sal_report_paragraph(r, "%lld samples of %s (%s) in %lld blocks or places from \"%s\"; %lld bands, %lld indices, %lld environmental covariates; %lld folds by %s, the same for all systems. Networks: %lld "
                            "epochs. First seed %lld. Salina %s.",
                         (long long)d->count, sal_argument_text(a, "target"), sal_argument_text(a, "unit"), (long long)w->units, sal_argument_text(a, "samples"),
                         (long long)d->roles.band_count, (long long)d->roles.index_count, (long long)d->roles.covariate_count, (long long)f->k, f->method, (long long)sal_argument_i64(a, "epochs"),
                         (long long)sal_argument_i64(a, "seed"), sal_version());
    if (strcmp(f->method, "random") == 0)
        sal_report_note(r, "Random folds are an optimistic reference, and most so for systems that see a window: those of neighbouring samples overlap. Compare with blocks for skill on unseen ground.");
}

sal_status sal__compare_write_report(sal__compare_work *w, const char *path)
{
    sal_status status = SAL_STATUS_OK;
    sal_context *ctx = w->train.ctx;
    const char *unit = sal_argument_text(w->train.arguments, "unit");
    sal_report *r = NULL;
    table *t = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *t, &t));
    SAL_TRY(sal_report_new(ctx, "Comparison of models", &r));
    sal_report_heading(r, "Data and folds");
    say_data(w, r);
    sal_report_heading(r, "Skill");
    score_table(w, r, t, unit);
    sal__compare_draw_scores(w, r, unit);
    sal_report_heading(r, "Differences");
    sal_report_paragraph(r, "Intervals come from a bootstrap of %lld blocks or places. One that holds 0 means that the difference may be chance. Systems without a random part have one run and no spread.",
                         (long long)w->units);
    sal_report_paragraph(r, "Bounds of two systems may overlap while their difference is clear: both are scored on the same samples, and what is hard for one is hard for the other.");
    sal__compare_draw_differences(w, r, unit);
    difference_tables(w, r, t, unit);
    sal_report_paragraph(r, "The ranking SS-SoilNet > SS-Stack > Spec-Index > Index, and SS-SoilNet > random forest and support vectors, of Zhang et al. (2026): %s.", w->ranking);
    SAL_TRY(sal_report_save(r, path));
done:
    sal_report_free(r);
    sal_release(ctx, t);
    return status;
}

/* ---- JSON ---- */

static sal_status add_pair(const sal__compare_work *w, json_object *list, const sal__difference *d, bool claim)
{
    static const char *const verdicts[3] = {"fails", "within chance", "holds"};
    sal_context *ctx = w->train.ctx;
    sal_status status = SAL_STATUS_OK;
    json_object *one = json_object_new_object();
    if (!one || json_object_array_add(list, one)) return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory for the result");
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"r2", d->r2}, {"r2_low", d->r2_low}, {"r2_high", d->r2_high}, {"rmse", d->rmse}, {"rmse_low", d->rmse_low}, {"rmse_high", d->rmse_high}};
    SAL_TRY(sal_json_add_text(ctx, one, "first", w->systems[d->first].id));
    SAL_TRY(sal_json_add_text(ctx, one, "second", w->systems[d->second].id));
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) SAL_TRY(sal_json_add_f64(ctx, one, numbers[k].key, numbers[k].value));
    if (claim) SAL_TRY(sal_json_add_text(ctx, one, "verdict", verdicts[sal__compare_verdict(d) + 1]));
done:
    return status;
}

static sal_status add_system(const sal__compare_work *w, json_object *list, const sal__compared *s)
{
    sal_context *ctx = w->train.ctx;
    sal_status status = SAL_STATUS_OK;
    char key[32];
    json_object *one = json_object_new_object();
    if (!one || json_object_array_add(list, one)) return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory for the result");
    SAL_TRY(sal_json_add_text(ctx, one, "system", s->id));
    SAL_TRY(sal_json_add_text(ctx, one, "title", s->title));
    SAL_TRY(sal_json_add_i64(ctx, one, "seeds", s->members));
    for (int32_t k = 0; k < SAL__COMPARE_METRICS; k++) {
        snprintf(key, sizeof key, "%s_mean", sal__compare_metrics[k].key);
        SAL_TRY(sal_json_add_f64(ctx, one, key, s->mean[k]));
        snprintf(key, sizeof key, "%s_sd", sal__compare_metrics[k].key);
        SAL_TRY(sal_json_add_f64(ctx, one, key, s->sd[k]));
    }
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"r2_low", s->r2_low}, {"r2_high", s->r2_high}, {"rmse_low", s->rmse_low}, {"rmse_high", s->rmse_high}, {"seconds", s->seconds}};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) SAL_TRY(sal_json_add_f64(ctx, one, numbers[k].key, numbers[k].value));
done:
    return status;
}

sal_status sal__compare_add_results(sal__compare_work *w, json_object *result)
{
    sal_context *ctx = w->train.ctx;
    sal_status status = SAL_STATUS_OK;
    json_object *systems = json_object_new_array(), *best = json_object_new_array(), *claims = json_object_new_array();
    SAL_TRY(sal_json_add(ctx, result, "systems", systems));
    SAL_TRY(sal_json_add(ctx, result, "differences", best));
    SAL_TRY(sal_json_add(ctx, result, "claims", claims));
    SAL_TRY(sal_json_add_text(ctx, result, "output", sal_argument_text(w->train.arguments, "output")));
    if (sal_argument_given(w->train.arguments, "report")) SAL_TRY(sal_json_add_text(ctx, result, "report", sal_argument_text(w->train.arguments, "report")));
    SAL_TRY(sal_json_add_i64(ctx, result, "samples", w->train.dataset->count));
    SAL_TRY(sal_json_add_i64(ctx, result, "units", w->units));
    SAL_TRY(sal_json_add_text(ctx, result, "validation", w->train.folds->method));
    SAL_TRY(sal_json_add_text(ctx, result, "best", w->systems[w->best].id));
    SAL_TRY(sal_json_add_f64(ctx, result, "best_r2", w->systems[w->best].mean[0]));
    SAL_TRY(sal_json_add_text(ctx, result, "ranking", w->ranking));
    for (int64_t k = 0; k < w->count; k++) SAL_TRY(add_system(w, systems, &w->systems[k]));
    for (int64_t k = 0; k < w->count; k++)
        if (k != w->best) SAL_TRY(add_pair(w, best, &w->to_best[k], false));
    for (int64_t k = 0; k < w->claim_count; k++) SAL_TRY(add_pair(w, claims, &w->claims[k], true));
done:
    return status;
}
