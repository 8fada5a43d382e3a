/* op_cases.h - one small graph per op of ops.def, with a way to run it: used by the gradient check (double), the bit tests (float) and
 * the oracle that compares with PyTorch.
 *
 * A case declares inputs and a builder. The scalar that is differentiated is sum(y * r) with r a fixed random cotangent. `batch`
 * multiplies the first dimension of inputs marked so, to make a case large enough for several chunks.
 */
#ifndef SAL_TESTS_OP_CASES_H
#define SAL_TESTS_OP_CASES_H

#include "graph/tape_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How an input is filled. */
enum {
    FILL_UNIFORM = 0, /* in [low, high] */
    FILL_SPACED = 1,  /* a shuffled grid over [low, high] without ties, for ops with kinks between values */
    FILL_INDEX = 2    /* whole numbers low .. high */
};
enum { FIXED = 1 << 0, NO_GRADIENT = 1 << 1 }; /* FIXED: the first dimension does not grow with the batch */

typedef struct op_input {
    const char *name;
    sal_shape shape;
    double low, high;
    int fill, flags;
} op_input;

typedef struct op_case {
    const char *name;
    sal_id (*build)(sal_tape *t, const sal_id *in);
    sal_shape expected; /* of the output at batch 1; its first dimension grows unless fixed */
    bool fixed;
    op_input in[6];
} op_case;

#define BUILD(name, ...)                                                                                               \
    static sal_id build_##name(sal_tape *t, const sal_id *in) { return (__VA_ARGS__); }
#define S1(a)                                                                                                          \
    {                                                                                                                  \
        1, { a }                                                                                                       \
    }
#define S2(a, b)                                                                                                       \
    {                                                                                                                  \
        2, { a, b }                                                                                                    \
    }
#define S3(a, b, c)                                                                                                    \
    {                                                                                                                  \
        3, { a, b, c }                                                                                                 \
    }
#define S4(a, b, c, d)                                                                                                 \
    {                                                                                                                  \
        4, { a, b, c, d }                                                                                              \
    }
#define S5(a, b, c, d, e)                                                                                              \
    {                                                                                                                  \
        5, { a, b, c, d, e }                                                                                           \
    }
#define SS                                                                                                             \
    {                                                                                                                  \
        0, { 0 }                                                                                                       \
    }

static sal_shape rows_of_input(sal_tape *t, sal_id x, sal_shape s)
{
    s.dim[0] = sal_tape_dim(t, x, 0);
    return s;
}

/* clang-format off: tables, one case a row */
BUILD(add, sal_add(t, in[0], in[1]))
BUILD(add_same, sal_add(t, in[0], in[1]))
BUILD(sub, sal_sub(t, in[0], in[1]))
BUILD(mul, sal_mul(t, in[0], in[1]))
BUILD(mul_same, sal_mul(t, in[0], in[1]))
BUILD(scale, sal_scale(t, in[0], -1.5, 0.25))
BUILD(copy, sal__copy(t, in[0]))
BUILD(relu, sal_relu(t, in[0]))
BUILD(reshape, sal_reshape(t, in[0], rows_of_input(t, in[0], (sal_shape)S2(0, 12))))
BUILD(concat, sal_concat(t, in, 3, -1))
BUILD(concat_middle, sal_concat(t, in, 2, 1))
BUILD(slice, sal_slice(t, in[0], 1, 1, 3))
BUILD(transpose, sal_transpose(t, in[0], (const int32_t[]){ 0, 2, 3, 1 }))
BUILD(sum_to, sal_sum_to(t, in[0], rows_of_input(t, in[0], (sal_shape)S3(0, 1, 4))))
BUILD(sum_to_channels, sal_sum_to(t, in[0], (sal_shape)S3(1, 1, 4)))
BUILD(expand_to, sal_expand_to(t, in[0], rows_of_input(t, in[0], (sal_shape)S3(0, 5, 4))))
BUILD(mean_to, sal_mean_to(t, in[0], rows_of_input(t, in[0], (sal_shape)S3(0, 3, 1))))
BUILD(dense, sal_dense(t, in[0], in[1], in[2]))
BUILD(dense_no_bias, sal_dense(t, in[0], in[1], SAL_NONE))
BUILD(matmul, sal_matmul(t, in[0], in[1], false, false))
BUILD(matmul_ta, sal_matmul(t, in[0], in[1], true, false))
BUILD(matmul_tb, sal_matmul(t, in[0], in[1], false, true))
BUILD(matmul_tab, sal_matmul(t, in[0], in[1], true, true))
BUILD(conv2d, sal_conv2d(t, in[0], in[1], in[2], &(sal_conv_options){ .stride = 1 }))
BUILD(conv2d_stride,
      sal_conv2d(t, in[0], in[1], in[2],
                 &(sal_conv_options){ .stride = 2, .pad_top = 1, .pad_left = 1, .pad_bottom = 1, .pad_right = 1 }))
BUILD(conv2d_groups, sal_conv2d(t, in[0], in[1], in[2], &(sal_conv_options){ .groups = 3, .stride = 2 }))
BUILD(conv2d_dilated,
      sal_conv2d(t, in[0], in[1], SAL_NONE,
                 &(sal_conv_options){ .dilation = 2, .pad_top = 2, .pad_left = 2, .pad_bottom = 2, .pad_right = 2 }))
BUILD(conv2d_point, sal_conv2d(t, in[0], in[1], in[2], &(sal_conv_options){ 0 }))
BUILD(conv1d, sal_conv1d(t, in[0], in[1], in[2], 1, 1))
BUILD(batch_norm, sal_normalise(t, in[0], sal_moments(t, in[0]), in[1], in[2], 1e-5, false))
BUILD(batch_norm_relu, sal_normalise(t, in[0], sal_moments(t, in[0]), in[1], in[2], 1e-5, true))
BUILD(batch_norm_eval, sal_normalise(t, in[0], in[3], in[1], in[2], 1e-5, false))
static sal_id build_running_moments(sal_tape *t, const sal_id *in)
{
    sal_id moments = sal_moments(t, in[0]), state = sal_state(t, "moments", SAL_SHAPE(2, 3), SAL_INIT_MOMENTS);
    return sal_concat(t, (sal_id[]){ moments, sal_running_moments(t, state, moments, 0.1, 8) }, 2, 0);
}
BUILD(sigmoid, sal_sigmoid(t, in[0]))
BUILD(tanh, sal_tanh(t, in[0]))
BUILD(gelu, sal_gelu(t, in[0]))
BUILD(exp, sal_exp(t, in[0]))
BUILD(ln, sal_ln(t, in[0]))
BUILD(log1p, sal_log1p(t, in[0]))
BUILD(softplus, sal_softplus(t, in[0]))
BUILD(square, sal_square(t, in[0]))
BUILD(sqrt, sal_sqrt(t, in[0]))
BUILD(abs, sal_abs(t, in[0]))
BUILD(reciprocal, sal_reciprocal(t, in[0]))
BUILD(clamp, sal_clamp(t, in[0], -0.55, 0.65))
BUILD(dropout, sal_dropout(t, in[0], 0.4))
BUILD(softmax, sal_softmax(t, in[0]))
BUILD(layer_norm, sal_layer_norm_op(t, in[0], in[1], in[2], 1e-5))
BUILD(layer_norm_plain, sal_layer_norm_op(t, in[0], SAL_NONE, SAL_NONE, 1e-5))
BUILD(l2_normalise, sal_l2_normalise(t, in[0], 1e-12))
BUILD(group_norm, sal_group_norm_op(t, in[0], in[1], in[2], 2, 1e-5))
BUILD(max_pool2d, sal_max_pool2d(t, in[0], 3, 2, 1))
BUILD(average_pool2d, sal_average_pool2d(t, in[0], 3, 2, 1))
BUILD(global_mean, sal_global_mean(t, in[0]))
BUILD(global_max, sal_global_max(t, in[0]))
BUILD(channel_mean, sal_channel_mean(t, in[0]))
BUILD(channel_max, sal_channel_max(t, in[0]))
BUILD(sum_all, sal_sum_all(t, in[0]))
BUILD(mean_all, sal_mean_all(t, in[0]))
BUILD(gather, sal_gather(t, in[0], in[1]))
BUILD(attention, sal_attention(t, in[0], in[1], in[2], 2))
BUILD(self_attention, sal_attention(t, in[0], in[0], in[0], 1))
BUILD(attention_weights, sal_attention_weights(t, in[0], in[1], 2))
BUILD(lstm, sal_lstm(t, in[0], in[1], in[2], in[3]))
BUILD(lstm_one_step, sal_lstm(t, in[0], in[1], in[2], SAL_NONE))
BUILD(loss_mse, sal_loss_mse(t, in[0], in[1], SAL_NONE))
BUILD(loss_mse_weighted, sal_loss_mse(t, in[0], in[1], in[2]))
BUILD(loss_huber, sal_loss_huber(t, in[0], in[1], in[2], 0.7))
BUILD(loss_pinball, sal_loss_pinball(t, in[0], in[1], SAL_NONE, (const double[]){ 0.05, 0.5, 0.95 }, 3))
BUILD(loss_pinball_weighted, sal_loss_pinball(t, in[0], in[1], in[2], (const double[]){ 0.05, 0.5, 0.95 }, 3))
BUILD(loss_cosine, sal_loss_cosine(t, in[0], in[1], in[2]))
BUILD(loss_ntxent, sal_loss_ntxent(t, in[0], in[1], 0.5))

#define UNARY_CASE(name, low, high)                                                                                    \
    {                                                                                                                  \
#name, build_##name, S2(3, 7), false,                                                                          \
        {                                                                                                              \
            {                                                                                                          \
                "x", S2(3, 7), low, high                                                                               \
            }                                                                                                          \
        }                                                                                                              \
    }
#define KINK_CASE(name, low, high)                                                                                     \
    {                                                                                                                  \
#name, build_##name, S2(3, 7), false,                                                                          \
        {                                                                                                              \
            {                                                                                                          \
                "x", S2(3, 7), low, high, FILL_SPACED                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }
#define GAMMA(c)                                                                                                       \
    { "gamma", S1(c), 0.5, 1.5, 0, FIXED }, { "beta", S1(c), -1, 1, 0, FIXED }

static const op_case op_cases[] = {
    { "add", build_add, S3(2, 3, 4), false, { { "a", S3(2, 3, 4), -1, 1 }, { "b", S3(1, 3, 1), -1, 1, 0, FIXED } } },
    { "add_same", build_add_same, S3(2, 3, 4), false, { { "a", S3(2, 3, 4), -1, 1 }, { "b", S3(2, 3, 4), -1, 1 } } },
    { "sub", build_sub, S3(2, 3, 4), false, { { "a", S3(2, 1, 4), -1, 1 }, { "b", S3(2, 3, 4), -1, 1 } } },
    { "mul", build_mul, S4(2, 3, 3, 4), false, { { "a", S4(2, 3, 3, 4), -1, 1 }, { "b", S4(2, 1, 1, 4), -1, 1 } } },
    { "mul_same", build_mul_same, S2(2, 9), false, { { "a", S2(2, 9), -1, 1 }, { "b", S2(2, 9), -1, 1 } } },
    UNARY_CASE(scale, -1, 1),
    UNARY_CASE(copy, -1, 1),
    KINK_CASE(relu, -1, 1.1),
    { "reshape", build_reshape, S2(2, 12), false, { { "x", S3(2, 3, 4), -1, 1 } } },
    { "concat",
      build_concat,
      S3(2, 3, 9),
      false,
      { { "a", S3(2, 3, 4), -1, 1 }, { "b", S3(2, 3, 2), -1, 1 }, { "c", S3(2, 3, 3), -1, 1 } } },
    { "concat_middle",
      build_concat_middle,
      S3(2, 5, 4),
      false,
      { { "a", S3(2, 3, 4), -1, 1 }, { "b", S3(2, 2, 4), -1, 1 } } },
    { "slice", build_slice, S3(2, 3, 4), false, { { "x", S3(2, 5, 4), -1, 1 } } },
    { "transpose", build_transpose, S4(2, 4, 5, 3), false, { { "x", S4(2, 3, 4, 5), -1, 1 } } },
    { "sum_to", build_sum_to, S3(2, 1, 4), false, { { "x", S3(2, 3, 4), -1, 1 } } },
    { "sum_to_channels", build_sum_to_channels, S3(1, 1, 4), true, { { "x", S3(2, 3, 4), -1, 1 } } },
    { "expand_to", build_expand_to, S3(2, 5, 4), false, { { "x", S3(2, 1, 4), -1, 1 } } },
    { "mean_to", build_mean_to, S3(2, 3, 1), false, { { "x", S3(2, 3, 4), -1, 1 } } },
    { "dense",
      build_dense,
      S3(2, 5, 3),
      false,
      { { "x", S3(2, 5, 4), -1, 1 }, { "w", S2(4, 3), -1, 1, 0, FIXED }, { "b", S1(3), -1, 1, 0, FIXED } } },
    { "dense_no_bias",
      build_dense_no_bias,
      S2(3, 7),
      false,
      { { "x", S2(3, 20), -1, 1 }, { "w", S2(20, 7), -1, 1, 0, FIXED } } },
    { "matmul", build_matmul, S3(2, 3, 5), false, { { "a", S3(2, 3, 4), -1, 1 }, { "b", S3(2, 4, 5), -1, 1 } } },
    { "matmul_ta", build_matmul_ta, S3(2, 3, 5), false, { { "a", S3(2, 4, 3), -1, 1 }, { "b", S3(2, 4, 5), -1, 1 } } },
    { "matmul_tb", build_matmul_tb, S3(2, 3, 5), false, { { "a", S3(2, 3, 4), -1, 1 }, { "b", S3(2, 5, 4), -1, 1 } } },
    { "matmul_tab",
      build_matmul_tab,
      S3(2, 3, 5),
      false,
      { { "a", S3(2, 4, 3), -1, 1 }, { "b", S3(2, 5, 4), -1, 1 } } },
    { "conv2d",
      build_conv2d,
      S4(2, 4, 3, 5),
      false,
      { { "x", S4(2, 6, 5, 3), -1, 1 }, { "w", S4(3, 3, 3, 5), -1, 1, 0, FIXED }, { "b", S1(5), -1, 1, 0, FIXED } } },
    { "conv2d_stride",
      build_conv2d_stride,
      S4(1, 4, 3, 4),
      false,
      { { "x", S4(1, 7, 6, 3), -1, 1 }, { "w", S4(3, 3, 3, 4), -1, 1, 0, FIXED }, { "b", S1(4), -1, 1, 0, FIXED } } },
    { "conv2d_groups",
      build_conv2d_groups,
      S4(1, 3, 3, 6),
      false,
      { { "x", S4(1, 7, 7, 3), -1, 1 }, { "w", S4(3, 3, 1, 6), -1, 1, 0, FIXED }, { "b", S1(6), -1, 1, 0, FIXED } } },
    { "conv2d_dilated",
      build_conv2d_dilated,
      S4(1, 6, 6, 3),
      false,
      { { "x", S4(1, 6, 6, 2), -1, 1 }, { "w", S4(3, 3, 2, 3), -1, 1, 0, FIXED } } },
    { "conv2d_point",
      build_conv2d_point,
      S4(2, 3, 4, 5),
      false,
      { { "x", S4(2, 3, 4, 6), -1, 1 }, { "w", S4(1, 1, 6, 5), -1, 1, 0, FIXED }, { "b", S1(5), -1, 1, 0, FIXED } } },
    { "conv1d",
      build_conv1d,
      S3(2, 8, 4),
      false,
      { { "x", S3(2, 8, 3), -1, 1 }, { "w", S3(3, 3, 4), -1, 1, 0, FIXED }, { "b", S1(4), -1, 1, 0, FIXED } } },
    { "batch_norm", build_batch_norm, S3(4, 3, 5), false, { { "x", S3(4, 3, 5), -1, 3 }, GAMMA(5) } },
    { "batch_norm_relu",
      build_batch_norm_relu,
      S3(4, 3, 5),
      false,
      { { "x", S3(4, 3, 5), -1, 3, FILL_SPACED }, GAMMA(5) } },
    { "batch_norm_eval",
      build_batch_norm_eval,
      S3(4, 3, 5),
      false,
      { { "x", S3(4, 3, 5), -1, 3 }, GAMMA(5), { "moments", S2(2, 5), 0.5, 1.5, 0, FIXED | NO_GRADIENT } } },
    { "running_moments", build_running_moments, S2(4, 3), true, { { "x", S3(4, 2, 3), -1, 3, 0, NO_GRADIENT } } },
    UNARY_CASE(sigmoid, -4, 4),
    UNARY_CASE(tanh, -3, 3),
    UNARY_CASE(gelu, -3, 3),
    UNARY_CASE(exp, -2, 2),
    UNARY_CASE(ln, 0.2, 3),
    UNARY_CASE(log1p, -0.5, 3),
    UNARY_CASE(softplus, -5, 5),
    UNARY_CASE(square, -2, 2),
    UNARY_CASE(sqrt, 0.2, 3),
    KINK_CASE(abs, -1, 1.1),
    UNARY_CASE(reciprocal, 0.4, 2),
    KINK_CASE(clamp, -1, 1.02),
    UNARY_CASE(dropout, -1, 1),
    { "softmax", build_softmax, S3(2, 3, 5), false, { { "x", S3(2, 3, 5), -2, 2 } } },
    { "layer_norm", build_layer_norm, S3(2, 3, 6), false, { { "x", S3(2, 3, 6), -1, 3 }, GAMMA(6) } },
    { "layer_norm_plain", build_layer_norm_plain, S2(4, 6), false, { { "x", S2(4, 6), -1, 3 } } },
    { "l2_normalise", build_l2_normalise, S2(4, 6), false, { { "x", S2(4, 6), -1, 3 } } },
    { "group_norm", build_group_norm, S4(2, 3, 3, 6), false, { { "x", S4(2, 3, 3, 6), -1, 3 }, GAMMA(6) } },
    { "max_pool2d", build_max_pool2d, S4(2, 4, 3, 3), false, { { "x", S4(2, 7, 6, 3), -1, 1, FILL_SPACED } } },
    { "average_pool2d", build_average_pool2d, S4(2, 4, 3, 3), false, { { "x", S4(2, 7, 6, 3), -1, 1 } } },
    { "global_mean", build_global_mean, S2(2, 3), false, { { "x", S4(2, 3, 4, 3), -1, 1 } } },
    { "global_max", build_global_max, S2(2, 3), false, { { "x", S4(2, 3, 4, 3), -1, 1, FILL_SPACED } } },
    { "channel_mean", build_channel_mean, S4(2, 3, 4, 1), false, { { "x", S4(2, 3, 4, 3), -1, 1 } } },
    { "channel_max", build_channel_max, S4(2, 3, 4, 1), false, { { "x", S4(2, 3, 4, 3), -1, 1, FILL_SPACED } } },
    { "sum_all", build_sum_all, SS, true, { { "x", S3(2, 3, 4), -1, 1 } } },
    { "mean_all", build_mean_all, SS, true, { { "x", S3(2, 3, 4), -1, 1 } } },
    { "gather",
      build_gather,
      S3(3, 4, 5),
      false,
      { { "table", S2(6, 5), -1, 1, 0, FIXED }, { "index", S2(3, 4), 0, 5, FILL_INDEX, NO_GRADIENT } } },
    { "attention",
      build_attention,
      S3(2, 3, 8),
      false,
      { { "q", S3(2, 3, 8), -2, 2 }, { "k", S3(2, 5, 8), -2, 2 }, { "v", S3(2, 5, 8), -1, 1 } } },
    { "attention of more queries than lanes",
      build_attention,
      S3(2, 18, 4),
      false,
      { { "q", S3(2, 18, 4), -2, 2 }, { "k", S3(2, 5, 4), -2, 2 }, { "v", S3(2, 5, 4), -1, 1 } } },
    { "self_attention", build_self_attention, S3(2, 4, 6), false, { { "x", S3(2, 4, 6), -1, 1 } } },
    { "attention_weights",
      build_attention_weights,
      S4(2, 2, 3, 5),
      false,
      { { "q", S3(2, 3, 8), -2, 2, 0, NO_GRADIENT }, { "k", S3(2, 5, 8), -2, 2, 0, NO_GRADIENT } } },
    { "lstm",
      build_lstm,
      S3(3, 5, 4),
      false,
      { { "x", S3(3, 5, 2), -1, 1 },
        { "w_ih", S2(2, 16), -1, 1, 0, FIXED },
        { "w_hh", S2(4, 16), -1, 1, 0, FIXED },
        { "b", S1(16), -1, 1, 0, FIXED } } },
    { "lstm_one_step",
      build_lstm_one_step,
      S3(3, 1, 4),
      false,
      { { "x", S3(3, 1, 2), -1, 1 }, { "w_ih", S2(2, 16), -1, 1, 0, FIXED }, { "w_hh", S2(4, 16), -1, 1, 0, FIXED } } },
    { "loss_mse", build_loss_mse, SS, true, { { "a", S3(3, 2, 4), -1, 1 }, { "b", S3(3, 2, 4), -1, 1 } } },
    { "loss_mse_weighted",
      build_loss_mse_weighted,
      SS,
      true,
      { { "a", S2(3, 4), -1, 1 }, { "b", S2(3, 4), -1, 1 }, { "weights", S1(3), 0.2, 2, 0, NO_GRADIENT } } },
    { "loss_huber",
      build_loss_huber,
      SS,
      true,
      { { "a", S2(3, 4), -1, 1 }, { "b", S2(3, 4), -1, 1 }, { "weights", S1(3), 0.2, 2, 0, NO_GRADIENT } } },
    { "loss_pinball",
      build_loss_pinball,
      SS,
      true,
      { { "a", S2(4, 3), -1, 1 }, { "target", S1(4), -1, 1, 0, NO_GRADIENT } } },
    { "loss_pinball_weighted",
      build_loss_pinball_weighted,
      SS,
      true,
      { { "a", S2(4, 3), -1, 1 },
        { "target", S2(4, 1), -1, 1, 0, NO_GRADIENT },
        { "weights", S1(4), 0.2, 2, 0, NO_GRADIENT } } },
    { "loss_cosine",
      build_loss_cosine,
      SS,
      true,
      { { "a", S2(3, 5), -1, 1 }, { "b", S2(3, 5), -1, 1 }, { "weights", S1(3), 0.2, 2, 0, NO_GRADIENT } } },
    { "loss_ntxent", build_loss_ntxent, SS, true, { { "a", S2(3, 5), -1, 1 }, { "b", S2(3, 5), -1, 1 } } },
};

/* clang-format on */

enum { OP_CASES = (int)(sizeof op_cases / sizeof op_cases[0]) };

/* ---- running a case ---- */

typedef struct op_run {
    sal_context *ctx;
    sal_params *params;
    sal_tape *tape;
    sal_program *program;
    const op_case *c;
    int64_t batch;
    int32_t inputs;
    sal_id in[6], y;
} op_run;

static inline sal_shape op_shape(sal_shape s, bool fixed, int64_t batch)
{
    if (!fixed && s.rank > 0) s.dim[0] *= batch;
    return s;
}

/* Values of an input (or of the cotangent), the same in float and double up to rounding. */
static inline void op_fill(const op_input *in, uint64_t stream, int64_t count, real *out)
{
    for (int64_t i = 0; i < count; i++) {
        double u = sal_random_uniform(11, stream, (uint64_t)i);
        if (in->fill == FILL_INDEX)
            out[i] = (real)floor(in->low + u * (in->high - in->low + 1));
        else if (in->fill == FILL_UNIFORM)
            out[i] = (real)(in->low + u * (in->high - in->low));
        else
            out[i] = (real)(in->low + (in->high - in->low) * ((double)i + 0.5) / (double)count);
    }
    for (int64_t i = count - 1; i > 0 && in->fill == FILL_SPACED; i--) {
        int64_t j = (int64_t)(sal_random_bits(12, stream, (uint64_t)i) % (uint64_t)(i + 1));
        real v = out[i];
        out[i] = out[j];
        out[j] = v;
    }
}

/* Builds and compiles; `everything` makes every node an output, so that nothing is reused or overwritten. */
static inline sal_status op_run_new(sal_context *ctx, const op_case *c, int64_t batch, bool everything, op_run *r)
{
    sal_status status = SAL_STATUS_OK;
    *r = (op_run){ .ctx = ctx, .c = c, .batch = batch };
    SAL_TRY(sal_params_new(ctx, &r->params));
    SAL_TRY(sal_tape_new(ctx, r->params, true, &r->tape));
    bool differentiable = false;
    for (; r->inputs < 6 && c->in[r->inputs].name; r->inputs++) {
        const op_input *in = &c->in[r->inputs];
        bool wants = !(in->flags & NO_GRADIENT);
        differentiable = differentiable || wants;
        r->in[r->inputs] = sal_input(r->tape, in->name, op_shape(in->shape, in->flags & FIXED, batch), wants);
    }
    r->y = c->build(r->tape, r->in);
    sal_id cotangent = sal_input(r->tape, "cotangent", sal_tape_shape(r->tape, r->y), false);
    sal_tape_output(r->tape, r->y, "y");
    sal_id loss = sal_sum_all(r->tape, sal_mul(r->tape, r->y, cotangent));
    sal_tape_output(r->tape, loss, "loss");
    if (differentiable) sal_gradients(r->tape, loss);
    for (int64_t i = 0; everything && r->tape->status == SAL_STATUS_OK && i < r->tape->count; i++)
        r->tape->nodes[i].is_output = true;
    SAL_TRY(sal_program_new(ctx, r->tape, &r->program));
    SAL_TRY(sal_params_initialise(r->params, 5));
    for (int32_t k = 0; k < r->inputs; k++) {
        op_fill(&c->in[k], (uint64_t)k + 1, r->tape->nodes[r->in[k]].count,
                sal_program_input(r->program, c->in[k].name));
    }
    op_fill(&(op_input){ "cotangent", SS, -1, 1 }, 99, r->tape->nodes[r->y].count,
            sal_program_input(r->program, "cotangent"));
done:
    return status;
}

static inline void op_run_free(op_run *r)
{
    sal_program_free(r->program);
    sal_tape_free(r->tape);
    sal_params_free(r->params);
}

static inline double op_run_loss(op_run *r)
{
    sal_params_initialise(r->params, 5); /* state as at the start */
    sal_program_run(r->program, 3, 4);
    return (double)sal_program_output(r->program, "loss")[0];
}

/* "gradient:x" of input k; NULL when it has none. */
static inline const real *op_run_gradient(const op_run *r, int32_t k)
{
    char name[64] = "gradient:";
    strcat(name, r->c->in[k].name);
    return sal_program_output(r->program, name);
}

#endif
