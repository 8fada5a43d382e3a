// plot.cpp - texts, frames and titles of figures.
#include "plot.h"
#include <QFontMetricsF>
#include <cmath>

namespace salina {

QFont plain_font(bool bold)
{
    QFont font(QStringLiteral("sans-serif")); // by its general name, so that an SVG shows on any machine
    font.setPixelSize(FONT_PX);
    font.setStyleHint(QFont::SansSerif);
    font.setBold(bold);
    return font;
}

double text_width(const QString &text, bool bold) { return QFontMetricsF(plain_font(bold)).horizontalAdvance(text); }

double widest(const QStringList &texts)
{
    double width = 0;
    for (const QString &text : texts) width = std::max(width, text_width(text));
    return width;
}

void put_text(QPainter &p, double x, double y, int align, const QString &text, const QColor &colour)
{
    if (text.isEmpty()) return;
    const double width = text_width(text);
    p.setFont(plain_font());
    p.setPen(colour);
    const double left = align & Qt::AlignRight ? x - width : align & Qt::AlignHCenter ? x - width / 2 : x;
    p.drawText(QPointF(left, y + 0.36 * FONT_PX), text); // half the height of a capital below the middle
}

void put_text_up(QPainter &p, double x, double y, const QString &text)
{
    p.save();
    p.translate(x, y);
    p.rotate(-90);
    put_text(p, 0, 0, Qt::AlignHCenter, text);
    p.restore();
}

QString fitted(const QString &text, double width)
{
    return QFontMetricsF(plain_font()).elidedText(text, Qt::ElideMiddle, width);
}

QString number_text(double value, int digits)
{
    if (!std::isfinite(value)) return QStringLiteral("no data");
    QString text = std::fabs(value) >= 1e7 ? QString::number(value, 'g', 4) : QString::number(value, 'f', digits);
    if (text.startsWith(QLatin1Char('-'))) {
        text.remove(0, 1);
        if (text.toDouble() != 0) text.prepend(QChar(0x2212));
    }
    return text;
}

void Range::add(double value)
{
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
}

void Range::add(const QVector<double> &values)
{
    for (double value : values) add(value);
}

static const QColor grid_colour(0xe4, 0xe4, 0xe4), frame_colour(0x55, 0x55, 0x55);

double room_left(const Axis &y) { return PAD + (y.label.isEmpty() ? 0 : LINE_PX) + y.widest_tick() + TICK + 5; }

static void paint_ticks_x(QPainter &p, const QRectF &plot, const Axis &x)
{
    for (double tick : x.ticks) {
        const double at = tenth(x.at(tick));
        p.setPen(QPen(grid_colour, 1));
        p.drawLine(QPointF(at, plot.top()), QPointF(at, plot.bottom()));
        p.setPen(QPen(frame_colour, 1));
        p.drawLine(QPointF(at, plot.bottom()), QPointF(at, plot.bottom() + TICK));
        put_text(p, at, plot.bottom() + TICK + 9, Qt::AlignHCenter, x.text(tick));
    }
    put_text(p, plot.center().x(), plot.bottom() + TICK + 9 + LINE_PX + 2, Qt::AlignHCenter,
             fitted(x.label, plot.width() + 2 * PAD));
}

static void paint_ticks_y(QPainter &p, const QRectF &plot, const Axis &y)
{
    for (double tick : y.ticks) {
        const double at = tenth(y.at(tick));
        p.setPen(QPen(grid_colour, 1));
        p.drawLine(QPointF(plot.left(), at), QPointF(plot.right(), at));
        p.setPen(QPen(frame_colour, 1));
        p.drawLine(QPointF(plot.left() - TICK, at), QPointF(plot.left(), at));
        put_text(p, plot.left() - TICK - 4, at, Qt::AlignRight, y.text(tick));
    }
    put_text_up(p, plot.left() - TICK - 5 - y.widest_tick() - LINE_PX / 2.0, plot.center().y(),
                fitted(y.label, plot.height() + 2 * PAD));
}

void paint_frame(QPainter &p, const QRectF &plot, const Axis *x, const Axis *y)
{
    if (x) paint_ticks_x(p, plot, *x);
    if (y) paint_ticks_y(p, plot, *y);
    p.setPen(QPen(frame_colour, 1));
    p.setBrush(Qt::NoBrush);
    p.drawRect(plot);
}

double title_room(const QString &title) { return title.isEmpty() ? PAD : PAD + LINE_PX + 8; }

void paint_title(QPainter &p, const QString &title, double width)
{
    if (title.isEmpty()) return;
    p.setFont(plain_font(true));
    p.setPen(Qt::black);
    const QString text = QFontMetricsF(plain_font(true)).elidedText(title, Qt::ElideRight, width - 2 * PAD);
    p.drawText(QPointF(PAD, PAD + FONT_PX), text);
}

} // namespace salina
