/* terrain.c - the table of terrain covariates (terrain.def) and their computation, block by block.
 *
 * A delta falls 1e-4, so that curvature is mostly noise: smooth first. Tasks are strips of rows; within one, smoothed rows pass
 * through rings that stay in the cache, and each row of the block is finished before the next.
 */
#include "features/terrain.h"
#include "features/planes.h"
#include "features/terrain_lines.h"

#include <math.h>
#include <string.h>

enum { STRIP = 128 };

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

static int64_t window_half(const sal_terrain_options *o, double radius)
{
    int64_t half = (int64_t)floor(radius / o->pixel + 1e-9);
    return half < 1 ? 1 : half;
}

int64_t sal_terrain_halo(const sal_terrain_options *o)
{
    int64_t halo = smooth_radius(o) + sal_terrain_window_half(o);
    for (int64_t k = -1; k < o->radii; k++) {
        const int64_t half = window_half(o, k < 0 ? o->relief_radius : o->radius[k]);
        if (half > halo) halo = half;
    }
    return halo;
}

typedef struct work {
    const sal_terrain_options *options;
    const float *elevation; /* (rows + 2 halo, wide) */
    int64_t rows, columns, halo, wide, radius, half, n;
    const int64_t *which;
    bool smooths, horn, surface; /* whether any covariate needs the smoothed elevation, Horn's derivatives, all others */
    bool streams;                /* whether the output goes past the caches */
    double kernel[3 * SAL_TERRAIN_SMOOTH + 1];
    sal__stencil stencil;
    float *out;
    int64_t pixel_step, covariate_step;
    double *slab; /* per worker, see strip */
    int64_t slab_size;
} work;

/* What a worker needs for a strip, cut from its slab. Row y of a ring lies at y modulo its length. */
typedef struct strip {
    const work *w;
    double *weight, *line; /* (wide) */
    double *across;        /* (2 radius + 1, wide): rows smoothed along themselves */
    double *smooth;        /* (2 half + 1, wide): and then across rows */
    double *moments;       /* (2 half + 1, SAL__MOMENTS, columns) */
    double *relief;        /* (columns) */
    float *planes;         /* (n, columns), for interleaved output */
    sal__lines lines;
    sal__relief windows[1 + SAL_TERRAIN_RADII];
    int64_t next_across, next_smooth;
    bool holes[6 * SAL_TERRAIN_SMOOTH + 1]; /* whether a row of the ring has missing elevations */
} strip;

static double *cut(double *slab, int64_t *at, int64_t n)
{
    double *piece = slab ? slab + *at : NULL;
    *at += (n + 7) & ~(int64_t)7;
    return piece;
}

/* With slab NULL only the length is of interest. */
static int64_t strip_lay_out(strip *s, const work *w, double *slab)
{
    int64_t at = 0;
    double **lines[] = { &s->lines.p, &s->lines.q, &s->lines.G, &s->lines.H, &s->lines.r, &s->lines.s, &s->lines.t };
    s->w = w;
    s->weight = cut(slab, &at, w->wide);
    s->line = cut(slab, &at, w->wide);
    s->across = cut(slab, &at, (2 * w->radius + 1) * w->wide);
    s->smooth = cut(slab, &at, (2 * w->half + 1) * w->wide);
    s->moments = cut(slab, &at, (2 * w->half + 1) * SAL__MOMENTS * w->columns);
    s->relief = cut(slab, &at, w->columns);
    s->planes = (float *)cut(slab, &at, (w->n * w->columns + 1) / 2);
    for (int k = 0; k < 7; k++) *lines[k] = cut(slab, &at, w->columns);
    for (int64_t k = 0; k <= w->options->radii; k++) {
        sal__relief *r = &s->windows[k];
        r->half = window_half(w->options, k == 0 ? w->options->relief_radius : w->options->radius[k - 1]);
        r->wide = w->wide;
        r->sum = (int64_t *)cut(slab, &at, w->wide);
        r->holes = (int64_t *)cut(slab, &at, w->wide);
    }
    return at;
}

/* ---- smoothing ---- */

/* Rows are those of the elevation, halo included. */
static void make_across(strip *s, int64_t y)
{
    const work *w = s->w;
    const int64_t ring = y % (2 * w->radius + 1), lo = w->halo - w->half, hi = w->halo + w->columns + w->half;
    const double *taps[6 * SAL_TERRAIN_SMOOTH + 1];
    double *out = s->across + ring * w->wide;
    s->holes[ring] = sal__widen(w->elevation + y * w->wide, w->wide, w->radius > 0 ? s->line : out) > 0;
    if (w->radius == 0) return;
    for (int64_t k = -w->radius; k <= w->radius; k++) taps[k + w->radius] = s->line + k;
    if (s->holes[ring])
        sal__smooth_holes(w->kernel, w->radius, taps, lo, hi, s->weight, out);
    else
        sal__smooth_whole(w->kernel, w->radius, taps, lo, hi, out);
}

static void make_smooth(strip *s, int64_t y)
{
    const work *w = s->w;
    const int64_t lo = w->halo - w->half, hi = w->halo + w->columns + w->half, ring = y % (2 * w->half + 1);
    const double *taps[6 * SAL_TERRAIN_SMOOTH + 1];
    double *out = s->smooth + ring * w->wide;
    bool holes = false;
    for (; s->next_across <= y + w->radius; s->next_across++) make_across(s, s->next_across);
    for (int64_t k = -w->radius; k <= w->radius; k++) {
        const int64_t row = (y + k) % (2 * w->radius + 1);
        taps[k + w->radius] = s->across + row * w->wide;
        holes = holes || s->holes[row];
    }
    if (w->radius == 0)
        memcpy(out + lo, taps[0] + lo, sizeof *out * (size_t)(hi - lo));
    else if (holes)
        sal__smooth_holes(w->kernel, w->radius, taps, lo, hi, s->weight, out);
    else
        sal__smooth_whole(w->kernel, w->radius, taps, lo, hi, out);
    if (w->options->method >= SAL_TERRAIN_EVANS)
        sal__stencil_moments(&w->stencil, out + w->halo, w->columns, s->moments + ring * SAL__MOMENTS * w->columns);
}

/* ---- rows ---- */

static void derive(strip *s, int64_t y)
{
    const work *w = s->w;
    const int64_t ring = 2 * w->half + 1;
    const double *rows[SAL_TERRAIN_WINDOW];
    for (; s->next_smooth <= y + w->half; s->next_smooth++) make_smooth(s, s->next_smooth);
    if (w->options->method < SAL_TERRAIN_EVANS) {
        for (int64_t k = 0; k < 3; k++) rows[k] = s->smooth + (y - 1 + k) % ring * w->wide + w->halo;
        sal__derive_near(w->horn, w->surface, rows, w->options->pixel, w->columns, &s->lines);
        return;
    }
    for (int64_t k = 0; k < ring; k++) rows[k] = s->moments + (y - w->half + k) % ring * SAL__MOMENTS * w->columns;
    sal__stencil_derive(&w->stencil, rows, w->columns, &s->lines);
}

/* Which window a covariate looks at, -1 for none. */
static int64_t window_of(int64_t which)
{
    return which >= TERRAIN_COUNT ? which - TERRAIN_COUNT + 1 : which == TERRAIN_REL_ELEV ? 0 : -1;
}

static void relief_row(strip *s, int64_t window, int64_t y)
{
    const work *w = s->w;
    sal__relief *r = &s->windows[window];
    sal__relief_count(r, w->elevation + (y + r->half) * w->wide, 1);
    sal__relief_line(r, w->elevation + y * w->wide, w->halo, w->columns, s->relief);
    sal__relief_count(r, w->elevation + (y - r->half) * w->wide, -1);
}

static void start_windows(strip *s, int64_t y)
{
    const work *w = s->w;
    for (int64_t k = 0; k < w->n; k++) {
        const int64_t window = window_of(w->which[k]);
        if (window < 0) continue;
        sal__relief *r = &s->windows[window];
        r->missing = 0;
        memset(r->sum, 0, sizeof *r->sum * (size_t)w->wide);
        memset(r->holes, 0, sizeof *r->holes * (size_t)w->wide);
        for (int64_t row = y - r->half; row < y + r->half; row++)
            sal__relief_count(r, w->elevation + row * w->wide, 1);
    }
}

static void strip_task(void *arg, int64_t task, int32_t worker)
{
    const work *w = arg;
    const int64_t lo = task * STRIP, hi = lo + STRIP < w->rows ? lo + STRIP : w->rows;
    strip s;
    strip_lay_out(&s, w, w->slab + worker * w->slab_size);
    if (w->options->method != SAL_TERRAIN_HORN) s.lines.p = s.lines.G, s.lines.q = s.lines.H;
    s.lines.relief = s.relief;
    s.next_smooth = lo + w->halo - w->half;
    s.next_across = s.next_smooth - w->radius;
    start_windows(&s, lo + w->halo);
    const bool direct = w->pixel_step == 1 && !w->streams;
    for (int64_t y = lo; y < hi; y++) {
        float *out = w->out + y * w->columns * w->pixel_step;
        /* what nothing asks for has to be readable all the same */
        s.lines.wetness = w->options->wetness ? w->options->wetness + y * w->options->wetness_stride : s.planes;
        if (w->smooths) derive(&s, y + w->halo);
        for (int64_t k = 0; k < w->n; k++) {
            float *line = direct ? out + k * w->covariate_step : s.planes + k * w->columns;
            if (w->which[k] == SAL_TERRAIN_SMOOTHED) {
                const double *z = s.smooth + (y + w->halo) % (2 * w->half + 1) * w->wide + w->halo;
                for (int64_t x = 0; x < w->columns; x++) line[x] = (float)z[x];
                continue;
            }
            if (window_of(w->which[k]) >= 0) relief_row(&s, window_of(w->which[k]), y + w->halo);
            sal__terrain_line(w->which[k], &s.lines, w->columns, line);
        }
        if (w->pixel_step != 1) sal__interleave(s.planes, w->columns, w->n, w->columns, out, w->pixel_step);
        for (int64_t k = 0; k < w->n && w->streams; k++)
            sal__stream(s.planes + k * w->columns, w->columns, out + k * w->covariate_step);
    }
    if (w->streams) sal__stream_end();
}

static void prepare(work *w, const sal_terrain_options *o, int64_t columns, const int64_t *which, int64_t n)
{
    strip unused;
    *w = (work){ .options = o, .columns = columns, .halo = sal_terrain_halo(o), .which = which, .n = n };
    w->wide = columns + 2 * w->halo;
    w->radius = smooth_radius(o);
    w->half = sal_terrain_window_half(o);
    for (int64_t k = 0; k < n && which; k++) {
        const bool first = which[k] == TERRAIN_SLOPE || which[k] == TERRAIN_ASPECT, horn = o->method == SAL_TERRAIN_HORN;
        if (window_of(which[k]) >= 0 || which[k] == TERRAIN_TWI) continue;
        w->smooths = true;
        w->horn = w->horn || (horn && first);
        w->surface = w->surface || (which[k] != SAL_TERRAIN_SMOOTHED && !(horn && first));
    }
    for (int64_t k = 0; k <= w->radius; k++)
        w->kernel[k] = k ? exp(-.5 * (double)(k * k) / (o->smooth * o->smooth)) : 1;
    if (o->method >= SAL_TERRAIN_EVANS) sal__stencil_fill(o, &w->stencil);
    w->slab_size = strip_lay_out(&unused, w, NULL);
}

int64_t sal_terrain_bytes(const sal_context *ctx, const sal_terrain_options *options, int64_t columns, int64_t n)
{
    work w;
    prepare(&w, options, columns, NULL, n);
    return w.slab_size * (int64_t)sizeof(double) * sal_context_threads(ctx);
}

sal_status sal_terrain_compute(sal_context *ctx, const float *elevation, int64_t rows, int64_t columns,
                               const sal_terrain_options *options, const int64_t *which, int64_t n, float *out,
                               int64_t pixel_step, int64_t covariate_step)
{
    work w;
    prepare(&w, options, columns, which, n);
    w.elevation = elevation;
    w.rows = rows;
    w.out = out;
    w.pixel_step = pixel_step;
    w.covariate_step = covariate_step;
    w.streams = pixel_step == 1 && sal__stream_pays(rows * columns * n);
    sal_status status = sal_allocate(ctx, w.slab_size * sal_context_threads(ctx), sizeof *w.slab, &w.slab);
    if (status != SAL_STATUS_OK) return status;
    sal_pool_run(ctx, (rows + STRIP - 1) / STRIP, strip_task, &w);
    sal_release(ctx, w.slab);
    return SAL_STATUS_OK;
}
