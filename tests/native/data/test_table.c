/* test_table.c - attribute tables: columns by name, texts as they stand, numbers, and what is refused. */
#include "data/table.h"
#include "data_test.h"

static const char *write_text(const char *name, const char *text)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    fputs(text, file);
    fclose(file);
    return path;
}

static void rows_are_read_by_column_name_and_again(void **state)
{
    sal_table *t;
    bool found, good;
    assert_int_equal(sal_table_open(ctx, write_text("a.csv", "Site,pr,note\n007,1.5,x\n008,,\n009,n/a,z\n"), &t), SAL_STATUS_OK);
    assert_int_equal(sal_table_columns(t), 3);
    assert_int_equal(sal_table_find(t, "site"), 0);
    assert_int_equal(sal_table_find(t, "tmax"), -1);
    assert_string_equal(sal_table_column(t, 3), "");
    for (int time = 0; time < 2; time++) {
        assert_int_equal(sal_table_rewind(t), SAL_STATUS_OK);
        assert_int_equal(sal_table_next(t, &found), SAL_STATUS_OK);
        assert_true(found);
        assert_string_equal(sal_table_text(t, 0), "007");
        assert_true(sal_table_number(t, 1, &good) == 1.5 && good);
        sal_table_next(t, &found);
        assert_true(isnan(sal_table_number(t, 1, &good)) && good);
        assert_string_equal(sal_table_text(t, 2), "");
        sal_table_next(t, &found);
        assert_true(isnan(sal_table_number(t, 1, &good)) && !good);
        sal_table_next(t, &found);
        assert_false(found);
    }
    sal_table_free(t);
}

static void what_cannot_be_opened_is_named(void **state)
{
    sal_table *t;
    assert_int_equal(sal_table_open(ctx, in_folder("nothing.csv"), &t), SAL_STATUS_IO);
    assert_non_null(strstr(sal_context_message(ctx), "nothing.csv"));
    sal_error_clear(ctx);
    assert_int_equal(sal_table_open(ctx, in_folder("a.csv|subset=x"), &t), SAL_STATUS_ARGUMENT);
    sal_error_clear(ctx);
    char source[1100];
    snprintf(source, sizeof source, "%s|layername=other", write_text("b.csv", "a,b\n1,2\n"));
    assert_int_equal(sal_table_open(ctx, source, &t), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "other"));
    sal_error_clear(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rows_are_read_by_column_name_and_again),
                                        cmocka_unit_test(what_cannot_be_opened_is_named) };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
