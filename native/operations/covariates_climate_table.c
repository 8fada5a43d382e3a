/* covariates_climate_table.c - the series of climate at points as a table: by position from rasters, by id or by the nearest site from a table.
 */
#include "data/band_month.h"
#include "data/sites.h"
#include "data/table.h"
#include "operations/covariates_parts.h"

#include <math.h>
#include <string.h>

/* A text in CSV: quoted where it has to be. */
static void append_text(sal_context *ctx, sal_text *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        sal_text_append(ctx, out, "%s", text);
        return;
    }
    sal_text_append(ctx, out, "\"");
    for (; *text; text++) sal_text_append(ctx, out, *text == '"' ? "\"\"" : "%c", *text);
    sal_text_append(ctx, out, "\"");
}

/* Under a temporary name: it appears together with the stack. */
static sal_status write_table(sal_context *ctx, const sal_climate *c, const sal_sites *sites, const char *id, const float *values, int64_t first,
                              int64_t last, const char *path, sal_output **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_text text = { 0 };
    const int64_t variables = sal_climate_variables(c), months = sal_climate_months(c);
    char month[8];
    append_text(ctx, &text, id && id[0] ? id : "fid");
    sal_text_append(ctx, &text, ",month");
    for (int64_t v = 0; v < variables; v++) {
        sal_text_append(ctx, &text, ",");
        append_text(ctx, &text, sal_climate_variable(c, v));
    }
    sal_text_append(ctx, &text, "\n");
    for (int64_t i = 0; i < sites->count; i++)
        for (int64_t m = 0; m < months; m++) {
            sal_climate_month(c, m, month);
            if (sal_month_parse(month) < first || (last >= 0 && sal_month_parse(month) > last)) continue;
            append_text(ctx, &text, sites->ids[i]);
            sal_text_append(ctx, &text, ",%s", month);
            for (int64_t v = 0; v < variables; v++) {
                const float value = values[(i * months + m) * variables + v];
                sal_text_append(ctx, &text, isnan(value) ? "," : ",%.7g", value);
            }
            sal_text_append(ctx, &text, "\n");
            if (sal_look(ctx)) SAL_TRY(sal_progress(ctx, (double)i / (double)sites->count, NULL));
        }
    if (!text.data) SAL_TRY(sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory for the climate table \"%s\"", path));
    SAL_TRY(sal_output_new(ctx, path, out));
    SAL_TRY(sal_file_write(ctx, sal_output_path(*out), text.data, (int64_t)strlen(text.data)));
done:
    sal_text_free(ctx, &text);
    return status;
}

/* Series of the site of the table that is nearest to each point. */
static sal_status series_of_nearest(sal_context *ctx, const sal_build *build, sal_climate *c, const char *path, const char *id,
                                    const sal_sites *sites, float *out)
{
    sal_status status;
    const char **ids = NULL;
    double farthest;
    SAL_TRY(sal_allocate(ctx, sites->count, sizeof *ids, &ids));
    SAL_TRY(sal_climate_nearest(ctx, build->arena, path, id, sites->wkt, sites->count, sites->x, sites->y, ids, &farthest));
    SAL_TRY(sal_climate_by_id(c, ids, sites->count, out));
    sal_log(ctx, "without climate_id each point takes the nearest site of \"%s\" (column %s), at most %.6g away (metres, or units of x and y)", path, id,
            farthest);
done:
    sal_release(ctx, ids);
    return status;
}

static sal_status series_at_sites(sal_context *ctx, const sal_build *build, sal_climate *c, const sal_sites *sites, const char *table,
                                  const char *place_id, float **out)
{
    sal_status status;
    const int64_t size = sal_climate_months(c) * sal_climate_variables(c);
    int64_t empty = 0;
    SAL_TRY(sal_allocate(ctx, sites->count * size, sizeof **out, out));
    if (place_id)
        SAL_TRY(series_of_nearest(ctx, build, c, table, place_id, sites, *out));
    else if (table)
        SAL_TRY(sal_climate_by_id(c, (const char *const *)sites->ids, sites->count, *out));
    else
        SAL_TRY(sal_climate_at_points(c, sites->wkt, sites->count, sites->x, sites->y, *out));
    for (int64_t i = 0; i < sites->count; i++) {
        bool any = false;
        for (int64_t k = 0; k < size && !any; k++) any = !isnan((*out)[i * size + k]);
        empty += !any;
    }
    if (empty == sites->count)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA, "none of the %lld points has climate: they lie outside the rasters, or over the sea; give climate of the same place",
                         (long long)sites->count));
    if (empty > 0) sal_warn(ctx, "%lld of %lld points have no climate: their fields in the table are empty", (long long)empty, (long long)sites->count);
done:
    return status;
}

/* The column that tells the sites of a table apart where the user names none. */
static sal_status first_column(sal_context *ctx, sal_arena *arena, const char *path, const char **name)
{
    sal_table *table = NULL;
    char *copy = NULL;
    sal_status status = sal_table_open(ctx, path, &table);
    if (status == SAL_STATUS_OK) status = sal_arena_text(arena, sal_table_column(table, 0), &copy);
    sal_table_free(table);
    *name = copy;
    return status;
}

sal_status sal__climate_table_at_points(sal_context *ctx, const sal_arguments *arguments, sal_climate *c, bool table, int64_t first, int64_t last,
                                        sal_build *build)
{
    const char *points = sal_argument_text(arguments, "climate_points"), *path = sal_argument_text(arguments, "climate_table"),
               *id = sal_argument_text(arguments, "climate_id");
    sal_sites sites = { 0 };
    const char *climate = table ? sal_argument_text_at(arguments, "climate", 0) : NULL, *place_id = NULL;
    float *values = NULL;
    sal_status status;
    if (table && !(id && id[0])) SAL_TRY(first_column(ctx, build->arena, climate, &place_id));
    SAL_TRY(sal_sites_read(ctx, points, id, &sites));
    SAL_TRY(series_at_sites(ctx, build, c, &sites, climate, place_id, &values));
    SAL_TRY(write_table(ctx, c, &sites, id, values, first, last, path, &build->climate_table));
    SAL_TRY(sal_json_add_text(ctx, build->climate_said, "table", path));
    SAL_TRY(sal_json_add_i64(ctx, build->climate_said, "points", sites.count));
    sal_log(ctx, "climate of %lld points goes to \"%s\"", (long long)sites.count, path);
done:
    sal_release(ctx, values);
    sal_sites_clear(ctx, &sites);
    return status;
}
