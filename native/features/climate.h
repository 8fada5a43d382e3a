/* climate.h - monthly climate series from tables or rasters, at samples and on the grid, for networks with a climate branch.
 *
 * Months are regular: from the first month of the source to its last, NaN where the source has no value.
 */
#ifndef SAL_FEATURES_CLIMATE_H
#define SAL_FEATURES_CLIMATE_H

#include "data/raster.h"
#include "data/table.h"

typedef struct sal_climate sal_climate;

/* How a table is laid out. Long: a row for each site and month, a column for each variable (date set, variable NULL). Wide: a row for
 * each site and variable, columns named by months such as 2010-01, 201001 or 20100101 (variable set, date NULL). */
typedef struct sal_climate_fields {
    const char *id, *date, *variable;
    const char *const *variables; /* which to take, in this order; NULL for all in the order of the table */
    int64_t variable_count;
    double missing; /* what stands for no value, such as -999; NaN for nothing but empty fields */
} sal_climate_fields;

/* Reads a table (CSV or any OGR layer) into memory. DATA, with the name of what is wrong: no such column, no month, a value that is no
 * number, two different values of one site, variable and month, more than 6000 months. */
sal_status sal_climate_open_table(sal_context *ctx, const char *path, const sal_climate_fields *fields, sal_climate **out);

/* Opens n files whose bands are months: NetCDF as TerraClimate delivers it (all variables with a time, a file a year or one for
 * all), or GeoTIFF with dated bands; all in one grid. names[i] is the variable of file i and may be NULL: then the NetCDF name, or the
 * file name without extension and year. DATA: a band without date, two bands of one variable and month, grids that differ. */
sal_status sal_climate_open_rasters(sal_context *ctx, const char *const *paths, const char *const *names, int64_t n, sal_climate **out);
void sal_climate_free(sal_climate *climate);

int64_t sal_climate_variables(const sal_climate *climate);
const char *sal_climate_variable(const sal_climate *climate, int64_t i);
int64_t sal_climate_months(const sal_climate *climate);
void sal_climate_month(const sal_climate *climate, int64_t i, char out[8]); /* "2010-01" */

/* Series of sites of a table by their ids, never by order. out: (n, months, variables). DATA when ids are missing in the table: how
 * many, and the first. */
sal_status sal_climate_by_id(const sal_climate *climate, const char *const *ids, int64_t n, float *out);
/* Whether a column says where sites are: lon, lat, longitude, latitude, x, y. (climate_nearest.c) */
bool sal_climate_is_place(const char *column);
/* Whether a table has columns lon and lat (longitude, latitude) or x and y. (climate_nearest.c) */
bool sal_climate_table_has_places(const sal_table *table);
/* For each of n points in the CRS `wkt` the id of the nearest site of a table with such columns: lon and lat in degrees, x and y in the CRS of the
 * points. ids (n) owned by the arena; *farthest: the longest of the distances, m or units of the CRS. DATA: a row without coordinates. */
sal_status sal_climate_nearest(sal_context *ctx, sal_arena *arena, const char *path, const char *id, const char *wkt, int64_t n, const double *x,
                               const double *y, const char **ids, double *farthest);
/* Series of a raster at points of a CRS, bilinear between the centres of cells; cells without value do not count, and a point whose
 * own cell has none is NaN. out: (n, months, variables). */
sal_status sal_climate_at_points(sal_climate *climate, const char *wkt, int64_t n, const double *x, const double *y, float *out);
/* The same for the pixel centres of a window of a grid; positions are transformed every 16 pixels and interpolated between, from
 * the grid's corner, so that blocks do not change values. out: (rows, columns, months, variables). */
sal_status sal_climate_on_grid(sal_climate *climate, const sal_grid *grid, int64_t column, int64_t row, int64_t columns, int64_t rows,
                               float *out);

/* ---- summaries, for stacks (climate_cells.c) ---- */

/* Unit of a variable: that of its bands, else the usual one of its name, "" when neither tells. */
const char *sal_climate_unit(const sal_climate *climate, int64_t i);

typedef struct sal_climate_cells sal_climate_cells;

/* What to make of the months of every variable, first in the climate's own cells: statistics are words of `year` (the sum of the twelve
 * months for amounts such as rain, their mean for states such as temperature), `mean`, `sum`, `min`, `max`, `range` (of the twelve
 * months), `months` (the twelve months themselves) and `series` (every month). A calendar month is the mean of its years from month
 * `first` to `last` (-1: all). Only the cells under the grid are read. ARGUMENT: a word that is none, more bytes than max_bytes; DATA:
 * the climate lies elsewhere, or has a calendar month in no year. */
sal_status sal_climate_summarise(sal_climate *climate, const sal_grid *grid, const char *const *statistics, int64_t n, int64_t first,
                                 int64_t last, int64_t max_bytes, sal_climate_cells **out);
void sal_climate_cells_free(sal_climate_cells *cells);
int64_t sal_climate_cells_count(const sal_climate_cells *cells);
/* Covariate id such as PPT_YEAR, TMAX_M07 or PPT_2010_01, and its unit. */
const char *sal_climate_cells_id(const sal_climate_cells *cells, int64_t i);
const char *sal_climate_cells_unit(const sal_climate_cells *cells, int64_t i);
int64_t sal_climate_cells_bytes(const sal_climate_cells *cells);
/* Bilinear between cells, as the series themselves. out: (rows, columns, stride) of which the first `count` are written. */
sal_status sal_climate_cells_read(const sal_climate_cells *cells, const sal_grid *grid, int64_t column, int64_t row, int64_t columns,
                                  int64_t rows, float *out, int64_t stride);

#endif
