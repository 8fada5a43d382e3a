/* log.c - the lines of the running operation: kept for its result and report, shown through the progress callback.
 * A line that finds no memory is shown and not kept: a log never fails an operation.
 */
#include "context.h"
#include <stdio.h>

static void keep(sal_context *ctx, const char *line, bool is_warning)
{
    char before[SAL__MESSAGE_BYTES]; /* a failed allocation must not become the operation's error */
    snprintf(before, sizeof before, "%s", ctx->message);
    if (ctx->log_count == ctx->log_capacity) {
        int64_t capacity = ctx->log_capacity ? 2 * ctx->log_capacity : 32;
        if (sal_reallocate(ctx, ctx->log_capacity, capacity, sizeof *ctx->log, &ctx->log) != SAL_STATUS_OK)
            goto restore;
        ctx->log_capacity = capacity;
    }
    char *text;
    if (sal_text_copy(ctx, line, &text) != SAL_STATUS_OK) goto restore;
    ctx->log[ctx->log_count++] = (sal__log_line){ text, is_warning };
    return;
restore:
    snprintf(ctx->message, sizeof ctx->message, "%s", before);
}

static void show(sal_context *ctx, const char *line, bool is_warning)
{
    if (sal__pool_inside()) return;
    keep(ctx, line, is_warning);
    if (!ctx->callback) return;
    char marked[2100];
    snprintf(marked, sizeof marked, "%s%s", is_warning ? "Warning: " : "", line);
    ctx->reported_at = sal_clock();
    if (ctx->callback(ctx->callback_user, ctx->fraction, marked)) atomic_store(&ctx->cancelled, true);
}

void sal_log(sal_context *ctx, const char *format, ...)
{
    char line[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    show(ctx, line, false);
}

void sal_warn(sal_context *ctx, const char *format, ...)
{
    char line[2048];
    va_list list;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    show(ctx, line, true);
}

int64_t sal_log_count(const sal_context *ctx) { return ctx->log_count; }

const char *sal_log_line(const sal_context *ctx, int64_t i, bool *is_warning)
{
    if (i < 0 || i >= ctx->log_count) return NULL;
    if (is_warning) *is_warning = ctx->log[i].is_warning;
    return ctx->log[i].text;
}

void sal_log_clear(sal_context *ctx)
{
    for (int64_t i = 0; i < ctx->log_count; i++) sal_release(ctx, ctx->log[i].text);
    ctx->log_count = 0;
}
