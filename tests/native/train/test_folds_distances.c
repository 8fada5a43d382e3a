/* test_folds_distances.c - kNNDM and NNDM against CAST's own values, Ward, Wasserstein and Kolmogorov-Smirnov against
 * hand-computed cases and R, the variogram against a field of known range. */
#include "train/folds_private.h"
#include "golden.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { TRAIN = 50, DOMAIN_N = 400 };
static sal_context *ctx;
static double x[TRAIN], y[TRAIN], target[TRAIN], px[DOMAIN_N], py[DOMAIN_N];

static void read_list(const char *name, int64_t n, double *values)
{
    int64_t found = golden(__FILE__, "cast_folds.txt", name, n, values);
    if (found != n) fail_msg("golden list %s has %d values, not %d", name, (int)found, (int)n);
}

static int setup(void **state)
{
    read_list("train_x", TRAIN, x);
    read_list("train_y", TRAIN, y);
    read_list("domain_x", DOMAIN_N, px);
    read_list("domain_y", DOMAIN_N, py);
    for (int i = 0; i < TRAIN; i++) target[i] = i % 7;
    return sal_context_new(&ctx);
}

static int teardown(void **state)
{
    sal_context_free(ctx);
    return 0;
}

static sal_folds *split(const char *method)
{
    sal_fold_request r = { .method = method, .count = TRAIN, .x = x, .y = y, .target = target, .k = 5, .pixel_m = 0.001, .window = 1,
                           .seed = 1, .domain_x = px, .domain_y = py, .domain_count = DOMAIN_N };
    sal_folds *f = NULL;
    sal_error_clear(ctx);
    if (sal_folds_new(ctx, &r, &f)) fail_msg("%s", sal_context_message(ctx));
    return f;
}

static void same(const char *name, int64_t n, const double *values)
{
    double expected[DOMAIN_N];
    read_list(name, n, expected);
    for (int64_t i = 0; i < n; i++)
        if (fabs(values[i] - expected[i]) > 1e-6) fail_msg("%s[%d] is %.9g, CAST has %.9g", name, (int)i, values[i], expected[i]);
}

static void knndm_gives_the_folds_of_cast(void **state)
{
    sal_folds *f = split("knndm");
    double q = (double)f->clusters, theirs[TRAIN];
    same("w", 1, &f->w_m);
    same("q", 1, &q);
    same("gij", DOMAIN_N, f->gij_m);
    same("gj", TRAIN, f->gj_m);
    same("knndm_gjstar", TRAIN, f->nearest_m);
    read_list("clusters", TRAIN, theirs);
    for (int i = 0; i < TRAIN; i++)
        for (int j = 0; j < i; j++) assert_int_equal(theirs[i] == theirs[j], f->fold[i] == f->fold[j]);
    const int64_t sizes[5] = { 15, 10, 10, 8, 7 };
    for (int k = 0; k < 5; k++) {
        int found = 0;
        for (int s = 0; s < 5; s++) found += f->test_count[k] == sizes[s];
        assert_true(found > 0);
    }
    assert_true(f->clustered_p < 0.05);
    sal_folds_free(ctx, f);
}

static void nndm_gives_the_distances_of_cast(void **state)
{
    sal_folds *f = split("nndm");
    double trained[TRAIN];
    assert_int_equal(f->k, TRAIN);
    same("nndm_gjstar", TRAIN, f->nearest_m);
    for (int i = 0; i < TRAIN; i++) trained[i] = (double)f->train_count[f->fold[i]];
    same("nndm_train", TRAIN, trained);
    sal_folds_free(ctx, f);
}

/* Against every pair of distances by the definition of CAST's loop, on points with ties. */
static void nndm_equals_its_definition(void **state)
{
    enum { N = 30, M = 60 };
    static double tdist[N][N], ax[N], ay[N], t[N], gx[M], gy[M], gij[M];
    for (int i = 0; i < N; i++) ax[i] = (double)(i % 6) * 10 + (i < 15 ? 0 : 200), ay[i] = (double)(i / 6) * 10, t[i] = i;
    for (int j = 0; j < M; j++) gx[j] = 5 * j, gy[j] = 37 * (j % 5);
    double phi = 0, gj[N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            tdist[i][j] = i == j ? NAN : hypot(ax[i] - ax[j], ay[i] - ay[j]);
            if (i != j) phi = fmax(phi, tdist[i][j]);
        }
    for (int j = 0; j < M; j++) {
        gij[j] = INFINITY;
        for (int i = 0; i < N; i++) gij[j] = fmin(gij[j], hypot(gx[j] - ax[i], gy[j] - ay[i]));
        phi = fmax(phi, gij[j]);
    }
    phi += 1e-9;
#define NEAREST                                                                                                        \
    for (int i = 0; i < N; i++) {                                                                                      \
        gj[i] = INFINITY;                                                                                              \
        for (int j = 0; j < N; j++) gj[i] = fmin(gj[i], isnan(tdist[i][j]) ? INFINITY : tdist[i][j]);                  \
    }
    NEAREST
    double r = INFINITY;
    for (int i = 0; i < N; i++) r = fmin(r, gj[i]);
    while (r <= phi) {
        int row = 0, below = 0, map = 0, left = 0;
        while (gj[row] != r) row++;
        for (int i = 0; i < N; i++) below += gj[i] <= r, left += !isnan(tdist[row][i]);
        for (int j = 0; j < M; j++) map += gij[j] <= r;
        double next = INFINITY;
        if ((below - 1) / (double)N >= map / (double)M && left / (double)N > 0.5) {
            for (int j = 0; j < N; j++)
                if (tdist[row][j] == r) tdist[row][j] = NAN;
            NEAREST
            for (int i = 0; i < N; i++)
                if (gj[i] >= r) next = fmin(next, gj[i]);
        } else {
            for (int i = 0; i < N; i++)
                if (gj[i] > r) next = fmin(next, gj[i]);
        }
        r = next;
        if (!isfinite(r)) break;
    }
    sal_fold_request q = { .method = "nndm", .count = N, .x = ax, .y = ay, .target = t, .k = 2, .pixel_m = 0.001, .window = 1, .domain_x = gx, .domain_y = gy, .domain_count = M };
    sal_folds *f = NULL;
    assert_int_equal(sal_folds_new(ctx, &q, &f), SAL_STATUS_OK);
    for (int i = 0; i < N; i++) {
        assert_true(fabs(f->nearest_m[i] - gj[i]) < 1e-9);
        for (int j = 0; j < N; j++) assert_int_equal(f->train[f->fold[i] * N + j], i != j && !isnan(tdist[i][j]));
    }
    sal_folds_free(ctx, f);
}

static void wasserstein_is_the_area_between_the_curves(void **state)
{
    const double a[] = { 1, 2, 3 }, b[] = { 2, 4 }, c[] = { 5 };
    assert_true(fabs(sal__wasserstein(3, a, 3, a)) < 1e-15);
    assert_true(fabs(sal__wasserstein(3, a, 1, c) - 3) < 1e-12); /* mean of 4, 3, 2 */
    assert_true(fabs(sal__wasserstein(3, a, 2, b) - (1.0 / 3 + 1.0 / 6 + 0.5)) < 1e-12);
}

/* Of the C(4, 2) = 6 orders of two and two values, D+ = 1 only in aabb, D+ >= 1/2 in all but bbaa and bab?: counted below. */
static void kolmogorov_smirnov_counts_all_orders(void **state)
{
    const double a[] = { 1, 2 }, b[] = { 3, 4 }, c[] = { 0.5, 1.5 }, tie[] = { 1, 3 };
    double p;
    assert_int_equal(sal__ks_greater(ctx, 2, a, 2, b, &p), SAL_STATUS_OK);
    assert_true(fabs(p - 1.0 / 6) < 1e-12);
    assert_int_equal(sal__ks_greater(ctx, 2, c, 2, a, &p), SAL_STATUS_OK); /* abab: D+ 1/2; in abab, abba, aabb, baab */
    assert_true(fabs(p - 4.0 / 6) < 1e-12);
    assert_int_equal(sal__ks_greater(ctx, 2, b, 2, a, &p), SAL_STATUS_OK);
    assert_true(p == 1);
    /* tie[0] == a[0]: values 1 1 2 3; a {1, 2} has excess 1/2 at 2. Orders over (1 1) 2 3: of the 6 draws, {1,1} gives 1 at 1, {1,2} twice 1/2. */
    assert_int_equal(sal__ks_greater(ctx, 2, a, 2, tie, &p), SAL_STATUS_OK);
    assert_true(fabs(p - 3.0 / 6) < 1e-12);
}

static void samples_as_spread_as_the_map_get_random_folds(void **state)
{
    double gx[100], gy[100], t[100];
    for (int i = 0; i < 100; i++) gx[i] = i % 10 * 100, gy[i] = i / 10 * 100, t[i] = i;
    sal_fold_request r = { .method = "knndm", .count = 100, .x = gx, .y = gy, .target = t, .k = 5, .pixel_m = 10, .window = 1, .seed = 3, .domain_x = gx, .domain_y = gy, .domain_count = 100 };
    sal_folds *f = NULL;
    assert_int_equal(sal_folds_new(ctx, &r, &f), SAL_STATUS_OK);
    assert_int_equal(f->clusters, 0);
    assert_true(f->clustered_p >= 0.05);
    for (int k = 0; k < 5; k++) assert_int_equal(f->test_count[k], 20);
    sal_folds_free(ctx, f);
}

/* Spherical covariance of range 1,500 m and nugget 0.3 of 1, drawn nine times through its Cholesky factor: the mean of the ranges. */
static void variogram_finds_the_range_of_a_field(void **state)
{
    enum { N = 400 };
    static double c[N][N], vx[N], vy[N], v[N];
    for (int i = 0; i < N; i++) vx[i] = 8000 * sal_random_uniform(3, 1, (uint64_t)i), vy[i] = 8000 * sal_random_uniform(3, 2, (uint64_t)i);
    for (int i = 0; i < N; i++)
        for (int j = 0; j <= i; j++) {
            double h = hypot(vx[i] - vx[j], vy[i] - vy[j]) / 1500, sum = i == j ? 1 : h >= 1 ? 0 : 0.7 * (1 - 1.5 * h + 0.5 * h * h * h);
            for (int k = 0; k < j; k++) sum -= c[i][k] * c[j][k];
            c[i][j] = i == j ? sqrt(sum) : sum / c[j][j];
        }
    sal_variogram g;
    double range = 0, nugget = 0, sill = 0;
    for (uint64_t draw = 0; draw < 9; draw++) {
        for (int i = 0; i < N; i++) {
            v[i] = 0;
            for (int j = 0; j <= i; j++) v[i] += c[i][j] * sal_random_normal(3, 10 + draw, (uint64_t)j);
        }
        assert_int_equal(sal_variogram_fit(ctx, N, vx, vy, v, NULL, 1, &g), SAL_STATUS_OK);
        range += g.range_m / 9, nugget += g.nugget / 9, sill += (g.nugget + g.partial_sill) / 9;
    }
    if (fabs(range - 1500) > 400 || fabs(nugget - 0.3) > 0.15 || fabs(sill - 1) > 0.15)
        fail_msg("range %g m, nugget %g, sill %g, not about 1500, 0.3, 1", range, nugget, sill);
    assert_true(fabs(sal_variogram_at(&g, 1e6) - g.nugget - g.partial_sill) < 1e-12);
    for (int i = 0; i < N; i++) v[i] = sal_random_normal(3, 5, (uint64_t)i); /* noise: no structure, or next to none */
    assert_int_equal(sal_variogram_fit(ctx, N, vx, vy, v, NULL, 1, &g), SAL_STATUS_OK);
    assert_true(g.range_m == 0 || g.partial_sill < 0.35 * (g.nugget + g.partial_sill));
    for (int i = 0; i < N; i++) v[i] = vx[i]; /* a trend has no sill */
    assert_int_equal(sal_variogram_fit(ctx, N, vx, vy, v, NULL, 1, &g), SAL_STATUS_OK);
    assert_true(g.at_cutoff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knndm_gives_the_folds_of_cast),
        cmocka_unit_test(nndm_gives_the_distances_of_cast),
        cmocka_unit_test(nndm_equals_its_definition),
        cmocka_unit_test(wasserstein_is_the_area_between_the_curves),
        cmocka_unit_test(kolmogorov_smirnov_counts_all_orders),
        cmocka_unit_test(samples_as_spread_as_the_map_get_random_folds),
        cmocka_unit_test(variogram_finds_the_range_of_a_field),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
