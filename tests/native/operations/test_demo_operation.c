/* test_demo_operation.c - operation "demo" through the public interface: files, figures, refusals, cancel. */
#define _GNU_SOURCE
#include "base/json.h"
#include <salina/salina.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static sal_context *ctx;
static char base[512];

static int set_up(void **state SAL_UNUSED)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(base, sizeof base, "%s/salina-demo-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(base) && sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1;
}

static int tear_down(void **state SAL_UNUSED)
{
    static const char *const names[] = { "truth/salinity_2019-07.tif",
                                         "truth/drivers.tif",
                                         "truth/samples_drivers.csv",
                                         "scene_2019-07-18.tif",
                                         "phenology_2019-07.tif",
                                         "ndvi_series_2019-07.tif",
                                         "truth/phenology_2019-07.tif",
                                         "dem.tif",
                                         "samples.gpkg",
                                         "README.txt" };
    char path[700];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/delta/%s", base, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/delta/truth", base);
    rmdir(path);
    snprintf(path, sizeof path, "%s/delta", base);
    rmdir(path);
    sal_context_free(ctx);
    return rmdir(base); /* fails when anything else was left */
}

static int32_t run(const char *more, const char **result)
{
    char parameters[900];
    snprintf(parameters, sizeof parameters, "{\"output\": \"%s/delta\"%s}", base, more);
    return sal_operation_run(ctx, "demo", parameters, result);
}

static void demo_makes_a_folder_and_says_how_salty_it_is(void **state SAL_UNUSED)
{
    const char *text = NULL;
    char path[700];
    json_object *object = NULL;
    double mean = 0;
    int64_t files = 0, samples = 0;
    assert_int_equal(run(", \"size\": 256, \"campaigns\": 1, \"samples\": 40, \"seed\": 5", &text), SAL_STATUS_OK);
    assert_int_equal(sal_json_parse(ctx, text, (int64_t)strlen(text), "the result", &object), SAL_STATUS_OK);
    assert_int_equal(sal_json_f64(ctx, object, "the result", "mean_salinity", &mean), SAL_STATUS_OK);
    assert_int_equal(sal_json_i64(ctx, object, "the result", "files", &files), SAL_STATUS_OK);
    assert_int_equal(sal_json_i64(ctx, object, "the result", "samples", &samples), SAL_STATUS_OK);
    json_object_put(object);
    assert_true(mean > 0.5 && mean < 15);
    assert_int_equal(files, 10);
    assert_int_equal(samples, 40);
    snprintf(path, sizeof path, "%s/delta/scene_2019-07-18.tif", base);
    assert_int_equal(access(path, R_OK), 0);
    assert_int_equal(run(", \"size\": 256", &text), SAL_STATUS_ARGUMENT); /* the second time */
    assert_null(text);
    assert_non_null(strstr(sal_context_message(ctx), "holds dem.tif already"));
}

static void demo_refuses_sizes_outside_its_bounds(void **state SAL_UNUSED)
{
    const char *text = NULL;
    assert_int_equal(run(", \"size\": 100", &text), SAL_STATUS_ARGUMENT);
    assert_int_equal(run(", \"size\": 20000", &text), SAL_STATUS_ARGUMENT);
    assert_int_equal(run(", \"campaigns\": 7", &text), SAL_STATUS_ARGUMENT);
    assert_int_equal(run(", \"size\": 6000, \"max_memory\": \"500MB\"", &text), SAL_STATUS_ARGUMENT);
    assert_non_null(strstr(sal_context_message(ctx), "max_memory"));
}

static int32_t stop(void *user SAL_UNUSED, double fraction, const char *message SAL_UNUSED) { return fraction > 0.3; }

static void cancelled_demo_leaves_nothing(void **state SAL_UNUSED)
{
    const char *text = NULL;
    struct stat info;
    char path[700];
    sal_context_set_progress(ctx, stop, NULL);
    assert_int_equal(run(", \"size\": 256, \"campaigns\": 2, \"samples\": 40", &text), SAL_STATUS_CANCELLED);
    assert_null(text);
    snprintf(path, sizeof path, "%s/delta", base);
    assert_int_equal(stat(path, &info), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(demo_makes_a_folder_and_says_how_salty_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(demo_refuses_sizes_outside_its_bounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancelled_demo_leaves_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
