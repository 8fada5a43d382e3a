/* json.h - the few helpers we put around json-c, so that a missing or mistyped field gives one clear sentence.
 * Values are json-c objects: `json_object_put` frees, adding to a parent gives the reference away. */
#ifndef SAL_BASE_JSON_H
#define SAL_BASE_JSON_H

#include "base.h"
#include <json-c/json.h>

/* Parses text; `what` names the text in messages ("the parameters", a file name). DATA with line context when malformed. */
sal_status sal_json_parse(sal_context *ctx, const char *text, int64_t length, const char *what, json_object **out);
/* Reads a field of an object. DATA when missing or of another type, naming `what` and `key`. Texts and objects are borrowed. */
sal_status sal_json_text(sal_context *ctx, json_object *object, const char *what, const char *key, const char **out);
sal_status sal_json_f64(sal_context *ctx, json_object *object, const char *what, const char *key, double *out);
sal_status sal_json_i64(sal_context *ctx, json_object *object, const char *what, const char *key, int64_t *out);
sal_status sal_json_array(sal_context *ctx, json_object *object, const char *what, const char *key, json_object **out);
sal_status sal_json_object(sal_context *ctx, json_object *object, const char *what, const char *key, json_object **out);
/* Adds fields. NaN and infinities become null. The first allocation failure is remembered by the object being NULL-safe:
 * these return MEMORY and record it. */
sal_status sal_json_add_text(sal_context *ctx, json_object *object, const char *key, const char *value);
sal_status sal_json_add_f64(sal_context *ctx, json_object *object, const char *key, double value);
sal_status sal_json_add_i64(sal_context *ctx, json_object *object, const char *key, int64_t value);
/* A number in the fewest digits that read back as the same double; NULL for NaN, infinities and when out of memory. */
json_object *sal_json_number(double value);
sal_status sal_json_add(sal_context *ctx, json_object *object, const char *key, json_object *value); /* takes value */

#endif
