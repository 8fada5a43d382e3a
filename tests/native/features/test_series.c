/* test_series.c - dated rasters of every kind as one series: bands, dates, masks, several files of a day, and what is refused. */
#include "features/series.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { N = 12, DATES = 46, PATHS = 64 };
static sal_context *ctx;
static char folder[256], paths[PATHS][400];
static int64_t path_count;

static double season(double day)
{
    return 0.15 + 0.6 * (1 / (1 + exp(-0.1 * (day - 130))) + 1 / (1 + exp(0.12 * (day - 250))) - 1);
}

/* 1, 9, 17 ... day of 2019 as text by a format of year, month, day. */
static void date_of(int64_t i, int year, char out[16])
{
    static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int day = (int)(1 + 8 * i), month = 0;
    while (day > length[month]) day -= length[month++];
    snprintf(out, 16, "%04d-%02d-%02d", year, (month + 1) % 100, day % 100);
}

typedef struct picture {
    const char *bands;    /* "B04,B08" */
    const char *metadata; /* "DATE=..." or NULL */
    double pixel;         /* 0: 10 m */
    double west;          /* 0: 500000 */
    int64_t size;         /* 0: N */
} picture;

/* Writes a raster whose band b of pixel i holds value(b, i, day). */
static void make(const char *name, picture p, float (*value)(int band, int64_t i, double day), double day)
{
    sal_band_spec specs[64];
    char copy[1024], *rest = copy;
    int64_t n = 0, size = p.size ? p.size : N;
    sal_grid grid;
    sal_raster_writer *writer;
    const char *const metadata[] = { p.metadata, NULL };
    snprintf(copy, sizeof copy, "%s", p.bands);
    for (char *word; (word = strsep(&rest, ","));) specs[n++] = (sal_band_spec){ .name = word, .scale = 1 };
    float *values = malloc(sizeof(float) * (size_t)(size * size * n));
    for (int64_t i = 0; i < size * size * n; i++) values[i] = value((int)(i % n), i / n, day);
    sal_error_clear(ctx);
    assert_int_equal(sal_grid_from_crs(ctx, "EPSG:32650", size, size, p.west ? p.west : 500000, 4200000,
                                       p.pixel ? p.pixel : 10, &grid),
                     SAL_STATUS_OK);
    sal_raster_spec spec = { .grid = &grid,
                             .type = SAL_RASTER_FLOAT32,
                             .bands = specs,
                             .band_count = n,
                             .nodata = NAN,
                             .metadata = p.metadata ? metadata : NULL };
    snprintf(paths[path_count], sizeof paths[0], "%s/%s", folder, name);
    if (sal_raster_writer_new(ctx, paths[path_count], &spec, &writer) != SAL_STATUS_OK)
        fail_msg("%s", sal_context_message(ctx));
    assert_int_equal(sal_raster_writer_write(writer, 0, 0, size, size, values), SAL_STATUS_OK);
    assert_int_equal(sal_raster_writer_commit(writer), SAL_STATUS_OK);
    sal_raster_writer_free(writer);
    sal_grid_clear(ctx, &grid);
    free(values);
    path_count++;
}

static float index_value(int band, int64_t i, double day) { return (float)season(day); }

static float hazy(int band, int64_t i, double day) { return (float)(season(day) - 0.1 + 0.2 * (double)(i % 2)); }

static float missing_odd(int band, int64_t i, double day) { return i % 2 ? NAN : (float)season(day); }

/* Red .1 and the near infrared that gives the season; a cloud class for the third band. */
static float scene_value(int band, int64_t i, double day)
{
    const double ndvi = season(day);
    return band == 0 ? 0.1f : (float)(0.1 * (1 + ndvi) / (1 - ndvi));
}

static float numbers(int band, int64_t i, double day) { return roundf(10000 * scene_value(band, i, day)); }

static float evi2_of_scene(double day)
{
    const double nir = scene_value(1, 0, day);
    return (float)(2.5 * (nir - 0.1) / (nir + 0.24 + 1));
}

/* Every fourth date lies under a cloud that SCL knows. */
static float clouded(int band, int64_t i, double day)
{
    const bool cloud = (int)day % 32 == 1;
    return band == 2 ? (cloud ? 9 : 4) : cloud ? 0.8f : scene_value(band, i, day);
}

static float landsat(int band, int64_t i, double day)
{
    const bool cloud = (int)day % 32 == 1;
    return band == 2 ? (cloud ? 22280 : 21824) : cloud ? 0.8f : scene_value(band, i, day); /* usual QA_PIXEL words */
}

static float by_date(int band, int64_t i, double day) { return (float)season(1 + 8.0 * band); }

static sal_status open_with(const char *index, int64_t year, double scale, sal_series **series)
{
    const char *list[PATHS];
    for (int64_t i = 0; i < path_count; i++) list[i] = paths[i];
    const sal_series_request request = { list, path_count, index, year, "", scale, 0 };
    sal_error_clear(ctx);
    return sal__series_open(ctx, &request, series);
}

static sal_status place_with(sal_series *series, const char *crs, double west)
{
    sal_grid grid;
    sal_phenology_options o = sal_phenology_defaults();
    o.lambda = 100;
    assert_int_equal(sal_grid_from_crs(ctx, crs, N, N, west, 4200000, 10, &grid), SAL_STATUS_OK);
    sal_status status = sal__series_place(series, &grid, &o);
    sal_grid_clear(ctx, &grid);
    return status;
}

/* SOS, PEAK and PHENO_OBS of the grid (N, N, 3). */
static void seasons(const char *index, float *out)
{
    sal_series *series = NULL;
    const int64_t which[] = { sal_phenology_find("SOS"), sal_phenology_find("PEAK"), sal_phenology_find("PHENO_OBS") };
    if (open_with(index, 0, 1, &series) != SAL_STATUS_OK || place_with(series, "EPSG:32650", 500000) != SAL_STATUS_OK ||
        sal__series_seasons(series, 0, 0, N, N, which, 3, out) != SAL_STATUS_OK)
        fail_msg("%s", sal_context_message(ctx));
    sal__series_free(series);
}

static void expect_season(const float *out, double peak, double observations)
{
    for (int64_t i = 0; i < N * N; i++) {
        if (!(fabs(out[3 * i] - 116.1) < 3 && fabs(out[3 * i + 1] - peak) < 0.02))
            fail_msg("pixel %d: SOS %.1f, peak %.3f", (int)i, out[3 * i], out[3 * i + 1]);
        assert_true(fabs(out[3 * i + 2] - observations) <= 1);
    }
}

/* DATES files by a name with %s for the date. */
static void make_all(const char *format, picture p, float (*value)(int, int64_t, double))
{
    for (int64_t i = 0; i < DATES; i++) {
        char name[128], date[16];
        date_of(i, 2019, date);
        snprintf(name, sizeof name, format, date);
        make(name, p, value, (double)(1 + 8 * i));
    }
}

static void every_kind_of_raster_gives_the_same_season(void **state)
{
    float out[N * N * 3];
    char bands[1024] = "", date[16];
    make_all("a_NDVI_%s.tif", (picture){ "" }, index_value);
    seasons("NDVI", out);
    const float observations = out[2];
    expect_season(out, 0.7485, observations);
    path_count = 0;
    make_all("S2A_%s.tif", (picture){ "B04,B08" }, scene_value);
    seasons("NDVI", out);
    expect_season(out, 0.7485, observations);
    seasons("EVI2", out);
    assert_true(fabs(out[1] - evi2_of_scene(186)) < 0.03);
    path_count = 0;
    for (int64_t i = 0; i < DATES; i++) {
        date_of(i, 2019, date);
        snprintf(bands + strlen(bands), sizeof bands - strlen(bands), "%s%s", i ? "," : "", date);
    }
    make("whole_year.tif", (picture){ bands }, by_date, 0);
    seasons("NDVI", out);
    expect_season(out, 0.7485, observations);
}

static void masks_of_a_file_leave_clouds_out(void **state)
{
    float clear[N * N * 3], out[N * N * 3];
    make_all("S2A_%s.tif", (picture){ "B04,B08" }, scene_value);
    seasons("NDVI", clear);
    path_count = 0;
    make_all("S2B_%s.tif", (picture){ "B04,B08,SCL" }, clouded);
    seasons("NDVI", out);
    assert_true(fabs(out[0] - clear[0]) < 4 && out[2] < 0.8 * clear[2]);
    path_count = 0;
    make_all("LC08_%s.tif", (picture){ "SR_B4,SR_B5,QA_PIXEL" }, landsat);
    seasons("NDVI", out);
    assert_true(fabs(out[0] - clear[0]) < 4 && out[2] < 0.8 * clear[2]);
}

static void files_of_one_day_are_averaged_and_count_once(void **state)
{
    float one[N * N * 3], out[N * N * 3];
    make_all("a_%s.tif", (picture){ "NDVI" }, index_value);
    seasons("NDVI", one);
    for (int64_t i = 0; i < 12; i++) {
        char name[64], date[16];
        date_of(20 + i % 12, 2019, date);
        snprintf(name, sizeof name, "b_%s_east.tif", date);
        make(name, (picture){ "NDVI" }, hazy, 1 + 8.0 * (double)(20 + i % 12));
    }
    seasons("NDVI", out);
    assert_true(fabs(out[0] - one[0]) < 2 && out[2] == one[2]);
    assert_true(fabs(out[1] - one[1] + 0.05) < 0.02 &&
                fabs(out[4] - one[4] - 0.05) < 0.02); /* half of -.1 and of +.1 */
    path_count = DATES;
    for (int64_t i = 20; i < 32; i++) {
        char name[64], date[16];
        date_of(i, 2019, date);
        snprintf(name, sizeof name, "c_%s_gaps.tif", date);
        make(name, (picture){ "NDVI" }, missing_odd, 1 + 8.0 * (double)i);
    }
    seasons("NDVI", out);
    assert_true(out[1] == one[1] && out[4] == one[4]); /* what is missing in one file comes from the other */
}

static void other_grids_are_brought_on_that_of_the_stack(void **state)
{
    float out[N * N * 3];
    make_all("S2A_%s.tif", (picture){ "B04,B08,SCL", .pixel = 20, .west = 499970, .size = 16 }, clouded);
    sal_series *series = NULL;
    const int64_t which = sal_phenology_find("SOS");
    assert_int_equal(open_with("NDVI", 0, 1, &series), SAL_STATUS_OK);
    if (place_with(series, "EPSG:32650", 500000) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    assert_int_equal(sal__series_seasons(series, 3, 5, 4, 2, &which, 1, out), SAL_STATUS_OK);
    for (int i = 0; i < 8; i++) assert_true(fabs(out[i] - 116.1) < 5);
    sal__series_free(series);
}

static void dates_come_from_names_days_of_the_year_and_metadata(void **state)
{
    sal_series *series = NULL;
    json_object *object;
    for (int64_t i = 0; i < DATES; i++) {
        char name[64], date[32];
        date_of(i, 2019, date + 5);
        memcpy(date, "DATE=", 5);
        const int kind = (int)(i % 3);
        if (kind == 0) snprintf(name, sizeof name, "MOD13Q1.A2019%03d.h27v05.tif", (int)(1 + 8 * i));
        if (kind == 1) snprintf(name, sizeof name, "picture%d.tif", (int)i);
        if (kind == 2) snprintf(name, sizeof name, "S30_%.4s%.2s%.2sT0310.tif", date + 5, date + 10, date + 13);
        make(name, (picture){ "NDVI", kind == 1 ? date : NULL }, index_value, (double)(1 + 8 * i));
    }
    make("old_20150601.tif", (picture){ "NDVI" }, index_value, 150); /* no part of 2019 */
    if (open_with("NDVI", 0, 1, &series) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    assert_int_equal(sal__series_file_count(series), DATES);
    assert_int_equal(sal__series_describe(series, &object), SAL_STATUS_OK);
    assert_int_equal(json_object_get_int(json_object_object_get(object, "year")), 2019);
    assert_int_equal(json_object_get_int(json_object_object_get(object, "dates")), DATES);
    assert_string_equal(json_object_get_string(json_object_object_get(object, "first_date")), "2019-01-01");
    assert_string_equal(json_object_get_string(json_object_object_get(object, "last_date")), "2019-12-27");
    json_object_put(object);
    sal__series_free(series);
}

static void refuse(sal_status expected, const char *index, int64_t year, const char *a, const char *b)
{
    sal_series *series = NULL;
    const sal_status status = open_with(index, year, 1, &series);
    const char *message = sal_context_message(ctx);
    if (status != expected || !strstr(message, a) || !strstr(message, b)) fail_msg("%d: %s", status, message);
    assert_null(series);
    path_count = 0;
}

static void what_is_no_series_is_refused_by_name(void **state)
{
    make("undated.tif", (picture){ "NDVI" }, index_value, 1);
    refuse(SAL_STATUS_DATA, "NDVI", 0, "undated.tif", "no date");
    make("bad_2019.tif", (picture){ "NDVI", "DATE=2019-02-30" }, index_value, 1);
    refuse(SAL_STATUS_DATA, "NDVI", 0, "bad_2019.tif", "2019-02-30");
    make("x_20190601.tif", (picture){ "B03,B04" }, scene_value, 1);
    refuse(SAL_STATUS_DATA, "NDVI", 0, "x_20190601.tif", "R|NIR");
    make("x_20190602.tif", (picture){ "B04" }, scene_value, 1);
    refuse(SAL_STATUS_DATA, "NDVI", 0, "x_20190602.tif", "no file of the band NIR");
    make("evi2_20190601.tif", (picture){ "" }, index_value, 1);
    refuse(SAL_STATUS_DATA, "NDVI", 0, "holds EVI2", "set series_index to EVI2");
    make("x_20190603.tif", (picture){ "NDVI" }, index_value, 1);
    refuse(SAL_STATUS_ARGUMENT, "NDWIX", 0, "NDWIX", "no index");
    make("x_20190604.tif", (picture){ "NDVI" }, index_value, 1);
    refuse(SAL_STATUS_DATA, "NDVI", 2012, "no date in 2012", "from 2019 to 2019");
    make("x_20190605.tif", (picture){ "NDVI" }, index_value, 1);
    memcpy(paths[1], paths[0], sizeof paths[0]);
    path_count = 2;
    refuse(SAL_STATUS_ARGUMENT, "NDVI", 0, "x_20190605.tif", "twice");
}

static void refuse_place(double west, double scale, const char *a, const char *b)
{
    sal_series *series = NULL;
    if (open_with("NDVI", 0, scale, &series) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    const sal_status status = place_with(series, "EPSG:32650", west);
    const char *message = sal_context_message(ctx);
    if (status != SAL_STATUS_DATA || !strstr(message, a) || !strstr(message, b)) fail_msg("%d: %s", status, message);
    sal__series_free(series);
}

static void what_does_not_fit_is_refused_before_the_work(void **state)
{
    make_all("S2A_%s.tif", (picture){ "B04,B08" }, numbers);
    refuse_place(500000, 1, "no reflectance", "series_scale");
    refuse_place(900000, 0.0001, "does not overlap", "S2A_2019-01-01.tif");
    path_count = 4;
    refuse_place(500000, 0.0001, "4 dates", "at least 6");
    path_count = 0;
    make_all("a_%s.tif", (picture){ "NDVI" }, numbers);
    refuse_place(500000, 1, "no NDVI between -1 and 1", "series_scale");
}

static int set_up(void **state)
{
    const char *tmp = getenv("TMPDIR");
    path_count = 0;
    snprintf(folder, sizeof folder, "%s/salina-series-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(folder) && sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    DIR *dir = opendir(folder);
    char path[700];
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    sal_context_free(ctx);
    return rmdir(folder);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_kind_of_raster_gives_the_same_season),          CASE(masks_of_a_file_leave_clouds_out),
        CASE(files_of_one_day_are_averaged_and_count_once),        CASE(other_grids_are_brought_on_that_of_the_stack),
        CASE(dates_come_from_names_days_of_the_year_and_metadata), CASE(what_is_no_series_is_refused_by_name),
        CASE(what_does_not_fit_is_refused_before_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
