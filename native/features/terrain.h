/* terrain.h - slope, curvatures and relative elevation from a block of a digital elevation model.
 *
 * Signs and formulas: x to the east, y to the north, curvature positive where the ground is convex. Everything inside
 * is float64.
 */
#ifndef SAL_FEATURES_TERRAIN_H
#define SAL_FEATURES_TERRAIN_H

#include "base/base.h"

/* A row of native/features/terrain.def. */
typedef struct sal_terrain {
    const char *id, *unit, *source;
    double low, high; /* range expected on a plain, for plausibility checks and styles */
} sal_terrain;

int64_t sal_terrain_count(void);
const sal_terrain *sal_terrain_at(int64_t i);
/* Row number of an id, -1 when there is none. */
int64_t sal_terrain_find(const char *id);

typedef struct sal_terrain_options {
    double pixel;         /* m */
    double smooth;        /* sigma of the Gaussian put before the derivatives, in pixels; 0 for none */
    double relief_radius; /* m; the window of relative elevation is square, 2 * floor(radius / pixel) + 1 pixels wide,
                             at least 3 */
} sal_terrain_options;

/* Pixels of surroundings that sal_terrain_compute needs on every side. */
int64_t sal_terrain_halo(const sal_terrain_options *options);

/* Terrain covariates of a block. elevation: (rows + 2 halo, columns + 2 halo) in m, NaN where unknown or outside the
 * model; which: n rows of the table; out: (rows, columns, n). Derivatives are NaN where one of the 3 x 3 neighbours is;
 * smoothing leaves out pairs of opposite pixels of which one is missing, so that it keeps a plane a plane up to the
 * border; relative elevation uses the pixels that are there. Elevations beyond 100 km count as missing. The same bits
 * for any cut into blocks and any thread count. MEMORY only. */
sal_status sal_terrain_compute(sal_context *ctx, const float *elevation, int64_t rows, int64_t columns,
                               const sal_terrain_options *options, const int64_t *which, int64_t n, float *out);

#endif
