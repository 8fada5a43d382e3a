/* stack_build.c - the pass that writes a covariate stack: read a block of every source, derive terrain and indices,
 * write, next.
 *
 * Bands alone are stored as int16 x 0.0001, as the sensors deliver them; with anything else in the file everything is
 * float32, since a GeoTIFF has one type and curvature has no natural step, and reflectance is rounded to 2^-17 before
 * use. The block shrinks until it fits max_memory; results do not depend on it.
 */
#include "features/stack_pass.h"
#include "features/tiles.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static const double store_scale = 1e-4; /* of int16 reflectance, the step of Sentinel-2 products */
sal_status sal__build_new(sal_context *ctx, sal_build *build)
{
    *build = (sal_build){ .ctx = ctx, .scale = NAN, .offset = NAN, .resampling = "bilinear" };
    build->scenes = json_object_new_array();
    if (!build->scenes) return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory for the list of scenes");
    return sal_arena_new(ctx, &build->arena);
}

static void close_rasters(const sal_source *sources, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || sources[i].raster != sources[i - 1].raster) sal_raster_free(sources[i].raster);
}

void sal__build_clear(sal_build *build)
{
    close_rasters(build->sources, build->source_count);
    close_rasters(build->patches, build->patch_count);
    for (int64_t i = 0; i < build->mask_count; i++) sal_raster_free(build->masks[i].raster);
    json_object_put(build->scenes);
    sal_release(build->ctx, build->sources);
    sal_release(build->ctx, build->patches);
    sal_release(build->ctx, build->tiles);
    sal__series_free(build->series);
    sal_climate_cells_free(build->climate);
    json_object_put(build->climate_said);
    sal_output_free(build->climate_table);
    sal_grid_clear(build->ctx, &build->grid);
    if (build->arena) sal_arena_free(build->arena);
}

static bool good_id(const char *id)
{
    if (!isalpha((unsigned char)id[0]) || strlen(id) > 63) return false;
    for (const char *c = id; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_') return false;
    return true;
}

sal_status sal__build_add(sal_build *build, sal_source_kind kind, const char *path, int64_t band, const char *id,
                          const char *unit)
{
    sal_status status;
    char *texts[3];
    if (!good_id(id))
        return sal_fail(build->ctx, SAL_STATUS_DATA,
                        "\"%s\" (band %lld of \"%s\") is no covariate id: letters, digits and underscores, a letter "
                        "first, at most 63; write ID=path",
                        id, (long long)band + 1, path);
    for (int64_t i = 0; i < build->source_count; i++)
        if (strcmp(build->sources[i].id, id) == 0)
            return sal_fail(
                build->ctx, SAL_STATUS_DATA,
                "covariate %s comes twice, from \"%s\" and from \"%s\"; leave one out or give it another id", id,
                build->sources[i].path, path);
    SAL_TRY(sal_arena_text(build->arena, path, &texts[0]));
    SAL_TRY(sal_arena_text(build->arena, id, &texts[1]));
    SAL_TRY(sal_arena_text(build->arena, unit ? unit : "", &texts[2]));
    SAL_TRY(sal_reallocate(build->ctx, build->source_count, build->source_count + 1, sizeof *build->sources,
                           &build->sources));
    build->sources[build->source_count] = (sal_source){
        .kind = kind, .path = texts[0], .id = texts[1], .unit = texts[2], .archive = "", .band = band, .scale = 1,
        .covariate = build->source_count
    };
    build->source_count++;
done:
    return status;
}

/* ---- layout of the output ---- */

static int64_t block_bytes(const sal__pass *p, int64_t edge)
{
    const int64_t pixels = edge * edge, with_halo = (edge + 2 * p->halo) * (edge + 2 * p->halo);
    const int64_t per_pixel = (int64_t)sizeof(float) * (p->bands + p->widest + 1);
    const sal_build *b = p->build;
    int64_t bytes = pixels * per_pixel + sal__masks_bytes(b, edge) + sal__mosaic_bytes(b, pixels) + (b->series ? sal__series_bytes(b->series, pixels) : 0);
    if (b->climate) bytes += sal_climate_cells_bytes(b->climate) + 16 * pixels;
    if (p->elevation >= 0 && b->terrain_count)
        bytes += with_halo * (int64_t)sizeof(float) + (b->wants_wetness ? sal__wetness_kept_bytes(b) : 0) +
                 sal_terrain_bytes(b->ctx, &b->terrain_options, edge, b->terrain_count);
    return bytes;
}

static const int64_t program = 112ll << 20, most_cache = 512ll << 20; /* bytes */

static sal_status choose_block(sal__pass *p)
{
    int64_t cache = 96ll << 20; /* GDAL's blocks in flight */
    const sal_grid *g = &p->build->grid;
    const int64_t longest = g->columns > g->rows ? g->columns : g->rows;
    for (int64_t i = 0; i < p->build->source_count; i++)
        if (p->build->sources[i].archive[0] || p->build->sources[i].invalid_count > 0) cache = SAL_RASTER_VIEW_CACHE;
    if (p->build->series && sal__series_has_views(p->build->series)) cache = SAL_RASTER_VIEW_CACHE;
    p->edge = 512;
    while (p->edge > 64 && p->edge / 2 >= longest) p->edge /= 2;
    while (p->edge > 64 && block_bytes(p, p->edge) + cache > p->build->max_memory) p->edge /= 2;
    /* Rasters stored in strips are read again for every block of a row of blocks, so the cache gets what is left; the program and its
     * libraries take some, too. */
    p->cache_bytes = p->build->max_memory - block_bytes(p, p->edge) - program;
    if (p->cache_bytes < cache) p->cache_bytes = cache;
    if (p->cache_bytes > most_cache) p->cache_bytes = most_cache;
    if (block_bytes(p, p->edge) + cache <= p->build->max_memory) return SAL_STATUS_OK;
    return sal_fail(p->build->ctx, SAL_STATUS_ARGUMENT,
                    "max_memory is %lld MiB, but %lld bands%s and a terrain window of %lld pixels need %lld MiB",
                    (long long)(p->build->max_memory >> 20), (long long)p->bands, p->build->series ? ", the series" : "",
                    (long long)(2 * p->halo + 1),
                    (long long)((block_bytes(p, p->edge) + cache) >> 20) + 1);
}

static sal_status bind_indices(sal__pass *p)
{
    sal_build *b = p->build;
    for (int r = 0; r < SAL_ROLE_COUNT; r++) p->role[r] = -1;
    for (int64_t i = 0; i < b->source_count; i++) {
        const char *role =
            b->sources[i].kind == SAL_SOURCE_REFLECTANCE ? sal_band_role(b->sensor, b->sources[i].id) : NULL;
        if (role) p->role[sal__role_find(role, (int64_t)strlen(role))] = i;
    }
    for (int64_t k = 0; k < b->index_count; k++) {
        const sal_index *index = sal_index_at(b->indices[k]);
        const uint32_t roles = sal__index_roles(index);
        for (sal_role r = 0; r < SAL_ROLE_COUNT; r++)
            if (roles & 1u << r && p->role[r] < 0)
                return sal_fail(
                    b->ctx, SAL_STATUS_DATA,
                    "index %s = %s needs a band with the role %s, which no scene has; add that band or leave %s out",
                    index->id, index->formula, sal__role_name(r), index->id);
        p->items[k] = (sal__item){ -1, b->indices[k], p->index_slot + k };
    }
    return SAL_STATUS_OK;
}

static sal_status check_distinct(const sal__pass *p)
{
    for (int64_t i = 0; i < p->bands; i++)
        for (int64_t k = 0; k < i; k++)
            if (strcmp(p->specs[i].name, p->specs[k].name) == 0)
                return sal_fail(
                    p->build->ctx, SAL_STATUS_DATA,
                    "covariate %s would be written twice: it is given and would be computed too; leave one out",
                    p->specs[i].name);
    return SAL_STATUS_OK;
}

/* Red, green and blue of a scene are marked when all three are there, so that viewers show it in its natural colours. */
static void colour_bands(sal__pass *p)
{
    static const char *const roles[3] = { "R", "G", "B" };
    int64_t at[3];
    for (int k = 0; k < 3; k++) at[k] = p->role[sal__role_find(roles[k], 1)];
    for (int k = 0; k < 3 && at[0] >= 0 && at[1] >= 0 && at[2] >= 0; k++)
        p->specs[at[k]].colour = (sal_band_colour)(SAL_COLOUR_RED + k);
}

/* Most bands that one read brings, at least `least`. */
static int64_t widest_run(const sal_source *list, int64_t n, int64_t least)
{
    for (int64_t i = 0, run = 0; i < n; i++) {
        run = i > 0 && list[i].raster == list[i - 1].raster ? run + 1 : 1;
        if (run > least) least = run;
    }
    return least;
}

static sal_status lay_out(sal__pass *p)
{
    sal_status status;
    sal_build *b = p->build;
    p->elevation = -1;
    p->terrain_slot = b->source_count;
    p->phenology_slot = b->source_count + b->terrain_count;
    p->climate_slot = p->phenology_slot + b->phenology_count;
    p->climate_count = b->climate ? sal_climate_cells_count(b->climate) : 0;
    p->index_slot = p->climate_slot + p->climate_count;
    p->bands = p->index_slot + b->index_count;
    p->halo = b->terrain_count ? sal_terrain_halo(&b->terrain_options) : 0;
    p->widest = b->phenology_count > 1 ? b->phenology_count : 1;
    p->integers = p->bands == b->source_count;
    SAL_TRY(sal_allocate(b->ctx, p->bands, sizeof *p->specs, &p->specs));
    SAL_TRY(sal_allocate(b->ctx, p->bands, sizeof *p->missing, &p->missing));
    SAL_TRY(sal_allocate(b->ctx, b->index_count, sizeof *p->items, &p->items));
    p->widest = widest_run(b->sources, b->source_count, widest_run(b->patches, b->patch_count, p->widest));
    for (int64_t i = 0; i < b->source_count; i++) {
        const sal_source *s = &b->sources[i];
        if (s->kind == SAL_SOURCE_ELEVATION) p->elevation = i;
        p->integers = p->integers && s->kind == SAL_SOURCE_REFLECTANCE;
        p->specs[i] = (sal_band_spec){ .name = s->id, .unit = s->unit[0] ? s->unit : NULL, .scale = 1 };
    }
    for (int64_t k = 0; k < b->terrain_count; k++) {
        const sal_terrain *t = sal_terrain_at(b->terrain[k]);
        const char *id = t ? t->id : b->radius_ids[b->terrain[k] - sal_terrain_count()];
        p->specs[p->terrain_slot + k] = (sal_band_spec){ .name = id, .unit = t ? t->unit : "m", .scale = 1 };
    }
    for (int64_t k = 0; k < b->phenology_count; k++) {
        const sal_phenology *row = sal_phenology_at(b->phenology[k]);
        p->specs[p->phenology_slot + k] = (sal_band_spec){ .name = row->id, .unit = row->unit, .scale = 1 };
    }
    for (int64_t k = 0; k < p->climate_count; k++)
        p->specs[p->climate_slot + k] =
            (sal_band_spec){ .name = sal_climate_cells_id(b->climate, k), .unit = sal_climate_cells_unit(b->climate, k), .scale = 1 };
    for (int64_t k = 0; k < b->index_count; k++)
        p->specs[p->index_slot + k] = (sal_band_spec){ .name = sal_index_at(b->indices[k])->id, .scale = 1 };
    SAL_TRY(bind_indices(p));
    colour_bands(p);
    SAL_TRY(check_distinct(p));
    SAL_TRY(choose_block(p));
    const int64_t with_halo = p->edge + 2 * p->halo;
    SAL_TRY(sal_allocate(b->ctx, p->edge * p->edge * p->bands, sizeof *p->block, &p->block));
    SAL_TRY(sal_allocate(b->ctx, p->edge * p->edge * p->widest, sizeof *p->scratch, &p->scratch));
    SAL_TRY(sal__masks_scratch(b, p->edge, &p->masked));
    if (b->tile_count > 1) {
        SAL_TRY(sal_allocate(b->ctx, p->edge * p->edge * b->source_count, sizeof *p->layer, &p->layer));
        SAL_TRY(sal_allocate(b->ctx, p->edge * p->edge, 1, &p->have));
    }
    if (b->terrain_count) SAL_TRY(sal_allocate(b->ctx, with_halo * with_halo, sizeof *p->heights, &p->heights));
done:
    return status;
}

static void pass_clear(sal__pass *p)
{
    sal_context *ctx = p->build->ctx;
    sal_release(ctx, p->specs);
    sal_release(ctx, p->missing);
    sal_release(ctx, p->items);
    sal_release(ctx, p->block);
    sal_release(ctx, p->scratch);
    sal_release(ctx, p->heights);
    sal_release(ctx, p->masked);
    sal_release(ctx, p->layer);
    sal_release(ctx, p->have);
    sal_release(ctx, p->wetness);
}

/* ---- one block ---- */

static sal_status derive(sal__pass *p, int64_t x, int64_t y, int64_t columns, int64_t rows)
{
    sal_build *b = p->build;
    sal_status status = SAL_STATUS_OK;
    if (b->terrain_count) {
        const sal_source *s = &b->sources[p->elevation];
        SAL_TRY(sal_raster_read(s->raster, &s->slot, 1, s->shift_x + x - p->halo, s->shift_y + y - p->halo,
                                columns + 2 * p->halo, rows + 2 * p->halo, p->heights));
        sal_terrain_options options = b->terrain_options;
        options.wetness = p->wetness ? p->wetness + y * b->grid.columns + x : NULL;
        options.wetness_stride = b->grid.columns;
        SAL_TRY(sal_terrain_compute(b->ctx, p->heights, rows, columns, &options, b->terrain, b->terrain_count,
                                    p->block + p->terrain_slot, p->bands, 1));
    }
    if (b->phenology_count) {
        SAL_TRY(sal__series_seasons(b->series, x, y, columns, rows, b->phenology, b->phenology_count, p->scratch));
        sal__pass_spread(p, columns * rows, p->phenology_slot, b->phenology_count);
    }
    if (p->climate_count)
        SAL_TRY(sal_climate_cells_read(b->climate, &b->grid, x, y, columns, rows, p->block + p->climate_slot, p->bands));
    if (b->index_count)
        sal__items_evaluate(b->ctx, p->role, p->items, b->index_count, p->block, p->bands, columns * rows, p->block,
                            p->bands);
    for (int64_t i = 0; i < columns * rows; i++)
        for (int64_t k = 0; k < p->bands; k++) p->missing[k] += isnan(p->block[i * p->bands + k]) != 0;
done:
    return status;
}

static sal_status write_blocks(sal__pass *p, sal_raster_writer *writer)
{
    sal_status status = SAL_STATUS_OK;
    const sal_grid *g = &p->build->grid;
    for (int64_t y = 0; y < g->rows; y += p->edge)
        for (int64_t x = 0; x < g->columns; x += p->edge) {
            const int64_t columns = g->columns - x < p->edge ? g->columns - x : p->edge,
                          rows = g->rows - y < p->edge ? g->rows - y : p->edge;
            SAL_TRY(sal_progress(p->build->ctx, (double)(y * g->columns + x * rows) / (double)(g->rows * g->columns),
                                 NULL));
            SAL_TRY(sal__pass_read(p, x, y, columns, rows));
            const double done = (double)(y * g->columns + x * rows), all = (double)(g->rows * g->columns);
            sal_progress_push(p->build->ctx, done / all, (done + (double)(columns * rows)) / all);
            status = derive(p, x, y, columns, rows);
            sal_progress_pop(p->build->ctx);
            if (status != SAL_STATUS_OK) goto done;
            SAL_TRY(sal_raster_writer_write(writer, x, y, columns, rows, p->block));
            SAL_TRY(sal_raster_bound_cache(p->build->ctx, p->cache_bytes));
        }
    SAL_TRY(sal__masks_check(p->build));
    for (int64_t k = 0; k < p->climate_count; k++)
        if (p->missing[p->climate_slot + k] == g->rows * g->columns)
            SAL_TRY(sal_fail(p->build->ctx, SAL_STATUS_DATA,
                             "covariate %s has no value anywhere on the grid: the climate has none there, as over the sea; leave it out, or give "
                             "other climate",
                             p->specs[p->climate_slot + k].name));
    for (int64_t i = 0; i < p->build->source_count; i++)
        if (p->missing[i] == g->rows * g->columns)
            SAL_TRY(sal_fail(p->build->ctx, SAL_STATUS_DATA,
                             "covariate %s has no value anywhere on the grid: \"%s\" holds only nodata there",
                             p->specs[i].name, p->build->sources[i].path));
done:
    return status;
}

static sal_status start(const sal__pass *p, const char *output, sal_raster_writer **writer)
{
    const sal_build *b = p->build;
    for (int64_t i = 0; p->integers && i < p->bands; i++) p->specs[i].scale = store_scale;
    sal_raster_spec spec = { .grid = &b->grid,
                             .type = p->integers ? SAL_RASTER_INT16 : SAL_RASTER_FLOAT32,
                             .bands = p->specs,
                             .band_count = p->bands,
                             .nodata = p->integers ? -32768 : NAN,
                             .overviews = true };
    return sal_raster_writer_new(b->ctx, output, &spec, writer);
}

static sal_status write_stack(sal__pass *p, const char *output, json_object *result, double begin)
{
    sal_status status;
    sal_context *ctx = p->build->ctx;
    sal_raster_writer *writer = NULL;
    SAL_TRY(start(p, output, &writer));
    sal_progress_push(ctx, 0, 0.1);
    status = sal__pass_metadata(p, writer);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    sal_progress_push(ctx, 0.1, 0.85);
    status = write_blocks(p, writer);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(sal__pass_provenance(p, writer));
    SAL_TRY(sal__pass_phenology(p, writer));
    SAL_TRY(sal_raster_bound_cache(ctx, 0)); /* the scenes are not read again */
    sal_progress_push(ctx, 0.85, 1);
    status = sal_raster_writer_commit(writer);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(sal__pass_figures(p, output, sal_clock() - begin, result));
done:
    sal_raster_writer_free(writer);
    return status;
}

sal_status sal__build_write(sal_build *build, const char *output, json_object *result)
{
    sal_status status;
    sal_context *ctx = build->ctx;
    sal__pass p = { .build = build };
    const double begin = sal_clock();
    SAL_TRY(lay_out(&p));
    if (build->wants_wetness) {
        sal_progress_push(ctx, 0, 0.4);
        status = sal__pass_wetness(&p);
        sal_progress_pop(ctx);
        if (status != SAL_STATUS_OK) goto done;
    }
    sal_progress_push(ctx, build->wants_wetness ? 0.4 : 0, 1);
    status = write_stack(&p, output, result, begin);
    sal_progress_pop(ctx);
done:
    pass_clear(&p);
    return status;
}
