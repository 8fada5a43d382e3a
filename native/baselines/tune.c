/* tune.c - chooses hyper-parameters by the squared error in folds inside the training rows: every candidate is fitted in every inner fold.
 *
 * The outer test samples are never seen here. Jobs are (candidate, fold) pairs, each in one thread, so the choice does not depend on their number.
 */
#include "baseline_private.h"
#include "kernels/gemm.h"
#include <math.h>
#include <string.h>

/* A few samples decide about less than a hundredth of the error: what comes first in the grid is preferred. */
static const double as_good = 1.01;

typedef struct tuning {
    sal_context *look;
    const sal_baseline_method *method;
    const sal_baseline_rows *rows;
    const sal_baseline_inner *inner;
    sal_baseline_settings candidates[SAL_BASELINE_CANDIDATES];
    uint64_t seed;
    int32_t count;
    double *error, *tested; /* (candidates, folds) sum of squares, number of rows */
} tuning;

/* The rows of a fold that train (or are tested), as a table of their own. */
static sal_status select_rows(sal_context *ctx, const tuning *t, int64_t fold, bool test, sal_baseline_rows *out, float **x, double **y)
{
    const sal_baseline_rows *r = t->rows;
    sal_status status = SAL_STATUS_OK;
    int64_t n = 0;
    SAL_TRY(sal_allocate(ctx, r->n * r->p, sizeof **x, x));
    SAL_TRY(sal_allocate(ctx, r->n, sizeof **y, y));
    for (int64_t i = 0; i < r->n; i++) {
        if (test ? t->inner->fold[i] != fold : !t->inner->train[fold * r->n + i]) continue;
        memcpy(*x + n * r->p, r->x + i * r->p, (size_t)r->p * sizeof **x);
        (*y)[n++] = r->y[i];
    }
    *out = (sal_baseline_rows){n, r->p, *x, *y};
done:
    return status;
}

/* Fewer than 4 rows, or all of one value: nothing to learn from. */
static bool usable(const sal_baseline_rows *r)
{
    bool varied = false;
    for (int64_t i = 1; i < r->n; i++) varied |= r->y[i] != r->y[0];
    return r->n >= 4 && varied;
}

static sal_status try_one(sal_context *own, void *arg, int64_t job)
{
    tuning *t = arg;
    sal_status status = SAL_STATUS_OK;
    int64_t candidate = job / t->inner->k, fold = job % t->inner->k;
    sal_baseline_rows train, test;
    float *x[2] = {0};
    double *y[2] = {0}, *predicted = NULL;
    sal_baseline *b = NULL;
    SAL_TRY(select_rows(own, t, fold, false, &train, &x[0], &y[0]));
    SAL_TRY(select_rows(own, t, fold, true, &test, &x[1], &y[1]));
    if (!usable(&train) || test.n == 0) goto done; /* the same for every candidate */
    const sal__fitting f = {.ctx = own, .look = t->look, .rows = train, .settings = t->candidates[candidate], .seed = t->seed, .rough = true};
    SAL_TRY(sal_allocate(own, test.n, sizeof *predicted, &predicted));
    SAL_TRY(sal__baseline_fit(&f, t->method, &b));
    SAL_TRY(sal_baseline_predict(own, b, test.n, test.x, predicted));
    for (int64_t i = 0; i < test.n; i++) t->error[job] += (predicted[i] - test.y[i]) * (predicted[i] - test.y[i]);
    t->tested[job] = (double)test.n;
done:
    sal_baseline_free(b);
    sal_release(own, predicted);
    for (int32_t k = 0; k < 2; k++) sal_release(own, x[k]), sal_release(own, y[k]);
    return status;
}

/* Pooled over folds, as scores are; NaN when no fold could be used. */
static double pooled(const tuning *t, int64_t candidate)
{
    double sum = 0, n = 0;
    for (int64_t k = 0; k < t->inner->k; k++) sum += t->error[candidate * t->inner->k + k], n += t->tested[candidate * t->inner->k + k];
    return n > 0 ? sqrt(sum / n) : NAN;
}

static sal_status choose(sal_context *ctx, tuning *t, sal_baseline_settings *out, double *error)
{
    sal_status status = SAL_STATUS_OK;
    sal__crew crew = {0};
    int64_t jobs = t->count * t->inner->k;
    SAL_TRY(sal_allocate(ctx, jobs, sizeof *t->error, &t->error));
    SAL_TRY(sal_allocate(ctx, jobs, sizeof *t->tested, &t->tested));
    SAL_TRY(sal__crew_new(ctx, &crew));
    SAL_TRY(sal__crew_run(&crew, ctx, jobs, try_one, t));
    for (int64_t c = 0; c < t->count; c++) *error = fmin(*error, pooled(t, c)); /* fmin leaves NaN aside */
    for (int64_t c = t->count - 1; c >= 0; c--) {
        if (pooled(t, c) <= as_good * *error) *out = t->candidates[c];
    }
done:
    sal__crew_free(&crew);
    sal_release(ctx, t->error);
    sal_release(ctx, t->tested);
    return status;
}

sal_status sal_baseline_tune(sal_context *ctx, const sal_baseline_method *method, const sal_baseline_rows *rows, const sal_baseline_inner *inner, uint64_t seed,
                             sal_baseline_settings *out, double *error)
{
    tuning t = {.look = ctx, .method = method, .rows = rows, .inner = inner, .seed = seed};
    double least = NAN;
    int32_t middle;
    t.count = method->grid(rows->n, rows->p, t.candidates, &middle);
    *out = t.candidates[middle];
    if (error) *error = NAN;
    sal_status status = sal_baseline_method_check(ctx, method);
    if (status != SAL_STATUS_OK || !inner || inner->k < 1 || t.count == 1) return status;
    sal_kernels_enter(ctx);
    status = choose(ctx, &t, out, &least);
    sal_kernels_leave();
    if (error) *error = least;
    return status;
}
