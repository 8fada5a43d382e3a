/* variogram.h - how far a variable in space knows itself: empirical variogram and its spherical model. */
#ifndef SAL_TRAIN_VARIOGRAM_H
#define SAL_TRAIN_VARIOGRAM_H

#include "base/base.h"

enum { SAL_VARIOGRAM_BINS = 15 };

typedef struct sal_variogram {
    double range_m;              /* of the spherical model; 0 when there is no structure to be seen */
    double nugget, partial_sill; /* in squared units of the values */
    bool at_cutoff;              /* no sill within the distances looked at: the range is at least range_m */
    double cutoff_m;             /* third of the diagonal of the area, as in gstat */
    double distance_m[SAL_VARIOGRAM_BINS], gamma[SAL_VARIOGRAM_BINS]; /* means of the bins; NaN in an empty one */
    int64_t pairs[SAL_VARIOGRAM_BINS];
} sal_variogram;

/* Matheron's estimator in 15 bins up to the cutoff, spherical model by least squares with weights pairs / distance^2 (Pebesma
 * 2004, gstat's default). Pairs closer than least_m, and of different groups where `group` (count) is given, do not count:
 * a second visit is no neighbour. Of more than 4,000 samples, 4,000 evenly spread ones are looked at. */
sal_status sal_variogram_fit(sal_context *ctx, int64_t count, const double *x, const double *y, const double *value,
                             const int32_t *group, double least_m, sal_variogram *out);
/* Spherical model at a distance. */
double sal_variogram_at(const sal_variogram *variogram, double distance_m);

#endif
