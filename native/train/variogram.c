/* variogram.c - Matheron's estimator and the spherical model gamma(h) = c0 + c1 (1.5 h/a - 0.5 (h/a)^3), h < a.
 *
 * For a given range a the model is linear in nugget c0 and partial sill c1, so the range is searched on a fine grid and the
 * rest solved. The trap: a trend has no sill, and least squares then puts the range at the end of what was looked at;
 * that is said (at_cutoff) and not taken for a finding.
 */
#include "train/variogram.h"
#include <math.h>

enum { MOST = 4000, GRID = 200, LEAST_PAIRS = 30, LEAST_BINS = 4 };

static double spherical(double h, double a) { return h >= a ? 1 : (1.5 - 0.5 * (h / a) * (h / a)) * (h / a); }

double sal_variogram_at(const sal_variogram *v, double h)
{
    if (h <= 0) return 0;
    return v->nugget + (v->range_m > 0 ? v->partial_sill * spherical(h, v->range_m) : 0);
}

static void extent(int64_t n, const double *v, double *low, double *high)
{
    *low = *high = v[0];
    for (int64_t i = 1; i < n; i++) {
        *low = fmin(*low, v[i]);
        *high = fmax(*high, v[i]);
    }
}

static void add_pairs(sal_variogram *v, int64_t count, const double *x, const double *y, const double *value, const int32_t *group,
                      double least_m)
{
    int64_t n = count < MOST ? count : MOST;
    double width = v->cutoff_m / SAL_VARIOGRAM_BINS;
    for (int64_t a = 0; a < n; a++) {
        int64_t i = sal_chunk_begin(count, n, a);
        for (int64_t b = 0; b < a; b++) {
            int64_t j = sal_chunk_begin(count, n, b);
            double h = hypot(x[i] - x[j], y[i] - y[j]), d = value[i] - value[j];
            if (h < least_m || h >= v->cutoff_m || (group && group[i] != group[j])) continue;
            int64_t bin = (int64_t)(h / width);
            if (bin >= SAL_VARIOGRAM_BINS) continue; /* rounding at the cutoff */
            v->pairs[bin]++;
            v->distance_m[bin] += h;
            v->gamma[bin] += d * d / 2;
        }
    }
    for (int b = 0; b < SAL_VARIOGRAM_BINS; b++) {
        v->distance_m[b] = v->pairs[b] ? v->distance_m[b] / (double)v->pairs[b] : NAN;
        v->gamma[b] = v->pairs[b] ? v->gamma[b] / (double)v->pairs[b] : NAN;
    }
}

/* Weighted least squares of c0 >= 0 and c1 >= 0 for one range; returns the sum of squares. */
static double solve(const sal_variogram *v, double a, double *c0, double *c1)
{
    double s = 0, sf = 0, sff = 0, sg = 0, sfg = 0, cost = 0;
    for (int b = 0; b < SAL_VARIOGRAM_BINS; b++) {
        if (v->pairs[b] < LEAST_PAIRS) continue;
        double w = (double)v->pairs[b] / (v->distance_m[b] * v->distance_m[b]), f = spherical(v->distance_m[b], a);
        s += w, sf += w * f, sff += w * f * f, sg += w * v->gamma[b], sfg += w * f * v->gamma[b];
    }
    double determinant = s * sff - sf * sf;
    *c0 = sg / s;
    *c1 = 0;
    if (determinant > 1e-12 * s * sff) {
        *c1 = (s * sfg - sf * sg) / determinant;
        *c0 = (sg - *c1 * sf) / s;
    }
    if (*c0 < 0) *c0 = 0, *c1 = sfg / sff;
    if (*c1 < 0) *c0 = sg / s, *c1 = 0;
    for (int b = 0; b < SAL_VARIOGRAM_BINS; b++) {
        if (v->pairs[b] < LEAST_PAIRS) continue;
        double e = v->gamma[b] - *c0 - *c1 * spherical(v->distance_m[b], a);
        cost += (double)v->pairs[b] / (v->distance_m[b] * v->distance_m[b]) * e * e;
    }
    return cost;
}

/* The range of [low, high] that fits best, on a grid of equal ratios. */
static double search(const sal_variogram *v, double low, double high)
{
    double best = high, least = INFINITY, c0, c1;
    for (int i = 0; i <= GRID; i++) {
        double a = low * pow(high / low, (double)i / GRID), cost = solve(v, a, &c0, &c1);
        if (cost < least) least = cost, best = a;
    }
    return best;
}

sal_status sal_variogram_fit(sal_context *ctx, int64_t count, const double *x, const double *y, const double *value,
                             const int32_t *group, double least_m, sal_variogram *out)
{
    double x0, x1, y0, y1;
    if (count < 1) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "a variogram needs samples, there are none");
    extent(count, x, &x0, &x1);
    extent(count, y, &y0, &y1);
    *out = (sal_variogram){ .cutoff_m = hypot(x1 - x0, y1 - y0) / 3 };
    add_pairs(out, count, x, y, value, group, least_m);
    int bins = 0, first = -1;
    for (int b = 0; b < SAL_VARIOGRAM_BINS; b++) {
        bins += out->pairs[b] >= LEAST_PAIRS;
        if (first < 0 && out->pairs[b] >= LEAST_PAIRS) first = b;
    }
    if (bins < LEAST_BINS) return SAL_STATUS_OK;
    double low = out->distance_m[first], step = pow(out->cutoff_m / low, 1.0 / GRID), a = search(out, low, out->cutoff_m);
    a = search(out, fmax(a / step, low), fmin(a * step, out->cutoff_m));
    solve(out, a, &out->nugget, &out->partial_sill);
    out->at_cutoff = a >= 0.99 * out->cutoff_m;
    /* Less than a tenth of the variance: no structure that blocks could follow. */
    if (out->partial_sill > 0.1 * (out->nugget + out->partial_sill)) out->range_m = a;
    return SAL_STATUS_OK;
}
