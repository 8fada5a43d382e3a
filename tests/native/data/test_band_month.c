/* test_band_month.c - months of texts, of CF times in every calendar, and of the bands of NetCDF files made by GDAL. */
#include "data/band_month.h"
#include "data_test.h"

static int64_t month(int year, int number) { return (int64_t)year * 12 + number - 1; }

static void texts_that_are_months(void **state)
{
    char text[8];
    assert_int_equal(sal_month_parse("2010-01"), month(2010, 1));
    assert_int_equal(sal_month_parse("201012"), month(2010, 12));
    assert_int_equal(sal_month_parse("20100630"), month(2010, 6));
    assert_int_equal(sal_month_parse("30.06.2010"), month(2010, 6));
    const char *const none[] = { "", "2010", "201013", "2010-13", "1234567", "B04", "pr" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) assert_int_equal(sal_month_parse(none[i]), -1);
    assert_int_equal(sal_month_parse(NULL), -1);
    sal_month_text(month(2010, 12), text);
    assert_string_equal(text, "2010-12");
}

static void times_count_from_a_date_in_their_calendar(void **state)
{
    assert_int_equal(sal_month_since("days since 1900-01-01", "", 0), month(1900, 1));
    assert_int_equal(sal_month_since("days since 1900-01-01 00:00:00", NULL, 40177), month(2010, 1)); /* TerraClimate, 2010-01-01 */
    assert_int_equal(sal_month_since("days since 1900-01-01", "gregorian", 40176), month(2009, 12));
    assert_int_equal(sal_month_since("days since 2000-03-01", "standard", -1), month(2000, 2)); /* a leap day */
    assert_int_equal(sal_month_since("hours since 1900-1-1", "standard", 40177 * 24.), month(2010, 1));
    assert_int_equal(sal_month_since("days since 0001-01-01", "proleptic_gregorian", 733772), month(2010, 1));
    assert_int_equal(sal_month_since("days since 1900-01-01", "noleap", 365 * 110), month(2010, 1));
    assert_int_equal(sal_month_since("days since 1900-01-01", "365_day", 365 * 110 + 31 + 27), month(2010, 2));
    assert_int_equal(sal_month_since("days since 1900-01-01", "noleap", -1), month(1899, 12));
    assert_int_equal(sal_month_since("days since 1900-01-01", "360_day", 360 * 110 + 30 * 5), month(2010, 6));
    assert_int_equal(sal_month_since("months since 1900-01-01", "", 13.5), month(1901, 2));
    assert_int_equal(sal_month_since("days since 1900-01-01", "julian", 3), -1);
    assert_int_equal(sal_month_since("fortnights since 1900-01-01", "", 3), -1);
    assert_int_equal(sal_month_since("degrees", "", 3), -1);
    assert_int_equal(sal_month_since("days since 1900-01-01", "", NAN), -1);
}

/* Three months of precipitation on 4 x 3 cells of half a degree, as GDAL's netCDF driver writes them. */
static const char *netcdf(void)
{
    const char *path = in_folder("pr.nc");
    GDALDatasetH memory = GDALCreate(GDALGetDriverByName("MEM"), "", 4, 3, 3, GDT_Float32, NULL);
    double transform[6] = { 10, .5, 0, 50, 0, -.5 };
    OGRSpatialReferenceH crs = OSRNewSpatialReference(NULL);
    OSRImportFromEPSG(crs, 4326);
    GDALSetSpatialRef(memory, crs);
    OSRRelease(crs);
    GDALSetGeoTransform(memory, transform);
    GDALSetMetadataItem(memory, "NETCDF_DIM_EXTRA", "{time}", NULL);
    GDALSetMetadataItem(memory, "NETCDF_DIM_time_DEF", "{3,6}", NULL);
    GDALSetMetadataItem(memory, "NETCDF_DIM_time_VALUES", "{40177,40208,40236}", NULL);
    GDALSetMetadataItem(memory, "time#units", "days since 1900-01-01 00:00:00", NULL);
    GDALSetMetadataItem(memory, "time#calendar", "gregorian", NULL);
    for (int b = 1; b <= 3; b++) {
        float values[12];
        for (int i = 0; i < 12; i++) values[i] = (float)(100 * b + i);
        GDALRasterBandH band = GDALGetRasterBand(memory, b);
        GDALSetMetadataItem(band, "NETCDF_DIM_time", b == 1 ? "40177" : b == 2 ? "40208" : "40236", NULL);
        GDALSetMetadataItem(band, "NETCDF_VARNAME", "pr", NULL);
        assert_int_equal(GDALRasterIO(band, GF_Write, 0, 0, 4, 3, values, 4, 3, GDT_Float32, 0, 0), CE_None);
    }
    GDALDatasetH written = GDALCreateCopy(GDALGetDriverByName("netCDF"), path, memory, 0, NULL, NULL, NULL);
    assert_non_null(written);
    GDALClose(written);
    GDALClose(memory);
    return path;
}

static void bands_of_netcdf_have_months_and_a_variable(void **state)
{
    if (!GDALGetDriverByName("netCDF")) {
        print_message("GDAL has no netCDF driver\n");
        skip();
    }
    const char *path = netcdf();
    sal_raster *raster;
    sal_raster_part *parts;
    sal_arena *arena;
    int64_t months[3], n;
    assert_int_equal(sal_arena_new(ctx, &arena), SAL_STATUS_OK);
    assert_int_equal(sal_raster_parts(ctx, path, arena, &parts, &n), SAL_STATUS_OK);
    assert_int_equal(n, 1);
    assert_string_equal(parts[0].variable, "pr");
    if (sal_raster_open(ctx, parts[0].path, &raster) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    assert_int_equal(sal_raster_band_count(raster), 3);
    sal_raster_band_months(raster, months);
    for (int b = 0; b < 3; b++) assert_int_equal(months[b], month(2010, b + 1));
    sal_raster_free(raster);
    assert_int_equal(sal_raster_parts(ctx, in_folder("none.nc"), arena, &parts, &n), SAL_STATUS_IO);
    sal_error_clear(ctx);
    sal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(texts_that_are_months),
                                        cmocka_unit_test(times_count_from_a_date_in_their_calendar),
                                        cmocka_unit_test(bands_of_netcdf_have_months_and_a_variable) };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
