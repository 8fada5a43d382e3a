/* optimizer.h - what moves the parameters: AdamW, SGD, gradient clipping, learning-rate schedules, early stopping, weight averages.
 *
 * All of it works on the slabs of sal_params in one pass, cut into fixed chunks: the same bits for any number of threads. Its state is
 * a list of named arrays, so that a checkpoint can keep it and a resumed training gives the same bits.
 */
#ifndef SAL_GRAPH_OPTIMIZER_H
#define SAL_GRAPH_OPTIMIZER_H

#include "graph/tape.h"

typedef enum sal_optimizer_kind {
    SAL_OPTIMIZER_ADAMW = 0, /* Loshchilov and Hutter 2019, arXiv:1711.05101 */
    SAL_OPTIMIZER_SGD = 1 /* with momentum, Nesterov's form when asked (Sutskever et al. 2013); PyTorch's convention */
} sal_optimizer_kind;

typedef struct sal_optimizer_options {
    sal_optimizer_kind kind;
    double beta1, beta2, epsilon; /* AdamW; 0 means 0.9, 0.999, 1e-8 */
    double momentum;              /* SGD */
    bool nesterov;
    double weight_decay; /* of parameters with `decays`: decoupled (AdamW) or added to the gradient (SGD) */
    double clip_norm;    /* largest global norm of the gradient; 0: no clipping */
} sal_optimizer_options;

typedef struct sal_optimizer sal_optimizer;

/* params must be initialised. They are borrowed and must outlive the optimizer. */
sal_status sal_optimizer_new(sal_context *ctx, sal_params *params, const sal_optimizer_options *options,
                             sal_optimizer **out);
void sal_optimizer_free(sal_optimizer *optimizer);
/* One step with the gradients in the slab, which are left as they are. A gradient that is not finite changes nothing. Returns the global
 * norm of the gradient before clipping (not finite in that case), summed in double in a fixed order. */
double sal_optimizer_step(sal_optimizer *optimizer, double learning_rate);
int64_t sal_optimizer_steps(const sal_optimizer *optimizer); /* steps taken */

/* An array of the optimizer's state: read it for a checkpoint, write it to resume. Borrowed. */
typedef struct sal_optimizer_array {
    const char *name; /* "adamw/first", "adamw/second", "sgd/momentum" */
    real *values;
    int64_t count;
} sal_optimizer_array;
/* Number of arrays; stores up to 4 of them in `arrays`. */
int32_t sal_optimizer_state(sal_optimizer *optimizer, sal_optimizer_array arrays[4]);
void sal_optimizer_set_steps(sal_optimizer *optimizer, int64_t steps); /* with the arrays, restores a checkpoint */

/* ---- learning rate (schedule.c) ---- */

typedef enum sal_schedule_kind {
    SAL_SCHEDULE_CONSTANT = 0,
    SAL_SCHEDULE_COSINE =
        1, /* half a cosine from base to floor over the steps after warm-up (Loshchilov and Hutter 2017) */
    SAL_SCHEDULE_STEP = 2,   /* times factor every `period` steps */
    SAL_SCHEDULE_PLATEAU = 3 /* times factor after more than `patience` reports without an improvement */
} sal_schedule_kind;

typedef struct sal_schedule {
    sal_schedule_kind kind;
    double base, floor;    /* learning rates */
    int64_t steps, warmup; /* of the whole training, and of the linear rise from base / warmup to base */
    int64_t period;
    double factor;    /* STEP, PLATEAU; 0 means 0.1 */
    int64_t patience; /* PLATEAU */
    /* PLATEAU keeps its place here; zero at the start, part of a checkpoint. */
    double best, scale;
    int64_t bad, reports;
} sal_schedule;

/* Learning rate of step `step`, counted from 0. */
double sal_schedule_rate(const sal_schedule *schedule, int64_t step);
/* Tells a PLATEAU schedule the validation loss of an epoch (lower is better); others ignore it. */
void sal_schedule_report(sal_schedule *schedule, double loss);

/* ---- early stopping and averages (average.c) ---- */

/* Keeps the best values and state of the parameters seen so far. */
typedef struct sal_early_stop sal_early_stop;
/* Stops after `patience` reports in a row that improve by less than min_delta; patience 0 never stops but still keeps the best. */
sal_status sal_early_stop_new(sal_context *ctx, sal_params *params, int64_t patience, double min_delta,
                              sal_early_stop **out);
void sal_early_stop_free(sal_early_stop *stop);
/* Reports a validation loss (lower is better; one that is not finite counts as no improvement); true when training should stop. */
bool sal_early_stop_report(sal_early_stop *stop, double loss);
/* Writes the best snapshot back into the parameters; does nothing before the first finite report. */
void sal_early_stop_restore(sal_early_stop *stop);
double sal_early_stop_best(const sal_early_stop *stop);         /* best loss, infinity before any */
int64_t sal_early_stop_best_report(const sal_early_stop *stop); /* its report, counted from 0; -1 before any */
/* For a checkpoint: counters (best_report, reports, bad), the best loss, and the snapshot, values then state. */
int64_t sal_early_stop_counters(sal_early_stop *stop, int64_t **counters, double **best,
                                real **snapshot); /* reals in the snapshot */

/* Exponential moving average of the values (Polyak averaging): a <- decay a + (1 - decay) values, with decay lowered to
 * (1 + n) / (10 + n) at the n-th update so that the start is forgotten. */
typedef struct sal_average sal_average;
sal_status sal_average_new(sal_context *ctx, sal_params *params, double decay, sal_average **out);
void sal_average_free(sal_average *average);
void sal_average_update(sal_average *average);
/* Exchanges the average with the parameters; a second call puts them back. */
void sal_average_swap(sal_average *average);

#endif
