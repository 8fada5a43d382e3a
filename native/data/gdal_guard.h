/* gdal_guard.h - private to data/: every call into GDAL happens between sal__gdal_enter and sal__gdal_leave, which
 * keep GDAL from printing and collect what it complains of.
 */
#ifndef SAL_DATA_GDAL_GUARD_H
#define SAL_DATA_GDAL_GUARD_H

#include "base/base.h"
#include <gdal.h>
#include <ogr_srs_api.h>

typedef struct sal__gdal {
    bool failed;       /* GDAL reported a failure since entering */
    char message[512]; /* the first of them: later ones are usually consequences; "" when GDAL gave no reason */
} sal__gdal;

/* Registers the drivers once per process and installs a silent handler for this thread. Calls nest. */
void sal__gdal_enter(sal__gdal *gdal);
void sal__gdal_leave(sal__gdal *gdal);
/* Writes and drops the blocks that GDAL has not used for longest until its cache holds at most `bytes` more than `before`
 * (GDALGetCacheUsed64 when the work began). Left alone it grows to 5 % of the machine. The limit itself, GDALSetCacheMax64,
 * belongs to the whole process: QGIS may set and use it in other threads at the same time. */
void sal__gdal_bound_cache(int64_t before, int64_t bytes);
/* ": reason" for the end of a sentence, or "" when GDAL gave none. */
const char *sal__gdal_reason(sal__gdal *gdal);

/* A reference system from WKT (or anything GDAL understands) with x = east, y = north; NULL when it is none. Caller
 * releases. */
OGRSpatialReferenceH sal__crs_from_text(const char *text);
/* WKT2 of a reference system, allocated from the context. */
sal_status sal__crs_to_wkt(sal_context *ctx, OGRSpatialReferenceH crs, char **wkt);
/* "EPSG:32650 (WGS 84 / UTM zone 50N)". */
void sal__crs_name(OGRSpatialReferenceH crs, char *out, size_t size);
/* Whether both name the same system: by definition, or by authority code (files differ in whether they spell out datum
 * ensembles). */
bool sal__crs_same(OGRSpatialReferenceH a, OGRSpatialReferenceH b);

#endif
