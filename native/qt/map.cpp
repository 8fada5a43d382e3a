// map.cpp - samples on the ground: equal scales in km, coloured by fold (or another category) or by value.
#include "figure.h"
#include "plot.h"
#include <algorithm>
#include <cmath>

namespace salina {

namespace {

enum : int { SHADES = 24 };

class Map : public Figure {
  public:
    QString check() const override;
    QSizeF needed() const override;
    void paint(QPainter &p, const QSizeF &size, Live *live) const override;
    QString describe(int i) const override;

  private:
    struct Layout {
        QRectF plot;
        Axis x, y, bar;
        QVector<int> index; // of the points that are shown
        double low = -1, high = 1;
    };
    bool categories() const { return arrays.contains(QStringLiteral("category")); }
    bool valued() const { return !categories() && arrays.contains(QStringLiteral("value")); }
    bool symmetric() const { return number("diverging", 1) != 0; }
    double right_room(const Layout &l) const
    {
        return categories() ? legend_room(names("names")) : valued() ? PAD + colour_bar_room(l.bar) : 2.0 * PAD;
    }
    QRectF ground(Layout *l) const;
    void limits(Layout &l) const;
    Layout layout(const QSizeF &size) const;
    QPointF at(const Layout &l, int i) const;
    void paint_values(QPainter &p, const Layout &l) const;
    void paint_categories(QPainter &p, const Layout &l) const;
};

QString Map::check() const
{
    const int n = values("x").size();
    for (const char *key : { "y", "value", "category" })
        if (arrays.contains(QLatin1String(key)) && values(key).size() != n)
            return QStringLiteral("%1 values of %2 do not go with %3 of x")
                .arg(values(key).size())
                .arg(QLatin1String(key))
                .arg(n);
    if (categories() && names("names").isEmpty()) return QStringLiteral("category needs names");
    if (valued() && text("value_label").isEmpty()) return QStringLiteral("value needs value_label with its unit");
    return QString();
}

// What is to be seen, in km, with a margin.
QRectF Map::ground(Layout *l) const
{
    const QVector<double> x = values("x"), y = values("y"), value = values("value");
    Range rx, ry;
    for (int i = 0; i < x.size(); i++) {
        if (!std::isfinite(x[i]) || !std::isfinite(y[i]) || (valued() && !std::isfinite(value[i]))) continue;
        rx.add(x[i] / 1000);
        ry.add(y[i] / 1000);
        if (l) l->index.append(i);
    }
    if (rx.empty()) rx.low = ry.low = 0, rx.high = ry.high = 1;
    const double margin = std::max(0.04 * std::max(rx.high - rx.low, ry.high - ry.low), 0.05);
    return QRectF(rx.low, ry.low, rx.high - rx.low, ry.high - ry.low).adjusted(-margin, -margin, margin, margin);
}

QSizeF Map::needed() const
{
    const QRectF g = ground(nullptr);
    const double scale = std::min(520 / g.width(), 460 / g.height());
    const double width = std::max(g.width() * scale, 220.0), height = std::max(g.height() * scale, 200.0);
    Layout l;
    limits(l);
    return QSizeF(std::ceil(width + 80 + right_room(l) + PAD),
                  std::ceil(height + ROOM_BELOW + PAD + title_room(text("title"))));
}

// The colour scale: up to the 98 % quantile of |value|, so that one outlier does not grey out the rest.
void Map::limits(Layout &l) const
{
    QVector<double> sorted;
    for (double v : values("value"))
        if (std::isfinite(v)) sorted.append(symmetric() ? std::fabs(v) : v);
    std::sort(sorted.begin(), sorted.end());
    if (!sorted.isEmpty()) {
        const double q98 = sorted[int(0.98 * (sorted.size() - 1))], q02 = sorted[int(0.02 * (sorted.size() - 1))];
        l.high = q98, l.low = symmetric() ? -q98 : q02;
    }
    if (!(l.high > l.low)) l.low -= symmetric() ? 1 : 0, l.high += 1;
    Range range;
    range.add(l.low);
    range.add(l.high);
    l.bar = Axis::fit(range, Axis::LINEAR, 280, 36, false, text("value_label"));
}

Map::Layout Map::layout(const QSizeF &size) const
{
    Layout l;
    QRectF g = ground(&l);
    limits(l);
    const double top = title_room(text("title")), right = right_room(l);
    Range rx, ry;
    rx.add(g.left()), rx.add(g.right()), ry.add(g.top()), ry.add(g.bottom());
    l.y = Axis::fit(ry, Axis::LINEAR, size.height(), 50, false, QStringLiteral("Northing (km)"));
    const double left = room_left(l.y);
    const double width = std::max(40.0, size.width() - left - right - PAD),
                 height = std::max(40.0, size.height() - top - ROOM_BELOW - PAD);
    const double scale = std::min(width / g.width(), height / g.height());
    // more ground where the plot has room: scales stay equal
    const double more_x = width / scale - g.width(), more_y = height / scale - g.height();
    g.adjust(-more_x / 2, -more_y / 2, more_x / 2, more_y / 2);
    rx = Range(), ry = Range();
    rx.add(g.left()), rx.add(g.right()), ry.add(g.top()), ry.add(g.bottom());
    l.x = Axis::fit(rx, Axis::LINEAR, width, 80, false, QStringLiteral("Easting (km)"));
    l.y = Axis::fit(ry, Axis::LINEAR, height, 50, false, QStringLiteral("Northing (km)"));
    l.x.zoom(view.left, view.right, width, 80);
    l.y.zoom(view.bottom, view.top, height, 50);
    l.plot = QRectF(std::round(left), top, std::floor(width), std::floor(height));
    l.x.place(l.plot.left(), l.plot.right());
    l.y.place(l.plot.bottom(), l.plot.top());
    return l;
}

QPointF Map::at(const Layout &l, int i) const
{
    return QPointF(l.x.at(arrays[QStringLiteral("x")][i] / 1000), l.y.at(arrays[QStringLiteral("y")][i] / 1000));
}

void Map::paint_values(QPainter &p, const Layout &l) const
{
    const QVector<double> value = values("value");
    QPainterPath all, shades[SHADES];
    for (int i : l.index) {
        const double t = (value[i] - l.low) / (l.high - l.low);
        add_dot(all, at(l, i));
        add_dot(shades[std::min(std::max(int(t * SHADES), 0), SHADES - 1)], at(l, i));
    }
    paint_dots(p, all, 8.4, QColor(0x44, 0x44, 0x44));
    for (int k = 0; k < SHADES; k++) {
        const double t = (k + 0.5) / SHADES;
        paint_dots(p, shades[k], 7.2, symmetric() ? diverging(2 * t - 1) : viridis(t));
    }
    const double height = std::min(280.0, l.plot.height());
    const QRectF bar(l.plot.right() + PAD, l.plot.center().y() - height / 2, 14, height);
    Axis axis = l.bar;
    axis.place(bar.bottom(), bar.top());
    paint_colour_bar(p, bar, symmetric() ? diverging : viridis, symmetric() ? -1 : 0, 1, axis);
}

void Map::paint_categories(QPainter &p, const Layout &l) const
{
    const QVector<double> category = values("category");
    const QStringList all = names("names");
    const int n = std::max(1, int(all.size()));
    QVector<QPainterPath> paths(n);
    for (int i : l.index) {
        const int c = categories() && category[i] >= 0 && category[i] < n ? int(category[i]) : 0;
        add_marker(paths[c], at(l, i), 3.5, c);
    }
    for (int c = 0; c < n; c++) paint_markers(p, paths[c], 3.5, c);
    if (categories())
        paint_legend(p, QRectF(l.plot.right(), l.plot.top(), right_room(l), l.plot.height()), all, LEGEND_MARKERS);
}

void Map::paint(QPainter &p, const QSizeF &size, Live *live) const
{
    Layout l = layout(size);
    paint_title(p, text("title"), size.width());
    paint_frame(p, l.plot, &l.x, &l.y);
    if (!view.whole()) {
        QVector<int> shown;
        for (int i : l.index)
            if (l.plot.contains(at(l, i))) shown.append(i);
        l.index = shown;
    }
    if (valued())
        paint_values(p, l);
    else
        paint_categories(p, l);
    if (l.index.isEmpty())
        put_text(p, l.plot.center().x(), l.plot.center().y(), Qt::AlignHCenter, QStringLiteral("no data"));
    if (live) live->plot = l.plot;
    for (int k = 0; live && k < l.index.size(); k++) live->add(at(l, l.index[k]), l.index[k]);
}

QString Map::describe(int i) const
{
    QString out = QStringLiteral("Easting %1 km, northing %2 km")
                      .arg(values("x")[i] / 1000, 0, 'f', 2)
                      .arg(values("y")[i] / 1000, 0, 'f', 2);
    if (valued()) out += QStringLiteral("\n%1: %2").arg(text("value_label")).arg(values("value")[i], 0, 'g', 4);
    const double c = categories() ? values("category")[i] : -1;
    if (c >= 0 && c < names("names").size()) out += QLatin1Char('\n') + names("names")[int(c)];
    return out;
}

} // namespace

std::shared_ptr<Figure> make_map() { return std::make_shared<Map>(); }

} // namespace salina
