/* series_private.h - the files of a series (private to series*.c).
 */
#ifndef SAL_FEATURES_SERIES_PRIVATE_H
#define SAL_FEATURES_SERIES_PRIVATE_H

#include "features/indices.h"
#include "features/series.h"
#include "features/stack_build.h"

enum { SAL__SERIES_GROUP = 16 }; /* bands read at once */

/* Which values of a mask band leave a pixel out. */
typedef struct sal__mask {
    const char *band;  /* description, any case */
    bool flags;        /* bits of the value, or the value itself as a class */
    uint32_t drop;     /* bits: flags or classes */
    const char *words; /* for the log */
} sal__mask;

/* One band of a look whose bands are files of their own; texts lie in the arena of the reader. */
typedef struct sal__series_part {
    const char *path;
    double scale, offset; /* reflectance = read value * scale + offset */
    double invalid[SAL_SOURCE_INVALID];
    int64_t invalid_count;
    bool certain; /* the numbers are those of a product */
    sal_raster *raster;
    int64_t slot, shift_x, shift_y;
} sal__series_part;

typedef struct sal__series_file {
    char *path; /* of a product as the user gave it; of band files, the first */
    char tile[16];
    const char *archive;     /* of a product in one; "" otherwise */
    sal__series_part *parts; /* (band_count), NULL where all bands lie in `path` */
    bool product;
    const char *mask_path; /* NULL where the mask is a band of `path` */
    bool scene; /* bands are the roles of the index, else every band is a date of the index itself */
    int64_t band_count;
    int64_t *bands;                 /* (band_count) of the file */
    int64_t *days;                  /* (band_count), one for a scene: days since 1970 */
    int64_t *dates;                 /* (band_count): place in the dates of the series */
    sal_role roles[SAL_ROLE_COUNT]; /* (band_count) of a scene */
    const sal__mask *mask;
    int64_t mask_band, mask_slot, mask_shift_x, mask_shift_y;
    sal_raster *raster, *mask_raster; /* mask_raster is `raster` where it is not warped */
    int64_t *slots, shift_x, shift_y;
} sal__series_file;

enum { SAL__SEASON_CODES = SAL_SEASON_GAP + 1 };

/* A quality band in a file of its own, before the look it belongs to is known. */
typedef struct sal__series_quality {
    const char *path;
    const sal__mask *mask;
    int64_t day;
    char tile[16];
} sal__series_quality;

struct sal_series {
    sal_context *ctx;
    sal_build *reader; /* for the readers of products: arena, scale and offset */
    sal__series_quality *qualities;
    int64_t quality_count, needless; /* needless: band files that the index has no use for */
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
/* An empty look at the end of the list, with room for so many bands. (series_file.c) */
sal_status sal__series_append(sal_series *series, const char *path, int64_t room, sal__series_file **out);
/* Day of a band of a raster; DATA when nothing tells. (series_file.c) */
sal_status sal__series_day(const sal_series *series, const sal_raster *raster, int64_t band, int64_t *day);
/* The rule of a quality band by its name, NULL when it is none. (series_file.c) */
const sal__mask *sal__series_mask(const char *band);
/* Products, folders, files with a band each and quality bands of their own; other rasters by sal__series_add. (series_parts.c) */
sal_status sal__series_take(sal_series *series, const char *path);
/* Joins quality bands to their looks and checks that no look lacks a band. (series_parts.c) */
sal_status sal__series_join(sal_series *series);
/* Opens the bands of a look on the grid, and the mask of any look that has it in another file. (series_parts.c) */
sal_status sal__series_open_parts(sal_series *series, sal__series_file *file, const sal_grid *grid);
sal_status sal__series_open_mask(sal_series *series, sal__series_file *file, const sal_grid *grid);

#endif
