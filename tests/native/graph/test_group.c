/* Nodes that run image by image together: the same bits as with memory of their own, with any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "graph/tape_private.h"

enum { IMAGES = 9, SIDE = 21, CHANNELS = 20 };

/* Two convolutions with batch normalisation, their gradients on the way back. */
static sal_id network(sal_tape *t)
{
    sal_id x = sal_input(t, "x", SAL_SHAPE(IMAGES, SIDE, SIDE, 2), true);
    for (int64_t k = 0, in = 2; k < 2; k++, in = CHANNELS) {
        sal_conv_options options = { .stride = 1 };
        sal_id w = sal_parameter(t, k ? "w2" : "w1", SAL_SHAPE(3, 3, in, CHANNELS), SAL_INIT_XAVIER_UNIFORM, 9 * in, 9 * CHANNELS);
        sal_id gamma = sal_parameter(t, k ? "gamma2" : "gamma1", SAL_SHAPE(CHANNELS), SAL_INIT_ONES, 1, 1);
        sal_id beta = sal_parameter(t, k ? "beta2" : "beta1", SAL_SHAPE(CHANNELS), SAL_INIT_ZEROS, 1, 1);
        x = sal_conv2d(t, x, w, SAL_NONE, &options);
        x = sal_normalise(t, x, sal_moments(t, x), gamma, beta, 1e-5, true);
    }
    return sal_mean_to(t, sal_square(t, x), SAL_SHAPE(1, 1, 1, 1));
}

typedef struct result {
    real *values;
    int64_t count, bytes, grouped;
} result;

static result run(int32_t threads, bool keep_all)
{
    sal_context *ctx;
    sal_params *params;
    sal_tape *t;
    sal_program *p;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_context_set_threads(ctx, threads), SAL_STATUS_OK);
    assert_int_equal(sal_params_new(ctx, &params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(ctx, params, true, &t), SAL_STATUS_OK);
    sal_gradients(t, network(t));
    for (sal_id i = 0; keep_all && i < t->count; i++) t->nodes[i].is_output = true;
    assert_int_equal(sal_program_new(ctx, t, &p), SAL_STATUS_OK);
    assert_int_equal(sal_params_initialise(params, 3), SAL_STATUS_OK);
    for (int64_t i = 0; i < IMAGES * SIDE * SIDE * 2; i++) sal_program_input(p, "x")[i] = (real)sal_random_normal(1, 2, (uint64_t)i);
    sal_program_run(p, 1, 1);
    const real *gx = sal_program_output(p, "gradient:x");
    int64_t count = IMAGES * SIDE * SIDE * 2, weights = sal_params_size(params);
    result r = { malloc((size_t)(count + weights) * sizeof(real)), count + weights, sal_program_bytes(p), 0 };
    memcpy(r.values, gx, (size_t)count * sizeof(real));
    memcpy(r.values + count, sal_params_gradients(params), (size_t)weights * sizeof(real));
    for (sal_id i = 0; i < t->count; i++) r.grouped += t->nodes[i].group_first != i;
    sal_program_free(p);
    sal_tape_free(t);
    sal_params_free(params);
    sal_context_free(ctx);
    return r;
}

static void groups_and_reused_memory_change_no_bit(void **state)
{
    result own = run(1, true);
    for (int32_t threads = 1; threads <= 8; threads += threads == 1 ? 2 : 5) {
        result reused = run(threads, false);
        assert_int_equal(own.count, reused.count);
        assert_memory_equal(own.values, reused.values, (size_t)own.count * sizeof(real));
        assert_true(reused.grouped >= 7); /* among them moments, the gradients of both convolutions, sums */
        if (threads == 1) assert_true(reused.bytes < own.bytes); /* every further thread brings scratch of its own */
        free(reused.values);
    }
    free(own.values);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(groups_and_reused_memory_change_no_bit) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
