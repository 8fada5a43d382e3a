/* covariates.h - reading covariates by id from a stack: bands as they are stored, indices computed on the fly.
 */
#ifndef SAL_FEATURES_COVARIATES_H
#define SAL_FEATURES_COVARIATES_H

#include "data/stack.h"

typedef struct sal_covariates sal_covariates;

/* Binds n ids to a stack: an id is a band of the stack, or an index of the table whose bands the stack has. DATA
 * otherwise, naming the stack, the id, what it needs, `wanted_by` (such as: model "delta.safetensors"; may be NULL) and
 * what to do. */
sal_status sal_covariates_bind(sal_context *ctx, sal_stack *stack, const char *const *ids, int64_t n,
                               const char *wanted_by, sal_covariates **out);
void sal_covariates_free(sal_covariates *covariates);
/* Whether the stack can give this covariate. */
bool sal_covariates_has(sal_stack *stack, const char *id);
/* out: (rows, columns, n); the window may reach beyond the stack; NaN where a value or an input of an index is missing.
 */
sal_status sal_covariates_read(sal_covariates *covariates, int64_t column, int64_t row, int64_t columns, int64_t rows,
                               float *out);
/* The same in two steps, for callers that keep rows of bands: the distinct bands of the stack that all ids need (count returned, borrowed), and
 * covariates first .. first + n - 1 from their values. in: (pixels, bands), out: (pixels, n). Cannot fail; may be called from tasks. */
int64_t sal_covariates_bands(const sal_covariates *covariates, const int64_t **bands);
void sal_covariates_evaluate(const sal_covariates *covariates, int64_t first, int64_t n, const float *in,
                             int64_t pixels, float *out);

/* The index table: every row of native/features/indices.def. */
typedef struct sal_index {
    const char *id, *group; /* group: "salinity", "vegetation", "water", "salinity_extra", "vegetation_extra" */
    const char *formula, *source;
    const char *roles; /* "NIR|R" in the order the formula needs */
    double low, high;  /* range expected over land, for plausibility checks and styles */
} sal_index;
int64_t sal_index_count(void);
const sal_index *sal_index_at(int64_t i);
const sal_index *sal_index_find(const char *id);
/* Role of a band id of a sensor ("B04" -> "R" for Sentinel-2 or unknown sensors with Sentinel-2 names, "SR_B4"/"B4" ->
 * "R" for Landsat 8), NULL when it has none. Roles: B G R RE1 RE2 RE3 NIR NIR2 SWIR1 SWIR2. */
const char *sal_band_role(const char *sensor, const char *band_id);

#endif
