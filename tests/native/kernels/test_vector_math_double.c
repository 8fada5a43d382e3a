/* test_vector_math_double.c - the tests of test_vector_math.c in the double build. */
#include "test_vector_math.c"
