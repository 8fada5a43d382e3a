/* conv_direct_plan.c - where the taps of a direct convolution lie.
 *
 * Backward data with stride s is s x s correlations of gy, one for each phase of the input pixel: the taps that reach input row
 * r0 + s i are those with r0 + p - k d divisible by s (p padding, d dilation), and read output row i + (r0 + p - k d) / s; gy
 * gets a margin of zeros as wide as the taps reach beyond it.
 */
#include "conv_direct.h"

enum { FAR_BYTES = 512 * 1024 }; /* a source beyond this is not at hand in a second-level cache: gather */

int64_t sal__direct_wide_cols(const sal__direct_plan *l) { return l->source_cols + l->left + l->right; }

int64_t sal__direct_wide_size(const sal__direct_plan *l)
{
    return (l->source_rows + l->top + l->bottom) * sal__direct_wide_cols(l) * l->source_channels;
}

/* The longest runs of equally spaced taps that the whole list falls into, with pixels one or two such spaces apart. */
static void find_runs(const sal__direct_plan *l, sal__direct_pass *q)
{
    static const int64_t lengths[] = { 5, 3, 2 };
    q->run = 1;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths && q->run == 1; i++) {
        int64_t run = lengths[i], step = q->tap_count > 1 ? q->taps[1] - q->taps[0] : 0;
        bool fits = q->tap_count > 0 && q->tap_count % run == 0 && (l->x_col == step || l->x_col == 2 * step);
        for (int64_t t = 0; t < q->tap_count && fits; t++) fits = t % run == 0 || q->taps[t] - q->taps[t - 1] == step;
        if (!fits) continue;
        q->run = run;
        q->tap_col = step;
    }
}

/* Far sources are gathered where a rectangle with its surroundings is at most four times the pixels that are needed anyway. */
static void plan_gathering(const sal_conv_shape *s, sal__direct_plan *l)
{
    sal__direct_pass *q = l->passes;
    l->stride_rows = s->stride_rows;
    l->stride_cols = s->stride_cols;
    l->gathered_rows = (SAL__DIRECT_HIGH - 1) * s->stride_rows + (s->kernel_rows - 1) * s->dilation_rows + 1;
    l->gathered_cols = (SAL__DIRECT_WIDE - 1) * s->stride_cols + (s->kernel_cols - 1) * s->dilation_cols + 1;
    int64_t needed = SAL__DIRECT_HIGH * s->stride_rows * SAL__DIRECT_WIDE * s->stride_cols;
    l->gathers = l->in % 8 == 0 && sal__direct_wide_size(l) * (int64_t)sizeof(real) > FAR_BYTES &&
                 l->gathered_rows * l->gathered_cols <= 4 * needed;
    l->tap_col = s->dilation_cols * l->in;
    for (int64_t k = 0; k < q->tap_count; k++)
        q->gathered[k] =
            (k / s->kernel_cols * s->dilation_rows * l->gathered_cols + k % s->kernel_cols * s->dilation_cols) * l->in;
}

enum { PAIRS_BYTES = 512 * 1024 }; /* a copy of an image beyond this would not stay in a second-level cache */

/* Pairs of groups of 8 channels, where there is a kernel for them and the image is small enough to be copied. */
static void plan_pairs(const sal__conv_part *p, sal__direct_plan *l)
{
    l->pairs = l->kernels->correlate[SAL__DIRECT_8_8] && l->out == 8 && p->shape.groups > 1;
    if (l->in > 1 && sal__direct_pairs_size(l) * (int64_t)sizeof(real) > PAIRS_BYTES) l->pairs = false;
    if (l->pairs) l->gathers = false;
    for (int64_t i = 0; i < l->pass_count; i++) {
        sal__direct_pass *q = &l->passes[i];
        for (int64_t t = 0; t < q->tap_count; t++) q->paired[t] = q->taps[t] / l->source_channels * 2 * l->in;
    }
}

void sal__direct_plan_forward(const sal__conv_part *p, sal__direct_plan *l)
{
    const sal_conv_shape *s = &p->shape;
    sal__direct_pass *q = l->passes;
    l->in = s->channels_in / s->groups;
    l->out = s->channels_out / s->groups;
    l->source_rows = s->rows;
    l->source_cols = s->cols;
    l->source_channels = s->channels_in;
    l->target_channels = s->channels_out;
    l->top = s->pad_top;
    l->left = s->pad_left;
    l->bottom = s->pad_bottom;
    l->right = s->pad_right;
    l->x_row = s->stride_rows * sal__direct_wide_cols(l) * s->channels_in;
    l->x_col = s->stride_cols * s->channels_in;
    l->pass_count = 1;
    q->rows = p->out_rows;
    q->cols = p->out_cols;
    q->tap_count = s->kernel_rows * s->kernel_cols;
    for (int64_t k = 0; k < q->tap_count; k++) {
        int64_t down = k / s->kernel_cols * s->dilation_rows, across = k % s->kernel_cols * s->dilation_cols;
        q->taps_of[k] = k;
        q->taps[k] = (down * sal__direct_wide_cols(l) + across) * s->channels_in;
    }
    find_runs(l, q);
    plan_gathering(s, l);
    plan_pairs(p, l);
}

/* How many output pixels after the phase's own the tap k reads along one axis, if it belongs to the phase. */
static bool reaches(int64_t phase, int64_t pad, int64_t k, int64_t dilation, int64_t stride, int64_t *shift)
{
    int64_t distance = phase + pad - k * dilation;
    *shift = distance / stride;
    return distance % stride == 0;
}

static void plan_phase(const sal_conv_shape *s, const sal__direct_plan *l, int64_t packed, sal__direct_pass *q)
{
    q->rows = q->row < s->rows ? (s->rows - q->row - 1) / s->stride_rows + 1 : 0;
    q->cols = q->col < s->cols ? (s->cols - q->col - 1) / s->stride_cols + 1 : 0;
    q->packed = packed;
    for (int64_t k = s->kernel_rows * s->kernel_cols - 1; k >= 0; k--) { /* backwards in w is forwards in gy */
        int64_t down, across;
        if (!reaches(q->row, s->pad_top, k / s->kernel_cols, s->dilation_rows, s->stride_rows, &down) ||
            !reaches(q->col, s->pad_left, k % s->kernel_cols, s->dilation_cols, s->stride_cols, &across))
            continue;
        q->taps_of[q->tap_count] = k;
        q->taps[q->tap_count++] = ((down + l->top) * sal__direct_wide_cols(l) + across + l->left) * l->source_channels;
    }
    find_runs(l, q);
}

/* Zeros before and after gy along one axis, so that every phase reads inside. */
static void margins(int64_t size, int64_t out, int64_t kernel, int64_t stride, int64_t dilation, int64_t pad,
                    int64_t *before, int64_t *after)
{
    for (int64_t phase = 0; phase < stride && phase < size; phase++)
        for (int64_t k = 0; k < kernel; k++) {
            int64_t shift, last = (size - phase - 1) / stride;
            if (!reaches(phase, pad, k, dilation, stride, &shift)) continue;
            if (-shift > *before) *before = -shift;
            if (last + shift - (out - 1) > *after) *after = last + shift - (out - 1);
        }
}

void sal__direct_plan_data(const sal__conv_part *p, sal__direct_plan *l)
{
    const sal_conv_shape *s = &p->shape;
    int64_t packed = 0;
    l->in = s->channels_out / s->groups;
    l->out = s->channels_in / s->groups;
    l->source_rows = p->out_rows;
    l->source_cols = p->out_cols;
    l->source_channels = s->channels_out;
    l->target_channels = s->channels_in;
    margins(s->rows, p->out_rows, s->kernel_rows, s->stride_rows, s->dilation_rows, s->pad_top, &l->top, &l->bottom);
    margins(s->cols, p->out_cols, s->kernel_cols, s->stride_cols, s->dilation_cols, s->pad_left, &l->left, &l->right);
    l->x_row = sal__direct_wide_cols(l) * s->channels_out;
    l->x_col = s->channels_out;
    for (int64_t i = 0; i < s->stride_rows * s->stride_cols; i++) {
        sal__direct_pass *q = &l->passes[l->pass_count++];
        q->row = i / s->stride_cols;
        q->col = i % s->stride_cols;
        plan_phase(s, l, packed, q);
        packed += q->tap_count * l->in * l->target_channels;
    }
    plan_pairs(p, l);
}
