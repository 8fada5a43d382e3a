/* synthetic.h - a small dataset without files: the target follows one band and the mean of one covariate around the sample. */
#ifndef SAL_TEST_SYNTHETIC_H
#define SAL_TEST_SYNTHETIC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "train/training.h"

enum { SYNTHETIC_BANDS = 4, SYNTHETIC_INDICES = 5, SYNTHETIC_COVARIATES = 3, SYNTHETIC_WINDOW = 17 };

static inline void assert_done(sal_context *ctx, int32_t status)
{
    if (status != SAL_STATUS_OK) fail_msg("status %d: %s", status, sal_context_message(ctx));
}

static inline void synthetic_names(sal_context *ctx, char **list, const char *letter, int64_t n)
{
    for (int64_t i = 0; i < n; i++) assert_done(ctx, sal_text_format(ctx, &list[i], "%s%lld", letter, (long long)i));
}

static inline sal_dataset *synthetic_new(sal_context *ctx, int64_t n)
{
    sal_dataset *d;
    const int64_t pixels = SYNTHETIC_WINDOW * SYNTHETIC_WINDOW * SYNTHETIC_COVARIATES;
    assert_done(ctx, sal_allocate(ctx, 1, sizeof *d, &d));
    d->count = n;
    d->roles.band_count = SYNTHETIC_BANDS, d->roles.index_count = SYNTHETIC_INDICES;
    d->roles.covariate_count = SYNTHETIC_COVARIATES, d->roles.window = SYNTHETIC_WINDOW;
    synthetic_names(ctx, d->roles.bands, "B", SYNTHETIC_BANDS);
    synthetic_names(ctx, d->roles.indices, "I", SYNTHETIC_INDICES);
    synthetic_names(ctx, d->roles.covariates, "E", SYNTHETIC_COVARIATES);
    assert_done(ctx, sal_allocate(ctx, n * SYNTHETIC_BANDS, sizeof(float), &d->spectrum));
    assert_done(ctx, sal_allocate(ctx, n * SYNTHETIC_INDICES, sizeof(float), &d->index));
    assert_done(ctx, sal_allocate(ctx, n, sizeof(float), &d->ndvi));
    assert_done(ctx, sal_allocate(ctx, n * pixels, sizeof(float), &d->window));
    assert_done(ctx, sal_allocate(ctx, n, sizeof(double), &d->target));
    assert_done(ctx, sal_allocate(ctx, n, sizeof(double), &d->x));
    assert_done(ctx, sal_allocate(ctx, n, sizeof(double), &d->y));
    assert_done(ctx, sal_allocate(ctx, n, sizeof(int64_t), &d->fid));
    assert_done(ctx, sal_allocate(ctx, n, sizeof(int32_t), &d->stack));
    for (int64_t i = 0; i < n; i++) {
        uint64_t s = (uint64_t)i;
        double place = sal_random_normal(1, s, 0);
        for (uint64_t k = 0; k < SYNTHETIC_BANDS; k++) d->spectrum[i * SYNTHETIC_BANDS + (int64_t)k] = (float)(0.3 + 0.1 * sal_random_normal(2, s, k));
        for (uint64_t k = 0; k < SYNTHETIC_INDICES; k++) d->index[i * SYNTHETIC_INDICES + (int64_t)k] = (float)sal_random_normal(3, s, k);
        for (int64_t k = 0; k < pixels; k++)
            d->window[i * pixels + k] = (float)(20 + (k % SYNTHETIC_COVARIATES == 1 ? place : 0) + sal_random_normal(4, s, (uint64_t)k));
        d->ndvi[i] = (float)(0.6 * sal_random_uniform(5, s, 0));
        d->target[i] = exp(1 + 0.6 * place + 4 * ((double)d->spectrum[i * SYNTHETIC_BANDS] - 0.3));
        d->x[i] = 1000 * sal_random_uniform(6, s, 0);
        d->y[i] = 1000 * sal_random_uniform(6, s, 1);
        d->fid[i] = i + 1;
    }
    return d;
}

static inline void synthetic_options(sal_fit_options *o)
{
    sal_fit_defaults(o);
    o->system = sal_system_find("ss_soilnet");
    o->epochs = 4, o->batch = 8, o->seed = 3;
    o->model.width = 8, o->model.heads = 2, o->model.hidden = 8, o->model.channels[0] = 2, o->model.channels[1] = 4, o->model.channels[2] = 4;
}

/* The parameters and state of a fit as one block of bytes, to compare bits. */
static inline void *fit_bytes(sal_fit *fit, size_t *length)
{
    sal_params *p = sal_fit_params(fit);
    size_t a = (size_t)sal_params_size(p) * sizeof(real), b = (size_t)sal_params_state_size(p) * sizeof(real);
    char *bytes = malloc(a + b);
    memcpy(bytes, sal_params_values(p), a);
    memcpy(bytes + a, sal_params_state(p), b);
    *length = a + b;
    return bytes;
}

static inline void assert_same_network(sal_fit *a, sal_fit *b)
{
    size_t na, nb;
    void *ba = fit_bytes(a, &na), *bb = fit_bytes(b, &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(ba, bb, na);
    free(ba);
    free(bb);
}

#endif
