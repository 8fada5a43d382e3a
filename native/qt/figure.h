// figure.h - the inside of a figure: what it was given by key, and the virtual functions of its kind.
//
// A kind paints on any QPainter at any size in px of 1/96 inch. The layout is our own and not QwtPlot's: that is a
// widget, bound to the GUI thread, and QwtText keeps an unlocked cache that QGIS's own plots use at the same time. From
// Qwt come the parts without state: scale engines, divisions, maps, transformations, clipping.
#ifndef SAL_QT_FIGURE_H
#define SAL_QT_FIGURE_H

#include <salina/salina_qt.h>
#include <QByteArray>
#include <QMap>
#include <QPainter>
#include <QStringList>
#include <QVector>
#include <memory>

namespace salina {

struct Key {
    const char *kind, *name;
    enum Type { TEXT, NUMBER, VALUES, NAMES } type;
    bool required;
    const char *help;
};

// Where a point was painted and which it is, for the values under the pointer of a widget.
struct Hit {
    QPointF at;
    int index;
};

// The part of the plot that is shown, as shares of its axes; of the figures, only live widgets zoom.
struct View {
    double left = 0, right = 1, bottom = 0, top = 1;
    bool whole() const { return left <= 0 && right >= 1 && bottom <= 0 && top >= 1; }
};

// What a widget must know of what was painted.
struct Live {
    QVector<Hit> hits; // inside the plot
    QRectF plot;
    void add(const QPointF &at, int index)
    {
        if (plot.adjusted(-1, -1, 1, 1).contains(at)) hits.append(Hit{ at, index });
    }
};

class Figure {
  public:
    virtual ~Figure() = default;
    // Whether the values fit together; "" or a sentence. Called before anything is painted.
    virtual QString check() const = 0;
    // What the figure needs where width or height is not set, in px.
    virtual QSizeF needed() const = 0;
    // `live` is filled when it is not null.
    virtual void paint(QPainter &painter, const QSizeF &size, Live *live) const = 0;
    virtual QString describe(int index) const = 0;

    QString text(const char *key) const { return texts.value(QLatin1String(key)); }
    double number(const char *key, double otherwise) const { return numbers.value(QLatin1String(key), otherwise); }
    QVector<double> values(const char *key) const { return arrays.value(QLatin1String(key)); }
    QStringList names(const char *key) const { return lists.value(QLatin1String(key)); }
    QSizeF size() const;

    QString kind;
    QMap<QString, QString> texts;
    QMap<QString, double> numbers;
    QMap<QString, QVector<double>> arrays;
    QMap<QString, QStringList> lists;
    View view; // what to paint
    // Whether its vertical axis is one of numbers, too.
    virtual bool zooms_down() const { return true; }
};

#define SAL_FIGURE(kind, title) std::shared_ptr<Figure> make_##kind();
#define SAL_KEY(kind, key, type, required, help)
#include "figures.def"
#undef SAL_FIGURE
#undef SAL_KEY

// NULL for a kind that is none.
std::shared_ptr<Figure> make_figure(const QString &kind);
// NULL where the kind does not take the key.
const Key *find_key(const QString &kind, const QString &name);
// "" or a sentence about what is missing or does not fit.
QString check_figure(const Figure &figure);
QByteArray kinds_json();

// The figure in a format; throws Failure.
QByteArray render_figure(const Figure &figure, const QString &format);
void write_whole(const QString &path, const QByteArray &bytes);
void *make_widget(std::shared_ptr<Figure> figure); // which the widget has for itself

// What crosses the C border as a status and a sentence.
struct Failure {
    sal_status status;
    QString message;
};

} // namespace salina

struct sal_figure {
    std::shared_ptr<salina::Figure> figure;
    QByteArray message, bytes;
    sal_status status = SAL_STATUS_OK;
};

#endif
