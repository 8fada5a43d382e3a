/* mean_factor.h - from the centre of log(1 + value), near the median, to the mean of the value: mean = S (1 + centre) - 1.
 *
 * S is the ratio estimator of Snowdon (1991, Can. J. For. Res. 21:720-724) on pooled out-of-fold predictions, S = sum(1 + y) / sum(exp(c)) with c
 * the centre on the log scale, not below 0. Duan's smearing factor (1983, JASA 78:605-610), mean(exp(e)) of the residuals e, is steadier (standard
 * error 0.02-0.03 against 0.03-0.04 on 400 samples) but right only where residuals are spread alike at every value, and ours may widen with
 * salinity. Bias against 3 million true pixels of two demo deltas, in g/kg: centre -0.56 and -0.48, Duan -0.22 and -0.02, ratio -0.03 and +0.10.
 * It is also the mean of exp(e) with weights exp(c): the residual of one sample predicted fresh, which alone may rule Duan's mean, counts little.
 */
#ifndef SAL_TRAIN_MEAN_FACTOR_H
#define SAL_TRAIN_MEAN_FACTOR_H

#include "train/metrics.h"

/* What a centre stands for in the mean, natural scale: S (1 + centre) - 1, not below 0; without the transform the centre itself. */
double sal_mean_of_centre(double factor, bool log1p, double centre);

typedef struct sal_mean_scores {
    double factor;                  /* S of all samples; 1 without log1p, > 0 */
    double metrics[SAL_METRIC_COUNT]; /* of the mean estimate; each fold by the factor of the other folds, or the bias would be 0 by construction */
} sal_mean_scores;

/* observed: (n) natural scale; centre: (n) out-of-fold, on the scale of the network; fold: (n) 0 .. folds - 1. */
sal_status sal_mean_scores_compute(sal_context *ctx, int64_t n, const double *observed, const double *centre, const int32_t *fold, int32_t folds,
                                   bool log1p, sal_mean_scores *out);

#endif
