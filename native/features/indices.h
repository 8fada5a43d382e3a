/* indices.h - spectral indices on planes of reflectance, and the roles of sensor bands (private to libsalina).
 */
#ifndef SAL_FEATURES_INDICES_H
#define SAL_FEATURES_INDICES_H

#include "features/covariates.h"

/* What a band measures, whatever the sensor calls it. */
typedef enum sal_role {
    SAL_ROLE_B = 0,
    SAL_ROLE_G = 1,
    SAL_ROLE_R = 2,
    SAL_ROLE_RE1 = 3,
    SAL_ROLE_RE2 = 4,
    SAL_ROLE_RE3 = 5,
    SAL_ROLE_NIR = 6,
    SAL_ROLE_NIR2 = 7,
    SAL_ROLE_SWIR1 = 8,
    SAL_ROLE_SWIR2 = 9,
    SAL_ROLE_COUNT = 10
} sal_role;

const char *sal__role_name(sal_role role);
/* The role of a name such as "NIR", -1 when it is none; exact case. */
int32_t sal__role_find(const char *name, int64_t length);
/* Bit 1 << role for every role in "NIR|R". */
uint32_t sal__index_roles(const sal_index *index);

/* out[i] = index of pixel i. roles[r]: n reflectances of role r (NaN = missing); roles that the index does not need
 * must be readable as well, so point them to any plane. Negative reflectance counts as 0. Any thread. */
void sal__index_evaluate(int64_t index, const float *const roles[SAL_ROLE_COUNT], int64_t n, float *restrict out);

/* One covariate to compute: a copy of an input band, or an index of the roles. */
typedef struct sal__item {
    int64_t band;  /* input band, -1 for an index */
    int64_t index; /* row of the index table */
    int64_t slot;  /* output band */
} sal__item;

/* out(pixel, items[k].slot) = value of item k, for n items. in: (pixels, in_bands); role[r]: input band with role r, -1
 * for none; out: (pixels, out_bands), which may be `in` when no item is a copy. Spread over the pool. */
void sal__items_evaluate(sal_context *ctx, const int64_t role[SAL_ROLE_COUNT], const sal__item *items, int64_t n,
                         const float *in, int64_t in_bands, int64_t pixels, float *out, int64_t out_bands);

/* ---- sensors (sensors.c, sensors.def) ---- */

/* "Sentinel-2A", "S2", "sentinel 2 MSI" -> "Sentinel-2"; NULL when unknown. */
const char *sal__sensor_find(const char *name);
int64_t sal__sensor_count(void);
const char *sal__sensor_at(int64_t i);
/* The sensor that a set of band names belongs to, "" when nothing tells. */
const char *sal__sensor_guess(const char *const *names, int64_t n);
/* The name we keep for a band: "B2" of Sentinel-2 -> "B02", "B4" of Landsat 8 -> "SR_B4", "blue" -> "B"; NULL when it
 * is no band. */
const char *sal__band_id(const char *sensor, const char *name);

#endif
