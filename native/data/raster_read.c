/* raster_read.c - windows of physical float32 values, pixel-interleaved, NaN where there is no valid value. GDAL
 * writes straight into the caller's buffer through its pixel, line and band spacing; nodata is compared with the
 * stored value before scale and offset. Nodata of float bands beyond 1e30 is compared with a relative 1e-5: files
 * round -3.4028235e38 in many ways.
 */
#include "raster_private.h"
#include <math.h>
#include <string.h>

static const int64_t touched_limit = 256 << 20, cache_limit = 512 << 20; /* bytes */
/* A row of JPEG 2000 tiles, 1024 pixels high, of all bands of a Sentinel-2 product is 160 MB: with less, tiles are
 * decoded again for every block. */
static const int64_t view_limit = SAL_RASTER_VIEW_CACHE;

typedef struct window {
    int column, row, columns, rows; /* the part inside the raster */
    int64_t n, stride;              /* bands asked for; floats from one row of the buffer to the next */
    float *first;                   /* buffer element of the first pixel inside */
} window;

static void fill_nan(float *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++) out[i] = NAN;
}

static sal_status read_failed(sal_raster *raster, sal__gdal *gdal, const window *w)
{
    return sal_fail(raster->ctx, SAL_STATUS_IO,
                    "raster \"%s\" cannot be read at rows %d to %d, columns %d to %d%s; the file may be damaged or cut",
                    raster->path, w->row + 1, w->row + w->rows, w->column + 1, w->column + w->columns,
                    sal__gdal_reason(gdal));
}

/* Stored values in place become physical ones. */
static void finish_narrow(const sal__band *band, const window *w, int64_t k)
{
    bool plain = band->scale == 1 && band->offset == 0;
    bool check = band->has_nodata && !isnan(band->nodata);
    if (plain && !check) return;
    float nodata = 0, tolerance = 0;
    if (check) {
        double bounded = band->nodata > 3.4028234663852886e38 ? 3.4028234663852886e38 : band->nodata;
        nodata = (float)(bounded < -3.4028234663852886e38 ? -3.4028234663852886e38 : bounded);
        if (fabsf(nodata) > 1e30f) tolerance = fabsf(nodata) * 1e-5f;
        if (isinf(band->nodata)) nodata = (float)band->nodata;
    }
    for (int r = 0; r < w->rows; r++) {
        float *v = w->first + r * w->stride + k;
        for (int c = 0; c < w->columns; c++, v += w->n) {
            if (check && (*v == nodata || fabsf(*v - nodata) < tolerance))
                *v = NAN;
            else if (!plain)
                *v = (float)(*v * band->scale + band->offset);
        }
    }
}

/* One band of a type that float32 does not hold exactly, through a strip of float64. */
static sal_status read_wide(sal_raster *raster, sal__gdal *gdal, const window *w, int64_t index, int64_t k)
{
    sal__band *band = &raster->bands[index];
    GDALRasterBandH handle = GDALGetRasterBand(raster->dataset, (int)index + 1);
    int strip = 1 + (1 << 18) / w->columns;
    if (strip > w->rows) strip = w->rows;
    double *values = NULL;
    sal_status status = sal_allocate(raster->ctx, (int64_t)strip * w->columns, sizeof *values, &values);
    for (int r = 0; r < w->rows && status == SAL_STATUS_OK; r += strip) {
        int rows = w->rows - r < strip ? w->rows - r : strip;
        if (GDALRasterIOEx(handle, GF_Read, w->column, w->row + r, w->columns, rows, values, w->columns, rows,
                           GDT_Float64, 0, 0, NULL) != CE_None) {
            status = read_failed(raster, gdal, w);
            break;
        }
        double tolerance = fabs(band->nodata) > 1e30 && isfinite(band->nodata) ? fabs(band->nodata) * 1e-5 : 0;
        for (int64_t i = 0; i < (int64_t)rows * w->columns; i++) {
            double v = values[i];
            if (band->has_nodata && (v == band->nodata || fabs(v - band->nodata) < tolerance)) v = NAN;
            w->first[(r + i / w->columns) * w->stride + i % w->columns * w->n + k] =
                (float)(v * band->scale + band->offset);
        }
    }
    sal_release(raster->ctx, values);
    return status;
}

/* Sets NaN where the mask or alpha band of `index` is 0. */
static sal_status apply_mask(sal_raster *raster, sal__gdal *gdal, const window *w, int64_t index, int64_t k)
{
    uint8_t *mask = NULL;
    int64_t count = (int64_t)w->columns * w->rows;
    sal_status status = sal_allocate(raster->ctx, count, 1, &mask);
    if (status != SAL_STATUS_OK) return status;
    GDALRasterBandH handle = GDALGetMaskBand(GDALGetRasterBand(raster->dataset, (int)index + 1));
    if (!handle || GDALRasterIOEx(handle, GF_Read, w->column, w->row, w->columns, w->rows, mask, w->columns, w->rows,
                                  GDT_Byte, 0, 0, NULL) != CE_None) {
        status = read_failed(raster, gdal, w);
    } else {
        for (int64_t i = 0; i < count; i++)
            if (!mask[i]) w->first[i / w->columns * w->stride + i % w->columns * w->n + k] = NAN;
    }
    sal_release(raster->ctx, mask);
    return status;
}

static sal_status read_inside(sal_raster *raster, sal__gdal *gdal, const int64_t *bands, const window *w)
{
    sal_context *ctx = raster->ctx;
    int *numbers = NULL;
    bool any_wide = false;
    sal_status status = sal_allocate(ctx, w->n, sizeof *numbers, &numbers);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t k = 0; k < w->n; k++) {
        numbers[k] = (int)bands[k] + 1;
        any_wide |= raster->bands[bands[k]].wide;
    }
    GSpacing pixel = w->n * (GSpacing)sizeof(float), line = w->stride * (GSpacing)sizeof(float);
    if (!any_wide &&
        GDALDatasetRasterIOEx(raster->dataset, GF_Read, w->column, w->row, w->columns, w->rows, w->first, w->columns,
                              w->rows, GDT_Float32, (int)w->n, numbers, pixel, line, sizeof(float), NULL) != CE_None)
        status = read_failed(raster, gdal, w);
    for (int64_t k = 0; k < w->n && status == SAL_STATUS_OK; k++) {
        const sal__band *band = &raster->bands[bands[k]];
        if (band->wide) {
            status = read_wide(raster, gdal, w, bands[k], k);
        } else {
            if (any_wide &&
                GDALRasterIOEx(GDALGetRasterBand(raster->dataset, numbers[k]), GF_Read, w->column, w->row, w->columns,
                               w->rows, w->first + k, w->columns, w->rows, GDT_Float32, pixel, line, NULL) != CE_None)
                status = read_failed(raster, gdal, w);
            else
                finish_narrow(band, w, k);
        }
        if (status == SAL_STATUS_OK && band->masked) status = apply_mask(raster, gdal, w, bands[k], k);
    }
    sal_release(ctx, numbers);
    return status;
}

/* GDAL keeps read blocks until 5 % of the machine's memory is full, which can be more than the user allows us. */
static void limit_cache(sal_raster *raster, const int64_t *bands, const window *w)
{
    int block_columns = 1, block_rows = 1;
    GDALRasterBandH band = GDALGetRasterBand(raster->dataset, (int)bands[0] + 1);
    GDALGetBlockSize(band, &block_columns, &block_rows);
    int64_t across = (w->column + w->columns - 1) / block_columns - w->column / block_columns + 1;
    int64_t down = (w->row + w->rows - 1) / block_rows - w->row / block_rows + 1;
    raster->touched +=
        w->n * across * down * block_columns * block_rows * GDALGetDataTypeSizeBytes(GDALGetRasterDataType(band));
    if (raster->is_view) sal__gdal_bound_cache(raster->cache_before, view_limit);
    if (raster->touched < touched_limit || GDALGetCacheUsed64() < cache_limit) return;
    GDALFlushCache(raster->dataset);
    raster->touched = 0;
}

sal_status sal_raster_read(sal_raster *raster, const int64_t *bands, int64_t n, int64_t column, int64_t row,
                           int64_t columns, int64_t rows, float *out)
{
    sal_context *ctx = raster->ctx;
    SAL_ASSERT(ctx, n >= 0 && columns >= 0 && rows >= 0);
    for (int64_t k = 0; k < n; k++)
        if (bands[k] < 0 || bands[k] >= raster->band_count)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT, "raster \"%s\" has %lld bands, so band %lld cannot be read",
                            raster->path, (long long)raster->band_count, (long long)bands[k] + 1);
    int64_t c0 = column > 0 ? column : 0, r0 = row > 0 ? row : 0;
    int64_t c1 = column + columns < raster->grid.columns ? column + columns : raster->grid.columns;
    int64_t r1 = row + rows < raster->grid.rows ? row + rows : raster->grid.rows;
    if (c1 - c0 != columns || r1 - r0 != rows) fill_nan(out, n * columns * rows);
    if (c1 <= c0 || r1 <= r0 || n == 0) return SAL_STATUS_OK;
    window w = { (int)c0,
                 (int)r0,
                 (int)(c1 - c0),
                 (int)(r1 - r0),
                 n,
                 columns * n,
                 out + (r0 - row) * columns * n + (c0 - column) * n };
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    sal_status status = read_inside(raster, &gdal, bands, &w);
    limit_cache(raster, bands, &w);
    sal__gdal_leave(&gdal);
    return status;
}

void sal_raster_block_size(const sal_raster *raster, int64_t *columns, int64_t *rows)
{
    int block_columns = 1, block_rows = 1;
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    GDALGetBlockSize(GDALGetRasterBand(raster->dataset, 1), &block_columns, &block_rows);
    sal__gdal_leave(&gdal);
    *columns = block_columns;
    *rows = block_rows;
}

void sal_raster_forget(sal_raster *raster)
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    GDALFlushCache(raster->dataset);
    raster->touched = 0;
    sal__gdal_leave(&gdal);
}

sal_status sal_raster_bound_cache(sal_context *ctx, int64_t bytes)
{
    sal__gdal gdal;
    sal_status status = SAL_STATUS_OK;
    sal__gdal_enter(&gdal);
    sal__gdal_bound_cache(0, bytes);
    if (gdal.failed) status = sal_fail(ctx, SAL_STATUS_IO, "a block of a raster cannot be written%s; is the disk full?", sal__gdal_reason(&gdal));
    sal__gdal_leave(&gdal);
    return status;
}
