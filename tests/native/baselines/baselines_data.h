/* baselines_data.h - a small table whose target is smooth in four of ten covariates, with a few missing values. */
#ifndef SAL_TEST_BASELINES_DATA_H
#define SAL_TEST_BASELINES_DATA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "baselines/baseline.h"

enum { N = 240, P = 10, K = 4 };

static sal_context *ctx;
static float x[N * P];
static double y[N];
static int32_t fold[N];
static uint8_t train[K * N];
static const sal_baseline_rows rows = { N, P, x, y };
static const sal_baseline_inner inner = { K, fold, train };

static inline void assert_done(int32_t status)
{
    if (status != SAL_STATUS_OK) fail_msg("status %d: %s", status, sal_context_message(ctx));
}

static inline int setup(void **state)
{
    if (sal_context_new(&ctx)) return -1;
    sal_context_set_threads(ctx, 2);
    for (int64_t i = 0; i < N; i++) {
        for (int64_t k = 0; k < P; k++) x[i * P + k] = (float)(10 * (double)k + sal_random_normal(1, (uint64_t)i, (uint64_t)k));
        const float *v = x + i * P;
        y[i] = 3 + (double)(v[0] - 0) + 0.8 * (double)(v[1] - 10) - 0.6 * (double)(v[2] - 20) + sin((double)v[3]) + 0.2 * sal_random_normal(2, (uint64_t)i, 0);
        fold[i] = (int32_t)(i % K);
        for (int64_t f = 0; f < K; f++) train[f * N + i] = i % K != f;
    }
    for (int64_t i = 0; i < N; i += 17) x[i * P + 7] = NAN;
    return 0;
}

static inline int teardown(void **state)
{
    sal_context_free(ctx);
    return 0;
}

static inline sal_baseline *fitted(const sal_baseline_method *m)
{
    sal_baseline_settings s;
    sal_baseline *b;
    assert_done(sal_baseline_tune(ctx, m, &rows, NULL, 1, &s, NULL)); /* the middle of the grid */
    assert_done(sal_baseline_fit(ctx, m, &s, &rows, 1, &b));
    return b;
}

static inline void predict(const sal_baseline *b, double out[N]) { assert_done(sal_baseline_predict(ctx, b, N, x, out)); }

static inline bool available(const sal_baseline_method *m)
{
    bool is = sal_baseline_method_check(ctx, m) == SAL_STATUS_OK;
    if (!is) sal_error_clear(ctx);
    return is;
}

#endif
