/* context.h - the inside of sal_context, for the files of base/ and for operations/library.c, which keeps the texts that the
 * public interface lends. Everybody else uses the functions of base.h.
 */
#ifndef SAL_BASE_CONTEXT_H
#define SAL_BASE_CONTEXT_H

#include "base.h"
#include <stdatomic.h>

enum { SAL__MESSAGE_BYTES = 4096, SAL__SPANS = 16, SAL__THREADS_MOST = 256 };

typedef struct sal__log_line {
    char *text;
    bool is_warning;
} sal__log_line;

struct sal_context {
    sal_allocator allocator;
    char message[SAL__MESSAGE_BYTES]; /* fixed, so that reporting a failed allocation needs none */
    int32_t threads;                  /* as asked: 0 = one per available core */

    struct sal__pool *pool; /* made by the first run that can use it */
    int32_t pool_threads;

    sal_progress_callback callback;
    void *callback_user;
    atomic_bool cancelled;
    double fraction;                         /* last reported, never falls */
    double reported_at;                      /* sal_clock of the last call of the callback */
    int32_t depth;                           /* spans in use */
    double from[SAL__SPANS], to[SAL__SPANS]; /* as fractions of the whole */

    sal__log_line *log;
    int64_t log_count, log_capacity;

    char *operations_json; /* lent by sal_operations_json */
    char *result_json;     /* lent by sal_operation_run */
};

/* Starts a new operation: forgets error, log, spans, the last fraction and an earlier cancellation. */
void sal__context_begin(sal_context *ctx);
/* Whether the calling thread is inside a task of sal_pool_run. */
bool sal__pool_inside(void);
/* Whether the calling thread is one of the pool's own, not the one that runs the operation. */
bool sal__pool_helper(void);
void sal__pool_free(struct sal__pool *pool);

#endif
