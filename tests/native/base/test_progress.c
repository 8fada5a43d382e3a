/* test_progress.c - spans, throttling, cancelling, the log. */
#include "base/base.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

typedef struct seen {
    int calls, cancel_at; /* cancel_at counts from 1, 0 = never */
    double fraction, lowest_step;
    char message[2200];
} seen;

static seen s;
static sal_context *ctx;

static int32_t watch(void *user, double fraction, const char *message)
{
    seen *w = user;
    if (fraction - w->fraction < w->lowest_step) w->lowest_step = fraction - w->fraction;
    w->fraction = fraction;
    if (message) snprintf(w->message, sizeof w->message, "%s", message);
    return ++w->calls == w->cancel_at;
}

static int set_up(void **state SAL_UNUSED)
{
    s = (seen){ 0 };
    if (sal_context_new(&ctx) != SAL_STATUS_OK) return -1;
    sal_context_set_progress(ctx, watch, &s);
    return 0;
}

static int tear_down(void **state SAL_UNUSED)
{
    sal_context_free(ctx);
    return 0;
}

static void spans_map_fractions_into_their_part(void **state SAL_UNUSED)
{
    sal_progress_push(ctx, 0.2, 0.6);
    assert_int_equal(sal_progress(ctx, 0.5, "half"), SAL_STATUS_OK);
    assert_float_equal(s.fraction, 0.4, 1e-12);
    sal_progress_push(ctx, 0.5, 1);
    sal_progress(ctx, 0.5, "inner");
    assert_float_equal(s.fraction, 0.5, 1e-12);
    sal_progress_pop(ctx);
    sal_progress(ctx, 1, "end of the span");
    assert_float_equal(s.fraction, 0.6, 1e-12);
    sal_progress_pop(ctx);
    sal_progress(ctx, 0.9, "outside");
    assert_float_equal(s.fraction, 0.9, 1e-12);
}

static void the_fraction_never_falls_nor_leaves_0_to_1(void **state SAL_UNUSED)
{
    sal_progress(ctx, 0.5, "a");
    sal_progress(ctx, 0.1, "b");
    assert_float_equal(s.fraction, 0.5, 1e-12);
    sal_progress(ctx, NAN, "c");
    sal_progress(ctx, -3, "d");
    sal_progress(ctx, 7, "e");
    assert_float_equal(s.fraction, 1, 1e-12);
    assert_true(s.lowest_step >= 0);
}

static void spans_deeper_than_sixteen_do_no_harm(void **state SAL_UNUSED)
{
    for (int i = 0; i < 40; i++) sal_progress_push(ctx, 0, 0.9);
    sal_progress(ctx, 1, "deep");
    assert_true(s.fraction > 0 && s.fraction < 0.2);
    for (int i = 0; i < 60; i++) sal_progress_pop(ctx);
    sal_progress(ctx, 0.7, "top");
    assert_float_equal(s.fraction, 0.7, 1e-12);
}

static void silent_reports_reach_the_callback_at_most_every_100_ms(void **state SAL_UNUSED)
{
    double begin = sal_clock();
    while (sal_clock() - begin < 0.35) assert_int_equal(sal_progress(ctx, 0.5, NULL), SAL_STATUS_OK);
    assert_true(s.calls >= 3 && s.calls <= 5);
    int before = s.calls;
    for (int i = 0; i < 10; i++) sal_progress(ctx, 0.5, "message %d", i);
    assert_int_equal(s.calls, before + 10);
    assert_string_equal(s.message, "message 9");
}

static void cancelling_is_recorded_and_stays(void **state SAL_UNUSED)
{
    s.cancel_at = 2;
    assert_int_equal(sal_progress(ctx, 0.1, "one"), SAL_STATUS_OK);
    assert_false(sal_cancelled(ctx));
    assert_int_equal(sal_progress(ctx, 0.2, "two"), SAL_STATUS_CANCELLED);
    assert_true(sal_cancelled(ctx));
    assert_string_equal(sal_context_message(ctx), "cancelled");
    assert_int_equal(sal_progress(ctx, 0.3, "three"), SAL_STATUS_CANCELLED);
    assert_int_equal(s.calls, 2);
}

static void cancelling_by_a_log_line_stops_the_next_report(void **state SAL_UNUSED)
{
    s.cancel_at = 1;
    sal_log(ctx, "reading");
    assert_true(sal_cancelled(ctx));
    assert_int_equal(sal_progress(ctx, 0.3, NULL), SAL_STATUS_CANCELLED);
}

static void report_from_a_task(void *arg, int64_t chunk, int32_t worker SAL_UNUSED)
{
    sal_progress(arg, (double)chunk / 100, "chunk %lld", (long long)chunk);
}

static void tasks_of_the_pool_never_reach_the_callback(void **state SAL_UNUSED)
{
    sal_context_set_threads(ctx, 4);
    sal_pool_run(ctx, 100, report_from_a_task, ctx);
    assert_int_equal(s.calls, 0);
}

static void wait_100_ms(void)
{
    for (double begun = sal_clock(); sal_clock() - begun < 0.11;) continue;
}

static int looks_of_helpers;

/* Every chunk waits until the callback may be asked again. */
static void look_from_a_task(void *arg, int64_t chunk SAL_UNUSED, int32_t worker)
{
    wait_100_ms();
    if (worker == 0) sal_look(arg);
    else looks_of_helpers += sal_look(arg);
}

static void a_look_asks_the_callback_in_the_thread_of_the_operation_only(void **state SAL_UNUSED)
{
    sal_context_set_threads(ctx, 2);
    assert_false(sal_look(ctx)); /* nothing was reported yet, so it is due */
    assert_int_equal(s.calls, 1);
    assert_false(sal_look(ctx));
    assert_int_equal(s.calls, 1);
    sal_pool_run(ctx, 6, look_from_a_task, ctx);
    assert_true(s.calls >= 2 && s.calls <= 7 && looks_of_helpers == 0);
    s.cancel_at = s.calls + 1;
    wait_100_ms();
    assert_true(sal_look(ctx) && sal_cancelled(ctx) && sal_look(ctx));
    assert_int_equal(s.calls, s.cancel_at);
}

static void count_and_wait(void *arg, int64_t chunk SAL_UNUSED, int32_t worker SAL_UNUSED)
{
    __atomic_fetch_add((int *)arg, 1, __ATOMIC_RELAXED);
    wait_100_ms();
}

static void a_cancelled_pool_leaves_the_chunks_that_were_not_begun(void **state SAL_UNUSED)
{
    int done = 0;
    for (int32_t threads = 1; threads <= 2; threads++) {
        sal_context_set_threads(ctx, threads);
        assert_int_equal(sal_pool_try(ctx, 4, count_and_wait, &done), SAL_STATUS_OK);
        assert_int_equal(done, 4);
        done = 0;
    }
    s.cancel_at = s.calls + 3;
    assert_int_equal(sal_pool_try(ctx, 1000, count_and_wait, &done), SAL_STATUS_CANCELLED);
    assert_string_equal(sal_context_message(ctx), "cancelled");
    assert_true(done >= 2 && done < 20);
}

static void without_a_callback_nothing_is_cancelled(void **state SAL_UNUSED)
{
    sal_context_set_progress(ctx, NULL, NULL);
    assert_int_equal(sal_progress(ctx, 0.5, "x"), SAL_STATUS_OK);
    sal_log(ctx, "line");
    assert_int_equal(sal_log_count(ctx), 1);
}

static void the_log_keeps_lines_and_marks_warnings(void **state SAL_UNUSED)
{
    for (int i = 0; i < 100; i++) sal_log(ctx, "line %d", i);
    sal_warn(ctx, "%d samples on nodata", 3);
    assert_string_equal(s.message, "Warning: 3 samples on nodata");
    assert_int_equal(sal_log_count(ctx), 101);
    bool warning = true;
    assert_string_equal(sal_log_line(ctx, 57, &warning), "line 57");
    assert_false(warning);
    assert_string_equal(sal_log_line(ctx, 100, &warning), "3 samples on nodata");
    assert_true(warning);
    assert_null(sal_log_line(ctx, 101, &warning));
    assert_null(sal_log_line(ctx, -1, NULL));
    sal_log_clear(ctx);
    assert_int_equal(sal_log_count(ctx), 0);
}

static void time_is_iso_utc_and_the_clock_runs(void **state SAL_UNUSED)
{
    char text[24];
    sal_time_iso(text);
    assert_int_equal(strlen(text), 20);
    assert_true(text[4] == '-' && text[10] == 'T' && text[19] == 'Z');
    double a = sal_clock();
    while (sal_clock() - a < 0.002) {}
    assert_true(sal_clock() > a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(spans_map_fractions_into_their_part),        T(the_fraction_never_falls_nor_leaves_0_to_1),
        T(spans_deeper_than_sixteen_do_no_harm),       T(silent_reports_reach_the_callback_at_most_every_100_ms),
        T(cancelling_is_recorded_and_stays),           T(cancelling_by_a_log_line_stops_the_next_report),
        T(a_look_asks_the_callback_in_the_thread_of_the_operation_only),
        T(a_cancelled_pool_leaves_the_chunks_that_were_not_begun),
        T(tasks_of_the_pool_never_reach_the_callback), T(without_a_callback_nothing_is_cancelled),
        T(the_log_keeps_lines_and_marks_warnings),     T(time_is_iso_utc_and_the_clock_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
