/* stack_layout.c - which bands a stack has, in which order, and how large its blocks may be.
 *
 * Sources come first, then terrain, phenology, climate, indices. The block shrinks until it fits max_memory; GDAL's cache gets what is left.
 */
#include "features/stack_pass.h"
#include "features/tiles.h"

#include <string.h>

static int64_t block_bytes(const sal__pass *p, int64_t edge)
{
    const int64_t pixels = edge * edge, with_halo = (edge + 2 * p->halo) * (edge + 2 * p->halo);
    const int64_t per_pixel = (int64_t)sizeof(float) * (p->bands + p->widest + 1);
    const sal_build *b = p->build;
    int64_t bytes = pixels * per_pixel + sal__masks_bytes(b, edge) + sal__mosaic_bytes(b, pixels) + (b->series ? sal__series_bytes(b->series, pixels) : 0);
    if (b->climate) bytes += sal_climate_cells_bytes(b->climate) + 16 * pixels;
    if (p->elevation >= 0 && b->terrain_count)
        bytes += with_halo * (int64_t)sizeof(float) + (b->wants_wetness ? sal_wetness_kept_bytes(b->grid.rows, b->grid.columns) + 4 * pixels : 0) +
                 sal_terrain_bytes(b->ctx, &b->terrain_options, edge, b->terrain_count);
    return bytes;
}

/* Measured: the program and its libraries with a few open rasters; of GDAL's blocks in flight the least that works, and the most that
 * is of use. */
static const int64_t program = 112ll << 20, least_cache = 48ll << 20, most_cache = 512ll << 20; /* bytes */

/* Views keep blocks of their own in GDAL's cache. */
static int64_t least_cache_of(const sal_build *b)
{
    for (int64_t i = 0; i < b->source_count; i++)
        if (b->sources[i].archive[0] || (b->sources[i].invalid_count > 0 && b->sources[i].kind != SAL_SOURCE_ELEVATION)) return SAL_RASTER_VIEW_CACHE;
    return b->series && sal__series_has_views(b->series) ? SAL_RASTER_VIEW_CACHE : least_cache;
}

/* Rasters stored in strips are read again for every block of a row of blocks, so the cache gets what is left; tiles of the wetness index
 * stay in memory rather than go to the disk where they take no more than half of it. */
static void share_rest(sal__pass *p, int64_t rest, int64_t cache)
{
    const sal_build *b = p->build;
    if (b->wants_wetness) {
        const int64_t least = sal_wetness_kept_bytes(b->grid.rows, b->grid.columns), all = sal_wetness_all_bytes(b->grid.rows, b->grid.columns);
        p->wetness_bytes = rest + least;
        p->wetness_kept = least + (rest - cache) / 2;
        p->wetness_kept = p->wetness_kept < all ? p->wetness_kept : all;
        p->wetness_kept = p->wetness_kept > least ? p->wetness_kept : least;
        rest -= p->wetness_kept - least;
    }
    p->cache_bytes = rest < cache ? cache : rest > most_cache ? most_cache : rest;
}

static sal_status choose_block(sal__pass *p)
{
    const sal_build *b = p->build;
    const int64_t cache = least_cache_of(b), longest = b->grid.columns > b->grid.rows ? b->grid.columns : b->grid.rows;
    p->edge = 512;
    while (p->edge > 64 && p->edge / 2 >= longest) p->edge /= 2;
    while (p->edge > 64 && block_bytes(p, p->edge) + cache + program > b->max_memory) p->edge /= 2;
    const int64_t least = block_bytes(p, p->edge) + cache + program;
    share_rest(p, b->max_memory - block_bytes(p, p->edge) - program, cache);
    if (least <= b->max_memory) return SAL_STATUS_OK;
    return sal_fail(b->ctx, SAL_STATUS_ARGUMENT,
                    "max_memory is %lld MiB, but %lld bands%s%s and a terrain window of %lld pixels need at least %lld MiB with the program itself; "
                    "raise max_memory, or write fewer bands",
                    (long long)(b->max_memory >> 20), (long long)p->bands, b->series ? ", the series" : "",
                    b->wants_wetness ? ", the topographic wetness index (TWI)" : "", (long long)(2 * p->halo + 1), (long long)(least >> 20) + 1);
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
        if (list[i].member_count > least) least = list[i].member_count;
        run = i > 0 && list[i].raster == list[i - 1].raster ? run + 1 : 1;
        if (run > least) least = run;
    }
    return least;
}

sal_status sal__pass_lay_out(sal__pass *p)
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
    if (b->wants_wetness) SAL_TRY(sal_allocate(b->ctx, p->edge * p->edge, sizeof *p->wet, &p->wet));
done:
    return status;
}
