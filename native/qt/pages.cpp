// pages.cpp - where a laid-out text may be cut into pages; QTextDocument's own pages cut through rows and leave captions
// behind.
#include "pages.h"
#include <QAbstractTextDocumentLayout>
#include <QTextBlock>
#include <QTextDocument>
#include <QTextTable>
#include <algorithm>

namespace salina {

static bool is_figure(const QTextBlock &block) { return block.text().contains(QChar::ObjectReplacementCharacter); }

// Whether `next` must stay on the page of `block`: headings, and captions of figures and tables.
static bool keeps(const QTextBlock &block, const QTextBlock &next)
{
    if (!block.isValid() || !next.isValid()) return false;
    const bool next_in_table = QTextCursor(next).currentTable() != nullptr;
    const bool heading = block.blockFormat().headingLevel() > 0;
    return heading || next_in_table || (is_figure(next) && !is_figure(block));
}

static void rows_of(const QTextTable &table, const QAbstractTextDocumentLayout &layout, QVector<double> &cuts)
{
    for (int row = 2; row < table.rows(); row++) { // the first stays with the heads
        double top = 1e30;
        for (int column = 0; column < table.columns(); column++)
            top =
                std::min(top, layout.blockBoundingRect(table.cellAt(row, column).firstCursorPosition().block()).top());
        cuts.append(top - 5); // the padding of a cell
    }
}

static QVector<double> possible_cuts(const QTextDocument &document)
{
    const QAbstractTextDocumentLayout &layout = *document.documentLayout();
    QVector<double> cuts;
    const QTextTable *last = nullptr;
    for (QTextBlock block = document.begin(); block.isValid(); block = block.next()) {
        const QTextTable *table = QTextCursor(block).currentTable();
        if (table) {
            if (table != last) rows_of(*table, layout, cuts);
        } else if (block.previous().isValid() && !keeps(block.previous(), block)) {
            cuts.append(layout.blockBoundingRect(block).top());
        }
        last = table;
    }
    std::sort(cuts.begin(), cuts.end());
    return cuts;
}

QVector<double> page_tops(const QTextDocument &document, double height)
{
    const QVector<double> cuts = possible_cuts(document);
    const double bottom = document.size().height();
    QVector<double> tops{ 0 };
    while (bottom - tops.last() > height) {
        double next = tops.last() + height;
        for (int i = cuts.size() - 1; i >= 0; i--) {
            if (cuts[i] > tops.last() + height) continue;
            if (cuts[i] > tops.last() + 1) next = cuts[i];
            break;
        }
        tops.append(next);
    }
    tops.append(bottom);
    return tops;
}

} // namespace salina
