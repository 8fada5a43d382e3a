/* test_baselines_cancel.c - one long fit of each method that another library does, cancelled in its middle: it answers within half a second. */
#include "baselines_data.h"

enum { MANY = 2500, WIDE = 30 };

typedef struct moment {
    double begun, after, asked; /* seconds; asked: when the callback said stop, 0 before */
} moment;

static int32_t stop_later(void *user, double fraction, const char *message)
{
    moment *m = user;
    if (sal_clock() - m->begun < m->after) return 0;
    if (!(m->asked > 0)) m->asked = sal_clock();
    return 1;
}

/* Seconds from the wish to the answer. */
static double answer(const sal_baseline_method *m, const sal_baseline_settings *s, const sal_baseline_rows *many, int32_t threads, double after)
{
    sal_baseline *b = NULL;
    moment at = { .begun = sal_clock(), .after = after };
    sal_context_set_threads(ctx, threads);
    sal_context_set_progress(ctx, stop_later, &at);
    sal_status status = sal_baseline_fit(ctx, m, s, many, 1, &b);
    double seconds = sal_clock() - at.asked;
    if (status != SAL_STATUS_CANCELLED) fail_msg("%s was over before it could be cancelled: status %d", sal_baseline_method_id(m), (int)status);
    assert_true(b == NULL && at.asked > 0);
    assert_string_equal(sal_context_message(ctx), "cancelled");
    sal_context_free(ctx);
    assert_int_equal(sal_context_new(&ctx), 0);
    return seconds;
}

static void long_fits_are_cancelled_within_half_a_second(void **state)
{
    static const struct {
        const char *id;
        sal_baseline_settings settings;
    } cases[] = { { "random_forest", { { 1, 1 } } }, { "gradient_boosting", { { 8, 10000 } } }, { "svr", { { 1e6, 0.002, 0.001 } } } };
    static float wide[MANY * WIDE];
    static double target[MANY];
    const sal_baseline_rows many = { MANY, WIDE, wide, target };
    for (int64_t i = 0; i < MANY; i++) {
        for (int64_t k = 0; k < WIDE; k++) wide[i * WIDE + k] = (float)sal_random_normal(3, (uint64_t)i, (uint64_t)k);
        target[i] = (double)wide[i * WIDE] + sin(3 * (double)wide[i * WIDE + 1]) + sal_random_normal(4, (uint64_t)i, 0);
    }
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const sal_baseline_method *m = sal_baseline_method_find(cases[c].id);
        if (!available(m)) continue;
        for (int32_t threads = 1; threads <= 2; threads++) {
            double best = INFINITY; /* of three: the machine may be busy with something else */
            for (int k = 0; k < 3 && !(best < 0.5); k++) best = fmin(best, answer(m, &cases[c].settings, &many, threads, 0.4 + 0.1 * k));
            if (!(best < 0.5)) fail_msg("%s with %d threads answers after %.2f s", cases[c].id, (int)threads, best);
            print_message("%s, %d threads: %.3f s\n", cases[c].id, (int)threads, best);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(long_fits_are_cancelled_within_half_a_second) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
