/* figures.c - finds and loads libsalina_qt.
 *
 * The trap: two Qt in one process. A QGIS on Qt 6 with a libsalina_qt on Qt 5 would crash at some later moment, so the
 * loaded libraries are looked at first and the loading is refused.
 */
#define _GNU_SOURCE
#include "figures.h"

#ifndef SAL_QT_MAJOR

sal_status sal_figures_load(sal_context *ctx, const sal_figures **out)
{
    *out = NULL;
    return sal_fail(
        ctx, SAL_STATUS_UNSUPPORTED,
        "this build of Salina has no figures; build it where Qt, its SVG part and Qwt are installed (Debian: "
        "qtbase5-dev libqt5svg5-dev libqwt-qt5-dev)");
}

#else

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "libsalina_qt.so.0"

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static sal_figures functions; /* written once, under the guard */
static bool loaded;

/* Major version of the Qt that the process has loaded, in *(int *)found; stops at one that is not ours. */
static int look_for_qt(struct dl_phdr_info *info, size_t size, void *found)
{
    int major, end = 0;
    const char *slash = strrchr(info->dlpi_name, '/'), *name = slash ? slash + 1 : info->dlpi_name;
    if (sscanf(name, "libQt%dCore.%n", &major, &end) != 1 || end == 0) return 0; /* libQt53DCore is of Qt 5 */
    *(int *)found = major;
    return major != SAL_QT_MAJOR;
}

/* Our own folder, with a slash at its end; "" where the system does not say. */
static void own_folder(char folder[4096])
{
    Dl_info info;
    char path[4096];
    folder[0] = 0;
    if (!dladdr((void *)&guard, &info) || !info.dli_fname || !realpath(info.dli_fname, path)) return;
    char *slash = strrchr(path, '/');
    if (slash) snprintf(folder, 4096, "%.*s", (int)(slash - path + 1), path);
}

/* The file to load: as the user says, beside us, in lib beside our folder, or where the system looks. */
static void choose_file(char path[4200])
{
    char folder[4096];
    const char *named = getenv("SALINA_QT_LIBRARY");
    own_folder(folder);
    snprintf(path, 4200, "%s", named && named[0] ? named : FILE_NAME);
    if ((named && named[0]) || !folder[0]) return;
    snprintf(path, 4200, "%s" FILE_NAME, folder);
    if (sal_file_exists(path)) return;
    snprintf(path, 4200, "%s../lib/" FILE_NAME, folder);
    if (sal_file_exists(path)) return;
    snprintf(path, 4200, "%s", FILE_NAME);
}

static sal_status bind(sal_context *ctx, void *library)
{
    sal_figures all;
#define SAL_QT_FUNCTION(name)                                                                                          \
    *(void **)&all.name = dlsym(library, #name);                                                                       \
    if (!all.name)                                                                                                     \
        return sal_fail(ctx, SAL_STATUS_UNSUPPORTED, "libsalina_qt has no %s; install the one of Salina %s", #name,    \
                        sal_version());
    SAL_QT_FUNCTIONS(SAL_QT_FUNCTION)
#undef SAL_QT_FUNCTION
    if (strcmp(all.sal_qt_version(), sal_version()) != 0)
        return sal_fail(ctx, SAL_STATUS_UNSUPPORTED,
                        "libsalina_qt is of Salina %s and libsalina of %s; install both of one version",
                        all.sal_qt_version(), sal_version());
    functions = all;
    loaded = true;
    return SAL_STATUS_OK;
}

static sal_status load(sal_context *ctx)
{
    int found = SAL_QT_MAJOR;
    char path[4200];
    dl_iterate_phdr(look_for_qt, &found);
    if (found != SAL_QT_MAJOR)
        return sal_fail(
            ctx, SAL_STATUS_UNSUPPORTED,
            "this program runs on Qt %d and the figures of this build of Salina need Qt %d, which do not go "
            "together in one process; install a Salina built for Qt %d, or make figures with the program salina",
            found, SAL_QT_MAJOR, found);
    choose_file(path);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return sal_fail(ctx, SAL_STATUS_UNSUPPORTED,
                        "libsalina_qt, which makes the figures, could not be loaded: %s; put " FILE_NAME
                        " beside libsalina and install what it needs (Debian: libqt5svg5 libqwt-qt5-6)",
                        dlerror());
    sal_status status = bind(ctx, library);
    if (status != SAL_STATUS_OK) dlclose(library);
    return status;
}

sal_status sal_figures_load(sal_context *ctx, const sal_figures **out)
{
    sal_status status = SAL_STATUS_OK;
    *out = NULL;
    pthread_mutex_lock(&guard);
    if (!loaded) status = load(ctx);
    pthread_mutex_unlock(&guard);
    if (status == SAL_STATUS_OK) *out = &functions;
    return status;
}

#endif
