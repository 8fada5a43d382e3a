/* conv.c - convolution plans: checks the shape, chooses a method for each part, and passes calls on.
 * The packed weights of forward and backward data lie one after the other in one buffer. */
#include "conv.h"

#include "conv_part.h"

#include <string.h>

enum { PARTS = 3 };

struct sal_conv {
    sal_context *ctx;
    sal__conv_part parts[PARTS]; /* forward, backward data, backward weights */
    uint32_t planned;
    int64_t weights;                  /* reals of w */
    int64_t packed_size, packed_data; /* packed_data: where backward data's begin */
    int64_t scratch_bytes;
};

void sal_conv_output_size(const sal_conv_shape *s, int64_t *rows, int64_t *cols)
{
    int64_t high = s->rows + s->pad_top + s->pad_bottom - s->dilation_rows * (s->kernel_rows - 1) - 1;
    int64_t wide = s->cols + s->pad_left + s->pad_right - s->dilation_cols * (s->kernel_cols - 1) - 1;
    *rows = high < 0 ? 0 : high / s->stride_rows + 1;
    *cols = wide < 0 ? 0 : wide / s->stride_cols + 1;
}

static sal_status check_shape(sal_context *ctx, const sal_conv_shape *s)
{
    int64_t rows, cols;
    if (s->batch < 1 || s->rows < 1 || s->cols < 1 || s->channels_in < 1 || s->channels_out < 1 || s->groups < 1 ||
        s->kernel_rows < 1 || s->kernel_cols < 1 || s->stride_rows < 1 || s->stride_cols < 1 || s->dilation_rows < 1 ||
        s->dilation_cols < 1 || s->pad_top < 0 || s->pad_left < 0 || s->pad_bottom < 0 || s->pad_right < 0)
        return sal_fail(
            ctx, SAL_STATUS_SHAPE,
            "a convolution of %lld images of %lld x %lld x %lld needs sizes, strides and dilations of at least 1 "
            "and no negative padding",
            (long long)s->batch, (long long)s->rows, (long long)s->cols, (long long)s->channels_in);
    if (s->channels_in % s->groups || s->channels_out % s->groups)
        return sal_fail(ctx, SAL_STATUS_SHAPE,
                        "a convolution of %lld to %lld channels cannot be cut into %lld equal groups",
                        (long long)s->channels_in, (long long)s->channels_out, (long long)s->groups);
    sal_conv_output_size(s, &rows, &cols);
    if (rows < 1 || cols < 1)
        return sal_fail(ctx, SAL_STATUS_SHAPE,
                        "a %lld x %lld kernel with dilation %lld x %lld does not fit into %lld x %lld pixels",
                        (long long)s->kernel_rows, (long long)s->kernel_cols, (long long)s->dilation_rows,
                        (long long)s->dilation_cols, (long long)s->rows, (long long)s->cols);
    return SAL_STATUS_OK;
}

/* What was measured (tests/bench/bench_kernels.c): the weight gradient is fastest by the direct kernels; forward and backward data
 * by oneDNN where channels come in many or in whole blocks of 16, unless the call is so small that its overhead of some
 * microseconds tells, or along one row only, where it is no faster. A method that cannot do the shape is passed over. */
static void order_methods(const sal__conv_part *p, sal__conv_planner order[3])
{
    const sal_conv_shape *s = &p->shape;
    int64_t in = s->channels_in / s->groups, out = s->channels_out / s->groups;
    bool small = s->batch * p->out_rows * p->out_cols * s->kernel_rows * s->kernel_cols * in * s->channels_out < 100000;
    bool blocks = p->part == SAL_CONV_BACKWARD_DATA && in % 16 == 0 && out % 16 == 0;
    bool library = !small && in >= 8 && s->rows > 1 && p->part != SAL_CONV_BACKWARD_WEIGHTS && (s->groups == 1 || blocks);
    order[0] = library ? sal__conv_plan_dnnl : sal__conv_plan_direct;
    order[1] = small ? sal__conv_plan_gemm : library ? sal__conv_plan_direct : sal__conv_plan_dnnl;
    order[2] = sal__conv_plan_gemm;
#ifdef SAL_DOUBLE
    order[0] = sal__conv_plan_plain;
#endif
}

static sal_status plan_part(sal__conv_part *p, sal_conv_method method)
{
    static const sal__conv_planner stated[] = {
        NULL, sal__conv_plan_plain, sal__conv_plan_gemm, sal__conv_plan_dnnl, sal__conv_plan_direct, sal__conv_plan_avx2
    };
    sal__conv_planner order[3];
    sal_status status = SAL_STATUS_UNSUPPORTED;
    if (method != SAL_CONV_AUTO) return stated[method](p);
    order_methods(p, order);
    for (int32_t i = 0; i < 3 && status == SAL_STATUS_UNSUPPORTED; i++) status = order[i](p);
    return status;
}

static void lay_out(sal_conv *conv)
{
    sal__conv_part *forward = &conv->parts[0], *data = &conv->parts[1];
    for (int32_t i = 0; i < PARTS; i++)
        if (conv->parts[i].scratch_bytes > conv->scratch_bytes) conv->scratch_bytes = conv->parts[i].scratch_bytes;
    if (!forward->packed_size && !data->packed_size) return;
    /* a part that wants w as it is gets a copy of it */
    int64_t first = !forward->run ? 0 : forward->packed_size ? forward->packed_size : conv->weights;
    int64_t second = !data->run ? 0 : data->packed_size ? data->packed_size : conv->weights;
    conv->packed_data = (first + 15) / 16 * 16; /* 64-byte aligned in float */
    conv->packed_size = conv->packed_data + second;
}

sal_status sal_conv_new_by(sal_context *ctx, const sal_conv_shape *shape, uint32_t parts, sal_conv_method method,
                           sal_conv **out)
{
    sal_conv *conv = NULL;
    *out = NULL;
    sal_status status = check_shape(ctx, shape);
    if (status != SAL_STATUS_OK) return status;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *conv, &conv));
    conv->ctx = ctx;
    conv->planned = parts;
    conv->weights =
        shape->kernel_rows * shape->kernel_cols * (shape->channels_in / shape->groups) * shape->channels_out;
    for (int32_t i = 0; i < PARTS; i++) {
        if (!(parts & 1u << i)) continue;
        sal__conv_part *p = &conv->parts[i];
        p->ctx = ctx;
        p->shape = *shape;
        p->part = 1u << i;
        sal_conv_output_size(shape, &p->out_rows, &p->out_cols);
        SAL_TRY(plan_part(p, method));
    }
    lay_out(conv);
    *out = conv;
    return SAL_STATUS_OK;
done:
    sal_conv_free(conv);
    if (status == SAL_STATUS_UNSUPPORTED)
        return sal_fail(ctx, status, "this convolution cannot be computed by method %d; use SAL_CONV_AUTO",
                        (int)method);
    return status;
}

sal_status sal_conv_new(sal_context *ctx, const sal_conv_shape *shape, uint32_t parts, sal_conv **out)
{
    return sal_conv_new_by(ctx, shape, parts, SAL_CONV_AUTO, out);
}

void sal_conv_free(sal_conv *conv)
{
    if (!conv) return;
    for (int32_t i = 0; i < PARTS; i++)
        if (conv->parts[i].free) conv->parts[i].free(&conv->parts[i]);
    sal_release(conv->ctx, conv);
}

int64_t sal_conv_scratch_bytes(const sal_conv *conv) { return conv->scratch_bytes; }

int64_t sal_conv_packed_size(const sal_conv *conv) { return conv->packed_size; }

static const sal__conv_part *part_of(const sal_conv *conv, uint32_t part)
{
    return &conv->parts[part == SAL_CONV_FORWARD ? 0 : part == SAL_CONV_BACKWARD_DATA ? 1 : 2];
}

const char *sal_conv_method_name(const sal_conv *conv, uint32_t part)
{
    const char *name = part_of(conv, part)->name;
    return name ? name : "none";
}

void sal_conv_pack(const sal_conv *conv, const real *w, real *packed)
{
    if (!conv->packed_size) return;
    for (int32_t i = 0; i < 2; i++) {
        const sal__conv_part *p = &conv->parts[i];
        real *to = packed + (i ? conv->packed_data : 0);
        if (!p->run) continue;
        if (p->packed_size)
            p->pack(p, w, to);
        else
            memcpy(to, w, sizeof(real) * (size_t)conv->weights);
    }
}

bool sal_conv_takes_line(const sal_conv *conv, uint32_t part) { return part_of(conv, part)->run_line != NULL; }

static void run(const sal__conv_part *p, int64_t images, const real *a, const sal_conv_line *line, const real *b, const real *bias, real *c, void *scratch)
{
    if (line) p->run_line(p, images, a, line, b, bias, c, scratch);
    else p->run(p, images, a, b, bias, c, scratch);
}

void sal_conv_forward(const sal_conv *conv, int64_t images, const real *x, const sal_conv_line *line, const real *w_packed, const real *bias, real *y,
                      void *scratch)
{
    run(part_of(conv, SAL_CONV_FORWARD), images, x, line, w_packed, bias, y, scratch);
}

void sal_conv_backward_data(const sal_conv *conv, int64_t images, const real *gy, const real *w_packed, real *gx,
                            void *scratch)
{
    run(part_of(conv, SAL_CONV_BACKWARD_DATA), images, gy, NULL, w_packed + conv->packed_data, NULL, gx, scratch);
}

void sal_conv_backward_weights(const sal_conv *conv, int64_t images, const real *x, const sal_conv_line *line, const real *gy, real *gw, void *scratch)
{
    run(part_of(conv, SAL_CONV_BACKWARD_WEIGHTS), images, x, line, gy, NULL, gw, scratch);
}
