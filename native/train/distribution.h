/* distribution.h - scores of whole predictive distributions, made of conformal intervals at every level: the limits at
 * coverage c stand for the quantiles (1 - c) / 2 and (1 + c) / 2 and the centre for the median (conformal predictive
 * distributions, Vovk et al. 2019, by levels).
 *
 * What this approximates: the distribution function is a straight line between these 15 quantiles, and the half per cent
 * beyond each of the outermost two is taken to lie at them. A conformal interval need not have equal tails; QCP shows it.
 */
#ifndef SAL_TRAIN_DISTRIBUTION_H
#define SAL_TRAIN_DISTRIBUTION_H

#include "train/conformal.h"

enum { SAL_DISTRIBUTION_QUANTILES = 2 * SAL_CONFORMAL_LEVELS + 1, SAL_PIT_BINS = 10 };

/* The share below quantile k: 0.005 0.025 0.05 0.1 0.15 0.2 0.25 0.5 0.75 .. 0.995. */
double sal_distribution_share(int32_t k);
/* Where the limits of conformal level i belong among the quantiles. */
static inline int32_t sal_distribution_lower(int32_t level) { return SAL_CONFORMAL_LEVELS - 1 - level; }
static inline int32_t sal_distribution_upper(int32_t level) { return SAL_CONFORMAL_LEVELS + 1 + level; }

/* q: (SAL_DISTRIBUTION_QUANTILES) rising. F(y), in the middle of its jump where quantiles are equal; beyond the outermost
 * quantiles the middle of what lies there, 0.0025 and 0.9975. */
double sal_distribution_pit(const double *q, double y);
/* Integral of (F(x) - [x >= y])^2 (Matheson and Winkler 1976), in the unit of y, exact for this F. */
double sal_distribution_crps(const double *q, double y);

typedef struct sal_distribution_scores {
    int64_t n; /* all that follows is NaN where it is 0 */
    double crps, picp, interval_score; /* means; the latter two of the 90 % interval */
    double qcp[SAL_DISTRIBUTION_QUANTILES]; /* share of observations at or below the quantile */
    double pit_mean, pit_sd;                /* 0.5 and 0.289 when flat; sd (n - 1) */
    double pit[SAL_PIT_BINS];               /* share of samples by tenths */
} sal_distribution_scores;

/* PIT of n samples, quantiles (n, SAL_DISTRIBUTION_QUANTILES). DATA where an observation or quantile is not finite or
 * quantiles fall. */
sal_status sal_distribution_pits(sal_context *ctx, int64_t n, const double *observed, const double *quantiles, double *pit);
/* Scores of the samples with group[i] == which (all where group is NULL); pit as above. */
void sal_distribution_evaluate(int64_t n, const double *observed, const double *quantiles, const double *pit, const int32_t *group, int32_t which,
                               sal_distribution_scores *out);

#endif
