/* conv_plain.c - convolution and its gradients as loops over the definition, for any shape and number type:
 * y[n, r, c, o] = b[o] + sum over (i, j, k) of x[n, r s - p + i d, c s - p + j d, k] w[i, j, k, o], k within the group of o.
 * The reference that the other methods are tested against, and what gradient checks in double run on. */
#include "conv_part.h"

#include <string.h>

/* The position and sizes of one kernel tap at one output pixel. */
typedef struct tap {
    int64_t x, w, y; /* offsets of the group's first channel */
} tap;

typedef void (*tap_task)(const tap *t, int64_t in, int64_t out, int64_t width, const real *a, const real *b, real *c);

/* Calls task for every (image, group, output pixel, tap) that falls inside the image. `in` and `out` are channels per group. */
static void each_tap(const sal__conv_part *p, int64_t images, tap_task task, const real *a, const real *b, real *c)
{
    const sal_conv_shape *s = &p->shape;
    int64_t in = s->channels_in / s->groups, out = s->channels_out / s->groups;
    for (int64_t pixel = 0; pixel < images * p->out_rows * p->out_cols; pixel++) {
        int64_t col = pixel % p->out_cols, row = pixel / p->out_cols % p->out_rows,
                n = pixel / p->out_cols / p->out_rows;
        for (int64_t k = 0; k < s->kernel_rows * s->kernel_cols; k++) {
            int64_t y = row * s->stride_rows - s->pad_top + k / s->kernel_cols * s->dilation_rows;
            int64_t x = col * s->stride_cols - s->pad_left + k % s->kernel_cols * s->dilation_cols;
            if (y < 0 || y >= s->rows || x < 0 || x >= s->cols) continue;
            for (int64_t g = 0; g < s->groups; g++) {
                tap t = { ((n * s->rows + y) * s->cols + x) * s->channels_in + g * in,
                          k * in * s->channels_out + g * out, pixel * s->channels_out + g * out };
                task(&t, in, out, s->channels_out, a, b, c);
            }
        }
    }
}

static void forward_tap(const tap *t, int64_t in, int64_t out, int64_t width, const real *x, const real *w, real *y)
{
    for (int64_t i = 0; i < in; i++)
        for (int64_t o = 0; o < out; o++) y[t->y + o] += x[t->x + i] * w[t->w + i * width + o];
}

static void data_tap(const tap *t, int64_t in, int64_t out, int64_t width, const real *gy, const real *w, real *gx)
{
    for (int64_t i = 0; i < in; i++) {
        real sum = 0;
        for (int64_t o = 0; o < out; o++) sum += gy[t->y + o] * w[t->w + i * width + o];
        gx[t->x + i] += sum;
    }
}

static void weights_tap(const tap *t, int64_t in, int64_t out, int64_t width, const real *x, const real *gy, real *gw)
{
    for (int64_t i = 0; i < in; i++)
        for (int64_t o = 0; o < out; o++) gw[t->w + i * width + o] += x[t->x + i] * gy[t->y + o];
}

static void run(const sal__conv_part *p, int64_t images, const real *a, const real *b, const real *bias, real *c,
                void *scratch)
{
    const sal_conv_shape *s = &p->shape;
    if (p->part == SAL_CONV_FORWARD) {
        for (int64_t pixel = 0; pixel < images * p->out_rows * p->out_cols; pixel++)
            for (int64_t o = 0; o < s->channels_out; o++) c[pixel * s->channels_out + o] = bias ? bias[o] : 0;
        each_tap(p, images, forward_tap, a, b, c);
    } else if (p->part == SAL_CONV_BACKWARD_DATA) {
        memset(c, 0, sizeof(real) * (size_t)(images * s->rows * s->cols * s->channels_in));
        each_tap(p, images, data_tap, a, b, c);
    } else {
        int64_t weights = s->kernel_rows * s->kernel_cols * (s->channels_in / s->groups) * s->channels_out;
        memset(c, 0, sizeof(real) * (size_t)weights);
        each_tap(p, images, weights_tap, a, b, c);
    }
}

sal_status sal__conv_plan_plain(sal__conv_part *p)
{
    p->name = "plain";
    p->run = run;
    return SAL_STATUS_OK;
}
