/* tiles.c - neighbouring scenes of one day side by side on one grid: which file belongs to which tile, and the mosaic.
 *
 * A pixel takes all of its bands from the first tile, in the order in which the scenes were given, where every band has
 * a value once that tile's own mask has been applied; where no tile has them all, from the first that has any. So a
 * spectrum is never put together from two views, whose sun and air may differ.
 */
#include "features/tiles.h"
#include "features/masks.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NOTHING, SOME, ALL }; /* of a pixel's bands */

static const double same_ground = 0.5; /* share of the smaller of two footprints that both cover */

/* ---- which tile ---- */

static bool all_digits(const char *text, int n)
{
    for (int i = 0; i < n; i++)
        if (!isdigit((unsigned char)text[i])) return false;
    return true;
}

void sal__tile_in_name(const char *name, char tile[16])
{
    tile[0] = 0;
    for (const char *at = name; *at && !tile[0]; at++) {
        if (at > name && isalnum((unsigned char)at[-1])) continue;
        size_t n = 0;
        while (isalnum((unsigned char)at[n])) n++;
        const bool letters = n == 6 && isalpha((unsigned char)at[3]) && isalpha((unsigned char)at[4]) && isalpha((unsigned char)at[5]);
        if (letters && at[0] == 'T' && all_digits(at + 1, 2)) snprintf(tile, 16, "%.5s", at + 1);
        if (n == 6 && all_digits(at, 6) && at == name + 10 && name[0] == 'L') snprintf(tile, 16, "%.6s", at); /* LC08_L2SP_193024_ */
    }
    if (!tile[0] && name[0] == 'L' && isalpha((unsigned char)name[1]) && strlen(name) >= 16 && all_digits(name + 2, 14))
        snprintf(tile, 16, "%.6s", name + 3); /* LC81930242015166LGN01 */
}

/* Whether two files lie mostly on the same ground. What has no place of its own is refused later, by name. */
static sal_status overlap(sal_build *build, const char *path, const char *other, bool *same)
{
    sal_status status;
    sal_raster *raster = NULL;
    double b[4], pixel;
    *same = true;
    status = sal_raster_open(build->ctx, path, &raster);
    if (status == SAL_STATUS_OK) status = sal_raster_place(build->ctx, other, sal_raster_grid(raster), b, &pixel);
    if (status == SAL_STATUS_OK) {
        const sal_grid *g = sal_raster_grid(raster);
        const double east = g->x0 + g->pixel * (double)g->columns, south = g->y0 - g->pixel * (double)g->rows;
        const double wide = fmin(east, b[2]) - fmax(g->x0, b[0]), high = fmin(g->y0, b[3]) - fmax(south, b[1]);
        const double own = (east - g->x0) * (g->y0 - south), its = (b[2] - b[0]) * (b[3] - b[1]);
        *same = wide > 0 && high > 0 && wide * high > same_ground * fmin(own, its);
    }
    sal_raster_free(raster);
    if (status == SAL_STATUS_DATA) {
        sal_error_clear(build->ctx);
        status = SAL_STATUS_OK;
    }
    return status;
}

sal_status sal__tile_is(sal_build *build, int64_t tile, const char *name, const char *path, bool *same)
{
    const sal_tile *t = &build->tiles[tile];
    if (name[0] && t->name[0]) {
        *same = strcmp(name, t->name) == 0;
        return SAL_STATUS_OK;
    }
    *same = strcmp(t->path, path) == 0;
    return *same ? SAL_STATUS_OK : overlap(build, t->path, path, same);
}

sal_status sal__build_tile(sal_build *build, const char *name, const char *path, int64_t *tile)
{
    sal_status status = SAL_STATUS_OK;
    char *copy;
    bool same = false;
    for (*tile = 0; *tile < build->tile_count; (*tile)++) {
        SAL_TRY(sal__tile_is(build, *tile, name, path, &same));
        if (same) return SAL_STATUS_OK;
    }
    SAL_TRY(sal_arena_text(build->arena, path, &copy));
    SAL_TRY(sal_reallocate(build->ctx, build->tile_count, build->tile_count + 1, sizeof *build->tiles, &build->tiles));
    build->tiles[*tile] = (sal_tile){ .path = copy };
    snprintf(build->tiles[*tile].name, sizeof build->tiles[*tile].name, "%.15s", name);
    build->tile_count++;
done:
    return status;
}

static sal_status fail_twice(const sal_build *build, const sal_source *have, const char *path)
{
    const char *name = build->tiles[have->tile].name;
    return sal_fail(build->ctx, SAL_STATUS_DATA,
                    "two scenes%s%s hold band %s of %s%s: \"%s\" and \"%s\"; leave one out",
                    build->date[0] ? " of " : "", build->date, have->id, name[0] ? "tile " : "the same ground", name,
                    have->path, path);
}

sal_status sal__build_add_band(sal_build *build, int64_t tile, const char *path, int64_t band, const char *id, sal_source **out)
{
    sal_status status = SAL_STATUS_OK;
    char *copy;
    int64_t i = 0;
    while (i < build->source_count && (build->sources[i].kind != SAL_SOURCE_REFLECTANCE || strcmp(build->sources[i].id, id) != 0)) i++;
    if (i == build->source_count) {
        SAL_TRY(sal__build_add(build, SAL_SOURCE_REFLECTANCE, path, band, id, NULL));
        *out = &build->sources[i];
    } else {
        const sal_source *first = &build->sources[i];
        if (first->tile == tile) return fail_twice(build, first, path);
        for (int64_t k = 0; k < build->patch_count; k++)
            if (build->patches[k].covariate == i && build->patches[k].tile == tile) return fail_twice(build, &build->patches[k], path);
        SAL_TRY(sal_arena_text(build->arena, path, &copy));
        SAL_TRY(sal_reallocate(build->ctx, build->patch_count, build->patch_count + 1, sizeof *build->patches, &build->patches));
        *out = &build->patches[build->patch_count++];
        **out = (sal_source){ .kind = SAL_SOURCE_REFLECTANCE, .path = copy, .id = first->id, .unit = "", .archive = "", .band = band,
                              .scale = 1, .covariate = i };
    }
    (*out)->tile = tile;
done:
    return status;
}

/* ---- where they lie ---- */

/* The grid of the first tile becomes that of all of them: its pixels, as far as any tile reaches. */
sal_status sal__tiles_extend_grid(sal_build *build)
{
    sal_status status = SAL_STATUS_OK;
    sal_grid *g = &build->grid;
    double b[4], pixel, low[2] = { 0, 0 }, high[2] = { (double)g->columns, (double)g->rows };
    if (build->tile_count < 2) return SAL_STATUS_OK;
    for (int64_t i = 0; i < build->source_count + build->patch_count; i++) {
        const sal_source *s = i < build->source_count ? &build->sources[i] : &build->patches[i - build->source_count];
        if (s->kind != SAL_SOURCE_REFLECTANCE) continue;
        SAL_TRY(sal_progress(build->ctx, 0, NULL));
        SAL_TRY(sal_raster_place(build->ctx, s->path, g, b, &pixel));
        low[0] = fmin(low[0], floor((b[0] - g->x0) / g->pixel + 1e-3));
        high[0] = fmax(high[0], ceil((b[2] - g->x0) / g->pixel - 1e-3));
        low[1] = fmin(low[1], floor((g->y0 - b[3]) / g->pixel + 1e-3));
        high[1] = fmax(high[1], ceil((g->y0 - b[1]) / g->pixel - 1e-3));
    }
    g->x0 += low[0] * g->pixel;
    g->y0 -= low[1] * g->pixel;
    g->columns = (int64_t)(high[0] - low[0]);
    g->rows = (int64_t)(high[1] - low[1]);
    if (g->columns > INT32_MAX || g->rows > INT32_MAX || g->columns * g->rows > (int64_t)4e11)
        status = sal_fail(build->ctx, SAL_STATUS_DATA,
                          "the scenes lie so far apart that one grid over all of them has %lld columns and %lld rows; "
                          "build a stack for each, or give a reference_grid",
                          (long long)g->columns, (long long)g->rows);
done:
    return status;
}

void sal__tile_lies(sal_build *build, int64_t tile, const double b[4])
{
    const sal_grid *g = &build->grid;
    sal_tile *t = &build->tiles[tile];
    const int64_t x0 = (int64_t)floor((b[0] - g->x0) / g->pixel), x1 = (int64_t)ceil((b[2] - g->x0) / g->pixel),
                  y0 = (int64_t)floor((g->y0 - b[3]) / g->pixel), y1 = (int64_t)ceil((g->y0 - b[1]) / g->pixel);
    const bool first = t->to_x == 0 && t->to_y == 0 && t->from_x == 0 && t->from_y == 0;
    t->from_x = first || x0 < t->from_x ? x0 : t->from_x;
    t->from_y = first || y0 < t->from_y ? y0 : t->from_y;
    t->to_x = first || x1 > t->to_x ? x1 : t->to_x;
    t->to_y = first || y1 > t->to_y ? y1 : t->to_y;
}

bool sal__tile_reaches(const sal_tile *t, int64_t x, int64_t y, int64_t columns, int64_t rows)
{
    return !t->outside && t->from_x < x + columns && t->to_x > x && t->from_y < y + rows && t->to_y > y;
}

/* ---- the mosaic ---- */

int64_t sal__mosaic_bytes(const sal_build *build, int64_t pixels)
{
    return build->tile_count > 1 ? pixels * ((int64_t)sizeof(float) * build->source_count + 1) : 0;
}

/* layer: (pixels, sources) of one tile, masked; block: (pixels, bands), sources first; have: (pixels) NOTHING, SOME or ALL. */
void sal__mosaic_lay(const sal_build *build, const float *layer, int64_t pixels, float *block, int64_t bands, unsigned char *have)
{
    const int64_t n = build->source_count;
    for (int64_t i = 0; i < pixels; i++) {
        int64_t all = 0, seen = 0;
        if (have[i] == ALL) continue;
        for (int64_t k = 0; k < n; k++) {
            if (build->sources[k].kind != SAL_SOURCE_REFLECTANCE) continue;
            all++;
            seen += !isnan(layer[i * n + k]);
        }
        const unsigned char now = seen == 0 ? NOTHING : seen < all ? SOME : ALL;
        if (now <= have[i]) continue;
        have[i] = now;
        for (int64_t k = 0; k < n; k++)
            if (build->sources[k].kind == SAL_SOURCE_REFLECTANCE) block[i * bands + k] = layer[i * n + k];
    }
}

sal_status sal__tiles_json(const sal_build *build, json_object **out)
{
    sal_status status = SAL_STATUS_OK;
    json_object *object = json_object_new_object(), *order = json_object_new_array();
    for (int64_t i = 0; i < build->tile_count; i++)
        if (!build->tiles[i].outside)
            json_object_array_add(order, json_object_new_string(build->tiles[i].name[0] ? build->tiles[i].name : build->tiles[i].path));
    SAL_TRY(sal_json_add(build->ctx, object, "order", json_object_get(order)));
    SAL_TRY(sal_json_add_text(build->ctx, object, "rule",
                              "a pixel takes all bands from the first tile, after its mask, where every band has a value, else from the first with any"));
    *out = object;
    object = NULL;
done:
    json_object_put(order);
    json_object_put(object);
    return status;
}
