/* domain.c - cells of the stacks that would get a value on a map.
 *
 * Where half of a scene is sea, a grid of 1,000 cells leaves 500: a first look of the whole grid finds the share of valid cells,
 * a second one is as dense as that share asks. Cells are read in the order of the file, so that a block is decoded once.
 */
#include "train/domain.h"
#include "data/samples.h"
#include <math.h>
#include <stdlib.h>

enum { LEAST = 10, DENSEST = 64 };

typedef struct cell {
    int64_t block, column, row;
} cell;

static int by_block(const void *a, const void *b)
{
    const cell *p = a, *q = b;
    if (p->block != q->block) return p->block < q->block ? -1 : 1;
    if (p->row != q->row) return p->row < q->row ? -1 : 1;
    return (p->column > q->column) - (p->column < q->column);
}

/* About n cells of a grid: (n or a little more or less) in cells, which is allocated. */
static sal_status choose(sal_context *ctx, sal_stack *stack, sal_domain_kind kind, int64_t n, uint64_t seed, cell **cells, int64_t *count)
{
    const sal_grid *g = sal_stack_grid(stack);
    int64_t across, down;
    double step = fmax(sqrt((double)g->columns * (double)g->rows / (double)n), 1);
    across = (int64_t)ceil((double)g->columns / step), down = (int64_t)ceil((double)g->rows / step);
    if (kind == SAL_DOMAIN_RANDOM) across = n, down = 1;
    sal_status status = sal_allocate(ctx, across * down, sizeof **cells, cells);
    if (status != SAL_STATUS_OK) return status;
    uint64_t stream = sal_random_stream("domain", (uint64_t)n, 0);
    /* The corner of a regular grid is drawn too, as sf::st_sample does. */
    double dx = sal_random_uniform(seed, stream, 0) * step, dy = sal_random_uniform(seed, stream, 1) * step;
    int64_t block_columns, block_rows, k = 0;
    sal_raster_block_size(sal_stack_raster(stack), &block_columns, &block_rows);
    for (int64_t i = 0; i < across * down; i++) {
        cell c = { .column = (int64_t)(dx + step * (double)(i % across)), .row = (int64_t)(dy + step * (double)(i / across)) };
        if (kind == SAL_DOMAIN_RANDOM)
            c = (cell){ .column = sal_random_below(seed, stream, (uint64_t)(2 * i), g->columns), .row = sal_random_below(seed, stream, (uint64_t)(2 * i + 1), g->rows) };
        if (c.column >= g->columns || c.row >= g->rows) continue;
        c.block = c.row / block_rows * (g->columns / block_columns + 1) + c.column / block_columns;
        (*cells)[k++] = c;
    }
    qsort(*cells, (size_t)k, sizeof **cells, by_block);
    *count = k;
    return SAL_STATUS_OK;
}

/* Appends the valid ones of about n cells of a stack. */
static sal_status look(sal_context *ctx, sal_stack *stack, const int64_t *bands, int64_t n_bands, sal_domain_kind kind, int64_t n, uint64_t seed, const char *wkt,
                       sal_domain *d)
{
    sal_status status;
    cell *cells = NULL;
    float *values = NULL;
    int64_t count, first = d->count;
    const sal_grid *g = sal_stack_grid(stack);
    SAL_TRY(choose(ctx, stack, kind, n, seed, &cells, &count));
    SAL_TRY(sal_allocate(ctx, n_bands, sizeof *values, &values));
    SAL_TRY(sal_reallocate(ctx, first, first + count, sizeof *d->x, &d->x));
    SAL_TRY(sal_reallocate(ctx, first, first + count, sizeof *d->y, &d->y));
    for (int64_t i = 0; i < count; i++) {
        bool valid = true;
        SAL_TRY(sal_raster_read(sal_stack_raster(stack), bands, n_bands, cells[i].column, cells[i].row, 1, 1, values));
        for (int64_t b = 0; b < n_bands; b++) valid = valid && isfinite(values[b]);
        if (i % 16 == 0) SAL_TRY(sal_progress(ctx, (double)i / (double)count, NULL));
        if (!valid) continue;
        d->x[d->count] = g->x0 + ((double)cells[i].column + 0.5) * g->pixel;
        d->y[d->count++] = g->y0 - ((double)cells[i].row + 0.5) * g->pixel;
    }
    d->tried += count;
    d->area_m2 += (double)(d->count - first) / (double)(count > 0 ? count : 1) * (double)g->columns * (double)g->rows * g->pixel * g->pixel;
    if (wkt && !sal_grid_same_crs(wkt, g->wkt)) SAL_TRY(sal_points_transform(ctx, g->wkt, wkt, d->count - first, d->x + first, d->y + first));
done:
    sal_raster_forget(sal_stack_raster(stack));
    sal_release(ctx, cells);
    sal_release(ctx, values);
    return status;
}

static bool grid_seen(sal_stack *const *stacks, int64_t i)
{
    for (int64_t j = 0; j < i; j++)
        if (sal_grid_equal(sal_stack_grid(stacks[i]), sal_stack_grid(stacks[j]))) return true;
    return false;
}

/* One look at every grid, `density` cells for one that is wanted. */
static sal_status look_at_all(sal_context *ctx, sal_stack *const *stacks, int64_t n_stacks, const char *const *ids, int64_t n_bands, sal_domain_kind kind, double cells,
                              uint64_t seed, sal_domain *d)
{
    sal_status status = SAL_STATUS_OK;
    double total = 0;
    int64_t *bands = NULL;
    sal_domain_clear(ctx, d);
    for (int64_t i = 0; i < n_stacks; i++) total += grid_seen(stacks, i) ? 0 : (double)sal_stack_grid(stacks[i])->columns * (double)sal_stack_grid(stacks[i])->rows;
    SAL_TRY(sal_allocate(ctx, n_bands, sizeof *bands, &bands));
    for (int64_t i = 0; i < n_stacks; i++) {
        const sal_grid *g = sal_stack_grid(stacks[i]);
        if (grid_seen(stacks, i)) continue;
        for (int64_t b = 0; b < n_bands; b++) {
            bands[b] = sal_stack_find(stacks[i], ids[b]);
            if (bands[b] >= 0) continue;
            status = sal_fail(ctx, SAL_STATUS_DATA, "stack \"%s\" has no band \"%s\" to tell where it is valid", sal_stack_path(stacks[i]), ids[b]);
            goto done;
        }
        int64_t n = (int64_t)ceil(cells * (double)g->columns * (double)g->rows / total);
        SAL_TRY(look(ctx, stacks[i], bands, n_bands, kind, n, seed, i ? sal_stack_grid(stacks[0])->wkt : NULL, d));
    }
done:
    sal_release(ctx, bands);
    return status;
}

sal_status sal_domain_sample(sal_context *ctx, sal_stack *const *stacks, int64_t n_stacks, const char *const *bands, int64_t n_bands, sal_domain_kind kind, int64_t wanted,
                             uint64_t seed, sal_domain *out)
{
    sal_status status;
    *out = (sal_domain){ 0 };
    if (wanted < LEAST || wanted > 100000 || n_stacks < 1 || n_bands < 1)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%lld points of %lld stacks and %lld bands cannot be drawn", (long long)wanted, (long long)n_stacks, (long long)n_bands);
    SAL_TRY(look_at_all(ctx, stacks, n_stacks, bands, n_bands, kind, (double)wanted, seed, out));
    if ((double)out->count < 0.8 * (double)wanted) {
        double denser = out->count > 0 ? (double)out->tried / (double)out->count : DENSEST;
        SAL_TRY(look_at_all(ctx, stacks, n_stacks, bands, n_bands, kind, (double)wanted * fmin(denser, DENSEST), seed, out));
    }
    if (out->count >= LEAST) return status;
    status = sal_fail(ctx, SAL_STATUS_DATA, "only %lld of %lld cells of stack \"%s\"%s have values, too few to know the ground to be mapped; validate by blocks, or give a stack with data",
                      (long long)out->count, (long long)out->tried, sal_stack_path(stacks[0]), n_stacks > 1 ? " and the others" : "");
done:
    sal_domain_clear(ctx, out);
    return status;
}

void sal_domain_clear(sal_context *ctx, sal_domain *d)
{
    sal_release(ctx, d->x);
    sal_release(ctx, d->y);
    *d = (sal_domain){ 0 };
}
