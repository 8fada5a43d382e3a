/* test_random_field.c - Gaussian fields have the variance and correlation they promise; planes measure distance and means exactly. */
#include "simulate/fft.h"
#include "simulate/plane.h"
#include "simulate/random_field.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static sal_context *ctx;

static int set_up(void **state SAL_UNUSED) { return sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1; }

static int tear_down(void **state SAL_UNUSED)
{
    sal_context_free(ctx);
    return 0;
}

static float *plane(int64_t size)
{
    float *p = calloc((size_t)(size * size), sizeof(float));
    assert_non_null(p);
    return p;
}

/* Mean product of values `lag` pixels apart, along rows and columns. */
static double product(const float *p, int64_t n, int64_t lag)
{
    double sum = 0;
    for (int64_t y = 0; y < n; y++)
        for (int64_t x = 0; x + lag < n; x++)
            sum += (double)p[y * n + x] * p[y * n + x + lag] + (double)p[x * n + y] * p[(x + lag) * n + y];
    return sum / (2.0 * (double)(n * (n - lag)));
}

static double matern(double nu, double h, double l)
{
    double g = sqrt(3.0) * h / l;
    return nu < 1 ? exp(-h / l) : (1.0 + g) * exp(-g);
}

static void transform_equals_the_sum_it_stands_for(void **state SAL_UNUSED)
{
    for (int64_t n = 4; n <= 240; n = sal__fft_length(n + 1)) {
        sal_fft plan;
        assert_int_equal(sal__fft_plan(ctx, n, &plan), SAL_STATUS_OK);
        const int64_t half = n * SAL__FFT_LANES;
        float *a = calloc((size_t)(6 * half), sizeof(float)), *b = a + 2 * half, *x = b + 2 * half;
        for (int64_t i = 0; i < 2 * half; i++) a[i] = x[i] = (float)sin((double)(i * i) * 0.37);
        const float *y = sal__fft_inverse(&plan, a, b);
        for (int64_t j = 0; j < n; j++) {
            double re = 0, im = 0;
            for (int64_t k = 0; k < n; k++) {
                double angle = 6.28318530717958647692 * (double)(j * k % n) / (double)n;
                double xr = (double)x[k * SAL__FFT_LANES + 5], xi = (double)x[half + k * SAL__FFT_LANES + 5];
                re += xr * cos(angle) - xi * sin(angle);
                im += xr * sin(angle) + xi * cos(angle);
            }
            assert_true(fabs(re - (double)y[j * SAL__FFT_LANES + 5]) < 2e-5);
            assert_true(fabs(im - (double)y[half + j * SAL__FFT_LANES + 5]) < 2e-5);
        }
        free(a);
        sal__fft_clear(ctx, &plan);
    }
}

static void field_has_unit_variance_and_matern_correlation(void **state SAL_UNUSED)
{
    static const struct {
        double length, nu;
    } cases[] = {
        {80,   0.5},
        { 120, 1.5}
    };
    const int64_t n = 384, lags[] = { 0, 2, 5, 12, 30 };
    float *p = plane(n);
    for (int c = 0; c < 2; c++) {
        double sums[5] = { 0 };
        for (uint64_t r = 0; r < 6; r++) {
            sal_field_spec spec = { n, 10, cases[c].length, cases[c].nu, 5, r };
            assert_int_equal(sal_field_fill(ctx, &spec, p), SAL_STATUS_OK);
            for (int k = 0; k < 5; k++) sums[k] += product(p, n, lags[k]) / 6.0;
        }
        for (int k = 0; k < 5; k++)
            assert_true(fabs(sums[k] - matern(cases[c].nu, 10.0 * (double)lags[k], cases[c].length)) < 0.035);
    }
    free(p);
}

static void opposite_edges_of_a_field_are_independent(void **state SAL_UNUSED)
{
    const int64_t n = 200;
    float *p = plane(n);
    double sum = 0;
    for (uint64_t r = 0; r < 100; r++) {
        sal_field_spec spec = { n, 10, 150, 0.5, 9, r };
        assert_int_equal(sal_field_fill(ctx, &spec, p), SAL_STATUS_OK);
        for (int64_t i = 0; i < n; i++) sum += (double)p[i * n] * p[i * n + n - 1] / (100.0 * (double)n);
    }
    assert_true(fabs(sum) < 0.15); /* a field as wide as its period would give 0.94 */
    free(p);
}

static void field_has_the_same_bits_with_any_thread_count(void **state SAL_UNUSED)
{
    const int64_t n = 150;
    float *a = plane(n), *b = plane(n);
    sal_field_spec spec = { n, 10, 200, 1.0, 3, 4 };
    sal_context_set_threads(ctx, 1);
    assert_int_equal(sal_field_fill(ctx, &spec, a), SAL_STATUS_OK);
    for (int32_t threads = 2; threads <= 8; threads += 3) {
        sal_context_set_threads(ctx, threads);
        assert_int_equal(sal_field_fill(ctx, &spec, b), SAL_STATUS_OK);
        assert_memory_equal(a, b, (size_t)(n * n) * sizeof(float));
    }
    spec.stream++;
    assert_int_equal(sal_field_fill(ctx, &spec, b), SAL_STATUS_OK);
    assert_memory_not_equal(a, b, (size_t)(n * n) * sizeof(float));
    free(a);
    free(b);
}

static void distance_equals_brute_force(void **state SAL_UNUSED)
{
    enum { N = 70 };
    uint8_t seed[N * N];
    float *d = plane(N);
    for (int64_t i = 0; i < N * N; i++) seed[i] = sal_random_below(1, 2, (uint64_t)i, 90) == 0;
    assert_int_equal(sal__plane_distance(ctx, seed, N, d), SAL_STATUS_OK);
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            double best = 1e9;
            for (int v = 0; v < N; v++)
                for (int u = 0; u < N; u++)
                    if (seed[v * N + u]) best = fmin(best, hypot(x - u, y - v));
            assert_true(fabs((double)d[y * N + x] - best) < 1e-4);
        }
    memset(seed, 0, sizeof(seed));
    assert_int_equal(sal__plane_distance(ctx, seed, N, d), SAL_STATUS_OK);
    for (int i = 0; i < N * N; i++) assert_true(d[i] == 2.0f * N);
    free(d);
}

static void box_mean_is_cut_at_the_edges(void **state SAL_UNUSED)
{
    enum { N = 90, R = 7 };
    float *p = plane(N), *mean = plane(N);
    for (int i = 0; i < N * N; i++) p[i] = (float)sal_random_uniform(1, 3, (uint64_t)i);
    assert_int_equal(sal__plane_box_mean(ctx, p, N, R, mean), SAL_STATUS_OK);
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            double sum = 0, count = 0;
            for (int v = y - R; v <= y + R; v++)
                for (int u = x - R; u <= x + R; u++)
                    if (u >= 0 && v >= 0 && u < N && v < N) {
                        sum += (double)p[v * N + u];
                        count++;
                    }
            assert_true(fabs((double)mean[y * N + x] - sum / count) < 1e-5);
        }
    assert_int_equal(sal__plane_box_mean(ctx, p, N, R, p), SAL_STATUS_OK);
    assert_memory_equal(p, mean, N * N * sizeof(float));
    free(p);
    free(mean);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transform_equals_the_sum_it_stands_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(field_has_unit_variance_and_matern_correlation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(opposite_edges_of_a_field_are_independent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(field_has_the_same_bits_with_any_thread_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(distance_equals_brute_force, set_up, tear_down),
        cmocka_unit_test_setup_teardown(box_mean_is_cut_at_the_edges, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
