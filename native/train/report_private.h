/* report_private.h - the page under construction, and the small plotting layer that the figures share. */
#ifndef SAL_TRAIN_REPORT_PRIVATE_H
#define SAL_TRAIN_REPORT_PRIVATE_H

#include "train/report.h"

struct sal_report {
    sal_context *ctx;
    sal_text body;
    char *title;
    int64_t figures, tables;
};

/* Appends text with & < > " escaped; control characters other than newline become spaces. */
void sal__report_escape(sal_report *report, const char *text);
#define sal__report_append(report, ...) sal_text_append((report)->ctx, &(report)->body, __VA_ARGS__)
/* "<figure><figcaption>Figure 3. caption" up to the open <svg>, and its end. `more` is appended to the caption, may be
 * "". */
void sal__report_figure_begin(sal_report *report, const char *caption, const char *more, double width, double height);
void sal__report_figure_end(sal_report *report);

/* One axis: values to pixels, with ticks. */
typedef struct sal__axis {
    double low, high; /* in data units */
    double from, to;  /* pixels of low and high */
    bool log1p;       /* position is linear in log(1 + value) */
    int count;
    double tick[16];
    int digits; /* decimals of tick labels */
} sal__axis;

/* Chooses limits that hold [low, high] and ticks at round values, not closer than `gap` pixels. Linear limits are
 * widened to whole ticks when `widen`. from and to must be set. */
void sal__axis_fit(sal__axis *axis, double low, double high, double gap, bool widen);
double sal__axis_at(const sal__axis *axis, double value);
void sal__axis_text(const sal__axis *axis, double value, char out[32]);

/* Frame, grid, ticks and labels of a plot; x runs to the right, y upwards. */
void sal__plot_frame(sal_report *report, const sal__axis *x, const sal__axis *y, const char *x_label,
                     const char *y_label);
void sal__svg_text(sal_report *report, double x, double y, const char *anchor, const char *text);
double sal__text_width(const char *text); /* pixels at 12 px, an upper estimate for UTF-8 */

const char *sal__colour(int64_t index); /* Okabe-Ito in turn, those readable on white */
/* A marker of the category: colour in turn, shape changes with every turn. */
void sal__svg_marker(sal_report *report, double x, double y, double radius, int64_t index);

#endif
