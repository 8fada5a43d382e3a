/* test_lanes_double.c - the tests of test_lanes.c in the double build. */
#include "test_lanes.c"
