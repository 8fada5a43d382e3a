/* json.c - json-c with one clear sentence for every missing, mistyped or malformed field. */
#include "json.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void line_and_column(const char *text, int64_t at, int64_t *line, int64_t *column)
{
    *line = 1, *column = 1;
    for (int64_t i = 0; i < at; i++) {
        (*column)++;
        if (text[i] == '\n') (*line)++, *column = 1;
    }
}

sal_status sal_json_parse(sal_context *ctx, const char *text, int64_t length, const char *what, json_object **out)
{
    *out = NULL;
    if (length < 0 || length > INT32_MAX)
        return sal_fail(ctx, SAL_STATUS_DATA, "%s: a JSON text of %lld bytes is too long", what, (long long)length);
    json_tokener *tokener = json_tokener_new_ex(64);
    if (!tokener) return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while reading %s", what);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *object = json_tokener_parse_ex(tokener, text, (int)length);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error == json_tokener_continue) { /* a bare number ends only where the text ends */
        object = json_tokener_parse_ex(tokener, "", 1);
        error = json_tokener_get_error(tokener);
        if (error == json_tokener_success && !object && length == 0) error = json_tokener_error_parse_eof;
    }
    int64_t at = (int64_t)json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (error == json_tokener_success) {
        *out = object;
        return SAL_STATUS_OK;
    }
    json_object_put(object);
    int64_t line, column;
    line_and_column(text, at < length ? at : length, &line, &column);
    return sal_fail(ctx, SAL_STATUS_DATA, "%s: not valid JSON at line %lld, column %lld: %s", what, (long long)line,
                    (long long)column, json_tokener_error_desc(error));
}

static sal_status field(sal_context *ctx, json_object *object, const char *what, const char *key, json_object **out)
{
    if (!json_object_is_type(object, json_type_object))
        return sal_fail(ctx, SAL_STATUS_DATA, "%s: an object with \"%s\" is needed, found %s", what, key,
                        json_type_to_name(json_object_get_type(object)));
    if (!json_object_object_get_ex(object, key, out))
        return sal_fail(ctx, SAL_STATUS_DATA, "%s: \"%s\" is missing", what, key);
    return SAL_STATUS_OK;
}

static sal_status mistyped(sal_context *ctx, json_object *value, const char *what, const char *key, const char *wanted)
{
    return sal_fail(ctx, SAL_STATUS_DATA, "%s: \"%s\" must be %s, found %s", what, key, wanted,
                    json_type_to_name(json_object_get_type(value)));
}

static sal_status typed(sal_context *ctx, json_object *object, const char *what, const char *key, json_type type,
                        const char *wanted, json_object **out)
{
    json_object *value = NULL;
    *out = NULL;
    sal_status status = field(ctx, object, what, key, &value);
    if (status != SAL_STATUS_OK) return status;
    if (!json_object_is_type(value, type)) return mistyped(ctx, value, what, key, wanted);
    *out = value;
    return SAL_STATUS_OK;
}

sal_status sal_json_text(sal_context *ctx, json_object *object, const char *what, const char *key, const char **out)
{
    json_object *value;
    *out = NULL;
    sal_status status = typed(ctx, object, what, key, json_type_string, "a text", &value);
    if (status == SAL_STATUS_OK) *out = json_object_get_string(value);
    return status;
}

sal_status sal_json_f64(sal_context *ctx, json_object *object, const char *what, const char *key, double *out)
{
    json_object *value = NULL;
    *out = NAN;
    sal_status status = field(ctx, object, what, key, &value);
    if (status != SAL_STATUS_OK) return status;
    if (!json_object_is_type(value, json_type_double) && !json_object_is_type(value, json_type_int))
        return mistyped(ctx, value, what, key, "a number");
    *out = json_object_get_double(value);
    return SAL_STATUS_OK;
}

sal_status sal_json_i64(sal_context *ctx, json_object *object, const char *what, const char *key, int64_t *out)
{
    json_object *value;
    *out = 0;
    sal_status status = typed(ctx, object, what, key, json_type_int, "a whole number", &value);
    if (status == SAL_STATUS_OK) *out = json_object_get_int64(value);
    return status;
}

sal_status sal_json_array(sal_context *ctx, json_object *object, const char *what, const char *key, json_object **out)
{
    return typed(ctx, object, what, key, json_type_array, "a list", out);
}

sal_status sal_json_object(sal_context *ctx, json_object *object, const char *what, const char *key, json_object **out)
{
    return typed(ctx, object, what, key, json_type_object, "an object", out);
}

static sal_status no_memory(sal_context *ctx, const char *key)
{
    return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while writing \"%s\" into a JSON object", key);
}

/* `made` tells a null value (wanted) from one that could not be allocated. */
static sal_status put(sal_context *ctx, json_object *object, const char *key, json_object *value, bool made)
{
    if (!object || !made || json_object_object_add(object, key, value) != 0) {
        json_object_put(value);
        return no_memory(ctx, key);
    }
    return SAL_STATUS_OK;
}

sal_status sal_json_add_text(sal_context *ctx, json_object *object, const char *key, const char *value)
{
    json_object *made = value ? json_object_new_string(value) : NULL;
    return put(ctx, object, key, made, made || !value);
}

/* json-c alone would write 0.9 as 0.90000000000000002. A host may have set a locale with a decimal comma. */
json_object *sal_json_number(double value)
{
    char text[40];
    if (!isfinite(value)) return NULL;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    char *comma = strchr(text, ',');
    if (comma) *comma = '.';
    if (!strpbrk(text, ".e")) strcat(text, ".0"); /* stays a double for the reader */
    return json_object_new_double_s(value, text);
}

sal_status sal_json_add_f64(sal_context *ctx, json_object *object, const char *key, double value)
{
    json_object *made = sal_json_number(value);
    return put(ctx, object, key, made, made || !isfinite(value));
}

sal_status sal_json_add_i64(sal_context *ctx, json_object *object, const char *key, int64_t value)
{
    json_object *made = json_object_new_int64(value);
    return put(ctx, object, key, made, made != NULL);
}

sal_status sal_json_add(sal_context *ctx, json_object *object, const char *key, json_object *value)
{
    return put(ctx, object, key, value, value != NULL);
}
