/* series_file.c - what a raster of a series holds: which bands, of which day, with which mask.
 *
 * The day comes from SALINA metadata, the band description, the file name, and last TIFFTAG_DATETIME, which many programs set to the day
 * on which they wrote the file.
 */
#include "data/date.h"
#include "features/series_private.h"
#include "features/stack_build.h"
#include "features/tiles.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Sentinel-2 L2A scene classes; Landsat Collection 2 QA_PIXEL; HLS v2 Fmask; Landsat Collection 1 BQA, and that of before. */
static const sal__mask masks[] = {
    { "SCL", false, 1u << 0 | 1u << 1 | 1u << 3 | 1u << 8 | 1u << 9 | 1u << 10 | 1u << 11,
      "no data, saturated, cloud shadow, cloud, cirrus, snow" },
    { "QA_PIXEL", true, 0x3f, "fill, dilated cloud, cirrus, cloud, cloud shadow, snow" },
    { "Fmask", true, 0x1f, "cirrus, cloud, near cloud, cloud shadow, snow" },
    { "BQA", true, 1u << 0 | 1u << 4 | 1u << 8 | 1u << 10 | 1u << 12, "fill, cloud, cloud shadow, snow, cirrus" },
    { "BQA_2013", true, 1u << 0 | 1u << 1 | 1u << 11 | 1u << 13 | 1u << 15, "fill, dropped frame, snow, cirrus, cloud" },
};

const sal__mask *sal__series_mask(const char *band)
{
    for (size_t k = 0; k < sizeof masks / sizeof *masks; k++)
        if (strcasecmp(band, masks[k].band) == 0) return &masks[k];
    return NULL;
}

static void stem_of(const char *path, char stem[256])
{
    const char *slash = strrchr(path, '/');
    snprintf(stem, 256, "%.255s", slash ? slash + 1 : path);
    char *dot = strrchr(stem, '.');
    if (dot && dot != stem) *dot = 0;
}

/* Year and day of the year, as in MOD13Q1.A2020161 and HLS.S30.T14RNU.2020166T170901; INT64_MIN when there is none. */
static int64_t year_and_day(const char *text)
{
    for (const char *at = text; *at; at++) {
        if (!isdigit((unsigned char)*at) || (at > text && isdigit((unsigned char)at[-1]))) continue;
        const size_t n = strspn(at, "0123456789");
        char *end, first[32];
        if (n == 7) {
            const long value = strtol(at, &end, 10), day = value % 1000;
            snprintf(first, sizeof first, "%04ld-01-01", value / 1000 % 10000);
            if (value / 1000 >= 1970 && value / 1000 <= 2200 && day >= 1 && day <= 366)
                return sal_date_days(first) + day - 1;
        }
        at += n - 1;
    }
    return INT64_MIN;
}

static int64_t day_in(const char *text)
{
    char date[11];
    return sal__date_find(text, date) ? sal_date_days(date) : year_and_day(text);
}

sal_status sal__series_day(const sal_series *s, const sal_raster *raster, int64_t band, int64_t *day)
{
    char stem[256], tag[11] = "";
    const char *stated = sal_raster_metadata(raster, "SALINA", "DATE"),
               *written = sal_raster_metadata(raster, NULL, "TIFFTAG_DATETIME");
    if (stated && stated[0]) {
        *day = sal__date_valid(stated) ? sal_date_days(stated) : INT64_MIN;
        if (*day != INT64_MIN) return SAL_STATUS_OK;
        return sal_fail(s->ctx, SAL_STATUS_DATA,
                        "series \"%s\" states the date \"%.40s\", which is no day; set DATE in its SALINA metadata",
                        sal_raster_path(raster), stated);
    }
    stem_of(sal_raster_path(raster), stem);
    *day = day_in(sal_raster_band_name(raster, band));
    if (*day == INT64_MIN) *day = day_in(stem);
    if (*day == INT64_MIN && written && strlen(written) >= 10) {
        snprintf(tag, sizeof tag, "%.4s-%.2s-%.2s", written, written + 5, written + 8);
        *day = sal_date_days(tag);
    }
    if (*day != INT64_MIN) return SAL_STATUS_OK;
    return sal_fail(
        s->ctx, SAL_STATUS_DATA,
        "series \"%s\" has no date, neither in its SALINA metadata, band description or file name (2020-06-15, "
        "20200615, 2020167) nor as TIFFTAG_DATETIME; rename it",
        sal_raster_path(raster));
}

/* ---- bands ---- */

static const char *sensor_of(const sal_raster *raster)
{
    const char *names[64], *stated = sal_raster_metadata(raster, "SALINA", "SENSOR");
    char stem[256];
    int64_t n = 0;
    if (stated && stated[0]) return stated;
    for (; n < sal_raster_band_count(raster) && n < 64; n++) names[n] = sal_raster_band_name(raster, n);
    const char *guess = sal__sensor_guess(names, n);
    stem_of(sal_raster_path(raster), stem);
    stem[strcspn(stem, "_-. ")] = 0;
    const char *found =
        sal__sensor_find(stem); /* B4 means red on Landsat 8 and near infrared on 5: the file name first */
    return found ? found : guess;
}

static void find_mask(sal__series_file *f, const sal_raster *raster)
{
    for (int64_t b = 0; b < sal_raster_band_count(raster); b++) {
        const sal__mask *mask = sal__series_mask(sal_raster_band_name(raster, b));
        if (!mask) continue;
        f->mask = mask;
        f->mask_band = b;
    }
}

static bool dated(const sal_raster *raster, const sal__series_file *f)
{
    int64_t n = 0;
    for (int64_t b = 0; b < sal_raster_band_count(raster); b++) {
        if (f->mask && b == f->mask_band) continue;
        if (day_in(sal_raster_band_name(raster, b)) == INT64_MIN) return false;
        n++;
    }
    return n > 1;
}

static int64_t band_named(const sal_raster *raster, const char *name)
{
    for (int64_t b = 0; b < sal_raster_band_count(raster); b++)
        if (strcasecmp(sal_raster_band_name(raster, b), name) == 0) return b;
    return -1;
}

/* Bands of the roles that the index needs; false when one is missing. */
static bool find_roles(const sal_series *s, const sal_raster *raster, sal__series_file *f)
{
    const uint32_t roles = sal__index_roles(sal_index_at(s->index));
    const char *sensor = sensor_of(raster);
    f->band_count = 0;
    for (int r = 0; r < SAL_ROLE_COUNT; r++) {
        if (!(roles & 1u << r)) continue;
        int64_t band = -1;
        for (int64_t b = 0; b < sal_raster_band_count(raster) && band < 0; b++) {
            const char *role = sal_band_role(sensor, sal_raster_band_name(raster, b));
            if (role && sal__role_find(role, (int64_t)strlen(role)) == r) band = b;
        }
        if (band < 0) return false;
        f->roles[f->band_count] = (sal_role)r;
        f->bands[f->band_count++] = band;
    }
    return true;
}

/* An index of the table that a text names and that is not ours; NULL when there is none. */
static const char *other_index(const sal_series *s, const char *text)
{
    char copy[256], *rest = copy;
    snprintf(copy, sizeof copy, "%.255s", text);
    const char *other = NULL;
    for (char *word; (word = strtok_r(rest, "_-. ", &rest));)
        for (int64_t k = 0; k < sal_index_count(); k++) {
            if (strcasecmp(word, s->index_id) == 0) return NULL;
            if (strlen(word) > 2 && strcasecmp(word, sal_index_at(k)->id) == 0) other = sal_index_at(k)->id;
        }
    return other;
}

/* The only band of a file, taken for the index; refused where it says that it is something else. */
static sal_status take_single(sal_series *s, const sal_raster *raster, sal__series_file *f)
{
    char stem[256];
    const int64_t only = f->mask && f->mask_band == 0 ? 1 : 0,
                  count = sal_raster_band_count(raster) - (f->mask != NULL);
    const char *name = count > 0 ? sal_raster_band_name(raster, only) : "", *sensor = sensor_of(raster);
    stem_of(sal_raster_path(raster), stem);
    const char *other = other_index(s, name[0] ? name : stem);
    if (other)
        return sal_fail(s->ctx, SAL_STATUS_DATA,
                        "series \"%s\" holds %s, but series_index is %s; set series_index to %s or leave the file out",
                        sal_raster_path(raster), other, s->index_id, other);
    if (count != 1 || sal__band_id(sensor, name))
        return sal_fail(s->ctx, SAL_STATUS_DATA,
                        "series \"%s\" gives no %s: it has no band of that name, no dates as band descriptions, and "
                        "not the bands %s "
                        "that it is computed from%s%s; name its bands (B04, B08; Red, NIR) or give rasters of %s",
                        sal_raster_path(raster), s->index_id, sal_index_at(s->index)->roles, sensor[0] ? " on " : "",
                        sensor, s->index_id);
    f->bands[f->band_count++] = only;
    return SAL_STATUS_OK;
}

static sal_status find_bands(sal_series *s, const sal_raster *raster, sal__series_file *f)
{
    sal_status status = SAL_STATUS_OK;
    const int64_t named = band_named(raster, s->index_id);
    find_mask(f, raster);
    if (dated(raster, f)) {
        for (int64_t b = 0; b < sal_raster_band_count(raster); b++)
            if (!f->mask || b != f->mask_band) f->bands[f->band_count++] = b;
    } else if (named >= 0) {
        f->bands[f->band_count++] = named;
    } else if (!(f->scene = find_roles(s, raster, f))) {
        f->band_count = 0;
        SAL_TRY(take_single(s, raster, f));
    }
    const bool many = !f->scene && f->band_count > 1;
    for (int64_t i = 0; i < (f->scene ? 1 : f->band_count); i++) {
        if (many)
            f->days[i] = day_in(sal_raster_band_name(raster, f->bands[i]));
        else
            SAL_TRY(sal__series_day(s, raster, f->bands[i], &f->days[i]));
    }
done:
    return status;
}

sal_status sal__series_append(sal_series *s, const char *path, int64_t room, sal__series_file **out)
{
    sal_status status;
    for (int64_t i = 0; i < s->file_count; i++)
        if (strcmp(s->files[i].path, path) == 0)
            return sal_fail(s->ctx, SAL_STATUS_ARGUMENT, "series has \"%s\" twice; leave one out", path);
    SAL_TRY(sal_reallocate(s->ctx, s->file_count, s->file_count + 1, sizeof *s->files, &s->files));
    sal__series_file *f = *out = &s->files[s->file_count++];
    *f = (sal__series_file){ .archive = "" };
    SAL_TRY(sal_text_copy(s->ctx, path, &f->path));
    SAL_TRY(sal_allocate(s->ctx, room, sizeof *f->bands, &f->bands));
    SAL_TRY(sal_allocate(s->ctx, room, sizeof *f->days, &f->days));
    SAL_TRY(sal_allocate(s->ctx, room, sizeof *f->dates, &f->dates));
    SAL_TRY(sal_allocate(s->ctx, room, sizeof *f->slots, &f->slots));
done:
    return status;
}

sal_status sal__series_add(sal_series *s, const char *path)
{
    sal_status status;
    sal_raster *raster = NULL;
    sal__series_file *f;
    char stem[256];
    SAL_TRY(sal_raster_open(s->ctx, path, &raster));
    const int64_t bands = sal_raster_band_count(raster);
    SAL_TRY(sal__series_append(s, path, bands > SAL_ROLE_COUNT ? bands : SAL_ROLE_COUNT, &f));
    stem_of(path, stem);
    sal__tile_in_name(stem, f->tile);
    SAL_TRY(find_bands(s, raster, f));
done:
    sal_raster_free(raster);
    return status;
}
