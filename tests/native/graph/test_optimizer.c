/* test_optimizer.c - AdamW and SGD against steps worked out by hand in double, clipping, schedules, early stopping, averages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "graph/optimizer.h"

enum { MATRIX = 20000, BIAS = 3 }; /* the matrix decays and spans several pieces; the bias does neither */

typedef struct world {
    sal_context *ctx;
    sal_params *params;
    real *w, *b, *gw, *gb;
} world;

static world world_new(int32_t threads)
{
    world s;
    sal_tape *t;
    assert_int_equal(sal_context_new(&s.ctx), SAL_STATUS_OK);
    assert_int_equal(sal_context_set_threads(s.ctx, threads), SAL_STATUS_OK);
    assert_int_equal(sal_params_new(s.ctx, &s.params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(s.ctx, s.params, true, &t), SAL_STATUS_OK);
    sal_parameter(t, "w", SAL_SHAPE(MATRIX / 10, 10), SAL_INIT_HE_NORMAL, 10, 10);
    sal_parameter(t, "b", SAL_SHAPE(BIAS), SAL_INIT_ONES, 1, 1);
    sal_state(t, "m", SAL_SHAPE(2, 2), SAL_INIT_MOMENTS);
    sal_tape_free(t);
    assert_int_equal(sal_params_initialise(s.params, 1), SAL_STATUS_OK);
    s.w = sal_params_find(s.params, "w", NULL);
    s.b = sal_params_find(s.params, "b", NULL);
    s.gw = sal_params_gradients(s.params) + (s.w - sal_params_values(s.params));
    s.gb = sal_params_gradients(s.params) + (s.b - sal_params_values(s.params));
    for (int64_t i = 0; i < MATRIX; i++) s.gw[i] = (real)sal_random_normal(2, 1, (uint64_t)i);
    for (int64_t i = 0; i < BIAS; i++) s.gb[i] = (real)(i - 1);
    return s;
}

static void world_free(world *s)
{
    sal_params_free(s->params);
    sal_context_free(s->ctx);
}

static sal_optimizer *optimizer(world *s, sal_optimizer_options o)
{
    sal_optimizer *q;
    assert_int_equal(sal_optimizer_new(s->ctx, s->params, &o, &q), SAL_STATUS_OK);
    return q;
}

static void adamw_takes_the_steps_of_the_paper(void **state)
{
    world s = world_new(2);
    sal_optimizer *q = optimizer(&s, (sal_optimizer_options){ .kind = SAL_OPTIMIZER_ADAMW, .weight_decay = 0.1 });
    double p[2] = { (double)s.w[12345], 1 }, m[2] = { 0 }, v[2] = { 0 }, decay[2] = { 0.1, 0 };
    for (int step = 1; step <= 3; step++) {
        s.gw[12345] = (real)(0.3 * step);
        s.gb[0] = (real)(-0.2 / step);
        double g[2] = { (double)s.gw[12345], (double)s.gb[0] };
        sal_optimizer_step(q, 0.01);
        for (int k = 0; k < 2; k++) {
            p[k] -= 0.01 * decay[k] * p[k];
            m[k] = 0.9 * m[k] + 0.1 * g[k];
            v[k] = 0.999 * v[k] + 0.001 * g[k] * g[k];
            p[k] -= 0.01 * (m[k] / (1 - pow(0.9, step))) / (sqrt(v[k] / (1 - pow(0.999, step))) + 1e-8);
        }
        assert_true(fabs((double)s.w[12345] - p[0]) < 1e-6);
        assert_true(fabs((double)s.b[0] - p[1]) < 1e-6);
    }
    assert_true(s.b[1] == 1); /* gradient 0, no decay */
    assert_int_equal(sal_optimizer_steps(q), 3);
    sal_optimizer_free(q);
    world_free(&s);
}

static void sgd_has_momentum_and_nesterov(void **state)
{
    for (int nesterov = 0; nesterov < 2; nesterov++) {
        world s = world_new(1);
        sal_optimizer *q =
            optimizer(&s, (sal_optimizer_options){
                              .kind = SAL_OPTIMIZER_SGD, .momentum = 0.9, .nesterov = nesterov, .weight_decay = 0.05 });
        double p = (double)s.w[7], m = 0;
        for (int step = 1; step <= 3; step++) {
            double g = (double)s.gw[7] + 0.05 * p;
            m = step == 1 ? g : 0.9 * m + g;
            p -= 0.1 * (nesterov ? g + 0.9 * m : m);
            sal_optimizer_step(q, 0.1);
            assert_true(fabs((double)s.w[7] - p) < 1e-5);
        }
        sal_optimizer_free(q);
        world_free(&s);
    }
}

static void clipping_scales_by_the_global_norm(void **state)
{
    world s = world_new(3);
    sal_optimizer *q = optimizer(&s, (sal_optimizer_options){ .kind = SAL_OPTIMIZER_SGD, .clip_norm = 2 });
    double sum = 0, before = (double)s.w[11];
    for (int64_t i = 0; i < MATRIX; i++) sum += (double)s.gw[i] * (double)s.gw[i];
    for (int64_t i = 0; i < BIAS; i++) sum += (double)s.gb[i] * (double)s.gb[i];
    double norm = sal_optimizer_step(q, 1);
    assert_true(fabs(norm - sqrt(sum)) < 1e-9 * norm);
    assert_true(fabs((double)s.w[11] - (before - (double)s.gw[11] * 2 / norm)) < 1e-6);
    memset(s.gw, 0, MATRIX * sizeof(real));
    real b = s.b[0];
    assert_true(sal_optimizer_step(q, 1) < 2); /* a norm below the limit is left alone */
    assert_true(s.b[0] == b - s.gb[0]);
    sal_optimizer_free(q);
    world_free(&s);
}

static void a_gradient_that_is_not_finite_changes_nothing(void **state)
{
    world s = world_new(1);
    sal_optimizer *q = optimizer(&s, (sal_optimizer_options){ .weight_decay = 0.1 });
    real w = s.w[0];
    s.gw[MATRIX - 1] = NAN;
    assert_false(isfinite(sal_optimizer_step(q, 0.1)));
    assert_true(s.w[0] == w);
    assert_int_equal(sal_optimizer_steps(q), 0);
    sal_optimizer_free(q);
    world_free(&s);
}

static void threads_and_a_restored_state_give_the_same_bits(void **state)
{
    static real first[MATRIX];
    for (int32_t threads = 1; threads <= 8; threads += threads == 3 ? 5 : 1) {
        world s = world_new(threads);
        sal_optimizer_options o = { .weight_decay = 0.1, .clip_norm = 1 };
        sal_optimizer *q = optimizer(&s, o);
        sal_optimizer_array arrays[4], restored[4];
        for (int step = 0; step < 2; step++) sal_optimizer_step(q, 0.01);
        sal_optimizer *r = optimizer(&s, o);
        assert_int_equal(sal_optimizer_state(q, arrays), 2);
        assert_int_equal(sal_optimizer_state(r, restored), 2);
        assert_string_equal(arrays[1].name, "adamw/second");
        for (int k = 0; k < 2; k++)
            memcpy(restored[k].values, arrays[k].values, (size_t)arrays[k].count * sizeof(real));
        sal_optimizer_set_steps(r, sal_optimizer_steps(q));
        sal_optimizer_step(threads % 2 ? q : r, 0.01);
        if (threads == 1) memcpy(first, s.w, sizeof first);
        assert_memory_equal(first, s.w, sizeof first);
        sal_optimizer_free(q);
        sal_optimizer_free(r);
        world_free(&s);
    }
}

static void schedules_follow_their_curves(void **state)
{
    sal_schedule cosine = { .kind = SAL_SCHEDULE_COSINE, .base = 1, .floor = 0.1, .steps = 110, .warmup = 10 };
    assert_true(fabs(sal_schedule_rate(&cosine, 0) - 0.1) < 1e-12);
    assert_true(fabs(sal_schedule_rate(&cosine, 9) - 1) < 1e-12);
    assert_true(fabs(sal_schedule_rate(&cosine, 10) - 1) < 1e-12);
    assert_true(fabs(sal_schedule_rate(&cosine, 60) - 0.55) < 1e-12);
    assert_true(fabs(sal_schedule_rate(&cosine, 110) - 0.1) < 1e-12);
    assert_true(fabs(sal_schedule_rate(&cosine, 5000) - 0.1) < 1e-12);
    sal_schedule constant = { .base = 0.3 };
    assert_true(sal_schedule_rate(&constant, 0) == 0.3 && sal_schedule_rate(&constant, 999) == 0.3);
    sal_schedule step = { .kind = SAL_SCHEDULE_STEP, .base = 1, .period = 30, .factor = 0.5 };
    assert_true(sal_schedule_rate(&step, 29) == 1 && sal_schedule_rate(&step, 30) == 0.5 &&
                sal_schedule_rate(&step, 60) == 0.25);
}

static void a_plateau_lowers_the_rate_after_patience(void **state)
{
    sal_schedule s = { .kind = SAL_SCHEDULE_PLATEAU, .base = 1, .factor = 0.5, .patience = 2, .floor = 0.2 };
    const double losses[] = { 3, 2, 2.5, 2.5, 2.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    const double rates[] = { 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2, 0.2 };
    assert_true(sal_schedule_rate(&s, 0) == 1);
    for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
        sal_schedule_report(&s, losses[i]);
        if (sal_schedule_rate(&s, 5) != rates[i]) fail_msg("report %zu: %g", i, sal_schedule_rate(&s, 5));
    }
}

static void early_stop_keeps_the_best_and_restores_it(void **state)
{
    world s = world_new(1);
    sal_early_stop *stop;
    assert_int_equal(sal_early_stop_new(s.ctx, s.params, 3, 0.01, &stop), SAL_STATUS_OK);
    const double losses[] = { 5, 3, 2.995, NAN, 3.5 };
    for (int i = 0; i < 5; i++) {
        s.w[0] = (real)i;
        sal_params_state(s.params)[0] = (real)(10 * i);
        bool stops = sal_early_stop_report(stop, losses[i]);
        assert_int_equal(stops, i == 4);
    }
    assert_true(sal_early_stop_best(stop) == 3);
    assert_int_equal(sal_early_stop_best_report(stop), 1);
    sal_early_stop_restore(stop);
    assert_true(s.w[0] == 1 && sal_params_state(s.params)[0] == 10);
    sal_early_stop_free(stop);
    world_free(&s);
}

static void the_average_follows_and_swaps(void **state)
{
    world s = world_new(1);
    sal_average *a;
    assert_int_equal(sal_average_new(s.ctx, s.params, 0.5, &a), SAL_STATUS_OK);
    real start = s.w[0];
    s.w[0] = start + 10;
    sal_average_update(a); /* decay min(0.5, 1/10) */
    sal_average_swap(a);
    assert_true(fabs((double)(s.w[0] - start) - 9) < 1e-4);
    sal_average_swap(a);
    assert_true(s.w[0] == start + 10);
    sal_average_free(a);
    world_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adamw_takes_the_steps_of_the_paper),
        cmocka_unit_test(sgd_has_momentum_and_nesterov),
        cmocka_unit_test(clipping_scales_by_the_global_norm),
        cmocka_unit_test(a_gradient_that_is_not_finite_changes_nothing),
        cmocka_unit_test(threads_and_a_restored_state_give_the_same_bits),
        cmocka_unit_test(schedules_follow_their_curves),
        cmocka_unit_test(a_plateau_lowers_the_rate_after_patience),
        cmocka_unit_test(early_stop_keeps_the_best_and_restores_it),
        cmocka_unit_test(the_average_follows_and_swaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
