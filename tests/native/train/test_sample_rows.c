/* test_sample_rows.c - the table of a baseline, and the folds inside a fold: no row of the outer test, and what a buffer keeps apart outside is apart inside. */
#include "synthetic.h"
#include "train/sample_rows.h"

#include <unistd.h>

enum { N = 200 };
static sal_context *ctx;
static sal_dataset *data;

static int setup(void **state)
{
    if (sal_context_new(&ctx)) return -1;
    data = synthetic_new(ctx, N);
    for (int64_t i = 0; i < N; i++) data->x[i] *= 10, data->y[i] *= 10;
    return 0;
}

static int teardown(void **state)
{
    sal_dataset_free(ctx, data);
    sal_context_free(ctx);
    return 0;
}

static sal_folds *split(const char *method, int64_t k)
{
    sal_folds *folds;
    sal_fold_request request = { .method = method, .count = N, .x = data->x, .y = data->y, .target = data->target, .k = k, .pixel_m = 10, .window = SYNTHETIC_WINDOW, .seed = 1 };
    assert_done(ctx, sal_folds_new(ctx, &request, &folds));
    return folds;
}

static void a_row_holds_bands_indices_and_the_centre_of_the_window(void **state)
{
    float *x;
    const int64_t p = SYNTHETIC_BANDS + SYNTHETIC_INDICES + SYNTHETIC_COVARIATES, pixels = SYNTHETIC_WINDOW * SYNTHETIC_WINDOW;
    assert_done(ctx, sal_rows_new(ctx, data, &x));
    assert_int_equal(sal_rows_columns(&data->roles), p);
    for (int64_t i = 0; i < N; i += 37) {
        assert_float_equal(x[i * p + 1], data->spectrum[i * SYNTHETIC_BANDS + 1], 0);
        assert_float_equal(x[i * p + SYNTHETIC_BANDS + 2], data->index[i * SYNTHETIC_INDICES + 2], 0);
        int64_t centre = (SYNTHETIC_WINDOW / 2) * SYNTHETIC_WINDOW + SYNTHETIC_WINDOW / 2;
        assert_float_equal(x[i * p + p - 1], data->window[(i * pixels + centre) * SYNTHETIC_COVARIATES + SYNTHETIC_COVARIATES - 1], 0);
    }
    sal_release(ctx, x);
}

static void check_inner(const sal_folds *o, int64_t f)
{
    sal_rows_inner in;
    int64_t tested = 0;
    assert_done(ctx, sal_rows_inner_new(ctx, o, f, &in));
    assert_true(in.n > 0 && in.folds.k >= 2 && in.folds.k <= 5);
    for (int64_t r = 0; r < in.n; r++) {
        if (f < o->k) assert_true(o->train[f * N + in.list[r]] && o->fold[in.list[r]] != f);
        tested += in.fold[r] >= 0;
        assert_true(in.fold[r] < in.folds.k);
        for (int64_t j = 0; j < in.folds.k; j++) { /* nobody trains where it is tested, nor beside it */
            if (in.fold[r] == j) assert_false(in.train[j * in.n + r]);
            for (int64_t s = 0; s < in.n && in.train[j * in.n + r] && o->buffer_m > 0; s++) {
                if (in.fold[s] != j) continue;
                double dx = fabs(data->x[in.list[r]] - data->x[in.list[s]]), dy = fabs(data->y[in.list[r]] - data->y[in.list[s]]);
                assert_true(fmax(dx, dy) >= (SYNTHETIC_WINDOW - 1) * 10);
            }
        }
    }
    assert_int_equal(tested, in.n);
    sal_rows_inner_clear(ctx, &in);
}

static void inner_folds_keep_what_the_outer_folds_keep(void **state)
{
    static const struct {
        const char *method;
        int64_t k;
    } cases[] = { { "random", 5 }, { "random", 3 }, { "random", 12 }, { "blocks", 4 }, { "blocks", 8 } };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sal_folds *o = split(cases[c].method, cases[c].k);
        for (int64_t f = 0; f <= o->k; f++) check_inner(o, f);
        sal_folds_free(ctx, o);
    }
}

static void two_outer_folds_leave_three_parts(void **state)
{
    sal_folds *o = split("random", 2);
    sal_rows_inner in;
    assert_done(ctx, sal_rows_inner_new(ctx, o, 0, &in));
    assert_int_equal(in.folds.k, 3);
    int64_t count[3] = { 0 };
    for (int64_t r = 0; r < in.n; r++) {
        count[in.fold[r]]++;
        for (int64_t j = 0; j < 3; j++) assert_int_equal(in.train[j * in.n + r], in.fold[r] != j);
    }
    for (int64_t j = 0; j < 3; j++) assert_in_range(count[j], in.n / 3, in.n / 3 + 1);
    sal_rows_inner_clear(ctx, &in);
    sal_folds_free(ctx, o);
}

static void a_baseline_trains_in_every_fold_with_the_same_bits_for_any_thread_count(void **state)
{
    double first[3 * N];
    sal_folds *o = split("blocks", 4);
    sal_training_request q = { .dataset = data, .folds = o, .members = 2 };
    sal_fit_defaults(&q.fit);
    for (int64_t m = 0; m < sal_baseline_method_count(); m++) {
        q.fit.baseline = sal_baseline_method_at(m);
        if (sal_baseline_method_check(ctx, q.fit.baseline) != SAL_STATUS_OK) continue;
        if (strcmp(sal_fit_system_id(&q.fit), "random_forest") == 0 || strcmp(sal_fit_system_id(&q.fit), "gradient_boosting") == 0) continue; /* test_baselines.c; slow here */
        for (int32_t threads = 1; threads <= 3; threads++) {
            sal_training *t;
            sal_context_set_threads(ctx, threads);
            assert_done(ctx, sal_training_run(ctx, &q, &t));
            assert_int_equal(t->members, 1);
            assert_int_equal(t->epochs, 0);
            assert_non_null(t->baseline[0]);
            for (int64_t i = 0; i < N; i++) assert_true(isfinite(t->out_of_fold[3 * i + 1]) && t->out_of_fold[3 * i] == t->out_of_fold[3 * i + 2]);
            if (threads == 1) memcpy(first, t->out_of_fold, sizeof first);
            assert_memory_equal(first, t->out_of_fold, sizeof first);
            sal_training_free(t);
        }
    }
    sal_folds_free(ctx, o);
}

static void running_out_of_time_is_said(void **state)
{
    sal_folds *o = split("random", 5);
    sal_training *t;
    sal_training_request q = { .dataset = data, .folds = o, .members = 1, .seconds = 1e-6 };
    sal_fit_defaults(&q.fit);
    q.fit.baseline = sal_baseline_method_find("ridge");
    assert_int_equal(sal_training_run(ctx, &q, &t), SAL_STATUS_FAILED);
    assert_non_null(strstr(sal_context_message(ctx), "after 1 of 6 folds; run the same training again"));
    sal_error_clear(ctx);
    sal_folds_free(ctx, o);
}

/* Stopped after every fold, each run goes on with the next one. */
static void a_baseline_goes_on_from_its_checkpoint_with_the_same_bits(void **state)
{
    char path[64];
    static const char *const methods[] = { "ridge", "svr" };
    snprintf(path, sizeof path, "/tmp/salina-rows-%ld.checkpoint", (long)getpid());
    for (size_t k = 0; k < 2; k++) {
        sal_folds *o = split("blocks", 4);
        sal_training *whole, *t = NULL;
        sal_training_request q = { .dataset = data, .folds = o, .members = 1, .importance = true };
        sal_fit_defaults(&q.fit);
        q.fit.baseline = sal_baseline_method_find(methods[k]);
        if (sal_baseline_method_check(ctx, q.fit.baseline) != SAL_STATUS_OK) continue;
        assert_done(ctx, sal_training_run(ctx, &q, &whole));
        q.checkpoint = path, q.seconds = 1e-6;
        int64_t runs = 1;
        for (; sal_training_run(ctx, &q, &t) == SAL_STATUS_FAILED; runs++) sal_error_clear(ctx);
        assert_int_equal(runs, 5);
        assert_int_equal(t->resumed_stage, 4);
        assert_memory_equal(whole->out_of_fold, t->out_of_fold, sizeof(double) * 3 * N);
        assert_memory_equal(whole->importance, t->importance, sizeof(double) * (size_t)whole->covariates);
        assert_memory_equal(whole->settings, t->settings, sizeof *t->settings * 5);
        sal_training_free(t);
        assert_done(ctx, sal_training_run(ctx, &q, &t)); /* all is there: nothing is fitted */
        assert_true(t->resumed_stage == 5 && isnan(t->samples_per_second));
        double a[N], b[N];
        float *x;
        assert_done(ctx, sal_rows_new(ctx, data, &x));
        assert_done(ctx, sal_baseline_predict(ctx, whole->baseline[0], N, x, a));
        assert_done(ctx, sal_baseline_predict(ctx, t->baseline[0], N, x, b));
        assert_memory_equal(a, b, sizeof a);
        sal_release(ctx, x);
        sal_training_free(t);
        sal_training_free(whole);
        sal_folds_free(ctx, o);
        remove(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_holds_bands_indices_and_the_centre_of_the_window),
        cmocka_unit_test(inner_folds_keep_what_the_outer_folds_keep),
        cmocka_unit_test(two_outer_folds_leave_three_parts),
        cmocka_unit_test(a_baseline_trains_in_every_fold_with_the_same_bits_for_any_thread_count),
        cmocka_unit_test(running_out_of_time_is_said),
        cmocka_unit_test(a_baseline_goes_on_from_its_checkpoint_with_the_same_bits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
