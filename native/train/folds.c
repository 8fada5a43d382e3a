/* folds.c - assigning samples to folds, then the buffer, the checks and the counts, which are the same for every
 * method.
 *
 * science.md 1.3 and 1.6. The traps: samples of one site in several campaigns are one place and must not be split; the
 * buffer is Chebyshev distance < W * pixel (square windows), not a Euclidean radius; distances are pairwise O(n^2), cut
 * by sample for the pool. Distance curves are in folds_distances.c.
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
#define SAL_FOLD_METHOD(id, title, flags, help) { { #id, title, flags, help }, sal__folds_assign_##id },
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

static sal_status check_needs(sal_context *ctx, const sal_fold_request *r, const sal_fold_method *method)
{
    if (method->flags & SAL_FOLD_DOMAIN && (r->domain_count < 1 || !r->domain_x || !r->domain_y))
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "%s folds match the distances of the map, so they need points of the ground to be mapped; none were given", r->method);
    if (method->flags & SAL_FOLD_CAMPAIGNS && !r->campaign)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%s folds need the campaign of every sample; none were given", r->method);
    for (int64_t i = 0; r->domain_x && i < r->domain_count; i++)
        if (!isfinite(r->domain_x[i]) || !isfinite(r->domain_y[i]))
            return sal_fail(ctx, SAL_STATUS_DATA, "point %lld of %lld of the ground to be mapped is no position", (long long)i + 1,
                            (long long)r->domain_count);
    return SAL_STATUS_OK;
}

static sal_status check_request(sal_context *ctx, const sal_fold_request *r, const sal_fold_method *method)
{
    bool asks = !(method->flags & SAL_FOLD_LEAVE_ONE_OUT) && strcmp(method->id, "campaign") != 0;
    if (asks && (r->k < 2 || r->k > SAL_FOLDS_MAX))
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%lld folds are not possible; choose 2 to %d", (long long)r->k,
                        SAL_FOLDS_MAX);
    if (r->count < (asks ? r->k : 2))
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "%lld samples are fewer than %lld folds; give more samples or fewer folds", (long long)r->count,
                        (long long)(asks ? r->k : 2));
    if (!(r->pixel_m >= 1e-3) || r->window < 1 || (r->block_m != 0 && !(r->block_m >= r->pixel_m)))
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "pixel %g m, window %lld pixels and block %g m do not make sense",
                        r->pixel_m, (long long)r->window, r->block_m);
    for (int64_t i = 0; i < r->count; i++)
        if (!(fabs(r->x[i]) < 1e9) || !(fabs(r->y[i]) < 1e9) || !isfinite(r->target[i]))
            return sal_fail(
                ctx, SAL_STATUS_DATA,
                "sample %lld of %lld has a value that is not a number or a position that is not one in metres",
                (long long)i + 1, (long long)r->count);
    return check_needs(ctx, r, method);
}

#define PAIR_CHUNK 64 /* samples per task of the pairwise passes */

typedef struct pair_task {
    const sal_fold_request *r;
    sal_folds *f;
    uint8_t *overlaps; /* (count) */
    double buffer_m;   /* Chebyshev */
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
            if (t->f->fold[i] != t->f->fold[j] && chebyshev(t->r, i, j) < t->buffer_m)
                t->f->train[t->f->fold[i] * n + j] = 0;
}

/* Nearest training sample of every test sample (Gj*), and whether their windows share pixels. */
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
    sal_status status;
    SAL_TRY(sal_allocate(ctx, f->k, sizeof(int64_t), &f->test_count));
    SAL_TRY(sal_allocate(ctx, f->k, sizeof(int64_t), &f->train_count));
    SAL_TRY(sal_allocate(ctx, f->k, sizeof(int64_t), &f->dropped_count));
    for (int64_t i = 0; i < f->count; i++) f->test_count[f->fold[i]]++;
    for (int64_t k = 0; k < f->k; k++) {
        for (int64_t i = 0; i < f->count; i++) f->train_count[k] += f->train[k * f->count + i];
        f->dropped_count[k] = f->count - f->test_count[k] - f->train_count[k];
        if (f->train_count[k]) continue;
        status = sal_fail(ctx, SAL_STATUS_DATA,
                          "fold %lld of %lld has no training sample left: all %lld others are left out of it%s; use a smaller window "
                          "or radius, larger blocks or random folds",
                          (long long)k + 1, (long long)f->k, (long long)f->dropped_count[k],
                          f->buffer_m > 0 ? ", most of them because they lie within the buffer around its test samples" : "");
        goto done;
    }
done:
    return status;
}

static int64_t train_pairs(const sal_folds *f)
{
    int64_t n = 0;
    for (int64_t i = 0; i < f->k * f->count; i++) n += f->train[i];
    return n;
}

static sal_status measure_folds(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    double *sorted = NULL;
    pair_task task = { r, f, NULL, 0 };
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

sal_status sal__folds_allocate_train(sal_context *ctx, sal_folds *f)
{
    const int64_t most = (int64_t)1 << 30;
    if (f->k > most / f->count)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%lld folds of %lld samples are too many to keep track of; use fewer folds", (long long)f->k,
                        (long long)f->count);
    return sal_allocate(ctx, f->k * f->count, 1, &f->train);
}

static sal_status allocate(sal_context *ctx, const sal_fold_request *r, sal_folds **out)
{
    sal_status status;
    sal_folds *f = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *f, &f));
    f->count = r->count;
    f->k = r->k;
    f->clustered_p = f->w_m = NAN;
    snprintf(f->method, sizeof f->method, "%s", r->method);
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *f->fold, &f->fold));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *f->place, &f->place));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *f->place_x, &f->place_x));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *f->place_y, &f->place_y));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *f->nearest_m, &f->nearest_m));
    *out = f;
    return status;
done:
    sal_folds_free(ctx, f);
    return status;
}

/* The table of who may train, where the method did not make it, and the buffer. */
static sal_status allow_training(sal_context *ctx, const sal_fold_request *r, const sal_fold_method *method, sal_folds *f)
{
    sal_status status = SAL_STATUS_OK;
    if (!f->train) {
        SAL_TRY(sal__folds_allocate_train(ctx, f));
        for (int64_t k = 0; k < f->k; k++)
            for (int64_t i = 0; i < f->count; i++) f->train[k * f->count + i] = f->fold[i] != k;
    }
    if (method->flags & SAL_FOLD_BUFFERED) {
        double window_m = (double)r->window * r->pixel_m;
        if (f->buffer_m < window_m) f->buffer_m = window_m;
        pair_task task = { r, f, NULL, window_m };
        int64_t before = train_pairs(f);
        sal_pool_run(ctx, (r->count + PAIR_CHUNK - 1) / PAIR_CHUNK, drop_near, &task);
        f->dropped_by_buffer += before - train_pairs(f);
    }
done:
    return status;
}

sal_status sal_folds_new(sal_context *ctx, const sal_fold_request *r, sal_folds **out)
{
    *out = NULL;
    const method_entry *method = find_method(r->method);
    if (!method) return refuse_method(ctx, r->method);
    sal_folds *f = NULL;
    sal_status status;
    SAL_TRY(check_request(ctx, r, &method->row));
    SAL_TRY(allocate(ctx, r, &f));
    SAL_TRY(sal__folds_places(ctx, r, f));
    SAL_TRY(method->assign(ctx, r, f));
    SAL_TRY(allow_training(ctx, r, &method->row, f));
    SAL_TRY(count_folds(ctx, f));
    SAL_TRY(measure_folds(ctx, r, f));
    SAL_TRY(sal__folds_curves(ctx, r, f));
    SAL_TRY(sal__folds_units(ctx, r, f));
    *out = f;
    f = NULL;
done:
    sal_folds_free(ctx, f);
    return status;
}

void sal_folds_free(sal_context *ctx, sal_folds *f)
{
    if (!f) return;
    void *all[] = { f->fold, f->train, f->test_count, f->train_count, f->dropped_count, f->nearest_m, f->gj_m, f->gij_m, f->place, f->place_x,
                    f->place_y, f->unit };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sal_release(ctx, all[i]);
    sal_release(ctx, f);
}

int64_t sal_folds_list(const sal_folds *f, int64_t fold, bool test, int64_t *indices)
{
    int64_t n = 0;
    for (int64_t i = 0; i < f->count; i++)
        if (test ? f->fold[i] == fold : f->train[fold * f->count + i]) indices[n++] = i;
    return n;
}
