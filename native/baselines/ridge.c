/* ridge.c - linear regression with an L2 penalty (Hoerl and Kennard 1970, doi:10.1080/00401706.1970.10488634), in closed form:
 *
 *   b = (Z'Z + lambda I)^-1 Z'y,  or with fewer rows than covariates  b = Z'(ZZ' + lambda I)^-1 y
 *
 * Z standardised, y centred; the smaller of the two systems is solved by Cholesky. lambda is tuned in inner folds and not by leave-one-out, which would
 * test next to where it trained.
 */
#include "baseline_private.h"
#include "kernels/linear.h"
#include <math.h>

enum { LAMBDA = 0 };

static int32_t grid(int64_t n, int64_t p, sal_baseline_settings *out, int32_t *middle)
{
    const double lambdas[9] = {10000, 3000, 1000, 300, 100, 30, 10, 1, 0.1};
    for (int32_t i = 0; i < 9; i++) out[i] = (sal_baseline_settings){{lambdas[i]}};
    *middle = 4;
    return 9;
}

static sal_status refuse(sal_context *ctx, const sal_baseline_settings *s, int64_t p)
{
    return s->value[LAMBDA] > 0 && s->value[LAMBDA] < 1e15 ? SAL_STATUS_OK : sal__refuse_setting(ctx, &sal_baseline_ridge, LAMBDA, s->value[LAMBDA], "above 0");
}

static sal_status fit(const sal__fitting *f, sal_baseline *out)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = f->rows.n, p = f->rows.p, m = n < p ? n : p;
    double *z = NULL, *gram = NULL, *right = NULL, *b = NULL, mean = sal__mean(n, f->rows.y);
    SAL_TRY(sal__standardise(f, out, &z));
    SAL_TRY(sal_allocate(f->ctx, m * m, sizeof *gram, &gram));
    SAL_TRY(sal_allocate(f->ctx, m, sizeof *right, &right));
    SAL_TRY(sal_allocate(f->ctx, p, sizeof *b, &b));
    sal_linear_gram(n >= p, n, p, z, gram);
    for (int64_t k = 0; k < m; k++) gram[k * m + k] += f->settings.value[LAMBDA];
    for (int64_t i = 0; i < n; i++) {
        double y = f->rows.y[i] - mean;
        if (n < p) right[i] = y;
        else for (int64_t k = 0; k < p; k++) right[k] += z[i * p + k] * y;
    }
    SAL_TRY(sal_linear_solve(f->ctx, m, gram, right));
    for (int64_t k = 0; k < p && n >= p; k++) b[k] = right[k];
    for (int64_t i = 0; i < n && n < p; i++)
        for (int64_t k = 0; k < p; k++) b[k] += z[i * p + k] * right[i];
    SAL_TRY(sal__baseline_line(out, b, mean));
done:
    sal_release(f->ctx, z);
    sal_release(f->ctx, gram);
    sal_release(f->ctx, right);
    sal_release(f->ctx, b);
    return status;
}

const sal_baseline_method sal_baseline_ridge = {
    .id = "ridge", .title = "Ridge regression", .help = "linear with an L2 penalty tuned in inner folds",
    .settings = {"lambda"}, .form = SAL__FORM_LINE, .random = false, .grid = grid, .refuse = refuse, .fit = fit};
