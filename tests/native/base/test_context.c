/* test_context.c - errors, allocator hooks, growing texts, arena. */
#include "base/base.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static sal_context *ctx;

static int set_up(void **state SAL_UNUSED) { return sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1; }

static int tear_down(void **state SAL_UNUSED)
{
    sal_context_free(ctx);
    ctx = NULL;
    return 0;
}

/* Counts what is alive and fails the n-th allocation. */
typedef struct counter {
    int64_t calls, alive, fail_at; /* fail_at counts from 1, 0 = never */
} counter;

static void *counted_allocate(void *user, size_t bytes)
{
    counter *c = user;
    if (++c->calls == c->fail_at) return NULL;
    c->alive++;
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void counted_release(void *user, void *memory)
{
    counter *c = user;
    c->alive--;
    free(memory);
}

static void the_first_message_wins_until_it_is_cleared(void **state SAL_UNUSED)
{
    assert_string_equal(sal_context_message(ctx), "");
    assert_int_equal(sal_fail(ctx, SAL_STATUS_DATA, "band \"%s\" is missing", "B11"), SAL_STATUS_DATA);
    assert_int_equal(sal_fail(ctx, SAL_STATUS_IO, "later and vaguer"), SAL_STATUS_IO);
    assert_string_equal(sal_context_message(ctx), "band \"B11\" is missing");
    sal_error_clear(ctx);
    assert_string_equal(sal_context_message(ctx), "");
    sal_fail(ctx, SAL_STATUS_IO, "second");
    assert_string_equal(sal_context_message(ctx), "second");
}

static void a_prefix_stands_before_the_message_with_one_separator(void **state SAL_UNUSED)
{
    sal_fail(ctx, SAL_STATUS_DATA, "no CRS");
    assert_int_equal(sal_fail_prefix(ctx, SAL_STATUS_DATA, "stack \"%s\"", "a.tif"), SAL_STATUS_DATA);
    assert_string_equal(sal_context_message(ctx), "stack \"a.tif\": no CRS");
    sal_fail_prefix(ctx, SAL_STATUS_DATA, "while reading: ");
    assert_string_equal(sal_context_message(ctx), "while reading: stack \"a.tif\": no CRS");
    sal_error_clear(ctx);
    sal_fail_prefix(ctx, SAL_STATUS_DATA, "alone");
    assert_string_equal(sal_context_message(ctx), "alone");
}

static void a_very_long_message_is_cut_at_a_whole_character(void **state SAL_UNUSED)
{
    char text[9000];
    for (int shift = 0; shift < 2; shift++) {
        size_t n = 0;
        if (shift) text[n++] = 'x';
        while (n < sizeof text - 3) memcpy(text + n, "\xC3\xA9", 2), n += 2; /* e with an acute accent */
        text[n] = '\0';
        sal_error_clear(ctx);
        sal_fail(ctx, SAL_STATUS_DATA, "%s", text);
        const char *message = sal_context_message(ctx);
        assert_true(strlen(message) > 4000 && strlen(message) < 4096);
        assert_int_equal((strlen(message) - (size_t)shift) % 2, 0);
    }
}

static void a_failure_is_never_ok(void **state SAL_UNUSED)
{
    assert_int_equal(sal_fail(ctx, SAL_STATUS_OK, "a bug"), SAL_STATUS_INTERNAL);
    assert_int_equal(sal_fail(NULL, SAL_STATUS_IO, "no context"), SAL_STATUS_IO);
}

static void every_status_has_a_text_and_others_are_unknown(void **state SAL_UNUSED)
{
    for (int32_t s = 0; s <= 9; s++) assert_string_not_equal(sal_status_text(s), "unknown status");
    assert_string_equal(sal_status_text(10), "unknown status");
    assert_string_equal(sal_status_text(-1), "unknown status");
    assert_string_equal(sal_status_text(SAL_STATUS_CANCELLED), "cancelled");
}

static void threads_outside_the_bounds_are_refused(void **state SAL_UNUSED)
{
    assert_int_equal(sal_context_set_threads(ctx, -1), SAL_STATUS_ARGUMENT);
    assert_int_equal(sal_context_set_threads(ctx, 257), SAL_STATUS_ARGUMENT);
    assert_non_null(strstr(sal_context_message(ctx), "257"));
    assert_int_equal(sal_context_set_threads(ctx, 3), SAL_STATUS_OK);
    assert_int_equal(sal_context_threads(ctx), 3);
    assert_int_equal(sal_context_set_threads(ctx, 0), SAL_STATUS_OK);
    assert_true(sal_context_threads(ctx) >= 1);
}

static void memory_is_zeroed_and_aligned(void **state SAL_UNUSED)
{
    for (int64_t n = 0; n < 300; n += 7) {
        unsigned char *p;
        assert_int_equal(sal_allocate(ctx, n, 3, &p), SAL_STATUS_OK);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (int64_t i = 0; i < 3 * n; i++) assert_int_equal(p[i], 0);
        memset(p, 0xFF, (size_t)(3 * n));
        sal_release(ctx, p);
    }
    sal_release(ctx, NULL);
}

static void sizes_that_overflow_are_out_of_memory(void **state SAL_UNUSED)
{
    void *p = &p;
    assert_int_equal(sal_allocate(ctx, INT64_MAX, 16, &p), SAL_STATUS_MEMORY);
    assert_null(p);
    assert_int_equal(sal_allocate(ctx, -1, 1, &p), SAL_STATUS_MEMORY);
    assert_int_equal(sal_allocate(ctx, INT64_MAX, 1, &p), SAL_STATUS_MEMORY);
    sal_arena *arena;
    assert_int_equal(sal_arena_new(ctx, &arena), SAL_STATUS_OK);
    assert_int_equal(sal_arena_allocate(arena, INT64_MAX, 16, &p), SAL_STATUS_MEMORY);
    assert_int_equal(sal_arena_allocate(arena, -5, 16, &p), SAL_STATUS_MEMORY);
    sal_arena_free(arena);
}

static void growing_keeps_the_old_and_zeroes_the_new(void **state SAL_UNUSED)
{
    int32_t *values = NULL;
    assert_int_equal(sal_reallocate(ctx, 0, 10, sizeof *values, &values), SAL_STATUS_OK);
    for (int i = 0; i < 10; i++) values[i] = i + 1;
    assert_int_equal(sal_reallocate(ctx, 10, 1000, sizeof *values, &values), SAL_STATUS_OK);
    for (int i = 0; i < 1000; i++) assert_int_equal(values[i], i < 10 ? i + 1 : 0);
    int32_t *before = values;
    assert_int_equal(sal_reallocate(ctx, 1000, INT64_MAX, sizeof *values, &values), SAL_STATUS_MEMORY);
    assert_ptr_equal(values, before);
    assert_int_equal(values[9], 10);
    assert_int_equal(sal_reallocate(ctx, 1000, 2, sizeof *values, &values), SAL_STATUS_OK);
    assert_int_equal(values[1], 2);
    sal_release(ctx, values);
}

static void texts_grow_and_are_given_away(void **state SAL_UNUSED)
{
    sal_text text = { 0 };
    char *all, expected[16];
    for (int i = 0; i < 5000; i++) sal_text_append(ctx, &text, "%04d,", i);
    sal_text_append_bytes(ctx, &text, "end", 3);
    assert_int_equal(text.length, 25003);
    assert_int_equal(sal_text_finish(ctx, &text, &all), SAL_STATUS_OK);
    assert_null(text.data);
    assert_int_equal(strlen(all), 25003);
    for (int i = 0; i < 5000; i++) {
        snprintf(expected, sizeof expected, "%04d,", i);
        assert_memory_equal(all + 5 * i, expected, 5);
    }
    assert_string_equal(all + 25000, "end");
    sal_release(ctx, all);
    assert_int_equal(sal_text_finish(ctx, &text, &all), SAL_STATUS_OK);
    assert_string_equal(all, "");
    sal_release(ctx, all);
}

static void arena_pieces_do_not_overlap(void **state SAL_UNUSED)
{
    enum { PIECES = 2000 };
    static unsigned char *piece[PIECES];
    static int64_t size[PIECES];
    sal_arena *arena;
    assert_int_equal(sal_arena_new(ctx, &arena), SAL_STATUS_OK);
    for (int i = 0; i < PIECES; i++) {
        size[i] = sal_random_below(1, 2, (uint64_t)i, i % 100 == 0 ? 100000 : 300);
        assert_int_equal(sal_arena_allocate(arena, size[i], 1, &piece[i]), SAL_STATUS_OK);
        assert_int_equal((uintptr_t)piece[i] % 16, 0);
        for (int64_t k = 0; k < size[i]; k++) assert_int_equal(piece[i][k], 0);
        memset(piece[i], i % 251, (size_t)size[i]);
    }
    for (int i = 0; i < PIECES; i++)
        for (int64_t k = 0; k < size[i]; k++)
            if (piece[i][k] != i % 251) fail_msg("piece %d was overwritten at %lld", i, (long long)k);
    char *word;
    assert_int_equal(sal_arena_text(arena, "salt", &word), SAL_STATUS_OK);
    assert_string_equal(word, "salt");
    sal_arena_free(arena);
    sal_arena_free(NULL);
}

/* Everything that allocates in base, once. */
static sal_status build_everything(sal_context *c)
{
    sal_status status = SAL_STATUS_OK;
    sal_arena *arena = NULL;
    sal_text text = { 0 };
    char *copy = NULL, *format = NULL, *whole = NULL, *piece;
    sal_log(c, "a line");
    SAL_TRY(sal_text_copy(c, "salt", &copy));
    SAL_TRY(sal_text_format(c, &format, "%s %d", copy, 7));
    for (int i = 0; i < 200; i++) sal_text_append(c, &text, "%d ", i);
    SAL_TRY(sal_text_finish(c, &text, &whole));
    SAL_TRY(sal_arena_new(c, &arena));
    for (int i = 0; i < 20; i++) SAL_TRY(sal_arena_allocate(arena, 10000, 1, &piece));
    SAL_TRY(sal_arena_text(arena, "x", &piece));
done:
    sal_text_free(c, &text);
    sal_arena_free(arena);
    sal_release(c, copy);
    sal_release(c, format);
    sal_release(c, whole);
    return status;
}

static void every_failed_allocation_is_reported_and_leaks_nothing(void **state SAL_UNUSED)
{
    static counter c; /* the context goes back to it when it is freed */
    c = (counter){ 0 };
    sal_context_set_allocator(ctx, (sal_allocator){ counted_allocate, counted_release, &c });
    assert_int_equal(build_everything(ctx), SAL_STATUS_OK);
    int64_t calls = c.calls;
    assert_true(calls > 10);
    int64_t failed = 0;
    for (int64_t n = 1; n <= calls; n++) {
        sal_log_clear(ctx);
        sal_context_set_allocator(ctx, (sal_allocator){ counted_allocate, counted_release, &c });
        assert_int_equal(c.alive, 0);
        sal_error_clear(ctx);
        c = (counter){ .fail_at = n };
        sal_status status = build_everything(ctx);
        if (status == SAL_STATUS_OK) { /* only the log may do without memory, silently */
            assert_string_equal(sal_context_message(ctx), "");
            continue;
        }
        failed++;
        assert_int_equal(status, SAL_STATUS_MEMORY);
        assert_non_null(strstr(sal_context_message(ctx), "out of memory"));
    }
    assert_true(failed >= calls - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(the_first_message_wins_until_it_is_cleared),
        T(a_prefix_stands_before_the_message_with_one_separator),
        T(a_very_long_message_is_cut_at_a_whole_character),
        T(a_failure_is_never_ok),
        T(every_status_has_a_text_and_others_are_unknown),
        T(threads_outside_the_bounds_are_refused),
        T(memory_is_zeroed_and_aligned),
        T(sizes_that_overflow_are_out_of_memory),
        T(growing_keeps_the_old_and_zeroes_the_new),
        T(texts_grow_and_are_given_away),
        T(arena_pieces_do_not_overlap),
        T(every_failed_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
