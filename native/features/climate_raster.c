/* climate_raster.c - monthly climate from rasters, at points and on a grid by one interpolation, so that a network sees on the map what it
 * saw in training.
 *
 * Bilinear between the centres of cells; cells without value (the sea) do not count. A climate cell is kilometres wide: only the few
 * under a block are read.
 */
#include "features/climate_private.h"
#include "data/samples.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LATTICE = 16 }; /* pixels between transformed positions */

/* ---- opening ---- */

/* "TerraClimate_pr_2010.nc" -> "TerraClimate_pr": the years of one variable are files of their own. */
static void name_of_file(const char *path, char out[64])
{
    const char *slash = strrchr(path, '/');
    snprintf(out, 64, "%.63s", slash ? slash + 1 : path);
    char *dot = strchr(out, '.');
    if (dot) *dot = 0;
    size_t n = strlen(out);
    if (n > 5 && out[n - 5] == '_' && strspn(out + n - 4, "0123456789") == 4) out[n - 5] = 0;
}

static sal_status add_bands(sal_climate *c, const char *name, const int64_t *months)
{
    sal_status status = SAL_STATUS_OK;
    const int64_t r = c->raster_count - 1, n = sal_raster_band_count(c->rasters[r]);
    int64_t variable;
    SAL_TRY(sal__climate_variable(c, name, &variable));
    SAL_TRY(sal_reallocate(c->ctx, c->band_count, c->band_count + n, sizeof *c->bands, &c->bands));
    for (int64_t b = 0; b < n; b++) {
        if (months[b] < 0)
            return sal_fail(c->ctx, SAL_STATUS_DATA,
                            "band %lld of \"%s\" (\"%s\") has no date; give NetCDF with a time, or bands described by their month, such as "
                            "pr_2010-01",
                            (long long)b + 1, sal_raster_path(c->rasters[r]), sal_raster_band_name(c->rasters[r], b));
        for (int64_t k = 0; k < c->band_count; k++)
            if (c->bands[k].variable == variable && c->bands[k].month == months[b]) {
                char text[8];
                sal_month_text(months[b], text);
                return sal_fail(c->ctx, SAL_STATUS_DATA, "%s of %s comes twice, from \"%s\" and from \"%s\"; leave one out, or name the variables",
                                name, text, sal_raster_path(c->rasters[c->bands[k].raster]), sal_raster_path(c->rasters[r]));
            }
        c->bands[c->band_count++] = (sal__climate_band){ r, b, variable, months[b] };
    }
done:
    return status;
}

static sal_status add_raster(sal_climate *c, const char *path, const char *name)
{
    sal_status status;
    sal_raster *raster = NULL;
    int64_t *months = NULL;
    SAL_TRY(sal_raster_open(c->ctx, path, &raster));
    SAL_TRY(sal_allocate(c->ctx, sal_raster_band_count(raster), sizeof *months, &months));
    sal_raster_band_months(raster, months);
    if (c->raster_count > 0 && !sal_grid_equal(sal_raster_grid(raster), sal_raster_grid(c->rasters[0])))
        SAL_TRY(sal_fail(c->ctx, SAL_STATUS_DATA, "\"%s\" lies on another grid than \"%s\"; warp one to the other", path,
                         sal_raster_path(c->rasters[0])));
    SAL_TRY(sal_reallocate(c->ctx, c->raster_count, c->raster_count + 1, sizeof *c->rasters, &c->rasters));
    c->rasters[c->raster_count++] = raster;
    raster = NULL;
    SAL_TRY(add_bands(c, name, months));
done:
    sal_raster_free(raster);
    sal_release(c->ctx, months);
    return status;
}

static sal_status add_file(sal_climate *c, const char *path, const char *name)
{
    sal_status status;
    sal_raster_part *parts = NULL;
    int64_t n = 0;
    SAL_TRY(sal_raster_parts(c->ctx, path, c->arena, &parts, &n));
    if (n == 0)
        status = sal_fail(c->ctx, SAL_STATUS_DATA, "\"%s\" holds no raster", path);
    for (int64_t i = 0; i < n; i++) {
        char own[64];
        name_of_file(path, own);
        const char *variable = n == 1 && name ? name : parts[i].variable[0] ? parts[i].variable : own;
        if (n > 1 && strcmp(parts[i].variable, "station_influence") == 0)
            sal_log(c->ctx, "\"%s\" counts the stations behind TerraClimate and is left out", parts[i].path);
        else if (n == 1 || parts[i].dated)
            SAL_TRY(add_raster(c, parts[i].path, variable));
        else
            sal_log(c->ctx, "\"%s\" has no time and is left out", parts[i].path);
    }
done:
    return status;
}

sal_status sal_climate_open_rasters(sal_context *ctx, const char *const *paths, const char *const *names, int64_t n, sal_climate **out)
{
    sal_status status;
    sal_climate *c = NULL;
    *out = NULL;
    if (n < 1) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "no raster of climate is named");
    SAL_TRY(sal__climate_new(ctx, paths[0], &c));
    for (int64_t i = 0; i < n; i++) {
        SAL_TRY(sal_progress(ctx, (double)i / (double)n, NULL));
        SAL_TRY(add_file(c, paths[i], names ? names[i] : NULL));
    }
    if (c->band_count == 0) SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA, "\"%s\" holds no raster with a time", paths[0]));
    int64_t last = c->first_month = c->bands[0].month;
    for (int64_t k = 0; k < c->band_count; k++) {
        if (c->bands[k].month < c->first_month) c->first_month = c->bands[k].month;
        if (c->bands[k].month > last) last = c->bands[k].month;
    }
    c->months = last - c->first_month + 1;
    if (c->months > SAL__MONTHS_MOST)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA, "the rasters of climate reach over %lld months, more than %d; look for a wrong date",
                         (long long)c->months, SAL__MONTHS_MOST));
    *out = c;
    c = NULL;
done:
    sal_climate_free(c);
    return status;
}

/* ---- values ---- */

typedef sal__climate_box box;

/* Reads the cells around positions (in cells, centre at .5) of all bands. */
static sal_status box_read(sal_climate *c, const double *u, const double *v, int64_t n, box *b)
{
    sal_status status = SAL_STATUS_OK;
    const sal_grid *g = sal_raster_grid(c->rasters[0]);
    double low_u = INFINITY, high_u = -INFINITY, low_v = INFINITY, high_v = -INFINITY;
    float *cells = NULL;
    int64_t *bands = NULL;
    for (int64_t i = 0; i < n; i++) {
        if (!(u[i] >= 0 && u[i] < (double)g->columns && v[i] >= 0 && v[i] < (double)g->rows)) continue;
        low_u = fmin(low_u, u[i]), high_u = fmax(high_u, u[i]), low_v = fmin(low_v, v[i]), high_v = fmax(high_v, v[i]);
    }
    *b = (box){ 0 };
    if (low_u > high_u) return SAL_STATUS_OK;
    b->column = (int64_t)floor(low_u) - 1, b->columns = (int64_t)floor(high_u) + 2 - b->column;
    b->row = (int64_t)floor(low_v) - 1, b->rows = (int64_t)floor(high_v) + 2 - b->row;
    const int64_t size = b->columns * b->rows;
    SAL_TRY(sal_allocate(c->ctx, size * c->band_count, sizeof *b->values, &b->values));
    SAL_TRY(sal_allocate(c->ctx, size * c->band_count, sizeof *cells, &cells));
    SAL_TRY(sal_allocate(c->ctx, c->band_count, sizeof *bands, &bands));
    for (int64_t k = 0, m; k < c->band_count; k += m) { /* all bands of one raster follow each other */
        sal_raster *raster = c->rasters[c->bands[k].raster];
        m = sal_raster_band_count(raster);
        for (int64_t i = 0; i < m; i++) bands[i] = i;
        SAL_TRY(sal_look(c->ctx) ? sal_progress(c->ctx, 0, NULL) : SAL_STATUS_OK);
        SAL_TRY(sal_raster_read(raster, bands, m, b->column, b->row, b->columns, b->rows, cells));
        for (int64_t i = 0; i < m * size; i++) b->values[(k + i % m) * size + i / m] = cells[i];
    }
done:
    sal_release(c->ctx, bands);
    sal_release(c->ctx, cells);
    return status;
}

/* NaN outside the raster and where the cell itself has no value. */
float sal__climate_interpolate(const box *b, const float *cells, double u, double v)
{
    const int64_t x = (int64_t)floor(u) - b->column, y = (int64_t)floor(v) - b->row;
    if (isnan(cells[y * b->columns + x])) return NAN;
    const double left = u - .5 - (double)b->column, top = v - .5 - (double)b->row, fx = left - floor(left), fy = top - floor(top);
    const int64_t x0 = (int64_t)floor(left), y0 = (int64_t)floor(top);
    const double weights[4] = { (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy };
    double sum = 0, weight = 0;
    for (int k = 0; k < 4; k++) {
        const float value = cells[(y0 + k / 2) * b->columns + x0 + k % 2];
        if (isnan(value)) continue;
        sum += weights[k] * value;
        weight += weights[k];
    }
    return (float)(sum / weight);
}

/* out: (n, months, variables). */
static void box_fill(const sal_climate *c, const box *b, const double *u, const double *v, int64_t n, float *out)
{
    const sal_grid *g = sal_raster_grid(c->rasters[0]);
    const int64_t size = c->months * c->variable_count;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < size; k++) out[i * size + k] = NAN;
        if (!(u[i] >= 0 && u[i] < (double)g->columns && v[i] >= 0 && v[i] < (double)g->rows)) continue;
        for (int64_t k = 0; k < c->band_count; k++) {
            const sal__climate_band *band = &c->bands[k];
            out[i * size + (band->month - c->first_month) * c->variable_count + band->variable] =
                sal__climate_interpolate(b, b->values + k * b->columns * b->rows, u[i], v[i]);
        }
    }
}

static sal_status not_a_raster(const sal_climate *c)
{
    return sal_fail(c->ctx, SAL_STATUS_ARGUMENT, "climate \"%s\" is a table; it is read by id, not at positions", c->path);
}

sal_status sal_climate_at_points(sal_climate *c, const char *wkt, int64_t n, const double *x, const double *y, float *out)
{
    sal_status status;
    double *u = NULL, *v = NULL;
    if (c->band_count == 0) return not_a_raster(c);
    const sal_grid *g = sal_raster_grid(c->rasters[0]);
    SAL_TRY(sal_allocate(c->ctx, n, sizeof *u, &u));
    SAL_TRY(sal_allocate(c->ctx, n, sizeof *v, &v));
    memcpy(u, x, sizeof *u * (size_t)n);
    memcpy(v, y, sizeof *v * (size_t)n);
    SAL_TRY(sal_points_transform(c->ctx, wkt, g->wkt, n, u, v));
    for (int64_t i = 0; i < n; i++) {
        box b;
        SAL_TRY(sal_progress(c->ctx, (double)i / (double)n, NULL));
        sal_grid_locate(g, u[i], v[i], &u[i], &v[i]);
        status = box_read(c, u + i, v + i, 1, &b); /* samples may lie continents apart */
        if (status == SAL_STATUS_OK) box_fill(c, &b, u + i, v + i, 1, out + i * c->months * c->variable_count);
        sal_release(c->ctx, b.values);
        if (status != SAL_STATUS_OK) goto done;
    }
done:
    sal_release(c->ctx, u);
    sal_release(c->ctx, v);
    return status;
}

/* Cells under the lattice nodes of a window: (rows, columns) nodes, the first at pixel (column, row) of the grid. */
static sal_status place_nodes(sal_context *ctx, const sal_grid *own, const sal_grid *grid, int64_t column, int64_t row, int64_t columns,
                              int64_t rows, double *u, double *v)
{
    for (int64_t i = 0; i < rows * columns; i++) {
        u[i] = grid->x0 + grid->pixel * ((double)(column + i % columns * LATTICE) + .5);
        v[i] = grid->y0 - grid->pixel * ((double)(row + i / columns * LATTICE) + .5);
    }
    sal_status status = sal_points_transform(ctx, grid->wkt, own->wkt, rows * columns, u, v);
    for (int64_t i = 0; i < rows * columns && status == SAL_STATUS_OK; i++) sal_grid_locate(own, u[i], v[i], &u[i], &v[i]);
    return status;
}

static double between(const double *nodes, int64_t columns, int64_t x, int64_t y)
{
    const double *at = nodes + y / LATTICE * columns + x / LATTICE;
    const double fx = (double)(x % LATTICE) / LATTICE, fy = (double)(y % LATTICE) / LATTICE;
    return (1 - fy) * ((1 - fx) * at[0] + fx * at[1]) + fy * ((1 - fx) * at[columns] + fx * at[columns + 1]);
}

/* Windows may begin beyond the grid's corner. */
static int64_t node_before(int64_t pixel) { return pixel - ((pixel % LATTICE) + LATTICE) % LATTICE; }

sal_status sal__climate_positions(sal_context *ctx, const sal_grid *own, const sal_grid *grid, int64_t column, int64_t row, int64_t columns,
                                  int64_t rows, double *u, double *v)
{
    sal_status status;
    const int64_t x0 = node_before(column), y0 = node_before(row), across = (column + columns - x0) / LATTICE + 2,
                  down = (row + rows - y0) / LATTICE + 2, n = rows * columns;
    double *nodes = NULL;
    SAL_TRY(sal_allocate(ctx, 2 * across * down, sizeof *nodes, &nodes));
    SAL_TRY(place_nodes(ctx, own, grid, x0, y0, across, down, nodes, nodes + across * down));
    for (int64_t i = 0; i < n; i++) {
        u[i] = between(nodes, across, column - x0 + i % columns, row - y0 + i / columns);
        v[i] = between(nodes + across * down, across, column - x0 + i % columns, row - y0 + i / columns);
    }
done:
    sal_release(ctx, nodes);
    return status;
}

sal_status sal_climate_on_grid(sal_climate *c, const sal_grid *grid, int64_t column, int64_t row, int64_t columns, int64_t rows,
                               float *out)
{
    sal_status status;
    const int64_t n = rows * columns;
    double *u = NULL, *v = NULL;
    box b = { 0 };
    if (c->band_count == 0) return not_a_raster(c);
    SAL_TRY(sal_allocate(c->ctx, n, sizeof *u, &u));
    SAL_TRY(sal_allocate(c->ctx, n, sizeof *v, &v));
    SAL_TRY(sal__climate_positions(c->ctx, sal_raster_grid(c->rasters[0]), grid, column, row, columns, rows, u, v));
    SAL_TRY(box_read(c, u, v, n, &b));
    box_fill(c, &b, u, v, n, out);
done:
    sal_release(c->ctx, u);
    sal_release(c->ctx, v);
    sal_release(c->ctx, b.values);
    return status;
}
