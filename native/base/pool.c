/* pool.c - chunks spread over OpenMP threads.
 *
 * A nested call runs in the calling thread and keeps that thread's worker number, so scratch memory indexed by worker is never
 * shared by two threads. The number is thread-local and not omp_get_thread_num, which is 0 in an inner serial region.
 */
#include "context.h"
#include <omp.h>

static _Thread_local int32_t current_worker = -1; /* -1 outside a task */

bool sal__pool_inside(void) { return current_worker >= 0; }

int32_t sal_context_threads(const sal_context *ctx)
{
    if (ctx->threads > 0) return ctx->threads;
    int cores = omp_get_num_procs();
    return cores < 1 ? 1 : cores > SAL__THREADS_MOST ? SAL__THREADS_MOST : cores;
}

/* A single chunk is not counted as a task: what it calls may still spread. */
void sal_pool_run(sal_context *ctx, int64_t chunks, sal_pool_task task, void *arg)
{
    if (chunks <= 0) return;
    int32_t threads = sal_context_threads(ctx);
    if (current_worker >= 0 || threads == 1 || chunks == 1) {
        int32_t worker = current_worker >= 0 ? current_worker : 0;
        for (int64_t i = 0; i < chunks; i++) task(arg, i, worker);
        return;
    }
    if (threads > chunks) threads = (int32_t)chunks;
#pragma omp parallel num_threads(threads)
    {
        current_worker = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < chunks; i++) task(arg, i, current_worker);
        current_worker = -1;
    }
}
