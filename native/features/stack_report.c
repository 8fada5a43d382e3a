/* stack_report.c - what a stack says of its origin, and what the caller learns of it: names, share of nodata, speed.
 */
#include "features/stack_pass.h"
#include "features/tiles.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* The file to name for source i, patches behind the sources, then masks, climate, and the series: an archive stands for all that lies in it. */
static const char *file_of(const sal_build *b, int64_t i)
{
    if (i < b->source_count + b->patch_count) {
        const sal_source *s = i < b->source_count ? &b->sources[i] : &b->patches[i - b->source_count];
        return s->archive[0] ? s->archive : s->path;
    }
    i -= b->source_count + b->patch_count;
    if (i < b->mask_count) return b->masks[i].archive[0] ? b->masks[i].archive : b->masks[i].path;
    i -= b->mask_count;
    return i < b->climate_path_count ? b->climate_paths[i] : sal__series_path(b->series, i - b->climate_path_count);
}

/* {"path":..., "size":..., "sha256":...}; size and hash are null for what is no plain file. */
static sal_status describe_file(const sal_build *b, const char *path, json_object *list)
{
    sal_status status;
    char hash[65];
    struct stat about;
    const bool plain = stat(path, &about) == 0 && S_ISREG(about.st_mode);
    json_object *entry = json_object_new_object();
    SAL_TRY(sal_json_add_text(b->ctx, entry, "path", path));
    if (plain) {
        SAL_TRY(sal_file_sha256(b->ctx, path, hash));
        SAL_TRY(sal_json_add_i64(b->ctx, entry, "size", (int64_t)about.st_size));
        SAL_TRY(sal_json_add_text(b->ctx, entry, "sha256", hash));
    } else {
        json_object_object_add(entry, "size", NULL); /* null: sal_json_add takes that for a lack of memory */
        json_object_object_add(entry, "sha256", NULL);
    }
    json_object_array_add(list, entry);
    entry = NULL;
done:
    json_object_put(entry);
    return status;
}

/* Each file once. */
static sal_status describe_sources(const sal_build *b, json_object **out)
{
    sal_status status = SAL_STATUS_OK;
    json_object *list = json_object_new_array();
    const int64_t bands = b->source_count + b->patch_count + b->mask_count + b->climate_path_count,
                  files = bands + (b->series ? sal__series_file_count(b->series) : 0);
    for (int64_t i = 0; i < files; i++) {
        const char *path = file_of(b, i);
        bool seen = false;
        for (int64_t k = 0; k < i && k < bands; k++) seen = seen || strcmp(file_of(b, k), path) == 0;
        if (seen) continue;
        SAL_TRY(sal_progress(b->ctx, (double)i / (double)files, "hashing %s", path));
        sal_progress_push(b->ctx, (double)i / (double)files, (double)(i + 1) / (double)files);
        status = describe_file(b, path, list);
        sal_progress_pop(b->ctx);
        if (status != SAL_STATUS_OK) goto done;
    }
    *out = list;
    list = NULL;
done:
    json_object_put(list);
    return status;
}

sal_status sal__pass_metadata(const sal__pass *p, sal_raster_writer *writer)
{
    const sal_build *b = p->build;
    sal_status status;
    json_object *sources = NULL, *terrain = NULL;
    SAL_TRY(sal_raster_writer_set_metadata(writer, "SENSOR", b->sensor));
    SAL_TRY(sal_raster_writer_set_metadata(writer, "DATE", b->date));
    SAL_TRY(sal_raster_writer_set_metadata(writer, "CAMPAIGN", b->campaign));
    SAL_TRY(sal_raster_writer_set_metadata(writer, "VERSION", sal_version()));
    SAL_TRY(describe_sources(b, &sources));
    SAL_TRY(sal_raster_writer_set_metadata(writer, "SOURCES",
                                           json_object_to_json_string_ext(sources, JSON_C_TO_STRING_PLAIN)));
    if (b->terrain_count) {
        SAL_TRY(sal__build_terrain_json(b, &terrain));
        SAL_TRY(sal_raster_writer_set_metadata(writer, "TERRAIN",
                                               json_object_to_json_string_ext(terrain, JSON_C_TO_STRING_PLAIN)));
    }
done:
    json_object_put(terrain);
    json_object_put(sources);
    return status;
}

sal_status sal__pass_provenance(const sal__pass *p, sal_raster_writer *writer)
{
    const sal_build *b = p->build;
    sal_status status = SAL_STATUS_OK;
    json_object *masks = sal__masks_json(b), *tiles = NULL;
    if (b->tile_count > 1) {
        SAL_TRY(sal__tiles_json(b, &tiles));
        SAL_TRY(sal_raster_writer_set_metadata(writer, "MOSAIC",
                                               json_object_to_json_string_ext(tiles, JSON_C_TO_STRING_PLAIN)));
    }
    SAL_TRY(sal_raster_writer_set_metadata(writer, "SCENES",
                                           json_object_to_json_string_ext(b->scenes, JSON_C_TO_STRING_PLAIN)));
    if (b->climate_said)
        SAL_TRY(sal_raster_writer_set_metadata(writer, "CLIMATE",
                                               json_object_to_json_string_ext(b->climate_said, JSON_C_TO_STRING_PLAIN)));
    if (b->mask_count)
        SAL_TRY(sal_raster_writer_set_metadata(writer, "MASKS",
                                               json_object_to_json_string_ext(masks, JSON_C_TO_STRING_PLAIN)));
done:
    json_object_put(masks);
    json_object_put(tiles);
    return status;
}

sal_status sal__pass_phenology(const sal__pass *p, sal_raster_writer *writer)
{
    sal_status status;
    json_object *object = NULL;
    if (!p->build->series) return SAL_STATUS_OK;
    SAL_TRY(sal__series_check(p->build->series));
    SAL_TRY(sal__series_describe(p->build->series, &object));
    SAL_TRY(sal_raster_writer_set_metadata(writer, "PHENOLOGY",
                                           json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN)));
done:
    json_object_put(object);
    return status;
}

static sal_status add_names(const sal__pass *p, json_object *result)
{
    json_object *bands = json_object_new_array(), *covariates = json_object_new_array(),
                *missing = json_object_new_object();
    const double pixels = (double)(p->build->grid.columns * p->build->grid.rows);
    for (int64_t i = 0; i < p->bands; i++) {
        json_object_array_add(bands, json_object_new_string(p->specs[i].name));
        json_object_array_add(covariates, json_object_new_string(p->specs[i].name));
        json_object_object_add(missing, p->specs[i].name, json_object_new_double((double)p->missing[i] / pixels));
    }
    for (int64_t k = 0; k < sal_index_count(); k++) {
        const sal_index *index = sal_index_at(k);
        const uint32_t roles = sal__index_roles(index);
        bool have = true;
        for (int r = 0; r < SAL_ROLE_COUNT; r++) have = have && (!(roles & 1u << r) || p->role[r] >= 0);
        for (int64_t i = 0; i < p->bands; i++) have = have && strcmp(p->specs[i].name, index->id) != 0;
        if (have) json_object_array_add(covariates, json_object_new_string(index->id));
    }
    sal_status status = sal_json_add(p->build->ctx, result, "bands", bands);
    sal_status second = sal_json_add(p->build->ctx, result, "covariates", covariates);
    sal_status third = sal_json_add(p->build->ctx, result, "nodata_share", missing);
    return status != SAL_STATUS_OK ? status : second != SAL_STATUS_OK ? second : third;
}

sal_status sal__pass_figures(const sal__pass *p, const char *output, double seconds, json_object *result)
{
    sal_status status;
    const sal_build *b = p->build;
    SAL_TRY(sal_json_add_text(b->ctx, result, "output", output));
    SAL_TRY(sal_json_add_text(b->ctx, result, "sensor", b->sensor));
    SAL_TRY(sal_json_add_text(b->ctx, result, "date", b->date));
    SAL_TRY(sal_json_add_text(b->ctx, result, "campaign", b->campaign));
    SAL_TRY(sal_json_add_i64(b->ctx, result, "width", b->grid.columns));
    SAL_TRY(sal_json_add_i64(b->ctx, result, "height", b->grid.rows));
    SAL_TRY(sal_json_add_f64(b->ctx, result, "pixel", b->grid.pixel));
    SAL_TRY(sal_json_add_text(b->ctx, result, "crs", b->grid.crs_name));
    SAL_TRY(sal_json_add_f64(b->ctx, result, "megapixels_per_second",
                             1e-6 * (double)(b->grid.columns * b->grid.rows) / fmax(seconds, 1e-9)));
    SAL_TRY(sal_json_add(b->ctx, result, "scenes", json_object_get(b->scenes)));
    SAL_TRY(sal_json_add(b->ctx, result, "masks", sal__masks_json(b)));
    SAL_TRY(sal_json_add_f64(b->ctx, result, "cloud_share", sal__masks_cloud_share(b)));
    if (b->tile_count > 1) {
        json_object *tiles;
        SAL_TRY(sal__tiles_json(b, &tiles));
        SAL_TRY(sal_json_add(b->ctx, result, "mosaic", tiles));
    }
    if (b->terrain_count) {
        json_object *terrain;
        SAL_TRY(sal__build_terrain_json(b, &terrain));
        SAL_TRY(sal_json_add(b->ctx, result, "terrain", terrain));
    }
    SAL_TRY(add_names(p, result));
    if (b->climate_said) SAL_TRY(sal_json_add(b->ctx, result, "climate", json_object_get(b->climate_said)));
    if (b->series) {
        json_object *phenology = NULL;
        SAL_TRY(sal__series_describe(b->series, &phenology));
        SAL_TRY(sal_json_add(b->ctx, result, "phenology", phenology));
    }
done:
    return status;
}
