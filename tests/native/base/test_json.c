/* test_json.c - one clear sentence for every malformed, missing or mistyped field. */
#include "base/json.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static sal_context *ctx;

static int set_up(void **state SAL_UNUSED) { return sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1; }

static int tear_down(void **state SAL_UNUSED)
{
    sal_context_free(ctx);
    return 0;
}

static json_object *parse(const char *text)
{
    json_object *object;
    sal_error_clear(ctx);
    return sal_json_parse(ctx, text, (int64_t)strlen(text), "a.json", &object) == SAL_STATUS_OK ? object : NULL;
}

static void fields_are_read_in_their_type(void **state SAL_UNUSED)
{
    json_object *o = parse("{\"name\": \"B04\", \"scale\": 0.1, \"offset\": -3, \"list\": [1, 2], \"inner\": {}}"),
                *value;
    const char *text;
    double x;
    int64_t k;
    assert_non_null(o);
    assert_int_equal(sal_json_text(ctx, o, "a.json", "name", &text), SAL_STATUS_OK);
    assert_string_equal(text, "B04");
    assert_int_equal(sal_json_f64(ctx, o, "a.json", "scale", &x), SAL_STATUS_OK);
    assert_true(x == 0.1);
    assert_int_equal(sal_json_f64(ctx, o, "a.json", "offset", &x), SAL_STATUS_OK);
    assert_true(x == -3);
    assert_int_equal(sal_json_i64(ctx, o, "a.json", "offset", &k), SAL_STATUS_OK);
    assert_int_equal(k, -3);
    assert_int_equal(sal_json_array(ctx, o, "a.json", "list", &value), SAL_STATUS_OK);
    assert_int_equal(json_object_array_length(value), 2);
    assert_int_equal(sal_json_object(ctx, o, "a.json", "inner", &value), SAL_STATUS_OK);
    json_object_put(o);
}

static void a_missing_or_mistyped_field_is_named(void **state SAL_UNUSED)
{
    json_object *o = parse("{\"name\": 7, \"scale\": \"x\", \"whole\": 1.5}"), *value;
    const char *text;
    double x;
    int64_t k;
    assert_int_equal(sal_json_text(ctx, o, "delta.safetensors", "unit", &text), SAL_STATUS_DATA);
    assert_string_equal(sal_context_message(ctx), "delta.safetensors: \"unit\" is missing");
    sal_error_clear(ctx);
    assert_int_equal(sal_json_text(ctx, o, "m", "name", &text), SAL_STATUS_DATA);
    assert_string_equal(sal_context_message(ctx), "m: \"name\" must be a text, found int");
    sal_error_clear(ctx);
    assert_int_equal(sal_json_f64(ctx, o, "m", "scale", &x), SAL_STATUS_DATA);
    assert_string_equal(sal_context_message(ctx), "m: \"scale\" must be a number, found string");
    sal_error_clear(ctx);
    assert_int_equal(sal_json_i64(ctx, o, "m", "whole", &k), SAL_STATUS_DATA);
    assert_string_equal(sal_context_message(ctx), "m: \"whole\" must be a whole number, found double");
    sal_error_clear(ctx);
    assert_int_equal(sal_json_array(ctx, o, "m", "name", &value), SAL_STATUS_DATA);
    assert_null(value);
    sal_error_clear(ctx);
    assert_int_equal(sal_json_object(ctx, NULL, "m", "name", &value), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "an object with \"name\" is needed, found null"));
    json_object_put(o);
}

static void malformed_text_is_refused_with_its_line(void **state SAL_UNUSED)
{
    static const char *const bad[] = { "{\"a\": 1,,}",      "{",  "[1, 2", "{\"a\" 1}", "{\"a\": nan}", "[1] 2", "",
                                       "{\"a\": \"\xff\"}", "tru" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i])) fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(sal_context_message(ctx), "a.json: not valid JSON at line 1"));
    }
    assert_null(parse("{\n\"a\": 1,\n \"b\": }\n"));
    assert_non_null(strstr(sal_context_message(ctx), "line 3, column 7"));
}

static void very_deep_nesting_is_refused(void **state SAL_UNUSED)
{
    char deep[20001];
    memset(deep, '[', 20000);
    deep[20000] = '\0';
    assert_null(parse(deep));
    assert_non_null(strstr(sal_context_message(ctx), "not valid JSON"));
}

static void bare_values_parse_to_the_end(void **state SAL_UNUSED)
{
    json_object *o = parse("12");
    assert_non_null(o);
    assert_int_equal(json_object_get_int64(o), 12);
    json_object_put(o);
}

static void numbers_survive_writing_and_reading(void **state SAL_UNUSED)
{
    static const double values[] = { 0.1, 1.0 / 3, 1e-300, 123456789.123456789, -0.0, 5e-324 };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        json_object *o = json_object_new_object();
        double back;
        assert_int_equal(sal_json_add_f64(ctx, o, "x", values[i]), SAL_STATUS_OK);
        json_object *again = parse(json_object_to_json_string(o));
        assert_int_equal(sal_json_f64(ctx, again, "m", "x", &back), SAL_STATUS_OK);
        assert_memory_equal(&back, &values[i], sizeof back);
        json_object_put(o);
        json_object_put(again);
    }
}

static void numbers_are_written_in_the_fewest_digits(void **state SAL_UNUSED)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.9,      "0.9"               },
        { 0.99,    "0.99"              },
        { 3,       "3.0"               },
        { -1e300,  "-1e+300"           },
        { 1.0 / 3, "0.3333333333333333"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_object *o = sal_json_number(cases[i].value);
        assert_string_equal(json_object_to_json_string(o), cases[i].text);
        json_object_put(o);
    }
    assert_null(sal_json_number(NAN));
}

static void nan_and_missing_texts_become_null(void **state SAL_UNUSED)
{
    json_object *o = json_object_new_object();
    assert_int_equal(sal_json_add_f64(ctx, o, "x", NAN), SAL_STATUS_OK);
    assert_int_equal(sal_json_add_f64(ctx, o, "y", -INFINITY), SAL_STATUS_OK);
    assert_int_equal(sal_json_add_text(ctx, o, "z", NULL), SAL_STATUS_OK);
    assert_int_equal(sal_json_add_i64(ctx, o, "k", INT64_MIN), SAL_STATUS_OK);
    assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
                        "{\"x\":null,\"y\":null,\"z\":null,\"k\":-9223372036854775808}");
    json_object_put(o);
}

static void adding_to_an_object_that_could_not_be_made_is_out_of_memory(void **state SAL_UNUSED)
{
    assert_int_equal(sal_json_add_i64(ctx, NULL, "k", 1), SAL_STATUS_MEMORY);
    assert_non_null(strstr(sal_context_message(ctx), "\"k\""));
    json_object *o = json_object_new_object();
    assert_int_equal(sal_json_add(ctx, o, "child", NULL), SAL_STATUS_MEMORY);
    assert_int_equal(sal_json_add(ctx, NULL, "child", json_object_new_int(1)), SAL_STATUS_MEMORY);
    json_object_put(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(fields_are_read_in_their_type),
        T(a_missing_or_mistyped_field_is_named),
        T(malformed_text_is_refused_with_its_line),
        T(very_deep_nesting_is_refused),
        T(bare_values_parse_to_the_end),
        T(numbers_survive_writing_and_reading),
        T(numbers_are_written_in_the_fewest_digits),
        T(nan_and_missing_texts_become_null),
        T(adding_to_an_object_that_could_not_be_made_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
