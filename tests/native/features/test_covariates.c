/* test_covariates.c - covariates by id from a stack: bands, indices on the fly, windows beyond the edge, and what is refused. */
#include "features/covariates.h"
#include "data/raster.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { COLUMNS = 37, ROWS = 29, BANDS = 6 };
static const char *const names[BANDS] = { "B04", "B08", "DEM", "B11", "LSWI", "B02" };
static sal_context *ctx;
static char folder[256], path[300];

/* Band b at a pixel: reflectance, elevation for DEM, and an LSWI that no formula would give. */
static float value_of(int64_t column, int64_t row, int b)
{
    if (b == 0 && column == 5 && row == 7) return NAN;
    if (b == 2) return (float)(3 + .01 * (double)column);
    if (b == 4) return 7;
    return (float)(.05 + .01 * b + .004 * (double)((column * 3 + row * 5) % 50));
}

static int make_stack(void **state)
{
    const char *root = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    const char *metadata[] = { "SENSOR=Sentinel-2", "DATE=2020-06-15", NULL };
    sal_grid grid;
    sal_raster_writer *writer;
    sal_band_spec bands[BANDS];
    float *values = malloc(sizeof(float) * COLUMNS * ROWS * BANDS);
    snprintf(folder, sizeof folder, "%s/salina-XXXXXX", root);
    if (!mkdtemp(folder) || sal_context_new(&ctx) != SAL_STATUS_OK) return -1;
    snprintf(path, sizeof path, "%s/stack.tif", folder);
    for (int b = 0; b < BANDS; b++) bands[b] = (sal_band_spec){ .name = names[b], .scale = 1 };
    for (int64_t i = 0; i < COLUMNS * ROWS; i++)
        for (int b = 0; b < BANDS; b++) values[i * BANDS + b] = value_of(i % COLUMNS, i / COLUMNS, b);
    if (sal_grid_from_crs(ctx, "EPSG:32650", COLUMNS, ROWS, 500000, 4200000, 10, &grid) != SAL_STATUS_OK) return -1;
    sal_raster_spec spec = { .grid = &grid,
                             .type = SAL_RASTER_FLOAT32,
                             .bands = bands,
                             .band_count = BANDS,
                             .nodata = NAN,
                             .metadata = metadata };
    if (sal_raster_writer_new(ctx, path, &spec, &writer) != SAL_STATUS_OK) return -1;
    if (sal_raster_writer_write(writer, 0, 0, COLUMNS, ROWS, values) != SAL_STATUS_OK) return -1;
    if (sal_raster_writer_commit(writer) != SAL_STATUS_OK) return -1;
    sal_raster_writer_free(writer);
    sal_grid_clear(ctx, &grid);
    free(values);
    return 0;
}

static int remove_stack(void **state)
{
    remove(path);
    rmdir(folder);
    sal_context_free(ctx);
    return 0;
}

static sal_stack *open_stack(void)
{
    sal_stack *stack;
    sal_error_clear(ctx);
    if (sal_stack_open(ctx, path, &stack) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    return stack;
}

static void bands_come_by_id_in_the_order_asked_for(void **state)
{
    const char *ids[] = { "DEM", "B04" };
    float out[4 * 3 * 2];
    sal_stack *stack = open_stack();
    sal_covariates *c;
    assert_int_equal(sal_covariates_bind(ctx, stack, ids, 2, NULL, &c), SAL_STATUS_OK);
    assert_int_equal(sal_covariates_read(c, 10, 6, 4, 3, out), SAL_STATUS_OK);
    for (int64_t i = 0; i < 12; i++) {
        assert_true(out[2 * i] == value_of(10 + i % 4, 6 + i / 4, 2));
        assert_true(out[2 * i + 1] == value_of(10 + i % 4, 6 + i / 4, 0));
    }
    sal_covariates_free(c);
    sal_stack_free(stack);
}

static void indices_are_computed_from_the_bands_of_the_sensor(void **state)
{
    const char *ids[] = { "NDVI", "B11", "EVI", "NDVI" };
    float *out = malloc(sizeof(float) * COLUMNS * ROWS * 4);
    sal_stack *stack = open_stack();
    sal_covariates *c;
    assert_int_equal(sal_covariates_bind(ctx, stack, ids, 4, NULL, &c), SAL_STATUS_OK);
    assert_int_equal(sal_covariates_read(c, 0, 0, COLUMNS, ROWS, out), SAL_STATUS_OK);
    for (int64_t i = 0; i < COLUMNS * ROWS; i++) {
        const int64_t x = i % COLUMNS, y = i / COLUMNS;
        const double r = value_of(x, y, 0), n = value_of(x, y, 1), b = value_of(x, y, 5);
        assert_true(out[4 * i + 1] == value_of(x, y, 3));
        if (isnan(r)) {
            assert_true(isnan(out[4 * i]) && isnan(out[4 * i + 2]) && isnan(out[4 * i + 3]));
            continue;
        }
        assert_true(fabs(out[4 * i] - (n - r) / (n + r)) < 1e-6);
        assert_true(fabs(out[4 * i + 2] - 2.5 * (n - r) / (n + 6 * r - 7.5 * b + 1)) < 1e-6);
        assert_true(out[4 * i + 3] == out[4 * i]);
    }
    sal_covariates_free(c);
    sal_stack_free(stack);
    free(out);
}

static void a_band_named_like_an_index_wins_over_the_formula(void **state)
{
    const char *ids[] = { "LSWI", "NDVI" };
    float out[2];
    sal_stack *stack = open_stack();
    sal_covariates *c;
    assert_int_equal(sal_covariates_bind(ctx, stack, ids, 2, NULL, &c), SAL_STATUS_OK);
    assert_int_equal(sal_covariates_read(c, 3, 3, 1, 1, out), SAL_STATUS_OK);
    assert_true(out[0] == 7 && fabs(out[1]) < 1);
    sal_covariates_free(c);
    sal_stack_free(stack);
}

static void a_window_beyond_the_edge_is_missing_there(void **state)
{
    const char *ids[] = { "NDVI", "DEM" };
    float out[6 * 6 * 2];
    sal_stack *stack = open_stack();
    sal_covariates *c;
    assert_int_equal(sal_covariates_bind(ctx, stack, ids, 2, NULL, &c), SAL_STATUS_OK);
    assert_int_equal(sal_covariates_read(c, -3, ROWS - 3, 6, 6, out), SAL_STATUS_OK);
    for (int64_t i = 0; i < 36; i++) {
        const bool inside = i % 6 >= 3 && i / 6 < 3;
        assert_true(!isnan(out[2 * i]) == inside && !isnan(out[2 * i + 1]) == inside);
    }
    sal_covariates_free(c);
    sal_stack_free(stack);
}

static void threads_do_not_change_a_bit(void **state)
{
    const char *ids[] = { "NDVI", "SI_BR", "EEVI", "B02" };
    const size_t size = sizeof(float) * COLUMNS * ROWS * 4 * 40;
    float *one = malloc(size), *three = malloc(size);
    sal_stack *stack = open_stack();
    sal_covariates *c;
    assert_int_equal(sal_covariates_bind(ctx, stack, ids, 4, NULL, &c), SAL_STATUS_OK);
    sal_context_set_threads(ctx, 1);
    assert_int_equal(sal_covariates_read(c, -50, -20, COLUMNS * 8, ROWS * 5, one), SAL_STATUS_OK);
    sal_context_set_threads(ctx, 3);
    assert_int_equal(sal_covariates_read(c, -50, -20, COLUMNS * 8, ROWS * 5, three), SAL_STATUS_OK);
    assert_memory_equal(one, three, size);
    sal_context_set_threads(ctx, 0);
    sal_covariates_free(c);
    sal_stack_free(stack);
    free(one);
    free(three);
}

static void has_says_what_bind_will_accept(void **state)
{
    const char *ids[] = { "B04", "NDVI", "EVI", "LSWI", "CRSI", "NDREI", "B03", "GUS" };
    const bool expected[] = { true, true, true, true, false, false, false, false };
    sal_stack *stack = open_stack();
    for (int i = 0; i < 8; i++) {
        sal_covariates *c = NULL;
        assert_int_equal(sal_covariates_has(stack, ids[i]), expected[i]);
        assert_int_equal(sal_covariates_bind(ctx, stack, &ids[i], 1, NULL, &c) == SAL_STATUS_OK, expected[i]);
        sal_covariates_free(c);
        sal_error_clear(ctx);
    }
    sal_stack_free(stack);
}

static void assert_message_has(const char *const *words)
{
    for (; *words; words++)
        if (!strstr(sal_context_message(ctx), *words))
            fail_msg("\"%s\" is not in: %s", *words, sal_context_message(ctx));
}

static void a_missing_band_is_named_with_stack_and_model(void **state)
{
    const char *gus = "GUS", *crsi = "CRSI";
    sal_stack *stack = open_stack();
    sal_covariates *c;
    assert_int_equal(sal_covariates_bind(ctx, stack, &gus, 1, "model \"delta.safetensors\"", &c), SAL_STATUS_DATA);
    assert_message_has((const char *const[]){ "stack.tif", "GUS", "delta.safetensors", "Build covariate stack", NULL });
    assert_null(c);
    sal_error_clear(ctx);
    assert_int_equal(sal_covariates_bind(ctx, stack, &crsi, 1, NULL, &c), SAL_STATUS_DATA);
    assert_message_has((const char *const[]){ "stack.tif", "CRSI", "role G", "Sentinel-2", NULL });
    sal_stack_free(stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bands_come_by_id_in_the_order_asked_for),
        cmocka_unit_test(indices_are_computed_from_the_bands_of_the_sensor),
        cmocka_unit_test(a_band_named_like_an_index_wins_over_the_formula),
        cmocka_unit_test(a_window_beyond_the_edge_is_missing_there),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(has_says_what_bind_will_accept),
        cmocka_unit_test(a_missing_band_is_named_with_stack_and_model),
    };
    return cmocka_run_group_tests(tests, make_stack, remove_stack);
}
