/* base.h - what every file of libsalina needs: errors, memory, threads, random numbers, progress, text.
 *
 * A function that can fail returns sal_status and has written one clear sentence into the context: what is wrong, with
 * names and numbers, and what to do. SAL_TRY and one `done:` label carry it out.
 */
#ifndef SAL_BASE_H
#define SAL_BASE_H

#include <salina/salina.h>
#include <stdarg.h>
#include <stdbool.h>

#if defined(__GNUC__)
#define SAL_PRINTF(a, b) __attribute__((format(printf, a, b)))
#define SAL_UNUSED __attribute__((unused))
#else
#define SAL_PRINTF(a, b)
#define SAL_UNUSED
#endif

/* ---- errors (context.c) ---------------------------------------------------------------------------------------- */

/* Records the message and returns `status`, so that a caller writes `return sal_fail(ctx, SAL_STATUS_DATA, "...")`. The first
 * message since the last sal_error_clear wins: a later, vaguer one does not hide the cause. */
sal_status sal_fail(sal_context *ctx, sal_status status, const char *format, ...) SAL_PRINTF(3, 4);
/* Puts words in front of the recorded message, such as the file that was being read; returns `status`. */
sal_status sal_fail_prefix(sal_context *ctx, sal_status status, const char *format, ...) SAL_PRINTF(3, 4);
void sal_error_clear(sal_context *ctx);

#define SAL_TRY(expr)                                                                                                  \
    do {                                                                                                               \
        status = (expr);                                                                                               \
        if (status != SAL_STATUS_OK) goto done;                                                                        \
    } while (0)

/* For our own mistakes: traps in a debug build, otherwise the enclosing function returns SAL_STATUS_INTERNAL. */
#ifdef SAL_DEBUG
#define SAL_ASSERT(ctx, condition)                                                                                     \
    do {                                                                                                               \
        if (!(condition)) __builtin_trap();                                                                            \
    } while (0)
#else
#define SAL_ASSERT(ctx, condition)                                                                                     \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return sal_fail((ctx), SAL_STATUS_INTERNAL, "%s:%d: %s does not hold; please report this", __FILE__,        \
                            __LINE__, #condition);                                                                     \
    } while (0)
#endif

/* ---- memory (memory.c) ----------------------------------------------------------------------------------------- */

/* All memory of the library goes through these hooks, so that a test can count allocations and fail the n-th. */
typedef struct sal_allocator {
    void *(*allocate)(void *user, size_t bytes); /* 64-byte aligned, NULL on failure */
    void (*release)(void *user, void *memory);
    void *user;
} sal_allocator;

void sal_context_set_allocator(sal_context *ctx, sal_allocator allocator);
/* `*out` receives count * size zeroed bytes, 64-byte aligned (a valid pointer for 0 bytes). Fails with MEMORY, overflow included. */
sal_status sal_allocate(sal_context *ctx, int64_t count, size_t size, void *out);
/* Grows (*memory, which may point to NULL) from old_count to new_count elements and zeroes the new ones. On failure nothing changes. */
sal_status sal_reallocate(sal_context *ctx, int64_t old_count, int64_t new_count, size_t size, void *memory);
/* NULL is allowed. */
void sal_release(sal_context *ctx, void *memory);
sal_status sal_text_copy(sal_context *ctx, const char *text, char **out);
/* A new text by printf rules, owned by the caller. */
sal_status sal_text_format(sal_context *ctx, char **out, const char *format, ...) SAL_PRINTF(3, 4);

/* A text that grows; zero-initialise. The first failure is kept and returned by sal_text_finish, appends after it do nothing. */
typedef struct sal_text {
    char *data; /* NUL-terminated, or NULL while empty */
    int64_t length, capacity;
    sal_status status;
} sal_text;
void sal_text_append(sal_context *ctx, sal_text *text, const char *format, ...) SAL_PRINTF(3, 4);
void sal_text_append_bytes(sal_context *ctx, sal_text *text, const char *bytes, int64_t length);
sal_status sal_text_finish(sal_context *ctx, sal_text *text, char **out); /* gives the buffer away, "" if empty */
void sal_text_free(sal_context *ctx, sal_text *text);

/* Many small pieces that are freed together. */
typedef struct sal_arena sal_arena;
sal_status sal_arena_new(sal_context *ctx, sal_arena **out);
sal_status sal_arena_allocate(sal_arena *arena, int64_t count, size_t size, void *out); /* zeroed, 16-byte aligned */
sal_status sal_arena_text(sal_arena *arena, const char *text, char **out);
void sal_arena_free(sal_arena *arena);

/* ---- threads (pool.c) ------------------------------------------------------------------------------------------ */

int32_t sal_context_threads(const sal_context *ctx); /* resolved, >= 1 */
/* Calls task(arg, chunk, worker) for every chunk in [0, chunks), spread over the context's threads; worker is in
 * [0, sal_context_threads). Chunks are cut by the caller from shapes alone, never from the number of threads, so that results keep
 * their bits. Nested calls run in the calling thread. Tasks must not fail, allocate, or call sal_fail. */
typedef void (*sal_pool_task)(void *arg, int64_t chunk, int32_t worker);
void sal_pool_run(sal_context *ctx, int64_t chunks, sal_pool_task task, void *arg);
/* The same for work that lasts: looks at the progress callback between chunks, and CANCELLED leaves the chunks that were not begun. */
sal_status sal_pool_try(sal_context *ctx, int64_t chunks, sal_pool_task task, void *arg);
/* Bounds of chunk i of n items cut into `chunks` nearly equal pieces. */
static inline int64_t sal_chunk_begin(int64_t items, int64_t chunks, int64_t i) { return items * i / chunks; }

/* ---- random numbers (random.c): a hash of (seed, stream, index), Philox4x32-10 (Salmon et al. 2011, SC11) -------- */

uint64_t sal_random_bits(uint64_t seed, uint64_t stream, uint64_t index);
double sal_random_uniform(uint64_t seed, uint64_t stream, uint64_t index); /* in (0, 1), never 0 or 1 */
double sal_random_normal(uint64_t seed, uint64_t stream, uint64_t index);  /* Box-Muller */
int64_t sal_random_below(uint64_t seed, uint64_t stream, uint64_t index, int64_t n); /* 0 .. n-1 */
void sal_random_shuffle(uint64_t seed, uint64_t stream, int64_t *values, int64_t n);   /* Fisher-Yates */
uint64_t sal_random_stream(const char *name, uint64_t a, uint64_t b); /* mixes a name and two numbers into a stream id */

/* ---- progress, cancel, log (progress.c, log.c) ------------------------------------------------------------------ */

/* Reports progress inside the current span and returns CANCELLED (with a message recorded) once the callback asked to stop.
 * Cheap: the callback is reached at most every 100 ms, unless there is a message. Main thread of the operation only. */
sal_status sal_progress(sal_context *ctx, double fraction, const char *format, ...) SAL_PRINTF(3, 4); /* format may be NULL */
/* Maps fractions reported until the matching pop into [from, to] of the current span. At most 16 deep. */
void sal_progress_push(sal_context *ctx, double from, double to);
void sal_progress_pop(sal_context *ctx);
/* Whether cancellation was asked for. Any thread. */
bool sal_cancelled(const sal_context *ctx);
/* The same from within a long task, having asked the callback again when this is the operation's own thread (worker 0) and 100 ms are over. */
bool sal_look(sal_context *ctx);
/* Keeps a line for the log of the running operation (result JSON, report) and shows it through the progress callback. */
void sal_log(sal_context *ctx, const char *format, ...) SAL_PRINTF(2, 3);
void sal_warn(sal_context *ctx, const char *format, ...) SAL_PRINTF(2, 3); /* the same, marked as a warning */
int64_t sal_log_count(const sal_context *ctx);
const char *sal_log_line(const sal_context *ctx, int64_t i, bool *is_warning);
void sal_log_clear(sal_context *ctx);

double sal_clock(void);                  /* monotonic seconds */
void sal_time_iso(char out[24]);         /* now, UTC, 2026-11-20T12:00:00Z */

/* ---- files (file.c) --------------------------------------------------------------------------------------------- */

/* An output that appears whole or not at all: write to sal_output_path (a name beside the target, same extension), then commit,
 * which renames over the target. Freeing without commit deletes the temporary file and its .aux.xml, .ovr, .msk, -wal, -shm
 * companions. Opening fails with IO where the folder is missing or read-only, naming it. */
typedef struct sal_output sal_output;
sal_status sal_output_new(sal_context *ctx, const char *target, sal_output **out);
const char *sal_output_path(const sal_output *output);
/* Brings what was written to the disk piece by piece, looking at the progress callback between pieces: the commit that follows takes no time.
 * Of several outputs, settle all before the first commit, for CANCELLED is possible here and not there. */
sal_status sal_output_settle(sal_output *output);
/* Moves the file and any companions into place. */
sal_status sal_output_commit(sal_output *output);
void sal_output_free(sal_output *output);
/* Writes a whole file atomically. */
sal_status sal_file_write(sal_context *ctx, const char *path, const void *bytes, int64_t length);
/* Reads a whole file; `*bytes` is owned by the caller and NUL-terminated past its end. */
sal_status sal_file_read(sal_context *ctx, const char *path, char **bytes, int64_t *length);
bool sal_file_exists(const char *path);
/* 64 hex digits of SHA-256 (FIPS 180-4) and a NUL. */
void sal_sha256(const void *bytes, int64_t length, char out[65]);
/* Of a file, with progress from 0 to 1 in the current span; can be cancelled. */
sal_status sal_file_sha256(sal_context *ctx, const char *path, char out[65]);
/* Tests compare both ways; returns whether the processor's extensions are in use now. */
bool sal__sha256_use_extensions(bool wanted);

#endif
