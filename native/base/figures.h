/* figures.h - libsalina_qt on demand: libsalina never links Qt, it loads the library when a figure is asked for. */
#ifndef SAL_BASE_FIGURES_H
#define SAL_BASE_FIGURES_H

#include "base.h"
#include <salina/salina_qt.h>

#define SAL_QT_FUNCTIONS(X)                                                                                            \
    X(sal_qt_version)                                                                                                  \
    X(sal_qt_libraries)                                                                                                \
    X(sal_qt_html_to_pdf)                                                                                              \
    X(sal_figure_kinds)                                                                                                \
    X(sal_figure_new)                                                                                                  \
    X(sal_figure_free)                                                                                                 \
    X(sal_figure_message)                                                                                              \
    X(sal_figure_set_text)                                                                                             \
    X(sal_figure_set_number)                                                                                           \
    X(sal_figure_set_values)                                                                                           \
    X(sal_figure_set_names)                                                                                            \
    X(sal_figure_size)                                                                                                 \
    X(sal_figure_render)                                                                                               \
    X(sal_figure_save)                                                                                                 \
    X(sal_figure_widget)

/* The functions of salina_qt.h by their names: figures->sal_figure_new("scatter", &figure). */
typedef struct sal_figures {
#define SAL_QT_FUNCTION(name) __typeof__(name) *name;
    SAL_QT_FUNCTIONS(SAL_QT_FUNCTION)
#undef SAL_QT_FUNCTION
} sal_figures;

/* Loads libsalina_qt once for the process, from the folder of libsalina, from lib beside that of the program, or from
 * the system's path; SALINA_QT_LIBRARY names another file. The functions stay valid until the process ends. UNSUPPORTED
 * where this build has no Qt, the file is missing or of another version, or the process has another Qt. Any thread. */
sal_status sal_figures_load(sal_context *ctx, const sal_figures **out);

#endif
