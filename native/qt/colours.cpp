// colours.cpp - colours that people with any colour vision tell apart: Okabe and Ito (2008) for categories, viridis
// (van der Walt and Smith 2015, CC0) for amounts, blue - grey - vermilion for what has a middle.
#include "plot.h"
#include <cmath>

namespace salina {

QColor category_colour(int index)
{
    static const QRgb colours[] = { 0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x000000 };
    return QColor(colours[(index % 7 + 7) % 7]);
}

static QColor between(const QRgb *stops, int last, double t)
{
    const double at = std::min(std::max(t, 0.0), 1.0) * last;
    const int i = std::min(int(at), last - 1);
    const double f = at - i;
    return QColor(qRound(qRed(stops[i]) * (1 - f) + qRed(stops[i + 1]) * f),
                  qRound(qGreen(stops[i]) * (1 - f) + qGreen(stops[i + 1]) * f),
                  qRound(qBlue(stops[i]) * (1 - f) + qBlue(stops[i + 1]) * f));
}

QColor viridis(double t)
{
    static const QRgb stops[] = { 0x440154, 0x482475, 0x414487, 0x355f8d, 0x2a788e, 0x21918c,
                                  0x22a884, 0x44bf70, 0x7ad151, 0xbddf26, 0xfde725 };
    return between(stops, 10, t);
}

QColor diverging(double t)
{
    static const QRgb stops[] = { 0x0072b2, 0xe8e8e8, 0xd55e00 };
    return between(stops, 2, (t + 1) / 2);
}

double colour_bar_room(const Axis &axis) { return 16 + TICK + 4 + axis.widest_tick() + LINE_PX + 6; }

void paint_colour_bar(QPainter &p, const QRectF &bar, QColor (*colour)(double), double first, double last,
                      const Axis &axis)
{
    const int steps = 64;
    p.setPen(Qt::NoPen);
    for (int i = 0; i < steps; i++) { // each reaches under the next, so that no seam shows
        const double bottom = bar.bottom() - bar.height() * i / steps,
                     top = bar.bottom() - bar.height() * (i + 1) / steps;
        p.setBrush(colour(first + (last - first) * (i + 0.5) / steps));
        p.drawRect(QRectF(tenth(bar.left()), tenth(top), tenth(bar.width()), tenth(bottom - top + (i ? 0.5 : 0))));
    }
    p.setBrush(Qt::NoBrush);
    p.setPen(QPen(QColor(0x55, 0x55, 0x55), 1));
    p.drawRect(bar);
    for (double tick : axis.ticks) {
        if (!axis.holds(tick)) continue;
        const double y = tenth(axis.at(tick));
        p.setPen(QPen(QColor(0x55, 0x55, 0x55), 1));
        p.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + TICK, y));
        put_text(p, bar.right() + TICK + 4, y, Qt::AlignLeft, axis.text(tick));
    }
    put_text_up(p, bar.right() + TICK + 4 + axis.widest_tick() + LINE_PX / 2.0 + 4, bar.center().y(), axis.label);
}

} // namespace salina
