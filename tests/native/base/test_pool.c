/* test_pool.c - every chunk once, workers in range and never shared, same bits with any number of threads. */
#include "base/base.h"
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { CHUNKS = 997, ITEMS = 100003 };

static const int32_t thread_counts[] = { 1, 2, 3, 8 };

static sal_context *context_with(int32_t threads)
{
    sal_context *ctx;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_context_set_threads(ctx, threads), SAL_STATUS_OK);
    return ctx;
}

typedef struct visits {
    atomic_int count[CHUNKS];
    atomic_int busy[256];
    atomic_int errors;
    int32_t threads;
} visits;

static void visit(void *arg, int64_t chunk, int32_t worker)
{
    visits *v = arg;
    if (worker < 0 || worker >= v->threads || atomic_exchange(&v->busy[worker], 1)) atomic_fetch_add(&v->errors, 1);
    atomic_fetch_add(&v->count[chunk], 1);
    volatile double x = 1;
    for (int i = 0; i < 200; i++) x = x * 1.0001;
    if (worker >= 0) atomic_store(&v->busy[worker], 0);
}

static void every_chunk_runs_once_and_no_worker_is_shared(void **state SAL_UNUSED)
{
    static visits v;
    for (size_t t = 0; t < sizeof thread_counts / sizeof *thread_counts; t++) {
        sal_context *ctx = context_with(thread_counts[t]);
        memset(&v, 0, sizeof v);
        v.threads = thread_counts[t];
        sal_pool_run(ctx, CHUNKS, visit, &v);
        assert_int_equal(atomic_load(&v.errors), 0);
        for (int i = 0; i < CHUNKS; i++) assert_int_equal(atomic_load(&v.count[i]), 1);
        sal_context_free(ctx);
    }
}

static void no_chunks_call_nothing(void **state SAL_UNUSED)
{
    sal_context *ctx = context_with(4);
    sal_pool_run(ctx, 0, NULL, NULL);
    sal_pool_run(ctx, -3, NULL, NULL);
    sal_context_free(ctx);
}

/* Partial sums by chunk, added in order of the chunks. */
typedef struct sums {
    float partial[CHUNKS];
} sums;

static void add_up(void *arg, int64_t chunk, int32_t worker SAL_UNUSED)
{
    sums *s = arg;
    float sum = 0;
    for (int64_t i = sal_chunk_begin(ITEMS, CHUNKS, chunk); i < sal_chunk_begin(ITEMS, CHUNKS, chunk + 1); i++)
        sum += (float)sal_random_normal(3, 4, (uint64_t)i);
    s->partial[chunk] = sum;
}

static void a_sum_has_the_same_bits_with_1_2_3_8_threads(void **state SAL_UNUSED)
{
    static sums s;
    uint32_t bits[4];
    for (size_t t = 0; t < 4; t++) {
        sal_context *ctx = context_with(thread_counts[t]);
        sal_pool_run(ctx, CHUNKS, add_up, &s);
        float total = 0;
        for (int i = 0; i < CHUNKS; i++) total += s.partial[i];
        memcpy(&bits[t], &total, sizeof total);
        assert_int_equal(bits[t], bits[0]);
        sal_context_free(ctx);
    }
}

enum { SHORT_RUNS = 200000 };

static void count_one(void *arg, int64_t chunk, int32_t worker SAL_UNUSED) { ((unsigned char *)arg)[chunk]++; }

/* Not atomic on purpose: two threads in one chunk, or a run that ends before its chunks, lose a count. */
static void short_runs_one_after_the_other_run_every_chunk_once(void **state SAL_UNUSED)
{
    sal_context *ctx = context_with(3);
    for (uint64_t run = 0; run < SHORT_RUNS; run++) {
        unsigned char count[64] = { 0 };
        int64_t chunks = 2 + sal_random_below(1, 2, run, 62);
        sal_pool_run(ctx, chunks, count_one, count);
        for (int64_t i = 0; i < 64; i++)
            if (count[i] != (i < chunks))
                fail_msg("run %d, chunk %d of %d ran %d times", (int)run, (int)i, (int)chunks, count[i]);
    }
    sal_context_free(ctx);
}

static void changing_the_number_of_threads_between_runs_is_safe(void **state SAL_UNUSED)
{
    static visits v;
    sal_context *ctx = context_with(2);
    for (int i = 0; i < 40; i++) {
        memset(&v, 0, sizeof v);
        v.threads = 1 + i % 5;
        assert_int_equal(sal_context_set_threads(ctx, v.threads), SAL_STATUS_OK);
        sal_pool_run(ctx, CHUNKS, visit, &v);
        assert_int_equal(atomic_load(&v.errors), 0);
        for (int k = 0; k < CHUNKS; k++) assert_int_equal(atomic_load(&v.count[k]), 1);
    }
    sal_context_free(ctx);
}

static void chunks_cover_all_items_without_overlap(void **state SAL_UNUSED)
{
    for (int64_t items = 0; items < 50; items++)
        for (int64_t chunks = 1; chunks < 20; chunks++) {
            assert_int_equal(sal_chunk_begin(items, chunks, 0), 0);
            assert_int_equal(sal_chunk_begin(items, chunks, chunks), items);
            for (int64_t i = 0; i < chunks; i++) {
                int64_t n = sal_chunk_begin(items, chunks, i + 1) - sal_chunk_begin(items, chunks, i);
                assert_true(n >= items / chunks && n <= items / chunks + 1);
            }
        }
}

typedef struct nest {
    sal_context *ctx;
    atomic_int wrong;
    atomic_int inner;
} nest;

typedef struct inner_call {
    nest *outer;
    int32_t worker;
    pthread_t thread;
} inner_call;

static void inner_task(void *arg, int64_t chunk SAL_UNUSED, int32_t worker)
{
    inner_call *call = arg;
    if (worker != call->worker || !pthread_equal(call->thread, pthread_self()))
        atomic_fetch_add(&call->outer->wrong, 1);
    atomic_fetch_add(&call->outer->inner, 1);
}

static void outer_task(void *arg, int64_t chunk SAL_UNUSED, int32_t worker)
{
    nest *n = arg;
    inner_call call = { n, worker, pthread_self() };
    sal_pool_run(n->ctx, 7, inner_task, &call);
}

static void nested_calls_stay_in_their_thread_and_keep_its_worker(void **state SAL_UNUSED)
{
    for (size_t t = 0; t < 4; t++) {
        nest n = { .ctx = context_with(thread_counts[t]) };
        sal_pool_run(n.ctx, 100, outer_task, &n);
        assert_int_equal(atomic_load(&n.inner), 700);
        if (thread_counts[t] > 1) assert_int_equal(atomic_load(&n.wrong), 0);
        sal_context_free(n.ctx);
    }
}

static void *own_context(void *arg)
{
    static _Thread_local visits v;
    sal_context *ctx = NULL;
    v.threads = 3;
    if (sal_context_new(&ctx) != SAL_STATUS_OK || sal_context_set_threads(ctx, 3) != SAL_STATUS_OK) return arg;
    sal_pool_run(ctx, CHUNKS, visit, &v);
    sal_context_free(ctx);
    for (int i = 0; i < CHUNKS; i++)
        if (atomic_load(&v.count[i]) != 1) return arg;
    return atomic_load(&v.errors) ? arg : NULL;
}

static void contexts_of_several_threads_work_at_once(void **state SAL_UNUSED)
{
    pthread_t threads[4];
    int mark;
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, own_context, &mark), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_runs_once_and_no_worker_is_shared),
        cmocka_unit_test(no_chunks_call_nothing),
        cmocka_unit_test(a_sum_has_the_same_bits_with_1_2_3_8_threads),
        cmocka_unit_test(short_runs_one_after_the_other_run_every_chunk_once),
        cmocka_unit_test(changing_the_number_of_threads_between_runs_is_safe),
        cmocka_unit_test(chunks_cover_all_items_without_overlap),
        cmocka_unit_test(nested_calls_stay_in_their_thread_and_keep_its_worker),
        cmocka_unit_test(contexts_of_several_threads_work_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
