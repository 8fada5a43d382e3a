/* test_climate.c - monthly climate joined by id, and interpolated from rasters at points and on a grid; real series of
 * ../shared/data/raca_terraclimate.
 */
#include "features/climate.h"
#include "../data/data_test.h"

static const sal_climate_fields by_date = { .id = "site", .date = "month", .missing = -999 };
static const sal_climate_fields by_variable = { .id = "site", .variable = "var", .missing = NAN };

static const char *write_text(const char *name, const char *text)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    fputs(text, file);
    fclose(file);
    return path;
}

static const char table[] = "site,month,pr,tmax\nB,2010-03,3,13\nA,2010-01,1,-999\nB,2010-01,5,15\nA,2010-03,7,17\n";

static void sites_are_found_by_id_not_by_order(void **state)
{
    sal_climate *c;
    const char *const ids[] = { "A", "B", "A" };
    float out[3 * 3 * 2];
    char text[8];
    assert_done(sal_climate_open_table(ctx, write_text("long.csv", table), &by_date, &c));
    assert_int_equal(sal_climate_variables(c), 2);
    assert_string_equal(sal_climate_variable(c, 1), "tmax");
    assert_int_equal(sal_climate_months(c), 3); /* February too, which the table does not have */
    sal_climate_month(c, 0, text);
    assert_string_equal(text, "2010-01");
    assert_done(sal_climate_by_id(c, ids, 3, out));
    const float a[6] = { 1, NAN, NAN, NAN, 7, 17 }, b[6] = { 5, 15, NAN, NAN, 3, 13 };
    for (int k = 0; k < 6; k++) {
        assert_true(isnan(a[k]) ? isnan(out[k]) && isnan(out[12 + k]) : out[k] == a[k] && out[12 + k] == a[k]);
        assert_true(isnan(b[k]) ? isnan(out[6 + k]) : out[6 + k] == b[k]);
    }
    sal_climate_free(c);
}

static void months_may_be_columns_and_variables_chosen(void **state)
{
    sal_climate *c;
    sal_climate_fields fields = by_variable;
    const char *const wanted[] = { "tmax", "pr" }, *const ids[] = { "A" };
    float out[4];
    const char *path = write_text("wide.csv", "site,var,20100201,20100101\nA,pr,2,1\nA,tmax,12,\nA,vap,8,9\n");
    fields.variables = wanted;
    fields.variable_count = 2;
    assert_done(sal_climate_open_table(ctx, path, &fields, &c));
    assert_int_equal(sal_climate_variables(c), 2);
    assert_done(sal_climate_by_id(c, ids, 1, out)); /* (months, variables) */
    assert_true(isnan(out[0]) && out[1] == 1 && out[2] == 12 && out[3] == 2);
    sal_climate_free(c);
    assert_done(sal_climate_open_table(ctx, path, &by_variable, &c));
    assert_int_equal(sal_climate_variables(c), 3);
    sal_climate_free(c);
}

static void refuse(const char *text, const sal_climate_fields *fields, const char *words)
{
    sal_climate *c;
    assert_int_equal(sal_climate_open_table(ctx, write_text("bad.csv", text), fields, &c), SAL_STATUS_DATA);
    assert_null(c);
    assert_message(words);
    assert_message("bad.csv");
    sal_error_clear(ctx);
}

static void tables_that_cannot_be_are_refused_in_one_sentence(void **state)
{
    sal_climate *c;
    sal_climate_fields none = { .id = "site", .missing = NAN };
    refuse("place,month,pr\nA,2010-01,1\n", &by_date, "no column \"site\"; it has place, month, pr");
    refuse("site,month,pr\nA,spring,1\n", &by_date, "row 1 of table");
    refuse("site,month,pr\nA,2010-01,wet\n", &by_date, "\"wet\" in field \"pr\", which is no number");
    refuse("site,month,pr\nA,2010-01,1\nA,2010-01,2\n", &by_date, "two values of pr at \"A\" in 2010-01, 1 and 2");
    refuse("site,month,pr\nA,1810-01,1\nA,2199-01,2\nB,,3\n", &by_date, "which is no month");
    refuse("site,month,pr\n,2010-01,1\n", &by_date, "has no site");
    refuse("site,month,pr\n", &by_date, "has no rows");
    refuse("site,month\nA,2010-01\n", &by_date, "no column of values");
    refuse("site,var,first\nA,pr,1\n", &by_variable, "no column named by a month");
    assert_int_equal(sal_climate_open_table(ctx, in_folder("bad.csv"), &none, &c), SAL_STATUS_ARGUMENT);
    sal_error_clear(ctx);
    assert_int_equal(sal_climate_open_table(ctx, in_folder("absent.csv"), &by_date, &c), SAL_STATUS_IO);
    sal_error_clear(ctx);
}

static void sites_without_climate_are_counted_and_the_first_named(void **state)
{
    sal_climate *c;
    const char *const ids[] = { "A", "C", "D" };
    float out[3 * 6];
    assert_done(sal_climate_open_table(ctx, write_text("long.csv", table), &by_date, &c));
    assert_int_equal(sal_climate_by_id(c, ids, 3, out), SAL_STATUS_DATA);
    assert_message("2 of 3 samples");
    assert_message("\"C\"");
    sal_error_clear(ctx);
    assert_int_equal(sal_climate_at_points(c, "EPSG:4326", 0, NULL, NULL, out), SAL_STATUS_ARGUMENT);
    sal_error_clear(ctx);
    sal_climate_free(c);
}

static void thousands_of_sites_of_terraclimate_are_read(void **state)
{
    const char *path = shared_file("raca_terraclimate/raca_monthly_sample_long.csv");
    if (!path) {
        print_message("no shared data; set SALINA_SHARED\n");
        skip();
    }
    sal_climate *c;
    const char *const ids[] = { "A0305R97", "A0108P92" };
    assert_done(sal_climate_open_table(ctx, path, &by_variable, &c));
    const int64_t months = sal_climate_months(c), variables = sal_climate_variables(c);
    assert_int_equal(months, 61);
    assert_string_equal(sal_climate_variable(c, 0), "pr");
    float *out = malloc(sizeof *out * (size_t)(2 * months * variables));
    assert_done(sal_climate_by_id(c, ids, 2, out));
    assert_true(out[months * variables] == 153 && out[0] == 20 && isnan(out[23 * variables]));
    free(out);
    sal_climate_free(c);
}

/* ---- rasters ---- */

enum { CELLS = 8 };

/* Linear in place and time, so that bilinear interpolation is exact. */
static double truth(double lon, double lat, int month, int variable) { return 10 + 2 * lon - 3 * lat + 7 * month + 100 * variable; }

/* Cells of half a degree from 10 E 50 N, bands "pr_2010-01" ... from `first`; the cell (hole, 3) has no value. */
static const char *write_raster(const char *name, const char *prefix, int variable, int first, int months, int hole, double x0)
{
    sal_grid grid;
    sal_raster_writer *writer;
    sal_band_spec specs[12];
    char names[12][32];
    float values[CELLS * CELLS * 12];
    assert_done(sal_grid_from_crs(ctx, "EPSG:4326", CELLS, CELLS, x0, 50, .5, &grid));
    for (int b = 0; b < months; b++) {
        snprintf(names[b], sizeof names[b], "%s_2010-%02d", prefix, first + b);
        specs[b] = (sal_band_spec){ .name = first > 0 ? names[b] : prefix, .scale = 1 };
    }
    for (int i = 0; i < CELLS * CELLS; i++)
        for (int b = 0; b < months; b++)
            values[i * months + b] = i == 3 * CELLS + hole ? NAN : (float)truth(x0 + .5 * (i % CELLS + .5), 50 - .5 * (i / CELLS + .5), first + b - 1, variable);
    sal_raster_spec spec = { .grid = &grid, .type = SAL_RASTER_FLOAT32, .bands = specs, .band_count = months, .nodata = NAN };
    const char *path = in_folder(name);
    assert_done(sal_raster_writer_new(ctx, path, &spec, &writer));
    assert_done(sal_raster_writer_write(writer, 0, 0, CELLS, CELLS, values));
    assert_done(sal_raster_writer_commit(writer));
    sal_raster_writer_free(writer);
    sal_grid_clear(ctx, &grid);
    return path;
}

static sal_climate *open_two(void)
{
    sal_climate *c;
    const char *const paths[] = { write_raster("a.tif", "pr", 0, 1, 2, -1, 10), write_raster("a2.tif", "pr", 0, 3, 2, -1, 10),
                                  write_raster("b.tif", "tmax", 1, 2, 3, 5, 10) };
    const char *const names[] = { "pr", "pr", "tmax" };
    assert_done(sal_climate_open_rasters(ctx, paths, names, 3, &c));
    assert_int_equal(sal_climate_variables(c), 2);
    assert_int_equal(sal_climate_months(c), 4);
    return c;
}

static void points_are_interpolated_between_cells(void **state)
{
    sal_climate *c = open_two();
    const double lon[] = { 11.37, 12.6, 12.9, 30, 10.05 }, lat[] = { 48.21, 48.3, 48.26, 48, 49.95 };
    float out[5][4][2];
    assert_done(sal_climate_at_points(c, "EPSG:4326", 5, lon, lat, &out[0][0][0]));
    for (int m = 0; m < 4; m++) {
        assert_true(fabs(out[0][m][0] - truth(lon[0], lat[0], m, 0)) < 1e-4);
        assert_true(m == 0 ? isnan(out[0][m][1]) : fabs(out[0][m][1] - truth(lon[0], lat[0], m, 1)) < 1e-4);
        assert_true(isnan(out[1][m][1])); /* its own cell is the sea */
        assert_true(m == 0 || isnan(out[2][m][1]));
        assert_true(isnan(out[3][m][0]) && isnan(out[3][m][1]));
        assert_true(fabs(out[4][m][0] - truth(10.25, 49.75, m, 0)) < 1e-4); /* beyond the centre of the corner cell: its value */
    }
    const double beside[] = { 13.05 }, beside_lat[] = { 48.26 }; /* next to the sea: what is there counts */
    assert_done(sal_climate_at_points(c, "EPSG:4326", 1, beside, beside_lat, &out[0][0][0]));
    assert_true(isfinite(out[0][1][1]) && fabs(out[0][1][1] - truth(13.25, 48.26, 1, 1)) < 1.01);
    sal_climate_free(c);
}

static void the_grid_has_the_values_of_its_pixels_and_blocks_do_not_matter(void **state)
{
    enum { SIDE = 50, CUT = 23 };
    sal_climate *c = open_two();
    sal_grid grid;
    double x[SIDE * SIDE], y[SIDE * SIDE];
    float *whole = malloc(sizeof(float) * SIDE * SIDE * 8), *points = malloc(sizeof(float) * SIDE * SIDE * 8),
          *part = malloc(sizeof(float) * SIDE * SIDE * 8);
    assert_done(sal_grid_from_crs(ctx, "EPSG:32633", SIDE, SIDE, 205000, 5350000, 1000, &grid));
    for (int i = 0; i < SIDE * SIDE; i++) {
        x[i] = grid.x0 + 1000 * (i % SIDE + .5);
        y[i] = grid.y0 - 1000 * (i / SIDE + .5);
    }
    assert_done(sal_climate_on_grid(c, &grid, 0, 0, SIDE, SIDE, whole));
    assert_done(sal_climate_at_points(c, grid.wkt, SIDE * SIDE, x, y, points));
    for (int i = 0; i < SIDE * SIDE * 8; i++) assert_true(isnan(points[i]) ? isnan(whole[i]) : fabs(points[i] - whole[i]) < 1e-3);
    for (int row = 0; row < SIDE; row += CUT)
        for (int column = 0; column < SIDE; column += CUT) {
            const int columns = SIDE - column < CUT ? SIDE - column : CUT, rows = SIDE - row < CUT ? SIDE - row : CUT;
            assert_done(sal_climate_on_grid(c, &grid, column, row, columns, rows, part));
            for (int r = 0; r < rows; r++)
                assert_memory_equal(part + r * columns * 8, whole + ((row + r) * SIDE + column) * 8, sizeof(float) * 8 * (size_t)columns);
        }
    sal_grid_clear(ctx, &grid);
    free(whole);
    free(points);
    free(part);
    sal_climate_free(c);
}

static void describe(GDALMDArrayH array, const char *name, const char *text)
{
    GDALExtendedDataTypeH type = GDALExtendedDataTypeCreateString(0);
    GDALAttributeH attribute = GDALMDArrayCreateAttribute(array, name, 0, NULL, type, NULL);
    assert_true(GDALAttributeWriteString(attribute, text));
    GDALAttributeRelease(attribute);
    GDALExtendedDataTypeRelease(type);
}

/* One array of a NetCDF file, dimensions and values given. */
static void add_array(GDALGroupH root, const char *name, GDALDimensionH *dimensions, int n, const double *values, const char *units)
{
    GDALExtendedDataTypeH type = GDALExtendedDataTypeCreate(GDT_Float64);
    GDALMDArrayH array = GDALGroupCreateMDArray(root, name, (size_t)n, dimensions, type, NULL);
    GUInt64 start[3] = { 0 };
    size_t count[3];
    assert_non_null(array);
    for (int k = 0; k < n; k++) count[k] = (size_t)GDALDimensionGetSize(dimensions[k]);
    describe(array, "units", units);
    if (n == 3) {
        OGRSpatialReferenceH crs = OSRNewSpatialReference(NULL);
        OSRImportFromEPSG(crs, 4326);
        assert_true(GDALMDArraySetSpatialRef(array, crs));
        OSRRelease(crs);
        assert_true(GDALMDArraySetNoDataValueAsDouble(array, -999));
    }
    assert_true(GDALMDArrayWrite(array, start, count, NULL, NULL, type, values, NULL, 0));
    GDALMDArrayRelease(array);
    GDALExtendedDataTypeRelease(type);
}

/* pr and tmax of January to March 2010 on 8 x 8 cells as TerraClimate lays them out, and a variable that has no time. */
static void make_netcdf(const char *path)
{
    double lon[CELLS], lat[CELLS], time[] = { 40177, 40208, 40236 }, values[3 * CELLS * CELLS];
    GDALDatasetH file = GDALCreateMultiDimensional(GDALGetDriverByName("netCDF"), path, NULL, NULL);
    GDALGroupH root = GDALDatasetGetRootGroup(file);
    GDALDimensionH d[3] = { GDALGroupCreateDimension(root, "time", "TEMPORAL", NULL, 3, NULL),
                            GDALGroupCreateDimension(root, "lat", "HORIZONTAL_Y", NULL, CELLS, NULL),
                            GDALGroupCreateDimension(root, "lon", "HORIZONTAL_X", NULL, CELLS, NULL) };
    for (int i = 0; i < CELLS; i++) lon[i] = 10 + .5 * (i + .5), lat[i] = 50 - .5 * (i + .5);
    add_array(root, "time", &d[0], 1, time, "days since 1900-01-01");
    add_array(root, "lat", &d[1], 1, lat, "degrees_north");
    add_array(root, "lon", &d[2], 1, lon, "degrees_east");
    for (int variable = 0; variable < 2; variable++) {
        for (int i = 0; i < 3 * CELLS * CELLS; i++)
            values[i] = i % (CELLS * CELLS) == 0 ? -999 : truth(lon[i % CELLS], lat[i / CELLS % CELLS], i / (CELLS * CELLS), variable);
        add_array(root, variable ? "tmax" : "pr", d, 3, values, variable ? "degC" : "mm");
    }
    add_array(root, "influence", &d[1], 2, values, "1");
    for (int k = 0; k < 3; k++) GDALDimensionRelease(d[k]);
    GDALGroupRelease(root);
    GDALClose(file);
}

static void variables_and_months_of_netcdf_are_found(void **state)
{
    if (!GDALGetDriverByName("netCDF")) {
        print_message("GDAL has no netCDF driver\n");
        skip();
    }
    sal_climate *c;
    const char *const paths[] = { in_folder("climate.nc") };
    const double lon[] = { 12.1, 10.1 }, lat[] = { 48.3, 49.9 };
    float out[2][3][2];
    make_netcdf(paths[0]);
    assert_done(sal_climate_open_rasters(ctx, paths, NULL, 1, &c));
    assert_int_equal(sal_climate_variables(c), 2);
    assert_string_equal(sal_climate_variable(c, 0), "pr");
    assert_string_equal(sal_climate_variable(c, 1), "tmax");
    assert_int_equal(sal_climate_months(c), 3);
    assert_true(logged("has no time and is left out"));
    assert_done(sal_climate_at_points(c, "EPSG:4326", 2, lon, lat, &out[0][0][0]));
    for (int m = 0; m < 3; m++)
        for (int v = 0; v < 2; v++) {
            assert_true(fabs(out[0][m][v] - truth(lon[0], lat[0], m, v)) < 1e-4);
            assert_true(isnan(out[1][m][v])); /* nodata */
        }
    sal_climate_free(c);
}

static const char *csv, *raster;

static int32_t read_both(sal_context *poor)
{
    sal_climate *a = NULL, *b = NULL;
    const double lon[] = { 11 }, lat[] = { 48 };
    const char *const ids[] = { "A" };
    float out[12];
    sal_status status;
    SAL_TRY(sal_climate_open_table(poor, csv, &by_date, &a));
    SAL_TRY(sal_climate_by_id(a, ids, 1, out));
    SAL_TRY(sal_climate_open_rasters(poor, &raster, NULL, 1, &b));
    SAL_TRY(sal_climate_at_points(b, "EPSG:4326", 1, lon, lat, out));
done:
    sal_climate_free(a);
    sal_climate_free(b);
    return status;
}

static void every_failing_allocation_is_reported(void **state)
{
    csv = write_text("long.csv", table);
    raster = write_raster("fault.tif", "pr", 0, 1, 2, -1, 10);
    fail_every_allocation(read_both);
}

static void refuse_rasters(const char *first, const char *second, const char *words)
{
    sal_climate *c;
    const char *const paths[] = { first, second }, *const names[] = { "pr", "pr" };
    assert_int_equal(sal_climate_open_rasters(ctx, paths, names, 2, &c), SAL_STATUS_DATA);
    assert_message(words);
    sal_error_clear(ctx);
}

static void rasters_that_do_not_go_together_are_refused(void **state)
{
    sal_climate *c;
    const char *good = write_raster("good.tif", "pr", 0, 1, 2, -1, 10);
    const char *const absent[] = { in_folder("absent.tif") };
    refuse_rasters(good, write_raster("twice.tif", "pr", 0, 2, 2, -1, 10), "pr of 2010-02 comes twice");
    refuse_rasters(good, write_raster("east.tif", "pr", 0, 3, 2, -1, 11), "another grid");
    refuse_rasters(good, write_raster("undated.tif", "rain", 0, 0, 1, -1, 10), "has no date");
    assert_int_equal(sal_climate_open_rasters(ctx, absent, NULL, 1, &c), SAL_STATUS_IO);
    sal_error_clear(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sites_are_found_by_id_not_by_order, fresh),
        cmocka_unit_test_setup(months_may_be_columns_and_variables_chosen, fresh),
        cmocka_unit_test_setup(tables_that_cannot_be_are_refused_in_one_sentence, fresh),
        cmocka_unit_test_setup(sites_without_climate_are_counted_and_the_first_named, fresh),
        cmocka_unit_test_setup(thousands_of_sites_of_terraclimate_are_read, fresh),
        cmocka_unit_test_setup(points_are_interpolated_between_cells, fresh),
        cmocka_unit_test_setup(the_grid_has_the_values_of_its_pixels_and_blocks_do_not_matter, fresh),
        cmocka_unit_test_setup(variables_and_months_of_netcdf_are_found, fresh),
        cmocka_unit_test_setup(every_failing_allocation_is_reported, fresh),
        cmocka_unit_test_setup(rasters_that_do_not_go_together_are_refused, fresh),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
