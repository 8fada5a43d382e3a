/* test_mean_factor.c - the mean from the centre of the log scale: values by hand, no bias where residuals widen, little trust in a wild residual,
 * and scores that are not perfect by construction. */
#include "train/mean_factor.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { N = 4000, FOLDS = 5 };
static sal_context *ctx;
static double observed[N], centre[N];
static int32_t fold[N];

static int setup(void **state)
{
    for (int32_t i = 0; i < N; i++) fold[i] = i % FOLDS;
    return sal_context_new(&ctx);
}

static int teardown(void **state)
{
    sal_context_free(ctx);
    return 0;
}

static sal_mean_scores score(int64_t n, bool log1p)
{
    sal_mean_scores s;
    assert_int_equal(sal_mean_scores_compute(ctx, n, observed, centre, fold, FOLDS, log1p, &s), SAL_STATUS_OK);
    return s;
}

/* Duan (1983). */
static double duan(int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += exp(log1p(observed[i]) - centre[i]) / (double)n;
    return sum;
}

static void values_by_hand(void **state)
{
    const double y[5] = { 1, 3, 0, 7, 4 }, c[5] = { 0, 1, 2, 3, 1 }; /* c = log(1 + value) */
    double below = 0;
    for (int i = 0; i < 5; i++) observed[i] = y[i], centre[i] = log(1 + c[i]), below += 1 + c[i];
    sal_mean_scores s = score(5, true);
    assert_true(fabs(s.factor - 20 / below) < 1e-12); /* sum(1 + y) = 20, sum(1 + c) = 12 */
    assert_true(fabs(sal_mean_of_centre(s.factor, true, log(3)) - (3 * s.factor - 1)) < 1e-12);
    assert_true(sal_mean_of_centre(1, true, -0.5) == 0 && fabs(sal_mean_of_centre(1.5, true, -0.5) - 0.5) < 1e-15); /* a median below 0 counts as 0 */
    double bias = 0; /* every sample is a fold: its factor comes from the other four */
    for (int i = 0; i < 5; i++) bias += ((20 - 1 - y[i]) / (below - 1 - c[i]) * (1 + c[i]) - 1 - y[i]) / 5;
    assert_true(fabs(s.metrics[SAL_METRIC_BIAS] - bias) < 1e-12 && fabs(bias) > 0.01);
}

static void without_a_transform_the_mean_is_the_centre(void **state)
{
    const double y[5] = { 1, 3, 0, 7, 4 }, c[5] = { 0, 1, 2, 3, 1 };
    for (int i = 0; i < 5; i++) observed[i] = y[i], centre[i] = c[i];
    sal_mean_scores s = score(5, false);
    assert_true(s.factor == 1 && fabs(s.metrics[SAL_METRIC_BIAS] - (7.0 - 15) / 5) < 1e-12);
    assert_true(sal_mean_of_centre(s.factor, false, 2.5) == 2.5 && sal_mean_of_centre(s.factor, false, -1) == 0);
}

/* Log-normal around the centre; the spread grows with it by `widening`. */
static void simulate(double widening)
{
    for (int64_t i = 0; i < N; i++) {
        centre[i] = 1.5 + 0.7 * sal_random_normal(1, 0, (uint64_t)i);
        double sd = 0.4 + widening * (centre[i] - 1.5);
        observed[i] = fmax(expm1(centre[i] + fmax(sd, 0.05) * sal_random_normal(2, 0, (uint64_t)i)), 0);
    }
}

static void even_residuals_give_the_factor_of_the_log_normal(void **state)
{
    simulate(0);
    sal_mean_scores s = score(N, true);
    assert_true(fabs(s.factor - exp(0.4 * 0.4 / 2)) < 0.02);
    assert_true(fabs(s.factor - duan(N)) < 0.02);
    assert_true(fabs(s.metrics[SAL_METRIC_BIAS]) < 0.05);
}

static void no_bias_is_left_where_residuals_widen_with_the_value(void **state)
{
    double mean = 0, plain = 0, below = 0;
    simulate(0.3);
    sal_mean_scores s = score(N, true);
    for (int64_t i = 0; i < N; i++) {
        mean += observed[i] / N;
        below += (fmax(expm1(centre[i]), 0) - observed[i]) / N;
        plain += (sal_mean_of_centre(duan(N), true, centre[i]) - observed[i]) / N;
    }
    print_message("mean %.2f; bias of the centre %.3f, with Duan's factor %.3f, with the ratio %.3f\n", mean, below, plain, s.metrics[SAL_METRIC_BIAS]);
    assert_true(below < -0.1 * mean && plain < -0.05 * mean);
    assert_true(fabs(s.metrics[SAL_METRIC_BIAS]) < 0.01 * mean);
}

static void one_wild_residual_of_a_fresh_sample_moves_little(void **state)
{
    simulate(0);
    int64_t least = 0, n = 100;
    for (int64_t i = 1; i < n; i++) least = centre[i] < centre[least] ? i : least;
    double before = score(n, true).factor, duan_before = duan(n);
    observed[least] = expm1(centre[least] + 3.5); /* 33 times what was predicted: a crust, or a slip of the pen */
    double by_ratio = score(n, true).factor - before, by_duan = duan(n) - duan_before;
    assert_true(by_duan > 0.25 && by_ratio > 0 && by_ratio < 0.25 * by_duan);
}

static void numbers_that_are_none_are_refused(void **state)
{
    simulate(0);
    sal_mean_scores s;
    observed[3] = NAN;
    assert_int_equal(sal_mean_scores_compute(ctx, N, observed, centre, fold, FOLDS, true, &s), SAL_STATUS_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(without_a_transform_the_mean_is_the_centre),
        cmocka_unit_test(even_residuals_give_the_factor_of_the_log_normal),
        cmocka_unit_test(no_bias_is_left_where_residuals_widen_with_the_value),
        cmocka_unit_test(one_wild_residual_of_a_fresh_sample_moves_little),
        cmocka_unit_test(numbers_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
