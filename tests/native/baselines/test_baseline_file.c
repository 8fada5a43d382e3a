/* test_baseline_file.c - baselines as arrays: back with the same bits, or refused with the culprit; trees that cannot lead a walk astray. */
#include "baselines/trees.h"
#include "baselines_data.h"

static void every_method_comes_back_with_the_same_bits(void **state)
{
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        const sal_baseline_method *m = sal_baseline_method_at(i);
        sal_baseline *b, *c;
        sal_tensors *t;
        double one[N], two[N];
        if (!available(m)) continue;
        b = fitted(m);
        assert_done(sal_tensors_new(ctx, &t));
        assert_done(sal_baseline_store(b, t, "member0/"));
        assert_done(sal_baseline_restore(ctx, m, P, t, "member0/", "model \"m\"", &c));
        predict(b, one);
        predict(c, two);
        assert_memory_equal(one, two, sizeof one);
        assert_memory_equal(sal_baseline_settings_of(b), sal_baseline_settings_of(c), sizeof(sal_baseline_settings));
        sal_baseline *wrong;
        assert_int_equal(sal_baseline_restore(ctx, m, P + 1, t, "member0/", "model \"m\"", &wrong), sal_baseline_method_is_random(m) ? SAL_STATUS_OK : SAL_STATUS_DATA);
        if (wrong) sal_baseline_free(wrong); /* trees may leave a covariate aside */
        sal_error_clear(ctx);
        sal_baseline_free(b);
        sal_baseline_free(c);
        sal_tensors_free(t);
    }
}

static void a_sample_gives_the_same_bits_at_any_place(void **state)
{
    for (int64_t i = 0; i < sal_baseline_method_count(); i++) {
        double all[N], some[N];
        if (!available(sal_baseline_method_at(i))) continue;
        sal_baseline *b = fitted(sal_baseline_method_at(i));
        predict(b, all);
        assert_done(sal_baseline_predict(ctx, b, N - 33, x + 33 * P, some));
        assert_memory_equal(all + 33, some, (N - 33) * sizeof *all);
        sal_baseline_free(b);
    }
}

/* One tree: x0 >= 1 -> (x1 >= 2 -> 30, else 20, missing right), else 10, missing left. */
enum { FIELDS = 5, NODES = 5 };
static const float good[NODES][FIELDS] = { { 0, 1, 0, 1, 9 }, { -1, 0, 0, 10, 4 }, { 1, 3, 1, 2, 5 }, { -1, 0, 0, 20, 2 }, { -1, 0, 0, 30, 3 } };

static sal_status restore(const float nodes[NODES][FIELDS], int64_t last, sal_trees **out)
{
    sal_tensors *t;
    const int64_t first[2] = { 0, last }, ends = 2, dims[2] = { NODES, FIELDS };
    assert_done(sal_tensors_new(ctx, &t));
    assert_done(sal_tensors_add(t, "trees", SAL_TENSOR_I64, 1, &ends, first, true));
    assert_done(sal_tensors_add(t, "nodes", SAL_TENSOR_F32, 2, dims, nodes, true));
    sal_status status = sal_trees_restore(ctx, 2, t, "", "model \"m\"", out);
    sal_tensors_free(t);
    return status;
}

static void a_walk_follows_thresholds_and_missing_values(void **state)
{
    enum { LANES = 64, CASES = 7 };
    static const float in[CASES][3] = { { 0, 5, 10 }, { 1, 1.9f, 20 }, { 1, 2, 30 }, { 7, NAN, 30 }, { NAN, 9, 10 }, { INFINITY, 9, 10 }, { -5, NAN, 10 } };
    float block[2 * LANES] = { 0 }, sum[LANES];
    sal_trees *t;
    assert_done(restore(good, NODES, &t));
    for (int32_t with_gaps = 0; with_gaps < 2; with_gaps++) {
        memset(block, 0, sizeof block);
        for (int32_t i = 0; i < (with_gaps ? CASES : 3); i++) block[i] = in[i][0], block[LANES + i] = in[i][1];
        sal_trees_predict(t, LANES, block, sum);
        for (int32_t i = 0; i < (with_gaps ? CASES : 3); i++) assert_float_equal(sum[i], in[i][2], 0);
    }
    sal_trees_free(t);
}

static void hostile_trees_are_refused(void **state)
{
    static const struct {
        int32_t node, field;
        float value;
    } wrong[] = { { 0, 0, 2 }, { 0, 0, -2 }, { 0, 0, 0.5f }, { 0, 0, NAN }, { 0, 1, 0 }, { 0, 1, 2 }, { 0, 1, 1e30f }, { 2, 1, 1 }, { 2, 1, 4 }, { 2, 1, -3 },
                  { 0, 2, 2 }, { 0, 3, NAN }, { 1, 3, INFINITY }, { 1, 4, -1 }, { 1, 4, NAN }, { 1, 0, 1 }, { 2, 0, -1 } };
    sal_trees *t;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        float nodes[NODES][FIELDS];
        memcpy(nodes, good, sizeof good);
        nodes[wrong[i].node][wrong[i].field] = wrong[i].value;
        if (restore(nodes, NODES, &t) != SAL_STATUS_DATA) fail_msg("change %d was accepted", (int)i);
        assert_null(t);
        assert_non_null(strstr(sal_context_message(ctx), "model \"m\""));
        sal_error_clear(ctx);
    }
    static const int64_t ends[] = { 0, 4, 6, -1, INT64_MAX };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        assert_int_equal(restore(good, ends[i], &t), SAL_STATUS_DATA);
        sal_error_clear(ctx);
    }
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
    static const char *const names[] = { "m/mean", "m/scale", "m/weight", "m/numbers" };
    const sal_baseline_method *m = sal_baseline_method_find("ridge");
    sal_baseline *b = fitted(m), *c;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        sal_tensors *t;
        assert_done(sal_tensors_new(ctx, &t));
        assert_done(sal_baseline_store(b, t, "m/"));
        const sal_tensor_view *v = sal_tensors_find(t, names[k]);
        if (v->type == SAL_TENSOR_F32) ((float *)(uintptr_t)v->data)[0] = INFINITY;
        else ((double *)(uintptr_t)v->data)[0] = NAN;
        assert_int_equal(sal_baseline_restore(ctx, m, P, t, "m/", "model \"m\"", &c), SAL_STATUS_DATA);
        assert_null(c);
        sal_error_clear(ctx);
        sal_tensors_free(t);
    }
    sal_baseline_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_comes_back_with_the_same_bits), cmocka_unit_test(a_sample_gives_the_same_bits_at_any_place),
        cmocka_unit_test(a_walk_follows_thresholds_and_missing_values), cmocka_unit_test(hostile_trees_are_refused),
        cmocka_unit_test(numbers_that_are_not_finite_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
