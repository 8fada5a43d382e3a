/* wetness_tiles.c - tiles of the wetness index, the least recently used of which go to a nameless file when memory is short.
 */
#define _POSIX_C_SOURCE 200809L
#include "features/wetness_private.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

typedef struct slot {
    sal__wet_tile *tile;
    int64_t number, used; /* which tile; when it was last asked for */
    bool changed;         /* since it was read */
} slot;

struct sal__wet_tiles {
    sal_context *ctx;
    int64_t count, slots, most, clock;
    slot *slot;
    int64_t *where; /* (count) slot of a tile, -1 when it is not in memory */
    bool *saved;    /* (count) whether the file has it */
    char *output;
    int file; /* -1 before it is needed */
};

static int64_t slots_within(int64_t memory, int64_t count)
{
    int64_t n = memory / (int64_t)sizeof(sal__wet_tile);
    n = n < count ? n : count;
    return n > SAL__TILES_LEAST ? n : SAL__TILES_LEAST;
}

sal_status sal__wet_tiles_new(sal_context *ctx, int64_t rows, int64_t columns, int64_t memory, const char *output, sal__wet_tiles **out)
{
    sal_status status;
    sal__wet_tiles *t = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *t, &t));
    t->ctx = ctx;
    t->file = -1;
    t->count = ((rows + SAL__TILE - 1) / SAL__TILE) * ((columns + SAL__TILE - 1) / SAL__TILE);
    t->most = slots_within(memory, t->count);
    SAL_TRY(sal_text_copy(ctx, output, &t->output));
    SAL_TRY(sal_allocate(ctx, t->most, sizeof *t->slot, &t->slot));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *t->where, &t->where));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *t->saved, &t->saved));
    for (int64_t i = 0; i < t->count; i++) t->where[i] = -1;
    *out = t;
    t = NULL;
done:
    sal__wet_tiles_free(t);
    return status;
}

void sal__wet_tiles_free(sal__wet_tiles *t)
{
    if (!t) return;
    for (int64_t i = 0; i < t->slots; i++) sal_release(t->ctx, t->slot[i].tile);
    if (t->file >= 0) close(t->file);
    sal_release(t->ctx, t->slot);
    sal_release(t->ctx, t->where);
    sal_release(t->ctx, t->saved);
    sal_release(t->ctx, t->output);
    sal_release(t->ctx, t);
}

bool sal__wet_tiles_on_disk(const sal__wet_tiles *t) { return t->file >= 0; }

static sal_status fail_file(const sal__wet_tiles *t)
{
    return sal_fail(t->ctx, SAL_STATUS_IO,
                    "the working file of the wetness index (TWI) beside \"%s\", up to %lld MiB, failed: %s; make room there, raise max_memory or "
                    "leave TWI out of terrain",
                    t->output, (long long)((t->count * (int64_t)sizeof(sal__wet_tile)) >> 20),
                    errno == ENOSPC || errno == EDQUOT ? "the disk is full" : strerror(errno));
}

static sal_status open_file(sal__wet_tiles *t)
{
    char *path = NULL;
    sal_status status = sal_text_format(t->ctx, &path, "%s.partial-twi-%ld", t->output, (long)getpid());
    if (status != SAL_STATUS_OK) return status;
    t->file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (t->file < 0)
        status = fail_file(t);
    else
        unlink(path);
    sal_release(t->ctx, path);
    return status;
}

/* Reads or writes a whole tile. */
static sal_status move(sal__wet_tiles *t, int64_t number, sal__wet_tile *tile, bool write)
{
    char *at = (char *)tile;
    if (t->file < 0) {
        sal_status status = open_file(t);
        if (status != SAL_STATUS_OK) return status;
    }
    for (size_t done = 0; done < sizeof *tile;) {
        const off_t from = (off_t)(number * (int64_t)sizeof *tile + (int64_t)done);
        const ssize_t n = write ? pwrite(t->file, at + done, sizeof *tile - done, from) : pread(t->file, at + done, sizeof *tile - done, from);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0) errno = EIO;
        if (n <= 0) return fail_file(t);
        done += (size_t)n;
    }
    return SAL_STATUS_OK;
}

/* Takes the tile out of a slot. */
static sal_status empty(sal__wet_tiles *t, slot *s)
{
    if (s->changed) {
        sal_status status = move(t, s->number, s->tile, true);
        if (status != SAL_STATUS_OK) return status;
        t->saved[s->number] = true;
        s->changed = false;
    }
    t->where[s->number] = -1;
    return SAL_STATUS_OK;
}

static int64_t least_used(const sal__wet_tiles *t)
{
    int64_t least = 0;
    for (int64_t i = 1; i < t->slots; i++)
        if (t->slot[i].used < t->slot[least].used) least = i;
    return least;
}

/* A slot without a tile: a new one while there may be more, else that of the tile not asked for longest. */
static sal_status make_room(sal__wet_tiles *t, int64_t *at)
{
    sal_status status;
    if (t->slots < t->most) {
        SAL_TRY(sal_allocate(t->ctx, 1, sizeof *t->slot->tile, &t->slot[t->slots].tile));
        *at = t->slots++;
        return SAL_STATUS_OK;
    }
    *at = least_used(t);
    SAL_TRY(empty(t, &t->slot[*at]));
done:
    return status;
}

sal_status sal__wet_tiles_get(sal__wet_tiles *t, int64_t number, bool changed, sal__wet_tile **out)
{
    int64_t at = t->where[number];
    if (at < 0) {
        sal_status status = make_room(t, &at);
        if (status != SAL_STATUS_OK) return status;
        slot *s = &t->slot[at];
        s->changed = false;
        if (t->saved[number])
            status = move(t, number, s->tile, false);
        else
            for (int64_t i = 0; i < SAL__TILE_CELLS; i++) s->tile->z[i] = s->tile->index[i] = NAN;
        if (status != SAL_STATUS_OK) { /* the slot holds nothing then: let it be the last, and gone */
            sal_release(t->ctx, s->tile);
            *s = t->slot[--t->slots];
            if (at < t->slots) t->where[s->number] = at;
            return status;
        }
        s->number = number;
        t->where[number] = at;
    }
    t->slot[at].used = ++t->clock;
    t->slot[at].changed = t->slot[at].changed || changed;
    *out = t->slot[at].tile;
    return SAL_STATUS_OK;
}

sal_status sal__wet_tiles_shrink(sal__wet_tiles *t, int64_t memory)
{
    const int64_t most = slots_within(memory, t->count);
    if (most < t->most) t->most = most;
    while (t->slots > t->most) {
        const int64_t at = least_used(t);
        slot *s = &t->slot[at];
        sal_status status = empty(t, s);
        if (status != SAL_STATUS_OK) return status;
        sal_release(t->ctx, s->tile);
        *s = t->slot[--t->slots];
        if (at < t->slots) t->where[s->number] = at;
    }
    return SAL_STATUS_OK;
}

sal_status sal__wet_look_at(sal_wetness *w, int64_t tile, bool change_all, sal__wet_window *v)
{
    const int64_t ty = tile / w->across, tx = tile % w->across;
    for (int64_t k = 0; k < 9; k++) {
        const int64_t y = ty + k / 3 - 1, x = tx + k % 3 - 1;
        v->at[k / 3][k % 3] = NULL;
        v->number[k / 3][k % 3] = y * w->across + x;
        if (y < 0 || x < 0 || y >= w->down || x >= w->across) continue;
        sal_status status = sal__wet_tiles_get(w->tiles, y * w->across + x, change_all || k == 4, &v->at[k / 3][k % 3]);
        if (status != SAL_STATUS_OK) return status;
    }
    return SAL_STATUS_OK;
}
