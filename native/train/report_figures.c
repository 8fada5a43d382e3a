/* report_figures.c - figures of a report, by libsalina_qt, as images inside the page.
 *
 * They are <img> with a data: address and not <svg> elements, for a QTextBrowser, in which QGIS shows results, knows
 * images and plain paragraphs only, and an image cannot run anything. SVG, or PNG where points are so many that SVG would be heavy.
 *
 * The trap: where libsalina_qt is missing, the page keeps its tables and says once why it has no figures.
 */
#include "train/report_private.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_SVG_POINTS 4000

/* The page keeps its tables; the reason stands where the first figure would. */
static void leave_out(sal_report *r, const char *reason)
{
    if (!r->without_figures) sal_report_note(r, "The figures are left out: %s.", reason);
    r->without_figures = true;
}

/* An empty figure of the kind, or NULL where figures are left out or the page has failed. */
static sal_figure *begin(sal_report *r, const char *kind)
{
    sal_figure *figure = NULL;
    if (r->without_figures || r->body.status != SAL_STATUS_OK) return NULL;
    if (!r->qt && sal_figures_load(r->ctx, &r->qt) != SAL_STATUS_OK) {
        leave_out(r, sal_context_message(r->ctx));
        sal_error_clear(r->ctx);
        return NULL;
    }
    r->qt->sal_figure_new(kind, &figure);
    if (!figure) r->body.status = SAL_STATUS_MEMORY;
    return figure;
}

static void append_base64(sal_report *r, const unsigned char *bytes, int64_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char line[4 * 256];
    for (int64_t at = 0; at < length; at += 3 * 256) {
        int64_t n = length - at < 3 * 256 ? length - at : 3 * 256, used = 0;
        for (int64_t i = 0; i < n; i += 3) {
            uint32_t left = (uint32_t)(n - i), three = (uint32_t)bytes[at + i] << 16;
            if (left > 1) three |= (uint32_t)bytes[at + i + 1] << 8;
            if (left > 2) three |= bytes[at + i + 2];
            line[used++] = digits[three >> 18];
            line[used++] = digits[three >> 12 & 63];
            line[used++] = left > 1 ? digits[three >> 6 & 63] : '=';
            line[used++] = left > 2 ? digits[three & 63] : '=';
        }
        sal_text_append_bytes(r->ctx, &r->body, line, used);
    }
}

/* Renders, appends and frees the figure. */
static void finish(sal_report *r, sal_figure *f, const char *caption, bool pixels)
{
    const void *bytes = NULL;
    int64_t length = 0;
    int32_t width = 0, height = 0;
    if (!f) return;
    int32_t status = r->qt->sal_figure_size(f, &width, &height);
    if (status == SAL_STATUS_OK) status = r->qt->sal_figure_render(f, pixels ? "png" : "svg", &bytes, &length);
    if (status == SAL_STATUS_UNSUPPORTED) {
        leave_out(r, r->qt->sal_figure_message(f));
    } else if (status != SAL_STATUS_OK) {
        r->body.status = sal_fail(r->ctx, (sal_status)status, "%s", r->qt->sal_figure_message(f));
    } else {
        sal__report_append(r, "<div class=\"figure\"><p class=\"caption\">Figure %lld. ", (long long)++r->figures);
        sal__report_escape(r, caption);
        sal__report_append(r, "</p>\n<p><img width=\"%d\" height=\"%d\" alt=\"", width, height);
        sal__report_escape(r, caption);
        sal__report_append(r, "\" src=\"data:image/%s;base64,", pixels ? "png" : "svg+xml");
        append_base64(r, bytes, length);
        sal__report_append(r, "\"/></p></div>\n");
    }
    r->qt->sal_figure_free(f);
}

static void set_categories(sal_report *r, sal_figure *f, int64_t n, const sal_report_categories *c)
{
    double *index = NULL;
    if (!f || c->count == 0) return;
    if (sal_allocate(r->ctx, n, sizeof *index, &index) != SAL_STATUS_OK) {
        r->body.status = SAL_STATUS_MEMORY;
        return;
    }
    for (int64_t i = 0; i < n; i++) index[i] = c->index[i];
    r->qt->sal_figure_set_values(f, "category", n, index);
    r->qt->sal_figure_set_names(f, "names", c->count, c->names);
    sal_release(r->ctx, index);
}

void sal_report_scatter(sal_report *r, const char *caption, const char *x_label, const char *y_label, int64_t n,
                        const double *x, const double *y, const double *lower, const double *upper, bool log_axes,
                        sal_report_categories c)
{
    sal_figure *f = begin(r, "scatter");
    if (!f) return;
    r->qt->sal_figure_set_text(f, "x_label", x_label);
    r->qt->sal_figure_set_text(f, "y_label", y_label);
    r->qt->sal_figure_set_values(f, "x", n, x);
    r->qt->sal_figure_set_values(f, "y", n, y);
    if (lower && upper) {
        r->qt->sal_figure_set_values(f, "lower", n, lower);
        r->qt->sal_figure_set_values(f, "upper", n, upper);
    }
    r->qt->sal_figure_set_number(f, "log", log_axes);
    set_categories(r, f, n, &c);
    finish(r, f, caption, c.count && n > MOST_SVG_POINTS);
}

void sal_report_points(sal_report *r, const char *caption, int64_t n, const double *x_m, const double *y_m,
                       sal_report_categories c, const double *value, const char *value_label)
{
    sal_figure *f = begin(r, "map");
    if (!f) return;
    r->qt->sal_figure_set_values(f, "x", n, x_m);
    r->qt->sal_figure_set_values(f, "y", n, y_m);
    set_categories(r, f, n, &c);
    if (value && !c.count) {
        bool below = false; /* a scale around 0 only for what has two sides: errors, not distances */
        for (int64_t i = 0; i < n; i++) below = below || value[i] < 0;
        r->qt->sal_figure_set_number(f, "diverging", below);
        r->qt->sal_figure_set_values(f, "value", n, value);
        r->qt->sal_figure_set_text(f, "value_label", value_label);
    }
    finish(r, f, caption, n > MOST_SVG_POINTS);
}

/* The points of all lines in one array, with their numbers and names. */
typedef struct flat {
    int64_t total;
    double *x, *y, *length;
    const char **names;
} flat;

static sal_status flatten(sal_context *ctx, int64_t n_lines, const sal_report_line *lines, flat *out)
{
    sal_status status = SAL_STATUS_OK;
    int64_t at = 0;
    for (int64_t i = 0; i < n_lines; i++) out->total += lines[i].count;
    SAL_TRY(sal_allocate(ctx, out->total, sizeof *out->x, &out->x));
    SAL_TRY(sal_allocate(ctx, out->total, sizeof *out->y, &out->y));
    SAL_TRY(sal_allocate(ctx, n_lines, sizeof *out->length, &out->length));
    SAL_TRY(sal_allocate(ctx, n_lines, sizeof *out->names, &out->names));
    for (int64_t i = 0; i < n_lines; i++) {
        size_t bytes = (size_t)lines[i].count * sizeof(double);
        if (bytes) memcpy(out->x + at, lines[i].x, bytes);
        if (bytes) memcpy(out->y + at, lines[i].y, bytes);
        out->length[i] = (double)lines[i].count;
        out->names[i] = lines[i].name;
        at += lines[i].count;
    }
done:
    return status;
}

static void draw_lines(sal_report *r, const char *caption, const char *x_label, const char *y_label, int64_t n_lines,
                       const sal_report_line *lines, bool step)
{
    flat all = { 0 };
    sal_figure *f = begin(r, "lines");
    if (!f) return;
    sal_status status = flatten(r->ctx, n_lines, lines, &all);
    if (status == SAL_STATUS_OK) {
        r->qt->sal_figure_set_text(f, "x_label", x_label);
        r->qt->sal_figure_set_text(f, "y_label", y_label);
        r->qt->sal_figure_set_values(f, "x", all.total, all.x);
        r->qt->sal_figure_set_values(f, "y", all.total, all.y);
        r->qt->sal_figure_set_values(f, "length", n_lines, all.length);
        r->qt->sal_figure_set_names(f, "names", n_lines, all.names);
        r->qt->sal_figure_set_number(f, "step", step);
        finish(r, f, caption, all.total > 10 * MOST_SVG_POINTS);
    } else {
        r->body.status = status;
        r->qt->sal_figure_free(f);
    }
    sal_release(r->ctx, all.x);
    sal_release(r->ctx, all.y);
    sal_release(r->ctx, all.length);
    sal_release(r->ctx, all.names);
}

void sal_report_lines(sal_report *r, const char *caption, const char *x_label, const char *y_label, int64_t n_lines,
                      const sal_report_line *lines)
{
    draw_lines(r, caption, x_label, y_label, n_lines, lines, false);
}

void sal_report_steps(sal_report *r, const char *caption, const char *x_label, const char *y_label, int64_t n_lines,
                      const sal_report_line *lines)
{
    draw_lines(r, caption, x_label, y_label, n_lines, lines, true);
}

/* Bars and intervals take the same keys. */
static void draw_rows(sal_report *r, const char *kind, const char *caption, const sal_report_rows *rows)
{
    sal_figure *f = begin(r, kind);
    if (!f) return;
    const int64_t n_series = rows->n_series > 1 ? rows->n_series : 1, n = rows->n * n_series;
    r->qt->sal_figure_set_text(f, "value_label", rows->value_label);
    r->qt->sal_figure_set_names(f, "label", rows->n, rows->labels);
    if (n_series > 1) r->qt->sal_figure_set_names(f, "names", n_series, rows->series);
    r->qt->sal_figure_set_values(f, "value", n, rows->values);
    if (rows->lower && rows->upper) {
        r->qt->sal_figure_set_values(f, "lower", n, rows->lower);
        r->qt->sal_figure_set_values(f, "upper", n, rows->upper);
    }
    r->qt->sal_figure_set_number(f, "digits", rows->digits);
    if (isfinite(rows->target)) {
        r->qt->sal_figure_set_number(f, "target", rows->target);
        r->qt->sal_figure_set_number(f, "tolerance", rows->tolerance);
    }
    finish(r, f, caption, false);
}

void sal_report_bars(sal_report *r, const char *caption, const char *value_label, int64_t n, const char *const *labels,
                     int64_t n_series, const char *const *series, const double *values, int digits, double target,
                     double tolerance)
{
    draw_rows(
        r, "bars", caption,
        &(sal_report_rows){ value_label, n, labels, n_series, series, values, NULL, NULL, digits, target, tolerance });
}

void sal_report_intervals(sal_report *r, const char *caption, const sal_report_rows *rows)
{
    draw_rows(r, "intervals", caption, rows);
}

void sal_report_bar_rows(sal_report *r, const char *caption, const sal_report_rows *rows)
{
    draw_rows(r, "bars", caption, rows);
}

void sal_report_pit(sal_report *r, const char *caption, int64_t n, const double *values)
{
    sal_figure *f = begin(r, "histogram");
    if (!f) return;
    r->qt->sal_figure_set_values(f, "value", n, values);
    r->qt->sal_figure_set_number(f, "low", 0);
    r->qt->sal_figure_set_number(f, "high", 1);
    r->qt->sal_figure_set_number(f, "bins", n >= 400 ? 20 : 10);
    r->qt->sal_figure_set_number(f, "uniform", 1);
    r->qt->sal_figure_set_text(f, "x_label",
                               "Probability integral transform (share of the predictive distribution below)");
    r->qt->sal_figure_set_text(f, "y_label", "Frequency relative to calibrated (1)");
    finish(r, f, caption, false);
}
