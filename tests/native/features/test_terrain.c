/* test_terrain.c - terrain covariates against analytic surfaces and against gdaldem (tests/golden/terrain.txt). */
#include "features/terrain.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { N = 24 };
static const double h = 10, degrees = 180 / 3.14159265358979323846;
static const sal_terrain_options raw = { 10, 0, 20 };
static sal_context *ctx;

typedef double (*surface)(double x, double y);

static double dome(double x, double y) { return -(x * x + y * y) / (2 * 400.0); }

static double saddle(double x, double y) { return x * y / 500.0; }

static double northwest(double x, double y) { return .03 * y - .03 * x; }

static double gentle(double x, double y) { return 2e-4 * x + 1e-4 * y; }

static double level(double x, double y) { return 3.25; }

static double rough(double x, double y) { return 5 * sin(x / 37) + 3 * cos(y / 23 + x / 90) + .002 * x; }

/* x and y of the pixel's centre, away from the origin so that no slope is zero. */
static double x_of(int64_t column) { return 55 + h * (double)column; }

static double y_of(int64_t row) { return 355 - h * (double)row; }

/* Covariates of rows x columns pixels that begin at (row, column); the surroundings are the surface itself. out: (rows, columns, n) */
static void compute_block(surface f, const sal_terrain_options *o, int64_t row, int64_t column, int64_t rows,
                          int64_t columns, const char *const *ids, int64_t n, float *out)
{
    const int64_t halo = sal_terrain_halo(o), wide = columns + 2 * halo;
    int64_t which[8];
    float *z = malloc((size_t)((rows + 2 * halo) * wide) * sizeof *z);
    for (int64_t k = 0; k < n; k++) {
        which[k] = sal_terrain_find(ids[k]);
        assert_true(which[k] >= 0);
    }
    for (int64_t y = 0; y < rows + 2 * halo; y++)
        for (int64_t x = 0; x < wide; x++) z[y * wide + x] = (float)f(x_of(column + x - halo), y_of(row + y - halo));
    assert_int_equal(sal_terrain_compute(ctx, z, rows, columns, o, which, n, out, n, 1), SAL_STATUS_OK);
    free(z);
}

static void compute(surface f, const sal_terrain_options *o, const char *id, float *out)
{
    compute_block(f, o, 0, 0, N, N, &id, 1, out);
}

static void a_dome_is_convex_in_every_direction(void **state)
{
    float profile[N * N], plan[N * N], tangential[N * N];
    compute(dome, &raw, "PROFILE_CURV", profile);
    compute(dome, &raw, "PLAN_CURV", plan);
    compute(dome, &raw, "TANG_CURV", tangential);
    for (int64_t i = 0; i < N * N; i++) {
        double x = x_of(i % N), y = y_of(i / N), distance = sqrt(x * x + y * y),
               g = distance * distance / (400.0 * 400.0);
        assert_true(fabs(profile[i] - 1 / (400 * pow(1 + g, 1.5))) < 1e-6);
        assert_true(fabs(plan[i] - 1 / distance) < 1e-6);
        assert_true(fabs(tangential[i] - 1 / (400 * sqrt(1 + g))) < 1e-6);
    }
}

static void a_saddle_has_the_curvatures_of_its_mixed_derivative(void **state)
{
    float profile[N * N], plan[N * N], slope[N * N];
    compute(saddle, &raw, "PROFILE_CURV", profile);
    compute(saddle, &raw, "PLAN_CURV", plan);
    compute(saddle, &raw, "SLOPE", slope);
    for (int64_t i = 0; i < N * N; i++) {
        double p = y_of(i / N) / 500, q = x_of(i % N) / 500, g = p * p + q * q, s = 1 / 500.0;
        assert_true(fabs(profile[i] + 2 * s * p * q / (g * pow(1 + g, 1.5))) < 1e-6);
        assert_true(fabs(plan[i] - 2 * s * p * q / pow(g, 1.5)) < 1e-6);
        assert_true(fabs(slope[i] - atan(sqrt(g)) * degrees) < 1e-4);
    }
}

static void a_plane_to_the_northwest_has_slope_and_no_curvature(void **state)
{
    float slope[N * N], profile[N * N], plan[N * N], aspect[N * N];
    compute(northwest, &raw, "SLOPE", slope);
    compute(northwest, &raw, "PROFILE_CURV", profile);
    compute(northwest, &raw, "PLAN_CURV", plan);
    compute(northwest, &raw, "ASPECT", aspect);
    for (int64_t i = 0; i < N * N; i++) {
        assert_true(fabs(slope[i] - atan(.03 * sqrt(2)) * degrees) < 1e-4);
        assert_true(fabs(profile[i]) < 1e-6 && fabs(plan[i]) < 2e-5);
        assert_true(fabs(aspect[i] - 135) < 1e-2); /* falls to the southeast */
    }
}

static void level_ground_has_no_slope_no_curvature_and_no_aspect(void **state)
{
    const char *ids[] = { "SLOPE", "PROFILE_CURV", "PLAN_CURV", "TANG_CURV", "REL_ELEV", "ASPECT" };
    float out[N * N * 6];
    compute_block(level, &raw, 0, 0, N, N, ids, 6, out);
    for (int64_t i = 0; i < N * N * 6; i++) assert_true(i % 6 == 5 ? isnan(out[i]) : out[i] == 0);
}

static void smoothing_keeps_a_plane_up_to_the_border_of_the_model(void **state)
{
    const sal_terrain_options o = { 10, 2, 325 };
    const int64_t halo = sal_terrain_halo(&o), wide = N + 2 * halo, slope = sal_terrain_find("SLOPE");
    float *z = malloc((size_t)(wide * wide) * sizeof *z), out[N * N];
    assert_int_equal(halo, 32);
    for (int64_t i = 0; i < wide * wide; i++) {
        int64_t row = i / wide - halo, column = i % wide - halo;
        bool inside = row >= 0 && row < N && column >= 0 && column < N;
        z[i] = inside ? (float)gentle(x_of(column), y_of(row)) : NAN;
    }
    assert_int_equal(sal_terrain_compute(ctx, z, N, N, &o, &slope, 1, out, 1, 1), SAL_STATUS_OK);
    for (int64_t i = 0; i < N * N; i++) {
        bool border = i / N == 0 || i / N == N - 1 || i % N == 0 || i % N == N - 1;
        if (border)
            assert_true(isnan(out[i]));
        else
            assert_true(fabs(out[i] - atan(sqrt(5e-8)) * degrees) < 1e-6);
    }
    free(z);
}

static void smoothing_lowers_a_bump_as_much_as_the_gaussian_says(void **state)
{
    const sal_terrain_options o = { 10, 1.5, 20 };
    float slope[N * N];
    compute(rough, &o, "SLOPE", slope);
    double weight = 0, z[3][3] = { { 0 } };
    for (int dy = -5; dy <= 5; dy++)
        for (int dx = -5; dx <= 5; dx++) {
            double k = exp(-(dx * dx + dy * dy) / (2 * 1.5 * 1.5));
            weight += k;
            for (int i = 0; i < 9; i++)
                z[i / 3][i % 3] += k * (float)rough(x_of(12 + i % 3 - 1 + dx), y_of(7 + i / 3 - 1 + dy));
        }
    double p = (z[0][2] + 2 * z[1][2] + z[2][2] - z[0][0] - 2 * z[1][0] - z[2][0]) / (8 * h * weight);
    double q = (z[0][0] + 2 * z[0][1] + z[0][2] - z[2][0] - 2 * z[2][1] - z[2][2]) / (8 * h * weight);
    assert_true(fabs(slope[7 * N + 12] - atan(sqrt(p * p + q * q)) * degrees) < 1e-5);
}

static void relative_elevation_is_elevation_minus_the_window_mean(void **state)
{
    const sal_terrain_options o = { 10, 2, 35 }; /* 7 x 7 pixels */
    float relief[N * N];
    compute(rough, &o, "REL_ELEV", relief);
    for (int64_t i = 0; i < N * N; i++) {
        double mean = 0;
        for (int64_t k = 0; k < 49; k++) mean += (float)rough(x_of(i % N + k % 7 - 3), y_of(i / N + k / 7 - 3)) / 49;
        assert_true(fabs(relief[i] - ((float)rough(x_of(i % N), y_of(i / N)) - mean)) < 1e-5);
    }
}

static void a_hole_empties_its_neighbours_and_no_more(void **state)
{
    const char *ids[] = { "SLOPE", "REL_ELEV" };
    const int64_t halo = sal_terrain_halo(&raw), wide = N + 2 * halo;
    int64_t which[2] = { sal_terrain_find(ids[0]), sal_terrain_find(ids[1]) };
    float *z = malloc((size_t)(wide * wide) * sizeof *z), out[N * N * 2];
    for (int64_t i = 0; i < wide * wide; i++) z[i] = (float)rough(x_of(i % wide), y_of(i / wide));
    z[(halo + 5) * wide + halo + 9] = NAN;
    z[(halo + 15) * wide + halo + 9] = -3.4e38f;
    assert_int_equal(sal_terrain_compute(ctx, z, N, N, &raw, which, 2, out, 2, 1), SAL_STATUS_OK);
    for (int64_t i = 0; i < N * N; i++) {
        int64_t dy = llabs(i / N - 5) < llabs(i / N - 15) ? llabs(i / N - 5) : llabs(i / N - 15), dx = llabs(i % N - 9);
        assert_true(!!isnan(out[2 * i]) == (dy <= 1 && dx <= 1));
        assert_true(!!isnan(out[2 * i + 1]) == (dy == 0 && dx == 0));
    }
    free(z);
}

static void plan_curvature_stays_within_one_per_metre(void **state)
{
    const sal_terrain_options o = { 10, 0, 20 };
    float plan[N * N];
    compute(rough, &o, "PLAN_CURV", plan);
    for (int64_t i = 0; i < N * N; i++) assert_true(plan[i] >= -1 && plan[i] <= 1);
    const int64_t which = sal_terrain_find("PLAN_CURV"), halo = sal_terrain_halo(&o), wide = 1 + 2 * halo;
    float z[25] = { 0 }, out;
    assert_int_equal(wide, 5);
    z[7] = 1; /* a trough from the north, all but level at its bottom */
    z[17] = .998f;
    z[11] = z[13] = 50;
    assert_int_equal(sal_terrain_compute(ctx, z, 1, 1, &o, &which, 1, &out, 1, 1), SAL_STATUS_OK);
    assert_true(out == -1);
}

static void blocks_and_threads_do_not_change_a_bit(void **state)
{
    const sal_terrain_options o = { 10, 2, 95 };
    const char *ids[] = { "SLOPE", "PROFILE_CURV", "PLAN_CURV", "REL_ELEV" };
    enum { ROWS = 80, COLUMNS = 70, CUT = 33 };
    float *whole = malloc(sizeof(float) * ROWS * COLUMNS * 4), *part = malloc(sizeof(float) * ROWS * COLUMNS * 4);
    sal_context_set_threads(ctx, 1);
    compute_block(rough, &o, 0, 0, ROWS, COLUMNS, ids, 4, whole);
    sal_context_set_threads(ctx, 3);
    for (int64_t row = 0; row < ROWS; row += CUT) {
        for (int64_t column = 0; column < COLUMNS; column += CUT) {
            int64_t rows = ROWS - row < CUT ? ROWS - row : CUT,
                    columns = COLUMNS - column < CUT ? COLUMNS - column : CUT;
            compute_block(rough, &o, row, column, rows, columns, ids, 4, part);
            for (int64_t y = 0; y < rows; y++)
                assert_memory_equal(part + y * columns * 4, whole + ((row + y) * COLUMNS + column) * 4,
                                    sizeof(float) * 4 * (size_t)columns);
        }
    }
    sal_context_set_threads(ctx, 0);
    free(whole);
    free(part);
}

static double cubic(double x, double y) { return 1e-6 * (x - 150) * (x - 150) * (x - 150) + 2e-6 * y * y * (x - 150) + .05 * y; }

static sal_terrain_options options_of(sal_terrain_method method, int64_t window)
{
    return (sal_terrain_options){ .pixel = 10, .relief_radius = 20, .method = method, .window = window };
}

/* Every method is exact on surfaces of the second degree. */
static void every_method_has_the_curvatures_of_dome_and_saddle(void **state)
{
    const sal_terrain_options methods[] = { options_of(SAL_TERRAIN_ZEVENBERGEN_THORNE, 3), options_of(SAL_TERRAIN_EVANS, 3),
                                            options_of(SAL_TERRAIN_EVANS, 5), options_of(SAL_TERRAIN_EVANS, 11),
                                            options_of(SAL_TERRAIN_FLORINSKY, 3) };
    const char *ids[] = { "SLOPE", "PROFILE_CURV", "PLAN_CURV", "TANG_CURV" };
    for (size_t m = 0; m < sizeof methods / sizeof *methods; m++) {
        float a[N * N * 4], b[N * N * 4];
        compute_block(dome, &methods[m], 0, 0, N, N, ids, 4, a);
        compute_block(saddle, &methods[m], 0, 0, N, N, ids, 4, b);
        for (int64_t i = 0; i < N * N; i++) {
            const double x = x_of(i % N), y = y_of(i / N), g = (x * x + y * y) / (400.0 * 400.0), u = (x * x + y * y) / 25e4;
            const double twist = 2 / 500.0 * x * y / 25e4;
            assert_true(fabs(a[4 * i] - atan(sqrt(g)) * degrees) < 1e-4 && fabs(b[4 * i] - atan(sqrt(u)) * degrees) < 1e-4);
            assert_true(fabs(a[4 * i + 1] - 1 / (400 * pow(1 + g, 1.5))) < 1e-6);
            assert_true(fabs(a[4 * i + 2] - 1 / sqrt(x * x + y * y)) < 1e-6);
            assert_true(fabs(a[4 * i + 3] - 1 / (400 * sqrt(1 + g))) < 1e-6);
            assert_true(fabs(b[4 * i + 1] + twist / (u * pow(1 + u, 1.5))) < 1e-6);
            assert_true(fabs(b[4 * i + 2] - twist / pow(u, 1.5)) < 1e-6);
            assert_true(fabs(b[4 * i + 3] - twist / (u * sqrt(1 + u))) < 1e-6);
        }
    }
}

static void florinsky_is_exact_on_a_cubic_and_horn_is_not(void **state)
{
    const sal_terrain_options florinsky = options_of(SAL_TERRAIN_FLORINSKY, 3);
    float exact[N * N], near[N * N];
    double worst = 0;
    compute(cubic, &florinsky, "SLOPE", exact);
    compute(cubic, &raw, "SLOPE", near);
    for (int64_t i = 0; i < N * N; i++) {
        const double x = x_of(i % N) - 150, y = y_of(i / N), p = 3e-6 * x * x + 2e-6 * y * y, q = 4e-6 * x * y + .05;
        const double slope = atan(sqrt(p * p + q * q)) * degrees;
        assert_true(fabs(exact[i] - slope) < 1e-5);
        worst = fmax(worst, fabs(near[i] - slope));
    }
    assert_true(worst > 1e-3);
}

static void a_slope_where_p_is_minus_q_is_not_flat(void **state)
{
    const char *ids[] = { "SLOPE", "PROFILE_CURV", "PLAN_CURV", "ASPECT" };
    for (int method = 0; method < 4; method++) {
        const sal_terrain_options o = options_of((sal_terrain_method)method, 3);
        float out[N * N * 4];
        compute_block(northwest, &o, 0, 0, N, N, ids, 4, out);
        for (int64_t i = 0; i < N * N; i++) {
            assert_true(fabs(out[4 * i] - atan(.03 * sqrt(2)) * degrees) < 1e-5);
            assert_true(fabs(out[4 * i + 1]) < 1e-6 && fabs(out[4 * i + 2]) < 2e-5 && fabs(out[4 * i + 3] - 135) < 1e-2);
        }
    }
}

static void a_hole_empties_the_window_of_the_method(void **state)
{
    const sal_terrain_options o = options_of(SAL_TERRAIN_EVANS, 7);
    const int64_t halo = sal_terrain_halo(&o), wide = N + 2 * halo, which = sal_terrain_find("PLAN_CURV");
    float *z = malloc((size_t)(wide * wide) * sizeof *z), out[N * N];
    for (int64_t i = 0; i < wide * wide; i++) z[i] = (float)rough(x_of(i % wide), y_of(i / wide));
    z[(halo + 9) * wide + halo + 12] = NAN;
    assert_int_equal(halo, 3);
    assert_int_equal(sal_terrain_compute(ctx, z, N, N, &o, &which, 1, out, 1, N * N), SAL_STATUS_OK);
    for (int64_t i = 0; i < N * N; i++)
        assert_true(!!isnan(out[i]) == (llabs(i / N - 9) <= 3 && llabs(i % N - 12) <= 3));
    free(z);
}

static void topographic_position_has_a_window_for_each_radius(void **state)
{
    sal_terrain_options o = { .pixel = 10, .relief_radius = 35, .radii = 2, .radius = { 20, 60 } };
    const int64_t which[3] = { sal_terrain_count() + 1, sal_terrain_find("REL_ELEV"), sal_terrain_count() },
                  halo = sal_terrain_halo(&o), wide = N + 2 * halo, half[3] = { 6, 3, 2 };
    float *z = malloc((size_t)(wide * wide) * sizeof *z), out[3 * N * N], mixed[3 * N * N];
    assert_int_equal(halo, 6);
    for (int64_t i = 0; i < wide * wide; i++) z[i] = (float)rough(x_of(i % wide), y_of(i / wide));
    z[20 * wide + 20] = NAN;
    assert_int_equal(sal_terrain_compute(ctx, z, N, N, &o, which, 3, out, 1, N * N), SAL_STATUS_OK);
    assert_int_equal(sal_terrain_compute(ctx, z, N, N, &o, which, 3, mixed, 3, 1), SAL_STATUS_OK);
    for (int64_t k = 0; k < 3; k++)
        for (int64_t i = 0; i < N * N; i++) {
            double sum = 0, n = 0;
            for (int64_t dy = -half[k]; dy <= half[k]; dy++)
                for (int64_t dx = -half[k]; dx <= half[k]; dx++) {
                    const double v = z[(halo + i / N + dy) * wide + halo + i % N + dx];
                    if (!isnan(v)) sum += v, n++;
                }
            const double own = z[(halo + i / N) * wide + halo + i % N];
            assert_true(isnan(own) ? isnan(out[k * N * N + i]) : fabs(out[k * N * N + i] - (own - sum / n)) < 1e-5);
            assert_memory_equal(&out[k * N * N + i], &mixed[3 * i + k], sizeof(float));
        }
    free(z);
}

static void large_outputs_past_the_caches_have_the_same_bits(void **state)
{
    enum { ROWS = 1030, COLUMNS = 1021, KINDS = 4 };
    const int64_t halo = sal_terrain_halo(&raw), wide = COLUMNS + 2 * halo, pixels = (int64_t)ROWS * COLUMNS;
    const int64_t which[KINDS] = { sal_terrain_find("SLOPE"), sal_terrain_find("TANG_CURV"), sal_terrain_find("ASPECT"),
                                   sal_terrain_find("REL_ELEV") };
    float *z = malloc(sizeof *z * (size_t)((ROWS + 2 * halo) * wide)), *planes = malloc(sizeof *z * (size_t)(pixels * KINDS)),
          *mixed = malloc(sizeof *z * (size_t)(pixels * KINDS));
    assert_true(pixels * KINDS > (int64_t)4 << 20); /* as sal__stream_pays has it */
    for (int64_t i = 0; i < (ROWS + 2 * halo) * wide; i++) z[i] = (float)rough(x_of(i % wide), y_of(i / wide));
    assert_int_equal(sal_terrain_compute(ctx, z, ROWS, COLUMNS, &raw, which, KINDS, planes, 1, pixels), SAL_STATUS_OK);
    assert_int_equal(sal_terrain_compute(ctx, z, ROWS, COLUMNS, &raw, which, KINDS, mixed, KINDS, 1), SAL_STATUS_OK);
    for (int64_t i = 0; i < pixels * KINDS; i++) assert_true(planes[i % KINDS * pixels + i / KINDS] == mixed[i]);
    free(z);
    free(planes);
    free(mixed);
}

static void read_golden(FILE *file, const char *name, float values[144])
{
    char found[16];
    int columns, rows;
    double pixel;
    assert_int_equal(fscanf(file, "%15s %d %d %lf", found, &columns, &rows, &pixel), 4);
    assert_string_equal(found, name);
    assert_true(columns == 12 && rows == 12 && pixel == 30);
    for (int i = 0; i < 144; i++) assert_int_equal(fscanf(file, "%f", &values[i]), 1);
}

static void slope_and_aspect_equal_those_of_gdaldem(void **state)
{
    const sal_terrain_options o = { 30, 0, 60 };
    const int64_t halo = sal_terrain_halo(&o), wide = 12 + 2 * halo,
                  which[2] = { sal_terrain_find("SLOPE"), sal_terrain_find("ASPECT") };
    float dem[144], slope[144], aspect[144], z[400], out[288];
    char path[1024];
    snprintf(path, sizeof path, "%s", __FILE__);
    char *tests = strstr(path, "native/features/");
    snprintf(tests, sizeof path - (size_t)(tests - path), "golden/terrain.txt");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    fscanf(file, "%*[^\n]");
    read_golden(file, "DEM", dem);
    read_golden(file, "SLOPE", slope);
    read_golden(file, "ASPECT", aspect);
    fclose(file);
    assert_true(wide * wide <= 400);
    for (int64_t i = 0; i < wide * wide; i++) {
        int64_t row = i / wide - halo, column = i % wide - halo;
        z[i] = row >= 0 && row < 12 && column >= 0 && column < 12 ? dem[row * 12 + column] : NAN;
    }
    assert_int_equal(sal_terrain_compute(ctx, z, 12, 12, &o, which, 2, out, 2, 1), SAL_STATUS_OK);
    for (int i = 0; i < 144; i++) {
        if (isnan(slope[i]))
            assert_true(isnan(out[2 * i]));
        else
            assert_true(fabs(out[2 * i] - slope[i]) < 1e-5);
        if (!isnan(aspect[i])) assert_true(fabs(out[2 * i + 1] - aspect[i]) < 1e-3);
    }
}

static int open_context(void **state) { return sal_context_new(&ctx); }

static int close_context(void **state)
{
    sal_context_free(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dome_is_convex_in_every_direction),
        cmocka_unit_test(a_saddle_has_the_curvatures_of_its_mixed_derivative),
        cmocka_unit_test(a_plane_to_the_northwest_has_slope_and_no_curvature),
        cmocka_unit_test(level_ground_has_no_slope_no_curvature_and_no_aspect),
        cmocka_unit_test(smoothing_keeps_a_plane_up_to_the_border_of_the_model),
        cmocka_unit_test(smoothing_lowers_a_bump_as_much_as_the_gaussian_says),
        cmocka_unit_test(relative_elevation_is_elevation_minus_the_window_mean),
        cmocka_unit_test(a_hole_empties_its_neighbours_and_no_more),
        cmocka_unit_test(plan_curvature_stays_within_one_per_metre),
        cmocka_unit_test(blocks_and_threads_do_not_change_a_bit),
        cmocka_unit_test(every_method_has_the_curvatures_of_dome_and_saddle),
        cmocka_unit_test(florinsky_is_exact_on_a_cubic_and_horn_is_not),
        cmocka_unit_test(a_slope_where_p_is_minus_q_is_not_flat),
        cmocka_unit_test(a_hole_empties_the_window_of_the_method),
        cmocka_unit_test(topographic_position_has_a_window_for_each_radius),
        cmocka_unit_test(large_outputs_past_the_caches_have_the_same_bits),
        cmocka_unit_test(slope_and_aspect_equal_those_of_gdaldem),
    };
    return cmocka_run_group_tests(tests, open_context, close_context);
}
