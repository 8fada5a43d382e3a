/* intervals.h - the rules by which Train model makes prediction intervals out of out-of-fold predictions, all on the scale
 * of learning. The final model is trained on all samples and the rule is applied to it.
 */
#ifndef SAL_TRAIN_INTERVALS_H
#define SAL_TRAIN_INTERVALS_H

#include "train/conformal.h"

typedef enum sal_intervals_rule {
    SAL_INTERVALS_CLASSWISE = 1, /* conformalised quantiles by observed value (sliding, label-conditional); holds in rare classes too */
    /* |y - m| of all folds together, without classes. Not CV+ (Barber et al. 2021), which takes the models of the folds to the
     * map in place of the final one: on three demo deltas that covers at 94.4, 92.8 and 92.9 % (this rule: 91.9, 89.8, 90.6),
     * saline soil at 84, 77 and 79 %, for one more network in the file and on every pixel for each fold. */
    SAL_INTERVALS_MARGINAL = 2,
    SAL_INTERVALS_SPLIT = 3,     /* |y - m| of the largest fold alone */
    SAL_INTERVALS_NORMALISED = 4 /* |y - m| / s, s the predicted difficulty of SAL_CONFORMAL_NORMALISED, without classes */
} sal_intervals_rule;

#define SAL_INTERVALS_CHOICES "classwise|marginal|split|normalised"

typedef struct sal_intervals {
    sal_intervals_rule rule;
    int64_t n, k;
    const int32_t *fold;                              /* (n) 0 .. k - 1 */
    const double *observed, *lower, *median, *upper; /* (n) out-of-fold; all equal where the model has no quantiles */
    bool quantiles;                                   /* whether lower and upper say something */
    const double *breaks;                             /* (n_breaks) rising class limits, for classwise */
    int32_t n_breaks;
} sal_intervals;

/* The rule of that name, one of SAL_INTERVALS_CHOICES. */
sal_status sal_intervals_find(sal_context *ctx, const char *name, sal_intervals_rule *out);
/* ARGUMENT where the folds do not allow the rule: split needs two of 10 samples. Needs rule, n, k and fold only. */
sal_status sal_intervals_check(sal_context *ctx, const sal_intervals *intervals);
/* The calibration for the model file. DATA as sal_conformal_fit. */
sal_status sal_intervals_fit(sal_context *ctx, const sal_intervals *intervals, sal_conformal *out);
/* Honest intervals of the samples themselves, for scores: those of a fold come from other folds; with split from the
 * largest fold, and those of the largest fold from the second largest. out_lower, out_upper: (n). */
sal_status sal_intervals_cross(sal_context *ctx, const sal_intervals *intervals, double coverage, double *out_lower, double *out_upper);

#endif
