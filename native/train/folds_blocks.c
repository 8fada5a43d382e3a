/* folds_blocks.c - spatial blocks: square blocks of one size, whole blocks to folds (Roberts et al. 2017; Valavi et al.
 * 2019, blockCV).
 *
 * Of 100 seeded draws the one is kept whose folds are most alike in number of samples and in mean of log(1 + target).
 * Without a size, blocks are as wide as the range of the target's variogram, for nearer samples tell of each other; never
 * narrower than twice the window, which the buffer would eat. The trap: a place on a block border must not be cut, so a
 * place belongs to the block of its first sample.
 */
#include "train/folds_private.h"
#include <math.h>
#include <stdlib.h>

#define DRAWS 100

typedef struct block {
    int64_t size; /* samples */
    double sum;   /* of log1p(target) */
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

static double level(double target) { return target > -1 ? log1p(target) : target; }

/* Sorted keys and the number of blocks they make. */
static int64_t sort_blocks(const sal_fold_request *r, const sal_folds *f, const int64_t *first, double size_m, keyed *keys)
{
    double x0, x1, y0, y1;
    int64_t blocks = 0;
    extent_of(r->count, r->x, &x0, &x1);
    extent_of(r->count, r->y, &y0, &y1);
    for (int64_t i = 0; i < r->count; i++) {
        int64_t at = first[f->place[i]];
        keys[i] = (keyed){ (int64_t)floor((r->x[at] - x0) / size_m), (int64_t)floor((r->y[at] - y0) / size_m), i };
    }
    qsort(keys, (size_t)r->count, sizeof *keys, by_block);
    for (int64_t i = 0; i < r->count; i++) blocks += i == 0 || keys[i].column != keys[i - 1].column || keys[i].row != keys[i - 1].row;
    return blocks;
}

sal_status sal__folds_cut(sal_context *ctx, const sal_fold_request *r, const sal_folds *f, double size_m, int64_t *block_of, int64_t *blocks)
{
    sal_status status;
    int64_t *first = NULL, at = -1;
    keyed *keys = NULL;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *first, &first));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *keys, &keys));
    for (int64_t i = r->count - 1; i >= 0; i--) first[f->place[i]] = i;
    *blocks = sort_blocks(r, f, first, size_m, keys);
    for (int64_t i = 0; i < r->count && block_of; i++) {
        at += i == 0 || keys[i].column != keys[i - 1].column || keys[i].row != keys[i - 1].row;
        block_of[keys[i].sample] = at;
    }
done:
    sal_release(ctx, first);
    sal_release(ctx, keys);
    return status;
}

static sal_status fit_variogram(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    double *values = NULL;
    sal_status status = sal_allocate(ctx, r->count, sizeof *values, &values);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t i = 0; i < r->count; i++) values[i] = level(r->target[i]);
    status = sal_variogram_fit(ctx, r->count, r->x, r->y, values, r->campaign, r->pixel_m, &f->variogram);
    sal_release(ctx, values);
    return status;
}

sal_status sal__folds_block_size(sal_context *ctx, const sal_fold_request *r, sal_folds *f, double *size_m)
{
    sal_status status;
    double x0, x1, y0, y1, least = fmax(2 * (double)(r->window - 1) * r->pixel_m, r->pixel_m);
    int64_t blocks, wanted = 2 * r->k > 10 ? 2 * r->k : 10;
    SAL_TRY(fit_variogram(ctx, r, f));
    extent_of(r->count, r->x, &x0, &x1);
    extent_of(r->count, r->y, &y0, &y1);
    /* Without structure to follow: so that about ten blocks make a fold. */
    *size_m = fmax(least, f->variogram.range_m > 0 ? f->variogram.range_m : sqrt((x1 - x0) * (y1 - y0) / (10 * (double)r->k)));
    SAL_TRY(sal__folds_cut(ctx, r, f, *size_m, NULL, &blocks));
    while (blocks < wanted && *size_m > least) {
        *size_m = fmax(least, 0.9 * *size_m);
        SAL_TRY(sal__folds_cut(ctx, r, f, *size_m, NULL, &blocks));
    }
done:
    return status;
}

sal_status sal__folds_units(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    enum { LEAST_BLOCKS = 10 };
    sal_status status;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *f->unit, &f->unit));
    f->unit_m = f->block_m;
    if (!(f->unit_m > 0)) SAL_TRY(sal__folds_block_size(ctx, r, f, &f->unit_m));
    SAL_TRY(sal__folds_cut(ctx, r, f, f->unit_m, f->unit, &f->units));
    if (f->units >= LEAST_BLOCKS) return status;
    f->unit_m = 0;
    f->units = f->places;
    for (int64_t i = 0; i < r->count; i++) f->unit[i] = f->place[i];
done:
    return status;
}

static void sum_blocks(const sal_fold_request *r, const int64_t *block_of, block *blocks)
{
    for (int64_t i = 0; i < r->count; i++) {
        blocks[block_of[i]].size++;
        blocks[block_of[i]].sum += level(r->target[i]);
    }
}

static sal_status refuse_blocks(sal_context *ctx, const sal_fold_request *r, const sal_folds *f)
{
    double x0, x1, y0, y1;
    extent_of(r->count, r->x, &x0, &x1);
    extent_of(r->count, r->y, &y0, &y1);
    return sal_fail(ctx, SAL_STATUS_DATA,
                    "the samples cover %.0f m x %.0f m, which is %lld block%s of %.0f m, fewer than %lld folds; give "
                    "a smaller block or window, or fewer folds",
                    x1 - x0, y1 - y0, (long long)f->blocks, f->blocks == 1 ? "" : "s", f->block_m, (long long)r->k);
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

/* The best of DRAWS deals; fold (f->blocks). */
static sal_status deal_best(sal_context *ctx, const sal_fold_request *r, const sal_folds *f, const block *blocks, int32_t *best)
{
    sal_status status;
    int64_t *order = NULL;
    int32_t *fold = NULL;
    double mean = 0, variance = 0, lowest = INFINITY;
    SAL_TRY(sal_allocate(ctx, f->blocks, sizeof *order, &order));
    SAL_TRY(sal_allocate(ctx, f->blocks, sizeof *fold, &fold));
    for (int64_t i = 0; i < r->count; i++) mean += level(r->target[i]) / (double)r->count;
    for (int64_t i = 0; i < r->count; i++) variance += pow(level(r->target[i]) - mean, 2) / (double)r->count;
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        double cost = deal(r, draw, blocks, f->blocks, mean, variance, order, fold);
        if (cost >= lowest) continue;
        lowest = cost;
        for (int64_t b = 0; b < f->blocks; b++) best[b] = fold[b];
    }
done:
    sal_release(ctx, order);
    sal_release(ctx, fold);
    return status;
}

sal_status sal__folds_deal_blocks(sal_context *ctx, const sal_fold_request *r, sal_folds *f, int32_t *group)
{
    sal_status status;
    int64_t *block_of = NULL;
    int32_t *best = NULL;
    block *blocks = NULL;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *block_of, &block_of));
    f->block_m = r->block_m;
    if (!(f->block_m > 0)) SAL_TRY(sal__folds_block_size(ctx, r, f, &f->block_m));
    SAL_TRY(sal__folds_cut(ctx, r, f, f->block_m, block_of, &f->blocks));
    if (f->blocks < r->k) {
        status = refuse_blocks(ctx, r, f);
        goto done;
    }
    SAL_TRY(sal_allocate(ctx, f->blocks, sizeof *blocks, &blocks));
    SAL_TRY(sal_allocate(ctx, f->blocks, sizeof *best, &best));
    sum_blocks(r, block_of, blocks);
    SAL_TRY(deal_best(ctx, r, f, blocks, best));
    for (int64_t i = 0; i < r->count; i++) group[i] = best[block_of[i]];
done:
    sal_release(ctx, block_of);
    sal_release(ctx, best);
    sal_release(ctx, blocks);
    return status;
}

sal_status sal__folds_assign_blocks(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    return sal__folds_deal_blocks(ctx, r, f, f->fold);
}
