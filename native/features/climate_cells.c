/* climate_cells.c - what soil maps use of a climate: yearly sums and means, extremes, the twelve months or all of them, summarised in the
 * climate's own cells and interpolated from there.
 *
 * A calendar month is the mean of its years, and a year is made of the twelve: a record that ends in June weighs no month more than
 * another. The cells are kilometres wide, so the summaries of the few under a grid stay in memory.
 */
#include "features/climate_private.h"
#include "data/samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { YEAR, MEAN, SUM, LEAST, MOST, RANGE, MONTHS, SERIES };

static const struct {
    const char *word, *ending;
} statistics[] = { { "year", "YEAR" }, { "mean", "MEAN" },   { "sum", "SUM" },   { "min", "MIN" },
                   { "max", "MAX" },   { "range", "RANGE" }, { "months", NULL }, { "series", NULL } };

enum { STATISTICS = sizeof statistics / sizeof *statistics, MARGIN = 2 /* cells around the grid */, EDGE = 64 /* looks along a side of it */ };

typedef struct layer {
    char id[64];
    const char *unit;
    int64_t variable, statistic, month; /* month: of the calendar (0 .. 11), or of the climate for a series */
} layer;

struct sal_climate_cells {
    sal_context *ctx;
    sal_arena *arena;
    sal_grid own;
    layer *layers;
    int64_t count;
    sal__climate_box box; /* (count, rows, columns) */
};

/* ---- layers ---- */

static sal_status add_layer(sal_climate_cells *cells, const sal_climate *c, int64_t variable, int64_t statistic, int64_t month, const char *ending)
{
    sal_status status;
    char *unit, text[64];
    const sal__climate_kind *kind = sal__climate_kind_of(sal_climate_variable(c, variable));
    layer one = { .variable = variable, .statistic = statistic, .month = month };
    if (statistic == YEAR) one.statistic = kind && kind->amount ? SUM : MEAN;
    snprintf(text, sizeof text, "%.50s%s", sal_climate_unit(c, variable), one.statistic == SUM && sal_climate_unit(c, variable)[0] ? "/year" : "");
    SAL_TRY(sal_arena_text(cells->arena, text, &unit));
    one.unit = unit;
    sal__climate_name(sal_climate_variable(c, variable), ending, one.id);
    SAL_TRY(sal_reallocate(cells->ctx, cells->count, cells->count + 1, sizeof *cells->layers, &cells->layers));
    cells->layers[cells->count++] = one;
done:
    return status;
}

static sal_status add_statistic(sal_climate_cells *cells, const sal_climate *c, int64_t variable, int64_t s, int64_t first, int64_t last)
{
    sal_status status = SAL_STATUS_OK;
    char ending[16], text[8];
    if (s < MONTHS) return add_layer(cells, c, variable, s, -1, statistics[s].ending);
    for (int64_t m = 0; m < 12 && s == MONTHS; m++) {
        snprintf(ending, sizeof ending, "M%02d", (int)m + 1);
        SAL_TRY(add_layer(cells, c, variable, s, m, ending));
    }
    for (int64_t m = first; m <= last && s == SERIES; m++) {
        sal_month_text(m, text);
        snprintf(ending, sizeof ending, "%.4s_%.2s", text, text + 5);
        SAL_TRY(add_layer(cells, c, variable, s, m, ending));
    }
done:
    return status;
}

static sal_status choose_layers(sal_climate_cells *cells, const sal_climate *c, const char *const *words, int64_t n, int64_t first, int64_t last)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t i = 0; i < n; i++) {
        int64_t s = 0;
        while (s < STATISTICS && strcmp(statistics[s].word, words[i]) != 0) s++;
        if (s == STATISTICS)
            return sal_fail(cells->ctx, SAL_STATUS_ARGUMENT,
                            "climate_statistics has \"%s\"; use year, mean, sum, min, max, range, months or series", words[i]);
        for (int64_t v = 0; v < c->variable_count; v++) SAL_TRY(add_statistic(cells, c, v, s, first, last));
    }
    if (cells->count == 0)
        status = sal_fail(cells->ctx, SAL_STATUS_ARGUMENT, "climate_statistics is empty; use year, mean, sum, min, max, range, months or series");
done:
    return status;
}

/* ---- which cells ---- */

static sal_status find_cells(sal_climate_cells *cells, const sal_climate *c, const sal_grid *g)
{
    sal_status status;
    double *at = NULL, low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };
    const int64_t n = (EDGE + 1) * (EDGE + 1);
    sal__climate_box *b = &cells->box;
    SAL_TRY(sal_allocate(cells->ctx, 2 * n, sizeof *at, &at));
    for (int64_t i = 0; i < n; i++) {
        at[i] = g->x0 + g->pixel * (double)g->columns * (double)(i % (EDGE + 1)) / EDGE;
        at[n + i] = g->y0 - g->pixel * (double)g->rows * (double)(i / (EDGE + 1)) / EDGE;
    }
    SAL_TRY(sal_points_transform(cells->ctx, g->wkt, cells->own.wkt, n, at, at + n));
    for (int64_t i = 0; i < n; i++) {
        double u, v;
        sal_grid_locate(&cells->own, at[i], at[n + i], &u, &v);
        if (!isfinite(u) || !isfinite(v)) continue;
        low[0] = fmin(low[0], u), high[0] = fmax(high[0], u);
        low[1] = fmin(low[1], v), high[1] = fmax(high[1], v);
    }
    const double most[2] = { (double)cells->own.columns, (double)cells->own.rows };
    if (!(low[0] < most[0] && high[0] > 0 && low[1] < most[1] && high[1] > 0))
        SAL_TRY(sal_fail(cells->ctx, SAL_STATUS_DATA, "climate \"%s\" does not cover the grid of the stack; give climate of the same place", c->path));
    b->column = (int64_t)fmax(floor(low[0]), 0) - MARGIN;
    b->row = (int64_t)fmax(floor(low[1]), 0) - MARGIN;
    b->columns = (int64_t)fmin(ceil(high[0]), most[0]) + MARGIN - b->column;
    b->rows = (int64_t)fmin(ceil(high[1]), most[1]) + MARGIN - b->row;
done:
    sal_release(cells->ctx, at);
    return status;
}

/* ---- the months ---- */

typedef struct calendar {
    double *sum;    /* (12, cells) */
    int32_t *years; /* (12, cells) */
    float *month;   /* (cells) as read */
} calendar;

static float calendar_month(const calendar *k, int64_t m, int64_t size, int64_t i)
{
    return k->years[m * size + i] ? (float)(k->sum[m * size + i] / k->years[m * size + i]) : NAN;
}

static float statistic_of(const calendar *k, const layer *l, int64_t size, int64_t i)
{
    double sum = 0, least = INFINITY, most = -INFINITY;
    if (l->statistic == MONTHS) return calendar_month(k, l->month, size, i);
    for (int64_t m = 0; m < 12; m++) {
        const double value = calendar_month(k, m, size, i);
        if (isnan(value)) return NAN;
        sum += value;
        least = fmin(least, value);
        most = fmax(most, value);
    }
    return (float)(l->statistic == SUM     ? sum
                   : l->statistic == MEAN  ? sum / 12
                   : l->statistic == LEAST ? least
                   : l->statistic == MOST  ? most
                                           : most - least);
}

/* A calendar month that no band of a variable is of: there is no year then. */
static sal_status check_calendar(const sal_climate_cells *cells, const sal_climate *c, int64_t variable, int64_t first, int64_t last)
{
    static const char *const names[] = { "January", "February", "March", "April", "May", "June",
                                         "July", "August", "September", "October", "November", "December" };
    bool have[12] = { false }, needed = false;
    for (int64_t k = 0; k < cells->count; k++) needed = needed || cells->layers[k].statistic != SERIES;
    for (int64_t k = 0; k < c->band_count; k++)
        if (c->bands[k].variable == variable && c->bands[k].month >= first && c->bands[k].month <= last) have[c->bands[k].month % 12] = true;
    for (int m = 0; m < 12 && needed; m++)
        if (!have[m])
            return sal_fail(cells->ctx, SAL_STATUS_DATA,
                            "climate variable %s has no %s, so it has no year; give files of whole years, widen climate_period, or set "
                            "climate_statistics to series",
                            sal_climate_variable(c, variable), names[m]);
    return SAL_STATUS_OK;
}

static void take_month(sal_climate_cells *cells, const calendar *k, int64_t variable, int64_t month, int64_t size)
{
    const int64_t m = month % 12;
    for (int64_t i = 0; i < size; i++) {
        if (isnan(k->month[i])) continue;
        k->sum[m * size + i] += k->month[i];
        k->years[m * size + i]++;
    }
    for (int64_t l = 0; l < cells->count; l++)
        if (cells->layers[l].variable == variable && cells->layers[l].statistic == SERIES && cells->layers[l].month == month)
            memcpy(cells->box.values + l * size, k->month, sizeof(float) * (size_t)size);
}

static sal_status summarise_variable(sal_climate_cells *cells, sal_climate *c, int64_t variable, int64_t first, int64_t last, const calendar *k)
{
    sal_status status;
    const sal__climate_box *b = &cells->box;
    const int64_t size = b->columns * b->rows;
    SAL_TRY(check_calendar(cells, c, variable, first, last));
    memset(k->sum, 0, sizeof *k->sum * (size_t)(12 * size));
    memset(k->years, 0, sizeof *k->years * (size_t)(12 * size));
    for (int64_t i = 0; i < c->band_count; i++) {
        const sal__climate_band *band = &c->bands[i];
        if (band->variable != variable || band->month < first || band->month > last) continue;
        SAL_TRY(sal_progress(cells->ctx, ((double)variable + (double)i / (double)c->band_count) / (double)c->variable_count, NULL));
        SAL_TRY(sal_raster_read(c->rasters[band->raster], &band->band, 1, b->column, b->row, b->columns, b->rows, k->month));
        take_month(cells, k, variable, band->month, size);
    }
    for (int64_t l = 0; l < cells->count; l++)
        for (int64_t i = 0; i < size && cells->layers[l].variable == variable && cells->layers[l].statistic != SERIES; i++)
            b->values[l * size + i] = statistic_of(k, &cells->layers[l], size, i);
done:
    return status;
}

static sal_status summarise(sal_climate_cells *cells, sal_climate *c, int64_t first, int64_t last, int64_t max_bytes)
{
    sal_status status;
    calendar k = { 0 };
    const int64_t size = cells->box.columns * cells->box.rows, per_cell = (int64_t)sizeof(float) * (cells->count + 1) + 12 * 12;
    if (size > max_bytes / per_cell)
        return sal_fail(cells->ctx, SAL_STATUS_ARGUMENT,
                        "climate of %lld cells under the grid and %lld covariates need %lld MiB, more than max_memory allows; take fewer "
                        "climate_statistics, or coarser climate",
                        (long long)size, (long long)cells->count, (long long)(size * per_cell >> 20) + 1);
    SAL_TRY(sal_allocate(cells->ctx, size * cells->count, sizeof(float), &cells->box.values));
    for (int64_t i = 0; i < size * cells->count; i++) cells->box.values[i] = NAN;
    SAL_TRY(sal_allocate(cells->ctx, 12 * size, sizeof *k.sum, &k.sum));
    SAL_TRY(sal_allocate(cells->ctx, 12 * size, sizeof *k.years, &k.years));
    SAL_TRY(sal_allocate(cells->ctx, size, sizeof *k.month, &k.month));
    for (int64_t v = 0; v < c->variable_count; v++) SAL_TRY(summarise_variable(cells, c, v, first, last, &k));
done:
    sal_release(cells->ctx, k.sum);
    sal_release(cells->ctx, k.years);
    sal_release(cells->ctx, k.month);
    return status;
}

/* ---- in and out ---- */

sal_status sal_climate_summarise(sal_climate *c, const sal_grid *grid, const char *const *words, int64_t n, int64_t first, int64_t last,
                                 int64_t max_bytes, sal_climate_cells **out)
{
    sal_status status;
    sal_climate_cells *cells = NULL;
    char from[8], to[8];
    *out = NULL;
    if (c->band_count == 0)
        return sal_fail(c->ctx, SAL_STATUS_ARGUMENT, "climate \"%s\" is a table; it has no place on a grid, give climate_points to join it by id",
                        c->path);
    if (first < c->first_month) first = c->first_month;
    if (last < 0 || last > c->first_month + c->months - 1) last = c->first_month + c->months - 1;
    if (first > last) {
        sal_climate_month(c, 0, from);
        sal_climate_month(c, c->months - 1, to);
        return sal_fail(c->ctx, SAL_STATUS_ARGUMENT, "climate_period leaves no month of the climate, which runs from %s to %s", from, to);
    }
    SAL_TRY(sal_allocate(c->ctx, 1, sizeof *cells, &cells));
    cells->ctx = c->ctx;
    SAL_TRY(sal_arena_new(c->ctx, &cells->arena));
    SAL_TRY(sal_grid_copy(c->ctx, sal_raster_grid(c->rasters[0]), &cells->own));
    SAL_TRY(choose_layers(cells, c, words, n, first, last));
    SAL_TRY(find_cells(cells, c, grid));
    SAL_TRY(summarise(cells, c, first, last, max_bytes));
    *out = cells;
    cells = NULL;
done:
    sal_climate_cells_free(cells);
    return status;
}

void sal_climate_cells_free(sal_climate_cells *cells)
{
    if (!cells) return;
    sal_context *ctx = cells->ctx;
    sal_grid_clear(ctx, &cells->own);
    sal_release(ctx, cells->layers);
    sal_release(ctx, cells->box.values);
    if (cells->arena) sal_arena_free(cells->arena);
    sal_release(ctx, cells);
}

int64_t sal_climate_cells_count(const sal_climate_cells *cells) { return cells->count; }

const char *sal_climate_cells_id(const sal_climate_cells *cells, int64_t i) { return cells->layers[i].id; }

const char *sal_climate_cells_unit(const sal_climate_cells *cells, int64_t i) { return cells->layers[i].unit; }

int64_t sal_climate_cells_bytes(const sal_climate_cells *cells)
{
    return cells->box.columns * cells->box.rows * cells->count * (int64_t)sizeof(float);
}

sal_status sal_climate_cells_read(const sal_climate_cells *cells, const sal_grid *grid, int64_t column, int64_t row, int64_t columns,
                                  int64_t rows, float *out, int64_t stride)
{
    sal_status status;
    const sal__climate_box *b = &cells->box;
    double *u = NULL, *v = NULL;
    SAL_TRY(sal_allocate(cells->ctx, columns * rows, sizeof *u, &u));
    SAL_TRY(sal_allocate(cells->ctx, columns * rows, sizeof *v, &v));
    SAL_TRY(sal__climate_positions(cells->ctx, &cells->own, grid, column, row, columns, rows, u, v));
    for (int64_t i = 0; i < columns * rows; i++) {
        const bool inside = u[i] >= 0 && u[i] < (double)cells->own.columns && v[i] >= 0 && v[i] < (double)cells->own.rows;
        for (int64_t k = 0; k < cells->count; k++)
            out[i * stride + k] = inside ? sal__climate_interpolate(b, b->values + k * b->columns * b->rows, u[i], v[i]) : NAN;
    }
done:
    sal_release(cells->ctx, u);
    sal_release(cells->ctx, v);
    return status;
}
