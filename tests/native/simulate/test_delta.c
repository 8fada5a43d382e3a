/* test_delta.c - a small delta: its truth adds up, its samples stand on land, its scenes and phenology are plausible and depend on seed
 * and size only. */
#include "simulate/delta.h"
#include "simulate/delta_private.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 320, PIXELS = N * N };

static sal_context *ctx;
static sal_delta *delta;

static sal_delta *make(sal_context *c, uint64_t seed, int32_t campaign)
{
    sal_delta *d = NULL;
    assert_int_equal(sal_delta_new(c, N, seed, &d), SAL_STATUS_OK);
    assert_int_equal(sal_delta_enter(d, campaign), SAL_STATUS_OK);
    return d;
}

static int set_up(void **state SAL_UNUSED)
{
    if (sal_context_new(&ctx) != SAL_STATUS_OK) return -1;
    delta = make(ctx, 1, 2);
    return 0;
}

static int tear_down(void **state SAL_UNUSED)
{
    sal_delta_free(delta);
    sal_context_free(ctx);
    return 0;
}

static void salinity_is_the_sum_of_its_contributions(void **state SAL_UNUSED)
{
    for (int64_t i = 0; i < PIXELS; i += 7) {
        double f[SAL_DELTA_DRIVERS], c[2];
        sal_delta_contributions(delta, i, f);
        sal_delta_campaign_contributions(delta, i, c);
        double eta = SAL_DELTA_MEAN + c[0] + c[1];
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++) eta += f[j];
        assert_true(fabs(sal_delta_salinity(eta) / (double)delta->salinity[i] - 1.0) < 1e-5);
    }
}

static void contributions_have_mean_zero_and_their_weight_as_spread(void **state SAL_UNUSED)
{
    static const double weight[SAL_DELTA_DRIVERS] = { .55, .45, .48, .58, .18, .22, .25, .26 };
    double sum[SAL_DELTA_DRIVERS] = { 0 }, squares[SAL_DELTA_DRIVERS] = { 0 }, f[SAL_DELTA_DRIVERS];
    for (int64_t i = 0; i < PIXELS; i++) {
        sal_delta_contributions(delta, i, f);
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++) {
            sum[j] += f[j] / PIXELS;
            squares[j] += f[j] * f[j] / PIXELS;
        }
    }
    for (int j = 0; j < SAL_DELTA_DRIVERS; j++) {
        assert_true(fabs(sum[j]) < 1e-9);
        assert_true(fabs(sqrt(squares[j]) / (SAL_DELTA_GAIN * weight[j]) - 1.0) < 1e-6);
    }
}

static void interaction_is_the_product_of_its_factors(void **state SAL_UNUSED)
{
    double first[SAL_DELTA_DRIVERS], f[SAL_DELTA_DRIVERS], ratio = 0;
    sal_delta_contributions(delta, 0, first);
    for (int64_t i = 1; i < PIXELS; i += 501) {
        sal_delta_contributions(delta, i, f);
        double product =
            f[SAL_DRIVER_COAST] * f[SAL_DRIVER_RELIEF] - first[SAL_DRIVER_COAST] * first[SAL_DRIVER_RELIEF];
        double change = f[SAL_DRIVER_COAST_RELIEF] - first[SAL_DRIVER_COAST_RELIEF];
        if (fabs(product) < 1e-3) continue;
        if (ratio == 0) ratio = change / product;
        assert_true(fabs(change / product - ratio) < 1e-6 * fabs(ratio));
    }
    assert_true(ratio > 0);
}

static void drivers_push_salinity_the_right_way(void **state SAL_UNUSED)
{
    double f[SAL_DELTA_DRIVERS], g[SAL_DELTA_DRIVERS];
    int64_t near = 0, far = 0, low = 0, high = 0;
    for (int64_t i = 0; i < PIXELS; i++) {
        if (delta->coast[i] < delta->coast[near]) near = i;
        if (delta->coast[i] > delta->coast[far]) far = i;
        if (delta->relief[i] < delta->relief[low]) low = i;
        if (delta->relief[i] > delta->relief[high]) high = i;
    }
    sal_delta_contributions(delta, near, f);
    sal_delta_contributions(delta, far, g);
    assert_true(f[SAL_DRIVER_COAST] > g[SAL_DRIVER_COAST]);
    sal_delta_contributions(delta, low, f);
    sal_delta_contributions(delta, high, g);
    assert_true(f[SAL_DRIVER_RELIEF] > g[SAL_DRIVER_RELIEF]);
}

static void truth_stays_between_zero_and_41(void **state SAL_UNUSED)
{
    double sum = 0;
    for (int64_t i = 0; i < PIXELS; i++) {
        assert_true(delta->salinity[i] > 0 && delta->salinity[i] < 41);
        sum += (double)delta->salinity[i] / PIXELS;
    }
    assert_true(sum > 1.5 && sum < 8);
    assert_true(fabs(sal_delta_salinity(0) - 0.98790) < 1e-4); /* 41 (1 - exp(-1/41)) */
}

static void sensor_sees_another_salinity_than_the_sample(void **state SAL_UNUSED)
{
    double s = 0, ss = 0, r = 0, rr = 0, sr = 0;
    for (int64_t i = 0; i < PIXELS; i++) {
        double a = log((double)(delta->surface[i] / delta->salinity[i])),
               b = log((double)(delta->root[i] / delta->salinity[i]));
        s += a / PIXELS;
        r += b / PIXELS;
        ss += a * a / PIXELS;
        rr += b * b / PIXELS;
        sr += a * b / PIXELS;
    }
    assert_true(fabs(sqrt(ss - s * s) - 1.05) < 0.08 && fabs(sqrt(rr - r * r) - 1.05) < 0.08);
    assert_true(fabs(sr - s * r) < 0.08);
}

static void samples_stand_on_land_once_each_and_in_clusters(void **state SAL_UNUSED)
{
    enum { COUNT = 90 };
    sal_delta_point p[COUNT];
    int64_t near = 0;
    assert_int_equal(sal_delta_place(delta, 6, COUNT, p), SAL_STATUS_OK);
    for (int i = 0; i < COUNT; i++) {
        assert_false(sal_delta_is_water(delta, p[i].row * N + p[i].column));
        assert_int_equal((int)floor((p[i].x - SAL_DELTA_WEST) / 10), p[i].column);
        assert_int_equal((int)floor((SAL_DELTA_SOUTH + 10.0 * N - p[i].y) / 10), p[i].row);
        assert_true(i == 0 || p[i].campaign >= p[i - 1].campaign);
        for (int j = 0; j < i; j++)
            assert_false(p[i].campaign == p[j].campaign && p[i].column == p[j].column && p[i].row == p[j].row);
        near += i && p[i].campaign == p[i - 1].campaign && hypot(p[i].x - p[i - 1].x, p[i].y - p[i - 1].y) < 640;
    }
    assert_int_equal(p[COUNT - 1].campaign, 5);
    assert_true(near > COUNT / 2);
}

static void measured_salinity_is_the_truth_within_laboratory_error(void **state SAL_UNUSED)
{
    enum { COUNT = 806 };
    sal_delta_point *p = calloc(COUNT, sizeof(*p));
    double sum = 0, squares = 0, count = 0;
    assert_int_equal(sal_delta_place(delta, 6, COUNT, p), SAL_STATUS_OK);
    sal_delta_measure(delta, p, COUNT);
    for (int i = 0; i < COUNT; i++) {
        if (p[i].campaign != 2) {
            assert_true(p[i].truth == 0);
            continue;
        }
        double error = log(p[i].salinity / p[i].truth), eta = SAL_DELTA_MEAN + p[i].campaign_part + p[i].nugget;
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++) eta += p[i].contributions[j];
        assert_true(fabs(sal_delta_salinity(eta) / p[i].truth - 1) < 1e-5);
        assert_true((float)p[i].truth == delta->salinity[p[i].row * N + p[i].column]);
        sum += error;
        squares += error * error;
        count++;
    }
    assert_true(count == 130);
    assert_true(fabs(sum / count) < 0.02 && fabs(sqrt(squares / count) - 0.06) < 0.015);
    free(p);
}

static void too_many_samples_are_refused(void **state SAL_UNUSED)
{
    sal_delta_point *p = calloc(20000, sizeof(*p));
    sal_delta *small = NULL;
    assert_int_equal(sal_delta_new(ctx, 64, 1, &small), SAL_STATUS_OK);
    assert_int_equal(sal_delta_place(small, 1, 20000, p), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "20000 samples"));
    sal_delta_free(small);
    free(p);
}

static void scene_does_not_depend_on_strips_or_threads(void **state SAL_UNUSED)
{
    const size_t row = N * SAL_DELTA_BANDS;
    float *whole = calloc(row * N, sizeof(float)), *part = calloc(row * N, sizeof(float));
    assert_int_equal(sal_delta_scene(delta, 0, N, whole), SAL_STATUS_OK);
    sal_context_set_threads(ctx, 3);
    for (int64_t r = 0; r < N; r += 50) {
        int64_t rows = N - r < 50 ? N - r : 50;
        assert_int_equal(sal_delta_scene(delta, r, rows, part + (size_t)r * row), SAL_STATUS_OK);
    }
    assert_memory_equal(whole, part, row * N * sizeof(float));
    for (size_t i = 0; i < row * N; i++) assert_true(whole[i] > 0 && whole[i] < 1.2f);
    free(whole);
    free(part);
}

static void salt_crust_brightens_and_crops_are_green(void **state SAL_UNUSED)
{
    float *s = calloc((size_t)PIXELS * SAL_DELTA_BANDS, sizeof(float));
    double bright = 0, plain = 0, nb = 0, np = 0, green = 0, bare = 0, ng = 0, ne = 0, dark = 0, nw = 0;
    sal__crop_keys keys = sal__crop_keys_of(delta);
    assert_int_equal(sal_delta_scene(delta, 0, N, s), SAL_STATUS_OK);
    for (int64_t i = 0; i < PIXELS; i++) {
        const float *b = s + i * SAL_DELTA_BANDS;
        double ndvi = (double)((b[6] - b[2]) / (b[6] + b[2]));
        sal__crop crop;
        if (sal_delta_is_water(delta, i)) {
            dark += (double)b[8];
            nw++;
            continue;
        }
        sal__crop_at(delta, &keys, i, &crop);
        if (crop.type == SAL__BARE && delta->surface[i] > 20) bright += (double)b[2], nb++;
        if (crop.type == SAL__BARE && delta->surface[i] < 3) plain += (double)b[2], np++;
        if (crop.type == SAL__COTTON && crop.growth > 0.8f) green += ndvi, ng++;
        if (crop.type == SAL__BARE) bare += ndvi, ne++;
    }
    assert_true(nb > 30 && np > 30 && ng > 30 && ne > 30 && nw > 30);
    assert_true(bright / nb > plain / np + 0.08);
    assert_true(green / ng > bare / ne + 0.1);
    assert_true(dark / nw < 0.2);
    free(s);
}

static void phenology_finds_the_season_that_was_put_in(void **state SAL_UNUSED)
{
    sal_delta_series *series = NULL;
    float *out = calloc((size_t)PIXELS * 3, sizeof(float)), *part = calloc((size_t)N * 3, sizeof(float));
    sal__crop_keys keys = sal__crop_keys_of(delta);
    double late = 0, absolute = 0, count = 0;
    assert_int_equal(sal_delta_series_new(delta, &series), SAL_STATUS_OK);
    sal_delta_phenology(series, 0, N, out);
    sal_context_set_threads(ctx, 3);
    sal_delta_phenology(series, 101, 1, part);
    assert_memory_equal(out + 101 * N * 3, part, N * 3 * sizeof(float));
    for (int64_t i = 0; i < PIXELS; i++) {
        sal__crop crop;
        assert_true(isfinite(out[3 * i]) && out[3 * i + 1] >= 0 && out[3 * i + 2] >= out[3 * i]);
        if (sal_delta_is_water(delta, i)) continue;
        sal__crop_at(delta, &keys, i, &crop);
        if (crop.type != SAL__COTTON || crop.growth < 0.8f) continue;
        late += (double)(out[3 * i] - crop.sos);
        absolute += fabs((double)(out[3 * i] - crop.sos));
        count++;
    }
    assert_true(count > 100);
    assert_true(fabs(late / count) < 12 && absolute / count < 16); /* clouds leave about one look in nine days */
    sal_delta_series_free(series);
    free(out);
    free(part);
}

static void same_seed_same_bits_other_seed_another_delta(void **state SAL_UNUSED)
{
    sal_context *other = NULL;
    assert_int_equal(sal_context_new(&other), SAL_STATUS_OK);
    sal_context_set_threads(other, 1);
    sal_delta *again = make(other, 1, 2), *different = make(other, 2, 2);
    const size_t bytes = PIXELS * sizeof(float);
    assert_memory_equal(delta->dem, again->dem, bytes);
    assert_memory_equal(delta->salinity, again->salinity, bytes);
    assert_memory_equal(delta->moisture, again->moisture, bytes);
    assert_memory_not_equal(delta->salinity, different->salinity, bytes);
    /* Entering another campaign and coming back changes nothing. */
    assert_int_equal(sal_delta_enter(again, 4), SAL_STATUS_OK);
    assert_memory_not_equal(delta->salinity, again->salinity, bytes);
    assert_int_equal(sal_delta_enter(again, 2), SAL_STATUS_OK);
    assert_memory_equal(delta->surface, again->surface, bytes);
    sal_delta_free(again);
    sal_delta_free(different);
    sal_context_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(salinity_is_the_sum_of_its_contributions),
        cmocka_unit_test(contributions_have_mean_zero_and_their_weight_as_spread),
        cmocka_unit_test(interaction_is_the_product_of_its_factors),
        cmocka_unit_test(drivers_push_salinity_the_right_way),
        cmocka_unit_test(truth_stays_between_zero_and_41),
        cmocka_unit_test(sensor_sees_another_salinity_than_the_sample),
        cmocka_unit_test(samples_stand_on_land_once_each_and_in_clusters),
        cmocka_unit_test(measured_salinity_is_the_truth_within_laboratory_error),
        cmocka_unit_test(too_many_samples_are_refused),
        cmocka_unit_test(scene_does_not_depend_on_strips_or_threads),
        cmocka_unit_test(salt_crust_brightens_and_crops_are_green),
        cmocka_unit_test(phenology_finds_the_season_that_was_put_in),
        cmocka_unit_test(same_seed_same_bits_other_seed_another_delta),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
