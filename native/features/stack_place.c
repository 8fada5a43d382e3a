/* stack_place.c - the grid of a stack, and every source brought on to it.
 *
 * A source that lies on the grid pixel by pixel is read as it is; any other is warped: bilinear (reflectance as the
 * user says), averaged where the grid is more than 1.5 times coarser, classes by nearest neighbour. The elevation model
 * is placed with a margin, so that terrain is known up to the border of the grid.
 */
#include "features/indices.h"
#include "features/masks.h"
#include "features/stack_build.h"
#include "features/terrain.h"
#include "features/tiles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double average_from = 1.5;

/* ---- the grid ---- */

static sal_status fail_not_metric(sal_context *ctx, const char *path, const sal_grid *grid)
{
    char advice[96] = "a metric CRS such as the local UTM zone";
    const double x = grid->x0 + grid->pixel * (double)grid->columns / 2,
                 y = grid->y0 - grid->pixel * (double)grid->rows / 2;
    if (fabs(x) <= 180 && fabs(y) <= 84)
        snprintf(advice, sizeof advice, "EPSG:%d (UTM zone %d%c)",
                 (y >= 0 ? 32600 : 32700) + (int)floor((x + 180) / 6) % 60 + 1, (int)floor((x + 180) / 6) % 60 + 1,
                 y >= 0 ? 'N' : 'S');
    return sal_fail(ctx, SAL_STATUS_DATA,
                    "the grid of \"%s\" is not metric: %s, pixel %.6g; windows and terrain need metres: warp it to %s, "
                    "or give a raster in such a CRS "
                    "as reference_grid",
                    path, grid->crs_name, grid->pixel, advice);
}

sal_status sal__build_choose_grid(sal_build *build, const char *reference)
{
    sal_status status = SAL_STATUS_OK;
    sal_context *ctx = build->ctx;
    sal_raster *raster = NULL;
    const char *chosen = reference;
    sal_source_kind kind = SAL_SOURCE_READY;
    double finest = INFINITY;
    for (int64_t i = 0; i < build->source_count; i++)
        if (build->sources[i].kind < kind) kind = build->sources[i].kind;
    for (int64_t i = 0; i < build->source_count && !reference; i++) {
        const sal_source *s = &build->sources[i];
        if (s->kind != kind || (i > 0 && strcmp(s->path, s[-1].path) == 0)) continue;
        SAL_TRY(sal_progress(ctx, 0, NULL));
        SAL_TRY(sal_raster_open(ctx, s->path, &raster));
        const sal_grid *grid = sal_raster_grid(raster);
        if (!grid->is_metric) SAL_TRY(fail_not_metric(ctx, s->path, grid));
        if (grid->pixel < finest * (1 - 1e-6)) {
            finest = grid->pixel;
            chosen = s->path;
        }
        sal_raster_free(raster);
        raster = NULL;
    }
    SAL_TRY(sal_raster_open(ctx, chosen, &raster));
    if (!sal_raster_grid(raster)->is_metric) SAL_TRY(fail_not_metric(ctx, chosen, sal_raster_grid(raster)));
    SAL_TRY(sal_grid_copy(ctx, sal_raster_grid(raster), &build->grid));
    if (!reference) SAL_TRY(sal__tiles_extend_grid(build));
done:
    sal_raster_free(raster);
    return status;
}

/* ---- sources on the grid ---- */

/* Of several tiles, one beside the grid is left out; the last of them is refused as a single scene would be. */
static bool may_leave_out(const sal_build *build, const sal_source *s)
{
    int64_t inside = 0;
    if (s->kind != SAL_SOURCE_REFLECTANCE) return false;
    for (int64_t i = 0; i < build->tile_count; i++) inside += !build->tiles[i].outside && i != s->tile;
    return inside > 0;
}

static sal_status check_overlap(sal_build *build, const sal_source *s, double *pixel, bool *outside)
{
    *outside = false;
    const sal_grid *g = &build->grid;
    double b[4], east = g->x0 + g->pixel * (double)g->columns, south = g->y0 - g->pixel * (double)g->rows;
    sal_status status = sal_raster_place(build->ctx, s->path, g, b, pixel);
    if (status != SAL_STATUS_OK) return status;
    if (b[0] < east && b[2] > g->x0 && b[1] < g->y0 && b[3] > south) {
        if (s->kind == SAL_SOURCE_REFLECTANCE) sal__tile_lies(build, s->tile, b);
        return SAL_STATUS_OK;
    }
    if (may_leave_out(build, s)) {
        if (!build->tiles[s->tile].outside) sal_warn(build->ctx, "\"%s\" does not overlap the grid and is left out", s->path);
        *outside = build->tiles[s->tile].outside = true;
        return SAL_STATUS_OK;
    }
    return sal_fail(build->ctx, SAL_STATUS_DATA,
                    "\"%s\" does not overlap the grid of the stack: it covers %.0f to %.0f east and %.0f to %.0f "
                    "north, the grid %.0f to %.0f east and "
                    "%.0f to %.0f north in %s; give data of the same place, or another reference_grid",
                    s->path, b[0], b[2], b[1], b[3], g->x0, east, south, g->y0, g->crs_name);
}

bool sal__grid_aligned(const sal_grid *grid, const sal_raster *raster, int64_t *shift_x, int64_t *shift_y)
{
    const sal_grid *own = sal_raster_grid(raster);
    const int64_t longest = grid->columns > grid->rows ? grid->columns : grid->rows;
    const double x = (grid->x0 - own->x0) / grid->pixel, y = (own->y0 - grid->y0) / grid->pixel;
    if (fabs(own->pixel - grid->pixel) * (double)longest > 1e-3 * grid->pixel) return false;
    if (fabs(x - round(x)) > 1e-3 || fabs(y - round(y)) > 1e-3 || !sal_grid_same_crs(own->wkt, grid->wkt)) return false;
    *shift_x = (int64_t)llround(x);
    *shift_y = (int64_t)llround(y);
    return true;
}

static int64_t margin(const sal_build *build, const sal_source *s)
{
    return s->kind == SAL_SOURCE_ELEVATION && build->terrain_count > 0 ? sal_terrain_halo(&build->terrain_options) : 0;
}

/* Classes have no mean; what gets coarser is averaged, or it would alias. */
static const char *choose_method(const sal_build *build, const sal_source *s, double pixel)
{
    if (s->classes) return "nearest";
    if (build->grid.pixel > average_from * pixel) return "average";
    return s->kind == SAL_SOURCE_REFLECTANCE ? build->resampling : "bilinear";
}

/* The bands of a file that the sources [first, last) of a list need: (*n), owned by the caller. */
static sal_status list_bands(sal_context *ctx, const sal_source *list, int64_t first, int64_t last, int64_t **bands, int64_t *n)
{
    int64_t count = 0;
    for (int64_t i = first; i < last; i++) count += list[i].members ? list[i].member_count : 1;
    sal_status status = sal_allocate(ctx, count, sizeof **bands, bands);
    if (status != SAL_STATUS_OK) return status;
    *n = 0;
    for (int64_t i = first; i < last; i++)
        for (int64_t k = 0; k < (list[i].members ? list[i].member_count : 1); k++) (*bands)[(*n)++] = list[i].members ? list[i].members[k] : list[i].band;
    return SAL_STATUS_OK;
}

/* Which bands of the opened raster are those of a source: of the file itself, or from `at` on of a view. */
static sal_status set_slots(sal_build *build, sal_source *s, bool whole_file, int64_t *at)
{
    s->slot = whole_file ? s->band : *at;
    if (!s->members) {
        (*at)++;
        return SAL_STATUS_OK;
    }
    sal_status status = sal_arena_allocate(build->arena, s->member_count, sizeof *s->member_slots, &s->member_slots);
    for (int64_t k = 0; k < s->member_count && status == SAL_STATUS_OK; k++, (*at)++) s->member_slots[k] = whole_file ? s->members[k] : *at;
    return status;
}

/* Opens the sources [first, last) of a list, which are bands of one file. */
static sal_status place_group(sal_build *build, sal_source *list, int64_t first, int64_t last)
{
    sal_status status;
    sal_context *ctx = build->ctx;
    sal_source *s = &list[first];
    sal_raster *raster = NULL;
    int64_t *bands = NULL, count, at = 0, x = 0, y = 0;
    double pixel;
    bool outside;
    SAL_TRY(check_overlap(build, s, &pixel, &outside));
    if (outside) return SAL_STATUS_OK;
    SAL_TRY(list_bands(ctx, list, first, last, &bands, &count));
    sal_raster_view view = {
        .bands = bands, .band_count = count, .invalid = s->invalid, .invalid_count = s->invalid_count
    };
    const bool plain = s->invalid_count == 0 || s->kind == SAL_SOURCE_ELEVATION; /* sal__pass_heights drops voids */
    status = plain ? sal_raster_open(ctx, s->path, &raster) : sal_raster_open_view(ctx, s->path, &view, &raster);
    if (status == SAL_STATUS_DATA)
        sal_error_clear(ctx); /* such as rotated: the warper takes it */
    else if (status != SAL_STATUS_OK)
        goto done;
    const bool direct = raster && sal__grid_aligned(&build->grid, raster, &x, &y);
    if (!direct) {
        sal_grid grid = build->grid; /* borrows the CRS */
        sal_raster_free(raster);
        raster = NULL;
        x = y = margin(build, s);
        grid.x0 -= grid.pixel * (double)x;
        grid.y0 += grid.pixel * (double)y;
        grid.columns += 2 * x;
        grid.rows += 2 * y;
        const char *method = choose_method(build, s, pixel);
        view.grid = &grid;
        view.method = method;
        SAL_TRY(sal_raster_open_view(ctx, s->path, &view, &raster));
        sal_log(ctx, "\"%s\" (pixel about %.4g m) is warped to %.4g m, %s", s->path, pixel, build->grid.pixel, method);
    }
    for (int64_t i = first; i < last; i++) SAL_TRY(set_slots(build, &list[i], direct && plain, &at));
    for (int64_t i = first; i < last; i++) {
        s = &list[i];
        s->raster = raster;
        s->shift_x = x;
        s->shift_y = y;
        if (s->kind == SAL_SOURCE_ELEVATION) sal_raster_multiply(raster, s->slot, s->scale);
    }
    raster = NULL;
done:
    sal_raster_free(raster);
    sal_release(ctx, bands);
    return status;
}

/* ---- does reflectance look like reflectance ---- */

enum { SPOTS = 8, SPOT = 16 };

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static sal_status fail_not_reflectance(sal_build *build, const sal_source *s, double median)
{
    const bool landsat = strncmp(build->sensor, "Landsat", 7) == 0;
    const char *advice = median <= 100 ? "scale = 0.01 if these are percent"
                         : landsat     ? "scale = 2.75e-05 and offset = -0.2 for Landsat Collection 2"
                                       : "scale = 0.0001 for numbers of 0 to 10000, with offset = -0.1 for Sentinel-2 "
                                         "processed since 25 January 2022; "
                                         "scale = 2.75e-05 and offset = -0.2 for Landsat Collection 2";
    return sal_fail(build->ctx, SAL_STATUS_DATA,
                    "band %s of \"%s\" is no reflectance between 0 and 1: half of its values are above %.4g; set the "
                    "parameters scale and offset: %s",
                    s->id, s->path, median, advice);
}

static sal_status check_reflectance(sal_build *build, const sal_source *s)
{
    sal_status status;
    float *values = NULL;
    int64_t n = 0;
    SAL_TRY(sal_allocate(build->ctx, SPOTS * SPOTS * SPOT * SPOT, sizeof *values, &values));
    for (int64_t k = 0; k < SPOTS * SPOTS; k++) {
        const int64_t x = build->grid.columns * (2 * (k % SPOTS) + 1) / (2 * SPOTS),
                      y = build->grid.rows * (2 * (k / SPOTS) + 1) / (2 * SPOTS);
        float *spot = values + n;
        SAL_TRY(sal_raster_read(s->raster, &s->slot, 1, s->shift_x + x, s->shift_y + y, SPOT, SPOT, spot));
        SAL_TRY(sal_progress(build->ctx, 0, NULL));
        if (k % SPOTS == SPOTS - 1) sal_raster_forget(s->raster); /* the spots lie in most of its blocks, and those may hold every band */
        for (int i = 0; i < SPOT * SPOT; i++)
            if (!isnan(spot[i])) values[n++] = (float)(spot[i] * s->scale + s->offset);
    }
    if (n > 0) {
        qsort(values, (size_t)n, sizeof *values, ascending);
        if (values[n / 2] > 2) status = fail_not_reflectance(build, s, values[n / 2]);
    }
done:
    sal_release(build->ctx, values);
    return status;
}

static sal_status place_list(sal_build *build, sal_source *list, int64_t n)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && list[next].kind == list[i].kind && list[next].classes == list[i].classes &&
                           strcmp(list[next].path, list[i].path) == 0;)
            next++;
        SAL_TRY(sal_progress(build->ctx, (double)i / (double)n, "opening %s", list[i].path));
        SAL_TRY(place_group(build, list, i, next));
        for (int64_t k = i; k < next && list[k].kind == SAL_SOURCE_REFLECTANCE; k++)
            if (!list[k].certain && list[k].raster) SAL_TRY(check_reflectance(build, &list[k]));
    }
done:
    return status;
}

sal_status sal__build_place(sal_build *build)
{
    sal_status status = SAL_STATUS_OK;
    const sal_grid *g = &build->grid;
    if (build->terrain_count > 0 && (g->rows < 3 || g->columns < 3))
        return sal_fail(build->ctx, SAL_STATUS_DATA,
                        "terrain needs at least 3 rows and 3 columns, but the grid has %lld columns and %lld rows; "
                        "give a larger grid or leave dem out",
                        (long long)g->columns, (long long)g->rows);
    SAL_TRY(place_list(build, build->sources, build->source_count));
    SAL_TRY(place_list(build, build->patches, build->patch_count));
    SAL_TRY(sal__masks_place(build));
    if (build->series) SAL_TRY(sal__series_place(build->series, g, &build->phenology_options));
done:
    return status;
}
