/* test_window.c - the eight symmetries are eight, and each is undone by its inverse; outside the raster a window is the mirror image of the inside. */
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

/* numpy.pad(numpy.arange(n), 9, mode="reflect") */
static void mirror_is_numpys_reflect(void **state)
{
    const int64_t expected[3][21] = { { 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1 }, /* n = 3 */
                                      { 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0 },    /* n = 2 */
                                      { 0 } };                                                            /* n = 1 */
    for (int64_t n = 1; n <= 3; n++)
        for (int64_t i = 0; i < n + 18; i++) assert_int_equal(sal_window_mirror(i - 9, n), expected[3 - n][i]);
    for (int64_t i = 0; i < 40; i++) assert_int_equal(sal_window_mirror(i, 40), i);
    assert_int_equal(sal_window_mirror(-1, 40), 1);
    assert_int_equal(sal_window_mirror(40, 40), 38);
}

/* A window of rows x columns pixels from (row, column) in a buffer two pixels wider, on a raster whose pixel (r, c) is 100 r + c and its negative. */
static void check_reflected(const sal_window_place *p)
{
    enum { MOST = 40 };
    float *v = malloc(sizeof *v * MOST * (MOST + 2) * 2);
    const int64_t stride = p->columns + 2;
    for (int64_t i = 0; i < p->rows * stride; i++) {
        int64_t row = p->row + i / stride, column = p->column + i % stride;
        bool inside = i % stride < p->columns && row >= 0 && column >= 0 && row < p->raster_rows && column < p->raster_columns;
        v[2 * i] = inside ? (float)(100 * row + column) : -7;
        v[2 * i + 1] = inside ? -(float)(100 * row + column) : -7;
    }
    sal_window_reflect(p, v, stride, 2);
    for (int64_t i = 0; i < p->rows * stride; i++) {
        int64_t row = p->row + i / stride, column = p->column + i % stride;
        while (row < 0 || row >= p->raster_rows) row = p->raster_rows == 1 ? 0 : row < 0 ? -row : 2 * (p->raster_rows - 1) - row;
        while (column < 0 || column >= p->raster_columns) column = p->raster_columns == 1 ? 0 : column < 0 ? -column : 2 * (p->raster_columns - 1) - column;
        float expected = i % stride < p->columns ? (float)(100 * row + column) : -7; /* what lies beside the window stays */
        assert_true(v[2 * i] == expected && v[2 * i + 1] == (expected < 0 ? -7 : -expected));
    }
    free(v);
}

static void a_window_beyond_the_raster_is_filled_with_its_mirror_image(void **state)
{
    const int64_t sizes[][2] = { { 30, 25 }, { 5, 30 }, { 30, 2 }, { 1, 9 }, { 3, 1 }, { 1, 1 } };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (int64_t row = 0; row < sizes[k][0]; row++)
            for (int64_t column = 0; column < sizes[k][1]; column++) {
                const sal_window_place one = { row - 5, column - 5, 11, 11, sizes[k][0], sizes[k][1] };
                check_reflected(&one);
            }
    const sal_window_place tile = { -4, 18, 38, 11, 30, 25 }; /* all rows and the last three columns with 4 pixels of surroundings */
    check_reflected(&tile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_symmetry_is_undone_by_its_inverse),
        cmocka_unit_test(window_symmetries_differ_and_keep_the_centre_and_the_channels),
        cmocka_unit_test(window_symmetries_do_what_their_bits_say),
        cmocka_unit_test(mirror_is_numpys_reflect),
        cmocka_unit_test(a_window_beyond_the_raster_is_filled_with_its_mirror_image),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
