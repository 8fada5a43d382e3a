/* test_figures.c - figures through the C interface of libsalina_qt: every kind in every format, from any thread, and
 * what is refused. Skips where this build has no Qt. GDAL decodes the pictures. */
#include "base/figures.h"
#include <dlfcn.h>
#include <gdal.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cpl_vsi.h>
#include <cmocka.h>

#define N 240
static sal_context *ctx;
static const sal_figures *qt;
static double a[N], b[N], low[N], high[N], residual[N], group[N];
static const char *const places[] = { "west of the river", "delta plain", "coast & dunes" };

static int set_up(void **state SAL_UNUSED)
{
    GDALAllRegister();
    for (int i = 0; i < N; i++) {
        uint64_t u = (uint64_t)i;
        a[i] = exp(sal_random_normal(1, 1, u));
        b[i] = a[i] * exp(0.3 * sal_random_normal(1, 2, u));
        low[i] = 0.5 * b[i], high[i] = 1.8 * b[i], residual[i] = b[i] - a[i], group[i] = i % 3;
    }
    return sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1;
}

static int tear_down(void **state SAL_UNUSED)
{
    sal_context_free(ctx);
    return 0;
}

static void need_qt(void)
{
    sal_error_clear(ctx);
    if (!qt && sal_figures_load(ctx, &qt) != SAL_STATUS_OK) {
        if (strstr(sal_context_message(ctx), "this build of Salina has no figures")) skip();
        fail_msg("%s", sal_context_message(ctx)); /* a build with Qt must have them */
    }
}

/* A figure of each kind; `n` 0 gives it values that are all missing. */
static sal_figure *figure_of(const char *kind, int64_t n)
{
    static const double nothing[N] = { [0] = NAN, [1] = INFINITY };
    sal_figure *f;
    const double *x = n ? a : nothing, *y = n ? b : nothing, three[3] = { n ? n / 3 : 1, n ? n / 3 : 1, 0 };
    int64_t m = n ? n : 2;
    assert_int_equal(qt->sal_figure_new(kind, &f), 0);
    if (!strcmp(kind, "scatter") || !strcmp(kind, "map")) {
        qt->sal_figure_set_values(f, "x", m, x), qt->sal_figure_set_values(f, "y", m, y);
    } else if (!strcmp(kind, "lines")) {
        int64_t points = n ? n / 3 * 2 : 2;
        qt->sal_figure_set_values(f, "x", points, x), qt->sal_figure_set_values(f, "y", points, y);
        qt->sal_figure_set_values(f, "length", 3, three), qt->sal_figure_set_names(f, "names", 3, places);
    } else if (!strcmp(kind, "histogram")) {
        qt->sal_figure_set_values(f, "value", m, x);
    } else {
        qt->sal_figure_set_values(f, "value", n ? 3 : 2, x), qt->sal_figure_set_names(f, "label", n ? 3 : 2, places);
        qt->sal_figure_set_text(f, "value_label", "Observed salt (g/kg)");
    }
    if (!strcmp(kind, "scatter") || !strcmp(kind, "lines") || !strcmp(kind, "histogram")) {
        qt->sal_figure_set_text(f, "x_label", "Observed salt (g/kg)");
        qt->sal_figure_set_text(f, "y_label", "Predicted salt (g/kg)");
    }
    if (!strcmp(kind, "map")) {
        qt->sal_figure_set_values(f, "value", m, n ? residual : nothing);
        qt->sal_figure_set_text(f, "value_label", "Observed salt (g/kg)");
    }
    return f;
}

/* Decodes a PNG; returns how many of its pixels are neither white nor grey. */
static int64_t coloured_pixels(const void *bytes, int64_t length, int width, int height)
{
    int64_t coloured = 0;
    VSIFCloseL(VSIFileFromMemBuffer("/vsimem/figure.png", (GByte *)(size_t)bytes, (vsi_l_offset)length, FALSE));
    GDALDatasetH set = GDALOpen("/vsimem/figure.png", GA_ReadOnly);
    assert_non_null(set);
    assert_int_equal(GDALGetRasterXSize(set), width);
    assert_int_equal(GDALGetRasterYSize(set), height);
    assert_int_equal(GDALGetRasterCount(set), 3);
    unsigned char *rgb = malloc((size_t)width * (size_t)height * 3);
    assert_int_equal(
        GDALDatasetRasterIO(set, GF_Read, 0, 0, width, height, rgb, width, height, GDT_Byte, 3, NULL, 3, width * 3, 1),
        CE_None);
    for (int64_t i = 0; i < (int64_t)width * height; i++)
        coloured += abs(rgb[3 * i] - rgb[3 * i + 1]) + abs(rgb[3 * i + 1] - rgb[3 * i + 2]) > 40;
    free(rgb);
    GDALClose(set);
    VSIUnlink("/vsimem/figure.png");
    return coloured;
}

static void every_figure_is_a_png_of_its_size_an_svg_with_its_texts_and_a_pdf(void **state SAL_UNUSED)
{
    need_qt();
#define SAL_FIGURE(kind, title) #kind,
#define SAL_KEY(kind, key, type, required, help)
    static const char *const kinds[] = {
#include "qt/figures.def"
    };
#undef SAL_FIGURE
#undef SAL_KEY
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        sal_figure *f = figure_of(kinds[k], N);
        int32_t width, height;
        const void *bytes;
        int64_t length;
        qt->sal_figure_set_number(f, "dpi", 144);
        assert_int_equal(qt->sal_figure_size(f, &width, &height), 0);
        assert_in_range(width, 300, 1200);
        assert_int_equal(qt->sal_figure_render(f, "png", &bytes, &length), 0);
        assert_true(coloured_pixels(bytes, length, (int)lround(width * 1.5), (int)lround(height * 1.5)) > 400);
        assert_int_equal(qt->sal_figure_render(f, "svg", &bytes, &length), 0);
        char *svg = strndup(bytes, (size_t)length);
        assert_non_null(strstr(svg, "Observed salt (g/kg)</text>"));
        assert_non_null(strstr(svg, "font-family=\"sans-serif\""));
        if (!strcmp(kinds[k], "lines")) assert_non_null(strstr(svg, "coast &amp; dunes</text>"));
        assert_null(strstr(svg, "nan"));
        free(svg);
        assert_int_equal(qt->sal_figure_render(f, "pdf", &bytes, &length), 0);
        assert_memory_equal(bytes, "%PDF-1.", 7);
        assert_non_null(strstr(qt->sal_figure_kinds(), kinds[k]));
        qt->sal_figure_free(f);
    }
}

static void figures_without_a_usable_value_say_so(void **state SAL_UNUSED)
{
    need_qt();
    static const char *const kinds[] = { "scatter", "map", "lines", "bars", "intervals", "histogram" };
    for (int k = 0; k < 6; k++) {
        sal_figure *f = figure_of(kinds[k], 0);
        const void *bytes;
        int64_t length;
        assert_int_equal(qt->sal_figure_render(f, "svg", &bytes, &length), 0);
        char *svg = strndup(bytes, (size_t)length);
        assert_non_null(strstr(svg, "no data</text>"));
        assert_null(strstr(svg, "nan"));
        assert_null(strstr(svg, "inf"));
        free(svg);
        qt->sal_figure_free(f);
    }
}

/* Small, with a legend and intervals that reach beyond the plot. */
static void a_size_that_is_asked_for_is_kept(void **state SAL_UNUSED)
{
    need_qt();
    sal_figure *f = figure_of("scatter", N);
    const void *bytes;
    int64_t length;
    qt->sal_figure_set_number(f, "width", 400), qt->sal_figure_set_number(f, "height", 300);
    qt->sal_figure_set_number(f, "dpi", 96);
    qt->sal_figure_set_values(f, "category", N, group), qt->sal_figure_set_names(f, "names", 3, places);
    qt->sal_figure_set_values(f, "lower", N, low), qt->sal_figure_set_values(f, "upper", N, high);
    qt->sal_figure_set_number(f, "log", 1);
    assert_int_equal(qt->sal_figure_render(f, "png", &bytes, &length), 0);
    coloured_pixels(bytes, length, 400, 300);
    qt->sal_figure_free(f);
}

static void expect_refusal(sal_figure *f, int32_t status, const char *words)
{
    const void *bytes;
    int64_t length;
    assert_int_equal(qt->sal_figure_render(f, "svg", &bytes, &length), status);
    if (!strstr(qt->sal_figure_message(f), words))
        fail_msg("\"%s\" does not say \"%s\"", qt->sal_figure_message(f), words);
    qt->sal_figure_free(f);
}

static void wrong_figures_are_refused_in_one_sentence(void **state SAL_UNUSED)
{
    need_qt();
    sal_figure *f;
    assert_int_equal(qt->sal_figure_new("pie", &f), SAL_STATUS_ARGUMENT);
    expect_refusal(f, SAL_STATUS_ARGUMENT, "no figure \"pie\"");
    qt->sal_figure_new("scatter", &f);
    assert_int_equal(qt->sal_figure_set_text(f, "colour", "red"), SAL_STATUS_ARGUMENT);
    assert_int_equal(qt->sal_figure_set_values(f, "x", N, a), SAL_STATUS_ARGUMENT); /* sticky */
    expect_refusal(f, SAL_STATUS_ARGUMENT, "takes no \"colour\"");
    qt->sal_figure_new("scatter", &f);
    qt->sal_figure_set_text(f, "x", "1, 2");
    expect_refusal(f, SAL_STATUS_ARGUMENT, "\"x\" of figure \"scatter\" takes values");
    qt->sal_figure_new("scatter", &f);
    qt->sal_figure_set_values(f, "x", N, a);
    expect_refusal(f, SAL_STATUS_ARGUMENT, "needs y");
    f = figure_of("scatter", N);
    qt->sal_figure_set_values(f, "lower", 5, low);
    expect_refusal(f, SAL_STATUS_ARGUMENT, "5 values of lower do not go with 240 of x");
    f = figure_of("bars", N);
    qt->sal_figure_set_number(f, "width", 1e9);
    expect_refusal(f, SAL_STATUS_ARGUMENT, "outside 100 to 10000");
    f = figure_of("lines", N);
    qt->sal_figure_set_values(f, "length", 3, (const double[3]){ N, N, -1 });
    expect_refusal(f, SAL_STATUS_ARGUMENT, "length -1");
}

static void a_failed_output_may_be_tried_again(void **state SAL_UNUSED)
{
    need_qt();
    sal_figure *f = figure_of("bars", N);
    char path[64];
    assert_int_equal(qt->sal_figure_save(f, "/nonexistent/folder/figure.png"), SAL_STATUS_IO);
    assert_non_null(strstr(qt->sal_figure_message(f), "/nonexistent/folder/figure.png"));
    assert_int_equal(qt->sal_figure_save(f, "/tmp/figure.bmp"), SAL_STATUS_ARGUMENT);
    snprintf(path, sizeof path, "/tmp/salina_figure_%d.svg", (int)getpid());
    assert_int_equal(qt->sal_figure_save(f, path), 0);
    assert_string_equal(qt->sal_figure_message(f), "");
    assert_int_equal(unlink(path), 0);
    qt->sal_figure_free(f);
}

static void a_widget_without_an_application_is_refused(void **state SAL_UNUSED)
{
    need_qt();
    sal_figure *f = figure_of("bars", N);
    void *widget = NULL;
    assert_int_equal(qt->sal_figure_widget(f, &widget), SAL_STATUS_FAILED);
    assert_null(widget);
    assert_non_null(strstr(qt->sal_figure_message(f), "GUI thread"));
    qt->sal_figure_free(f);
}

static void *many_figures(void *failures)
{
    for (int i = 0; i < 8; i++) {
        sal_figure *f = figure_of(i % 2 ? "map" : "scatter", N);
        const void *bytes;
        int64_t length;
        if (qt->sal_figure_render(f, i % 3 ? "svg" : "png", &bytes, &length) != 0) ++*(int *)failures;
        qt->sal_figure_free(f);
    }
    return NULL;
}

static void threads_make_figures_at_the_same_time(void **state SAL_UNUSED)
{
    need_qt();
    pthread_t threads[4];
    int failures[4] = { 0 };
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, many_figures, &failures[i]);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++) assert_int_equal(failures[i], 0);
}

static void a_page_becomes_a_pdf_and_a_bad_path_a_sentence(void **state SAL_UNUSED)
{
    need_qt();
    char message[200] = "", path[64], head[8] = "";
    const char *page = "<html><head><title>t</title></head><body><h1>Model</h1><p>R2 0.69</p></body></html>";
    assert_int_equal(qt->sal_qt_html_to_pdf(page, "/nonexistent/page.pdf", message, sizeof message), SAL_STATUS_IO);
    assert_non_null(strstr(message, "/nonexistent/page.pdf"));
    snprintf(path, sizeof path, "/tmp/salina_page_%d.pdf", (int)getpid());
    assert_int_equal(qt->sal_qt_html_to_pdf(page, path, message, sizeof message), 0);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(head, 1, 7, file), 7);
    fclose(file);
    assert_string_equal(head, "%PDF-1.");
    unlink(path);
}

/* Runs the check in a child, which has not loaded Qt: exit status 0 says that it holds. */
static void in_a_child(int (*check)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0) _exit(check());
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int refuses_another_qt(void)
{
    const sal_figures *none;
#ifdef SAL_TEST_OTHER_QT
    if (!dlopen(SAL_TEST_OTHER_QT, RTLD_NOW | RTLD_LOCAL)) return 2;
    if (sal_figures_load(ctx, &none) != SAL_STATUS_UNSUPPORTED || none) return 3;
    return strstr(sal_context_message(ctx), "runs on Qt 9") ? 0 : 4;
#else
    (void)none;
    return 77;
#endif
}

static int knows_other_libraries_of_qt(void)
{
    const sal_figures *some;
#ifdef SAL_TEST_QT3D
    if (!dlopen(SAL_TEST_QT3D, RTLD_NOW | RTLD_LOCAL)) return 2;
    return sal_figures_load(ctx, &some) == SAL_STATUS_OK ? 0 : 3;
#else
    (void)some;
    return 77;
#endif
}

static int names_a_missing_file(void)
{
    const sal_figures *none;
    setenv("SALINA_QT_LIBRARY", "/nonexistent/libsalina_qt.so", 1);
    if (sal_figures_load(ctx, &none) != SAL_STATUS_UNSUPPORTED || none) return 3;
    if (strstr(sal_context_message(ctx), "no figures; build it")) return 77;
    return strstr(sal_context_message(ctx), "/nonexistent/libsalina_qt.so") ? 0 : 4;
}

static int needs_a_font(void)
{
    char path[64];
    const void *bytes;
    int64_t length;
    snprintf(path, sizeof path, "/tmp/salina_no_fonts_%d.conf", (int)getpid());
    FILE *file = fopen(path, "w");
    fputs("<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM "
          "\"fonts.dtd\"><fontconfig><dir>/nonexistent</dir></fontconfig>",
          file);
    fclose(file);
    setenv("FONTCONFIG_FILE", path, 1);
    if (sal_figures_load(ctx, &qt) != SAL_STATUS_OK) return strstr(sal_context_message(ctx), "has no figures") ? 77 : 2;
    sal_figure *f = figure_of("scatter", N);
    int32_t status = qt->sal_figure_render(f, "svg", &bytes, &length);
    unlink(path);
    if (status != SAL_STATUS_UNSUPPORTED) return 3;
    return strstr(qt->sal_figure_message(f), "fonts-dejavu-core") ? 0 : 4;
}

static void a_process_with_another_qt_is_refused(void **state SAL_UNUSED) { in_a_child(refuses_another_qt); }
static void a_process_with_qt_3d_is_served(void **state SAL_UNUSED) { in_a_child(knows_other_libraries_of_qt); }
static void a_missing_library_is_named(void **state SAL_UNUSED) { in_a_child(names_a_missing_file); }
static void a_machine_without_fonts_is_told_what_to_install(void **state SAL_UNUSED) { in_a_child(needs_a_font); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_with_another_qt_is_refused), /* before this process loads Qt */
        cmocka_unit_test(a_process_with_qt_3d_is_served),
        cmocka_unit_test(a_missing_library_is_named),
        cmocka_unit_test(a_machine_without_fonts_is_told_what_to_install),
        cmocka_unit_test(every_figure_is_a_png_of_its_size_an_svg_with_its_texts_and_a_pdf),
        cmocka_unit_test(figures_without_a_usable_value_say_so),
        cmocka_unit_test(a_size_that_is_asked_for_is_kept),
        cmocka_unit_test(wrong_figures_are_refused_in_one_sentence),
        cmocka_unit_test(a_failed_output_may_be_tried_again),
        cmocka_unit_test(a_widget_without_an_application_is_refused),
        cmocka_unit_test(threads_make_figures_at_the_same_time),
        cmocka_unit_test(a_page_becomes_a_pdf_and_a_bad_path_a_sentence),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
