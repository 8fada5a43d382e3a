/* train_card.c - the model card in the report of Train model: what it was made from, with hashes, how, and by which
 * versions; and what a reader must know of the run. The same stands in the model file and in the result JSON.
 */
#include "train_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of two texts that grow; the arena owns the texts. */
typedef struct rows {
    sal_context *ctx;
    sal_arena *arena;
    const char **cells;
    int64_t n, capacity; /* cells */
} rows;

static sal_status add(rows *r, const char *name, const char *text)
{
    char *copy[2];
    sal_status status = SAL_STATUS_OK;
    if (r->n + 2 > r->capacity) {
        SAL_TRY(sal_reallocate(r->ctx, r->capacity, r->capacity + 64, sizeof *r->cells, &r->cells));
        r->capacity += 64;
    }
    SAL_TRY(sal_arena_text(r->arena, name, &copy[0]));
    SAL_TRY(sal_arena_text(r->arena, text, &copy[1]));
    r->cells[r->n++] = copy[0];
    r->cells[r->n++] = copy[1];
done:
    return status;
}

/* A list as "a, b, c". */
static sal_status add_value(rows *r, const char *name, json_object *value)
{
    sal_status status = SAL_STATUS_OK;
    sal_text text = {0};
    char *whole = NULL;
    if (!json_object_is_type(value, json_type_array)) return add(r, name, value ? json_object_get_string(value) : "not given");
    for (size_t i = 0; i < json_object_array_length(value); i++)
        sal_text_append(r->ctx, &text, "%s%s", i ? ", " : "", json_object_get_string(json_object_array_get_idx(value, i)));
    SAL_TRY(sal_text_finish(r->ctx, &text, &whole));
    status = add(r, name, whole);
done:
    sal_release(r->ctx, whole);
    return status;
}

static sal_status inputs(rows *r, sal_report *report, json_object *provenance)
{
    sal_status status = SAL_STATUS_OK;
    json_object *list = NULL;
    r->n = 0;
    json_object_object_get_ex(provenance, "inputs", &list);
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        json_object *one = json_object_array_get_idx(list, i), *path = NULL, *hash = NULL;
        json_object_object_get_ex(one, "path", &path);
        json_object_object_get_ex(one, "sha256", &hash);
        const char *whole = path ? json_object_get_string(path) : "", *slash = strrchr(whole, '/');
        SAL_TRY(add(r, slash && slash[1] ? slash + 1 : whole, hash ? json_object_get_string(hash) : "not a plain file: no hash"));
    }
    sal_report_table(report, "Inputs, with the hash of their bytes; the model file has their paths", 2, (const char *const[]){"input", "SHA-256"}, r->n / 2, r->cells);
done:
    return status;
}

static sal_status parameters(rows *r, sal_report *report, const sal_arguments *arguments)
{
    sal_status status = SAL_STATUS_OK;
    json_object *all = sal_arguments_json(arguments);
    r->n = 0;
    json_object_object_foreach(all, key, value)
    {
        if (strcmp(key, "stacks") == 0 || strcmp(key, "samples") == 0) continue; /* inputs */
        SAL_TRY(add_value(r, key, value));
    }
    sal_report_table(report, "Parameters, defaults included", 2, (const char *const[]){"parameter", "value"}, r->n / 2, r->cells);
done:
    json_object_put(all);
    return status;
}

static sal_status versions(rows *r, sal_report *report)
{
    sal_status status = SAL_STATUS_OK;
    json_object *build = NULL;
    r->n = 0;
    SAL_TRY(sal_json_parse(r->ctx, sal_build_json(), (int64_t)strlen(sal_build_json()), "the build", &build));
    json_object_object_foreach(build, key, value)
    {
        SAL_TRY(add(r, strcmp(key, "version") == 0 ? "salina" : key, value ? json_object_get_string(value) : "not in this build"));
    }
    sal_report_table(report, "Versions", 2, (const char *const[]){"library", "version"}, r->n / 2, r->cells);
done:
    json_object_put(build);
    return status;
}

static void warnings(sal_context *ctx, sal_report *report)
{
    for (int64_t i = 0; i < sal_log_count(ctx); i++) {
        bool is_warning;
        const char *line = sal_log_line(ctx, i, &is_warning);
        if (is_warning) sal_report_note(report, "Warning of this run: %s", line);
    }
}

static void say_what(sal_report *report, const sal_arguments *arguments, const sal_train_report_input *in)
{
    const sal_training *t = in->training;
    int64_t seed = sal_argument_i64(arguments, "seed");
    if (t->final) /* networks */
        sal_report_paragraph(report, "%s of %lld network(s) with %lld parameters each, trained for %lld epochs.", sal_fit_system_title(in->options), (long long)t->members,
                             (long long)sal_params_size(sal_fit_params(t->final[0])), (long long)t->epochs);
    else
        sal_report_paragraph(report, "%s, mean of %lld run(s).", sal_fit_system_title(in->options), (long long)t->members);
    sal_report_paragraph(report, "Seeds are %lld to %lld. The same inputs, parameters, version and seed give the same model, bit by bit.", (long long)seed, (long long)(seed + t->members - 1));
}

sal_status sal__train_report_card(sal_context *ctx, sal_report *report, const sal_arguments *arguments, const sal_train_report_input *in)
{
    sal_status status = SAL_STATUS_OK;
    rows r = {.ctx = ctx};
    SAL_TRY(sal_arena_new(ctx, &r.arena));
    sal_report_heading(report, "Model card");
    say_what(report, arguments, in);
    warnings(ctx, report);
    SAL_TRY(inputs(&r, report, in->provenance));
    SAL_TRY(parameters(&r, report, arguments));
    SAL_TRY(versions(&r, report));
done:
    sal_release(ctx, r.cells);
    sal_arena_free(r.arena);
    return status;
}
