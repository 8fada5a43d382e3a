/* folds_random.c - places (samples within one pixel) and the stratified random split.
 *
 * Places are sorted by mean target and cut into strata of k neighbours; within a stratum every fold gets one place, in
 * an order drawn by the seed. This is stratification by quantiles at its finest. The trap: strata are of places, not
 * samples, or a site visited six times would stand on both sides.
 */
#include "train/folds_private.h"
#include <math.h>
#include <stdlib.h>

typedef struct cell_entry {
    int64_t column, row, sample;
} cell_entry;

static int by_cell(const void *a, const void *b)
{
    const cell_entry *p = a, *q = b;
    if (p->column != q->column) return p->column < q->column ? -1 : 1;
    if (p->row != q->row) return p->row < q->row ? -1 : 1;
    return (p->sample > q->sample) - (p->sample < q->sample);
}

static int64_t root_of(int64_t *parent, int64_t i)
{
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

/* First entry of the sorted cells that is not before (column, row). */
static int64_t lower_bound(const cell_entry *cells, int64_t n, int64_t column, int64_t row)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        bool before = cells[mid].column < column || (cells[mid].column == column && cells[mid].row < row);
        if (before)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Joins sample a with every later sample closer than a pixel; those lie in the 3 x 3 cells around it. */
static void join_neighbours(const sal_fold_request *r, const cell_entry *cells, const cell_entry *a, int64_t *parent)
{
    for (int64_t column = a->column; column <= a->column + 1; column++) {
        for (int64_t j = lower_bound(cells, r->count, column, a->row - 1); j < r->count; j++) {
            if (cells[j].column != column || cells[j].row > a->row + 1) break;
            int64_t s = a->sample, t = cells[j].sample;
            if (fmax(fabs(r->x[s] - r->x[t]), fabs(r->y[s] - r->y[t])) >= r->pixel_m) continue;
            int64_t p = root_of(parent, s), q = root_of(parent, t);
            if (p < q)
                parent[q] = p;
            else
                parent[p] = q;
        }
    }
}

sal_status sal__folds_places(sal_context *ctx, const sal_fold_request *r, int64_t *group, int64_t *places)
{
    sal_status status;
    cell_entry *cells = NULL;
    int64_t *parent = NULL;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *cells, &cells));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *parent, &parent));
    for (int64_t i = 0; i < r->count; i++) {
        parent[i] = i;
        cells[i] = (cell_entry){ (int64_t)floor(r->x[i] / r->pixel_m), (int64_t)floor(r->y[i] / r->pixel_m), i };
    }
    qsort(cells, (size_t)r->count, sizeof *cells, by_cell);
    for (int64_t i = 0; i < r->count; i++) join_neighbours(r, cells, &cells[i], parent);
    *places = 0;
    for (int64_t i = 0; i < r->count; i++) {
        int64_t root = root_of(parent, i);
        group[i] = root == i ? (*places)++ : group[root]; /* roots are the first of their place */
    }
done:
    sal_release(ctx, cells);
    sal_release(ctx, parent);
    return status;
}

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

sal_status sal__folds_assign_random(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    int64_t *group = NULL, *sizes = NULL, order[SAL_FOLDS_MAX];
    int32_t *fold = NULL; /* (places) */
    place *sorted = NULL;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *group, &group));
    SAL_TRY(sal__folds_places(ctx, r, group, &f->places));
    if (f->places < r->k) {
        status = sal_fail(
            ctx, SAL_STATUS_DATA,
            "the %lld samples stand in %lld places (pixels), fewer than %lld folds; give more samples or fewer folds",
            (long long)r->count, (long long)f->places, (long long)r->k);
        goto done;
    }
    SAL_TRY(sal_allocate(ctx, f->places, sizeof *sorted, &sorted));
    SAL_TRY(sal_allocate(ctx, f->places, sizeof *sizes, &sizes));
    SAL_TRY(sal_allocate(ctx, f->places, sizeof *fold, &fold));
    for (int64_t i = 0; i < r->count; i++) {
        sizes[group[i]]++;
        sorted[group[i]].mean += r->target[i];
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
    for (int64_t i = 0; i < r->count; i++) f->fold[i] = fold[group[i]];
done:
    sal_release(ctx, group);
    sal_release(ctx, sizes);
    sal_release(ctx, fold);
    sal_release(ctx, sorted);
    return status;
}
