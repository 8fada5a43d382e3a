/* conv.c - 2-D convolution (cross-correlation, channels last) and its two gradients; 1-D is the case of one row.
 *
 * y[n,i,j,o] = b[o] + sum_{a,b,c} x[n, i s + a d - pad_top, j s + b d - pad_left, c] w[a,b,c,o], groups as in PyTorch. Chunks are
 * images. The weight gradient sums over images: chunks keep partial sums.
 */
#include "graph/op.h"
#include "kernels/conv.h"
#include "kernels/gemm.h"
#include "kernels/lanes.h"

/* attributes: 0 stride rows, 1 stride cols, 2 dilation, 3 groups, 4..7 padding, for back_data: 8, 9 rows and cols of x */
typedef struct conv_plan {
    sal_conv *conv;
    real *packed;
} conv_plan;

static sal_conv_shape conv_shape_of(const sal_node *n, const sal_shape *x, const sal_shape *w)
{
    return (sal_conv_shape){ .rows = x->dim[1], .cols = x->dim[2], .channels_in = x->dim[3], .channels_out = w->dim[3], .groups = n->i[3],
                             .kernel_rows = w->dim[0], .kernel_cols = w->dim[1], .stride_rows = n->i[0], .stride_cols = n->i[1],
                             .dilation_rows = n->i[2], .dilation_cols = n->i[2], .pad_top = n->i[4], .pad_left = n->i[5],
                             .pad_bottom = n->i[6], .pad_right = n->i[7] };
}

static sal_status conv_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0), *w = sal__shape_in(t, n, 1);
    if (x->rank != 4 || w->rank != 4) return sal__shape_fail(t, n, "needs x (n, rows, cols, in) and w (rows, cols, in / groups, out)");
    int64_t groups = n->i[3];
    if (groups < 1 || x->dim[3] % groups || w->dim[3] % groups || w->dim[2] != x->dim[3] / groups)
        return sal__shape_fail(t, n, "channels do not fit %lld groups", (long long)groups);
    if (n->inputs == 3 && sal_shape_count(sal__shape_in(t, n, 2)) != w->dim[3]) return sal__shape_fail(t, n, "the bias must have %lld elements", (long long)w->dim[3]);
    sal_conv_shape s = conv_shape_of(n, x, w);
    int64_t rows, cols;
    sal_conv_output_size(&s, &rows, &cols);
    if (rows < 1 || cols < 1) return sal__shape_fail(t, n, "the kernel is larger than the padded input");
    n->shape = SAL_SHAPE(x->dim[0], rows, cols, w->dim[3]);
    return SAL_STATUS_OK;
}

static double image_work(const sal_tape *t, const sal_node *n, int32_t out, int32_t weights)
{
    const sal_shape *y = out < 0 ? &n->shape : sal__shape_in(t, n, out), *w = weights < 0 ? &n->shape : sal__shape_in(t, n, weights);
    return 0.1 * (double)(y->dim[1] * y->dim[2]) * (double)sal_shape_count(w);
}

static double forward_work(const sal_tape *t, const sal_node *n) { return image_work(t, n, -1, 1); }

static sal_status make_plan(sal_context *ctx, sal_node *n, sal_conv_shape shape, uint32_t part)
{
    sal_status status = SAL_STATUS_OK;
    conv_plan *p = NULL;
    shape.batch = (n->items + n->chunks - 1) / n->chunks;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *p, &p));
    n->plan = p;
    SAL_TRY(sal_conv_new(ctx, &shape, part, &p->conv));
    SAL_TRY(sal_allocate(ctx, sal_conv_packed_size(p->conv), sizeof(real), &p->packed));
done:
    return status;
}

static void conv_unprepare(sal_context *ctx, sal_node *n)
{
    conv_plan *p = n->plan;
    sal_conv_free(p->conv);
    sal_release(ctx, p->packed);
    sal_release(ctx, p);
}

/* Scratch of the convolution, then the line of an absorbed normalisation. */
static int64_t conv_scratch(const sal_tape *t, const sal_node *n)
{
    return (sal_conv_scratch_bytes(((const conv_plan *)n->plan)->conv) + 63) / 64 * 64 + 2 * sal_shape_last(sal__shape_in(t, n, 0)) * (int64_t)sizeof(real);
}

/* x of the images from lo on: what the node of input 0 made or, where that is absorbed, what it would read, and its line. */
static const real *x_of(const sal_run *r, const sal_node *n, int64_t lo, sal_conv_line *line, const sal_conv_line **used)
{
    const sal_node *x = sal__in_node(r, n, 0);
    int64_t c = sal_shape_last(&x->shape), at = lo * (x->count / x->shape.dim[0]);
    *used = NULL;
    if (!x->absorbed) return sal__in(r, n, 0) + at;
    real *a = (real *)(r->scratch + (sal_conv_scratch_bytes(((const conv_plan *)n->plan)->conv) + 63) / 64 * 64), *b = a + c;
    sal__normalise_line(r, x, a, b);
    *line = (sal_conv_line){ a, b, x->i[0] != 0 };
    *used = line;
    return sal__in(r, x, 0) + at;
}

static sal_status conv_prepare(sal_context *ctx, const sal_tape *t, sal_node *n)
{
    return make_plan(ctx, n, conv_shape_of(n, sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)), SAL_CONV_FORWARD);
}

static void conv_before(const sal_run *r, const sal_node *n)
{
    const conv_plan *p = n->plan;
    sal_conv_pack(p->conv, sal__in(r, n, 1), p->packed);
}

static int64_t per_image(const sal_shape *s) { return sal_shape_count(s) / s->dim[0]; }

static void conv_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const conv_plan *p = n->plan;
    const real *w = sal_conv_packed_size(p->conv) ? p->packed : sal__in(r, n, 1);
    sal_conv_line line;
    const sal_conv_line *used;
    const real *x = x_of(r, n, lo, &line, &used);
    sal_conv_forward(p->conv, hi - lo, x, used, w, n->inputs == 3 ? sal__in(r, n, 2) : NULL, sal__out(r, n) + lo * per_image(&n->shape), r->scratch);
}

static bool conv_absorbs(const sal_node *n) { return sal_conv_takes_line(((const conv_plan *)n->plan)->conv, SAL_CONV_FORWARD); }
static bool weights_absorbs(const sal_node *n) { return sal_conv_takes_line(((const conv_plan *)n->plan)->conv, SAL_CONV_BACKWARD_WEIGHTS); }

/* On lanes: one row, one group, stride 1. The steps under the kernel stand one after the other, so that an output step is a dense layer over them. */
static bool conv_has_lanes(const sal_node *x, const sal_node *w, const sal_node *n)
{
    return x->shape.dim[1] == 1 && w->shape.dim[0] == 1 && n->i[0] == 1 && n->i[1] == 1 && n->i[2] == 1 && n->i[3] == 1 && n->i[4] == 0 && n->i[6] == 0;
}

static void conv_lanes(const sal_run *r, const sal_node *n)
{
    const sal_shape *sx = &sal__in_node(r, n, 0)->shape, *sw = &sal__in_node(r, n, 1)->shape;
    int64_t samples = n->shape.dim[0], steps = sx->dim[2], in = sx->dim[3], out = sw->dim[3], kernel = sw->dim[1];
    sal_lanes_after after;
    real *y = sal__after_of(r, n, &after);
    for (int64_t i = 0; i < n->shape.dim[2]; i++) {
        int64_t first = i - n->i[5], from = first < 0 ? 0 : first, to = first + kernel < steps ? first + kernel : steps;
        sal_lanes_dense(samples, (to - from) * in, out, sal__in(r, n, 0) + from * in * samples, sal__in(r, n, 1) + (from - first) * in * out,
                        n->inputs == 3 ? sal__in(r, n, 2) : NULL, &after, y + i * out * samples);
    }
}

/* ---- gradient of x: inputs gy, w ---- */

static sal_conv_shape back_shape_of(const sal_node *n, const sal_shape *w)
{
    sal_shape x = SAL_SHAPE(1, n->i[8], n->i[9], w->dim[2] * n->i[3]);
    return conv_shape_of(n, &x, w);
}

static sal_status data_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *gy = sal__shape_in(t, n, 0), *w = sal__shape_in(t, n, 1);
    n->shape = SAL_SHAPE(gy->dim[0], n->i[8], n->i[9], w->dim[2] * n->i[3]);
    return SAL_STATUS_OK;
}

static double data_work(const sal_tape *t, const sal_node *n) { return image_work(t, n, 0, 1); }

static sal_status data_prepare(sal_context *ctx, const sal_tape *t, sal_node *n)
{
    return make_plan(ctx, n, back_shape_of(n, sal__shape_in(t, n, 1)), SAL_CONV_BACKWARD_DATA);
}

static void data_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const conv_plan *p = n->plan;
    const real *w = sal_conv_packed_size(p->conv) ? p->packed : sal__in(r, n, 1);
    sal_conv_backward_data(p->conv, hi - lo, sal__in(r, n, 0) + lo * per_image(&sal__in_node(r, n, 0)->shape), w,
                           sal__out(r, n) + lo * per_image(&n->shape), r->scratch);
}

const sal_op sal_op_conv2d_data = { .name = "conv2d_data", .n_in = 2, .local = 1, .shape = data_shape, .items = sal__items_first, .work = data_work,
                                    .scratch = conv_scratch, .prepare = data_prepare, .unprepare = conv_unprepare,
                                    .before = conv_before, .eval = data_eval };

/* ---- gradient of w: inputs x, gy; attributes 8, 9 kernel rows and cols ---- */

static sal_status weights_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0), *gy = sal__shape_in(t, n, 1);
    n->shape = SAL_SHAPE(n->i[8], n->i[9], x->dim[3] / n->i[3], gy->dim[3]);
    return SAL_STATUS_OK;
}

static double weights_work(const sal_tape *t, const sal_node *n) { return image_work(t, n, 1, -1); }
static int64_t weights_partial(const sal_tape *t, const sal_node *n) { return n->count; }

static sal_status weights_prepare(sal_context *ctx, const sal_tape *t, sal_node *n)
{
    return make_plan(ctx, n, conv_shape_of(n, sal__shape_in(t, n, 0), &n->shape), SAL_CONV_BACKWARD_WEIGHTS);
}

static void weights_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const conv_plan *p = n->plan;
    sal_conv_line line;
    const sal_conv_line *used;
    const real *x = x_of(r, n, lo, &line, &used);
    sal_conv_backward_weights(p->conv, hi - lo, x, used, sal__in(r, n, 1) + lo * per_image(&sal__in_node(r, n, 1)->shape), sal__partial(r, n), r->scratch);
}

const sal_op sal_op_conv2d_weights = { .name = "conv2d_weights", .n_in = 2, .local = 3, .shape = weights_shape, .items = sal__items_first_in,
                                       .work = weights_work, .partial = weights_partial, .scratch = conv_scratch,
                                       .prepare = weights_prepare, .unprepare = conv_unprepare, .eval = weights_eval, .absorbs = weights_absorbs,
                                       .finish = sal__finish_sum };

static void conv_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    extern const sal_op sal_op_sum_rows;
    const sal_node *n = sal__node(t, y);
    sal_id x = n->in[0], w = n->in[1], b = n->inputs == 3 ? n->in[2] : SAL_NONE;
    int64_t i[10];
    for (int32_t k = 0; k < 8; k++) i[k] = n->i[k];
    if (sal__wants(t, w)) {
        i[8] = sal_tape_dim(t, w, 0);
        i[9] = sal_tape_dim(t, w, 1);
        gx[1] = sal__append(t, &sal_op_conv2d_weights, (sal_id[]){ sal__again(t, x), gy }, 2, i, 10, NULL, 0);
    }
    if (sal__wants(t, b)) gx[2] = sal_reshape(t, sal__op1(t, &sal_op_sum_rows, gy), sal_tape_shape(t, b));
    if (sal__wants(t, x)) { /* last, so that what comes next on the way back joins its group */
        i[8] = sal_tape_dim(t, x, 1);
        i[9] = sal_tape_dim(t, x, 2);
        gx[0] = sal__append(t, &sal_op_conv2d_data, (sal_id[]){ gy, w }, 2, i, 10, NULL, 0);
    }
}

const sal_op sal_op_conv2d = { .name = "conv2d", .n_in = -1, .local = 1, .shape = conv_shape, .items = sal__items_first, .work = forward_work,
                               .scratch = conv_scratch, .prepare = conv_prepare, .unprepare = conv_unprepare, .before = conv_before,
                               .eval = conv_eval, .absorbs = conv_absorbs, .grad = conv_grad, .lanes = conv_lanes, .lanes_fits = conv_has_lanes,
                               .lanes_takes = sal__after_takes, .lanes_scratch = sal__after_scratch };

static int64_t at_least_one(int64_t v) { return v < 1 ? 1 : v; }

sal_id sal_conv2d(sal_tape *t, sal_id x, sal_id w, sal_id b, const sal_conv_options *o)
{
    int64_t stride = at_least_one(o->stride);
    int64_t i[8] = { stride, stride, at_least_one(o->dilation), at_least_one(o->groups), o->pad_top, o->pad_left, o->pad_bottom, o->pad_right };
    return sal__append(t, &sal_op_conv2d, (sal_id[]){ x, w, b }, b == SAL_NONE ? 2 : 3, i, 8, NULL, 0);
}

sal_id sal_conv1d(sal_tape *t, sal_id x, sal_id w, sal_id b, int64_t stride, int64_t pad)
{
    sal_shape sx = sal_tape_shape(t, x), sw = sal_tape_shape(t, w);
    if (x < 0 || w < 0) return SAL_NONE;
    if (sx.rank != 3 || sw.rank != 3) {
        sal_tape_fail(t, "conv1d needs x (n, steps, in) and w (kernel, in, out)");
        return SAL_NONE;
    }
    sal_id x4 = sal_reshape(t, x, SAL_SHAPE(sx.dim[0], 1, sx.dim[1], sx.dim[2]));
    sal_id w4 = sal_reshape(t, w, SAL_SHAPE(1, sw.dim[0], sw.dim[1], sw.dim[2]));
    int64_t i[8] = { 1, at_least_one(stride), 1, 1, 0, pad, 0, pad };
    sal_id y = sal__append(t, &sal_op_conv2d, (sal_id[]){ x4, w4, b }, b == SAL_NONE ? 2 : 3, i, 8, NULL, 0);
    sal_shape sy = sal_tape_shape(t, y);
    return sal_reshape(t, y, SAL_SHAPE(sy.dim[0], sy.dim[2], sy.dim[3]));
}
