/* report.h - one self-contained HTML page with text, tables and figures: no scripts, nothing fetched, figures are images
 * inside the page, made by libsalina_qt. Where that is missing, the page says so once and keeps its tables.
 *
 * A builder that remembers its first error: calls after it do nothing and sal_report_save returns it. All text is
 * escaped. Whatever colour says in a figure is also said by shape, position or text.
 */
#ifndef SAL_TRAIN_REPORT_H
#define SAL_TRAIN_REPORT_H

#include "base/base.h"
#include "train/metrics.h"

typedef struct sal_report sal_report;

sal_status sal_report_new(sal_context *ctx, const char *title, sal_report **out);
void sal_report_free(sal_report *report);
/* Writes the page whole or not at all: as PDF where the path ends in .pdf, which needs libsalina_qt, else as HTML. MEMORY
 * when building failed, IO when it cannot be written. */
sal_status sal_report_save(sal_report *report, const char *path);
/* Whether a report can be saved there, before the work that it is about: UNSUPPORTED for a PDF without libsalina_qt. */
sal_status sal_report_check(sal_context *ctx, const char *path);
/* The page as text, owned by the caller. */
sal_status sal_report_text(sal_report *report, char **out);

void sal_report_heading(sal_report *report, const char *text);
void sal_report_paragraph(sal_report *report, const char *format, ...) SAL_PRINTF(2, 3);
/* A paragraph that stands out: limits and warnings. */
void sal_report_note(sal_report *report, const char *format, ...) SAL_PRINTF(2, 3);
/* columns: (n_columns); cells: (n_rows, n_columns), NULL shows as an en dash. The first column is left-aligned, numbers
 * to the right. */
void sal_report_table(sal_report *report, const char *caption, int64_t n_columns, const char *const *columns,
                      int64_t n_rows, const char *const *cells);
/* The standard tables of pooled scores: both scales, interval scores, and by class, with the name of the scheme. */
void sal_report_scores(sal_report *report, const char *caption, const sal_scores *scores, const char *unit);

/* Figures. Labels carry their units: "Observed salt (g/kg)". Values that are not finite are left out. Categories get
 * colour and marker in turn, with a legend. */
typedef struct sal_report_categories {
    int64_t count;            /* 0 for none */
    const char *const *names; /* (count) */
    const int32_t *index;     /* (n) category of every point, 0 .. count - 1 */
} sal_report_categories;

/* Square plot of y against x with equal limits and the 1:1 line; axes are log(1 + value) when log_axes and nothing is
 * negative. Without categories colour is the density of points, beyond 1,500 in hexagons. lower and upper (n) are
 * intervals, thin lines where there are no hexagons, or NULL. */
void sal_report_scatter(sal_report *report, const char *caption, const char *x_label, const char *y_label, int64_t n,
                        const double *x, const double *y, const double *lower, const double *upper, bool log_axes,
                        sal_report_categories categories);
/* Map of points in metres with equal scales, coloured by category or, without categories, by value with a bar labelled
 * value_label: from blue through grey to vermilion, symmetric about 0, where a value is negative, else viridis. */
void sal_report_points(sal_report *report, const char *caption, int64_t n, const double *x_m, const double *y_m,
                       sal_report_categories categories, const double *value, const char *value_label);

typedef struct sal_report_line {
    const char *name;
    int64_t count;
    const double *x, *y; /* (count); NaN breaks the line */
} sal_report_line;
void sal_report_lines(sal_report *report, const char *caption, const char *x_label, const char *y_label,
                      int64_t n_lines, const sal_report_line *lines);
/* The same where each value holds until the next: distributions of distances. */
void sal_report_steps(sal_report *report, const char *caption, const char *x_label, const char *y_label,
                      int64_t n_lines, const sal_report_line *lines);

/* Horizontal bars from 0: labels (n), values (n_series, n), value texts use `digits` decimals. `target` draws a
 * reference line with its tolerance band (NaN for none). */
void sal_report_bars(sal_report *report, const char *caption, const char *value_label, int64_t n,
                     const char *const *labels, int64_t n_series, const char *const *series, const double *values,
                     int digits, double target, double tolerance);

/* Rows of estimates. */
typedef struct sal_report_rows {
    const char *value_label;
    int64_t n;
    const char *const *labels; /* (n) */
    int64_t n_series;
    const char *const *series;   /* (n_series); not looked at for one */
    const double *values;        /* (n_series, n) */
    const double *lower, *upper; /* (n_series, n) or NULL */
    int32_t digits;
    double target, tolerance; /* a reference line with its band; NaN for none */
} sal_report_rows;
/* Points with intervals, for comparing models; the axis does not begin at 0. */
void sal_report_intervals(sal_report *report, const char *caption, const sal_report_rows *rows);
/* Bars from 0 with whiskers, such as importance or coverage. */
void sal_report_bar_rows(sal_report *report, const char *caption, const sal_report_rows *rows);
/* Histogram of the probability integral transform (n values in 0 .. 1) with the band of chance around flat. */
void sal_report_pit(sal_report *report, const char *caption, int64_t n, const double *values);

#endif
