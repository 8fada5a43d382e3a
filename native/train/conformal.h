/* conformal.h - conformalised quantile regression: intervals whose coverage holds on unseen ground, overall and class
 * by class.
 *
 * Everything here is on the scale on which the network predicts (log1p), the class limits too. A calibration comes from
 * out-of-fold predictions; a rule is that calibration for one coverage, ready to be applied to pixels.
 */
#ifndef SAL_TRAIN_CONFORMAL_H
#define SAL_TRAIN_CONFORMAL_H

#include "base/json.h"
#include "train/classes.h"

/* What the correction may differ by. */
typedef enum sal_conformal_by {
    SAL_CONFORMAL_POOLED = 0, /* one correction: right on average, 60-80 % instead of 90 % in the rare class */
    /* By class of the predicted median (Mondrian, Vovk 2003): right among pixels mapped as a class. */
    SAL_CONFORMAL_PREDICTED = 1,
    SAL_CONFORMAL_OBSERVED = 2, /* label-conditional: right among places that are of a class; wider */
    /* Label-conditional in windows that slide over the observed values (conformal_sliding.c): as OBSERVED, from two to three
     * times the samples and without steps at the limits of classes; the default. */
    SAL_CONFORMAL_SLIDING = 3
} sal_conformal_by;

typedef enum sal_conformal_kind {
    SAL_CONFORMAL_ADDITIVE = 1, /* E = max(l - y, y - u) (Romano et al. 2019, CQR): limits move by Q */
    /* E = max((m - y) / (m - l), (y - m) / (u - m)) - 1 (Kivaranovic et al. 2020, CQR-m): half widths grow by 1 + Q.
     * Never upside down, so one pair of quantiles serves every coverage; the default. */
    SAL_CONFORMAL_SCALED = 2,
    /* E = |y - m|, blind to the quantiles (Lei et al. 2018): one width everywhere on the scale of learning. */
    SAL_CONFORMAL_RESIDUAL = 3,
    /* E = |y - m| / s (Lei et al. 2018, section 5.2): s is half the width of the quantiles or, where lower and upper are the
     * median everywhere, the mean |y - m| of the sqrt(n) (at least 10) calibration samples of nearest median, kept at up to
     * SAL_CONFORMAL_KNOTS medians and interpolated between them. */
    SAL_CONFORMAL_NORMALISED = 4
} sal_conformal_kind;

#define SAL_CONFORMAL_KNOTS 33

#define SAL_CONFORMAL_LEVELS 7
extern const double sal_conformal_levels[SAL_CONFORMAL_LEVELS]; /* 0.5 0.6 0.7 0.8 0.9 0.95 0.99 */

typedef struct sal_conformal {
    sal_conformal_by by;
    sal_conformal_kind kind;
    int32_t groups;                                      /* 1 .. SAL_CLASS_MAX; of sliding windows to SAL_CONFORMAL_KNOTS */
    double breaks[SAL_CLASS_MAX];                        /* groups - 1 limits, after merging small classes; not of sliding */
    double label[SAL_CONFORMAL_KNOTS];                   /* (groups) of sliding: the rising observed values windows stand around */
    int64_t n[SAL_CONFORMAL_KNOTS];                      /* calibration samples of a group or window */
    double q[SAL_CONFORMAL_LEVELS][SAL_CONFORMAL_KNOTS]; /* Q_(1-a)(E); of sliding, between labels linear, constant beyond */
    double least_half_width;                       /* half widths and difficulties below this count as this */
    int32_t knots;                                 /* of the difficulty s; 0 where the quantiles tell it */
    double at[SAL_CONFORMAL_KNOTS], difficulty[SAL_CONFORMAL_KNOTS]; /* rising medians and s there; constant beyond */
} sal_conformal;

/* Classes with fewer samples are merged with their smaller neighbour; a sliding window holds as many on each side. */
#define SAL_CONFORMAL_LEAST_N 40

/* Calibrates from n out-of-fold quantile predictions and observations. `breaks` holds n_breaks rising class limits
 * (ignored when pooled; may be NULL when n_breaks is 0). Crossing quantiles are put in order first. Where ceil((n + 1)
 * c) > n, of sliding (n + 1) c > n, the largest score is used. DATA for n < 10 or values that are not finite. */
sal_status sal_conformal_fit(sal_context *ctx, int64_t n, const double *observed, const double *lower,
                             const double *median, const double *upper, sal_conformal_by by, sal_conformal_kind kind,
                             const double *breaks, int32_t n_breaks, sal_conformal *out);

typedef struct sal_conformal_rule {
    const sal_conformal *conformal; /* borrowed */
    double coverage;
    double q[SAL_CONFORMAL_KNOTS], most; /* no q is larger than most */
} sal_conformal_rule;

/* Between levels Q is interpolated. ARGUMENT outside [0.5, 0.99]. */
sal_status sal_conformal_rule_at(sal_context *ctx, const sal_conformal *conformal, double coverage,
                                 sal_conformal_rule *out);
/* Interval of one prediction; *out_lower <= median <= *out_upper always. Any thread. */
void sal_conformal_apply(const sal_conformal_rule *rule, double lower, double median, double upper, double *out_lower,
                         double *out_upper);
/* Honest intervals for the calibration samples themselves: those of a fold come from a calibration on the other folds.
 * fold: (n) in 0 .. k - 1. These, not the ones of the final calibration, belong in scores. out_lower, out_upper: (n).
 * DATA when other folds hold fewer than 10 samples. */
sal_status sal_conformal_cross(sal_context *ctx, int64_t n, const int32_t *fold, int64_t k, const double *observed,
                               const double *lower, const double *median, const double *upper, sal_conformal_by by,
                               sal_conformal_kind kind, const double *breaks, int32_t n_breaks, double coverage,
                               double *out_lower, double *out_upper);

/* (conformal_sliding.c) Labels and Q from n observations, their scores and c's kind. How far the interval reaches from the
 * median, >= 0, side -1 below and 1 above: the largest d with d / a - b <= Q(median + side d). */
sal_status sal__conformal_slide(sal_context *ctx, int64_t n, const double *observed, const double *scores, const double *breaks, int32_t n_breaks, sal_conformal *c);
double sal__conformal_reach(const sal_conformal_rule *rule, double median, double a, double b, int side);

/* (conformal_difficulty.c) s from residuals, and its floor as the least half width; s for one median. */
sal_status sal__conformal_learn_difficulty(sal_context *ctx, int64_t n, const double *observed, const double *median, sal_conformal *c);
double sal__conformal_difficulty(const sal_conformal *c, double median);

/* For the model file; the caller puts `*out`. Reading checks every field. */
sal_status sal_conformal_to_json(sal_context *ctx, const sal_conformal *conformal, json_object **out);
sal_status sal_conformal_from_json(sal_context *ctx, json_object *object, const char *what, sal_conformal *out);

#endif
