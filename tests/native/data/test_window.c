/* test_window.c - the eight symmetries are eight, and each is undone by its inverse. */
#include "data_test.h"
#include "data/window.h"

enum { SIZE = 5, CHANNELS = 3, COUNT = SIZE * SIZE * CHANNELS };

static void fill(float *v)
{
    for (int i = 0; i < COUNT; i++) v[i] = (float)i;
}

static void window_symmetry_is_undone_by_its_inverse(void **state)
{
    float in[COUNT], turned[COUNT], back[COUNT];
    fill(in);
    for (int32_t s = 0; s < SAL_WINDOW_SYMMETRIES; s++) {
        sal_window_symmetry(in, SIZE, CHANNELS, s, turned);
        sal_window_symmetry(turned, SIZE, CHANNELS, sal_window_symmetry_inverse(s), back);
        assert_memory_equal(in, back, sizeof in);
    }
}

static void window_symmetries_differ_and_keep_the_centre_and_the_channels(void **state)
{
    float in[COUNT], out[SAL_WINDOW_SYMMETRIES][COUNT];
    fill(in);
    for (int32_t s = 0; s < SAL_WINDOW_SYMMETRIES; s++) {
        sal_window_symmetry(in, SIZE, CHANNELS, s, out[s]);
        int centre = (SIZE / 2 * SIZE + SIZE / 2) * CHANNELS;
        for (int k = 0; k < CHANNELS; k++) assert_float_equal(out[s][centre + k], in[centre + k], 0);
        for (int i = 0; i < COUNT; i++) assert_int_equal((int)out[s][i] % CHANNELS, i % CHANNELS);
        for (int32_t t = 0; t < s; t++) assert_memory_not_equal(out[s], out[t], sizeof in);
    }
    assert_memory_equal(out[0], in, sizeof in);
}

static void window_symmetries_do_what_their_bits_say(void **state)
{
    const float in[4] = { 1, 2, 3, 4 };
    const float expected[8][4] = { { 1, 2, 3, 4 }, { 2, 1, 4, 3 }, { 3, 4, 1, 2 }, { 4, 3, 2, 1 },
                                   { 1, 3, 2, 4 }, { 2, 4, 1, 3 }, { 3, 1, 4, 2 }, { 4, 2, 3, 1 } };
    for (int32_t s = 0; s < 8; s++) {
        float out[4];
        sal_window_symmetry(in, 2, 1, s, out);
        assert_memory_equal(out, expected[s], sizeof out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_symmetry_is_undone_by_its_inverse),
        cmocka_unit_test(window_symmetries_differ_and_keep_the_centre_and_the_channels),
        cmocka_unit_test(window_symmetries_do_what_their_bits_say),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
