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

sal_status sal__climate_new(sal_context *ctx, const char *path, sal_climate **out);
/* Index of a variable, added when new. */
sal_status sal__climate_variable(sal_climate *climate, const char *name, int64_t *index);

#endif
