// api.cpp - the C border: nothing thrown crosses it, every text is UTF-8.
#include "application.h"
#include "document.h"
#include "figure.h"
#include <QFileInfo>
#include <qwt_global.h>
#include <new>
#include <string>

using namespace salina;

static int32_t keep(sal_figure *f, sal_status status, const QString &message)
{
    if (f->status == SAL_STATUS_OK) {
        f->status = status;
        f->message = message.toUtf8();
    }
    return f->status;
}

// Runs what may throw, and turns that into a status and a message of the figure, which stay: later calls do nothing.
template <typename Work> static int32_t guarded(sal_figure *f, Work work)
{
    if (f->status != SAL_STATUS_OK) return f->status;
    try {
        work();
        return SAL_STATUS_OK;
    } catch (const Failure &failure) {
        return keep(f, failure.status, failure.message);
    } catch (const std::bad_alloc &) {
        return keep(f, SAL_STATUS_MEMORY, QStringLiteral("no memory for the figure"));
    } catch (...) {
        return keep(f, SAL_STATUS_INTERNAL, QStringLiteral("an unknown exception in a figure; please report this"));
    }
}

// The same for output: what failed may be tried again, to another file for one.
template <typename Work> static int32_t output(sal_figure *f, Work work)
{
    if (f->status != SAL_STATUS_OK) return f->status;
    f->message.clear();
    const int32_t status = guarded(f, work);
    f->status = SAL_STATUS_OK;
    return status;
}

// A widget has the figure for itself: what is set later does not change it.
static std::shared_ptr<Figure> copy_of(const Figure &from)
{
    std::shared_ptr<Figure> to = make_figure(from.kind);
    to->texts = from.texts;
    to->numbers = from.numbers;
    to->arrays = from.arrays;
    to->lists = from.lists;
    return to;
}

static QString need_key(const sal_figure *f, const char *key, Key::Type type)
{
    static const char *const types[] = { "a text", "a number", "values", "names" };
    const QString name = QString::fromUtf8(key);
    const Key *found = find_key(f->figure->kind, name);
    if (!found)
        throw Failure{ SAL_STATUS_ARGUMENT,
                       QStringLiteral("figure \"%1\" takes no \"%2\"").arg(f->figure->kind, name) };
    if (found->type != type)
        throw Failure{ SAL_STATUS_ARGUMENT,
                       QStringLiteral("\"%1\" of figure \"%2\" takes %3, not %4")
                           .arg(name, f->figure->kind, QLatin1String(types[found->type]), QLatin1String(types[type])) };
    return name;
}

extern "C" {

const char *sal_qt_version(void) { return SAL_VERSION; }

const char *sal_qt_libraries(void)
{
    static const std::string text = std::string("Qt ") + qVersion() + ", Qwt " + QWT_VERSION_STR;
    return text.c_str();
}

const char *sal_figure_kinds(void)
{
    static const QByteArray text = kinds_json();
    return text.constData();
}

int32_t sal_figure_new(const char *kind, sal_figure **out)
{
    *out = new (std::nothrow) sal_figure;
    if (!*out) return SAL_STATUS_MEMORY;
    return guarded(*out, [&] {
        (*out)->figure = make_figure(QString::fromUtf8(kind));
        if (!(*out)->figure)
            throw Failure{ SAL_STATUS_ARGUMENT,
                           QStringLiteral("there is no figure \"%1\"").arg(QString::fromUtf8(kind)) };
    });
}

void sal_figure_free(sal_figure *figure) { delete figure; }

const char *sal_figure_message(const sal_figure *figure) { return figure->message.constData(); }

int32_t sal_figure_set_text(sal_figure *figure, const char *key, const char *text)
{
    return guarded(figure, [&] { figure->figure->texts[need_key(figure, key, Key::TEXT)] = QString::fromUtf8(text); });
}

int32_t sal_figure_set_number(sal_figure *figure, const char *key, double value)
{
    return guarded(figure, [&] { figure->figure->numbers[need_key(figure, key, Key::NUMBER)] = value; });
}

int32_t sal_figure_set_values(sal_figure *figure, const char *key, int64_t count, const double *values)
{
    return guarded(figure, [&] {
        const QString name = need_key(figure, key, Key::VALUES);
        if (count < 0 || count > 50000000)
            throw Failure{ SAL_STATUS_ARGUMENT,
                           QStringLiteral("%1 values of \"%2\" lie outside 0 to 50,000,000").arg(count).arg(name) };
        QVector<double> copy;
        copy.reserve(int(count));
        for (int64_t i = 0; i < count; i++) copy.append(values[i]);
        figure->figure->arrays[name] = copy;
    });
}

int32_t sal_figure_set_names(sal_figure *figure, const char *key, int64_t count, const char *const *names)
{
    return guarded(figure, [&] {
        QStringList copy;
        const QString name = need_key(figure, key, Key::NAMES);
        for (int64_t i = 0; i < count; i++) copy.append(QString::fromUtf8(names[i]));
        figure->figure->lists[name] = copy;
    });
}

int32_t sal_figure_size(sal_figure *figure, int32_t *width, int32_t *height)
{
    return output(figure, [&] {
        Application application;
        const QString wrong = check_figure(*figure->figure);
        if (!wrong.isEmpty()) throw Failure{ SAL_STATUS_ARGUMENT, wrong };
        *width = int32_t(figure->figure->size().width());
        *height = int32_t(figure->figure->size().height());
    });
}

int32_t sal_figure_render(sal_figure *figure, const char *format, const void **bytes, int64_t *length)
{
    return output(figure, [&] {
        Application application;
        figure->bytes = render_figure(*figure->figure, QString::fromUtf8(format).toLower());
        *bytes = figure->bytes.constData();
        *length = figure->bytes.size();
    });
}

int32_t sal_figure_save(sal_figure *figure, const char *path)
{
    return output(figure, [&] {
        Application application;
        const QString to = QString::fromUtf8(path);
        write_whole(to, render_figure(*figure->figure, QFileInfo(to).suffix().toLower()));
    });
}

int32_t sal_figure_widget(sal_figure *figure, void **widget)
{
    return output(figure, [&] { *widget = make_widget(copy_of(*figure->figure)); });
}

int32_t sal_qt_html_to_pdf(const char *html, const char *path, char *message, int64_t message_bytes)
{
    sal_figure keeper; // carries the error
    const int32_t status = guarded(&keeper, [&] {
        Application application;
        write_whole(QString::fromUtf8(path), html_to_pdf(QString::fromUtf8(html)));
    });
    if (message && message_bytes > 0) qstrncpy(message, keeper.message.constData(), uint(message_bytes));
    return status;
}

} // extern "C"
