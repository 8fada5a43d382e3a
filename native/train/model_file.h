/* model_file.h - a trained model on disk: one sealed .safetensors file with the parameters and everything needed to use
 * them honestly.
 *
 * Tensors of an ensemble are called "member<i>/<parameter>". All else is one JSON object in the metadata key "salina".
 * Loading executes nothing and accepts only files that were written by Salina and not changed since.
 */
#ifndef SAL_TRAIN_MODEL_FILE_H
#define SAL_TRAIN_MODEL_FILE_H

#include "base/json.h"
#include "data/stack.h"
#include "tensor/safetensors.h"
#include "train/applicability.h"
#include "train/conformal.h"

typedef struct sal_model_covariate {
    char id[32];                /* band, index or terrain id: "B04", "CRSI", "DEM" */
    char role[16];              /* "spectral", "index" or "window" */
    char unit[16];              /* "" when it has none */
    double mean, sd;            /* of the training samples; the network sees (v - mean) / sd; sd > 0 */
    double low, high, q01, q99; /* training range and its 1 and 99 % quantiles */
} sal_model_covariate;

typedef struct sal_model_file {
    sal_context *ctx;
    char name[128];  /* file name, for messages; "" before it is saved or loaded */
    char system[32]; /* "ss-soilnet" */
    char target[64], unit[32];
    char transform[16]; /* "log1p" or "none": the network predicts transform(target) */
    char sensor[32];    /* "" when unknown */
    char scheme[32];    /* class scheme of the target, "" when it has none */
    char version[24];   /* of the library that wrote it */
    int64_t window;     /* pixels, 1 without a window; the network was trained on windows reflected at the edge of the stack and is mapped so */
    double pixel_m;
    int64_t members; /* networks of the ensemble, >= 1 */
    int64_t covariate_count;
    sal_model_covariate *covariates; /* (covariate_count), in the order the network takes them; owned */
    double mean_factor; /* from centre to mean, mean_factor.h; 0 in files from before Salina kept one */
    bool has_conformal;
    sal_conformal conformal; /* on the scale of the network */
    sal_applicability *applicability; /* of the covariates at the pixel, in their order; NULL in files without; owned */
    json_object *hyper;      /* hyper-parameters of the system; owned, never NULL */
    json_object *scores;     /* what training measured, by validation; owned, never NULL */
    json_object *provenance; /* inputs with hashes, arguments, seeds, time; owned, never NULL */
    sal_tensors *tensors;    /* owned, never NULL */
} sal_model_file;

/* An empty model to fill in; the caller owns it. */
sal_status sal_model_file_new(sal_context *ctx, sal_model_file **out);
void sal_model_file_free(sal_model_file *model);
/* Makes room for n covariates, zeroed; those there were are dropped. */
sal_status sal_model_file_set_covariates(sal_model_file *model, int64_t n);

/* Writes the file whole or not at all. INTERNAL when the model is not complete (says what lacks). */
sal_status sal_model_file_save(sal_model_file *model, const char *path);
/* Reads and checks a model. DATA when it is no model, cut, changed, written by a newer Salina, or does not make sense.
 */
sal_status sal_model_file_load(sal_context *ctx, const char *path, sal_model_file **out);

/* Data of parameter "member<member>/<name>"; a dimension of -1 accepts any. DATA when absent or of another shape. */
sal_status sal_model_file_parameter(const sal_model_file *model, int64_t member, const char *name, int32_t rank,
                                    const int64_t *dims, const float **data);
/* Adds a parameter, copied. */
sal_status sal_model_file_add_parameter(sal_model_file *model, int64_t member, const char *name, int32_t rank,
                                        const int64_t *dims, const float *data);

/* Whether a stack can be mapped with this model: sensor, pixel size (1 %), every covariate, units. DATA with one
 * sentence that names stack, model and culprit and says what to do. A stack that does not name its sensor passes with a
 * warning. */
sal_status sal_model_file_check_stack(const sal_model_file *model, sal_stack *stack);

/* To the scale of the network and back; log1p inverts to values >= 0. */
double sal_model_file_to_network(const sal_model_file *model, double value);
double sal_model_file_from_network(const sal_model_file *model, double value);

#endif
