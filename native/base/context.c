/* context.c - the context and its error message.
 *
 * The first message since sal_error_clear wins: the failure that is nearest to its cause speaks, later and vaguer ones are silent.
 * The message lives in a fixed buffer, so that reporting "out of memory" needs no memory.
 */
#include "context.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

/* Large blocks ask for large pages: a walk over many megabytes then misses few translations (training: some percent faster in a virtual machine). */
enum { LARGE_PAGE = 2 << 20 };

static void *default_allocate(void *user SAL_UNUSED, size_t bytes)
{
    size_t unit = bytes >= 2 * LARGE_PAGE ? LARGE_PAGE : 64, whole = (bytes + unit - 1) / unit * unit;
    void *memory = aligned_alloc(unit, whole);
#ifdef MADV_HUGEPAGE
    if (memory && unit == LARGE_PAGE) madvise(memory, whole, MADV_HUGEPAGE); /* may be refused: then pages stay small */
#endif
    return memory;
}

static void default_release(void *user SAL_UNUSED, void *memory) { free(memory); }

int32_t sal_context_new(sal_context **out)
{
    *out = NULL;
    sal_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return SAL_STATUS_MEMORY;
    ctx->allocator = (sal_allocator){ default_allocate, default_release, NULL };
    atomic_init(&ctx->cancelled, false);
    *out = ctx;
    return SAL_STATUS_OK;
}

static void drop_texts(sal_context *ctx)
{
    sal_log_clear(ctx);
    sal_release(ctx, ctx->log);
    sal_release(ctx, ctx->operations_json);
    sal_release(ctx, ctx->result_json);
    ctx->log = NULL;
    ctx->log_capacity = 0;
    ctx->operations_json = ctx->result_json = NULL;
}

void sal_context_free(sal_context *context)
{
    if (!context) return;
    drop_texts(context);
    sal__pool_free(context->pool);
    free(context);
}

/* What the context keeps was given by the allocator before, so it goes back there first. */
void sal_context_set_allocator(sal_context *ctx, sal_allocator allocator)
{
    drop_texts(ctx);
    ctx->allocator = allocator;
}

const char *sal_context_message(const sal_context *context) { return context ? context->message : ""; }

void sal_context_set_progress(sal_context *context, sal_progress_callback callback, void *user)
{
    context->callback = callback;
    context->callback_user = user;
}

int32_t sal_context_set_threads(sal_context *context, int32_t threads)
{
    if (threads < 0 || threads > SAL__THREADS_MOST) {
        sal_error_clear(context);
        return sal_fail(context, SAL_STATUS_ARGUMENT, "threads is %d; give 1 to %d, or 0 for one per core", threads,
                        SAL__THREADS_MOST);
    }
    context->threads = threads;
    return SAL_STATUS_OK;
}

void sal__context_begin(sal_context *ctx)
{
    sal_error_clear(ctx);
    sal_log_clear(ctx);
    atomic_store(&ctx->cancelled, false);
    ctx->fraction = 0;
    ctx->reported_at = 0;
    ctx->depth = 0;
}

/* ---- errors ---- */

/* A message cut by the buffer must not end in half a UTF-8 character. */
static void trim_utf8(char *text)
{
    size_t n = strlen(text);
    size_t lead = n;
    while (lead > 0 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80) lead--;
    if (lead == 0) return;
    unsigned char c = (unsigned char)text[lead - 1];
    size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
    if (n - (lead - 1) < need) text[lead - 1] = '\0';
}

sal_status sal_fail(sal_context *ctx, sal_status status, const char *format, ...)
{
    if (status == SAL_STATUS_OK) status = SAL_STATUS_INTERNAL;
    if (!ctx || ctx->message[0]) return status;
    va_list list;
    va_start(list, format);
    vsnprintf(ctx->message, sizeof ctx->message, format, list);
    va_end(list);
    trim_utf8(ctx->message);
    return status;
}

sal_status sal_fail_prefix(sal_context *ctx, sal_status status, const char *format, ...)
{
    if (!ctx) return status;
    char rest[SAL__MESSAGE_BYTES];
    memcpy(rest, ctx->message, sizeof rest);
    va_list list;
    va_start(list, format);
    int n = vsnprintf(ctx->message, sizeof ctx->message, format, list);
    va_end(list);
    if (n < 0 || !rest[0]) n = (int)strlen(ctx->message);
    if ((size_t)n < sizeof ctx->message && rest[0]) {
        bool parted = n == 0 || ctx->message[n - 1] == ' ';
        snprintf(ctx->message + n, sizeof ctx->message - (size_t)n, "%s%s", parted ? "" : ": ", rest);
    }
    trim_utf8(ctx->message);
    return status;
}

void sal_error_clear(sal_context *ctx) { ctx->message[0] = '\0'; }
