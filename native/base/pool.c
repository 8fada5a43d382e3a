/* pool.c - chunks spread over threads that the context keeps.
 *
 * Own threads instead of OpenMP: a parallel region of libgomp ends when every thread has come, also those that got no chunk, so that a
 * busy machine makes each of thousands of short runs wait for the scheduler (a training ran 30 times slower beside two other
 * processes). Here the caller works through the chunks itself and waits only for those that another thread has begun. A claim is one
 * compare-and-swap on (generation, next chunk), so that a thread that comes late finds nothing and touches nothing.
 *
 * A nested call runs in the calling thread and keeps that thread's worker number, so scratch memory indexed by worker is never shared.
 */
#define _GNU_SOURCE
#include "context.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#define CLOSED 0xffffffffu /* a chunk number beyond every run */
enum {
    SPINS = 4000
}; /* pauses before a thread sleeps: about 50 us, longer than the gap between two runs of a training step */

typedef struct worker {
    struct sal__pool *pool;
    pthread_t thread;
    int32_t index;
} worker;

struct sal__pool {
    int32_t count; /* threads beside the caller */
    worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool stop;
    atomic_int asleep;
    _Atomic uint64_t claim; /* generation << 32 | next chunk */
    _Atomic int64_t chunks, finished;
    _Atomic(sal_pool_task) task;
    _Atomic(void *) arg;
};

static _Thread_local int32_t current_worker = -1; /* -1 outside a task */

bool sal__pool_inside(void) { return current_worker >= 0; }
bool sal__pool_helper(void) { return current_worker > 0; }

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

int32_t sal_context_threads(const sal_context *ctx)
{
    if (ctx->threads > 0) return ctx->threads;
    cpu_set_t set;
    int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return cores < 1 ? 1 : cores > SAL__THREADS_MOST ? SAL__THREADS_MOST : cores;
}

/* Works on chunks of one generation until none is left to claim. */
static void work(struct sal__pool *p, uint32_t generation, int32_t index)
{
    current_worker = index;
    uint64_t claim = atomic_load_explicit(&p->claim, memory_order_acquire);
    while ((uint32_t)(claim >> 32) == generation) {
        sal_pool_task task = atomic_load_explicit(&p->task, memory_order_acquire);
        void *arg = atomic_load_explicit(&p->arg, memory_order_acquire);
        int64_t chunk = (int64_t)(claim & 0xffffffffu);
        if (chunk >= atomic_load_explicit(&p->chunks, memory_order_acquire)) break;
        if (!atomic_compare_exchange_weak_explicit(&p->claim, &claim, claim + 1, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        task(arg, chunk, index);
        atomic_fetch_add_explicit(&p->finished, 1, memory_order_release);
        claim = atomic_load_explicit(&p->claim, memory_order_acquire);
    }
    current_worker = -1;
}

static uint32_t generation_of(struct sal__pool *p)
{
    return (uint32_t)(atomic_load_explicit(&p->claim, memory_order_acquire) >> 32);
}

static void sleep_until(struct sal__pool *p, uint32_t seen)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->asleep, 1);
    while ((uint32_t)(atomic_load(&p->claim) >> 32) == seen && !atomic_load(&p->stop))
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->asleep, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *live(void *arg)
{
    worker *w = arg;
    struct sal__pool *p = w->pool;
    uint32_t seen = 0;
    while (!atomic_load_explicit(&p->stop, memory_order_acquire)) {
        for (int i = 0; i < SPINS && generation_of(p) == seen; i++) relax();
        if (generation_of(p) == seen) sleep_until(p, seen);
        seen = generation_of(p);
        if (!atomic_load_explicit(&p->stop, memory_order_acquire)) work(p, seen, w->index);
    }
    return NULL;
}

void sal__pool_free(struct sal__pool *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, true);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int32_t i = 0; i < p->count; i++) pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p->workers);
    free(p);
}

/* A pool with fewer threads than asked, or none, still does all the work: threads are never a reason to fail. */
static struct sal__pool *pool_new(int32_t threads)
{
    struct sal__pool *p = calloc(1, sizeof *p);
    worker *workers = calloc((size_t)threads, sizeof *workers);
    if (!p || !workers) {
        free(p);
        free(workers);
        return NULL;
    }
    p->workers = workers;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes,
                              (size_t)8 << 20); /* OpenBLAS and oneDNN need more than small default stacks */
    for (int32_t i = 0; i < threads - 1; i++) {
        p->workers[i] = (worker){ .pool = p, .index = i + 1 };
        if (pthread_create(&p->workers[i].thread, &attributes, live, &p->workers[i]) != 0) break;
        p->count = i + 1;
    }
    pthread_attr_destroy(&attributes);
    return p;
}

/* The claim is closed under a generation of its own before the task changes: otherwise a thread that still holds the used-up claim of
 * the last run could compare it with the new number of chunks and begin a chunk too early. */
static void run_parallel(sal_context *ctx, struct sal__pool *p, int64_t chunks, sal_pool_task task, void *arg)
{
    uint32_t generation = generation_of(p) + 2;
    atomic_store(&p->claim, (uint64_t)(generation - 1) << 32 | CLOSED);
    atomic_store_explicit(&p->task, task, memory_order_release);
    atomic_store_explicit(&p->arg, arg, memory_order_release);
    atomic_store_explicit(&p->chunks, chunks, memory_order_release);
    atomic_store_explicit(&p->finished, 0, memory_order_relaxed);
    atomic_store(&p->claim, (uint64_t)generation << 32);
    if (atomic_load(&p->asleep) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
    work(p, generation, 0);
    for (int i = 0; atomic_load_explicit(&p->finished, memory_order_acquire) < chunks; i++) {
        if (i < SPINS)
            relax();
        else {
            sched_yield();
            sal_look(ctx); /* who cancels is heard while others finish, and tasks that look see it */
        }
    }
}

/* A single chunk is not counted as a task: what it calls may still spread. */
void sal_pool_run(sal_context *ctx, int64_t chunks, sal_pool_task task, void *arg)
{
    if (chunks <= 0) return;
    int32_t threads = sal_context_threads(ctx);
    bool alone = current_worker >= 0 || threads == 1 || chunks == 1 || chunks >= INT32_MAX;
    if (!alone && ctx->pool_threads != threads) {
        sal__pool_free(ctx->pool);
        ctx->pool = pool_new(threads);
        ctx->pool_threads = threads;
    }
    if (alone || !ctx->pool) {
        int32_t index = current_worker >= 0 ? current_worker : 0;
        for (int64_t i = 0; i < chunks; i++) task(arg, i, index);
        return;
    }
    run_parallel(ctx, ctx->pool, chunks, task, arg);
}

typedef struct attempt {
    sal_context *ctx;
    sal_pool_task task;
    void *arg;
} attempt;

static void unless_cancelled(void *arg, int64_t chunk, int32_t index)
{
    const attempt *a = arg;
    if (!sal_look(a->ctx)) a->task(a->arg, chunk, index);
}

sal_status sal_pool_try(sal_context *ctx, int64_t chunks, sal_pool_task task, void *arg)
{
    attempt a = { ctx, task, arg };
    sal_pool_run(ctx, chunks, unless_cancelled, &a);
    return sal_cancelled(ctx) ? sal_fail(ctx, SAL_STATUS_CANCELLED, "cancelled") : SAL_STATUS_OK;
}
