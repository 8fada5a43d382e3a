// application.cpp - uses the application that the process has, or makes one on the offscreen platform for one call.
//
// The trap: an application of ours that stayed would be in the way of a program that makes its own later, so it goes
// again before the call returns; two threads without an application take turns.
#include "application.h"
#include "figure.h"
#include <QDir>
#include <QFont>
#include <QGuiApplication>
#include <QLibraryInfo>
#include <QRawFont>
#include <QThread>

namespace salina {

static std::recursive_mutex making;

// The offscreen platform has remarks about missing folders and plug-ins; a library does not print.
static void quiet(QtMsgType, const QMessageLogContext &, const QString &) {}

// Without fonts Qt paints every letter as an empty box, by a font engine that has no family name.
static void need_a_font()
{
    const QRawFont font = QRawFont::fromFont(QFont(QStringLiteral("sans-serif")));
    if (!font.isValid() || font.familyName().isEmpty())
        throw Failure{ SAL_STATUS_UNSUPPORTED,
                       QStringLiteral("figures need a font and this machine has none; install one, on Debian with apt "
                                      "install fonts-dejavu-core") };
}

// Qt ends the process where it cannot load its platform plug-in: look for it first.
static void need_offscreen()
{
    QStringList folders = QCoreApplication::libraryPaths();
#if QT_VERSION >= QT_VERSION_CHECK(6, 0, 0)
    folders.append(QLibraryInfo::path(QLibraryInfo::PluginsPath));
#else
    folders.append(QLibraryInfo::location(QLibraryInfo::PluginsPath));
#endif
    for (const QString &folder : folders)
        if (!QDir(folder + QStringLiteral("/platforms"))
                 .entryList({ QStringLiteral("*qoffscreen*") }, QDir::Files)
                 .isEmpty())
            return;
    throw Failure{ SAL_STATUS_UNSUPPORTED,
                   QStringLiteral(
                       "Qt's plug-in platforms/libqoffscreen is not in %1, so no figure can be painted; install "
                       "Qt's plug-ins (Debian: libqt5gui5) or set QT_PLUGIN_PATH to their folder")
                       .arg(folders.join(QStringLiteral(", "))) };
}

Application::Application() : lock(making, std::defer_lock)
{
    lock.lock();
    if (QCoreApplication *found = QCoreApplication::instance()) {
        lock.unlock(); // not ours: it stays, and figures of several threads are painted side by side
        if (!found->inherits("QGuiApplication"))
            throw Failure{ SAL_STATUS_UNSUPPORTED,
                           QStringLiteral("this process runs Qt without its GUI part (QCoreApplication), in which no "
                                          "text can be painted; start it with QGuiApplication or QApplication") };
    } else {
        need_offscreen();
        QtMessageHandler before = qInstallMessageHandler(quiet);
        own.reset(new QGuiApplication(word_count, words));
        qInstallMessageHandler(before);
    }
    need_a_font();
}

Application::~Application()
{
    if (!own) return;
    QtMessageHandler before = qInstallMessageHandler(quiet);
    own.reset();
    qInstallMessageHandler(before);
}

bool in_gui_thread()
{
    QCoreApplication *found = QCoreApplication::instance();
    return found && found->inherits("QApplication") && found->thread() == QThread::currentThread();
}

} // namespace salina
