/* series.c - the dates of a series, its files on the grid, and what was done with them.
 *
 * Files outside the year and half a year on either side are not opened again, so that a series may be as long as an archive. Reflectance
 * is held to the same rule as in scenes: numbers of 0 to 10000 are refused with the scale to set, because the offset of Landsat and of
 * newer Sentinel-2 files would silently make another NDVI.
 */
#include "data/date.h"
#include "features/series_private.h"
#include "features/stack_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARGIN = 183, FILES = 800, SPOTS = 3, SPOT = 16 }; /* FILES: a process may hold 1024 files open */

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t first_of(int64_t year)
{
    char date[16];
    snprintf(date, sizeof date, "%04d-01-01", (int)(year % 10000));
    return sal_date_days(date);
}

static int64_t year_of(int64_t day)
{
    int64_t year = 1970 + day / 366;
    while (first_of(year + 1) <= day) year++;
    return year;
}

static int64_t days_in(const sal__series_file *f) { return f->scene ? 1 : f->band_count; }

/* Every day of every file, ascending. */
static sal_status gather_days(sal_series *s)
{
    sal_status status;
    int64_t n = 0;
    for (int64_t i = 0; i < s->file_count; i++) n += days_in(&s->files[i]);
    SAL_TRY(sal_allocate(s->ctx, n, sizeof *s->dates, &s->dates));
    for (int64_t i = 0; i < s->file_count; i++)
        for (int64_t k = 0; k < days_in(&s->files[i]); k++) s->dates[s->date_count++] = s->files[i].days[k];
    qsort(s->dates, (size_t)n, sizeof *s->dates, ascending);
done:
    return status;
}

static void choose_year(sal_series *s, const sal_series_request *request)
{
    int64_t most = 0;
    s->year = request->year;
    if (s->year == 0 && request->date[0]) s->year = year_of(sal_date_days(request->date));
    if (s->year > 0) return;
    for (int64_t i = 0, n = 0; i < s->date_count; i++) {
        n = i > 0 && year_of(s->dates[i]) == year_of(s->dates[i - 1]) ? n + 1 : 1;
        if (n <= most) continue;
        most = n;
        s->year = year_of(s->dates[i]);
    }
}

static void file_clear(sal_context *ctx, sal__series_file *f)
{
    for (int64_t k = 0; f->parts && k < f->band_count; k++) sal_raster_free(f->parts[k].raster);
    sal_release(ctx, f->parts);
    if (f->mask_raster != f->raster) sal_raster_free(f->mask_raster);
    sal_raster_free(f->raster);
    sal_release(ctx, f->path);
    sal_release(ctx, f->bands);
    sal_release(ctx, f->days);
    sal_release(ctx, f->dates);
    sal_release(ctx, f->slots);
}

/* Leaves the bands around the year, the files that have such, and the distinct dates. */
static sal_status keep_year(sal_series *s)
{
    const int64_t first = first_of(s->year) - MARGIN, last = first_of(s->year + 1) + MARGIN;
    const int64_t earliest = s->dates[0], latest = s->dates[s->date_count - 1];
    int64_t files = 0, n = 0;
    for (int64_t i = 0; i < s->file_count; i++) {
        sal__series_file *f = &s->files[i];
        int64_t kept = 0;
        for (int64_t k = 0; k < days_in(f); k++) {
            if (f->days[k] < first || f->days[k] >= last) continue;
            f->days[kept] = f->days[k];
            if (!f->scene) f->bands[kept] = f->bands[k];
            kept++;
        }
        if (!f->scene) f->band_count = kept;
        if (kept > 0)
            s->files[files++] = *f;
        else
            file_clear(s->ctx, f);
    }
    s->file_count = files;
    for (int64_t i = 0; i < s->date_count; i++) {
        if (s->dates[i] < first || s->dates[i] >= last) continue;
        s->shared += n > 0 && s->dates[i] == s->dates[n - 1];
        if (n == 0 || s->dates[i] != s->dates[n - 1]) s->dates[n++] = s->dates[i];
    }
    s->date_count = n;
    if (n == 0)
        return sal_fail(
            s->ctx, SAL_STATUS_DATA,
            "the series has no date in %lld or half a year around it: it runs from %lld to %lld; set series_year",
            (long long)s->year, (long long)year_of(earliest), (long long)year_of(latest));
    if (sal__series_file_count(s) > FILES)
        return sal_fail(s->ctx, SAL_STATUS_DATA,
                        "the series has %lld files in and around %lld, more than %d can be open at once; leave some "
                        "out or join them by gdalbuildvrt",
                        (long long)sal__series_file_count(s), (long long)s->year, FILES);
    for (int64_t i = 0; i < files; i++)
        for (int64_t k = 0; k < days_in(&s->files[i]); k++) {
            const int64_t *at = bsearch(&s->files[i].days[k], s->dates, (size_t)n, sizeof *s->dates, ascending);
            s->files[i].dates[k] = at - s->dates;
        }
    return SAL_STATUS_OK;
}

sal_status sal__series_open(sal_context *ctx, const sal_series_request *request, sal_series **out)
{
    sal_status status;
    sal_series *s = NULL;
    const sal_index *index = sal_index_find(request->index);
    *out = NULL;
    if (!index)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "series_index \"%s\" is no index; use NDVI, EVI2 or another id of the index table",
                        request->index);
    SAL_TRY(sal_allocate(ctx, 1, sizeof *s, &s));
    *s = (sal_series){ .ctx = ctx,
                       .index = index - sal_index_at(0),
                       .low = index->low,
                       .high = index->high,
                       .scale = request->scale,
                       .offset = request->offset };
    SAL_TRY(sal_text_copy(ctx, index->id, &s->index_id));
    SAL_TRY(sal_allocate(ctx, 1, sizeof *s->reader, &s->reader));
    SAL_TRY(sal__build_new(ctx, s->reader));
    for (int64_t i = 0; i < request->count; i++) {
        SAL_TRY(sal_progress(ctx, (double)i / (double)request->count, NULL));
        SAL_TRY(sal__series_take(s, request->paths[i]));
    }
    SAL_TRY(sal__series_join(s));
    SAL_TRY(gather_days(s));
    choose_year(s, request);
    SAL_TRY(keep_year(s));
    if (s->shared > 0)
        sal_log(ctx, "the series has several files of one day, %lld more than days: averaged where they overlap",
                (long long)s->shared);
    *out = s;
    s = NULL;
done:
    sal__series_free(s);
    return status;
}

void sal__series_free(sal_series *s)
{
    if (!s) return;
    for (int64_t i = 0; i < s->file_count; i++) file_clear(s->ctx, &s->files[i]);
    sal_phenology_plan_free(s->plan);
    if (s->reader) sal__build_clear(s->reader);
    sal_release(s->ctx, s->reader);
    sal_release(s->ctx, s->qualities);
    sal_release(s->ctx, s->files);
    sal_release(s->ctx, s->index_id);
    sal_release(s->ctx, s->dates);
    sal_release(s->ctx, s->values);
    sal_release(s->ctx, s->scratch);
    sal_release(s->ctx, s->plane);
    sal_release(s->ctx, s->quality);
    sal_release(s->ctx, s->looks);
    sal_release(s->ctx, s);
}

/* ---- on the grid ---- */

static sal_status open_on(sal_series *s, sal__series_file *f, const sal_grid *grid)
{
    sal_status status;
    double b[4], pixel, east = grid->x0 + grid->pixel * (double)grid->columns,
                        south = grid->y0 - grid->pixel * (double)grid->rows;
    SAL_TRY(sal_raster_place(s->ctx, f->parts ? f->parts[0].path : f->path, grid, b, &pixel));
    if (b[0] >= east || b[2] <= grid->x0 || b[1] >= grid->y0 || b[3] <= south) {
        status = sal_fail(s->ctx, SAL_STATUS_DATA,
                          "series \"%s\" does not overlap the grid of the stack: it covers %.0f to %.0f east and %.0f "
                          "to %.0f north, the "
                          "grid %.0f to %.0f and %.0f to %.0f in %s; give rasters of the same place",
                          f->path, b[0], b[2], b[1], b[3], grid->x0, east, south, grid->y0, grid->crs_name);
        goto done;
    }
    if (f->parts) return sal__series_open_parts(s, f, grid);
    SAL_TRY(sal_raster_open(s->ctx, f->path, &f->raster));
    for (int64_t i = 0; i < f->band_count; i++) f->slots[i] = f->bands[i];
    if (sal__grid_aligned(grid, f->raster, &f->shift_x, &f->shift_y)) {
        if (f->mask_path) return sal__series_open_mask(s, f, grid);
        f->mask_raster = f->raster;
        f->mask_slot = f->mask_band;
        f->mask_shift_x = f->shift_x;
        f->mask_shift_y = f->shift_y;
        return SAL_STATUS_OK;
    }
    sal_raster_free(f->raster);
    f->raster = NULL;
    f->shift_x = f->shift_y = 0;
    for (int64_t i = 0; i < f->band_count; i++) f->slots[i] = i;
    const char *method = grid->pixel > 1.5 * pixel ? "average" : "bilinear";
    SAL_TRY(sal_raster_open_warped_bands(s->ctx, f->path, f->bands, f->band_count, grid, method, &f->raster));
    status = sal__series_open_mask(s, f, grid);
done:
    return status;
}

static sal_status fail_range(const sal_series *s, const sal__series_file *f, double value)
{
    if (f->scene)
        return sal_fail(
            s->ctx, SAL_STATUS_DATA,
            "series \"%s\" holds no reflectance between 0 and 1, but values such as %.4g; set series_scale and "
            "series_offset: 0.0001 for numbers of 0 to 10000, with offset -0.1 for Sentinel-2 processed since 25 "
            "January "
            "2022; 2.75e-05 and -0.2 for Landsat Collection 2",
            f->path, value);
    return sal_fail(s->ctx, SAL_STATUS_DATA,
                    "series \"%s\" holds no %s between %.3g and %.3g, but values such as %.4g; set series_scale, "
                    "0.0001 for numbers of "
                    "0 to 10000",
                    f->path, s->index_id, s->low, s->high, value);
}

/* Looks at nine spots of a few bands: values that cannot be what they should be are refused before hours of work. */
static sal_status check_range(sal_series *s, const sal__series_file *f, const sal_grid *grid)
{
    float spot[SPOT * SPOT * 4];
    double outside = 0, strange = 0;
    int64_t n = 0;
    const int64_t bands = f->band_count < 4 ? f->band_count : 4;
    const double low = f->scene ? -2 : s->low - 0.01, high = f->scene ? 2 : s->high + 0.01;
    for (int64_t k = 0; k < SPOTS * SPOTS; k++) {
        const int64_t x = grid->columns * (2 * (k % SPOTS) + 1) / (2 * SPOTS),
                      y = grid->rows * (2 * (k / SPOTS) + 1) / (2 * SPOTS);
        const sal__series_part *part = f->parts ? &f->parts[0] : NULL;
        if (part && part->certain) return SAL_STATUS_OK;
        sal_status status =
            part ? sal_raster_read(part->raster, &part->slot, 1, part->shift_x + x, part->shift_y + y, SPOT, SPOT, spot)
                 : sal_raster_read(f->raster, f->slots, bands, f->shift_x + x, f->shift_y + y, SPOT, SPOT, spot);
        if (status != SAL_STATUS_OK) return status;
        for (int64_t i = 0; i < SPOT * SPOT * (part ? 1 : bands); i++) {
            const double value = part ? (double)spot[i] * part->scale + part->offset : (double)spot[i] * s->scale + s->offset;
            if (isnan(value)) continue;
            n++;
            if (value >= low && value <= high) continue;
            outside++;
            strange = value;
        }
    }
    return 2 * outside > (double)n ? fail_range(s, f, strange) : SAL_STATUS_OK;
}

sal_status sal__series_place(sal_series *s, const sal_grid *grid, const sal_phenology_options *options)
{
    sal_status status;
    s->options = *options;
    s->grid_pixels = grid->columns * grid->rows;
    s->options.year_begin = first_of(s->year);
    s->options.year_days = first_of(s->year + 1) - first_of(s->year);
    SAL_TRY(sal_phenology_plan_new(s->ctx, &s->options, s->dates, s->date_count, &s->plan));
    for (int64_t i = 0; i < s->file_count; i++) {
        SAL_TRY(sal_progress(s->ctx, (double)i / (double)s->file_count, i == 0 ? "opening the series" : NULL));
        SAL_TRY(open_on(s, &s->files[i], grid));
        SAL_TRY(check_range(s, &s->files[i], grid));
        if (s->files[i].raster) sal_raster_forget(s->files[i].raster); /* nine blocks of every file */
    }
done:
    return status;
}
