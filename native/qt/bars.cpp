// bars.cpp - bars from zero with optional whiskers: importance, coverage by class.
#include "rows.h"
#include <cmath>

namespace salina {

static void whisker(QPainter &p, const Axis &x, double y, double half, double low, double high)
{
    if (!std::isfinite(low) || !std::isfinite(high)) return;
    const double a = tenth(x.at(low)), b = tenth(x.at(high));
    p.drawLine(QPointF(a, y), QPointF(b, y));
    p.drawLine(QPointF(a, y - half), QPointF(a, y + half));
    p.drawLine(QPointF(b, y - half), QPointF(b, y + half));
}

namespace {

class Bars : public Rows {
    bool from_zero() const override { return true; }
    double mark_height() const override { return series() > 1 ? 16 : 20; }
    void paint_mark(QPainter &p, const Layout &l, double y, int s, int index) const override
    {
        const double zero = tenth(l.x.at(0)), at = tenth(l.x.at(values("value")[index])), thick = tenth(l.mark - 2);
        p.setPen(Qt::NoPen);
        p.setBrush(category_colour(s));
        p.drawRect(QRectF(std::min(zero, at), tenth(y - thick / 2), std::fabs(at - zero), thick));
        p.setPen(QPen(Qt::black, 1.2));
        if (has("lower")) whisker(p, l.x, y, 3, values("lower")[index], values("upper")[index]);
        p.setPen(QPen(QColor(0x55, 0x55, 0x55), 1));
        p.drawLine(QPointF(zero, l.plot.top()), QPointF(zero, l.plot.bottom()));
    }
};

class Intervals : public Rows {
    bool from_zero() const override { return false; }
    double mark_height() const override { return series() > 1 ? 16 : 20; }
    void paint_mark(QPainter &p, const Layout &l, double y, int s, int index) const override
    {
        QPainterPath path;
        const double at = l.x.at(values("value")[index]);
        p.setPen(QPen(category_colour(s), 2));
        if (has("lower")) whisker(p, l.x, y, 4, values("lower")[index], values("upper")[index]);
        add_marker(path, QPointF(at, y), 4.5, s);
        paint_markers(p, path, 4.5, s);
    }
};

} // namespace

std::shared_ptr<Figure> make_bars() { return std::make_shared<Bars>(); }
std::shared_ptr<Figure> make_intervals() { return std::make_shared<Intervals>(); }

} // namespace salina
