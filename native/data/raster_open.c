/* raster_open.c - opening a raster and saying what it holds. Values of Byte, Int16, UInt16 and Float32 bands are exact
 * in float32; wider types are read as float64 so that nodata is compared before rounding. A trailing alpha band is
 * validity, not data, and is not counted.
 */
#include "raster_private.h"
#include <cpl_conv.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* GDAL reads zeros past the end of a cut ENVI file; we say that it is cut. Compressed ones (they begin with 1f 8b)
 * have no such size. */
static sal_status check_raw_size(sal_context *ctx, const char *path, GDALDatasetH dataset)
{
    const char *driver = GDALGetDriverShortName(GDALGetDatasetDriver(dataset));
    if (!driver || strcmp(driver, "ENVI") != 0) return SAL_STATUS_OK;
    double expected = 0;
    for (int b = 1; b <= GDALGetRasterCount(dataset); b++)
        expected += (double)GDALGetRasterXSize(dataset) * GDALGetRasterYSize(dataset) *
                    GDALGetDataTypeSizeBytes(GDALGetRasterDataType(GDALGetRasterBand(dataset, b)));
    const char *offset = GDALGetMetadataItem(dataset, "header_offset", "ENVI");
    if (offset) expected += CPLAtof(offset);
    VSILFILE *file = VSIFOpenL(path, "rb");
    if (!file) return SAL_STATUS_OK;
    unsigned char magic[2] = { 0, 0 };
    bool compressed = VSIFReadL(magic, 1, 2, file) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    double size = VSIFSeekL(file, 0, SEEK_END) == 0 ? (double)VSIFTellL(file) : 0;
    VSIFCloseL(file);
    if (compressed || size >= expected) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_IO,
                    "raster \"%s\" is cut: its header promises %.0f bytes and it has %.0f; copy it again", path,
                    expected, size);
}

sal_status sal__dataset_open(sal_context *ctx, sal__gdal *gdal, const char *path, GDALDatasetH *out)
{
    *out = GDALOpenEx(path, GDAL_OF_RASTER | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, NULL, NULL, NULL);
    if (!*out) return sal_fail(ctx, SAL_STATUS_IO, "raster \"%s\" cannot be opened%s", path, sal__gdal_reason(gdal));
    sal_status status = check_raw_size(ctx, path, *out);
    if (status == SAL_STATUS_OK) return status;
    GDALReleaseDataset(*out);
    *out = NULL;
    return status;
}

static sal_status describe_band(sal_raster *raster, GDALRasterBandH handle, int64_t index, sal__band *band)
{
    sal_context *ctx = raster->ctx;
    GDALDataType type = GDALGetRasterDataType(handle);
    if (GDALDataTypeIsComplex(type))
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "band %lld of raster \"%s\" holds complex numbers; give its amplitude or another real band",
                        (long long)index + 1, raster->path);
    band->wide = !(type == GDT_Byte || type == GDT_Int16 || type == GDT_UInt16 || type == GDT_Float32);
    band->whole = type != GDT_Float32 && type != GDT_Float64;
    band->classes = GDALDataTypeIsInteger(type) && (GDALGetRasterColorTable(handle) || GDALGetRasterCategoryNames(handle));
    int has = 0;
    band->scale = GDALGetRasterScale(handle, &has);
    if (!has || band->scale == 0 || !isfinite(band->scale)) band->scale = 1;
    band->offset = GDALGetRasterOffset(handle, &has);
    if (!has || !isfinite(band->offset)) band->offset = 0;
    if (type == GDT_Int64)
        band->nodata = (double)GDALGetRasterNoDataValueAsInt64(handle, &has);
    else if (type == GDT_UInt64)
        band->nodata = (double)GDALGetRasterNoDataValueAsUInt64(handle, &has);
    else
        band->nodata = GDALGetRasterNoDataValue(handle, &has);
    band->has_nodata = has != 0;
    int flags = GDALGetMaskFlags(handle);
    bool by_value = (flags & GMF_NODATA) && !(flags & GMF_PER_DATASET);
    band->masked = !(flags & GMF_ALL_VALID) && !by_value;
    const char *name = GDALGetDescription(handle), *unit = GDALGetRasterUnitType(handle);
    sal_status status = sal_text_copy(ctx, name ? name : "", &band->name);
    if (status == SAL_STATUS_OK) status = sal_text_copy(ctx, unit ? unit : "", &band->unit);
    return status;
}

static sal_status no_bands(sal_context *ctx, const char *path, GDALDatasetH dataset)
{
    char **parts = GDALGetMetadata(dataset, "SUBDATASETS");
    const char *first = CSLFetchNameValue(parts, "SUBDATASET_1_NAME");
    if (first)
        return sal_fail(ctx, SAL_STATUS_DATA, "\"%s\" holds %d rasters; name one of them, such as %s", path,
                        CSLCount(parts) / 2, first);
    return sal_fail(ctx, SAL_STATUS_DATA, "raster \"%s\" has no bands", path);
}

sal_status sal__raster_take(sal_context *ctx, const char *path, GDALDatasetH dataset, sal_raster **out)
{
    *out = NULL;
    sal_raster *raster = NULL;
    sal_status status = sal_allocate(ctx, 1, sizeof *raster, &raster);
    if (status != SAL_STATUS_OK) {
        GDALReleaseDataset(dataset);
        return status;
    }
    raster->ctx = ctx;
    raster->dataset = dataset;
    SAL_TRY(sal_text_copy(ctx, path, &raster->path));
    int64_t count = GDALGetRasterCount(dataset);
    if (count < 1) {
        status = no_bands(ctx, path, dataset);
        goto done;
    }
    if (count > 1 && GDALGetRasterColorInterpretation(GDALGetRasterBand(dataset, (int)count)) == GCI_AlphaBand) count--;
    SAL_TRY(sal__grid_from_dataset(ctx, path, dataset, &raster->grid));
    SAL_TRY(sal_allocate(ctx, count, sizeof *raster->bands, &raster->bands));
    raster->band_count = count;
    for (int64_t b = 0; b < count; b++)
        SAL_TRY(describe_band(raster, GDALGetRasterBand(dataset, (int)b + 1), b, &raster->bands[b]));
    *out = raster;
    return SAL_STATUS_OK;
done:
    sal_raster_free(raster);
    return status;
}

sal_status sal_raster_open(sal_context *ctx, const char *path, sal_raster **out)
{
    *out = NULL;
    if (!path || !path[0]) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "no raster is named");
    sal__gdal gdal;
    GDALDatasetH dataset = NULL;
    sal__gdal_enter(&gdal);
    sal_status status = sal__dataset_open(ctx, &gdal, path, &dataset);
    if (status == SAL_STATUS_OK) status = sal__raster_take(ctx, path, dataset, out);
    sal__gdal_leave(&gdal);
    return status;
}

void sal_raster_free(sal_raster *raster)
{
    if (!raster) return;
    sal_context *ctx = raster->ctx;
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    GDALReleaseDataset(raster->dataset);
    sal__gdal_leave(&gdal);
    for (int64_t b = 0; b < raster->band_count; b++) {
        sal_release(ctx, raster->bands[b].name);
        sal_release(ctx, raster->bands[b].unit);
    }
    sal_release(ctx, raster->bands);
    sal_grid_clear(ctx, &raster->grid);
    sal_release(ctx, raster->path);
    sal_release(ctx, raster);
}

const char *sal_raster_path(const sal_raster *raster) { return raster->path; }
const sal_grid *sal_raster_grid(const sal_raster *raster) { return &raster->grid; }
int64_t sal_raster_band_count(const sal_raster *raster) { return raster->band_count; }

const char *sal_raster_band_name(const sal_raster *raster, int64_t band)
{
    return band >= 0 && band < raster->band_count ? raster->bands[band].name : "";
}

const char *sal_raster_band_unit(const sal_raster *raster, int64_t band)
{
    return band >= 0 && band < raster->band_count ? raster->bands[band].unit : "";
}

sal_band_info sal_raster_band_info(const sal_raster *raster, int64_t band)
{
    const sal__band *b = &raster->bands[band];
    return (sal_band_info){ b->whole, b->has_nodata, b->nodata, b->scale, b->offset };
}

/* Whether the header of ENVI or the band itself marks a band as of no use: bbl = 0. Inside a guard. */
static bool is_bad_band(const sal_raster *raster, GDALRasterBandH handle, int64_t band)
{
    const char *own = GDALGetMetadataItem(handle, "bbl", NULL), *list = GDALGetMetadataItem(raster->dataset, "bbl", "ENVI");
    if (own) return CPLAtof(own) == 0;
    if (!list) return false;
    list += strspn(list, "{ ");
    for (int64_t b = 0; b < band && *list; b++) list += strcspn(list, ",") + (list[strcspn(list, ",")] == ',');
    return *list && CPLAtof(list) == 0;
}

double sal_raster_band_wavelength_nm(const sal_raster *raster, int64_t band)
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    GDALRasterBandH handle = GDALGetRasterBand(raster->dataset, (int)band + 1);
    const char *text = GDALGetMetadataItem(handle, "wavelength", NULL),
               *unit = GDALGetMetadataItem(handle, "wavelength_units", NULL),
               *micrometres = GDALGetMetadataItem(handle, "CENTRAL_WAVELENGTH_UM", "IMAGERY");
    double value = text ? CPLAtof(text) : micrometres ? 1000 * CPLAtof(micrometres) : NAN;
    if (text && (unit ? unit[0] == 'M' || unit[0] == 'm' || unit[0] == 'u' : value < 100)) value *= 1000;
    if (is_bad_band(raster, handle, band)) value = NAN;
    sal__gdal_leave(&gdal);
    return value > 0 ? value : NAN;
}

/* Unit of the vertical part of a compound CRS, "" when there is none. */
static void vertical_unit(const sal_raster *raster, char unit[64])
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    OGRSpatialReferenceH crs = GDALGetSpatialRef(raster->dataset);
    char *name = NULL;
    if (crs && OSRIsCompound(crs)) OSRGetTargetLinearUnits(crs, "COMPD_CS|VERT_CS", &name);
    snprintf(unit, 64, "%s", name ? name : "");
    sal__gdal_leave(&gdal);
}

double sal_raster_height_metres(const sal_raster *raster, int64_t band)
{
    static const struct {
        const char *names;
        double metres;
    } units[] = { { "|m|metre|meter|metres|meters|", 1 },
                  { "|ft|foot|feet|international foot|", 0.3048 },
                  { "|us-ft|ftus|sftus|us survey foot|us survey feet|foot_us|", 1200.0 / 3937 },
                  { "|cm|centimetre|centimeter|", 0.01 },
                  { "|dm|decimetre|decimeter|", 0.1 },
                  { "|mm|millimetre|millimeter|", 0.001 },
                  { "|km|kilometre|kilometer|", 1000 } };
    char unit[64], word[68];
    snprintf(unit, sizeof unit, "%s", sal_raster_band_unit(raster, band));
    if (!unit[0]) vertical_unit(raster, unit);
    if (!unit[0] || strcmp(unit, "unknown") == 0) return 1;
    snprintf(word, sizeof word, "|%s|", unit);
    for (char *c = word; *c; c++) *c = (char)tolower((unsigned char)*c);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strstr(units[i].names, word)) return units[i].metres;
    return NAN;
}

void sal_raster_multiply(sal_raster *raster, int64_t band, double factor)
{
    raster->bands[band].scale *= factor;
    raster->bands[band].offset *= factor;
}

bool sal_raster_band_is_classes(const sal_raster *raster, int64_t band)
{
    return band >= 0 && band < raster->band_count && raster->bands[band].classes;
}

const char *sal_raster_metadata(const sal_raster *raster, const char *domain, const char *key)
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    const char *value = GDALGetMetadataItem(raster->dataset, key, domain);
    if (!value && domain && !strcmp(domain, "SALINA")) { /* gdal_translate keeps only the default domain */
        char copy[128];
        snprintf(copy, sizeof copy, "SALINA_%s", key);
        value = GDALGetMetadataItem(raster->dataset, copy, NULL);
    }
    sal__gdal_leave(&gdal);
    return value;
}
