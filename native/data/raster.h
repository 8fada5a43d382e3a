/* raster.h - rasters through GDAL: read with masks, scale and halo; write tiled, whole or not at all.
 *
 * Any GDAL path works, /vsi... included. Values leave as physical float32 (DN * scale + offset); a pixel that is
 * masked, nodata or outside the raster is NaN. A sal_raster is used by one thread at a time.
 */
#ifndef SAL_DATA_RASTER_H
#define SAL_DATA_RASTER_H

#include "base/base.h"

/* Where the pixels lie. Rows run from north to south, pixels are square up to 1e-6, nothing is rotated. */
typedef struct sal_grid {
    int64_t columns, rows;
    double x0, y0;      /* outer corner of the first pixel: west, north */
    double pixel;       /* size in CRS units */
    char *wkt;          /* CRS as WKT2, owned by the grid */
    char crs_name[128]; /* for messages: "EPSG:32650 (WGS 84 / UTM zone 50N)" */
    bool is_metric;     /* projected, unit metre */
} sal_grid;

sal_status sal_grid_copy(sal_context *ctx, const sal_grid *from, sal_grid *to);
void sal_grid_clear(sal_context *ctx, sal_grid *grid);
/* Same CRS (by meaning, not text), origin and pixel within 1e-3 pixel, same size. */
bool sal_grid_equal(const sal_grid *a, const sal_grid *b);
/* Whether two texts (WKT or "EPSG:32650") mean the same CRS. */
bool sal_grid_same_crs(const char *wkt_a, const char *wkt_b);
/* A grid from scratch; crs is WKT or "EPSG:32650". ARGUMENT when the CRS is unknown or the size is not positive. */
sal_status sal_grid_from_crs(sal_context *ctx, const char *crs, int64_t columns, int64_t rows, double x0, double y0,
                             double pixel, sal_grid *out);
/* Column and row (fractions, pixel centre at .5) of a point in the grid's CRS. */
void sal_grid_locate(const sal_grid *grid, double x, double y, double *column, double *row);

typedef struct sal_raster sal_raster;

/* Opens for reading. IO when GDAL cannot; DATA when rotated, not north-up, without CRS, not square or without bands
 * (one sentence each). A trailing alpha band is used as a mask and not counted. */
sal_status sal_raster_open(sal_context *ctx, const char *path, sal_raster **out);
void sal_raster_free(sal_raster *raster);
const char *sal_raster_path(const sal_raster *raster);
const sal_grid *sal_raster_grid(const sal_raster *raster);
int64_t sal_raster_band_count(const sal_raster *raster);
const char *sal_raster_band_name(const sal_raster *raster,
                                 int64_t band); /* description, "" when none; bands count from 0 */
const char *sal_raster_band_unit(const sal_raster *raster, int64_t band);
/* What is stored in a band: whole numbers or not, and what the file declares of them. */
typedef struct sal_band_info {
    bool whole, has_nodata;
    double nodata, scale, offset; /* scale 1 and offset 0 when the file declares none */
} sal_band_info;
sal_band_info sal_raster_band_info(const sal_raster *raster, int64_t band);
/* Centre wavelength in nm from the metadata of a band (items wavelength and wavelength_units, as ENVI headers and GDAL's
 * IMAGERY domain have them), NaN when there is none or the band is marked as bad (bbl = 0). */
double sal_raster_band_wavelength_nm(const sal_raster *raster, int64_t band);
/* Metres in one unit of height, by the unit of the band or else of the vertical CRS: 1 when neither tells, NaN when the
 * unit is not known. */
double sal_raster_height_metres(const sal_raster *raster, int64_t band);
/* Makes reads of a band give factor times as much: for heights in feet. */
void sal_raster_multiply(sal_raster *raster, int64_t band, double factor);
/* Whether the values are codes of classes: integers with a colour table or category names. No mean of them makes sense. */
bool sal_raster_band_is_classes(const sal_raster *raster, int64_t band);
/* Item of a metadata domain (NULL domain = default); NULL when absent. Domain SALINA is also found where only its copy
 * in the default domain is left, as after gdal_translate. */
const char *sal_raster_metadata(const sal_raster *raster, const char *domain, const char *key);
/* Reads n bands of a window; column and row may lie outside. out: (rows, columns, n), pixel-interleaved, NaN where
 * invalid. IO when the file is damaged or cut, with the rows and columns. */
sal_status sal_raster_read(sal_raster *raster, const int64_t *bands, int64_t n, int64_t column, int64_t row,
                           int64_t columns, int64_t rows, float *out);
/* Size of the blocks in which the file is stored: reads along their edges decode nothing twice. */
void sal_raster_block_size(const sal_raster *raster, int64_t *columns, int64_t *rows);
/* Gives back the memory of blocks that GDAL keeps for reading them again. */
void sal_raster_forget(sal_raster *raster);
/* Bounds the blocks that GDAL keeps of all open rasters, those to be written included: what was not used for longest goes. IO when a
 * block cannot be written. */
sal_status sal_raster_bound_cache(sal_context *ctx, int64_t bytes);

typedef enum sal_raster_type {
    SAL_RASTER_FLOAT32 = 1,
    SAL_RASTER_INT16 = 2,
    SAL_RASTER_UINT8 = 3,
    SAL_RASTER_UINT16 = 4
} sal_raster_type;

/* How viewers show a band of a picture: as one of three colours. */
typedef enum sal_band_colour {
    SAL_COLOUR_NONE = 0,
    SAL_COLOUR_RED = 1,
    SAL_COLOUR_GREEN = 2,
    SAL_COLOUR_BLUE = 3
} sal_band_colour;

typedef struct sal_band_spec {
    const char *name;       /* band description */
    const char *unit;       /* NULL when none */
    double scale, offset;   /* physical = stored * scale + offset; scale 0 means 1 */
    sal_band_colour colour; /* where any band has one, the others are marked as undefined */
} sal_band_spec;

typedef struct sal_raster_spec {
    const sal_grid *grid;
    sal_raster_type type;
    const sal_band_spec *bands;
    int64_t band_count;
    double nodata;               /* stored value; NaN for floats */
    const char *const *metadata; /* "KEY=VALUE" texts of domain SALINA, NULL at the end; NULL when none */
    const char *const *options;  /* GDAL creation options that override ours, NULL at the end; NULL when none */
    bool overviews;              /* build average overviews (nearest for UINT8) and band statistics when closing */
} sal_raster_spec;

typedef struct sal_raster_writer sal_raster_writer;

/* Starts a GeoTIFF (tiled 512, or 256 when it is no larger; DEFLATE with predictor, BIGTIFF if safer) under a
 * temporary name beside `path`. The option "FORMAT=COG" makes the commit turn it into a cloud-optimised GeoTIFF; the
 * other options then go to GDAL's COG driver. An integer raster with nodata NaN has no nodata value. IO when the
 * folder is missing, read-only or full. */
sal_status sal_raster_writer_new(sal_context *ctx, const char *path, const sal_raster_spec *spec,
                                 sal_raster_writer **out);
/* Writes a window inside the grid. values: (rows, columns, band_count) physical; NaN and infinities become nodata (0
 * in an integer raster without); integers are rounded and clamped, and a measured INT16 or UINT16 value never becomes
 * nodata. Any order of windows will do; windows that end on block edges are fastest, because each block is then
 * compressed once and soon leaves memory. */
sal_status sal_raster_writer_write(sal_raster_writer *writer, int64_t column, int64_t row, int64_t columns,
                                   int64_t rows, const float *values);
/* Adds or replaces metadata before closing. */
sal_status sal_raster_writer_set_metadata(sal_raster_writer *writer, const char *key, const char *value);
/* Overviews, statistics (exact, so independent of the order of windows), flush, rename into place. A full disk is
 * reported here at the latest. Reports progress from 0 to 1 in the current span (sal_progress_push) and can be
 * cancelled. */
sal_status sal_raster_writer_commit(sal_raster_writer *writer);
/* Deletes the temporary file when not committed. NULL is allowed. */
void sal_raster_writer_free(sal_raster_writer *writer);

/* Shows every band of `path` on `grid` by GDAL's warper, block by block as it is read, without a file. The source may
 * lie in any CRS, rotated or south-up. method: "nearest", "bilinear", "cubic", "average". Names, units, scale and
 * offset are those of the source; nodata, masks and alpha stay out of every average. IO when it cannot be opened, DATA
 * when it has no CRS or geotransform, ARGUMENT for another method. */
sal_status sal_raster_open_warped(sal_context *ctx, const char *path, const sal_grid *grid, const char *method,
                                  sal_raster **out);
/* The same for n chosen bands (from 0), in that order: cheaper when a file has many. */
sal_status sal_raster_open_warped_bands(sal_context *ctx, const char *path, const int64_t *bands, int64_t n,
                                        const sal_grid *grid, const char *method, sal_raster **out);

/* How a file is looked at. */
typedef struct sal_raster_view {
    const int64_t *bands; /* from 0; NULL: all of them */
    int64_t band_count;
    const double *invalid; /* stored values that are no measurement, besides the file's own nodata; NULL when none */
    int64_t invalid_count;
    const sal_grid *grid; /* NULL: as it lies, and then it obeys the rules of sal_raster_open */
    const char *method;   /* as above; not looked at without a grid */
} sal_raster_view;
/* Bytes that GDAL may keep of all that is looked at through views. */
#define SAL_RASTER_VIEW_CACHE (224ll << 20)
/* Both above and more: invalid values become NaN and keep out of every average and interpolation. */
sal_status sal_raster_open_view(sal_context *ctx, const char *path, const sal_raster_view *view, sal_raster **out);

/* Where a raster lies in the CRS of a grid: bounds {xmin, ymin, xmax, ymax} and the pixel size it would have there.
 * Rotated rasters and rasters in degrees too. IO when it cannot be opened, DATA when it cannot be placed. */
sal_status sal_raster_place(sal_context *ctx, const char *path, const sal_grid *grid, double bounds[4], double *pixel);

#endif
