// document.h - an HTML page as a PDF.
#ifndef SAL_QT_DOCUMENT_H
#define SAL_QT_DOCUMENT_H

#include <QByteArray>
#include <QString>

namespace salina {

// Needs an Application.
QByteArray html_to_pdf(const QString &html);

} // namespace salina

#endif
