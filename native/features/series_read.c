/* series_read.c - blocks of a series, masked, averaged over the files of a day, and their seasons.
 *
 * Every file is read once for a block, so only a block of the series is ever in memory. The block is cut where the caller cuts it; the
 * results do not depend on it.
 */
#include "features/series_private.h"

#include <math.h>
#include <string.h>

enum { KEPT = 64 << 20 }; /* bytes of GDAL's blocks that all files together may keep, as int16 */
enum { SLICE = 1 << 14 }; /* pixels between two looks at the cancel button: 0.1 to 0.5 s */

static int64_t widest(const sal_series *s)
{
    int64_t most = 1;
    for (int64_t i = 0; i < s->file_count; i++)
        if (s->files[i].band_count > most) most = s->files[i].band_count;
    return most < SAL__SERIES_GROUP ? most : SAL__SERIES_GROUP;
}

int64_t sal__series_bytes(const sal_series *s, int64_t pixels)
{
    const int64_t planes = s->date_count + widest(s) + 2 + SAL_ROLE_COUNT + 1;
    return pixels * (planes * (int64_t)sizeof(float) + (s->shared > 0 ? s->date_count : 0));
}

/* (Re)allocates the buffers for blocks of `pixels`. */
static sal_status make_room(sal_series *s, int64_t pixels)
{
    sal_status status = SAL_STATUS_OK;
    if (pixels <= s->room) return SAL_STATUS_OK;
    float **buffers[] = { &s->values, &s->scratch, &s->plane, &s->quality };
    const int64_t sizes[] = { s->date_count, widest(s) + 1, SAL_ROLE_COUNT + 1, 1 };
    s->room = 0;
    for (int k = 0; k < 4; k++) {
        sal_release(s->ctx, *buffers[k]);
        *buffers[k] = NULL;
        SAL_TRY(sal_allocate(s->ctx, pixels * sizes[k], sizeof(float), buffers[k]));
    }
    sal_release(s->ctx, s->looks);
    s->looks = NULL;
    if (s->shared > 0) SAL_TRY(sal_allocate(s->ctx, pixels * s->date_count, sizeof *s->looks, &s->looks));
    s->room = pixels;
done:
    return status;
}

/* One look at a date: out of range is missing; the mean of several. */
static void add_look(const sal_series *s, int64_t date, const float *look, const float *mask, const sal__mask *rule,
                     int64_t pixels)
{
    float *value = s->values + date * pixels;
    uint8_t *looks = s->looks ? s->looks + date * pixels : NULL;
    const float low = (float)s->low, high = (float)s->high;
    for (int64_t i = 0; i < pixels; i++) {
        bool good = look[i] >= low && look[i] <= high; /* false for NaN */
        if (good && rule) {
            const uint32_t bits = mask[i] >= 0 ? (uint32_t)mask[i] : UINT32_MAX; /* no data in the mask, NaN too */
            good =
                bits != UINT32_MAX && (rule->flags ? (bits & rule->drop) == 0 : bits > 31 || !(rule->drop >> bits & 1));
        }
        if (!good) continue;
        if (!looks) {
            value[i] = look[i];
        } else if (looks[i] < 255) {
            value[i] = looks[i] == 0 ? look[i] : value[i] + (look[i] - value[i]) / (float)(looks[i] + 1);
            looks[i]++;
        }
    }
}

static void scaled(const sal_series *s, const float *in, int64_t stride, int64_t pixels, float *out)
{
    const float scale = (float)s->scale, offset = (float)s->offset;
    for (int64_t i = 0; i < pixels; i++) out[i] = in[i * stride] * scale + offset;
}

/* Adds a look whose bands are files; the mask is read already. */
static sal_status read_parts(sal_series *s, const sal__series_file *f, const int64_t window[4])
{
    sal_status status = SAL_STATUS_OK;
    const int64_t pixels = window[2] * window[3];
    float *index = s->plane + SAL_ROLE_COUNT * pixels, *mask = s->scratch + widest(s) * pixels;
    const float *roles[SAL_ROLE_COUNT];
    for (int r = 0; r < SAL_ROLE_COUNT; r++) roles[r] = s->plane;
    for (int64_t k = 0; k < f->band_count; k++) {
        const sal__series_part *part = &f->parts[k];
        float *plane = s->plane + k * pixels;
        const float scale = (float)part->scale, offset = (float)part->offset;
        SAL_TRY(sal_progress(s->ctx, 0, NULL));
        SAL_TRY(sal_raster_read(part->raster, &part->slot, 1, part->shift_x + window[0], part->shift_y + window[1], window[2], window[3], plane));
        for (int64_t i = 0; i < pixels; i++) plane[i] = plane[i] * scale + offset;
        roles[f->roles[k]] = plane;
    }
    sal__index_evaluate(s->index, roles, pixels, index);
    add_look(s, f->dates[0], index, mask, f->mask, pixels);
done:
    return status;
}

/* Adds the looks of one file; planes: the roles, then the index. */
static sal_status read_file(sal_series *s, const sal__series_file *f, int64_t x, int64_t y, int64_t columns,
                            int64_t rows)
{
    sal_status status = SAL_STATUS_OK;
    const int64_t pixels = columns * rows;
    float *index = s->plane + SAL_ROLE_COUNT * pixels, *mask = s->scratch + widest(s) * pixels;
    const float *roles[SAL_ROLE_COUNT];
    if (f->mask)
        SAL_TRY(sal_raster_read(f->mask_raster, &f->mask_slot, 1, f->mask_shift_x + x, f->mask_shift_y + y, columns, rows, mask));
    if (f->parts) return read_parts(s, f, (int64_t[4]){ x, y, columns, rows });
    for (int64_t first = 0; first < f->band_count; first += SAL__SERIES_GROUP) {
        const int64_t n = f->band_count - first < SAL__SERIES_GROUP ? f->band_count - first : SAL__SERIES_GROUP;
        SAL_TRY(
            sal_raster_read(f->raster, f->slots + first, n, f->shift_x + x, f->shift_y + y, columns, rows, s->scratch));
        for (int r = 0; r < SAL_ROLE_COUNT; r++) roles[r] = s->plane;
        for (int64_t k = 0; k < n; k++) {
            float *plane = s->plane + (f->scene ? k * pixels : 0);
            scaled(s, s->scratch + k, n, pixels, plane);
            if (f->scene)
                roles[f->roles[k]] = plane;
            else
                add_look(s, f->dates[first + k], plane, mask, f->mask, pixels);
        }
        if (!f->scene) continue;
        sal__index_evaluate(s->index, roles, pixels, index);
        add_look(s, f->dates[0], index, mask, f->mask, pixels);
    }
done:
    return status;
}

/* Slice by slice, so that the cancel button is seen. */
static sal_status seasons_of(sal_series *s, int64_t pixels, const int64_t *which, int64_t n, float *out)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t from = 0; from < pixels; from += SLICE) {
        const int64_t count = pixels - from < SLICE ? pixels - from : SLICE;
        SAL_TRY(sal_progress(s->ctx, 0.5 + 0.5 * (double)from / (double)pixels, NULL));
        sal_phenology_compute(s->ctx, s->plan, s->values + from, pixels, count, which, n, out + from * n, s->quality);
        for (int64_t i = 0; i < count; i++) s->seen[(int)s->quality[i]]++;
    }
done:
    return status;
}

sal_status sal__series_seasons(sal_series *s, int64_t x, int64_t y, int64_t columns, int64_t rows, const int64_t *which,
                               int64_t n, float *out)
{
    sal_status status;
    const int64_t pixels = columns * rows;
    SAL_TRY(make_room(s, pixels));
    for (int64_t i = 0; i < pixels * s->date_count; i++) s->values[i] = NAN;
    if (s->looks) memset(s->looks, 0, (size_t)(pixels * s->date_count));
    for (int64_t i = 0; i < s->file_count; i++) {
        SAL_TRY(sal_progress(s->ctx, 0.5 * (double)i / (double)s->file_count, NULL));
        SAL_TRY(read_file(s, &s->files[i], x, y, columns, rows));
        if (s->grid_pixels * s->date_count * 2 < KEPT) continue;
        for (int64_t k = 0; s->files[i].parts && k < s->files[i].band_count; k++) sal_raster_forget(s->files[i].parts[k].raster);
        if (s->files[i].raster) sal_raster_forget(s->files[i].raster);
        if (s->files[i].mask_raster && s->files[i].mask_raster != s->files[i].raster)
            sal_raster_forget(s->files[i].mask_raster);
    }
    SAL_TRY(seasons_of(s, pixels, which, n, out));
done:
    return status;
}
