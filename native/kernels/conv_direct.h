/* conv_direct.h - the direct convolution: what its vector kernels are given, and how a convolution is cut into that (private to
 * kernels). Sizes and offsets are in reals. */
#ifndef SAL_KERNELS_CONV_DIRECT_H
#define SAL_KERNELS_CONV_DIRECT_H

#include "conv_part.h"

/* Correlation of one block of output channels of one group over a rectangle of output pixels:
 * y[r, c, o] = bias[o] + sum over taps t and channels k < in of x[r x_row + c x_col + taps[t] + k] w[t, k, o]. */
typedef struct sal__direct_area {
    int64_t rows, cols, in, tap_count;
    const int64_t *taps;
    const real *x, *w, *bias; /* bias may be NULL */
    real *y;
    int64_t x_row, x_col, y_row, y_col;
    int64_t run, tap_col; /* taps come in runs of 1, 2, 3 or 5 that are tap_col apart; run 1 says nothing */
} sal__direct_area;

/* The weight gradient of one block of output channels of one group, added to gw over a rectangle of output pixels:
 * gw[t, k, o] += sum over r, c of x[r x_row + c x_col + taps[t] + k] gy[r y_row + c y_col + o]. */
typedef struct sal__direct_weights {
    int64_t rows, cols, in, tap_count, kernel_cols;
    const int64_t *taps;
    const real *x, *gy;
    real *gw;
    int64_t x_row, x_col, y_row, y_col;
    int64_t gw_row;  /* from one (t, k) to the next */
    int64_t tap_col; /* taps[t + 1] - taps[t] within a kernel row */
} sal__direct_weights;

/* Which kernel: a block of 8 output channels, one of 16, or two groups of 8 side by side, NULL where there is none: there `x` and packed `w` alternate
 * between the groups (x[0] group, x[1] the next one, ...), taps, steps and `in` count as for one group. */
enum { SAL__DIRECT_8 = 0, SAL__DIRECT_16 = 1, SAL__DIRECT_8_8 = 2 };

/* The kernels of one instruction set. `in` is 1 or a multiple of 8; with in 1 the gradient wants kernel_cols 3 or 5. */
typedef struct sal__direct_kernels {
    void (*correlate[3])(const sal__direct_area *a);
    void (*gradient[3])(const sal__direct_weights *a);
} sal__direct_kernels;

/* NULL where this build or this processor has none. */
const sal__direct_kernels *sal__direct_avx512(void);
const sal__direct_kernels *sal__direct_avx2(void);

enum {
    SAL__DIRECT_TAPS = 256,  /* most taps of a kernel */
    SAL__DIRECT_PHASES = 16, /* most phases (stride_rows x stride_cols) of backward data */
    SAL__DIRECT_HIGH = 16,   /* pixels of the rectangles that are gathered */
    SAL__DIRECT_WIDE = 64
};

/* One correlation of the whole map; forward has one, backward data one per phase of the input pixel. */
typedef struct sal__direct_pass {
    int64_t row, col;   /* phase: first pixel written */
    int64_t rows, cols; /* pixels written */
    int64_t tap_count;
    int64_t taps_of[SAL__DIRECT_TAPS];  /* number of the kernel tap */
    int64_t taps[SAL__DIRECT_TAPS];     /* offsets in the source with its margin */
    int64_t gathered[SAL__DIRECT_TAPS]; /* offsets in a gathered rectangle */
    int64_t paired[SAL__DIRECT_TAPS];   /* offsets in a copy by pairs */
    int64_t run, tap_col;               /* as in sal__direct_area */
    int64_t packed;                     /* where its weights begin */
} sal__direct_pass;

/* The source is x, for backward data gy; the target is y, for backward data gx. */
typedef struct sal__direct_plan {
    const sal__direct_kernels *kernels;
    int64_t in, out; /* channels per group read and written */
    int64_t source_rows, source_cols, source_channels, target_channels;
    int64_t top, left, bottom, right;          /* margin of zeros around the source */
    int64_t x_row, x_col;                      /* source step per pixel written */
    bool pairs;                                /* groups of 8 channels go two by two */
    bool gathers;                              /* rectangles of the source are copied group by group */
    int64_t stride_rows, stride_cols, tap_col; /* of a gathered rectangle: pixels, pixels, reals */
    int64_t gathered_rows, gathered_cols;      /* its largest size in pixels */
    int64_t pass_count;
    sal__direct_pass *passes;
} sal__direct_plan;

/* Fill everything after `kernels` for forward (also for backward weights) or backward data; l->passes has room. */
void sal__direct_plan_forward(const sal__conv_part *p, sal__direct_plan *l);
void sal__direct_plan_data(const sal__conv_part *p, sal__direct_plan *l);
/* Columns of the source with its margin, and reals of it all. */
int64_t sal__direct_wide_cols(const sal__direct_plan *l);
int64_t sal__direct_wide_size(const sal__direct_plan *l);

/* Whether groups go by pairs that are copied, because their channels must alternate (conv_direct_pairs.c); a single channel needs no copy. */
static inline bool sal__direct_copies_pairs(const sal__direct_plan *l) { return l->pairs && l->in > 1; }
int64_t sal__direct_pairs_size(const sal__direct_plan *l); /* reals of such a copy of one image */
/* All passes over one image of the source (without margin): forward or backward data. `line` may be NULL; row: reals in a row of the target; step_rows, step_cols: its
 * pixels from one of a phase to the next. */
void sal__direct_run_pairs(const sal__direct_plan *l, const real *image, const sal_conv_line *line, const real *w, const real *bias, real *target, int64_t row, int64_t step_rows,
                           int64_t step_cols, real *copy);
/* Adds one image to the weight gradient. */
void sal__direct_weigh_pairs(const sal__direct_plan *l, const sal_conv_shape *s, const real *image, const sal_conv_line *line, const real *gy, real *gw, real *copy);

#endif
