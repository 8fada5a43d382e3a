/* trees.h - regression trees as flat arrays, evaluated for many samples at once.
 *
 * Children of a node stand beside each other after it (breadth first), so a walk can only go forward and ends. A value goes right when it is
 * >= the threshold, as in XGBoost; a missing one where the node says.
 */
#ifndef SAL_BASELINES_TREES_H
#define SAL_BASELINES_TREES_H

#include "base/base.h"
#include "tensor/safetensors.h"

typedef struct sal_trees {
    sal_context *ctx;
    int64_t count, nodes, p;
    int64_t *first;     /* (count + 1) node where a tree begins */
    int32_t *feature;   /* (nodes) covariate, -1 at a leaf */
    int32_t *left;      /* (nodes) left child within its tree, the right one follows; 0 at a leaf */
    uint8_t *missing_right; /* (nodes) where a missing value goes */
    float *value;       /* (nodes) threshold, or the value of a leaf */
    float *cover;       /* (nodes) training samples that came by: for explanations */
    /* what is walked: at a leaf the threshold is infinite and left is the leaf itself */
    int32_t *step, *link, *depth; /* (nodes) left, (nodes) feature * 2 + missing_right, (count) */
    float *threshold;
} sal_trees;

/* Zeroed arrays for so many trees and nodes. */
sal_status sal_trees_new(sal_context *ctx, int64_t count, int64_t nodes, int64_t p, sal_trees **out);
void sal_trees_free(sal_trees *trees);
/* Once first .. cover are filled in: checks them (DATA names `what`) and derives the rest. */
sal_status sal_trees_finish(sal_trees *trees, const char *what);
/* All trees of a list in one, leaves multiplied by factor; owned by ctx. */
sal_status sal_trees_join(sal_context *ctx, sal_trees *const *list, int64_t n, float factor, sal_trees **out);
/* Sum of the leaves of `lanes` samples, block (p, lanes), a multiple of 64; what is infinite counts as missing and is overwritten. */
void sal_trees_predict(const sal_trees *trees, int64_t lanes, float *block, float *sum);

sal_status sal_trees_store(const sal_trees *trees, sal_tensors *tensors, const char *prefix);
sal_status sal_trees_restore(sal_context *ctx, int64_t p, const sal_tensors *tensors, const char *prefix, const char *what, sal_trees **out);

#endif
