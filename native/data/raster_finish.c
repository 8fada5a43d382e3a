/* raster_finish.c - what happens to a written raster before it takes its name: statistics, overviews, COG conversion,
 * and a check that every block that the TIFF directory promises lies inside the file, since a full disk may surface
 * only when buffers are written at close.
 */
#include "raster_write.h"
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <stdio.h>
#include <stdlib.h>

static sal_status finish_failed(sal_raster_writer *writer, sal__gdal *gdal)
{
    writer->failed = true;
    if (sal_cancelled(writer->ctx))
        return sal_fail(writer->ctx, SAL_STATUS_CANCELLED, "cancelled while writing \"%s\"", writer->target);
    return sal_fail(writer->ctx, SAL_STATUS_IO, "raster \"%s\" cannot be finished%s; is the disk full?", writer->target,
                    sal__gdal_reason(gdal));
}

/* Of GDAL's blocks while overviews or a COG are made: what is left of it when a user cancels is still compressed by GDALClose. */
static const int64_t cache_bytes = 32 << 20;

static int CPL_STDCALL report(double complete, const char *message, void *user)
{
    sal_raster_writer *writer = user;
    sal__gdal_bound_cache(writer->cache_before, cache_bytes);
    return sal_progress(writer->ctx, complete, NULL) == SAL_STATUS_OK;
}

static void set_statistics(sal_raster_writer *writer)
{
    char percent[32];
    for (int64_t b = 0; b < writer->band_count; b++) {
        const sal__statistics *s = &writer->statistics[b];
        if (!s->count) continue;
        GDALRasterBandH band = GDALGetRasterBand(writer->dataset, (int)b + 1);
        double mean, deviation;
        sal__statistics_finish(s, &mean, &deviation);
        GDALSetRasterStatistics(band, (double)s->minimum, (double)s->maximum, mean, deviation);
        snprintf(percent, sizeof percent, "%.4g",
                 100.0 * (double)s->count / ((double)writer->columns * (double)writer->rows));
        GDALSetMetadataItem(band, "STATISTICS_VALID_PERCENT", percent, NULL);
    }
}

static int64_t file_size(const char *path)
{
    VSILFILE *file = VSIFOpenL(path, "rb");
    if (!file) return -1;
    int64_t size = VSIFSeekL(file, 0, SEEK_END) == 0 ? (int64_t)VSIFTellL(file) : -1;
    VSIFCloseL(file);
    return size;
}

static sal_status check_blocks(sal_raster_writer *writer, const char *path, sal__gdal *gdal)
{
    int64_t size = file_size(path);
    GDALDatasetH dataset = GDALOpen(path, GA_ReadOnly);
    bool whole = dataset && size > 0;
    for (int64_t b = 0; whole && b < writer->band_count; b++) {
        GDALRasterBandH band = GDALGetRasterBand(dataset, (int)b + 1);
        int width, height;
        char key[64];
        GDALGetBlockSize(band, &width, &height);
        for (int64_t y = 0; whole && y * height < writer->rows; y++)
            for (int64_t x = 0; whole && x * width < writer->columns; x++) {
                snprintf(key, sizeof key, "BLOCK_OFFSET_%lld_%lld", (long long)x, (long long)y);
                const char *text = GDALGetMetadataItem(band, key, "TIFF");
                int64_t offset = text ? strtoll(text, NULL, 10) : 0;
                snprintf(key, sizeof key, "BLOCK_SIZE_%lld_%lld", (long long)x, (long long)y);
                text = GDALGetMetadataItem(band, key, "TIFF");
                if (text && offset + strtoll(text, NULL, 10) > size) whole = false;
            }
    }
    if (dataset) GDALClose(dataset);
    if (whole && sal_progress(writer->ctx, 0, NULL) != SAL_STATUS_OK) whole = false;
    return whole && !gdal->failed ? SAL_STATUS_OK : finish_failed(writer, gdal);
}

static sal_status close_dataset(sal_raster_writer *writer, sal__gdal *gdal)
{
    sal_status status = sal__raster_flush(writer);
    if (status != SAL_STATUS_OK) return status;
    GDALFlushCache(writer->dataset);
    GDALClose(writer->dataset);
    writer->dataset = NULL;
    return gdal->failed ? finish_failed(writer, gdal) : check_blocks(writer, writer->path, gdal);
}

/* Levels 2, 4, 8 ... until the longer side is below 256 pixels. */
static sal_status build_overviews(sal_raster_writer *writer, sal__gdal *gdal)
{
    int levels[32], n = 0;
    int64_t side = writer->columns > writer->rows ? writer->columns : writer->rows;
    for (int level = 2; side >= 256 && n < 30; level *= 2) {
        side = (side + 1) / 2;
        levels[n++] = level;
    }
    if (!n) return SAL_STATUS_OK;
    writer->dataset = GDALOpen(writer->path, GA_Update);
    if (!writer->dataset) return finish_failed(writer, gdal);
    const char *method = writer->type == SAL_RASTER_UINT8 ? "NEAREST" : "AVERAGE";
    if (GDALBuildOverviews(writer->dataset, method, n, levels, 0, NULL, report, writer) != CE_None)
        return finish_failed(writer, gdal);
    return close_dataset(writer, gdal);
}

static sal_status convert_to_cog(sal_raster_writer *writer, sal__gdal *gdal)
{
    const char *path = sal_output_path(writer->output);
    GDALDriverH driver = GDALGetDriverByName("COG");
    if (!driver)
        return sal_fail(writer->ctx, SAL_STATUS_UNSUPPORTED,
                        "this GDAL cannot write cloud-optimised GeoTIFF; leave FORMAT=COG out");
    GDALDatasetH from = GDALOpen(writer->path, GA_ReadOnly);
    if (!from) return finish_failed(writer, gdal);
    GDALDatasetH to = GDALCreateCopy(driver, path, from, 0, writer->cog_options, report, writer);
    if (to) GDALClose(to);
    GDALClose(from);
    if (!to || gdal->failed) return finish_failed(writer, gdal);
    return check_blocks(writer, path, gdal);
}

sal_status sal__raster_finish(sal_raster_writer *writer)
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    if (writer->overviews) set_statistics(writer);
    sal_status status = close_dataset(writer, &gdal);
    writer->cache_before = GDALGetCacheUsed64();
    const double share = writer->cog_options ? 0.5 : 1; /* of the overviews */
    if (status == SAL_STATUS_OK && writer->overviews) {
        sal_progress_push(writer->ctx, 0, share);
        status = build_overviews(writer, &gdal); /* the COG driver would build its own without a look at the callback for seconds */
        sal_progress_pop(writer->ctx);
    }
    if (status == SAL_STATUS_OK && writer->cog_options) {
        sal_progress_push(writer->ctx, writer->overviews ? share : 0, 1);
        status = convert_to_cog(writer, &gdal);
        sal_progress_pop(writer->ctx);
    }
    sal__gdal_leave(&gdal);
    return status;
}
