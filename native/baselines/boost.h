/* boost.h - trees fitted by XGBoost: the one door to that library.
 *
 * XGBoost only fits: its trees are taken over as flat arrays (trees.h), so that models are stored, checked, evaluated and explained
 * without it, and its own loader never sees a file.
 */
#ifndef SAL_BASELINES_BOOST_H
#define SAL_BASELINES_BOOST_H

#include "baselines/baseline.h"
#include "baselines/trees.h"

typedef struct sal__boost {
    int64_t rounds, trees; /* of one round: rounds of 1 for boosting, 1 of many for a forest */
    double depth;          /* most levels */
    double rate;           /* shrinkage of a round */
    double subsample;      /* share of the rows that a tree sees, drawn without replacement */
    double tree_columns, node_columns; /* share of the covariates that a tree, a node chooses from */
    double least;          /* least samples in a leaf */
    double lambda;         /* L2 of the leaves */
    int64_t bins;          /* quantile bins of a covariate; time grows with them */
    uint32_t seed;
} sal__boost;

/* UNSUPPORTED without XGBoost in this build. */
sal_status sal__boost_check(sal_context *ctx);
/* Fits target (n), which should be centred: the sum of the leaves predicts it. One thread, same bits always; leaves the log, the configuration and
 * the thread numbers of the process as they were. Looks for cancelling between trees. */
sal_status sal__boost_fit(sal_context *ctx, sal_context *look, const sal__boost *boost, int64_t n, int64_t p, const float *x, const float *target, sal_trees **out);

#endif
