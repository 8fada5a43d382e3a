/* conv_direct.c - own vector kernels for groups of few channels, where libraries are weak: cuts a convolution into the rectangles
 * that conv_direct_kernels.inc computes.
 *
 * Padding is copied around the image into scratch first. Backward data with stride s is s x s correlations of gy, one for each
 * phase of the input pixel: the taps that reach input row r0 + s i are those with r0 + p - k d divisible by s, and read output
 * row i + (r0 + p - k d) / s; gy gets a margin of zeros as wide as the taps reach beyond it.
 */
#include "conv_direct.h"

#include "conv_part.h"

#include <string.h>

enum { TAPS_MAX = 256, L1_BYTES = 24 * 1024 };

/* One correlation of the whole map; forward has one, backward data one per phase. */
typedef struct pass {
    int64_t row, col;   /* phase: first input pixel */
    int64_t rows, cols; /* pixels written */
    int64_t tap_count;
    int64_t taps[TAPS_MAX];    /* offsets in the source with its margin */
    int64_t taps_of[TAPS_MAX]; /* number of the kernel tap */
    int64_t packed;     /* where its weights begin */
} pass;

typedef struct plan {
    const sal__direct_kernels *kernels;
    int64_t in, out;            /* channels per group read and written */
    int64_t source_rows, source_cols, source_channels, target_channels; /* source: unpadded */
    int64_t top, left, bottom, right; /* margin of the source */
    int64_t x_row, x_col;       /* source step per pixel written */
    int64_t pass_count;
    pass *passes;
} plan;

static int64_t wide_cols(const plan *l) { return l->source_cols + l->left + l->right; }

static int64_t wide_size(const plan *l)
{
    return (l->source_rows + l->top + l->bottom) * wide_cols(l) * l->source_channels;
}

static bool has_margin(const plan *l) { return l->top | l->left | l->bottom | l->right; }

/* The source image with its margin of zeros. */
static const real *with_margin(const plan *l, const real *image, real *scratch)
{
    int64_t line = l->source_cols * l->source_channels, wide = wide_cols(l) * l->source_channels;
    int64_t left = l->left * l->source_channels;
    if (!has_margin(l)) return image;
    memset(scratch, 0, sizeof(real) * (size_t)(l->top * wide));
    for (int64_t r = 0; r < l->source_rows; r++) {
        real *to = scratch + (l->top + r) * wide;
        memset(to, 0, sizeof(real) * (size_t)left);
        memcpy(to + left, image + r * line, sizeof(real) * (size_t)line);
        memset(to + left + line, 0, sizeof(real) * (size_t)(wide - left - line));
    }
    memset(scratch + (l->top + l->source_rows) * wide, 0, sizeof(real) * (size_t)(l->bottom * wide));
    return scratch;
}

/* The widest block of output channels at `done`. */
static int64_t block_at(int64_t channels, int64_t done) { return channels - done >= 16 ? 16 : 8; }

/* One pass over one image: bands of rows small enough that the input of all groups stays near, then groups, then blocks. */
static void run_pass(const plan *l, const pass *s, const real *x, const real *w, const real *bias, real *y, int64_t y_row,
                     int64_t y_col)
{
    int64_t groups = l->target_channels / l->out, band = L1_BYTES / (int64_t)sizeof(real) / (l->x_row * 1 + 1);
    if (band < 1) band = 1;
    for (int64_t row = 0; row < s->rows; row += band) {
        const real *weights = w + s->packed;
        for (int64_t g = 0; g < groups; g++)
            for (int64_t o = 0; o < l->out; o += block_at(l->out, o)) {
                int64_t block = block_at(l->out, o), channel = g * l->out + o;
                const sal__direct_area area = {
                    .rows = s->rows - row < band ? s->rows - row : band, .cols = s->cols, .in = l->in, .tap_count = s->tap_count,
                    .taps = s->taps, .x = x + row * l->x_row + g * l->in, .w = weights, .bias = bias ? bias + channel : NULL,
                    .y = y + row * y_row + channel, .x_row = l->x_row, .x_col = l->x_col, .y_row = y_row, .y_col = y_col};
                l->kernels->correlate[block == 16](&area);
                weights += s->tap_count * l->in * block;
            }
    }
}

static void run_forward(const sal__conv_part *p, int64_t images, const real *x, const real *w, const real *bias, real *y,
                        void *scratch)
{
    const plan *l = p->state;
    int64_t x_size = l->source_rows * l->source_cols * l->source_channels, channels = l->target_channels;
    for (int64_t n = 0; n < images; n++)
        run_pass(l, l->passes, with_margin(l, x + n * x_size, scratch), w, bias, y + n * p->out_rows * p->out_cols * channels,
                 p->out_cols * channels, channels);
}

static void clear_phase(const sal_conv_shape *s, const pass *q, real *gx)
{
    for (int64_t r = 0; r < q->rows; r++)
        for (int64_t c = 0; c < q->cols; c++)
            memset(gx + ((q->row + r * s->stride_rows) * s->cols + q->col + c * s->stride_cols) * s->channels_in, 0,
                   sizeof(real) * (size_t)s->channels_in);
}

static void run_data(const sal__conv_part *p, int64_t images, const real *gy, const real *w, const real *bias, real *gx,
                     void *scratch)
{
    const plan *l = p->state;
    const sal_conv_shape *s = &p->shape;
    int64_t y_size = l->source_rows * l->source_cols * l->source_channels, row = s->cols * s->channels_in;
    (void)bias;
    for (int64_t n = 0; n < images; n++) {
        const real *source = with_margin(l, gy + n * y_size, scratch);
        real *image = gx + n * s->rows * row;
        for (int64_t i = 0; i < l->pass_count; i++) {
            const pass *q = &l->passes[i];
            if (q->tap_count == 0)
                clear_phase(s, q, image);
            else
                run_pass(l, q, source, w, NULL, image + q->row * row + q->col * s->channels_in, s->stride_rows * row,
                         s->stride_cols * s->channels_in);
        }
    }
}

static void run_weights(const sal__conv_part *p, int64_t images, const real *x, const real *gy, const real *bias, real *gw,
                        void *scratch)
{
    const plan *l = p->state;
    const sal_conv_shape *s = &p->shape;
    const pass *q = l->passes;
    int64_t x_size = l->source_rows * l->source_cols * l->source_channels, wide = l->target_channels;
    (void)bias;
    memset(gw, 0, sizeof(real) * (size_t)(q->tap_count * l->in * wide));
    for (int64_t n = 0; n < images; n++) {
        const real *image = with_margin(l, x + n * x_size, scratch);
        for (int64_t g = 0; g < s->groups; g++)
            for (int64_t o = 0; o < l->out; o += block_at(l->out, o)) {
                int64_t channel = g * l->out + o;
                const sal__direct_weights area = {
                    .rows = p->out_rows, .cols = p->out_cols, .in = l->in, .tap_count = q->tap_count, .kernel_cols = s->kernel_cols,
                    .taps = q->taps, .x = image + g * l->in, .gy = gy + n * p->out_rows * p->out_cols * wide + channel,
                    .gw = gw + channel, .x_row = l->x_row, .x_col = l->x_col, .y_row = p->out_cols * wide, .y_col = wide,
                    .gw_row = wide, .tap_col = s->dilation_cols * l->source_channels};
                l->kernels->gradient[block_at(l->out, o) == 16](&area);
            }
    }
}

/* (pass, group, block, tap, channel read, channel written). */
static void pack(const sal__conv_part *p, const real *w, real *packed)
{
    const plan *l = p->state;
    const sal_conv_shape *s = &p->shape;
    int64_t in = s->channels_in / s->groups, out = s->channels_out / s->groups;
    bool forward = p->part == SAL_CONV_FORWARD;
    for (int64_t i = 0; i < l->pass_count; i++)
        for (int64_t g = 0; g < s->groups; g++)
            for (int64_t o = 0, block; o < l->out; o += block) {
                block = block_at(l->out, o);
                for (int64_t t = 0; t < l->passes[i].tap_count; t++)
                    for (int64_t k = 0; k < l->in; k++)
                        for (int64_t j = 0; j < block; j++) {
                            int64_t read = forward ? k : o + j, written = forward ? o + j : k;
                            *packed++ = w[(l->passes[i].taps_of[t] * in + read) * s->channels_out + g * out + written];
                        }
            }
}

static void plan_forward(const sal__conv_part *p, plan *l)
{
    const sal_conv_shape *s = &p->shape;
    pass *q = l->passes;
    *l = (plan){.kernels = l->kernels, .in = s->channels_in / s->groups, .out = s->channels_out / s->groups,
                .source_rows = s->rows, .source_cols = s->cols, .source_channels = s->channels_in,
                .target_channels = s->channels_out, .top = s->pad_top, .left = s->pad_left, .bottom = s->pad_bottom,
                .right = s->pad_right, .x_col = s->stride_cols * s->channels_in, .pass_count = 1, .passes = q};
    l->x_row = s->stride_rows * wide_cols(l) * s->channels_in;
    q->rows = p->out_rows;
    q->cols = p->out_cols;
    for (int64_t k = 0; k < s->kernel_rows * s->kernel_cols; k++) {
        q->taps_of[k] = k;
        q->taps[k] = (k / s->kernel_cols * s->dilation_rows * wide_cols(l) + k % s->kernel_cols * s->dilation_cols) * s->channels_in;
    }
    q->tap_count = s->kernel_rows * s->kernel_cols;
}

/* Where the reach of a phase along one axis begins, and whether tap k belongs to it. */
static bool reaches(int64_t phase, int64_t pad, int64_t k, int64_t dilation, int64_t stride, int64_t *shift)
{
    int64_t distance = phase + pad - k * dilation;
    *shift = distance / stride;
    return distance % stride == 0;
}

static void plan_phase(const sal_conv_shape *s, const plan *l, int64_t packed, pass *q)
{
    q->rows = q->row < s->rows ? (s->rows - q->row - 1) / s->stride_rows + 1 : 0;
    q->cols = q->col < s->cols ? (s->cols - q->col - 1) / s->stride_cols + 1 : 0;
    q->packed = packed;
    for (int64_t k = 0; k < s->kernel_rows * s->kernel_cols; k++) {
        int64_t down, across;
        if (!reaches(q->row, s->pad_top, k / s->kernel_cols, s->dilation_rows, s->stride_rows, &down) ||
            !reaches(q->col, s->pad_left, k % s->kernel_cols, s->dilation_cols, s->stride_cols, &across))
            continue;
        q->taps_of[q->tap_count] = k;
        q->taps[q->tap_count++] = ((down + l->top) * wide_cols(l) + across + l->left) * l->source_channels;
    }
}

/* Rows (or columns) of zeros before and after gy so that every phase reads inside. */
static void margins(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad, int64_t *before,
                    int64_t *after)
{
    *before = *after = 0;
    for (int64_t phase = 0; phase < stride && phase < size; phase++)
        for (int64_t k = 0; k < kernel; k++) {
            int64_t shift, last = (size - phase - 1) / stride;
            if (!reaches(phase, pad, k, dilation, stride, &shift)) continue;
            if (-shift > *before) *before = -shift;
            if (last + shift - (out - 1) > *after) *after = last + shift - (out - 1);
        }
}

static void plan_data(const sal__conv_part *p, plan *l)
{
    const sal_conv_shape *s = &p->shape;
    int64_t packed = 0;
    *l = (plan){.kernels = l->kernels, .in = s->channels_out / s->groups, .out = s->channels_in / s->groups,
                .source_rows = p->out_rows, .source_cols = p->out_cols, .source_channels = s->channels_out,
                .target_channels = s->channels_in, .x_col = s->channels_out, .passes = l->passes};
    margins(s->rows, p->out_rows, s->kernel_rows, s->stride_rows, s->dilation_rows, s->pad_top, &l->top, &l->bottom);
    margins(s->cols, p->out_cols, s->kernel_cols, s->stride_cols, s->dilation_cols, s->pad_left, &l->left, &l->right);
    l->x_row = wide_cols(l) * s->channels_out;
    for (int64_t i = 0; i < s->stride_rows * s->stride_cols; i++) {
        pass *q = &l->passes[l->pass_count++];
        q->row = i / s->stride_cols;
        q->col = i % s->stride_cols;
        plan_phase(s, l, packed, q);
        packed += q->tap_count * l->in * l->target_channels;
    }
}

static bool can_do(const sal__conv_part *p)
{
    const sal_conv_shape *s = &p->shape;
    int64_t in = s->channels_in / s->groups, out = s->channels_out / s->groups;
    if (s->kernel_rows * s->kernel_cols > TAPS_MAX || s->stride_rows * s->stride_cols > 16) return false;
    if (p->part == SAL_CONV_BACKWARD_DATA) return in % 8 == 0 && out % 8 == 0;
    if (out % 8) return false;
    return in % 8 == 0 || (in == 1 && (p->part == SAL_CONV_FORWARD || s->kernel_cols == 3 || s->kernel_cols == 5));
}

static void release(sal__conv_part *p)
{
    plan *l = p->state;
    if (l) sal_release(p->ctx, l->passes);
    sal_release(p->ctx, l);
    p->state = NULL;
}

sal_status sal__conv_plan_direct(sal__conv_part *p)
{
    const sal__direct_kernels *kernels = sal__direct_avx512();
    plan *l = NULL;
    sal_status status;
    if (!kernels) kernels = sal__direct_avx2();
    if (!kernels || !can_do(p)) return SAL_STATUS_UNSUPPORTED;
    bool data = p->part == SAL_CONV_BACKWARD_DATA;
    SAL_TRY(sal_allocate(p->ctx, 1, sizeof *l, &l));
    p->state = l;
    SAL_TRY(sal_allocate(p->ctx, data ? p->shape.stride_rows * p->shape.stride_cols : 1, sizeof *l->passes, &l->passes));
    l->kernels = kernels;
    if (data)
        plan_data(p, l);
    else
        plan_forward(p, l);
    p->name = "direct";
    p->free = release;
    p->run = data ? run_data : p->part == SAL_CONV_FORWARD ? run_forward : run_weights;
    p->scratch_bytes = has_margin(l) ? wide_size(l) * (int64_t)sizeof(real) : 0;
    if (p->part != SAL_CONV_BACKWARD_WEIGHTS) {
        p->pack = pack;
        for (int64_t i = 0; i < l->pass_count; i++) p->packed_size += l->passes[i].tap_count * l->in * l->target_channels;
    }
    return SAL_STATUS_OK;
done:
    release(p);
    return status;
}
