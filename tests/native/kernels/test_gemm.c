/* test_gemm.c - matrix products against sums in double, for every transposition, odd sizes, alpha, beta and row lengths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/gemm_small.h"

typedef void (*gemm)(bool, bool, int64_t, int64_t, int64_t, real, const real *, int64_t, const real *, int64_t, real,
                     real *, int64_t);

static real *random_matrix(int64_t count, uint64_t stream)
{
    real *m = malloc(sizeof(real) * (size_t)count);
    for (int64_t i = 0; i < count; i++) m[i] = (real)sal_random_normal(3, stream, (uint64_t)i);
    return m;
}

static void assert_product(gemm multiply, bool ta, bool tb, int64_t m, int64_t n, int64_t k, double alpha, double beta)
{
    int64_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
    real *a = random_matrix(lda * (ta ? k : m), 1), *b = random_matrix(ldb * (tb ? n : k), 2),
         *c = random_matrix(m * ldc, 3);
    real *before = random_matrix(m * ldc, 3);
    if (beta == 0)
        for (int64_t i = 0; i < m * ldc; i++)
            if (i % ldc < n) c[i] = NAN; /* must not be read */
    multiply(ta, tb, m, n, k, (real)alpha, a, lda, b, ldb, (real)beta, c, ldc);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < ldc; j++) {
            double sum = 0, size = 1;
            for (int64_t p = 0; p < k && j < n; p++) {
                double term =
                    (double)(ta ? a[p * lda + i] : a[i * lda + p]) * (double)(tb ? b[j * ldb + p] : b[p * ldb + j]);
                sum += term;
                size += fabs(term);
            }
            double want = j < n ? alpha * sum + beta * (double)before[i * ldc + j] : (double)before[i * ldc + j];
            if (!(fabs((double)c[i * ldc + j] - want) <= 4 * SAL_REAL_EPSILON * size * fmax(1, fabs(alpha))))
                fail_msg("%d %d %lld %lld %lld at %lld, %lld: %.9g instead of %.9g", ta, tb, (long long)m, (long long)n,
                         (long long)k, (long long)i, (long long)j, (double)c[i * ldc + j], want);
        }
    free(a);
    free(b);
    free(c);
    free(before);
}

static void assert_products(gemm multiply)
{
    static const int64_t sizes[][3] = { { 1, 1, 1 },    { 1, 5, 3 },      { 4, 4, 4 },   { 7, 1, 9 },    { 8, 16, 24 },
                                        { 5, 17, 33 },  { 12, 48, 48 },   { 49, 10, 3 }, { 33, 65, 70 }, { 64, 64, 0 },
                                        { 130, 7, 66 }, { 70, 130, 129 }, { 17, 31, 1 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int t = 0; t < 4; t++) {
            assert_product(multiply, t & 1, t >> 1, sizes[i][0], sizes[i][1], sizes[i][2], 1, 0);
            assert_product(multiply, t & 1, t >> 1, sizes[i][0], sizes[i][1], sizes[i][2], 1, 1);
            assert_product(multiply, t & 1, t >> 1, sizes[i][0], sizes[i][1], sizes[i][2], -0.5, 2);
        }
}

static void products_are_the_sums(void **state)
{
    sal_kernels_enter(NULL);
    assert_products(sal_gemm);
    sal_kernels_leave();
}

static void plain_products_are_the_sums(void **state) { assert_products(sal__gemm_plain); }

/* Many products at once, each compared bit for bit with one made alone. */
enum { SIZE = 96, TASKS = 64 };

typedef struct work {
    const real *a, *b;
    real *c;
} work;

static void multiply_task(void *arg, int64_t chunk, int32_t worker)
{
    const work *w = arg;
    int64_t n = chunk % 2 ? SIZE : 9;
    sal_gemm(false, true, n, n, SIZE, 1, w->a, SIZE, w->b, SIZE, 0, w->c + chunk * SIZE * SIZE, SIZE);
}

static void same_bits_from_every_thread(void **state)
{
    sal_context *ctx = NULL;
    assert_int_equal(sal_context_new(&ctx), SAL_STATUS_OK);
    assert_int_equal(sal_context_set_threads(ctx, 4), SAL_STATUS_OK);
    real *a = random_matrix(SIZE * SIZE, 1), *b = random_matrix(SIZE * SIZE, 2);
    real *c = calloc(TASKS * SIZE * SIZE, sizeof(real)), *alone = calloc(2 * SIZE * SIZE, sizeof(real));
    work w = { a, b, alone };
    sal_kernels_enter(ctx);
    multiply_task(&w, 0, 0);
    multiply_task(&w, 1, 0);
    w.c = c;
    sal_pool_run(ctx, TASKS, multiply_task, &w);
    sal_kernels_leave();
    for (int64_t i = 0; i < TASKS; i++)
        assert_memory_equal(c + i * SIZE * SIZE, alone + i % 2 * SIZE * SIZE, SIZE * SIZE * sizeof(real));
    free(a);
    free(b);
    free(c);
    free(alone);
    sal_context_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_the_sums),
        cmocka_unit_test(plain_products_are_the_sums),
        cmocka_unit_test(same_bits_from_every_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
