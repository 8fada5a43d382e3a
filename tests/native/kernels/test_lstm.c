/* test_lstm.c - the LSTM against its equations written out in double, and its gradients against central differences of those. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/lstm.h"

/* The five inputs of one case as one list of numbers, so that differences are taken in one loop. */
typedef struct lstm_case {
    sal_lstm_shape s;
    int64_t x, w, u, b, all; /* counts */
    double *values;          /* x, w, u, b */
    double *gh;
} lstm_case;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* h of the equations; returns sum of gh * h. */
static double define(const lstm_case *k, double *h)
{
    const sal_lstm_shape *s = &k->s;
    int64_t n = s->hidden;
    const double *x = k->values, *w = x + k->x, *u = w + k->w, *b = u + k->u;
    double loss = 0, c[64], gate[4];
    for (int64_t r = 0; r < s->rows; r++) {
        memset(c, 0, sizeof c);
        for (int64_t t = 0; t < s->steps; t++)
            for (int64_t j = 0; j < n; j++) {
                for (int64_t q = 0; q < 4; q++) {
                    gate[q] = b[q * n + j];
                    for (int64_t i = 0; i < s->inputs; i++)
                        gate[q] += x[(r * s->steps + t) * s->inputs + i] * w[i * 4 * n + q * n + j];
                    for (int64_t i = 0; i < n && t > 0; i++)
                        gate[q] += h[(r * s->steps + t - 1) * n + i] * u[i * 4 * n + q * n + j];
                }
                c[j] = sigmoid(gate[1]) * c[j] + sigmoid(gate[0]) * tanh(gate[2]);
                h[(r * s->steps + t) * n + j] = sigmoid(gate[3]) * tanh(c[j]);
                loss += h[(r * s->steps + t) * n + j] * k->gh[(r * s->steps + t) * n + j];
            }
    }
    return loss;
}

static real *as_real(const double *values, int64_t count)
{
    real *out = malloc(sizeof(real) * (size_t)count);
    for (int64_t i = 0; i < count; i++) out[i] = (real)values[i];
    return out;
}

static lstm_case case_new(int64_t rows, int64_t steps, int64_t inputs, int64_t hidden)
{
    lstm_case k = { .s = { rows, steps, inputs, hidden },
                    .x = rows * steps * inputs,
                    .w = inputs * 4 * hidden,
                    .u = 4 * hidden * hidden,
                    .b = 4 * hidden };
    k.all = k.x + k.w + k.u + k.b;
    k.values = malloc(sizeof(double) * (size_t)k.all);
    k.gh = malloc(sizeof(double) * (size_t)(rows * steps * hidden));
    for (int64_t i = 0; i < k.all; i++)
        k.values[i] = (float)sal_random_normal(5, 1, (uint64_t)i) * 0.5f; /* exact in float */
    for (int64_t i = 0; i < rows * steps * hidden; i++) k.gh[i] = (float)sal_random_normal(5, 2, (uint64_t)i);
    return k;
}

static void assert_case_right(int64_t rows, int64_t steps, int64_t inputs, int64_t hidden)
{
    lstm_case k = case_new(rows, steps, inputs, hidden);
    int64_t outputs = rows * steps * hidden;
    double *want = malloc(sizeof(double) * (size_t)outputs), *spare = malloc(sizeof(double) * (size_t)outputs);
    real *v = as_real(k.values, k.all), *gh = as_real(k.gh, outputs), *h = calloc((size_t)outputs, sizeof(real));
    real *saved = calloc((size_t)sal_lstm_saved_size(&k.s), sizeof(real)), *g = calloc((size_t)k.all, sizeof(real));
    real *scratch = calloc((size_t)sal_lstm_scratch_size(&k.s), sizeof(real));
    const real *x = v, *w = x + k.x, *u = w + k.w, *b = u + k.u;
    real *gx = g, *gw = gx + k.x, *gu = gw + k.w, *gb = gu + k.u;
    bool doubles = sizeof(real) == sizeof(double);
    sal_lstm_forward(&k.s, x, w, u, b, h, saved);
    define(&k, want);
    for (int64_t i = 0; i < outputs; i++) assert_true(fabs((double)h[i] - want[i]) <= (doubles ? 1e-13 : 2e-6));
    sal_lstm_backward(&k.s, x, w, u, h, saved, gh, gx, gw, gu, gb, scratch);
    for (int64_t i = 0; i < k.all; i++) {
        double at = k.values[i], step = 1e-5;
        k.values[i] = at + step;
        double above = define(&k, spare);
        k.values[i] = at - step;
        double slope = (above - define(&k, spare)) / (2 * step);
        k.values[i] = at;
        if (!(fabs((double)g[i] - slope) <= (doubles ? 1e-7 : 2e-5) * (1 + fabs(slope))))
            fail_msg("gradient %lld of %lld: %.9g instead of %.9g", (long long)i, (long long)k.all, (double)g[i],
                     slope);
    }
    void *all[] = { k.values, k.gh, want, spare, v, gh, h, saved, g, scratch };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void sequence_and_gradients_follow_the_equations(void **state)
{
    sal_kernels_enter(NULL);
    assert_case_right(1, 1, 1, 1);
    assert_case_right(3, 5, 2, 4);
    assert_case_right(2, 12, 4, 17);
    assert_case_right(5, 1, 3, 8);
    sal_kernels_leave();
}

static void gradient_of_x_may_be_left_out(void **state)
{
    lstm_case k = case_new(2, 3, 2, 4);
    real *v = as_real(k.values, k.all), *gh = as_real(k.gh, 24), h[24],
         *saved = malloc(sizeof(real) * (size_t)sal_lstm_saved_size(&k.s));
    real *scratch = malloc(sizeof(real) * (size_t)sal_lstm_scratch_size(&k.s)),
         *a = malloc(sizeof(real) * (size_t)k.all);
    real *b = malloc(sizeof(real) * (size_t)k.all);
    const real *w = v + k.x, *u = w + k.w;
    sal_lstm_forward(&k.s, v, w, u, u + k.u, h, saved);
    sal_lstm_backward(&k.s, v, w, u, h, saved, gh, a, a + k.x, a + k.x + k.w, a + k.x + k.w + k.u, scratch);
    sal_lstm_backward(&k.s, v, w, u, h, saved, gh, NULL, b + k.x, b + k.x + k.w, b + k.x + k.w + k.u, scratch);
    assert_memory_equal(a + k.x, b + k.x, sizeof(real) * (size_t)(k.all - k.x));
    void *all[] = { k.values, k.gh, v, gh, saved, scratch, a, b };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequence_and_gradients_follow_the_equations),
        cmocka_unit_test(gradient_of_x_may_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
