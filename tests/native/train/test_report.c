/* test_report.c - the page is well-formed, self-contained and escaped; figures are images in it, and where libsalina_qt
 * is missing, one sentence says why. With a path as argument it only writes a sample report there, to be looked at. */
#include "base/figures.h"
#include "train/report.h"
#include "train/folds.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define N 806
static sal_context *ctx;
static bool with_figures;
static double x[N], y[N], observed[N], predicted[N], lower[N], upper[N], residual[N];

static int setup(void **state)
{
    for (int i = 0; i < N; i++) {
        uint64_t u = (uint64_t)i;
        x[i] = 620000 + 18000 * sal_random_uniform(1, 1, u);
        y[i] = 4180000 + 14000 * sal_random_uniform(1, 2, u);
        double mu = 1.3 + 0.7 * sal_random_normal(1, 3, u);
        observed[i] = expm1(fmax(mu + 0.35 * sal_random_normal(1, 4, u), 0));
        predicted[i] = expm1(fmax(mu, 0));
        lower[i] = fmax(predicted[i] * 0.45 - 0.2, 0);
        upper[i] = predicted[i] * 1.9 + 0.4;
        residual[i] = predicted[i] - observed[i];
    }
    if (sal_context_new(&ctx) != SAL_STATUS_OK) return -1;
    const sal_figures *qt;
    with_figures = sal_figures_load(ctx, &qt) == SAL_STATUS_OK;
    sal_error_clear(ctx);
    return 0;
}

static int teardown(void **state)
{
    sal_context_free(ctx);
    return 0;
}

static void fill(sal_report *r)
{
    sal_scores scores;
    sal_folds *folds;
    sal_fold_request request = { .method = "blocks",
                                 .count = N,
                                 .x = x,
                                 .y = y,
                                 .target = observed,
                                 .k = 5,
                                 .pixel_m = 10,
                                 .window = 65,
                                 .seed = 3 };
    assert_int_equal(sal_scores_compute(ctx, N, observed, predicted, lower, upper, 0.9,
                                        sal_class_scheme_find("china_salt_gkg"), &scores),
                     0);
    assert_int_equal(sal_folds_new(ctx, &request, &folds), 0);
    sal_report_heading(r, "How good the map is");
    sal_report_paragraph(r, "Scores are pooled over %d folds; samples < %g m from a test sample did not train.", 5,
                         folds->buffer_m);
    sal_report_note(r, "Random folds share window pixels between training & test: an optimistic reference.");
    sal_report_scores(r, "Spatial blocks", &scores, "g/kg");
    sal_report_scatter(r, "Observed and predicted salt content of unseen samples, with 90 % intervals.",
                       "Observed salt (g/kg)", "Predicted salt (g/kg)", N, observed, predicted, lower, upper, true,
                       (sal_report_categories){ 0 });
    const char *names[] = { "fold 1", "fold 2", "fold 3", "fold 4", "fold 5" };
    sal_report_heading(r, "Folds");
    sal_report_points(r, "Which samples were tested together.", N, x, y,
                      (sal_report_categories){ 5, names, folds->fold }, NULL, NULL);
    sal_report_points(r, "Residuals of unseen samples.", N, x, y, (sal_report_categories){ 0 }, residual,
                      "Predicted - observed (g/kg)");
    double epoch[30], train[30], valid[30];
    for (int e = 0; e < 30; e++)
        epoch[e] = e + 1, train[e] = 0.1 + 0.5 * exp(-e / 6.0), valid[e] = 0.16 + 0.45 * exp(-e / 5.0) + 0.01 * sin(e);
    sal_report_line lines[] = { { "training", 30, epoch, train }, { "validation", 30, epoch, valid } };
    sal_report_lines(r, "Loss of the final model.", "Epoch", "Pinball loss (log1p g/kg)", 2, lines);
    const char *systems[] = { "Random forest on the 10 bands", "SS-Stack", "SS-SoilNet" },
               *series[] = { "random folds", "spatial blocks" };
    sal_report_bars(r, "R2 by system.", "R2 (MEC)", 3, systems, 2, series,
                    (double[]){ 0.44, 0.62, 0.69, 0.31, 0.52, -0.12 }, 2, NAN, 0);
    double share[N], six[6] = { 0.69, 0.62, 0.44, 0.52, 0.40, -0.12 }, least[6], most[6];
    for (int i = 0; i < N; i++) share[i] = sal_random_uniform(5, 5, (uint64_t)i);
    for (int i = 0; i < 6; i++) least[i] = six[i] - 0.06, most[i] = six[i] + 0.05;
    sal_report_rows rows = { "R2 (1 - SSE/SST)", 3, systems, 2, series, six, least, most, 2, NAN, 0 };
    sal_report_intervals(r, "Systems compared, with 95 % block-bootstrap intervals.", &rows);
    sal_report_bar_rows(r, "Importance.", &rows);
    sal_report_pit(r, "Where observations fall in their predictive distributions.", N, share);
    sal_folds_free(ctx, folds);
}

static char *page_of(void (*build)(sal_report *), const char *title)
{
    sal_report *r;
    char *page;
    assert_int_equal(sal_report_new(ctx, title, &r), 0);
    build(r);
    assert_int_equal(sal_report_text(r, &page), 0);
    sal_report_free(r);
    return page;
}

static int64_t count(const char *page, const char *what)
{
    int64_t n = 0;
    for (const char *at = page; (at = strstr(at, what)); at += strlen(what)) n++;
    return n;
}

/* Every tag that opens closes again, in order. */
static void assert_well_formed(const char *page)
{
    char stack[64][24];
    int depth = 0;
    for (const char *at = strchr(page, '<'); at; at = strchr(at + 1, '<')) {
        const char *end = strchr(at, '>');
        char name[24];
        assert_non_null(end);
        if (at[1] == '!' || end[-1] == '/') continue;
        assert_int_equal(sscanf(at + 1 + (at[1] == '/'), "%23[a-z0-9]", name), 1);
        if (!strcmp(name, "meta")) continue;
        if (at[1] == '/') {
            assert_true(depth > 0);
            assert_string_equal(stack[--depth], name);
        } else {
            assert_true(depth < 64);
            strcpy(stack[depth++], name);
        }
    }
    assert_int_equal(depth, 0);
}

static void a_full_report_is_well_formed_and_self_contained(void **state)
{
    char *page = page_of(fill, "Model \"delta\"");
    assert_well_formed(page);
    assert_int_equal(count(page, "<img "), with_figures ? 9 : 0);
    assert_int_equal(count(page, " src=\"data:image/svg+xml;base64,"), with_figures ? 9 : 0);
    assert_int_equal(count(page, "Figure 9."), with_figures ? 1 : 0);
    assert_int_equal(count(page, "The figures are left out"), with_figures ? 0 : 1);
    assert_int_equal(count(page, "<table>"), 3);
    assert_int_equal(count(page, "<script"), 0);
    assert_int_equal(count(page, "http:") + count(page, "https:"), 0); /* nothing is fetched */
    assert_int_equal(count(page, "nan") + count(page, "inf\"") + count(page, ">inf"), 0);
    assert_non_null(strstr(page, "Model &quot;delta&quot;"));
    sal_release(ctx, page);
}

static void build_hostile(sal_report *r)
{
    const char *bad = "<script>alert('x')</script>&\"\x01", *cells[] = { bad, NULL, "1.5", "12 %" };
    double one = 1;
    sal_report_heading(r, bad);
    sal_report_paragraph(r, "%s", bad);
    sal_report_table(r, bad, 2, (const char *[]){ bad, bad }, 2, cells);
    sal_report_bars(r, bad, bad, 1, &bad, 1, &bad, &one, 1, NAN, 0);
}

static void texts_of_users_are_escaped_everywhere(void **state)
{
    char *page = page_of(build_hostile, "<b>&");
    assert_well_formed(page);
    assert_int_equal(count(page, "<script"), 0);
    assert_int_equal(count(page, "<b>"), 0);
    assert_int_equal(count(page, "\x01"), 0);
    assert_true(count(page, "&lt;script&gt;") >= 8);
    assert_int_equal(count(page, "\xe2\x80\x93</td>"), 1); /* a missing value is a dash */
    assert_int_equal(count(page, "<td>12 %</td>"), 1);
    sal_release(ctx, page);
}

static void build_empty(sal_report *r)
{
    double nothing[2] = { NAN, INFINITY }, same[3] = { 5, 5, 5 };
    sal_report_line line = { "none", 2, nothing, nothing };
    const char *label = "a";
    sal_report_scatter(r, "a", "x", "y", 2, nothing, nothing, nothing, nothing, true, (sal_report_categories){ 0 });
    sal_report_scatter(r, "b", "x", "y", 3, same, same, NULL, NULL, false, (sal_report_categories){ 0 });
    sal_report_scatter(r, "c", "x", "y", 0, NULL, NULL, NULL, NULL, true, (sal_report_categories){ 0 });
    sal_report_points(r, "d", 3, same, same, (sal_report_categories){ 0 }, same, "v");
    sal_report_points(r, "e", 2, nothing, nothing, (sal_report_categories){ 0 }, nothing, "v");
    sal_report_lines(r, "f", "x", "y", 1, &line);
    sal_report_lines(r, "g", "x", "y", 0, NULL);
    sal_report_bars(r, "h", "v", 1, &label, 1, &label, nothing, 2, 0.9, 0.05);
}

static void figures_without_usable_values_are_still_figures(void **state)
{
    char *page = page_of(build_empty, "empty");
    assert_well_formed(page);
    assert_int_equal(count(page, "<img "), with_figures ? 8 : 0);
    assert_int_equal(count(page, "nan") + count(page, "inf\"") + count(page, ">inf"), 0);
    sal_release(ctx, page);
}

static void build_many(sal_report *r)
{
    enum { many = 60000 };
    double *v = calloc(many, sizeof *v);
    for (int i = 0; i < many; i++) v[i] = sal_random_uniform(2, 2, (uint64_t)i);
    sal_report_scatter(r, "hexagons", "x", "y", many, v, v, NULL, NULL, false, (sal_report_categories){ 0 });
    sal_report_points(r, "pixels", many, v, v, (sal_report_categories){ 0 }, v, "v");
    free(v);
}

static void many_points_do_not_make_a_heavy_page(void **state)
{
    char *page = page_of(build_many, "many");
    assert_true(strlen(page) < 1500000);
    assert_int_equal(count(page, "data:image/svg+xml"), with_figures ? 1 : 0);
    assert_int_equal(count(page, "data:image/png"), with_figures ? 1 : 0);
    sal_release(ctx, page);
}

/* In a process that has not loaded libsalina_qt yet; 0 when all is as it should be. */
static int page_without_the_library(void)
{
    sal_report *r;
    char *page;
    int wrong = 0;
    setenv("SALINA_QT_LIBRARY", "/nonexistent/libsalina_qt.so", 1);
    if (setup(NULL) || with_figures || sal_report_new(ctx, "t", &r)) return 2;
    fill(r);
    if (sal_report_text(r, &page)) return 3;
    if (count(page, "<img ") || count(page, "<table>") != 3 || count(page, "The figures are left out") != 1) wrong = 4;
    if (sal_context_message(ctx)[0]) wrong = 5; /* no failure is left behind */
    if (sal_report_check(ctx, "report.html")) wrong = 6;
    if (sal_report_check(ctx, "report.PDF") != SAL_STATUS_UNSUPPORTED) wrong = 7;
    if (!strstr(sal_context_message(ctx), "write it as .html")) wrong = 8;
    sal_release(ctx, page);
    sal_report_free(r);
    teardown(NULL);
    return wrong;
}

static void without_the_library_the_page_keeps_its_tables_and_says_why(void **state)
{
    int status;
    pid_t child = fork();
    if (child == 0) execl("/proc/self/exe", "test_report", "--without", "qt", (char *)NULL);
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_path_that_ends_in_pdf_makes_a_pdf(void **state)
{
    sal_report *r;
    char path[64], head[8] = "";
    if (!with_figures) skip();
    snprintf(path, sizeof path, "/tmp/salina_report_%d.pdf", (int)getpid());
    assert_int_equal(sal_report_new(ctx, "t", &r), 0);
    fill(r);
    assert_int_equal(sal_report_save(r, path), 0);
    sal_report_free(r);
    FILE *file = fopen(path, "rb");
    assert_int_equal(fread(head, 1, 7, file), 7);
    fseek(file, 0, SEEK_END);
    assert_in_range(ftell(file), 30000, 3000000);
    fclose(file);
    unlink(path);
    assert_string_equal(head, "%PDF-1.");
}

static void a_report_into_a_missing_folder_is_an_io_error(void **state)
{
    sal_report *r;
    assert_int_equal(sal_report_new(ctx, "t", &r), 0);
    sal_error_clear(ctx);
    assert_int_equal(sal_report_save(r, "/nonexistent/folder/report.html"), SAL_STATUS_IO);
    assert_true(sal_context_message(ctx)[0]);
    sal_report_free(r);
}

int main(int argc, char **argv)
{
    if (argc == 3) return page_without_the_library();
    if (argc == 2) {
        sal_report *r;
        setup(NULL);
        if (sal_report_new(ctx, "Model delta: SS-SoilNet on the demo delta", &r)) return 1;
        fill(r);
        return sal_report_save(r, argv[1]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_report_is_well_formed_and_self_contained),
        cmocka_unit_test(texts_of_users_are_escaped_everywhere),
        cmocka_unit_test(figures_without_usable_values_are_still_figures),
        cmocka_unit_test(many_points_do_not_make_a_heavy_page),
        cmocka_unit_test(without_the_library_the_page_keeps_its_tables_and_says_why),
        cmocka_unit_test(a_path_that_ends_in_pdf_makes_a_pdf),
        cmocka_unit_test(a_report_into_a_missing_folder_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
