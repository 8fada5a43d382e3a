/* test_raster.c - reading, writing and warping rasters, and every raster that must be refused. */
#include "data_test.h"
#include "data/raster.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

static sal_grid utm(int64_t columns, int64_t rows)
{
    sal_grid grid;
    assert_done(sal_grid_from_crs(ctx, "EPSG:32650", columns, rows, 500000, 4200000, 10, &grid));
    return grid;
}

static sal_status open_status(const char *path)
{
    sal_raster *raster = NULL;
    sal_status status = sal_raster_open(ctx, path, &raster);
    if (status != SAL_STATUS_OK) assert_null(raster);
    sal_raster_free(raster);
    return status;
}

static void refuse(const char *path, sal_status expected, const char *part)
{
    assert_int_equal(open_status(path), expected);
    assert_message(part);
    assert_message(path);
}

static void raster_read_beyond_the_edge_gives_nan(void **state)
{
    double v[12];
    for (int i = 0; i < 12; i++) v[i] = i;
    GDALClose(make_raster(in_folder("edge.tif"), GDT_Float32, 4, 3, 1, v, NULL));
    sal_raster *raster;
    assert_done(sal_raster_open(ctx, in_folder("edge.tif"), &raster));
    float out[6 * 7];
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, -1, -2, 6, 7, out));
    for (int r = 0; r < 7; r++)
        for (int c = 0; c < 6; c++) {
            int i = c - 1, j = r - 2;
            if (i >= 0 && i < 4 && j >= 0 && j < 3)
                assert_float_equal(out[r * 6 + c], v[j * 4 + i], 0);
            else
                assert_true(isnan(out[r * 6 + c]));
        }
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 100, 100, 2, 2, out));
    assert_true(isnan(out[0]) && isnan(out[3]));
    sal_raster_free(raster);
}

static void raster_read_interleaves_chosen_bands_and_applies_scale(void **state)
{
    double v[12] = { 1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 300, 400 };
    GDALDatasetH ds = make_raster(in_folder("scale.tif"), GDT_Int16, 2, 2, 3, v, NULL);
    GDALSetRasterScale(GDALGetRasterBand(ds, 2), 0.5);
    GDALSetRasterOffset(GDALGetRasterBand(ds, 2), -1);
    GDALSetDescription(GDALGetRasterBand(ds, 3), "B04");
    GDALSetRasterUnitType(GDALGetRasterBand(ds, 3), "m");
    GDALClose(ds);
    sal_raster *raster;
    assert_done(sal_raster_open(ctx, in_folder("scale.tif"), &raster));
    assert_int_equal(sal_raster_band_count(raster), 3);
    assert_string_equal(sal_raster_band_name(raster, 2), "B04");
    assert_string_equal(sal_raster_band_name(raster, 0), "");
    assert_string_equal(sal_raster_band_unit(raster, 2), "m");
    float out[8];
    assert_done(sal_raster_read(raster, (int64_t[]){ 2, 1 }, 2, 0, 0, 2, 2, out));
    const float expected[8] = { 100, 4, 200, 9, 300, 14, 400, 19 };
    for (int i = 0; i < 8; i++) assert_float_equal(out[i], expected[i], 0);
    assert_int_equal(sal_raster_read(raster, (int64_t[]){ 3 }, 1, 0, 0, 1, 1, out), SAL_STATUS_ARGUMENT);
    sal_raster_free(raster);
}

/* One pixel is nodata, the next is valid; returns whether that is what is read. */
static void check_nodata(GDALDataType type, double nodata, double stored)
{
    double v[2] = { stored, 7 };
    const char *path = in_folder("nodata.tif");
    GDALDatasetH ds = make_raster(path, type, 2, 1, 1, v, NULL);
    if (type == GDT_Int64)
        GDALSetRasterNoDataValueAsInt64(GDALGetRasterBand(ds, 1), (int64_t)nodata);
    else
        GDALSetRasterNoDataValue(GDALGetRasterBand(ds, 1), nodata);
    GDALClose(ds);
    sal_raster *raster;
    assert_done(sal_raster_open(ctx, path, &raster));
    float out[2];
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 2, 1, out));
    if (!isnan(out[0])) fail_msg("type %s, nodata %.17g: read %g", GDALGetDataTypeName(type), nodata, out[0]);
    assert_float_equal(out[1], 7, 0);
    sal_raster_free(raster);
}

static void raster_nodata_is_nan_in_every_type(void **state)
{
    check_nodata(GDT_Byte, 0, 0);
    check_nodata(GDT_Int16, -32768, -32768);
    check_nodata(GDT_UInt16, 65535, 65535);
    check_nodata(GDT_Int32, -2147483647, -2147483647);
    check_nodata(GDT_Int64, -9999, -9999);
    check_nodata(GDT_Float32, -9999, -9999);
    check_nodata(GDT_Float32, -3.4028234663852886e38, -3.4028234663852886e38);
    check_nodata(GDT_Float32, -3.402823e38, -3.4028234663852886e38);
    check_nodata(GDT_Float32, NAN, NAN);
    check_nodata(GDT_Float32, 0.1, (double)0.1f);
    check_nodata(GDT_Float64, -1.7976931348623157e308, -1.7976931348623157e308);
    check_nodata(GDT_Float64, 1e-30, 1e-30);
}

static void raster_nodata_is_compared_before_scaling_and_before_rounding(void **state)
{
    double v[3] = { 16777217, 16777216, -1 };
    GDALDatasetH ds = make_raster(in_folder("wide.tif"), GDT_Int32, 3, 1, 1, v, NULL);
    GDALSetRasterNoDataValue(GDALGetRasterBand(ds, 1), 16777217);
    GDALSetRasterScale(GDALGetRasterBand(ds, 1), 2);
    GDALClose(ds);
    sal_raster *raster;
    assert_done(sal_raster_open(ctx, in_folder("wide.tif"), &raster));
    float out[3];
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 3, 1, out));
    assert_true(isnan(out[0]));
    assert_float_equal(out[1], 33554432.0f, 0);
    assert_float_equal(out[2], -2, 0);
    sal_raster_free(raster);
}

static void raster_mask_and_alpha_give_nan(void **state)
{
    double v[8] = { 1, 2, 3, 4, 255, 0, 255, 255 };
    GDALDatasetH ds = make_raster(in_folder("alpha.tif"), GDT_Byte, 2, 2, 2, v, (char *[]){ "ALPHA=YES", NULL });
    GDALClose(ds);
    sal_raster *raster;
    assert_done(sal_raster_open(ctx, in_folder("alpha.tif"), &raster));
    assert_int_equal(sal_raster_band_count(raster), 1);
    float out[8];
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 2, 2, out));
    assert_true(out[0] == 1 && isnan(out[1]) && out[2] == 3 && out[3] == 4);
    sal_raster_free(raster);

    CPLSetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES");
    ds = make_raster(in_folder("mask.tif"), GDT_Float64, 2, 2, 2, v, NULL);
    assert_int_equal(GDALCreateDatasetMaskBand(ds, GMF_PER_DATASET), CE_None);
    uint8_t mask[4] = { 255, 255, 0, 255 };
    assert_int_equal(
        GDALRasterIO(GDALGetMaskBand(GDALGetRasterBand(ds, 1)), GF_Write, 0, 0, 2, 2, mask, 2, 2, GDT_Byte, 0, 0),
        CE_None);
    GDALClose(ds);
    CPLSetConfigOption("GDAL_TIFF_INTERNAL_MASK", NULL);
    assert_done(sal_raster_open(ctx, in_folder("mask.tif"), &raster));
    assert_done(sal_raster_read(raster, (int64_t[]){ 0, 1 }, 2, 0, 0, 2, 2, out));
    for (int i = 0; i < 8; i++) assert_int_equal(isnan(out[i]) != 0, i / 2 == 2);
    assert_float_equal(out[7], 255, 0);
    sal_raster_free(raster);
}

static void raster_grid_says_crs_unit_and_position(void **state)
{
    GDALClose(make_raster(in_folder("grid.tif"), GDT_Byte, 5, 4, 1, NULL, NULL));
    sal_raster *raster;
    assert_done(sal_raster_open(ctx, in_folder("grid.tif"), &raster));
    const sal_grid *grid = sal_raster_grid(raster);
    assert_string_equal(grid->crs_name, "EPSG:32650 (WGS 84 / UTM zone 50N)");
    assert_true(grid->is_metric && grid->columns == 5 && grid->rows == 4);
    double column, row;
    sal_grid_locate(grid, 500015, 4199995, &column, &row);
    assert_near(column, 1.5, 1e-9);
    assert_near(row, 0.5, 1e-9);
    sal_grid same = utm(5, 4), degrees;
    assert_true(sal_grid_equal(grid, &same));
    same.x0 += 0.02;
    assert_false(sal_grid_equal(grid, &same));
    assert_done(sal_grid_from_crs(ctx, "EPSG:4326", 5, 4, 117, 40, 0.1, &degrees));
    assert_false(degrees.is_metric);
    assert_false(sal_grid_same_crs(degrees.wkt, same.wkt));
    assert_true(sal_grid_same_crs(same.wkt, "EPSG:32650"));
    sal_grid_clear(ctx, &degrees);
    assert_int_equal(sal_grid_from_crs(ctx, "no such system", 5, 4, 0, 0, 1, &degrees), SAL_STATUS_ARGUMENT);
    sal_grid_clear(ctx, &same);
    sal_raster_free(raster);
}

static void set_geotransform(const char *path, double dx, double rx, double ry, double dy)
{
    GDALDatasetH ds = make_raster(path, GDT_Byte, 4, 4, 1, NULL, NULL);
    double g[6] = { 500000, dx, rx, 4200000, ry, dy };
    GDALSetGeoTransform(ds, g);
    GDALClose(ds);
}

static void raster_open_refuses_what_cannot_be_mapped(void **state)
{
    refuse(in_folder("missing.tif"), SAL_STATUS_IO, "cannot be opened");
    sal_error_clear(ctx);
    FILE *file = fopen(in_folder("text.tif"), "w");
    fputs("this is no raster", file);
    fclose(file);
    refuse(in_folder("text.tif"), SAL_STATUS_IO, "cannot be opened");
    sal_error_clear(ctx);
    set_geotransform(in_folder("rotated.tif"), 10, 1, 1, -10);
    refuse(in_folder("rotated.tif"), SAL_STATUS_DATA, "rotated");
    sal_error_clear(ctx);
    set_geotransform(in_folder("oblong.tif"), 10, 0, 0, -20);
    refuse(in_folder("oblong.tif"), SAL_STATUS_DATA, "10 x 20");
    sal_error_clear(ctx);
    set_geotransform(in_folder("south.tif"), 10, 0, 0, 10);
    refuse(in_folder("south.tif"), SAL_STATUS_DATA, "north-up");
    sal_error_clear(ctx);
    set_geotransform(in_folder("almost.tif"), 10, 0, 0, -10.000001);
    assert_done(open_status(in_folder("almost.tif")));

    double g[6] = { 500000, 10, 0, 4200000, 0, -10 };
    GDALDatasetH ds = GDALCreate(GDALGetDriverByName("GTiff"), in_folder("nocrs.tif"), 4, 4, 1, GDT_Byte, NULL);
    GDALSetGeoTransform(ds, g);
    GDALClose(ds);
    refuse(in_folder("nocrs.tif"), SAL_STATUS_DATA, "no coordinate reference system");
    sal_error_clear(ctx);
    GDALClose(GDALCreate(GDALGetDriverByName("GTiff"), in_folder("nowhere.tif"), 4, 4, 1, GDT_Byte, NULL));
    refuse(in_folder("nowhere.tif"), SAL_STATUS_DATA, "not georeferenced");
    sal_error_clear(ctx);
    GDALClose(make_raster(in_folder("complex.tif"), GDT_CFloat32, 4, 4, 1, NULL, NULL));
    refuse(in_folder("complex.tif"), SAL_STATUS_DATA, "complex");
}

static void raster_read_of_a_cut_file_fails_and_names_the_rows(void **state)
{
    const char *names[2] = { "cut_plain.tif", "cut_deflate.tif" };
    for (int k = 0; k < 2; k++) {
        double *v = malloc(300 * 300 * sizeof *v);
        for (int i = 0; i < 300 * 300; i++) v[i] = rand();
        char **options = k ? CSLSetNameValue(NULL, "COMPRESS", "DEFLATE") : NULL;
        const char *path = in_folder(names[k]);
        GDALClose(make_raster(path, GDT_Float32, 300, 300, 1, v, options));
        CSLDestroy(options);
        free(v);
        struct stat whole;
        assert_int_equal(stat(path, &whole), 0);
        assert_int_equal(truncate(path, whole.st_size / 2), 0);
        sal_raster *raster;
        sal_status status = sal_raster_open(ctx, path, &raster);
        if (status == SAL_STATUS_OK) {
            float *out = malloc(300 * 300 * sizeof *out);
            status = sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 300, 300, out);
            assert_message("rows 1 to 300");
            free(out);
            sal_raster_free(raster);
        }
        assert_int_equal(status, SAL_STATUS_IO);
        assert_message(names[k]);
        sal_error_clear(ctx);
    }
}

static void raster_read_of_a_cut_envi_file_fails(void **state)
{
    double *v = calloc(64 * 64, sizeof *v);
    const char *path = in_folder("cut.img");
    GDALDatasetH source = make_raster(in_folder("cut_source.tif"), GDT_Float32, 64, 64, 1, v, NULL);
    GDALDatasetH ds = GDALCreateCopy(GDALGetDriverByName("ENVI"), path, source, 0, NULL, NULL, NULL);
    GDALClose(ds);
    GDALClose(source);
    free(v);
    assert_int_equal(truncate(path, 64 * 32 * 4), 0);
    sal_raster *raster = NULL;
    sal_status status = sal_raster_open(ctx, path, &raster);
    float out[64 * 64];
    if (status == SAL_STATUS_OK) status = sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 64, 64, out);
    sal_raster_free(raster);
    assert_int_equal(status, SAL_STATUS_IO);
}

static void write_ramp(const char *path, const sal_raster_spec *spec, int64_t step_columns, int64_t step_rows)
{
    sal_raster_writer *writer;
    assert_done(sal_raster_writer_new(ctx, path, spec, &writer));
    int64_t columns = spec->grid->columns, rows = spec->grid->rows, n = spec->band_count;
    float *v = malloc((size_t)(step_columns * step_rows * n) * sizeof *v);
    for (int64_t r = 0; r < rows; r += step_rows)
        for (int64_t c = 0; c < columns; c += step_columns) {
            int64_t h = rows - r < step_rows ? rows - r : step_rows,
                    w = columns - c < step_columns ? columns - c : step_columns;
            for (int64_t i = 0; i < h; i++)
                for (int64_t j = 0; j < w; j++)
                    for (int64_t b = 0; b < n; b++)
                        v[(i * w + j) * n + b] = (r + i + c + j) % 97 == 5 ? NAN
                                                                           : (float)sin((double)(r + i) * 0.01) * 3 +
                                                                                 (float)(c + j) * 0.01f + (float)b;
            assert_done(sal_raster_writer_write(writer, c, r, w, h, v));
        }
    free(v);
    assert_done(sal_raster_writer_commit(writer));
    sal_raster_writer_free(writer);
}

static void colours_are_marked_and_three_bands_alone_are_no_picture(void **state)
{
    const char *cog[] = { "FORMAT=COG", NULL };
    const GDALColorInterp marked[4] = { GCI_Undefined, GCI_BlueBand, GCI_GreenBand, GCI_RedBand };
    const sal_raster_type types[] = { SAL_RASTER_FLOAT32, SAL_RASTER_INT16, SAL_RASTER_UINT8, SAL_RASTER_UINT16 };
    sal_grid grid = utm(40, 30);
    sal_band_spec bands[4] = { { .name = "DEM" }, { .name = "B02", .colour = SAL_COLOUR_BLUE }, { .name = "B03", .colour = SAL_COLOUR_GREEN }, { .name = "B04", .colour = SAL_COLOUR_RED } };
    for (int k = 0; k < 8; k++) {
        sal_raster_spec spec = { &grid, types[k / 2], bands, 4, types[k / 2] == SAL_RASTER_FLOAT32 ? NAN : 0, NULL, k % 2 ? cog : NULL, true };
        write_ramp(in_folder("colours.tif"), &spec, 40, 30);
        GDALDatasetH ds = GDALOpen(in_folder("colours.tif"), GA_ReadOnly);
        for (int b = 0; b < 4; b++) assert_int_equal(GDALGetRasterColorInterpretation(GDALGetRasterBand(ds, b + 1)), marked[b]);
        GDALClose(ds);
        assert_false(sal_file_exists(in_folder("colours.tif.aux.xml")));
        sal_band_spec plain[3] = { { .name = "SOS" }, { .name = "GUS" }, { .name = "SDPS" } };
        spec.bands = plain, spec.band_count = 3;
        write_ramp(in_folder("plain.tif"), &spec, 40, 30);
        ds = GDALOpen(in_folder("plain.tif"), GA_ReadOnly);
        for (int b = 0; b < 3; b++) assert_true(GDALGetRasterColorInterpretation(GDALGetRasterBand(ds, b + 1)) <= GCI_GrayIndex);
        GDALClose(ds);
    }
    sal_grid_clear(ctx, &grid);
}

typedef struct sampler {
    atomic_bool stop;
    int64_t most; /* bytes in GDAL's cache */
} sampler;

static void *sample(void *arg)
{
    sampler *s = arg;
    while (!atomic_load(&s->stop)) {
        int64_t used = GDALGetCacheUsed64();
        if (used > s->most) s->most = used;
        usleep(500);
    }
    return NULL;
}

/* 110 MB of pixels: GDAL would keep all of them and their overviews. */
static void memory_of_the_commit_does_not_grow_with_the_raster(void **state)
{
    const char *cog[] = { "FORMAT=COG", NULL };
    sal_grid grid = utm(1850, 1850);
    sal_band_spec bands[8] = { { "a", NULL, 0, 0 }, { "b", NULL, 0, 0 }, { "c", NULL, 0, 0 }, { "d", NULL, 0, 0 },
                               { "e", NULL, 0, 0 }, { "f", NULL, 0, 0 }, { "g", NULL, 0, 0 }, { "h", NULL, 0, 0 } };
    for (int k = 0; k < 2; k++) {
        sal_raster_spec spec = { &grid, SAL_RASTER_FLOAT32, bands, 8, NAN, NULL, k ? cog : NULL, true };
        int64_t before = GDALGetCacheUsed64();
        sampler s = { .most = 0 };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, sample, &s), 0);
        write_ramp(in_folder("large.tif"), &spec, 512, 512);
        atomic_store(&s.stop, true);
        pthread_join(thread, NULL);
        print_message("%s: %lld MiB of GDAL's cache at most\n", k ? "COG" : "GeoTIFF", (long long)((s.most - before) >> 20));
        assert_true(s.most - before < 48 << 20); /* 32 and what comes between two looks */
        unlink(in_folder("large.tif"));
    }
    sal_grid_clear(ctx, &grid);
}

static void raster_written_is_read_back(void **state)
{
    sal_grid grid = utm(700, 600);
    sal_band_spec bands[2] = { { "salinity", "g/kg", 0, 0 }, { "di", NULL, 0, 0 } };
    const char *metadata[] = { "SENSOR=S2", "DATE=2020-06-01", NULL };
    sal_raster_spec spec = { &grid, SAL_RASTER_FLOAT32, bands, 2, NAN, metadata, NULL, true };
    const char *path = in_folder("written.tif");
    write_ramp(path, &spec, 300, 130);
    sal_raster *raster;
    assert_done(sal_raster_open(ctx, path, &raster));
    assert_true(sal_grid_equal(&grid, sal_raster_grid(raster)));
    assert_string_equal(sal_raster_band_name(raster, 0), "salinity");
    assert_string_equal(sal_raster_band_unit(raster, 0), "g/kg");
    assert_string_equal(sal_raster_metadata(raster, "SALINA", "DATE"), "2020-06-01");
    assert_string_equal(sal_raster_metadata(raster, NULL, "AREA_OR_POINT"), "Area");
    assert_null(sal_raster_metadata(raster, "SALINA", "NOTHING"));
    float *out = malloc(700 * 600 * 2 * sizeof *out);
    assert_done(sal_raster_read(raster, (int64_t[]){ 0, 1 }, 2, 0, 0, 700, 600, out));
    double sum = 0, square = 0, low = 1e9, high = -1e9, n = 0;
    for (int r = 0; r < 600; r++)
        for (int c = 0; c < 700; c++) {
            float v = out[(r * 700 + c) * 2];
            float expected = (float)sin(r * 0.01) * 3 + (float)c * 0.01f;
            if ((r + c) % 97 == 5) {
                assert_true(isnan(v));
                continue;
            }
            assert_float_equal(v, expected, 0);
            assert_float_equal(out[(r * 700 + c) * 2 + 1], expected + 1, 1e-6);
            sum += v;
            square += (double)v * v;
            n++;
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
    free(out);
    sal_raster_free(raster);
    GDALDatasetH ds = GDALOpen(path, GA_ReadOnly);
    GDALRasterBandH band = GDALGetRasterBand(ds, 1);
    assert_int_equal(GDALGetOverviewCount(band), 2);
    assert_near(atof(GDALGetMetadataItem(band, "STATISTICS_MINIMUM", NULL)), low, 1e-6);
    assert_near(atof(GDALGetMetadataItem(band, "STATISTICS_MAXIMUM", NULL)), high, 1e-6);
    assert_near(atof(GDALGetMetadataItem(band, "STATISTICS_MEAN", NULL)), sum / n, 1e-9);
    assert_near(atof(GDALGetMetadataItem(band, "STATISTICS_STDDEV", NULL)), sqrt(square / n - sum / n * sum / n), 1e-6);
    GDALClose(ds);
    sal_grid_clear(ctx, &grid);
}

static void raster_bytes_do_not_depend_on_threads_nor_values_on_windows(void **state)
{
    sal_grid grid = utm(1100, 700);
    sal_band_spec bands[2] = { { "a", NULL, 0, 0 }, { "b", NULL, 0, 0 } };
    sal_raster_spec spec = { &grid, SAL_RASTER_FLOAT32, bands, 2, NAN, NULL, NULL, true };
    char hash[2][65];
    sal_context_set_threads(ctx, 1);
    write_ramp(in_folder("one.tif"), &spec, 512, 512);
    sal_context_set_threads(ctx, 4);
    write_ramp(in_folder("two.tif"), &spec, 512, 512);
    write_ramp(in_folder("three.tif"), &spec, 1100, 512);
    sal_context_set_threads(ctx, 0);
    assert_done(sal_file_sha256(ctx, in_folder("one.tif"), hash[0]));
    assert_done(sal_file_sha256(ctx, in_folder("two.tif"), hash[1]));
    assert_string_equal(hash[0], hash[1]);
    GDALDatasetH a = GDALOpen(in_folder("one.tif"), GA_ReadOnly), b = GDALOpen(in_folder("three.tif"), GA_ReadOnly);
    for (int k = 1; k <= 2; k++) {
        assert_int_equal(GDALChecksumImage(GDALGetRasterBand(a, k), 0, 0, 1100, 700),
                         GDALChecksumImage(GDALGetRasterBand(b, k), 0, 0, 1100, 700));
        assert_string_equal(GDALGetMetadataItem(GDALGetRasterBand(a, k), "STATISTICS_STDDEV", NULL),
                            GDALGetMetadataItem(GDALGetRasterBand(b, k), "STATISTICS_STDDEV", NULL));
    }
    GDALClose(a);
    GDALClose(b);
    sal_grid_clear(ctx, &grid);
}

static void raster_integers_are_scaled_rounded_and_kept_off_nodata(void **state)
{
    sal_grid grid = utm(8, 1);
    sal_band_spec band = { "B04", NULL, 0.0001, 0 };
    sal_raster_spec spec = { &grid, SAL_RASTER_INT16, &band, 1, -32768, NULL, NULL, false };
    const float v[8] = { 0.12344f, 0.12346f, -0.00015f, NAN, 99, -99, INFINITY, 0 };
    const double expected[8] = { 0.1234, 0.1235, -0.0002, NAN, 3.2767, -3.2767, NAN, 0 };
    sal_raster_writer *writer;
    assert_done(sal_raster_writer_new(ctx, in_folder("int.tif"), &spec, &writer));
    assert_done(sal_raster_writer_write(writer, 0, 0, 8, 1, v));
    assert_done(sal_raster_writer_set_metadata(writer, "CAMPAIGN", "wet 2020"));
    assert_done(sal_raster_writer_commit(writer));
    sal_raster_writer_free(writer);
    sal_raster *raster;
    float out[8];
    assert_done(sal_raster_open(ctx, in_folder("int.tif"), &raster));
    assert_string_equal(sal_raster_metadata(raster, "SALINA", "CAMPAIGN"), "wet 2020");
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 8, 1, out));
    for (int i = 0; i < 8; i++) {
        assert_int_equal(isnan(out[i]) != 0, isnan(expected[i]) != 0);
        if (!isnan(expected[i])) assert_near(out[i], expected[i], 1e-6);
    }
    sal_raster_free(raster);

    sal_raster_spec quality = { &grid, SAL_RASTER_UINT8, &(sal_band_spec){ "quality", NULL, 0, 0 }, 1, 255, NULL, NULL,
                                false };
    assert_done(sal_raster_writer_new(ctx, in_folder("byte.tif"), &quality, &writer));
    assert_done(sal_raster_writer_write(writer, 0, 0, 8, 1, (float[]){ 0, 1, 2, 254, 255, 300, -4, NAN }));
    assert_done(sal_raster_writer_commit(writer));
    sal_raster_writer_free(writer);
    assert_done(sal_raster_open(ctx, in_folder("byte.tif"), &raster));
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 8, 1, out));
    assert_true(out[0] == 0 && out[1] == 1 && out[3] == 254 && isnan(out[4]) && isnan(out[5]) && out[6] == 0 &&
                isnan(out[7]));
    sal_raster_free(raster);
    sal_grid_clear(ctx, &grid);
}

static void raster_can_be_a_cog(void **state)
{
    sal_grid grid = utm(1200, 900);
    sal_band_spec band = { "salinity", "g/kg", 0, 0 };
    const char *options[] = { "FORMAT=COG", NULL }, *metadata[] = { "SENSOR=S2", NULL };
    sal_raster_spec spec = { &grid, SAL_RASTER_FLOAT32, &band, 1, NAN, metadata, options, true };
    int before = files_in_folder();
    write_ramp(in_folder("cog.tif"), &spec, 1200, 512);
    assert_int_equal(files_in_folder(), before + 1);
    GDALDatasetH ds = GDALOpen(in_folder("cog.tif"), GA_ReadOnly);
    assert_string_equal(GDALGetMetadataItem(ds, "LAYOUT", "IMAGE_STRUCTURE"), "COG");
    assert_true(GDALGetOverviewCount(GDALGetRasterBand(ds, 1)) >= 1);
    assert_non_null(GDALGetMetadataItem(GDALGetRasterBand(ds, 1), "STATISTICS_MEAN", NULL));
    assert_string_equal(GDALGetDescription(GDALGetRasterBand(ds, 1)), "salinity");
    GDALClose(ds);
    sal_raster *raster;
    assert_done(sal_raster_open(ctx, in_folder("cog.tif"), &raster));
    assert_string_equal(sal_raster_metadata(raster, "SALINA", "SENSOR"), "S2");
    sal_raster_free(raster);
    sal_grid_clear(ctx, &grid);
}

static void raster_without_commit_leaves_nothing(void **state)
{
    sal_grid grid = utm(600, 600);
    sal_band_spec band = { "a", NULL, 0, 0 };
    sal_raster_spec spec = { &grid, SAL_RASTER_FLOAT32, &band, 1, NAN, NULL, NULL, true };
    int before = files_in_folder();
    sal_raster_writer *writer;
    assert_done(sal_raster_writer_new(ctx, in_folder("never.tif"), &spec, &writer));
    float *v = calloc(600 * 600, sizeof *v);
    assert_done(sal_raster_writer_write(writer, 0, 0, 600, 600, v));
    assert_int_equal(sal_raster_writer_write(writer, 1, 0, 600, 600, v), SAL_STATUS_INTERNAL);
    free(v);
    sal_raster_writer_free(writer);
    assert_int_equal(files_in_folder(), before);
    sal_error_clear(ctx);
    assert_int_equal(sal_raster_writer_new(ctx, "/no/such/folder/a.tif", &spec, &writer), SAL_STATUS_IO);
    assert_message("/no/such/folder");
    sal_grid_clear(ctx, &grid);
}

static void raster_write_past_the_disk_limit_is_an_error(void **state)
{
    sal_grid grid = utm(1024, 1024);
    sal_band_spec band = { "noise", NULL, 0, 0 };
    sal_raster_spec spec = { &grid, SAL_RASTER_FLOAT32, &band, 1, NAN, NULL, NULL, true };
    float *v = malloc(1024 * 1024 * sizeof *v);
    for (int i = 0; i < 1024 * 1024; i++) v[i] = (float)sal_random_uniform(1, 2, (uint64_t)i);
    struct rlimit old, tight;
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    int before = files_in_folder();
    /* Full while writing, while closing, while building overviews. */
    for (rlim_t limit = 10000; limit < 4800000; limit += 470000) {
        sal_error_clear(ctx);
        tight = (struct rlimit){ limit, old.rlim_max };
        setrlimit(RLIMIT_FSIZE, &tight);
        sal_raster_writer *writer = NULL;
        sal_status status = sal_raster_writer_new(ctx, in_folder("full.tif"), &spec, &writer);
        if (status == SAL_STATUS_OK) status = sal_raster_writer_write(writer, 0, 0, 1024, 1024, v);
        if (status == SAL_STATUS_OK) status = sal_raster_writer_commit(writer);
        sal_raster_writer_free(writer);
        setrlimit(RLIMIT_FSIZE, &old);
        if (status != SAL_STATUS_IO) fail_msg("limit %ld: status %d", (long)limit, status);
        assert_message("full.tif");
        assert_int_equal(files_in_folder(), before);
    }
    free(v);
    sal_grid_clear(ctx, &grid);
}

static int32_t cancel_at_once(void *user, double fraction, const char *message) { return 1; }

static void raster_commit_can_be_cancelled(void **state)
{
    sal_grid grid = utm(2000, 2000);
    sal_band_spec band = { "a", NULL, 0, 0 };
    sal_raster_spec spec = { &grid, SAL_RASTER_FLOAT32, &band, 1, NAN, NULL, NULL, true };
    int before = files_in_folder();
    sal_context *other = ctx;
    assert_int_equal(sal_context_new(&ctx), 0);
    sal_raster_writer *writer;
    float *v = calloc(2000 * 2000, sizeof *v);
    assert_done(sal_raster_writer_new(ctx, in_folder("cancel.tif"), &spec, &writer));
    assert_done(sal_raster_writer_write(writer, 0, 0, 2000, 2000, v));
    sal_context_set_progress(ctx, cancel_at_once, NULL);
    usleep(120000);
    assert_int_equal(sal_raster_writer_commit(writer), SAL_STATUS_CANCELLED);
    sal_raster_writer_free(writer);
    free(v);
    sal_context_free(ctx);
    ctx = other;
    assert_int_equal(files_in_folder(), before);
    sal_grid_clear(ctx, &grid);
}

static void ramp_raster(const char *path, GDALDataType type)
{
    double *v = malloc(60 * 60 * sizeof *v);
    for (int r = 0; r < 60; r++)
        for (int c = 0; c < 60; c++)
            v[r * 60 + c] = 10 * (c + 0.5) + 3 * (r + 0.5) * 10; /* x - 500000 + 3 (4200000 - y), metres */
    GDALClose(make_raster(path, type, 60, 60, 1, v, NULL));
    free(v);
}

static void warp_keeps_a_linear_ramp_to_a_fraction_of_a_pixel(void **state)
{
    ramp_raster(in_folder("ramp.tif"), GDT_Float32);
    const char *methods[] = { "bilinear", "cubic" };
    for (int k = 0; k < 2; k++) {
        sal_grid grid;
        assert_done(sal_grid_from_crs(ctx, "EPSG:32650", 40, 40, 500103, 4199893, 7, &grid));
        sal_raster *raster;
        assert_done(sal_raster_open_warped(ctx, in_folder("ramp.tif"), &grid, methods[k], &raster));
        assert_true(sal_grid_equal(&grid, sal_raster_grid(raster)));
        float *out = malloc(1600 * sizeof *out);
        assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 40, 40, out));
        for (int r = 0; r < 40; r++)
            for (int c = 0; c < 40; c++)
                assert_near(out[r * 40 + c], 103 + 7 * (c + 0.5) + 3 * (107 + 7 * (r + 0.5)), 0.01);
        free(out);
        sal_raster_free(raster);
        sal_grid_clear(ctx, &grid);
    }
}

static void warp_averages_coarser_pixels_without_shift_and_without_rounding(void **state)
{
    ramp_raster(in_folder("ramp16.tif"), GDT_Int16); /* multiples of 5: exact integers */
    sal_grid grid;
    assert_done(sal_grid_from_crs(ctx, "EPSG:32650", 25, 25, 499980, 4200020, 30, &grid));
    sal_raster *raster;
    assert_done(sal_raster_open_warped(ctx, in_folder("ramp16.tif"), &grid, "average", &raster));
    float out[25 * 25];
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 25, 25, out));
    for (int r = 1; r < 19; r++)
        for (int c = 1; c < 19; c++) assert_near(out[r * 25 + c], 30 * c - 5 + 3 * (30 * r - 5), 1e-3);
    assert_true(isnan(out[24 * 25 + 24]));
    sal_raster_free(raster);
    sal_grid_clear(ctx, &grid);
}

static void warp_reprojects_and_keeps_nodata_out(void **state)
{
    double *v = malloc(100 * 100 * sizeof *v);
    for (int i = 0; i < 10000; i++) v[i] = i % 100 < 50 ? 100 : -9999;
    GDALDatasetH ds = make_raster(in_folder("half.tif"), GDT_Int16, 100, 100, 1, v, NULL);
    GDALSetRasterNoDataValue(GDALGetRasterBand(ds, 1), -9999);
    GDALSetRasterScale(GDALGetRasterBand(ds, 1), 0.01);
    GDALClose(ds);
    free(v);
    sal_grid grid;
    assert_done(sal_grid_from_crs(ctx, "EPSG:32649", 400, 400, 1027000, 4218000, 10,
                                  &grid)); /* the same place seen from the next zone */
    sal_raster *raster;
    assert_done(sal_raster_open_warped(ctx, in_folder("half.tif"), &grid, "bilinear", &raster));
    float *out = malloc(160000 * sizeof *out);
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 400, 400, out));
    int valid = 0;
    for (int i = 0; i < 160000; i++)
        if (!isnan(out[i])) {
            assert_near(out[i], 1, 1e-5);
            valid++;
        }
    assert_in_range(valid, 4500, 5500);
    free(out);
    sal_raster_free(raster);
    assert_int_equal(sal_raster_open_warped(ctx, in_folder("half.tif"), &grid, "spline", &raster), SAL_STATUS_ARGUMENT);
    sal_error_clear(ctx);
    assert_int_equal(
        sal_raster_open_warped_bands(ctx, in_folder("half.tif"), (int64_t[]){ 1 }, 1, &grid, "nearest", &raster),
        SAL_STATUS_DATA);
    assert_message("band 2");
    sal_error_clear(ctx);
    assert_int_equal(sal_raster_open_warped(ctx, in_folder("nocrs.tif"), &grid, "nearest", &raster), SAL_STATUS_DATA);
    assert_message("no coordinate reference system");
    sal_grid_clear(ctx, &grid);
}

static void warp_takes_chosen_bands_with_their_own_nodata_and_mask(void **state)
{
    double v[4 * 16];
    for (int b = 0; b < 4; b++)
        for (int i = 0; i < 16; i++) v[b * 16 + i] = b == 3 ? (i == 0 ? 0 : 255) : b * 50 + i;
    GDALClose(make_raster(in_folder("rgba.tif"), GDT_Byte, 4, 4, 4, v, (char *[]){ "ALPHA=YES", NULL }));
    sal_grid grid = utm(4, 4);
    sal_raster *raster;
    float out[32];
    assert_done(
        sal_raster_open_warped_bands(ctx, in_folder("rgba.tif"), (int64_t[]){ 2, 0 }, 2, &grid, "nearest", &raster));
    assert_int_equal(sal_raster_band_count(raster), 2);
    assert_done(sal_raster_read(raster, (int64_t[]){ 0, 1 }, 2, 0, 0, 4, 4, out));
    assert_true(isnan(out[0]) && isnan(out[1]));
    for (int i = 1; i < 16; i++) assert_true(out[2 * i] == 100 + i && out[2 * i + 1] == i);
    sal_raster_free(raster);
    sal_grid_clear(ctx, &grid);
}

static void warp_honours_masks_and_turns_south_up_sources(void **state)
{
    sal_grid grid = utm(2, 2);
    sal_raster *raster;
    float out[4];
    assert_done(
        sal_raster_open_warped_bands(ctx, in_folder("mask.tif"), (int64_t[]){ 0 }, 1, &grid, "nearest", &raster));
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 2, 2, out));
    assert_true(out[0] == 1 && out[1] == 2 && isnan(out[2]) && out[3] == 4);
    sal_raster_free(raster);
    GDALDatasetH ds = make_raster(in_folder("up.tif"), GDT_Byte, 2, 2, 1, (double[]){ 3, 4, 1, 2 }, NULL);
    double g[6] = { 500000, 10, 0, 4199980, 0, 10 };
    GDALSetGeoTransform(ds, g);
    GDALClose(ds);
    assert_done(sal_raster_open_warped(ctx, in_folder("up.tif"), &grid, "nearest", &raster));
    assert_done(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 2, 2, out));
    for (int i = 0; i < 4; i++) assert_float_equal(out[i], i + 1, 0);
    sal_raster_free(raster);
    sal_grid_clear(ctx, &grid);
}

static void raster_of_one_row_is_written_and_read(void **state)
{
    sal_grid grid = utm(1000, 1);
    sal_band_spec bands[3] = { { "a", NULL, 0, 0 }, { "b", NULL, 0, 0 }, { "c", NULL, 0, 0 } };
    sal_raster_spec spec = { &grid, SAL_RASTER_FLOAT32, bands, 3, NAN, NULL, NULL, true };
    write_ramp(in_folder("row.tif"), &spec, 1000, 1);
    sal_raster *raster;
    float *out = malloc(1000 * 3 * sizeof *out);
    assert_done(sal_raster_open(ctx, in_folder("row.tif"), &raster));
    assert_done(sal_raster_read(raster, (int64_t[]){ 0, 1, 2 }, 3, 0, 0, 1000, 1, out));
    assert_float_equal(out[3 * 999 + 2], 999 * 0.01f + 2, 1e-5);
    sal_raster_free(raster);
    free(out);
    sal_grid_clear(ctx, &grid);
}

static int32_t use_rasters(sal_context *poor)
{
    sal_grid grid = { 0 };
    sal_raster *raster = NULL;
    sal_raster_writer *writer = NULL;
    float v[64];
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_raster_open(poor, in_folder("wide.tif"), &raster));
    SAL_TRY(sal_raster_read(raster, (int64_t[]){ 0 }, 1, 0, 0, 3, 1, v));
    SAL_TRY(sal_grid_copy(poor, sal_raster_grid(raster), &grid));
    sal_raster_free(raster);
    raster = NULL;
    SAL_TRY(sal_raster_open_warped(poor, in_folder("mask.tif"), &grid, "bilinear", &raster));
    SAL_TRY(sal_raster_read(raster, (int64_t[]){ 1, 0 }, 2, 0, 0, 3, 1, v));
    const char *options[] = { "FORMAT=COG", NULL };
    sal_raster_spec spec = {
        &grid, SAL_RASTER_FLOAT32, &(sal_band_spec){ "a", NULL, 0, 0 }, 1, NAN, NULL, options, true
    };
    SAL_TRY(sal_raster_writer_new(poor, in_folder("poor.tif"), &spec, &writer));
    SAL_TRY(sal_raster_writer_write(writer, 0, 0, 3, 1, v));
    SAL_TRY(sal_raster_writer_commit(writer));
done:
    sal_raster_writer_free(writer);
    sal_raster_free(raster);
    sal_grid_clear(poor, &grid);
    return status;
}

static void raster_survives_every_failed_allocation(void **state) { fail_every_allocation(use_rasters); }

static void real_rasters_are_read_or_refused_with_reason(void **state)
{
    const char *path = shared_file("ardakan/landsat8_reflectance_90m.tif");
    if (!path) {
        print_message("no shared data; set SALINA_SHARED\n");
        skip();
    }
    sal_raster *raster;
    assert_done(sal_raster_open(ctx, path, &raster));
    assert_int_equal(sal_raster_band_count(raster), 6);
    assert_true(sal_raster_grid(raster)->is_metric);
    float *out = malloc(434 * 292 * 6 * sizeof *out);
    assert_done(sal_raster_read(raster, (int64_t[]){ 0, 1, 2, 3, 4, 5 }, 6, 0, 0, 434, 292, out));
    int valid = 0;
    for (int i = 0; i < 434 * 292 * 6; i++) valid += out[i] > 0 && out[i] < 1.5f;
    assert_true(valid > 434 * 292 * 6 / 2);
    free(out);
    sal_raster_free(raster);
    path = shared_file("aviris_ng_chips/ang20140912t192359_corr_v1c_img_2580-2590_540-550.img");
    if (path) refuse(path, SAL_STATUS_DATA, "rotated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(raster_read_beyond_the_edge_gives_nan),
        TEST(raster_read_interleaves_chosen_bands_and_applies_scale),
        TEST(raster_nodata_is_nan_in_every_type),
        TEST(raster_nodata_is_compared_before_scaling_and_before_rounding),
        TEST(raster_mask_and_alpha_give_nan),
        TEST(raster_grid_says_crs_unit_and_position),
        TEST(raster_open_refuses_what_cannot_be_mapped),
        TEST(raster_read_of_a_cut_file_fails_and_names_the_rows),
        TEST(raster_read_of_a_cut_envi_file_fails),
        TEST(colours_are_marked_and_three_bands_alone_are_no_picture),
        TEST(memory_of_the_commit_does_not_grow_with_the_raster),
        TEST(raster_written_is_read_back),
        TEST(raster_bytes_do_not_depend_on_threads_nor_values_on_windows),
        TEST(raster_integers_are_scaled_rounded_and_kept_off_nodata),
        TEST(raster_can_be_a_cog),
        TEST(raster_without_commit_leaves_nothing),
        TEST(raster_write_past_the_disk_limit_is_an_error),
        TEST(raster_commit_can_be_cancelled),
        TEST(warp_keeps_a_linear_ramp_to_a_fraction_of_a_pixel),
        TEST(warp_averages_coarser_pixels_without_shift_and_without_rounding),
        TEST(warp_reprojects_and_keeps_nodata_out),
        TEST(warp_takes_chosen_bands_with_their_own_nodata_and_mask),
        TEST(warp_honours_masks_and_turns_south_up_sources),
        TEST(raster_of_one_row_is_written_and_read),
        TEST(raster_survives_every_failed_allocation),
        TEST(real_rasters_are_read_or_refused_with_reason),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
