/* test_scaler.c - scaling fitted inside the fold: mean, deviation, clipping, missing values, the scale of the target. */
#include "synthetic.h"

static sal_context *ctx;
static sal_dataset *data;
static uint8_t keep[40];

static int setup(void **state)
{
    if (sal_context_new(&ctx)) return -1;
    data = synthetic_new(ctx, 40);
    memset(keep, 1, sizeof keep);
    return 0;
}

static int teardown(void **state)
{
    sal_dataset_free(ctx, data);
    sal_context_free(ctx);
    return 0;
}

static void assert_scale(const sal_scaling *s, double mean, double sd)
{
    if (!(fabs(s->mean - mean) <= 1e-9 * fmax(1, fabs(mean)) && fabs(s->sd - sd) <= 1e-6 * sd)) fail_msg("mean %.12g, sd %.12g instead of %.12g, %.12g", s->mean, s->sd, mean, sd);
}

static void moments(const float *v, int64_t rows, int64_t n, int64_t size, double *mean, double *sd)
{
    double sum = 0, square = 0, count = 0;
    for (int64_t i = 0; i < 40; i++) {
        for (int64_t r = 0; keep[i] && r < rows; r++) {
            double x = (double)v[i * size + r * n];
            if (isfinite(x)) sum += x, count++;
        }
    }
    *mean = sum / count;
    for (int64_t i = 0; i < 40; i++) {
        for (int64_t r = 0; keep[i] && r < rows; r++) {
            double x = (double)v[i * size + r * n] - *mean;
            if (isfinite(x)) square += x * x;
        }
    }
    *sd = sqrt(square / count);
}

static void scale_is_mean_and_deviation_of_the_values_that_exist(void **state)
{
    sal_scaler s;
    double mean, sd;
    data->spectrum[5] = NAN;
    data->window[77] = NAN;
    assert_done(ctx, sal_scaler_fit(ctx, data, keep, false, &s));
    for (int64_t k = 0; k < SYNTHETIC_BANDS; k++) {
        moments(data->spectrum + k, 1, SYNTHETIC_BANDS, SYNTHETIC_BANDS, &mean, &sd);
        assert_scale(&sal_scaler_bands(&s)[k], mean, sd);
    }
    const int64_t pixels = SYNTHETIC_WINDOW * SYNTHETIC_WINDOW;
    for (int64_t k = 0; k < SYNTHETIC_COVARIATES; k++) {
        moments(data->window + k, pixels, SYNTHETIC_COVARIATES, pixels * SYNTHETIC_COVARIATES, &mean, &sd);
        assert_scale(&sal_scaler_covariates(&s)[k], mean, sd);
    }
}

static void samples_outside_the_fold_change_nothing(void **state)
{
    sal_scaler a, b;
    const int64_t pixels = SYNTHETIC_WINDOW * SYNTHETIC_WINDOW * SYNTHETIC_COVARIATES;
    for (int64_t i = 30; i < 40; i++) keep[i] = 0;
    assert_done(ctx, sal_scaler_fit(ctx, data, keep, true, &a));
    for (int64_t i = 30; i < 40; i++) { /* the samples that are tested become outliers */
        for (int64_t k = 0; k < SYNTHETIC_BANDS; k++) data->spectrum[i * SYNTHETIC_BANDS + k] = 1e6f;
        for (int64_t k = 0; k < SYNTHETIC_INDICES; k++) data->index[i * SYNTHETIC_INDICES + k] = -1e6f;
        for (int64_t k = 0; k < pixels; k++) data->window[i * pixels + k] = 1e7f;
        data->target[i] = 1e5;
    }
    assert_done(ctx, sal_scaler_fit(ctx, data, keep, true, &b));
    assert_memory_equal(&a, &b, sizeof a);
    memset(keep, 1, sizeof keep); /* and they would have been noticed */
    assert_done(ctx, sal_scaler_fit(ctx, data, keep, true, &b));
    assert_true(sal_scaler_bands(&b)->mean > 1e5 && sal_scaler_covariates(&b)->mean > 1e6 && b.target.mean > a.target.mean + 1);
}

static void scale_has_the_same_bits_with_any_number_of_threads(void **state)
{
    sal_scaler s[3];
    for (int32_t k = 0; k < 3; k++) {
        sal_context_set_threads(ctx, k + 1);
        assert_done(ctx, sal_scaler_fit(ctx, data, keep, true, &s[k]));
        assert_memory_equal(&s[0], &s[k], sizeof s[0]);
    }
}

static void scaled_values_are_standard_clipped_and_zero_where_missing(void **state)
{
    const sal_scaling scales[2] = { { .mean = 10, .sd = 2 }, { .mean = -1, .sd = 0.5 } };
    float values[10] = { 12, -1, 10, 0, NAN, NAN, 1e9f, -1e9f, INFINITY, -INFINITY };
    const float expected[10] = { 1, 0, 0, 2, 0, 0, 6, -6, 6, -6 };
    sal_scale_apply(scales, 2, 5, values);
    for (int32_t k = 0; k < 10; k++) assert_true(fabsf(values[k] - expected[k]) < 1e-6f);
}

static void constant_and_missing_covariates_become_zero(void **state)
{
    sal_scaler s;
    float values[SYNTHETIC_INDICES] = { 0 };
    for (int64_t i = 0; i < 40; i++) {
        data->index[i * SYNTHETIC_INDICES] = 3.7f;
        data->index[i * SYNTHETIC_INDICES + 1] = NAN;
    }
    assert_done(ctx, sal_scaler_fit(ctx, data, keep, true, &s));
    values[0] = 3.7f, values[1] = NAN;
    sal_scale_apply(sal_scaler_indices(&s), SYNTHETIC_INDICES, 1, values);
    assert_true(fabsf(values[0]) < 1e-5f);
    assert_true(values[1] == 0);
}

static void target_returns_from_its_scale(void **state)
{
    sal_scaler s;
    for (int32_t k = 0; k < 2; k++) {
        assert_done(ctx, sal_scaler_fit(ctx, data, keep, k == 0, &s));
        double mean = 0, square = 0;
        for (int64_t i = 0; i < 40; i++) {
            double v = sal_scaler_forward(&s, data->target[i]);
            assert_true(fabs(sal_scaler_backward(&s, v) - data->target[i]) < 1e-9 * data->target[i]);
            mean += v / 40, square += v * v / 40;
        }
        assert_true(fabs(mean) < 1e-12 && fabs(square - 1) < 1e-9);
    }
}

static void constant_target_of_a_fold_is_refused(void **state)
{
    sal_scaler s;
    for (int64_t i = 0; i < 40; i++) keep[i] = i < 7;
    for (int64_t i = 0; i < 7; i++) data->target[i] = 4;
    assert_int_equal(sal_scaler_fit(ctx, data, keep, true, &s), SAL_STATUS_DATA);
    assert_string_equal(sal_context_message(ctx), "the 7 training samples of a fold all have the same target value; use fewer folds or more samples");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(scale_is_mean_and_deviation_of_the_values_that_exist, setup, teardown),
        cmocka_unit_test_setup_teardown(samples_outside_the_fold_change_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(scale_has_the_same_bits_with_any_number_of_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(scaled_values_are_standard_clipped_and_zero_where_missing, setup, teardown),
        cmocka_unit_test_setup_teardown(constant_and_missing_covariates_become_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(target_returns_from_its_scale, setup, teardown),
        cmocka_unit_test_setup_teardown(constant_target_of_a_fold_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
