/* test_blocks.c - layers: names and sharing of parameters, running moments in training and inference, shapes of blocks. Their values and
 * gradients are compared with PyTorch in tests/oracle/test_ops_torch.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "layers/layers.h"

typedef struct world {
    sal_context *ctx;
    sal_params *params;
    sal_tape *tape;
    sal_program *program;
} world;

static world world_new(bool training)
{
    world s = { 0 };
    assert_int_equal(sal_context_new(&s.ctx), SAL_STATUS_OK);
    assert_int_equal(sal_params_new(s.ctx, &s.params), SAL_STATUS_OK);
    assert_int_equal(sal_tape_new(s.ctx, s.params, training, &s.tape), SAL_STATUS_OK);
    return s;
}

static void world_free(world *s)
{
    sal_program_free(s->program);
    sal_tape_free(s->tape);
    sal_params_free(s->params);
    sal_context_free(s->ctx);
}

static void assert_shape(const world *s, sal_id id, sal_shape want)
{
    char a[128], b[128];
    sal_shape shape = sal_tape_shape(s->tape, id);
    if (id < 0) fail_msg("%s", sal_context_message(s->ctx));
    if (!sal_shape_equal(&shape, &want))
        fail_msg("%s instead of %s", sal_shape_text(&shape, a), sal_shape_text(&want, b));
}

static const sal_param_info *info_of(const world *s, const char *name)
{
    for (int64_t i = 0; i < sal_params_count(s->params); i++) {
        if (strcmp(sal_params_info(s->params, i)->name, name) == 0) return sal_params_info(s->params, i);
    }
    fail_msg("there is no parameter \"%s\"", name);
    return NULL;
}

static void blocks_have_their_shapes(void **state)
{
    world s = world_new(true);
    sal_tape *t = s.tape;
    sal_id image = sal_input(t, "image", SAL_SHAPE(2, 16, 16, 8), false),
           tokens = sal_input(t, "tokens", SAL_SHAPE(2, 5, 8), false);
    assert_shape(&s, sal_layer_basic_block(t, "a", image, 8, 1), SAL_SHAPE(2, 16, 16, 8));
    assert_shape(&s, sal_layer_basic_block(t, "b", image, 12, 2), SAL_SHAPE(2, 8, 8, 12));
    assert_shape(&s, sal_layer_bottleneck(t, "c", image, 4, 2), SAL_SHAPE(2, 8, 8, 16));
    assert_shape(&s, sal_layer_channel_gate(t, "d", image, 2), SAL_SHAPE(2, 1, 1, 8));
    assert_shape(&s, sal_layer_spatial_gate(t, "e", image, 7), SAL_SHAPE(2, 16, 16, 1));
    sal_id channel, spatial, weights;
    assert_shape(&s, sal_layer_cbam(t, "f", image, 2, 7, &channel, &spatial), SAL_SHAPE(2, 16, 16, 8));
    assert_shape(&s, channel, SAL_SHAPE(2, 1, 1, 8));
    assert_shape(&s, spatial, SAL_SHAPE(2, 16, 16, 1));
    assert_shape(&s, sal_layer_attention(t, "g", tokens, sal_slice(t, tokens, 1, 0, 3), 4, &weights),
                 SAL_SHAPE(2, 5, 8));
    assert_shape(&s, weights, SAL_SHAPE(2, 4, 5, 3));
    assert_shape(&s, sal_layer_class_token(t, "h", tokens), SAL_SHAPE(2, 6, 8));
    assert_shape(&s, sal_layer_last_step(t, sal_layer_lstm(t, "i", tokens, 6, 3, 0.1)), SAL_SHAPE(2, 6));
    assert_shape(&s, sal_layer_residual_mlp(t, "j", tokens, 32, 0.1), SAL_SHAPE(2, 5, 8));
    assert_shape(
        &s,
        sal_layer_transformer(t, "k", tokens, &(sal_transformer_options){ .heads = 2, .hidden = 16, .dropout = 0.1 }),
        SAL_SHAPE(2, 5, 8));
    world_free(&s);
}

static void parameters_are_named_after_their_layer_and_shared_by_name(void **state)
{
    world s = world_new(true);
    sal_id x = sal_input(s.tape, "x", SAL_SHAPE(2, 8, 8, 6), false);
    sal_conv_options groups = { .groups = 3 };
    sal_layer_conv_bn(s.tape, "trunk/1", x, 12, 3, &groups, true);
    int64_t count = sal_params_count(s.params);
    const sal_param_info *w = info_of(&s, "trunk/1/conv/w");
    assert_int_equal(w->fan_in, 9 * 2);
    assert_true(w->decays);
    assert_false(info_of(&s, "trunk/1/norm/gamma")->decays);
    assert_true(info_of(&s, "trunk/1/norm/moments")->is_state);
    sal_layer_conv_bn(s.tape, "trunk/1", x, 12, 3, &groups, true);
    assert_int_equal(sal_params_count(s.params), count);
    world_free(&s);
}

static void a_wrong_layer_fails_the_tape_with_its_name(void **state)
{
    world s = world_new(true);
    sal_id x = sal_input(s.tape, "x", SAL_SHAPE(2, 8, 8, 6), false);
    assert_int_equal(sal_layer_conv2d(s.tape, "trunk/7", x, 12, 3, &(sal_conv_options){ .groups = 4 }, false),
                     SAL_NONE);
    assert_int_equal(sal_program_new(s.ctx, s.tape, &s.program), SAL_STATUS_SHAPE);
    assert_non_null(strstr(sal_context_message(s.ctx), "trunk/7"));
    world_free(&s);
    s = world_new(true);
    char name[400];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = 0;
    x = sal_input(s.tape, "x", SAL_SHAPE(2, 6), false);
    assert_int_equal(sal_layer_dense(s.tape, name, x, 3), SAL_NONE);
    assert_int_equal(sal_program_new(s.ctx, s.tape, &s.program), SAL_STATUS_SHAPE);
    world_free(&s);
}

static void batch_norm_learns_the_moments_that_inference_uses(void **state)
{
    world s = world_new(true);
    sal_tape *eval_tape;
    sal_program *eval;
    sal_shape shape = SAL_SHAPE(64, 3);
    sal_tape_output(s.tape, sal_layer_batch_norm(s.tape, "n", sal_input(s.tape, "x", shape, false), false), "y");
    assert_int_equal(sal_tape_new(s.ctx, s.params, false, &eval_tape), SAL_STATUS_OK);
    sal_tape_output(eval_tape, sal_layer_batch_norm(eval_tape, "n", sal_input(eval_tape, "x", shape, false), false),
                    "y");
    assert_int_equal(sal_program_new(s.ctx, s.tape, &s.program), SAL_STATUS_OK);
    assert_int_equal(sal_program_new(s.ctx, eval_tape, &eval), SAL_STATUS_OK);
    assert_int_equal(sal_params_initialise(s.params, 1), SAL_STATUS_OK);
    real *x = sal_program_input(s.program, "x");
    for (int64_t i = 0; i < 192; i++) x[i] = (real)(5 + 2 * sal_random_normal(1, 1, (uint64_t)i));
    memcpy(sal_program_input(eval, "x"), x, 192 * sizeof(real));
    sal_program_run(eval, 0, 0);
    assert_true(fabs((double)(sal_program_output(eval, "y")[0] - x[0])) < 1e-3); /* mean 0, variance 1 at the start */
    for (uint64_t step = 0; step < 200; step++) sal_program_run(s.program, 0, step);
    sal_program_run(eval, 0, 0);
    for (int64_t i = 0; i < 192; i++) { /* the running variance is unbiased, 64/63 of the batch's */
        assert_true(fabs((double)(sal_program_output(eval, "y")[i] - sal_program_output(s.program, "y")[i])) < 0.04);
    }
    sal_program_free(eval);
    sal_tape_free(eval_tape);
    world_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_have_their_shapes),
        cmocka_unit_test(parameters_are_named_after_their_layer_and_shared_by_name),
        cmocka_unit_test(a_wrong_layer_fails_the_tape_with_its_name),
        cmocka_unit_test(batch_norm_learns_the_moments_that_inference_uses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
