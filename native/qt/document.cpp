// document.cpp - an HTML page as a PDF: QTextDocument lays it out on A4, figures stay vectors.
//
// The trap: QTextDocument paints images as pixels of the screen; a handler of our own paints the SVG of a data: image.
#include "document.h"
#include "application.h"
#include "figure.h"
#include "pages.h"
#include <QAbstractTextDocumentLayout>
#include <QBuffer>
#include <QPdfWriter>
#include <QSvgRenderer>
#include <QTextDocument>
#include <QTextObjectInterface>

namespace salina {

namespace {

// Page and margins in px of 1/96 inch. The text is laid out wider than it prints, so that tables of a screen fit.
const double page_width = 210 / 25.4 * 96, page_height = 297 / 25.4 * 96, margin = 16 / 25.4 * 96;
const double layout_width = 840, layout_scale = (page_width - 2 * margin) / layout_width;
const double layout_height = (page_height - 2 * margin) / layout_scale;

QByteArray data_of(const QString &url)
{
    const int comma = url.indexOf(QLatin1Char(','));
    if (!url.startsWith(QLatin1String("data:image/")) || comma < 0) return QByteArray();
    return QByteArray::fromBase64(url.mid(comma + 1).toLatin1());
}

// Paints <img src="data:image/svg+xml;base64,..."> and PNG at their stated width, never wider than the page.
class FigurePainter : public QObject, public QTextObjectInterface {
  public:
    void *qt_metacast(const char *name) override // what moc would write
    {
        if (qstrcmp(name, qobject_interface_iid<QTextObjectInterface *>()) == 0)
            return static_cast<QTextObjectInterface *>(this);
        return QObject::qt_metacast(name);
    }

    QSizeF intrinsicSize(QTextDocument *, int, const QTextFormat &format) override
    {
        const QTextImageFormat image = format.toImageFormat();
        const double width = image.width() > 0 ? image.width() : 100,
                     height = image.height() > 0 ? image.height() : width;
        const double fit = std::min(1.0, std::min(layout_width / width, (layout_height - 60) / height));
        return QSizeF(width * fit, height * fit);
    }

    void drawObject(QPainter *painter, const QRectF &rect, QTextDocument *, int, const QTextFormat &format) override
    {
        const QString url = format.toImageFormat().name();
        const QByteArray bytes = data_of(url);
        if (url.startsWith(QLatin1String("data:image/svg"))) {
            QSvgRenderer renderer(bytes);
            renderer.render(painter, rect);
        } else {
            painter->drawImage(rect, QImage::fromData(bytes));
        }
    }
};

void paint_page(QPainter &painter, const QTextDocument &document, double top, double bottom)
{
    QAbstractTextDocumentLayout::PaintContext context;
    context.clip = QRectF(0, top, layout_width, bottom - top);
    context.palette.setColor(QPalette::Text, Qt::black);
    painter.save();
    painter.translate(margin, margin);
    painter.scale(layout_scale, layout_scale);
    painter.translate(0, -top);
    painter.setClipRect(context.clip);
    document.documentLayout()->draw(&painter, context);
    painter.restore();
}

void paint_foot(QPainter &painter, const QString &title, int page, int pages)
{
    QFont font(QStringLiteral("sans-serif"));
    font.setPixelSize(10);
    painter.setFont(font);
    painter.setPen(QColor(0x55, 0x55, 0x55));
    const QRectF foot(margin, page_height - margin + 8, page_width - 2 * margin, 20);
    painter.drawText(foot, Qt::AlignLeft, QFontMetricsF(font).elidedText(title, Qt::ElideRight, foot.width() - 80));
    painter.drawText(foot, Qt::AlignRight, QStringLiteral("%1 / %2").arg(page).arg(pages));
}

} // namespace

QByteArray html_to_pdf(const QString &html)
{
    FigurePainter figures; // outlives the document
    QTextDocument document;
    QFont font(QStringLiteral("sans-serif"));
    font.setPixelSize(12);
    document.setDefaultFont(font);
    document.setDocumentMargin(0);
    document.documentLayout()->registerHandler(QTextFormat::ImageObject, &figures);
    document.setHtml(QString(html).replace(QStringLiteral("<body>"), QStringLiteral("<body style=\"margin:0\">")));
    document.setTextWidth(layout_width);
    const QVector<double> tops = page_tops(document, layout_height);
    QByteArray bytes;
    QBuffer buffer(&bytes);
    buffer.open(QIODevice::WriteOnly);
    QPdfWriter writer(&buffer);
    const int resolution = 1200;
    const QString title = document.metaInformation(QTextDocument::DocumentTitle);
    writer.setResolution(resolution);
    writer.setPageSize(QPageSize(QPageSize::A4));
    writer.setPageMargins(QMarginsF(0, 0, 0, 0));
    writer.setTitle(title);
    writer.setCreator(QStringLiteral("Salina %1").arg(QLatin1String(sal_qt_version())));
    QPainter painter(&writer);
    painter.scale(resolution / 96.0, resolution / 96.0);
    for (int page = 0; page + 1 < tops.size(); page++) {
        if (page) writer.newPage();
        paint_page(painter, document, tops[page], tops[page + 1]);
        paint_foot(painter, title, page + 1, tops.size() - 1);
    }
    painter.end();
    return bytes;
}

} // namespace salina
