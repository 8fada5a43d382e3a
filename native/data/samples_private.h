/* samples_private.h - private to data/: from a layer source as QGIS writes it to an open OGR layer. */
#ifndef SAL_DATA_SAMPLES_PRIVATE_H
#define SAL_DATA_SAMPLES_PRIVATE_H

#include "gdal_guard.h"
#include "samples.h"
#include <ogr_api.h>

typedef struct sal__layer {
    GDALDatasetH dataset;
    OGRLayerH layer;          /* borrowed from the dataset */
    OGRSpatialReferenceH crs; /* owned */
    char *path;               /* file without "|layername=..." */
    bool degrees_by_name;     /* CSV whose columns say longitude and latitude */
} sal__layer;

/* Opens "file", "file|layername=x", "file|layerid=0", "...|subset=..." and picks the point layer; DATA when there is
 * none or several, or when it has no CRS. Inside an entered guard; close with sal__layer_close, on failure too. */
sal_status sal__layer_open(sal_context *ctx, sal__gdal *gdal, const char *source, sal__layer *out);
void sal__layer_close(sal_context *ctx, sal__layer *layer);
/* Transforms n points in place; a point that cannot be transformed becomes NaN. Inside an entered guard. */
sal_status sal__points_transform(sal_context *ctx, const char *from_wkt, const char *to_wkt, int64_t n, double *x,
                                 double *y);
/* Removes the samples marked by fid INT64_MIN, keeping the order of the others. */
void sal__samples_compact(sal_samples *samples);

#endif
