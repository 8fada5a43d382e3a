// pages.h - where a laid-out text may be cut into pages.
#ifndef SAL_QT_PAGES_H
#define SAL_QT_PAGES_H

#include <QVector>

class QTextDocument;

namespace salina {

// Tops of the pages of a document that is laid out as one tall page, and at the end its bottom: never within a line, a
// figure or the row of a table, nor between a heading or a caption and what it belongs to. Only what is taller than
// `height` is cut where a page ends.
QVector<double> page_tops(const QTextDocument &document, double height);

} // namespace salina

#endif
