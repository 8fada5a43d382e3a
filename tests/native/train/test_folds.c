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
static double x[N], y[N], target[N];

/* 200 places over 12 km x 9 km, each visited three times a few metres apart, salinity with a trend and a long tail. */
static int setup(void **state)
{
    for (int i = 0; i < N; i++) {
        uint64_t place = (uint64_t)(i % 200);
        x[i] = 500000 + 12000 * sal_random_uniform(7, 1, place) + 3 * sal_random_uniform(7, 3, (uint64_t)i);
        y[i] = 4000000 + 9000 * sal_random_uniform(7, 2, place) + 3 * sal_random_uniform(7, 4, (uint64_t)i);
        target[i] = exp(0.5 + (x[i] - 500000) / 8000 + 0.7 * sal_random_normal(7, 5, (uint64_t)i));
    }
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
        .method = method, .count = N, .x = x, .y = y, .target = target, .k = 5, .pixel_m = 10, .window = 65, .seed = 1
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
        assert_memory_equal(a->train, b->train, 5 * N);
        assert_memory_equal(a->nearest_m, b->nearest_m, N * sizeof *a->nearest_m);
        assert_true(memcmp(a->fold, c->fold, N * sizeof *a->fold) != 0);
        sal_folds_free(ctx, a);
        sal_folds_free(ctx, b);
        sal_folds_free(ctx, c);
    }
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
        cmocka_unit_test(impossible_splits_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
