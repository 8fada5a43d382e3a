/* band_month.c - months from CF times, band descriptions and metadata. GDAL gives the time of a NetCDF band as a bare number
 * (NETCDF_DIM_time) and its unit apart (time#units); models of the climate count in years of 365 or 360 days.
 */
#include "band_month.h"
#include "date.h"
#include "raster_private.h"
#include <cpl_conv.h>
#include <cpl_string.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int64_t sal_month_parse(const char *text)
{
    char date[11];
    int year, month;
    if (!text) return -1;
    if (sal_date_parse(text, date) && sscanf(date, "%4d-%2d", &year, &month) == 2) return (int64_t)year * 12 + month - 1;
    if (strlen(text) != 6 || strspn(text, "0123456789") != 6 || sscanf(text, "%4d%2d", &year, &month) != 2) return -1;
    return year >= 1800 && year <= 2200 && month >= 1 && month <= 12 ? (int64_t)year * 12 + month - 1 : -1;
}

void sal_month_text(int64_t month, char out[8])
{
    char whole[40];
    snprintf(whole, sizeof whole, "%04d-%02d", (int)(month / 12 % 10000), (int)(month % 12) + 1);
    memcpy(out, whole, 7);
    out[7] = 0;
}

/* Days since 1970-01-01 and back, after Hinnant's civil calendar algorithm (proleptic Gregorian); times may count from the year 1. */
static int64_t days_of(int64_t year, int month, int day)
{
    const int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t month_of_days(int64_t days)
{
    const int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, day = z - era * 146097,
                  of_era = (day - day / 1460 + day / 36524 - day / 146096) / 365,
                  of_year = day - (365 * of_era + of_era / 4 - of_era / 100), shifted = (5 * of_year + 2) / 153;
    const int64_t month = shifted < 10 ? shifted + 2 : shifted - 10;
    return (of_era + era * 400 + (month <= 1)) * 12 + month;
}

static const int before_month[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };

/* Years of 365 or 360 days. */
static int64_t month_of_even_years(int year, int month, int day, double days, int length)
{
    const double begin = length == 365 ? before_month[month - 1] + day - 1 : 30 * (month - 1) + day - 1;
    const double all = floor(begin + days), years = floor(all / length);
    const int of_year = (int)(all - years * length);
    int m = length == 360 ? of_year / 30 : 11;
    while (length == 365 && before_month[m] > of_year) m--;
    return ((int64_t)years + year) * 12 + m;
}

int64_t sal_month_since(const char *units, const char *calendar, double value)
{
    char unit[16], date[16];
    int year, month, day;
    if (!units || sscanf(units, "%15s since %15[0-9-]", unit, date) != 2 || sscanf(date, "%d-%d-%d", &year, &month, &day) != 3) return -1;
    if (month < 1 || month > 12 || day < 1 || day > 31 || !(fabs(value) < 1e12)) return -1;
    if (!strncasecmp(unit, "month", 5)) return (int64_t)year * 12 + month - 1 + (int64_t)floor(value);
    const double days = !strncasecmp(unit, "day", 3)      ? value
                        : !strncasecmp(unit, "hour", 4)   ? value / 24
                        : !strncasecmp(unit, "minute", 6) ? value / 1440
                        : !strncasecmp(unit, "second", 6) ? value / 86400
                                                          : NAN;
    if (isnan(days)) return -1;
    if (calendar && (!strcasecmp(calendar, "noleap") || !strcasecmp(calendar, "365_day")))
        return month_of_even_years(year, month, day, days, 365);
    if (calendar && !strcasecmp(calendar, "360_day")) return month_of_even_years(year, month, day, days, 360);
    if (calendar && calendar[0] && strcasecmp(calendar, "standard") && strcasecmp(calendar, "gregorian") &&
        strcasecmp(calendar, "proleptic_gregorian"))
        return -1;
    return month_of_days(days_of(year, month, day) + (int64_t)floor(days));
}

/* The longest end of a text that is a month: "pr_2010-01", "tmax 20100115". */
static int64_t month_at_end(const char *text)
{
    for (const char *c = text; *c; c++) {
        const bool begins = isdigit((unsigned char)*c) && (c == text || !isdigit((unsigned char)c[-1]));
        const int64_t month = begins ? sal_month_parse(c) : -1;
        if (month >= 0) return month;
    }
    return -1;
}

static int64_t month_of_band(GDALDatasetH dataset, GDALRasterBandH band)
{
    const char *time = GDALGetMetadataItem(band, "NETCDF_DIM_time", NULL);
    int64_t month = -1;
    if (time)
        month = sal_month_since(GDALGetMetadataItem(dataset, "time#units", NULL), GDALGetMetadataItem(dataset, "time#calendar", NULL),
                                CPLAtof(time));
    if (month < 0) month = month_at_end(GDALGetDescription(band));
    if (month < 0) month = sal_month_parse(GDALGetMetadataItem(band, "DATE", NULL));
    if (month < 0) month = sal_month_parse(GDALGetMetadataItem(band, "ACQUISITIONDATE", NULL));
    return month;
}

void sal_raster_band_months(const sal_raster *raster, int64_t *months)
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    for (int64_t b = 0; b < raster->band_count; b++)
        months[b] = month_of_band(raster->dataset, GDALGetRasterBand(raster->dataset, (int)b + 1));
    sal__gdal_leave(&gdal);
}

static bool is_dated(const char *path)
{
    GDALDatasetH part = GDALOpenEx(path, GDAL_OF_RASTER | GDAL_OF_READONLY, NULL, NULL, NULL);
    const bool dated = part && GDALGetRasterCount(part) > 0 && month_of_band(part, GDALGetRasterBand(part, 1)) >= 0;
    if (part) GDALReleaseDataset(part);
    return dated;
}

static sal_status list_parts(sal_arena *arena, const char *path, GDALDatasetH dataset, sal_raster_part **parts, int64_t *n)
{
    sal_status status;
    char **names = GDALGetMetadata(dataset, "SUBDATASETS");
    const bool single = GDALGetRasterCount(dataset) > 0;
    *n = single ? 1 : CSLCount(names) / 2;
    SAL_TRY(sal_arena_allocate(arena, *n, sizeof **parts, parts));
    for (int64_t i = 0; i < *n; i++) {
        char key[40];
        snprintf(key, sizeof key, "SUBDATASET_%d_NAME", (int)i + 1);
        const char *name = single ? path : CSLFetchNameValueDef(names, key, ""), *colon = strrchr(name, ':');
        const char *variable = single ? GDALGetMetadataItem(GDALGetRasterBand(dataset, 1), "NETCDF_VARNAME", NULL) : colon ? colon + 1 : "";
        SAL_TRY(sal_arena_text(arena, name, &(*parts)[i].path));
        SAL_TRY(sal_arena_text(arena, variable ? variable : "", &(*parts)[i].variable));
        (*parts)[i].dated = is_dated(name);
    }
done:
    return status;
}

sal_status sal_raster_parts(sal_context *ctx, const char *path, sal_arena *arena, sal_raster_part **parts, int64_t *n)
{
    sal__gdal gdal;
    GDALDatasetH dataset = NULL;
    sal__gdal_enter(&gdal);
    sal_status status = sal__dataset_open(ctx, &gdal, path, &dataset);
    if (status == SAL_STATUS_OK) {
        status = list_parts(arena, path, dataset, parts, n);
        GDALReleaseDataset(dataset);
    }
    sal__gdal_leave(&gdal);
    return status;
}
