/* test_indices.c - spectral indices against tests/golden/indices.txt (numpy, float64), missing values, zero divisors, band roles. */
#include "features/indices.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SPECTRA_MAX = 16, ROLES = SAL_ROLE_COUNT };

typedef struct golden {
    float spectrum[ROLES][SPECTRA_MAX]; /* (role, spectrum) */
    int n;
    FILE *file;
} golden;

static void golden_path(char *path, size_t size)
{
    snprintf(path, size, "%s", __FILE__);
    char *tests = strstr(path, "native/features/");
    assert_non_null(tests);
    snprintf(tests, size - (size_t)(tests - path), "golden/indices.txt");
}

static void read_spectrum(golden *g, char *line)
{
    strtok(line, " ");
    strtok(NULL, " ");
    for (char *word; (word = strtok(NULL, " \n"));) {
        char *equal = strchr(word, '=');
        int32_t role = sal__role_find(word, equal - word);
        assert_true(role >= 0);
        g->spectrum[role][g->n] = strtof(equal + 1, NULL);
    }
    g->n++;
}

static void every_index_has_the_value_of_its_formula(void **state)
{
    golden g = { .n = 0 };
    char path[1024], line[1024];
    int seen = 0;
    const float *roles[ROLES];
    golden_path(path, sizeof path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int r = 0; r < ROLES; r++) roles[r] = g.spectrum[r];
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "spectrum ", 9) == 0) read_spectrum(&g, line);
        if (strncmp(line, "index ", 6) != 0) continue;
        strtok(line, " ");
        const char *id = strtok(NULL, " "), *group = strtok(NULL, " ");
        const sal_index *index = sal_index_find(id);
        if (!index) fail_msg("%s is not in indices.def", id);
        assert_string_equal(index->group, group);
        float got[SPECTRA_MAX];
        sal__index_evaluate(index - sal_index_at(0), roles, g.n, got);
        for (int i = 0; i < g.n; i++) {
            double want = strtod(strtok(NULL, " \n"), NULL);
            if (isnan(want) ? !isnan(got[i]) : !(fabs(got[i] - want) <= 1e-6 * fmax(1, fabs(want))))
                fail_msg("%s of spectrum %d is %.9g, not %.9g", id, i, (double)got[i], want);
        }
        seen++;
    }
    fclose(file);
    assert_int_equal(seen, sal_index_count());
}

static void evaluate_one(int64_t index, const float *spectrum, float *out)
{
    const float *roles[ROLES];
    for (int r = 0; r < ROLES; r++) roles[r] = &spectrum[r];
    sal__index_evaluate(index, roles, 1, out);
}

static void a_missing_band_makes_only_the_indices_that_need_it_missing(void **state)
{
    for (int64_t k = 0; k < sal_index_count(); k++) {
        uint32_t roles = sal__index_roles(sal_index_at(k));
        assert_true(roles != 0);
        for (int r = 0; r < ROLES; r++) {
            float spectrum[ROLES] = { .12f, .16f, .2f, .22f, .24f, .26f, .28f, .29f, .34f, .28f }, value;
            spectrum[r] = NAN;
            evaluate_one(k, spectrum, &value);
            if (!!isnan(value) != !!(roles & 1u << r))
                fail_msg("%s without %s", sal_index_at(k)->id, sal__role_name((sal_role)r));
        }
    }
}

static void a_divisor_near_zero_is_nodata_and_never_infinite(void **state)
{
    for (int64_t k = 0; k < sal_index_count(); k++) {
        const char *id = sal_index_at(k)->id;
        float black[ROLES] = { 0 }, grey[ROLES], value;
        for (int r = 0; r < ROLES; r++) grey[r] = .25f;
        evaluate_one(k, black, &value);
        if (isinf(value)) fail_msg("%s of black is infinite", id);
        evaluate_one(k, grey, &value);
        if (isinf(value)) fail_msg("%s of grey is infinite", id);
        if (!strcmp(id, "NSI") || !strcmp(id, "SI_TAHA") || !strcmp(id, "MTCI") || !strcmp(id, "S2REP"))
            assert_true(isnan(value));
    }
    float black[ROLES] = { 0 }, value;
    evaluate_one(sal_index_find("NDVI") - sal_index_at(0), black, &value);
    assert_true(isnan(value));
}

static void negative_reflectance_counts_as_zero(void **state)
{
    float below[ROLES], zero[ROLES], a, b;
    for (int r = 0; r < ROLES; r++) {
        below[r] = r == SAL_ROLE_R ? -.02f : .1f + .02f * (float)r;
        zero[r] = below[r] < 0 ? 0 : below[r];
    }
    for (int64_t k = 0; k < sal_index_count(); k++) {
        evaluate_one(k, below, &a);
        evaluate_one(k, zero, &b);
        assert_true(isnan(b) ? isnan(a) : a == b);
    }
}

static void indices_of_soil_crops_and_water_lie_in_the_stated_range(void **state)
{
    const float spectra[3][ROLES] = { { .12f, .16f, .2f, .22f, .24f, .26f, .28f, .28f, .34f, .28f },
                                      { .03f, .06f, .04f, .1f, .28f, .35f, .38f, .38f, .2f, .1f },
                                      { .42f, .47f, .51f, .53f, .54f, .55f, .56f, .56f, .45f, .38f } };
    for (int64_t k = 0; k < sal_index_count(); k++) {
        const sal_index *index = sal_index_at(k);
        for (int s = 0; s < 3; s++) {
            float value;
            evaluate_one(k, spectra[s], &value);
            if (!(value >= index->low && value <= index->high))
                fail_msg("%s = %g outside its range", index->id, (double)value);
        }
    }
}

static void every_index_has_its_own_id_a_source_and_known_roles(void **state)
{
    for (int64_t k = 0; k < sal_index_count(); k++) {
        const sal_index *index = sal_index_at(k);
        assert_ptr_equal(sal_index_find(index->id), index);
        assert_true(strlen(index->source) > 3 && strlen(index->formula) > 2);
        int words = 1;
        for (const char *c = index->roles; *c; c++) words += *c == '|';
        assert_int_equal(__builtin_popcount(sal__index_roles(index)), words);
    }
    assert_null(sal_index_find("NOPE"));
    assert_null(sal_index_at(sal_index_count()));
}

static void band_roles_follow_the_sensor(void **state)
{
    assert_string_equal(sal_band_role("Sentinel-2", "B04"), "R");
    assert_string_equal(sal_band_role("S2A MSI", "b4"), "R");
    assert_string_equal(sal_band_role("Sentinel-2", "B08"), "NIR");
    assert_string_equal(sal_band_role("Sentinel-2", "B8A"), "NIR2");
    assert_string_equal(sal_band_role("", "B11"), "SWIR1");
    assert_string_equal(sal_band_role("a demo", "B05"), "RE1");
    assert_string_equal(sal_band_role("Landsat 8", "SR_B4"), "R");
    assert_string_equal(sal_band_role("LC09_L2SP", "B5"), "NIR");
    assert_string_equal(sal_band_role("Landsat 5 TM", "SR_B4"), "NIR");
    assert_string_equal(sal_band_role("LE07", "B7"), "SWIR2");
    assert_string_equal(sal_band_role("", "Blue"), "B");
    assert_string_equal(sal_band_role("Landsat 8", "nir"), "NIR");
    assert_null(sal_band_role("", "SR_B4"));
    assert_null(sal_band_role("", "B4"));
    assert_null(sal_band_role("Sentinel-2", "B09"));
    assert_null(sal_band_role("Sentinel-2", "DEM"));
    assert_null(sal_band_role("", ""));
}

static void band_names_are_kept_as_the_sensor_writes_them(void **state)
{
    const char *sentinel[] = { "B2", "B3", "B4", "B8A", "B11" }, *eight[] = { "SR_B2", "SR_B6" },
               *seven[] = { "SR_B3", "SR_B7" };
    assert_string_equal(sal__band_id("Sentinel-2", "b2"), "B02");
    assert_string_equal(sal__band_id("Landsat 8", "B4"), "SR_B4");
    assert_string_equal(sal__band_id("", "Nir"), "NIR");
    assert_null(sal__band_id("Sentinel-2", "QA60"));
    assert_string_equal(sal__sensor_guess(sentinel, 5), "Sentinel-2");
    assert_string_equal(sal__sensor_guess(eight, 2), "Landsat 8/9");
    assert_string_equal(sal__sensor_guess(seven, 2), "Landsat 4-7");
    assert_string_equal(sal__sensor_guess(sentinel, 3), "");
    assert_string_equal(sal__sensor_find("sentinel 2B"), "Sentinel-2");
    assert_string_equal(sal__sensor_find("EnMAP L2A"), "EnMAP");
    assert_null(sal__sensor_find("PRISMA"));
}

/* All indices of many pixels, past the caches and at an address that is no multiple of 16; of few; and from bands in a wide stack. */
static void size_and_layout_do_not_change_an_index(void **state)
{
    enum { PIXELS = 100003, PART = 1001, WIDE = 23, MOST = 128 };
    sal_context *ctx;
    sal__item items[MOST];
    int64_t role[ROLES], far[ROLES];
    const int64_t n = sal_index_count();
    assert_true(n > 42 && n < 64 && n * PIXELS > (int64_t)4 << 20); /* as sal__stream_pays has it */
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    float *in = malloc(sizeof *in * PIXELS * ROLES), *spread = malloc(sizeof *in * PART * WIDE), *part = malloc(sizeof *in * PART * MOST),
          *whole = malloc(sizeof *in * (size_t)(PIXELS * n + 1));
    for (int64_t i = 0; i < PIXELS * ROLES; i++) in[i] = (float)(.7 * sal_random_uniform(1, 2, (uint64_t)i) - .02);
    for (int64_t k = 0; k < n; k++) items[k] = (sal__item){ -1, k, k };
    for (int r = 0; r < ROLES; r++) role[r] = r, far[r] = 2 * r + 1;
    sal__items_evaluate(ctx, role, items, n, in, ROLES, PIXELS, whole + 1, n);
    for (int64_t first = 0; first + PART <= PIXELS; first += PART * 20) {
        sal__items_evaluate(ctx, role, items, n, in + first * ROLES, ROLES, PART, part, n);
        assert_memory_equal(part, whole + 1 + first * n, sizeof *part * (size_t)(PART * n));
        for (int64_t i = 0; i < PART * ROLES; i++) spread[i / ROLES * WIDE + 2 * (i % ROLES) + 1] = in[first * ROLES + i];
        sal__items_evaluate(ctx, far, items, n, spread, WIDE, PART, part, MOST);
        for (int64_t i = 0; i < PART; i++) assert_memory_equal(part + i * MOST, whole + 1 + (first + i) * n, sizeof *part * (size_t)n);
    }
    free(in);
    free(spread);
    free(part);
    free(whole);
    sal_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_index_has_the_value_of_its_formula),
        cmocka_unit_test(a_missing_band_makes_only_the_indices_that_need_it_missing),
        cmocka_unit_test(a_divisor_near_zero_is_nodata_and_never_infinite),
        cmocka_unit_test(negative_reflectance_counts_as_zero),
        cmocka_unit_test(indices_of_soil_crops_and_water_lie_in_the_stated_range),
        cmocka_unit_test(every_index_has_its_own_id_a_source_and_known_roles),
        cmocka_unit_test(band_roles_follow_the_sensor),
        cmocka_unit_test(size_and_layout_do_not_change_an_index),
        cmocka_unit_test(band_names_are_kept_as_the_sensor_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
