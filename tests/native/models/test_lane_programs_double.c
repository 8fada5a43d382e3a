/* test_lane_programs_double.c - the tests of test_lane_programs.c in the double build. */
#include "test_lane_programs.c"
