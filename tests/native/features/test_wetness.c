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
static sal_context *ctx;

/* The whole at once, and in blocks of an odd size; wetness: slope when called. */
static sal_status compute(const float *z, int64_t rows, int64_t columns, int64_t memory, int64_t block, float *wetness)
{
    sal_status status;
    sal_wetness *w = NULL;
    float *pair = malloc(2 * sizeof(float) * (size_t)(block * block));
    SAL_TRY(sal_wetness_new(ctx, rows, columns, pixel, memory, "test_wetness", &w));
    for (int64_t k = 0; k < 3; k += 2) { /* in, then out */
        for (int64_t y = 0; y < rows; y += block)
            for (int64_t x = 0; x < columns; x += block) {
                const int64_t w_ = columns - x < block ? columns - x : block, h = rows - y < block ? rows - y : block;
                if (k == 2) SAL_TRY(sal_wetness_get(w, x, y, w_, h, pair));
                for (int64_t i = 0; i < w_ * h; i++) {
                    const int64_t at = (y + i / w_) * columns + x + i % w_;
                    if (k == 0) pair[i] = z[at], pair[w_ * h + i] = wetness[at];
                    if (k == 2) wetness[at] = pair[i];
                }
                if (k == 0) SAL_TRY(sal_wetness_put(w, x, y, w_, h, pair, pair + w_ * h));
            }
        if (k == 0) SAL_TRY(sal_wetness_solve(w, memory));
    }
done:
    free(pair);
    sal_wetness_free(w);
    return status;
}

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
    assert_int_equal(compute(z, ROWS, COLUMNS, 0, 37, wetness), SAL_STATUS_OK);
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
    assert_int_equal(compute(z, ROWS, COLUMNS, 0, 37, wetness), SAL_STATUS_OK);
    for (int column = 0; column < COLUMNS; column++) sum += pixels_above(wetness[(ROWS - 1) * COLUMNS + column]);
    assert_true(fabs(sum - CELLS) < 1e-3 * CELLS);
    for (int i = 0; i < CELLS; i++) assert_true(pixels_above(wetness[i]) > 1 - 1e-4);
}

static void a_level_sea_has_an_index_everywhere(void **state)
{
    float z[CELLS] = { 0 }, wetness[CELLS] = { 0 };
    assert_int_equal(compute(z, ROWS, COLUMNS, 0, 37, wetness), SAL_STATUS_OK);
    for (int i = 0; i < CELLS; i++) assert_true(isfinite(wetness[i]) && wetness[i] > log(pixel / 1e-4) - 1e-4);
    assert_true(wetness[2 * COLUMNS + 45] > wetness[15 * COLUMNS + 45] + 1); /* outwards */
}

static void a_hole_is_an_outlet_and_has_no_index(void **state)
{
    float z[CELLS], wetness[CELLS];
    plane(z, wetness);
    z[15 * COLUMNS + 45] = NAN;
    assert_int_equal(compute(z, ROWS, COLUMNS, 0, 37, wetness), SAL_STATUS_OK);
    for (int i = 0; i < CELLS; i++) assert_true(!!isnan(wetness[i]) == (i == 15 * COLUMNS + 45));
    assert_true(pixels_above(wetness[16 * COLUMNS + 45]) < 14); /* what the hole swallowed is missing below it */
}

enum { WIDE = 1300, HIGH = 900 };

static const double *sort_by;

static int descending(const void *a, const void *b)
{
    const double x = sort_by[*(const int64_t *)a], y = sort_by[*(const int64_t *)b];
    return (x < y) - (x > y);
}

/* The same in the plainest way: sweeps until nothing changes, then water from high to low as float64. */
static void reference(const float *z, float *wetness)
{
    enum { N = WIDE * HIGH };
    double *filled = malloc(N * sizeof *filled), *area = malloc(N * sizeof *area);
    int64_t *order = malloc(N * sizeof *order), done = 0;
    for (int64_t i = 0; i < N; i++) filled[i] = i % WIDE == 0 || i % WIDE == WIDE - 1 || i < WIDE || i >= N - WIDE ? z[i] : INFINITY;
    for (bool again = true; again;) /* Planchon and Darboux 2002: sweeps until nothing changes */
        for (int way = again = 0; way < 2; way++)
            for (int64_t k = 0; k < N; k++) {
                const int64_t i = way ? N - 1 - k : k, x = i % WIDE;
                if (x == 0 || x == WIDE - 1 || i < WIDE || i >= N - WIDE) continue;
                double least = INFINITY;
                for (int64_t dy = -1; dy <= 1; dy++)
                    for (int64_t dx = -1; dx <= 1; dx++)
                        if (dx || dy) least = fmin(least, filled[i + dy * WIDE + dx]);
                const double height = fmax(z[i], least + 0x1p-30);
                if (height < filled[i]) filled[i] = height, again = true;
            }
    for (int64_t i = 0; i < N; i++) area[i] = 1, order[i] = i;
    sort_by = filled;
    qsort(order, N, sizeof *order, descending);
    for (; done < N; done++) {
        const int64_t i = order[done], y = i / WIDE, x = i % WIDE;
        double part[9], sum = 0;
        for (int k = 0; k < 9; k++) {
            const int64_t ny = y + k / 3 - 1, nx = x + k % 3 - 1;
            const double drop = ny < 0 || nx < 0 || ny >= HIGH || nx >= WIDE ? 0 : filled[i] - filled[ny * WIDE + nx];
            part[k] = drop > 0 ? pow(drop / (k % 2 ? 1 : sqrt(2)), 1.1) : 0;
            sum += part[k];
        }
        for (int k = 0; k < 9; k++)
            if (part[k] > 0) area[(y + k / 3 - 1) * WIDE + x + k % 3 - 1] += area[i] * part[k] / sum;
    }
    for (int64_t i = 0; i < N; i++) wetness[i] = (float)log(area[i] * pixel / fall);
    free(filled), free(area), free(order);
}

/* 24 tiles of which 12 may be in memory: with a file and without one, in blocks of two sizes, the same bits, and those of the textbook. */
static void tiles_on_the_disk_change_no_bit(void **state)
{
    enum { N = WIDE * HIGH };
    float *z = malloc(N * sizeof *z), *a = malloc(N * sizeof *a), *b = malloc(N * sizeof *b);
    for (int i = 0; i < N; i++) {
        const double x = i % WIDE, y = i / WIDE;
        z[i] = (float)(20 + 3 * sin(x / 41) * cos(y / 57) + 2 * sin((x + 2 * y) / 97) + .3 * sin(x * y / 777));
        if (x > 500 && x < 640 && y > 200 && y < 330) z[i] = 15; /* a lake across tiles */
        a[i] = b[i] = (float)(atan(fall) * degrees);
    }
    assert_int_equal(compute(z, HIGH, WIDE, 1 << 30, 512, a), SAL_STATUS_OK);
    assert_int_equal(compute(z, HIGH, WIDE, 0, 100, b), SAL_STATUS_OK);
    assert_memory_equal(a, b, N * sizeof *a);
    reference(z, b);
    for (int i = 0; i < N; i++) assert_true(fabs(a[i] - b[i]) < 1e-5);
    free(z), free(a), free(b);
}

static void a_working_file_that_cannot_be_is_an_error(void **state)
{
    sal_wetness *w;
    float *z = calloc(2 * WIDE * HIGH, sizeof *z);
    assert_int_equal(sal_wetness_new(ctx, HIGH, WIDE, pixel, 0, "/no/such/folder/stack.tif", &w), SAL_STATUS_OK);
    assert_int_equal(sal_wetness_put(w, 0, 0, WIDE, HIGH, z, z), SAL_STATUS_IO);
    assert_non_null(strstr(sal_context_message(ctx), "/no/such/folder/stack.tif"));
    assert_non_null(strstr(sal_context_message(ctx), "max_memory"));
    sal_wetness_free(w);
    free(z);
    sal_error_clear(ctx);
}

static int32_t stop(void *user, double fraction, const char *message) { return 1; }

static void cancel_is_answered(void **state)
{
    float z[CELLS], wetness[CELLS];
    plane(z, wetness);
    sal_context_set_progress(ctx, stop, NULL);
    assert_int_equal(compute(z, ROWS, COLUMNS, 0, 37, wetness), SAL_STATUS_CANCELLED);
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
        cmocka_unit_test(tiles_on_the_disk_change_no_bit),
        cmocka_unit_test(a_working_file_that_cannot_be_is_an_error),
        cmocka_unit_test(cancel_is_answered),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
