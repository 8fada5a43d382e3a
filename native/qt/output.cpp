// output.cpp - a figure as PNG, SVG or PDF.
#include "figure.h"
#include <QBuffer>
#include <QImage>
#include <QPdfWriter>
#include <QSaveFile>
#include <QSvgGenerator>
#include <cmath>

namespace salina {

static QByteArray render_png(const Figure &figure, const QSizeF &size)
{
    const double dpi = figure.number("dpi", 192), scale = dpi / 96;
    const QSize pixels(int(std::lround(size.width() * scale)), int(std::lround(size.height() * scale)));
    QImage image(pixels, QImage::Format_RGB32);
    if (image.isNull())
        throw Failure{ SAL_STATUS_MEMORY, QStringLiteral("a picture of %1 x %2 pixels does not fit into memory")
                                              .arg(pixels.width())
                                              .arg(pixels.height()) };
    image.fill(Qt::white);
    QPainter painter(&image);
    painter.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
    painter.scale(scale, scale);
    figure.paint(painter, size, nullptr);
    painter.end();
    image.setDotsPerMeterX(int(std::lround(dpi / 0.0254)));
    image.setDotsPerMeterY(int(std::lround(dpi / 0.0254)));
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    if (!image.convertToFormat(QImage::Format_RGB888).save(&buffer, "PNG"))
        throw Failure{ SAL_STATUS_FAILED, QStringLiteral("Qt could not write a PNG") };
    return bytes;
}

// Qt states the size in mm and reads mm at 90 to the inch: in px, a viewer by Qt shows it at its size, without scaling.
static void size_in_px(QByteArray &svg, const QSizeF &size)
{
    const int from = svg.indexOf("<svg width=\""), to = svg.indexOf("viewBox", from);
    if (from >= 0 && to > from)
        svg.replace(
            from, to - from,
            QStringLiteral("<svg width=\"%1\" height=\"%2\"\n ").arg(size.width()).arg(size.height()).toLatin1());
}

static QByteArray render_svg(const Figure &figure, const QSizeF &size)
{
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setResolution(96);
    generator.setSize(size.toSize());
    generator.setViewBox(QRectF(QPointF(0, 0), size));
    generator.setTitle(figure.text("title").isEmpty() ? figure.kind : figure.text("title"));
    generator.setDescription(QStringLiteral("Salina %1").arg(QLatin1String(sal_qt_version())));
    QPainter painter(&generator);
    painter.fillRect(QRectF(QPointF(0, 0), size), Qt::white);
    figure.paint(painter, size, nullptr);
    painter.end();
    size_in_px(bytes, size);
    return bytes;
}

static QByteArray render_pdf(const Figure &figure, const QSizeF &size)
{
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter writer(&buffer);
    const int resolution = 1200; // glyphs are placed on this raster
    writer.setResolution(resolution);
    writer.setPageSize(QPageSize(size * 72.0 / 96.0, QPageSize::Point, QString(), QPageSize::ExactMatch));
    writer.setPageMargins(QMarginsF(0, 0, 0, 0));
    writer.setTitle(figure.text("title"));
    writer.setCreator(QStringLiteral("Salina %1").arg(QLatin1String(sal_qt_version())));
    QPainter painter(&writer);
    painter.scale(resolution / 96.0, resolution / 96.0);
    figure.paint(painter, size, nullptr);
    painter.end();
    return bytes;
}

QByteArray render_figure(const Figure &figure, const QString &format)
{
    const QString wrong = check_figure(figure);
    if (!wrong.isEmpty()) throw Failure{ SAL_STATUS_ARGUMENT, wrong };
    const QSizeF size = figure.size();
    if (format == QLatin1String("png")) return render_png(figure, size);
    if (format == QLatin1String("svg")) return render_svg(figure, size);
    if (format == QLatin1String("pdf")) return render_pdf(figure, size);
    throw Failure{ SAL_STATUS_ARGUMENT,
                   QStringLiteral("figures are written as png, svg or pdf, not as \"%1\"").arg(format) };
}

void write_whole(const QString &path, const QByteArray &bytes)
{
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit())
        throw Failure{ SAL_STATUS_IO, QStringLiteral("cannot write \"%1\": %2").arg(path, file.errorString()) };
}

} // namespace salina
