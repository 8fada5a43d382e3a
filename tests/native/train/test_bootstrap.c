/* test_bootstrap.c - weighted scores, sampling intensity and bootstrap bounds against hand-computed cases. */
#include "train/metrics.h"
#include "train/sampling.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static sal_context *ctx;
static int setup(void **state) { return sal_context_new(&ctx); }
static int teardown(void **state)
{
    sal_context_free(ctx);
    return 0;
}

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) fail_msg("%.15g is not %.15g", value, expected);
}

static void a_whole_weight_is_as_good_as_so_many_copies(void **state)
{
    const double o[] = { 1, 2, 4, 8 }, p[] = { 1.5, 1, 5, 6 }, w[] = { 2, 1, 3, 1 };
    const double o2[] = { 1, 1, 2, 4, 4, 4, 8 }, p2[] = { 1.5, 1.5, 1, 5, 5, 5, 6 };
    double a[SAL_METRIC_COUNT], b[SAL_METRIC_COUNT];
    assert_int_equal(sal_metrics_evaluate_weighted(ctx, 4, o, p, w, a), 0);
    assert_int_equal(sal_metrics_evaluate(ctx, 7, o2, p2, b), 0);
    const sal_metric same[] = { SAL_METRIC_R2, SAL_METRIC_R2_PEARSON, SAL_METRIC_RMSE, SAL_METRIC_MAE, SAL_METRIC_BIAS, SAL_METRIC_CCC };
    for (size_t k = 0; k < sizeof same / sizeof *same; k++) near(a[same[k]], b[same[k]], 1e-14);
    near(a[SAL_METRIC_MAE], (2 * 0.5 + 1 + 3 * 1 + 2) / 7, 1e-15); /* by hand */
    near(a[SAL_METRIC_BIAS], (2 * 0.5 - 1 + 3 * 1 - 2) / 7, 1e-15);
    near(a[SAL_METRIC_RMSE], sqrt((2 * 0.25 + 1 + 3 + 4) / 7), 1e-15);
}

static void equal_weights_change_nothing_and_quantiles_follow_the_weight(void **state)
{
    double o[40], p[40], w[40], a[SAL_METRIC_COUNT], b[SAL_METRIC_COUNT];
    for (int i = 0; i < 40; i++) o[i] = 5 + 4 * sin(i), p[i] = o[i] + cos(3 * i), w[i] = 0.3;
    assert_int_equal(sal_metrics_evaluate(ctx, 40, o, p, a), 0);
    assert_int_equal(sal_metrics_evaluate_weighted(ctx, 40, o, p, w, b), 0);
    for (int m = 0; m < SAL_METRIC_COUNT; m++) near(b[m], a[m], 1e-12 * (1 + fabs(a[m])));
    /* |e| 1, 2, 3 with weights 1, 1, 8: positions 0, 1, 5.5 of 5.5, the median at 2.75: 2 + 1.75 / 4.5 */
    const double zero[] = { 0, 0, 0 }, e[] = { 1, 2, 3 }, heavy[] = { 1, 1, 8 };
    assert_int_equal(sal_metrics_evaluate_weighted(ctx, 3, zero, e, heavy, a), 0);
    near(a[SAL_METRIC_MEDAE], 2 + 1.75 / 4.5, 1e-12);
    assert_true(isnan(a[SAL_METRIC_R2]));
    const double bad[] = { 1, -1, 1 }, none[] = { 0, 0, 0 };
    sal_error_clear(ctx);
    assert_int_equal(sal_metrics_evaluate_weighted(ctx, 3, zero, e, bad, a), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "weight 2 of 3 is -1"));
    sal_error_clear(ctx);
    assert_int_equal(sal_metrics_evaluate_weighted(ctx, 3, zero, e, none, a), SAL_STATUS_DATA);
}

static void intensity_equals_its_formula(void **state)
{
    const double x[] = { 0, 10, 100 }, y[] = { 0, 20, 50 }, gx[] = { 0, 50, 100 }, gy[] = { 0, 25, 50 };
    double w[3], h[2], expected[3], sum = 0;
    assert_int_equal(sal_sampling_weights(ctx, 3, x, y, 3, gx, gy, w, h), 0);
    near(h[0], sqrt((pow(0 - 110.0 / 3, 2) + pow(10 - 110.0 / 3, 2) + pow(100 - 110.0 / 3, 2)) / 2) / pow(3, 1.0 / 6), 1e-9);
    for (int i = 0; i < 3; i++) {
        double samples = 0, ground = 0;
        for (int j = 0; j < 3; j++) {
            samples += exp(-0.5 * (pow((x[i] - x[j]) / h[0], 2) + pow((y[i] - y[j]) / h[1], 2)));
            ground += exp(-0.5 * (pow((x[i] - gx[j]) / h[0], 2) + pow((y[i] - gy[j]) / h[1], 2)));
        }
        expected[i] = ground / samples;
        sum += expected[i];
    }
    for (int i = 0; i < 3; i++) near(w[i], 3 * expected[i] / sum, 1e-12);
    assert_true(w[2] > w[0] && w[2] > w[1]); /* the lone one */
    sal_error_clear(ctx);
    assert_int_equal(sal_sampling_weights(ctx, 3, x, gx, 0, gx, gy, w, h), SAL_STATUS_DATA);
    const double line[] = { 5, 5, 5 };
    sal_error_clear(ctx);
    assert_int_equal(sal_sampling_weights(ctx, 3, x, line, 3, gx, gy, w, h), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "on one line"));
}

/* 90 samples in the left half of a square and 10 in the right: a left sample stands for a ninth of the ground of a right one. */
static void clustered_samples_count_less(void **state)
{
    double x[100], y[100], gx[900], gy[900], w[100], h[2], left = 0, right = 0;
    for (uint64_t i = 0; i < 100; i++) x[i] = (i < 90 ? 0 : 500) + 500 * sal_random_uniform(1, 1, i), y[i] = 1000 * sal_random_uniform(1, 2, i);
    for (int i = 0; i < 900; i++) gx[i] = i % 30 * 33.3 + 16, gy[i] = i / 30 * 33.3 + 16;
    sal_context_set_threads(ctx, 1);
    assert_int_equal(sal_sampling_weights(ctx, 100, x, y, 900, gx, gy, w, h), 0);
    for (int i = 0; i < 100; i++) *(i < 90 ? &left : &right) += w[i];
    assert_true(right > 0.3 * (left + right) && right < 0.6 * (left + right)); /* half of the ground, smoothed at the border */
    double again[100];
    sal_context_set_threads(ctx, 3);
    assert_int_equal(sal_sampling_weights(ctx, 100, x, y, 900, gx, gy, again, h), 0);
    assert_memory_equal(w, again, sizeof w);
}

enum { N = 200 };
static double o[N], p[N], lower[N], upper[N];
static int64_t own[N], block[N];

/* Errors that are alike in blocks of ten. */
static void make_predictions(void)
{
    for (uint64_t i = 0; i < N; i++) {
        o[i] = 1 + 6 * sal_random_uniform(2, 1, i);
        p[i] = o[i] + sal_random_normal(2, 2, i / 10) + 0.1 * sal_random_normal(2, 3, i);
        lower[i] = p[i] - 1.5, upper[i] = p[i] + 1.5;
        own[i] = (int64_t)i, block[i] = (int64_t)i / 10;
    }
}

static sal_scores bootstrap(const int64_t *unit, int64_t units, uint64_t seed)
{
    sal_scores s;
    sal_bootstrap b = { .n = N, .observed = o, .predicted = p, .lower = lower, .upper = upper, .unit = unit, .units = units, .unit_m = 500, .seed = seed };
    sal_error_clear(ctx);
    assert_int_equal(sal_scores_compute(ctx, N, o, p, lower, upper, 0.9, sal_class_scheme_find("china_salt_gkg"), &s), 0);
    if (sal_scores_bootstrap(ctx, &b, &s)) fail_msg("%s", sal_context_message(ctx));
    return s;
}

static void bounds_of_rows_are_those_of_the_textbook_and_blocks_are_wider(void **state)
{
    make_predictions();
    sal_scores rows = bootstrap(own, N, 7), blocks = bootstrap(block, 20, 7);
    double mean = 0, square = 0;
    for (int i = 0; i < N; i++) mean += (p[i] - o[i]) / N;
    for (int i = 0; i < N; i++) square += pow(p[i] - o[i] - mean, 2) / N;
    sal_bounds b = rows.natural_bounds[SAL_METRIC_BIAS]; /* bias is a mean: mean +- 1.96 sd / sqrt n */
    near(b.low, mean - 1.96 * sqrt(square / N), 0.15 * sqrt(square / N));
    near(b.high, mean + 1.96 * sqrt(square / N), 0.15 * sqrt(square / N));
    sal_bounds wide = blocks.natural_bounds[SAL_METRIC_BIAS];
    assert_true(wide.high - wide.low > 2.2 * (b.high - b.low)); /* sqrt(10), were the blocks all error */
    for (int m = 0; m < SAL_METRIC_COUNT; m++) {
        assert_true(blocks.natural_bounds[m].low <= blocks.natural_bounds[m].high);
        assert_true(blocks.log1p_bounds[m].low <= blocks.log1p_bounds[m].high);
    }
    assert_true(blocks.natural_bounds[SAL_METRIC_RMSE].low < blocks.natural[SAL_METRIC_RMSE] && blocks.natural_bounds[SAL_METRIC_RMSE].high > blocks.natural[SAL_METRIC_RMSE]);
    assert_true(blocks.interval_bounds[SAL_INTERVAL_PICP].low < blocks.interval_bounds[SAL_INTERVAL_PICP].high);
}

static void the_same_seed_gives_the_same_bounds(void **state)
{
    make_predictions();
    sal_scores a = bootstrap(block, 20, 7), b = bootstrap(block, 20, 7), c = bootstrap(block, 20, 8);
    assert_memory_equal(a.natural_bounds, b.natural_bounds, sizeof a.natural_bounds);
    assert_memory_equal(a.class_bounds, b.class_bounds, sizeof a.class_bounds);
    assert_true(memcmp(a.natural_bounds, c.natural_bounds, sizeof a.natural_bounds) != 0);
}

static void too_few_units_give_no_bounds(void **state)
{
    int64_t four[N];
    make_predictions();
    for (int i = 0; i < N; i++) four[i] = i % 4;
    sal_scores s = bootstrap(four, 4, 7);
    for (int m = 0; m < SAL_METRIC_COUNT; m++) assert_true(isnan(s.natural_bounds[m].low) && isnan(s.natural_bounds[m].high));
    for (int i = 0; i < N; i++) o[i] = i < 10 ? 9 : 1.2 + 0.1 * sin(i); /* the high class in one block, three classes empty */
    s = bootstrap(block, 20, 7);
    int32_t high = sal_class_of(&s.scheme, 9), low = sal_class_of(&s.scheme, 1.2);
    assert_int_equal(s.class_n[high], 10);
    assert_true(isfinite(s.class_natural[high][SAL_METRIC_RMSE]) && isnan(s.class_bounds[high][SAL_METRIC_RMSE].low));
    assert_true(isfinite(s.class_bounds[low][SAL_METRIC_RMSE].low));
    for (int32_t c = 0; c < s.scheme.count; c++)
        if (s.class_n[c] == 0) assert_true(isnan(s.class_bounds[c][SAL_METRIC_RMSE].low));
    json_object *json = NULL;
    assert_int_equal(sal_scores_json(ctx, &s, &json), 0);
    assert_null(strstr(json_object_to_json_string(json), "NaN"));
    json_object *bounds = json_object_object_get(json, "bounds"), *rmse = json_object_object_get(json_object_object_get(bounds, "natural"), "rmse");
    near(json_object_get_double(json_object_array_get_idx(rmse, 0)), s.natural_bounds[SAL_METRIC_RMSE].low, 0);
    assert_int_equal(json_object_get_int64(json_object_object_get(bounds, "units")), 20);
    json_object_put(json);
}

static void weighted_scores_are_bounded_too(void **state)
{
    double w[N];
    make_predictions();
    for (int i = 0; i < N; i++) w[i] = i < 100 ? 1 : 3;
    sal_scores s;
    sal_bootstrap b = { .n = N, .observed = o, .predicted = p, .lower = lower, .upper = upper, .weights = w, .unit = block, .units = 20, .seed = 1 };
    assert_int_equal(sal_scores_compute(ctx, N, o, p, lower, upper, 0.9, NULL, &s), 0);
    assert_int_equal(sal_scores_weigh(ctx, N, o, p, w, &s), 0);
    near(s.effective_n, 400.0 * 400 / (100 + 900), 1e-9);
    assert_int_equal(sal_scores_bootstrap(ctx, &b, &s), 0);
    const sal_bounds *r = s.weighted_natural_bounds;
    assert_true(r[SAL_METRIC_RMSE].low < s.weighted_natural[SAL_METRIC_RMSE] && s.weighted_natural[SAL_METRIC_RMSE] < r[SAL_METRIC_RMSE].high);
    json_object *json = NULL;
    assert_int_equal(sal_scores_json(ctx, &s, &json), 0);
    assert_non_null(json_object_object_get(json_object_object_get(json, "weighted"), "natural"));
    assert_non_null(json_object_object_get(json_object_object_get(json, "bounds"), "weighted"));
    json_object_put(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_weight_is_as_good_as_so_many_copies),
        cmocka_unit_test(equal_weights_change_nothing_and_quantiles_follow_the_weight),
        cmocka_unit_test(intensity_equals_its_formula),
        cmocka_unit_test(clustered_samples_count_less),
        cmocka_unit_test(bounds_of_rows_are_those_of_the_textbook_and_blocks_are_wider),
        cmocka_unit_test(the_same_seed_gives_the_same_bounds),
        cmocka_unit_test(too_few_units_give_no_bounds),
        cmocka_unit_test(weighted_scores_are_bounded_too),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
