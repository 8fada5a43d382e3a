/* describe.c - an operation as JSON, from which the QGIS dialog, the command line's help and the reference pages are made.
 * Defaults come in the type of the parameter, so that no reader has to parse them again.
 */
#include "arguments.h"
#include <stdlib.h>
#include <string.h>

const char *sal__param_type_text(sal_param_type type)
{
    static const char *const names[] = { "",       "raster",     "vector",     "field",    "file_in",   "folder_in",
                                         "text",   "choice",     "i64",        "f64",      "bool",      "bytes",
                                         "extent", "raster_out", "vector_out", "file_out", "folder_out" };
    return type >= SAL_PARAM_RASTER && type <= SAL_PARAM_FOLDER_OUT ? names[type] : "";
}

static json_object *typed_default(sal_param_type type, const char *text, size_t length)
{
    char copy[256];
    double x;
    if (length >= sizeof copy) return json_object_new_string_len(text, (int)length);
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (type == SAL_PARAM_I64 && sal__parse_number(copy, &x)) return json_object_new_int64((int64_t)x);
    if (type == SAL_PARAM_F64 && sal__parse_number(copy, &x)) return sal_json_number(x);
    if (type == SAL_PARAM_BOOL) return json_object_new_boolean(strcmp(copy, "true") == 0 || strcmp(copy, "1") == 0);
    return json_object_new_string(copy);
}

/* "a|b|c" or "a,b,c" as an array. */
static json_object *split(sal_param_type type, const char *text, const char *separator)
{
    json_object *array = json_object_new_array();
    while (array && *text) {
        size_t n = strcspn(text, separator);
        json_object_array_add(array, typed_default(type, text, n));
        text += n + (text[n] != '\0');
    }
    return array;
}

static sal_status describe_default(sal_context *ctx, const sal_param *row, json_object *out)
{
    const char *text = row->default_value;
    if (!text) return sal_json_add_text(ctx, out, "default", NULL);
    return sal_json_add(ctx, out, "default",
                        row->flags & SAL_LIST ? split(row->type, text, ",")
                                              : typed_default(row->type, text, strlen(text)));
}

static sal_status describe_bounds(sal_context *ctx, const sal_param *row, json_object *out)
{
    if (row->bounds[0] == 0 && row->bounds[1] == 0) return sal_json_add_text(ctx, out, "bounds", NULL);
    json_object *pair = json_object_new_array();
    for (int i = 0; pair && i < 2; i++) {
        bool whole = row->type == SAL_PARAM_I64 || row->type == SAL_PARAM_BYTES;
        json_object_array_add(pair,
                              whole ? json_object_new_int64((int64_t)row->bounds[i]) : sal_json_number(row->bounds[i]));
    }
    return sal_json_add(ctx, out, "bounds", pair);
}

static sal_status describe_param(sal_context *ctx, const sal_param *row, json_object *list)
{
    sal_status status = SAL_STATUS_OK;
    json_object *out = json_object_new_object();
    SAL_TRY(sal_json_add_text(ctx, out, "key", row->key));
    SAL_TRY(sal_json_add_text(ctx, out, "type", sal__param_type_text(row->type)));
    SAL_TRY(sal_json_add_text(ctx, out, "label", row->label ? row->label : row->key));
    SAL_TRY(sal_json_add_text(ctx, out, "help", row->help ? row->help : ""));
    SAL_TRY(sal_json_add_text(ctx, out, "unit", row->unit));
    SAL_TRY(describe_default(ctx, row, out));
    SAL_TRY(describe_bounds(ctx, row, out));
    SAL_TRY(sal_json_add(ctx, out, "required", json_object_new_boolean((row->flags & SAL_REQUIRED) != 0)));
    SAL_TRY(sal_json_add(ctx, out, "made", json_object_new_boolean((row->flags & (SAL_REQUIRED | SAL_MADE)) != 0)));
    SAL_TRY(sal_json_add(ctx, out, "advanced", json_object_new_boolean((row->flags & SAL_ADVANCED) != 0)));
    SAL_TRY(sal_json_add(ctx, out, "list", json_object_new_boolean((row->flags & SAL_LIST) != 0)));
    if (row->choices)
        SAL_TRY(sal_json_add(ctx, out, "choices", split(SAL_PARAM_TEXT, row->choices, "|")));
    else
        SAL_TRY(sal_json_add_text(ctx, out, "choices", NULL));
    SAL_TRY(sal_json_add_text(ctx, out, "parent", row->parent));
    SAL_TRY(sal_json_add_text(ctx, out, "extension", row->extension));
    if (json_object_array_add(list, json_object_get(out)) != 0) {
        json_object_put(out);
        SAL_TRY(sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while describing %s", row->key));
    }
done:
    json_object_put(out);
    return status;
}

static sal_status describe_result(sal_context *ctx, const sal_result_row *row, json_object *list)
{
    sal_status status = SAL_STATUS_OK;
    json_object *out = json_object_new_object();
    SAL_TRY(sal_json_add_text(ctx, out, "key", row->key));
    SAL_TRY(sal_json_add_text(ctx, out, "label", row->label));
    SAL_TRY(sal_json_add(ctx, out, "number", json_object_new_boolean(row->is_number)));
    if (json_object_array_add(list, json_object_get(out)) != 0) {
        json_object_put(out);
        SAL_TRY(sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while describing %s", row->key));
    }
done:
    json_object_put(out);
    return status;
}

sal_status sal__operation_describe(sal_context *ctx, const sal_operation *operation, json_object **out)
{
    sal_status status = SAL_STATUS_OK;
    json_object *object = json_object_new_object(), *params = json_object_new_array(),
                *results = json_object_new_array();
    *out = NULL;
    if (!params || !results)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while describing \"%s\"", operation->id));
    SAL_TRY(sal_json_add_text(ctx, object, "id", operation->id));
    SAL_TRY(sal_json_add_text(ctx, object, "title", operation->title));
    SAL_TRY(sal_json_add_text(ctx, object, "summary", operation->summary ? operation->summary : ""));
    SAL_TRY(sal_json_add_text(ctx, object, "help", operation->help ? operation->help : ""));
    SAL_TRY(sal_json_add_text(ctx, object, "tags", operation->tags ? operation->tags : ""));
    for (int64_t i = 0; sal__operation_row(operation, i); i++)
        SAL_TRY(describe_param(ctx, sal__operation_row(operation, i), params));
    for (const sal_result_row *row = operation->results; row && row->key; row++)
        SAL_TRY(describe_result(ctx, row, results));
    SAL_TRY(sal_json_add(ctx, object, "params", json_object_get(params)));
    SAL_TRY(sal_json_add(ctx, object, "results", json_object_get(results)));
    *out = json_object_get(object);
done:
    json_object_put(object);
    json_object_put(params);
    json_object_put(results);
    return status;
}
