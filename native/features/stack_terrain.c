/* stack_terrain.c - what a stack says of its terrain, and the pass over the elevation model before a stack with TWI is written:
 * water comes from anywhere, so the whole model is gone through before, smoothed as for the other terrain covariates.
 */
#include "features/stack_pass.h"

/* Smoothed elevation and slope, block by block. */
static sal_status gather(sal__pass *p, int64_t cache_bytes)
{
    sal_status status = SAL_STATUS_OK;
    sal_build *b = p->build;
    const sal_grid *g = &b->grid;
    const int64_t which[2] = { SAL_TERRAIN_SMOOTHED, sal_terrain_find("SLOPE") }, halo = p->halo;
    float *pair = NULL; /* (2, rows, columns) of a block */
    SAL_TRY(sal_allocate(b->ctx, 2 * p->edge * p->edge, sizeof *pair, &pair));
    for (int64_t y = 0; y < g->rows; y += p->edge)
        for (int64_t x = 0; x < g->columns; x += p->edge) {
            const int64_t columns = g->columns - x < p->edge ? g->columns - x : p->edge,
                          rows = g->rows - y < p->edge ? g->rows - y : p->edge;
            SAL_TRY(sal_progress(b->ctx, (double)(y * g->columns + x * rows) / (double)(g->rows * g->columns), NULL));
            SAL_TRY(sal__pass_heights(p, x - halo, y - halo, columns + 2 * halo, rows + 2 * halo, p->heights));
            SAL_TRY(sal_terrain_compute(b->ctx, p->heights, rows, columns, &b->terrain_options, which, 2, pair, 1,
                                        rows * columns));
            SAL_TRY(sal_wetness_put(p->wetness, x, y, columns, rows, pair, pair + rows * columns));
            SAL_TRY(sal_raster_bound_cache(b->ctx, cache_bytes));
        }
    SAL_TRY(sal_raster_bound_cache(b->ctx, 0)); /* what remains is for the tiles of the index */
done:
    sal_release(b->ctx, pair);
    return status;
}

sal_status sal__pass_wetness(sal__pass *p, const char *output)
{
    static const int64_t most_cache = 64ll << 20;
    sal_status status;
    sal_build *b = p->build;
    const int64_t cache = p->cache_bytes < most_cache ? p->cache_bytes : most_cache;
    SAL_TRY(sal_wetness_new(b->ctx, b->grid.rows, b->grid.columns, b->grid.pixel, p->wetness_bytes - cache, output, &p->wetness));
    sal_progress_push(b->ctx, 0, .2);
    status = gather(p, cache);
    sal_progress_pop(b->ctx);
    if (status != SAL_STATUS_OK) goto done;
    sal_progress_push(b->ctx, .2, 1);
    status = sal_wetness_solve(p->wetness, p->wetness_kept);
    sal_progress_pop(b->ctx);
    if (status == SAL_STATUS_OK && sal_wetness_on_disk(p->wetness))
        sal_log(b->ctx, "the wetness index worked with a file beside the output, because max_memory is %lld MiB", (long long)(b->max_memory >> 20));
done:
    return status;
}

sal_status sal__build_terrain_json(const sal_build *b, json_object **out)
{
    static const char *const names[] = { "horn", "zevenbergen_thorne", "evans", "florinsky" };
    const sal_terrain_options *o = &b->terrain_options;
    sal_status status;
    json_object *about = json_object_new_object(), *radii = json_object_new_array();
    for (int64_t k = 0; k < o->radii && radii; k++) json_object_array_add(radii, json_object_new_double(o->radius[k]));
    SAL_TRY(sal_json_add(b->ctx, about, "tpi_radii_m", radii));
    SAL_TRY(sal_json_add_text(b->ctx, about, "method", names[o->method]));
    SAL_TRY(sal_json_add_i64(b->ctx, about, "window_pixels", 2 * sal_terrain_window_half(o) + 1));
    SAL_TRY(sal_json_add_f64(b->ctx, about, "smoothing_sigma_m", o->smooth * o->pixel));
    SAL_TRY(sal_json_add_f64(b->ctx, about, "rel_elev_radius_m", o->relief_radius));
    *out = about;
    about = NULL;
done:
    json_object_put(about);
    return status;
}
