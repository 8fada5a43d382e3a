// histogram.cpp - counts in equal bins. `uniform` shows them relative to equally filled bins with the band in which 95 %
// of bins lie by chance: the form in which a PIT histogram says whether intervals are calibrated (Gneiting et al. 2007).
#include "figure.h"
#include "plot.h"
#include <cmath>

namespace salina {

namespace {

class Histogram : public Figure {
  public:
    QString check() const override
    {
        const double bins = number("bins", 10);
        if (!(bins >= 1 && bins <= 1000) || bins != std::floor(bins))
            return QStringLiteral("bins %1 is not a whole number from 1 to 1000").arg(bins);
        if (!(limits().high > limits().low))
            return QStringLiteral("low %1 is not below high %2").arg(limits().low).arg(limits().high);
        return QString();
    }
    QSizeF needed() const override { return QSizeF(560, 300 + ROOM_BELOW + PAD + title_room(text("title"))); }
    void paint(QPainter &p, const QSizeF &size, Live *live) const override;
    QString describe(int i) const override;
    bool zooms_down() const override { return false; } // bars stand on 0

  private:
    Range limits() const;
    QVector<double> heights(int *total) const;
    bool uniform() const { return number("uniform", 0) != 0; }
};

Range Histogram::limits() const
{
    Range range;
    range.add(values("value"));
    if (range.empty()) range.low = 0, range.high = 1;
    if (range.low == range.high) range.low -= 0.5, range.high += 0.5;
    range.low = number("low", range.low);
    range.high = number("high", range.high);
    return range;
}

QVector<double> Histogram::heights(int *total) const
{
    const Range range = limits();
    const int bins = int(number("bins", 10));
    QVector<double> out(bins, 0);
    *total = 0;
    for (double v : values("value")) {
        if (!(v >= range.low && v <= range.high)) continue;
        out[std::min(int((v - range.low) / (range.high - range.low) * bins), bins - 1)] += 1;
        (*total)++;
    }
    if (uniform())
        for (double &v : out) v *= *total ? double(bins) / *total : 0;
    return out;
}

// The band in which bins of calibrated predictions lie by chance, and the line around which they lie.
static void paint_chance(QPainter &p, const QRectF &plot, const Axis &y, double band)
{
    const double top = tenth(y.at(1 + band)), bottom = tenth(y.at(std::max(0.0, 1 - band))), one = tenth(y.at(1));
    p.setPen(Qt::NoPen);
    p.setBrush(QColor(0xf0, 0xe4, 0x42, 110));
    p.drawRect(QRectF(QPointF(plot.left(), top), QPointF(plot.right(), bottom)));
    p.setPen(QPen(Qt::black, 1.2, Qt::DashLine));
    p.drawLine(QPointF(plot.left(), one), QPointF(plot.right(), one));
}

void Histogram::paint(QPainter &p, const QSizeF &size, Live *live) const
{
    int total;
    const Range range = limits();
    const QVector<double> high = heights(&total);
    const int bins = high.size();
    // a bin's share is binomial with probability 1 / bins
    const double band = uniform() && total ? 1.96 * std::sqrt((bins - 1.0) / total) : 0;
    Range ry;
    ry.add(0);
    ry.add(high);
    if (uniform()) ry.add(1 + band);
    const double top = title_room(text("title")), height = std::max(40.0, size.height() - top - ROOM_BELOW - PAD);
    Axis ay = Axis::fit(ry, Axis::LINEAR, height, 36, true, text("y_label"));
    const double left = room_left(ay), width = std::max(40.0, size.width() - left - 2 * PAD);
    Axis ax = Axis::fit(range, Axis::LINEAR, width, 60, false, text("x_label"));
    ax.zoom(view.left, view.right, width, 60);
    const QRectF plot(std::round(left), top, std::floor(width), std::floor(height));
    ax.place(plot.left(), plot.right());
    ay.place(plot.bottom(), plot.top());
    paint_title(p, text("title"), size.width());
    paint_frame(p, plot, &ax, &ay);
    const Clip clip(p, plot, !view.whole());
    if (live) live->plot = plot;
    p.setPen(QPen(Qt::white, 1));
    p.setBrush(QColor(0x56, 0xb4, 0xe9));
    for (int i = 0; i < bins; i++) {
        const double a = ax.at(range.low + (range.high - range.low) * i / bins),
                     b = ax.at(range.low + (range.high - range.low) * (i + 1) / bins);
        if (high[i] > 0) p.drawRect(QRectF(QPointF(tenth(a), tenth(ay.at(high[i]))), QPointF(tenth(b), plot.bottom())));
        if (live) live->add(QPointF((a + b) / 2, ay.at(high[i])), i);
    }
    if (uniform() && total) paint_chance(p, plot, ay, band);
    if (!total) put_text(p, plot.center().x(), plot.center().y(), Qt::AlignHCenter, QStringLiteral("no data"));
}

QString Histogram::describe(int i) const
{
    int total;
    const Range range = limits();
    const QVector<double> high = heights(&total);
    const double width = (range.high - range.low) / high.size();
    return QStringLiteral("%1 to %2: %3")
        .arg(range.low + width * i, 0, 'g', 4)
        .arg(range.low + width * (i + 1), 0, 'g', 4)
        .arg(high[i], 0, 'g', 3);
}

} // namespace

std::shared_ptr<Figure> make_histogram() { return std::make_shared<Histogram>(); }

} // namespace salina
