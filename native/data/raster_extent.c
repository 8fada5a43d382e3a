/* raster_extent.c - where a raster lies in the CRS of a grid, found by GDAL's warper without warping: the check before
 * work is done.
 */
#include "raster_private.h"
#include <cpl_string.h>
#include <gdal_alg.h>
#include <math.h>

static bool place(GDALDatasetH source, const sal_grid *grid, double bounds[4], double *pixel)
{
    double transform[6], extent[4];
    int columns = 0, rows = 0;
    char **options = CSLSetNameValue(NULL, "DST_SRS", grid->wkt);
    void *transformer = GDALCreateGenImgProjTransformer2(source, NULL, options);
    CSLDestroy(options);
    if (!transformer) return false;
    CPLErr error =
        GDALSuggestedWarpOutput2(source, GDALGenImgProjTransform, transformer, transform, &columns, &rows, extent, 0);
    GDALDestroyGenImgProjTransformer(transformer);
    if (error != CE_None) return false;
    for (int i = 0; i < 4; i++) bounds[i] = extent[i];
    *pixel = transform[1];
    return true;
}

sal_status sal_raster_place(sal_context *ctx, const char *path, const sal_grid *grid, double bounds[4], double *pixel)
{
    sal__gdal gdal;
    GDALDatasetH source = NULL;
    for (int i = 0; i < 4; i++) bounds[i] = NAN;
    *pixel = NAN;
    sal__gdal_enter(&gdal);
    sal_status status = sal__dataset_open(ctx, &gdal, path, &source);
    if (status == SAL_STATUS_OK && !place(source, grid, bounds, pixel))
        status = sal_fail(ctx, SAL_STATUS_DATA, "raster \"%s\" cannot be placed in %s%s", path, grid->crs_name,
                          sal__gdal_reason(&gdal));
    if (source) GDALReleaseDataset(source);
    sal__gdal_leave(&gdal);
    return status;
}
