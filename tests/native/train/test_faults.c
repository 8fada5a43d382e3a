/* test_faults.c - the n-th allocation fails, for n = 1, 2, 3 ...: folds, scores, calibration, embeddings, model files and reports say so, leak
 * nothing and leave no file behind. */
#include "train/folds.h"
#include "train/intervals.h"
#include "train/model_file.h"
#include "train/report.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define N 60
static double x[N], y[N], observed[N], predicted[N], lower[N], upper[N];
static double far_x[N]; /* of the ground to be mapped, so that kNNDM has clusters to find */
static int32_t campaign[N];
static char path[600];
static int64_t calls, fail_at, alive;

static void *allocate(void *user, size_t bytes)
{
    if (++calls == fail_at) return NULL;
    alive++;
    return aligned_alloc(64, (bytes + 127) / 64 * 64);
}

static void release(void *user, void *memory)
{
    alive -= memory != NULL;
    free(memory);
}

/* Runs the task with the n-th allocation failing until it gets through. */
static void fail_every_allocation(sal_status (*task)(sal_context *))
{
    sal_context *ctx;
    sal_status status = SAL_STATUS_MEMORY;
    assert_int_equal(sal_context_new(&ctx), 0);
    sal_context_set_threads(ctx, 1);
    sal_context_set_allocator(ctx, (sal_allocator){ allocate, release, NULL });
    for (fail_at = 1; status != SAL_STATUS_OK; fail_at++) {
        assert_true(fail_at < 5000);
        calls = 0;
        alive = 0;
        remove(path);
        sal_error_clear(ctx);
        status = task(ctx);
        if (status != SAL_STATUS_OK && status != SAL_STATUS_MEMORY)
            fail_msg("allocation %d: status %d, %s", (int)fail_at, status, sal_context_message(ctx));
        if (status != SAL_STATUS_OK) assert_false(sal_file_exists(path));
        assert_int_equal(alive, 0);
    }
    assert_true(fail_at > 3);
    sal_context_free(ctx);
}

static sal_status split(sal_context *ctx)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t m = 0; status == SAL_STATUS_OK && m < sal_fold_method_count(); m++) {
        sal_fold_request r = { .method = sal_fold_method_at(m)->id,
                               .count = N,
                               .x = x,
                               .y = y,
                               .target = observed,
                               .k = 3,
                               .pixel_m = 10,
                               .window = 5,
                               .seed = 1,
                               .campaign = campaign,
                               .domain_x = far_x,
                               .domain_y = y,
                               .domain_count = N };
        sal_folds *folds;
        status = sal_folds_new(ctx, &r, &folds);
        sal_folds_free(ctx, folds);
    }
    return status;
}

static sal_status calibrate(sal_context *ctx)
{
    sal_conformal c;
    sal_status status;
    int32_t fold[N];
    double low[N], high[N];
    for (int i = 0; i < N; i++) fold[i] = i % 3;
    for (int rule = SAL_INTERVALS_CLASSWISE; rule <= SAL_INTERVALS_NORMALISED; rule++) {
        const sal_intervals v = { .rule = (sal_intervals_rule)rule, .n = N, .k = 3, .fold = fold, .observed = observed, .lower = predicted, .median = predicted, .upper = predicted };
        SAL_TRY(sal_intervals_fit(ctx, &v, &c));
        SAL_TRY(sal_intervals_cross(ctx, &v, 0.9, low, high));
    }
done:
    return status;
}

static sal_status embed(sal_context *ctx)
{
    sal_status status;
    sal_applicability *a = NULL;
    float units[2 * N];
    double weight[2] = { 1, 2 }, di[N];
    int32_t fold[N];
    uint8_t train[2 * N];
    for (int i = 0; i < N; i++) {
        units[2 * i] = (float)observed[i], units[2 * i + 1] = (float)predicted[i], fold[i] = i % 2;
        train[i] = fold[i] != 0, train[N + i] = fold[i] != 1;
    }
    for (int32_t k = 0; k < 2; k++) SAL_TRY(sal_applicability_unseen(ctx, N, 2, units, weight, fold, train, k, di));
    SAL_TRY(sal_applicability_fit_embedding(ctx, N, 2, units, weight, fold, train, di, &a));
done:
    sal_applicability_free(a);
    return status;
}

static sal_status report(sal_context *ctx)
{
    sal_status status;
    sal_scores scores;
    sal_report *r = NULL;
    SAL_TRY(sal_scores_compute(ctx, N, observed, predicted, lower, upper, 0.9, sal_class_scheme_at(0), &scores));
    SAL_TRY(sal_report_new(ctx, "title", &r));
    sal_report_paragraph(r, "%s", "text");
    sal_report_scores(r, "scores", &scores, "g/kg");
    sal_report_points(r, "residuals", N, x, y, (sal_report_categories){ 0 }, observed, "g/kg");
    status = sal_report_save(r, path);
done:
    sal_report_free(r);
    return status;
}

static sal_status model(sal_context *ctx)
{
    sal_status status;
    sal_model_file *m = NULL, *again = NULL;
    float w[2] = { 1, 2 };
    SAL_TRY(sal_model_file_new(ctx, &m));
    SAL_TRY(sal_model_file_set_covariates(m, 1));
    strcpy(m->covariates[0].id, "B04");
    strcpy(m->covariates[0].role, "spectral");
    m->covariates[0].sd = 1;
    strcpy(m->system, "s");
    strcpy(m->target, "t");
    strcpy(m->transform, "none");
    m->window = m->members = 1;
    m->pixel_m = 10;
    SAL_TRY(sal_model_file_add_parameter(m, 0, "w", 1, (int64_t[]){ 2 }, w));
    SAL_TRY(sal_model_file_save(m, path));
    status = sal_model_file_load(ctx, path, &again);
    if (status != SAL_STATUS_OK) remove(path);
done:
    sal_model_file_free(m);
    sal_model_file_free(again);
    return status;
}

static void folds_survive_a_failed_allocation(void **state) { fail_every_allocation(split); }
static void calibration_survives_a_failed_allocation(void **state) { fail_every_allocation(calibrate); }
static void embeddings_survive_a_failed_allocation(void **state) { fail_every_allocation(embed); }
static void reports_survive_a_failed_allocation(void **state) { fail_every_allocation(report); }
static void model_files_survive_a_failed_allocation(void **state) { fail_every_allocation(model); }

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/salina_faults_%ld.out", tmp ? tmp : "/tmp", (long)getpid());
    for (int i = 0; i < N; i++) {
        x[i] = 1000 * (i % 8), y[i] = 1000 * (i / 8);
        far_x[i] = 20000 + 1000 * i, campaign[i] = i % 2;
        observed[i] = 0.2 * i, predicted[i] = 0.2 * i + 0.3 * sin(i);
        lower[i] = predicted[i] - 1, upper[i] = predicted[i] + 1;
    }
    return 0;
}

static int teardown(void **state)
{
    remove(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_survive_a_failed_allocation),
        cmocka_unit_test(calibration_survives_a_failed_allocation),
        cmocka_unit_test(embeddings_survive_a_failed_allocation),
        cmocka_unit_test(reports_survive_a_failed_allocation),
        cmocka_unit_test(model_files_survive_a_failed_allocation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
