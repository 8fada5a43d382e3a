// scatter.cpp - observed against predicted: a square plot with equal limits and the 1:1 line. Up to 1,500 points show
// as dots coloured by their density, more as hexagons that count; with categories, as markers.
#include "density.h"
#include "figure.h"
#include "plot.h"
#include <cmath>

namespace salina {

namespace {

enum : int { MOST_DOTS = 1500, LEAST_DENSITY = 30, SHADES = 16 };

class Scatter : public Figure {
  public:
    QString check() const override;
    QSizeF needed() const override
    {
        return QSizeF(430 + PAD * 2 + 60 + right_room(), 430 + 60 + title_room(text("title")));
    }
    void paint(QPainter &p, const QSizeF &size, Live *live) const override;
    QString describe(int i) const override
    {
        return QStringLiteral("%1: %2\n%3: %4")
            .arg(text("x_label"))
            .arg(values("x")[i], 0, 'g', 4)
            .arg(text("y_label"))
            .arg(values("y")[i], 0, 'g', 4);
    }

  private:
    struct Layout {
        QRectF plot;
        Axis x, y;
        QVector<QPointF> at; // of the points that are finite
        QVector<int> index;
    };
    bool categories() const { return arrays.contains(QStringLiteral("category")); }
    double right_room() const { return categories() ? legend_room(names("names")) : 90; }
    Layout layout(const QSizeF &size) const;
    void paint_intervals(QPainter &p, const Layout &l) const;
    void paint_density(QPainter &p, const Layout &l) const;
    void paint_hexagons(QPainter &p, const Layout &l) const;
    void paint_categories(QPainter &p, const Layout &l) const;
    void paint_note(QPainter &p, const Layout &l) const;
    void paint_bar(QPainter &p, const Layout &l, const Axis &axis) const;
};

QString Scatter::check() const
{
    const int n = values("x").size();
    for (const char *key : { "y", "lower", "upper", "category" })
        if (arrays.contains(QLatin1String(key)) && values(key).size() != n)
            return QStringLiteral("%1 values of %2 do not go with %3 of x")
                .arg(values(key).size())
                .arg(QLatin1String(key))
                .arg(n);
    if (categories() && names("names").isEmpty()) return QStringLiteral("category needs names");
    return QString();
}

Scatter::Layout Scatter::layout(const QSizeF &size) const
{
    Layout l;
    const QVector<double> x = values("x"), y = values("y");
    Range range;
    for (int i = 0; i < x.size(); i++) {
        if (!std::isfinite(x[i]) || !std::isfinite(y[i])) continue;
        range.add(x[i]);
        range.add(y[i]);
        l.index.append(i);
    }
    const bool log = number("log", 0) != 0 && !(range.low < 0);
    if (log && !range.empty()) range.high *= 1.15;
    const double top = title_room(text("title"));
    double side = std::min(size.width() - right_room() - 70, size.height() - top - ROOM_BELOW - PAD);
    l.x = Axis::fit(range, log ? Axis::LOG1P : Axis::LINEAR, side, 44, true, text("x_label"));
    l.y = l.x;
    l.y.label = text("y_label");
    l.x.zoom(view.left, view.right, side, 44);
    l.y.zoom(view.bottom, view.top, side, 44);
    const double left = room_left(l.y);
    side = std::max(40.0, std::min(size.width() - right_room() - left - PAD, size.height() - top - ROOM_BELOW - PAD));
    l.plot = QRectF(std::round(left), top, std::floor(side), std::floor(side));
    l.x.place(l.plot.left(), l.plot.right());
    l.y.place(l.plot.bottom(), l.plot.top());
    QVector<int> shown;
    for (int i : l.index) {
        const QPointF at(l.x.at(x[i]), l.y.at(y[i]));
        if (!view.whole() && !l.plot.contains(at)) continue;
        shown.append(i);
        l.at.append(at);
    }
    l.index = shown;
    return l;
}

void Scatter::paint_intervals(QPainter &p, const Layout &l) const
{
    const QVector<double> x = values("x"), lower = values("lower"), upper = values("upper");
    if (lower.isEmpty() || upper.isEmpty()) return;
    QPainterPath path;
    for (int i : l.index) {
        if (!std::isfinite(lower[i]) || !std::isfinite(upper[i])) continue;
        const double at = tenth(l.x.at(x[i])), low = std::max(lower[i], l.y.map.s1()),
                     high = std::min(upper[i], l.y.map.s2());
        if (low > high) continue;
        path.moveTo(at, tenth(l.y.at(low)));
        path.lineTo(at, tenth(l.y.at(high)));
    }
    p.setBrush(Qt::NoBrush);
    p.setPen(QPen(QColor(0xc4, 0xc4, 0xc4), 0.7));
    p.drawPath(path);
}

void Scatter::paint_density(QPainter &p, const Layout &l) const
{
    QVector<QPointF> inside;
    for (const QPointF &at : l.at) inside.append(at - l.plot.topLeft());
    const QVector<double> density = point_density(inside, l.plot.width());
    QPainterPath all, shades[SHADES];
    for (int i = 0; i < l.at.size(); i++) {
        add_dot(all, l.at[i]);
        add_dot(shades[std::min(int(density[i] * SHADES), SHADES - 1)], l.at[i]);
    }
    paint_dots(p, all, 6, QColor(0x33, 0x33, 0x33));
    for (int k = 0; k < SHADES; k++) paint_dots(p, shades[k], 5, viridis((k + 0.5) / SHADES));
    Range share;
    share.add(0);
    share.add(1);
    paint_bar(p, l,
              Axis::fit(share, Axis::LINEAR, 0.6 * l.plot.height(), 40, false,
                        QStringLiteral("Density of points (densest = 1)")));
}

void Scatter::paint_bar(QPainter &p, const Layout &l, const Axis &axis) const
{
    const double height = 0.6 * l.plot.height();
    const QRectF bar(l.plot.right() + PAD, l.plot.center().y() - height / 2, 14, height);
    Axis placed = axis;
    placed.place(bar.bottom(), bar.top());
    paint_colour_bar(p, bar, viridis, 0, 1, placed);
}

void Scatter::paint_hexagons(QPainter &p, const Layout &l) const
{
    const double radius = std::max(4.0, l.plot.width() / 70);
    const QVector<Hexagon> all = hexagons(l.at, radius);
    Range range;
    for (const Hexagon &one : all) range.add(one.count);
    range.low = 1;
    range.high = std::max(range.high, 2.0);
    QPainterPath shades[SHADES];
    for (const Hexagon &one : all) {
        const double t = std::log(one.count) / std::log(range.high);
        QPainterPath &path = shades[std::min(int(t * SHADES), SHADES - 1)];
        for (int k = 0; k < 6; k++) {
            // cut at the frame: a hexagon of points at a limit reaches beyond it
            const double a = k * M_PI / 3, x = one.centre.x() + radius * std::sin(a),
                         y = one.centre.y() - radius * std::cos(a);
            const QPointF corner(tenth(std::min(std::max(x, l.plot.left()), l.plot.right())),
                                 tenth(std::min(std::max(y, l.plot.top()), l.plot.bottom())));
            if (k)
                path.lineTo(corner);
            else
                path.moveTo(corner);
        }
        path.closeSubpath();
    }
    for (int k = 0; k < SHADES; k++) {
        p.setBrush(viridis((k + 0.5) / SHADES));
        p.setPen(QPen(viridis((k + 0.5) / SHADES), 0.3));
        p.drawPath(shades[k]);
    }
    Axis axis = Axis::fit(range, Axis::LOG1P, 0.6 * l.plot.height(), 24, false, QStringLiteral("Samples in a hexagon"));
    axis.map.setTransformation(new QwtLogTransform);
    axis.map.setScaleInterval(1, range.high);
    paint_bar(p, l, axis);
}

void Scatter::paint_categories(QPainter &p, const Layout &l) const
{
    const QVector<double> category = values("category");
    const QStringList all = names("names");
    QVector<QPainterPath> paths(all.size());
    for (int k = 0; k < l.at.size(); k++) {
        const double c = category[l.index[k]];
        const int i = c >= 0 && c < all.size() ? int(c) : 0;
        add_marker(paths[i], l.at[k], 3, i);
    }
    for (int i = 0; i < paths.size(); i++) paint_markers(p, paths[i], 3, i);
    paint_legend(p, QRectF(l.plot.right(), l.plot.top(), right_room(), l.plot.height()), all, LEGEND_MARKERS);
}

void Scatter::paint_note(QPainter &p, const Layout &l) const
{
    const QStringList lines = text("note").isEmpty() ? QStringList() : text("note").split(QLatin1Char('\n'));
    if (!lines.isEmpty()) {
        p.setPen(Qt::NoPen);
        p.setBrush(QColor(255, 255, 255, 215));
        p.drawRect(QRectF(l.plot.left() + 6, l.plot.top() + 6, widest(lines) + 12, LINE_PX * lines.size() + 8));
    }
    for (int i = 0; i < lines.size(); i++)
        put_text(p, l.plot.left() + 12, l.plot.top() + 10 + LINE_PX * (i + 0.5), Qt::AlignLeft, lines[i]);
    if (view.whole()) put_text(p, l.plot.right() - 6, l.plot.top() + 46, Qt::AlignRight, QStringLiteral("1:1"));
    if (l.at.isEmpty())
        put_text(p, l.plot.center().x(), l.plot.center().y(), Qt::AlignHCenter, QStringLiteral("no data"));
}

void Scatter::paint(QPainter &p, const QSizeF &size, Live *live) const
{
    const Layout l = layout(size);
    paint_title(p, text("title"), size.width());
    paint_frame(p, l.plot, &l.x, &l.y);
    if (l.at.size() <= MOST_DOTS) paint_intervals(p, l);
    if (categories())
        paint_categories(p, l);
    else if (l.at.size() > MOST_DOTS)
        paint_hexagons(p, l);
    else if (l.at.size() >= LEAST_DENSITY)
        paint_density(p, l);
    else {
        QPainterPath path;
        for (const QPointF &at : l.at) add_dot(path, at);
        paint_dots(p, path, 6, category_colour(0));
    }
    p.setPen(QPen(Qt::black, 1.2, Qt::DashLine));
    if (view.whole()) {
        p.drawLine(l.plot.bottomLeft(), l.plot.topRight());
    } else {
        const Clip clip(p, l.plot, true);
        const double low = std::min(l.x.map.s1(), l.y.map.s1()), high = std::max(l.x.map.s2(), l.y.map.s2());
        p.drawLine(QPointF(l.x.at(low), l.y.at(low)), QPointF(l.x.at(high), l.y.at(high)));
    }
    paint_note(p, l);
    if (live) live->plot = l.plot;
    for (int k = 0; live && k < l.at.size(); k++) live->add(l.at[k], l.index[k]);
}

} // namespace

std::shared_ptr<Figure> make_scatter() { return std::make_shared<Scatter>(); }

} // namespace salina
