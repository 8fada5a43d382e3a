/* climate_private.h - private to climate: a table in memory, or the rasters of every variable and month. */
#ifndef SAL_FEATURES_CLIMATE_PRIVATE_H
#define SAL_FEATURES_CLIMATE_PRIVATE_H

#include "data/band_month.h"
#include "features/climate.h"

enum { SAL__MONTHS_MOST = 6000 }; /* 500 years: more is a date misread */

/* One band of one raster. */
typedef struct sal__climate_band {
    int64_t raster, band, variable, month;
} sal__climate_band;

struct sal_climate {
    sal_context *ctx;
    sal_arena *arena;
    char *path; /* of the table, or of the first raster */
    char **variables;
    int64_t variable_count, first_month, months;
    /* table */
    char **ids;      /* (sites), in arena */
    int64_t *slots;  /* hash table of sites + 1, 0 for empty */
    int64_t sites, slot_count;
    float *values;   /* (sites, months, variables) */
    /* rasters */
    sal_raster **rasters;
    int64_t raster_count, band_count;
    sal__climate_band *bands;
};

/* Cells of the climate's own grid, kept in memory. */
typedef struct sal__climate_box {
    int64_t column, row, columns, rows;
    float *values; /* (layers, rows, columns) */
} sal__climate_box;

/* Value at a position in cells (centre at .5) of the whole raster, from one layer of the box, which holds the cells around it: NaN where
 * the cell itself has none. (climate_raster.c) */
float sal__climate_interpolate(const sal__climate_box *box, const float *layer, double u, double v);
/* Positions, in cells of `own`, of the pixel centres of a window of `grid`; the same for any cut into windows. (climate_raster.c) */
sal_status sal__climate_positions(sal_context *ctx, const sal_grid *own, const sal_grid *grid, int64_t column, int64_t row, int64_t columns,
                                  int64_t rows, double *u, double *v);
/* Row of climate.def for a variable's name, or for the last word of it ("TerraClimate_ppt"); NULL when it is not known. (climate_names.c) */
typedef struct sal__climate_kind {
    const char *names, *unit;
    bool amount; /* of a month, so that a year has their sum; else a state, whose mean it has */
} sal__climate_kind;
const sal__climate_kind *sal__climate_kind_of(const char *variable);
/* Covariate id of a variable and an ending: PPT_YEAR. (climate_names.c) */
void sal__climate_name(const char *variable, const char *ending, char id[64]);

sal_status sal__climate_new(sal_context *ctx, const char *path, sal_climate **out);
/* Index of a variable, added when new. */
sal_status sal__climate_variable(sal_climate *climate, const char *name, int64_t *index);

#endif
