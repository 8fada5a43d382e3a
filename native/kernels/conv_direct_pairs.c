/* conv_direct_pairs.c - groups of 8 channels two by two, so that vectors of 16 are full. The channels of both groups are copied so that they alternate: a load of two
 * neighbours then spreads to the lanes of both. The copy also brings the margin and leaves pixels close together; the last group of an odd
 * number goes alone, in room for two.
 */
#include "conv_direct.h"

#include "tensor/simd.h"
#include <string.h>

typedef real eight __attribute__((vector_size(8 * sizeof(real)), aligned(sizeof(real)), may_alias));
#ifdef SAL_DOUBLE
typedef int64_t eight_mask __attribute__((vector_size(8 * sizeof(real)), aligned(sizeof(real)), may_alias));
#else
typedef int32_t eight_mask __attribute__((vector_size(8 * sizeof(real)), aligned(sizeof(real)), may_alias));
#endif

/* Eight channels from k on, through the line. */
static inline __attribute__((always_inline)) void load(const sal_conv_line *line, const real *from, int64_t k, eight *to)
{
    *to = *(const eight *)(from + k);
    if (!line) return;
    const eight zero = { 0 };
    *to = *to * *(const eight *)(line->scale + k) + *(const eight *)(line->shift + k);
    if (line->relu) *to = (eight)((eight_mask)*to & (*to > zero));
}

/* Channels [k, k + 2 in) of a pixel, two groups, alternating. */
static inline __attribute__((always_inline)) void alternate(int64_t in, const sal_conv_line *line, const real *from, int64_t k, real *to)
{
    for (int64_t end = k + in; k < end; k += 8, to += 16) {
        eight a, b;
        load(line, from, k, &a);
        load(line, from, k + in, &b);
        *(eight *)to = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
        *(eight *)(to + 8) = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    }
}

/* A row of pixels, read from end to end, for memory is slow to give anything else: pairs `size` apart, at last the group that is alone. */
static inline __attribute__((always_inline)) void copy_pixels(int64_t cols, int64_t channels, int64_t in, int64_t size, const sal_conv_line *line, const real *from,
                                                              real *to)
{
    int64_t pixel = 2 * in;
    for (int64_t c = 0; c < cols; c++, from += channels, to += pixel) {
        int64_t i = 0;
        for (; i + pixel <= channels; i += pixel) alternate(in, line, from, i, to + i / pixel * size);
        for (real *alone = to + i / pixel * size; i < channels; i += 8, alone += 8) load(line, from, i, (eight *)alone);
    }
}

SAL_CLONES static void copy_row(int64_t cols, int64_t channels, int64_t in, int64_t size, const real *from, real *to) { copy_pixels(cols, channels, in, size, NULL, from, to); }

SAL_CLONES static void copy_row_line(int64_t cols, int64_t channels, int64_t in, int64_t size, const sal_conv_line *line, const real *from, real *to)
{
    const sal_conv_line own = *line; /* nothing written can change it */
    if (own.relu) copy_pixels(cols, channels, in, size, &(sal_conv_line){ own.scale, own.shift, true }, from, to);
    else copy_pixels(cols, channels, in, size, &(sal_conv_line){ own.scale, own.shift, false }, from, to);
}

/* Reals from one pair to the next. */
static int64_t pair_size(const sal__direct_plan *l) { return sal__direct_wide_size(l) / l->source_channels * 2 * l->in; }

int64_t sal__direct_pairs_size(const sal__direct_plan *l) { return ((l->source_channels / l->in + 1) / 2 * pair_size(l) + 15) / 16 * 16; }

/* The image with its margin of zeros. */
static void copy_image(const sal__direct_plan *l, const real *image, const sal_conv_line *line, real *copy)
{
    int64_t pixel = 2 * l->in, wide = sal__direct_wide_cols(l) * pixel;
    if (l->top | l->left | l->bottom | l->right) memset(copy, 0, sizeof(real) * (size_t)sal__direct_pairs_size(l));
    for (int64_t r = 0; r < l->source_rows; r++) {
        const real *from = image + r * l->source_cols * l->source_channels;
        real *to = copy + (l->top + r) * wide + l->left * pixel;
        if (line) copy_row_line(l->source_cols, l->source_channels, l->in, pair_size(l), line, from, to);
        else copy_row(l->source_cols, l->source_channels, l->in, pair_size(l), from, to);
    }
}

void sal__direct_run_pairs(const sal__direct_plan *l, const real *image, const sal_conv_line *line, const real *w, const real *bias, real *target, int64_t row,
                           int64_t step_rows, int64_t step_cols, real *copy)
{
    int64_t groups = l->target_channels / l->out, pixel = 2 * l->in;
    copy_image(l, image, line, copy);
    for (int64_t g = 0; g < groups; g += 2) {
        for (int64_t i = 0; i < l->pass_count; i++) {
            const sal__direct_pass *q = &l->passes[i];
            const sal__direct_area area = { .rows = q->rows, .cols = q->cols, .in = l->in, .tap_count = q->tap_count, .taps = q->paired,
                                            .x = copy + g / 2 * pair_size(l), .w = w + q->packed + g * q->tap_count * l->in * l->out,
                                            .bias = bias ? bias + g * l->out : NULL, .y = target + q->row * row + q->col * l->target_channels + g * l->out,
                                            .x_row = l->x_row / l->source_channels * pixel, .x_col = l->x_col / l->source_channels * pixel, .y_row = step_rows * row,
                                            .y_col = step_cols * l->target_channels, .run = q->run, .tap_col = q->tap_col / l->source_channels * pixel };
            if (q->tap_count > 0) l->kernels->correlate[g + 1 < groups ? SAL__DIRECT_8_8 : SAL__DIRECT_8](&area);
        }
    }
}

void sal__direct_weigh_pairs(const sal__direct_plan *l, const sal_conv_shape *s, const real *image, const sal_conv_line *line, const real *gy, real *gw, real *copy)
{
    const sal__direct_pass *q = l->passes;
    int64_t pixel = 2 * l->in;
    copy_image(l, image, line, copy);
    for (int64_t g = 0; g < s->groups; g += 2) {
        const sal__direct_weights area = { .rows = q->rows, .cols = q->cols, .in = l->in, .tap_count = q->tap_count, .kernel_cols = s->kernel_cols, .taps = q->paired,
                                           .x = copy + g / 2 * pair_size(l), .gy = gy + g * l->out, .gw = gw + g * l->out,
                                           .x_row = l->x_row / l->source_channels * pixel, .x_col = l->x_col / l->source_channels * pixel,
                                           .y_row = q->cols * l->target_channels, .y_col = l->target_channels, .gw_row = l->target_channels,
                                           .tap_col = s->dilation_cols * pixel };
        l->kernels->gradient[g + 1 < s->groups ? SAL__DIRECT_8_8 : SAL__DIRECT_8](&area);
    }
}
