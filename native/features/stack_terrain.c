/* stack_terrain.c - what a stack says of its terrain, and the pass over the elevation model before a stack with TWI is written:
 * water comes from anywhere, so the whole model has to be in memory, smoothed as for the other terrain covariates.
 */
#include "features/stack_pass.h"
#include "features/wetness.h"

int64_t sal__wetness_kept_bytes(const sal_build *b)
{
    return b->grid.rows * b->grid.columns * (int64_t)sizeof(float);
}

/* Smoothed elevation and slope of every block, (rows, columns) of the grid each. */
static sal_status gather(sal__pass *p, float *elevation, float *slope)
{
    sal_status status = SAL_STATUS_OK;
    sal_build *b = p->build;
    const sal_grid *g = &b->grid;
    const sal_source *s = &b->sources[p->elevation];
    const int64_t which[2] = { SAL_TERRAIN_SMOOTHED, sal_terrain_find("SLOPE") }, halo = p->halo;
    float *pair = NULL; /* (2, rows, columns) of a block */
    SAL_TRY(sal_allocate(b->ctx, 2 * p->edge * p->edge, sizeof *pair, &pair));
    for (int64_t y = 0; y < g->rows; y += p->edge)
        for (int64_t x = 0; x < g->columns; x += p->edge) {
            const int64_t columns = g->columns - x < p->edge ? g->columns - x : p->edge,
                          rows = g->rows - y < p->edge ? g->rows - y : p->edge;
            SAL_TRY(sal_progress(b->ctx, (double)(y * g->columns + x * rows) / (double)(g->rows * g->columns), NULL));
            SAL_TRY(sal_raster_read(s->raster, &s->slot, 1, s->shift_x + x - halo, s->shift_y + y - halo,
                                    columns + 2 * halo, rows + 2 * halo, p->heights));
            SAL_TRY(sal_terrain_compute(b->ctx, p->heights, rows, columns, &b->terrain_options, which, 2, pair, 1,
                                        rows * columns));
            for (int64_t i = 0; i < rows * columns; i++) {
                const int64_t at = (y + i / columns) * g->columns + x + i % columns;
                elevation[at] = pair[i];
                slope[at] = pair[rows * columns + i];
            }
        }
done:
    sal_release(b->ctx, pair);
    return status;
}

sal_status sal__pass_wetness(sal__pass *p)
{
    sal_status status;
    sal_build *b = p->build;
    const int64_t rows = b->grid.rows, columns = b->grid.columns, pixels = rows * columns;
    const int64_t buffers = p->edge * p->edge * (p->bands + p->widest + 2) * (int64_t)sizeof(float) + (128ll << 20);
    float *elevation = NULL;
    /* before anything is read: what is certainly too much */
    if (sal_wetness_bytes(rows, columns) > b->max_memory - buffers)
        return sal_fail(b->ctx, SAL_STATUS_ARGUMENT,
                        "the topographic wetness index (TWI) of %lld x %lld pixels needs %lld MiB at once, but max_memory is %lld MiB: "
                        "raise max_memory, leave TWI out of terrain, or give a coarser or smaller reference_grid",
                        (long long)columns, (long long)rows, (long long)((sal_wetness_bytes(rows, columns) + buffers) >> 20),
                        (long long)(b->max_memory >> 20));
    SAL_TRY(sal_allocate(b->ctx, pixels, sizeof *elevation, &elevation));
    SAL_TRY(sal_allocate(b->ctx, pixels, sizeof *p->wetness, &p->wetness));
    sal_progress_push(b->ctx, 0, .2);
    status = gather(p, elevation, p->wetness);
    sal_progress_pop(b->ctx);
    if (status != SAL_STATUS_OK) goto done;
    sal_progress_push(b->ctx, .2, 1);
    status = sal_wetness_compute(b->ctx, elevation, rows, columns, b->grid.pixel, b->max_memory - buffers, p->wetness);
    sal_progress_pop(b->ctx);
done:
    sal_release(b->ctx, elevation);
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
