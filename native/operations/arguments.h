/* arguments.h - from the JSON a caller gives to checked arguments; for library.c, describe.c and the tests. */
#ifndef SAL_OPERATIONS_ARGUMENTS_H
#define SAL_OPERATIONS_ARGUMENTS_H

#include "operation.h"

/* The i-th parameter of an operation, its own rows first, then those that every operation has (`threads`); NULL after the last. */
const sal_param *sal__operation_row(const sal_operation *operation, int64_t i);

/* Checks a JSON object of parameters (NULL or "" is an empty one) against the rows: unknown keys, missing ones, types, bounds, choices,
 * input files that do not exist, an output that would overwrite an input or another output, folders that take no files. ARGUMENT or
 * IO; nothing is left on disk. The caller frees. */
sal_status sal__arguments_new(sal_context *ctx, const sal_operation *operation, const char *parameters,
                              sal_arguments **out);
void sal__arguments_free(sal_arguments *arguments);

/* The operation nearest in spelling to `id`, or NULL when none is near. */
const char *sal__nearest(const char *word, const char *(*candidate)(const void *list, int64_t i), const void *list);

/* "2GiB", "500 MB", "1e6": bytes, or -1. */
int64_t sal__parse_bytes(const char *text);
/* A whole text as a finite number whatever the locale; false otherwise. */
bool sal__parse_number(const char *text, double *out);

/* One operation as a JSON object: id, title, summary, help, tags, params, results. MEMORY only. */
sal_status sal__operation_describe(sal_context *ctx, const sal_operation *operation, json_object **out);
/* Lower-case word of a type: "raster", "file_in". */
const char *sal__param_type_text(sal_param_type type);
bool sal__param_is_input(sal_param_type type);
bool sal__param_is_output(sal_param_type type);

/* Runs an operation with a clean error and log, adds operation, version, started, seconds and log to its result, and keeps the result in
 * the context. */
sal_status sal__operation_execute(sal_context *ctx, const sal_operation *operation, const char *parameters,
                                  const char **result);

#endif
