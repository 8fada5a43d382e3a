/* Kernels with the samples innermost against plain loops, sizes that do not fill a tile included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "kernels/lanes.h"
#include "tensor/simd.h"

static const double tolerance = sizeof(real) == sizeof(float) ? 3e-6 : 1e-14;

static real *drawn(int64_t n, uint64_t stream)
{
    real *x = malloc((size_t)n * sizeof(real));
    for (int64_t i = 0; i < n; i++) x[i] = (real)sal_random_normal(7, stream, (uint64_t)i);
    return x;
}

static void assert_near(double got, double expected, double size)
{
    if (!(fabs(got - expected) <= tolerance * (size + 1))) fail_msg("%.9g instead of %.9g", got, expected);
}

static void dense_is_a_matrix_product(void **state)
{
    const int64_t sizes[][3] = { { 3, 1, 1 }, { 2, 7, 8 }, { 1, 24, 19 }, { 5, 33, 6 } }; /* vectors of samples, in, out */
    (void)state;
    for (size_t c = 0; c < 4; c++) {
        int64_t n = sizes[c][0] * SAL_LANES, in = sizes[c][1], out = sizes[c][2];
        real *x = drawn(in * n, 1), *w = drawn(in * out, 2), *b = drawn(out, 3), *y = drawn(out * n, 4);
        real *scale = drawn(out, 5), *shift = drawn(out, 6);
        const sal_lanes_after ways[] = { { 0 }, { .relu = true }, { scale, shift, false }, { scale, shift, true } };
        for (int way = -1; way < 4; way++) {
            sal_lanes_dense(n, in, out, x, w, way % 2 ? b : NULL, way < 0 ? NULL : &ways[way], y);
            for (int64_t o = 0; o < out; o++) {
                for (int64_t s = 0; s < n; s++) {
                    double sum = way % 2 ? (double)b[o] : 0;
                    for (int64_t i = 0; i < in; i++) sum += (double)x[i * n + s] * (double)w[i * out + o];
                    if (way >= 2) sum = sum * (double)scale[o] + (double)shift[o];
                    if (way >= 0 && ways[way].relu && sum < 0) sum = 0;
                    assert_near((double)y[o * n + s], sum, 3 * (double)in);
                }
            }
        }
        free(scale), free(shift);
        free(x), free(w), free(b), free(y);
    }
}

static void convolve_is_a_convolution_with_relu(void **state)
{
    const int64_t sizes[][5] = { { 5, 1, 1, 8, 3 }, { 3, 2, 8, 16, 4 }, { 3, 4, 5, 11, 1 } }; /* kernel, dilation, in, out, vectors of columns */
    (void)state;
    for (size_t c = 0; c < 3; c++) {
        int64_t kernel = sizes[c][0], dilation = sizes[c][1], in = sizes[c][2], out = sizes[c][3], columns = sizes[c][4] * SAL_LANES;
        int64_t wide = columns + (kernel - 1) * dilation + 3, positive = 0;
        real *x = drawn(kernel * in * wide, 1), *w = drawn(kernel * kernel * in * out, 2), *b = drawn(out, 3), *y = drawn(out * columns, 4);
        int64_t taps[25];
        for (int64_t t = 0; t < kernel * kernel; t++) taps[t] = (kernel - 1 - t / kernel) * in * wide + t % kernel * dilation; /* rows may lie in any order */
        sal_lanes_conv conv = { kernel * kernel, in, out, taps, w, b, out, wide, columns, true };
        sal_lanes_convolve(&conv, columns, x, y);
        for (int64_t o = 0; o < out; o++) {
            for (int64_t s = 0; s < columns; s++) {
                double sum = (double)b[o];
                for (int64_t t = 0; t < kernel * kernel; t++) {
                    for (int64_t k = 0; k < in; k++) sum += (double)x[taps[t] + k * wide + s] * (double)w[(t * in + k) * out + o];
                }
                positive += sum > 0;
                assert_near((double)y[o * columns + s], sum > 0 ? sum : 0, (double)(kernel * kernel * in));
            }
        }
        assert_true(positive > out * columns / 4 && positive < out * columns);
        free(x), free(w), free(b), free(y);
    }
}

static void pool_sums_the_cells_of_windows(void **state)
{
    const int64_t n = 2 * SAL_LANES, cells = 9;
    (void)state;
    for (int64_t channels = 4; channels <= 19; channels += 5) {
        for (int64_t pools = 1; pools <= 2; pools++) {
            int64_t stride = n + 40;
            real *x = drawn(cells * channels * stride, 1), *weights = drawn(pools * cells * n, 2), *gate = drawn(n, 3), *y = drawn(pools * channels * n, 4);
            const real *cell[9];
            for (int64_t k = 0; k < cells; k++) cell[k] = x + (cells - 1 - k) * channels * stride + 8 * (k % 3);
            sal_lanes_pool(n, cells, pools, channels, stride, cell, weights, gate, y);
            for (int64_t i = 0; i < pools * channels * n; i++) {
                int64_t p = i / n / channels, j = i / n % channels, s = i % n;
                double sum = 0;
                for (int64_t k = 0; k < cells; k++) sum += (double)weights[(p * cells + k) * n + s] * (double)cell[k][j * stride + s];
                assert_near((double)y[i], sum * (double)gate[s], 9);
            }
            free(x), free(weights), free(gate), free(y);
        }
    }
}

static void attention_is_softmax_of_scores_times_values(void **state)
{
    const int64_t sizes[][4] = { { 3, 12, 8, 4 }, { 2, 5, 16, 8 }, { 2, 7, 9, 3 }, { 1, 70, 8, 8 } }; /* tq, tk, d, dh; the last: many keys */
    (void)state;
    for (size_t c = 0; c < 4; c++) {
        int64_t tq = sizes[c][0], tk = sizes[c][1], d = sizes[c][2], dh = sizes[c][3], n = 2 * SAL_LANES;
        real *q = drawn(tq * d * n, 1), *k = drawn(tk * d * n, 2), *v = drawn(tk * d * n, 3), *y = drawn(tq * d * n, 4), *scratch = drawn(tk * SAL_LANES, 5);
        q[0] = 300; /* scores far apart */
        sal_lanes_attention(n, tq, tk, d, dh, (real)0.7, q, k, v, y, scratch);
        for (int64_t i = 0; i < tq; i++) {
            for (int64_t s = 0; s < n; s++) {
                double score[70], top = -1e300, total = 0;
                for (int64_t j = 0; j < tk; j++) {
                    score[j] = 0;
                    for (int64_t h = 0; h < dh; h++) score[j] += 0.7 * (double)q[(i * d + h) * n + s] * (double)k[(j * d + h) * n + s];
                    top = score[j] > top ? score[j] : top;
                }
                for (int64_t j = 0; j < tk; j++) total += score[j] = exp(score[j] - top);
                for (int64_t h = 0; h < dh; h++) {
                    double sum = 0;
                    for (int64_t j = 0; j < tk; j++) sum += score[j] / total * (double)v[(j * d + h) * n + s];
                    assert_near((double)y[(i * d + h) * n + s], sum, i == 0 && s == 0 ? 30 : 2);
                }
            }
        }
        free(q), free(k), free(v), free(y), free(scratch);
    }
}

static void layer_norm_and_line_work_on_each_sample(void **state)
{
    const int64_t n = SAL_LANES, rows = 11;
    real *x = drawn(rows * n, 1), *gamma = drawn(rows, 2), *beta = drawn(rows, 3), *y = drawn(rows * n, 4);
    (void)state;
    for (int affine = 0; affine < 2; affine++) {
        sal_lanes_layer_norm(n, rows, x, affine ? gamma : NULL, affine ? beta : NULL, (real)1e-5, y);
        for (int64_t s = 0; s < n; s++) {
            double mean = 0, square = 0;
            for (int64_t k = 0; k < rows; k++) mean += (double)x[k * n + s] / (double)rows;
            for (int64_t k = 0; k < rows; k++) square += ((double)x[k * n + s] - mean) * ((double)x[k * n + s] - mean) / (double)rows;
            for (int64_t k = 0; k < rows; k++) {
                double h = ((double)x[k * n + s] - mean) / sqrt(square + 1e-5);
                assert_near((double)y[k * n + s], affine ? h * (double)gamma[k] + (double)beta[k] : h, 3);
            }
        }
    }
    for (int relu = 0; relu < 2; relu++) {
        sal_lanes_line(n, 1, rows, x, gamma, beta, relu != 0, y);
        for (int64_t i = 0; i < rows * n; i++) {
            double v = (double)gamma[i / n] * (double)x[i] + (double)beta[i / n];
            assert_near((double)y[i], relu && v < 0 ? 0 : v, 3);
        }
    }
    free(x), free(gamma), free(beta), free(y);
}

static void put_turns_rows_of_samples(void **state)
{
    real from[3 * 4] = { 0 }, to[2 * 16];
    (void)state;
    for (int i = 0; i < 12; i++) from[i] = (real)(i + 1);
    sal_lanes_put(SAL_LANES, 3, 2, from + 1, 4, to);
    for (int64_t k = 0; k < 2; k++) {
        for (int64_t s = 0; s < SAL_LANES; s++) assert_true(to[k * SAL_LANES + s] == (s < 3 ? (real)(4 * s + k + 2) : 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(dense_is_a_matrix_product),       cmocka_unit_test(convolve_is_a_convolution_with_relu),
                                        cmocka_unit_test(pool_sums_the_cells_of_windows),  cmocka_unit_test(attention_is_softmax_of_scores_times_values),
                                        cmocka_unit_test(layer_norm_and_line_work_on_each_sample), cmocka_unit_test(put_turns_rows_of_samples) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
