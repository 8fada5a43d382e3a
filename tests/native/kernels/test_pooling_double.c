/* test_pooling_double.c - the tests of test_pooling.c in the double build. */
#include "test_pooling.c"
