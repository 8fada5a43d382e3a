/* sample_rows.h - the samples as a table, for the methods that networks are compared with: bands, indices and the environment at the pixel, which is
 * what the ablation SS-Stack sees; and the folds inside the training rows, by which they are tuned.
 */
#ifndef SAL_TRAIN_SAMPLE_ROWS_H
#define SAL_TRAIN_SAMPLE_ROWS_H

#include "baselines/baseline.h"
#include "train/dataset.h"
#include "train/folds.h"

/* Columns of the table: bands, then indices, then the environment. */
int64_t sal_rows_columns(const sal_roles *roles);
/* x (count, columns) with the environment of the centre of the window; physical values, NaN where missing. */
sal_status sal_rows_new(sal_context *ctx, const sal_dataset *dataset, float **x);
/* The rows that may train while fold f is tested (f = folds->k: all) and the folds inside them: the other outer folds g, each trained on what may train
 * while f and while g is tested, so that blocks, campaigns and buffers hold inside as they do outside. More than 5 outer folds are put together to 5; where
 * the others leave fewer than 2 (two outer folds), rows take turns in 3 parts along their order. Frees with sal_rows_inner_clear. */
typedef struct sal_rows_inner {
    int64_t n, *list; /* (n) samples that train */
    sal_baseline_inner folds;
    int32_t *fold;  /* (n) */
    uint8_t *train; /* (folds.k, n) */
} sal_rows_inner;
sal_status sal_rows_inner_new(sal_context *ctx, const sal_folds *folds, int64_t f, sal_rows_inner *out);
void sal_rows_inner_clear(sal_context *ctx, sal_rows_inner *inner);

#endif
