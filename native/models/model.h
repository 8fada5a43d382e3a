/* model.h - the systems that can be trained: what each one looks at and how it is built on a tape.
 *
 * One file per system and one line in models.def. A builder reads like the paper; the tape remembers the first error. The trainer and the
 * mapper know systems only through this header.
 */
#ifndef SAL_MODELS_MODEL_H
#define SAL_MODELS_MODEL_H

#include "graph/tape.h"

enum {
    SAL_USES_SPECTRUM = 1 << 0, /* bands at the pixel, in order of wavelength */
    SAL_USES_INDEX = 1 << 1,    /* spectral indices at the pixel, and NDVI for the vegetation gate */
    SAL_USES_POINT = 1 << 2,    /* environmental covariates at the pixel */
    SAL_USES_WINDOW = 1 << 3    /* environmental covariates in a window around the pixel */
};

typedef enum sal_head {
    SAL_HEAD_HUBER = 1,   /* one output, Huber loss on the standardised target */
    SAL_HEAD_QUANTILE = 2 /* three outputs in ascending order: lower, centre, upper; Huber loss on the centre, pinball on the limits */
} sal_head;

/* What a network looks like. Sizes of inputs come from the data, the rest are hyper-parameters with the defaults of sal_model_defaults. */
typedef struct sal_model_options {
    int64_t bands, indices, covariates; /* numbers of spectral bands, indices, environmental covariates */
    int64_t window;                     /* pixels on a side: 65, or a smaller odd size that the trunk tiles (sal_trunk_fits) */
    int64_t width;                      /* d: width of tokens and queries */
    int64_t heads;                      /* of the cross-attention */
    int64_t channels[3];                /* of each covariate's feature group in the three trunk stages */
    int64_t pools;                      /* learned 7 x 7 pooling maps per feature group */
    int64_t hidden;                     /* of the regression head */
    double dropout;
    sal_head head;
    double quantile_low, quantile_high; /* of the quantile head */
    bool shows_attention;               /* gates and attention become outputs of the tape: for explanations, costs time */
    bool shows_embedding;               /* the last hidden layer becomes output "embedding" (n, hidden): for the area of applicability */
} sal_model_options;

void sal_model_defaults(sal_model_options *options);

/* Inputs of one tape; SAL_NONE where a system does not use them. n is the batch. All are standardised, missing values are 0. */
typedef struct sal_model_inputs {
    sal_id spectrum; /* (n, bands) */
    sal_id index;    /* (n, indices) */
    sal_id ndvi;     /* (n, 1), not standardised */
    sal_id point;    /* (n, covariates) */
    sal_id window;   /* (n, window, window, covariates) */
} sal_model_inputs;

typedef struct sal_system {
    const char *id, *title, *help;
    uint32_t uses;
    /* (n, 1) or (n, 3): standardised target. Attention and gates become outputs of the tape when the options ask. */
    sal_id (*build)(sal_tape *t, const sal_model_options *o, const sal_model_inputs *in);
} sal_system;

int64_t sal_system_count(void);
const sal_system *sal_system_at(int64_t i);
const sal_system *sal_system_find(const char *id); /* NULL when unknown */

/* Inputs of a system for a batch of n, named "spectrum", "index", "ndvi", "point", "window". */
sal_model_inputs sal_system_inputs(sal_tape *t, const sal_system *system, const sal_model_options *o, int64_t n);
/* Mean loss of the head: target (n, 1), weight (n, 1). */
sal_id sal_model_loss(sal_tape *t, const sal_model_options *o, sal_id prediction, sal_id target, sal_id weight);

#endif
