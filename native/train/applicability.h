/* applicability.h - where a model knows the ground: dissimilarity index, area of applicability, local point density (Meyer and Pebesma
 * 2021, doi 10.1111/2041-210X.13650; Schumacher et al. 2025, doi 10.5194/gmd-18-10185-2025), exactly as CAST's trainDI and aoa.
 *
 * Covariates are scaled to mean 0 and standard deviation 1 of the training samples and multiplied by their importance. The index is the
 * distance to the nearest training sample over the mean distance of all of them. A covariate that is missing counts as the mean, as
 * the networks see it; one that is constant in training says nothing and weighs 0. On an embedding, units stand for covariates.
 */
#ifndef SAL_TRAIN_APPLICABILITY_H
#define SAL_TRAIN_APPLICABILITY_H

#include "tensor/safetensors.h"
#include "base/json.h"

/* What places are compared by. */
typedef enum sal_applicability_basis {
    SAL_APPLICABILITY_COVARIATES = 0, /* at the pixel, by importance */
    SAL_APPLICABILITY_EMBEDDING = 1   /* units of the networks' last hidden layers (applicability_embedding.c) */
} sal_applicability_basis;

typedef struct sal_applicability {
    sal_context *ctx;
    sal_applicability_basis basis;
    int64_t n, p;               /* training samples, covariates (or units) */
    double mean_distance;       /* of all pairs */
    double threshold;           /* of the index: beyond it a place lies outside the area of applicability */
    double *mean, *sd, *weight; /* (p); sd > 0, weight >= 0 */
    double *points;             /* (n, p) scaled and weighted */
    double *di;                 /* (n) index of each sample against those that train while it is tested; NaN where none does */
    int64_t *lpd;               /* (n) how many of those lie nearer than the threshold */
} sal_applicability;

/* x: (n, p) covariates, NaN where missing; weight: (p) importance, negative counts as 0, NULL weighs all alike. fold (n) and train
 * (k, n) as in sal_folds; NULL leaves one out. DATA: fewer than 3 samples, no covariate that varies and matters, all samples
 * alike. ARGUMENT: a weight that is no number. The same bits for any number of threads. */
sal_status sal_applicability_fit(sal_context *ctx, int64_t n, int64_t p, const double *x, const double *weight, const int32_t *fold,
                                 const uint8_t *train, sal_applicability **out);
void sal_applicability_free(sal_applicability *applicability);

/* The same on the embedding of an ensemble, embedding (n, p) the last hidden layers of its networks side by side and weight (p) how much a unit moves the
 * prediction of its network; each unit counts by weight times standard deviation. di (n): the index of each sample from networks that have not seen it
 * (sal_applicability_unseen), NaN where there is none, gives the threshold; NULL takes it from these networks. */
sal_status sal_applicability_fit_embedding(sal_context *ctx, int64_t n, int64_t p, const float *embedding, const double *weight, const int32_t *fold,
                                           const uint8_t *train, const double *di, sal_applicability **out);
/* Index of the samples that are tested in one fold, from the embedding of the networks of that fold against the samples these were trained on: into di (n),
 * the others are left as they are. Networks that tell no sample from another leave NaN, with a warning. */
sal_status sal_applicability_unseen(sal_context *ctx, int64_t n, int64_t p, const float *embedding, const double *weight, const int32_t *fold,
                                    const uint8_t *train, int32_t which, double *di);
/* Takes other indices of the samples, di (n), and finds threshold and densities anew. DATA where fewer than 3 are numbers. */
sal_status sal_applicability_set_index(sal_applicability *applicability, const double *di, const int32_t *fold, const uint8_t *train);

/* Index of one place, x (p), by looking at every sample; lpd (may be NULL) counts those nearer than the threshold. */
double sal_applicability_at(const sal_applicability *applicability, const double *x, int64_t *lpd);

/* Covariate j of a place, scaled and weighted, 0 where missing; and the index of a place, z (p) of these, against training sample i alone. Who counts
 * samples nearer than the threshold must use both, or one that lies just at it is counted by some and not by others. */
double sal_applicability_scaled(const sal_applicability *applicability, int64_t j, double x);
double sal_applicability_distance(const sal_applicability *applicability, const double *z, int64_t i);

/* Tensors "applicability/..." of a model file and back; `meta` holds mean_distance and threshold. DATA names `what` where they do not fit. */
sal_status sal_applicability_save(const sal_applicability *applicability, sal_tensors *tensors, json_object *meta);
sal_status sal_applicability_load(sal_context *ctx, const sal_tensors *tensors, json_object *meta, const char *what, int64_t p,
                                  sal_applicability **out); /* p: covariates of the model; units of an embedding are the file's, whose reader compares them */

/* The same index for many pixels: by matrix products in float, the winner then computed in double. Where two samples are too near each other to
 * be told apart in float, all are looked at: the result is that of sal_applicability_at whatever the matrix library. Shared by threads. */
typedef struct sal_nearness sal_nearness;
enum { SAL_NEARNESS_PIXELS = 528 }; /* most in one call */
sal_status sal_nearness_new(const sal_applicability *applicability, sal_nearness **out); /* borrows it */
void sal_nearness_free(sal_nearness *nearness);
int64_t sal_nearness_bytes(const sal_nearness *nearness);   /* of the thing itself */
int64_t sal_nearness_scratch(const sal_nearness *nearness); /* bytes each calling thread brings, 64-byte aligned */
/* Covariates of pixels lie in parts, as in a tile: part i holds count[i] of them, pixel-interleaved, and they follow each other in the order
 * of the fit. */
typedef struct sal_nearness_parts {
    int64_t parts, count[3];
    const float *values[3]; /* (pixels, count) */
} sal_nearness_parts;
/* di (pixels) and, unless NULL, lpd (pixels): exactly what sal_applicability_at counts. pixels up to SAL_NEARNESS_PIXELS. Any thread; cannot fail. */
void sal_nearness_run(const sal_nearness *nearness, const sal_nearness_parts *parts, int64_t pixels, void *scratch, float *di, float *lpd);

#endif
