/* series_private.h - the files of a series (private to series*.c).
 */
#ifndef SAL_FEATURES_SERIES_PRIVATE_H
#define SAL_FEATURES_SERIES_PRIVATE_H

#include "features/indices.h"
#include "features/series.h"

enum { SAL__SERIES_GROUP = 16 }; /* bands read at once */

/* Which values of a mask band leave a pixel out. */
typedef struct sal__mask {
    const char *band;  /* description, any case */
    bool flags;        /* bits of the value, or the value itself as a class */
    uint32_t drop;     /* bits: flags or classes */
    const char *words; /* for the log */
} sal__mask;

typedef struct sal__series_file {
    char *path;
    bool scene; /* bands are the roles of the index, else every band is a date of the index itself */
    int64_t band_count;
    int64_t *bands;                 /* (band_count) of the file */
    int64_t *days;                  /* (band_count), one for a scene: days since 1970 */
    int64_t *dates;                 /* (band_count): place in the dates of the series */
    sal_role roles[SAL_ROLE_COUNT]; /* (band_count) of a scene */
    const sal__mask *mask;
    int64_t mask_band, mask_slot;
    sal_raster *raster, *mask_raster; /* mask_raster is `raster` where it is not warped */
    int64_t *slots, shift_x, shift_y;
} sal__series_file;

enum { SAL__SEASON_CODES = SAL_SEASON_GAP + 1 };

struct sal_series {
    sal_context *ctx;
    char *index_id;
    int64_t index; /* row of the index table */
    double low, high, scale, offset;
    sal__series_file *files;
    int64_t file_count;
    int64_t *dates;                   /* (date_count) distinct, ascending */
    int64_t date_count, year, shared; /* shared: dates with several bands */
    sal_phenology_plan *plan;
    sal_phenology_options options;
    int64_t seen[SAL__SEASON_CODES]; /* pixels by quality */
    float *values, *scratch, *plane, *quality;
    uint8_t *looks; /* (dates, pixels), NULL where no date is shared */
    int64_t grid_pixels;
    int64_t room; /* pixels that the buffers hold */
};

/* Finds what a file holds and appends it to the series. (series_file.c) */
sal_status sal__series_add(sal_series *series, const char *path);

#endif
