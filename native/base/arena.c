/* arena.c - many small pieces that are freed together: blocks of 64 KiB in a list, a piece larger than a quarter block gets its own. */
#include "base.h"
#include <string.h>

enum { BLOCK_BYTES = 65536, HEADER_BYTES = 64 };

typedef struct block {
    struct block *next;
    size_t used, capacity; /* bytes after the header */
} block;

struct sal_arena {
    sal_context *ctx;
    block *blocks; /* the first is the one being filled */
};

_Static_assert(sizeof(block) <= HEADER_BYTES, "the header of a block has 64 bytes");

sal_status sal_arena_new(sal_context *ctx, sal_arena **out)
{
    sal_status status = sal_allocate(ctx, 1, sizeof **out, out);
    if (status == SAL_STATUS_OK) (*out)->ctx = ctx;
    return status;
}

static sal_status block_new(sal_arena *arena, size_t capacity, block **out)
{
    sal_status status = sal_allocate(arena->ctx, (int64_t)(capacity + HEADER_BYTES), 1, out);
    if (status == SAL_STATUS_OK) (*out)->capacity = capacity;
    return status;
}

sal_status sal_arena_allocate(sal_arena *arena, int64_t count, size_t size, void *out)
{
    char *piece = NULL;
    memcpy(out, &piece, sizeof piece);
    size_t bytes;
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) || bytes > PTRDIFF_MAX - 2 * BLOCK_BYTES)
        return sal_fail(arena->ctx, SAL_STATUS_MEMORY,
                        "cannot allocate %lld items of %zu bytes: more than this machine can address", (long long)count,
                        size);
    bytes = (bytes + 15) / 16 * 16;
    block *b = arena->blocks;
    if (!b || b->capacity - b->used < bytes) {
        bool large = bytes > BLOCK_BYTES / 4;
        sal_status status = block_new(arena, large ? bytes : BLOCK_BYTES, &b);
        if (status != SAL_STATUS_OK) return status;
        if (large && arena->blocks) { /* behind the block being filled, whose room stays in use */
            b->next = arena->blocks->next;
            arena->blocks->next = b;
        } else {
            b->next = arena->blocks;
            arena->blocks = b;
        }
    }
    piece = (char *)b + HEADER_BYTES + b->used;
    b->used += bytes;
    memcpy(out, &piece, sizeof piece);
    return SAL_STATUS_OK;
}

sal_status sal_arena_text(sal_arena *arena, const char *text, char **out)
{
    size_t n = strlen(text) + 1;
    sal_status status = sal_arena_allocate(arena, (int64_t)n, 1, out);
    if (status == SAL_STATUS_OK) memcpy(*out, text, n);
    return status;
}

void sal_arena_free(sal_arena *arena)
{
    if (!arena) return;
    sal_context *ctx = arena->ctx;
    for (block *b = arena->blocks; b;) {
        block *next = b->next;
        sal_release(ctx, b);
        b = next;
    }
    sal_release(ctx, arena);
}
