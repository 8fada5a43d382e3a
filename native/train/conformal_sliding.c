/* conformal_sliding.c - label-conditional corrections in windows that slide over the observed values.
 *
 * Classes cut the same samples into steps: a class of 67 samples has its coverage known to 4 points (sd of a Beta), and an
 * interval that a neighbouring class stretches over a class covers it a second time. Here Q(y) is the quantile of the scores
 * of the samples observed around y: of n ranked by observed value, h on each side, n^(4/5) / 2 (windows of local averages
 * narrow as n^(-1/5)) but not more than the class of y holds, and 40 at least. The interval is the hull of
 * {y : E(x, y) <= Q(y)}, label-conditional as before (Vovk 2012), Q linear between windows (local conformal: Guan 2023,
 * Biometrika 110:33, with the label for the covariate).
 *
 * The rank is (m + 1) c, between two scores interpolated, so that the expected coverage is c and not the next step of
 * 1 / (m + 1) above it: five classes rounded up are half a point too wide together.
 *
 * Measured on three demo deltas, calibrated afresh 30 times each on 806 of 12,000 unseen pixels: the models of the folds are
 * covered at 90.1 %, by class 89.6 91.1 90.2 90.1 89.1; sd over calibrations 1.0 and 3.0 1.7 1.7 2.0 2.6, by steps 1.1 and
 * 3.1 2.3 2.1 2.9 2.8. The final model, trained on all samples, is better than they are and covered at 90.8 %, 89.6 91.2
 * 91.2 92.1 91.1. What it gains cannot be told from the data at hand: models of half the samples, extrapolated as a + b / n,
 * say 0.8 % wider, 1.0 % and 0.0 % narrower on the three, where 1.5, 2.2 and 3.0 % would be right. CV+ (Barber et al. 2021)
 * covers at 94.4, 92.8 and 92.9 %, saline soil at 84, 77 and 79.
 */
#include "train/conformal.h"
#include "train/metrics.h"
#include <math.h>
#include <stdlib.h>

typedef struct sample {
    double observed, score;
} sample;

static int by_observed(const void *a, const void *b)
{
    const sample *p = a, *q = b;
    return (p->observed > q->observed) - (p->observed < q->observed);
}

/* Samples of the class of `value` among n in order. */
static int64_t size_of_class(const sample *s, int64_t n, double value, const double *breaks, int32_t n_breaks)
{
    double low = -INFINITY, high = INFINITY;
    for (int32_t k = 0; k < n_breaks; k++) {
        if (value >= breaks[k]) low = breaks[k];
        else if (high == INFINITY) high = breaks[k];
    }
    int64_t size = 0;
    for (int64_t i = 0; i < n; i++) size += s[i].observed >= low && s[i].observed < high;
    return size;
}

/* The window around rank i, in a class of `size` samples. Where an end of the n samples cuts it, it leans inwards to hold
 * three quarters, as far as the class reaches: half of it makes limits of heavy tails too wide (interval scores of Ardakan
 * by 18 %), all of it covers the least saline class a point too low. */
static void place(int64_t n, int64_t i, int64_t size, int64_t *first, int64_t *last)
{
    int64_t h = (int64_t)(pow((double)n, 0.8) / 2); /* 60 of 400, 105 of 806 */
    h = h < size ? h : size;
    h = h > SAL_CONFORMAL_LEAST_N ? h : SAL_CONFORMAL_LEAST_N;
    int64_t whole = h + h / 2 + 1 < size ? h + h / 2 + 1 : size;
    whole = whole > SAL_CONFORMAL_LEAST_N ? whole : SAL_CONFORMAL_LEAST_N + 1;
    *first = i > h ? i - h : 0;
    *last = i + h < n - 1 ? i + h : n - 1;
    if (*first == 0 && *last < whole - 1) *last = whole < n ? whole - 1 : n - 1;
    if (*last == n - 1 && *first > n - whole) *first = whole < n ? n - whole : 0;
}

/* The quantile of m scores in order at the rank (m + 1) c. */
static double quantile(int64_t m, const double *scores, double c)
{
    double rank = (double)(m + 1) * c;
    if (rank >= (double)m) return scores[m - 1];
    int64_t k = (int64_t)rank;
    if (k < 1) return scores[0];
    return scores[k - 1] + (rank - (double)k) * (scores[k] - scores[k - 1]);
}

sal_status sal__conformal_slide(sal_context *ctx, int64_t n, const double *observed, const double *scores, const double *breaks, int32_t n_breaks, sal_conformal *c)
{
    sal_status status;
    sample *s = NULL;
    double *part = NULL; /* scores of one window */
    SAL_TRY(sal_allocate(ctx, n, sizeof *s, &s));
    SAL_TRY(sal_allocate(ctx, n, sizeof *part, &part));
    for (int64_t i = 0; i < n; i++) s[i] = (sample){ observed[i], scores[i] };
    qsort(s, (size_t)n, sizeof *s, by_observed);
    c->groups = 0;
    for (int64_t j = 0; j < SAL_CONFORMAL_KNOTS; j++) {
        int64_t i = j * (n - 1) / (SAL_CONFORMAL_KNOTS - 1), m = 0, g = c->groups;
        const int64_t size = size_of_class(s, n, s[i].observed, breaks, n_breaks);
        int64_t first, last;
        place(n, i, size, &first, &last);
        while (first > 0 && s[first - 1].observed == s[first].observed) first--; /* equal values stay together, so that */
        while (last < n - 1 && s[last + 1].observed == s[last].observed) last++; /* the order of the samples says nothing */
        double label = s[(first + last) / 2].observed; /* at the ends windows lean inwards, and so does what they tell of */
        if (g && !(label > c->label[g - 1])) continue;
        for (int64_t k = first; k <= last; k++) part[m++] = s[k].score;
        sal_sort_f64(m, part);
        for (int level = 0; level < SAL_CONFORMAL_LEVELS; level++) c->q[level][g] = quantile(m, part, sal_conformal_levels[level]);
        c->label[g] = label;
        c->n[g] = m;
        c->groups++;
    }
done:
    sal_release(ctx, s);
    sal_release(ctx, part);
    return status;
}

/* Labels in the order in which a side looks at them: the farthest first. */
static int32_t seen(const sal_conformal *c, int32_t k, int side) { return side > 0 ? c->groups - 1 - k : k; }
static double away(const sal_conformal *c, int32_t k, double median, int side) { return side * (c->label[seen(c, k, side)] - median); }

/* How many labels lie beyond the widest interval: d > a (Q + b) there, whatever their Q is. */
static int32_t out_of_reach(const sal_conformal_rule *rule, double median, double a, double b, int side)
{
    const sal_conformal *c = rule->conformal;
    double reach = a * (rule->most + b);
    int32_t low = 0, high = c->groups; /* label low - 1 is out of reach, label high is not */
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (away(c, middle, median, side) > fmax(reach, 0)) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Looks from afar towards the median: d - a (Q + b) is linear between labels, and where it first comes to 0 the interval ends. */
double sal__conformal_reach(const sal_conformal_rule *rule, double median, double a, double b, int side)
{
    const sal_conformal *c = rule->conformal;
    double far = 0, far_q = 0, far_g = 0; /* the last label looked at: its distance, Q and d - a (Q + b) > 0 */
    int32_t skipped = out_of_reach(rule, median, a, b, side);
    for (int32_t k = skipped > 0 ? skipped - 1 : 0; k < c->groups; k++) {
        double d = away(c, k, median, side), q = rule->q[seen(c, k, side)];
        if (k == 0 && (d <= 0 || a * (q + b) >= d)) return fmax(a * (q + b), 0); /* Q is constant there */
        if (d < 0) {
            q += (far_q - q) * (0 - d) / (far - d);
            d = 0;
        }
        double g = d - a * (q + b);
        if (g <= 0) return d + (far - d) * -g / (far_g - g);
        if (d <= 0) return 0;
        far = d, far_q = q, far_g = g;
    }
    return fmax(a * (far_q + b), 0); /* before the nearest label */
}
