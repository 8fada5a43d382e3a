/* folds_random.c - the stratified random split.
 *
 * Places are sorted by mean target and cut into strata of k neighbours; within a stratum every fold gets one place, in
 * an order drawn by the seed. This is stratification by quantiles at its finest. The trap: strata are of places, not
 * samples, or a site visited six times would stand on both sides.
 */
#include "train/folds_private.h"
#include <math.h>
#include <stdlib.h>

typedef struct place {
    int64_t index;
    double mean;
} place;

static int by_mean(const void *a, const void *b)
{
    const place *p = a, *q = b;
    if (p->mean != q->mean) return p->mean < q->mean ? -1 : 1;
    return (p->index > q->index) - (p->index < q->index);
}

sal_status sal__folds_check_places(sal_context *ctx, const sal_fold_request *r, const sal_folds *f)
{
    if (f->places >= r->k) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_DATA,
                    "the %lld samples stand in %lld places (%s), fewer than %lld folds; give more samples or fewer folds%s",
                    (long long)r->count, (long long)f->places, r->group_windows ? "groups whose windows overlap" : "pixels",
                    (long long)r->k, r->group_windows ? ", or do not group overlapping windows" : "");
}

sal_status sal__folds_assign_random(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    int64_t *sizes = NULL, order[SAL_FOLDS_MAX];
    int32_t *fold = NULL; /* (places) */
    place *sorted = NULL;
    SAL_TRY(sal__folds_check_places(ctx, r, f));
    SAL_TRY(sal_allocate(ctx, f->places, sizeof *sorted, &sorted));
    SAL_TRY(sal_allocate(ctx, f->places, sizeof *sizes, &sizes));
    SAL_TRY(sal_allocate(ctx, f->places, sizeof *fold, &fold));
    for (int64_t i = 0; i < r->count; i++) {
        sizes[f->place[i]]++;
        sorted[f->place[i]].mean += r->target[i];
    }
    for (int64_t p = 0; p < f->places; p++) {
        sorted[p].index = p;
        sorted[p].mean /= (double)sizes[p];
    }
    qsort(sorted, (size_t)f->places, sizeof *sorted, by_mean);
    for (int64_t p = 0; p < f->places; p++) {
        if (p % r->k == 0) {
            for (int64_t k = 0; k < r->k; k++) order[k] = k;
            sal_random_shuffle(r->seed, sal_random_stream("folds random", (uint64_t)(p / r->k), 0), order, r->k);
        }
        fold[sorted[p].index] = (int32_t)order[p % r->k];
    }
    for (int64_t i = 0; i < r->count; i++) f->fold[i] = fold[f->place[i]];
done:
    sal_release(ctx, sizes);
    sal_release(ctx, fold);
    sal_release(ctx, sorted);
    return status;
}
