/* training.h - a whole training: every fold and the final model, each an ensemble over seeds, with a checkpoint to go on from.
 */
#ifndef SAL_TRAIN_TRAINING_H
#define SAL_TRAIN_TRAINING_H

#include "train/fit.h"
#include "train/folds.h"

typedef struct sal_training_request {
    const sal_dataset *dataset;
    const sal_folds *folds;
    sal_fit_options fit;      /* fit.seed is the first seed of the ensemble */
    int64_t members;          /* networks per fold and in the final model */
    const char *checkpoint;   /* file to write every 20 s, and after every network or baseline, and to resume from; NULL for none */
    bool folds_only;          /* no final model: for comparisons */
    bool importance;          /* find the importance of the covariates too; adds about a tenth of the time */
    bool embedding;           /* keep the last hidden layers at the samples (networks only): for the area of applicability */
    double seconds;           /* stop, keeping the checkpoint, after this time; 0: no limit */
} sal_training_request;

typedef struct sal_training {
    sal_context *ctx;
    int64_t count, members, epochs, folds;
    double *out_of_fold;      /* (count, 3) lower, median, upper (all equal for a baseline), mean over members, on the transformed scale (log1p or as is) */
    double *by_member;        /* (members, count) out-of-fold medians of each member, same scale */
    float *losses;            /* (folds + 1, epochs) mean loss by epoch of the first member; the last row is the final model */
    sal_fit **final;          /* (members) the final networks, trained on all samples; NULL for a baseline and with folds_only */
    sal_baseline **baseline;  /* (members) the final baselines; NULL for a network and with folds_only */
    sal_baseline_settings *settings; /* (folds + 1) chosen in each fold and for the final model; NULL for a network */
    double *importance;       /* (covariates) of the parts the system takes, in order of sal_part; NULL when not asked for. By how much the mean
                                 squared error of out-of-fold predictions on the transformed scale rises when a sample gets this covariate, in all its
                                 window, from another sample drawn from all (Breiman 2001; Fisher et al. 2019), first member of each fold */
    int64_t covariates;
    float *embedding;         /* (count, units) last hidden layers of the final networks, side by side; NULL when not asked for */
    double *unit_weight;      /* (units) by which a unit counts in the prediction of its network */
    double *unseen;           /* (count) dissimilarity of each sample in the embedding of the networks that have not seen it; NaN where none trained */
    int64_t units;            /* members times hidden */
    int64_t resumed_stage;    /* 0 when started fresh */
    double samples_per_second; /* NaN when every network or baseline came from the checkpoint */
} sal_training;

/* Runs everything, networks or, where fit.baseline is set, a baseline; one without a random part has one member, whatever was asked, and none has
 * losses (epochs 0). The checkpoint stays in any case, success included: it belongs to the caller, who deletes it once all that is made of the
 * training is safe on disk. Running out of `seconds` is FAILED. A checkpoint of another request (other data, options, version) is ignored with a
 * warning; one of a finished training gives it back without a step. Same bits when resumed. */
sal_status sal_training_run(sal_context *ctx, const sal_training_request *request, sal_training **out);
void sal_training_free(sal_training *training);

#endif
