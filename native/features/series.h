/* series.h - any number of dated rasters as a series of one index on the grid of a stack, and the seasons it shows.
 *
 * A raster of the series is a scene that has the bands of the index, a raster with a band of that name, a single-band raster of the
 * index, or a raster whose band descriptions are dates. Bands SCL (Sentinel-2), QA_PIXEL (Landsat) and Fmask (HLS) in the same file
 * mask clouds, shadows and snow, and so do files of such a band of the same day and tile. Products (SAFE, Landsat, with scale, offset and
 * mask of their own), their folders, and files with a band each, joined by day and tile, will do too; values outside the range of the index are missing. Several files of one day are averaged where they
 * overlap and count as one observation.
 */
#ifndef SAL_FEATURES_SERIES_H
#define SAL_FEATURES_SERIES_H

#include "base/json.h"
#include "data/raster.h"
#include "features/phenology.h"

typedef struct sal_series_request {
    const char *const *paths;
    int64_t count;
    const char *index;    /* id of the index table: "NDVI", "EVI2" */
    int64_t year;         /* of the season; 0: that of `date`, or the one with most dates */
    const char *date;     /* YYYY-MM-DD of the campaign, "" when unknown */
    double scale, offset; /* value = read value * scale + offset, of reflectance or of the index */
} sal_series_request;

typedef struct sal_series sal_series;

/* Looks into every file and keeps what lies in the year or within 183 days of it. ARGUMENT: unknown index, a file twice. DATA, naming
 * the file: no date, no band to take, bands of another index. */
sal_status sal__series_open(sal_context *ctx, const sal_series_request *request, sal_series **out);
void sal__series_free(sal_series *series);
/* Brings every file on the grid: as it is where pixels coincide, else warped (bilinear or average, masks nearest), and lays out the
 * phenology; options' year is set here. DATA: no overlap, values that cannot be the index, too few dates. */
sal_status sal__series_place(sal_series *series, const sal_grid *grid, const sal_phenology_options *options);
/* Bytes that a block of so many pixels needs. Before sal__series_place too. */
int64_t sal__series_bytes(const sal_series *series, int64_t pixels);
/* Phenology of a block: out (rows, columns, n), rows `which` of the phenology table. Reports progress from 0 to 1. */
sal_status sal__series_seasons(sal_series *series, int64_t x, int64_t y, int64_t columns, int64_t rows,
                               const int64_t *which, int64_t n, float *out);
/* DATA when not a single pixel of the blocks so far shows a season. */
sal_status sal__series_check(const sal_series *series);
/* Whether files are looked at through views, which GDAL keeps blocks of. */
bool sal__series_has_views(const sal_series *series);
/* The raster whose grid is that of the series where nothing else gives one. */
const char *sal__series_grid_path(const sal_series *series);
/* Files in use, for hashing. */
int64_t sal__series_file_count(const sal_series *series);
const char *sal__series_path(const sal_series *series, int64_t i);
/* What was done, as a JSON object: index, year, dates, smoother, thresholds, masks, shares of pixels with and without a season. */
sal_status sal__series_describe(const sal_series *series, json_object **out);

#endif
