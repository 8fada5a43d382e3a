/* conv_cases.h - what test_conv and test_conv_double share: a grid of shapes, the definition written out with double sums, and
 * the comparison of every part of a plan with it. */
#ifndef CONV_CASES_H
#define CONV_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "kernels/conv.h"
#include "kernels/gemm.h"

/* batch, rows, cols, in, out, groups, kernel, stride, dilation, padding (top, left, bottom, right) */
static const sal_conv_shape shapes[] = {
    { 3, 13, 13, 10, 80, 10, 5, 5, 2, 2, 1, 1, 0, 0, 0, 0 }, /* first layer of a window trunk */
    { 3, 31, 31, 20, 160, 20, 5, 5, 2, 2, 1, 1, 0, 0, 0, 0 },
    { 2, 15, 15, 80, 160, 10, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0 },  /* second */
    { 2, 7, 7, 160, 160, 10, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0 },   /* third */
    { 2, 16, 14, 160, 160, 10, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0 }, /* the same where the stride leaves a rest */
    { 1, 20, 41, 10, 80, 10, 5, 5, 1, 1, 1, 1, 0, 0, 0, 0 },   /* dense mapping */
    { 1, 18, 37, 80, 160, 10, 3, 3, 1, 1, 2, 2, 0, 0, 0, 0 },
    { 1, 18, 37, 160, 160, 10, 3, 3, 1, 1, 4, 4, 0, 0, 0, 0 },
    { 3, 9, 11, 8, 16, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
    { 2, 9, 8, 16, 24, 1, 3, 3, 2, 2, 1, 1, 1, 0, 2, 1 },    /* asymmetric padding */
    { 2, 10, 9, 6, 9, 3, 2, 3, 1, 2, 2, 1, 0, 2, 1, 0 },     /* odd everything */
    { 2, 12, 12, 12, 12, 12, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, /* depthwise */
    { 2, 12, 12, 16, 16, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
    { 2, 9, 9, 16, 32, 2, 3, 3, 3, 3, 1, 1, 0, 0, 0, 0 },   /* stride as wide as the kernel */
    { 2, 9, 9, 16, 32, 2, 2, 2, 3, 3, 1, 1, 0, 0, 0, 0 },   /* stride wider than the kernel: some of gx is zero */
    { 2, 11, 12, 16, 32, 2, 3, 3, 2, 3, 2, 2, 1, 2, 1, 2 }, /* stride, dilation and padding at once */
    { 3, 8, 8, 32, 48, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },   /* pointwise */
    { 3, 8, 8, 32, 48, 1, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0 },
    { 4, 1, 30, 4, 16, 1, 1, 5, 1, 1, 1, 1, 0, 2, 0, 2 }, /* one dimension */
    { 4, 1, 10, 1, 8, 1, 1, 3, 1, 1, 1, 1, 0, 1, 0, 1 },
    { 2, 23, 23, 3, 16, 1, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3 }, /* first layer of a ResNet */
    { 2, 14, 14, 64, 64, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 },
    { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 },
    { 2, 20, 40, 8, 48, 2, 5, 5, 1, 1, 1, 1, 2, 2, 2, 2 }, /* blocks of 16 and 8 */
    { 2, 20, 40, 2, 16, 2, 4, 3, 1, 1, 1, 1, 0, 0, 0, 0 }, /* one channel, a rest of kernel rows */
    { 2, 20, 40, 2, 32, 2, 5, 5, 2, 2, 2, 2, 0, 0, 0, 0 },
    { 2, 20, 40, 2, 16, 2, 7, 5, 3, 3, 1, 1, 0, 0, 0, 0 },
    { 2, 20, 40, 2, 16, 2, 3, 7, 1, 1, 1, 1, 0, 0, 0, 0 },
    { 1, 50, 99, 16, 32, 2, 3, 3, 1, 1, 4, 4, 4, 4, 4, 4 }, /* far enough to be gathered in rectangles */
    { 1, 70, 131, 16, 8, 1, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1 },
    { 2, 15, 14, 80, 80, 10, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0 }, /* groups of 8 two by two */
    { 2, 9, 11, 24, 24, 3, 3, 3, 2, 1, 1, 1, 1, 2, 0, 1 },   /* an odd one left, padded */
    { 2, 11, 19, 3, 24, 3, 5, 5, 2, 2, 1, 1, 2, 2, 2, 2 },   /* of one channel */
    { 2, 10, 13, 48, 24, 3, 3, 3, 1, 1, 2, 2, 2, 1, 0, 2 },  /* 16 to 8 channels, dilated */
    { 2, 9, 9, 16, 16, 2, 2, 2, 3, 3, 1, 1, 0, 0, 0, 0 },    /* some of gx is zero */
    { 1, 100, 99, 16, 16, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, /* too large to be copied by pairs */
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Arrays of one case, and the answers of the definition. */
typedef struct conv_case {
    sal_conv_shape s;
    int64_t out_rows, out_cols, x_size, y_size, w_size; /* x, y: all images of the batch */
    real *x, *y, *w, *bias, *gy, *gx, *gw, *packed, *scratch;
    double *want_y, *want_gx, *want_gw;
} conv_case;

static sal_context *context_with_threads(int32_t threads)
{
    sal_context *ctx = NULL;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_context_set_threads(ctx, threads), SAL_STATUS_OK);
    return ctx;
}

static void *array(sal_context *ctx, int64_t count, size_t size)
{
    void *memory = NULL;
    assert_int_equal(sal_allocate(ctx, count, size, &memory), SAL_STATUS_OK);
    return memory;
}

static void fill(real *values, int64_t count, uint64_t stream)
{
    for (int64_t i = 0; i < count; i++) values[i] = (real)sal_random_normal(7, stream, (uint64_t)i);
}

/* The definition, one product at a time. */
static void define(conv_case *c, int64_t images)
{
    const sal_conv_shape *s = &c->s;
    int64_t in = s->channels_in / s->groups, out = s->channels_out / s->groups;
    memset(c->want_y, 0, sizeof(double) * (size_t)c->y_size);
    memset(c->want_gx, 0, sizeof(double) * (size_t)c->x_size);
    memset(c->want_gw, 0, sizeof(double) * (size_t)c->w_size);
    for (int64_t n = 0; n < images; n++)
        for (int64_t r = 0; r < c->out_rows; r++)
            for (int64_t q = 0; q < c->out_cols; q++)
                for (int64_t o = 0; o < s->channels_out; o++) {
                    int64_t at_y = ((n * c->out_rows + r) * c->out_cols + q) * s->channels_out + o;
                    c->want_y[at_y] += (double)c->bias[o];
                    for (int64_t i = 0; i < s->kernel_rows; i++)
                        for (int64_t j = 0; j < s->kernel_cols; j++) {
                            int64_t row = r * s->stride_rows - s->pad_top + i * s->dilation_rows;
                            int64_t col = q * s->stride_cols - s->pad_left + j * s->dilation_cols;
                            if (row < 0 || row >= s->rows || col < 0 || col >= s->cols) continue;
                            for (int64_t k = 0; k < in; k++) {
                                int64_t at_x =
                                    ((n * s->rows + row) * s->cols + col) * s->channels_in + o / out * in + k;
                                int64_t at_w = ((i * s->kernel_cols + j) * in + k) * s->channels_out + o;
                                c->want_y[at_y] += (double)c->x[at_x] * (double)c->w[at_w];
                                c->want_gx[at_x] += (double)c->gy[at_y] * (double)c->w[at_w];
                                c->want_gw[at_w] += (double)c->x[at_x] * (double)c->gy[at_y];
                            }
                        }
                }
}

static conv_case case_new(sal_context *ctx, const sal_conv_shape *s)
{
    conv_case c = { .s = *s };
    sal_conv_output_size(s, &c.out_rows, &c.out_cols);
    c.x_size = s->batch * s->rows * s->cols * s->channels_in;
    c.y_size = s->batch * c.out_rows * c.out_cols * s->channels_out;
    c.w_size = s->kernel_rows * s->kernel_cols * s->channels_in / s->groups * s->channels_out;
    c.x = array(ctx, c.x_size, sizeof(real));
    c.y = array(ctx, c.y_size, sizeof(real));
    c.w = array(ctx, c.w_size, sizeof(real));
    c.bias = array(ctx, s->channels_out, sizeof(real));
    c.gy = array(ctx, c.y_size, sizeof(real));
    c.gx = array(ctx, c.x_size, sizeof(real));
    c.gw = array(ctx, c.w_size, sizeof(real));
    c.want_y = array(ctx, c.y_size, sizeof(double));
    c.want_gx = array(ctx, c.x_size, sizeof(double));
    c.want_gw = array(ctx, c.w_size, sizeof(double));
    fill(c.x, c.x_size, 1);
    fill(c.w, c.w_size, 2);
    fill(c.bias, s->channels_out, 3);
    fill(c.gy, c.y_size, 4);
    return c;
}

static void case_free(sal_context *ctx, conv_case *c)
{
    void *all[] = { c->x, c->y, c->w, c->bias, c->gy, c->gx, c->gw, c->want_y, c->want_gx, c->want_gw };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sal_release(ctx, all[i]);
}

static void assert_near(const char *what, int64_t which, const real *got, const double *want, int64_t count,
                        double tolerance)
{
    double largest = 1e-30;
    for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(want[i]));
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance * largest))
            fail_msg("shape %lld, %s[%lld of %lld]: %.9g instead of %.9g", (long long)which, what, (long long)i,
                     (long long)count, (double)got[i], want[i]);
}

/* Fills outputs with a value that would be noticed, runs the planned parts on `images`, compares. */
static void assert_plan_right(sal_context *ctx, const sal_conv *conv, conv_case *c, int64_t which, int64_t images,
                              uint32_t parts, double tolerance)
{
    int64_t x_size = c->x_size / c->s.batch * images, y_size = c->y_size / c->s.batch * images;
    int64_t scratch_bytes = sal_conv_scratch_bytes(conv);
    real *packed = array(ctx, sal_conv_packed_size(conv), sizeof(real));
    char *scratch = array(ctx, scratch_bytes + 64, 1);
    memset(scratch, 0xff, (size_t)scratch_bytes);
    memset(scratch + scratch_bytes, 0x5a, 64);
    const real *w = sal_conv_packed_size(conv) ? packed : c->w;
    define(c, images);
    sal_conv_pack(conv, c->w, packed);
    for (int64_t i = 0; i < c->y_size; i++) c->y[i] = 1e6f;
    for (int64_t i = 0; i < c->x_size; i++) c->gx[i] = 1e6f;
    for (int64_t i = 0; i < c->w_size; i++) c->gw[i] = 1e6f;
    if (parts & SAL_CONV_FORWARD) {
        sal_conv_forward(conv, images, c->x, NULL, w, c->bias, c->y, scratch);
        assert_near("y", which, c->y, c->want_y, y_size, tolerance);
        sal_conv_forward(conv, images, c->x, NULL, w, NULL, c->y, scratch);
        for (int64_t i = 0; i < y_size; i++) c->y[i] += c->bias[i % c->s.channels_out];
        assert_near("y without bias", which, c->y, c->want_y, y_size, tolerance);
    }
    if (parts & SAL_CONV_BACKWARD_DATA) {
        sal_conv_backward_data(conv, images, c->gy, w, c->gx, scratch);
        assert_near("gx", which, c->gx, c->want_gx, x_size, tolerance);
    }
    if (parts & SAL_CONV_BACKWARD_WEIGHTS) {
        sal_conv_backward_weights(conv, images, c->x, NULL, c->gy, c->gw, scratch);
        assert_near("gw", which, c->gw, c->want_gw, c->w_size, tolerance);
    }
    for (int64_t i = y_size; i < c->y_size; i++) assert_true(c->y[i] == (real)1e6f);
    for (int64_t i = x_size; i < c->x_size; i++) assert_true(c->gx[i] == (real)1e6f);
    for (int i = 0; i < 64; i++) assert_int_equal(scratch[scratch_bytes + i], 0x5a);
    sal_release(ctx, packed);
    sal_release(ctx, scratch);
}

/* Every shape by one method, each part alone and all together, whole batch and a chunk with fewer images; returns how many of
 * the shapes the method could do some part of. */
static int64_t assert_method_right(sal_conv_method method, double tolerance)
{
    static const uint32_t choices[] = { SAL_CONV_FORWARD, SAL_CONV_BACKWARD_DATA, SAL_CONV_BACKWARD_WEIGHTS, 7 };
    sal_context *ctx = context_with_threads(1);
    int64_t done = 0;
    sal_kernels_enter(ctx);
    for (int64_t i = 0; i < SHAPES; i++) {
        conv_case c = case_new(ctx, &shapes[i]);
        bool any = false;
        for (int j = 0; j < 4; j++) {
            sal_conv *conv = NULL;
            sal_status status = sal_conv_new_by(ctx, &c.s, choices[j], method, &conv);
            if (status == SAL_STATUS_UNSUPPORTED) {
                sal_error_clear(ctx);
                continue;
            }
            assert_int_equal(status, SAL_STATUS_OK);
            assert_plan_right(ctx, conv, &c, i, c.s.batch, choices[j], tolerance);
            if (c.s.batch > 1) assert_plan_right(ctx, conv, &c, i, c.s.batch - 1, choices[j], tolerance);
            any = true;
            sal_conv_free(conv);
        }
        done += any;
        case_free(ctx, &c);
    }
    sal_kernels_leave();
    sal_context_free(ctx);
    return done;
}

#endif
