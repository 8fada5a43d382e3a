/* test_wetness.c - topographic wetness index: water is neither made nor lost, leaves pits and flats, and the memory is bounded. */
#include "features/wetness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { ROWS = 30, COLUMNS = 90, CELLS = ROWS * COLUMNS };
static const double pixel = 10, fall = .02, degrees = 180 / 3.14159265358979323846;
static const int64_t enough = 64 << 20;
static sal_context *ctx;

/* Falls to the south, `fall` m per m. */
static void plane(float z[CELLS], float slope[CELLS])
{
    for (int i = 0; i < CELLS; i++) z[i] = (float)(100 - fall * pixel * (i / COLUMNS));
    for (int i = 0; i < CELLS; i++) slope[i] = (float)(atan(fall) * degrees);
}

/* Pixels that drain through one, from its index. */
static double pixels_above(float wetness) { return exp(wetness) * fall / pixel; }

static void every_row_of_a_plane_drains_those_above(void **state)
{
    float z[CELLS], wetness[CELLS];
    plane(z, wetness);
    assert_int_equal(sal_wetness_compute(ctx, z, ROWS, COLUMNS, pixel, enough, wetness), SAL_STATUS_OK);
    for (int row = 0; row < ROWS; row++)
        for (int column = 30; column < 60; column++) /* beyond the reach of the side walls */
            assert_true(fabs(pixels_above(wetness[row * COLUMNS + column]) - (row + 1)) < 1e-3 * (row + 1));
}

static void water_crosses_pits_and_flats_and_none_is_lost(void **state)
{
    float z[CELLS], wetness[CELLS];
    double sum = 0;
    plane(z, wetness);
    for (int row = 10; row < 20; row++)
        for (int column = 20; column < 70; column++) z[row * COLUMNS + column] = row < 15 ? 50 : 99;
    assert_int_equal(sal_wetness_compute(ctx, z, ROWS, COLUMNS, pixel, enough, wetness), SAL_STATUS_OK);
    for (int column = 0; column < COLUMNS; column++) sum += pixels_above(wetness[(ROWS - 1) * COLUMNS + column]);
    assert_true(fabs(sum - CELLS) < 1e-3 * CELLS);
    for (int i = 0; i < CELLS; i++) assert_true(pixels_above(wetness[i]) > 1 - 1e-4);
}

static void a_level_sea_has_an_index_everywhere(void **state)
{
    float z[CELLS] = { 0 }, wetness[CELLS] = { 0 };
    assert_int_equal(sal_wetness_compute(ctx, z, ROWS, COLUMNS, pixel, enough, wetness), SAL_STATUS_OK);
    for (int i = 0; i < CELLS; i++) assert_true(isfinite(wetness[i]) && wetness[i] > log(pixel / 1e-4) - 1e-4);
    assert_true(wetness[2 * COLUMNS + 45] > wetness[15 * COLUMNS + 45] + 1); /* outwards */
}

static void a_hole_is_an_outlet_and_has_no_index(void **state)
{
    float z[CELLS], wetness[CELLS];
    plane(z, wetness);
    z[15 * COLUMNS + 45] = NAN;
    assert_int_equal(sal_wetness_compute(ctx, z, ROWS, COLUMNS, pixel, enough, wetness), SAL_STATUS_OK);
    for (int i = 0; i < CELLS; i++) assert_true(!!isnan(wetness[i]) == (i == 15 * COLUMNS + 45));
    assert_true(pixels_above(wetness[16 * COLUMNS + 45]) < 14); /* what the hole swallowed is missing below it */
}

static void too_little_memory_is_refused_with_the_numbers(void **state)
{
    float z[CELLS], wetness[CELLS];
    plane(z, wetness);
    assert_int_equal(sal_wetness_compute(ctx, z, ROWS, COLUMNS, pixel, 1000, wetness), SAL_STATUS_ARGUMENT);
    assert_non_null(strstr(sal_context_message(ctx), "90 x 30"));
    assert_non_null(strstr(sal_context_message(ctx), "max_memory"));
    assert_int_equal(sal_wetness_compute(ctx, z, ROWS, COLUMNS, pixel, sal_wetness_bytes(ROWS, COLUMNS) + 1000, wetness),
                     SAL_STATUS_ARGUMENT); /* the planes fit, the flood's front does not */
    sal_error_clear(ctx);
}

static int32_t stop(void *user, double fraction, const char *message) { return 1; }

static void cancel_is_answered(void **state)
{
    float z[CELLS], wetness[CELLS];
    plane(z, wetness);
    sal_context_set_progress(ctx, stop, NULL);
    assert_int_equal(sal_wetness_compute(ctx, z, ROWS, COLUMNS, pixel, enough, wetness), SAL_STATUS_CANCELLED);
    sal_context_set_progress(ctx, NULL, NULL);
    sal_error_clear(ctx);
}

static int open_context(void **state) { return sal_context_new(&ctx); }

static int close_context(void **state)
{
    sal_context_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_a_plane_drains_those_above),
        cmocka_unit_test(water_crosses_pits_and_flats_and_none_is_lost),
        cmocka_unit_test(a_level_sea_has_an_index_everywhere),
        cmocka_unit_test(a_hole_is_an_outlet_and_has_no_index),
        cmocka_unit_test(too_little_memory_is_refused_with_the_numbers),
        cmocka_unit_test(cancel_is_answered),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
