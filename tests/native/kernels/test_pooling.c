/* test_pooling.c - pooling against its definition, gradients by the adjoint rule <gy, P x> = <P' gy, x> at fixed maxima. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/pool.h"

enum { IMAGES = 3 };

/* rows, cols, channels, kernel, stride, padding (top, left, bottom, right), count padding */
static const sal_pool_shape shapes[] = {
    { 8, 8, 19, 2, 2, 2, 2, 0, 0, 0, 0, false }, { 9, 7, 5, 3, 3, 2, 2, 1, 1, 1, 1, true },
    { 9, 7, 5, 3, 3, 2, 2, 1, 1, 1, 1, false },  { 7, 7, 33, 7, 7, 1, 1, 0, 0, 0, 0, true },
    { 6, 11, 4, 3, 2, 1, 3, 0, 1, 2, 0, true },  { 1, 10, 16, 1, 3, 1, 2, 0, 1, 0, 1, false },
};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static real *numbers(int64_t count, uint64_t stream)
{
    real *values = malloc(sizeof(real) * (size_t)count);
    for (int64_t i = 0; i < count; i++) values[i] = (real)sal_random_normal(2, stream, (uint64_t)i);
    return values;
}

/* The maximum (and where) and the average of one window by definition. */
static void define(const sal_pool_shape *s, const real *image, int64_t row, int64_t col, int64_t channel,
                   double *largest, int32_t *where, double *average)
{
    double sum = 0;
    int64_t inside = 0;
    *largest = -INFINITY;
    for (int64_t i = 0; i < s->kernel_rows; i++)
        for (int64_t j = 0; j < s->kernel_cols; j++) {
            int64_t y = row * s->stride_rows - s->pad_top + i, x = col * s->stride_cols - s->pad_left + j;
            if (y < 0 || y >= s->rows || x < 0 || x >= s->cols) continue;
            double value = (double)image[(y * s->cols + x) * s->channels + channel];
            if (value > *largest) *largest = value, *where = (int32_t)(y * s->cols + x);
            sum += value;
            inside++;
        }
    *average = sum / (double)(s->count_padding ? s->kernel_rows * s->kernel_cols : inside);
}

static void pooling_is_the_definition(void **state)
{
    for (int64_t k = 0; k < SHAPES; k++) {
        const sal_pool_shape *s = &shapes[k];
        int64_t rows, cols, in = s->rows * s->cols * s->channels;
        sal_pool_output_size(s, &rows, &cols);
        int64_t out = rows * cols * s->channels;
        real *x = numbers(IMAGES * in, 1), *y = numbers(IMAGES * out, 2), *z = numbers(IMAGES * out, 3),
             *mean = numbers(IMAGES * out, 4);
        int32_t *argmax = calloc((size_t)(IMAGES * out), sizeof *argmax);
        sal_pool_max_forward(s, IMAGES, x, y, argmax);
        sal_pool_max_forward(s, IMAGES, x, z, NULL);
        assert_memory_equal(y, z, sizeof(real) * (size_t)(IMAGES * out));
        sal_pool_average_forward(s, IMAGES, x, mean);
        for (int64_t i = 0; i < IMAGES * out; i++) {
            double largest, average;
            int32_t where = -1;
            define(s, x + i / out * in, i % out / (cols * s->channels), i / s->channels % cols, i % s->channels,
                   &largest, &where, &average);
            assert_true((double)y[i] == largest);
            assert_int_equal(argmax[i], where);
            assert_true(fabs((double)mean[i] - average) < 1e-6);
        }
        void *all[] = { x, y, z, mean, argmax };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    }
}

static double inner(const real *a, const real *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static void gradients_are_the_adjoint(void **state)
{
    for (int64_t k = 0; k < SHAPES; k++) {
        const sal_pool_shape *s = &shapes[k];
        int64_t rows, cols, in = IMAGES * s->rows * s->cols * s->channels;
        sal_pool_output_size(s, &rows, &cols);
        int64_t out = IMAGES * rows * cols * s->channels;
        real *x = numbers(in, 1), *y = numbers(out, 2), *gy = numbers(out, 3), *gx = numbers(in, 4);
        int32_t *argmax = calloc((size_t)out, sizeof *argmax);
        sal_pool_max_forward(s, IMAGES, x, y, argmax);
        sal_pool_max_backward(s, IMAGES, gy, argmax, gx);
        assert_true(fabs(inner(gy, y, out) - inner(gx, x, in)) < 1e-3);
        sal_pool_average_forward(s, IMAGES, x, y);
        sal_pool_average_backward(s, IMAGES, gy, gx);
        assert_true(fabs(inner(gy, y, out) - inner(gx, x, in)) < 1e-3);
        void *all[] = { x, y, gy, gx, argmax };
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    }
}

static void maximum_keeps_nan(void **state)
{
    const sal_pool_shape s = { 1, 3, 1, 1, 3, 1, 1, 0, 0, 0, 0, false };
    for (int place = 0; place < 3; place++) {
        real x[3] = { 1, 2, 3 }, y = 0;
        int32_t argmax = -1;
        x[place] = NAN;
        sal_pool_max_forward(&s, 1, x, &y, &argmax);
        assert_true(isnan(y));
        assert_int_equal(argmax, place);
    }
}

static void first_of_equal_values_takes_the_gradient(void **state)
{
    const sal_pool_shape s = { 2, 2, 1, 2, 2, 2, 2, 0, 0, 0, 0, false };
    real x[4] = { 1, 5, 5, 5 }, y, gy = 2, gx[4];
    int32_t argmax;
    sal_pool_max_forward(&s, 1, x, &y, &argmax);
    sal_pool_max_backward(&s, 1, &gy, &argmax, gx);
    assert_true(gx[0] == 0 && gx[1] == 2 && gx[2] == 0 && gx[3] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pooling_is_the_definition),
        cmocka_unit_test(gradients_are_the_adjoint),
        cmocka_unit_test(maximum_keeps_nan),
        cmocka_unit_test(first_of_equal_values_takes_the_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
