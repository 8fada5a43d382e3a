/* delta.h - the digital delta: a synthetic coastal plain whose soil salinity, and every cause of it, is known.
 *
 * Geography, relief and the causes of salinity stay; a campaign adds its season, its crops and its scene. Everything follows from
 * (seed, size): the same bits for any number of threads. Units: m, g/kg, days of the year. Planes are (size, size), row 0 in the north.
 */
#ifndef SAL_SIMULATE_DELTA_H
#define SAL_SIMULATE_DELTA_H

#include "base/base.h"

#define SAL_DELTA_PIXEL     10.0
#define SAL_DELTA_WEST      640000.0
#define SAL_DELTA_SOUTH     4190000.0 /* lower edge; the delta grows to the north and east with its size */
#define SAL_DELTA_BANDS     10
#define SAL_DELTA_CAMPAIGNS 6
#define SAL_DELTA_DATES     73 /* of an NDVI series: 3 January and every fifth day after */
#define SAL_DELTA_MEAN      0.70 /* eta = MEAN + GAIN * (sum of drivers + season + campaign field) + NUGGET * noise */
#define SAL_DELTA_GAIN      1.15
#define SAL_DELTA_NUGGET    0.10

enum sal_delta_driver {
    SAL_DRIVER_COAST = 0,    /* exp(-distance to coast / 4.5 km) */
    SAL_DRIVER_SEEPAGE = 1,  /* belt 190 m beside canals */
    SAL_DRIVER_LEACHING = 2, /* washed out beside canals and drains */
    SAL_DRIVER_RELIEF = 3,   /* -tanh of the elevation above the 650 m mean */
    SAL_DRIVER_TEXTURE = 4,
    SAL_DRIVER_FIELD = 5,        /* management of the parcel */
    SAL_DRIVER_COAST_RELIEF = 6, /* product of the standardised coast and relief drivers */
    SAL_DRIVER_UNEXPLAINED = 7,
    SAL_DELTA_DRIVERS = 8
};

typedef struct sal_delta_campaign {
    const char *name, *date; /* "2019-07", "2019-07-18" */
    int32_t year, day;       /* day of the year */
    double season;           /* shift of log-salinity before GAIN */
    double dryness;          /* of the surface, 0 to 1 */
    int32_t samples;         /* of 806 */
} sal_delta_campaign;

extern const sal_delta_campaign sal_delta_campaigns[SAL_DELTA_CAMPAIGNS];
extern const char *const sal_delta_driver_names[SAL_DELTA_DRIVERS];
extern const char *const sal_delta_band_names[SAL_DELTA_BANDS];

typedef struct sal_delta {
    sal_context *ctx;
    int64_t size;
    uint64_t seed;
    float *coast, *canal, *drain;                          /* distance, m */
    float *elevation;                                      /* true, m; freed by sal_delta_release_relief */
    float *dem;                                            /* as delivered, m; freed likewise */
    float *relief;                                         /* true elevation minus its 650 m mean, m */
    float *texture, *unexplained, *roughness;              /* standard normal */
    double mean[SAL_DELTA_DRIVERS], sd[SAL_DELTA_DRIVERS]; /* of the raw drivers */
    int32_t campaign;                                      /* of the planes below, -1 before sal_delta_enter */
    float *field;                                          /* regional field of the campaign, standard normal */
    float *salinity;                                       /* 0-20 cm, g/kg: the truth */
    float *surface, *root;                                 /* what the sensor sees: crust and root zone, g/kg */
    float *fertility;                                      /* standard normal */
    float *moisture;                                       /* m3/m3 */
} sal_delta;

/* Bytes needed at most for a delta of this size with this many threads, writing included. */
int64_t sal_delta_memory(int64_t size, int32_t threads);
/* Makes geography, relief and drivers. Free with sal_delta_free. MEMORY or CANCELLED. */
sal_status sal_delta_new(sal_context *ctx, int64_t size, uint64_t seed, sal_delta **out);
void sal_delta_free(sal_delta *delta);
void sal_delta_release_relief(sal_delta *delta);
/* Fills the campaign planes. */
sal_status sal_delta_enter(sal_delta *delta, int32_t campaign);

/* Whether a pixel is open water (a canal or a drain). i = row * size + column, here and below. */
bool sal_delta_is_water(const sal_delta *delta, int64_t i);
/* f_j * GAIN, the additive parts of log-salinity, mean 0 over the delta. */
void sal_delta_contributions(const sal_delta *delta, int64_t i, double out[SAL_DELTA_DRIVERS]);
/* The parts that belong to the entered campaign: out[0] season and regional field, out[1] nugget. */
void sal_delta_campaign_contributions(const sal_delta *delta, int64_t i, double out[2]);
/* S of the latent eta: exp(eta), bent to stay below 41 g/kg. */
double sal_delta_salinity(double eta);

typedef struct sal_delta_point {
    int32_t campaign, column, row;
    double x, y;     /* m, EPSG:32650 */
    double salinity; /* measured: truth times laboratory error, g/kg; set by sal_delta_measure */
    double truth;
    double contributions[SAL_DELTA_DRIVERS], campaign_part,
        nugget; /* eta = MEAN + their sum; set by sal_delta_measure */
} sal_delta_point;

/* Places `count` points, shared out over the first `campaigns` campaigns, in clusters of four within 450 m, on land and no two in one
 * pixel; ordered by campaign. points: room for count. DATA when the delta is too small for them. */
sal_status sal_delta_place(const sal_delta *delta, int64_t campaigns, int64_t count, sal_delta_point *points);
/* Sets salinity, truth and contributions of the points of the entered campaign. */
void sal_delta_measure(const sal_delta *delta, sal_delta_point *points, int64_t count);

/* Reflectance of rows [row, row + rows) of the entered campaign's scene: out (rows, size, BANDS), with point spread and noise.
 * Call with any strip height: the values do not depend on it. */
sal_status sal_delta_scene(const sal_delta *delta, int64_t row, int64_t rows, float *out);

/* The noisy, cloudy NDVI series of the campaign's year: what was seen, out (rows, size, DATES), NaN under clouds; SOS, GUS, SDPS
 * estimated from it, out (rows, size, 3); and the true ones, NaN where NDVI rises by less than .1. */
typedef struct sal_delta_series sal_delta_series;
sal_status sal_delta_series_new(const sal_delta *delta, sal_delta_series **out);
void sal_delta_series_free(sal_delta_series *series);
sal_status sal_delta_phenology(const sal_delta_series *series, int64_t row, int64_t rows, float *out);
sal_status sal_delta_ndvi(const sal_delta_series *series, int64_t row, int64_t rows, float *out);
/* "YYYY-MM-DD" of a day of the year (1 is 1 January), 1901 to 2099. */
void sal_delta_date(int32_t year, int32_t day, char out[16]);
sal_status sal_delta_season(const sal_delta_series *series, int64_t row, int64_t rows, float *out);

#endif
