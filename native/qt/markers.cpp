// markers.cpp - dots, markers of categories, pens of curves, legends.
#include "plot.h"
#include <cmath>

namespace salina {

double tenth(double v) { return std::round(v * 10) / 10; }

void add_dot(QPainterPath &path, const QPointF &at)
{
    const QPointF p(tenth(at.x()), tenth(at.y()));
    path.moveTo(p);
    path.lineTo(p.x() + 0.1, p.y()); // a stroke without length is left out by some viewers
}

void paint_dots(QPainter &p, const QPainterPath &path, double diameter, const QColor &colour)
{
    if (path.isEmpty()) return;
    p.setBrush(Qt::NoBrush);
    p.setPen(QPen(colour, diameter, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    p.drawPath(path);
}

static void add_polygon(QPainterPath &path, const QPointF &at, double radius, int corners, double turn)
{
    for (int i = 0; i < corners; i++) {
        const double a = (turn + i * 360.0 / corners) * M_PI / 180;
        const QPointF corner(tenth(at.x() + radius * std::sin(a)), tenth(at.y() - radius * std::cos(a)));
        if (i)
            path.lineTo(corner);
        else
            path.moveTo(corner);
    }
    path.closeSubpath();
}

// The shape of a category: dots first, as colours suffice for the first seven.
static int shape_of(int index) { return index / 7 % 5; }

void add_marker(QPainterPath &path, const QPointF &at, double radius, int index)
{
    switch (shape_of(index)) {
    case 0: add_dot(path, at); break;
    case 1: add_polygon(path, at, 1.3 * radius, 3, 0); break;
    case 2: add_polygon(path, at, 1.25 * radius, 4, 45); break;
    case 3: add_polygon(path, at, 1.3 * radius, 3, 180); break;
    default: add_polygon(path, at, 1.3 * radius, 4, 0); break;
    }
}

void paint_markers(QPainter &p, const QPainterPath &path, double radius, int index)
{
    if (path.isEmpty()) return;
    const QColor colour = category_colour(index), edge = colour.darker(170);
    if (shape_of(index) == 0) {
        paint_dots(p, path, 2 * radius, colour);
        return;
    }
    p.setBrush(colour);
    p.setPen(QPen(edge, 0.6));
    p.drawPath(path);
}

QPen curve_pen(int index)
{
    static const QVector<QVector<qreal>> dashes = { {}, { 4, 2 }, { 1.2, 1.6 }, { 5, 1.6, 1.2, 1.6 } };
    QPen pen(category_colour(index), 1.8, Qt::SolidLine, Qt::FlatCap, Qt::RoundJoin);
    if (!dashes[index % 4].isEmpty()) pen.setDashPattern(dashes[index % 4]);
    return pen;
}

enum : int { LEGEND_KEY = 30, LEGEND_LINE = 18, LEGEND_WIDEST = 240 };

double legend_room(const QStringList &names)
{
    return names.isEmpty() ? 0 : PAD + LEGEND_KEY + std::min(widest(names), double(LEGEND_WIDEST)) + 4;
}

static void paint_legend_key(QPainter &p, const QPointF &at, int index, LegendKind kind)
{
    QPainterPath path;
    switch (kind) {
    case LEGEND_MARKERS:
        add_marker(path, at, 4, index);
        paint_markers(p, path, 4, index);
        break;
    case LEGEND_LINES:
        p.setPen(curve_pen(index));
        p.drawLine(at - QPointF(12, 0), at + QPointF(12, 0));
        break;
    case LEGEND_BOXES:
        p.setPen(Qt::NoPen);
        p.setBrush(category_colour(index));
        p.drawRect(QRectF(at.x() - 6, at.y() - 6, 12, 12));
    }
}

void paint_legend(QPainter &p, const QRectF &box, const QStringList &names, LegendKind kind)
{
    const int fit = std::max(1, int(box.height() / LEGEND_LINE)), shown = names.size() <= fit ? names.size() : fit - 1;
    for (int i = 0; i < shown; i++) {
        const double y = box.top() + LEGEND_LINE * (i + 0.5);
        paint_legend_key(p, QPointF(box.left() + PAD + 12, y), i, kind);
        put_text(p, box.left() + PAD + LEGEND_KEY, y, Qt::AlignLeft, fitted(names[i], LEGEND_WIDEST + 1));
    }
    if (shown < names.size())
        put_text(p, box.left() + PAD, box.top() + LEGEND_LINE * (shown + 0.5), Qt::AlignLeft,
                 QStringLiteral("and %1 more").arg(names.size() - shown));
}

} // namespace salina
