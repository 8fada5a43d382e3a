/* test_vector_math.c - array functions against libm in double, over their whole range and at the odd values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/vector_math.h"

enum { COUNT = 200003 };

static double exact_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double exact_softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double exact_gelu(double x) { return x * 0.5 * erfc(-x / sqrt(2)); }
static double exact_slope(double x) { return 0.5 * erfc(-x / sqrt(2)) + x * exp(-0.5 * x * x) / sqrt(2 * acos(-1)); }

typedef void (*array_function)(int64_t, const real *, real *);

/* Largest error over [from, to]: |got - exact| / max(|exact|, floor). */
static double worst_error(array_function f, double (*exact)(double), double from, double to, double floor)
{
    real *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
    double worst = 0;
    for (int64_t i = 0; i < COUNT; i++) x[i] = (real)(from + (to - from) * (double)i / (COUNT - 1));
    f(COUNT, x, y);
    for (int64_t i = 0; i < COUNT; i++) {
        double want = exact((double)x[i]), error = fabs((double)y[i] - want) / fmax(fabs(want), floor);
        if (!(error <= worst)) worst = error;
    }
    f(COUNT, x, x); /* in place: the same bits */
    assert_memory_equal(x, y, COUNT * sizeof *x);
    free(x);
    free(y);
    return worst;
}

/* Tolerances are those of the header; the double build rests on libm. */
static void assert_error(double worst, double tolerance)
{
    double allowed = sizeof(real) == sizeof(double) ? 1e-13 : tolerance;
    if (!(worst <= allowed)) fail_msg("error %.3g above %.3g", worst, allowed);
}

static void exp_is_exact_to_three_ulp(void **state)
{
    assert_error(worst_error(sal_math_exp, exp, -86.9, 88.7, 0), 3e-7);
}

static void expm1_is_exact_near_zero_too(void **state)
{
    assert_error(worst_error(sal_math_expm1, expm1, -1e-3, 1e-3, 0), 4e-7);
    assert_error(worst_error(sal_math_expm1, expm1, -2, 2, 0), 4e-7);
    assert_error(worst_error(sal_math_expm1, expm1, -100, 88.7, 0), 4e-7);
}

static void softplus_is_exact(void **state)
{
    assert_error(worst_error(sal_math_softplus, exact_softplus, -3, 3, 1), 5e-7);
    assert_error(worst_error(sal_math_softplus, exact_softplus, -200, 1e4, 1), 5e-7);
}

static void log_is_exact(void **state)
{
    assert_error(worst_error(sal_math_log, log, 1e-6, 10, 1), 3e-7);
    assert_error(worst_error(sal_math_log, log, 1e-37, 1e-30, 1), 3e-7);
    assert_error(worst_error(sal_math_log, log, 10, 1e38, 1), 3e-7);
}

static void log1p_is_exact_near_zero_too(void **state)
{
    assert_error(worst_error(sal_math_log1p, log1p, -1e-3, 1e-3, 0), 3e-7);
    assert_error(worst_error(sal_math_log1p, log1p, -0.99, 1, 0), 3e-7);
    assert_error(worst_error(sal_math_log1p, log1p, 1, 1e6, 0), 3e-7);
}

static void sigmoid_is_exact_in_both_tails(void **state)
{
    assert_error(worst_error(sal_math_sigmoid, exact_sigmoid, -86, 86, 0), 4e-7);
    assert_error(worst_error(sal_math_sigmoid, exact_sigmoid, -3, 3, 0), 4e-7);
}

static void tanh_is_exact_near_zero_too(void **state)
{
    assert_error(worst_error(sal_math_tanh, tanh, -0.01, 0.01, 0), 4e-7);
    assert_error(worst_error(sal_math_tanh, tanh, -2, 2, 0), 4e-7);
    assert_error(worst_error(sal_math_tanh, tanh, -100, 100, 0), 4e-7);
}

static void gelu_is_exact(void **state)
{
    assert_error(worst_error(sal_math_gelu, exact_gelu, -1, 10, 0), 1e-6);
    assert_error(worst_error(sal_math_gelu, exact_gelu, -5, -1, 0), 5e-6);
    assert_error(worst_error(sal_math_gelu, exact_gelu, -100, 100, 1), 1e-6);
    assert_error(worst_error(sal_math_gelu_slope, exact_slope, -100, 100, 1), 4e-7);
    assert_error(worst_error(sal_math_gelu_slope, exact_slope, -6, 6, 1), 4e-7);
}

static real value_of(array_function f, double x)
{
    real value[17], got[17];
    for (int i = 0; i < 17; i++) value[i] = (real)x;
    f(17, value, got);
    for (int i = 1; i < 17; i++) assert_memory_equal(&got[i], &got[0], sizeof(real)); /* vector body and rest agree */
    return got[0];
}

static void odd_values_keep_their_meaning(void **state)
{
    const array_function all[] = { sal_math_exp,  sal_math_expm1, sal_math_softplus, sal_math_log,  sal_math_log1p,     sal_math_sigmoid,
                                   sal_math_tanh, sal_math_gelu, sal_math_gelu_slope };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) assert_true(isnan(value_of(all[i], NAN)));
    assert_true(value_of(sal_math_exp, INFINITY) == (real)INFINITY);
    assert_true(value_of(sal_math_exp, -INFINITY) == 0);
    assert_true(value_of(sal_math_exp, 1000) == (real)INFINITY);
    assert_true(value_of(sal_math_exp, 0) == 1);
    assert_true(value_of(sal_math_expm1, INFINITY) == (real)INFINITY);
    assert_true(value_of(sal_math_expm1, -INFINITY) == -1);
    assert_true(value_of(sal_math_expm1, 0) == 0);
    assert_true(value_of(sal_math_softplus, INFINITY) == (real)INFINITY);
    assert_true(value_of(sal_math_softplus, -INFINITY) == 0);
    assert_true(value_of(sal_math_log, 0) == (real)-INFINITY);
    assert_true(value_of(sal_math_log, 1) == 0);
    assert_true(isnan(value_of(sal_math_log, -1)));
    assert_true(value_of(sal_math_log, INFINITY) == (real)INFINITY);
    assert_true(value_of(sal_math_log1p, -1) == (real)-INFINITY);
    assert_true(isnan(value_of(sal_math_log1p, -2)));
    assert_true(value_of(sal_math_sigmoid, INFINITY) == 1);
    assert_true(value_of(sal_math_sigmoid, -INFINITY) == 0);
    assert_true(value_of(sal_math_tanh, INFINITY) == 1);
    assert_true(value_of(sal_math_tanh, -INFINITY) == -1);
    assert_true(value_of(sal_math_gelu, INFINITY) == (real)INFINITY);
    assert_true(value_of(sal_math_gelu, -INFINITY) == 0);
    assert_true(value_of(sal_math_gelu_slope, INFINITY) == 1);
    assert_true(value_of(sal_math_gelu_slope, -INFINITY) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_exact_to_three_ulp),     cmocka_unit_test(log_is_exact),
        cmocka_unit_test(expm1_is_exact_near_zero_too),  cmocka_unit_test(softplus_is_exact),
        cmocka_unit_test(log1p_is_exact_near_zero_too),  cmocka_unit_test(sigmoid_is_exact_in_both_tails),
        cmocka_unit_test(tanh_is_exact_near_zero_too),   cmocka_unit_test(gelu_is_exact),
        cmocka_unit_test(odd_values_keep_their_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
