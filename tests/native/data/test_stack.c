/* test_stack.c - stacks are found by band id, and a raster that cannot be one says why. */
#include "data_test.h"
#include "data/stack.h"

static void make_stack(const char *name, const char *const *ids, const char *date, const char *campaign)
{
    int n = 0;
    while (ids[n]) n++;
    GDALDatasetH ds = make_raster(in_folder(name), GDT_Int16, 6, 5, n, NULL, NULL);
    for (int b = 0; b < n; b++) GDALSetDescription(GDALGetRasterBand(ds, b + 1), ids[b]);
    if (date) GDALSetMetadataItem(ds, "DATE", date, "SALINA");
    if (campaign) GDALSetMetadataItem(ds, "CAMPAIGN", campaign, "SALINA");
    if (date) GDALSetMetadataItem(ds, "SENSOR", "Sentinel-2", "SALINA");
    GDALClose(ds);
}

static void refuse(const char *name, const char *part)
{
    sal_stack *stack = NULL;
    sal_error_clear(ctx);
    assert_int_equal(sal_stack_open(ctx, in_folder(name), &stack), SAL_STATUS_DATA);
    assert_null(stack);
    assert_message(part);
    assert_message(name);
}

static void stack_bands_are_found_by_id(void **state)
{
    make_stack("2020 wet.tif", (const char *[]){ "B04", "DEM", "SOS", NULL }, "2020-06-01", "wet");
    sal_stack *stack;
    assert_done(sal_stack_open(ctx, in_folder("2020 wet.tif"), &stack));
    assert_int_equal(sal_stack_covariate_count(stack), 3);
    assert_string_equal(sal_stack_covariate(stack, 1), "DEM");
    assert_int_equal(sal_stack_find(stack, "SOS"), 2);
    assert_int_equal(sal_stack_find(stack, "B4"), -1);
    assert_string_equal(sal_stack_date(stack), "2020-06-01");
    assert_string_equal(sal_stack_campaign(stack), "wet");
    assert_string_equal(sal_stack_sensor(stack), "Sentinel-2");
    assert_int_equal(sal_stack_grid(stack)->columns, 6);
    sal_stack_free(stack);
}

static void stack_without_metadata_takes_its_campaign_from_the_file_name(void **state)
{
    make_stack("plain.v2.tif", (const char *[]){ "Red", NULL }, NULL, NULL);
    sal_stack *stack;
    assert_done(sal_stack_open(ctx, in_folder("plain.v2.tif"), &stack));
    assert_string_equal(sal_stack_campaign(stack), "plain.v2");
    assert_string_equal(sal_stack_date(stack), "");
    assert_string_equal(sal_stack_sensor(stack), "");
    sal_stack_free(stack);
}

static void stack_refuses_missing_and_repeated_ids_bad_dates_and_degrees(void **state)
{
    make_stack("unnamed.tif", (const char *[]){ "B04", "", NULL }, NULL, NULL);
    refuse("unnamed.tif", "band 2");
    make_stack("twice.tif", (const char *[]){ "B04", "DEM", "B04", NULL }, NULL, NULL);
    refuse("twice.tif", "two bands named \"B04\" (1 and 3)");
    make_stack("dated.tif", (const char *[]){ "B04", NULL }, "1st of June", NULL);
    refuse("dated.tif", "1st of June");
    GDALDatasetH ds = make_raster(in_folder("degrees.tif"), GDT_Int16, 6, 5, 1, NULL, NULL);
    GDALSetDescription(GDALGetRasterBand(ds, 1), "B04");
    OGRSpatialReferenceH crs = OSRNewSpatialReference(NULL);
    OSRImportFromEPSG(crs, 4326);
    GDALSetSpatialRef(ds, crs);
    OSRRelease(crs);
    double g[6] = { 117, 0.1, 0, 40, 0, -0.1 };
    GDALSetGeoTransform(ds, g);
    GDALClose(ds);
    refuse("degrees.tif", "not the metre");
    sal_error_clear(ctx);
    sal_stack *stack;
    assert_int_equal(sal_stack_open(ctx, in_folder("absent.tif"), &stack), SAL_STATUS_IO);
}

static void real_raster_is_a_stack(void **state)
{
    const char *path = shared_file("ardakan/landsat8_reflectance_90m.tif");
    if (!path) {
        print_message("no shared data; set SALINA_SHARED\n");
        skip();
    }
    sal_stack *stack;
    assert_done(sal_stack_open(ctx, path, &stack));
    assert_int_equal(sal_stack_find(stack, "SWIR2"), 5);
    sal_stack_free(stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(stack_bands_are_found_by_id),
        TEST(stack_without_metadata_takes_its_campaign_from_the_file_name),
        TEST(stack_refuses_missing_and_repeated_ids_bad_dates_and_degrees),
        TEST(real_raster_is_a_stack),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
