/* raster_warp.c - bands of any raster seen on another grid, through GDAL's warped VRT: no file, computed block by
 * block when read. The source may be rotated, south-up or in another CRS; only the target grid has rules. Stored
 * values are warped as floating point and scaled on reading, so that averages of integers are not rounded. Nodata,
 * masks and alpha of the source keep out of every average.
 */
#include "raster_private.h"
#include <cpl_conv.h>
#include <cpl_string.h>
#include <gdal_alg.h>
#include <gdal_utils.h>
#include <gdal_vrt.h>
#include <gdalwarper.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double largest_error = 0.02; /* of a target pixel, of the linear approximation of the reprojection */

static sal_status choose_method(sal_context *ctx, const char *method, GDALResampleAlg *out)
{
    static const struct {
        const char *name;
        GDALResampleAlg value;
    } methods[] = { { "nearest", GRA_NearestNeighbour },
                    { "bilinear", GRA_Bilinear },
                    { "cubic", GRA_Cubic },
                    { "average", GRA_Average } };
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (method && !strcmp(method, methods[i].name)) {
            *out = methods[i].value;
            return SAL_STATUS_OK;
        }
    return sal_fail(ctx, SAL_STATUS_ARGUMENT, "\"%s\" is no resampling method; use nearest, bilinear, cubic or average",
                    method ? method : "");
}

/* What is taken from the source. */
typedef struct selection {
    int64_t n;
    int *numbers;   /* bands of the source, from 1 */
    double *nodata; /* NaN where a band has none: NaN pixels are invalid anyway */
    int alpha;      /* alpha band of the source, 0 when there is none */
    bool wide;
} selection;

static sal_status select_bands(sal_context *ctx, const char *path, const int64_t *bands, int64_t n, GDALDatasetH source,
                               selection *s)
{
    int last = GDALGetRasterCount(source);
    if (last > 1 && GDALGetRasterColorInterpretation(GDALGetRasterBand(source, last)) == GCI_AlphaBand)
        s->alpha = last--;
    s->n = bands ? n : last;
    if (s->n < 1) return sal_fail(ctx, SAL_STATUS_DATA, "raster \"%s\" has no bands", path);
    sal_status status = sal_allocate(ctx, s->n, sizeof *s->numbers, &s->numbers);
    if (status == SAL_STATUS_OK) status = sal_allocate(ctx, s->n, sizeof *s->nodata, &s->nodata);
    for (int64_t k = 0; k < s->n && status == SAL_STATUS_OK; k++) {
        int64_t band = bands ? bands[k] : k;
        if (band < 0 || band >= last)
            return sal_fail(ctx, SAL_STATUS_DATA, "raster \"%s\" has %d bands, so band %lld cannot be taken from it",
                            path, last, (long long)band + 1);
        GDALRasterBandH handle = GDALGetRasterBand(source, (int)band + 1);
        GDALDataType type = GDALGetRasterDataType(handle);
        int has = 0;
        double nodata = GDALGetRasterNoDataValue(handle, &has);
        s->numbers[k] = (int)band + 1;
        s->nodata[k] = has ? nodata : NAN;
        s->wide |= !(type == GDT_Byte || type == GDT_Int16 || type == GDT_UInt16 || type == GDT_Float32);
    }
    return status;
}

/* The bands, with the alpha band behind them, as floating point; a mask of the whole dataset comes along. */
static GDALDatasetH view_bands(GDALDatasetH source, const selection *s)
{
    char number[16];
    char **arguments = CSLAddString(NULL, "-of");
    arguments = CSLAddString(arguments, "VRT");
    arguments = CSLAddString(arguments, "-ot");
    arguments = CSLAddString(arguments, s->wide ? "Float64" : "Float32");
    for (int64_t k = 0; k < s->n + (s->alpha != 0); k++) {
        snprintf(number, sizeof number, "%d", k < s->n ? s->numbers[k] : s->alpha);
        arguments = CSLAddString(arguments, "-b");
        arguments = CSLAddString(arguments, number);
    }
    GDALTranslateOptions *options = GDALTranslateOptionsNew(arguments, NULL);
    CSLDestroy(arguments);
    GDALDatasetH view = options ? GDALTranslate("", source, options, NULL) : NULL;
    GDALTranslateOptionsFree(options);
    return view;
}

/* One more stored value without meaning: GDAL knows one nodata value a band, so a pixel that holds another is left out
 * of a view whose empty pixels hold that one. Takes `view` over. */
static GDALDatasetH leave_out(GDALDatasetH view, const selection *s, double value)
{
    const int columns = GDALGetRasterXSize(view), rows = GDALGetRasterYSize(view);
    double geotransform[6];
    GDALDatasetH next = VRTCreate(columns, rows);
    if (GDALGetGeoTransform(view, geotransform) == CE_None) GDALSetGeoTransform(next, geotransform);
    if (GDALGetSpatialRef(view)) GDALSetSpatialRef(next, GDALGetSpatialRef(view));
    for (int k = 0; k < (int)s->n + (s->alpha != 0); k++) {
        GDALAddBand(next, s->wide ? GDT_Float64 : GDT_Float32, NULL);
        GDALRasterBandH band = GDALGetRasterBand(next, k + 1);
        if (k < s->n) GDALSetRasterNoDataValue(band, s->nodata[k]);
        if (VRTAddComplexSource((VRTSourcedRasterBandH)band, GDALGetRasterBand(view, k + 1), 0, 0, columns, rows, 0, 0,
                                columns, rows, 0, 1, k < s->n ? value : VRT_NODATA_UNSET) != CE_None) {
            GDALReleaseDataset(next);
            next = NULL;
            break;
        }
    }
    GDALReleaseDataset(view);
    return next;
}

/* A view in which every invalid value has become the nodata of its band: the file's own, or the first of them. */
static GDALDatasetH mark_invalid(GDALDatasetH view, selection *s, const double *invalid, int64_t count)
{
    for (int64_t k = 0; k < s->n && count > 0; k++) {
        if (isnan(s->nodata[k])) s->nodata[k] = invalid[0];
        if (view) GDALSetRasterNoDataValue(GDALGetRasterBand(view, (int)k + 1), s->nodata[k]);
    }
    for (int64_t i = 0; i < count && view; i++) view = leave_out(view, s, invalid[i]);
    return view;
}

static GDALWarpOptions *warp_options(GDALDatasetH view, GDALResampleAlg method, const selection *s)
{
    GDALWarpOptions *options = GDALCreateWarpOptions();
    options->eResampleAlg = method;
    options->hSrcDS = view;
    options->nBandCount = (int)s->n;
    options->panSrcBands = CPLMalloc(sizeof(int) * (size_t)s->n);
    options->panDstBands = CPLMalloc(sizeof(int) * (size_t)s->n);
    GDALWarpInitSrcNoDataReal(options, NAN);
    GDALWarpInitDstNoDataReal(options, NAN);
    for (int64_t k = 0; k < s->n; k++) {
        options->panSrcBands[k] = options->panDstBands[k] = (int)k + 1;
        options->padfSrcNoDataReal[k] = s->nodata[k];
    }
    options->nSrcAlphaBand = s->alpha ? (int)s->n + 1 : 0;
    options->papszWarpOptions = CSLSetNameValue(options->papszWarpOptions, "INIT_DEST", "NO_DATA");
    options->papszWarpOptions = CSLSetNameValue(options->papszWarpOptions, "UNIFIED_SRC_NODATA", "NO");
    return options;
}

static GDALDatasetH warp(GDALDatasetH view, const sal_grid *grid, GDALResampleAlg method, const selection *s)
{
    double geotransform[6] = { grid->x0, grid->pixel, 0, grid->y0, 0, -grid->pixel };
    char **transform = CSLSetNameValue(NULL, "DST_SRS", grid->wkt);
    void *exact = GDALCreateGenImgProjTransformer2(view, NULL, transform);
    CSLDestroy(transform);
    if (!exact) return NULL;
    GDALSetGenImgProjTransformerDstGeoTransform(exact, geotransform);
    GDALWarpOptions *options = warp_options(view, method, s);
    options->pTransformerArg = GDALCreateApproxTransformer(GDALGenImgProjTransform, exact, largest_error);
    options->pfnTransformer = GDALApproxTransform;
    GDALApproxTransformerOwnsSubtransformer(options->pTransformerArg, TRUE);
    GDALDatasetH warped = GDALCreateWarpedVRT(view, (int)grid->columns, (int)grid->rows, geotransform, options);
    if (!warped) GDALDestroyTransformer(options->pTransformerArg);
    GDALDestroyWarpOptions(options);
    if (!warped) return NULL;
    OGRSpatialReferenceH crs = sal__crs_from_text(grid->wkt);
    GDALSetSpatialRef(warped, crs);
    if (crs) OSRRelease(crs);
    for (int64_t k = 0; k < s->n; k++) GDALSetRasterNoDataValue(GDALGetRasterBand(warped, (int)k + 1), NAN);
    return warped;
}

static sal_status check_source(sal_context *ctx, const char *path, GDALDatasetH source)
{
    double g[6];
    if (!GDALGetSpatialRef(source) && !GDALGetGCPSpatialRef(source))
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "raster \"%s\" has no coordinate reference system; give it one with QGIS's Assign projection "
                        "or gdal_edit.py -a_srs",
                        path);
    if (GDALGetGeoTransform(source, g) != CE_None && GDALGetGCPCount(source) == 0)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "raster \"%s\" is not georeferenced (no geotransform); georeference it first", path);
    return SAL_STATUS_OK;
}

/* The result carries names, units, scale and offset of the source bands. */
static sal_status adopt(sal_context *ctx, sal_raster *raster, GDALDatasetH source, const selection *s)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t k = 0; k < s->n; k++) {
        sal__band *band = &raster->bands[k];
        GDALRasterBandH handle = GDALGetRasterBand(source, s->numbers[k]);
        int has = 0;
        double value = GDALGetRasterScale(handle, &has);
        band->scale = has && value != 0 && isfinite(value) ? value : 1;
        value = GDALGetRasterOffset(handle, &has);
        band->offset = has && isfinite(value) ? value : 0;
        sal_release(ctx, band->name);
        sal_release(ctx, band->unit);
        band->name = band->unit = NULL;
        SAL_TRY(sal_text_copy(ctx, GDALGetDescription(handle), &band->name));
        SAL_TRY(sal_text_copy(ctx, GDALGetRasterUnitType(handle), &band->unit));
    }
done:
    return status;
}

static sal_status open_view(sal_context *ctx, sal__gdal *gdal, const char *path, const sal_raster_view *how,
                            GDALResampleAlg method, sal_raster **out)
{
    GDALDatasetH source = NULL, view = NULL, seen = NULL;
    selection s = { 0 };
    sal_status status = sal__dataset_open(ctx, gdal, path, &source);
    if (status != SAL_STATUS_OK) return status;
    SAL_TRY(check_source(ctx, path, source));
    SAL_TRY(select_bands(ctx, path, how->bands, how->band_count, source, &s));
    view = mark_invalid(view_bands(source, &s), &s, how->invalid, how->invalid_count);
    if (view && how->grid) {
        seen = warp(view, how->grid, method, &s);
    } else {
        seen = view;
        view = NULL;
    }
    if (!seen) {
        status = sal_fail(ctx, SAL_STATUS_DATA, "raster \"%s\" cannot be brought to %s%s", path,
                          how->grid ? how->grid->crs_name : "a view of its bands", sal__gdal_reason(gdal));
        goto done;
    }
    SAL_TRY(sal__raster_take(ctx, path, seen, out));
    (*out)->is_view = true;
    (*out)->cache_before = GDALGetCacheUsed64();
    status = adopt(ctx, *out, source, &s);
    if (status != SAL_STATUS_OK) {
        sal_raster_free(*out);
        *out = NULL;
    }
done:
    sal_release(ctx, s.numbers);
    sal_release(ctx, s.nodata);
    if (view) GDALReleaseDataset(view);
    GDALReleaseDataset(source);
    return status;
}

sal_status sal_raster_open_view(sal_context *ctx, const char *path, const sal_raster_view *view, sal_raster **out)
{
    *out = NULL;
    if (!path || !path[0]) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "no raster is named");
    GDALResampleAlg algorithm = GRA_NearestNeighbour;
    sal_status status = view->grid ? choose_method(ctx, view->method, &algorithm) : SAL_STATUS_OK;
    if (status != SAL_STATUS_OK) return status;
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    status = open_view(ctx, &gdal, path, view, algorithm, out);
    sal__gdal_leave(&gdal);
    return status;
}

sal_status sal_raster_open_warped_bands(sal_context *ctx, const char *path, const int64_t *bands, int64_t n,
                                        const sal_grid *grid, const char *method, sal_raster **out)
{
    const sal_raster_view view = { .bands = bands, .band_count = n, .grid = grid, .method = method };
    return sal_raster_open_view(ctx, path, &view, out);
}

sal_status sal_raster_open_warped(sal_context *ctx, const char *path, const sal_grid *grid, const char *method,
                                  sal_raster **out)
{
    return sal_raster_open_warped_bands(ctx, path, NULL, 0, grid, method, out);
}
