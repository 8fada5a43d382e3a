/* points_write.c - a point layer back to disk, as a GeoPackage that appears whole or not at all. */
#include "samples_private.h"
#include <cpl_string.h>
#include <math.h>

static sal_status write_failed(sal_context *ctx, sal__gdal *gdal, const char *path)
{
    return sal_fail(ctx, SAL_STATUS_IO, "points \"%s\" cannot be written%s; is the disk full?", path,
                    sal__gdal_reason(gdal));
}

static bool add_fields(OGRLayerH layer, const sal_column *columns, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        OGRFieldType type = columns[k].kind == 'f' ? OFTReal : columns[k].kind == 'i' ? OFTInteger64 : OFTString;
        OGRFieldDefnH field = OGR_Fld_Create(columns[k].name, type);
        OGRErr error = OGR_L_CreateField(layer, field, FALSE);
        OGR_Fld_Destroy(field);
        if (error != OGRERR_NONE) return false;
    }
    return true;
}

static bool add_point(OGRLayerH layer, const sal_column *columns, int64_t n, int64_t i, double x, double y)
{
    OGRFeatureH feature = OGR_F_Create(OGR_L_GetLayerDefn(layer));
    OGRGeometryH point = OGR_G_CreateGeometry(wkbPoint);
    OGR_G_SetPoint_2D(point, 0, x, y);
    OGR_F_SetGeometryDirectly(feature, point);
    for (int64_t k = 0; k < n; k++) {
        if (columns[k].kind == 'f') {
            double value = ((const double *)columns[k].values)[i];
            if (isfinite(value)) OGR_F_SetFieldDouble(feature, (int)k, value);
        } else if (columns[k].kind == 'i') {
            OGR_F_SetFieldInteger64(feature, (int)k, ((const int64_t *)columns[k].values)[i]);
        } else {
            const char *value = ((const char *const *)columns[k].values)[i];
            if (value) OGR_F_SetFieldString(feature, (int)k, value);
        }
    }
    OGRErr error = OGR_L_CreateFeature(layer, feature);
    OGR_F_Destroy(feature);
    return error == OGRERR_NONE;
}

static bool fill(GDALDatasetH dataset, const char *name, const char *wkt, int64_t count, const double *x,
                 const double *y, const sal_column *columns, int64_t n)
{
    OGRSpatialReferenceH crs = sal__crs_from_text(wkt);
    OGRLayerH layer = GDALDatasetCreateLayer(dataset, name, crs, wkbPoint, NULL);
    if (crs) OSRRelease(crs);
    if (!layer || !add_fields(layer, columns, n)) return false;
    if (GDALDatasetStartTransaction(dataset, FALSE) != OGRERR_NONE) return false;
    for (int64_t i = 0; i < count; i++)
        if (!add_point(layer, columns, n, i, x[i], y[i])) {
            GDALDatasetRollbackTransaction(dataset);
            return false;
        }
    return GDALDatasetCommitTransaction(dataset) == OGRERR_NONE;
}

sal_status sal_points_write(sal_context *ctx, const char *path, const char *layer, const char *wkt, int64_t count,
                            const double *x, const double *y, const sal_column *columns, int64_t n_columns)
{
    sal_output *output = NULL;
    sal_status status = sal_output_new(ctx, path, &output);
    if (status != SAL_STATUS_OK) return status;
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    GDALDatasetH dataset = GDALCreate(GDALGetDriverByName("GPKG"), sal_output_path(output), 0, 0, 0, GDT_Unknown, NULL);
    bool good = dataset && fill(dataset, layer, wkt, count, x, y, columns, n_columns);
    if (dataset) GDALClose(dataset);
    if (!good || gdal.failed) status = write_failed(ctx, &gdal, path);
    sal__gdal_leave(&gdal);
    if (status == SAL_STATUS_OK) status = sal_output_commit(output);
    sal_output_free(output);
    return status;
}
