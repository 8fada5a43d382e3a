/* baseline.h - the methods that networks are measured against: fitted to rows of a table, tuned inside a fold, kept in a model file.
 *
 * One file per method and one line in baselines.def. Whatever the method, what is fitted is one of three forms that need no foreign library
 * to predict: trees, a weighted sum of kernels, or a line. Loading one executes nothing and checks every number that steers the evaluation.
 */
#ifndef SAL_BASELINES_BASELINE_H
#define SAL_BASELINES_BASELINE_H

#include "base/base.h"
#include "tensor/safetensors.h"

enum {
    SAL_BASELINE_SETTINGS = 3, /* most hyper-parameters that a method tunes */
    SAL_BASELINE_CANDIDATES = 40,
    SAL_BASELINE_LANES = 256   /* samples that are predicted together */
};

/* Standardised covariates are clipped here, as those of the networks are: ratios have long tails, and a line knows no bounds. */
#define SAL_BASELINE_CLIP 6.0f

typedef struct sal_baseline_settings {
    double value[SAL_BASELINE_SETTINGS]; /* in the order of the method's names */
} sal_baseline_settings;

typedef struct sal_baseline_method sal_baseline_method;
int64_t sal_baseline_method_count(void);
const sal_baseline_method *sal_baseline_method_at(int64_t i);
const sal_baseline_method *sal_baseline_method_find(const char *id); /* NULL when unknown */
const char *sal_baseline_method_id(const sal_baseline_method *method);
const char *sal_baseline_method_title(const sal_baseline_method *method);
const char *sal_baseline_method_help(const sal_baseline_method *method);
/* Names of the hyper-parameters that it tunes; NULL beyond the last. */
const char *sal_baseline_setting_name(const sal_baseline_method *method, int32_t i);
/* Whether another seed gives another model. */
bool sal_baseline_method_is_random(const sal_baseline_method *method);
/* UNSUPPORTED when the library it is fitted with is not in this build; models that others fitted can still be used. */
sal_status sal_baseline_method_check(sal_context *ctx, const sal_baseline_method *method);

/* A table: x (n, p) physical values, NaN where missing; y (n) on the scale to learn. */
typedef struct sal_baseline_rows {
    int64_t n, p;
    const float *x;
    const double *y;
} sal_baseline_rows;

/* Folds inside the rows, by which hyper-parameters are chosen: fold (n) in which a row is tested, -1 for never; train (k, n) whether a row may
 * train while fold k is tested. */
typedef struct sal_baseline_inner {
    int64_t k;
    const int32_t *fold;
    const uint8_t *train;
} sal_baseline_inner;

/* Tries every candidate of the method's grid in every inner fold and gives the first whose error is within 1 % of the least (the grids begin with
 * what is preferred among equals); with NULL or no inner folds the middle of the grid. error: the least inner RMSE, NaN when nothing was tried; may be NULL.
 * Work is spread over the pool; same result for any number of threads. Progress in the current span, CANCELLED. DATA when y is constant. */
sal_status sal_baseline_tune(sal_context *ctx, const sal_baseline_method *method, const sal_baseline_rows *rows, const sal_baseline_inner *inner, uint64_t seed,
                             sal_baseline_settings *out, double *error);

typedef struct sal_baseline sal_baseline;
/* Fits with these settings. Standardisation and the means that stand for missing values are those of the rows (trees take missing values as they
 * are). Same bits for any number of threads. Progress, CANCELLED. ARGUMENT for settings that make no sense, UNSUPPORTED, DATA. */
sal_status sal_baseline_fit(sal_context *ctx, const sal_baseline_method *method, const sal_baseline_settings *settings, const sal_baseline_rows *rows, uint64_t seed,
                            sal_baseline **out);
void sal_baseline_free(sal_baseline *baseline);
const sal_baseline_method *sal_baseline_of(const sal_baseline *baseline);
const sal_baseline_settings *sal_baseline_settings_of(const sal_baseline *baseline);
int64_t sal_baseline_features(const sal_baseline *baseline);

/* SAL_BASELINE_LANES samples at once, the samples innermost: block (p, lanes), which is overwritten; out (lanes). scratch: sal_baseline_scratch floats.
 * A sample's result does not depend on its place. Cannot fail; any thread with a block and scratch of its own. */
void sal_baseline_predict_lanes(const sal_baseline *baseline, float *block, float *scratch, float *out);
int64_t sal_baseline_scratch(const sal_baseline *baseline);
/* Rows (n, p), spread over the pool. */
sal_status sal_baseline_predict(sal_context *ctx, const sal_baseline *baseline, int64_t n, const float *x, double *out);

/* As arrays "<prefix><name>", copied, and back. DATA, naming `what` and the array, when they do not fit or could lead the evaluation astray. */
sal_status sal_baseline_store(const sal_baseline *baseline, sal_tensors *tensors, const char *prefix);
sal_status sal_baseline_restore(sal_context *ctx, const sal_baseline_method *method, int64_t p, const sal_tensors *tensors, const char *prefix, const char *what,
                                sal_baseline **out);

#endif
