/* test_ops.c - every op in float: the same bits with 1, 2, 3 and 8 threads, and with every value in a place of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graph/op_cases.h"

/* A batch that gives most ops several chunks; NT-Xent is quadratic in it. */
static int64_t large(const op_case *c) { return strcmp(c->name, "loss_ntxent") == 0 ? 60 : 1500; }

/* y and all gradients of one run, end to end. */
typedef struct bits {
    real *values;
    int64_t count;
} bits;

static bits run_case(const op_case *c, int32_t threads, int64_t batch, bool everything, int64_t *most_chunks)
{
    sal_context *ctx;
    op_run r;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_context_set_threads(ctx, threads), SAL_STATUS_OK);
    if (op_run_new(ctx, c, batch, everything, &r) != SAL_STATUS_OK)
        fail_msg("%s: %s", c->name, sal_context_message(ctx));
    op_run_loss(&r);
    op_run_loss(&r); /* a second run starts from dirty memory */
    bits b = { NULL, r.tape->nodes[r.y].count };
    for (int32_t k = 0; k < r.inputs; k++) b.count += op_run_gradient(&r, k) ? r.tape->nodes[r.in[k]].count : 0;
    b.values = malloc((size_t)b.count * sizeof *b.values);
    int64_t used = r.tape->nodes[r.y].count;
    memcpy(b.values, sal_program_output(r.program, "y"), (size_t)used * sizeof(real));
    for (int32_t k = 0; k < r.inputs; k++) {
        if (!op_run_gradient(&r, k)) continue;
        int64_t count = r.tape->nodes[r.in[k]].count;
        memcpy(b.values + used, op_run_gradient(&r, k), (size_t)count * sizeof(real));
        used += count;
    }
    for (int64_t i = 0; i < r.tape->count; i++)
        *most_chunks = r.tape->nodes[i].chunks > *most_chunks ? r.tape->nodes[i].chunks : *most_chunks;
    op_run_free(&r);
    sal_context_free(ctx);
    return b;
}

static void assert_same(const op_case *c, bits a, bits b, const char *what)
{
    assert_int_equal(a.count, b.count);
    for (int64_t i = 0; i < a.count; i++) {
        if (memcmp(&a.values[i], &b.values[i], sizeof(real)) != 0)
            fail_msg("%s: element %lld is %.9g, %s %.9g", c->name, (long long)i, (double)a.values[i], what,
                     (double)b.values[i]);
    }
}

static void the_number_of_threads_changes_no_bit(void **state)
{
    int64_t several = 0;
    for (int i = 0; i < OP_CASES; i++) {
        int64_t chunks = 0;
        bits one = run_case(&op_cases[i], 1, large(&op_cases[i]), false, &chunks);
        several += chunks > 1;
        for (int32_t k = 0; k < 3; k++) {
            bits more = run_case(&op_cases[i], (const int32_t[]){ 2, 3, 8 }[k], large(&op_cases[i]), false, &chunks);
            assert_same(&op_cases[i], one, more, "with more threads");
            free(more.values);
        }
        free(one.values);
    }
    if (several < OP_CASES * 3 / 4) fail_msg("only %lld of %d cases had work to share", (long long)several, OP_CASES);
}

static void memory_planning_changes_no_bit(void **state)
{
    for (int i = 0; i < OP_CASES; i++) {
        int64_t chunks = 0;
        bits planned = run_case(&op_cases[i], 2, 3, false, &chunks),
             apart = run_case(&op_cases[i], 2, 3, true, &chunks);
        assert_same(&op_cases[i], planned, apart, "with a place for every value");
        free(planned.values);
        free(apart.values);
    }
}

static void dropout_keeps_its_mask_on_the_way_back_and_changes_it_with_the_step(void **state)
{
    sal_context *ctx;
    sal_params *params;
    sal_tape *t;
    sal_program *p;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_params_new(ctx, &params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(ctx, params, true, &t), SAL_STATUS_OK);
    sal_id x = sal_input(t, "x", SAL_SHAPE(100, 100), true), y = sal_dropout(t, x, 0.25);
    sal_tape_output(t, y, "y");
    sal_gradients(t, sal_sum_all(t, y));
    assert_int_equal(sal_program_new(ctx, t, &p), SAL_STATUS_OK);
    assert_int_equal(sal_params_initialise(params, 1), SAL_STATUS_OK);
    for (int64_t i = 0; i < 10000; i++) sal_program_input(p, "x")[i] = 3;
    int64_t dropped[2] = { 0 }, both = 0;
    char first[10000];
    for (uint64_t step = 0; step < 2; step++) {
        sal_program_run(p, 7, step);
        for (int64_t i = 0; i < 10000; i++) {
            real v = sal_program_output(p, "y")[i], g = sal_program_output(p, "gradient:x")[i];
            assert_true(v == 0 ? g == 0 : fabs((double)v - 4) < 1e-5 && fabs((double)g - 4.0 / 3) < 1e-5);
            dropped[step] += v == 0;
            if (step == 0)
                first[i] = v == 0;
            else
                both += first[i] && v == 0;
        }
    }
    assert_in_range(dropped[0], 2350, 2650); /* 2500 +- 3.5 sigma */
    assert_in_range(dropped[1], 2350, 2650);
    assert_in_range(both, 520, 730); /* independent: 625 */
    sal_program_free(p);
    sal_tape_free(t);
    assert_int_equal(sal_tape_new(ctx, params, false, &t), SAL_STATUS_OK);
    x = sal_input(t, "x", SAL_SHAPE(10), false);
    assert_int_equal(sal_dropout(t, x, 0.25), x);
    sal_tape_free(t);
    sal_params_free(params);
    sal_context_free(ctx);
}

static void softmax_and_attention_bear_large_scores(void **state)
{
    sal_context *ctx;
    sal_params *params;
    sal_tape *t;
    sal_program *p;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_params_new(ctx, &params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(ctx, params, false, &t), SAL_STATUS_OK);
    sal_id x = sal_input(t, "x", SAL_SHAPE(1, 2, 4), false);
    sal_tape_output(t, sal_softmax(t, x), "softmax");
    sal_tape_output(t, sal_attention_weights(t, x, x, 1), "weights");
    sal_tape_output(t, sal_attention(t, x, x, x, 1), "attention");
    assert_int_equal(sal_program_new(ctx, t, &p), SAL_STATUS_OK);
    memcpy(sal_program_input(p, "x"), (real[]){ 1000, 990, -1000, 0, -300, -310, -300, -400 }, 8 * sizeof(real));
    sal_program_run(p, 0, 0);
    assert_true(fabs((double)sal_program_output(p, "softmax")[0] - 0.9999546) < 1e-6);
    assert_true(fabs((double)sal_program_output(p, "softmax")[4] - 0.4999887) < 1e-5);
    assert_true(sal_program_output(p, "weights")[0] == 1);
    assert_true(sal_program_output(p, "attention")[0] == 1000);
    sal_program_free(p);
    sal_tape_free(t);
    sal_params_free(params);
    sal_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(memory_planning_changes_no_bit),
        cmocka_unit_test(dropout_keeps_its_mask_on_the_way_back_and_changes_it_with_the_step),
        cmocka_unit_test(softmax_and_attention_bear_large_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
