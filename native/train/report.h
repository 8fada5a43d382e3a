/* report.h - one self-contained HTML page with text, tables and figures: no scripts, nothing fetched, figures are
 * inline SVG.
 *
 * A builder that remembers its first error: calls after it do nothing and sal_report_save returns it. All text is
 * escaped. Colours are those of Okabe and Ito (2008); whatever colour says is also said by shape, position or text.
 */
#ifndef SAL_TRAIN_REPORT_H
#define SAL_TRAIN_REPORT_H

#include "base/base.h"
#include "train/metrics.h"

typedef struct sal_report sal_report;

sal_status sal_report_new(sal_context *ctx, const char *title, sal_report **out);
void sal_report_free(sal_report *report);
/* Writes the page whole or not at all. MEMORY when building failed, IO when it cannot be written. */
sal_status sal_report_save(sal_report *report, const char *path);
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

/* Figures. Labels carry their units: "Observed salt (g/kg)". Values that are not finite are left out; beyond 5,000
 * points every n-th is drawn and the caption says so. Categories get colour and marker in turn, with a legend. */
typedef struct sal_report_categories {
    int64_t count;            /* 0 for none */
    const char *const *names; /* (count) */
    const int32_t *index;     /* (n) category of every point, 0 .. count - 1 */
} sal_report_categories;

/* Square plot of y against x with equal limits and the 1:1 line; axes are log(1 + value) when log_axes and nothing is
 * negative. lower and upper (n) draw intervals as thin lines, or are NULL. */
void sal_report_scatter(sal_report *report, const char *caption, const char *x_label, const char *y_label, int64_t n,
                        const double *x, const double *y, const double *lower, const double *upper, bool log_axes,
                        sal_report_categories categories);
/* Map of points in metres with equal scales, coloured by category or, without categories, by value on a scale from blue
 * through grey to vermilion, symmetric about 0, with its bar labelled value_label. */
void sal_report_points(sal_report *report, const char *caption, int64_t n, const double *x_m, const double *y_m,
                       sal_report_categories categories, const double *value, const char *value_label);

typedef struct sal_report_line {
    const char *name;
    int64_t count;
    const double *x, *y; /* (count); NaN breaks the line */
} sal_report_line;
void sal_report_lines(sal_report *report, const char *caption, const char *x_label, const char *y_label,
                      int64_t n_lines, const sal_report_line *lines);

/* Horizontal bars from 0: labels (n), values (n_series, n), value texts use `digits` decimals. `target` draws a
 * reference line with its tolerance band (NaN for none). */
void sal_report_bars(sal_report *report, const char *caption, const char *value_label, int64_t n,
                     const char *const *labels, int64_t n_series, const char *const *series, const double *values,
                     int digits, double target, double tolerance);

#endif
