/* library.c - the two public functions that list and run operations, and the table of operations.def behind them. */
#include "arguments.h"
#include "base/context.h"
#include <string.h>

#define SAL_OPERATION(id) extern const sal_operation sal_operation_##id;
#include "operations.def"
#undef SAL_OPERATION

static const sal_operation *const operations[] = {
#define SAL_OPERATION(id) &sal_operation_##id,
#include "operations.def"
#undef SAL_OPERATION
    NULL
};

int64_t sal_operation_count(void) { return (int64_t)(sizeof operations / sizeof *operations) - 1; }

const sal_operation *sal_operation_at(int64_t i) { return i >= 0 && i < sal_operation_count() ? operations[i] : NULL; }

const sal_operation *sal_operation_find(const char *id)
{
    for (int64_t i = 0; operations[i]; i++)
        if (strcmp(operations[i]->id, id) == 0) return operations[i];
    return NULL;
}

static const char *operation_id(const void *list SAL_UNUSED, int64_t i)
{
    return operations[i] ? operations[i]->id : NULL;
}

int32_t sal_operations_json(sal_context *context, const char **json)
{
    sal_context *ctx = context;
    sal_status status = SAL_STATUS_OK;
    json_object *list = json_object_new_array(), *entry = NULL;
    *json = NULL;
    sal_error_clear(ctx);
    if (!ctx->operations_json) {
        for (int64_t i = 0; operations[i]; i++) {
            SAL_TRY(sal__operation_describe(ctx, operations[i], &entry));
            json_object_array_add(list, entry);
        }
        const char *text =
            json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        if (!text) SAL_TRY(sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while listing the operations"));
        SAL_TRY(sal_text_copy(ctx, text, &ctx->operations_json));
    }
    *json = ctx->operations_json;
done:
    json_object_put(list);
    return status;
}

static sal_status add_log(sal_context *ctx, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    json_object *lines = json_object_new_array();
    for (int64_t i = 0; lines && i < sal_log_count(ctx); i++) {
        bool is_warning;
        const char *line = sal_log_line(ctx, i, &is_warning);
        json_object *entry = json_object_new_object();
        json_object_array_add(lines, entry);
        SAL_TRY(sal_json_add_text(ctx, entry, "text", line));
        SAL_TRY(sal_json_add(ctx, entry, "warning", json_object_new_boolean(is_warning)));
    }
    status = sal_json_add(ctx, result, "log", json_object_get(lines));
done:
    json_object_put(lines);
    return status;
}

sal_status sal__operation_execute(sal_context *ctx, const sal_operation *operation, const char *parameters,
                                  const char **result)
{
    sal_status status = SAL_STATUS_OK;
    sal_arguments *arguments = NULL;
    json_object *object = json_object_new_object();
    char started[24];
    double begun = sal_clock();
    int32_t threads = ctx->threads;
    *result = NULL;
    sal__context_begin(ctx);
    sal_release(ctx, ctx->result_json);
    ctx->result_json = NULL;
    sal_time_iso(started);
    SAL_TRY(sal__arguments_new(ctx, operation, parameters, &arguments));
    if (sal_argument_i64(arguments, "threads") > 0) ctx->threads = (int32_t)sal_argument_i64(arguments, "threads");
    SAL_TRY(sal_json_add_text(ctx, object, "operation", operation->id));
    SAL_TRY(sal_json_add_text(ctx, object, "version", sal_version()));
    SAL_TRY(sal_json_add_text(ctx, object, "started", started));
    SAL_TRY(operation->run(ctx, arguments, object));
    SAL_TRY(sal_json_add_f64(ctx, object, "seconds", sal_clock() - begun));
    SAL_TRY(add_log(ctx, object));
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    if (!text) SAL_TRY(sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while writing the result"));
    SAL_TRY(sal_text_copy(ctx, text, &ctx->result_json));
    ctx->depth = 0;
    sal_progress(ctx, 1, "%s: done", operation->title);
    sal_error_clear(ctx);
    *result = ctx->result_json;
done:
    if (status != SAL_STATUS_OK && !ctx->message[0])
        sal_fail(ctx, status, "%s: %s", operation->title, sal_status_text(status));
    ctx->threads = threads;
    atomic_store(&ctx->cancelled, false); /* the request was for this operation */
    sal__arguments_free(arguments);
    json_object_put(object);
    return status;
}

int32_t sal_operation_run(sal_context *context, const char *id, const char *parameters, const char **result)
{
    *result = NULL;
    sal_error_clear(context);
    if (!id) id = "";
    const sal_operation *operation = sal_operation_find(id);
    if (operation) return sal__operation_execute(context, operation, parameters, result);
    const char *near = sal__nearest(id, operation_id, NULL);
    if (near)
        return sal_fail(context, SAL_STATUS_ARGUMENT, "there is no operation \"%s\"; did you mean \"%s\"?", id, near);
    sal_text list = { 0 };
    for (int64_t i = 0; operations[i]; i++) sal_text_append(context, &list, "%s%s", i ? ", " : "", operations[i]->id);
    sal_status status = sal_fail(context, SAL_STATUS_ARGUMENT, "there is no operation \"%s\"; choose one of: %s", id,
                                 list.data ? list.data : "none");
    sal_text_free(context, &list);
    return status;
}
