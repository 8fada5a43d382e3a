/* wetness.c - the topographic wetness index, ln(a / tan slope) (Beven and Kirkby 1979, doi 10.1080/02626667909491834): blocks in, the
 * flood and the water over the tiles, blocks out.
 */
#include "features/wetness_private.h"

#include <math.h>
#include <string.h>

static const double gentlest = 1e-4; /* slope */

enum { T = SAL__TILE, CELLS = SAL__TILE_CELLS, KEPT = 24 };

static const int64_t queues = CELLS * (int64_t)(2 * sizeof(sal__wet_entry) + sizeof(int32_t));

int64_t sal_wetness_all_bytes(int64_t rows, int64_t columns)
{
    const int64_t tiles = ((rows + T - 1) / T) * ((columns + T - 1) / T);
    return queues + (tiles > SAL__TILES_LEAST ? tiles : SAL__TILES_LEAST) * (int64_t)sizeof(sal__wet_tile);
}

int64_t sal_wetness_kept_bytes(int64_t rows, int64_t columns)
{
    const int64_t all = sal_wetness_all_bytes(rows, columns), few = queues + KEPT * (int64_t)sizeof(sal__wet_tile);
    return all < few ? all : few;
}

sal_status sal_wetness_new(sal_context *ctx, int64_t rows, int64_t columns, double pixel, int64_t memory, const char *output,
                           sal_wetness **out)
{
    sal_status status;
    sal_wetness *w = NULL;
    *out = NULL;
    if (rows > (1ll << 33) / columns)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "the topographic wetness index (TWI) takes at most 2^33 pixels, but the grid has %lld x %lld; leave TWI out of terrain",
                        (long long)columns, (long long)rows);
    SAL_TRY(sal_allocate(ctx, 1, sizeof *w, &w));
    *w = (sal_wetness){ .ctx = ctx, .rows = rows, .columns = columns, .pixel = pixel, .down = (rows + T - 1) / T, .across = (columns + T - 1) / T };
    w->count = w->down * w->across;
    SAL_TRY(sal_allocate(ctx, w->count, sizeof *w->lowest, &w->lowest));
    SAL_TRY(sal_allocate(ctx, w->count, sizeof *w->ready, &w->ready));
    SAL_TRY(sal_allocate(ctx, w->count, sizeof *w->seen, &w->seen));
    SAL_TRY(sal_allocate(ctx, CELLS, 2 * sizeof *w->heap, &w->heap));
    SAL_TRY(sal_allocate(ctx, CELLS, sizeof *w->stack, &w->stack));
    SAL_TRY(sal__wet_tiles_new(ctx, rows, columns, memory - queues, output, &w->tiles));
    *out = w;
    w = NULL;
done:
    sal_wetness_free(w);
    return status;
}

void sal_wetness_free(sal_wetness *w)
{
    if (!w) return;
    sal__wet_tiles_free(w->tiles);
    sal_release(w->ctx, w->lowest);
    sal_release(w->ctx, w->ready);
    sal_release(w->ctx, w->seen);
    sal_release(w->ctx, w->heap);
    sal_release(w->ctx, w->stack);
    sal_release(w->ctx, w);
}

bool sal_wetness_on_disk(const sal_wetness *w) { return sal__wet_tiles_on_disk(w->tiles); }

/* ---- blocks in and out ---- */

/* Rows of a block that lie in one tile: cell of the first, pixels, and where they begin in the block. */
typedef sal_status (*run_task)(sal__wet_tile *tile, int64_t cell, int64_t at, int64_t n, void *arg);

static sal_status each_run(sal_wetness *w, int64_t x, int64_t y, int64_t columns, int64_t rows, bool change, run_task task, void *arg)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t ty = y / T; ty * T < y + rows; ty++)
        for (int64_t tx = x / T; tx * T < x + columns; tx++) {
            sal__wet_tile *tile;
            const int64_t first = tx * T > x ? tx * T : x, last = (tx + 1) * T < x + columns ? (tx + 1) * T : x + columns;
            SAL_TRY(sal__wet_tiles_get(w->tiles, ty * w->across + tx, change, &tile));
            for (int64_t row = ty * T > y ? ty * T : y; row < y + rows && row < (ty + 1) * T; row++)
                SAL_TRY(task(tile, (row - ty * T) * T + first - tx * T, (row - y) * columns + first - x, last - first, arg));
        }
done:
    return status;
}

static sal_status put_run(sal__wet_tile *tile, int64_t cell, int64_t at, int64_t n, void *arg)
{
    const float *const *planes = arg;
    memcpy(tile->z + cell, planes[0] + at, (size_t)n * sizeof(float));
    memcpy(tile->index + cell, planes[1] + at, (size_t)n * sizeof(float));
    return SAL_STATUS_OK;
}

static sal_status get_run(sal__wet_tile *tile, int64_t cell, int64_t at, int64_t n, void *arg)
{
    memcpy((float *)arg + at, tile->index + cell, (size_t)n * sizeof(float));
    return SAL_STATUS_OK;
}

sal_status sal_wetness_put(sal_wetness *w, int64_t x, int64_t y, int64_t columns, int64_t rows, const float *elevation, const float *slope)
{
    const float *planes[2] = { elevation, slope };
    return each_run(w, x, y, columns, rows, true, put_run, planes);
}

sal_status sal_wetness_get(sal_wetness *w, int64_t x, int64_t y, int64_t columns, int64_t rows, float *out)
{
    return each_run(w, x, y, columns, rows, false, get_run, out);
}

/* ---- the work ---- */

static void finish_tile(const sal_wetness *w, sal__wet_tile *t)
{
    for (int64_t i = 0; i < CELLS; i++) {
        const double tangent = tan(t->index[i] * (3.14159265358979323846 / 180)), area = (double)t->water[i] / SAL__WATER_UNIT * w->pixel;
        t->index[i] = isnan(t->z[i]) || isnan(t->index[i]) ? NAN : (float)log(area / (tangent > gentlest ? tangent : gentlest));
    }
}

sal_status sal_wetness_solve(sal_wetness *w, int64_t kept)
{
    sal_status status;
    SAL_TRY(sal__wet_fill(w));
    SAL_TRY(sal__wet_accumulate(w));
    for (int64_t i = 0; i < w->count; i++) {
        sal__wet_tile *t;
        SAL_TRY(sal__wet_tiles_get(w->tiles, i, true, &t));
        finish_tile(w, t);
        SAL_TRY(sal_progress(w->ctx, 1, NULL));
    }
    SAL_TRY(sal__wet_tiles_shrink(w->tiles, kept - queues));
done:
    return status;
}
