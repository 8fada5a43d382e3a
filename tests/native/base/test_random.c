/* test_random.c - Philox against the known answers of Random123 1.14 (kat_vectors, philox4x32 10), moments, ranges, shuffles. */
#include "base/random.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void philox_gives_the_known_answers(void **state SAL_UNUSED)
{
    static const uint32_t cases[3][10] = {
  /* counter (4), key (2), answer (4) */
        {0,           0,          0,          0,          0,          0,          0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
         0x6d5451fd                                                                                                             },
        { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
         0x24126ea1                                                                                                             },
    };
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        sal__philox(cases[i], cases[i] + 4, out);
        for (int k = 0; k < 4; k++) assert_int_equal(out[k], cases[i][6 + k]);
    }
}

static void bits_are_the_first_two_words(void **state SAL_UNUSED)
{
    assert_true(sal_random_bits(0, 0, 0) == 0xe169c58d6627e8d5u);
    assert_true(sal_random_bits(0x299f31d0a4093822u, 0x0370734413198a2eu, 0x85a308d3243f6a88u) == 0x94fdccebd16cfe09u);
}

static void moments(double (*draw)(uint64_t, uint64_t, uint64_t), double out[4])
{
    enum { N = 400000 };
    double m = 0, m2 = 0, m3 = 0, m4 = 0;
    for (uint64_t i = 0; i < N; i++) m += draw(7, 1, i);
    m /= N;
    for (uint64_t i = 0; i < N; i++) {
        double d = draw(7, 1, i) - m;
        m2 += d * d, m3 += d * d * d, m4 += d * d * d * d;
    }
    out[0] = m, out[1] = m2 / N, out[2] = m3 / N / pow(m2 / N, 1.5), out[3] = m4 / N / (m2 / N * (m2 / N));
}

static void uniform_numbers_have_their_moments_and_stay_inside(void **state SAL_UNUSED)
{
    double m[4];
    moments(sal_random_uniform, m);
    assert_true(fabs(m[0] - 0.5) < 0.002); /* 4 standard errors: 4 * 0.2887 / sqrt(400000) */
    assert_true(fabs(m[1] - 1.0 / 12) < 0.0005);
    assert_true(fabs(m[2]) < 0.02 && fabs(m[3] - 1.8) < 0.02);
    for (uint64_t i = 0; i < 100000; i++) {
        double u = sal_random_uniform(1, 2, i);
        assert_true(u > 0 && u < 1);
    }
}

static void normal_numbers_have_their_moments(void **state SAL_UNUSED)
{
    double m[4];
    moments(sal_random_normal, m);
    assert_true(fabs(m[0]) < 0.007 && fabs(m[1] - 1) < 0.01);
    assert_true(fabs(m[2]) < 0.016 && fabs(m[3] - 3) < 0.032);
}

static void streams_and_seeds_are_not_correlated(void **state SAL_UNUSED)
{
    double by_stream = 0, by_seed = 0, by_index = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        double x = sal_random_normal(1, 1, i);
        by_stream += x * sal_random_normal(1, 2, i);
        by_seed += x * sal_random_normal(2, 1, i);
        by_index += x * sal_random_normal(1, 1, i + 1);
    }
    assert_true(fabs(by_stream) < 4 * sqrt(100000) && fabs(by_seed) < 4 * sqrt(100000) &&
                fabs(by_index) < 4 * sqrt(100000));
}

static void numbers_below_n_are_even(void **state SAL_UNUSED)
{
    int64_t count[10] = { 0 };
    for (uint64_t i = 0; i < 100000; i++) {
        int64_t k = sal_random_below(5, 6, i, 10);
        assert_true(k >= 0 && k < 10);
        count[k]++;
    }
    double chi2 = 0;
    for (int k = 0; k < 10; k++) chi2 += pow((double)count[k] - 10000, 2) / 10000;
    assert_true(chi2 < 27.9); /* 0.999 quantile, 9 degrees of freedom */
    assert_int_equal(sal_random_below(1, 1, 1, 1), 0);
}

static void a_shuffle_is_a_permutation_and_every_order_is_as_likely(void **state SAL_UNUSED)
{
    int64_t count[6] = { 0 };
    for (uint64_t s = 0; s < 60000; s++) {
        int64_t v[3] = { 0, 1, 2 };
        sal_random_shuffle(s, 9, v, 3);
        assert_int_equal(v[0] + v[1] + v[2], 3);
        assert_int_equal(v[0] * v[0] + v[1] * v[1] + v[2] * v[2], 5);
        count[2 * v[0] + (v[1] > v[2])]++;
    }
    double chi2 = 0;
    for (int k = 0; k < 6; k++) chi2 += pow((double)count[k] - 10000, 2) / 10000;
    assert_true(chi2 < 20.5); /* 0.999 quantile, 5 degrees of freedom */
}

static void streams_differ_by_name_and_numbers(void **state SAL_UNUSED)
{
    uint64_t a = sal_random_stream("dropout", 1, 2);
    assert_true(a == sal_random_stream("dropout", 1, 2));
    assert_true(a != sal_random_stream("dropout", 2, 1));
    assert_true(a != sal_random_stream("dropout", 1, 3));
    assert_true(a != sal_random_stream("Dropout", 1, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(bits_are_the_first_two_words),
        cmocka_unit_test(uniform_numbers_have_their_moments_and_stay_inside),
        cmocka_unit_test(normal_numbers_have_their_moments),
        cmocka_unit_test(streams_and_seeds_are_not_correlated),
        cmocka_unit_test(numbers_below_n_are_even),
        cmocka_unit_test(a_shuffle_is_a_permutation_and_every_order_is_as_likely),
        cmocka_unit_test(streams_differ_by_name_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
