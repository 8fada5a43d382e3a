/* test_files.c - files through GDAL's file system, XML by element name, numbers without the locale, and views that leave
 * several stored values out. */
#include "data/files.h"
#include "data/raster.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static sal_context *ctx;
static sal_arena *arena;
static char folder[256];

static const char *in_folder(const char *name)
{
    static char texts[2][600];
    static int next;
    char *text = texts[next++ % 2];
    snprintf(text, 600, "%s/%s", folder, name);
    return text;
}

static void save(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "wb");
    fputs(text, file);
    fclose(file);
}

static void names_of_a_folder_come_sorted(void **state)
{
    const char *const *names;
    int64_t n;
    save("b.txt", "");
    save("a.txt", "");
    assert_int_equal(sal_files_list(ctx, arena, folder, &names, &n), SAL_STATUS_OK);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "a.txt");
    assert_true(sal_files_is_folder(folder) && !sal_files_is_folder(in_folder("a.txt")));
    assert_true(sal_files_exist(in_folder("a.txt")) && !sal_files_exist(in_folder("c.txt")));
    assert_int_equal(sal_files_list(ctx, arena, in_folder("none"), &names, &n), SAL_STATUS_DATA);
    sal_error_clear(ctx);
}

static void a_text_is_bounded(void **state)
{
    char *text;
    save("a.txt", "twelve bytes");
    assert_int_equal(sal_files_text(ctx, in_folder("a.txt"), 12, &text), SAL_STATUS_OK);
    assert_string_equal(text, "twelve bytes");
    sal_release(ctx, text);
    assert_int_equal(sal_files_text(ctx, in_folder("a.txt"), 11, &text), SAL_STATUS_DATA);
    sal_error_clear(ctx);
    assert_int_equal(sal_files_text(ctx, in_folder("none.txt"), 11, &text), SAL_STATUS_IO);
    assert_non_null(strstr(sal_context_message(ctx), "none.txt"));
    sal_error_clear(ctx);
}

static void elements_are_found_without_their_name_space(void **state)
{
    sal_xml *xml;
    const sal_xml *found[2];
    save("a.xml", "<?xml version=\"1.0\"?><n1:A xmlns:n1=\"x\"><n1:B id=\"7\">one</n1:B><C><B>two</B><B/></C></n1:A>");
    assert_int_equal(sal_xml_open(ctx, in_folder("a.xml"), &xml), SAL_STATUS_OK);
    assert_int_equal(sal_xml_find(xml, "B", found, 2), 3);
    assert_string_equal(sal_xml_value(found[0]), "one");
    assert_string_equal(sal_xml_attribute(found[0], "id"), "7");
    assert_string_equal(sal_xml_value(found[1]), "two");
    assert_null(sal_xml_attribute(found[1], "id"));
    assert_int_equal(sal_xml_find(xml, "C", found, 2), 1);
    assert_string_equal(sal_xml_text(found[0], "B"), "two"); /* below C, not beside it */
    assert_null(sal_xml_text(xml, "D"));
    sal_xml_free(xml);
    save("bad.xml", "<A><B></A>");
    assert_int_equal(sal_xml_open(ctx, in_folder("bad.xml"), &xml), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "bad.xml"));
    sal_error_clear(ctx);
}

static void numbers_do_not_depend_on_the_locale(void **state)
{
    setlocale(LC_NUMERIC, "de_DE.UTF-8"); /* where it is installed */
    assert_true(sal_text_number("02.14") == 2.14 && sal_text_number(" -1000 ") == -1000);
    assert_true(isnan(sal_text_number("")) && isnan(sal_text_number(NULL)) && isnan(sal_text_number("1,5")));
    setlocale(LC_NUMERIC, "C");
}

static void invalid_values_stay_out_of_their_neighbours(void **state)
{
    const double invalid[] = { 0, 65535 };
    const int64_t band = 0;
    float in[36], out[144];
    sal_grid grid, fine;
    sal_raster_writer *writer;
    sal_raster *raster;
    const sal_band_spec name = { .name = "B04" };
    for (int i = 0; i < 36; i++) in[i] = 1000;
    in[7] = 0;
    in[28] = 65535;
    assert_int_equal(sal_grid_from_crs(ctx, "EPSG:32650", 6, 6, 500000, 4200000, 20, &grid), SAL_STATUS_OK);
    assert_int_equal(sal_grid_from_crs(ctx, "EPSG:32650", 12, 12, 500000, 4200000, 10, &fine), SAL_STATUS_OK);
    const sal_raster_spec spec = {
        .grid = &grid, .type = SAL_RASTER_UINT16, .bands = &name, .band_count = 1, .nodata = NAN
    };
    assert_int_equal(sal_raster_writer_new(ctx, in_folder("dn.tif"), &spec, &writer), SAL_STATUS_OK);
    assert_int_equal(sal_raster_writer_write(writer, 0, 0, 6, 6, in), SAL_STATUS_OK);
    assert_int_equal(sal_raster_writer_commit(writer), SAL_STATUS_OK);
    sal_raster_writer_free(writer);
    sal_raster_view view = { .invalid = invalid, .invalid_count = 2 };
    assert_int_equal(sal_raster_open_view(ctx, in_folder("dn.tif"), &view, &raster), SAL_STATUS_OK);
    assert_string_equal(sal_raster_band_name(raster, 0), "B04");
    assert_int_equal(sal_raster_read(raster, &band, 1, 0, 0, 6, 6, out), SAL_STATUS_OK);
    for (int i = 0; i < 36; i++) assert_true(i == 7 || i == 28 ? isnan(out[i]) : out[i] == 1000);
    sal_raster_free(raster);
    view.grid = &fine;
    view.method = "bilinear";
    assert_int_equal(sal_raster_open_view(ctx, in_folder("dn.tif"), &view, &raster), SAL_STATUS_OK);
    assert_int_equal(sal_raster_read(raster, &band, 1, 0, 0, 12, 12, out), SAL_STATUS_OK);
    int missing = 0;
    for (int i = 0; i < 144; i++) {
        missing += isnan(out[i]) != 0;
        assert_true(isnan(out[i]) || fabsf(out[i] - 1000) < .01f);
    }
    assert_int_equal(missing, 8);
    sal_raster_free(raster);
    sal_grid_clear(ctx, &grid);
    sal_grid_clear(ctx, &fine);
}

static int set_up(void **state)
{
    const char *root = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/salina-XXXXXX", root ? root : "/tmp");
    return mkdtemp(folder) && sal_context_new(&ctx) == SAL_STATUS_OK && sal_arena_new(ctx, &arena) == SAL_STATUS_OK ? 0
                                                                                                                   : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = { "a.txt", "b.txt", "a.xml", "bad.xml", "dn.tif" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) remove(in_folder(names[i]));
    rmdir(folder);
    sal_arena_free(arena);
    sal_context_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_a_folder_come_sorted),
        cmocka_unit_test(a_text_is_bounded),
        cmocka_unit_test(elements_are_found_without_their_name_space),
        cmocka_unit_test(numbers_do_not_depend_on_the_locale),
        cmocka_unit_test(invalid_values_stay_out_of_their_neighbours),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
