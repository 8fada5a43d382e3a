/* test_lstm_double.c - the tests of test_lstm.c in the double build. */
#include "test_lstm.c"
