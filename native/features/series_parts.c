/* series_parts.c - looks whose bands are files of their own: products as agencies deliver them, and loose files with a band each, joined
 * by day and tile; and quality bands in files of their own, joined to their look.
 *
 * Products bring scale, offset and invalid values of each band, so that years with and without the offset of Sentinel-2 go together.
 */
#include "data/date.h"
#include "data/files.h"
#include "features/product.h"
#include "features/scene_names.h"
#include "features/scene_numbers.h"
#include "features/series_private.h"
#include "features/tiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool needs(const sal_series *s, const char *sensor, const char *id, sal_role *role)
{
    const char *name = sal_band_role(sensor, id);
    if (!name) return false;
    *role = (sal_role)sal__role_find(name, (int64_t)strlen(name));
    return sal__index_roles(sal_index_at(s->index)) >> *role & 1;
}

static bool has_role(const sal__series_file *f, sal_role role)
{
    for (int64_t k = 0; k < f->band_count; k++)
        if (f->roles[k] == role) return true;
    return false;
}

static sal_status append_look(sal_series *s, const char *path, int64_t day, const char *tile, sal__series_file **out)
{
    sal_status status;
    SAL_TRY(sal__series_append(s, path, SAL_ROLE_COUNT, out));
    sal__series_file *f = *out;
    SAL_TRY(sal_allocate(s->ctx, SAL_ROLE_COUNT, sizeof *f->parts, &f->parts));
    f->scene = true;
    f->days[0] = day;
    snprintf(f->tile, sizeof f->tile, "%.15s", tile);
done:
    return status;
}

/* ---- products ---- */

static sal_status take_product(sal_series *s, const char *path, int agency)
{
    sal_status status;
    sal__series_file *f;
    sal__product *p = NULL;
    const sal_scene scene = { .path = path, .agency = agency };
    const double scale = s->reader->scale;
    sal_role role;
    SAL_TRY(sal_allocate(s->ctx, 1, sizeof *p, &p));
    SAL_TRY(sal__product_read(s->reader, &scene, p));
    SAL_TRY(append_look(s, path, sal_date_days(p->date), p->tile, &f));
    f->product = true;
    f->archive = p->archive;
    for (int64_t k = 0; k < p->band_count; k++) {
        const sal__product_band *band = &p->bands[k];
        if (!needs(s, p->sensor, band->id, &role) || has_role(f, role)) continue;
        sal__series_part part = { .path = band->path, .scale = band->scale, .offset = band->offset, .certain = isnan(scale),
                                  .invalid_count = p->invalid_count };
        memcpy(part.invalid, p->invalid, sizeof part.invalid);
        f->roles[f->band_count] = role;
        f->parts[f->band_count++] = part;
    }
    f->mask = p->mask[0] ? sal__series_mask(p->mask_kind) : NULL;
    f->mask_path = f->mask ? p->mask : NULL;
    if (!f->mask) sal_warn(s->ctx, "\"%s\" has no file %s: its clouds cannot be masked", path, p->mask_kind);
done:
    sal_release(s->ctx, p);
    return status;
}

/* ---- loose files ---- */

/* Whether a word of the file name is the index itself: then its band is no reflectance. */
static bool names_index(const sal_series *s, const char *stem)
{
    char copy[256], *rest = copy;
    snprintf(copy, sizeof copy, "%.255s", stem);
    for (char *word; (word = strtok_r(rest, "_-. ", &rest));)
        if (strcasecmp(word, s->index_id) == 0) return true;
    return false;
}

static sal_status take_quality(sal_series *s, const sal_raster *raster, const sal__mask *mask, const char *tile)
{
    sal_status status;
    char *path;
    int64_t day;
    SAL_TRY(sal__series_day(s, raster, 0, &day));
    SAL_TRY(sal_arena_text(s->reader->arena, sal_raster_path(raster), &path));
    SAL_TRY(sal_reallocate(s->ctx, s->quality_count, s->quality_count + 1, sizeof *s->qualities, &s->qualities));
    sal__series_quality *q = &s->qualities[s->quality_count++];
    *q = (sal__series_quality){ .path = path, .mask = mask, .day = day };
    snprintf(q->tile, sizeof q->tile, "%.15s", tile);
done:
    return status;
}

static sal_status take_band(sal_series *s, const sal_raster *raster, const char *sensor, sal_role role, const char *tile)
{
    sal_status status;
    sal__series_file *f = NULL;
    sal_source numbers = { .path = sal_raster_path(raster), .scale = 1 };
    int64_t day;
    char *path;
    SAL_TRY(sal__series_day(s, raster, 0, &day));
    for (int64_t i = 0; i < s->file_count && !f; i++)
        if (s->files[i].parts && !s->files[i].product && s->files[i].days[0] == day && strcmp(s->files[i].tile, tile) == 0) f = &s->files[i];
    if (!f) SAL_TRY(append_look(s, numbers.path, day, tile, &f));
    if (has_role(f, role))
        SAL_TRY(sal_fail(s->ctx, SAL_STATUS_DATA,
                         "series has the band %s of one day twice, in \"%s\" and \"%s\"; leave one out, or give the tile in the names, such as T31UFS",
                         sal__role_name(role), f->path, numbers.path));
    snprintf(s->reader->sensor, sizeof s->reader->sensor, "%s", sensor);
    SAL_TRY(sal__source_numbers(s->reader, raster, &numbers));
    if (numbers.scale == 1 && numbers.offset == 0) numbers.scale = s->scale, numbers.offset = s->offset; /* neither the file nor its name tells */
    SAL_TRY(sal_arena_text(s->reader->arena, numbers.path, &path));
    sal__series_part part = { .path = path, .scale = numbers.scale, .offset = numbers.offset, .invalid_count = numbers.invalid_count };
    memcpy(part.invalid, numbers.invalid, sizeof part.invalid);
    f->roles[f->band_count] = role;
    f->parts[f->band_count++] = part;
done:
    return status;
}

/* A file with one band, which its description or its name says; *taken false when it is something else. */
static sal_status take_loose(sal_series *s, const char *path, bool *taken)
{
    sal_status status;
    sal_raster *raster = NULL;
    char stem[256], tile[16], name[SAL__NAME] = "";
    sal_role role;
    *taken = false;
    SAL_TRY(sal_raster_open(s->ctx, path, &raster));
    sal__file_stem(path, stem);
    sal__tile_in_name(stem, tile);
    if (sal_raster_band_count(raster) != 1 || names_index(s, stem) || names_index(s, sal_raster_band_name(raster, 0))) goto done;
    const char *found = sal__sensor_in_stem(stem), *sensor = found ? found : "", *said = sal_raster_band_name(raster, 0);
    const bool by_name = !sal__series_mask(said) && !sal__band_id(sensor, said) && sal__band_in_stem(stem, name);
    const char *band = by_name ? name : said;
    const sal__mask *mask = sal__series_mask(band);
    *taken = mask || sal__band_id(sensor, band);
    if (mask)
        SAL_TRY(take_quality(s, raster, mask, tile));
    else if (*taken && needs(s, sensor, sal__band_id(sensor, band), &role))
        SAL_TRY(take_band(s, raster, sensor, role, tile));
    else
        s->needless += *taken;
done:
    sal_raster_free(raster);
    return status;
}

sal_status sal__series_take(sal_series *s, const char *path)
{
    sal_status status = SAL_STATUS_OK;
    const char *const *files = &path;
    int64_t n = 1;
    bool taken;
    const int agency = sal__product_agency(s->reader, path);
    if (agency >= 0) return take_product(s, path, agency);
    if (sal_files_is_folder(path)) SAL_TRY(sal__folder_rasters(s->reader, path, &files, &n));
    for (int64_t i = 0; i < n; i++) {
        SAL_TRY(sal_progress(s->ctx, 0, NULL));
        SAL_TRY(take_loose(s, files[i], &taken));
        if (!taken) SAL_TRY(sal__series_add(s, files[i]));
    }
done:
    return status;
}

/* ---- joining ---- */

static sal_status check_whole(const sal_series *s, const sal__series_file *f)
{
    const uint32_t roles = sal__index_roles(sal_index_at(s->index));
    for (int r = 0; r < SAL_ROLE_COUNT; r++)
        if (f->parts && roles >> r & 1 && !has_role(f, (sal_role)r))
            return sal_fail(s->ctx, SAL_STATUS_DATA,
                            "series \"%s\" has no file of the band %s of its day and tile, which %s needs; give it too, or leave the others out",
                            f->path, sal__role_name((sal_role)r), s->index_id);
    return SAL_STATUS_OK;
}

sal_status sal__series_join(sal_series *s)
{
    sal_status status = SAL_STATUS_OK;
    int64_t alone = 0;
    for (int64_t i = 0; i < s->file_count; i++) SAL_TRY(check_whole(s, &s->files[i]));
    for (int64_t k = 0; k < s->quality_count; k++) {
        const sal__series_quality *q = &s->qualities[k];
        bool used = false;
        for (int64_t i = 0; i < s->file_count; i++) {
            sal__series_file *f = &s->files[i];
            const bool same = !q->tile[0] || !f->tile[0] || strcmp(q->tile, f->tile) == 0;
            if (f->mask || !same || f->days[0] != q->day || (!f->scene && f->band_count != 1)) continue;
            f->mask = q->mask;
            f->mask_path = q->path;
            f->mask_band = 0;
            used = true;
        }
        alone += !used;
    }
    if (alone > 0) sal_log(s->ctx, "%lld quality files of the series belong to no image and are left out", (long long)alone);
    if (s->needless > 0) sal_log(s->ctx, "%lld band files of the series are left out: %s does without them", (long long)s->needless, s->index_id);
    if (s->file_count == 0)
        status = sal_fail(s->ctx, SAL_STATUS_DATA, "the series holds no image from which %s can be computed, which needs the bands %s", s->index_id,
                          sal_index_at(s->index)->roles);
done:
    return status;
}

/* ---- on the grid ---- */

sal_status sal__series_open_mask(sal_series *s, sal__series_file *f, const sal_grid *grid)
{
    if (!f->mask) return SAL_STATUS_OK;
    f->mask_slot = f->mask_shift_x = f->mask_shift_y = 0;
    return sal_raster_open_warped_bands(s->ctx, f->mask_path ? f->mask_path : f->path, &f->mask_band, 1, grid, "nearest", &f->mask_raster);
}

static sal_status open_part(sal_series *s, sal__series_part *part, const sal_grid *grid)
{
    sal_status status;
    const int64_t band = 0;
    double b[4], pixel;
    sal_raster_view view = { .bands = &band, .band_count = 1, .invalid = part->invalid, .invalid_count = part->invalid_count };
    SAL_TRY(sal_raster_open_view(s->ctx, part->path, &view, &part->raster));
    if (sal__grid_aligned(grid, part->raster, &part->shift_x, &part->shift_y)) return SAL_STATUS_OK;
    sal_raster_free(part->raster);
    part->raster = NULL;
    part->shift_x = part->shift_y = 0;
    SAL_TRY(sal_raster_place(s->ctx, part->path, grid, b, &pixel));
    view.grid = grid;
    view.method = grid->pixel > 1.5 * pixel ? "average" : "bilinear";
    status = sal_raster_open_view(s->ctx, part->path, &view, &part->raster);
done:
    return status;
}

sal_status sal__series_open_parts(sal_series *s, sal__series_file *f, const sal_grid *grid)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t k = 0; k < f->band_count; k++) SAL_TRY(open_part(s, &f->parts[k], grid));
    status = sal__series_open_mask(s, f, grid);
done:
    return status;
}
