// widget.cpp - a live figure: painted anew at any size, with the values of the point under the pointer; the wheel zooms
// around the pointer, dragging moves, the right button goes back, a double click shows all.
//
// Qwt's own zoomer and panner work on a QwtPlot, which figures are not (figure.h). So a widget keeps the part of the
// plot that is shown as shares of the axes, and the figure fits ticks and points to it.
#include "application.h"
#include "figure.h"
#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QToolTip>
#include <QWheelEvent>
#include <QWidget>
#include <cmath>

namespace salina {

namespace {

const double most_zoom = 1000, wheel_step = 120; // an eighth of a degree is a unit of the wheel; 15 degrees are a notch

class FigureWidget : public QWidget {
  public:
    explicit FigureWidget(std::shared_ptr<Figure> shown) : figure(std::move(shown))
    {
        setMinimumSize(240, 180);
        setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
        setFocusPolicy(Qt::StrongFocus);
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
        live = Live();
        figure->paint(painter, QSizeF(size()), &live);
    }

    bool event(QEvent *e) override
    {
        if (e->type() != QEvent::ToolTip) return QWidget::event(e);
        const auto *help = static_cast<QHelpEvent *>(e);
        const int found = nearest(help->pos());
        if (found >= 0)
            QToolTip::showText(help->globalPos(), figure->describe(live.hits[found].index), this);
        else
            QToolTip::hideText();
        return true;
    }

    void wheelEvent(QWheelEvent *e) override
    {
        if (!live.plot.contains(e->position()) || e->angleDelta().y() == 0) return QWidget::wheelEvent(e);
        zoom(std::pow(0.8, e->angleDelta().y() / wheel_step), e->position());
        e->accept();
    }

    void mousePressEvent(QMouseEvent *e) override
    {
        if (e->button() == Qt::RightButton) return back();
        if (e->button() != Qt::LeftButton || figure->view.whole() || !live.plot.contains(e->pos()))
            return QWidget::mousePressEvent(e);
        dragged = true;
        from = e->pos();
        begun = figure->view;
        setCursor(Qt::ClosedHandCursor);
    }

    void mouseMoveEvent(QMouseEvent *e) override
    {
        if (!dragged || !(e->buttons() & Qt::LeftButton)) return QWidget::mouseMoveEvent(e);
        show(moved(begun, -(e->pos().x() - from.x()) / live.plot.width(), (e->pos().y() - from.y()) / live.plot.height()));
    }

    void mouseReleaseEvent(QMouseEvent *e) override
    {
        if (!dragged || e->button() != Qt::LeftButton) return QWidget::mouseReleaseEvent(e);
        dragged = false;
        unsetCursor();
        if (e->pos() != from) before.append(begun);
    }

    void mouseDoubleClickEvent(QMouseEvent *) override { all(); }

    void keyPressEvent(QKeyEvent *e) override
    {
        const QPointF centre = live.plot.center();
        const double step = 0.1;
        switch (e->key()) {
        case Qt::Key_Plus: return zoom(0.8, centre);
        case Qt::Key_Minus: return zoom(1.25, centre);
        case Qt::Key_Home: return all();
        case Qt::Key_Backspace: return back();
        case Qt::Key_Left: return show(moved(figure->view, -step, 0));
        case Qt::Key_Right: return show(moved(figure->view, step, 0));
        case Qt::Key_Up: return show(moved(figure->view, 0, step));
        case Qt::Key_Down: return show(moved(figure->view, 0, -step));
        default: QWidget::keyPressEvent(e);
        }
    }

  private:
    // The hit within 12 px of the pointer, or -1.
    int nearest(const QPointF &at) const
    {
        int found = -1;
        double least = 12.0 * 12.0;
        for (int i = 0; i < live.hits.size(); i++) {
            const QPointF d = live.hits[i].at - at;
            const double square = QPointF::dotProduct(d, d);
            if (square <= least) least = square, found = i;
        }
        return found;
    }

    // An interval of shares times `factor`, with the place at `share` of it held; inside the axis.
    static void stretch(double &low, double &high, double share, double factor)
    {
        const double width = std::min(1.0, std::max((high - low) * factor, 1 / most_zoom)), fixed = low + share * (high - low);
        low = std::min(std::max(fixed - share * width, 0.0), 1 - width);
        high = low + width;
    }

    void zoom(double factor, const QPointF &at)
    {
        View next = figure->view;
        stretch(next.left, next.right, (at.x() - live.plot.left()) / live.plot.width(), factor);
        if (figure->zooms_down()) stretch(next.bottom, next.top, (live.plot.bottom() - at.y()) / live.plot.height(), factor);
        before.append(figure->view);
        if (next.right - next.left >= 1) before.clear();
        show(next);
    }

    // By shares of what is shown; stops at the ends of the axes.
    View moved(const View &view, double right, double up) const
    {
        View next = view;
        const double x = right * (view.right - view.left), y = figure->zooms_down() ? up * (view.top - view.bottom) : 0;
        const double dx = std::min(std::max(x, -view.left), 1 - view.right), dy = std::min(std::max(y, -view.bottom), 1 - view.top);
        next.left += dx, next.right += dx;
        next.bottom += dy, next.top += dy;
        return next;
    }

    void show(const View &view)
    {
        figure->view = view;
        QToolTip::hideText();
        update();
    }

    void back() { show(before.isEmpty() ? View() : before.takeLast()); }

    void all()
    {
        before.clear();
        show(View());
    }

    std::shared_ptr<Figure> figure;
    Live live;
    QVector<View> before; // views to go back to
    View begun;           // of a drag
    QPoint from;
    bool dragged = false;
};

} // namespace

void *make_widget(std::shared_ptr<Figure> figure)
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
