// plot.h - what every figure is painted with: axes on Qwt's scales, frames, legends, markers, colours.
//
// Lengths are px of 1/96 inch. Coordinates are rounded to a tenth, which keeps the text of an SVG short.
#ifndef SAL_QT_PLOT_H
#define SAL_QT_PLOT_H

#include <QColor>
#include <QFont>
#include <QPainter>
#include <QPainterPath>
#include <QStringList>
#include <QVector>
#include <qwt_scale_map.h>
#include <limits>

namespace salina {

// ---- text (plot.cpp)

enum : int { FONT_PX = 12, LINE_PX = 16, PAD = 12, TICK = 5 };

QFont plain_font(bool bold = false);
double text_width(const QString &text, bool bold = false);
double widest(const QStringList &texts);
// align: Qt::AlignLeft, AlignHCenter or AlignRight of x; centred on y.
void put_text(QPainter &p, double x, double y, int align, const QString &text, const QColor &colour = Qt::black);
void put_text_up(QPainter &p, double x, double y, const QString &text); // from bottom to top, centred on (x, y)
QString fitted(const QString &text, double width);                      // with an ellipsis in the middle where too long
QString number_text(double value, int digits);                          // with a true minus sign

// ---- range of finite values

struct Range {
    double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
    void add(double value);
    void add(const QVector<double> &values);
    bool empty() const { return !(low <= high); }
};

// ---- axes (axis.cpp)

struct Axis {
    enum Scale { LINEAR, LOG1P, LOG10 };
    QwtScaleMap map; // values to px; set by place()
    QVector<double> ticks;
    QString label;
    int digits = 0;

    // Limits that hold the range, and ticks at round values not closer than `gap` px on `length` px. LINEAR limits are
    // widened to whole ticks when `widen`.
    static Axis fit(Range range, Scale scale, double length, double gap, bool widen, const QString &label);
    void place(double from, double to) { map.setPaintInterval(from, to); }
    double at(double value) const { return map.transform(value); }
    // Keeps the part between two shares of its length, with ticks of its own not closer than `gap` px on `length` px. Of a
    // whole axis nothing changes. Before place().
    void zoom(double from, double to, double length, double gap);
    QString text(double tick) const;
    double widest_tick() const;
    bool holds(double value) const;
};

// Room beside the plot for the tick texts and label of its y axis, and below it for those of x.
double room_left(const Axis &y);
enum : int { ROOM_BELOW = 46 };
// Frame, grid, ticks and labels around `plot`; horizontal grid lines only where x is null.
void paint_frame(QPainter &p, const QRectF &plot, const Axis *x, const Axis *y);
void paint_title(QPainter &p, const QString &title, double width);
double title_room(const QString &title);

// While it lives, and only where `on`: nothing is painted outside the plot. An SVG by Qt 5 knows no clipping, so whole figures do without.
class Clip {
  public:
    Clip(QPainter &painter, const QRectF &plot, bool on) : p(on ? &painter : nullptr)
    {
        if (p) p->save(), p->setClipRect(plot);
    }
    ~Clip()
    {
        if (p) p->restore();
    }
    Clip(const Clip &) = delete;
    Clip &operator=(const Clip &) = delete;

  private:
    QPainter *p;
};

// ---- colours (colours.cpp)

QColor category_colour(int index); // Okabe and Ito (2008), those that are readable on white
QColor viridis(double t);          // 0 .. 1
QColor diverging(double t);        // -1 .. 1, blue through grey to vermilion
// A vertical bar from low to high with ticks and its label to the right; log: of counts.
void paint_colour_bar(QPainter &p, const QRectF &bar, QColor (*colour)(double), double first, double last,
                      const Axis &axis);
double colour_bar_room(const Axis &axis);

// ---- markers (markers.cpp)

double tenth(double v);
// Dots as strokes with round ends: 25 bytes of SVG each, where an ellipse takes 250.
void add_dot(QPainterPath &path, const QPointF &at);
void paint_dots(QPainter &p, const QPainterPath &path, double diameter, const QColor &colour);
// Colour and shape say the category; the shape changes with every turn of the colours.
void add_marker(QPainterPath &path, const QPointF &at, double radius, int index);
void paint_markers(QPainter &p, const QPainterPath &path, double radius, int index);
// Lines of a legend: what it takes, and painting it; beyond the last line that fits it says how many are missing.
enum LegendKind { LEGEND_MARKERS, LEGEND_LINES, LEGEND_BOXES };
double legend_room(const QStringList &names);
void paint_legend(QPainter &p, const QRectF &box, const QStringList &names, LegendKind kind);
QPen curve_pen(int index);

} // namespace salina

#endif
