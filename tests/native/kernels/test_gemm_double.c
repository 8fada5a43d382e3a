/* test_gemm_double.c - the tests of test_gemm.c in the double build. */
#include "test_gemm.c"
