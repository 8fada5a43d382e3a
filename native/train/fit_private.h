/* fit_private.h - the inside of a training, shared by fit.c, which trains, fit_predict.c and fit_checkpoint.c. */
#ifndef SAL_TRAIN_FIT_PRIVATE_H
#define SAL_TRAIN_FIT_PRIVATE_H

#include "train/fit.h"

struct sal_fit {
    sal_context *ctx;
    const sal_dataset *data;
    sal_fit_options options;
    sal_scaler scaler;
    sal_params *params;
    sal_tape *tape, *tape_eval;
    sal_program *program, *program_eval;
    sal_optimizer *optimizer;
    sal_schedule schedule;
    float *spectrum, *index, *window, *target; /* scaled, all samples */
    int64_t *list, *order;                     /* training samples; permutation of the current epoch */
    int64_t samples, steps, step, order_epoch;
    float *losses;
    double loss_sum; /* of the current epoch */
};

/* Samples that a program is to run on. */
typedef struct sal__fit_batch {
    const sal_fit *f;
    sal_program *program;
    int64_t samples[1024];
    int32_t symmetry[1024];
    int64_t count;
    const sal_fit_swap *swap; /* NULL for none */
} sal__fit_batch;

/* A task: sample k of the batch (arg) into its place of the program's inputs. */
void sal__fit_put_sample(void *arg, int64_t k, int32_t worker);

#endif
