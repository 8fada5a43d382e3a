/* test_program.c - tape, gradients, planner and executor: sticky errors, memory that never overlaps, failing allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/optimizer.h"
#include "graph/tape_private.h"

/* A small network with every kind of node: convolution, batch norm with state, residual, attention, dropout, loss. */
static sal_id network(sal_tape *t, sal_id x, sal_id target)
{
    sal_conv_options same = { .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1 };
    sal_id h =
        sal_conv2d(t, x, sal_parameter(t, "conv", SAL_SHAPE(3, 3, 3, 8), SAL_INIT_HE_NORMAL, 27, 72), SAL_NONE, &same);
    sal_id state = sal_state(t, "moments", SAL_SHAPE(2, 8), SAL_INIT_MOMENTS), moments = sal_moments(t, h);
    sal_keep(t, sal_running_moments(t, state, moments, 0.1, 4 * 36));
    sal_id gamma = sal_parameter(t, "gamma", SAL_SHAPE(8), SAL_INIT_ONES, 1, 1),
           beta = sal_parameter(t, "beta", SAL_SHAPE(8), SAL_INIT_ZEROS, 1, 1);
    h = sal_normalise(t, h, moments, gamma, beta, 1e-5, true);
    sal_id tokens = sal_reshape(t, h, SAL_SHAPE(4, 36, 8));
    sal_id shared = sal_parameter(t, "shared", SAL_SHAPE(8, 8), SAL_INIT_XAVIER_UNIFORM, 8,
                                  8); /* used three times: gradients add up */
    sal_id q = sal_dense(t, tokens, shared, SAL_NONE), k = sal_dense(t, sal_gelu(t, tokens), shared, SAL_NONE);
    tokens = sal_add(t, tokens, sal_dropout(t, sal_attention(t, q, k, tokens, 2), 0.2));
    sal_id pooled = sal_relu(t, sal_dense(t, sal_global_mean(t, tokens), shared, SAL_NONE));
    sal_tape_output(t, pooled, "pooled");
    sal_id out = sal_dense(t, pooled, sal_parameter(t, "head", SAL_SHAPE(8, 1), SAL_INIT_XAVIER_UNIFORM, 8, 1),
                           sal_parameter(t, "bias", SAL_SHAPE(1), SAL_INIT_ZEROS, 8, 1));
    sal_id loss = sal_loss_mse(t, out, target, SAL_NONE);
    sal_tape_output(t, loss, "loss");
    return loss;
}

typedef struct model {
    sal_params *params;
    sal_tape *tape;
    sal_program *program;
} model;

static void model_free(model *m)
{
    sal_program_free(m->program);
    sal_tape_free(m->tape);
    sal_params_free(m->params);
    *m = (model){ 0 };
}

static sal_status model_new(sal_context *ctx, model *m)
{
    sal_status status = SAL_STATUS_OK;
    *m = (model){ 0 };
    SAL_TRY(sal_params_new(ctx, &m->params));
    SAL_TRY(sal_tape_new(ctx, m->params, true, &m->tape));
    sal_id x = sal_input(m->tape, "x", SAL_SHAPE(4, 6, 6, 3), true),
           y = sal_input(m->tape, "y", SAL_SHAPE(4, 1), false);
    sal_gradients(m->tape, network(m->tape, x, y));
    SAL_TRY(sal_program_new(ctx, m->tape, &m->program));
    SAL_TRY(sal_params_initialise(m->params, 1));
    for (int64_t i = 0; i < 4 * 36 * 3; i++)
        sal_program_input(m->program, "x")[i] = (real)sal_random_normal(1, 2, (uint64_t)i);
    for (int64_t i = 0; i < 4; i++) sal_program_input(m->program, "y")[i] = (real)i;
done:
    return status;
}

static sal_context *context(void)
{
    sal_context *ctx;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_context_set_threads(ctx, 2), SAL_STATUS_OK);
    return ctx;
}

static void a_network_learns(void **state)
{
    sal_context *ctx = context();
    sal_optimizer *q;
    model m;
    assert_int_equal(model_new(ctx, &m), SAL_STATUS_OK);
    assert_int_equal(sal_optimizer_new(ctx, m.params, &(sal_optimizer_options){ 0 }, &q), SAL_STATUS_OK);
    double first = 0;
    for (uint64_t step = 0; step < 150; step++) {
        sal_program_run(m.program, 1, step);
        if (step == 0) first = (double)sal_program_output(m.program, "loss")[0];
        sal_optimizer_step(q, 0.02);
    }
    assert_true((double)sal_program_output(m.program, "loss")[0] < 0.1 * first);
    assert_true(sal_params_find(m.params, "moments", NULL)[0] != 0); /* the state moved */
    sal_optimizer_free(q);
    model_free(&m);
    sal_context_free(ctx);
}

static void a_run_repeats_its_bits(void **state)
{
    sal_context *ctx = context();
    model m;
    assert_int_equal(model_new(ctx, &m), SAL_STATUS_OK);
    int64_t size = sal_params_size(m.params);
    real *first = malloc((size_t)size * sizeof *first), loss;
    sal_program_run(m.program, 5, 6);
    memcpy(first, sal_params_gradients(m.params), (size_t)size * sizeof *first);
    loss = sal_program_output(m.program, "loss")[0];
    sal_program_run(m.program, 5, 7);
    assert_true(loss != sal_program_output(m.program, "loss")[0]); /* another dropout */
    sal_program_run(m.program, 5, 6);
    assert_true(loss == sal_program_output(m.program, "loss")[0]);
    assert_memory_equal(first, sal_params_gradients(m.params), (size_t)size * sizeof *first);
    free(first);
    model_free(&m);
    sal_context_free(ctx);
}

static void gradients_of_parameters_agree_with_differences(void **state)
{
    sal_context *ctx = context();
    model m;
    assert_int_equal(model_new(ctx, &m), SAL_STATUS_OK);
    const char *names[] = { "conv", "gamma", "beta", "shared", "head", "bias" };
    for (int k = 0; k < 6; k++) {
        int64_t count;
        real *p = sal_params_find(m.params, names[k], &count),
             *g = sal_params_gradients(m.params) + (p - sal_params_values(m.params));
        sal_program_run(m.program, 1, 1);
        int64_t i = 0;
        for (int64_t j = 0; j < count; j++)
            i = fabs((double)g[j]) > fabs((double)g[i]) ? j : i; /* the steepest: float is coarse */
        double analytic = (double)g[i], h = 2e-3, loss[2];
        real before = p[i];
        for (int side = 0; side < 2; side++) {
            p[i] = before + (real)(side ? h : -h);
            sal_program_run(m.program, 1, 1);
            loss[side] = (double)sal_program_output(m.program, "loss")[0];
        }
        p[i] = before;
        double numeric = (loss[1] - loss[0]) / (2 * h);
        if (!(fabs(numeric - analytic) <= 0.02 * fabs(analytic)))
            fail_msg("%s: %g, by differences %g", names[k], analytic, numeric);
    }
    model_free(&m);
    sal_context_free(ctx);
}

/* ---- planner ---- */

/* Last node that reads the value of node i, directly or through views. */
static int64_t last_reader(const sal_tape *t, const sal_plan *p, sal_id i)
{
    int64_t last = t->nodes[i].is_output ? INT64_MAX : i;
    for (sal_id j = i + 1; j < t->count; j++) {
        if (p->last_use[j] < 0) continue; /* not run */
        for (int32_t k = 0; k < t->nodes[j].inputs; k++) {
            if (t->nodes[j].in[k] != i) continue;
            int64_t of_j = (t->nodes[j].op->flags & SAL_OP_VIEW) ? last_reader(t, p, j) : j;
            last = of_j > last ? of_j : last;
        }
    }
    return last;
}

static bool in_arena(const sal_plan *p, sal_id i) { return p->last_use[i] >= 0 && p->offset[p->root[i]] >= 0; }

static void live_values_never_share_memory(void **state)
{
    sal_context *ctx = context();
    model m;
    sal_plan plan;
    assert_int_equal(model_new(ctx, &m), SAL_STATUS_OK);
    assert_int_equal(sal__plan_new(ctx, m.tape, true, &plan), SAL_STATUS_OK);
    int64_t total = 0, shared = 0;
    for (sal_id a = 0; a < m.tape->count; a++) {
        if (!in_arena(&plan, a)) continue;
        int64_t from_a = plan.offset[plan.root[a]], to_a = from_a + m.tape->nodes[a].count,
                last = last_reader(m.tape, &plan, a);
        assert_true(to_a <= plan.size);
        total += plan.root[a] == a ? m.tape->nodes[a].count : 0;
        for (sal_id b = a + 1; b < m.tape->count && b <= last; b++) {
            const sal_node *n = &m.tape->nodes[b];
            if (!in_arena(&plan, b)) continue;
            int64_t from_b = plan.offset[plan.root[b]], to_b = from_b + n->count;
            if (to_a <= from_b || to_b <= from_a) continue;
            bool view = (n->op->flags & SAL_OP_VIEW) && plan.root[b] == plan.root[a];
            bool in_place = (n->op->flags & SAL_OP_INPLACE) && b == last && plan.root[n->in[0]] == plan.root[a];
            bool after_view = plan.root[a] == plan.root[b] && (m.tape->nodes[a].op->flags & SAL_OP_VIEW) == 0 &&
                              n->in[0] != a && view;
            if (!view && !in_place && !after_view)
                fail_msg("node %d (%s) overwrites node %d (%s), which node %lld still reads", b, n->op->name, a,
                         m.tape->nodes[a].op->name, (long long)last);
            shared++;
        }
    }
    assert_true(shared > 10);               /* views and in-place nodes exist, so the check above was not idle */
    assert_true(plan.size < total * 2 / 3); /* and memory is reused */
    sal__plan_clear(ctx, &plan);
    model_free(&m);
    sal_context_free(ctx);
}

static void values_that_nothing_needs_are_not_computed(void **state)
{
    sal_context *ctx = context();
    model m = { 0 };
    assert_int_equal(sal_params_new(ctx, &m.params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(ctx, m.params, false, &m.tape), SAL_STATUS_OK);
    sal_id x = sal_input(m.tape, "x", SAL_SHAPE(1000), false);
    sal_tape_output(m.tape, sal_relu(m.tape, x), "y");
    sal_exp(m.tape, x);
    assert_int_equal(sal_program_new(ctx, m.tape, &m.program), SAL_STATUS_OK);
    int64_t bytes = sal_program_bytes(m.program);
    assert_true(bytes >= 2000 * (int64_t)sizeof(real) && bytes < 2200 * (int64_t)sizeof(real));
    assert_null(sal_program_output(m.program, "z"));
    assert_null(sal_program_input(m.program, "y"));
    model_free(&m);
    sal_context_free(ctx);
}

/* ---- errors ---- */

static void assert_message(const char *message, const char *part)
{
    if (!strstr(message, part)) fail_msg("\"%s\" does not say \"%s\"", message, part);
}

static void the_first_shape_error_is_kept_and_named(void **state)
{
    sal_context *ctx = context();
    model m = { 0 };
    assert_int_equal(sal_params_new(ctx, &m.params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(ctx, m.params, true, &m.tape), SAL_STATUS_OK);
    sal_id x = sal_input(m.tape, "x", SAL_SHAPE(4, 5), false);
    sal_id wrong = sal_attention(m.tape, x, x, x, 2); /* wants three dimensions */
    assert_int_equal(wrong, SAL_NONE);
    sal_id later = sal_softmax(m.tape, sal_add(m.tape, wrong, x));
    assert_int_equal(later, SAL_NONE);
    assert_int_equal(sal_max_pool2d(m.tape, x, 3, 1, 0), SAL_NONE);
    sal_gradients(m.tape, later);
    assert_int_equal(sal_program_new(ctx, m.tape, &m.program), SAL_STATUS_SHAPE);
    assert_null(m.program);
    assert_message(sal_context_message(ctx), "attention (node 1");
    assert_message(sal_context_message(ctx), "(4, 5)");
    model_free(&m);
    sal_context_free(ctx);
}

typedef sal_id (*wrong_builder)(sal_tape *t, sal_id x, sal_id v);
#define WRONG(name, ...)                                                                                               \
    static sal_id wrong_##name(sal_tape *t, sal_id x, sal_id v) { return (__VA_ARGS__); }
WRONG(dense, sal_dense(t, x, v, SAL_NONE))
WRONG(add, sal_add(t, x, v))
WRONG(concat, sal_concat(t, (sal_id[]){ x, v }, 2, 0))
WRONG(reshape, sal_reshape(t, x, SAL_SHAPE(7)))
WRONG(slice, sal_slice(t, x, 1, 3, 4))
WRONG(layer_norm, sal_layer_norm_op(t, x, v, v, 1e-5))
WRONG(group_norm, sal_group_norm_op(t, x, v, v, 4, 1e-5))
WRONG(heads, sal_attention(t, x, x, x, 4))
WRONG(pool, sal_max_pool2d(t, x, 2, 2, 0))
WRONG(lstm, sal_lstm(t, x, v, v, SAL_NONE))
WRONG(gather, sal_gather(t, x, v))
WRONG(dropout, sal_dropout(t, x, 1))
WRONG(clamp, sal_clamp(t, x, 1, 1))
WRONG(mse, sal_loss_mse(t, x, v, SAL_NONE))
WRONG(weights, sal_loss_mse(t, x, x, v))
WRONG(delta, sal_loss_huber(t, x, x, SAL_NONE, 0))
WRONG(quantile, sal_loss_pinball(t, v, v, SAL_NONE, (const double[]){ 1.5 }, 1))
WRONG(nine, sal_loss_pinball(t, v, v, SAL_NONE, (const double[]){ .5, .5, .5, .5, .5, .5, .5, .5, .5 }, 9))
WRONG(tau, sal_loss_ntxent(t, x, x, 0))
WRONG(cosine, sal_loss_cosine(t, x, v, SAL_NONE))

static void every_wrong_use_is_refused(void **state)
{
    static const wrong_builder builders[] = { wrong_dense,    wrong_add,        wrong_concat,     wrong_reshape,
                                              wrong_slice,    wrong_layer_norm, wrong_group_norm, wrong_heads,
                                              wrong_pool,     wrong_lstm,       wrong_gather,     wrong_dropout,
                                              wrong_clamp,    wrong_mse,        wrong_weights,    wrong_delta,
                                              wrong_quantile, wrong_nine,       wrong_tau,        wrong_cosine };
    for (size_t i = 0; i < sizeof builders / sizeof builders[0]; i++) {
        sal_context *ctx = context();
        model m = { 0 };
        assert_int_equal(sal_params_new(ctx, &m.params), SAL_STATUS_OK);
        assert_int_equal(sal_tape_new(ctx, m.params, true, &m.tape), SAL_STATUS_OK);
        sal_id x = sal_input(m.tape, "x", SAL_SHAPE(2, 3, 6), false), v = sal_input(m.tape, "v", SAL_SHAPE(5), false);
        if (builders[i](m.tape, x, v) != SAL_NONE) fail_msg("wrong use %zu was accepted", i);
        assert_int_equal(sal_program_new(ctx, m.tape, &m.program), SAL_STATUS_SHAPE);
        assert_true(strlen(sal_context_message(ctx)) > 20);
        model_free(&m);
        sal_context_free(ctx);
    }
}

static void a_parameter_cannot_have_two_shapes(void **state)
{
    sal_context *ctx = context();
    model m = { 0 };
    assert_int_equal(sal_params_new(ctx, &m.params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(ctx, m.params, true, &m.tape), SAL_STATUS_OK);
    sal_parameter(m.tape, "head/w", SAL_SHAPE(3, 4), SAL_INIT_ZEROS, 1, 1);
    assert_int_equal(sal_parameter(m.tape, "head/w", SAL_SHAPE(4, 4), SAL_INIT_ZEROS, 1, 1), SAL_NONE);
    assert_int_equal(sal_program_new(ctx, m.tape, &m.program), SAL_STATUS_SHAPE);
    assert_message(sal_context_message(ctx), "head/w");
    model_free(&m);
    sal_context_free(ctx);
}

/* ---- failing allocations ---- */

typedef struct failing {
    int64_t count, fail_at, live;
} failing;

static void *failing_allocate(void *user, size_t bytes)
{
    failing *f = user;
    if (++f->count == f->fail_at) return NULL;
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    f->live += memory != NULL;
    return memory;
}

static void failing_release(void *user, void *memory)
{
    failing *f = user;
    f->live -= memory != NULL;
    free(memory);
}

static sal_status build_and_step(sal_context *ctx)
{
    sal_optimizer *q = NULL;
    sal_early_stop *stop = NULL;
    sal_average *average = NULL;
    model m;
    sal_status status = model_new(ctx, &m);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(sal_optimizer_new(ctx, m.params, &(sal_optimizer_options){ 0 }, &q));
    SAL_TRY(sal_early_stop_new(ctx, m.params, 2, 0, &stop));
    SAL_TRY(sal_average_new(ctx, m.params, 0.9, &average));
    sal_program_run(m.program, 1, 1);
    sal_optimizer_step(q, 0.1);
done:
    sal_average_free(average);
    sal_early_stop_free(stop);
    sal_optimizer_free(q);
    model_free(&m);
    return status;
}

static void every_failing_allocation_is_reported_and_leaks_nothing(void **state)
{
    int64_t n = 0;
    for (sal_status status = SAL_STATUS_MEMORY; status != SAL_STATUS_OK;) {
        failing f = { .fail_at = ++n };
        sal_context *ctx;
        assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
        assert_int_equal(sal_context_set_threads(ctx, 1), SAL_STATUS_OK);
        sal_context_set_allocator(ctx, (sal_allocator){ failing_allocate, failing_release, &f });
        status = build_and_step(ctx);
        if (status != SAL_STATUS_OK && status != SAL_STATUS_MEMORY)
            fail_msg("allocation %lld: status %d, %s", (long long)n, status, sal_context_message(ctx));
        if (f.live != 0) fail_msg("allocation %lld: %lld pieces are left", (long long)n, (long long)f.live);
        sal_context_free(ctx);
    }
    assert_true(n > 40); /* n - 1 allocations failed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_learns),
        cmocka_unit_test(a_run_repeats_its_bits),
        cmocka_unit_test(gradients_of_parameters_agree_with_differences),
        cmocka_unit_test(live_values_never_share_memory),
        cmocka_unit_test(values_that_nothing_needs_are_not_computed),
        cmocka_unit_test(the_first_shape_error_is_kept_and_named),
        cmocka_unit_test(every_wrong_use_is_refused),
        cmocka_unit_test(a_parameter_cannot_have_two_shapes),
        cmocka_unit_test(every_failing_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
