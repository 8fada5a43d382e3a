/* test_conv_double.c - convolution in double, where the definition is met to rounding. */
#include "conv_cases.h"

static void plain_convolution_is_the_definition(void **state)
{
    assert_int_equal(assert_method_right(SAL_CONV_PLAIN, 1e-13), SHAPES);
}

static void gemm_convolution_is_the_definition(void **state)
{
    assert_int_equal(assert_method_right(SAL_CONV_GEMM, 1e-13), SHAPES);
}

static void automatic_convolution_is_the_definition(void **state)
{
    assert_int_equal(assert_method_right(SAL_CONV_AUTO, 1e-13), SHAPES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_convolution_is_the_definition),
        cmocka_unit_test(gemm_convolution_is_the_definition),
        cmocka_unit_test(automatic_convolution_is_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
