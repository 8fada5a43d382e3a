/* report_figures.c - the four figures: scatter, map of points, lines, bars. Margins follow from the texts that must fit
 * into them.
 *
 * The trap: a figure with no finite value must still be a figure (its frame and a note), and 50,000 points must not
 * make a page of 10 MB.
 */
#include "train/report_private.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_POINTS 5000
#define PAD         12

static double widest_of(int64_t n, const char *const *texts)
{
    double widest = 0;
    for (int64_t i = 0; i < n; i++) widest = fmax(widest, sal__text_width(texts[i]));
    return widest;
}

/* Every how many points one is drawn, and the words about it. */
static int64_t stride_of(int64_t n, char more[96])
{
    int64_t stride = n > MOST_POINTS ? (n + MOST_POINTS - 1) / MOST_POINTS : 1;
    more[0] = 0;
    if (stride > 1) snprintf(more, 96, " (every %lldth of %lld points is drawn)", (long long)stride, (long long)n);
    return stride;
}

static void range_of(int64_t n, const double *v, double *low, double *high)
{
    for (int64_t i = 0; v && i < n; i++) {
        if (!isfinite(v[i])) continue;
        *low = fmin(*low, v[i]);
        *high = fmax(*high, v[i]);
    }
}

static void legend(sal_report *r, double x, double y, const sal_report_categories *c)
{
    for (int64_t i = 0; i < c->count; i++) {
        sal__svg_marker(r, x + 6, y + 18 * (double)i, 5, i);
        sal__svg_text(r, x + 18, y + 18 * (double)i + 4, "start", c->names[i]);
    }
}

static int64_t category_of(const sal_report_categories *c, int64_t i)
{
    return c->count && c->index[i] >= 0 && c->index[i] < c->count ? c->index[i] : 0;
}

/* Width of the widest tick label of an axis that is fitted already. */
static double tick_width(const sal__axis *a)
{
    double widest = 0;
    char text[32];
    for (int i = 0; i < a->count; i++) {
        sal__axis_text(a, a->tick[i], text);
        widest = fmax(widest, sal__text_width(text));
    }
    return widest;
}

static void no_data(sal_report *r, const sal__axis *x, const sal__axis *y)
{
    sal__svg_text(r, (x->from + x->to) / 2, (y->from + y->to) / 2, "middle", "no data");
}

void sal_report_scatter(sal_report *r, const char *caption, const char *x_label, const char *y_label, int64_t n,
                        const double *x, const double *y, const double *lower, const double *upper, bool log_axes,
                        sal_report_categories c)
{
    double low = INFINITY, high = -INFINITY, side = 460, legend_width = c.count ? widest_of(c.count, c.names) + 40 : 0;
    char more[96];
    int64_t stride = stride_of(n, more);
    range_of(n, x, &low, &high);
    range_of(n, y, &low, &high);
    bool any = low <= high;
    sal__axis h = { .log1p = log_axes && !(low < 0) }, v;
    if (h.log1p) low = 0;
    h.to = side;
    sal__axis_fit(&h, low, any ? high + (h.log1p ? 0.12 : 0.02) * (high - low) : high, 30, true);
    double left = PAD + 24 + tick_width(&h), width = left + side + PAD + fmax(legend_width, 12),
           height = PAD + side + 48;
    h.from = left, h.to = left + side;
    v = h;
    v.from = PAD + side, v.to = PAD;
    sal__report_figure_begin(r, caption, more, width, height);
    sal__plot_frame(r, &h, &v, x_label, y_label);
    for (int64_t i = 0; lower && upper && i < n; i += stride) {
        if (!isfinite(x[i]) || !isfinite(lower[i]) || !isfinite(upper[i])) continue;
        double a = fmin(fmax(lower[i], h.low), h.high), b = fmax(fmin(upper[i], h.high), h.low);
        sal__report_append(r, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"#ccc\" stroke-width=\".7\"/>\n",
                           sal__axis_at(&h, x[i]), sal__axis_at(&v, a), sal__axis_at(&v, b));
    }
    sal__report_append(
        r, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#000\" stroke-dasharray=\"5 4\"/>\n", h.from,
        v.from, h.to, v.to);
    for (int64_t i = 0; i < n; i += stride)
        if (isfinite(x[i]) && isfinite(y[i]))
            sal__svg_marker(r, sal__axis_at(&h, x[i]), sal__axis_at(&v, y[i]), 3, category_of(&c, i));
    sal__svg_text(r, h.to - 6, v.to + 34, "end", "1:1");
    if (!any) no_data(r, &h, &v);
    if (c.count) legend(r, h.to + PAD, PAD + 8, &c);
    sal__report_figure_end(r);
}

/* Blue through light grey to vermilion for -1 .. 1. */
static void diverging(double t, char out[8])
{
    static const double blue[3] = { 0, 114, 178 }, grey[3] = { 232, 232, 232 }, red[3] = { 213, 94, 0 };
    const double *end = t < 0 ? blue : red;
    double s = fmin(fabs(t), 1);
    int rgb[3];
    for (int i = 0; i < 3; i++) rgb[i] = (int)lround(grey[i] + s * (end[i] - grey[i])) & 255;
    snprintf(out, 8, "#%02x%02x%02x", (unsigned)rgb[0] & 255, (unsigned)rgb[1] & 255, (unsigned)rgb[2] & 255);
}

/* Symmetric limit of a diverging scale: the 98 % quantile of |value|. */
static double value_limit(sal_report *r, int64_t n, const double *value)
{
    double *sorted = NULL, limit = 1;
    int64_t m = 0;
    if (sal_allocate(r->ctx, n, sizeof *sorted, &sorted) != SAL_STATUS_OK) {
        r->body.status = SAL_STATUS_MEMORY;
        return limit;
    }
    for (int64_t i = 0; i < n; i++)
        if (isfinite(value[i])) sorted[m++] = fabs(value[i]);
    sal_sort_f64(m, sorted);
    if (m > 0 && sorted[m - 1] > 0) limit = fmax(sal_quantile_sorted(m, sorted, 0.98), 1e-9 * sorted[m - 1]);
    sal_release(r->ctx, sorted);
    return limit;
}

static void colour_bar(sal_report *r, double x, double y, double height, double limit, const char *label)
{
    char colour[8], text[32];
    sal__axis a = { .from = y + height, .to = y };
    sal__axis_fit(&a, -limit, limit, 28, false);
    for (int i = 0; i < 64; i++) {
        diverging(1 - (i + 0.5) / 32, colour);
        sal__report_append(r, "<rect x=\"%.1f\" y=\"%.2f\" width=\"16\" height=\"%.2f\" fill=\"%s\"/>\n", x,
                           y + height * i / 64, height / 64 + 0.5, colour);
    }
    for (int i = 0; i < a.count; i++) {
        sal__axis_text(&a, a.tick[i], text);
        sal__svg_text(r, x + 22, sal__axis_at(&a, a.tick[i]) + 4, "start", text);
    }
    double right = x + 22 + tick_width(&a) + 16;
    sal__report_append(r, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" transform=\"rotate(90 %.1f %.1f)\">",
                       right, y + height / 2, right, y + height / 2);
    sal__report_escape(r, label);
    sal__report_append(r, "</text>\n");
}

void sal_report_points(sal_report *r, const char *caption, int64_t n, const double *x_m, const double *y_m,
                       sal_report_categories c, const double *value, const char *value_label)
{
    double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY, limit = value ? value_limit(r, n, value) : 1;
    char more[96], colour[8];
    int64_t stride = stride_of(n, more);
    range_of(n, x_m, &x0, &x1);
    range_of(n, y_m, &y0, &y1);
    bool any = x0 <= x1 && y0 <= y1;
    if (!any) x0 = y0 = 0, x1 = y1 = 1000;
    double margin = fmax(0.04 * fmax(x1 - x0, y1 - y0), 1), span_x = x1 - x0 + 2 * margin,
           span_y = y1 - y0 + 2 * margin;
    double scale = fmin(560 / span_x, 460 / span_y), plot_w = fmax(span_x * scale, 160),
           plot_h = fmax(span_y * scale, 160);
    double middle_x = (x0 + x1) / 2000, middle_y = (y0 + y1) / 2000, half_x = plot_w / scale / 2000,
           half_y = plot_h / scale / 2000;
    sal__axis h = { .to = plot_w }, v = { .to = plot_h };
    sal__axis_fit(&h, middle_x - half_x, middle_x + half_x, 80, false);
    sal__axis_fit(&v, middle_y - half_y, middle_y + half_y, 50, false);
    double left = PAD + 24 + tick_width(&v), legend_width = c.count ? widest_of(c.count, c.names) + 40
                                                            : value ? 120
                                                                    : 12;
    double height = fmax(PAD + plot_h + 48, PAD + 18 * (double)c.count + 12);
    h.from = left, h.to = left + plot_w, v.from = PAD + plot_h, v.to = PAD;
    sal__report_figure_begin(r, caption, more, h.to + PAD + legend_width, height);
    sal__plot_frame(r, &h, &v, "Easting (km)", "Northing (km)");
    for (int64_t i = 0; i < n; i += stride) {
        if (!isfinite(x_m[i]) || !isfinite(y_m[i]) || (value && !c.count && !isfinite(value[i]))) continue;
        double px = sal__axis_at(&h, x_m[i] / 1000), py = sal__axis_at(&v, y_m[i] / 1000);
        if (c.count || !value) {
            sal__svg_marker(r, px, py, 3.5, category_of(&c, i));
            continue;
        }
        diverging(value[i] / limit, colour);
        sal__report_append(
            r, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\" stroke=\"#444\" stroke-width=\".6\"/>\n", px, py,
            colour);
    }
    if (!any) no_data(r, &h, &v);
    if (c.count)
        legend(r, h.to + PAD, PAD + 8, &c);
    else if (value)
        colour_bar(r, h.to + PAD, PAD, plot_h, limit, value_label);
    sal__report_figure_end(r);
}

static void draw_line(sal_report *r, const sal__axis *h, const sal__axis *v, const sal_report_line *line, int64_t index)
{
    static const char *const dashes[] = { "", "7 3", "2 3", "9 3 2 3" };
    bool open = false;
    sal__report_append(r, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" stroke-dasharray=\"%s\" d=\"",
                       sal__colour(index), dashes[index % 4]);
    for (int64_t i = 0; i < line->count; i++) {
        bool good = isfinite(line->x[i]) && isfinite(line->y[i]);
        if (good)
            sal__report_append(r, "%s%.1f %.1f", open ? "L" : "M", sal__axis_at(h, line->x[i]),
                               sal__axis_at(v, line->y[i]));
        open = good;
    }
    sal__report_append(r, "\"/>\n");
}

void sal_report_lines(sal_report *r, const char *caption, const char *x_label, const char *y_label, int64_t n_lines,
                      const sal_report_line *lines)
{
    static const char *const dashes[] = { "", "7 3", "2 3", "9 3 2 3" };
    double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY, widest = 0, plot_w = 520, plot_h = 300;
    for (int64_t i = 0; i < n_lines; i++) {
        range_of(lines[i].count, lines[i].x, &x0, &x1);
        range_of(lines[i].count, lines[i].y, &y0, &y1);
        widest = fmax(widest, sal__text_width(lines[i].name));
    }
    bool any = x0 <= x1 && y0 <= y1;
    sal__axis h = { .to = plot_w }, v = { .to = plot_h };
    sal__axis_fit(&h, x0, x1, 60, false);
    sal__axis_fit(&v, y0, y1, 36, true);
    double left = PAD + 24 + tick_width(&v);
    h.from = left, h.to = left + plot_w, v.from = PAD + plot_h, v.to = PAD;
    sal__report_figure_begin(r, caption, "", h.to + PAD + widest + 48,
                             fmax(PAD + plot_h + 48, PAD + 18 * (double)n_lines + 12));
    sal__plot_frame(r, &h, &v, x_label, y_label);
    for (int64_t i = 0; i < n_lines; i++) {
        double y = PAD + 8 + 18 * (double)i;
        draw_line(r, &h, &v, &lines[i], i);
        sal__report_append(r,
                           "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"1.8\" "
                           "stroke-dasharray=\"%s\"/>\n",
                           h.to + PAD, h.to + PAD + 28, y, y, sal__colour(i), dashes[i % 4]);
        sal__svg_text(r, h.to + PAD + 34, y + 4, "start", lines[i].name);
    }
    if (!any) no_data(r, &h, &v);
    sal__report_figure_end(r);
}

/* One bar from zero with its value: inside a long bar, behind a short one. */
static void draw_bar(sal_report *r, const sal__axis *h, double y, double thick, double value, int digits,
                     const char *colour)
{
    char text[32];
    double zero = sal__axis_at(h, 0), at = isfinite(value) ? sal__axis_at(h, value) : zero;
    if (isfinite(value))
        snprintf(text, sizeof text, "%.*f", digits, value);
    else
        snprintf(text, sizeof text, "no data");
    sal__report_append(r, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", fmin(zero, at),
                       y, fabs(at - zero), thick, colour);
    if (at - zero > sal__text_width(text) + 12)
        sal__report_append(r, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"start\" style=\"fill:#fff\">%s</text>\n",
                           zero + 6, y + thick / 2 + 4, text);
    else
        sal__svg_text(r, fmax(zero, at) + 5, y + thick / 2 + 4, "start", text);
}

void sal_report_bars(sal_report *r, const char *caption, const char *value_label, int64_t n, const char *const *labels,
                     int64_t n_series, const char *const *series, const double *values, int digits, double target,
                     double tolerance)
{
    double low = 0, high = 0, bar = n_series > 1 ? 14 : 20, group = bar * (double)n_series + 12, plot_w = 420;
    range_of(n * n_series, values, &low, &high);
    if (isfinite(target)) high = fmax(high, target + tolerance);
    double left = PAD + widest_of(n, labels) + 8, right = widest_of(n_series, series) + 40, top = PAD,
           plot_h = group * (double)n;
    sal__axis h = { .from = left, .to = left + plot_w };
    sal__axis_fit(&h, low, high, 60, true);
    sal__axis v = { .from = top + plot_h, .to = top, .low = 0, .high = 1 };
    sal__report_figure_begin(r, caption, "", h.to + (n_series > 1 ? PAD + right : 60),
                             fmax(top + plot_h + 48, top + 18 * (double)(n_series > 1 ? n_series : 0)));
    if (isfinite(target))
        sal__report_append(
            r, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"#f0e442\" fill-opacity=\".35\"/>\n",
            sal__axis_at(&h, target - tolerance), top,
            sal__axis_at(&h, target + tolerance) - sal__axis_at(&h, target - tolerance), plot_h);
    sal__plot_frame(r, &h, &v, value_label, "");
    for (int64_t i = 0; i < n; i++) {
        double y = top + group * (double)i + 6;
        sal__svg_text(r, left - 8, y + bar * (double)n_series / 2 + 4, "end", labels[i]);
        for (int64_t s = 0; s < n_series; s++)
            draw_bar(r, &h, y + bar * (double)s, bar - 2, values[s * n + i], digits, sal__colour(s));
    }
    if (isfinite(target))
        sal__report_append(
            r, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#000\" stroke-dasharray=\"5 4\"/>\n",
            sal__axis_at(&h, target), sal__axis_at(&h, target), top, top + plot_h);
    for (int64_t k = 0; n_series > 1 && k < n_series; k++) {
        double y = top + 2 + 18 * (double)k;
        sal__report_append(r, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" fill=\"%s\"/>\n", h.to + 2 * PAD,
                           y, sal__colour(k));
        sal__svg_text(r, h.to + 2 * PAD + 18, y + 10, "start", series[k]);
    }
    sal__report_figure_end(r);
}
