/* dataset.h - what the networks see at every sample: bands, indices, NDVI and the window of environmental covariates, unscaled.
 *
 * Values are physical float32, NaN where missing. Scaling is fitted inside a fold (scaler.h), never here.
 */
#ifndef SAL_TRAIN_DATASET_H
#define SAL_TRAIN_DATASET_H

#include "data/samples.h"
#include "features/covariates.h"

enum { SAL_COVARIATES_MAX = 128 };

/* Which covariates play which part, by id and in order. */
typedef struct sal_roles {
    char *bands[SAL_COVARIATES_MAX], *indices[SAL_COVARIATES_MAX], *covariates[SAL_COVARIATES_MAX];
    int64_t band_count, index_count, covariate_count;
    int64_t window; /* pixels on a side */
} sal_roles;

/* Finds the parts of what every stack has: spectral bands in order of wavelength, the 19 salinity and 16 vegetation indices those bands
 * allow, and as environment every other band of the stacks plus LSWI and NDWI. DATA: no spectral bands in common, no NDVI. */
sal_status sal_roles_find(sal_context *ctx, sal_stack *const *stacks, int64_t n_stacks, int64_t window, sal_roles *out);
sal_status sal_roles_copy(sal_context *ctx, const sal_roles *from, sal_roles *to);
void sal_roles_clear(sal_context *ctx, sal_roles *roles);

typedef struct sal_dataset {
    int64_t count;
    sal_roles roles;
    float *spectrum;  /* (count, bands) */
    float *index;     /* (count, indices) */
    float *ndvi;      /* (count) */
    float *window;    /* (count, window, window, covariates), reflected at the edge of the stack (data/window.h) */
    double *target;   /* (count) */
    double *x, *y;    /* (count) in the CRS of the stacks */
    int64_t *fid;     /* (count) of the sample layer */
    int32_t *stack;   /* (count) */
    int64_t dropped_nodata; /* samples on a pixel without bands */
    int64_t windows_with_gaps, windows_at_edge; /* that hold a missing value; that reach beyond their stack */
} sal_dataset;

/* Reads everything at the matched samples; `windows` false leaves the window array NULL but for its centre pixel (window counts as 1).
 * Samples whose pixel has no bands are dropped with a warning; DATA when fewer than `least` are left. */
sal_status sal_dataset_new(sal_context *ctx, const sal_samples *samples, sal_stack *const *stacks, int64_t n_stacks,
                           const sal_roles *roles, int64_t least, sal_dataset **out);
void sal_dataset_free(sal_context *ctx, sal_dataset *dataset);

/* Scaling of every covariate to mean 0 and standard deviation 1, clipped to +-SAL_SCALE_CLIP, missing to 0; and of the target. */
#define SAL_SCALE_CLIP 6.0
typedef struct sal_scaling {
    double mean, sd, low, high; /* low, high: range of the training values */
} sal_scaling;

typedef struct sal_scaler {
    int64_t bands, indices, covariates;
    sal_scaling items[3 * SAL_COVARIATES_MAX]; /* bands, then indices, then covariates */
    bool log1p;                              /* target: log(1 + value) before scaling */
    sal_scaling target;
} sal_scaler;

/* Fits on the samples with keep[i] != 0 (all windows' pixels count for covariates). DATA when the target is constant there. */
sal_status sal_scaler_fit(sal_context *ctx, const sal_dataset *dataset, const uint8_t *keep, bool log1p, sal_scaler *out);
/* values: (rows, n) with the n scales of one part; in place. */
void sal_scale_apply(const sal_scaling *scales, int64_t n, int64_t rows, float *values);
/* The same of n values of one covariate that stand one after the other. */
void sal_scale_plane(const sal_scaling *scale, int64_t n, float *values);
static inline const sal_scaling *sal_scaler_bands(const sal_scaler *s) { return s->items; }
static inline const sal_scaling *sal_scaler_indices(const sal_scaler *s) { return s->items + s->bands; }
static inline const sal_scaling *sal_scaler_covariates(const sal_scaler *s) { return s->items + s->bands + s->indices; }
double sal_scaler_forward(const sal_scaler *s, double target);   /* physical -> what the network learns */
double sal_scaler_backward(const sal_scaler *s, double value);   /* and back */

#endif
