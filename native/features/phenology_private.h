/* phenology_private.h - what the smoothers and the search for seasons share: eight pixels side by side.
 */
#ifndef SAL_FEATURES_PHENOLOGY_PRIVATE_H
#define SAL_FEATURES_PHENOLOGY_PRIVATE_H

#include "features/clones.h"
#include "features/phenology.h"

enum { SAL__LANES = 8 };

/* Eight pixels of a worker. float64: the system of Whittaker has a condition of 16 lambda / mean weight, beyond float32. */
typedef struct sal__lanes {
    double *y, *seen, *w;                   /* (dates, LANES): value (0 where missing), 1 or 0, weight now */
    double *diagonal, *beside, *side;       /* (nodes + 1, LANES): B'WB and B'Wy, B the hat functions of the nodes */
    double *d, *c, *e;                      /* (nodes, LANES): factors L D L' */
    double *z, *keep, *trial;               /* (nodes, LANES): the curve; more curves for the other smoothers */
    double *curve, *fit;                    /* (nodes + 8): one lane */
    double lambda[SAL__LANES];              /* for nodes `step` apart */
    int64_t count[SAL__LANES];              /* observations */
    int64_t lo[SAL__LANES], hi[SAL__LANES]; /* nodes that observations reach */
} sal__lanes;

struct sal_phenology_plan {
    sal_context *ctx;
    sal_phenology_options o;
    int64_t dates, nodes, workers;
    int64_t *days, *node;   /* (dates): days since 1970; node at or before the date */
    double *part;           /* (dates): share of the way to the next node */
    double *trend, *detail; /* Savitzky-Golay: (width, width) hat matrices */
    int64_t trend_half, detail_half;
    sal__lanes *lanes; /* (workers) */
    double *memory;
};

/* The season that a curve shows and where it lies. */
typedef struct sal__season_place {
    int64_t left, peak, right; /* nodes of the bases and of the peak */
    sal_season_quality quality;
} sal__season_place;

/* day of year of a node, fractions allowed */
static inline double sal__node_day(const sal_phenology_plan *p, double node)
{
    return (double)(p->days[0] - p->o.year_begin + 1) + node * p->o.step;
}

void sal__whittaker(const sal_phenology_plan *plan, sal__lanes *b);      /* (phenology_whittaker.c) */
sal_status sal__savitzky_golay_new(sal_phenology_plan *plan);            /* (phenology_savitzky_golay.c) */
void sal__savitzky_golay(const sal_phenology_plan *plan, sal__lanes *b); /* (phenology_savitzky_golay.c) */
/* Fits the season to the observations of one lane between its bases, replaces b->curve there and moves the peak; FLAT or EDGE when
 * the fitted season is none. (phenology_double_logistic.c) */
sal_season_quality sal__double_logistic(const sal_phenology_plan *plan, sal__lanes *b, int lane,
                                        sal__season_place *place);
/* Which season of the curve over the nodes [lo, hi] is asked for. (phenology_season.c) */
sal__season_place sal__season_locate(const sal_phenology_plan *plan, const double *curve, int64_t lo, int64_t hi);
/* Levels between which thresholds are shares. The highest node of a curve that follows noise lies above its plateau and the lowest below
 * its base, and at the 90 % of SDPS, where the rise has become slow, a few hundredths of the amplitude are a week. So each level comes
 * towards the mean of its stage, by no more than the error of the curve there: a curve without noise keeps its extremes. */
typedef struct sal__season_levels {
    int64_t from[2], to[2]; /* nodes of the base stage and of the peak stage: within a tenth of the amplitude */
    double error[2];        /* root mean square of what observations of the stage lie off the curve */
} sal__season_levels;
/* The nodes of the two stages; the base stage may begin at node `first`. (phenology_season.c) */
void sal__season_stage(const double *curve, const sal__season_place *place, int64_t first, int64_t from[2], int64_t to[2]);
/* Thresholds on the curve. (phenology_season.c) */
void sal__season_measure(const sal_phenology_plan *plan, const double *curve, const sal__season_place *place,
                         const sal__season_levels *levels, sal_season *out);

#endif
