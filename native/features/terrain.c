/* terrain.c - Horn slope, Zevenbergen-Thorne curvatures and relative elevation (terrain.def), block by block.
 *
 * Horn 1981 (doi 10.1109/PROC.1981.11918), Zevenbergen and Thorne 1987 (doi 10.1002/esp.3290120107). A delta falls 1e-4, so that
 * curvature is mostly noise: smooth first. The trap: flat means g = p^2 + q^2 near zero, not p + q, which is zero on every slope to
 * the northwest. Means are taken over integers (2^-20 m), so that running sums give the same bits wherever a block begins.
 */
#include "features/terrain.h"

#include <math.h>
#include <string.h>

#define DEGREES (180 / 3.14159265358979323846)
#define FLAT    (g < 1e-12)

enum { TASK_ROWS = 32 };

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
    float *out, *relief; /* relief: (rows, columns) */
} work;

static bool known(double z) { return z > -1e5 && z < 1e5; }

static void task_rows(int64_t begin, int64_t end, int64_t task, int64_t *lo, int64_t *hi)
{
    *lo = begin + task * TASK_ROWS;
    *hi = *lo + TASK_ROWS < end ? *lo + TASK_ROWS : end;
}

/* out[i] of [lo, hi) = weighted mean of `in` around i at distances k * stride, opposite pairs together. */
static void smooth_line(const work *w, const double *in, int64_t stride, int64_t lo, int64_t hi, double *weight,
                        double *out)
{
    for (int64_t i = lo; i < hi; i++) {
        out[i] = w->kernel[0] * in[i];
        weight[i] = w->kernel[0];
    }
    for (int64_t k = 1; k <= w->radius; k++) {
        const double share = w->kernel[k], *before = in - k * stride, *after = in + k * stride;
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
    task_rows(0, w->tall, task, &lo, &hi);
    for (int64_t y = lo; y < hi; y++) {
        const float *z = w->elevation + y * w->wide;
        for (int64_t x = 0; x < w->wide; x++) line[x] = known(z[x]) ? z[x] : NAN;
        smooth_line(w, line, 1, w->halo - 1, w->halo + w->columns + 1, weight, w->across + y * w->wide);
    }
}

static void along_task(void *arg, int64_t task, int32_t worker)
{
    const work *w = arg;
    int64_t lo, hi;
    task_rows(w->halo - 1, w->halo + w->rows + 1, task, &lo, &hi);
    for (int64_t y = lo; y < hi; y++)
        smooth_line(w, w->across + y * w->wide, w->wide, w->halo - 1, w->halo + w->columns + 1,
                    w->weights + 2 * worker * w->wide, w->smooth + y * w->wide);
}

static void count_line(const work *w, int64_t y, int64_t sign, int64_t *sum, int64_t *count)
{
    const float *z = w->elevation + y * w->wide;
    for (int64_t x = 0; x < w->wide; x++) {
        if (!known(z[x])) continue;
        sum[x] += sign * llrint((double)z[x] * 0x1p20);
        count[x] += sign;
    }
}

static void relief_task(void *arg, int64_t task, int32_t worker)
{
    const work *w = arg;
    int64_t lo, hi, *sum = w->sums + 2 * worker * w->wide, *count = sum + w->wide;
    task_rows(0, w->rows, task, &lo, &hi);
    memset(sum, 0, 2 * sizeof *sum * (size_t)w->wide);
    for (int64_t y = lo - w->half; y <= lo + w->half; y++) count_line(w, y + w->halo, 1, sum, count);
    for (int64_t y = lo; y < hi; y++) {
        const float *z = w->elevation + (y + w->halo) * w->wide + w->halo;
        int64_t s = 0, m = 0;
        for (int64_t x = w->halo - w->half; x < w->halo + w->half; x++) s += sum[x], m += count[x];
        for (int64_t x = 0; x < w->columns; x++) {
            const int64_t enters = x + w->halo + w->half, leaves = x + w->halo - w->half;
            s += sum[enters], m += count[enters];
            w->relief[y * w->columns + x] = known(z[x]) ? (float)(z[x] - (double)s * 0x1p-20 / (double)m) : NAN;
            s -= sum[leaves], m -= count[leaves];
        }
        if (y + 1 == hi) break;
        count_line(w, y + w->halo - w->half, -1, sum, count);
        count_line(w, y + w->halo + w->half + 1, 1, sum, count);
    }
}

static double within_one(double curvature) { return curvature > 1 ? 1 : curvature < -1 ? -1 : curvature; }

static double covariate(int64_t which, const double *z, int64_t wide, double h, double relief)
{
    const double *north = z - wide, *south = z + wide;
    const double z1 = north[-1], z2 = north[0], z3 = north[1], z4 = z[-1], z5 = z[0], z6 = z[1];
    const double z7 = south[-1], z8 = south[0], z9 = south[1];
    const double p = ((z3 + 2 * z6 + z9) - (z1 + 2 * z4 + z7)) / (8 * h);
    const double q = ((z1 + 2 * z2 + z3) - (z7 + 2 * z8 + z9)) / (8 * h);
    const double G = (z6 - z4) / (2 * h), H = (z2 - z8) / (2 * h), g = G * G + H * H;
    const double r = (z4 + z6 - 2 * z5) / (h * h), t = (z2 + z8 - 2 * z5) / (h * h),
                 s = (z3 + z7 - z1 - z9) / (4 * h * h);
    const double sum = z1 + z2 + z3 + z4 + z5 + z6 + z7 + z8 + z9;
    if (which != TERRAIN_REL_ELEV && sum != sum) return NAN;
    switch (which) {
#define SAL_TERRAIN(id, unit, low, high, expression, source)                                                           \
    case TERRAIN_##id:                                                                                                 \
        return expression;
#include "features/terrain.def"
#undef SAL_TERRAIN
    default: return NAN;
    }
}

static void output_task(void *arg, int64_t task, int32_t worker)
{
    const work *w = arg;
    int64_t lo, hi;
    task_rows(0, w->rows, task, &lo, &hi);
    for (int64_t y = lo; y < hi; y++) {
        const double *z = w->smooth + (y + w->halo) * w->wide + w->halo;
        float *out = w->out + y * w->columns * w->n;
        for (int64_t x = 0; x < w->columns; x++)
            for (int64_t k = 0; k < w->n; k++)
                out[x * w->n + k] =
                    (float)covariate(w->which[k], z + x, w->wide, w->options->pixel, w->relief[y * w->columns + x]);
    }
}

static void run_rows(sal_context *ctx, int64_t rows, sal_pool_task task, work *w)
{
    sal_pool_run(ctx, (rows + TASK_ROWS - 1) / TASK_ROWS, task, w);
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
    SAL_TRY(sal_allocate(ctx, rows * columns, sizeof *w.relief, &w.relief));
    for (int64_t k = 0; k <= w.radius; k++)
        kernel[k] = k ? exp(-.5 * (double)(k * k) / (options->smooth * options->smooth)) : 1;
    w.kernel = kernel;
    run_rows(ctx, tall, across_task, &w);
    run_rows(ctx, rows + 2, along_task, &w);
    run_rows(ctx, rows, relief_task, &w);
    run_rows(ctx, rows, output_task, &w);
done:
    sal_release(ctx, kernel);
    sal_release(ctx, w.across);
    sal_release(ctx, w.smooth);
    sal_release(ctx, w.weights);
    sal_release(ctx, w.sums);
    sal_release(ctx, w.relief);
    return status;
}
