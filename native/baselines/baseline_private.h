/* baseline_private.h - the three forms of a fitted baseline, and what a method gives to the table.
 */
#ifndef SAL_BASELINES_PRIVATE_H
#define SAL_BASELINES_PRIVATE_H

#include "baselines/baseline.h"
#include "baselines/trees.h"

typedef enum sal__form {
    SAL__FORM_TREES = 1,  /* y = intercept + sum of leaves; covariates as they are */
    SAL__FORM_KERNEL = 2, /* y = intercept + sum over v of weight[v] exp(-gamma |z - vector[v]|^2), z standardised */
    SAL__FORM_LINE = 3    /* y = intercept + sum over k of weight[k] z[k] */
} sal__form;

struct sal_baseline {
    sal_context *ctx;
    const sal_baseline_method *method;
    sal_baseline_settings settings;
    int64_t p;
    double intercept;
    float *mean, *scale; /* (p) z = (x - mean) scale, scale 0 for a constant covariate; NULL for trees */
    sal_trees *trees;
    int64_t count;       /* of vectors; 1 for a line */
    float *vector;       /* (p, count) */
    float *weight;       /* (count), of a line (p) */
    double gamma;
    float *scaled, *offset; /* (p, count) 2 gamma vector and (count) -gamma |vector|^2: what is evaluated; rebuilt when loaded */
};

/* A fit in hand. `look` is the context of the operation, whose cancelling is looked at; ctx may be that of one thread. */
typedef struct sal__fitting {
    sal_context *ctx, *look;
    sal_baseline_rows rows;
    sal_baseline_settings settings;
    uint64_t seed;
    bool rough; /* while tuning: fewer trees */
} sal__fitting;

struct sal_baseline_method {
    const char *id, *title, *help;
    const char *settings[SAL_BASELINE_SETTINGS + 1];
    sal__form form;
    bool random;
    sal_status (*check)(sal_context *ctx); /* NULL: needs nothing */
    /* Candidates for n rows of p covariates, what is preferred among equals first; middle: the one to take untried. */
    int32_t (*grid)(int64_t n, int64_t p, sal_baseline_settings *out, int32_t *middle);
    sal_status (*refuse)(sal_context *ctx, const sal_baseline_settings *settings, int64_t p); /* settings that make no sense */
    sal_status (*fit)(const sal__fitting *fitting, sal_baseline *out);
};

/* Jobs in the threads of the pool, each with a context of its own for memory and messages; the first failure by number is that of ctx. What
 * jobs allocate stays valid until the crew is freed. */
typedef struct sal__crew {
    sal_context *ctx, **own;
    int32_t workers;
} sal__crew;
typedef sal_status (*sal__job)(sal_context *own, void *arg, int64_t i);
sal_status sal__crew_new(sal_context *ctx, sal__crew *crew);
void sal__crew_free(sal__crew *crew);
/* `from` to `to` of the current span are the progress of the jobs. */
sal_status sal__crew_run(sal__crew *crew, sal_context *look, int64_t jobs, sal__job job, void *arg);

/* Standardised copy in double, z (n, p), with the statistics kept in `out` (whose mean and scale are allocated); missing values are 0. */
sal_status sal__standardise(const sal__fitting *fitting, sal_baseline *out, double **z);
/* Sets a line from weights of z. */
sal_status sal__baseline_line(sal_baseline *out, const double *weight, double intercept);
/* Sets kernels from vectors (count, p). */
sal_status sal__baseline_kernels(sal_baseline *out, int64_t count, const double *vectors, const double *weight, double gamma, double intercept);
/* What a kernel evaluation needs beside the vectors. */
sal_status sal__baseline_prepare(sal_baseline *baseline);
/* A fit in one thread or, with the context of the operation, in all. */
sal_status sal__baseline_fit(const sal__fitting *fitting, const sal_baseline_method *method, sal_baseline **out);
double sal__mean(int64_t n, const double *y);
sal_status sal__refuse_setting(sal_context *ctx, const sal_baseline_method *method, int32_t i, double value, const char *bounds);

extern const sal_baseline_method sal_baseline_random_forest, sal_baseline_gradient_boosting, sal_baseline_svr, sal_baseline_plsr, sal_baseline_ridge;

#endif
