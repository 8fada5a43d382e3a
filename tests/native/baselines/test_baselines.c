/* test_baselines.c - every method of the table: learns, keeps its bits, tunes inside the fold, refuses what makes no sense, leaves the process alone. */
#include "baselines_data.h"

static double skill(const double *predicted)
{
    double mean = 0, sse = 0, sst = 0;
    for (int64_t i = 0; i < N; i++) mean += y[i] / N;
    for (int64_t i = 0; i < N; i++) sse += (predicted[i] - y[i]) * (predicted[i] - y[i]), sst += (y[i] - mean) * (y[i] - mean);
    return 1 - sse / sst;
}

static void every_method_is_described_and_learns(void **state)
{
    double out[N];
    assert_int_equal(sal_baseline_method_count(), 5);
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        const sal_baseline_method *m = sal_baseline_method_at(i);
        assert_ptr_equal(sal_baseline_method_find(sal_baseline_method_id(m)), m);
        assert_true(strlen(sal_baseline_method_title(m)) > 3 && strlen(sal_baseline_method_help(m)) > 10 && sal_baseline_setting_name(m, 0));
        if (!available(m)) continue;
        sal_baseline *b = fitted(m);
        predict(b, out);
        if (!(skill(out) > 0.7)) fail_msg("%s: R2 %g on its own training rows", sal_baseline_method_id(m), skill(out));
        sal_baseline_free(b);
    }
}

static void tuning_and_fit_give_the_same_bits_for_any_number_of_threads(void **state)
{
    static const int32_t threads[] = { 1, 2, 3, 8 };
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        const sal_baseline_method *m = sal_baseline_method_at(i);
        double first[N], out[N], error, first_error = 0;
        if (!available(m)) continue;
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            sal_baseline_settings s;
            sal_baseline *b;
            sal_context_set_threads(ctx, threads[t]);
            assert_done(sal_baseline_tune(ctx, m, &rows, &inner, 1, &s, &error));
            assert_done(sal_baseline_fit(ctx, m, &s, &rows, 1, &b));
            predict(b, out);
            sal_baseline_free(b);
            if (t == 0) {
                memcpy(first, out, sizeof out);
                first_error = error;
                assert_true(error > 0.1 && error < 2);
            }
            assert_memory_equal(first, out, sizeof out);
            assert_memory_equal(&first_error, &error, sizeof error);
        }
    }
}

static void another_seed_changes_only_what_is_random(void **state)
{
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        const sal_baseline_method *m = sal_baseline_method_at(i);
        sal_baseline *b = NULL, *c = NULL;
        double one[N], two[N];
        if (!available(m)) continue;
        b = fitted(m);
        assert_done(sal_baseline_fit(ctx, m, sal_baseline_settings_of(b), &rows, 2, &c));
        predict(b, one);
        predict(c, two);
        assert_int_equal(memcmp(one, two, sizeof one) != 0, sal_baseline_method_is_random(m));
        sal_baseline_free(b);
        sal_baseline_free(c);
    }
}

/* What is tested in no inner fold must not matter: a change of its target changes nothing that was tuned. */
static void tuning_sees_the_inner_folds_only(void **state)
{
    int32_t some[N];
    const sal_baseline_inner part = { K, some, train };
    memcpy(some, fold, sizeof some);
    uint8_t without[K * N];
    memcpy(without, train, sizeof without);
    for (int64_t i = 0; i < N; i += 5) {
        some[i] = -1;
        for (int64_t f = 0; f < K; f++) without[f * N + i] = 0;
    }
    const sal_baseline_inner hidden = { part.k, some, without };
    const sal_baseline_method *m = sal_baseline_method_find("ridge");
    double before, after, kept[N];
    sal_baseline_settings s;
    memcpy(kept, y, sizeof y);
    assert_done(sal_baseline_tune(ctx, m, &rows, &hidden, 1, &s, &before));
    for (int64_t i = 0; i < N; i += 5) y[i] += 1000;
    assert_done(sal_baseline_tune(ctx, m, &rows, &hidden, 1, &s, &after));
    memcpy(y, kept, sizeof y);
    assert_true(before == after);
}

static void a_constant_covariate_and_one_without_values_are_harmless(void **state)
{
    float kept[N * P];
    memcpy(kept, x, sizeof x);
    for (int64_t i = 0; i < N; i++) x[i * P + 5] = 4, x[i * P + 6] = NAN;
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        double out[N];
        if (!available(sal_baseline_method_at(i))) continue;
        sal_baseline *b = fitted(sal_baseline_method_at(i));
        predict(b, out);
        assert_true(skill(out) > 0.7);
        sal_baseline_free(b);
    }
    memcpy(x, kept, sizeof x);
}

static void assert_refused(const sal_baseline_method *m, const sal_baseline_settings *s, const sal_baseline_rows *r, int32_t expected, const char *part)
{
    sal_baseline *b;
    assert_int_equal(sal_baseline_fit(ctx, m, s, r, 1, &b), expected);
    assert_null(b);
    if (!strstr(sal_context_message(ctx), part)) fail_msg("\"%s\" does not say \"%s\"", sal_context_message(ctx), part);
    sal_error_clear(ctx);
}

static void senseless_requests_are_refused(void **state)
{
    static double same[N];
    const sal_baseline_rows constant = { N, P, x, same }, few = { 3, P, x, y };
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        const sal_baseline_method *m = sal_baseline_method_at(i);
        sal_baseline_settings s;
        if (!available(m)) continue;
        assert_done(sal_baseline_tune(ctx, m, &rows, NULL, 1, &s, NULL));
        assert_refused(m, &s, &constant, SAL_STATUS_DATA, "the same target value");
        assert_refused(m, &s, &few, SAL_STATUS_DATA, "too few");
        s.value[0] = -1;
        assert_refused(m, &s, &rows, SAL_STATUS_ARGUMENT, sal_baseline_setting_name(m, 0));
    }
    assert_null(sal_baseline_method_find("forest"));
}

static int32_t stop(void *user, double fraction, const char *message) { return 1; }

static void a_cancelled_fit_says_so(void **state)
{
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        const sal_baseline_method *m = sal_baseline_method_at(i);
        sal_baseline_settings s;
        if (!available(m)) continue;
        sal_context_set_progress(ctx, stop, NULL);
        ctx->reported_at = 0;
        assert_int_equal(sal_baseline_tune(ctx, m, &rows, &inner, 1, &s, NULL), SAL_STATUS_CANCELLED);
        assert_string_equal(sal_context_message(ctx), "cancelled");
        teardown(NULL);
        setup(NULL);
    }
}

#ifdef __x86_64__
#include <xmmintrin.h>
static uint32_t float_state(void) { return _mm_getcsr() & ~0x3fu; } /* without the flags that arithmetic raises */
#else
static uint32_t float_state(void) { return 0; }
#endif
int omp_get_max_threads(void) __attribute__((weak));

static void the_state_of_the_process_stays(void **state)
{
    uint32_t before = float_state();
    int threads = omp_get_max_threads ? omp_get_max_threads() : 0;
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        if (available(sal_baseline_method_at(i))) sal_baseline_free(fitted(sal_baseline_method_at(i)));
    }
    assert_int_equal(float_state(), before);
    if (omp_get_max_threads) assert_int_equal(omp_get_max_threads(), threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_is_described_and_learns),
        cmocka_unit_test(tuning_and_fit_give_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(another_seed_changes_only_what_is_random),
        cmocka_unit_test(tuning_sees_the_inner_folds_only),
        cmocka_unit_test(a_constant_covariate_and_one_without_values_are_harmless),
        cmocka_unit_test(senseless_requests_are_refused),
        cmocka_unit_test(a_cancelled_fit_says_so),
        cmocka_unit_test(the_state_of_the_process_stays),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
