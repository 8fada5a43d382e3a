/* test_classes.c - the class schemes are complete and values fall where their limits say. */
#include "train/classes.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void every_scheme_is_complete(void **state)
{
    assert_true(sal_class_scheme_count() >= 3);
    for (int64_t i = 0; i < sal_class_scheme_count(); i++) {
        const sal_class_scheme *s = sal_class_scheme_at(i);
        assert_ptr_equal(sal_class_scheme_find(s->id), s);
        assert_true(s->title[0] && s->unit[0] && s->source[0]);
        assert_in_range(s->count, 2, SAL_CLASS_MAX);
        double light = 1e9;
        for (int32_t c = 0; c < s->count; c++) {
            unsigned r, g, b;
            assert_true(s->names[c][0]);
            assert_int_equal(sscanf(s->colours[c], "#%2x%2x%2x", &r, &g, &b), 3);
            double lightness = 0.2126 * r + 0.7152 * g + 0.0722 * b;
            assert_true(lightness < light - 10); /* readable without hue */
            light = lightness;
            if (c > 1) assert_true(s->breaks[c - 1] > s->breaks[c - 2]);
        }
    }
}

static void a_value_on_a_break_belongs_to_the_upper_class(void **state)
{
    const sal_class_scheme *s = sal_class_scheme_find("china_salt_gkg");
    assert_int_equal(sal_class_of(s, 0), 0);
    assert_int_equal(sal_class_of(s, 0.999), 0);
    assert_int_equal(sal_class_of(s, 1), 1);
    assert_int_equal(sal_class_of(s, 5.9), 3);
    assert_int_equal(sal_class_of(s, 6), 4);
    assert_int_equal(sal_class_of(s, 600), 4);
}

static void the_unit_chooses_the_scheme(void **state)
{
    assert_string_equal(sal_class_scheme_for_unit("g/kg")->id, "china_salt_gkg");
    assert_string_equal(sal_class_scheme_for_unit("g kg-1")->id, "china_salt_gkg");
    assert_string_equal(sal_class_scheme_for_unit("dS/m")->id, "fao_ece_dsm");
    assert_string_equal(sal_class_scheme_for_unit("mS/cm")->id, "fao_ece_dsm");
    assert_null(sal_class_scheme_for_unit("%"));
    assert_null(sal_class_scheme_for_unit(NULL));
    assert_false(sal_unit_equal("g/kg", "dS/m"));
}

static void limits_are_written_out(void **state)
{
    char text[64];
    const sal_class_scheme *s = sal_class_scheme_find("fao_ece_dsm");
    sal_class_limits_text(s, 0, text);
    assert_string_equal(text, "< 2");
    sal_class_limits_text(s, 2, text);
    assert_string_equal(text, "4 - 8");
    sal_class_limits_text(s, 4, text);
    assert_string_equal(text, ">= 16");
}

static void quarters_merge_equal_limits(void **state)
{
    sal_context *ctx;
    sal_class_scheme s;
    double v[8] = { 8, 1, 2, 3, 4, 5, 6, 7 }, same[4] = { 3, 3, 3, 3 }, half[4] = { 0, 0, 0, 9 };
    assert_int_equal(sal_context_new(&ctx), 0);
    assert_int_equal(sal_class_scheme_quarters(ctx, "%", 8, v, &s), 0);
    assert_int_equal(s.count, 4);
    assert_true(fabs(s.breaks[0] - 2.75) < 1e-12 && fabs(s.breaks[1] - 4.5) < 1e-12 &&
                fabs(s.breaks[2] - 6.25) < 1e-12);
    assert_int_equal(sal_class_of(&s, 8), 3);
    assert_int_equal(sal_class_scheme_quarters(ctx, "%", 4, same, &s), 0);
    assert_int_equal(s.count, 1);
    assert_int_equal(sal_class_of(&s, 100), 0);
    assert_int_equal(sal_class_scheme_quarters(ctx, "%", 4, half, &s), 0);
    assert_int_equal(s.count, 2);
    assert_true(s.breaks[0] > 0 && s.breaks[0] <= 9);
    sal_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scheme_is_complete),    cmocka_unit_test(a_value_on_a_break_belongs_to_the_upper_class),
        cmocka_unit_test(the_unit_chooses_the_scheme), cmocka_unit_test(limits_are_written_out),
        cmocka_unit_test(quarters_merge_equal_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
