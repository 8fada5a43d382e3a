/* raster_private.h - private to data/: what an open raster holds. */
#ifndef SAL_DATA_RASTER_PRIVATE_H
#define SAL_DATA_RASTER_PRIVATE_H

#include "gdal_guard.h"
#include "raster.h"

typedef struct sal__band {
    char *name, *unit;
    double scale, offset; /* physical = stored * scale + offset */
    bool has_nodata;
    double nodata; /* as stored */
    bool whole;    /* an integer type */
    bool wide;     /* stored values do not all fit float32 exactly: read as float64 */
    bool classes;  /* integers with a colour table or category names */
    bool masked;   /* validity comes from a mask or alpha band as well */
} sal__band;

struct sal_raster {
    sal_context *ctx;
    char *path;
    GDALDatasetH dataset;
    sal_grid grid;
    int64_t band_count; /* without a trailing alpha band */
    sal__band *bands;
    bool is_view;         /* of another dataset, whose blocks GDAL keeps too */
    int64_t cache_before; /* bytes in GDAL's cache when a view was opened */
    int64_t touched; /* bytes of GDAL blocks read since they were last given back */
};

/* Fills `grid` from a dataset, or says in one sentence why its pixels are not usable. Inside an entered guard. */
sal_status sal__grid_from_dataset(sal_context *ctx, const char *path, GDALDatasetH dataset, sal_grid *grid);
/* Opens read-only and reports why not. Inside an entered guard. */
sal_status sal__dataset_open(sal_context *ctx, sal__gdal *gdal, const char *path, GDALDatasetH *out);
/* Describes the bands of a dataset and takes the dataset over, on failure too. Inside an entered guard. */
sal_status sal__raster_take(sal_context *ctx, const char *path, GDALDatasetH dataset, sal_raster **out);

#endif
