/* test_arguments.c - a made-up operation: what its rows accept, what they refuse and in which words, and what comes back. */
#define _GNU_SOURCE
#include "operations/arguments.h"
#include "base/json.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const sal_param rows[] = {
    {"stack",                                SAL_PARAM_RASTER, NULL, { 0 }, 0, "Stack", "Covariate stack" },
    { "model",                                  SAL_PARAM_FILE_IN, NULL, { 0 }, 0, "Model", "Trained model" },
    { "target",                                     SAL_PARAM_TEXT, NULL, { 0 }, SAL_REQUIRED, "Target", "Field with the salinity of a sample" },
    { "interval",                     SAL_PARAM_F64, "0.9", { 0.5, 0.99 }, 0, "Interval", "Coverage" },
    { "size",                               SAL_PARAM_I64, "2000", { 1, 100000 }, 0, "Size", "Edge of the world", "px" },
    { "overviews",                                  SAL_PARAM_BOOL, "true", { 0 }, 0, "Overviews", "Write overviews" },
    { "max_memory",                                     SAL_PARAM_BYTES, "2GiB", { 0 }, SAL_ADVANCED, "Memory", "Upper bound" },
    { "extent",                       SAL_PARAM_EXTENT, NULL, { 0 }, 0, "Extent", "Part to map" },
    { "validation",                              SAL_PARAM_CHOICE, "random", { 0 }, 0, "Validation", "Folds", NULL, "random|blocks|campaigns" },
    { "indices",                                  SAL_PARAM_TEXT, "CRSI,NDVI", { 0 }, SAL_LIST, "Indices", "Index ids" },
    { "output",                          SAL_PARAM_RASTER_OUT, NULL, { 0 }, 0, "Output", "Map" },
    { "report", SAL_PARAM_FILE_OUT, NULL, { 0 }, 0, "Report", "Report", NULL, NULL, NULL, "html" },
    { "folder",                            SAL_PARAM_FOLDER_OUT, NULL, { 0 }, 0, "Folder", "Folder" },
    { NULL                                }
};
static const sal_result_row results[] = {
    {"pixels",  true, "Pixels" },
    { NULL}
};

static sal_status outcome; /* of the made-up operation */
static int32_t threads_seen;

static sal_status run_fake(sal_context *ctx, const sal_arguments *arguments, json_object *result)
{
    threads_seen = sal_context_threads(ctx);
    sal_log(ctx, "reading %s", sal_argument_text(arguments, "target"));
    sal_warn(ctx, "%d samples on nodata", 2);
    if (outcome == SAL_STATUS_DATA) return sal_fail(ctx, outcome, "samples have no CRS");
    if (outcome != SAL_STATUS_OK) return outcome;
    return sal_json_add_i64(ctx, result, "pixels", 42);
}

static const sal_operation fake = {
    "fake", "Fake operation", "Does nothing.", "Help.", "salt", rows, results, run_fake
};

static sal_context *ctx;
static char folder[512];
static sal_arguments *a;

static int set_up(void **state SAL_UNUSED)
{
    const char *tmp = getenv("TMPDIR");
    outcome = SAL_STATUS_OK;
    a = NULL;
    snprintf(folder, sizeof folder, "%s/salina-arguments-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(folder) && sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1;
}

static int tear_down(void **state SAL_UNUSED)
{
    sal__arguments_free(a);
    sal_context_free(ctx);
    return rmdir(folder);
}

static void take(const char *parameters)
{
    sal__arguments_free(a);
    sal_error_clear(ctx);
    if (sal__arguments_new(ctx, &fake, parameters, &a) != SAL_STATUS_OK)
        fail_msg("%s: %s", parameters, sal_context_message(ctx));
}

static void refused(const char *parameters, sal_status status, const char *words)
{
    sal_arguments *none;
    sal_error_clear(ctx);
    assert_int_equal(sal__arguments_new(ctx, &fake, parameters, &none), status);
    assert_null(none);
    if (!strstr(sal_context_message(ctx), words))
        fail_msg("\"%s\" does not say \"%s\"", sal_context_message(ctx), words);
}

static void defaults_stand_in_for_what_is_not_given(void **state SAL_UNUSED)
{
    take("{\"target\": \"ec\", \"stack\": null, \"output\": \"\"}");
    assert_true(sal_argument_f64(a, "interval") == 0.9);
    assert_int_equal(sal_argument_i64(a, "size"), 2000);
    assert_true(sal_argument_bool(a, "overviews"));
    assert_true(sal_argument_i64(a, "max_memory") == INT64_C(2) << 30);
    assert_string_equal(sal_argument_text(a, "validation"), "random");
    assert_int_equal(sal_argument_count(a, "indices"), 2);
    assert_string_equal(sal_argument_text_at(a, "indices", 1), "NDVI");
    assert_int_equal(sal_argument_i64(a, "threads"), 0);
    assert_false(sal_argument_given(a, "interval"));
    assert_true(sal_argument_given(a, "target"));
    assert_null(sal_argument_text(a, "stack"));
    assert_null(sal_argument_text(a, "output"));
    assert_null(sal_argument_text_at(a, "indices", 2));
    assert_true(isnan(sal_argument_f64(a, "extent")));
    assert_int_equal(sal_argument_count(a, "stack"), 0);
}

static void texts_and_json_types_mean_the_same(void **state SAL_UNUSED)
{
    static const char *const both[] = {
        "{\"target\":\"ec\",\"interval\":0.8,\"size\":10,\"overviews\":false,\"max_memory\":1000,\"indices\":\"SI\"}",
        "{\"target\":[\"ec\"],\"interval\":\"0.8\",\"size\":\"10\",\"overviews\":\"no\",\"max_memory\":\"1 "
        "kB\",\"indices\":[\"SI\"]}"
    };
    for (int i = 0; i < 2; i++) {
        take(both[i]);
        assert_true(sal_argument_f64(a, "interval") == 0.8);
        assert_int_equal(sal_argument_i64(a, "size"), 10);
        assert_false(sal_argument_bool(a, "overviews"));
        assert_int_equal(sal_argument_i64(a, "max_memory"), 1000);
        assert_int_equal(sal_argument_count(a, "indices"), 1);
        assert_string_equal(sal_argument_text(a, "indices"), "SI");
    }
    take("{\"target\":\"ec\",\"size\":10.0}");
    assert_int_equal(sal_argument_i64(a, "size"), 10);
}

static void amounts_of_memory_are_read_with_their_unit(void **state SAL_UNUSED)
{
    assert_int_equal(sal__parse_bytes("500 MB"), 500000000);
    assert_int_equal(sal__parse_bytes("1.5GiB"), 1610612736);
    assert_int_equal(sal__parse_bytes("64k"), 65536);
    assert_int_equal(sal__parse_bytes("1e6"), 1000000);
    static const char *const bad[] = { "", "GiB", "2 Gibberish", "-1", "1e300", "nan", "0x10", "2 GiB x" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (sal__parse_bytes(bad[i]) != -1) fail_msg("accepted \"%s\"", bad[i]);
}

static void an_unknown_key_names_the_nearest(void **state SAL_UNUSED)
{
    refused("{\"target\":\"ec\",\"intervall\":0.9}", SAL_STATUS_ARGUMENT,
            "has no parameter \"intervall\"; did you mean \"interval\"?");
    refused("{\"target\":\"ec\",\"thread\":2}", SAL_STATUS_ARGUMENT, "did you mean \"threads\"?");
    refused("{\"target\":\"ec\",\"zzzzzzzz\":2}", SAL_STATUS_ARGUMENT, "it has: stack, model, target, interval");
}

static void a_missing_required_parameter_is_explained(void **state SAL_UNUSED)
{
    refused("{}", SAL_STATUS_ARGUMENT, "target is missing: Field with the salinity of a sample");
    refused(NULL, SAL_STATUS_ARGUMENT, "target is missing");
    refused("{\"target\": \"\"}", SAL_STATUS_ARGUMENT, "target is missing");
    refused("{\"target\": []}", SAL_STATUS_ARGUMENT, "target is missing");
}

static void values_of_another_type_are_refused(void **state SAL_UNUSED)
{
    refused("{\"target\":\"ec\",\"interval\":\"much\"}", SAL_STATUS_ARGUMENT, "interval is \"much\"; give a number");
    refused("{\"target\":\"ec\",\"interval\":\"nan\"}", SAL_STATUS_ARGUMENT, "give a number");
    refused("{\"target\":\"ec\",\"interval\":\"0,9\"}", SAL_STATUS_ARGUMENT, "give a number");
    refused("{\"target\":\"ec\",\"size\":1.5}", SAL_STATUS_ARGUMENT, "size is \"1.5\"; give a whole number");
    refused("{\"target\":\"ec\",\"overviews\":\"perhaps\"}", SAL_STATUS_ARGUMENT, "give true or false");
    refused("{\"target\":\"ec\",\"max_memory\":\"lots\"}", SAL_STATUS_ARGUMENT, "2GiB or 500MB");
    refused("{\"target\":\"ec\",\"max_memory\":0}", SAL_STATUS_ARGUMENT, "max_memory");
    refused("{\"target\":{\"a\":1}}", SAL_STATUS_ARGUMENT,
            "target must be a text, a number, true or false, found object");
    refused("{\"target\":[\"a\",\"b\"]}", SAL_STATUS_ARGUMENT, "target takes one value, 2 were given");
    refused("{\"target\":\"ec\",\"indices\":[[\"a\"]]}", SAL_STATUS_ARGUMENT, "indices must be");
    refused("{\"target\":\"ec\",\"indices\":[null]}", SAL_STATUS_ARGUMENT, "found null");
}

static void numbers_out_of_bounds_are_refused_with_the_bounds(void **state SAL_UNUSED)
{
    refused("{\"target\":\"ec\",\"interval\":1}", SAL_STATUS_ARGUMENT, "interval is 1; give 0.5 to 0.99");
    refused("{\"target\":\"ec\",\"size\":0}", SAL_STATUS_ARGUMENT, "size is 0; give 1 to 100000 px");
    refused("{\"target\":\"ec\",\"threads\":1000}", SAL_STATUS_ARGUMENT, "threads is 1000; give 0 to 256");
    take("{\"target\":\"ec\",\"interval\":0.99,\"size\":100000}");
}

static void a_wrong_choice_lists_the_choices(void **state SAL_UNUSED)
{
    refused("{\"target\":\"ec\",\"validation\":\"spatial\"}", SAL_STATUS_ARGUMENT,
            "validation is \"spatial\"; choose one of: random, blocks, campaigns");
    refused("{\"target\":\"ec\",\"validation\":\"rand\"}", SAL_STATUS_ARGUMENT, "choose one of");
    take("{\"target\":\"ec\",\"validation\":\"campaigns\"}");
}

static void an_extent_has_four_ordered_numbers(void **state SAL_UNUSED)
{
    take("{\"target\":\"ec\",\"extent\":\"-10.5, 0,20,3e3\"}");
    static const char *const bad[] = { "1,2,3", "1,2,3,4,5", "1,2,0,4", "1,2,3,2", "a,b,c,d", "1,2,3,", ",,," };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"target\":\"ec\",\"extent\":\"%s\"}", bad[i]);
        refused(text, SAL_STATUS_ARGUMENT, "xmin,ymin,xmax,ymax");
    }
}

static void malformed_parameters_are_a_wrong_argument(void **state SAL_UNUSED)
{
    refused("{\"target\": ", SAL_STATUS_ARGUMENT, "the parameters: not valid JSON");
    refused("[1]", SAL_STATUS_ARGUMENT, "must be a JSON object");
    refused("null", SAL_STATUS_ARGUMENT, "must be a JSON object");
}

static void input_files_must_exist(void **state SAL_UNUSED)
{
    refused("{\"target\":\"ec\",\"model\":\"/nowhere/m.safetensors\"}", SAL_STATUS_ARGUMENT,
            "model: the file \"/nowhere/m.safetensors\" does not exist");
    take("{\"target\":\"ec\",\"model\":\"/vsizip/a.zip/m.safetensors\"}");
}

static void outputs_are_checked_before_the_work(void **state SAL_UNUSED)
{
    char text[2048];
    refused("{\"target\":\"ec\",\"output\":\"/nowhere/map.tif\"}", SAL_STATUS_IO,
            "output: cannot write \"/nowhere/map.tif\": the folder");
    refused("{\"target\":\"ec\",\"folder\":\"/nowhere/deep/er\"}", SAL_STATUS_IO, "folder: cannot write");
    snprintf(text, sizeof text, "{\"target\":\"ec\",\"output\":\"%s/a.tif\",\"folder\":\"%s/new\"}", folder, folder);
    take(text);
    snprintf(text, sizeof text, "{\"target\":\"ec\",\"output\":\"%s\"}", folder);
    refused(text, SAL_STATUS_IO, "is a folder");
}

static void an_output_may_not_overwrite_an_input_or_another_output(void **state SAL_UNUSED)
{
    char text[4096], file[600], link[600];
    snprintf(file, sizeof file, "%s/a.tif", folder);
    snprintf(link, sizeof link, "%s/link.tif", folder);
    fclose(fopen(file, "w"));
    assert_int_equal(symlink(file, link), 0);
    snprintf(text, sizeof text, "{\"target\":\"ec\",\"stack\":\"%s\",\"output\":\"%s/../%s/a.tif\"}", file, folder,
             strrchr(folder, '/') + 1);
    refused(text, SAL_STATUS_ARGUMENT, "output and stack are the same file");
    snprintf(text, sizeof text, "{\"target\":\"ec\",\"stack\":\"%s\",\"output\":\"%s\"}", link, file);
    refused(text, SAL_STATUS_ARGUMENT, "output and stack are the same file");
    snprintf(text, sizeof text, "{\"target\":\"ec\",\"output\":\"%s/new.tif\",\"report\":\"%s/./new.tif\"}", folder,
             folder);
    refused(text, SAL_STATUS_ARGUMENT, "report and output are the same file");
    unlink(link);
    unlink(file);
}

static void all_arguments_come_back_as_json(void **state SAL_UNUSED)
{
    take("{\"target\":\"ec\",\"size\":\"7\",\"indices\":[\"SI\",\"BI\"]}");
    json_object *o = sal_arguments_json(a);
    assert_string_equal(
        json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
        "{\"stack\":null,\"model\":null,\"target\":\"ec\",\"interval\":0.9,\"size\":7,\"overviews\":true,"
        "\"max_memory\":\"2GiB\",\"extent\":null,\"validation\":\"random\",\"indices\":[\"SI\",\"BI\"],"
        "\"output\":null,\"report\":null,\"folder\":null,\"threads\":0}");
    json_object_put(o);
}

static void a_description_has_every_row_with_typed_defaults(void **state SAL_UNUSED)
{
    json_object *o, *params, *row, *value;
    assert_int_equal(sal__operation_describe(ctx, &fake, &o), SAL_STATUS_OK);
    assert_int_equal(sal_json_array(ctx, o, "o", "params", &params), SAL_STATUS_OK);
    assert_int_equal(json_object_array_length(params), 14);
    row = json_object_array_get_idx(params, 3);
    assert_string_equal(
        json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN),
        "{\"key\":\"interval\",\"type\":\"f64\",\"label\":\"Interval\",\"help\":\"Coverage\",\"unit\":null,\"default\":"
        "0.9,"
        "\"bounds\":[0.5,0.99],\"required\":false,\"made\":false,\"advanced\":false,\"list\":false,\"choices\":null,\"parent\":null,"
        "\"extension\":null}");
    value = json_object_object_get(json_object_array_get_idx(params, 8), "choices");
    assert_string_equal(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
                        "[\"random\",\"blocks\",\"campaigns\"]");
    value = json_object_object_get(json_object_array_get_idx(params, 9), "default");
    assert_string_equal(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), "[\"CRSI\",\"NDVI\"]");
    assert_string_equal(json_object_get_string(json_object_object_get(json_object_array_get_idx(params, 13), "key")),
                        "threads");
    assert_string_equal(json_object_to_json_string_ext(json_object_object_get(o, "results"), JSON_C_TO_STRING_PLAIN),
                        "[{\"key\":\"pixels\",\"label\":\"Pixels\",\"number\":true}]");
    json_object_put(o);
    for (int t = 1; t <= 16; t++) assert_string_not_equal(sal__param_type_text((sal_param_type)t), "");
}

static void a_run_adds_what_every_result_has(void **state SAL_UNUSED)
{
    const char *result;
    assert_int_equal(sal_context_set_threads(ctx, 2), SAL_STATUS_OK);
    assert_int_equal(sal__operation_execute(ctx, &fake, "{\"target\":\"ec\",\"threads\":5}", &result), SAL_STATUS_OK);
    assert_int_equal(threads_seen, 5);
    assert_int_equal(sal_context_threads(ctx), 2);
    json_object *o = json_tokener_parse(result);
    assert_string_equal(json_object_get_string(json_object_object_get(o, "operation")), "fake");
    assert_string_equal(json_object_get_string(json_object_object_get(o, "version")), sal_version());
    assert_int_equal(json_object_get_int64(json_object_object_get(o, "pixels")), 42);
    assert_true(json_object_get_double(json_object_object_get(o, "seconds")) >= 0);
    assert_int_equal(strlen(json_object_get_string(json_object_object_get(o, "started"))), 20);
    assert_string_equal(
        json_object_to_json_string_ext(json_object_object_get(o, "log"), JSON_C_TO_STRING_PLAIN),
        "[{\"text\":\"reading ec\",\"warning\":false},{\"text\":\"2 samples on nodata\",\"warning\":true}]");
    json_object_put(o);
    assert_int_equal(sal__operation_execute(ctx, &fake, "{\"target\":\"ec\"}", &result), SAL_STATUS_OK);
    assert_int_equal(threads_seen, 2);
}

static void a_failed_run_has_a_message_and_no_result(void **state SAL_UNUSED)
{
    const char *result = "x";
    outcome = SAL_STATUS_DATA;
    assert_int_equal(sal__operation_execute(ctx, &fake, "{\"target\":\"ec\"}", &result), SAL_STATUS_DATA);
    assert_null(result);
    assert_string_equal(sal_context_message(ctx), "samples have no CRS");
    outcome = SAL_STATUS_IO;
    assert_int_equal(sal__operation_execute(ctx, &fake, "{\"target\":\"ec\"}", &result), SAL_STATUS_IO);
    assert_string_equal(sal_context_message(ctx), "Fake operation: a file could not be read or written");
    outcome = SAL_STATUS_OK;
    assert_int_equal(sal__operation_execute(ctx, &fake, "{\"target\":\"ec\"}", &result), SAL_STATUS_OK);
    assert_string_equal(sal_context_message(ctx), "");
}

static int64_t allocations, fail_at;

static void *failing_allocate(void *user SAL_UNUSED, size_t bytes)
{
    return ++allocations == fail_at ? NULL : aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void failing_release(void *user SAL_UNUSED, void *memory) { free(memory); }

static void every_failed_allocation_is_reported(void **state SAL_UNUSED)
{
    sal_context_set_allocator(ctx, (sal_allocator){ failing_allocate, failing_release, NULL });
    int64_t failures = 0;
    for (fail_at = 1;; fail_at++) {
        const char *result;
        allocations = 0;
        sal_status status = sal__operation_execute(
            ctx, &fake, "{\"target\":\"ec\",\"indices\":[\"a\",\"b\"],\"output\":\"/tmp/x.tif\"}", &result);
        if (allocations < fail_at) break;
        if (status == SAL_STATUS_OK) continue; /* a log line does without */
        failures++;
        assert_int_equal(status, SAL_STATUS_MEMORY);
        assert_null(result);
        assert_non_null(strstr(sal_context_message(ctx), "out of memory"));
    }
    assert_true(failures > 20);
}

static void an_unknown_operation_is_refused(void **state SAL_UNUSED)
{
    const char *result = "x", *list;
    assert_int_equal(sal_operation_run(ctx, "retreive-all-of-it", "{}", &result), SAL_STATUS_ARGUMENT);
    assert_null(result);
    assert_non_null(strstr(sal_context_message(ctx), "there is no operation \"retreive-all-of-it\""));
    assert_int_equal(sal_operations_json(ctx, &list), SAL_STATUS_OK);
    assert_int_equal(list[0], '[');
}

/* The table of the library itself: complete texts, known types, lower-case keys. */
static void every_operation_is_complete(void **state SAL_UNUSED)
{
    for (int64_t i = 0; i < sal_operation_count(); i++) {
        const sal_operation *o = sal_operation_at(i);
        assert_true(o->id && o->title && o->summary && o->help && o->tags && o->params && o->results && o->run);
        assert_ptr_equal(sal_operation_find(o->id), o);
        assert_int_equal(strspn(o->id, "abcdefghijklmnopqrstuvwxyz"), strlen(o->id));
        assert_true(o->title[strlen(o->title) - 1] != '.');
        for (const sal_param *row = o->params; row->key; row++) {
            if (strspn(row->key, "abcdefghijklmnopqrstuvwxyz_0123456789") != strlen(row->key))
                fail_msg("%s.%s", o->id, row->key);
            if (!*sal__param_type_text(row->type) || !row->label || !row->help)
                fail_msg("%s.%s is incomplete", o->id, row->key);
            if (row->type == SAL_PARAM_CHOICE && !row->choices) fail_msg("%s.%s has no choices", o->id, row->key);
            if (row->type == SAL_PARAM_FIELD && !row->parent) fail_msg("%s.%s has no layer", o->id, row->key);
            if ((row->flags & SAL_REQUIRED) && row->default_value)
                fail_msg("%s.%s is required and has a default", o->id, row->key);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(defaults_stand_in_for_what_is_not_given),
        T(texts_and_json_types_mean_the_same),
        T(amounts_of_memory_are_read_with_their_unit),
        T(an_unknown_key_names_the_nearest),
        T(a_missing_required_parameter_is_explained),
        T(values_of_another_type_are_refused),
        T(numbers_out_of_bounds_are_refused_with_the_bounds),
        T(a_wrong_choice_lists_the_choices),
        T(an_extent_has_four_ordered_numbers),
        T(malformed_parameters_are_a_wrong_argument),
        T(input_files_must_exist),
        T(outputs_are_checked_before_the_work),
        T(an_output_may_not_overwrite_an_input_or_another_output),
        T(all_arguments_come_back_as_json),
        T(a_description_has_every_row_with_typed_defaults),
        T(a_run_adds_what_every_result_has),
        T(a_failed_run_has_a_message_and_no_result),
        T(every_failed_allocation_is_reported),
        T(an_unknown_operation_is_refused),
        T(every_operation_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
