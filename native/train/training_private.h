/* training_private.h - the two kinds of training behind sal_training_run, networks (training.c) and baselines (training_baselines.c), and what both
 * keep on disk (training_checkpoint.c).
 */
#ifndef SAL_TRAIN_TRAINING_PRIVATE_H
#define SAL_TRAIN_TRAINING_PRIVATE_H

#include "train/training.h"

sal_status sal__training_baseline(sal_context *ctx, const sal_training_request *request, sal_training **out);

/* Hash of all that decides about the result of a request: data, folds, options, version. */
sal_status sal__training_fingerprint(sal_context *ctx, const sal_training_request *request, char out[65]);
/* The checkpoint of the request, when there is one with this fingerprint; NULL, with a warning where another file stands in its place. */
sal_status sal__checkpoint_open(sal_context *ctx, const sal_training_request *request, const char *fingerprint, sal_tensors **out);
/* n values of an array of it. DATA when it is another. */
sal_status sal__checkpoint_copy(const sal_tensors *tensors, const char *name, sal_tensor_type type, int64_t n, void *to);

/* (training_embedding.c) Last hidden layers of the networks of one fold; all do nothing where the request has no embedding. */
typedef struct sal__embeddings {
    sal_context *ctx;
    int64_t hidden, units;
    float *fold;    /* (count, units) of the members of the fold that are trained */
    double *weight; /* (units) */
} sal__embeddings;
sal_status sal__embeddings_new(sal__embeddings *embeddings, sal_context *ctx, const sal_training_request *request, sal_training *training);
void sal__embeddings_clear(sal__embeddings *embeddings);
/* Takes a trained member of a fold; after the last one finds the index of the samples tested there. */
sal_status sal__embeddings_take_fold(sal__embeddings *embeddings, const sal_training_request *request, sal_training *training, sal_fit *fit, int64_t fold, int64_t member);
sal_status sal__embeddings_take_final(sal__embeddings *embeddings, sal_training *training, sal_fit *fit, int64_t member);
sal_status sal__embeddings_save(const sal__embeddings *embeddings, const sal_training *training, sal_tensors *tensors);
sal_status sal__embeddings_restore(sal__embeddings *embeddings, sal_training *training, const sal_tensors *tensors);

#endif
