/* conv_direct.c - own vector kernels for groups of few channels, where libraries are weak: walks over images, rectangles, groups
 * and blocks of output channels. Padding is copied around the image into scratch first. Images too large for the cache are
 * copied rectangle by rectangle and group by group, because a group is a narrow stripe of every pixel, which caches and address
 * translation take badly (measured: 48 -> 75 GFLOP/s at 160 channels).
 */
#include "conv_direct.h"

#include <string.h>

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t margin(const sal__direct_plan *l) { return l->top | l->left | l->bottom | l->right; }

/* Reals of scratch for the image with its margin, a multiple of 16. */
static int64_t margin_size(const sal__direct_plan *l)
{
    return margin(l) ? (sal__direct_wide_size(l) + 15) / 16 * 16 : 0;
}

/* The source image with its margin of zeros. */
static const real *with_margin(const sal__direct_plan *l, const real *image, real *scratch)
{
    int64_t line = l->source_cols * l->source_channels, wide = sal__direct_wide_cols(l) * l->source_channels;
    int64_t left = l->left * l->source_channels;
    if (!margin(l)) return image;
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

/* The widest block of output channels after `done` of them. */
static int64_t block_at(int64_t channels, int64_t done) { return channels - done >= 16 ? 16 : 8; }

static int32_t kernel_of(int64_t groups, int64_t block) { return groups == 2 ? SAL__DIRECT_8_8 : block == 16 ? SAL__DIRECT_16 : SAL__DIRECT_8; }

/* Copies what the pixels of `area` read of one group, and lets the area read the copy. */
static void gather(const sal__direct_plan *l, const sal__direct_pass *q, sal__direct_area *area, real *copy)
{
    int64_t rows = l->gathered_rows - (SAL__DIRECT_HIGH - area->rows) * l->stride_rows;
    int64_t cols = l->gathered_cols - (SAL__DIRECT_WIDE - area->cols) * l->stride_cols;
    int64_t line = sal__direct_wide_cols(l) * l->source_channels;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++)
            for (int64_t k = 0; k < l->in; k += 8)
                memcpy(copy + (r * l->gathered_cols + c) * l->in + k, area->x + r * line + c * l->source_channels + k,
                       8 * sizeof(real));
    area->x = copy;
    area->x_row = l->stride_rows * l->gathered_cols * l->in;
    area->x_col = l->stride_cols * l->in;
    area->taps = q->gathered;
    area->tap_col = l->tap_col;
}

/* One rectangle of pixels: every group, every block; pairs of groups of one channel each stand side by side in the source as they are. */
static void run_rectangle(const sal__direct_plan *l, const sal__direct_pass *q, const sal__direct_area *first,
                          real *gathered)
{
    const real *w = first->w;
    int64_t groups = l->target_channels / l->out;
    for (int64_t g = 0, n; g < groups; g += n) {
        sal__direct_area area = *first;
        n = l->pairs && g + 1 < groups ? 2 : 1;
        area.x += g * l->in;
        if (l->gathers) gather(l, q, &area, gathered);
        for (int64_t o = 0, block; o < n * l->out; o += block) {
            int64_t channel = g * l->out + o;
            block = block_at(n * l->out, o);
            area.w = w;
            area.bias = first->bias ? first->bias + channel : NULL;
            area.y = first->y + channel;
            l->kernels->correlate[kernel_of(n, block)](&area);
            w += q->tap_count * l->in * block;
        }
    }
}

/* One pass over one image. What all groups read and write of a rectangle should stay in the cache: without gathering, part of a
 * row. */
static void run_pass(const sal__direct_plan *l, const sal__direct_pass *q, const real *x, const real *w,
                     const real *bias, real *y, int64_t y_row, int64_t y_col, real *gathered)
{
    int64_t high = l->gathers ? SAL__DIRECT_HIGH : 1, wide = SAL__DIRECT_WIDE;
    for (int64_t row = 0; row < q->rows; row += high)
        for (int64_t col = 0; col < q->cols; col += wide) {
            const sal__direct_area area = { .rows = least(high, q->rows - row),
                                            .cols = least(wide, q->cols - col),
                                            .in = l->in,
                                            .tap_count = q->tap_count,
                                            .taps = q->taps,
                                            .x = x + row * l->x_row + col * l->x_col,
                                            .w = w + q->packed,
                                            .bias = bias,
                                            .y = y + row * y_row + col * y_col,
                                            .x_row = l->x_row,
                                            .x_col = l->x_col,
                                            .y_row = y_row,
                                            .y_col = y_col,
                                            .run = q->run,
                                            .tap_col = q->tap_col };
            run_rectangle(l, q, &area, gathered);
        }
}

static void run_forward_line(const sal__conv_part *p, int64_t images, const real *x, const sal_conv_line *line, const real *w, const real *bias, real *y,
                             void *scratch)
{
    const sal__direct_plan *l = p->state;
    int64_t x_size = l->source_rows * l->source_cols * l->source_channels, channels = l->target_channels;
    real *gathered = (real *)scratch + margin_size(l);
    for (int64_t n = 0; n < images; n++) {
        real *image = y + n * p->out_rows * p->out_cols * channels;
        if (sal__direct_copies_pairs(l))
            sal__direct_run_pairs(l, x + n * x_size, line, w, bias, image, p->out_cols * channels, 1, 1, scratch);
        else
            run_pass(l, l->passes, with_margin(l, x + n * x_size, scratch), w, bias, image, p->out_cols * channels, channels, gathered);
    }
}

static void run_forward(const sal__conv_part *p, int64_t images, const real *x, const real *w, const real *bias, real *y, void *scratch)
{
    run_forward_line(p, images, x, NULL, w, bias, y, scratch);
}

static void clear_phase(const sal_conv_shape *s, const sal__direct_pass *q, real *gx)
{
    for (int64_t r = 0; r < q->rows; r++)
        for (int64_t c = 0; c < q->cols; c++)
            memset(gx + ((q->row + r * s->stride_rows) * s->cols + q->col + c * s->stride_cols) * s->channels_in, 0,
                   sizeof(real) * (size_t)s->channels_in);
}

static void run_data(const sal__conv_part *p, int64_t images, const real *gy, const real *w, const real *bias, real *gx,
                     void *scratch)
{
    const sal__direct_plan *l = p->state;
    const sal_conv_shape *s = &p->shape;
    int64_t y_size = l->source_rows * l->source_cols * l->source_channels, row = s->cols * s->channels_in;
    (void)bias;
    for (int64_t n = 0; n < images; n++) {
        bool pairs = sal__direct_copies_pairs(l);
        const real *source = pairs ? NULL : with_margin(l, gy + n * y_size, scratch);
        real *image = gx + n * s->rows * row;
        if (pairs) sal__direct_run_pairs(l, gy + n * y_size, NULL, w, NULL, image, row, s->stride_rows, s->stride_cols, scratch);
        for (int64_t i = 0; i < l->pass_count; i++) {
            const sal__direct_pass *q = &l->passes[i];
            if (q->tap_count == 0)
                clear_phase(s, q, image);
            else if (!pairs)
                run_pass(l, q, source, w, NULL, image + q->row * row + q->col * s->channels_in, s->stride_rows * row,
                         s->stride_cols * s->channels_in, NULL);
        }
    }
}

static void run_weights_line(const sal__conv_part *p, int64_t images, const real *x, const sal_conv_line *line, const real *gy, const real *bias, real *gw,
                             void *scratch)
{
    const sal__direct_plan *l = p->state;
    const sal_conv_shape *s = &p->shape;
    const sal__direct_pass *q = l->passes;
    int64_t x_size = l->source_rows * l->source_cols * l->source_channels, wide = l->target_channels;
    (void)bias;
    memset(gw, 0, sizeof(real) * (size_t)(q->tap_count * l->in * wide));
    for (int64_t n = 0; n < images; n++) {
        if (sal__direct_copies_pairs(l)) {
            sal__direct_weigh_pairs(l, s, x + n * x_size, line, gy + n * p->out_rows * p->out_cols * wide, gw, scratch);
            continue;
        }
        const real *image = with_margin(l, x + n * x_size, scratch);
        for (int64_t g = 0, pair; g < s->groups; g += pair) {
            pair = l->pairs && g + 1 < s->groups ? 2 : 1;
            for (int64_t o = 0, block; o < pair * l->out; o += block) {
                int64_t channel = g * l->out + o;
                block = block_at(pair * l->out, o);
                const sal__direct_weights area = { .rows = p->out_rows,
                                                   .cols = p->out_cols,
                                                   .in = l->in,
                                                   .tap_count = q->tap_count,
                                                   .kernel_cols = s->kernel_cols,
                                                   .taps = q->taps,
                                                   .x = image + g * l->in,
                                                   .gy = gy + n * p->out_rows * p->out_cols * wide + channel,
                                                   .gw = gw + channel,
                                                   .x_row = l->x_row,
                                                   .x_col = l->x_col,
                                                   .y_row = p->out_cols * wide,
                                                   .y_col = wide,
                                                   .gw_row = wide,
                                                   .tap_col = s->dilation_cols * l->source_channels };
                l->kernels->gradient[kernel_of(pair, block)](&area);
            }
        }
    }
}

static void run_weights(const sal__conv_part *p, int64_t images, const real *x, const real *gy, const real *bias, real *gw, void *scratch)
{
    run_weights_line(p, images, x, NULL, gy, bias, gw, scratch);
}

/* Packed weights are (pass, group, block, tap, channel read, channel written), for pairs (pass, pair, tap, channel read, channel written, group of the pair). */
static void pack(const sal__conv_part *p, const real *w, real *packed)
{
    const sal__direct_plan *l = p->state;
    const sal_conv_shape *s = &p->shape;
    int64_t in = s->channels_in / s->groups, out = s->channels_out / s->groups;
    bool forward = p->part == SAL_CONV_FORWARD;
    for (int64_t i = 0; i < l->pass_count; i++)
        for (int64_t g = 0, pair; g < s->groups; g += pair) {
            pair = l->pairs && g + 1 < s->groups ? 2 : 1;
            for (int64_t o = 0, block; o < l->out; o += block) {
                block = block_at(l->out, o);
                for (int64_t t = 0; t < l->passes[i].tap_count; t++)
                    for (int64_t k = 0; k < l->in; k++)
                        for (int64_t j = 0; j < block * pair; j++) {
                            int64_t written = o + j / pair, channel_in = forward ? k : written;
                            int64_t channel_out = (g + j % pair) * out + (forward ? written : k);
                            *packed++ = w[(l->passes[i].taps_of[t] * in + channel_in) * s->channels_out + channel_out];
                        }
            }
        }
}

static bool can_do(const sal__conv_part *p)
{
    const sal_conv_shape *s = &p->shape;
    int64_t in = s->channels_in / s->groups, out = s->channels_out / s->groups;
    if (s->kernel_rows * s->kernel_cols > SAL__DIRECT_TAPS || s->stride_rows * s->stride_cols > SAL__DIRECT_PHASES)
        return false;
    if (out % 8) return false;
    if (in % 8 == 0) return true;
    return in == 1 && (p->part == SAL_CONV_FORWARD ||
                       (p->part == SAL_CONV_BACKWARD_WEIGHTS && (s->kernel_cols == 3 || s->kernel_cols == 5)));
}

static void release(sal__conv_part *p)
{
    sal__direct_plan *l = p->state;
    if (l) sal_release(p->ctx, l->passes);
    sal_release(p->ctx, l);
    p->state = NULL;
}

static sal_status plan_with(sal__conv_part *p, const sal__direct_kernels *kernels)
{
    sal__direct_plan *l = NULL;
    sal_status status;
    bool data = p->part == SAL_CONV_BACKWARD_DATA;
    if (!kernels || !can_do(p)) return SAL_STATUS_UNSUPPORTED;
    SAL_TRY(sal_allocate(p->ctx, 1, sizeof *l, &l));
    p->state = l;
    SAL_TRY(
        sal_allocate(p->ctx, data ? p->shape.stride_rows * p->shape.stride_cols : 1, sizeof *l->passes, &l->passes));
    l->kernels = kernels;
    if (data)
        sal__direct_plan_data(p, l);
    else
        sal__direct_plan_forward(p, l);
    p->name = "direct";
    p->free = release;
    p->run = data ? run_data : p->part == SAL_CONV_FORWARD ? run_forward : run_weights;
    if (!data && sal__direct_copies_pairs(l)) p->run_line = p->part == SAL_CONV_FORWARD ? run_forward_line : run_weights_line;
    p->scratch_bytes = (sal__direct_copies_pairs(l) ? sal__direct_pairs_size(l) : margin_size(l)) * (int64_t)sizeof(real);
    if (p->part == SAL_CONV_FORWARD && l->gathers)
        p->scratch_bytes += l->gathered_rows * l->gathered_cols * l->in * (int64_t)sizeof(real);
    if (p->part != SAL_CONV_BACKWARD_WEIGHTS) {
        p->pack = pack;
        for (int64_t i = 0; i < l->pass_count; i++)
            p->packed_size += l->passes[i].tap_count * l->in * l->target_channels;
    }
    return SAL_STATUS_OK;
done:
    release(p);
    return status;
}

sal_status sal__conv_plan_direct(sal__conv_part *p)
{
    const sal__direct_kernels *best = sal__direct_avx512();
    return plan_with(p, best ? best : sal__direct_avx2());
}

sal_status sal__conv_plan_avx2(sal__conv_part *p) { return plan_with(p, sal__direct_avx2()); }
