// widget.cpp - a live figure: painted anew at any size, with the values of the point under the pointer.
#include "application.h"
#include "figure.h"
#include <QHelpEvent>
#include <QToolTip>
#include <QWidget>

namespace salina {

namespace {

class FigureWidget : public QWidget {
  public:
    explicit FigureWidget(std::shared_ptr<const Figure> shown) : figure(std::move(shown))
    {
        setMinimumSize(240, 180);
        setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
        setObjectName(QStringLiteral("salina_figure_") + figure->kind);
        setAccessibleName(figure->text("title"));
    }
    QSize sizeHint() const override { return figure->size().toSize(); }

  protected:
    void paintEvent(QPaintEvent *) override
    {
        QPainter painter(this);
        painter.fillRect(rect(), Qt::white);
        painter.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
        hits.clear();
        figure->paint(painter, QSizeF(size()), &hits);
    }

    bool event(QEvent *e) override
    {
        if (e->type() != QEvent::ToolTip) return QWidget::event(e);
        const auto *help = static_cast<QHelpEvent *>(e);
        const int found = nearest(help->pos());
        if (found >= 0)
            QToolTip::showText(help->globalPos(), figure->describe(hits[found].index), this);
        else
            QToolTip::hideText();
        return true;
    }

  private:
    // The hit within 12 px of the pointer, or -1.
    int nearest(const QPointF &at) const
    {
        int found = -1;
        double least = 12.0 * 12.0;
        for (int i = 0; i < hits.size(); i++) {
            const QPointF d = hits[i].at - at;
            const double square = QPointF::dotProduct(d, d);
            if (square <= least) least = square, found = i;
        }
        return found;
    }
    std::shared_ptr<const Figure> figure;
    QVector<Hit> hits;
};

} // namespace

void *make_widget(std::shared_ptr<const Figure> figure)
{
    if (!in_gui_thread())
        throw Failure{ SAL_STATUS_FAILED,
                       QStringLiteral("a live figure can only be made in the GUI thread of a program with a "
                                      "QApplication; save the figure to a file instead") };
    const QString wrong = check_figure(*figure);
    if (!wrong.isEmpty()) throw Failure{ SAL_STATUS_ARGUMENT, wrong };
    return static_cast<QWidget *>(new FigureWidget(std::move(figure)));
}

} // namespace salina
