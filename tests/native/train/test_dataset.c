/* test_dataset.c - roles of covariates, and values read at samples: right pixel, right order, gaps, mirror images beyond the edge, samples without data. */
#include "data/data_test.h"
#include "train/dataset.h"

enum { COLUMNS = 40, ROWS = 30 };
static const char *const ids[] = { "B04", "DEM", "B02", "B08", "B03", "SLOPE", "B01" };
enum { BANDS = 7 };
static sal_stack *stacks[2];

/* Band k holds k + column / 100 + row / 10000: every value says where it comes from. */
static double expected(int64_t band, int64_t column, int64_t row) { return (double)band + (double)column / 100 + (double)row / 10000; }

static const char *make_stack(const char *name, const char *campaign, const char *const *names, int n, double nodata_at)
{
    const char *path = in_folder(name);
    double *values = malloc(sizeof *values * BANDS * COLUMNS * ROWS);
    for (int b = 0; b < n; b++) {
        for (int i = 0; i < COLUMNS * ROWS; i++) {
            double v = expected(b, i % COLUMNS, i / COLUMNS);
            values[b * COLUMNS * ROWS + i] = i == (int)nodata_at && b < 5 ? -9999 : v;
        }
    }
    GDALDatasetH ds = make_raster(path, GDT_Float32, COLUMNS, ROWS, n, values, NULL);
    for (int b = 0; b < n; b++) {
        GDALSetDescription(GDALGetRasterBand(ds, b + 1), names[b]);
        GDALSetRasterNoDataValue(GDALGetRasterBand(ds, b + 1), -9999);
    }
    GDALSetMetadataItem(ds, "SENSOR", "Sentinel-2", "SALINA");
    GDALSetMetadataItem(ds, "CAMPAIGN", campaign, "SALINA");
    GDALClose(ds);
    free(values);
    return path;
}

static void open_stacks(int n)
{
    const char *names[2] = { "a.tif", "b.tif" };
    for (int k = 0; k < n; k++) assert_done(sal_stack_open(ctx, make_stack(names[k], k ? "spring" : "autumn", ids, BANDS, k ? -1 : 5 * COLUMNS + 7), &stacks[k]));
}

static void close_stacks(void)
{
    for (int k = 0; k < 2; k++) {
        sal_stack_free(stacks[k]);
        stacks[k] = NULL;
    }
}

static bool has(char *const *list, int64_t n, const char *id)
{
    for (int64_t i = 0; i < n; i++) {
        if (strcmp(list[i], id) == 0) return true;
    }
    return false;
}

static void roles_are_bands_by_wavelength_indices_and_the_rest(void **state)
{
    sal_roles r;
    open_stacks(1);
    assert_done(sal_roles_find(ctx, stacks, 1, 17, &r));
    assert_int_equal(r.band_count, 4);
    const char *order[4] = { "B02", "B03", "B04", "B08" };
    for (int k = 0; k < 4; k++) assert_string_equal(r.bands[k], order[k]);
    assert_true(has(r.indices, r.index_count, "NDVI"));
    assert_true(has(r.covariates, r.covariate_count, "DEM") && has(r.covariates, r.covariate_count, "SLOPE") && has(r.covariates, r.covariate_count, "NDWI"));
    assert_false(has(r.covariates, r.covariate_count, "B04"));
    assert_false(has(r.covariates, r.covariate_count, "B01")); /* a band without a role is no environment */
    assert_false(has(r.covariates, r.covariate_count, "LSWI")); /* needs SWIR */
    sal_roles_clear(ctx, &r);
    close_stacks();
}

static void covariate_that_one_stack_lacks_is_left_out(void **state)
{
    const char *fewer[] = { "B04", "DEM", "B02", "B08", "B03" };
    sal_roles r;
    open_stacks(1);
    assert_done(sal_stack_open(ctx, make_stack("b.tif", "spring", fewer, 5, -1), &stacks[1]));
    assert_done(sal_roles_find(ctx, stacks, 2, 17, &r));
    assert_true(has(r.covariates, r.covariate_count, "DEM"));
    assert_false(has(r.covariates, r.covariate_count, "SLOPE"));
    sal_roles_clear(ctx, &r);
    close_stacks();
}

static void assert_refused(const char *const *names, int n, const char *message)
{
    sal_roles r;
    assert_done(sal_stack_open(ctx, make_stack("a.tif", "x", names, n, -1), &stacks[0]));
    assert_int_equal(sal_roles_find(ctx, stacks, 1, 17, &r), SAL_STATUS_DATA);
    assert_message(message);
    sal_error_clear(ctx);
    close_stacks();
}

static void stack_without_what_the_network_needs_is_refused(void **state)
{
    assert_refused((const char *const[]){ "red", "x", "DEM" }, 3, "share 1 spectral bands, at least 2 are needed");
    assert_refused((const char *const[]){ "B02", "B03", "DEM" }, 3, "red and near-infrared");
    assert_refused((const char *const[]){ "B04", "B08" }, 2, "no environmental covariate");
}

/* Reflected at the outer pixels until it lies inside. */
static int64_t mirrored(int64_t i, int64_t n)
{
    while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
    return i;
}

static void put_sample(sal_sample *s, int stack, int column, int row, double target)
{
    *s = (sal_sample){ .fid = 100 + column, .x = column, .y = row, .target = target, .stack = stack, .column = column, .row = row };
}

static void values_are_those_of_the_pixel_and_its_window(void **state)
{
    sal_sample items[4];
    sal_samples samples = { .count = 4, .items = items };
    sal_dataset *d;
    sal_roles r;
    open_stacks(2);
    assert_done(sal_roles_find(ctx, stacks, 2, 5, &r));
    put_sample(&items[0], 1, 20, 11, 3);
    put_sample(&items[1], 0, 7, 5, 4); /* nodata */
    put_sample(&items[2], 0, 9, 6, 5); /* window holds that pixel */
    put_sample(&items[3], 1, 0, 29, 6); /* corner */
    assert_done(sal_dataset_new(ctx, &samples, stacks, 2, &r, 2, &d));
    assert_int_equal(d->count, 3);
    assert_int_equal(d->dropped_nodata, 1);
    assert_int_equal(d->windows_with_gaps, 1);
    assert_int_equal(d->windows_at_edge, 1);
    assert_true(logged("1 of 4 samples lie on pixels without data and were left out"));
    const int64_t order[3] = { 2, 0, 3 }; /* stack by stack */
    const int64_t band[4] = { 2, 4, 0, 3 };
    for (int64_t k = 0; k < 3; k++) {
        const sal_sample *s = &items[order[k]];
        assert_int_equal(d->fid[k], s->fid);
        assert_int_equal(d->stack[k], s->stack);
        assert_true(d->target[k] == s->target && d->x[k] == s->x && d->y[k] == s->y);
        for (int64_t b = 0; b < 4; b++) assert_near((double)d->spectrum[k * 4 + b], expected(band[b], s->column, s->row), 1e-6);
        double red = expected(0, s->column, s->row), nir = expected(3, s->column, s->row);
        assert_near((double)d->ndvi[k], (nir - red) / (nir + red), 1e-6);
        for (int64_t p = 0; p < 25; p++) {
            int64_t column = s->column - 2 + p % 5, row = s->row - 2 + p / 5;
            float dem = d->window[(k * 25 + p) * r.covariate_count], slope = d->window[(k * 25 + p) * r.covariate_count + 1];
            bool gap = s->stack == 0 && column == 7 && row == 5;
            if (!gap) assert_near((double)dem, expected(1, mirrored(column, COLUMNS), mirrored(row, ROWS)), 1e-6);
            else assert_true(isnan(dem));
            assert_near((double)slope, expected(5, mirrored(column, COLUMNS), mirrored(row, ROWS)), 1e-6);
        }
    }
    sal_dataset_free(ctx, d);
    sal_roles_clear(ctx, &r);
    close_stacks();
}

/* Corners, edges and the middle; a window of 17 that crosses one or two sides, one of 129 that holds the raster several times over. */
static void windows_beyond_the_edge_are_mirror_images_of_the_inside(void **state)
{
    enum { N = 9 };
    const int64_t windows[] = { 17, 129 }, gap_column = 7, gap_row = 5;
    sal_sample items[N];
    sal_samples samples = { .count = N, .items = items };
    for (int i = 0; i < N; i++) put_sample(&items[i], 0, (COLUMNS - 1) * (i % 3) / 2, (ROWS - 1) * (i / 3) / 2, i);
    for (int k = 0; k < 2; k++) {
        const int64_t w = windows[k], half = w / 2;
        sal_dataset *d;
        sal_roles r;
        open_stacks(1);
        assert_done(sal_roles_find(ctx, stacks, 1, w, &r));
        assert_done(sal_dataset_new(ctx, &samples, stacks, 1, &r, N, &d));
        assert_int_equal(d->count, N);
        assert_int_equal(d->windows_at_edge, k ? N : N - 1);
        assert_int_equal(d->windows_with_gaps, k ? N : 1); /* the window of 17 around the first sample holds the gap */
        for (int64_t i = 0; i < N * w * w; i++) {
            const sal_sample *s = &items[i / (w * w)];
            int64_t column = mirrored(s->column - half + i % w, COLUMNS), row = mirrored(s->row - half + i / w % w, ROWS);
            const float *v = d->window + i * r.covariate_count;
            assert_true(isnan(v[0]) == (column == gap_column && row == gap_row)); /* what is missing stays missing, and so does its image */
            if (!isnan(v[0])) assert_near((double)v[0], expected(1, column, row), 1e-6);
            assert_near((double)v[1], expected(5, column, row), 1e-6);
        }
        sal_dataset_free(ctx, d);
        sal_roles_clear(ctx, &r);
        close_stacks();
    }
}

static void too_few_valid_samples_are_refused(void **state)
{
    sal_sample items[2];
    sal_samples samples = { .count = 2, .items = items };
    sal_dataset *d;
    sal_roles r;
    open_stacks(1);
    assert_done(sal_roles_find(ctx, stacks, 1, 5, &r));
    put_sample(&items[0], 0, 20, 11, 3);
    put_sample(&items[1], 0, 7, 5, 4);
    assert_int_equal(sal_dataset_new(ctx, &samples, stacks, 1, &r, 2, &d), SAL_STATUS_DATA);
    assert_message("1 samples lie on valid pixels of the stacks, at least 2 are needed");
    assert_null(d);
    sal_roles_clear(ctx, &r);
    close_stacks();
}

static int32_t read_one(sal_context *poor)
{
    sal_sample item;
    sal_samples samples = { .count = 1, .items = &item };
    sal_stack *stack = NULL;
    sal_roles r = { 0 };
    sal_dataset *d = NULL;
    put_sample(&item, 0, 20, 11, 3);
    sal_status status = sal_stack_open(poor, in_folder("a.tif"), &stack);
    if (status == SAL_STATUS_OK) status = sal_roles_find(poor, &stack, 1, 5, &r);
    if (status == SAL_STATUS_OK) status = sal_dataset_new(poor, &samples, &stack, 1, &r, 1, &d);
    sal_dataset_free(poor, d);
    sal_roles_clear(poor, &r);
    sal_stack_free(stack);
    return status;
}

static void every_failed_allocation_is_reported_and_leaks_nothing(void **state)
{
    make_stack("a.tif", "autumn", ids, BANDS, -1);
    fail_every_allocation(read_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(roles_are_bands_by_wavelength_indices_and_the_rest),
        TEST(covariate_that_one_stack_lacks_is_left_out),
        TEST(stack_without_what_the_network_needs_is_refused),
        TEST(values_are_those_of_the_pixel_and_its_window),
        TEST(windows_beyond_the_edge_are_mirror_images_of_the_inside),
        TEST(too_few_valid_samples_are_refused),
        TEST(every_failed_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
