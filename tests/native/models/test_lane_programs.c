/* Networks with the samples innermost: the same values as with samples outermost, the same bits for a sample at any place, and a clear
 * refusal of what has no such form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "layers/layers.h"
#include "models/ss_soilnet_parts.h"
#include "tensor/simd.h"

static sal_context *ctx;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_context_set_threads(ctx, 1), SAL_STATUS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sal_context_free(ctx);
    return 0;
}

static const struct {
    const char *name;
    int64_t features;
} inputs[] = { { "spectrum", 10 }, { "index", 35 }, { "ndvi", 1 }, { "point", 9 }, { "pooled", 9 * 32 } };

static sal_model_options options_of(int64_t width, sal_head head)
{
    sal_model_options o;
    sal_model_defaults(&o);
    o.bands = 10;
    o.indices = 35;
    o.covariates = 9;
    o.width = width;
    o.head = head;
    return o;
}

/* What the mapper runs per pixel: the system, or for SS-SoilNet its tail. */
static void build(sal_tape *t, const char *system, const sal_model_options *o, int64_t n)
{
    sal_system own = *sal_system_find(system);
    bool windows = (own.uses & SAL_USES_WINDOW) != 0;
    own.uses &= ~(uint32_t)SAL_USES_WINDOW;
    sal_model_inputs in = sal_system_inputs(t, &own, o, n);
    sal_id y = windows ? sal_ss_soilnet_tail(t, o, &in, sal_input(t, "pooled", SAL_SHAPE(n, 9, 32), false)) : own.build(t, o, &in);
    sal_tape_output(t, y, "y");
}

/* Largest difference between both layouts relative to the largest value. */
static double difference(const char *system, const sal_model_options *o, int64_t n)
{
    sal_params *params;
    sal_tape *tape[2];
    sal_program *p[2];
    assert_int_equal(sal_params_new(ctx, &params), SAL_STATUS_OK);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(sal_tape_new(ctx, params, false, &tape[k]), SAL_STATUS_OK);
        build(tape[k], system, o, n);
        if ((k ? sal_program_new_lanes : sal_program_new)(ctx, tape[k], &p[k]) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    }
    assert_int_equal(sal_params_initialise(params, 5), SAL_STATUS_OK);
    for (int64_t i = 0; i < sal_params_state_size(params); i++) sal_params_state(params)[i] = (real)(0.5 + 0.1 * (double)(i % 7));
    for (int64_t i = 0; i < sal_params_size(params); i++) sal_params_values(params)[i] += (real)(0.1 * sal_random_normal(3, 9, (uint64_t)i));
    for (size_t j = 0; j < sizeof inputs / sizeof *inputs; j++) {
        int64_t features = inputs[j].features;
        real *rows = sal_program_input(p[0], inputs[j].name), *lanes = sal_program_input(p[1], inputs[j].name);
        for (int64_t i = 0; rows && i < n * features; i++)
            rows[i] = lanes[i % features * n + i / features] = (real)sal_random_normal(1, j, (uint64_t)(i % (13 * features))); /* samples repeat after 13 */
    }
    sal_program_run(p[0], 0, 0);
    sal_program_run(p[1], 0, 0);
    int64_t features = o->head == SAL_HEAD_HUBER ? 1 : 3;
    const real *a = sal_program_output(p[0], "y"), *b = sal_program_output(p[1], "y");
    double worst = 0, most = 0;
    for (int64_t i = 0; i < n * features; i++) {
        double v = (double)a[i], d = fabs(v - (double)b[i % features * n + i / features]);
        assert_true(isfinite(v));
        worst = d > worst ? d : worst;
        most = fabs(v) > most ? fabs(v) : most;
        int64_t sample = i / features, k = i % features;
        if (sample >= 13) assert_true(memcmp(&b[k * n + sample], &b[k * n + sample - 13], sizeof(real)) == 0);
    }
    assert_true(most > 0);
    for (int k = 0; k < 2; k++) {
        sal_program_free(p[k]);
        sal_tape_free(tape[k]);
    }
    sal_params_free(params);
    return worst / most;
}

static void lanes_give_the_values_of_rows_for_every_system(void **state)
{
    const double tolerance = sizeof(real) == sizeof(float) ? 2e-6 : 1e-13;
    (void)state;
    for (int64_t s = 0; s < sal_system_count(); s++) {
        const char *id = sal_system_at(s)->id;
        for (int64_t width = 8; width <= 24; width += 8) { /* heads of 4, 8 and 12 channels */
            sal_model_options o = options_of(width, width == 24 ? SAL_HEAD_HUBER : SAL_HEAD_QUANTILE);
            for (int64_t n = SAL_LANES; n <= 5 * SAL_LANES; n += 2 * SAL_LANES) {
                double d = difference(id, &o, n);
                if (d > tolerance) fail_msg("%s, width %d, %d samples: difference %g", id, (int)width, (int)n, d);
            }
        }
    }
}

/* Compiles y of one input x (n, 3) and returns the message of the refusal. */
static const char *refusal(int64_t n, bool training, sal_id (*op)(sal_tape *, sal_id))
{
    sal_params *params;
    sal_tape *t;
    sal_program *p = NULL;
    sal_error_clear(ctx); /* the first message since wins */
    assert_int_equal(sal_params_new(ctx, &params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(ctx, params, training, &t), SAL_STATUS_OK);
    sal_tape_output(t, op(t, sal_input(t, "x", SAL_SHAPE(n, 3), false)), "y");
    assert_int_equal(sal_program_new_lanes(ctx, t, &p), SAL_STATUS_ARGUMENT);
    assert_null(p);
    sal_tape_free(t);
    sal_params_free(params);
    return sal_context_message(ctx);
}

static sal_id mix_samples(sal_tape *t, sal_id x) { return sal_reshape(t, x, SAL_SHAPE(sal_tape_dim(t, x, 0) * 3)); }
static sal_id turn(sal_tape *t, sal_id x) { return sal_transpose(t, x, (int32_t[]){ 1, 0 }); }

static void lanes_refuse_what_they_cannot_run(void **state)
{
    (void)state;
    assert_non_null(strstr(refusal(17, false, sal_tanh), "multiple of"));
    assert_non_null(strstr(refusal(16, true, sal_tanh), "training"));
    assert_non_null(strstr(refusal(16, false, mix_samples), "reshape (node 1) does not keep samples"));
    assert_non_null(strstr(refusal(16, false, turn), "transpose (node 1) has no form on lanes"));
}

/* y of an input x (n, 5) in both layouts. */
static void same_in_both_layouts(sal_id (*network)(sal_tape *, sal_id))
{
    enum { N = 16, IN = 5 };
    sal_params *params;
    sal_tape *tape[2];
    sal_program *p[2];
    assert_int_equal(sal_params_new(ctx, &params), SAL_STATUS_OK);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(sal_tape_new(ctx, params, false, &tape[k]), SAL_STATUS_OK);
        sal_tape_output(tape[k], network(tape[k], sal_input(tape[k], "x", SAL_SHAPE(N, IN), false)), "y");
        if ((k ? sal_program_new_lanes : sal_program_new)(ctx, tape[k], &p[k]) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    }
    assert_int_equal(sal_params_initialise(params, 5), SAL_STATUS_OK);
    for (int64_t i = 0; i < sal_params_state_size(params); i++) sal_params_state(params)[i] = (real)(0.3 + 0.4 * (double)(i % 11));
    for (int64_t i = 0; i < sal_params_size(params); i++) sal_params_values(params)[i] += (real)(0.3 * sal_random_normal(3, 9, (uint64_t)i));
    for (int64_t i = 0; i < N * IN; i++) sal_program_input(p[0], "x")[i] = sal_program_input(p[1], "x")[i % IN * N + i / IN] = (real)sal_random_normal(1, 2, (uint64_t)i);
    for (int k = 0; k < 2; k++) sal_program_run(p[k], 0, 0);
    sal_shape shape = sal_program_output_shape(p[0], "y");
    int64_t features = sal_shape_count(&shape) / N;
    for (int64_t i = 0; i < N * features; i++) {
        double a = (double)sal_program_output(p[0], "y")[i], b = (double)sal_program_output(p[1], "y")[i % features * N + i / features];
        if (!(fabs(a - b) <= 2e-6 * (1 + fabs(a)))) fail_msg("feature %d: %g instead of %g", (int)(i % features), b, a);
    }
    for (int k = 0; k < 2; k++) {
        sal_program_free(p[k]);
        sal_tape_free(tape[k]);
    }
    sal_params_free(params);
}

/* The scale of a feature is not that of an output of the layer. */
static sal_id viewed(sal_tape *t, sal_id x)
{
    sal_id y = sal_layer_dense(t, "a", x, 6);
    return sal_layer_batch_norm(t, "b", sal_reshape(t, y, SAL_SHAPE(sal_tape_dim(t, x, 0), 2, 3)), true);
}

static void a_view_between_layer_and_normalisation_is_seen(void **state)
{
    (void)state;
    same_in_both_layouts(viewed);
}

static sal_id join(sal_tape *t, sal_id a, sal_id b) { return sal_concat(t, (sal_id[]){ a, b }, 2, 1); }

/* Sums that a layer can take into its pass, with a parameter and with older values, and sums that it cannot. */
static sal_id sums(sal_tape *t, sal_id x)
{
    sal_id a = sal_layer_batch_norm(t, "a", sal_layer_dense(t, "a", x, 6), true);
    a = sal_add(t, a, sal_parameter(t, "place", SAL_SHAPE(1, 6), SAL_INIT_NORMAL_02, 6, 6));
    sal_id b = sal_add(t, a, sal_relu(t, sal_layer_dense(t, "b", a, 6)));   /* an older value first */
    sal_id c = sal_add(t, sal_layer_dense(t, "c", b, 6), b);                /* and second */
    sal_id d = sal_layer_dense(t, "d", c, 6), younger = sal_tanh(t, c);
    d = sal_add(t, d, younger);                                             /* not there yet when d is */
    sal_id e = sal_layer_dense(t, "e", d, 6);
    e = sal_add(t, e, e);                                                   /* twice the same */
    sal_id f = sal_layer_dense(t, "f", e, 6), g = sal_mul(t, sal_add(t, f, a), f); /* read twice */
    sal_id h = sal_add(t, sal_layer_dense(t, "h", g, 6), sal_slice(t, x, 1, 0, 1)); /* one number for all features */
    return join(t, join(t, b, d), join(t, g, h));
}

/* Values that could stand where they are joined, or must not. */
static sal_id stays(sal_tape *t, sal_id x) /* read again when the whole has been written over */
{
    sal_id a = sal_layer_dense(t, "a", x, 4), b = sal_layer_dense(t, "b", x, 3);
    sal_id c = sal_relu(t, join(t, a, b));
    return join(t, c, sal_mul(t, a, sal_slice(t, c, 1, 2, 4)));
}

static sal_id changes(sal_tape *t, sal_id x) /* written over itself when it has been joined */
{
    sal_id a = sal_layer_dense(t, "a", x, 4), c = join(t, a, sal_layer_dense(t, "b", x, 4));
    sal_id r = sal_relu(t, a);
    return join(t, r, sal_mul(t, c, c));
}

static sal_id nested(sal_tape *t, sal_id x) /* a part of a part, read again at the end; the same part twice */
{
    sal_id a = sal_tanh(t, sal_layer_dense(t, "a", x, 4)), b = sal_layer_batch_norm(t, "b", sal_layer_dense(t, "b", x, 3), true);
    sal_id inner = join(t, a, b), outer = join(t, inner, sal_layer_dense(t, "c", x, 2));
    sal_id d = sal_layer_dense(t, "d", outer, 5), twice = join(t, d, d);
    return join(t, join(t, sal_mul(t, a, a), twice), join(t, sal_mul(t, inner, inner), outer));
}

static sal_id nested_stays(sal_tape *t, sal_id x) /* a part of a part, read again when the outer whole has been written over */
{
    sal_id a = sal_layer_dense(t, "a", x, 4), inner = join(t, a, sal_layer_dense(t, "b", x, 3));
    sal_id c = sal_relu(t, join(t, inner, sal_layer_dense(t, "c", x, 2)));
    return join(t, c, sal_mul(t, a, sal_slice(t, c, 1, 3, 4)));
}

static sal_id between_dimensions(sal_tape *t, sal_id x) /* its parts are no stretches of memory */
{
    int64_t n = sal_tape_dim(t, x, 0);
    sal_id a = sal_reshape(t, sal_layer_dense(t, "a", x, 6), SAL_SHAPE(n, 2, 3)), b = sal_reshape(t, sal_layer_dense(t, "b", x, 4), SAL_SHAPE(n, 2, 2));
    return sal_concat(t, (sal_id[]){ a, b }, 2, 2);
}

static void sums_join_the_pass_of_a_layer(void **state)
{
    (void)state;
    same_in_both_layouts(sums);
}

static void what_is_joined_keeps_its_value(void **state)
{
    sal_id (*const networks[])(sal_tape *, sal_id) = { stays, changes, nested, nested_stays, between_dimensions };
    (void)state;
    for (size_t k = 0; k < sizeof networks / sizeof *networks; k++) same_in_both_layouts(networks[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(lanes_give_the_values_of_rows_for_every_system, set_up, tear_down),
                                        cmocka_unit_test_setup_teardown(a_view_between_layer_and_normalisation_is_seen, set_up, tear_down),
                                        cmocka_unit_test_setup_teardown(sums_join_the_pass_of_a_layer, set_up, tear_down),
                                        cmocka_unit_test_setup_teardown(what_is_joined_keeps_its_value, set_up, tear_down),
                                        cmocka_unit_test_setup_teardown(lanes_refuse_what_they_cannot_run, set_up, tear_down) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
