/* wetness_flow.c - water from pixel to pixel: to all lower neighbours in proportion to slope^1.1 (Freeman 1991, doi
 * 10.1016/0098-3004(91)90048-I).
 *
 * A pixel gives its water once all above it have given theirs, whichever tile they are in. Water is counted in whole parts of a pixel, so
 * that the order in which it comes does not matter.
 */
#include "features/wetness_private.h"

#include <math.h>

static const double flow_exponent = 1.1;
static const bool diagonal[8] = { true, false, true, false, false, true, false, true }; /* neighbours by number */

enum { CELLS = SAL__TILE_CELLS };

/* Every pixel has its own water and counts the neighbours that will give it theirs. */
static sal_status rain(sal_wetness *w, int64_t tile)
{
    sal__wet_window v;
    sal_status status = sal__wet_look_at(w, tile, false, &v);
    if (status != SAL_STATUS_OK) return status;
    sal__wet_tile *t = v.at[1][1];
    for (int64_t i = 0; i < CELLS; i++) {
        int64_t n;
        int part, above = 0;
        for (int k = 0; k < 8; k++) {
            const sal__wet_tile *other = sal__wet_neighbour(&v, i, k, &n, &part);
            above += other && other->filled[n] > t->filled[i];
        }
        t->water[i] = (uint64_t)SAL__WATER_UNIT;
        t->above[i] = isnan(t->z[i]) ? SAL__WATER_GONE : (uint8_t)above;
        w->ready[tile] += t->above[i] == 0;
    }
    return SAL_STATUS_OK;
}

/* Shares the water of a cell among its lower neighbours; returns how many cells of the tile became ready, on the stack. */
static int64_t share(sal_wetness *w, const sal__wet_window *v, int64_t cell, int64_t size)
{
    sal__wet_tile *t = v->at[1][1];
    double part_of[8], sum = 0;
    for (int k = 0; k < 8; k++) {
        int64_t n;
        int part;
        const sal__wet_tile *other = sal__wet_neighbour(v, cell, k, &n, &part);
        const double drop = other ? t->filled[cell] - other->filled[n] : 0; /* NaN beside a hole */
        part_of[k] = drop > 0 ? pow(drop / (diagonal[k] ? sqrt(2) : 1), flow_exponent) : 0;
        sum += part_of[k];
    }
    for (int k = 0; k < 8; k++) {
        int64_t n;
        int part;
        sal__wet_tile *other = sal__wet_neighbour(v, cell, k, &n, &part);
        if (part_of[k] == 0) continue;
        other->water[n] += (uint64_t)llrint((double)t->water[cell] * (part_of[k] / sum));
        if (--other->above[n] > 0) continue;
        if (part == 4) {
            other->above[n] = SAL__WATER_GONE;
            w->stack[size++] = (int32_t)n;
        } else {
            w->ready[v->number[part / 3][part % 3]]++;
        }
    }
    return size;
}

/* Lets the water of a tile run as far as it can. */
static sal_status drain(sal_wetness *w, int64_t tile, int64_t *done)
{
    sal__wet_window v;
    int64_t size = 0;
    sal_status status = sal__wet_look_at(w, tile, true, &v);
    if (status != SAL_STATUS_OK) return status;
    sal__wet_tile *t = v.at[1][1];
    for (int64_t i = 0; i < CELLS; i++) {
        if (t->above[i] != 0) continue;
        t->above[i] = SAL__WATER_GONE;
        w->stack[size++] = (int32_t)i;
    }
    w->ready[tile] = 0;
    while (size > 0) {
        (*done)++;
        const int64_t cell = w->stack[--size];
        size = share(w, &v, cell, size);
    }
    return SAL_STATUS_OK;
}

/* Sweeps there and back, so that a tile's neighbours are mostly in memory. */
sal_status sal__wet_accumulate(sal_wetness *w)
{
    sal_status status = SAL_STATUS_OK;
    int64_t done = 0;
    for (int64_t i = 0; i < w->count; i++) {
        SAL_TRY(rain(w, i));
        SAL_TRY(sal_progress(w->ctx, .6 + .1 * (double)i / (double)w->count, NULL));
    }
    for (bool back = false; done < w->pixels; back = !back) {
        const int64_t before_sweep = done;
        for (int64_t k = 0; k < w->count; k++) {
            const int64_t tile = back ? w->count - 1 - k : k;
            if (w->ready[tile] == 0) continue;
            SAL_TRY(drain(w, tile, &done));
            SAL_TRY(sal_progress(w->ctx, .7 + .3 * (double)done / (double)w->pixels, NULL));
        }
        SAL_ASSERT(w->ctx, done > before_sweep);
    }
done:
    return status;
}
