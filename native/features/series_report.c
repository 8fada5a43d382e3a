/* series_report.c - what a stack says of its phenology: where it comes from, by which method, and how often it failed.
 */
#include "features/series_private.h"

#include <stdio.h>

static void date_text(int64_t day, char out[16])
{
    /* Hinnant's civil calendar, as in data/date.c */
    const int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365,
                  doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153, d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
    snprintf(out, 16, "%04d-%02d-%02d", (int)((yoe + era * 400 + (m <= 2)) % 10000), (int)m, (int)d);
}

static sal_status add_method(const sal_series *s, json_object *object)
{
    static const char *const smoothers[] = { "", "whittaker", "savitzky_golay", "double_logistic" };
    static const char *const seasons[] = { "", "main", "first", "second" };
    sal_status status;
    const sal_phenology_options *o = &s->options;
    SAL_TRY(sal_json_add_text(s->ctx, object, "smoother", smoothers[o->smoother]));
    SAL_TRY(sal_json_add_text(s->ctx, object, "season", seasons[o->season]));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "step", o->step));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "lambda", o->lambda));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "envelope", o->envelope));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "floor", o->floor));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "sos_threshold", o->sos));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "sdps_threshold", o->sdps));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "gus_low", o->gus[0]));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "gus_high", o->gus[1]));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "eos_threshold", o->eos));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "min_amplitude", o->min_amplitude));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "season_contrast", o->contrast));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "max_gap", o->max_gap));
    SAL_TRY(sal_json_add_i64(s->ctx, object, "min_observations", o->min_observations));
done:
    return status;
}

/* Words of every mask in use, once. */
static sal_status add_masks(const sal_series *s, json_object *object)
{
    const sal__mask *seen[8] = { NULL };
    json_object *list = json_object_new_object();
    sal_status status = SAL_STATUS_OK;
    int64_t n = 0;
    for (int64_t i = 0; i < s->file_count; i++) {
        bool known = !s->files[i].mask;
        for (int64_t k = 0; k < n; k++) known = known || seen[k] == s->files[i].mask;
        if (known || n == 8) continue;
        seen[n++] = s->files[i].mask;
        SAL_TRY(sal_json_add_text(s->ctx, list, s->files[i].mask->band, s->files[i].mask->words));
    }
    status = sal_json_add(s->ctx, object, "masked", list);
    list = NULL;
done:
    json_object_put(list);
    return status;
}

static sal_status add_shares(const sal_series *s, json_object *object)
{
    static const char *const names[] = { "found", "too_few_observations", "amplitude_too_small", "peak_at_the_edge",
                                         "no_such_season", "found_beside_a_gap" };
    double all = 0;
    sal_status status = SAL_STATUS_OK;
    json_object *shares = json_object_new_object();
    for (int k = 0; k < SAL__SEASON_CODES; k++) all += (double)s->seen[k];
    for (int k = 0; k < SAL__SEASON_CODES; k++)
        SAL_TRY(sal_json_add_f64(s->ctx, shares, names[k], all > 0 ? (double)s->seen[k] / all : 0));
    status = sal_json_add(s->ctx, object, "pixels", shares);
    shares = NULL;
done:
    json_object_put(shares);
    return status;
}

sal_status sal__series_describe(const sal_series *s, json_object **out)
{
    sal_status status;
    char first[16], last[16];
    json_object *object = json_object_new_object();
    date_text(s->dates[0], first);
    date_text(s->dates[s->date_count - 1], last);
    SAL_TRY(sal_json_add_text(s->ctx, object, "index", s->index_id));
    SAL_TRY(sal_json_add_i64(s->ctx, object, "year", s->year));
    SAL_TRY(sal_json_add_i64(s->ctx, object, "dates", s->date_count));
    SAL_TRY(sal_json_add_text(s->ctx, object, "first_date", first));
    SAL_TRY(sal_json_add_text(s->ctx, object, "last_date", last));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "scale", s->scale));
    SAL_TRY(sal_json_add_f64(s->ctx, object, "offset", s->offset));
    SAL_TRY(add_masks(s, object));
    SAL_TRY(add_method(s, object));
    SAL_TRY(add_shares(s, object));
    *out = object;
    object = NULL;
done:
    json_object_put(object);
    return status;
}

sal_status sal__series_check(const sal_series *s)
{
    double all = 0;
    for (int k = 0; k < SAL__SEASON_CODES; k++) all += (double)s->seen[k];
    if (s->seen[SAL_SEASON_FOUND] + s->seen[SAL_SEASON_GAP] > 0 || all == 0) return SAL_STATUS_OK;
    return sal_fail(
        s->ctx, SAL_STATUS_DATA,
        "no pixel shows a season of %lld: %.0f %% have too few observations, %.0f %% too small an amplitude, %.0f %% "
        "their peak "
        "at the edge of the series, %.0f %% no such season; add dates, or change series_year, season or min_amplitude",
        (long long)s->year, 100 * (double)s->seen[1] / all, 100 * (double)s->seen[2] / all,
        100 * (double)s->seen[3] / all, 100 * (double)s->seen[4] / all);
}

bool sal__series_has_views(const sal_series *s)
{
    for (int64_t i = 0; i < s->file_count; i++)
        if (s->files[i].parts) return true;
    return false;
}

const char *sal__series_grid_path(const sal_series *s) { return s->files[0].parts ? s->files[0].parts[0].path : s->files[0].path; }

/* Files of one look: an archive stands for all that lies in it. */
static int64_t files_of(const sal__series_file *f)
{
    return f->archive[0] ? 1 : (f->parts ? f->band_count : 1) + (f->mask_path != NULL);
}

int64_t sal__series_file_count(const sal_series *s)
{
    int64_t n = 0;
    for (int64_t i = 0; i < s->file_count; i++) n += files_of(&s->files[i]);
    return n;
}

const char *sal__series_path(const sal_series *s, int64_t i)
{
    const sal__series_file *f = s->files;
    for (; i >= files_of(f); f++) i -= files_of(f);
    if (f->archive[0]) return f->archive;
    if (f->mask_path && i == files_of(f) - 1) return f->mask_path;
    return f->parts ? f->parts[i].path : f->path;
}
