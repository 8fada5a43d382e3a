// axis.cpp - scales of axes: round ticks by Qwt's engines, and log(1 + value), which Qwt does not have.
//
// The trap: a range without width, or without any value, still needs an axis.
#include "plot.h"
#include <qwt_scale_div.h>
#include <qwt_scale_engine.h>
#include <qwt_transform.h>
#include <cmath>

namespace salina {

namespace {

class Log1pTransform : public QwtTransform {
  public:
    double bounded(double value) const override { return std::max(value, 0.0); }
    double transform(double value) const override { return std::log1p(value); }
    double invTransform(double value) const override { return std::expm1(value); }
    QwtTransform *copy() const override { return new Log1pTransform; }
};

// Decimals that tell multiples of `step` apart.
int digits_of(double step)
{
    for (int digits = 0; digits < 8; digits++) {
        const double scaled = step * std::pow(10, digits);
        if (std::fabs(scaled - std::round(scaled)) < 1e-6 * std::max(scaled, 1.0) && scaled >= 0.5) return digits;
    }
    return 8;
}

// 0 and 1, 2, 5 times powers of ten, each as far from the one before as `gap` px allow; round ones first.
QVector<double> log1p_ticks(const QwtScaleMap &map, double high, double gap)
{
    QVector<double> ticks{ 0 };
    static const double passes[][3] = { { 1, 1, 1 }, { 2, 5, 5 } };
    for (const auto &pass : passes) {
        for (double decade = std::pow(10, std::floor(std::log10(high)) - 3); decade <= high; decade *= 10) {
            for (int k = 0; k < (pass[0] == 1 ? 1 : 2); k++) {
                const double tick = pass[k] * decade, at = map.transform(tick);
                bool free = tick <= high * (1 + 1e-9);
                for (double other : ticks) free = free && std::fabs(map.transform(other) - at) >= gap;
                if (free) ticks.append(tick);
            }
        }
    }
    std::sort(ticks.begin(), ticks.end());
    return ticks;
}

Axis fit_log1p(Range range, double length, double gap)
{
    Axis axis;
    range.low = 0;
    range.high = range.high > 0 ? range.high : 1;
    axis.map.setTransformation(new Log1pTransform);
    axis.map.setScaleInterval(0, range.high);
    axis.map.setPaintInterval(0, length);
    axis.ticks = log1p_ticks(axis.map, range.high, gap);
    for (double tick : axis.ticks) axis.digits = std::max(axis.digits, tick > 0 ? digits_of(tick) : 0);
    return axis;
}

Axis fit_log10(Range range, double length, double gap)
{
    Axis axis;
    QwtLogScaleEngine engine;
    double low = range.low, high = range.high, step = 0;
    engine.autoScale(std::max(1, int(length / gap)), low, high, step);
    if (!(low > 0) || !(high > low)) low = range.low / 2, high = range.high * 2;
    const QwtScaleDiv division = engine.divideScale(low, high, std::max(1, int(length / gap)), 0, 0);
    axis.map.setTransformation(new QwtLogTransform);
    axis.map.setScaleInterval(low, high);
    for (double tick : division.ticks(QwtScaleDiv::MajorTick)) axis.ticks.append(tick);
    for (double tick : axis.ticks) axis.digits = std::max(axis.digits, digits_of(tick));
    return axis;
}

Axis fit_linear(Range range, double length, double gap, bool widen)
{
    Axis axis;
    QwtLinearScaleEngine engine;
    const int steps = std::max(1, int(length / gap));
    double low = range.low, high = range.high, step = 0;
    engine.autoScale(steps, low, high, step);
    if (!widen) low = range.low, high = range.high;
    const QwtScaleDiv division = engine.divideScale(low, high, steps, 0, step);
    axis.map.setScaleInterval(low, high);
    for (double tick : division.ticks(QwtScaleDiv::MajorTick))
        axis.ticks.append(std::fabs(tick) < 1e-9 * std::fabs(high - low) ? 0 : tick);
    axis.digits = digits_of(axis.ticks.size() > 1 ? axis.ticks[1] - axis.ticks[0] : step);
    return axis;
}

} // namespace

Axis Axis::fit(Range range, Scale scale, double length, double gap, bool widen, const QString &label)
{
    if (range.empty()) range.low = scale == LOG10 ? 1 : 0, range.high = scale == LOG10 ? 10 : 1;
    const double margin = range.low == 0 ? 1 : 0.5 * std::fabs(range.low);
    if (range.low == range.high && scale == LINEAR) range.low -= margin, range.high += margin;
    Axis axis = scale == LOG1P   ? fit_log1p(range, length, gap)
                : scale == LOG10 ? fit_log10(range, length, gap)
                                 : fit_linear(range, length, gap, widen);
    axis.label = label;
    return axis;
}

// A logarithmic axis keeps its round ticks while at least three of them are left, and has evenly spaced ones below that.
void Axis::zoom(double from, double to, double length, double gap)
{
    if (from <= 0 && to >= 1) return;
    map.setPaintInterval(0, 1);
    const double low = map.invTransform(from), high = map.invTransform(to);
    QVector<double> kept;
    if (map.transformation()) {
        QwtScaleMap wide = map; // of the whole axis at the size it has now
        wide.setPaintInterval(0, length / (to - from));
        for (double tick : log1p_ticks(wide, map.s2(), gap))
            if (tick >= low && tick <= high) kept.append(tick);
    }
    if (kept.size() < 3) {
        const QwtScaleDiv division =
            QwtLinearScaleEngine().divideScale(low, high, std::max(1, int(length / gap)), 0, 0);
        kept.clear();
        for (double tick : division.ticks(QwtScaleDiv::MajorTick))
            kept.append(std::fabs(tick) < 1e-9 * std::fabs(high - low) ? 0 : tick);
    }
    map.setScaleInterval(low, high);
    ticks = kept;
    if (ticks.size() > 1) digits = digits_of(ticks[1] - ticks[0]);
}

QString Axis::text(double tick) const
{
    // on a logarithmic axis each tick has the decimals that itself needs
    if (map.transformation()) return number_text(tick, tick > 0 ? digits_of(tick) : 0);
    return number_text(tick, digits);
}

double Axis::widest_tick() const
{
    double width = 0;
    for (double tick : ticks) width = std::max(width, text_width(text(tick)));
    return width;
}

bool Axis::holds(double value) const
{
    const double slack = 1e-9 * (map.s2() - map.s1());
    return value >= map.s1() - slack && value <= map.s2() + slack;
}

} // namespace salina
