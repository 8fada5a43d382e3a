/* covariates_climate.c - monthly climate, from the parameters of Build covariate stack: summaries on the grid as covariates, and the series
 * themselves at points as a table, the form in which networks with a climate branch take them.
 */
#include "data/band_month.h"
#include "data/table.h"
#include "operations/covariates_parts.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_table(const char *path)
{
    static const char *const endings[] = { ".csv", ".txt", ".tsv", ".gpkg", ".xlsx", ".ods", ".dbf", ".parquet" };
    const size_t n = strlen(path);
    for (size_t k = 0; k < sizeof endings / sizeof *endings; k++)
        if (n > strlen(endings[k]) && strcasecmp(path + n - strlen(endings[k]), endings[k]) == 0) return true;
    return false;
}

/* ---- the period ---- */

/* A year is its first or its last month. */
static int64_t month_of(const char *text, size_t n, bool last)
{
    char word[16];
    snprintf(word, sizeof word, "%.*s", (int)(n < 15 ? n : 15), text);
    if (n == 4 && strspn(word, "0123456789") == 4) snprintf(word + 4, sizeof word - 4, last ? "-12" : "-01");
    return sal_month_parse(word);
}

static sal_status take_period(sal_context *ctx, const sal_arguments *arguments, int64_t *first, int64_t *last)
{
    const char *text = sal_argument_text(arguments, "climate_period");
    *first = 0;
    *last = -1;
    if (!text || !text[0]) return SAL_STATUS_OK;
    size_t n = strcspn(text, "/,");
    const char *end = text[n] ? text + n + 1 : text;
    if (strlen(text) == 9 && text[4] == '-') { /* 1991-2020 */
        n = 4;
        end = text + 5;
    }
    *first = month_of(text, n, false);
    *last = month_of(end, end == text ? n : strlen(end), true);
    if (*first >= 0 && *last >= *first) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_ARGUMENT, "climate_period \"%s\" is no period; write 1991-2020, 2019, 2019-06 or 2015-06/2020-05", text);
}

/* ---- opening ---- */

/* The columns of a long table that are climate: neither id nor month nor place. names: (columns), borrowed from the table. */
static int64_t list_variables(const sal_table *table, const sal_climate_fields *fields, const char **names)
{
    int64_t n = 0;
    for (int64_t k = 0; k < sal_table_columns(table); k++) {
        const char *name = sal_table_column(table, k);
        if (strcasecmp(name, fields->id) != 0 && strcasecmp(name, fields->date) != 0 && !sal_climate_is_place(name)) names[n++] = name;
    }
    return n;
}

/* A table is long where it has a column of months, else wide with a column of variables. */
static sal_status open_table(sal_context *ctx, const sal_arguments *arguments, const char *path, sal_climate **out)
{
    static const char *const dates[] = { "month", "date", "time" }, *const variables[] = { "variable", "var" };
    sal_climate_fields fields = { .id = sal_argument_text(arguments, "climate_id"), .missing = sal_argument_f64(arguments, "climate_missing") };
    sal_table *table = NULL;
    const char **names = NULL;
    sal_status status;
    SAL_TRY(sal_table_open(ctx, path, &table));
    if (!fields.id || !fields.id[0]) {
        if (!sal_climate_table_has_places(table))
            SAL_TRY(sal_fail(ctx, SAL_STATUS_ARGUMENT,
                             "climate table \"%s\" is joined by id; set climate_id to the field that it and climate_points have, or give it columns lon and lat, or x and y, "
                             "to join it by place",
                             path));
        fields.id = sal_table_column(table, 0);
    }
    for (int k = 0; k < 3 && !fields.date; k++)
        if (sal_table_find(table, dates[k]) >= 0) fields.date = dates[k];
    for (int k = 0; k < 2 && !fields.date && !fields.variable; k++)
        if (sal_table_find(table, variables[k]) >= 0) fields.variable = variables[k];
    if (!fields.date && !fields.variable)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA,
                         "climate table \"%s\" has neither a column month (date, time) nor a column variable (var) with months as columns; name one so",
                         path));
    if (fields.date) {
        SAL_TRY(sal_allocate(ctx, sal_table_columns(table), sizeof *names, &names));
        fields.variables = names;
        fields.variable_count = list_variables(table, &fields, names);
    }
    status = sal_climate_open_table(ctx, path, &fields, out);
done:
    sal_release(ctx, names);
    sal_table_free(table);
    return status;
}

static sal_status open_climate(sal_context *ctx, const sal_arguments *arguments, const char *const *paths, int64_t n, sal_climate **out)
{
    int64_t tables = 0;
    for (int64_t i = 0; i < n; i++) tables += is_table(paths[i]);
    if (tables == 0) return sal_climate_open_rasters(ctx, paths, NULL, n, out);
    if (n > 1)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "climate has %lld files, of which %lld are tables; give one table, or rasters alone", (long long)n,
                        (long long)tables);
    return open_table(ctx, arguments, paths[0], out);
}

/* ---- what was taken ---- */

static sal_status describe(sal_context *ctx, const sal_climate *c, json_object **out)
{
    sal_status status;
    char month[8];
    json_object *object = json_object_new_object(), *list = json_object_new_array();
    for (int64_t v = 0; v < sal_climate_variables(c); v++) {
        json_object *one = json_object_new_object();
        json_object_array_add(list, one);
        SAL_TRY(sal_json_add_text(ctx, one, "name", sal_climate_variable(c, v)));
        SAL_TRY(sal_json_add_text(ctx, one, "unit", sal_climate_unit(c, v)));
    }
    SAL_TRY(sal_json_add(ctx, object, "variables", json_object_get(list)));
    sal_climate_month(c, 0, month);
    SAL_TRY(sal_json_add_text(ctx, object, "first", month));
    sal_climate_month(c, sal_climate_months(c) - 1, month);
    SAL_TRY(sal_json_add_text(ctx, object, "last", month));
    *out = object;
    object = NULL;
done:
    json_object_put(list);
    json_object_put(object);
    return status;
}

/* Which parameters need each other. */
static sal_status check(sal_context *ctx, const sal_arguments *arguments, bool table)
{
    const char *points = sal_argument_text(arguments, "climate_points"), *path = sal_argument_text(arguments, "climate_table");
    if (!points != !path)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%s is given without %s; the table takes the climate of points", points ? "climate_points" : "climate_table",
                        points ? "climate_table" : "climate_points");
    if (table && !points)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "climate is a table, which has no place on the grid; give climate_points, climate_id and climate_table to join it by id, or give rasters");
    return SAL_STATUS_OK;
}

static sal_status statistics_of(sal_build *build, const sal_arguments *arguments, const char *words[64], int64_t *n)
{
    sal_status status = SAL_STATUS_OK;
    char word[64], *copy;
    *n = 0;
    for (int64_t entry = 0, at = 0; *n < 64 && sal__next_word(arguments, "climate_statistics", &entry, &at, word);) {
        if (strcmp(word, "none") == 0) continue;
        SAL_TRY(sal_arena_text(build->arena, word, &copy));
        words[(*n)++] = copy;
    }
done:
    return status;
}

sal_status sal__take_climate(sal_context *ctx, sal_build *build, const sal_arguments *arguments, bool write)
{
    sal_status status;
    const int64_t n = sal_argument_count(arguments, "climate");
    const char **paths = NULL, *words[64];
    int64_t first, last, count;
    sal_climate *c = NULL;
    if (n == 0) {
        if (!sal_argument_text(arguments, "climate_points") && !sal_argument_text(arguments, "climate_table")) return SAL_STATUS_OK;
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "climate_points and climate_table need climate; give the files of monthly climate");
    }
    SAL_TRY(sal_arena_allocate(build->arena, n, sizeof *paths, &paths));
    for (int64_t i = 0; i < n; i++) paths[i] = sal_argument_text_at(arguments, "climate", i);
    const bool table = is_table(paths[0]);
    SAL_TRY(check(ctx, arguments, table));
    SAL_TRY(take_period(ctx, arguments, &first, &last));
    SAL_TRY(statistics_of(build, arguments, words, &count));
    SAL_TRY(open_climate(ctx, arguments, paths, n, &c));
    SAL_TRY(describe(ctx, c, &build->climate_said));
    if (!table && count > 0)
        SAL_TRY(sal_climate_summarise(c, &build->grid, words, count, first, last, build->max_memory / 4, &build->climate));
    if (write && sal_argument_text(arguments, "climate_points"))
        SAL_TRY(sal__climate_table_at_points(ctx, arguments, c, table, first, last, build));
    build->climate_paths = paths;
    build->climate_path_count = n;
done:
    sal_climate_free(c);
    return status;
}
