/* report_scores.c - the standard tables of scores. A score that is not defined shows as a dash, never as NaN. */
#include "train/report_private.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* "0.52 to 0.68" */
static const char *range(cell out, const sal_bounds *b, const char *format)
{
    char low[20], high[20];
    if (!isfinite(b->low) || !isfinite(b->high)) return NULL;
    snprintf(low, sizeof low, format, b->low);
    snprintf(high, sizeof high, format, b->high);
    snprintf(out, sizeof(cell), "%s to %s", low, high);
    return out;
}

/* Both scales; natural_bounds and log_bounds are read only where the bootstrap was run. */
static void two_scales(sal_report *r, const char *caption, const sal_scores *s, const double *natural, const sal_bounds *natural_bounds,
                       const double *logs, const sal_bounds *log_bounds, const char *unit)
{
    cell texts[SAL_METRIC_COUNT][5];
    const char *cells[SAL_METRIC_COUNT * 6], *columns[6] = { "Score", "Natural scale" };
    int n = 2;
    if (s->draws) columns[n++] = "95 % bounds";
    columns[n++] = "log(1 + value), no unit";
    if (s->draws) columns[n++] = "95 % bounds";
    columns[n++] = "What it is";
    for (int m = 0; m < SAL_METRIC_COUNT; m++) {
        const sal_metric_row *row = sal_metric_at((sal_metric)m);
        const char **at = &cells[n * m];
        *at++ = label(texts[m][0], row, unit);
        *at++ = number(texts[m][1], natural[m], "%.3f");
        if (s->draws) *at++ = range(texts[m][2], &natural_bounds[m], "%.3f");
        *at++ = s->has_log ? number(texts[m][3], logs[m], "%.3f") : NULL;
        if (s->draws) *at++ = s->has_log ? range(texts[m][4], &log_bounds[m], "%.3f") : NULL;
        *at = row->formula;
    }
    sal_report_table(r, caption, n, columns, SAL_METRIC_COUNT, cells);
}

static void scale_table(sal_report *r, const char *caption, const sal_scores *s, const char *unit)
{
    char full[512];
    snprintf(full, sizeof full, "%s (n = %lld)", caption, (long long)s->n);
    two_scales(r, full, s, s->natural, s->natural_bounds, s->log1p, s->log1p_bounds, unit);
    if (s->draws && s->units < SAL_BOOTSTRAP_LEAST_UNITS)
        sal_report_paragraph(r, "The samples lie in %lld %s only, too few to say how sure these scores are.", (long long)s->units,
                             s->unit_m > 0 ? "blocks" : "places");
    else if (s->draws && s->unit_m > 0)
        sal_report_paragraph(r, "Bounds are 95 %% percentiles of %lld bootstrap draws of %lld whole blocks of %.0f m, because samples of a block err together.",
                             (long long)s->draws, (long long)s->units, s->unit_m);
    else if (s->draws)
        sal_report_paragraph(r, "Bounds are 95 %% percentiles of %lld bootstrap draws of %lld places; the area is too small for blocks, so they are rather too narrow.",
                             (long long)s->draws, (long long)s->units);
}

static void weighted_table(sal_report *r, const sal_scores *s, const char *unit)
{
    char full[256];
    snprintf(full, sizeof full, "The same, weighted by inverse sampling intensity: %lld samples that say as much as %.0f evenly spread ones", (long long)s->n,
             s->effective_n);
    two_scales(r, full, s, s->weighted_natural, s->weighted_natural_bounds, s->weighted_log1p, s->weighted_log1p_bounds, unit);
    sal_report_paragraph(r, "Clustered samples count less, so that every hectare of the map counts alike (de Bruin et al. 2022).");
}

static void interval_table(sal_report *r, const sal_scores *s, const char *unit)
{
    cell texts[SAL_INTERVAL_COUNT][3];
    const char *cells[SAL_INTERVAL_COUNT * 4], *columns[4] = { "Score", "Value" };
    int n = 2;
    if (s->draws) columns[n++] = "95 % bounds";
    columns[n++] = "What it is";
    for (int m = 0; m < SAL_INTERVAL_COUNT; m++) {
        const sal_metric_row *row = sal_interval_metric_at((sal_interval_metric)m);
        const char **at = &cells[n * m];
        *at++ = label(texts[m][0], row, unit);
        *at++ = number(texts[m][1], s->interval[m], "%.3f");
        if (s->draws) *at++ = range(texts[m][2], &s->interval_bounds[m], "%.3f");
        *at = row->formula;
    }
    char full[160];
    snprintf(full, sizeof full, "Prediction intervals of nominal coverage %g", s->coverage);
    sal_report_table(r, full, n, columns, SAL_INTERVAL_COUNT, cells);
}

/* "1.20 (0.9 to 1.5)", or the value alone. */
static const char *bounded(cell out, double value, const char *format, const sal_scores *s, const sal_bounds *b, const char *short_format)
{
    cell limits;
    if (!number(out, value, format)) return NULL;
    if (s->draws && range(limits, b, short_format)) {
        size_t used = strlen(out);
        snprintf(out + used, sizeof(cell) - used, " (%s)", limits);
    }
    return out;
}

static void class_row(const sal_scores *s, int32_t c, char limits[64], cell texts[6], const char **row)
{
    const sal_bounds *b = s->class_bounds[c], *i = s->class_interval_bounds[c];
    sal_class_limits_text(&s->scheme, c, limits);
    snprintf(texts[0], sizeof(cell), "%lld", (long long)s->class_n[c]);
    *row++ = s->scheme.names[c];
    *row++ = limits;
    *row++ = texts[0];
    *row++ = bounded(texts[1], s->class_natural[c][SAL_METRIC_RMSE], "%.2f", s, &b[SAL_METRIC_RMSE], "%.2f");
    *row++ = bounded(texts[2], s->class_natural[c][SAL_METRIC_MAE], "%.2f", s, &b[SAL_METRIC_MAE], "%.2f");
    *row++ = bounded(texts[3], s->class_natural[c][SAL_METRIC_BIAS], "%+.2f", s, &b[SAL_METRIC_BIAS], "%+.2f");
    if (!s->has_interval) return;
    *row++ = bounded(texts[4], s->class_interval[c][SAL_INTERVAL_PICP], "%.3f", s, &i[SAL_INTERVAL_PICP], "%.2f");
    *row = number(texts[5], s->class_interval[c][SAL_INTERVAL_MPIW], "%.2f");
}

static void class_table(sal_report *r, const sal_scores *s, const char *unit)
{
    cell texts[SAL_CLASS_MAX][6], head;
    char limits[SAL_CLASS_MAX][64], full[320];
    const char *cells[SAL_CLASS_MAX * 8],
        *columns[8] = { "Observed class", head, "n", "RMSE", "MAE", "bias", "Coverage", "Mean width" };
    int n_columns = s->has_interval ? 8 : 6;
    snprintf(head, sizeof(cell), "Limits (%s)", unit && unit[0] ? unit : "-");
    for (int32_t c = 0; c < s->scheme.count; c++) class_row(s, c, limits[c], texts[c], &cells[c * n_columns]);
    snprintf(full, sizeof full, "By observed class, scheme %s: %s%s", s->scheme.id, s->scheme.title, s->draws ? "; in brackets 95 % bounds" : "");
    sal_report_table(r, full, n_columns, columns, s->scheme.count, cells);
    for (int32_t c = 0; c < s->scheme.count; c++)
        if (s->class_n[c] == 0) {
            sal_report_paragraph(r, "Classes without samples show a dash: nothing is known of how the map does there.");
            break;
        }
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
    if (s->has_weighted) weighted_table(r, s, unit);
    if (s->has_interval) interval_table(r, s, unit);
    if (s->has_classes) class_table(r, s, unit);
    if (s->has_interval && s->has_classes) coverage_bars(r, s);
}
