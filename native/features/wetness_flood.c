/* wetness_flood.c - depressions and flats of an elevation model filled by priority flood, tile by tile.
 *
 * Barnes, Lehman and Mulla 2014 (doi 10.1016/j.cageo.2013.04.024). The filled height of a pixel is max(z, least filled neighbour + step),
 * outlets stand at their own: this has one solution, so each tile is flooded from its outlets and from what its neighbours have so far, the
 * lowest first, again where a neighbour came lower, until nothing changes. The trap: a step by nextafter() is denormal at sea level,
 * and the power of it vanishes.
 */
#include "features/wetness_private.h"

#include <math.h>

static const double step = 0x1p-30; /* m */

enum { T = SAL__TILE, CELLS = SAL__TILE_CELLS };

static bool before(const sal__wet_entry *a, const sal__wet_entry *b) { return a->z < b->z || (a->z == b->z && a->cell < b->cell); }

static void push(sal_wetness *w, double z, int64_t cell)
{
    const sal__wet_entry new = { z, (int32_t)cell };
    int64_t i = w->size++;
    for (; i > 0 && before(&new, &w->heap[(i - 1) / 2]); i = (i - 1) / 2) w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = new;
}

static sal__wet_entry pop(sal_wetness *w)
{
    const sal__wet_entry lowest = w->heap[0], last = w->heap[--w->size];
    int64_t i = 0;
    for (int64_t child = 1; child < w->size; i = child, child = 2 * i + 1) {
        if (child + 1 < w->size && before(&w->heap[child + 1], &w->heap[child])) child++;
        if (!before(&w->heap[child], &last)) break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return lowest;
}

/* Outlets stand at their own height, all else is not reached yet. */
static sal_status begin(sal_wetness *w, int64_t tile)
{
    sal__wet_window v;
    int64_t n;
    int part;
    sal_status status = sal__wet_look_at(w, tile, false, &v);
    if (status != SAL_STATUS_OK) return status;
    sal__wet_tile *t = v.at[1][1];
    w->lowest[tile] = INFINITY;
    for (int64_t i = 0; i < CELLS; i++) {
        bool outlet = false;
        t->filled[i] = isnan(t->z[i]) ? NAN : INFINITY;
        if (isnan(t->z[i])) continue;
        w->pixels++;
        for (int k = 0; k < 8 && !outlet; k++) {
            const sal__wet_tile *other = sal__wet_neighbour(&v, i, k, &n, &part);
            outlet = !other || isnan(other->z[n]);
        }
        if (!outlet) continue;
        t->filled[i] = t->z[i];
        w->lowest[tile] = fmin(w->lowest[tile], t->z[i]);
    }
    return SAL_STATUS_OK;
}

/* What the flood starts from in a tile: its outlets at first, and what neighbouring tiles bring lower than it is. */
static void enter(sal_wetness *w, const sal__wet_window *v, bool first)
{
    sal__wet_tile *t = v->at[1][1];
    for (int64_t i = 0; i < CELLS; i++) {
        const int64_t y = i / T, x = i % T;
        double height = t->filled[i];
        int64_t n;
        int part;
        bool start = first && height < INFINITY;
        for (int k = 0; k < 8 && (y == 0 || y == T - 1 || x == 0 || x == T - 1) && !isnan(t->z[i]); k++) {
            const sal__wet_tile *other = sal__wet_neighbour(v, i, k, &n, &part);
            if (!other || part == 4 || !(other->filled[n] < INFINITY)) continue;
            const double come = fmax(t->z[i], other->filled[n] + step);
            start = start || come < height;
            height = fmin(height, come);
        }
        if (!start) continue;
        t->filled[i] = height;
        push(w, height, i);
    }
}

/* Floods a tile; where it comes lower than its neighbours know, they are to be flooded again. */
static sal_status flood(sal_wetness *w, int64_t tile)
{
    sal__wet_window v;
    sal_status status = sal__wet_look_at(w, tile, false, &v);
    if (status != SAL_STATUS_OK) return status;
    sal__wet_tile *t = v.at[1][1];
    w->size = 0;
    enter(w, &v, !w->seen[tile]);
    w->seen[tile] = true;
    w->lowest[tile] = INFINITY;
    while (w->size > 0) {
        const sal__wet_entry e = pop(w);
        if (e.z > t->filled[e.cell]) continue;
        for (int k = 0; k < 8; k++) {
            int64_t n;
            int part;
            sal__wet_tile *other = sal__wet_neighbour(&v, e.cell, k, &n, &part);
            if (!other) continue;
            const double come = fmax(other->z[n], e.z + step);
            if (!(come < other->filled[n])) continue; /* NaN where there is no elevation */
            if (part == 4) {
                t->filled[n] = come;
                push(w, come, n);
            } else {
                double *lowest = &w->lowest[v.number[part / 3][part % 3]];
                *lowest = fmin(*lowest, come);
            }
        }
    }
    return SAL_STATUS_OK;
}

sal_status sal__wet_fill(sal_wetness *w)
{
    sal_status status = SAL_STATUS_OK;
    int64_t done = 0;
    for (int64_t i = 0; i < w->count; i++) {
        SAL_TRY(begin(w, i));
        SAL_TRY(sal_progress(w->ctx, .1 * (double)i / (double)w->count, NULL));
    }
    for (;;) {
        int64_t next = 0;
        for (int64_t i = 1; i < w->count; i++)
            if (w->lowest[i] < w->lowest[next]) next = i;
        if (w->lowest[next] == INFINITY) break;
        done += !w->seen[next];
        SAL_TRY(flood(w, next));
        SAL_TRY(sal_progress(w->ctx, .1 + .5 * (double)done / (double)w->count, NULL));
    }
done:
    return status;
}
