// rows.h - what bars and intervals share: a row for each label, one or more series in it, a reference with its band.
#ifndef SAL_QT_ROWS_H
#define SAL_QT_ROWS_H

#include "figure.h"
#include "plot.h"

namespace salina {

class Rows : public Figure {
  public:
    QString check() const override;
    QSizeF needed() const override;
    void paint(QPainter &painter, const QSizeF &size, Live *live) const override;
    QString describe(int index) const override;
    bool zooms_down() const override { return false; } // rows are labels

  protected:
    struct Layout {
        QRectF plot;
        Axis x;
        double row, mark; // height of a row and of one series in it
    };
    // One series of one row around `y`.
    virtual void paint_mark(QPainter &p, const Layout &l, double y, int series, int index) const = 0;
    virtual bool from_zero() const = 0;
    virtual double mark_height() const = 0;

    int rows() const { return names("label").size(); }
    int series() const { return std::max(1, int(names("names").size())); }
    bool has(const char *key) const { return arrays.contains(QLatin1String(key)); }

  private:
    Layout layout(const QSizeF &size) const;
    void paint_target(QPainter &p, const Layout &l) const;
    double label_room() const;
    QString value_text(int index) const;
    double values_room() const;
};

} // namespace salina

#endif
