/* terrain_lines.c - derivatives of rows of smoothed elevations and the covariates made of them (terrain.def).
 *
 * Horn 1981 (doi 10.1109/PROC.1981.11918), Zevenbergen and Thorne 1987 (doi 10.1002/esp.3290120107), Evans 1980
 * (Z. Geomorph. Suppl. 36), Wood 1996 (thesis, Leicester), Florinsky 2009 (doi 10.1080/13658810802527499). The trap: flat
 * means g = p^2 + q^2 near zero, not p + q, which is zero on every slope to the northwest.
 */
#include "features/clones.h"
#include "features/terrain_lines.h"

#include <math.h>

#define DEGREES (180 / 3.14159265358979323846)
#define FLAT    (g < 1e-12)

enum {
#define SAL_TERRAIN(id, unit, low, high, expression, source) TERRAIN_##id,
#include "features/terrain.def"
#undef SAL_TERRAIN
    TERRAIN_COUNT
};

/* arctan t for 0 <= t <= 1 to 3e-13 of itself: Chebyshev interpolation of arctan(sqrt u) / sqrt u at 15 points, our own fit. The
 * library's function is exact and takes longer than everything else here together. */
static inline double arctan_unit(double t)
{
    static const double c[] = {
        0.9999999999996918,   -0.33333333319773129,  0.19999998988593912,  -0.14285684118808645,  0.11110634336716976,
        -0.090863134102372442, 0.076629491813211187, -0.065354713648173704, 0.054564708423927695, -0.042295318557954431,
        0.028376364450576355, -0.015204874895819861, 0.0059217581555609895, -0.0014620976873023514, 0.00016982057895802426
    };
    const double u = t * t;
    double sum = c[14];
    for (int i = 13; i >= 0; i--) sum = sum * u + c[i];
    return sum * t;
}

/* arctan x for x >= 0. */
static inline double steepness(double x)
{
    const double low = x > 1 ? 1 : x, high = x > 1 ? x : 1, angle = arctan_unit(low / high);
    return x > 1 ? 1.57079632679489661923 - angle : angle;
}

/* Direction (east, north) in degrees clockwise from north, 0 <= bearing < 360; not for (0, 0). */
static inline double bearing(double east, double north)
{
    const double e = fabs(east), n = fabs(north), angle = arctan_unit((e > n ? n : e) / (e > n ? e : n)) * DEGREES;
    const double quarter = e > n ? 90 - angle : angle, half = north < 0 ? 180 - quarter : quarter;
    return east < 0 ? 360 - half : half;
}

static inline double within_one(double curvature) { return curvature > 1 ? 1 : curvature < -1 ? -1 : curvature; }

SAL__CLONES void sal__terrain_line(int64_t which, const sal__lines *lines, int64_t n, float *restrict out)
{
    const sal__lines l = *lines;
    switch (which) {
#define SAL_TERRAIN(id, unit, low, high, expression, source)                                                           \
    case TERRAIN_##id:                                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            SAL_UNUSED const double p = l.p[i], q = l.q[i], G = l.G[i], H = l.H[i], g = G * G + H * H;                 \
            SAL_UNUSED const double r = l.r[i], s = l.s[i], t = l.t[i], relief = l.relief[i], wetness = l.wetness[i];  \
            out[i] = (float)(expression);                                                                              \
        }                                                                                                              \
        break;
#include "features/terrain.def"
#undef SAL_TERRAIN
    default:
        for (int64_t i = 0; i < n; i++) out[i] = (float)l.relief[i];
    }
}

/* ---- 3 x 3: z1 z2 z3 / z4 z5 z6 / z7 z8 z9, z1 in the northwest ---- */

SAL__CLONES void sal__derive_near(bool horn, bool surface, const double *const rows[3], double h, int64_t n,
                                  const sal__lines *out)
{
    const double *north = rows[0], *centre = rows[1], *south = rows[2];
    const sal__lines l = *out;
    const double eighth = 1 / (8 * h), half = 1 / (2 * h), square = 1 / (h * h), quarter = 1 / (4 * h * h);
    double *restrict G = l.G, *restrict H = l.H, *restrict r = l.r, *restrict s = l.s, *restrict t = l.t;
    for (int64_t i = 0; i < n && surface; i++) {
        const double z1 = north[i - 1], z2 = north[i], z3 = north[i + 1], z4 = centre[i - 1], z5 = centre[i];
        const double z6 = centre[i + 1], z7 = south[i - 1], z8 = south[i], z9 = south[i + 1];
        const double all = z1 + z2 + z3 + z4 + z5 + z6 + z7 + z8 + z9;
        G[i] = (z6 - z4) * half + (all - all);
        H[i] = (z2 - z8) * half;
        r[i] = (z4 + z6 - 2 * z5) * square;
        t[i] = (z2 + z8 - 2 * z5) * square;
        s[i] = (z3 + z7 - z1 - z9) * quarter;
    }
    double *restrict p = l.p, *restrict q = l.q;
    for (int64_t i = 0; i < n && horn; i++) {
        const double z1 = north[i - 1], z2 = north[i], z3 = north[i + 1], z4 = centre[i - 1], z5 = centre[i];
        const double z6 = centre[i + 1], z7 = south[i - 1], z8 = south[i], z9 = south[i + 1];
        p[i] = ((z3 + 2 * z6 + z9) - (z1 + 2 * z4 + z7)) * eighth + (z5 - z5) + (z2 - z2) + (z8 - z8);
        q[i] = ((z1 + 2 * z2 + z3) - (z7 + 2 * z8 + z9)) * eighth;
    }
}

/* ---- larger windows ---- */

int64_t sal_terrain_window_half(const sal_terrain_options *o)
{
    return o->method == SAL_TERRAIN_FLORINSKY ? 2 : o->method == SAL_TERRAIN_EVANS && o->window > 3 ? o->window / 2 : 1;
}

/* Orthogonal polynomials of the distance x = -half .. half: 1, x, x^2 - a, x^3 - b x. p and q of the cubic are derivatives at x = 0,
 * where the third polynomial has -b and the product of the second and the first -a. */
void sal__stencil_fill(const sal_terrain_options *o, sal__stencil *stencil)
{
    const int64_t half = sal_terrain_window_half(o), n = 2 * half + 1;
    const double h = o->pixel;
    const bool cubic = o->method == SAL_TERRAIN_FLORINSKY;
    double s2 = 0, s4 = 0, norm2 = 0, norm3 = 0;
    *stencil = (sal__stencil){ .half = half };
    for (int64_t x = -half; x <= half; x++) s2 += (double)(x * x), s4 += (double)(x * x * x * x);
    const double a = s2 / (double)n, b = s4 / s2;
    for (int64_t k = 0; k < n; k++) {
        const double x = (double)(k - half), two = x * x - a, three = x * x * x - b * x;
        const double values[SAL__MOMENTS] = { 1, x, two, three };
        for (int j = 0; j < SAL__MOMENTS; j++) stencil->moment[j][k] = values[j];
        norm2 += two * two, norm3 += three * three;
    }
    for (int64_t k = 0; k < n; k++) {
        const double y = (double)(half - k), two = y * y - a, three = y * y * y - b * y;
        double(*share)[SAL__MOMENTS][SAL_TERRAIN_WINDOW] = stencil->share;
        share[0][1][k] = (1 / (s2 * (double)n) - (cubic ? a * two / (s2 * norm2) : 0)) / h;
        share[0][3][k] = (cubic ? -b / (norm3 * (double)n) : 0) / h;
        share[1][0][k] = (y / (s2 * (double)n) - (cubic ? b * three / (norm3 * (double)n) : 0)) / h;
        share[1][2][k] = (cubic ? -a * y / (s2 * norm2) : 0) / h;
        share[2][2][k] = 2 / (norm2 * (double)n) / (h * h);
        share[3][1][k] = y / (s2 * s2) / (h * h);
        share[4][0][k] = 2 * two / (norm2 * (double)n) / (h * h);
    }
}

SAL__CLONES void sal__stencil_moments(const sal__stencil *stencil, const double *row, int64_t n, double *moments)
{
    for (int j = 0; j < SAL__MOMENTS; j++) {
        double *restrict out = moments + j * n;
        for (int64_t i = 0; i < n; i++) out[i] = 0;
        for (int64_t k = 0; k <= 2 * stencil->half; k++) {
            const double weight = stencil->moment[j][k], *z = row + k - stencil->half;
            for (int64_t i = 0; i < n; i++) out[i] += weight * z[i];
        }
    }
}

SAL__CLONES void sal__stencil_derive(const sal__stencil *stencil, const double *const *moments, int64_t n,
                                     const sal__lines *lines)
{
    double *const outs[SAL__DERIVATIVES] = { lines->G, lines->H, lines->r, lines->s, lines->t };
    for (int d = 0; d < SAL__DERIVATIVES; d++) {
        double *restrict out = outs[d];
        for (int64_t i = 0; i < n; i++) out[i] = 0;
        for (int64_t k = 0; k <= 2 * stencil->half; k++)
            for (int j = 0; j < SAL__MOMENTS; j++) {
                const double share = stencil->share[d][j][k], *moment = moments[k] + j * n;
                if (share == 0) continue;
                for (int64_t i = 0; i < n; i++) out[i] += share * moment[i];
            }
    }
}
