/* plsr.c - partial least squares regression of one target by NIPALS with orthogonal scores (Wold et al. 2001, doi:10.1016/S0169-7439(01)00155-1).
 *
 *   w = X'y / |X'y|,  t = X w,  p = X't / t't,  q = y't / t't,  X <- X - t p',  y <- y - q t,   b = W (P'W)^-1 q
 *
 * The number of components is tuned in inner folds, and whether covariates count by their standard deviations (one unit, as in spectra) or are scaled to equal ones. The trap: b follows from all components, each of which sees X as those
 * before left it; r = w - sum over j of (p_j'w) r_j takes them back to X itself.
 */
#include "baseline_private.h"
#include <math.h>
#include <string.h>

enum { COMPONENTS = 0, SCALED = 1, MOST = 20 };

static int32_t grid(int64_t n, int64_t p, sal_baseline_settings *out, int32_t *middle)
{
    int64_t most = n - 2 < p ? n - 2 : p;
    int32_t count = 0;
    most = most > MOST ? MOST : most < 1 ? 1 : most;
    for (int64_t a = 1; a <= 2 * most; a++) out[count++] = (sal_baseline_settings){{(double)(a > most ? a - most : a), a <= most}};
    *middle = (int32_t)most / 2;
    return count;
}

static sal_status refuse(sal_context *ctx, const sal_baseline_settings *s, int64_t p)
{
    double a = s->value[COMPONENTS], scaled = s->value[SCALED];
    if (scaled != 0 && scaled != 1) return sal__refuse_setting(ctx, &sal_baseline_plsr, SCALED, scaled, "0 or 1");
    return a >= 1 && a <= 1000 && a == rint(a) ? SAL_STATUS_OK : sal__refuse_setting(ctx, &sal_baseline_plsr, COMPONENTS, a, "a whole number from 1 to 1000");
}

/* out (p) = X'v. */
static void times(int64_t n, int64_t p, const double *x, const double *v, double *out)
{
    memset(out, 0, (size_t)p * sizeof *out);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < p; k++) out[k] += x[i * p + k] * v[i];
}

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* One component; false when nothing is left to explain. loads and back hold p_j and r_j of the components before. */
static bool component(int64_t n, int64_t p, int64_t a, double *x, double *y, double *t, double *loads, double *back, double *b)
{
    double *r = back + a * p, *load = loads + a * p;
    times(n, p, x, y, r);
    double length = sqrt(dot(p, r, r));
    if (!(length > 1e-12 * (double)n)) return false;
    for (int64_t k = 0; k < p; k++) r[k] /= length;
    for (int64_t i = 0; i < n; i++) t[i] = dot(p, x + i * p, r);
    double tt = dot(n, t, t);
    if (!(tt > 1e-12)) return false;
    times(n, p, x, t, load);
    for (int64_t k = 0; k < p; k++) load[k] /= tt;
    double q = dot(n, y, t) / tt;
    for (int64_t i = 0; i < n; i++) {
        y[i] -= q * t[i];
        for (int64_t k = 0; k < p; k++) x[i * p + k] -= t[i] * load[k];
    }
    for (int64_t j = a - 1; j >= 0; j--) { /* P'W is upper bidiagonal in exact arithmetic; all terms, because it is not here */
        double share = dot(p, loads + j * p, r);
        for (int64_t k = 0; k < p; k++) r[k] -= share * back[j * p + k];
    }
    for (int64_t k = 0; k < p; k++) b[k] += q * r[k];
    return true;
}

/* Spread of each covariate relative to all: what makes standardised columns count as they are. 1 everywhere when they are to stay scaled. */
static void shares(const sal_baseline *b, bool scaled, double *share)
{
    double square = 0;
    for (int64_t k = 0; k < b->p; k++) {
        share[k] = b->scale[k] > 0 ? 1 / (double)b->scale[k] : 0;
        square += share[k] * share[k] / (double)b->p;
    }
    for (int64_t k = 0; k < b->p; k++) share[k] = scaled ? 1 : square > 0 ? share[k] / sqrt(square) : 0;
}

static sal_status fit(const sal__fitting *f, sal_baseline *out)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = f->rows.n, p = f->rows.p, components = (int64_t)f->settings.value[COMPONENTS];
    double *x = NULL, *y = NULL, *t = NULL, *loads = NULL, *back = NULL, *b = NULL, *share = NULL, mean = sal__mean(n, f->rows.y);
    components = components < n - 1 ? components : n - 1;
    SAL_TRY(sal__standardise(f, out, &x));
    SAL_TRY(sal_allocate(f->ctx, n, sizeof *y, &y));
    SAL_TRY(sal_allocate(f->ctx, n, sizeof *t, &t));
    SAL_TRY(sal_allocate(f->ctx, p, sizeof *b, &b));
    SAL_TRY(sal_allocate(f->ctx, p, sizeof *share, &share));
    SAL_TRY(sal_allocate(f->ctx, components * p, sizeof *loads, &loads));
    SAL_TRY(sal_allocate(f->ctx, components * p, sizeof *back, &back));
    shares(out, f->settings.value[SCALED] != 0, share);
    for (int64_t i = 0; i < n; i++) {
        y[i] = f->rows.y[i] - mean;
        for (int64_t k = 0; k < p; k++) x[i * p + k] *= share[k];
    }
    for (int64_t a = 0; a < components; a++) {
        if (sal_look(f->look)) SAL_TRY(sal_fail(f->ctx, SAL_STATUS_CANCELLED, "cancelled"));
        if (!component(n, p, a, x, y, t, loads, back, b)) break;
    }
    for (int64_t k = 0; k < p; k++) b[k] *= share[k];
    SAL_TRY(sal__baseline_line(out, b, mean));
done:
    sal_release(f->ctx, x);
    sal_release(f->ctx, y);
    sal_release(f->ctx, t);
    sal_release(f->ctx, b);
    sal_release(f->ctx, share);
    sal_release(f->ctx, loads);
    sal_release(f->ctx, back);
    return status;
}

const sal_baseline_method sal_baseline_plsr = {
    .id = "plsr", .title = "Partial least squares", .help = "number of components and scaling tuned in inner folds",
    .settings = {"components", "scaled"}, .form = SAL__FORM_LINE, .random = false, .grid = grid, .refuse = refuse, .fit = fit};
