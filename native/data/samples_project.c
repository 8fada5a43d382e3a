/* samples_project.c - positions from one coordinate reference system to another. A point the transformation cannot take
 * becomes NaN, which lies outside every raster.
 */
#include "samples_private.h"
#include <math.h>
#include <string.h>

sal_status sal__points_transform(sal_context *ctx, const char *from_wkt, const char *to_wkt, int64_t n, double *x,
                                 double *y)
{
    if (!strcmp(from_wkt, to_wkt) || n == 0) return SAL_STATUS_OK;
    OGRSpatialReferenceH from = sal__crs_from_text(from_wkt), to = sal__crs_from_text(to_wkt);
    OGRCoordinateTransformationH transformation = NULL;
    sal_status status = SAL_STATUS_OK;
    if (!from || !to || sal__crs_same(from, to)) goto done;
    transformation = OCTNewCoordinateTransformation(from, to);
    if (!transformation) {
        char name_from[128], name_to[128];
        sal__crs_name(from, name_from, sizeof name_from);
        sal__crs_name(to, name_to, sizeof name_to);
        status = sal_fail(ctx, SAL_STATUS_DATA, "points cannot be transformed from %s to %s", name_from, name_to);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) {
        int good = 0;
        double z = 0;
        OCTTransformEx(transformation, 1, &x[i], &y[i], &z, &good);
        if (!good) x[i] = y[i] = NAN;
    }
done:
    if (transformation) OCTDestroyCoordinateTransformation(transformation);
    if (from) OSRRelease(from);
    if (to) OSRRelease(to);
    return status;
}

sal_status sal_points_transform(sal_context *ctx, const char *from_wkt, const char *to_wkt, int64_t n, double *x,
                                double *y)
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    sal_status status = sal__points_transform(ctx, from_wkt, to_wkt, n, x, y);
    sal__gdal_leave(&gdal);
    return status;
}

sal_status sal_samples_project(sal_context *ctx, sal_samples *samples, const char *wkt)
{
    double *x = NULL, *y = NULL;
    char *copy = NULL;
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_text_copy(ctx, wkt, &copy));
    SAL_TRY(sal_allocate(ctx, samples->count, sizeof *x, &x));
    SAL_TRY(sal_allocate(ctx, samples->count, sizeof *y, &y));
    for (int64_t i = 0; i < samples->count; i++) {
        x[i] = samples->items[i].x;
        y[i] = samples->items[i].y;
    }
    SAL_TRY(sal_points_transform(ctx, samples->wkt, wkt, samples->count, x, y));
    for (int64_t i = 0; i < samples->count; i++) {
        samples->items[i].x = x[i];
        samples->items[i].y = y[i];
    }
    sal_release(ctx, samples->wkt);
    samples->wkt = copy;
    copy = NULL;
done:
    sal_release(ctx, x);
    sal_release(ctx, y);
    sal_release(ctx, copy);
    return status;
}
