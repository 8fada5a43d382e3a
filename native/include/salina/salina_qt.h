/* salina_qt.h - the whole public interface of libsalina_qt: figures by Qt and Qwt for C.
 *
 * A figure is built by key: its kind says which keys it takes (sal_figure_kinds). The builder is sticky: it remembers
 * its first error, calls after it do nothing, and every call returns it. Texts are UTF-8; NaN is a missing value.
 *
 * Threads: any, one figure by one thread at a time. Where the process has a QGuiApplication, figures are painted in the
 * calling thread on images and documents, never on widgets. Where it has none, one is made for the call, on Qt's
 * offscreen platform, and taken down before the call returns. Only sal_figure_widget needs the GUI thread.
 */
#ifndef SALINA_SALINA_QT_H
#define SALINA_SALINA_QT_H

#include "salina.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sal_figure sal_figure;

/* Version of Salina that this library belongs to. Any thread. */
SAL_API const char *sal_qt_version(void);
/* "Qt 5.15.8, Qwt 6.1.4": what is loaded and what it was built with. Any thread. */
SAL_API const char *sal_qt_libraries(void);
/* JSON object of every kind with its title and its keys: {"scatter": {"title": .., "keys": {"x": "values*", ..}}}; a
 * star marks what is required. Any thread. */
SAL_API const char *sal_figure_kinds(void);

/* A new figure of a kind; the caller owns it. ARGUMENT for an unknown kind, whose message the figure carries: `*out` is
 * NULL only without memory. */
SAL_API int32_t sal_figure_new(const char *kind, sal_figure **out);
/* NULL is allowed. Widgets made from the figure live on. */
SAL_API void sal_figure_free(sal_figure *figure);
/* Message of the first failure, "" when there is none; borrowed until the figure is freed. */
SAL_API const char *sal_figure_message(const sal_figure *figure);

/* Each copies what it is given. ARGUMENT for a key that the kind does not take. Keys of every kind: texts `title`;
 * numbers `width` and `height` (px of 1/96 inch), `dpi` (of PNG, default 192). */
SAL_API int32_t sal_figure_set_text(sal_figure *figure, const char *key, const char *text);
SAL_API int32_t sal_figure_set_number(sal_figure *figure, const char *key, double value);
SAL_API int32_t sal_figure_set_values(sal_figure *figure, const char *key, int64_t count, const double *values);
SAL_API int32_t sal_figure_set_names(sal_figure *figure, const char *key, int64_t count, const char *const *names);

/* Size in px of 1/96 inch: as set, or what the figure needs for its texts. */
SAL_API int32_t sal_figure_size(sal_figure *figure, int32_t *width, int32_t *height);
/* The figure as a file of format "png", "svg" or "pdf"; the bytes are borrowed until the next call with this figure.
 * UNSUPPORTED where no font is installed or the process runs Qt without its GUI part. */
SAL_API int32_t sal_figure_render(sal_figure *figure, const char *format, const void **bytes, int64_t *length);
/* The same into a file, whole or not at all; the extension of the path is the format. */
SAL_API int32_t sal_figure_save(sal_figure *figure, const char *path);
/* A live widget (a QWidget * for sip): paints itself at any size and tells the values under the pointer. The wheel zooms, dragging
 * moves, the right button goes back, a double click shows all (keys: + - arrows, Backspace, Home). The caller owns it. GUI thread only, with a QApplication; FAILED otherwise. */
SAL_API int32_t sal_figure_widget(sal_figure *figure, void **widget);

/* Writes an HTML page with inline figures (data: images) as a PDF on A4 with page numbers, whole or not at all.
 * `message` (size message_bytes) receives the sentence when it fails. Any thread. */
SAL_API int32_t sal_qt_html_to_pdf(const char *html, const char *path, char *message, int64_t message_bytes);

#ifdef __cplusplus
}
#endif
#endif
