/* test_folds.c - places stay whole, strata and blocks are balanced, the buffer leaves no shared pixel, impossible
 * splits are refused. */
#include "train/folds.h"
#include "train/metrics.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define N 600
static sal_context *ctx;
static double x[N], y[N], target[N], domain_x[400], domain_y[400];
static int32_t campaign[N];

/* 200 places over 12 km x 9 km, each visited three times a few metres apart, salinity with a trend and a long tail. */
static int setup(void **state)
{
    for (int i = 0; i < N; i++) {
        uint64_t place = (uint64_t)(i % 200);
        x[i] = 500000 + 12000 * sal_random_uniform(7, 1, place) + 3 * sal_random_uniform(7, 3, (uint64_t)i);
        y[i] = 4000000 + 9000 * sal_random_uniform(7, 2, place) + 3 * sal_random_uniform(7, 4, (uint64_t)i);
        campaign[i] = 2 * (i / 200); /* 0, 2, 4: numbers need not be dense */
        target[i] = exp(0.5 + (x[i] - 500000) / 8000 + 0.7 * sal_random_normal(7, 5, (uint64_t)i));
    }
    for (int i = 0; i < 400; i++) domain_x[i] = 500300 + i % 20 * 600, domain_y[i] = 4000200 + i / 20 * 450;
    return sal_context_new(&ctx);
}

static int teardown(void **state)
{
    sal_context_free(ctx);
    return 0;
}

static sal_fold_request request(const char *method)
{
    return (sal_fold_request){
        .method = method, .count = N, .x = x, .y = y, .target = target, .k = 5, .pixel_m = 10, .window = 65, .seed = 1,
        .campaign = campaign, .domain_x = domain_x, .domain_y = domain_y, .domain_count = 400
    };
}

static sal_folds *split(const sal_fold_request *r)
{
    sal_folds *f = NULL;
    sal_error_clear(ctx);
    if (sal_folds_new(ctx, r, &f)) fail_msg("%s", sal_context_message(ctx));
    return f;
}

static void refused(const sal_fold_request *r, sal_status status, const char *needle)
{
    sal_folds *f = NULL;
    sal_error_clear(ctx);
    assert_int_equal(sal_folds_new(ctx, r, &f), status);
    assert_null(f);
    if (!strstr(sal_context_message(ctx), needle))
        fail_msg("\"%s\" is not in \"%s\"", needle, sal_context_message(ctx));
}

static void every_sample_is_tested_once_and_never_trains_its_own_fold(void **state)
{
    for (int64_t m = 0; m < sal_fold_method_count(); m++) {
        sal_fold_request r = request(sal_fold_method_at(m)->id);
        sal_folds *f = split(&r);
        int64_t tested = 0, list[N];
        for (int64_t k = 0; k < f->k; k++) {
            int64_t n = sal_folds_list(f, k, true, list);
            assert_int_equal(n, f->test_count[k]);
            assert_true(n > 0);
            for (int64_t i = 0; i < n; i++) assert_int_equal(f->train[k * N + list[i]], 0);
            assert_int_equal(sal_folds_list(f, k, false, list), f->train_count[k]);
            assert_int_equal(f->test_count[k] + f->train_count[k] + f->dropped_count[k], N);
            tested += n;
        }
        assert_int_equal(tested, N);
        assert_true(sal_fold_method_at(m)->help[0] && sal_fold_method_at(m)->title[0]);
        sal_folds_free(ctx, f);
    }
}

static void samples_of_one_pixel_stay_together(void **state)
{
    for (int64_t m = 0; m < sal_fold_method_count(); m++) {
        sal_fold_request r = request(sal_fold_method_at(m)->id);
        if (sal_fold_method_at(m)->flags & SAL_FOLD_CAMPAIGNS) continue; /* visits are split on purpose */
        sal_folds *f = split(&r);
        assert_true(f->places <= 200 && f->places > 190);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < i; j++)
                if (fmax(fabs(x[i] - x[j]), fabs(y[i] - y[j])) < 10) assert_int_equal(f->fold[i], f->fold[j]);
        sal_folds_free(ctx, f);
    }
}

static void random_folds_have_alike_targets_and_report_their_overlap(void **state)
{
    sal_fold_request r = request("random");
    sal_folds *f = split(&r);
    double low = INFINITY, high = -INFINITY;
    for (int k = 0; k < 5; k++) {
        double sum = 0;
        for (int i = 0; i < N; i++) sum += f->fold[i] == k ? log1p(target[i]) : 0;
        low = fmin(low, sum / (double)f->test_count[k]);
        high = fmax(high, sum / (double)f->test_count[k]);
        assert_in_range(f->test_count[k], 115, 125);
    }
    assert_true(high - low < 0.05); /* by chance: a standard error of 0.09 each */
    assert_int_equal(f->dropped_by_buffer, 0);
    assert_true(f->overlap_share > 0.5 && f->overlap_share <= 1); /* 200 windows of 650 m on 12 x 9 km */
    assert_true(f->min_distance_m >= 10 && f->median_distance_m > f->min_distance_m);
    sal_folds_free(ctx, f);
}

static void the_buffer_leaves_no_shared_pixel(void **state)
{
    sal_fold_request r = request("blocks");
    sal_folds *f = split(&r);
    double nearest = INFINITY;
    int64_t dropped = 0;
    assert_true(f->block_m >= 1280 && f->buffer_m == 650);
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N && f->fold[i] == k; j++) {
                if (f->fold[j] == k) continue;
                double d = fmax(fabs(x[i] - x[j]), fabs(y[i] - y[j]));
                if (f->train[k * N + j]) nearest = fmin(nearest, d);
            }
    for (int k = 0; k < 5; k++) dropped += f->dropped_count[k];
    assert_true(nearest >= 650 && nearest < 800);
    assert_true(f->overlap_share == 0);
    assert_true(dropped > 0 && dropped == f->dropped_by_buffer);
    assert_true(f->min_distance_m >= 650 && f->min_distance_m <= nearest * 1.5);
    sal_folds_free(ctx, f);
}

static void the_buffer_drops_only_what_is_near(void **state)
{
    sal_fold_request r = request("blocks");
    sal_folds *f = split(&r);
    for (int k = 0; k < 5; k++)
        for (int j = 0; j < N; j++) {
            if (f->train[k * N + j] || f->fold[j] == k) continue;
            bool near = false;
            for (int i = 0; i < N && !near; i++)
                near = f->fold[i] == k && fmax(fabs(x[i] - x[j]), fabs(y[i] - y[j])) < 650;
            assert_true(near);
        }
    sal_folds_free(ctx, f);
}

static void blocks_are_whole_and_balanced(void **state)
{
    sal_fold_request r = request("blocks");
    r.block_m = 1500;
    sal_folds *f = split(&r);
    double x0 = INFINITY, y0 = INFINITY;
    int owner[64][64];
    memset(owner, -1, sizeof owner);
    for (int i = 0; i < N; i++) x0 = fmin(x0, x[i]), y0 = fmin(y0, y[i]);
    for (int i = 0; i < 200; i++) { /* the first visit decides the block of a place */
        int *o = &owner[(int)((x[i] - x0) / 1500)][(int)((y[i] - y0) / 1500)];
        assert_true(*o == -1 || *o == f->fold[i]);
        *o = f->fold[i];
    }
    assert_in_range(f->blocks, 40, 56);
    for (int k = 0; k < 5; k++) assert_in_range(f->test_count[k], 105, 135);
    sal_folds_free(ctx, f);
}

static void the_seed_and_only_the_seed_changes_folds(void **state)
{
    for (int64_t m = 0; m < sal_fold_method_count(); m++) {
        sal_fold_request r = request(sal_fold_method_at(m)->id);
        sal_context_set_threads(ctx, 1);
        sal_folds *a = split(&r);
        sal_context_set_threads(ctx, 3);
        sal_folds *b = split(&r);
        r.seed = 2;
        sal_folds *c = split(&r);
        assert_memory_equal(a->fold, b->fold, N * sizeof *a->fold);
        assert_memory_equal(a->train, b->train, (size_t)a->k * N);
        assert_memory_equal(a->nearest_m, b->nearest_m, N * sizeof *a->nearest_m);
        assert_memory_equal(a->gij_m, b->gij_m, 400 * sizeof *a->gij_m);
        assert_memory_equal(a->gj_m, b->gj_m, N * sizeof *a->gj_m);
        if (m < 2) assert_true(memcmp(a->fold, c->fold, N * sizeof *a->fold) != 0); /* random and blocks are drawn */
        sal_folds_free(ctx, a);
        sal_folds_free(ctx, b);
        sal_folds_free(ctx, c);
    }
}

static void campaigns_and_locations_are_left_out_whole(void **state)
{
    sal_fold_request r = request("campaign");
    sal_folds *f = split(&r);
    assert_int_equal(f->k, 3);
    assert_true(f->overlap_share > 0.99 && f->min_distance_m < 5); /* the same places on other dates */
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) assert_int_equal(f->train[f->fold[i] * N + j], campaign[i] != campaign[j]);
    sal_folds_free(ctx, f);
    r = request("campaign_location");
    f = split(&r);
    assert_int_equal(f->k, 15);
    assert_true(f->overlap_share == 0 && f->min_distance_m >= 650);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            if (f->train[f->fold[i] * N + j]) assert_true(campaign[i] != campaign[j] && f->place[i] != f->place[j]);
            if (f->place[i] == f->place[j] && campaign[i] == campaign[j]) assert_int_equal(f->fold[i], f->fold[j]);
        }
    sal_folds_free(ctx, f);
}

static void the_radius_of_bloo_is_kept(void **state)
{
    sal_fold_request r = request("bloo");
    r.block_m = 2000;
    sal_folds *f = split(&r);
    assert_int_equal(f->k, f->places);
    assert_true(f->buffer_m == 2000 && f->dropped_by_buffer > 0);
    for (int i = 0; i < N; i++) {
        assert_true(f->nearest_m[i] >= 2000);
        for (int j = 0; j < N; j++)
            if (f->place[i] != f->place[j] && hypot(x[i] - x[j], y[i] - y[j]) > 2010) assert_int_equal(f->train[f->fold[i] * N + j], 1);
    }
    sal_folds_free(ctx, f);
}

static void clusters_are_compact(void **state)
{
    double cx[100], cy[100], value[100];
    for (int i = 0; i < 100; i++) {
        cx[i] = i % 4 * 50000 + 1000 * sal_random_uniform(1, 1, (uint64_t)i), cy[i] = 1000 * sal_random_uniform(1, 2, (uint64_t)i);
        value[i] = i % 9;
    }
    sal_fold_request r = { .method = "kmeans", .count = 100, .x = cx, .y = cy, .target = value, .k = 4, .pixel_m = 10, .window = 65, .seed = 5 };
    sal_folds *f = split(&r);
    for (int i = 0; i < 100; i++)
        for (int j = 0; j < 100; j++) assert_int_equal(i % 4 == j % 4, f->fold[i] == f->fold[j]);
    assert_true(f->min_distance_m > 40000 && isnan(f->w_m) && !f->gij_m);
    sal_folds_free(ctx, f);
    for (int i = 0; i < 100; i++) cx[i] = i % 4 * 20, cy[i] = 0; /* as many places as clusters */
    r.window = 1;
    f = split(&r);
    for (int k = 0; k < 4; k++) assert_int_equal(f->test_count[k], 25);
    sal_folds_free(ctx, f);
}

static void overlapping_windows_can_be_kept_together(void **state)
{
    double cx[60], value[60], zero[60] = { 0 };
    for (int i = 0; i < 60; i++) cx[i] = i / 3 * 2000 + i % 3 * 600, value[i] = i; /* chains of three whose windows overlap in turn */
    sal_fold_request r = { .method = "random", .count = 60, .x = cx, .y = zero, .target = value, .k = 5, .pixel_m = 10, .window = 65, .seed = 1 };
    sal_folds *f = split(&r);
    assert_int_equal(f->places, 60);
    assert_true(f->overlap_share > 0.5);
    sal_folds_free(ctx, f);
    r.group_windows = true;
    f = split(&r);
    assert_int_equal(f->places, 20);
    assert_true(f->overlap_share == 0);
    for (int i = 0; i < 60; i++) assert_int_equal(f->fold[i], f->fold[i / 3 * 3]);
    sal_folds_free(ctx, f);
    r.window = 257; /* everything hangs together */
    refused(&r, SAL_STATUS_DATA, "do not group overlapping windows");
}

static void bootstrap_units_are_blocks_or_places(void **state)
{
    sal_fold_request r = request("random");
    sal_folds *f = split(&r);
    assert_true(f->unit_m >= 1280 && f->units >= 10 && f->units < f->places);
    for (int i = 0; i < N; i++) {
        assert_true(f->unit[i] >= 0 && f->unit[i] < f->units);
        assert_int_equal(f->unit[i], f->unit[i % 200]); /* visits of a place stay in its block */
    }
    sal_folds_free(ctx, f);
    double cx[40], zero[40] = { 0 }, value[40];
    for (int i = 0; i < 40; i++) cx[i] = 20 * i, value[i] = i;
    r = (sal_fold_request){ .method = "random", .count = 40, .x = cx, .y = zero, .target = value, .k = 5, .pixel_m = 10, .window = 65, .seed = 1 };
    f = split(&r);
    assert_true(f->unit_m == 0 && f->units == 40);
    sal_folds_free(ctx, f);
}

static void methods_say_what_they_need(void **state)
{
    sal_fold_request r = request("knndm");
    r.domain_count = 0;
    refused(&r, SAL_STATUS_ARGUMENT, "points of the ground to be mapped");
    r = request("nndm");
    domain_x[7] = NAN;
    refused(&r, SAL_STATUS_DATA, "point 8 of 400");
    domain_x[7] = 500300 + 7 * 600;
    r = request("campaign");
    r.campaign = NULL;
    refused(&r, SAL_STATUS_ARGUMENT, "need the campaign of every sample");
    int32_t one[N] = { 0 };
    r.campaign = one;
    refused(&r, SAL_STATUS_DATA, "all 600 samples are of one campaign");
    r = request("kmeans");
    double same[30], value[30];
    for (int i = 0; i < 30; i++) same[i] = 5, value[i] = i;
    r.count = 30, r.x = same, r.y = same, r.target = value;
    for (int64_t m = 0; m < sal_fold_method_count(); m++) { /* identical coordinates */
        r.method = sal_fold_method_at(m)->id;
        if (!strcmp(r.method, "campaign")) continue;
        sal_folds *f = NULL;
        sal_error_clear(ctx);
        assert_int_equal(sal_folds_new(ctx, &r, &f), SAL_STATUS_DATA);
        assert_true(strlen(sal_context_message(ctx)) > 20);
    }
    refused(&r, SAL_STATUS_DATA, "1 place");
    r = request("bloo");
    r.block_m = 1e6;
    refused(&r, SAL_STATUS_DATA, "has no training sample left");
}

static void impossible_splits_are_refused(void **state)
{
    sal_fold_request r = request("by feeling");
    refused(&r, SAL_STATUS_ARGUMENT, "random, blocks");
    r = request("random");
    r.count = 3;
    refused(&r, SAL_STATUS_DATA, "3 samples are fewer than 5 folds");
    r = request("random");
    r.k = 1;
    refused(&r, SAL_STATUS_ARGUMENT, "1 folds");
    r = request("random");
    double same_x[20], same_y[20], value[20];
    for (int i = 0; i < 20; i++) same_x[i] = 5 + i % 2 * 100, same_y[i] = 5, value[i] = i;
    r.count = 20, r.x = same_x, r.y = same_y, r.target = value;
    refused(&r, SAL_STATUS_DATA, "2 places");
    r.method = "blocks";
    r.block_m = 5000;
    refused(&r, SAL_STATUS_DATA, "1 block of 5000 m");
    for (int i = 0; i < 20; i++) same_x[i] = 20.0 * i;
    r.block_m = 40; /* every training sample within 650 m of every test sample */
    refused(&r, SAL_STATUS_DATA, "has no training sample left");
    value[3] = NAN;
    refused(&r, SAL_STATUS_DATA, "sample 4 of 20");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_is_tested_once_and_never_trains_its_own_fold),
        cmocka_unit_test(samples_of_one_pixel_stay_together),
        cmocka_unit_test(random_folds_have_alike_targets_and_report_their_overlap),
        cmocka_unit_test(the_buffer_leaves_no_shared_pixel),
        cmocka_unit_test(the_buffer_drops_only_what_is_near),
        cmocka_unit_test(blocks_are_whole_and_balanced),
        cmocka_unit_test(the_seed_and_only_the_seed_changes_folds),
        cmocka_unit_test(campaigns_and_locations_are_left_out_whole),
        cmocka_unit_test(the_radius_of_bloo_is_kept),
        cmocka_unit_test(clusters_are_compact),
        cmocka_unit_test(overlapping_windows_can_be_kept_together),
        cmocka_unit_test(bootstrap_units_are_blocks_or_places),
        cmocka_unit_test(methods_say_what_they_need),
        cmocka_unit_test(impossible_splits_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
