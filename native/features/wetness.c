/* wetness.c - priority flood, multiple-flow accumulation and the topographic wetness index.
 *
 * Barnes, Lehman and Mulla 2014 (doi 10.1016/j.cageo.2013.04.024), Freeman 1991 (doi 10.1016/0098-3004(91)90048-I), Beven and
 * Kirkby 1979 (doi 10.1080/02626667909491834). Pixels leave the flood's queue from low to high, so that the reverse of that order has every
 * pixel before those it drains to: no sorting. The trap: a step by nextafter() is denormal at sea level and its power vanishes.
 */
#include "features/wetness.h"

#include <math.h>
#include <string.h>

static const double step = 0x1p-30, flow_exponent = 1.1, gentlest = 1e-4;
static const int dy[8] = { -1, -1, -1, 0, 0, 1, 1, 1 }, dx[8] = { -1, 0, 1, -1, 1, -1, 0, 1 };

enum { LOOK = 1 << 16 }; /* pixels between two looks at the progress callback, about 20 ms */

typedef struct entry {
    double z;
    int32_t pixel;
} entry;

typedef struct flood {
    sal_context *ctx;
    int64_t rows, columns, size, capacity, max_memory;
    entry *heap;
    double *filled; /* NaN where the flood has not been */
    int32_t *order;
    int64_t done;
} flood;

int64_t sal_wetness_bytes(int64_t rows, int64_t columns)
{
    return rows * columns * (int64_t)(2 * sizeof(float) + 2 * sizeof(double) + sizeof(int32_t));
}

static sal_status fail_memory(const flood *f, int64_t bytes)
{
    return sal_fail(f->ctx, SAL_STATUS_ARGUMENT,
                    "the topographic wetness index (TWI) of %lld x %lld pixels needs more than %lld MiB at once, but max_memory is %lld "
                    "MiB: raise max_memory, leave TWI out of terrain, or give a coarser or smaller reference_grid",
                    (long long)f->columns, (long long)f->rows, (long long)(bytes >> 20), (long long)(f->max_memory >> 20));
}

static bool before(const entry *a, const entry *b) { return a->z < b->z || (a->z == b->z && a->pixel < b->pixel); }

static sal_status push(flood *f, double z, int64_t pixel)
{
    if (f->size == f->capacity) {
        const int64_t grown = f->capacity + f->capacity / 2 + 1024,
                      bytes = sal_wetness_bytes(f->rows, f->columns) + (f->capacity + grown) * (int64_t)sizeof(entry);
        if (bytes > f->max_memory) return fail_memory(f, bytes);
        sal_status status = sal_reallocate(f->ctx, f->capacity, grown, sizeof *f->heap, &f->heap);
        if (status != SAL_STATUS_OK) return status;
        f->capacity = grown;
    }
    const entry new = { z, (int32_t)pixel };
    int64_t i = f->size++;
    for (; i > 0 && before(&new, &f->heap[(i - 1) / 2]); i = (i - 1) / 2) f->heap[i] = f->heap[(i - 1) / 2];
    f->heap[i] = new;
    f->filled[pixel] = z;
    return SAL_STATUS_OK;
}

static int64_t pop(flood *f)
{
    const int64_t lowest = f->heap[0].pixel;
    const entry last = f->heap[--f->size];
    int64_t i = 0;
    for (int64_t child = 1; child < f->size; i = child, child = 2 * i + 1) {
        if (child + 1 < f->size && before(&f->heap[child + 1], &f->heap[child])) child++;
        if (!before(&f->heap[child], &last)) {
            f->heap[i] = last;
            return lowest;
        }
        f->heap[i] = f->heap[child];
    }
    f->heap[i] = last;
    return lowest;
}

/* The pixels around one, -1 outside. */
static void neighbours(const flood *f, int64_t pixel, int64_t around[8])
{
    const int64_t y = pixel / f->columns, x = pixel - y * f->columns;
    const bool inside = y > 0 && y < f->rows - 1 && x > 0 && x < f->columns - 1;
    for (int k = 0; k < 8; k++) {
        const bool there = inside || (y + dy[k] >= 0 && y + dy[k] < f->rows && x + dx[k] >= 0 && x + dx[k] < f->columns);
        around[k] = there ? pixel + dy[k] * f->columns + dx[k] : -1;
    }
}

static sal_status start(flood *f, const float *z)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t i = 0; i < f->rows * f->columns; i++) f->filled[i] = NAN;
    for (int64_t i = 0; i < f->rows * f->columns; i++) {
        bool outlet = false;
        int64_t around[8];
        if (i % LOOK == 0) SAL_TRY(sal_progress(f->ctx, 0, NULL));
        if (isnan(z[i])) continue;
        neighbours(f, i, around);
        for (int k = 0; k < 8; k++) outlet = outlet || around[k] < 0 || isnan(z[around[k]]);
        if (outlet) SAL_TRY(push(f, z[i], i));
    }
done:
    return status;
}

static sal_status fill(flood *f, const float *z)
{
    sal_status status = SAL_STATUS_OK;
    const double pixels = (double)(f->rows * f->columns);
    while (f->size > 0) {
        int64_t around[8];
        const int64_t pixel = pop(f);
        const double lowest = f->filled[pixel] + step;
        if (f->done % LOOK == 0) SAL_TRY(sal_progress(f->ctx, .7 * (double)f->done / pixels, NULL));
        f->order[f->done++] = (int32_t)pixel;
        neighbours(f, pixel, around);
        for (int k = 0; k < 8; k++) {
            const int64_t n = around[k];
            if (n < 0 || isnan(z[n]) || !isnan(f->filled[n])) continue;
            SAL_TRY(push(f, z[n] > lowest ? z[n] : lowest, n));
        }
    }
done:
    return status;
}

/* area: m2 that drain through each pixel, its own included. */
static sal_status accumulate(const flood *f, double pixel, double *area)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t i = 0; i < f->rows * f->columns; i++) area[i] = pixel * pixel;
    for (int64_t i = f->done - 1; i >= 0; i--) {
        const int64_t from = f->order[i];
        int64_t around[8];
        double share[8], sum = 0;
        if (i % LOOK == 0) SAL_TRY(sal_progress(f->ctx, 1 - .3 * (double)i / (double)f->done, NULL));
        neighbours(f, from, around);
        for (int k = 0; k < 8; k++) {
            const int64_t n = around[k];
            const double drop = n < 0 ? 0 : f->filled[from] - f->filled[n]; /* NaN beside a hole */
            share[k] = drop > 0 ? pow(drop / (dx[k] && dy[k] ? sqrt(2) : 1), flow_exponent) : 0;
            sum += share[k];
        }
        for (int k = 0; k < 8 && sum > 0; k++)
            if (share[k] > 0) area[around[k]] += area[from] * share[k] / sum;
    }
done:
    return status;
}

sal_status sal_wetness_compute(sal_context *ctx, const float *elevation, int64_t rows, int64_t columns, double pixel,
                               int64_t max_memory, float *wetness)
{
    sal_status status;
    const int64_t n = rows * columns, bytes = sal_wetness_bytes(rows, columns);
    flood f = { .ctx = ctx, .rows = rows, .columns = columns, .max_memory = max_memory };
    double *area = NULL;
    if (bytes > max_memory) return fail_memory(&f, bytes);
    if (n > INT32_MAX)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "the topographic wetness index (TWI) takes at most %d pixels, but the grid has %lld x %lld; leave TWI out of terrain",
                        INT32_MAX, (long long)columns, (long long)rows);
    SAL_TRY(sal_allocate(ctx, n, sizeof *f.filled, &f.filled));
    SAL_TRY(sal_allocate(ctx, n, sizeof *f.order, &f.order));
    SAL_TRY(start(&f, elevation));
    SAL_TRY(fill(&f, elevation));
    SAL_TRY(sal_allocate(ctx, n, sizeof *area, &area));
    SAL_TRY(accumulate(&f, pixel, area));
    for (int64_t i = 0; i < n; i++) {
        const double tangent = tan(wetness[i] * (3.14159265358979323846 / 180));
        wetness[i] = isnan(elevation[i]) || isnan(wetness[i])
                         ? NAN
                         : (float)log(area[i] / pixel / (tangent > gentlest ? tangent : gentlest));
    }
done:
    sal_release(ctx, f.heap);
    sal_release(ctx, f.filled);
    sal_release(ctx, f.order);
    sal_release(ctx, area);
    return status;
}
