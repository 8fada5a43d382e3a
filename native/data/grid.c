/* grid.c - where the pixels of a raster lie, and which rasters we refuse because their pixels lie elsewhere.
 * Tolerances: rotation terms and the difference of pixel width and height up to 1e-6 of a pixel count as zero.
 * GDAL's geotransform is (x0, dx, rx, y0, ry, dy) with dy < 0 for north-up rasters.
 */
#include "raster_private.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double shape_tolerance = 1e-6; /* of a pixel */
static const double same_tolerance = 1e-3;  /* of a pixel, over the whole raster */

sal_status sal_grid_copy(sal_context *ctx, const sal_grid *from, sal_grid *to)
{
    char *wkt = NULL;
    sal_status status = sal_text_copy(ctx, from->wkt ? from->wkt : "", &wkt);
    if (status != SAL_STATUS_OK) return status;
    *to = *from;
    to->wkt = wkt;
    return SAL_STATUS_OK;
}

void sal_grid_clear(sal_context *ctx, sal_grid *grid)
{
    if (!grid) return;
    sal_release(ctx, grid->wkt);
    memset(grid, 0, sizeof *grid);
}

bool sal_grid_same_crs(const char *wkt_a, const char *wkt_b)
{
    if (!wkt_a || !wkt_b) return false;
    if (strcmp(wkt_a, wkt_b) == 0) return true;
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    OGRSpatialReferenceH a = sal__crs_from_text(wkt_a), b = sal__crs_from_text(wkt_b);
    bool same = sal__crs_same(a, b);
    if (a) OSRRelease(a);
    if (b) OSRRelease(b);
    sal__gdal_leave(&gdal);
    return same;
}

bool sal_grid_equal(const sal_grid *a, const sal_grid *b)
{
    if (a->columns != b->columns || a->rows != b->rows) return false;
    double tolerance = same_tolerance * a->pixel;
    int64_t longest = a->columns > a->rows ? a->columns : a->rows;
    if (fabs(a->x0 - b->x0) > tolerance || fabs(a->y0 - b->y0) > tolerance) return false;
    if (fabs(a->pixel - b->pixel) * (double)longest > tolerance) return false;
    return sal_grid_same_crs(a->wkt, b->wkt);
}

void sal_grid_locate(const sal_grid *grid, double x, double y, double *column, double *row)
{
    *column = (x - grid->x0) / grid->pixel;
    *row = (grid->y0 - y) / grid->pixel;
}

sal_status sal_grid_from_crs(sal_context *ctx, const char *crs, int64_t columns, int64_t rows, double x0, double y0,
                             double pixel, sal_grid *out)
{
    memset(out, 0, sizeof *out);
    if (columns < 1 || rows < 1 || !(pixel > 0) || !isfinite(x0) || !isfinite(y0) || !isfinite(pixel))
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "a grid of %lld x %lld pixels of %g cannot be", (long long)columns,
                        (long long)rows, pixel);
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    OGRSpatialReferenceH system = sal__crs_from_text(crs);
    sal_status status = SAL_STATUS_OK;
    if (!system) {
        status = sal_fail(ctx, SAL_STATUS_ARGUMENT,
                          "\"%.60s\" is not a coordinate reference system; write it like EPSG:32650", crs ? crs : "");
    } else {
        *out = (sal_grid){ .columns = columns, .rows = rows, .x0 = x0, .y0 = y0, .pixel = pixel };
        sal__crs_name(system, out->crs_name, sizeof out->crs_name);
        out->is_metric = OSRIsProjected(system) && fabs(OSRGetLinearUnits(system, NULL) - 1) < 1e-9;
        status = sal__crs_to_wkt(ctx, system, &out->wkt);
        OSRRelease(system);
    }
    sal__gdal_leave(&gdal);
    return status;
}

static sal_status check_geotransform(sal_context *ctx, const char *path, const double g[6])
{
    double width = fabs(g[1]), height = fabs(g[5]), pixel = width > height ? width : height;
    for (int i = 0; i < 6; i++)
        if (!isfinite(g[i])) return sal_fail(ctx, SAL_STATUS_DATA, "raster \"%s\" has a broken geotransform", path);
    if (fabs(g[2]) > shape_tolerance * pixel || fabs(g[4]) > shape_tolerance * pixel)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "raster \"%s\" is rotated (terms %g and %g beside a pixel of %g x %g); make it north-up with "
                        "gdalwarp or QGIS's Warp",
                        path, g[2], g[4], g[1], g[5]);
    if (g[5] > 0 || g[1] <= 0)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "raster \"%s\" is not north-up: its pixel is %g x %g where the height must be negative; turn "
                        "it with gdalwarp",
                        path, g[1], g[5]);
    if (width == 0 || height == 0) return sal_fail(ctx, SAL_STATUS_DATA, "raster \"%s\" has pixels of size 0", path);
    if (fabs(width - height) > shape_tolerance * pixel)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "raster \"%s\" has pixels of %.9g x %.9g, which are not square; resample it with gdalwarp -tr",
                        path, width, height);
    return SAL_STATUS_OK;
}

sal_status sal__grid_from_dataset(sal_context *ctx, const char *path, GDALDatasetH dataset, sal_grid *grid)
{
    double g[6];
    if (GDALGetGeoTransform(dataset, g) != CE_None)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "raster \"%s\" is not georeferenced (no geotransform); georeference it first", path);
    sal_status status = check_geotransform(ctx, path, g);
    if (status != SAL_STATUS_OK) return status;
    OGRSpatialReferenceH crs = GDALGetSpatialRef(dataset);
    if (!crs)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "raster \"%s\" has no coordinate reference system; give it one with QGIS's Assign projection "
                        "or gdal_edit.py -a_srs",
                        path);
    memset(grid, 0, sizeof *grid);
    grid->columns = GDALGetRasterXSize(dataset);
    grid->rows = GDALGetRasterYSize(dataset);
    grid->x0 = g[0];
    grid->y0 = g[3];
    grid->pixel = g[1];
    sal__crs_name(crs, grid->crs_name, sizeof grid->crs_name);
    grid->is_metric = OSRIsProjected(crs) && fabs(OSRGetLinearUnits(crs, NULL) - 1) < 1e-9;
    return sal__crs_to_wkt(ctx, crs, &grid->wkt);
}
