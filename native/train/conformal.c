/* conformal.c - calibration and use of conformal corrections (science.md 1.8).
 *
 * Label-conditional intervals: with Q_c calibrated on samples observed in class c, the set {y : E(x, y) <= Q_class(y)}
 * covers every class at the nominal rate (Vovk 2012); we give its hull. The trap it cures: a pooled 90 % correction
 * covers saline soil, which networks underestimate, at 60-80 %. Simulation behind label-conditional (806 samples, 5
 * classes, 20 % noise in the tail): pooled 65-71 %, by predicted class 68-79 %, by observed class 90 %. The default slides
 * over the observed values in place of classes: see conformal_sliding.c.
 */
#include "train/conformal.h"
#include "train/metrics.h"
#include <math.h>

#define LEAST 1e-9 /* half width where there are no quantiles at all; keeps the division defined */

const double sal_conformal_levels[SAL_CONFORMAL_LEVELS] = { 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99 };

static int32_t group_of(const sal_conformal *c, double value)
{
    int32_t g = 0;
    while (g + 1 < c->groups && value >= c->breaks[g]) g++;
    return g;
}

static void half_widths(const sal_conformal *c, double lower, double median, double upper, double *low, double *high)
{
    *low = fmax(median - lower, c->least_half_width);
    *high = fmax(upper - median, c->least_half_width);
}

static double difficulty(const sal_conformal *c, double lower, double median, double upper)
{
    return fmax(c->knots ? sal__conformal_difficulty(c, median) : (upper - lower) / 2, c->least_half_width);
}

static double score(const sal_conformal *c, double y, double lower, double median, double upper)
{
    double low, high;
    if (c->kind == SAL_CONFORMAL_RESIDUAL) return fabs(y - median);
    if (c->kind == SAL_CONFORMAL_NORMALISED) return fabs(y - median) / difficulty(c, lower, median, upper);
    half_widths(c, lower, median, upper, &low, &high);
    if (c->kind == SAL_CONFORMAL_ADDITIVE) return fmax(median - low - y, y - median - high);
    return fmax((median - y) / low, (y - median) / high) - 1;
}

/* The interval {y : score <= q}; lower and upper are in order. */
static void limits(const sal_conformal *c, double q, double lower, double median, double upper, double *l, double *u)
{
    double low, high;
    half_widths(c, lower, median, upper, &low, &high);
    if (c->kind == SAL_CONFORMAL_RESIDUAL) low = high = q;
    else if (c->kind == SAL_CONFORMAL_NORMALISED) low = high = q * difficulty(c, lower, median, upper);
    else if (c->kind == SAL_CONFORMAL_SCALED) low *= 1 + q, high *= 1 + q;
    *l = median - low - (c->kind == SAL_CONFORMAL_ADDITIVE ? q : 0);
    *u = median + high + (c->kind == SAL_CONFORMAL_ADDITIVE ? q : 0);
}

/* |y - m| <= a (q + b) is score <= q on one side of the median, whose half width there is `half`. */
static void line(const sal_conformal *c, double half, double lower, double median, double upper, double *a, double *b)
{
    *a = c->kind == SAL_CONFORMAL_SCALED ? half : c->kind == SAL_CONFORMAL_NORMALISED ? difficulty(c, lower, median, upper) : 1;
    *b = c->kind == SAL_CONFORMAL_SCALED ? 1 : c->kind == SAL_CONFORMAL_ADDITIVE ? half : 0;
}

/* Merges the smallest group with its smaller neighbour until all hold enough samples. */
static void merge_small(sal_conformal *c)
{
    while (c->groups > 1) {
        int32_t i = 0;
        for (int32_t g = 1; g < c->groups; g++)
            if (c->n[g] < c->n[i]) i = g;
        if (c->n[i] >= SAL_CONFORMAL_LEAST_N) return;
        bool down = i == c->groups - 1 || (i > 0 && c->n[i - 1] <= c->n[i + 1]);
        int32_t a = down ? i - 1 : i; /* groups a and a + 1 become one */
        c->n[a] += c->n[a + 1];
        for (int32_t g = a + 1; g + 1 < c->groups; g++) c->n[g] = c->n[g + 1];
        for (int32_t g = a; g + 2 < c->groups; g++) c->breaks[g] = c->breaks[g + 1];
        c->groups--;
    }
}

/* Order-corrected copies of the predictions, (3, n), and a floor for the half widths: a thousandth of the mean width.
 */
static sal_status ordered(sal_context *ctx, int64_t n, const double *observed, const double *lower,
                          const double *median, const double *upper, double **out, double *least)
{
    sal_status status;
    SAL_TRY(sal_allocate(ctx, 3 * n, sizeof **out, out));
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(observed[i]) || !isfinite(lower[i]) || !isfinite(median[i]) || !isfinite(upper[i])) {
            status = sal_fail(ctx, SAL_STATUS_DATA,
                              "prediction %lld of %lld is not a number, so intervals cannot be calibrated",
                              (long long)i + 1, (long long)n);
            goto done;
        }
        (*out)[i] = fmin(lower[i], median[i]);
        (*out)[n + i] = median[i];
        (*out)[2 * n + i] = fmax(upper[i], median[i]);
        sum += (*out)[2 * n + i] - (*out)[i];
    }
    *least = fmax(1e-3 * sum / (double)n, LEAST);
done:
    return status;
}

sal_status sal_conformal_fit(sal_context *ctx, int64_t n, const double *observed, const double *lower,
                             const double *median, const double *upper, sal_conformal_by by, sal_conformal_kind kind,
                             const double *breaks, int32_t n_breaks, sal_conformal *out)
{
    *out = (sal_conformal){ .by = by, .kind = kind, .groups = by == SAL_CONFORMAL_POOLED ? 1 : n_breaks + 1 };
    if (n < 10)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "%lld out-of-fold predictions are too few to calibrate intervals; at least 10 are needed",
                        (long long)n);
    if (out->groups < 1 || out->groups > SAL_CLASS_MAX)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%d classes are not possible; up to %d are", n_breaks + 1,
                        SAL_CLASS_MAX);
    sal_status status;
    double *q = NULL, *scores = NULL;
    SAL_TRY(ordered(ctx, n, observed, lower, median, upper, &q, &out->least_half_width));
    if (kind == SAL_CONFORMAL_NORMALISED && !(out->least_half_width > LEAST)) SAL_TRY(sal__conformal_learn_difficulty(ctx, n, observed, median, out));
    SAL_TRY(sal_allocate(ctx, n, sizeof *scores, &scores));
    if (by == SAL_CONFORMAL_SLIDING) {
        for (int64_t i = 0; i < n; i++) scores[i] = score(out, observed[i], q[i], q[n + i], q[2 * n + i]);
        SAL_TRY(sal__conformal_slide(ctx, n, observed, scores, breaks, n_breaks, out));
        goto done;
    }
    for (int32_t b = 0; b + 1 < out->groups; b++) out->breaks[b] = breaks[b];
    const double *key = by == SAL_CONFORMAL_OBSERVED ? observed : median;
    for (int64_t i = 0; i < n; i++) out->n[group_of(out, key[i])]++;
    merge_small(out);
    for (int32_t g = 0; g < out->groups; g++) {
        int64_t m = 0;
        for (int64_t i = 0; i < n; i++)
            if (group_of(out, key[i]) == g) scores[m++] = score(out, observed[i], q[i], q[n + i], q[2 * n + i]);
        sal_sort_f64(m, scores);
        for (int level = 0; level < SAL_CONFORMAL_LEVELS; level++) {
            int64_t rank = (int64_t)ceil((double)(m + 1) * sal_conformal_levels[level] - 1e-9);
            out->q[level][g] = scores[(rank < m ? rank : m) - 1];
        }
    }
done:
    sal_release(ctx, q);
    sal_release(ctx, scores);
    return status;
}

sal_status sal_conformal_rule_at(sal_context *ctx, const sal_conformal *c, double coverage, sal_conformal_rule *out)
{
    const double *levels = sal_conformal_levels;
    if (!(coverage >= levels[0] && coverage <= levels[SAL_CONFORMAL_LEVELS - 1]))
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "an interval of coverage %g cannot be given; choose %g to %g",
                        coverage, levels[0], levels[SAL_CONFORMAL_LEVELS - 1]);
    int i = 0;
    while (i + 2 < SAL_CONFORMAL_LEVELS && coverage >= levels[i + 1]) i++;
    double t = (coverage - levels[i]) / (levels[i + 1] - levels[i]);
    *out = (sal_conformal_rule){ .conformal = c, .coverage = coverage };
    for (int32_t g = 0; g < c->groups; g++) out->q[g] = (1 - t) * c->q[i][g] + t * c->q[i + 1][g];
    out->most = out->q[0];
    for (int32_t g = 1; g < c->groups; g++) out->most = fmax(out->most, out->q[g]);
    return SAL_STATUS_OK;
}

/* {y : score <= Q(y)} of sliding windows, its two ends. */
static void apply_sliding(const sal_conformal_rule *rule, double lower, double median, double upper, double *out_lower, double *out_upper)
{
    double low, high, a, b;
    half_widths(rule->conformal, lower, median, upper, &low, &high);
    line(rule->conformal, low, lower, median, upper, &a, &b);
    *out_lower = median - sal__conformal_reach(rule, median, a, b, -1);
    line(rule->conformal, high, lower, median, upper, &a, &b);
    *out_upper = median + sal__conformal_reach(rule, median, a, b, 1);
}

void sal_conformal_apply(const sal_conformal_rule *rule, double lower, double median, double upper, double *out_lower,
                         double *out_upper)
{
    const sal_conformal *c = rule->conformal;
    lower = fmin(lower, median);
    upper = fmax(upper, median);
    if (c->by == SAL_CONFORMAL_SLIDING) {
        apply_sliding(rule, lower, median, upper, out_lower, out_upper);
        return;
    }
    bool hull = c->by == SAL_CONFORMAL_OBSERVED;
    int32_t first = hull ? 0 : group_of(c, median), last = hull ? c->groups - 1 : first;
    *out_lower = *out_upper = median;
    for (int32_t g = first; g <= last; g++) {
        double l, u;
        limits(c, rule->q[g], lower, median, upper, &l, &u);
        if (hull && g > 0) l = fmax(l, c->breaks[g - 1]);
        if (hull && g < c->groups - 1) u = fmin(u, c->breaks[g]);
        if (!(l <= u)) continue; /* nothing of this class is in reach */
        *out_lower = fmin(*out_lower, l);
        *out_upper = fmax(*out_upper, u);
    }
}

sal_status sal_conformal_cross(sal_context *ctx, int64_t n, const int32_t *fold, int64_t k, const double *observed,
                               const double *lower, const double *median, const double *upper, sal_conformal_by by,
                               sal_conformal_kind kind, const double *breaks, int32_t n_breaks, double coverage,
                               double *out_lower, double *out_upper)
{
    sal_status status = SAL_STATUS_OK;
    double *part = NULL; /* (4, n) of the other folds */
    sal_conformal c;
    sal_conformal_rule rule;
    SAL_TRY(sal_allocate(ctx, 4 * n, sizeof *part, &part));
    for (int64_t f = 0; f < k; f++) {
        int64_t m = 0, tested = 0;
        for (int64_t i = 0; i < n; i++) {
            tested += fold[i] == f;
            if (fold[i] == f) continue;
            part[m] = observed[i];
            part[n + m] = lower[i];
            part[2 * n + m] = median[i];
            part[3 * n + m] = upper[i];
            m++;
        }
        if (tested == 0) continue;
        SAL_TRY(sal_conformal_fit(ctx, m, part, part + n, part + 2 * n, part + 3 * n, by, kind, breaks, n_breaks, &c));
        SAL_TRY(sal_conformal_rule_at(ctx, &c, coverage, &rule));
        for (int64_t i = 0; i < n; i++)
            if (fold[i] == f) sal_conformal_apply(&rule, lower[i], median[i], upper[i], &out_lower[i], &out_upper[i]);
    }
done:
    sal_release(ctx, part);
    return status;
}
