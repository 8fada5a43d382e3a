// lines.cpp - curves with a legend: losses by epoch, distributions of distances. Colour and dashes say which is which.
#include "figure.h"
#include "plot.h"
#include <qwt_clipper.h>
#include <cmath>

namespace salina {

namespace {

// Things that are counted, such as epochs, have no ticks between them.
void keep_whole(Axis &axis, const QVector<double> &values)
{
    for (double value : values)
        if (std::isfinite(value) && value != std::floor(value)) return;
    QVector<double> ticks;
    for (double tick : axis.ticks)
        if (std::fabs(tick - std::round(tick)) < 1e-9) ticks.append(std::round(tick));
    if (ticks.isEmpty()) return;
    axis.ticks = ticks;
    axis.digits = 0;
}

class Lines : public Figure {
  public:
    QString check() const override;
    QSizeF needed() const override
    {
        return QSizeF(540 + 70 + legend_room(names("names")),
                      std::max(320.0, 18.0 * names("names").size() + 4) + ROOM_BELOW + PAD + title_room(text("title")));
    }
    void paint(QPainter &p, const QSizeF &size, Live *live) const override;
    QString describe(int i) const override;

  private:
    bool shown(double x, double y) const
    {
        return std::isfinite(x) && std::isfinite(y) && (number("log_x", 0) == 0 || x > 0) &&
               (number("log_y", 0) == 0 || y > 0);
    }
    void paint_curve(QPainter &p, const QRectF &plot, const Axis &ax, const Axis &ay, int curve, int first,
                     int count) const;
};

QString Lines::check() const
{
    const QVector<double> length = values("length");
    double total = 0;
    for (double n : length) {
        if (!(n >= 0) || n != std::floor(n)) return QStringLiteral("length %1 is not a number of points").arg(n);
        total += n;
    }
    if (length.size() != names("names").size())
        return QStringLiteral("%1 lengths do not go with %2 names").arg(length.size()).arg(names("names").size());
    if (values("x").size() != total || values("y").size() != total)
        return QStringLiteral("%1 values of x and %2 of y do not go with lengths that add up to %3")
            .arg(values("x").size())
            .arg(values("y").size())
            .arg(total);
    return QString();
}

// Pieces between missing values, cut at the frame: an SVG by Qt 5 knows no clipping.
void Lines::paint_curve(QPainter &p, const QRectF &plot, const Axis &ax, const Axis &ay, int curve, int first,
                        int count) const
{
    const QVector<double> x = values("x"), y = values("y");
    const bool step = number("step", 0) != 0;
    QPolygonF piece;
    p.setBrush(Qt::NoBrush);
    p.setPen(curve_pen(curve));
    const auto flush = [&] {
#if QWT_VERSION >= 0x060200
        QPolygonF cut = QwtClipper::clippedPolygonF(plot, piece);
#else
        QPolygonF cut = QwtClipper::clipPolygonF(plot, piece);
#endif
        for (QPointF &at : cut) at = QPointF(tenth(at.x()), tenth(at.y()));
        if (cut.size() > 1) p.drawPolyline(cut);
        piece.clear();
    };
    for (int i = first; i < first + count; i++) {
        if (!shown(x[i], y[i])) {
            flush();
            continue;
        }
        const QPointF at(ax.at(x[i]), ay.at(y[i]));
        if (step && !piece.isEmpty()) piece.append(QPointF(at.x(), piece.last().y()));
        piece.append(at);
    }
    if (piece.size() == 1) piece.append(piece.first() + QPointF(3, 0)); // a single epoch still shows
    flush();
}

void Lines::paint(QPainter &p, const QSizeF &size, Live *live) const
{
    const QVector<double> x = values("x"), y = values("y"), length = values("length");
    Range rx, ry;
    for (int i = 0; i < x.size(); i++)
        if (shown(x[i], y[i])) rx.add(x[i]), ry.add(y[i]);
    const double top = title_room(text("title")), legend = legend_room(names("names"));
    const double height = std::max(40.0, size.height() - top - ROOM_BELOW - PAD);
    Axis ay = Axis::fit(ry, number("log_y", 0) != 0 ? Axis::LOG10 : Axis::LINEAR, height, 36, true, text("y_label"));
    ay.zoom(view.bottom, view.top, height, 36);
    const double left = room_left(ay), width = std::max(40.0, size.width() - left - legend - PAD);
    Axis ax = Axis::fit(rx, number("log_x", 0) != 0 ? Axis::LOG10 : Axis::LINEAR, width, 70, false, text("x_label"));
    ax.zoom(view.left, view.right, width, 70);
    keep_whole(ax, x);
    const QRectF plot(std::round(left), top, std::floor(width), std::floor(height));
    ax.place(plot.left(), plot.right());
    ay.place(plot.bottom(), plot.top());
    paint_title(p, text("title"), size.width());
    paint_frame(p, plot, &ax, &ay);
    for (int curve = 0, first = 0; curve < length.size(); first += int(length[curve++]))
        paint_curve(p, plot, ax, ay, curve, first, int(length[curve]));
    paint_legend(p, QRectF(plot.right(), plot.top(), legend, plot.height()), names("names"), LEGEND_LINES);
    if (ry.empty()) put_text(p, plot.center().x(), plot.center().y(), Qt::AlignHCenter, QStringLiteral("no data"));
    if (live) live->plot = plot;
    for (int i = 0; live && i < x.size(); i++)
        if (shown(x[i], y[i])) live->add(QPointF(ax.at(x[i]), ay.at(y[i])), i);
}

QString Lines::describe(int i) const
{
    const QVector<double> length = values("length");
    int curve = 0, end = length.isEmpty() ? 0 : int(length[0]);
    while (i >= end && curve + 1 < length.size()) end += int(length[++curve]);
    return QStringLiteral("%1\n%2: %3\n%4: %5")
        .arg(names("names").value(curve), text("x_label"))
        .arg(values("x")[i], 0, 'g', 5)
        .arg(text("y_label"))
        .arg(values("y")[i], 0, 'g', 4);
}

} // namespace

std::shared_ptr<Figure> make_lines() { return std::make_shared<Lines>(); }

} // namespace salina
