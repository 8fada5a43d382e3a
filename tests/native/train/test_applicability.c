/* test_applicability.c - dissimilarity index, threshold and density against CAST's own values; the fast index against the plain one; odd
 * inputs; a round through a file. */
#include "golden.h"
#include "train/applicability.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

enum { N = 60, NEW = 40, P = 4 };
static sal_context *ctx;
static double x[N * P], y[NEW * P], weight[P];
static int32_t fold[N];
static uint8_t train[5 * N];

static void read_list(const char *name, int64_t n, double *values)
{
    int64_t found = golden(__FILE__, "cast_aoa.txt", name, n, values);
    if (found != n) fail_msg("golden list %s has %d values, not %d", name, (int)found, (int)n);
}

static int setup(void **state)
{
    double folds[N];
    read_list("train", N * P, x);
    read_list("new", NEW * P, y);
    read_list("weight", P, weight);
    read_list("fold", N, folds);
    for (int i = 0; i < N; i++) fold[i] = (int32_t)folds[i] - 1;
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < N; i++) train[k * N + i] = fold[i] != k;
    return sal_context_new(&ctx);
}

static int teardown(void **state)
{
    sal_context_free(ctx);
    return 0;
}

static sal_applicability *fit(int64_t n, int64_t p, const double *values, const double *w, const int32_t *f, const uint8_t *t)
{
    sal_applicability *a = NULL;
    sal_error_clear(ctx);
    if (sal_applicability_fit(ctx, n, p, values, w, f, t, &a)) fail_msg("%s", sal_context_message(ctx));
    return a;
}

static void same(const char *name, int64_t n, const double *values)
{
    double expected[N];
    read_list(name, n, expected);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(values[i] - expected[i]) < 1e-6)) fail_msg("%s[%d] is %.9g, CAST has %.9g", name, (int)i, values[i], expected[i]);
}

static void weighted_index_threshold_and_density_are_those_of_cast(void **state)
{
    sal_applicability *a = fit(N, P, x, weight, fold, train);
    double di[NEW], inside[NEW], density[N];
    same("mean_distance", 1, &a->mean_distance);
    same("threshold", 1, &a->threshold);
    same("train_di", N, a->di);
    for (int i = 0; i < N; i++) density[i] = (double)a->lpd[i];
    same("train_lpd", N, density);
    for (int i = 0; i < NEW; i++) {
        int64_t lpd;
        di[i] = sal_applicability_at(a, y + i * P, &lpd);
        inside[i] = di[i] <= a->threshold, density[i] = (double)lpd;
    }
    same("di", NEW, di);
    same("inside", NEW, inside);
    same("lpd", NEW, density);
    sal_applicability_free(a);
}

static void plain_index_is_that_of_cast(void **state)
{
    sal_applicability *a = fit(N, P, x, NULL, NULL, NULL);
    double di[NEW];
    for (int i = 0; i < NEW; i++) di[i] = sal_applicability_at(a, y + i * P, NULL);
    same("plain_threshold", 1, &a->threshold);
    same("plain_train_di", N, a->di);
    same("plain_di", NEW, di);
    sal_applicability_free(a);
}

/* Runs the fast index over n pixels of p covariates, cut into three parts. */
static void run_fast(const sal_applicability *a, int64_t n, int64_t p, const double *values, float *di, float *lpd)
{
    sal_nearness *s = NULL;
    int64_t count[3] = { p / 3, p / 2 - p / 3, p - p / 2 };
    float *parts[3];
    void *scratch;
    assert_int_equal(sal_nearness_new(a, &s), SAL_STATUS_OK);
    assert_int_equal(sal_allocate(ctx, sal_nearness_scratch(s), 1, &scratch), SAL_STATUS_OK);
    assert_true(sal_nearness_bytes(s) > 0);
    for (int k = 0, first = 0; k < 3; first += (int)count[k++]) {
        assert_int_equal(sal_allocate(ctx, n * count[k] + 1, sizeof(float), &parts[k]), SAL_STATUS_OK);
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < count[k]; j++) parts[k][i * count[k] + j] = (float)values[i * p + first + j];
    }
    for (int64_t i = 0; i < n; i += SAL_NEARNESS_PIXELS) {
        sal_nearness_parts view = { 3, { count[0], count[1], count[2] }, { parts[0] + i * count[0], parts[1] + i * count[1], parts[2] + i * count[2] } };
        sal_nearness_run(s, &view, n - i < SAL_NEARNESS_PIXELS ? n - i : SAL_NEARNESS_PIXELS, scratch, di + i, lpd ? lpd + i : NULL);
    }
    for (int k = 0; k < 3; k++) sal_release(ctx, parts[k]);
    sal_release(ctx, scratch);
    sal_nearness_free(s);
}

/* As many samples and covariates as a campaign has; some pixels are samples, nearly samples, far away, missing, or absurd. */
static void fast_index_equals_the_plain_one(void **state)
{
    enum { n = 800, p = 40, pixels = 3000 };
    double *samples = malloc(sizeof(double) * n * p), *w = malloc(sizeof(double) * p), *at = malloc(sizeof(double) * pixels * p);
    float *di = malloc(sizeof(float) * pixels);
    for (int i = 0; i < n * p; i++) samples[i] = (float)(1000 + 30 * (i % p) * sal_random_normal(1, 1, (uint64_t)i));
    for (int j = 0; j < p; j++) w[j] = j % 7 == 3 ? -0.1 : sal_random_uniform(1, 2, (uint64_t)j);
    for (int j = 0; j < p; j++) samples[5 * p + j] = samples[4 * p + j]; /* twice the same */
    for (int i = 0; i < pixels * p; i++) {
        int k = i / p, j = i % p;
        double v = 1000 + 30 * j * sal_random_normal(1, 3, (uint64_t)i);
        if (k % 5 == 0) v = samples[k % n * p + j];
        if (k % 5 == 1) v = samples[k % n * p + j] + 1e-3 * v;
        if (k % 97 == 2) v *= 1e6;
        if (k % 89 == 3 && j % 4 == 0) v = NAN;
        if (k == 77) v = 3e38;
        at[i] = (float)v;
    }
    sal_applicability *a = fit(n, p, samples, w, NULL, NULL);
    run_fast(a, pixels, p, at, di, NULL);
    for (int k = 0; k < pixels; k++) {
        double expected = sal_applicability_at(a, at + k * p, NULL);
        if (!(fabs((double)di[k] - expected) <= 1e-6 * fmax(1, expected))) fail_msg("pixel %d: %.9g, not %.9g", k, (double)di[k], expected);
        if (k % 5 == 0 && k % 97 != 2 && k % 89 != 3 && k != 77) assert_true(di[k] < 1e-6f);
    }
    sal_applicability_free(a);
    free(samples), free(w), free(at), free(di);
}

/* Dense and thin places, samples that lie there twice, places that are samples, far away, missing or absurd; and thresholds that are the distance of
 * some pixel to some sample to the last bit, where the comparison must be strict. */
static void fast_density_is_exactly_the_plain_one(void **state)
{
    enum { n = 300, p = 12, pixels = 1200 };
    double *samples = malloc(sizeof(double) * n * p), *at = malloc(sizeof(double) * pixels * p), w[p];
    float *di = malloc(sizeof(float) * pixels), *without = malloc(sizeof(float) * pixels), *lpd = malloc(sizeof(float) * pixels);
    for (int i = 0; i < n * p; i++) samples[i] = (float)(100 + 5 * (i % p) + (1 + i % p) * sal_random_normal(2, 1, (uint64_t)i));
    for (int j = 0; j < p; j++) w[j] = j % 5 == 3 ? 0 : 0.2 + sal_random_uniform(2, 2, (uint64_t)j);
    for (int k = 0; k < 30; k++) memcpy(samples + (2 * k + 1) * p, samples + 2 * k * p, sizeof(double) * p);
    for (int i = 0; i < pixels * p; i++) {
        int k = i / p, j = i % p;
        double v = 100 + 5 * j + (1 + j) * sal_random_normal(2, 3, (uint64_t)i);
        if (k % 3 == 0) v = samples[k % n * p + j];
        if (k % 97 == 2) v *= 1e6;
        if (k % 89 == 3 && j % 4 == 0) v = NAN;
        if (k == 77 || k == 78) v = k == 77 ? 3e38 : -3e38;
        at[i] = (float)v;
    }
    sal_applicability *a = fit(n, p, samples, w, NULL, NULL);
    int64_t counted = 0, ties = 0;
    for (int round = 0; round < 40; round++) {
        double z[p];
        int64_t pixel = round * 29, sample = round * 7 % n;
        for (int j = 0; j < p; j++) z[j] = sal_applicability_scaled(a, j, at[pixel * p + j]);
        if (round == 38) a->threshold = 0;
        else if (round == 39) a->threshold = 1e6;
        else if (round) a->threshold = sal_applicability_distance(a, z, sample);
        ties += round && round < 38 && sal_applicability_distance(a, z, sample) == a->threshold;
        run_fast(a, pixels, p, at, without, NULL);
        run_fast(a, pixels, p, at, di, lpd);
        assert_memory_equal(di, without, sizeof(float) * pixels);
        for (int k = 0; k < pixels; k++) {
            int64_t expected;
            sal_applicability_at(a, at + k * p, &expected);
            if ((int64_t)lpd[k] != expected) fail_msg("round %d, pixel %d: %d samples, not %d", round, k, (int)lpd[k], (int)expected);
            counted += expected;
        }
    }
    assert_true(counted > 40 * pixels && ties == 37);
    sal_applicability_free(a);
    free(samples), free(at), free(di), free(without), free(lpd);
}

static void constant_and_missing_covariates_are_handled(void **state)
{
    double v[20 * 3], out[3] = { 5, NAN, 100 };
    for (int i = 0; i < 20; i++) v[3 * i] = i, v[3 * i + 1] = 7, v[3 * i + 2] = i % 4 ? i * i : NAN;
    sal_applicability *a = fit(20, 3, v, NULL, NULL, NULL);
    assert_true(a->weight[1] == 0 && a->sd[1] == 1);
    double di = sal_applicability_at(a, out, NULL);
    out[1] = 1e6; /* says nothing where it never varied: that is what the range flag is for */
    assert_true(isfinite(di) && di == sal_applicability_at(a, out, NULL));
    sal_applicability_free(a);
    for (int i = 0; i < 60; i++) v[i] = i % 3;
    sal_error_clear(ctx);
    assert_int_equal(sal_applicability_fit(ctx, 20, 3, v, NULL, NULL, NULL, &a), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "no covariate both varies"));
    assert_null(a);
    const double negative[3] = { -1, 0, -2 }, nan[3] = { 1, NAN, 1 };
    for (int i = 0; i < 60; i++) v[i] = i;
    sal_error_clear(ctx);
    assert_int_equal(sal_applicability_fit(ctx, 20, 3, v, negative, NULL, NULL, &a), SAL_STATUS_DATA);
    sal_error_clear(ctx);
    assert_int_equal(sal_applicability_fit(ctx, 20, 3, v, nan, NULL, NULL, &a), SAL_STATUS_ARGUMENT);
    sal_error_clear(ctx);
    assert_int_equal(sal_applicability_fit(ctx, 2, 3, v, NULL, NULL, NULL, &a), SAL_STATUS_DATA);
}

static void threads_change_no_bit(void **state)
{
    sal_context_set_threads(ctx, 1);
    sal_applicability *a = fit(N, P, x, weight, fold, train);
    sal_context_set_threads(ctx, 3);
    sal_applicability *b = fit(N, P, x, weight, fold, train);
    assert_memory_equal(a->di, b->di, N * sizeof(double));
    assert_true(a->threshold == b->threshold && a->mean_distance == b->mean_distance);
    sal_applicability_free(a);
    sal_applicability_free(b);
}

static void a_round_through_a_file_changes_nothing_and_damage_is_refused(void **state)
{
    sal_applicability *a = fit(N, P, x, weight, fold, train), *b = NULL;
    sal_tensors *tensors = NULL;
    json_object *meta = json_object_new_object();
    assert_int_equal(sal_tensors_new(ctx, &tensors), 0);
    assert_int_equal(sal_applicability_save(a, tensors, meta), 0);
    assert_int_equal(sal_applicability_load(ctx, tensors, meta, "model \"m\"", P, &b), 0);
    assert_memory_equal(a->points, b->points, sizeof x);
    assert_memory_equal(a->lpd, b->lpd, N * sizeof *a->lpd);
    assert_true(a->threshold == b->threshold && sal_applicability_at(a, y, NULL) == sal_applicability_at(b, y, NULL));
    sal_applicability_free(b);
    sal_error_clear(ctx);
    assert_int_equal(sal_applicability_load(ctx, tensors, meta, "model \"m\"", P + 1, &b), SAL_STATUS_DATA);
    json_object_object_add(meta, "mean_distance", json_object_new_double(0));
    sal_error_clear(ctx);
    assert_int_equal(sal_applicability_load(ctx, tensors, meta, "model \"m\"", P, &b), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "model \"m\" has an area of applicability that does not make sense"));
    json_object_put(meta);
    sal_tensors_free(tensors);
    sal_applicability_free(a);
}

/* ---- on an embedding ---- */

/* CAST's own covariates as units: what CAST weighs by w, an embedding gives with |weight| = w / sd, since units count by weight times sd. */
static sal_applicability *fit_units(const float *units, const double *w, const double *di)
{
    sal_applicability *a = NULL;
    sal_error_clear(ctx);
    if (sal_applicability_fit_embedding(ctx, N, P, units, w, fold, train, di, &a)) fail_msg("%s", sal_context_message(ctx));
    return a;
}

static void an_embedding_counts_by_weight_times_standard_deviation(void **state)
{
    float units[N * P];
    double rounded[N * P], w[P], unseen[N];
    for (int i = 0; i < N * P; i++) units[i] = (float)x[i], rounded[i] = (double)units[i];
    sal_applicability *cast = fit(N, P, rounded, weight, fold, train), *a;
    for (int j = 0; j < P; j++) w[j] = weight[j] / cast->sd[j];
    a = fit_units(units, w, NULL);
    assert_int_equal(a->basis, SAL_APPLICABILITY_EMBEDDING);
    assert_true(fabs(a->threshold - cast->threshold) < 1e-9 && fabs(sal_applicability_at(a, y, NULL) - sal_applicability_at(cast, y, NULL)) < 1e-9);
    for (int i = 0; i < N; i++) assert_true(fabs(a->di[i] - cast->di[i]) < 1e-9 && a->lpd[i] == cast->lpd[i]);
    /* The samples of one fold alone get their index, the rest stay. */
    for (int i = 0; i < N; i++) unseen[i] = -1;
    assert_int_equal(sal_applicability_unseen(ctx, N, P, units, w, fold, train, 2, unseen), 0);
    for (int i = 0; i < N; i++) assert_true(fold[i] == 2 ? unseen[i] == a->di[i] : unseen[i] == -1);
    sal_applicability_free(a);
    sal_applicability_free(cast);
}

/* min(Q75 + 1.5 IQR, largest) of 1 .. 60, of which the first have no number; the density follows the threshold. */
static void the_threshold_comes_from_networks_that_have_not_seen_the_samples(void **state)
{
    float units[N * P];
    double w[P] = { 1, 1, 1, 1 }, di[N];
    for (int i = 0; i < N * P; i++) units[i] = (float)x[i];
    for (int i = 0; i < N; i++) di[i] = i < 9 ? NAN : i; /* 9 .. 59: quartiles 21.5 and 46.5 */
    sal_applicability *a = fit_units(units, w, di);
    assert_true(a->threshold == 59);
    for (int i = 0; i < N; i++) assert_int_equal(a->lpd[i], (int64_t)(N * 4 / 5)); /* all that train */
    sal_applicability_free(a);
    for (int i = 0; i < N; i++) di[i] = i < N - 2 ? NAN : 1;
    assert_int_equal(sal_applicability_fit_embedding(ctx, N, P, units, w, fold, train, di, &a), SAL_STATUS_DATA);
    assert_null(a);
    sal_error_clear(ctx);
}

static void networks_that_tell_nothing_apart_are_named(void **state)
{
    float units[N * P] = { 0 };
    double w[P] = { 1, 1, 1, 1 }, di[N] = { 0 };
    sal_applicability *a;
    assert_int_equal(sal_applicability_fit_embedding(ctx, N, P, units, w, fold, train, NULL, &a), SAL_STATUS_DATA);
    assert_non_null(strstr(sal_context_message(ctx), "last hidden layer of the network is the same for all 60 samples"));
    sal_error_clear(ctx);
    assert_int_equal(sal_applicability_unseen(ctx, N, P, units, w, fold, train, 0, di), 0);
    for (int i = 0; i < N; i++) assert_true(fold[i] == 0 ? isnan(di[i]) : di[i] == 0);
    assert_int_equal(sal_log_count(ctx) > 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighted_index_threshold_and_density_are_those_of_cast),
        cmocka_unit_test(plain_index_is_that_of_cast),
        cmocka_unit_test(fast_index_equals_the_plain_one),
        cmocka_unit_test(fast_density_is_exactly_the_plain_one),
        cmocka_unit_test(constant_and_missing_covariates_are_handled),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(an_embedding_counts_by_weight_times_standard_deviation),
        cmocka_unit_test(the_threshold_comes_from_networks_that_have_not_seen_the_samples),
        cmocka_unit_test(networks_that_tell_nothing_apart_are_named),
        cmocka_unit_test(a_round_through_a_file_changes_nothing_and_damage_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
