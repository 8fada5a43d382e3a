/* test_baseline_faults.c - the n-th allocation fails, for n = 1, 2, 3 ...: fitting, storing, restoring and predicting say so and leak nothing. */
#include "baselines_data.h"

static int64_t calls, fail_at, alive;

static void *allocate(void *user, size_t bytes)
{
    if (++calls == fail_at) return NULL;
    alive++;
    return aligned_alloc(64, (bytes + 127) / 64 * 64);
}

static void release(void *user, void *memory)
{
    alive -= memory != NULL;
    free(memory);
}

static sal_status all_of(sal_context *own, const sal_baseline_method *m, const sal_baseline_settings *settings)
{
    sal_status status = SAL_STATUS_OK;
    sal_baseline *b = NULL, *back = NULL;
    sal_tensors *t = NULL;
    static double out[N];
    SAL_TRY(sal_baseline_fit(own, m, settings, &rows, 1, &b));
    SAL_TRY(sal_tensors_new(own, &t));
    SAL_TRY(sal_baseline_store(b, t, "m/"));
    SAL_TRY(sal_baseline_restore(own, m, P, t, "m/", "model \"m\"", &back));
    SAL_TRY(sal_baseline_predict(own, back, N, x, out));
done:
    sal_baseline_free(b);
    sal_baseline_free(back);
    sal_tensors_free(t);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        const sal_baseline_method *m = sal_baseline_method_at(i);
        sal_context *own;
        sal_baseline_settings settings;
        sal_status status = SAL_STATUS_MEMORY;
        if (!available(m)) continue;
        assert_done(sal_baseline_tune(ctx, m, &rows, NULL, 1, &settings, NULL));
        if (strcmp(sal_baseline_method_id(m), "gradient_boosting") == 0) settings.value[1] = 5;
        assert_int_equal(sal_context_new(&own), 0);
        sal_context_set_threads(own, 1);
        sal_context_set_allocator(own, (sal_allocator){ allocate, release, NULL });
        for (fail_at = 1; status != SAL_STATUS_OK; fail_at++) {
            calls = alive = 0;
            sal_error_clear(own);
            status = all_of(own, m, &settings);
            if (status != SAL_STATUS_OK && status != SAL_STATUS_MEMORY) fail_msg("%s, allocation %d: %s", sal_baseline_method_id(m), (int)fail_at, sal_context_message(own));
            assert_int_equal(alive, 0);
            assert_true(fail_at < 500);
        }
        assert_true(fail_at > 5);
        sal_context_free(own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
