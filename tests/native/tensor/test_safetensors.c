/* test_safetensors.c - round trip, the seal, and refusal of every kind of broken file. */
#include "tensor/safetensors.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static sal_context *ctx;
static char folder[512];

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/salina_XXXXXX", tmp ? tmp : "/tmp");
    return !mkdtemp(folder) || sal_context_new(&ctx) != 0;
}

static int teardown(void **state)
{
    char command[600];
    sal_context_free(ctx);
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static char *path_of(const char *name)
{
    static char path[700];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_example(const char *path)
{
    sal_tensors *t;
    float a[6] = { 1, 2, 3, 4, 5, 6.5f };
    double b[2] = { 1e300, -0.1 };
    int64_t c = -7;
    assert_int_equal(sal_tensors_new(ctx, &t), 0);
    assert_int_equal(sal_tensors_add(t, "odd", SAL_TENSOR_F32, 1, (int64_t[]){ 3 }, a, true), 0);
    assert_int_equal(sal_tensors_add(t, "member0/weight", SAL_TENSOR_F32, 2, (int64_t[]){ 2, 3 }, a, true), 0);
    assert_int_equal(sal_tensors_add(t, "b", SAL_TENSOR_F64, 1, (int64_t[]){ 2 }, b, false), 0);
    assert_int_equal(sal_tensors_add(t, "scalar", SAL_TENSOR_I64, 0, NULL, &c, true), 0);
    assert_int_equal(sal_tensors_add(t, "empty", SAL_TENSOR_F32, 2, (int64_t[]){ 0, 3 }, NULL, true), 0);
    assert_int_equal(sal_tensors_set_metadata(t, "unit", "wrong"), 0);
    assert_int_equal(sal_tensors_set_metadata(t, "unit", "g/kg \"\xc3\xa9\"\n"), 0);
    a[0] = 100; /* copied above */
    assert_int_equal(sal_tensors_save(t, path), 0);
    sal_tensors_free(t);
}

static void a_file_comes_back_as_it_was_written(void **state)
{
    sal_tensors *t;
    const void *data;
    write_example(path_of("a.safetensors"));
    assert_int_equal(sal_tensors_load(ctx, path_of("a.safetensors"), "model", &t), 0);
    assert_int_equal(sal_tensors_count(t), 5);
    assert_true(sal_tensors_sealed(t));
    assert_string_equal(sal_tensors_metadata(t, "unit"), "g/kg \"\xc3\xa9\"\n");
    assert_null(sal_tensors_metadata(t, "nothing"));
    assert_int_equal(sal_tensors_require(t, "member0/weight", SAL_TENSOR_F32, 2, (int64_t[]){ -1, 3 }, &data), 0);
    assert_true(((const float *)data)[0] == 1 && ((const float *)data)[5] == 6.5f);
    assert_int_equal(sal_tensors_require(t, "b", SAL_TENSOR_F64, 1, (int64_t[]){ 2 }, &data), 0);
    assert_true(((const double *)data)[0] == 1e300 &&
                ((const double *)data)[1] == -0.1); /* after an odd number of floats: aligned by copying */
    assert_int_equal((uintptr_t)data % 8, 0);
    assert_int_equal(*(const int64_t *)sal_tensors_find(t, "scalar")->data, -7);
    assert_int_equal(sal_tensors_find(t, "empty")->count, 0);
    assert_null(sal_tensors_find(t, "nothing"));
    sal_tensors_free(t);
}

static void an_array_of_another_shape_is_named_with_both_shapes(void **state)
{
    sal_tensors *t;
    const void *data;
    write_example(path_of("shape.safetensors"));
    assert_int_equal(sal_tensors_load(ctx, path_of("shape.safetensors"), "model", &t), 0);
    sal_error_clear(ctx);
    assert_int_equal(sal_tensors_require(t, "b", SAL_TENSOR_F32, 2, (int64_t[]){ -1, 4 }, &data), SAL_STATUS_DATA);
    assert_string_equal(sal_context_message(ctx),
                        "array \"b\" of model \"shape.safetensors\" is F64 (2) where F32 (any, 4) is needed");
    sal_error_clear(ctx);
    assert_int_equal(sal_tensors_require(t, "z", SAL_TENSOR_F32, 0, NULL, &data), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "has no array \"z\""));
    sal_tensors_free(t);
}

static void bad_arrays_are_refused(void **state)
{
    sal_tensors *t;
    float a = 1;
    assert_int_equal(sal_tensors_new(ctx, &t), 0);
    assert_int_equal(sal_tensors_add(t, "a", SAL_TENSOR_F32, 0, NULL, &a, true), 0);
    assert_int_equal(sal_tensors_add(t, "a", SAL_TENSOR_F32, 0, NULL, &a, true), SAL_STATUS_ARGUMENT);
    assert_int_equal(sal_tensors_add(t, "", SAL_TENSOR_F32, 0, NULL, &a, true), SAL_STATUS_ARGUMENT);
    assert_int_equal(sal_tensors_add(t, "__metadata__", SAL_TENSOR_F32, 0, NULL, &a, true), SAL_STATUS_ARGUMENT);
    assert_int_equal(sal_tensors_add(t, "b", SAL_TENSOR_F32, 2, (int64_t[]){ INT64_MAX, 2 }, &a, true),
                     SAL_STATUS_ARGUMENT);
    assert_int_equal(sal_tensors_add(t, "b", SAL_TENSOR_F32, 1, (int64_t[]){ -1 }, &a, true), SAL_STATUS_ARGUMENT);
    assert_int_equal(sal_tensors_set_metadata(t, "sha256", "x"), SAL_STATUS_ARGUMENT);
    assert_int_equal(sal_tensors_count(t), 1);
    sal_tensors_free(t);
}

static void every_cut_of_a_file_is_refused_and_named(void **state)
{
    char *bytes, expected[100];
    int64_t length;
    sal_tensors *t;
    write_example(path_of("cut.safetensors"));
    assert_int_equal(sal_file_read(ctx, path_of("cut.safetensors"), &bytes, &length), 0);
    for (int64_t n = 0; n < length; n++) {
        sal_error_clear(ctx);
        assert_int_equal(sal_tensors_parse(ctx, bytes, n, "model", "cut.safetensors", &t), SAL_STATUS_DATA);
        assert_null(t);
        assert_non_null(strstr(sal_context_message(ctx), "model \"cut.safetensors\" "));
    }
    snprintf(expected, sizeof expected, "model \"cut.safetensors\" is cut short: %d of %d bytes", (int)length - 1,
             (int)length);
    assert_string_equal(sal_context_message(ctx), expected);
    sal_error_clear(ctx);
    sal_release(ctx, bytes);
}

static void every_changed_byte_is_noticed(void **state)
{
    char *bytes;
    int64_t length, changed_after = 0;
    sal_tensors *t;
    write_example(path_of("edit.safetensors"));
    assert_int_equal(sal_file_read(ctx, path_of("edit.safetensors"), &bytes, &length), 0);
    for (int64_t i = 0; i < length; i++) {
        bytes[i] ^= 1;
        sal_error_clear(ctx);
        sal_status status = sal_tensors_parse(ctx, bytes, length, "model", "edit.safetensors", &t);
        if (status == SAL_STATUS_OK) { /* only by removing the seal altogether */
            assert_false(sal_tensors_sealed(t));
            sal_tensors_free(t);
        }
        changed_after += strstr(sal_context_message(ctx), "was changed after it was written") != NULL;
        bytes[i] ^= 1;
    }
    assert_true(changed_after > 64);
    sal_error_clear(ctx);
    sal_release(ctx, bytes);
}

static sal_status parse_text(const char *header, int64_t data, const char *needle)
{
    char bytes[2048] = { 0 };
    sal_tensors *t;
    size_t n = strlen(header);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(n >> (8 * i) & 255);
    memcpy(bytes + 8, header, n);
    sal_error_clear(ctx);
    sal_status status = sal_tensors_parse(ctx, bytes, (int64_t)n + 8 + data, "model", "x", &t);
    sal_tensors_free(t);
    if (needle && !strstr(sal_context_message(ctx), needle))
        fail_msg("\"%s\" is not in \"%s\"", needle, sal_context_message(ctx));
    return status;
}

static void hostile_headers_are_refused(void **state)
{
    assert_int_equal(parse_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, NULL), 0);
    assert_int_equal(parse_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                                "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
                                12, "overlap"),
                     SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", 16, "hole"),
                     SAL_STATUS_DATA);
    assert_int_equal(
        parse_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, "belong to no array"),
        SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "does not fit"),
                     SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "does not fit"),
                     SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}",
                                0, "does not fit"),
                     SAL_STATUS_DATA);
    assert_int_equal(
        parse_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[1e3],\"data_offsets\":[0,4000]}}", 0, "does not fit"),
        SAL_STATUS_DATA);
    assert_int_equal(
        parse_text(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[2305843009213693951],\"data_offsets\":[0,9223372036854775804]}}", 8,
            NULL),
        SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
                                "does not fit"),
                     SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"a\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "BF16"),
                     SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"a\":{\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "dtype"), SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"a\":[1]}", 0, "describes no array"), SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"__metadata__\":{\"a\":1}}", 0, "metadata"), SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"__metadata__\":{\"sha256\":\"abc\"}}", 0, "was changed"), SAL_STATUS_DATA);
    assert_int_equal(parse_text("{\"a\":", 0, NULL), SAL_STATUS_DATA);
    assert_int_equal(parse_text("hello, this is a text", 0, "is not a safetensors file"), SAL_STATUS_DATA);
    sal_tensors *t;
    sal_error_clear(ctx);
    assert_int_equal(sal_tensors_parse(ctx, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "model", "x", &t),
                     SAL_STATUS_DATA);
    assert_string_equal(sal_context_message(ctx), "model \"x\" is not a safetensors file");
}

static void a_missing_file_is_an_io_error(void **state)
{
    sal_tensors *t;
    sal_error_clear(ctx);
    assert_int_equal(sal_tensors_load(ctx, path_of("nowhere.safetensors"), "model", &t), SAL_STATUS_IO);
    assert_non_null(strstr(sal_context_message(ctx), "nowhere.safetensors"));
}

static int64_t calls, fail_at;
static void *failing_allocate(void *user, size_t bytes)
{
    return ++calls == fail_at ? NULL : aligned_alloc(64, (bytes + 127) / 64 * 64);
}
static void plain_release(void *user, void *memory) { free(memory); }

static void a_failed_allocation_is_reported_and_leaks_nothing(void **state)
{
    sal_tensors *t;
    sal_context *mine;
    write_example(path_of("memory.safetensors"));
    assert_int_equal(sal_context_new(&mine), 0);
    sal_context_set_allocator(mine, (sal_allocator){ failing_allocate, plain_release, NULL });
    sal_status status = SAL_STATUS_MEMORY;
    for (fail_at = 1; status != SAL_STATUS_OK && fail_at < 1000; fail_at++) {
        calls = 0;
        status = sal_tensors_load(mine, path_of("memory.safetensors"), "model", &t);
        assert_true(status == SAL_STATUS_OK || status == SAL_STATUS_MEMORY);
        sal_error_clear(mine);
    }
    assert_true(fail_at > 5 && status == SAL_STATUS_OK);
    sal_tensors_free(t);
    sal_context_free(mine);
}

/* With a path: only writes the example there, for tests/oracle/test_safetensors_format.py. */
int main(int argc, char **argv)
{
    if (argc == 2) {
        if (sal_context_new(&ctx)) return 1;
        write_example(argv[1]);
        sal_context_free(ctx);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_back_as_it_was_written),
        cmocka_unit_test(an_array_of_another_shape_is_named_with_both_shapes),
        cmocka_unit_test(bad_arrays_are_refused),
        cmocka_unit_test(every_cut_of_a_file_is_refused_and_named),
        cmocka_unit_test(every_changed_byte_is_noticed),
        cmocka_unit_test(hostile_headers_are_refused),
        cmocka_unit_test(a_missing_file_is_an_io_error),
        cmocka_unit_test(a_failed_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
