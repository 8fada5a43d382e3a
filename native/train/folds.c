/* folds.c - assigning samples to folds, then the buffer, the checks and the distances, which are the same for every
 * method.
 *
 * science.md 1.3 and 1.6. The traps: samples of one site in several campaigns are one place and must not be split; the
 * buffer is Chebyshev distance < W * pixel (square windows), not a Euclidean radius; distances are pairwise O(n^2), cut
 * by sample for the pool.
 */
#include "train/folds_private.h"
#include "train/metrics.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct method_entry {
    sal_fold_method row;
    sal_status (*assign)(sal_context *ctx, const sal_fold_request *request, sal_folds *folds);
} method_entry;

/* clang-format off */
static const method_entry methods[] = {
#define SAL_FOLD_METHOD(id, title, buffered, help) { { #id, title, buffered, help }, sal__folds_assign_##id },
#include "train/folds.def"
#undef SAL_FOLD_METHOD
};
/* clang-format on */

int64_t sal_fold_method_count(void) { return (int64_t)(sizeof methods / sizeof methods[0]); }
const sal_fold_method *sal_fold_method_at(int64_t i) { return &methods[i].row; }

static const method_entry *find_method(const char *id)
{
    for (int64_t i = 0; i < sal_fold_method_count(); i++)
        if (!strcmp(methods[i].row.id, id)) return &methods[i];
    return NULL;
}

const sal_fold_method *sal_fold_method_find(const char *id)
{
    const method_entry *method = find_method(id);
    return method ? &method->row : NULL;
}

static sal_status refuse_method(sal_context *ctx, const char *id)
{
    char known[256] = "";
    size_t used = 0;
    for (int64_t i = 0; i < sal_fold_method_count() && used < sizeof known; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", methods[i].row.id);
    return sal_fail(ctx, SAL_STATUS_ARGUMENT, "there is no way \"%s\" to split samples; choose one of: %s", id, known);
}

static sal_status check_request(sal_context *ctx, const sal_fold_request *r)
{
    if (r->k < 2 || r->k > SAL_FOLDS_MAX)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%lld folds are not possible; choose 2 to %d", (long long)r->k,
                        SAL_FOLDS_MAX);
    if (r->count < r->k)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "%lld samples are fewer than %lld folds; give more samples or fewer folds", (long long)r->count,
                        (long long)r->k);
    if (!(r->pixel_m >= 1e-3) || r->window < 1 || (r->block_m != 0 && !(r->block_m >= r->pixel_m)))
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "pixel %g m, window %lld pixels and block %g m do not make sense",
                        r->pixel_m, (long long)r->window, r->block_m);
    for (int64_t i = 0; i < r->count; i++)
        if (!(fabs(r->x[i]) < 1e9) || !(fabs(r->y[i]) < 1e9) || !isfinite(r->target[i]))
            return sal_fail(
                ctx, SAL_STATUS_DATA,
                "sample %lld of %lld has a value that is not a number or a position that is not one in metres",
                (long long)i + 1, (long long)r->count);
    return SAL_STATUS_OK;
}

#define PAIR_CHUNK 64 /* samples per task of the pairwise passes */

typedef struct pair_task {
    const sal_fold_request *r;
    sal_folds *f;
    uint8_t *overlaps; /* (count) */
} pair_task;

static double chebyshev(const sal_fold_request *r, int64_t i, int64_t j)
{
    return fmax(fabs(r->x[i] - r->x[j]), fabs(r->y[i] - r->y[j]));
}

/* Training sample j leaves every fold that tests a sample inside the buffer around j. */
static void drop_near(void *arg, int64_t chunk, int32_t worker)
{
    const pair_task *t = arg;
    (void)worker;
    int64_t n = t->r->count, end = chunk * PAIR_CHUNK + PAIR_CHUNK < n ? chunk * PAIR_CHUNK + PAIR_CHUNK : n;
    for (int64_t j = chunk * PAIR_CHUNK; j < end; j++)
        for (int64_t i = 0; i < n; i++)
            if (t->f->fold[i] != t->f->fold[j] && chebyshev(t->r, i, j) < t->f->buffer_m)
                t->f->train[t->f->fold[i] * n + j] = 0;
}

/* Nearest training sample of every test sample, and whether their windows share pixels. */
static void find_nearest(void *arg, int64_t chunk, int32_t worker)
{
    const pair_task *t = arg;
    (void)worker;
    double reach = (double)t->r->window * t->r->pixel_m;
    int64_t n = t->r->count, end = chunk * PAIR_CHUNK + PAIR_CHUNK < n ? chunk * PAIR_CHUNK + PAIR_CHUNK : n;
    for (int64_t i = chunk * PAIR_CHUNK; i < end; i++) {
        const uint8_t *train = t->f->train + t->f->fold[i] * n;
        double best = INFINITY;
        for (int64_t j = 0; j < n; j++) {
            if (!train[j]) continue;
            double dx = t->r->x[i] - t->r->x[j], dy = t->r->y[i] - t->r->y[j];
            if (fmax(fabs(dx), fabs(dy)) < reach) t->overlaps[i] = 1;
            best = fmin(best, dx * dx + dy * dy);
        }
        t->f->nearest_m[i] = sqrt(best);
    }
}

static sal_status count_folds(sal_context *ctx, sal_folds *f)
{
    for (int64_t i = 0; i < f->count; i++) f->test_count[f->fold[i]]++;
    for (int64_t k = 0; k < f->k; k++) {
        for (int64_t i = 0; i < f->count; i++) f->train_count[k] += f->train[k * f->count + i];
        f->dropped_count[k] = f->count - f->test_count[k] - f->train_count[k];
        f->dropped_by_buffer += f->dropped_count[k];
        if (f->train_count[k] == 0)
            return sal_fail(ctx, SAL_STATUS_DATA,
                            "fold %lld of %lld has no training sample left: all %lld others lie within the buffer of "
                            "%g m around its test samples; "
                            "use a smaller window, larger blocks or random folds",
                            (long long)k + 1, (long long)f->k, (long long)f->dropped_count[k], f->buffer_m);
    }
    return SAL_STATUS_OK;
}

static sal_status measure_folds(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    double *sorted = NULL;
    pair_task task = { r, f, NULL };
    SAL_TRY(sal_allocate(ctx, f->count, 1, &task.overlaps));
    sal_pool_run(ctx, (f->count + PAIR_CHUNK - 1) / PAIR_CHUNK, find_nearest, &task);
    int64_t overlapping = 0;
    for (int64_t i = 0; i < f->count; i++) overlapping += task.overlaps[i];
    f->overlap_share = (double)overlapping / (double)f->count;
    SAL_TRY(sal_sorted_copy(ctx, f->count, f->nearest_m, &sorted));
    f->min_distance_m = sorted[0];
    f->median_distance_m = sal_quantile_sorted(f->count, sorted, 0.5);
done:
    sal_release(ctx, sorted);
    sal_release(ctx, task.overlaps);
    return status;
}

sal_status sal_folds_new(sal_context *ctx, const sal_fold_request *r, sal_folds **out)
{
    *out = NULL;
    const method_entry *method = find_method(r->method);
    if (!method) return refuse_method(ctx, r->method);
    sal_folds *f = NULL;
    sal_status status;
    SAL_TRY(check_request(ctx, r));
    SAL_TRY(sal_allocate(ctx, 1, sizeof *f, &f));
    f->count = r->count;
    f->k = r->k;
    snprintf(f->method, sizeof f->method, "%s", r->method);
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *f->fold, &f->fold));
    SAL_TRY(sal_allocate(ctx, r->k * r->count, 1, &f->train));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *f->nearest_m, &f->nearest_m));
    SAL_TRY(method->assign(ctx, r, f));
    for (int64_t k = 0; k < r->k; k++)
        for (int64_t i = 0; i < r->count; i++) f->train[k * r->count + i] = f->fold[i] != k;
    if (method->row.buffered) {
        f->buffer_m = (double)r->window * r->pixel_m;
        pair_task task = { r, f, NULL };
        sal_pool_run(ctx, (r->count + PAIR_CHUNK - 1) / PAIR_CHUNK, drop_near, &task);
    }
    SAL_TRY(count_folds(ctx, f));
    SAL_TRY(measure_folds(ctx, r, f));
    *out = f;
    f = NULL;
done:
    sal_folds_free(ctx, f);
    return status;
}

void sal_folds_free(sal_context *ctx, sal_folds *f)
{
    if (!f) return;
    sal_release(ctx, f->fold);
    sal_release(ctx, f->train);
    sal_release(ctx, f->nearest_m);
    sal_release(ctx, f);
}

int64_t sal_folds_list(const sal_folds *f, int64_t fold, bool test, int64_t *indices)
{
    int64_t n = 0;
    for (int64_t i = 0; i < f->count; i++)
        if (test ? f->fold[i] == fold : f->train[fold * f->count + i]) indices[n++] = i;
    return n;
}
