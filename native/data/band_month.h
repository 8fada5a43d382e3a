/* band_month.h - the months of the bands of a raster series, as NetCDF files and stacks of dated GeoTIFF bands tell them.
 */
#ifndef SAL_DATA_BAND_MONTH_H
#define SAL_DATA_BAND_MONTH_H

#include "raster.h"

/* Months are counted from the year 0: year * 12 + month - 1. -1 for a text that is no month: YYYY-MM, YYYYMM or a date. */
int64_t sal_month_parse(const char *text);
/* "2010-01". */
void sal_month_text(int64_t month, char out[8]);
/* Month of `value` units behind a date, as in "days since 1900-01-01" with a calendar of CF ("" for the standard one); -1 when units or
 * calendar are not understood. */
int64_t sal_month_since(const char *units, const char *calendar, double value);

/* Month of every band: its time in NetCDF, else its description, which ends in a month ("pr_2010-01"), else its metadata item DATE or
 * ACQUISITIONDATE; months: (band count), -1 where nothing tells. */
void sal_raster_band_months(const sal_raster *raster, int64_t *months);

typedef struct sal_raster_part {
    char *path, *variable; /* variable: name in NetCDF, "" when nothing tells */
    bool dated;            /* whether its first band has a month; what has none need not even have a CRS */
} sal_raster_part;

/* The rasters a file holds, itself or its subdatasets; texts and array lie in the arena. IO when it cannot be opened. */
sal_status sal_raster_parts(sal_context *ctx, const char *path, sal_arena *arena, sal_raster_part **parts, int64_t *n);

#endif
