/* memory.c - every allocation of the library, through the hooks of the context: zeroed, 64-byte aligned, overflow checked. */
#include "context.h"
#include <string.h>

sal_status sal_allocate(sal_context *ctx, int64_t count, size_t size, void *out)
{
    void *memory = NULL;
    memcpy(out, &memory, sizeof memory);
    size_t bytes;
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) || bytes > PTRDIFF_MAX - 64)
        return sal_fail(ctx, SAL_STATUS_MEMORY,
                        "cannot allocate %lld items of %zu bytes: more than this machine can address", (long long)count,
                        size);
    memory = ctx->allocator.allocate(ctx->allocator.user, bytes ? bytes : 1);
    if (!memory)
        return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory: %.1f MiB more were needed", (double)bytes / 1048576.0);
    memset(memory, 0, bytes ? bytes : 1);
    memcpy(out, &memory, sizeof memory);
    return SAL_STATUS_OK;
}

sal_status sal_reallocate(sal_context *ctx, int64_t old_count, int64_t new_count, size_t size, void *memory)
{
    void *old, *grown;
    memcpy(&old, memory, sizeof old);
    sal_status status = sal_allocate(ctx, new_count, size, &grown);
    if (status != SAL_STATUS_OK) return status;
    int64_t kept = old_count < new_count ? old_count : new_count;
    if (old && kept > 0) memcpy(grown, old, (size_t)kept * size);
    sal_release(ctx, old);
    memcpy(memory, &grown, sizeof grown);
    return SAL_STATUS_OK;
}

void sal_release(sal_context *ctx, void *memory)
{
    if (memory) ctx->allocator.release(ctx->allocator.user, memory);
}

sal_status sal_text_copy(sal_context *ctx, const char *text, char **out)
{
    size_t n = strlen(text) + 1;
    sal_status status = sal_allocate(ctx, (int64_t)n, 1, out);
    if (status == SAL_STATUS_OK) memcpy(*out, text, n);
    return status;
}
