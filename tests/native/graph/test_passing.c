/* test_passing.c - values that pass through a group of nodes, and normalisations that a convolution absorbs, change no result: the same
 * network gives the same loss and gradients when they are kept because they are outputs; and the same bits from any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/tape_private.h"

enum { N = 12, SIDE = 23, GROUPS = 3, SLOPES = 4096 };

typedef struct answer {
    int64_t passing, absorbed, gradients;
    real loss, gradient[SLOPES];
} answer;

/* Convolution, batch norm with ReLU, twice, as the trunk of SS-SoilNet: an odd number of groups of 8 channels, strides of 2. */
static sal_id stage(sal_tape *t, sal_id x, const char *name, int64_t in, bool keep)
{
    const char *const parts[] = { "w", "gamma", "beta" };
    char text[3][32];
    int64_t c = 8 * GROUPS;
    for (int k = 0; k < 3; k++) snprintf(text[k], sizeof text[k], "%s/%s", name, parts[k]);
    sal_conv_options o = { .stride = 2, .groups = GROUPS };
    sal_id h = sal_conv2d(t, x, sal_parameter(t, text[0], SAL_SHAPE(3, 3, in, c), SAL_INIT_HE_NORMAL, 9 * in, 72), SAL_NONE, &o);
    sal_id gamma = sal_parameter(t, text[1], SAL_SHAPE(c), SAL_INIT_ONES, 1, 1), beta = sal_parameter(t, text[2], SAL_SHAPE(c), SAL_INIT_ZEROS, 1, 1);
    h = sal_normalise(t, h, sal_moments(t, h), gamma, beta, 1e-5, true);
    if (keep) sal_tape_output(t, h, name);
    return h;
}

static void run(bool keep, int32_t threads, answer *a)
{
    sal_context *ctx;
    sal_params *params;
    sal_tape *t;
    sal_program *p;
    sal_plan plan;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_context_set_threads(ctx, threads), SAL_STATUS_OK);
    assert_int_equal(sal_params_new(ctx, &params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(ctx, params, true, &t), SAL_STATUS_OK);
    sal_id x = sal_input(t, "x", SAL_SHAPE(N, SIDE, SIDE, GROUPS), false), y = sal_input(t, "y", SAL_SHAPE(N, 1), false);
    sal_id h = stage(t, stage(t, x, "first", 1, keep), "second", 8, keep);
    sal_id out = sal_dense(t, sal_global_mean(t, h), sal_parameter(t, "head", SAL_SHAPE(8 * GROUPS, 1), SAL_INIT_XAVIER_UNIFORM, 24, 1), SAL_NONE);
    sal_id loss = sal_loss_mse(t, out, y, SAL_NONE);
    sal_tape_output(t, loss, "loss");
    sal_gradients(t, loss);
    assert_int_equal(sal_program_new(ctx, t, &p), SAL_STATUS_OK);
    assert_int_equal(sal_params_initialise(params, 1), SAL_STATUS_OK);
    for (int64_t i = 0; i < N * SIDE * SIDE * GROUPS; i++) sal_program_input(p, "x")[i] = (real)sal_random_normal(1, 2, (uint64_t)i);
    for (int64_t i = 0; i < N; i++) sal_program_input(p, "y")[i] = (real)i;
    for (int step = 0; step < 2; step++) sal_program_run(p, 1, 0); /* twice: nothing of the first run is left behind */
    *a = (answer){ .loss = sal_program_output(p, "loss")[0], .gradients = sal_params_size(params) };
    assert_true(a->gradients <= SLOPES);
    memcpy(a->gradient, sal_params_gradients(params), sizeof(real) * (size_t)a->gradients);
    for (sal_id i = 0; i < t->count; i++) a->absorbed += t->nodes[i].absorbed;
    assert_int_equal(sal__plan_new(ctx, t, true, &plan), SAL_STATUS_OK);
    for (sal_id i = 0; i < t->count; i++) a->passing += plan.passing[i];
    sal__plan_clear(ctx, &plan);
    sal_program_free(p);
    sal_tape_free(t);
    sal_params_free(params);
    sal_context_free(ctx);
}

static void passing_changes_no_result(void **state)
{
    static answer passing, kept;
    (void)state;
    run(false, 1, &passing);
    run(true, 1, &kept);
    assert_true(passing.passing > kept.passing);
    assert_int_equal(passing.gradients, kept.gradients);
    assert_true(fabs((double)(passing.loss - kept.loss)) <= 1e-5 * fabs((double)kept.loss));
    double largest = 0;
    for (int64_t i = 0; i < kept.gradients; i++) largest = fmax(largest, fabs((double)kept.gradient[i]));
    assert_true(largest > 1e-3);
    for (int64_t i = 0; i < kept.gradients; i++) assert_true(fabs((double)(passing.gradient[i] - kept.gradient[i])) <= 1e-5 * largest);
    print_message("%d values pass, %d normalisations are absorbed\n", (int)passing.passing, (int)passing.absorbed);
}

static void same_bits_from_any_number_of_threads(void **state)
{
    static answer one, many;
    (void)state;
    run(false, 1, &one);
    for (int32_t threads = 2; threads <= 5; threads += 3) {
        run(false, threads, &many);
        assert_memory_equal(&one.loss, &many.loss, sizeof one.loss);
        assert_memory_equal(one.gradient, many.gradient, sizeof(real) * (size_t)one.gradients);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passing_changes_no_result),
        cmocka_unit_test(same_bits_from_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
