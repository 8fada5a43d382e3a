/* pool.c - pooling over channels-last images: the inner loops run over channels and vectorise. Padding never wins a maximum and
 * adds nothing to an average. */
#include "pool.h"

#include "tensor/simd.h"

#include <string.h>

void sal_pool_output_size(const sal_pool_shape *s, int64_t *rows, int64_t *cols)
{
    int64_t high = s->rows + s->pad_top + s->pad_bottom - s->kernel_rows;
    int64_t wide = s->cols + s->pad_left + s->pad_right - s->kernel_cols;
    *rows = high < 0 ? 0 : high / s->stride_rows + 1;
    *cols = wide < 0 ? 0 : wide / s->stride_cols + 1;
}

/* The part of a window that lies inside the image. */
typedef struct window {
    int64_t row0, row1, col0, col1;
} window;

static inline window window_at(const sal_pool_shape *s, int64_t row, int64_t col)
{
    int64_t y = row * s->stride_rows - s->pad_top, x = col * s->stride_cols - s->pad_left;
    window w = { y < 0 ? 0 : y, y + s->kernel_rows, x < 0 ? 0 : x, x + s->kernel_cols };
    if (w.row1 > s->rows) w.row1 = s->rows;
    if (w.col1 > s->cols) w.col1 = s->cols;
    return w;
}

static inline real share(const sal_pool_shape *s, const window *w)
{
    int64_t count = s->count_padding ? s->kernel_rows * s->kernel_cols : (w->row1 - w->row0) * (w->col1 - w->col0);
    return 1 / (real)count;
}

SAL_CLONES static void take_larger(int64_t channels, const real *restrict x, real *restrict y)
{
    for (int64_t c = 0; c < channels; c++) y[c] = x[c] <= y[c] || y[c] != y[c] ? y[c] : x[c];
}

SAL_CLONES static void take_larger_at(int64_t channels, const real *restrict x, real *restrict y, int32_t place,
                                      int32_t *restrict at)
{
    for (int64_t c = 0; c < channels; c++) {
        bool keep = x[c] <= y[c] || y[c] != y[c];
        at[c] = keep ? at[c] : place;
        y[c] = keep ? y[c] : x[c];
    }
}

SAL_CLONES static void add_scaled(int64_t channels, real scale, const real *restrict x, real *restrict y)
{
    for (int64_t c = 0; c < channels; c++) y[c] += scale * x[c];
}

void sal_pool_max_forward(const sal_pool_shape *s, int64_t images, const real *x, real *y, int32_t *argmax)
{
    int64_t rows, cols, channels = s->channels;
    sal_pool_output_size(s, &rows, &cols);
    for (int64_t pixel = 0; pixel < images * rows * cols; pixel++, y += channels) {
        const real *image = x + pixel / (rows * cols) * s->rows * s->cols * channels;
        window w = window_at(s, pixel / cols % rows, pixel % cols);
        int64_t first = w.row0 * s->cols + w.col0;
        int32_t *at = argmax ? argmax + pixel * channels : NULL;
        memcpy(y, image + first * channels, sizeof(real) * (size_t)channels);
        for (int64_t c = 0; at && c < channels; c++) at[c] = (int32_t)first;
        for (int64_t r = w.row0; r < w.row1; r++)
            for (int64_t k = w.col0; k < w.col1; k++) {
                int64_t place = r * s->cols + k;
                if (at)
                    take_larger_at(channels, image + place * channels, y, (int32_t)place, at);
                else
                    take_larger(channels, image + place * channels, y);
            }
    }
}

void sal_pool_max_backward(const sal_pool_shape *s, int64_t images, const real *gy, const int32_t *argmax, real *gx)
{
    int64_t rows, cols, channels = s->channels;
    sal_pool_output_size(s, &rows, &cols);
    memset(gx, 0, sizeof(real) * (size_t)(images * s->rows * s->cols * channels));
    for (int64_t pixel = 0; pixel < images * rows * cols; pixel++) {
        real *image = gx + pixel / (rows * cols) * s->rows * s->cols * channels;
        for (int64_t c = 0; c < channels; c++)
            image[argmax[pixel * channels + c] * channels + c] += gy[pixel * channels + c];
    }
}

void sal_pool_average_forward(const sal_pool_shape *s, int64_t images, const real *x, real *y)
{
    int64_t rows, cols, channels = s->channels;
    sal_pool_output_size(s, &rows, &cols);
    memset(y, 0, sizeof(real) * (size_t)(images * rows * cols * channels));
    for (int64_t pixel = 0; pixel < images * rows * cols; pixel++, y += channels) {
        const real *image = x + pixel / (rows * cols) * s->rows * s->cols * channels;
        window w = window_at(s, pixel / cols % rows, pixel % cols);
        for (int64_t r = w.row0; r < w.row1; r++)
            for (int64_t k = w.col0; k < w.col1; k++)
                add_scaled(channels, share(s, &w), image + (r * s->cols + k) * channels, y);
    }
}

void sal_pool_average_backward(const sal_pool_shape *s, int64_t images, const real *gy, real *gx)
{
    int64_t rows, cols, channels = s->channels;
    sal_pool_output_size(s, &rows, &cols);
    memset(gx, 0, sizeof(real) * (size_t)(images * s->rows * s->cols * channels));
    for (int64_t pixel = 0; pixel < images * rows * cols; pixel++, gy += channels) {
        real *image = gx + pixel / (rows * cols) * s->rows * s->cols * channels;
        window w = window_at(s, pixel / cols % rows, pixel % cols);
        for (int64_t r = w.row0; r < w.row1; r++)
            for (int64_t k = w.col0; k < w.col1; k++)
                add_scaled(channels, share(s, &w), gy, image + (r * s->cols + k) * channels);
    }
}
