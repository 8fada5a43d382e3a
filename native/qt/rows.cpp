// rows.cpp - horizontal rows with labels at their left: the frame of bars and of intervals. Values stand as texts in a
// column at the right, where nothing is painted over them.
#include "rows.h"
#include <cmath>

namespace salina {

enum : int { LABEL_WIDEST = 300 };

QString Rows::check() const
{
    const int n = rows() * series();
    if (rows() == 0) return QStringLiteral("label names no row");
    for (const char *key : { "value", "lower", "upper" })
        if (has(key) && values(key).size() != n)
            return QStringLiteral("%1 values of %2 do not go with %3 labels and %4 series")
                .arg(values(key).size())
                .arg(QLatin1String(key))
                .arg(rows())
                .arg(series());
    if (has("lower") != has("upper")) return QStringLiteral("lower and upper go together");
    return QString();
}

double Rows::label_room() const { return PAD + std::min(widest(names("label")), double(LABEL_WIDEST)) + 8; }

QString Rows::value_text(int index) const
{
    const int digits = int(number("digits", 2));
    QString out = number_text(values("value")[index], digits);
    if (has("lower") && std::isfinite(values("lower")[index]) && std::isfinite(values("upper")[index]))
        out += QStringLiteral(" [%1, %2]")
                   .arg(number_text(values("lower")[index], digits), number_text(values("upper")[index], digits));
    return out;
}

double Rows::values_room() const
{
    double width = 0;
    for (int i = 0; i < rows() * series(); i++) width = std::max(width, text_width(value_text(i)));
    return width + 16;
}

QSizeF Rows::needed() const
{
    const double row = mark_height() * series() + 10, legend = series() > 1 ? legend_room(names("names")) : 0;
    const double height = std::max(row * rows(), series() > 1 ? 18.0 * series() : 0.0);
    return QSizeF(std::ceil(label_room() + 360 + values_room() + legend + PAD),
                  std::ceil(height + ROOM_BELOW + PAD + title_room(text("title"))));
}

Rows::Layout Rows::layout(const QSizeF &size) const
{
    Layout l;
    const double target = number("target", NAN), tolerance = number("tolerance", 0), top = title_room(text("title"));
    const double legend = series() > 1 ? legend_room(names("names")) : 0,
                 left = std::min(label_room(), 0.45 * size.width());
    Range range;
    for (const char *key : { "value", "lower", "upper" }) range.add(values(key));
    if (from_zero()) range.add(0);
    if (std::isfinite(target)) range.add(target - tolerance), range.add(target + tolerance);
    const double width = std::max(60.0, size.width() - left - values_room() - legend - PAD);
    l.plot = QRectF(std::round(left), top, std::floor(width),
                    std::max(20.0, std::floor(size.height() - top - ROOM_BELOW - PAD)));
    l.x = Axis::fit(range, Axis::LINEAR, width, 60, true, text("value_label"));
    l.x.zoom(view.left, view.right, width, 60);
    l.x.place(l.plot.left(), l.plot.right());
    l.row = l.plot.height() / rows();
    l.mark = std::min((l.row - std::min(10.0, 0.3 * l.row)) / series(), 1.6 * mark_height());
    return l;
}

void Rows::paint_target(QPainter &p, const Layout &l) const
{
    const double target = number("target", NAN), tolerance = number("tolerance", 0);
    if (!std::isfinite(target)) return;
    if (tolerance > 0) {
        const Clip clip(p, l.plot, !view.whole());
        p.setPen(Qt::NoPen);
        p.setBrush(QColor(0xf0, 0xe4, 0x42, 110));
        p.drawRect(QRectF(QPointF(tenth(l.x.at(target - tolerance)), l.plot.top()),
                          QPointF(tenth(l.x.at(target + tolerance)), l.plot.bottom())));
    }
}

void Rows::paint(QPainter &p, const QSizeF &size, Live *live) const
{
    const Layout l = layout(size);
    const double target = number("target", NAN);
    paint_title(p, text("title"), size.width());
    paint_frame(p, l.plot, &l.x, nullptr);
    if (live) live->plot = l.plot;
    paint_target(p, l);
    for (int i = 0; i < rows(); i++) {
        const double middle = l.plot.top() + l.row * (i + 0.5);
        put_text(p, l.plot.left() - 8, middle, Qt::AlignRight, fitted(names("label")[i], l.plot.left() - PAD - 7));
        for (int s = 0; s < series(); s++) {
            const int index = s * rows() + i;
            const double y = tenth(middle + l.mark * (s + 0.5 - series() / 2.0));
            if (std::isfinite(values("value")[index])) {
                const Clip clip(p, l.plot, !view.whole());
                paint_mark(p, l, y, s, index);
            }
            put_text(p, l.plot.right() + 8, y, Qt::AlignLeft, value_text(index));
            const double value = values("value")[index];
            if (live) live->add(QPointF(l.x.at(std::isfinite(value) ? value : l.x.map.s1()), y), index);
        }
    }
    if (std::isfinite(target) && (view.whole() || l.x.holds(target))) {
        p.setPen(QPen(Qt::black, 1.2, Qt::DashLine));
        p.drawLine(QPointF(tenth(l.x.at(target)), l.plot.top()), QPointF(tenth(l.x.at(target)), l.plot.bottom()));
    }
    if (series() > 1)
        paint_legend(p, QRectF(l.plot.right() + values_room() - 4, l.plot.top(), 300, l.plot.height()), names("names"),
                     from_zero() ? LEGEND_BOXES : LEGEND_MARKERS);
}

QString Rows::describe(int index) const
{
    QString out = names("label").value(index % rows());
    if (series() > 1) out += QLatin1Char('\n') + names("names").value(index / rows());
    return out + QStringLiteral("\n%1: %2").arg(text("value_label"), value_text(index));
}

} // namespace salina
