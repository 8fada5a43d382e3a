/* phenology.h - the season of every pixel from a series of an index: a smoothed curve, then SOS, GUS, SDPS and relatives.
 *
 * Seasons by relative thresholds of the left amplitude (TIMESAT, Jonsson and Eklundh 2004, doi 10.1016/j.cageo.2004.05.006). The
 * curve lives on nodes `step` days apart; an observation between two nodes counts for both, so that no date is rounded.
 */
#ifndef SAL_FEATURES_PHENOLOGY_H
#define SAL_FEATURES_PHENOLOGY_H

#include "base/base.h"

/* A row of native/features/phenology.def. */
typedef struct sal_phenology {
    const char *id, *unit, *help;
    double low, high;
} sal_phenology;

int64_t sal_phenology_count(void);
const sal_phenology *sal_phenology_at(int64_t i);
/* Row number of an id, -1 when there is none. */
int64_t sal_phenology_find(const char *id);

typedef enum sal_smoother {
    SAL_SMOOTHER_WHITTAKER = 1,      /* Eilers 2003, upper envelope, lambda by the V-curve */
    SAL_SMOOTHER_SAVITZKY_GOLAY = 2, /* Chen et al. 2004, iterated to the upper envelope */
    SAL_SMOOTHER_DOUBLE_LOGISTIC = 3 /* Beck et al. 2006, fitted to the season that Whittaker's curve shows */
} sal_smoother;

typedef enum sal_season_choice {
    SAL_SEASON_MAIN = 1, /* the first whose peak reaches three quarters of the range of the highest */
    SAL_SEASON_FIRST = 2,
    SAL_SEASON_SECOND = 3
} sal_season_choice;

typedef enum sal_season_quality {
    SAL_SEASON_FOUND = 0,
    SAL_SEASON_FEW = 1,   /* observations */
    SAL_SEASON_FLAT = 2,  /* left amplitude below min_amplitude */
    SAL_SEASON_EDGE = 3,  /* the peak is the first or last node that observations reach */
    SAL_SEASON_ABSENT = 4, /* fewer seasons than asked for */
    SAL_SEASON_GAP = 5     /* found, but a gap of more than max_gap days may hide another or move its days */
} sal_season_quality;

typedef struct sal_phenology_options {
    sal_smoother smoother;
    sal_season_choice season;
    double step;   /* days between nodes */
    double lambda; /* of Whittaker for nodes one day apart; 0: by the V-curve, for each pixel */
    double
        envelope; /* Whittaker's weight of an observation above the curve, 1 - envelope below; .5: both alike, 0: all weights 1 */
    double floor;                   /* values of a pixel below this quantile are raised to it */
    double sos, sdps, gus[2], eos;  /* thresholds, shares of the amplitude */
    double max_gap; /* days without observation, before SDPS, that a good season may have */
    double min_amplitude, contrast; /* index units; contrast: a fall and rise that parts two seasons */
    int64_t min_observations;
    int64_t year_begin, year_days; /* days since 1970 of 1 January, days of that year: peaks lie in it */
} sal_phenology_options;

/* Whittaker, V-curve, nodes 5 days apart, main season; the year is left to the caller. */
sal_phenology_options sal_phenology_defaults(void);

typedef struct sal_season {
    double sos, gus, sdps, peak, peak_day, eos, length, amplitude, observations, rmse, gap, quality;
} sal_season;

typedef struct sal_phenology_plan sal_phenology_plan;

/* Lays out the nodes for n distinct ascending dates (days since 1970) and the buffers of every worker. ARGUMENT when options
 * contradict each other, MEMORY. */
sal_status sal_phenology_plan_new(sal_context *ctx, const sal_phenology_options *options, const int64_t *dates,
                                  int64_t n, sal_phenology_plan **out);
void sal_phenology_plan_free(sal_phenology_plan *plan);
/* Bytes of the buffers of a plan whose dates run from `first` to `last`. */
int64_t sal_phenology_bytes(const sal_phenology_options *options, int64_t first, int64_t last, int64_t n,
                            int32_t workers);

/* Seasons of pixels: values (dates, stride) of which the first `pixels` of every date are taken, NaN where missing; which: n rows of the
 * table; out (pixels, n), NaN where there is no season; quality (pixels), sal_season_quality, or NULL. The same bits for any cut into
 * blocks and any thread count. Cannot fail. */
void sal_phenology_compute(sal_context *ctx, const sal_phenology_plan *plan, const float *values, int64_t stride,
                           int64_t pixels, const int64_t *which, int64_t n, float *out, float *quality);

/* The smoothed curve of one pixel: values (dates), curve (nodes) with NaN before the first and after the last observation, days
 * (nodes) since 1970 of the nodes; any may be NULL but values and season. For figures and tests. */
int64_t sal_phenology_nodes(const sal_phenology_plan *plan);
void sal_phenology_curve(const sal_phenology_plan *plan, const float *values, double *days, double *curve,
                         sal_season *season);

#endif
