/* phenology_whittaker.c - Whittaker's smoother for dates between nodes, upper envelope, lambda by the V-curve.
 *
 * Minimises sum w (y - B z)^2 + lambda sum (z[k] - 2 z[k+1] + z[k+2])^2 (Eilers 2003, doi 10.1021/ac034173t), where B interpolates
 * linearly between nodes: with nodes a day apart it is the classic smoother. B'WB has three diagonals, so the five of the penalty
 * hold everything: O(nodes). Envelope: weights p above and 1 - p below the curve, outliers none, repeated (Atzberger and Eilers 2011, doi
 * 10.1080/01431161003762405). V-curve: Frasso and Eilers 2015, doi 10.1177/1471082X14549288.
 */
#include "features/phenology_private.h"

#include <math.h>
#include <string.h>

enum { L = SAL__LANES, GRID = 9, ROUNDS = 5 };
/* lg lambda for daily nodes, 40 to 2400: with an observation in ten days, waves of 28 to 78 days pass by half. More would turn a crop
 * season into a half year: residual clouds keep the fit bad at any lambda, so the V-curve alone does not stop there. */
static const double lg_first = 1.5, lg_step = 0.25, lambda_before = 1000;
static const double ridge = 1e-9; /* a pixel without observations stays regular */

SAL__CLONES static void assemble(const sal_phenology_plan *p, sal__lanes *b)
{
    const size_t bytes = sizeof(double) * (size_t)((p->nodes + 1) * L);
    memset(b->diagonal, 0, bytes);
    memset(b->beside, 0, bytes);
    memset(b->side, 0, bytes);
    for (int64_t k = 0; k < p->dates; k++) {
        const double *w = b->w + k * L, *y = b->y + k * L, f = p->part[k], g = 1 - f;
        double *diagonal = b->diagonal + p->node[k] * L, *beside = b->beside + p->node[k] * L,
               *side = b->side + p->node[k] * L;
        for (int l = 0; l < L; l++) {
            diagonal[l] += w[l] * g * g;
            diagonal[l + L] += w[l] * f * f;
            beside[l] += w[l] * g * f;
            side[l] += w[l] * g * y[l];
            side[l + L] += w[l] * f * y[l];
        }
    }
}

/* One step of L D L' of the five diagonals; before node 0 the factors are 0. */
SAL__CLONES static void factor(const sal_phenology_plan *p, sal__lanes *b)
{
    const int64_t n = p->nodes;
    double c1[L] = { 0 }, d1[L] = { 0 }, e1[L] = { 0 }, z1[L] = { 0 }, d2[L] = { 0 }, e2[L] = { 0 }, z2[L] = { 0 };
    for (int64_t t = 0; t < n; t++) {
        const double inner = t == 0 || t == n - 1 ? 1 : t == 1 || t == n - 2 ? 5 : 6;
        const double near = t == 0 || t == n - 2 ? -2 : -4;
        const double *diagonal = b->diagonal + t * L, *beside = b->beside + t * L, *side = b->side + t * L;
        double *pd = b->d + t * L, *pc = b->c + t * L, *pe = b->e + t * L, *pz = b->z + t * L;
        for (int l = 0; l < L; l++) {
            const double lambda = b->lambda[l];
            const double d = diagonal[l] + ridge + lambda * inner - c1[l] * c1[l] * d1[l] - e2[l] * e2[l] * d2[l];
            const double c = (beside[l] + lambda * near - d1[l] * c1[l] * e1[l]) / d, e = lambda / d;
            const double z = side[l] - c1[l] * z1[l] - e2[l] * z2[l];
            pd[l] = d, pc[l] = c, pe[l] = e, pz[l] = z;
            e2[l] = e1[l], d2[l] = d1[l], z2[l] = z1[l];
            c1[l] = c, d1[l] = d, e1[l] = e, z1[l] = z;
        }
    }
}

SAL__CLONES static void solve(const sal_phenology_plan *p, sal__lanes *b)
{
    double z1[L] = { 0 }, z2[L] = { 0 };
    factor(p, b);
    for (int64_t t = p->nodes - 1; t >= 0; t--) {
        const double *d = b->d + t * L, *c = b->c + t * L, *e = b->e + t * L;
        double *z = b->z + t * L;
        for (int l = 0; l < L; l++) {
            const double value = z[l] / d[l] - c[l] * z1[l] - e[l] * z2[l];
            z2[l] = z1[l];
            z1[l] = z[l] = value;
        }
    }
}

/* log of the weighted squares of residuals and of second differences */
SAL__CLONES static void judge(const sal_phenology_plan *p, const sal__lanes *b, double fit[L], double penalty[L])
{
    double squares[L] = { 0 }, bends[L] = { 0 };
    for (int64_t k = 0; k < p->dates; k++) {
        const double *z = b->z + p->node[k] * L, f = p->part[k];
        for (int l = 0; l < L; l++) {
            const double r = b->y[k * L + l] - z[l] - f * (z[l + L] - z[l]);
            squares[l] += b->w[k * L + l] * r * r;
        }
    }
    for (int64_t t = 2; t < p->nodes; t++) {
        const double *z = b->z + t * L;
        for (int l = 0; l < L; l++) {
            const double r = z[l] - 2 * z[l - L] + z[l - 2 * L];
            bends[l] += r * r;
        }
    }
    for (int l = 0; l < L; l++) fit[l] = log(squares[l] + 1e-12), penalty[l] = log(bends[l] + 1e-12);
}

/* The lambda where the curve of (log fit, log penalty) moves least. */
static void choose_lambda(const sal_phenology_plan *p, sal__lanes *b, double scale)
{
    double fit[2][L], penalty[2][L], least[L], best[L];
    for (int g = 0; g < GRID; g++) {
        const double lambda = pow(10, lg_first + g * lg_step) * scale;
        for (int l = 0; l < L; l++) b->lambda[l] = lambda;
        solve(p, b);
        judge(p, b, fit[g % 2], penalty[g % 2]);
        for (int l = 0; l < L && g > 0; l++) {
            const double a = fit[1][l] - fit[0][l], c = penalty[1][l] - penalty[0][l], v = a * a + c * c;
            if (g > 1 && v >= least[l]) continue;
            least[l] = v;
            best[l] = lambda * pow(10, -lg_step / 2);
        }
    }
    memcpy(b->lambda, best, sizeof best);
}

/* New weights: p above the curve, 1 - p below, less the farther below, none beyond six mean distances (bisquare). */
SAL__CLONES static void lift(const sal_phenology_plan *p, sal__lanes *b, double envelope)
{
    const double above = 2 * envelope, below = 2 - above;
    double sum[L] = { 0 }, n[L] = { 0 }, limit[L];
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t k = 0; k < p->dates; k++) {
            const double *z = b->z + p->node[k] * L, f = p->part[k];
            for (int l = 0; l < L; l++) {
                const double r = b->y[k * L + l] - z[l] - f * (z[l + L] - z[l]), seen = b->seen[k * L + l];
                if (pass == 0) {
                    sum[l] += seen * fabs(r);
                    n[l] += seen;
                } else {
                    const double keep = 1 - r * r * limit[l];
                    const double doubt = keep > 0 ? keep * keep : 0;
                    b->w[k * L + l] = seen * (r >= 0 ? above : below * doubt);
                }
            }
        }
        for (int l = 0; l < L; l++) limit[l] = n[l] * n[l] / (36 * sum[l] * sum[l] + 1e-12);
    }
}

void sal__whittaker(const sal_phenology_plan *p, sal__lanes *b)
{
    const double scale = pow(p->o.step, -3); /* sum of squared second differences over h^3 is the integral of z''^2 */
    memcpy(b->w, b->seen, sizeof(double) * (size_t)(p->dates * L));
    assemble(p, b);
    for (int l = 0; l < L; l++) b->lambda[l] = (p->o.lambda > 0 ? p->o.lambda : lambda_before) * scale;
    solve(p, b);
    if (p->o.lambda == 0) { /* the V-curve sees the series without its outliers */
        lift(p, b, 0.5);
        assemble(p, b);
        choose_lambda(p, b, scale);
        solve(p, b);
    }
    for (int round = 0; round < ROUNDS && p->o.envelope > 0; round++) {
        lift(p, b, p->o.envelope);
        assemble(p, b);
        solve(p, b);
    }
}
