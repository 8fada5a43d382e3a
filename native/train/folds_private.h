/* folds_private.h - the functions named in folds.def: they fill folds->fold and what describes the method (places,
 * blocks, block_m). */
#ifndef SAL_TRAIN_FOLDS_PRIVATE_H
#define SAL_TRAIN_FOLDS_PRIVATE_H

#include "train/folds.h"

#define SAL_FOLD_METHOD(method_id, title, buffered, help)                                                              \
    sal_status sal__folds_assign_##method_id(sal_context *ctx, const sal_fold_request *request, sal_folds *folds);
#include "train/folds.def"
#undef SAL_FOLD_METHOD

/* group[i] = number of the place of sample i, 0 .. *places - 1 in order of first appearance: samples closer than one
 * pixel (Chebyshev), and whatever hangs together through them. */
sal_status sal__folds_places(sal_context *ctx, const sal_fold_request *request, int64_t *group, int64_t *places);

#endif
