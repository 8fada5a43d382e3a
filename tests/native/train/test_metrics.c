/* test_metrics.c - scores against hand-computed cases and tests/golden/metrics.txt (numpy,
 * tests/oracle/metrics_golden.py). */
#include "train/metrics.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

static void near(double got, double wanted, const char *what)
{
    if (!(fabs(got - wanted) <= 1e-12 * fmax(1, fabs(wanted))))
        fail_msg("%s: %.17g instead of %.17g", what, got, wanted);
}

static void scores_equal_those_computed_by_hand(void **state)
{
    /* e = 1 -1 1 -1, mean o = 2.5, SST = 5, SSE = 4 */
    double o[4] = { 1, 2, 3, 4 }, p[4] = { 2, 1, 4, 3 }, v[SAL_METRIC_COUNT];
    assert_int_equal(sal_metrics_evaluate(ctx, 4, o, p, v), 0);
    near(v[SAL_METRIC_R2], 0.2, "R2");
    near(v[SAL_METRIC_R2_PEARSON], 0.36, "r2"); /* sop = 3, 9 / 25 */
    near(v[SAL_METRIC_RMSE], 1, "RMSE");
    near(v[SAL_METRIC_MAE], 1, "MAE");
    near(v[SAL_METRIC_MEDAE], 1, "MedAE");
    near(v[SAL_METRIC_BIAS], 0, "bias");
    near(v[SAL_METRIC_CCC], 0.6, "CCC"); /* 2 * 0.75 / (1.25 + 1.25) */
    near(v[SAL_METRIC_RPD], sqrt(5.0 / 3), "RPD");
    near(v[SAL_METRIC_RPIQ], 1.5, "RPIQ"); /* 3.25 - 1.75 */
}

static void a_shift_lowers_r2_but_not_the_squared_correlation(void **state)
{
    double o[4] = { 1, 2, 3, 4 }, p[4] = { 3, 4, 5, 6 }, v[SAL_METRIC_COUNT];
    assert_int_equal(sal_metrics_evaluate(ctx, 4, o, p, v), 0);
    near(v[SAL_METRIC_R2], 1 - 16.0 / 5, "R2");
    near(v[SAL_METRIC_R2_PEARSON], 1, "r2");
    near(v[SAL_METRIC_BIAS], 2, "bias");
    near(v[SAL_METRIC_CCC], 2 * 1.25 / (2.5 + 4), "CCC");
}

static void interval_scores_equal_those_computed_by_hand(void **state)
{
    double y[4] = { 1, 5, 2, 3 }, l[4] = { 0, 0, 3, 3 }, u[4] = { 2, 4, 4, 3 }, v[SAL_INTERVAL_COUNT];
    assert_int_equal(sal_interval_metrics_evaluate(ctx, 4, y, l, u, 0.9, v), 0);
    near(v[SAL_INTERVAL_PICP], 0.5, "PICP");
    near(v[SAL_INTERVAL_BELOW], 0.25, "below");
    near(v[SAL_INTERVAL_ABOVE], 0.25, "above");
    near(v[SAL_INTERVAL_MPIW], 7.0 / 4, "MPIW");
    near(v[SAL_INTERVAL_SCORE], (7 + 20 * 1 + 20 * 1) / 4.0, "interval score");
}

static void quantiles_are_of_type_7(void **state)
{
    double v[5] = { 1, 2, 4, 8, 16 };
    near(sal_quantile_sorted(5, v, 0), 1, "0");
    near(sal_quantile_sorted(5, v, 0.1), 1.4, "0.1");
    near(sal_quantile_sorted(5, v, 0.75), 8, "0.75");
    near(sal_quantile_sorted(5, v, 1), 16, "1");
    near(sal_quantile_sorted(1, v, 0.3), 1, "one value");
}

static void undefined_scores_are_nan_and_null_in_json(void **state)
{
    double o[3] = { 2, 2, 2 }, p[3] = { 2, 2, 2 };
    sal_scores s;
    json_object *json, *table, *value;
    assert_int_equal(sal_scores_compute(ctx, 3, o, p, NULL, NULL, 0, sal_class_scheme_find("china_salt_gkg"), &s), 0);
    assert_true(isnan(s.natural[SAL_METRIC_R2]) && isnan(s.natural[SAL_METRIC_RPIQ]) &&
                s.natural[SAL_METRIC_RMSE] == 0);
    assert_int_equal(sal_scores_json(ctx, &s, &json), 0);
    assert_true(json_object_object_get_ex(json, "natural", &table) && json_object_object_get_ex(table, "r2", &value) &&
                value == NULL);
    assert_null(strstr(json_object_to_json_string(json), "NaN"));
    json_object_put(json);
}

static void values_that_are_not_numbers_are_refused_by_place(void **state)
{
    double o[3] = { 1, 2, 3 }, p[3] = { 1, NAN, 3 }, v[SAL_METRIC_COUNT];
    sal_error_clear(ctx);
    assert_int_equal(sal_metrics_evaluate(ctx, 3, o, p, v), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "prediction 2 of 3"));
    sal_error_clear(ctx);
    assert_int_equal(sal_metrics_evaluate(ctx, 0, o, o, v), SAL_STATUS_DATA);
    sal_error_clear(ctx);
    assert_int_equal(sal_interval_metrics_evaluate(ctx, 1, o, (double[]){ 2 }, (double[]){ 1 }, 0.9, v),
                     SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "upside down"));
}

static void scores_by_class_use_the_observed_class(void **state)
{
    double o[5] = { 0.5, 1.0, 1.9, 7, 9 }, p[5] = { 3.5, 1.5, 1.4, 6, 5 }, l[5], u[5];
    for (int i = 0; i < 5; i++) l[i] = p[i] - 1, u[i] = p[i] + 1;
    sal_scores s;
    assert_int_equal(sal_scores_compute(ctx, 5, o, p, l, u, 0.9, sal_class_scheme_find("china_salt_gkg"), &s), 0);
    assert_int_equal(s.class_n[0], 1);
    assert_int_equal(s.class_n[1], 2);
    assert_int_equal(s.class_n[2] + s.class_n[3], 0);
    assert_int_equal(s.class_n[4], 2);
    near(s.class_natural[0][SAL_METRIC_BIAS], 3, "bias of class 0");
    near(s.class_natural[1][SAL_METRIC_RMSE], 0.5, "RMSE of class 1");
    near(s.class_natural[4][SAL_METRIC_BIAS], -2.5, "bias of class 4");
    near(s.class_interval[4][SAL_INTERVAL_PICP], 0.5, "PICP of class 4");
    near(s.class_interval[0][SAL_INTERVAL_PICP], 0, "PICP of class 0");
    assert_true(isnan(s.class_natural[2][SAL_METRIC_RMSE]));
    json_object *json, *classes, *name;
    assert_int_equal(sal_scores_json(ctx, &s, &json), 0);
    assert_true(json_object_object_get_ex(json, "classes", &classes) && json_object_array_length(classes) == 5);
    assert_true(json_object_object_get_ex(json_object_array_get_idx(classes, 4), "limits", &name));
    assert_string_equal(json_object_get_string(name), ">= 6");
    json_object_put(json);
}

static void the_log_scale_is_left_out_where_an_observation_is_negative(void **state)
{
    double o[3] = { -0.5, 2, 3 }, p[3] = { 1, 2, 3 };
    sal_scores s;
    assert_int_equal(sal_scores_compute(ctx, 3, o, p, NULL, NULL, 0, NULL, &s), 0);
    assert_false(s.has_log);
    o[0] = 0.5, p[0] = -2; /* a negative prediction counts as 0 there */
    assert_int_equal(sal_scores_compute(ctx, 3, o, p, NULL, NULL, 0, NULL, &s), 0);
    assert_true(s.has_log);
    near(s.log1p[SAL_METRIC_MAE], log1p(0.5) / 3, "log MAE");
}

static int find(const char *key, bool interval)
{
    for (int m = 0; m < (interval ? (int)SAL_INTERVAL_COUNT : (int)SAL_METRIC_COUNT); m++)
        if (!strcmp(interval ? sal_interval_metric_at((sal_interval_metric)m)->id : sal_metric_at((sal_metric)m)->id,
                    key))
            return m;
    fail_msg("no metric %s", key);
    return -1;
}

static void every_row_equals_the_golden_file(void **state)
{
    char path[1024], line[512], scale[32], key[32];
    snprintf(path, sizeof path, "%s", __FILE__);
    char *at = strstr(path, "native/train/test_metrics.c");
    assert_non_null(at);
    strcpy(at, "golden/metrics.txt");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    double o[100], p[100], l[100], u[100], value, coverage;
    int cases = 0, n, seen = 0;
    sal_scores s;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#') continue;
        if (sscanf(line, "case %31s %d %lf", key, &n, &coverage) == 3) {
            assert_in_range(n, 1, 100);
            for (int i = 0; i < n; i++)
                assert_int_equal(fscanf(file, "%lf %lf %lf %lf\n", &o[i], &p[i], &l[i], &u[i]), 4);
            assert_int_equal(sal_scores_compute(ctx, n, o, p, l, u, coverage, NULL, &s), 0);
            cases++;
        } else if (sscanf(line, "%31s %31s %lf", scale, key, &value) == 3) {
            bool interval = !strcmp(scale, "interval");
            int m = find(key, interval);
            near(interval ? s.interval[m] : !strcmp(scale, "log1p") ? s.log1p[m] : s.natural[m], value, line);
            seen++;
        }
    }
    fclose(file);
    assert_int_equal(cases, 3);
    assert_int_equal(seen, cases * (2 * SAL_METRIC_COUNT + SAL_INTERVAL_COUNT)); /* no row without a golden value */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_equal_those_computed_by_hand),
        cmocka_unit_test(a_shift_lowers_r2_but_not_the_squared_correlation),
        cmocka_unit_test(interval_scores_equal_those_computed_by_hand),
        cmocka_unit_test(quantiles_are_of_type_7),
        cmocka_unit_test(undefined_scores_are_nan_and_null_in_json),
        cmocka_unit_test(values_that_are_not_numbers_are_refused_by_place),
        cmocka_unit_test(scores_by_class_use_the_observed_class),
        cmocka_unit_test(the_log_scale_is_left_out_where_an_observation_is_negative),
        cmocka_unit_test(every_row_equals_the_golden_file),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
