/* stream_tile.c - one tile: covariates from rows of bands, networks, intervals, natural scale, quality, sums.
 *
 * Covariates are computed here and not where rows are read, so that the 35 indices of a pixel live in the cache of one thread only. A tile
 * without any bands is not computed at all.
 */
#include "data/window.h"
#include "kernels/vector_math.h"
#include "map/stream_private.h"
#include <math.h>
#include <string.h>

typedef struct tile {
    int64_t row, column, rows, columns;
} tile;

static void fill_nan(float *to, int64_t n)
{
    for (int64_t i = 0; i < n; i++) to[i] = NAN;
}

/* Covariates first .. first + n - 1 of columns [column, column + columns) of a row, all inside the raster. */
static void gather_row(const sal_stream *s, int64_t first, int64_t n, int64_t row, int64_t column, int64_t columns, float *to)
{
    sal_covariates_evaluate(s->covariates, first, n, s->raw + ((row - s->raw_begin) * s->width + column) * s->band_count, columns, to);
}

/* The tile and its surroundings, reflected at the edge of the raster as the trainer's windows are. Every image lies among the surroundings of the tile
 * itself: no rows are needed for it that are not there anyway. */
static void gather_environment(const sal_stream *s, const tile *t, float *to)
{
    const sal_mapper_needs *needs = s->needs;
    int64_t n = needs->environment_count, wide = SAL_TILE_COLUMNS + 2 * s->halo;
    const sal_window_place place = { t->row - s->halo, t->column - s->halo, t->rows + 2 * s->halo, t->columns + 2 * s->halo, s->height, s->width };
    int64_t begin = place.column > 0 ? place.column : 0, end = place.column + place.columns < s->width ? place.column + place.columns : s->width;
    for (int64_t r = 0; r < place.rows; r++) {
        int64_t row = place.row + r;
        if (row < 0 || row >= s->height) continue;
        gather_row(s, needs->spectrum_count + needs->index_count, n, row, begin, end - begin, to + (r * wide + begin - place.column) * n);
    }
    sal_window_reflect(&place, to, wide, n);
}

/* Whether any pixel of the tile has bands; without bands in the model, indices decide. */
static bool gather(const sal_stream *s, const tile *t, sal__stream_worker *w)
{
    const sal_mapper_needs *n = s->needs;
    int64_t spectrum = n->spectrum_count, index = n->index_count, environment = n->environment_count;
    int64_t deciding = spectrum ? spectrum : index;
    bool any = false;
    for (int64_t r = 0; r < t->rows; r++) {
        float *bands = w->spectrum + r * SAL_TILE_COLUMNS * spectrum, *indices = w->index + r * SAL_TILE_COLUMNS * index;
        gather_row(s, 0, spectrum, t->row + r, t->column, t->columns, bands);
        gather_row(s, spectrum, index, t->row + r, t->column, t->columns, indices);
        const float *v = spectrum ? bands : indices;
        for (int64_t i = 0; i < t->columns * deciding && !any; i++) any = isfinite(v[i]);
        if (n->ndvi) gather_row(s, spectrum + index + environment, 1, t->row + r, t->column, t->columns, w->ndvi + r * SAL_TILE_COLUMNS);
    }
    if (any && environment) gather_environment(s, t, w->environment);
    return any;
}

static void find_quality(const sal_stream *s, const tile *t, sal__stream_worker *w)
{
    const sal_mapper_needs *n = s->needs;
    int64_t wide = SAL_TILE_COLUMNS + 2 * s->halo, environment = n->environment_count;
    sal_quality_place place = { t->row, t->column, t->rows, t->columns, s->height, s->width, s->halo };
    sal_quality_windows(&place, w->environment, wide, environment, w->scratch, w->quality);
    for (int64_t r = 0; r < t->rows; r++) {
        int64_t at = r * SAL_TILE_COLUMNS;
        float *quality = w->quality + r * t->columns;
        sal_quality_pixels(s->spectrum, n->spectrum_count, false, w->spectrum + at * n->spectrum_count, t->columns, quality);
        sal_quality_pixels(s->index, n->index_count, true, w->index + at * n->index_count, t->columns, quality);
        sal_quality_pixels(s->environment, environment, false, w->environment + ((r + s->halo) * wide + s->halo) * environment, t->columns, quality);
    }
}

/* The dissimilarity index of every pixel of the tile, its flag and, if asked, the local point density; a row of a tile is one call. */
static void find_applicability(const sal_stream *s, const tile *t, sal__stream_worker *w)
{
    const sal_mapper_needs *n = s->needs;
    int64_t wide = SAL_TILE_COLUMNS + 2 * s->halo;
    double threshold = s->request.model->applicability->threshold;
    for (int64_t r = 0; r < t->rows; r++) {
        int64_t at = r * SAL_TILE_COLUMNS;
        float *di = w->di + at, *quality = w->quality + r * t->columns;
        const sal_nearness_parts units = { 1, { s->units }, { w->embedding ? w->embedding + at * s->units : NULL } };
        const sal_nearness_parts parts = { 3,
                                           { n->spectrum_count, n->index_count, n->environment_count },
                                           { w->spectrum + at * n->spectrum_count, w->index + at * n->index_count, w->environment + ((r + s->halo) * wide + s->halo) * n->environment_count } };
        sal_nearness_run(s->nearness, s->units ? &units : &parts, t->columns, w->nearness, di, w->lpd ? w->lpd + at : NULL);
        for (int64_t i = 0; i < t->columns; i++)
            if ((double)di[i] > threshold) quality[i] += SAL_QUALITY_OUTSIDE;
    }
}

/* From the scale of the network to the natural one, in place. */
static void natural(const sal_stream *s, int64_t n, float *v)
{
    if (s->log1p) sal_math_expm1(n, v, v);
    for (int64_t i = 0; i < n; i++) v[i] = v[i] > 0 ? v[i] : 0; /* NaN becomes 0: pixels without bands are told apart before */
}

static void add(const sal_stream *s, const float *pixel, sal__stream_sums *sums)
{
    double value = (double)pixel[SAL_MAP_SALINITY];
    int32_t flags = (int32_t)pixel[s->map_bands - 1];
    sums->valid++;
    sums->sum += value;
    if (value < sums->minimum) sums->minimum = value;
    if (value > sums->maximum) sums->maximum = value;
    sums->edge += (flags & SAL_QUALITY_EDGE) != 0;
    sums->missing += (flags & SAL_QUALITY_MISSING) != 0;
    sums->range += (flags & SAL_QUALITY_RANGE) != 0;
    sums->outside += (flags & SAL_QUALITY_OUTSIDE) != 0;
    sums->clean += flags == 0;
    if (s->request.density) sums->density += (int64_t)pixel[SAL_MAP_LPD];
    if (s->request.scheme) sums->classes[sal_class_of(s->request.scheme, value)]++;
}

/* network: (columns, 3) lower, median, upper on the scale of the network. */
static void finish_row(const sal_stream *s, const float *network, const float *di, const float *lpd, const float *quality, int64_t columns, float *to, sal__stream_sums *sums)
{
    float limits[3 * SAL_TILE_COLUMNS] = { 0 };
    for (int64_t i = 0; i < columns; i++) {
        double lower = (double)network[3 * i], median = (double)network[3 * i + 1], upper = (double)network[3 * i + 2];
        if (s->request.rule && isfinite(median)) sal_conformal_apply(s->request.rule, lower, median, upper, &lower, &upper);
        limits[3 * i] = (float)(lower < median ? lower : median);
        limits[3 * i + 1] = (float)median;
        limits[3 * i + 2] = (float)(upper > median ? upper : median);
    }
    natural(s, 3 * columns, limits);
    for (int64_t i = 0; i < columns; i++, to += s->map_bands) {
        if (!isfinite(network[3 * i + 1])) {
            fill_nan(to, s->map_bands);
            continue;
        }
        float centre = s->request.mean_factor > 0 ? (float)sal_mean_of_centre(s->request.mean_factor, s->log1p, (double)network[3 * i + 1]) : limits[3 * i + 1];
        to[SAL_MAP_SALINITY] = centre;
        to[SAL_MAP_LOWER] = limits[3 * i] < centre ? limits[3 * i] : centre;
        to[SAL_MAP_UPPER] = limits[3 * i + 2] > centre ? limits[3 * i + 2] : centre;
        if (s->nearness) to[SAL_MAP_DI] = di[i];
        if (lpd) to[SAL_MAP_LPD] = lpd[i];
        to[s->map_bands - 1] = quality[i];
        add(s, to, sums);
    }
}

void sal__stream_tile(void *arg, int64_t i, int32_t worker)
{
    sal_stream *s = arg;
    sal__stream_worker *w = &s->worker[worker];
    int64_t number = s->next_tile + i;
    tile t = { .row = number / s->tiles_across * SAL_TILE_ROWS, .column = number % s->tiles_across * SAL_TILE_COLUMNS };
    t.rows = s->height - t.row < SAL_TILE_ROWS ? s->height - t.row : SAL_TILE_ROWS;
    t.columns = s->width - t.column < SAL_TILE_COLUMNS ? s->width - t.column : SAL_TILE_COLUMNS;
    if (sal_cancelled(s->ctx)) return;
    bool any = gather(s, &t, w);
    if (any) {
        sal_tile view = { .rows = t.rows, .columns = t.columns, .spectrum = w->spectrum, .index = w->index, .ndvi = w->ndvi, .environment = w->environment,
                          .stride = SAL_TILE_COLUMNS, .environment_stride = SAL_TILE_COLUMNS + 2 * s->halo };
        sal_mapper_tile_embedded(s->mapper, worker, &view, w->network, SAL_TILE_COLUMNS, w->embedding);
        find_quality(s, &t, w);
        if (s->nearness) find_applicability(s, &t, w);
    }
    sal__stream_sums sums = { .minimum = INFINITY, .maximum = -INFINITY };
    for (int64_t r = 0; r < t.rows; r++) {
        float *to = s->out + ((t.row + r - s->out_begin) * s->width + t.column) * s->map_bands;
        if (any) finish_row(s, w->network + r * SAL_TILE_COLUMNS * 3, s->nearness ? w->di + r * SAL_TILE_COLUMNS : NULL, w->lpd ? w->lpd + r * SAL_TILE_COLUMNS : NULL, w->quality + r * t.columns, t.columns, to, &sums);
        else fill_nan(to, t.columns * s->map_bands);
    }
    s->sums[i] = sums;
}
