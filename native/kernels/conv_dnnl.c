/* conv_dnnl.c - convolution by oneDNN, channels last. Weights are kept in the layout oneDNN prefers and converted from / to
 * (rows, cols, in, out) at the border. Primitives are created and run with one OpenMP thread: oneDNN fixes its division of
 * work at creation, its weight gradient depends on it, and our own pool supplies the threads. A chunk with fewer images than
 * planned runs image by image through a second primitive. */
#include "conv_part.h"

#if defined(SAL_HAS_DNNL) && !defined(SAL_DOUBLE)

#include <dnnl.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* The primitive for one number of images. */
typedef struct primitive {
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t run;
    dnnl_memory_desc_t src, dst;
    int64_t scratchpad; /* bytes */
} primitive;

typedef struct plan {
    dnnl_engine_t engine;
    primitive whole, single;
    dnnl_memory_desc_t plain_w, w, bias;
    dnnl_primitive_t reorder; /* to or from the plain weights; NULL when they are the same */
    float *zero_bias;
    int64_t weights, w_bytes;
} plan;

static int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }

/* Describes the convolution for `images`; the weights' layout is oneDNN's choice unless `w` already holds one. */
static dnnl_status_t describe(const sal__conv_part *p, plan *l, int64_t images, const dnnl_memory_desc_t *w,
                              primitive *q)
{
    const sal_conv_shape *s = &p->shape;
    const dnnl_dims_t src = { images, s->channels_in, s->rows, s->cols };
    const dnnl_dims_t dst = { images, s->channels_out, p->out_rows, p->out_cols };
    const dnnl_dims_t strides = { s->stride_rows, s->stride_cols }, before = { s->pad_top, s->pad_left };
    const dnnl_dims_t dilates = { s->dilation_rows - 1, s->dilation_cols - 1 }, after = { s->pad_bottom, s->pad_right };
    dnnl_convolution_desc_t d;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_primitive_desc_t hint = NULL;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&q->src, 4, src, dnnl_f32, dnnl_nhwc);
    if (!status) status = dnnl_memory_desc_init_by_tag(&q->dst, 4, dst, dnnl_f32, dnnl_nhwc);
    if (!status)
        status = dnnl_dilated_convolution_forward_desc_init(&d, dnnl_forward_training, dnnl_convolution_direct, &q->src,
                                                            w, &l->bias, &q->dst, strides, dilates, before, after);
    if (!status) status = dnnl_primitive_attr_create(&attr);
    if (!status) status = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user);
    if (!status && p->part == SAL_CONV_FORWARD) {
        status = dnnl_primitive_desc_create(&q->desc, &d, attr, l->engine, NULL);
    } else if (!status) {
        status = dnnl_primitive_desc_create(&hint, &d, attr, l->engine, NULL);
        if (!status && p->part == SAL_CONV_BACKWARD_DATA)
            status = dnnl_dilated_convolution_backward_data_desc_init(&d, dnnl_convolution_direct, &q->src, w, &q->dst,
                                                                      strides, dilates, before, after);
        else if (!status)
            status = dnnl_dilated_convolution_backward_weights_desc_init(&d, dnnl_convolution_direct, &q->src, w, NULL,
                                                                         &q->dst, strides, dilates, before, after);
        if (!status) status = dnnl_primitive_desc_create(&q->desc, &d, attr, l->engine, hint);
    }
    if (hint) dnnl_primitive_desc_destroy(hint);
    if (attr) dnnl_primitive_attr_destroy(attr);
    if (status) return status;
    const dnnl_memory_desc_t *scratchpad = dnnl_primitive_desc_query_md(q->desc, dnnl_query_scratchpad_md, 0);
    q->scratchpad = scratchpad ? aligned((int64_t)dnnl_memory_desc_get_size(scratchpad)) : 0;
    return dnnl_primitive_create(&q->run, q->desc);
}

static dnnl_status_t weights_layouts(const sal__conv_part *p, plan *l, dnnl_memory_desc_t *any)
{
    const sal_conv_shape *s = &p->shape;
    int64_t g = s->groups, in = s->channels_in / g, out = s->channels_out / g;
    const dnnl_dims_t dense = { out, in, s->kernel_rows, s->kernel_cols }, bias = { s->channels_out };
    const dnnl_dims_t grouped = { g, out, in, s->kernel_rows, s->kernel_cols };
    bool one = g == 1;
    const dnnl_dim_t *dims = one ? dense : grouped;
    l->weights = s->kernel_rows * s->kernel_cols * in * s->channels_out;
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&l->bias, 1, bias, dnnl_f32, dnnl_x);
    if (!status) status = dnnl_memory_desc_init_by_tag(any, one ? 4 : 5, dims, dnnl_f32, dnnl_format_tag_any);
    if (!status)
        status = dnnl_memory_desc_init_by_tag(&l->plain_w, one ? 4 : 5, dims, dnnl_f32, one ? dnnl_hwio : dnnl_hwigo);
    return status;
}

static dnnl_status_t create_reorder(const sal__conv_part *p, plan *l)
{
    dnnl_primitive_desc_t desc = NULL;
    bool out = p->part == SAL_CONV_BACKWARD_WEIGHTS;
    if (dnnl_memory_desc_equal(&l->w, &l->plain_w)) return dnnl_success;
    dnnl_status_t status = dnnl_reorder_primitive_desc_create(&desc, out ? &l->w : &l->plain_w, l->engine,
                                                              out ? &l->plain_w : &l->w, l->engine, NULL);
    if (!status) status = dnnl_primitive_create(&l->reorder, desc);
    if (desc) dnnl_primitive_desc_destroy(desc);
    return status;
}

static dnnl_status_t create(const sal__conv_part *p, plan *l)
{
    dnnl_memory_desc_t any;
    dnnl_status_t status = dnnl_engine_create(&l->engine, dnnl_cpu, 0);
    if (!status) status = weights_layouts(p, l, &any);
    if (!status) status = describe(p, l, p->shape.batch, &any, &l->whole);
    if (status) return status;
    dnnl_query_t what = p->part == SAL_CONV_BACKWARD_WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
    l->w = *dnnl_primitive_desc_query_md(l->whole.desc, what, 0);
    l->w_bytes = aligned((int64_t)dnnl_memory_desc_get_size(&l->w));
    if (p->shape.batch > 1) status = describe(p, l, 1, &l->w, &l->single);
    if (!status) status = create_reorder(p, l);
    return status;
}

/* One argument of a primitive; `bytes` is only read where the primitive reads it. */
typedef struct argument {
    int kind;
    const dnnl_memory_desc_t *desc;
    const void *bytes;
} argument;

enum { ARGUMENTS_MAX = 5 };

static dnnl_status_t execute(const plan *l, dnnl_primitive_t run, int count, const argument *arguments)
{
    dnnl_exec_arg_t args[ARGUMENTS_MAX];
    dnnl_stream_t stream = NULL;
    int made = 0, threads = omp_get_max_threads();
    omp_set_num_threads(1);
    dnnl_status_t status = dnnl_stream_create(&stream, l->engine, dnnl_stream_default_flags);
    for (; made < count && !status; made++) {
        args[made].arg = arguments[made].kind;
        status = dnnl_memory_create(&args[made].memory, arguments[made].desc, l->engine,
                                    (void *)(uintptr_t)arguments[made].bytes);
        if (status) break;
    }
    if (!status) status = dnnl_primitive_execute(run, stream, count, args);
    if (!status) status = dnnl_stream_wait(stream);
    while (made-- > 0) dnnl_memory_destroy(args[made].memory);
    if (stream) dnnl_stream_destroy(stream);
    omp_set_num_threads(threads);
    return status;
}

static dnnl_status_t reorder(const plan *l, const dnnl_memory_desc_t *from_desc, const void *from,
                             const dnnl_memory_desc_t *to_desc, void *to)
{
    const argument a[] = { { DNNL_ARG_FROM, from_desc, from }, { DNNL_ARG_TO, to_desc, to } };
    return execute(l, l->reorder, 2, a);
}

/* oneDNN can still fail here for want of memory, and a kernel has nobody to tell: the result then says so itself. */
static void spoil(float *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) values[i] = NAN;
}

static void pack(const sal__conv_part *p, const real *w, real *packed)
{
    const plan *l = p->state;
    memset(packed, 0, (size_t)l->w_bytes);
    if (reorder(l, &l->plain_w, w, &l->w, packed)) spoil(packed, p->packed_size);
}

static dnnl_status_t run_primitive(const sal__conv_part *p, const primitive *q, const real *a, const real *b,
                                   const real *bias, real *c, void *scratch)
{
    const plan *l = p->state;
    const dnnl_memory_desc_t *pad = dnnl_primitive_desc_query_md(q->desc, dnnl_query_scratchpad_md, 0);
    const argument forward[] = { { DNNL_ARG_SRC, &q->src, a },
                                 { DNNL_ARG_WEIGHTS, &l->w, b },
                                 { DNNL_ARG_DST, &q->dst, c },
                                 { DNNL_ARG_SCRATCHPAD, pad, scratch },
                                 { DNNL_ARG_BIAS, &l->bias, bias ? bias : l->zero_bias } };
    const argument data[] = { { DNNL_ARG_DIFF_DST, &q->dst, a },
                              { DNNL_ARG_WEIGHTS, &l->w, b },
                              { DNNL_ARG_DIFF_SRC, &q->src, c },
                              { DNNL_ARG_SCRATCHPAD, pad, scratch } };
    if (p->part == SAL_CONV_FORWARD) return execute(l, q->run, 5, forward);
    if (p->part == SAL_CONV_BACKWARD_DATA) return execute(l, q->run, 4, data);
    char *blocked = (char *)scratch + q->scratchpad;
    const argument weights[] = { { DNNL_ARG_SRC, &q->src, a },
                                 { DNNL_ARG_DIFF_DST, &q->dst, b },
                                 { DNNL_ARG_DIFF_WEIGHTS, &l->w, l->reorder ? (real *)blocked : c },
                                 { DNNL_ARG_SCRATCHPAD, pad, scratch } };
    dnnl_status_t status = execute(l, q->run, 4, weights);
    if (!status && l->reorder) status = reorder(l, &l->w, blocked, &l->plain_w, c);
    return status;
}

static void run(const sal__conv_part *p, int64_t images, const real *a, const real *b, const real *bias, real *c,
                void *scratch)
{
    const plan *l = p->state;
    const sal_conv_shape *s = &p->shape;
    int64_t x_size = s->rows * s->cols * s->channels_in, y_size = p->out_rows * p->out_cols * s->channels_out;
    dnnl_status_t status = dnnl_success;
    bool weights = p->part == SAL_CONV_BACKWARD_WEIGHTS;
    if (images == s->batch) {
        status = run_primitive(p, &l->whole, a, b, bias, c, scratch);
    } else if (!weights) {
        int64_t a_size = p->part == SAL_CONV_FORWARD ? x_size : y_size, c_size = x_size + y_size - a_size;
        for (int64_t n = 0; n < images && !status; n++)
            status = run_primitive(p, &l->single, a + n * a_size, b, bias, c + n * c_size, scratch);
    } else {
        real *one = (real *)(void *)((char *)scratch + l->single.scratchpad + l->w_bytes);
        memset(c, 0, sizeof(real) * (size_t)l->weights);
        for (int64_t n = 0; n < images && !status; n++) {
            status = run_primitive(p, &l->single, a + n * x_size, b + n * y_size, NULL, one, scratch);
            for (int64_t i = 0; i < l->weights; i++) c[i] += one[i];
        }
    }
    if (status) spoil(c, weights ? l->weights : images * (p->part == SAL_CONV_FORWARD ? y_size : x_size));
}

static void release(sal__conv_part *p)
{
    plan *l = p->state;
    primitive *both[] = { &l->whole, &l->single };
    for (int i = 0; i < 2; i++) {
        if (both[i]->run) dnnl_primitive_destroy(both[i]->run);
        if (both[i]->desc) dnnl_primitive_desc_destroy(both[i]->desc);
    }
    if (l->reorder) dnnl_primitive_destroy(l->reorder);
    if (l->engine) dnnl_engine_destroy(l->engine);
    sal_release(p->ctx, l->zero_bias);
    sal_release(p->ctx, l);
    p->state = NULL;
}

sal_status sal__conv_plan_dnnl(sal__conv_part *p)
{
    plan *l = NULL;
    sal_status status = sal_allocate(p->ctx, 1, sizeof *l, &l);
    if (status != SAL_STATUS_OK) return status;
    p->state = l;
    SAL_TRY(sal_allocate(p->ctx, p->shape.channels_out, sizeof(float), &l->zero_bias));
    int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    dnnl_status_t created = create(p, l);
    omp_set_num_threads(threads);
    if (created == dnnl_out_of_memory) {
        status = sal_fail(p->ctx, SAL_STATUS_MEMORY, "out of memory while preparing a convolution");
    } else if (created) {
        status = SAL_STATUS_UNSUPPORTED;
    }
    if (status != SAL_STATUS_OK) goto done;
    p->name = "dnnl";
    p->run = run;
    p->free = release;
    bool weights = p->part == SAL_CONV_BACKWARD_WEIGHTS;
    int64_t scratchpad = l->whole.scratchpad > l->single.scratchpad ? l->whole.scratchpad : l->single.scratchpad;
    p->scratch_bytes = scratchpad + (weights ? l->w_bytes + aligned(l->weights * (int64_t)sizeof(real)) : 0);
    if (!weights && l->reorder) {
        p->pack = pack;
        p->packed_size = l->w_bytes / (int64_t)sizeof(real);
    }
    return SAL_STATUS_OK;
done:
    release(p);
    return status;
}

#else

sal_status sal__conv_plan_dnnl(sal__conv_part *p)
{
    (void)p;
    return SAL_STATUS_UNSUPPORTED;
}

#endif
