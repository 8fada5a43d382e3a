/* folds_private.h - the functions named in folds.def: they fill folds->fold and what describes the method. Places,
 * blocks and curves are there before; a method that sets folds->k, or allocates and fills folds->train, has its way. */
#ifndef SAL_TRAIN_FOLDS_PRIVATE_H
#define SAL_TRAIN_FOLDS_PRIVATE_H

#include "train/folds.h"

#define SAL_FOLD_METHOD(method_id, title, flags, help)                                                                 \
    sal_status sal__folds_assign_##method_id(sal_context *ctx, const sal_fold_request *request, sal_folds *folds);
#include "train/folds.def"
#undef SAL_FOLD_METHOD

/* Fills place, places, place_x and place_y: samples closer than one pixel (Chebyshev; with group_windows closer than a
 * window), and whatever hangs together through them. */
sal_status sal__folds_places(sal_context *ctx, const sal_fold_request *request, sal_folds *folds);

/* DATA where there are fewer places than folds. */
sal_status sal__folds_check_places(sal_context *ctx, const sal_fold_request *request, const sal_folds *folds);

/* Cuts places into square blocks, by their first sample: block_of (count), or NULL when only
 * their number is asked for, in order of column and row of the grid. */
sal_status sal__folds_cut(sal_context *ctx, const sal_fold_request *request, const sal_folds *folds, double size_m,
                          int64_t *block_of, int64_t *blocks);
/* The size of blocks as sal_fold_request.block_m says; fits the variogram where it is needed. */
sal_status sal__folds_block_size(sal_context *ctx, const sal_fold_request *request, sal_folds *folds, double *size_m);
/* Spatial blocks dealt to k groups: folds->block_m, folds->blocks, group (count). */
sal_status sal__folds_deal_blocks(sal_context *ctx, const sal_fold_request *request, sal_folds *folds, int32_t *group);
/* Clusters of places by k-means: cluster (places), 0 .. k - 1, none empty. */
sal_status sal__folds_cluster(sal_context *ctx, const sal_fold_request *request, const sal_folds *folds, int32_t *cluster);

/* Gj, Gij and W; nearest_m (Gj*) is there. */
sal_status sal__folds_curves(sal_context *ctx, const sal_fold_request *request, sal_folds *folds);
/* What the bootstrap draws. */
sal_status sal__folds_units(sal_context *ctx, const sal_fold_request *request, sal_folds *folds);

/* Allocates folds->train, 0 everywhere, once k is known. ARGUMENT when (k, count) takes more than 1 GiB. */
sal_status sal__folds_allocate_train(sal_context *ctx, sal_folds *folds);
/* A fold for every place, and the train table. */
sal_status sal__folds_leave_one_out(sal_context *ctx, sal_folds *folds);

/* nearest (n): distance of each point a to the nearest point b; with `skip` (n) and b_skip (m) those are left out whose
 * numbers are equal. The same bits for any number of threads. INFINITY where nothing is left. */
void sal__folds_nearest(sal_context *ctx, int64_t n, const double *ax, const double *ay, const int64_t *skip, int64_t m,
                        const double *bx, const double *by, const int64_t *b_skip, double *nearest);
/* Area between the distribution functions of two sorted samples (1-Wasserstein). */
double sal__wasserstein(int64_t n, const double *a, int64_t m, const double *b);
/* P value of the two-sample Kolmogorov-Smirnov test with the alternative that the distribution function of a lies above
 * that of b, of sorted samples; exact (with ties) where n m < 10000, as R's ks.test. */
sal_status sal__ks_greater(sal_context *ctx, int64_t n, const double *a, int64_t m, const double *b, double *p);

/* Ward's clustering (ward.D2 of R): merges[2 i], merges[2 i + 1] are members of the clusters joined in step i of n - 1. */
sal_status sal__ward(sal_context *ctx, int64_t n, const double *x, const double *y, int64_t *merges);

#endif
