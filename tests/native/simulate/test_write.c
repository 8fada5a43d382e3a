/* test_write.c - the folder of a delta: what is in it, what is refused, and that failures leave nothing behind. */
#define _GNU_SOURCE
#include "simulate/write.h"
#include "data/samples.h"
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static sal_context *ctx;
static char base[512], folder[600];

/* Deletes a folder's files and one level of folders, and says how many files there were; `keep` only counts. */
static int sweep(const char *path, bool keep)
{
    DIR *dir = opendir(path);
    int count = 0;
    if (!dir) return 0;
    for (struct dirent *e; (e = readdir(dir));) {
        char inner[1200];
        struct stat info;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        if (stat(inner, &info) == 0 && S_ISDIR(info.st_mode)) {
            count += sweep(inner, keep);
        } else {
            count++;
            if (!keep) unlink(inner);
        }
    }
    closedir(dir);
    if (!keep) rmdir(path);
    return count;
}

static int set_up(void **state SAL_UNUSED)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(base, sizeof base, "%s/salina-delta-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(base)) return -1;
    snprintf(folder, sizeof folder, "%s/delta", base);
    return sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1;
}

static int tear_down(void **state SAL_UNUSED)
{
    sweep(base, false);
    sal_context_free(ctx);
    return 0;
}

static sal_status write_delta(int64_t size, int64_t campaigns)
{
    sal_delta_summary summary;
    sal_delta_request request = { folder, size, campaigns, 24, INT64_C(1) << 30, 3, 1 };
    sal_error_clear(ctx);
    return sal_delta_write(ctx, &request, &summary);
}

static const char *in_folder(const char *name)
{
    static char path[900];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void folder_holds_scenes_samples_and_truth(void **state SAL_UNUSED)
{
    static const char *const names[] = { "dem.tif",
                                         "scene_2019-07-18.tif",
                                         "scene_2020-03-19.tif",
                                         "phenology_2019-07.tif",
                                         "phenology_2020-03.tif",
                                         "ndvi_series_2019-07.tif",
                                         "samples.gpkg",
                                         "README.txt",
                                         "truth/drivers.tif",
                                         "truth/phenology_2019-07.tif",
                                         "truth/salinity_2019-07.tif",
                                         "truth/salinity_2020-03.tif",
                                         "truth/samples_drivers.csv" };
    assert_int_equal(write_delta(96, 2), SAL_STATUS_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!sal_file_exists(in_folder(names[i]))) fail_msg("no %s", names[i]);
    assert_int_equal(sweep(folder, true), sizeof names / sizeof *names);
}

static void series_is_dated_and_its_truth_lies_between_its_days(void **state SAL_UNUSED)
{
    enum { N = 96 };
    sal_raster *series = NULL, *season = NULL;
    static float ndvi[SAL_DELTA_DATES][N * N], truth[N * N * 3];
    const int64_t bands[] = { 0, 1, 2 };
    int64_t grown = 0, seen = 0;
    assert_int_equal(write_delta(N, 1), SAL_STATUS_OK);
    assert_int_equal(sal_raster_open(ctx, in_folder("ndvi_series_2019-07.tif"), &series), SAL_STATUS_OK);
    assert_int_equal(sal_raster_open(ctx, in_folder("truth/phenology_2019-07.tif"), &season), SAL_STATUS_OK);
    assert_int_equal(sal_raster_band_count(series), SAL_DELTA_DATES);
    assert_string_equal(sal_raster_band_name(series, 0), "2019-01-03");
    assert_string_equal(sal_raster_band_name(series, 72), "2019-12-29");
    for (int64_t t = 0; t < SAL_DELTA_DATES; t++)
        assert_int_equal(sal_raster_read(series, &t, 1, 0, 0, N, N, ndvi[t]), SAL_STATUS_OK);
    assert_int_equal(sal_raster_read(season, bands, 3, 0, 0, N, N, truth), SAL_STATUS_OK);
    for (int64_t i = 0; i < N * N; i++) {
        for (int64_t t = 0; t < SAL_DELTA_DATES; t++) {
            seen += !isnan(ndvi[t][i]);
            assert_true(isnan(ndvi[t][i]) || (ndvi[t][i] > -0.5 && ndvi[t][i] < 1));
        }
        if (isnan(truth[3 * i])) continue;
        grown++;
        assert_true(truth[3 * i] >= 1 && truth[3 * i] < truth[3 * i + 2] && truth[3 * i + 2] < 366 && truth[3 * i + 1] > 0);
    }
    assert_true(grown > N * N / 4 && seen > 20 * N * N && seen < 60 * N * N); /* 55 % of 73 */
    sal_raster_free(series);
    sal_raster_free(season);
}

static void scene_is_a_stack_of_sentinel_bands(void **state SAL_UNUSED)
{
    sal_stack *stack = NULL;
    assert_int_equal(write_delta(96, 1), SAL_STATUS_OK);
    assert_int_equal(sal_stack_open(ctx, in_folder("scene_2019-07-18.tif"), &stack), SAL_STATUS_OK);
    assert_int_equal(sal_stack_covariate_count(stack), SAL_DELTA_BANDS);
    for (int b = 0; b < SAL_DELTA_BANDS; b++)
        assert_string_equal(sal_stack_covariate(stack, b), sal_delta_band_names[b]);
    assert_string_equal(sal_stack_sensor(stack), "Sentinel-2");
    assert_string_equal(sal_stack_date(stack), "2019-07-18");
    assert_string_equal(sal_stack_campaign(stack), "2019-07");
    const sal_grid *grid = sal_stack_grid(stack);
    assert_true(grid->is_metric && grid->columns == 96 && grid->pixel == 10 && grid->x0 == SAL_DELTA_WEST);
    assert_non_null(strstr(grid->crs_name, "32650"));
    sal_stack_free(stack);
}

static void truth_file_holds_the_truth_and_drivers_add_up(void **state SAL_UNUSED)
{
    enum { N = 96 };
    sal_delta *delta = NULL;
    sal_raster *truth = NULL, *drivers = NULL;
    static float s[N * N], f[N * N * SAL_DELTA_DRIVERS];
    int64_t bands[SAL_DELTA_DRIVERS] = { 0, 1, 2, 3, 4, 5, 6, 7 };
    assert_int_equal(write_delta(N, 1), SAL_STATUS_OK);
    assert_int_equal(sal_delta_new(ctx, N, 3, &delta), SAL_STATUS_OK);
    assert_int_equal(sal_delta_enter(delta, 0), SAL_STATUS_OK);
    assert_int_equal(sal_raster_open(ctx, in_folder("truth/salinity_2019-07.tif"), &truth), SAL_STATUS_OK);
    assert_int_equal(sal_raster_read(truth, bands, 1, 0, 0, N, N, s), SAL_STATUS_OK);
    assert_int_equal(sal_raster_open(ctx, in_folder("truth/drivers.tif"), &drivers), SAL_STATUS_OK);
    assert_int_equal(sal_raster_read(drivers, bands, SAL_DELTA_DRIVERS, 0, 0, N, N, f), SAL_STATUS_OK);
    for (int j = 0; j < SAL_DELTA_DRIVERS; j++)
        assert_string_equal(sal_raster_band_name(drivers, j), sal_delta_driver_names[j]);
    for (int64_t i = 0; i < N * N; i++) {
        if (sal_delta_is_water(delta, i)) {
            assert_true(isnan(s[i]));
            continue;
        }
        assert_true(s[i] == delta->salinity[i]);
        double parts[2], eta = SAL_DELTA_MEAN;
        sal_delta_campaign_contributions(delta, i, parts);
        eta += parts[0] + parts[1];
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++) eta += (double)f[i * SAL_DELTA_DRIVERS + j];
        assert_true(fabs(sal_delta_salinity(eta) / (double)s[i] - 1) <
                    0.0025); /* eight parts stored in steps of .0005 */
    }
    sal_raster_free(truth);
    sal_raster_free(drivers);
    sal_delta_free(delta);
}

static void samples_can_be_read_and_belong_to_their_campaign(void **state SAL_UNUSED)
{
    sal_samples *samples = NULL;
    sal_stack *stacks[2] = { 0 };
    assert_int_equal(write_delta(160, 2), SAL_STATUS_OK);
    assert_int_equal(sal_samples_read(ctx, in_folder("samples.gpkg"), "salinity", "date", &samples), SAL_STATUS_OK);
    assert_int_equal(samples->count, 24);
    assert_int_equal(sal_stack_open(ctx, in_folder("scene_2019-07-18.tif"), &stacks[0]), SAL_STATUS_OK);
    assert_int_equal(sal_stack_open(ctx, in_folder("scene_2020-03-19.tif"), &stacks[1]), SAL_STATUS_OK);
    assert_int_equal(sal_samples_match(ctx, samples, stacks, 2), SAL_STATUS_OK);
    assert_int_equal(samples->count, 24);
    for (int64_t i = 0; i < 24; i++)
        assert_string_equal(samples->items[i].date, sal_stack_date(stacks[samples->items[i].stack]));
    sal_samples_free(ctx, samples);
    sal_stack_free(stacks[0]);
    sal_stack_free(stacks[1]);
}

static void an_earlier_delta_is_not_overwritten(void **state SAL_UNUSED)
{
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(sal_file_write(ctx, in_folder("notes.txt"), "mine", 4), SAL_STATUS_OK);
    assert_int_equal(sal_file_write(ctx, in_folder("dem.tif"), "mine", 4), SAL_STATUS_OK);
    assert_int_equal(write_delta(96, 1), SAL_STATUS_ARGUMENT);
    assert_non_null(strstr(sal_context_message(ctx), "holds dem.tif already"));
    assert_int_equal(sweep(folder, true), 2);
    unlink(in_folder("dem.tif"));
    assert_int_equal(write_delta(96, 1), SAL_STATUS_OK); /* a foreign file does not matter */
    assert_true(sal_file_exists(in_folder("notes.txt")));
}

static void a_file_in_place_of_the_folder_is_refused(void **state SAL_UNUSED)
{
    assert_int_equal(sal_file_write(ctx, folder, "x", 1), SAL_STATUS_OK);
    assert_int_equal(write_delta(96, 1), SAL_STATUS_ARGUMENT);
    assert_non_null(strstr(sal_context_message(ctx), "is a file, not a folder"));
}

static void a_missing_parent_folder_is_named(void **state SAL_UNUSED)
{
    snprintf(folder, sizeof folder, "%s/no/such", base);
    assert_int_equal(write_delta(96, 1), SAL_STATUS_IO);
    assert_non_null(strstr(sal_context_message(ctx), "/no/such"));
}

static void too_little_memory_is_refused_before_anything_is_written(void **state SAL_UNUSED)
{
    assert_int_equal(write_delta(12000, 1), SAL_STATUS_ARGUMENT);
    assert_non_null(strstr(sal_context_message(ctx), "12000 x 12000"));
    assert_false(sal_file_exists(folder));
}

static int32_t stop_late(void *user, double fraction, const char *message SAL_UNUSED)
{
    return fraction > *(double *)user;
}

static void cancel_leaves_nothing(void **state SAL_UNUSED)
{
    for (double when = 0.0; when < 0.9; when += 0.2) {
        sal_context_set_progress(ctx, stop_late, &when);
        assert_int_equal(write_delta(96, 1), SAL_STATUS_CANCELLED);
        assert_false(sal_file_exists(folder));
        sal_context_free(ctx); /* a cancelled context stays cancelled until the next operation */
        assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    }
}

typedef struct counter {
    int64_t count, fail_at, alive;
} counter;

static void *count_allocate(void *user, size_t bytes)
{
    counter *c = user;
    if (++c->count == c->fail_at) return NULL;
    c->alive++;
    return aligned_alloc(64, (bytes + 64) / 64 * 64);
}

static void count_release(void *user, void *memory)
{
    if (memory) ((counter *)user)->alive--;
    free(memory);
}

static void a_failed_allocation_leaves_nothing(void **state SAL_UNUSED)
{
    int64_t total = 0;
    for (int64_t at = 0, step = 0; at == 0 || at <= total; at += step) {
        counter c = { 0, at, 0 };
        sal_context *own = NULL;
        assert_int_equal(sal_context_new(&own), SAL_STATUS_OK);
        sal_context_set_allocator(own, (sal_allocator){ count_allocate, count_release, &c });
        sal_delta_summary summary;
        sal_delta_request request = { folder, 64, 1, 12, INT64_C(1) << 30, 3 };
        sal_status status = sal_delta_write(own, &request, &summary);
        assert_int_equal(status, at ? SAL_STATUS_MEMORY : SAL_STATUS_OK);
        if (at == 0) {
            total = c.count;
            step = total / 40 + 1;
            at = 1 - step;
            sweep(folder, false);
        }
        assert_false(sal_file_exists(folder));
        sal_context_free(own);
        assert_int_equal(c.alive, 0);
    }
    assert_true(total > 100);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(folder_holds_scenes_samples_and_truth),
        CASE(series_is_dated_and_its_truth_lies_between_its_days),
        CASE(scene_is_a_stack_of_sentinel_bands),
        CASE(truth_file_holds_the_truth_and_drivers_add_up),
        CASE(samples_can_be_read_and_belong_to_their_campaign),
        CASE(an_earlier_delta_is_not_overwritten),
        CASE(a_file_in_place_of_the_folder_is_refused),
        CASE(a_missing_parent_folder_is_named),
        CASE(too_little_memory_is_refused_before_anything_is_written),
        CASE(cancel_leaves_nothing),
        CASE(a_failed_allocation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
