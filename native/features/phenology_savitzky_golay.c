/* phenology_savitzky_golay.c - Savitzky-Golay filter iterated to the upper envelope, Chen et al. 2004 (doi 10.1016/j.rse.2004.03.014).
 *
 * Gaps are filled by straight lines; a long filter gives the trend; what lies below it is doubted in proportion; then values below
 * the last curve are lifted to it and filtered again by a short one of high degree, until the fit to the trusted values is best. Their
 * windows are in 10-day composites (half width 4, degree 6; trend 4, degree 4); here in days. At the ends the polynomial of the
 * first or last whole window is used.
 */
#include "features/phenology_private.h"

#include <math.h>
#include <string.h>

enum { L = SAL__LANES, ROUNDS = 10, DEGREE = 6, TREND_DEGREE = 4 };
static const double detail_days = 40, trend_days = 40; /* half widths */

/* hat: (width, width), row i gives the fitted polynomial at place i of the window: the sum of products of orthonormal polynomials. */
static void hat_matrix(int64_t width, int degree, double *hat, double *scratch)
{
    double *basis = scratch; /* (degree + 1, width) */
    for (int k = 0; k <= degree; k++) {
        double *q = basis + k * width, norm = 0;
        for (int64_t i = 0; i < width; i++) {
            const double x = 2.0 * (double)i / (double)(width - 1) - 1;
            q[i] = k ? x * q[i - width] : 1;
        }
        for (int twice = 0; twice < 2; twice++)
            for (int j = 0; j < k; j++) {
                double dot = 0;
                for (int64_t i = 0; i < width; i++) dot += q[i] * basis[j * width + i];
                for (int64_t i = 0; i < width; i++) q[i] -= dot * basis[j * width + i];
            }
        for (int64_t i = 0; i < width; i++) norm += q[i] * q[i];
        for (int64_t i = 0; i < width; i++) q[i] /= sqrt(norm);
    }
    for (int64_t i = 0; i < width; i++)
        for (int64_t j = 0; j < width; j++) {
            double sum = 0;
            for (int k = 0; k <= degree; k++) sum += basis[k * width + i] * basis[k * width + j];
            hat[i * width + j] = sum;
        }
}

static int64_t half_width(const sal_phenology_plan *p, double days)
{
    const int64_t wanted = (int64_t)lround(days / p->o.step), most = (p->nodes - 1) / 2;
    const int64_t least = DEGREE / 2 + 1; /* more places than coefficients */
    const int64_t half = wanted > least ? wanted : least;
    return half < most ? half : most;
}

static sal_status new_hat(sal_phenology_plan *p, int64_t half, int degree, double **out)
{
    sal_status status;
    double *scratch = NULL;
    const int64_t width = 2 * half + 1;
    SAL_TRY(sal_allocate(p->ctx, width * width, sizeof **out, out));
    SAL_TRY(sal_allocate(p->ctx, (degree + 1) * width, sizeof *scratch, &scratch));
    hat_matrix(width, degree, *out, scratch);
done:
    sal_release(p->ctx, scratch);
    return status;
}

sal_status sal__savitzky_golay_new(sal_phenology_plan *p)
{
    sal_status status;
    p->trend_half = half_width(p, trend_days);
    p->detail_half = half_width(p, detail_days);
    SAL_TRY(new_hat(p, p->trend_half, TREND_DEGREE, &p->trend));
    SAL_TRY(new_hat(p, p->detail_half, DEGREE < 2 * p->detail_half ? DEGREE : 2 * (int)p->detail_half - 1, &p->detail));
done:
    return status;
}

SAL__CLONES static void filter(const sal_phenology_plan *p, const double *hat, int64_t half, const double *in,
                               double *out)
{
    const int64_t width = 2 * half + 1;
    for (int64_t t = 0; t < p->nodes; t++) {
        const int64_t first = t < half ? 0 : t + half < p->nodes ? t - half : p->nodes - width;
        const double *row = hat + (t - first) * width;
        double sum[L] = { 0 };
        for (int64_t i = 0; i < width; i++)
            for (int l = 0; l < L; l++) sum[l] += row[i] * in[(first + i) * L + l];
        for (int l = 0; l < L; l++) out[t * L + l] = sum[l];
    }
}

/* Straight lines between observations at the nodes, the first and last value beyond. */
static void fill_gaps(const sal_phenology_plan *p, const sal__lanes *b, int lane, double *out)
{
    int64_t before = -1, after = -1;
    for (int64_t t = 0; t < p->nodes; t++) {
        const double day = (double)t * p->o.step;
        while (after < p->dates &&
               (after < 0 || b->seen[after * L + lane] == 0 || (double)(p->days[after] - p->days[0]) < day)) {
            if (after >= 0 && b->seen[after * L + lane] > 0) before = after;
            after++;
        }
        const int64_t a = before >= 0 ? before : after, c = after < p->dates ? after : before;
        if (a < 0 || a >= p->dates || c < 0) {
            out[t * L + lane] = 0; /* nothing was seen */
            continue;
        }
        const double from = (double)(p->days[a] - p->days[0]), to = (double)(p->days[c] - p->days[0]);
        const double part = to > from ? fmin(1, (day - from) / (to - from)) : 0;
        out[t * L + lane] = b->y[a * L + lane] + part * (b->y[c * L + lane] - b->y[a * L + lane]);
    }
}

/* Weight of every node: 1 on or above the trend, below it less by the share of the largest distance. */
static void trust(const sal_phenology_plan *p, const double *raw, const double *trend, double *weight)
{
    double most[L] = { 0 };
    for (int64_t i = 0; i < p->nodes * L; i++) most[i % L] = fmax(most[i % L], fabs(raw[i] - trend[i]));
    for (int64_t i = 0; i < p->nodes * L; i++)
        weight[i] = raw[i] >= trend[i] || most[i % L] == 0 ? 1 : 1 - (trend[i] - raw[i]) / most[i % L];
}

void sal__savitzky_golay(const sal_phenology_plan *p, sal__lanes *b)
{
    double *raw = b->d, *lifted = b->c, *weight = b->e, *curve = b->keep, least[L];
    bool open[L];
    for (int l = 0; l < L; l++) {
        fill_gaps(p, b, l, raw);
        open[l] = true;
        least[l] = INFINITY;
    }
    filter(p, p->trend, p->trend_half, raw, curve);
    trust(p, raw, curve, weight);
    for (int round = 0; round < ROUNDS; round++) {
        double effect[L] = { 0 };
        for (int64_t i = 0; i < p->nodes * L; i++) lifted[i] = fmax(raw[i], curve[i]);
        filter(p, p->detail, p->detail_half, lifted, curve);
        for (int64_t i = 0; i < p->nodes * L; i++) effect[i % L] += weight[i] * fabs(curve[i] - raw[i]);
        for (int l = 0; l < L; l++) {
            open[l] = open[l] && effect[l] < least[l];
            if (!open[l]) continue;
            least[l] = effect[l];
            for (int64_t t = 0; t < p->nodes; t++) b->z[t * L + l] = curve[t * L + l];
        }
    }
}
