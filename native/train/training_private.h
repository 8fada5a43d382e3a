/* training_private.h - the two kinds of training behind sal_training_run: networks (training.c) and baselines (training_baselines.c). */
#ifndef SAL_TRAIN_TRAINING_PRIVATE_H
#define SAL_TRAIN_TRAINING_PRIVATE_H

#include "train/training.h"

sal_status sal__training_baseline(sal_context *ctx, const sal_training_request *request, sal_training **out);

#endif
