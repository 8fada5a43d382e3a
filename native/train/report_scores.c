/* report_scores.c - the standard tables of scores. A score that is not defined shows as a dash, never as NaN. */
#include "train/report_private.h"
#include <math.h>
#include <stdio.h>

typedef char cell[48];

static const char *number(cell out, double value, const char *format)
{
    if (!isfinite(value)) return NULL;
    snprintf(out, sizeof(cell), format, value);
    return out;
}

/* "RMSE (g/kg)", or "RMSE" for pure numbers and unknown units. */
static const char *label(cell out, const sal_metric_row *row, const char *unit)
{
    if (row->what == 't' && unit && unit[0])
        snprintf(out, sizeof(cell), "%s (%s)", row->label, unit);
    else
        snprintf(out, sizeof(cell), "%s", row->label);
    return out;
}

static void scale_table(sal_report *r, const char *caption, const sal_scores *s, const char *unit)
{
    cell texts[SAL_METRIC_COUNT][3];
    const char *cells[SAL_METRIC_COUNT * 4],
        *columns[4] = { "Score", "Natural scale", "log(1 + value), no unit", "What it is" };
    for (int m = 0; m < SAL_METRIC_COUNT; m++) {
        const sal_metric_row *row = sal_metric_at((sal_metric)m);
        cells[4 * m] = label(texts[m][0], row, unit);
        cells[4 * m + 1] = number(texts[m][1], s->natural[m], "%.3f");
        cells[4 * m + 2] = s->has_log ? number(texts[m][2], s->log1p[m], "%.3f") : NULL;
        cells[4 * m + 3] = row->formula;
    }
    char full[512];
    snprintf(full, sizeof full, "%s (n = %lld)", caption, (long long)s->n);
    sal_report_table(r, full, 4, columns, SAL_METRIC_COUNT, cells);
}

static void interval_table(sal_report *r, const sal_scores *s, const char *unit)
{
    cell texts[SAL_INTERVAL_COUNT][2];
    const char *cells[SAL_INTERVAL_COUNT * 3], *columns[3] = { "Score", "Value", "What it is" };
    for (int m = 0; m < SAL_INTERVAL_COUNT; m++) {
        const sal_metric_row *row = sal_interval_metric_at((sal_interval_metric)m);
        cells[3 * m] = label(texts[m][0], row, unit);
        cells[3 * m + 1] = number(texts[m][1], s->interval[m], "%.3f");
        cells[3 * m + 2] = row->formula;
    }
    char full[160];
    snprintf(full, sizeof full, "Prediction intervals of nominal coverage %g", s->coverage);
    sal_report_table(r, full, 3, columns, SAL_INTERVAL_COUNT, cells);
}

static void class_table(sal_report *r, const sal_scores *s, const char *unit)
{
    cell texts[SAL_CLASS_MAX][7], heads[4];
    char limits[SAL_CLASS_MAX][64], full[320];
    const char *cells[SAL_CLASS_MAX * 8],
        *columns[8] = { "Observed class", heads[0], "n", heads[1], heads[2], heads[3], "Coverage", "Mean width" };
    int n_columns = s->has_interval ? 8 : 6;
    snprintf(heads[0], sizeof(cell), "Limits (%s)", unit && unit[0] ? unit : "-");
    for (int i = 0; i < 3; i++)
        snprintf(heads[i + 1], sizeof(cell), "%s",
                 sal_metric_at((sal_metric[]){ SAL_METRIC_RMSE, SAL_METRIC_MAE, SAL_METRIC_BIAS }[i])->label);
    for (int32_t c = 0; c < s->scheme.count; c++) {
        const char **row = &cells[c * n_columns];
        sal_class_limits_text(&s->scheme, c, limits[c]);
        row[0] = s->scheme.names[c];
        row[1] = limits[c];
        snprintf(texts[c][0], sizeof(cell), "%lld", (long long)s->class_n[c]);
        row[2] = texts[c][0];
        row[3] = number(texts[c][1], s->class_natural[c][SAL_METRIC_RMSE], "%.2f");
        row[4] = number(texts[c][2], s->class_natural[c][SAL_METRIC_MAE], "%.2f");
        row[5] = number(texts[c][3], s->class_natural[c][SAL_METRIC_BIAS], "%+.2f");
        if (!s->has_interval) continue;
        row[6] = number(texts[c][4], s->class_interval[c][SAL_INTERVAL_PICP], "%.3f");
        row[7] = number(texts[c][5], s->class_interval[c][SAL_INTERVAL_MPIW], "%.2f");
    }
    snprintf(full, sizeof full, "By observed class, scheme %s: %s", s->scheme.id, s->scheme.title);
    sal_report_table(r, full, n_columns, columns, s->scheme.count, cells);
}

static void coverage_bars(sal_report *r, const sal_scores *s)
{
    char labels[SAL_CLASS_MAX + 1][96], limits[64];
    const char *names[SAL_CLASS_MAX + 1], *series[1] = { "coverage" };
    double values[SAL_CLASS_MAX + 1];
    int64_t n = 0;
    for (int32_t c = 0; c < s->scheme.count; c++) {
        if (s->class_n[c] == 0) continue;
        sal_class_limits_text(&s->scheme, c, limits);
        snprintf(labels[n], sizeof labels[0], "%s (%s), n = %lld", s->scheme.names[c], limits,
                 (long long)s->class_n[c]);
        values[n++] = s->class_interval[c][SAL_INTERVAL_PICP];
    }
    snprintf(labels[n], sizeof labels[0], "all, n = %lld", (long long)s->n);
    values[n++] = s->interval[SAL_INTERVAL_PICP];
    for (int64_t i = 0; i < n; i++) names[i] = labels[i];
    sal_report_bars(r,
                    "Share of observations inside their interval, by observed class. The dashed line is the coverage "
                    "asked for, the band 5 points around it.",
                    "Coverage (share of samples)", n, names, 1, series, values, 2, s->coverage, 0.05);
}

void sal_report_scores(sal_report *r, const char *caption, const sal_scores *s, const char *unit)
{
    scale_table(r, caption, s, unit);
    if (s->has_interval) interval_table(r, s, unit);
    if (s->has_classes) class_table(r, s, unit);
    if (s->has_interval && s->has_classes) coverage_bars(r, s);
}
