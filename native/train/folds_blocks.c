/* folds_blocks.c - spatial blocks: square blocks of one size, whole blocks to folds (Roberts et al. 2017; Valavi et al.
 * 2019, blockCV).
 *
 * Of 100 seeded draws the one is kept whose folds are most alike in number of samples and in mean of log(1 + target).
 * Blocks smaller than twice the window would be eaten by the buffer, hence the default size. The trap: a place on a
 * block border must not be cut, so a place belongs to the block of its first sample.
 */
#include "train/folds_private.h"
#include <math.h>
#include <stdlib.h>

#define DRAWS 100

typedef struct block {
    int64_t column, row; /* of the block grid */
    int64_t size;        /* samples */
    double sum;          /* of log1p(target) */
} block;

typedef struct keyed {
    int64_t column, row, sample;
} keyed;

static int by_block(const void *a, const void *b)
{
    const keyed *p = a, *q = b;
    if (p->column != q->column) return p->column < q->column ? -1 : 1;
    if (p->row != q->row) return p->row < q->row ? -1 : 1;
    return (p->sample > q->sample) - (p->sample < q->sample);
}

static void extent_of(int64_t n, const double *v, double *low, double *high)
{
    *low = *high = v[0];
    for (int64_t i = 1; i < n; i++) {
        *low = fmin(*low, v[i]);
        *high = fmax(*high, v[i]);
    }
}

static double default_block(const sal_fold_request *r, double width, double height)
{
    double floor_m = 2 * (double)(r->window - 1) * r->pixel_m;
    return fmax(fmax(floor_m, r->pixel_m), sqrt(width * height / (10 * (double)r->k)));
}

static double level(double target) { return target > -1 ? log1p(target) : target; }

/* Cuts the samples into blocks; block_of (count), blocks (up to count). */
static sal_status cut_blocks(sal_context *ctx, const sal_fold_request *r, sal_folds *f, int64_t *block_of,
                             block *blocks)
{
    sal_status status;
    int64_t *group = NULL, *first = NULL;
    keyed *keys = NULL;
    double x0, x1, y0, y1;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *group, &group));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *first, &first));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *keys, &keys));
    SAL_TRY(sal__folds_places(ctx, r, group, &f->places));
    extent_of(r->count, r->x, &x0, &x1);
    extent_of(r->count, r->y, &y0, &y1);
    f->block_m = r->block_m > 0 ? r->block_m : default_block(r, x1 - x0, y1 - y0);
    for (int64_t i = r->count - 1; i >= 0; i--) first[group[i]] = i;
    for (int64_t i = 0; i < r->count; i++) {
        int64_t at = first[group[i]];
        keys[i] =
            (keyed){ (int64_t)floor((r->x[at] - x0) / f->block_m), (int64_t)floor((r->y[at] - y0) / f->block_m), i };
    }
    qsort(keys, (size_t)r->count, sizeof *keys, by_block);
    for (int64_t i = 0; i < r->count; i++) {
        if (i == 0 || keys[i].column != keys[i - 1].column || keys[i].row != keys[i - 1].row)
            blocks[f->blocks++] = (block){ .column = keys[i].column, .row = keys[i].row };
        block *b = &blocks[f->blocks - 1];
        b->size++;
        b->sum += level(r->target[keys[i].sample]);
        block_of[keys[i].sample] = f->blocks - 1;
    }
    if (f->blocks < r->k)
        status =
            sal_fail(ctx, SAL_STATUS_DATA,
                     "the samples cover %.0f m x %.0f m, which is %lld block%s of %.0f m, fewer than %lld folds; give "
                     "a smaller block or window, or fewer folds",
                     x1 - x0, y1 - y0, (long long)f->blocks, f->blocks == 1 ? "" : "s", f->block_m, (long long)r->k);
done:
    sal_release(ctx, group);
    sal_release(ctx, first);
    sal_release(ctx, keys);
    return status;
}

/* Deals shuffled blocks, always to the smallest fold; returns how unlike the folds are. */
static double deal(const sal_fold_request *r, uint64_t draw, const block *blocks, int64_t n, double mean,
                   double variance, int64_t *order, int32_t *fold)
{
    int64_t size[SAL_FOLDS_MAX] = { 0 };
    double sum[SAL_FOLDS_MAX] = { 0 }, cost = 0, share = (double)r->count / (double)r->k;
    for (int64_t i = 0; i < n; i++) order[i] = i;
    sal_random_shuffle(r->seed, sal_random_stream("folds blocks", draw, 0), order, n);
    for (int64_t i = 0; i < n; i++) {
        int64_t smallest = 0;
        for (int64_t k = 1; k < r->k; k++)
            if (size[k] < size[smallest]) smallest = k;
        fold[order[i]] = (int32_t)smallest;
        size[smallest] += blocks[order[i]].size;
        sum[smallest] += blocks[order[i]].sum;
    }
    for (int64_t k = 0; k < r->k; k++) {
        double imbalance = (double)size[k] / share - 1, shift = sum[k] / (double)size[k] - mean;
        cost += imbalance * imbalance + (variance > 0 ? shift * shift / variance : 0);
    }
    return cost;
}

sal_status sal__folds_assign_blocks(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    int64_t *block_of = NULL, *order = NULL;
    int32_t *fold = NULL, *best = NULL;
    block *blocks = NULL;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *block_of, &block_of));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *blocks, &blocks));
    SAL_TRY(cut_blocks(ctx, r, f, block_of, blocks));
    SAL_TRY(sal_allocate(ctx, f->blocks, sizeof *order, &order));
    SAL_TRY(sal_allocate(ctx, f->blocks, sizeof *fold, &fold));
    SAL_TRY(sal_allocate(ctx, f->blocks, sizeof *best, &best));
    double mean = 0, variance = 0, lowest = INFINITY;
    for (int64_t i = 0; i < r->count; i++) mean += level(r->target[i]) / (double)r->count;
    for (int64_t i = 0; i < r->count; i++) variance += pow(level(r->target[i]) - mean, 2) / (double)r->count;
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        double cost = deal(r, draw, blocks, f->blocks, mean, variance, order, fold);
        if (cost >= lowest) continue;
        lowest = cost;
        for (int64_t b = 0; b < f->blocks; b++) best[b] = fold[b];
    }
    for (int64_t i = 0; i < r->count; i++) f->fold[i] = best[block_of[i]];
done:
    sal_release(ctx, block_of);
    sal_release(ctx, order);
    sal_release(ctx, fold);
    sal_release(ctx, best);
    sal_release(ctx, blocks);
    return status;
}
