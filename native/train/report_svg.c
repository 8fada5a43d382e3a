/* report_svg.c - axes with round ticks, frames, markers, in SVG.
 *
 * Salinity is long-tailed and may be 0, so its axes are log(1 + value) with ticks 0, 1, 2, 5, 10 ... The trap: label
 * widths are estimated from above (7 px a character), so that nothing is clipped whatever font the viewer has.
 */
#include "train/report_private.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const colours[] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000" };
#define COLOURS ((int64_t)(sizeof colours / sizeof colours[0]))

const char *sal__colour(int64_t index) { return colours[index % COLOURS]; }

double sal__text_width(const char *text)
{
    double width = 0;
    for (const char *c = text; *c; c++) width += ((unsigned char)*c & 0xC0) != 0x80 ? 7 : 0;
    return width;
}

double sal__axis_at(const sal__axis *a, double value)
{
    double low = a->low, high = a->high;
    if (a->log1p) {
        value = log1p(value);
        low = log1p(low);
        high = log1p(high);
    }
    return a->from + (value - low) / (high - low) * (a->to - a->from);
}

/* 1, 2 or 5 times a power of ten, not below `step`. */
static double round_up(double step)
{
    double power = pow(10, floor(log10(step))), part = step / power;
    return power * (part <= 1 + 1e-9 ? 1 : part <= 2 + 1e-9 ? 2 : part <= 5 + 1e-9 ? 5 : 10);
}

static void fit_linear(sal__axis *a, double gap, bool widen)
{
    double room = fabs(a->to - a->from), step = round_up((a->high - a->low) / fmin(fmax(floor(room / gap), 1), 14));
    if (widen) {
        a->low = step * floor(a->low / step + 1e-9);
        a->high = step * ceil(a->high / step - 1e-9);
    }
    a->digits = (int)fmax(0, -floor(log10(step) + 1e-9));
    for (double i = ceil(a->low / step - 1e-9); i * step <= a->high + 1e-9 * step && a->count < 16; i++)
        a->tick[a->count++] = i * step + 0.0;
}

static void fit_log1p(sal__axis *a, double gap)
{
    double last = -INFINITY;
    a->low = fmax(a->low, 0);
    for (int power = -2; power < 9; power++) {
        for (int i = 0; i < 3; i++) {
            double value = (double[]){ 1, 2, 5 }[i] * pow(10, power);
            if (power == -2 && i == 0 && a->low <= 0) value = 0;
            if (value < a->low || value > a->high * (1 + 1e-9) || a->count == 16) continue;
            double at = sal__axis_at(a, value);
            if (a->count && fabs(at - last) < gap) continue;
            a->tick[a->count++] = value;
            last = at;
            if (value > 0 && value < 1) a->digits = power < -1 ? 2 : a->digits > 1 ? a->digits : 1;
        }
    }
}

void sal__axis_fit(sal__axis *a, double low, double high, double gap, bool widen)
{
    if (!(low <= high)) low = 0, high = 1;
    if (!(high - low > 1e-12 * fmax(fabs(low), fabs(high)))) {
        double half = fmax(fabs(high) * 0.1, 0.5);
        low = a->log1p ? fmax(low - half, 0) : low - half;
        high += half;
    }
    a->low = low;
    a->high = high;
    a->count = 0;
    a->digits = 0;
    if (a->log1p)
        fit_log1p(a, gap);
    else
        fit_linear(a, gap, widen);
}

void sal__axis_text(const sal__axis *a, double value, char out[32])
{
    if (fabs(value) >= 1e6 || a->log1p)
        snprintf(out, 32, "%.6g", value);
    else
        snprintf(out, 32, "%.*f", a->digits > 6 ? 6 : a->digits, value);
}

void sal__svg_text(sal_report *r, double x, double y, const char *anchor, const char *text)
{
    sal__report_append(r, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    sal__report_escape(r, text);
    sal__report_append(r, "</text>\n");
}

void sal__plot_frame(sal_report *r, const sal__axis *x, const sal__axis *y, const char *x_label, const char *y_label)
{
    char text[32];
    double widest = 0, middle = (y->from + y->to) / 2;
    sal__report_append(r, "<g stroke=\"#e0e0e0\" stroke-width=\"1\">\n");
    for (int i = 0; i < x->count; i++)
        sal__report_append(r, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", sal__axis_at(x, x->tick[i]),
                           sal__axis_at(x, x->tick[i]), y->from, y->to);
    for (int i = 0; i < y->count; i++)
        sal__report_append(r, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", x->from, x->to,
                           sal__axis_at(y, y->tick[i]), sal__axis_at(y, y->tick[i]));
    sal__report_append(
        r, "</g>\n<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" stroke=\"#555\"/>\n",
        x->from, y->to, x->to - x->from, y->from - y->to);
    for (int i = 0; i < x->count; i++) {
        sal__axis_text(x, x->tick[i], text);
        sal__svg_text(r, sal__axis_at(x, x->tick[i]), y->from + 18, "middle", text);
    }
    for (int i = 0; i < y->count; i++) {
        sal__axis_text(y, y->tick[i], text);
        widest = fmax(widest, sal__text_width(text));
        sal__svg_text(r, x->from - 6, sal__axis_at(y, y->tick[i]) + 4, "end", text);
    }
    sal__svg_text(r, (x->from + x->to) / 2, y->from + 38, "middle", x_label);
    sal__report_append(r, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" transform=\"rotate(-90 %.1f %.1f)\">",
                       x->from - widest - 14, middle, x->from - widest - 14, middle);
    sal__report_escape(r, y_label);
    sal__report_append(r, "</text>\n");
}

void sal__svg_marker(sal_report *r, double x, double y, double s, int64_t index)
{
    const char *fill = sal__colour(index);
    switch (index / COLOURS % 3) {
    case 0:
        sal__report_append(r, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\" fill-opacity=\".65\"/>\n", x, y,
                           s, fill);
        break;
    case 1:
        sal__report_append(r, "<path d=\"M%.1f %.1fh%.1fv%.1fh%.1fz\" fill=\"%s\" fill-opacity=\".65\"/>\n", x - s,
                           y - s, 2 * s, 2 * s, -2 * s, fill);
        break;
    default:
        sal__report_append(r, "<path d=\"M%.1f %.1fl%.1f %.1fh%.1fz\" fill=\"%s\" fill-opacity=\".65\"/>\n", x,
                           y - 1.3 * s, 1.3 * s, 2.2 * s, -2.6 * s, fill);
    }
}

void sal__report_figure_begin(sal_report *r, const char *caption, const char *more, double width, double height)
{
    sal__report_append(r, "<figure><figcaption>Figure %lld. ", (long long)++r->figures);
    sal__report_escape(r, caption);
    sal__report_escape(r, more);
    sal__report_append(r,
                       "</figcaption>\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%.0f\" "
                       "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" aria-label=\"",
                       width, height, width, height);
    sal__report_escape(r, caption);
    sal__report_append(r, "\">\n");
}

void sal__report_figure_end(sal_report *r) { sal__report_append(r, "</svg></figure>\n"); }
