/* fit.h - one network fitted to the training samples of one fold: scaling, batches, optimiser, checkpoint, prediction.
 */
#ifndef SAL_TRAIN_FIT_H
#define SAL_TRAIN_FIT_H

#include "baselines/baseline.h"
#include "graph/optimizer.h"
#include "models/model.h"
#include "tensor/safetensors.h"
#include "train/dataset.h"

typedef struct sal_fit_options {
    const sal_system *system;             /* NULL when a baseline is fitted in place of a network */
    const sal_baseline_method *baseline;  /* then only log1p and seed of what follows count */
    sal_model_options model; /* sizes of inputs are filled in by sal_fit_new */
    int64_t epochs, batch;
    double learning_rate, weight_decay, clip; /* clip: largest norm of the gradient */
    bool log1p;                               /* learn log(1 + target) */
    bool augment;                             /* turn and mirror windows: 8 symmetries */
    uint64_t seed;
} sal_fit_options;

void sal_fit_defaults(sal_fit_options *options);
/* Network or baseline. */
const char *sal_fit_system_id(const sal_fit_options *options);
const char *sal_fit_system_title(const sal_fit_options *options);
/* Parts of the samples that it sees: SAL_USES_... */
uint32_t sal_fit_system_uses(const sal_fit_options *options);

typedef struct sal_fit sal_fit;

/* Fits scaling on the samples with keep[i] != 0 and builds the network; nothing is trained yet. Borrows the dataset. */
sal_status sal_fit_new(sal_context *ctx, const sal_dataset *dataset, const uint8_t *keep, const sal_fit_options *options, sal_fit **out);
void sal_fit_free(sal_fit *fit);
/* Trains up to `until` steps in all (sal_fit_steps trains to the end); progress inside the current span. CANCELLED keeps the state. */
sal_status sal_fit_run(sal_fit *fit, int64_t until);
int64_t sal_fit_steps(const sal_fit *fit);      /* of the whole training */
int64_t sal_fit_step(const sal_fit *fit);       /* done so far */
int64_t sal_fit_samples(const sal_fit *fit);    /* training samples */
const float *sal_fit_losses(const sal_fit *fit); /* mean loss by epoch, sal_fit_options.epochs entries, NaN where not reached */
const sal_scaler *sal_fit_scaler(const sal_fit *fit);
sal_params *sal_fit_params(sal_fit *fit);
const sal_model_options *sal_fit_model(const sal_fit *fit);
/* Gives back the scaled copies of the data; the fit can no longer train or predict, its parameters stay. */
void sal_fit_release_data(sal_fit *fit);
/* Everything that is needed to go on with the same bits, as tensors "<prefix>...", and back. DATA when they do not fit. */
sal_status sal_fit_save(const sal_fit *fit, sal_tensors *tensors, const char *prefix);
sal_status sal_fit_restore(sal_fit *fit, const sal_tensors *tensors, const char *prefix);
/* Network outputs for listed samples of the dataset: out (n, 3) lower, median, upper on the scaled target (all equal for one output). */
sal_status sal_fit_predict(sal_fit *fit, const int64_t *list, int64_t n, double *out);

/* The last hidden layer of the network for all samples of the dataset, where options.model.shows_embedding: out (count of the dataset, stride), of which the
 * first model.hidden of each row are written. And how much each of its units moves the prediction: |weight| in the centre's output, weight (hidden). */
sal_status sal_fit_embed(sal_fit *fit, int64_t stride, float *out);
void sal_fit_embedding_weights(sal_fit *fit, double *weight);

/* Covariates as a system takes them: bands, indices, environment. Whether it takes that part at all. */
enum { SAL_PART_SPECTRUM = 0, SAL_PART_INDEX = 1, SAL_PART_ENVIRONMENT = 2, SAL_PARTS = 3 };
bool sal_system_takes(const sal_system *system, int32_t part);
bool sal_fit_takes(const sal_fit_options *options, int32_t part); /* a baseline takes all */
/* The same as if sample i had one covariate, in all its window, from sample donor[i] (indices of the dataset): what permutation importance asks. */
typedef struct sal_fit_swap {
    int32_t part;
    int64_t covariate;    /* of the part */
    const int64_t *donor; /* (count of the dataset) */
} sal_fit_swap;
sal_status sal_fit_predict_swapped(sal_fit *fit, const int64_t *list, int64_t n, const sal_fit_swap *swap, double *out);

#endif
