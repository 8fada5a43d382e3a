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

/* Where the derivatives come from. */
typedef enum sal_terrain_method {
    SAL_TERRAIN_HORN = 0,               /* slope of Horn 1981, curvature of Zevenbergen and Thorne 1987; 3 x 3 */
    SAL_TERRAIN_ZEVENBERGEN_THORNE = 1, /* both of Zevenbergen and Thorne; 3 x 3 */
    SAL_TERRAIN_EVANS = 2,              /* least-squares quadratic of Evans 1980, Wood 1996 for larger windows */
    SAL_TERRAIN_FLORINSKY = 3           /* least-squares cubic of Florinsky 2009; 5 x 5 */
} sal_terrain_method;

enum { SAL_TERRAIN_SMOOTHED = -1 }; /* in place of a row of the table: the elevation that derivatives are taken of */
enum { SAL_TERRAIN_RADII = 8, SAL_TERRAIN_WINDOW = 41, SAL_TERRAIN_SMOOTH = 50 };

typedef struct sal_terrain_options {
    double pixel;         /* m */
    double smooth;        /* sigma of the Gaussian put before the derivatives, in pixels; 0 for none, at most SAL_TERRAIN_SMOOTH */
    double relief_radius; /* m; the window of relative elevation is square, 2 * floor(radius / pixel) + 1 pixels wide,
                             at least 3 */
    sal_terrain_method method;
    int64_t window;                 /* EVANS: odd, 3 .. SAL_TERRAIN_WINDOW pixels; 0 for 3 */
    int64_t radii;                  /* at most SAL_TERRAIN_RADII */
    double radius[SAL_TERRAIN_RADII]; /* m; covariate sal_terrain_count() + k is the topographic position index in the
                                       window of radius[k], which is made as that of relative elevation */
    const float *wetness;           /* of the block, for TWI; rows wetness_stride apart */
    int64_t wetness_stride;
} sal_terrain_options;

/* Pixels on each side of the centre that the derivatives need. */
int64_t sal_terrain_window_half(const sal_terrain_options *options);
/* Pixels of surroundings that sal_terrain_compute needs on every side. */
int64_t sal_terrain_halo(const sal_terrain_options *options);
/* Working memory of sal_terrain_compute for a block that wide, in bytes. */
int64_t sal_terrain_bytes(const sal_context *ctx, const sal_terrain_options *options, int64_t columns, int64_t n);

/* Terrain covariates of a block. elevation: (rows + 2 halo, columns + 2 halo) in m, NaN where unknown or outside the
 * model; which: n rows of the table, more for radii, or SAL_TERRAIN_SMOOTHED; covariate k of pixel i goes to out[i * pixel_step + k * covariate_step],
 * where one of the steps is 1. Derivatives are NaN where one of the pixels of their window is;
 * smoothing leaves out pairs of opposite pixels of which one is missing, so that it keeps a plane a plane up to the
 * border; relative elevation uses the pixels that are there. Elevations beyond 100 km count as missing. The same bits
 * for any cut into blocks and any thread count. MEMORY only. */
sal_status sal_terrain_compute(sal_context *ctx, const float *elevation, int64_t rows, int64_t columns,
                               const sal_terrain_options *options, const int64_t *which, int64_t n, float *out,
                               int64_t pixel_step, int64_t covariate_step);

#endif
