/* distribution.c - PIT, CRPS, QCP and interval score of predictive distributions given by quantiles (science.md 1.8;
 * Gneiting and Raftery 2007, Schmidinger and Heuvelink 2023). */
#include "train/distribution.h"
#include <math.h>

enum { LAST = SAL_DISTRIBUTION_QUANTILES - 1, NINETY = 4 /* of sal_conformal_levels */ };

double sal_distribution_share(int32_t k)
{
    double share = 0.5;
    if (k < SAL_CONFORMAL_LEVELS) share = (1 - sal_conformal_levels[SAL_CONFORMAL_LEVELS - 1 - k]) / 2;
    if (k > SAL_CONFORMAL_LEVELS) share = (1 + sal_conformal_levels[k - SAL_CONFORMAL_LEVELS - 1]) / 2;
    return round(1e6 * share) / 1e6; /* 0.05 and not 0.04999999999999999 */
}

double sal_distribution_pit(const double *q, double y)
{
    int32_t below = 0, at;
    while (below <= LAST && q[below] < y) below++; /* quantiles under y */
    at = below;
    while (at <= LAST && q[at] == y) at++;
    if (at > below) { /* F jumps from `low` to `high` where quantiles coincide; one alone is no jump, but for the outermost */
        double low = below > 0 ? sal_distribution_share(below) : 0, high = at <= LAST ? sal_distribution_share(at - 1) : 1;
        return (low + high) / 2;
    }
    if (below == 0) return sal_distribution_share(0) / 2;
    if (below > LAST) return (sal_distribution_share(LAST) + 1) / 2;
    double a = sal_distribution_share(below - 1), b = sal_distribution_share(below);
    return a + (b - a) * (y - q[below - 1]) / (q[below] - q[below - 1]);
}

/* Integral of the square of a line from a to b over a width. */
static double square(double width, double a, double b) { return width * (a * a + a * b + b * b) / 3; }

double sal_distribution_crps(const double *q, double y)
{
    double sum = y < q[0] ? q[0] - y : y > q[LAST] ? y - q[LAST] : 0;
    for (int32_t k = 0; k < LAST; k++) {
        double a = sal_distribution_share(k), b = sal_distribution_share(k + 1), width = q[k + 1] - q[k];
        if (y >= q[k + 1]) sum += square(width, a, b);
        else if (y <= q[k]) sum += square(width, 1 - a, 1 - b);
        else {
            double f = a + (b - a) * (y - q[k]) / width;
            sum += square(y - q[k], a, f) + square(q[k + 1] - y, 1 - f, 1 - b);
        }
    }
    return sum;
}

sal_status sal_distribution_pits(sal_context *ctx, int64_t n, const double *observed, const double *quantiles, double *pit)
{
    for (int64_t i = 0; i < n; i++) {
        const double *q = quantiles + i * SAL_DISTRIBUTION_QUANTILES;
        bool good = isfinite(observed[i]);
        for (int32_t k = 0; k <= LAST; k++) good = good && isfinite(q[k]) && (k == 0 || q[k] >= q[k - 1]);
        if (!good)
            return sal_fail(ctx, SAL_STATUS_DATA, "the predictive distribution of sample %lld of %lld is not made of rising numbers, so it cannot be scored", (long long)i + 1,
                            (long long)n);
        pit[i] = sal_distribution_pit(q, observed[i]);
    }
    return SAL_STATUS_OK;
}

static void add_sample(sal_distribution_scores *s, double y, const double *q, double pit)
{
    double l = q[sal_distribution_lower(NINETY)], u = q[sal_distribution_upper(NINETY)], a = 1 - sal_conformal_levels[NINETY];
    int32_t bin = (int32_t)(pit * SAL_PIT_BINS);
    s->n++;
    s->crps += sal_distribution_crps(q, y);
    s->picp += y >= l && y <= u;
    s->interval_score += u - l + 2 / a * (fmax(l - y, 0) + fmax(y - u, 0));
    for (int32_t k = 0; k <= LAST; k++) s->qcp[k] += y <= q[k];
    s->pit_mean += pit;
    s->pit[bin < SAL_PIT_BINS ? bin : SAL_PIT_BINS - 1]++;
}

void sal_distribution_evaluate(int64_t n, const double *observed, const double *quantiles, const double *pit, const int32_t *group, int32_t which,
                               sal_distribution_scores *out)
{
    sal_distribution_scores s = { 0 };
    for (int64_t i = 0; i < n; i++)
        if (!group || group[i] == which) add_sample(&s, observed[i], quantiles + i * SAL_DISTRIBUTION_QUANTILES, pit[i]);
    double m = s.n ? (double)s.n : NAN, squares = 0;
    s.crps /= m, s.picp /= m, s.interval_score /= m, s.pit_mean /= m;
    for (int32_t k = 0; k <= LAST; k++) s.qcp[k] /= m;
    for (int32_t k = 0; k < SAL_PIT_BINS; k++) s.pit[k] /= m;
    for (int64_t i = 0; i < n; i++)
        if (!group || group[i] == which) squares += (pit[i] - s.pit_mean) * (pit[i] - s.pit_mean);
    s.pit_sd = s.n > 1 ? sqrt(squares / (double)(s.n - 1)) : NAN;
    *out = s;
}
