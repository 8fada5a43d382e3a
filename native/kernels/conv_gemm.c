/* conv_gemm.c - convolution as matrix products: the patches of a band of output pixels become the rows of a matrix P (pixels,
 * taps x channels of the group), and y = P w, gP = gy w', gw = P' gy. A band is limited to PATCH_BYTES so that P stays in the
 * second-level cache. A 1 x 1 convolution without stride or padding uses x itself as P. */
#include "conv_part.h"
#include "gemm.h"

#include <string.h>

enum { PATCH_BYTES = 256 * 1024 };

typedef struct geometry {
    int64_t in, out;   /* channels per group */
    int64_t depth;     /* columns of P */
    int64_t band_rows; /* output rows per band */
    bool pointwise;
} geometry;

static geometry geometry_of(const sal__conv_part *p)
{
    const sal_conv_shape *s = &p->shape;
    geometry g = { .in = s->channels_in / s->groups, .out = s->channels_out / s->groups };
    g.depth = s->kernel_rows * s->kernel_cols * g.in;
    g.band_rows = PATCH_BYTES / (int64_t)sizeof(real) / (g.depth * p->out_cols);
    if (g.band_rows < 1) g.band_rows = 1;
    if (g.band_rows > p->out_rows) g.band_rows = p->out_rows;
    g.pointwise = s->kernel_rows == 1 && s->kernel_cols == 1 && s->stride_rows == 1 && s->stride_cols == 1 &&
                  !(s->pad_top | s->pad_left | s->pad_bottom | s->pad_right);
    return g;
}

/* Copies the patches of output rows [row, row + rows) of one image and group to P, or adds P back to the image. */
static void move_patches(const sal__conv_part *p, const geometry *g, real *image, int64_t row, int64_t rows,
                         real *patch, bool back)
{
    const sal_conv_shape *s = &p->shape;
    for (int64_t r = row; r < row + rows; r++)
        for (int64_t c = 0; c < p->out_cols; c++)
            for (int64_t k = 0; k < s->kernel_rows * s->kernel_cols; k++, patch += g->in) {
                int64_t y = r * s->stride_rows - s->pad_top + k / s->kernel_cols * s->dilation_rows;
                int64_t x = c * s->stride_cols - s->pad_left + k % s->kernel_cols * s->dilation_cols;
                bool inside = y >= 0 && y < s->rows && x >= 0 && x < s->cols;
                real *at = image + (inside ? (y * s->cols + x) * s->channels_in : 0);
                if (back && inside)
                    for (int64_t i = 0; i < g->in; i++) at[i] += patch[i];
                else if (!back)
                    for (int64_t i = 0; i < g->in; i++) patch[i] = inside ? at[i] : 0;
            }
}

/* One band of one group: image is x or gx, map is y or gy, both at the group's first channel. */
static void run_band(const sal__conv_part *p, const geometry *g, real *image, int64_t row, int64_t rows, real *map,
                     real *w, real *patch)
{
    const sal_conv_shape *s = &p->shape;
    int64_t pixels = rows * p->out_cols, wide = s->channels_out;
    real *matrix = g->pointwise ? image + row * s->cols * s->channels_in : patch;
    int64_t ld = g->pointwise ? s->channels_in : g->depth;
    if (p->part == SAL_CONV_BACKWARD_DATA) {
        sal_gemm(false, true, pixels, g->depth, g->out, 1, map, wide, w, wide, 0, matrix, ld);
        if (!g->pointwise) move_patches(p, g, image, row, rows, patch, true);
        return;
    }
    if (!g->pointwise) move_patches(p, g, image, row, rows, patch, false);
    if (p->part == SAL_CONV_FORWARD)
        sal_gemm(false, false, pixels, g->out, g->depth, 1, matrix, ld, w, wide, 1, map, wide);
    else
        sal_gemm(true, false, g->depth, g->out, pixels, 1, matrix, ld, map, wide, 1, w, wide);
}

static void run(const sal__conv_part *p, int64_t images, const real *a, const real *b, const real *bias, real *c,
                void *scratch)
{
    const sal_conv_shape *s = &p->shape;
    geometry g = geometry_of(p);
    bool forward = p->part == SAL_CONV_FORWARD, data = p->part == SAL_CONV_BACKWARD_DATA;
    /* what is only read is never written through these */
    real *image = data ? c : (real *)(uintptr_t)a;
    real *map = forward ? c : (real *)(uintptr_t)(data ? a : b);
    real *w = p->part == SAL_CONV_BACKWARD_WEIGHTS ? c : (real *)(uintptr_t)b;
    int64_t image_size = s->rows * s->cols * s->channels_in, map_size = p->out_rows * p->out_cols * s->channels_out;
    if (forward)
        for (int64_t i = 0; i < images * map_size; i++) map[i] = bias ? bias[i % s->channels_out] : 0;
    else if (data)
        memset(image, 0, sizeof(real) * (size_t)(images * image_size));
    else
        memset(w, 0, sizeof(real) * (size_t)(g.depth * s->channels_out));
    for (int64_t n = 0; n < images; n++)
        for (int64_t group = 0; group < s->groups; group++)
            for (int64_t row = 0; row < p->out_rows; row += g.band_rows) {
                int64_t rows = p->out_rows - row < g.band_rows ? p->out_rows - row : g.band_rows;
                run_band(p, &g, image + n * image_size + group * g.in, row, rows,
                         map + n * map_size + row * p->out_cols * s->channels_out + group * g.out, w + group * g.out,
                         scratch);
            }
}

sal_status sal__conv_plan_gemm(sal__conv_part *p)
{
    geometry g = geometry_of(p);
    p->name = "gemm";
    p->run = run;
    p->scratch_bytes = g.pointwise ? 0 : (int64_t)sizeof(real) * g.band_rows * p->out_cols * g.depth;
    return SAL_STATUS_OK;
}
