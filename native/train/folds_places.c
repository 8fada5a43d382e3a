/* folds_places.c - places: samples within one pixel, or whose windows share pixels, and all that hangs together by that.
 *
 * Union-find over a grid of cells as wide as the reach, so that neighbours lie in 3 x 3 cells (Tarjan 1975).
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

/* Joins sample a with every later sample closer than `reach`; those lie in the 3 x 3 cells around it. */
static void join_neighbours(const sal_fold_request *r, double reach, const cell_entry *cells, const cell_entry *a, int64_t *parent)
{
    for (int64_t column = a->column; column <= a->column + 1; column++) {
        for (int64_t j = lower_bound(cells, r->count, column, a->row - 1); j < r->count; j++) {
            if (cells[j].column != column || cells[j].row > a->row + 1) break;
            int64_t s = a->sample, t = cells[j].sample;
            if (fmax(fabs(r->x[s] - r->x[t]), fabs(r->y[s] - r->y[t])) >= reach) continue;
            int64_t p = root_of(parent, s), q = root_of(parent, t);
            if (p < q)
                parent[q] = p;
            else
                parent[p] = q;
        }
    }
}

/* Numbers places in order of first appearance and finds their middles. */
static sal_status number_places(sal_context *ctx, const sal_fold_request *r, int64_t *parent, sal_folds *f)
{
    int64_t *size = NULL;
    sal_status status = sal_allocate(ctx, r->count, sizeof *size, &size);
    if (status != SAL_STATUS_OK) return status;
    f->places = 0;
    for (int64_t i = 0; i < r->count; i++) {
        int64_t root = root_of(parent, i);
        f->place[i] = root == i ? f->places++ : f->place[root]; /* roots are the first of their place */
        size[f->place[i]]++;
        f->place_x[f->place[i]] += r->x[i];
        f->place_y[f->place[i]] += r->y[i];
    }
    for (int64_t p = 0; p < f->places; p++) {
        f->place_x[p] /= (double)size[p];
        f->place_y[p] /= (double)size[p];
    }
    sal_release(ctx, size);
    return status;
}

sal_status sal__folds_places(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    cell_entry *cells = NULL;
    int64_t *parent = NULL;
    double reach = r->group_windows ? r->pixel_m * (double)r->window : r->pixel_m;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *cells, &cells));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *parent, &parent));
    for (int64_t i = 0; i < r->count; i++) {
        parent[i] = i;
        cells[i] = (cell_entry){ (int64_t)floor(r->x[i] / reach), (int64_t)floor(r->y[i] / reach), i };
    }
    qsort(cells, (size_t)r->count, sizeof *cells, by_cell);
    for (int64_t i = 0; i < r->count; i++) join_neighbours(r, reach, cells, &cells[i], parent);
    SAL_TRY(number_places(ctx, r, parent, f));
done:
    sal_release(ctx, cells);
    sal_release(ctx, parent);
    return status;
}
