/* gdal_guard.c - silence and error capture around GDAL, and the few questions we ask of a reference system. The
 * handler keeps the first failure: for a truncated file that is the read error, not "RasterIO failed". GDAL's global
 * configuration and handler are left alone, since QGIS uses the same copy of GDAL in the same process.
 */
#include "gdal_guard.h"
#include <cpl_conv.h>
#include <cpl_error.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static pthread_once_t registered = PTHREAD_ONCE_INIT;

static void register_drivers(void) { GDALAllRegister(); }

static void CPL_STDCALL remember(CPLErr level, CPLErrorNum number, const char *message)
{
    sal__gdal *gdal = CPLGetErrorHandlerUserData();
    if (level < CE_Failure || !gdal || gdal->failed) return;
    gdal->failed = true;
    snprintf(gdal->message, sizeof gdal->message, "%s", message ? message : "");
    for (char *c = gdal->message; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' ';
    size_t length = strlen(gdal->message);
    while (length && (gdal->message[length - 1] == ' ' || gdal->message[length - 1] == '.'))
        gdal->message[--length] = 0;
}

void sal__gdal_enter(sal__gdal *gdal)
{
    memset(gdal, 0, sizeof *gdal);
    CPLPushErrorHandlerEx(remember, gdal);
    pthread_once(&registered, register_drivers);
    CPLErrorReset();
}

void sal__gdal_leave(sal__gdal *gdal)
{
    CPLErrorReset();
    CPLPopErrorHandler();
}

/* GDAL allocates blocks aligned, and the C library cuts their holes a little too short for the next ones: without a trim
 * now and then the process grows as if no block had been dropped (0.5 GB over the overviews of 46 bands of 9 megapixels). */
static void return_memory(int64_t dropped)
{
#ifdef __GLIBC__
    static atomic_llong since_trim;
    if (atomic_fetch_add(&since_trim, dropped) + dropped < 64 << 20) return;
    atomic_store(&since_trim, 0);
    malloc_trim(0);
#else
    (void)dropped;
#endif
}

void sal__gdal_bound_cache(int64_t before, int64_t bytes)
{
    int64_t used = GDALGetCacheUsed64(), now = used;
    while (now > before + bytes && GDALFlushCacheBlock()) now = GDALGetCacheUsed64(); /* 0: all blocks are in use */
    if (now < used) return_memory(used - now);
}

const char *sal__gdal_reason(sal__gdal *gdal)
{
    if (!gdal->message[0]) return "";
    if (gdal->message[0] == ':') return gdal->message;
    size_t length = strnlen(gdal->message, sizeof gdal->message - 3);
    memmove(gdal->message + 2, gdal->message, length);
    gdal->message[0] = ':';
    gdal->message[1] = ' ';
    gdal->message[length + 2] = 0;
    return gdal->message;
}

OGRSpatialReferenceH sal__crs_from_text(const char *text)
{
    if (!text || !text[0]) return NULL;
    OGRSpatialReferenceH crs = OSRNewSpatialReference(NULL);
    if (!crs) return NULL;
    if (OSRSetFromUserInput(crs, text) != OGRERR_NONE) {
        OSRRelease(crs);
        return NULL;
    }
    OSRSetAxisMappingStrategy(crs, OAMS_TRADITIONAL_GIS_ORDER);
    return crs;
}

sal_status sal__crs_to_wkt(sal_context *ctx, OGRSpatialReferenceH crs, char **wkt)
{
    static const char *const options[] = { "FORMAT=WKT2_2019", NULL };
    char *text = NULL;
    if (OSRExportToWktEx(crs, &text, options) != OGRERR_NONE || !text || !text[0]) {
        CPLFree(text);
        return sal_fail(ctx, SAL_STATUS_DATA, "a coordinate reference system cannot be written as WKT");
    }
    sal_status status = sal_text_copy(ctx, text, wkt);
    CPLFree(text);
    return status;
}

void sal__crs_name(OGRSpatialReferenceH crs, char *out, size_t size)
{
    const char *authority = OSRGetAuthorityName(crs, NULL), *code = OSRGetAuthorityCode(crs, NULL),
               *name = OSRGetName(crs);
    if (!name || !name[0]) name = "unnamed";
    if (authority && code)
        snprintf(out, size, "%s:%s (%s)", authority, code, name);
    else
        snprintf(out, size, "%s", name);
}

bool sal__crs_same(OGRSpatialReferenceH a, OGRSpatialReferenceH b)
{
    /* Everything here is x = east, y = north, so the axis order of the definition (CRS84 against EPSG:4326) is no
     * difference. */
    static const char *const options[] = { "IGNORE_DATA_AXIS_TO_SRS_AXIS_MAPPING=YES",
                                           "CRITERION=EQUIVALENT_EXCEPT_AXIS_ORDER_GEOGCRS", NULL };
    if (!a || !b) return false;
    if (OSRIsSameEx(a, b, options)) return true;
    char name_a[64], name_b[64];
    const char *authority = OSRGetAuthorityName(a, NULL), *code = OSRGetAuthorityCode(a, NULL);
    if (!authority || !code) return false;
    snprintf(name_a, sizeof name_a, "%s:%s", authority, code);
    authority = OSRGetAuthorityName(b, NULL);
    code = OSRGetAuthorityCode(b, NULL);
    if (!authority || !code) return false;
    snprintf(name_b, sizeof name_b, "%s:%s", authority, code);
    return strcmp(name_a, name_b) == 0;
}
