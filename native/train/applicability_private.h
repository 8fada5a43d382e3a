/* applicability_private.h - between applicability.c and applicability_embedding.c. */
#ifndef SAL_TRAIN_APPLICABILITY_PRIVATE_H
#define SAL_TRAIN_APPLICABILITY_PRIVATE_H

#include "train/applicability.h"

sal_status sal__applicability_fit(sal_context *ctx, sal_applicability_basis basis, int64_t n, int64_t p, const double *x, const double *weight, const int32_t *fold,
                                  const uint8_t *train, sal_applicability **out);

#endif
