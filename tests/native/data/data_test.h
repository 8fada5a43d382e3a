/* data_test.h - what the tests of data/ share: a context, a folder, small rasters made by GDAL itself. */
#ifndef SAL_DATA_TEST_H
#define SAL_DATA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <cpl_conv.h>
#include <cpl_string.h>
#include <dirent.h>
#include <gdal.h>
#include <gdal_alg.h>
#include <math.h>
#include <ogr_api.h>
#include <ogr_srs_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"

static sal_context *ctx;
static char folder[512];

static inline int data_setup(void **state)
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/salina_data_XXXXXX", base && base[0] ? base : "/tmp");
    GDALAllRegister();
    return mkdtemp(folder) && sal_context_new(&ctx) == 0 ? 0 : -1;
}

static inline int data_teardown(void **state)
{
    char path[1024];
    sal_context_free(ctx);
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        snprintf(path, sizeof path, "%.500s/%.255s", folder, e->d_name);
        unlink(path);
    }
    if (dir) closedir(dir);
    return rmdir(folder);
}

static inline int fresh(void **state)
{
    sal_error_clear(ctx);
    sal_log_clear(ctx);
    return 0;
}

/* A path in the test's folder; eight may be in use at once. */
static inline const char *in_folder(const char *name)
{
    static char paths[8][1024];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline const char *shared_file(const char *name)
{
    static char path[1024];
    const char *shared = getenv("SALINA_SHARED");
    int here = (int)(strrchr(__FILE__, '/') - __FILE__);
    if (shared)
        snprintf(path, sizeof path, "%s/data/%s", shared, name);
    else
        snprintf(path, sizeof path, "%.*s/../../../../shared/data/%s", here, __FILE__, name);
    return access(path, R_OK) == 0 ? path : NULL;
}

static inline void assert_message(const char *part)
{
    if (!strstr(sal_context_message(ctx), part))
        fail_msg("message \"%s\" does not say \"%s\"", sal_context_message(ctx), part);
}

static inline void assert_done(int32_t status)
{
    if (status != SAL_STATUS_OK) fail_msg("status %d: %s", status, sal_context_message(ctx));
}

static inline bool logged(const char *part)
{
    for (int64_t i = 0; i < sal_log_count(ctx); i++)
        if (strstr(sal_log_line(ctx, i, NULL), part)) return true;
    return false;
}

static inline int files_in_folder(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) n += e->d_name[0] != '.';
    if (dir) closedir(dir);
    return n;
}

static inline void assert_near(double a, double b, double tolerance)
{
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.9g is not %.9g within %g", a, b, tolerance);
}

/* A GeoTIFF of doubles, band by band, in UTM 50N with 10 m pixels from (500000, 4200000); options is a GDAL list or
 * NULL. */
static inline GDALDatasetH make_raster(const char *path, GDALDataType type, int columns, int rows, int bands,
                                       const double *values, char **options)
{
    double g[6] = { 500000, 10, 0, 4200000, 0, -10 };
    GDALDatasetH ds = GDALCreate(GDALGetDriverByName("GTiff"), path, columns, rows, bands, type, options);
    OGRSpatialReferenceH crs = OSRNewSpatialReference(NULL);
    OSRImportFromEPSG(crs, 32650);
    GDALSetSpatialRef(ds, crs);
    OSRRelease(crs);
    GDALSetGeoTransform(ds, g);
    if (values && GDALDatasetRasterIO(ds, GF_Write, 0, 0, columns, rows, (void *)values, columns, rows, GDT_Float64,
                                      bands, NULL, 0, 0, 0) != CE_None)
        fail_msg("cannot make %s", path);
    return ds;
}

/* An allocator that fails from the n-th allocation on, and counts what is not given back. */
typedef struct failing {
    int64_t left, alive;
} failing;

static inline void *failing_allocate(void *user, size_t bytes)
{
    failing *f = user;
    if (f->left-- <= 0) return NULL;
    f->alive++;
    return aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
}

static inline void failing_release(void *user, void *memory)
{
    if (!memory) return;
    ((failing *)user)->alive--;
    free(memory);
}

/* Runs a task in a fresh context with ever more allocations allowed until it succeeds; every failure must be MEMORY
 * and leak nothing. */
static inline void fail_every_allocation(int32_t (*task)(sal_context *))
{
    sal_status status = SAL_STATUS_MEMORY;
    int files = files_in_folder();
    for (int64_t n = 0; status != SAL_STATUS_OK; n++) {
        failing f = { n, 0 };
        sal_context *poor;
        assert_int_equal(sal_context_new(&poor), 0);
        sal_context_set_allocator(poor, (sal_allocator){ failing_allocate, failing_release, &f });
        status = task(poor);
        if (status != SAL_STATUS_OK && status != SAL_STATUS_MEMORY)
            fail_msg("allocation %d: status %d: %s", (int)n, status, sal_context_message(poor));
        if (status != SAL_STATUS_OK) assert_int_equal(files_in_folder(), files);
        if (f.alive != 0) fail_msg("allocation %d: %d blocks leak", (int)n, (int)f.alive);
        sal_context_free(poor);
        if (n > 2000) fail_msg("never succeeds");
    }
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

#endif
