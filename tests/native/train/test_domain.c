/* test_domain.c - points of the ground to be mapped: on valid cells, as many as wanted, the same for the same seed. */
#include "data/data_test.h"
#include "train/domain.h"

enum { COLUMNS = 200, ROWS = 120 };
static const char *const ids[] = { "B04", "DEM" };

/* Valid where the column is at least `from`, of band B04 alone. */
static sal_stack *make_stack(const char *name, int from)
{
    const char *path = in_folder(name);
    double *values = malloc(sizeof *values * 2 * COLUMNS * ROWS);
    sal_stack *stack = NULL;
    for (int i = 0; i < 2 * COLUMNS * ROWS; i++) values[i] = i < COLUMNS * ROWS && i % COLUMNS < from ? -9999 : 1;
    GDALDatasetH ds = make_raster(path, GDT_Float32, COLUMNS, ROWS, 2, values, NULL);
    for (int b = 0; b < 2; b++) {
        GDALSetDescription(GDALGetRasterBand(ds, b + 1), ids[b]);
        GDALSetRasterNoDataValue(GDALGetRasterBand(ds, b + 1), -9999);
    }
    GDALClose(ds);
    free(values);
    assert_done(sal_stack_open(ctx, path, &stack));
    return stack;
}

static void points_lie_on_valid_cells_and_are_as_many_as_wanted(void **state)
{
    sal_stack *stack = make_stack("half.tif", 150);
    const sal_grid *g = sal_stack_grid(stack);
    for (int kind = 0; kind < 2; kind++) {
        sal_domain a, b, c;
        assert_done(sal_domain_sample(ctx, &stack, 1, ids, 2, (sal_domain_kind)kind, 400, 1, &a));
        assert_done(sal_domain_sample(ctx, &stack, 1, ids, 2, (sal_domain_kind)kind, 400, 1, &b));
        assert_done(sal_domain_sample(ctx, &stack, 1, ids, 2, (sal_domain_kind)kind, 400, 2, &c));
        assert_in_range(a.count, 320, 520);
        assert_int_equal(a.count, b.count);
        assert_memory_equal(a.x, b.x, (size_t)a.count * sizeof *a.x);
        assert_true(a.count != c.count || memcmp(a.x, c.x, (size_t)a.count * sizeof *a.x) != 0);
        for (int64_t i = 0; i < a.count; i++) {
            double column, row;
            sal_grid_locate(g, a.x[i], a.y[i], &column, &row);
            assert_true(column >= 150 && column < COLUMNS && row >= 0 && row < ROWS);
            assert_true(fabs(column - floor(column) - 0.5) < 1e-9);
        }
        double valid = 50.0 * ROWS * g->pixel * g->pixel;
        assert_true(fabs(a.area_m2 - valid) < 0.15 * valid);
        sal_domain_clear(ctx, &a);
        sal_domain_clear(ctx, &b);
        sal_domain_clear(ctx, &c);
    }
    sal_stack_free(stack);
}

static void stacks_on_one_grid_count_once_and_empty_ones_are_refused(void **state)
{
    sal_stack *stacks[2] = { make_stack("a.tif", 0), make_stack("b.tif", 0) }, *empty = make_stack("empty.tif", COLUMNS);
    sal_domain d;
    assert_done(sal_domain_sample(ctx, stacks, 2, ids, 1, SAL_DOMAIN_REGULAR, 1000, 1, &d));
    assert_in_range(d.count, 850, 1150);
    for (int64_t i = 0; i < d.count; i++)
        for (int64_t j = 0; j < i; j++) assert_true(d.x[i] != d.x[j] || d.y[i] != d.y[j]);
    sal_domain_clear(ctx, &d);
    sal_error_clear(ctx);
    assert_int_equal(sal_domain_sample(ctx, &empty, 1, ids, 1, SAL_DOMAIN_REGULAR, 1000, 1, &d), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "too few to know the ground"));
    assert_null(d.x);
    const char *const other[] = { "B99" };
    sal_error_clear(ctx);
    assert_int_equal(sal_domain_sample(ctx, stacks, 1, other, 1, SAL_DOMAIN_REGULAR, 1000, 1, &d), SAL_STATUS_DATA);
    sal_stack_free(stacks[0]);
    sal_stack_free(stacks[1]);
    sal_stack_free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(points_lie_on_valid_cells_and_are_as_many_as_wanted),
        TEST(stacks_on_one_grid_count_once_and_empty_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
