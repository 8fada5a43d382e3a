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
    sal_wetness_free(p->wetness);
    sal_release(ctx, p->wet);
}

/* ---- one block ---- */

static sal_status derive(sal__pass *p, int64_t x, int64_t y, int64_t columns, int64_t rows)
{
    sal_build *b = p->build;
    sal_status status = SAL_STATUS_OK;
    if (b->terrain_count) {
        SAL_TRY(sal__pass_heights(p, x - p->halo, y - p->halo, columns + 2 * p->halo, rows + 2 * p->halo, p->heights));
        sal_terrain_options options = b->terrain_options;
        if (p->wetness) SAL_TRY(sal_wetness_get(p->wetness, x, y, columns, rows, p->wet));
        options.wetness = p->wet;
        options.wetness_stride = columns;
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
    SAL_TRY(sal__pass_lay_out(&p));
    if (build->wants_wetness) {
        sal_progress_push(ctx, 0, 0.4);
        status = sal__pass_wetness(&p, output);
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
