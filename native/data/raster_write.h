/* raster_write.h - private to data/: what an open writer holds. */
#ifndef SAL_DATA_RASTER_WRITE_H
#define SAL_DATA_RASTER_WRITE_H

#include "gdal_guard.h"
#include "raster.h"
#include "statistics.h"

struct sal_raster_writer {
    sal_context *ctx;
    sal_output *output, *work; /* work: the plain GeoTIFF that a COG is made from, else NULL */
    const char *path;          /* file being written, borrowed from one of the outputs */
    char *target;
    GDALDatasetH dataset;
    int64_t columns, rows, band_count;
    int64_t block_columns, block_rows;
    sal_raster_type type;
    double *scale, *offset; /* one a band */
    double nodata;
    bool has_nodata, overviews, failed;
    sal__statistics *statistics; /* one a band */
    char **cog_options;          /* string list of GDAL */
    void *scratch;
    int64_t scratch_bytes, unflushed; /* bytes written since the last flush */
    int64_t cache_before;             /* bytes in GDAL's cache when finishing began */
    bool aligned;                     /* every window since then ended on block edges */
};

/* Compresses and writes the blocks that wait, band by band with a look at the callback between; overviews too. Inside an entered guard. */
sal_status sal__raster_flush(sal_raster_writer *writer);
/* Statistics, overviews, close, check that the file is whole. */
sal_status sal__raster_finish(sal_raster_writer *writer);

#endif
