/* raster_write.c - writing a GeoTIFF window by window under a temporary name. Any order of windows gives a right file;
 * windows aligned to blocks (512 x 512, or full block rows) are compressed once and leave GDAL's cache after 8 MiB,
 * while a block written in pieces may be compressed again and again and waste space in the file.
 */
#include "raster_write.h"
#include <cpl_string.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What is not yet compressed when a user cancels is compressed all the same, by GDALClose: so it is kept small. */
static const int64_t flush_bytes = 8 << 20, scratch_limit = 4 << 20;

static GDALDataType gdal_type(sal_raster_type type)
{
    switch (type) {
    case SAL_RASTER_INT16: return GDT_Int16;
    case SAL_RASTER_UINT8: return GDT_Byte;
    case SAL_RASTER_UINT16: return GDT_UInt16;
    default: return GDT_Float32;
    }
}

static sal_status write_failed(sal_raster_writer *writer, sal__gdal *gdal)
{
    writer->failed = true;
    return sal_fail(writer->ctx, SAL_STATUS_IO, "raster \"%s\" cannot be written%s; is the disk full?", writer->target,
                    sal__gdal_reason(gdal));
}

/* Our creation options with the caller's over them; FORMAT=COG is ours to handle. */
static void choose_options(sal_raster_writer *writer, const sal_raster_spec *spec, char ***options)
{
    bool cog = false;
    char threads[16];
    int64_t block = spec->grid->columns <= 256 && spec->grid->rows <= 256 ? 256 : 512;
    for (const char *const *o = spec->options; o && *o; o++)
        if (!strcasecmp(*o, "FORMAT=COG")) cog = true;
    snprintf(threads, sizeof threads, "%d", sal_context_threads(writer->ctx));
    *options = CSLSetNameValue(*options, "TILED", "YES");
    *options = CSLSetNameValue(*options, "BLOCKXSIZE", block == 256 ? "256" : "512");
    *options = CSLSetNameValue(*options, "BLOCKYSIZE", block == 256 ? "256" : "512");
    *options = CSLSetNameValue(*options, "COMPRESS", "DEFLATE");
    *options = CSLSetNameValue(*options, "ZLEVEL", "1");
    *options = CSLSetNameValue(*options, "PREDICTOR",
                               spec->type == SAL_RASTER_FLOAT32 ? "3"
                               : spec->type == SAL_RASTER_UINT8 ? "1"
                                                                : "2");
    *options = CSLSetNameValue(*options, "INTERLEAVE", "BAND");
    *options = CSLSetNameValue(*options, "PHOTOMETRIC", "MINISBLACK"); /* three bands alone are no picture */
    *options = CSLSetNameValue(*options, "BIGTIFF", "IF_SAFER");
    *options = CSLSetNameValue(*options, "NUM_THREADS", threads);
    if (cog) {
        writer->cog_options = CSLSetNameValue(writer->cog_options, "COMPRESS", "DEFLATE");
        writer->cog_options = CSLSetNameValue(writer->cog_options, "PREDICTOR", "YES");
        writer->cog_options = CSLSetNameValue(writer->cog_options, "NUM_THREADS", threads);
        writer->cog_options = CSLSetNameValue(writer->cog_options, "OVERVIEWS", spec->overviews ? "AUTO" : "NONE");
        writer->cog_options =
            CSLSetNameValue(writer->cog_options, "RESAMPLING", spec->type == SAL_RASTER_UINT8 ? "NEAREST" : "AVERAGE");
    }
    for (const char *const *o = spec->options; o && *o; o++) {
        char *key = NULL;
        const char *value = CPLParseNameValue(*o, &key);
        if (key && value && strcasecmp(key, "FORMAT") != 0) {
            char ***list = cog ? &writer->cog_options : options;
            *list = CSLSetNameValue(*list, key, value);
        }
        CPLFree(key);
    }
}

/* In domain SALINA, and once more in the default domain as SALINA_<key>: gdal_translate, gdalwarp and the COG driver
 * copy only that one. */
static CPLErr set_item(GDALDatasetH dataset, const char *key, const char *value)
{
    char copy[128];
    snprintf(copy, sizeof copy, "SALINA_%s", key);
    CPLErr error = GDALSetMetadataItem(dataset, key, value, "SALINA");
    return GDALSetMetadataItem(dataset, copy, value, NULL) == CE_None ? error : CE_Failure;
}

/* Without a colour anywhere all stays as GDAL has it. */
static CPLErr set_colours(GDALDatasetH dataset, const sal_raster_spec *spec)
{
    static const GDALColorInterp interpretations[] = { GCI_Undefined, GCI_RedBand, GCI_GreenBand, GCI_BlueBand };
    CPLErr error = CE_None;
    bool any = false;
    for (int64_t b = 0; b < spec->band_count; b++) any |= spec->bands[b].colour != SAL_COLOUR_NONE;
    for (int64_t b = 0; any && b < spec->band_count && error == CE_None; b++)
        error = GDALSetRasterColorInterpretation(GDALGetRasterBand(dataset, (int)b + 1), interpretations[spec->bands[b].colour]);
    return error;
}

static sal_status describe(sal_raster_writer *writer, const sal_raster_spec *spec, sal__gdal *gdal)
{
    const sal_grid *grid = spec->grid;
    double geotransform[6] = { grid->x0, grid->pixel, 0, grid->y0, 0, -grid->pixel };
    OGRSpatialReferenceH crs = sal__crs_from_text(grid->wkt);
    if (!crs)
        return sal_fail(writer->ctx, SAL_STATUS_ARGUMENT, "the grid for \"%s\" has no coordinate reference system",
                        writer->target);
    CPLErr error = GDALSetSpatialRef(writer->dataset, crs);
    OSRRelease(crs);
    if (GDALSetGeoTransform(writer->dataset, geotransform) != CE_None) error = CE_Failure;
    if (GDALSetMetadataItem(writer->dataset, "AREA_OR_POINT", "Area", NULL) != CE_None) error = CE_Failure;
    for (int64_t b = 0; b < spec->band_count; b++) {
        const sal_band_spec *band = &spec->bands[b];
        GDALRasterBandH handle = GDALGetRasterBand(writer->dataset, (int)b + 1);
        writer->scale[b] = band->scale != 0 ? band->scale : 1;
        writer->offset[b] = band->offset;
        if (band->name) GDALSetDescription(handle, band->name);
        if (band->unit && band->unit[0]) GDALSetRasterUnitType(handle, band->unit);
        if (writer->scale[b] != 1 || writer->offset[b] != 0) {
            GDALSetRasterScale(handle, writer->scale[b]);
            GDALSetRasterOffset(handle, writer->offset[b]);
        }
        if (writer->has_nodata && GDALSetRasterNoDataValue(handle, spec->nodata) != CE_None) error = CE_Failure;
    }
    if (set_colours(writer->dataset, spec) != CE_None) error = CE_Failure;
    for (const char *const *m = spec->metadata; m && *m; m++) {
        char *key = NULL;
        const char *value = CPLParseNameValue(*m, &key);
        if (key && value && set_item(writer->dataset, key, value) != CE_None) error = CE_Failure;
        CPLFree(key);
    }
    return error == CE_None ? SAL_STATUS_OK : write_failed(writer, gdal);
}

static sal_status create(sal_raster_writer *writer, const sal_raster_spec *spec, sal__gdal *gdal)
{
    sal_context *ctx = writer->ctx;
    char **options = NULL;
    sal_status status = SAL_STATUS_OK;
    choose_options(writer, spec, &options);
    if (writer->cog_options) {
        char *work = NULL;
        status = sal_text_format(ctx, &work, "%s.work.tif", writer->target);
        if (status == SAL_STATUS_OK) status = sal_output_new(ctx, work, &writer->work);
        sal_release(ctx, work);
        if (status != SAL_STATUS_OK) goto done;
    }
    writer->path = sal_output_path(writer->work ? writer->work : writer->output);
    writer->dataset = GDALCreate(GDALGetDriverByName("GTiff"), writer->path, (int)writer->columns, (int)writer->rows,
                                 (int)writer->band_count, gdal_type(spec->type), options);
    if (!writer->dataset) {
        status = write_failed(writer, gdal);
        goto done;
    }
    SAL_TRY(describe(writer, spec, gdal));
    int block_columns = 0, block_rows = 0;
    GDALGetBlockSize(GDALGetRasterBand(writer->dataset, 1), &block_columns, &block_rows);
    writer->block_columns = block_columns;
    writer->block_rows = block_rows;
done:
    CSLDestroy(options);
    return status;
}

sal_status sal_raster_writer_new(sal_context *ctx, const char *path, const sal_raster_spec *spec,
                                 sal_raster_writer **out)
{
    *out = NULL;
    const sal_grid *grid = spec->grid;
    if (!path || !path[0]) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "no output raster is named");
    if (grid->columns < 1 || grid->rows < 1 || grid->columns > INT32_MAX || grid->rows > INT32_MAX ||
        spec->band_count < 1 || spec->band_count > 65535)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "a raster of %lld x %lld pixels and %lld bands cannot be written to \"%s\"",
                        (long long)grid->columns, (long long)grid->rows, (long long)spec->band_count, path);
    sal_raster_writer *writer = NULL;
    sal_status status = sal_allocate(ctx, 1, sizeof *writer, &writer);
    if (status != SAL_STATUS_OK) return status;
    writer->ctx = ctx;
    writer->columns = grid->columns;
    writer->rows = grid->rows;
    writer->band_count = spec->band_count;
    writer->type = spec->type;
    writer->nodata = spec->nodata;
    writer->has_nodata = spec->type == SAL_RASTER_FLOAT32 || !isnan(spec->nodata);
    writer->overviews = spec->overviews;
    writer->aligned = true;
    SAL_TRY(sal_text_copy(ctx, path, &writer->target));
    SAL_TRY(sal_allocate(ctx, spec->band_count, sizeof *writer->scale, &writer->scale));
    SAL_TRY(sal_allocate(ctx, spec->band_count, sizeof *writer->offset, &writer->offset));
    SAL_TRY(sal_allocate(ctx, spec->band_count, sizeof *writer->statistics, &writer->statistics));
    SAL_TRY(sal_output_new(ctx, path, &writer->output));
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    status = create(writer, spec, &gdal);
    sal__gdal_leave(&gdal);
done:
    if (status != SAL_STATUS_OK)
        sal_raster_writer_free(writer);
    else
        *out = writer;
    return status;
}

/* Stored float of a physical value; invalid values become nodata (0 where an integer raster has none). */
static float encode(const sal_raster_writer *writer, int64_t band, float value, double low, double high)
{
    if (!isfinite(value)) return writer->has_nodata ? (float)writer->nodata : 0;
    double v = (value - writer->offset[band]) / writer->scale[band];
    if (writer->type == SAL_RASTER_FLOAT32) return (float)v;
    v = rint(v);
    if (v < low) v = low;
    if (v > high) v = high;
    /* A measured value must not turn into nodata: it moves one step of the scale. Classes (UINT8) stay. */
    if (writer->has_nodata && v == writer->nodata && writer->type != SAL_RASTER_UINT8)
        v += v == low ? 1 : v == high || v > 0 ? -1 : 1;
    return (float)v;
}

static void encode_rows(sal_raster_writer *writer, const float *values, int64_t pixels)
{
    double low = writer->type == SAL_RASTER_INT16 ? -32768 : 0;
    double high = writer->type == SAL_RASTER_INT16 ? 32767 : writer->type == SAL_RASTER_UINT8 ? 255 : 65535;
    int64_t n = writer->band_count;
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t b = 0; b < n; b++) {
            int64_t i = p * n + b;
            float v = encode(writer, b, values[i], low, high);
            if (isfinite(values[i]) && isfinite(v) && !(writer->has_nodata && v == (float)writer->nodata))
                sal__statistics_add(&writer->statistics[b], v);
            switch (writer->type) {
            case SAL_RASTER_INT16: ((int16_t *)writer->scratch)[i] = (int16_t)v; break;
            case SAL_RASTER_UINT8: ((uint8_t *)writer->scratch)[i] = (uint8_t)v; break;
            case SAL_RASTER_UINT16: ((uint16_t *)writer->scratch)[i] = (uint16_t)v; break;
            default: ((float *)writer->scratch)[i] = v;
            }
        }
}

sal_status sal__raster_flush(sal_raster_writer *writer)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t b = 0; b < writer->band_count && status == SAL_STATUS_OK; b++) {
        GDALRasterBandH band = GDALGetRasterBand(writer->dataset, (int)b + 1);
        GDALFlushRasterCache(band);
        for (int k = 0; k < GDALGetOverviewCount(band); k++) GDALFlushRasterCache(GDALGetOverview(band, k));
        status = sal_progress(writer->ctx, 0, NULL);
    }
    writer->failed |= status != SAL_STATUS_OK;
    return status;
}

static sal_status flush_when_due(sal_raster_writer *writer, int64_t column, int64_t row, int64_t columns, int64_t rows)
{
    sal_status status = SAL_STATUS_OK;
    int64_t bc = writer->block_columns, br = writer->block_rows;
    bool whole = column % bc == 0 && row % br == 0 &&
                 ((column + columns) % bc == 0 || column + columns == writer->columns) &&
                 ((row + rows) % br == 0 || row + rows == writer->rows);
    writer->aligned &= whole;
    if (writer->unflushed < flush_bytes) return status;
    if (writer->aligned) status = sal__raster_flush(writer);
    writer->unflushed = 0;
    writer->aligned = true;
    return status;
}

sal_status sal_raster_writer_write(sal_raster_writer *writer, int64_t column, int64_t row, int64_t columns,
                                   int64_t rows, const float *values)
{
    sal_context *ctx = writer->ctx;
    if (column < 0 || row < 0 || columns < 0 || rows < 0 || column + columns > writer->columns ||
        row + rows > writer->rows)
        return sal_fail(ctx, SAL_STATUS_INTERNAL,
                        "a window at column %lld, row %lld of %lld x %lld lies outside \"%s\"", (long long)column,
                        (long long)row, (long long)columns, (long long)rows, writer->target);
    if (columns == 0 || rows == 0) return SAL_STATUS_OK;
    GDALDataType type = gdal_type(writer->type);
    int64_t n = writer->band_count, bytes = GDALGetDataTypeSizeBytes(type), line = columns * n * bytes;
    int64_t strip = scratch_limit / line > 0 ? scratch_limit / line : 1;
    if (strip > rows) strip = rows;
    if (strip * line > writer->scratch_bytes) {
        sal_release(ctx, writer->scratch);
        writer->scratch = NULL;
        writer->scratch_bytes = 0;
        sal_status status = sal_allocate(ctx, strip * line, 1, &writer->scratch);
        if (status != SAL_STATUS_OK) return status;
        writer->scratch_bytes = strip * line;
    }
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    CPLErr error = CE_None;
    for (int64_t r = 0; r < rows && error == CE_None; r += strip) {
        int64_t some = rows - r < strip ? rows - r : strip;
        encode_rows(writer, values + r * columns * n, some * columns);
        error = GDALDatasetRasterIOEx(writer->dataset, GF_Write, (int)column, (int)(row + r), (int)columns, (int)some,
                                      writer->scratch, (int)columns, (int)some, type, (int)n, NULL, n * bytes, line,
                                      bytes, NULL);
    }
    writer->unflushed += line * rows;
    sal_status status = error == CE_None ? flush_when_due(writer, column, row, columns, rows) : write_failed(writer, &gdal);
    if (status == SAL_STATUS_OK && gdal.failed) status = write_failed(writer, &gdal);
    sal__gdal_leave(&gdal);
    return status;
}

sal_status sal_raster_writer_set_metadata(sal_raster_writer *writer, const char *key, const char *value)
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    CPLErr error = set_item(writer->dataset, key, value);
    sal_status status = error == CE_None ? SAL_STATUS_OK : write_failed(writer, &gdal);
    sal__gdal_leave(&gdal);
    return status;
}

sal_status sal_raster_writer_commit(sal_raster_writer *writer)
{
    if (writer->failed)
        return sal_fail(writer->ctx, SAL_STATUS_IO, "raster \"%s\" was not written whole and is not kept",
                        writer->target);
    sal_progress_push(writer->ctx, 0, 0.95);
    sal_status status = sal__raster_finish(writer);
    sal_progress_pop(writer->ctx);
    if (status != SAL_STATUS_OK) return status;
    sal_progress_push(writer->ctx, 0.95, 1);
    status = sal_output_settle(writer->output);
    sal_progress_pop(writer->ctx);
    return status == SAL_STATUS_OK ? sal_output_commit(writer->output) : status;
}

void sal_raster_writer_free(sal_raster_writer *writer)
{
    if (!writer) return;
    sal_context *ctx = writer->ctx;
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    if (writer->dataset) GDALClose(writer->dataset);
    CSLDestroy(writer->cog_options);
    sal__gdal_leave(&gdal);
    sal_output_free(writer->work);
    sal_output_free(writer->output);
    sal_release(ctx, writer->scratch);
    sal_release(ctx, writer->statistics);
    sal_release(ctx, writer->offset);
    sal_release(ctx, writer->scale);
    sal_release(ctx, writer->target);
    sal_release(ctx, writer);
}
