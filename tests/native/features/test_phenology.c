/* test_phenology.c - seasons of analytic curves, with gaps, noise and clouds; Whittaker against a dense solution (tests/golden/phenology.txt). */
#include "data/date.h"
#include "features/phenology.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MANY = 400 };
static sal_context *ctx;
static int64_t year; /* 1 January 2019 */

/* Double logistic: rise at `up`, fall at `down`, both of 90 % within 4.394 / rate days. */
static double season_at(double day, double up, double down)
{
    return 0.15 + 0.6 * (1 / (1 + exp(-0.1 * (day - up))) + 1 / (1 + exp(0.12 * (day - down))) - 1);
}

static double one(double day) { return season_at(day, 130, 250); }

static double two(double day) { return season_at(day, 90, 150) + 0.8 * (season_at(day, 215, 285) - 0.15); }

static double level(double day) { return 0.2; }

static double rising(double day) { return 0.1 + 0.7 / (1 + exp(-0.05 * (day - 330))); }

static double before(double day) { return season_at(day, -20, 90); }

/* Days of year every `every` days; returns how many. */
static int64_t days_of(int64_t first, int64_t every, int64_t last, int64_t *dates)
{
    int64_t n = 0;
    for (int64_t day = first; day <= last; day += every) dates[n++] = year + day - 1;
    return n;
}

static sal_phenology_options options_of(sal_smoother smoother)
{
    sal_phenology_options o = sal_phenology_defaults();
    o.smoother = smoother;
    o.year_begin = year;
    o.year_days = 365;
    return o;
}

static sal_season season_of(const sal_phenology_options *o, const int64_t *dates, int64_t n, const float *values)
{
    sal_phenology_plan *plan = NULL;
    sal_season s;
    sal_error_clear(ctx);
    if (sal_phenology_plan_new(ctx, o, dates, n, &plan) != SAL_STATUS_OK) fail_msg("%s", sal_context_message(ctx));
    sal_phenology_curve(plan, values, NULL, NULL, &s);
    sal_phenology_plan_free(plan);
    return s;
}

static sal_season season_of_curve(const sal_phenology_options *o, double (*f)(double), int64_t every)
{
    int64_t dates[MANY], n = days_of(1, every, 365, dates);
    float values[MANY];
    for (int64_t i = 0; i < n; i++) values[i] = (float)f((double)(dates[i] - year + 1));
    return season_of(o, dates, n, values);
}

/* The day at which f first comes to a share of its left amplitude, by bisection of 1e-3 day steps. */
static double truth_of(double (*f)(double), double from, double peak, double share)
{
    const double target = f(from) + share * (f(peak) - f(from));
    double day = from;
    while (f(day) < target) day += 1e-3;
    return day;
}

static void near(double value, double expected, double tolerance, const char *what)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%s is %.4f, not %.4f +- %.4f", what, value, expected, tolerance);
}

static void check_one(sal_smoother smoother, int64_t every, double days, double share)
{
    sal_phenology_options o = options_of(smoother);
    if (smoother == SAL_SMOOTHER_WHITTAKER) o.lambda = 30;
    const sal_season s = season_of_curve(&o, one, every);
    double peak = 130;
    for (double day = 130; day < 250; day += 0.01) peak = one(day) > one(peak) ? day : peak;
    const double sos = truth_of(one, 1, peak, .2), steep = truth_of(one, 1, peak, .8);
    assert_true(s.quality == SAL_SEASON_FOUND);
    near(s.sos, sos, days, "SOS");
    near(s.sdps, truth_of(one, 1, peak, .9), days, "SDPS");
    near(s.gus, .6 * (one(peak) - one(1)) / (steep - sos), share * s.gus, "GUS");
    near(s.peak, one(peak), .01, "PEAK");
    near(s.peak_day, peak, 6, "PEAK_DOY");
    near(s.amplitude, one(peak) - one(1), .015, "AMPLITUDE");
    near(s.length, s.eos - s.sos, 1e-9, "LENGTH");
    assert_true(s.rmse < .02);
}

static void a_double_logistic_has_its_days_by_every_smoother(void **state)
{
    check_one(SAL_SMOOTHER_WHITTAKER, 5, 1, .02);
    check_one(SAL_SMOOTHER_WHITTAKER, 8, 2, .05); /* dates between nodes */
    check_one(SAL_SMOOTHER_SAVITZKY_GOLAY, 5, 2, .05);
    check_one(SAL_SMOOTHER_DOUBLE_LOGISTIC, 5, 1, .02);
    check_one(SAL_SMOOTHER_DOUBLE_LOGISTIC, 8, 1, .02);
}

static void thresholds_move_the_days(void **state)
{
    sal_phenology_options o = options_of(SAL_SMOOTHER_DOUBLE_LOGISTIC);
    o.sos = .35;
    o.sdps = .75;
    o.eos = .5;
    o.gus[0] = .3;
    o.gus[1] = .6;
    const sal_season s = season_of_curve(&o, one, 5);
    near(s.sos, truth_of(one, 1, 185, .35), 1, "SOS at .35");
    near(s.sdps, truth_of(one, 1, 185, .75), 1, "SDPS at .75");
    near(s.gus, .3 * s.amplitude / (truth_of(one, 1, 185, .6) - truth_of(one, 1, 185, .3)), .02 * s.gus,
         "GUS from .3 to .6");
    near(s.eos, 250, 2, "EOS at .5");
}

/* Noise of .02, a gap of 45 days and a cloud in twenty, by the generator of the library. */
static int64_t spoil(uint64_t seed, double (*f)(double), int64_t *dates, float *values)
{
    const int64_t n = days_of(3, 5, 363, dates);
    for (int64_t i = 0; i < n; i++) {
        const double day = (double)(dates[i] - year + 1), u = sal_random_uniform(seed, 1, (uint64_t)i);
        values[i] = (float)(f(day) + 0.02 * sal_random_normal(seed, 2, (uint64_t)i) - (u < .05 ? .1 + 6 * u : 0));
        if (u > .65 || (day > 205 && day < 250)) values[i] = NAN;
    }
    return n;
}

static void noise_gaps_and_clouds_leave_the_days_within_limits(void **state)
{
    static const sal_smoother smoothers[] = { SAL_SMOOTHER_WHITTAKER, SAL_SMOOTHER_SAVITZKY_GOLAY,
                                              SAL_SMOOTHER_DOUBLE_LOGISTIC };
    static const double days[] = { 8, 12, 8 }; /* Savitzky-Golay fills the gaps by straight lines */
    const double sos = truth_of(one, 1, 185, .2), sdps = truth_of(one, 1, 185, .9);
    for (int k = 0; k < 3; k++) {
        const sal_phenology_options o = options_of(smoothers[k]);
        double squares[2] = { 0, 0 };
        for (uint64_t seed = 1; seed <= 100; seed++) {
            int64_t dates[MANY];
            float values[MANY];
            const int64_t n = spoil(seed, one, dates, values);
            const sal_season s = season_of(&o, dates, n, values);
            assert_true(s.quality == SAL_SEASON_FOUND);
            squares[0] += (s.sos - sos) * (s.sos - sos) / 100;
            squares[1] += (s.sdps - sdps) * (s.sdps - sdps) / 100;
        }
        if (!(fmax(squares[0], squares[1]) < days[k] * days[k]))
            fail_msg("smoother %d: SOS %.1f days, SDPS %.1f days off", k + 1, sqrt(squares[0]), sqrt(squares[1]));
    }
}

static void a_cloud_at_the_end_of_a_gap_is_not_the_base(void **state)
{
    int64_t dates[MANY], n = days_of(3, 5, 363, dates);
    float values[MANY];
    const sal_phenology_options o = options_of(SAL_SMOOTHER_WHITTAKER);
    for (int64_t i = 0; i < n; i++) values[i] = i > 0 && i < 8 ? NAN : (float)one((double)(dates[i] - year + 1));
    values[0] = -0.12f;
    near(season_of(&o, dates, n, values).sos, truth_of(one, 1, 185, .2), 8, "SOS");
}

static void two_seasons_are_told_apart(void **state)
{
    sal_phenology_options o = options_of(SAL_SMOOTHER_WHITTAKER);
    const double valley = 178;
    o.season = SAL_SEASON_FIRST;
    near(season_of_curve(&o, two, 5).sos, truth_of(two, 1, 120, .2), 4, "SOS of the first season");
    o.season = SAL_SEASON_SECOND;
    const sal_season second = season_of_curve(&o, two, 5);
    near(second.sos, truth_of(two, valley, 250, .2), 5, "SOS of the second season");
    near(second.peak_day, 250, 8, "peak of the second season");
    o.season = SAL_SEASON_MAIN; /* the first is higher */
    near(season_of_curve(&o, two, 5).sos, truth_of(two, 1, 120, .2), 4, "SOS of the main season");
    o.season = SAL_SEASON_SECOND;
    const sal_season none = season_of_curve(&o, one, 5);
    assert_true(none.quality == SAL_SEASON_ABSENT && isnan(none.sos) && isnan(none.gus) && isnan(none.peak));
}

/* A season stays, but says so, where the year was not seen for longer than max_gap before its peak stage. */
static void a_gap_before_the_peak_stage_is_told(void **state)
{
    sal_phenology_options o = options_of(SAL_SMOOTHER_WHITTAKER);
    int64_t dates[MANY], n = days_of(1, 5, 365, dates);
    float values[MANY];
    for (int64_t i = 0; i < n; i++) values[i] = (float)one((double)(dates[i] - year + 1));
    sal_season s = season_of(&o, dates, n, values);
    assert_true(s.quality == SAL_SEASON_FOUND && s.gap == 5);
    for (int64_t i = 0; i < n; i++)
        if (dates[i] - year + 1 > 41 && dates[i] - year + 1 < 91) values[i] = NAN; /* looks of days 41 and 91 stay */
    s = season_of(&o, dates, n, values);
    assert_true(s.quality == SAL_SEASON_GAP && s.gap == 50 && isfinite(s.sos));
    o.max_gap = 50;
    s = season_of(&o, dates, n, values);
    assert_true(s.quality == SAL_SEASON_FOUND && s.gap == 50);
    for (int64_t i = 0; i < n; i++) /* after the peak stage nothing is hidden; before the first look of the year something may be */
        values[i] = dates[i] - year + 1 > 250 || dates[i] - year + 1 < 61 ? NAN : (float)one((double)(dates[i] - year + 1));
    s = season_of(&o, dates, n, values);
    assert_true(s.quality == SAL_SEASON_GAP && s.gap == 60);
}

static void a_pixel_without_season_says_why(void **state)
{
    const sal_phenology_options o = options_of(SAL_SMOOTHER_WHITTAKER);
    int64_t dates[MANY], n = days_of(1, 5, 365, dates);
    float values[MANY];
    sal_season s = season_of_curve(&o, level, 5);
    assert_true(s.quality == SAL_SEASON_FLAT && isnan(s.sos) && s.rmse < 1e-4 && s.observations == 73);
    s = season_of_curve(&o, rising, 5);
    assert_true(s.quality == SAL_SEASON_EDGE && isnan(s.sdps));
    for (int64_t i = 0; i < n; i++) values[i] = i % 16 == 3 ? (float)one((double)(dates[i] - year + 1)) : NAN;
    s = season_of(&o, dates, n, values);
    assert_true(s.quality == SAL_SEASON_FEW && s.observations == 5 && isnan(s.sos) && isnan(s.rmse));
    for (int64_t i = 0; i < n; i++) values[i] = NAN;
    s = season_of(&o, dates, n, values);
    assert_true(s.quality == SAL_SEASON_FEW && s.observations == 0);
}

static void a_season_across_new_year_counts_back_from_january(void **state)
{
    const sal_phenology_options o = options_of(SAL_SMOOTHER_DOUBLE_LOGISTIC);
    int64_t dates[MANY], n = days_of(-150, 5, 200, dates);
    float values[MANY];
    for (int64_t i = 0; i < n; i++) values[i] = (float)before((double)(dates[i] - year + 1));
    near(season_of(&o, dates, n, values).sos, truth_of(before, -150, 30, .2), 2, "SOS in the year before");
}

static void dates_of_the_wrong_kind_are_refused(void **state)
{
    sal_phenology_options o = options_of(SAL_SMOOTHER_WHITTAKER);
    sal_phenology_plan *plan = NULL;
    int64_t dates[MANY], n = days_of(1, 5, 365, dates);
    assert_int_equal(sal_phenology_plan_new(ctx, &o, dates, 4, &plan), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "4 dates"));
    sal_error_clear(ctx);
    assert_int_equal(sal_phenology_plan_new(ctx, &o, dates, 6, &plan), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "spans 25 days"));
    sal_error_clear(ctx);
    o.gus[0] = .9;
    assert_int_equal(sal_phenology_plan_new(ctx, &o, dates, n, &plan), SAL_STATUS_ARGUMENT);
    assert_non_null(strstr(sal_context_message(ctx), "gus_low"));
    assert_null(plan);
}

/* Pixels in one call and one by one, with 1 and 3 threads. */
static void any_cut_and_any_threads_give_the_same_bits(void **state)
{
    enum { PIXELS = 601 };
    static float values[MANY * PIXELS], whole[PIXELS * 11], alone[11];
    int64_t dates[MANY], n = 0, which[11];
    float pixel[MANY];
    for (int64_t k = 0; k < 11; k++) which[k] = k;
    for (int64_t i = 0; i < PIXELS; i++) {
        n = spoil((uint64_t)i + 7, i % 3 ? one : two, dates, pixel);
        for (int64_t k = 0; k < n; k++) values[k * PIXELS + i] = pixel[k];
    }
    for (int smoother = 1; smoother <= 3; smoother++) {
        const sal_phenology_options o = options_of((sal_smoother)smoother);
        sal_phenology_plan *plan;
        assert_int_equal(sal_context_set_threads(ctx, 3), SAL_STATUS_OK);
        assert_int_equal(sal_phenology_plan_new(ctx, &o, dates, n, &plan), SAL_STATUS_OK);
        sal_phenology_compute(ctx, plan, values, PIXELS, PIXELS, which, 11, whole, NULL);
        sal_phenology_plan_free(plan);
        assert_int_equal(sal_context_set_threads(ctx, 1), SAL_STATUS_OK);
        assert_int_equal(sal_phenology_plan_new(ctx, &o, dates, n, &plan), SAL_STATUS_OK);
        for (int64_t i = 0; i < PIXELS; i += 37) {
            for (int64_t k = 0; k < n; k++) pixel[k] = values[k * PIXELS + i];
            sal_phenology_compute(ctx, plan, pixel, 1, 1, which, 11, alone, NULL);
            assert_memory_equal(alone, whole + i * 11, sizeof alone);
        }
        sal_phenology_plan_free(plan);
    }
    sal_context_set_threads(ctx, 0);
}

/* tests/golden/phenology.txt by tests/oracle/phenology_golden.py: a case is "CASE step lambda dates nodes", then dates, values, curve. */
static void whittaker_equals_the_dense_solution(void **state)
{
    char path[] = __FILE__, *tests = strstr(path, "native/features");
    assert_true(tests != NULL && strlen(tests) > strlen("golden/phenology.txt"));
    snprintf(tests, sizeof path - (size_t)(tests - path), "golden/phenology.txt");
    FILE *file = fopen(path, "r");
    double step, lambda, worst = 0;
    int n, nodes, cases = 0;
    char line[256];
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    while (fscanf(file, " CASE %lf %lf %d %d", &step, &lambda, &n, &nodes) == 4) {
        int64_t dates[MANY];
        float values[MANY];
        double expected[MANY], curve[MANY];
        sal_phenology_plan *plan;
        sal_season s;
        for (int i = 0, day; i < n; i++) dates[i] = fscanf(file, "%d", &day) == 1 ? year + day : 0;
        for (int i = 0; i < n; i++) assert_int_equal(fscanf(file, "%f", &values[i]), 1);
        for (int i = 0; i < nodes; i++) assert_int_equal(fscanf(file, "%lf", &expected[i]), 1);
        sal_phenology_options o = options_of(SAL_SMOOTHER_WHITTAKER);
        o.step = step;
        o.lambda = lambda;
        o.envelope = o.floor = 0;
        assert_int_equal(sal_phenology_plan_new(ctx, &o, dates, n, &plan), SAL_STATUS_OK);
        assert_int_equal(sal_phenology_nodes(plan), nodes);
        sal_phenology_curve(plan, values, NULL, curve, &s);
        for (int i = 0; i < nodes; i++) worst = isnan(curve[i]) ? worst : fmax(worst, fabs(curve[i] - expected[i]));
        sal_phenology_plan_free(plan);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 4);
    if (!(worst < 1e-7)) fail_msg("the curve is %g off", worst);
}

static void every_row_has_a_unit_and_help(void **state)
{
    for (int64_t i = 0; i < sal_phenology_count(); i++) {
        const sal_phenology *row = sal_phenology_at(i);
        assert_true(row->unit[0] && strlen(row->help) > 10 && row->low < row->high);
        assert_int_equal(sal_phenology_find(row->id), i);
    }
    assert_int_equal(sal_phenology_find("SOS"), 0);
    assert_int_equal(sal_phenology_find("sos"), -1);
    assert_null(sal_phenology_at(sal_phenology_count()));
}

static int set_up(void **state)
{
    year = sal_date_days("2019-01-01");
    return sal_context_new(&ctx) == SAL_STATUS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    sal_context_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_double_logistic_has_its_days_by_every_smoother),
        cmocka_unit_test(thresholds_move_the_days),
        cmocka_unit_test(noise_gaps_and_clouds_leave_the_days_within_limits),
        cmocka_unit_test(a_cloud_at_the_end_of_a_gap_is_not_the_base),
        cmocka_unit_test(two_seasons_are_told_apart),
        cmocka_unit_test(a_gap_before_the_peak_stage_is_told),
        cmocka_unit_test(a_pixel_without_season_says_why),
        cmocka_unit_test(a_season_across_new_year_counts_back_from_january),
        cmocka_unit_test(dates_of_the_wrong_kind_are_refused),
        cmocka_unit_test(any_cut_and_any_threads_give_the_same_bits),
        cmocka_unit_test(whittaker_equals_the_dense_solution),
        cmocka_unit_test(every_row_has_a_unit_and_help),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
