/* phenology_double_logistic.c - the double logistic of Beck et al. 2006 (doi 10.1016/j.rse.2005.10.021), fitted to one season.
 *
 * y(t) = mn + (mx - mn) (1 / (1 + exp(-rsp (t - s))) + 1 / (1 + exp(rau (t - a))) - 1), by Levenberg and Marquardt in
 * (mn, mx, s, log rsp, a, log rau): slopes stay positive. One such curve holds one season, so Whittaker's curve says first where the
 * season lies, and its envelope weights are kept. mx is the level that the two branches would reach: a short season stays below it.
 */
#include "features/phenology_private.h"

#include <math.h>
#include <string.h>

enum { L = SAL__LANES, N = 6, STEPS = 40, STARTS = 3 };
static const double slow = 0.01, fast = 0.5; /* 1/day: 10 to 90 % in 440 and in 9 days */

typedef struct fit_data {
    const sal_phenology_plan *plan;
    const sal__lanes *b;
    int lane;
    double from, to;  /* days after the first date */
    double low, high; /* of mn and mx: a tenth of the amplitude below the bases, three tenths above the peak */
} fit_data;

/* Value and, where wanted, derivatives by the six parameters. */
static double logistic(const double q[N], double t, double *by)
{
    const double rsp = exp(q[3]), rau = exp(q[5]);
    const double rise = 1 / (1 + exp(-rsp * (t - q[2]))), fall = 1 / (1 + exp(rau * (t - q[4])));
    const double shape = rise + fall - 1, height = q[1] - q[0];
    if (by) {
        by[0] = 1 - shape;
        by[1] = shape;
        by[2] = -height * rise * (1 - rise) * rsp;
        by[3] = height * rise * (1 - rise) * rsp * (t - q[2]);
        by[4] = height * fall * (1 - fall) * rau;
        by[5] = -height * fall * (1 - fall) * rau * (t - q[4]);
    }
    return q[0] + height * shape;
}

/* Weighted squares; normal: (N, N) and side (N) too where wanted. */
static double squares(const fit_data *f, const double q[N], double *normal, double *side)
{
    double sum = 0, by[N];
    if (normal) memset(normal, 0, sizeof(double) * N * N), memset(side, 0, sizeof(double) * N);
    for (int64_t k = 0; k < f->plan->dates; k++) {
        const double t = (double)(f->plan->days[k] - f->plan->days[0]), w = f->b->w[k * L + f->lane];
        if (w == 0 || t < f->from || t > f->to) continue;
        const double r = f->b->y[k * L + f->lane] - logistic(q, t, normal ? by : NULL);
        sum += w * r * r;
        for (int i = 0; i < N && normal; i++) {
            side[i] += w * by[i] * r;
            for (int j = 0; j <= i; j++) normal[i * N + j] += w * by[i] * by[j];
        }
    }
    return sum;
}

/* Solves the lower triangle a x = side by Cholesky, in place; false when it is not positive. */
static bool cholesky(double a[N * N], double x[N])
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) {
            double sum = a[i * N + j];
            for (int k = 0; k < j; k++) sum -= a[i * N + k] * a[j * N + k];
            if (i == j && !(sum > 0)) return false;
            a[i * N + j] = i == j ? sqrt(sum) : sum / a[j * N + j];
        }
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < i; k++) x[i] -= a[i * N + k] * x[k];
        x[i] /= a[i * N + i];
    }
    for (int i = N - 1; i >= 0; i--) {
        for (int k = i + 1; k < N; k++) x[i] -= a[k * N + i] * x[k];
        x[i] /= a[i * N + i];
    }
    return true;
}

static void bound(const fit_data *f, double q[N])
{
    q[0] = fmax(f->low, fmin(f->high, q[0]));
    q[1] = fmax(q[0], fmin(f->high, q[1]));
    q[2] = fmax(f->from - 30, fmin(f->to, q[2]));
    q[4] = fmax(q[2], fmin(f->to + 30, q[4]));
    q[3] = fmax(log(slow), fmin(log(fast), q[3]));
    q[5] = fmax(log(slow), fmin(log(fast), q[5]));
}

static double descend(const fit_data *f, double q[N])
{
    double damping = 1e-2, best, normal[N * N], side[N];
    bound(f, q);
    best = squares(f, q, normal, side);
    for (int step = 0; step < STEPS && damping < 1e8; step++) {
        double a[N * N], x[N], next[N];
        memcpy(a, normal, sizeof a);
        memcpy(x, side, sizeof x);
        for (int i = 0; i < N; i++) a[i * N + i] += damping * (normal[i * N + i] + 1e-9);
        const bool solved = cholesky(a, x);
        for (int i = 0; i < N; i++) next[i] = q[i] + (solved ? x[i] : 0);
        bound(f, next);
        const double sum = solved ? squares(f, next, NULL, NULL) : INFINITY;
        damping *= sum < best ? 0.2 : 4;
        if (!(sum < best)) continue;
        const bool settled = best - sum < 1e-9 * best;
        memcpy(q, next, sizeof next);
        best = squares(f, q, normal, side);
        if (settled) break;
    }
    return best;
}

/* Parameters as Whittaker's curve shows them; sharpness scales both slopes. */
static void begin(const sal_phenology_plan *p, const sal__lanes *b, const sal__season_place *s, double sharpness,
                  double q[N])
{
    const double *z = b->curve, base = fmin(z[s->left], z[s->right]);
    int64_t up = s->left, down = s->right;
    while (up < s->peak && z[up] < (z[s->left] + z[s->peak]) / 2) up++;
    while (down > s->peak && z[down] < (z[s->right] + z[s->peak]) / 2) down--;
    q[0] = base;
    q[1] = z[s->peak];
    q[2] = (double)up * p->o.step;
    q[4] = (double)down * p->o.step;
    q[3] = log(sharpness * 2.2 /
               fmax(5, (double)(s->peak - up) * p->o.step)); /* a logistic takes 2.2 / rsp from 50 to 90 % */
    q[5] = log(sharpness * 2.2 / fmax(5, (double)(down - s->peak) * p->o.step));
}

sal_season_quality sal__double_logistic(const sal_phenology_plan *p, sal__lanes *b, int lane, sal__season_place *s)
{
    static const double sharpness[STARTS] = { 1, 0.5, 2 };
    const double base = fmin(b->curve[s->left], b->curve[s->right]), rise = b->curve[s->peak] - base;
    const fit_data f = { .plan = p,
                         .b = b,
                         .lane = lane,
                         .from = (double)s->left * p->o.step,
                         .to = (double)s->right * p->o.step,
                         .low = base - 0.1 * rise,
                         .high = b->curve[s->peak] + 0.3 * rise };
    double best = INFINITY, q[N], kept[N] = { 0 };
    for (int i = 0; i < STARTS; i++) {
        begin(p, b, s, sharpness[i], q);
        const double sum = descend(&f, q);
        if (sum >= best) continue;
        best = sum;
        memcpy(kept, q, sizeof q);
    }
    int64_t peak = s->left;
    for (int64_t t = s->left; t <= s->right; t++) {
        b->curve[t] = logistic(kept, (double)t * p->o.step, NULL);
        if (b->curve[t] > b->curve[peak]) peak = t;
    }
    s->peak = peak;
    if (peak == s->left || peak == s->right) return SAL_SEASON_EDGE;
    return b->curve[peak] - b->curve[s->left] < p->o.min_amplitude ? SAL_SEASON_FLAT : SAL_SEASON_FOUND;
}
