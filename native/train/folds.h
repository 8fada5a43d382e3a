/* folds.h - which samples are tested together, and which may train while they are. One row per method in folds.def.
 *
 * A window of W pixels sees its neighbours: two windows share pixels where max(|dx|, |dy|) < W * pixel. Buffered
 * methods drop such training samples, so that no test pixel was seen in training.
 */
#ifndef SAL_TRAIN_FOLDS_H
#define SAL_TRAIN_FOLDS_H

#include "base/base.h"

#define SAL_FOLDS_MAX 64

typedef struct sal_fold_method {
    const char *id, *title;
    bool buffered;
    const char *help;
} sal_fold_method;

int64_t sal_fold_method_count(void);
const sal_fold_method *sal_fold_method_at(int64_t i);
const sal_fold_method *sal_fold_method_find(const char *id); /* NULL when unknown */

/* What to split: n samples at x, y (metres, one metric CRS; samples of different campaigns may share a place) with
 * their target. */
typedef struct sal_fold_request {
    const char *method;
    int64_t count;
    const double *x, *y, *target; /* (count) */
    int64_t k;                    /* folds, 2 .. SAL_FOLDS_MAX */
    double pixel_m;
    int64_t window; /* pixels, 1 for models without a window */
    double block_m; /* size of blocks; 0 chooses max(2 (window - 1) pixel, side of a square that holds 1/(10 k) of the
                       area) */
    uint64_t seed;
} sal_fold_request;

typedef struct sal_folds {
    int64_t count, k;
    char method[32];
    int32_t *fold;     /* (count) the fold in which a sample is tested, 0 .. k - 1 */
    uint8_t *train;    /* (k, count) 1 where a sample may train while fold k is tested */
    double *nearest_m; /* (count) distance of a test sample to the nearest training sample of its fold */
    int64_t test_count[SAL_FOLDS_MAX], train_count[SAL_FOLDS_MAX], dropped_count[SAL_FOLDS_MAX];
    double block_m, buffer_m; /* 0 where the method has none */
    double overlap_share;     /* of test samples whose window shares pixels with a training window */
    double min_distance_m, median_distance_m;
    int64_t dropped_by_buffer; /* sum over folds */
    int64_t places;            /* groups of samples that lie within one pixel of each other */
    int64_t blocks;            /* occupied blocks, 0 without blocks */
} sal_folds;

/* Splits. The same request gives the same folds for any number of threads. ARGUMENT: unknown method (the methods are
 * listed), k or sizes out of range. DATA: fewer samples or places than folds, all samples in one block, fewer blocks
 * than folds, a fold left without training samples. */
sal_status sal_folds_new(sal_context *ctx, const sal_fold_request *request, sal_folds **out);
void sal_folds_free(sal_context *ctx, sal_folds *folds);
/* Indices of the samples that train (test false) or are tested (test true) in fold f; `indices` holds `count` entries.
 * Returns how many. */
int64_t sal_folds_list(const sal_folds *folds, int64_t f, bool test, int64_t *indices);

#endif
