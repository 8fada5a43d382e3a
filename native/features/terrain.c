/* terrain.c - Horn slope, Zevenbergen-Thorne curvatures and relative elevation (terrain.def), block by block.
 *
 * Horn 1981 (doi 10.1109/PROC.1981.11918), Zevenbergen and Thorne 1987 (doi 10.1002/esp.3290120107). A delta falls
 * 1e-4, so that curvature is mostly noise: smooth first. The trap: flat means g = p^2 + q^2 near zero, not p + q, which
 * is zero on every slope to the northwest. Means are taken over integers (2^-20 m), so that running sums give the same
 * bits wherever a block begins.
 */
#include "features/clones.h"
#include "features/terrain.h"

#include <math.h>
#include <string.h>

#define DEGREES (180 / 3.14159265358979323846)
#define FLAT    (g < 1e-12)

enum { TASK_ROWS = 32, RELIEF_ROWS = 128 };

static const sal_terrain table[] = {
#define SAL_TERRAIN(id, unit, low, high, expression, source) { #id, unit, source, low, high },
#include "features/terrain.def"
#undef SAL_TERRAIN
};

enum {
#define SAL_TERRAIN(id, unit, low, high, expression, source) TERRAIN_##id,
#include "features/terrain.def"
#undef SAL_TERRAIN
    TERRAIN_COUNT
};

int64_t sal_terrain_count(void) { return TERRAIN_COUNT; }

const sal_terrain *sal_terrain_at(int64_t i) { return i >= 0 && i < TERRAIN_COUNT ? &table[i] : NULL; }

int64_t sal_terrain_find(const char *id)
{
    for (int64_t i = 0; i < TERRAIN_COUNT; i++)
        if (strcmp(table[i].id, id) == 0) return i;
    return -1;
}

static int64_t smooth_radius(const sal_terrain_options *o) { return (int64_t)ceil(3 * o->smooth); }

static int64_t relief_half(const sal_terrain_options *o)
{
    int64_t half = (int64_t)floor(o->relief_radius / o->pixel + 1e-9);
    return half < 1 ? 1 : half;
}

int64_t sal_terrain_halo(const sal_terrain_options *options)
{
    int64_t derivative = smooth_radius(options) + 1, relief = relief_half(options);
    return derivative > relief ? derivative : relief;
}

typedef struct work {
    const sal_terrain_options *options;
    const float *elevation;  /* (tall, wide) */
    double *across, *smooth; /* (tall, wide): smoothed along rows, then along columns too */
    double *weights;         /* per worker: (wide) sums of kernel weights */
    const double *kernel;    /* radius + 1 */
    int64_t *sums;           /* per worker: (wide) sums and (wide) counts */
    int64_t rows, columns, halo, tall, wide, radius, half, n;
    const int64_t *which;
    bool *holes;         /* (tall) whether a row has missing elevations */
    float *out, *relief; /* relief: (rows, columns) */
} work;

static bool known(double z) { return z > -1e5 && z < 1e5; }

static void task_rows(int64_t begin, int64_t end, int64_t step, int64_t task, int64_t *lo, int64_t *hi)
{
    *lo = begin + task * step;
    *hi = *lo + step < end ? *lo + step : end;
}

/* out[i] of [lo, hi) = weighted mean of `in` around i at distances k * stride, opposite pairs together. Without holes
 * the weights are those of the whole kernel, added up in the same order. */
SAL__CLONES static void smooth_line(const work *w, bool holes, const double *in, int64_t stride, int64_t lo, int64_t hi,
                                    double *weight, double *out)
{
    double whole = w->kernel[0];
    for (int64_t k = 1; k <= w->radius; k++) whole += 2 * w->kernel[k];
    for (int64_t i = lo; i < hi; i++) out[i] = w->kernel[0] * in[i];
    for (int64_t i = lo; i < hi; i++) weight[i] = holes ? w->kernel[0] : whole;
    for (int64_t k = 1; k <= w->radius; k++) {
        const double share = w->kernel[k], *before = in - k * stride, *after = in + k * stride;
        if (!holes) {
            for (int64_t i = lo; i < hi; i++) out[i] += share * (before[i] + after[i]);
            continue;
        }
        for (int64_t i = lo; i < hi; i++) {
            const double pair = before[i] + after[i];
            out[i] += pair == pair ? share * pair : 0;
            weight[i] += pair == pair ? 2 * share : 0;
        }
    }
    for (int64_t i = lo; i < hi; i++) out[i] /= weight[i];
}

static void across_task(void *arg, int64_t task, int32_t worker)
{
    const work *w = arg;
    int64_t lo, hi;
    double *line = w->weights + 2 * worker * w->wide, *weight = line + w->wide;
    task_rows(0, w->tall, TASK_ROWS, task, &lo, &hi);
    for (int64_t y = lo; y < hi; y++) {
        const float *z = w->elevation + y * w->wide;
        int64_t missing = 0;
        for (int64_t x = 0; x < w->wide; x++) {
            line[x] = known(z[x]) ? z[x] : NAN;
            missing += !known(z[x]);
        }
        w->holes[y] = missing > 0;
        smooth_line(w, missing > 0, line, 1, w->halo - 1, w->halo + w->columns + 1, weight, w->across + y * w->wide);
    }
}

static void along_task(void *arg, int64_t task, int32_t worker)
{
    const work *w = arg;
    int64_t lo, hi;
    task_rows(w->halo - 1, w->halo + w->rows + 1, TASK_ROWS, task, &lo, &hi);
    for (int64_t y = lo; y < hi; y++) {
        bool holes = false;
        for (int64_t k = y - w->radius; k <= y + w->radius; k++) holes = holes || w->holes[k];
        smooth_line(w, holes, w->across + y * w->wide, w->wide, w->halo - 1, w->halo + w->columns + 1,
                    w->weights + 2 * worker * w->wide, w->smooth + y * w->wide);
    }
}

/* Adds (sign 1) or takes away (-1) a row of elevations, in units of 2^-20 m, rounded by adding 1.5 * 2^52. */
SAL__CLONES static void count_line(const float *z, int64_t n, int64_t sign, int64_t *sum, int64_t *count)
{
    const double magic = 0x1.8p52;
    int64_t zero;
    memcpy(&zero, &magic, sizeof zero);
    for (int64_t x = 0; x < n; x++) {
        const bool ok = known(z[x]);
        const double shifted = (ok ? (double)z[x] : 0) * 0x1p20 + magic;
        int64_t whole;
        memcpy(&whole, &shifted, sizeof whole);
        sum[x] += sign * (whole - zero);
        count[x] += ok ? sign : 0;
    }
}

static void relief_row(const work *w, const float *z, const int64_t *sum, const int64_t *count, float *relief)
{
    const int64_t width = 2 * w->half + 1;
    int64_t s = 0, m = 0;
    sum += w->halo - w->half;
    count += w->halo - w->half;
    for (int64_t x = 0; x < width - 1; x++) s += sum[x], m += count[x];
    for (int64_t x = 0; x < w->columns; x++) {
        s += sum[x + width - 1], m += count[x + width - 1];
        relief[x] = known(z[x]) ? (float)(z[x] - (double)s * 0x1p-20 / (double)m) : NAN;
        s -= sum[x], m -= count[x];
    }
}

static void relief_task(void *arg, int64_t task, int32_t worker)
{
    const work *w = arg;
    int64_t lo, hi, *sum = w->sums + 2 * worker * w->wide, *count = sum + w->wide;
    task_rows(w->halo, w->halo + w->rows, RELIEF_ROWS, task, &lo, &hi);
    memset(sum, 0, 2 * sizeof *sum * (size_t)w->wide);
    for (int64_t y = lo - w->half; y < lo + w->half; y++)
        count_line(w->elevation + y * w->wide, w->wide, 1, sum, count);
    for (int64_t y = lo; y < hi; y++) {
        count_line(w->elevation + (y + w->half) * w->wide, w->wide, 1, sum, count);
        relief_row(w, w->elevation + y * w->wide + w->halo, sum, count, w->relief + (y - w->halo) * w->columns);
        count_line(w->elevation + (y - w->half) * w->wide, w->wide, -1, sum, count);
    }
}

static inline double within_one(double curvature) { return curvature > 1 ? 1 : curvature < -1 ? -1 : curvature; }

/* One covariate of n pixels in a row, out[i * stride]; middle: smoothed elevations of the row, (n), between rows `wide`
 * apart. */
SAL__CLONES static void covariate_row(int64_t which, const double *middle, int64_t wide, double h, const float *focal,
                                      int64_t n, int64_t stride, float *out)
{
    switch (which) {
#define SAL_TERRAIN(id, unit, low, high, expression, source)                                                           \
    case TERRAIN_##id:                                                                                                 \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            const double *north = middle + i - wide, *centre = middle + i, *south = middle + i + wide;                 \
            const double z1 = north[-1], z2 = north[0], z3 = north[1], z4 = centre[-1], z5 = centre[0];                \
            const double z6 = centre[1], z7 = south[-1], z8 = south[0], z9 = south[1];                                 \
            SAL_UNUSED const double p = ((z3 + 2 * z6 + z9) - (z1 + 2 * z4 + z7)) / (8 * h);                           \
            SAL_UNUSED const double q = ((z1 + 2 * z2 + z3) - (z7 + 2 * z8 + z9)) / (8 * h);                           \
            SAL_UNUSED const double G = (z6 - z4) / (2 * h), H = (z2 - z8) / (2 * h), g = G * G + H * H;               \
            SAL_UNUSED const double r = (z4 + z6 - 2 * z5) / (h * h), t = (z2 + z8 - 2 * z5) / (h * h);                \
            SAL_UNUSED const double s = (z3 + z7 - z1 - z9) / (4 * h * h);                                             \
            SAL_UNUSED const double all = z1 + z2 + z3 + z4 + z5 + z6 + z7 + z8 + z9, relief = focal[i];               \
            const double value = expression;                                                                           \
            out[i * stride] = (float)(all == all || TERRAIN_##id == TERRAIN_REL_ELEV ? value : NAN);                   \
        }                                                                                                              \
        break;
#include "features/terrain.def"
#undef SAL_TERRAIN
    default: break;
    }
}

static void output_task(void *arg, int64_t task, int32_t worker)
{
    const work *w = arg;
    int64_t lo, hi;
    task_rows(0, w->rows, TASK_ROWS, task, &lo, &hi);
    for (int64_t y = lo; y < hi; y++)
        for (int64_t k = 0; k < w->n; k++)
            covariate_row(w->which[k], w->smooth + (y + w->halo) * w->wide + w->halo, w->wide, w->options->pixel,
                          w->relief + y * w->columns, w->columns, w->n, w->out + y * w->columns * w->n + k);
}

static void run_rows(sal_context *ctx, int64_t rows, int64_t step, sal_pool_task task, work *w)
{
    sal_pool_run(ctx, (rows + step - 1) / step, task, w);
}

sal_status sal_terrain_compute(sal_context *ctx, const float *elevation, int64_t rows, int64_t columns,
                               const sal_terrain_options *options, const int64_t *which, int64_t n, float *out)
{
    sal_status status;
    const int64_t halo = sal_terrain_halo(options), tall = rows + 2 * halo, wide = columns + 2 * halo,
                  workers = sal_context_threads(ctx);
    work w = { .options = options,
               .elevation = elevation,
               .rows = rows,
               .columns = columns,
               .halo = halo,
               .tall = tall,
               .wide = wide,
               .radius = smooth_radius(options),
               .half = relief_half(options),
               .n = n,
               .which = which,
               .out = out };
    double *kernel = NULL;
    SAL_TRY(sal_allocate(ctx, w.radius + 1, sizeof *kernel, &kernel));
    SAL_TRY(sal_allocate(ctx, tall * wide, sizeof *w.across, &w.across));
    SAL_TRY(sal_allocate(ctx, tall * wide, sizeof *w.smooth, &w.smooth));
    SAL_TRY(sal_allocate(ctx, 2 * workers * wide, sizeof *w.weights, &w.weights));
    SAL_TRY(sal_allocate(ctx, 2 * workers * wide, sizeof *w.sums, &w.sums));
    SAL_TRY(sal_allocate(ctx, tall, sizeof *w.holes, &w.holes));
    SAL_TRY(sal_allocate(ctx, rows * columns, sizeof *w.relief, &w.relief));
    for (int64_t k = 0; k <= w.radius; k++)
        kernel[k] = k ? exp(-.5 * (double)(k * k) / (options->smooth * options->smooth)) : 1;
    w.kernel = kernel;
    run_rows(ctx, tall, TASK_ROWS, across_task, &w);
    run_rows(ctx, rows + 2, TASK_ROWS, along_task, &w);
    run_rows(ctx, rows, RELIEF_ROWS, relief_task, &w);
    run_rows(ctx, rows, TASK_ROWS, output_task, &w);
done:
    sal_release(ctx, kernel);
    sal_release(ctx, w.across);
    sal_release(ctx, w.smooth);
    sal_release(ctx, w.weights);
    sal_release(ctx, w.sums);
    sal_release(ctx, w.holes);
    sal_release(ctx, w.relief);
    return status;
}
