/* test_distribution.c - PIT, CRPS, QCP and interval score against hand-computed cases and a calibrated forecast. */
#include "train/distribution.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { Q = SAL_DISTRIBUTION_QUANTILES };
static sal_context *ctx;

static int setup(void **state)
{
    (void)state;
    return sal_context_new(&ctx);
}

static int teardown(void **state)
{
    (void)state;
    sal_context_free(ctx);
    return 0;
}

static void near(double a, double b)
{
    if (!(fabs(a - b) < 1e-12)) fail_msg("%.15g is not %.15g", a, b);
}

/* Quantiles of the uniform distribution on 0 .. 1. */
static void uniform(double q[Q])
{
    for (int32_t k = 0; k < Q; k++) q[k] = sal_distribution_share(k);
}

static void shares_are_the_ends_of_the_intervals(void **state)
{
    (void)state;
    const double shares[Q] = { 0.005, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.995 };
    for (int32_t k = 0; k < Q; k++) near(sal_distribution_share(k), shares[k]);
    near(sal_distribution_share(sal_distribution_lower(4)), 0.05);
    near(sal_distribution_share(sal_distribution_upper(4)), 0.95);
}

static void pit_is_the_share_below(void **state)
{
    (void)state;
    double q[Q];
    uniform(q);
    near(sal_distribution_pit(q, 0.3), 0.3);
    near(sal_distribution_pit(q, 0.25), 0.25); /* at a quantile */
    near(sal_distribution_pit(q, 0.93), 0.93);
    near(sal_distribution_pit(q, -1), 0.0025);
    near(sal_distribution_pit(q, 2), 0.9975);
    for (int k = 0; k < 4; k++) q[k] = 0; /* up to the 10 % quantile: no salt at all, F jumps from 0 to 0.1 */
    near(sal_distribution_pit(q, 0), 0.05);
    q[7] = q[8] = 0.6; /* 50 and 75 % */
    near(sal_distribution_pit(q, 0.6), 0.625);
}

static void crps_of_a_point_is_the_error_and_of_the_uniform_distribution_its_integral(void **state)
{
    (void)state;
    double q[Q];
    for (int k = 0; k < Q; k++) q[k] = 3;
    near(sal_distribution_crps(q, 3), 0);
    near(sal_distribution_crps(q, 1.5), 1.5);
    near(sal_distribution_crps(q, 5), 2);
    uniform(q);
    /* 1/12 for U(0, 1) at 0.5; here the last half per cent on either side is a jump: 2 (0.5^3 - 0.005^3) / 3 */
    near(sal_distribution_crps(q, 0.5), 2 * (0.125 - 1.25e-7) / 3);
    near(sal_distribution_crps(q, 2), (pow(0.995, 3) - 1.25e-7) / 3 + 1.005);
    near(sal_distribution_crps(q, -1), (pow(0.995, 3) - 1.25e-7) / 3 + 1.005);
    near(sal_distribution_crps(q, 0.3), (0.027 - 1.25e-7) / 3 + (0.343 - 1.25e-7) / 3);
}

static void four_samples_by_hand(void **state)
{
    (void)state;
    double q[4 * Q], y[4] = { 0, 0.3, 0.6, 0.97 }, pit[4];
    const int32_t group[4] = { 0, 0, 1, 1 };
    sal_distribution_scores s;
    for (int i = 0; i < 4; i++) uniform(q + i * Q);
    y[0] = q[2]; /* 0.05, on the limit: inside */
    assert_int_equal(sal_distribution_pits(ctx, 4, y, q, pit), SAL_STATUS_OK);
    sal_distribution_evaluate(4, y, q, pit, NULL, 0, &s);
    assert_int_equal(s.n, 4);
    near(s.qcp[2], 0.25), near(s.qcp[7], 0.5), near(s.qcp[12], 0.75), near(s.qcp[14], 1), near(s.qcp[1], 0);
    near(s.picp, 0.75);
    near(s.interval_score, 0.9 + 20 * 0.02 / 4);
    near(s.pit_mean, 0.48);
    near(s.pit[0], 0.25), near(s.pit[3], 0.25), near(s.pit[6], 0.25), near(s.pit[9], 0.25), near(s.pit[5], 0);
    sal_distribution_evaluate(4, y, q, pit, group, 1, &s);
    assert_int_equal(s.n, 2);
    near(s.picp, 0.5), near(s.pit_mean, 0.785), near(s.pit_sd, 0.37 / sqrt(2));
    near(s.interval_score, 0.9 + 20 * 0.02 / 2);
    near(s.crps, (sal_distribution_crps(q, 0.6) + sal_distribution_crps(q, 0.97)) / 2);
    sal_distribution_evaluate(4, y, q, pit, group, 2, &s);
    assert_true(s.n == 0 && isnan(s.crps) && isnan(s.qcp[3]) && isnan(s.pit_sd));
}

static void a_calibrated_forecast_is_flat_and_a_narrow_one_is_not(void **state)
{
    (void)state;
    enum { N = 20000 };
    double *q = malloc(N * Q * sizeof *q), *y = malloc(N * sizeof *y), *pit = malloc(N * sizeof *pit);
    sal_distribution_scores s, narrow;
    for (int64_t i = 0; i < N; i++) {
        uniform(q + i * Q);
        y[i] = sal_random_uniform(7, 1, (uint64_t)i);
    }
    assert_int_equal(sal_distribution_pits(ctx, N, y, q, pit), SAL_STATUS_OK);
    sal_distribution_evaluate(N, y, q, pit, NULL, 0, &s);
    for (int k = 0; k < SAL_PIT_BINS; k++) assert_true(fabs(s.pit[k] - 0.1) < 0.01);
    for (int32_t k = 0; k < Q; k++) assert_true(fabs(s.qcp[k] - sal_distribution_share(k)) < 0.012);
    assert_true(fabs(s.crps - 1.0 / 6) < 0.002 && fabs(s.pit_sd - sqrt(1.0 / 12)) < 0.004);
    for (int64_t i = 0; i < N * Q; i++) q[i] = 0.5 + (q[i] - 0.5) / 3;
    assert_int_equal(sal_distribution_pits(ctx, N, y, q, pit), SAL_STATUS_OK);
    sal_distribution_evaluate(N, y, q, pit, NULL, 0, &narrow);
    assert_true(narrow.crps > s.crps + 0.01 && narrow.interval_score > s.interval_score && narrow.pit_sd > 0.35);
    free(q);
    free(y);
    free(pit);
}

static void falling_or_missing_quantiles_are_refused(void **state)
{
    (void)state;
    double q[2 * Q], y[2] = { 0.2, 0.4 }, pit[2];
    uniform(q);
    uniform(q + Q);
    q[Q + 3] = 0.01;
    sal_error_clear(ctx);
    assert_int_equal(sal_distribution_pits(ctx, 2, y, q, pit), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "sample 2 of 2"));
    y[0] = NAN;
    sal_error_clear(ctx);
    assert_int_equal(sal_distribution_pits(ctx, 2, y, q, pit), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "sample 1 of 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_the_ends_of_the_intervals),
        cmocka_unit_test(pit_is_the_share_below),
        cmocka_unit_test(crps_of_a_point_is_the_error_and_of_the_uniform_distribution_its_integral),
        cmocka_unit_test(four_samples_by_hand),
        cmocka_unit_test(a_calibrated_forecast_is_flat_and_a_narrow_one_is_not),
        cmocka_unit_test(falling_or_missing_quantiles_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
