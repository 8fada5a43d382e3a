/* terrain_lines.h - private to terrain: what is known of one row of a block, in lines of float64.
 */
#ifndef SAL_FEATURES_TERRAIN_LINES_H
#define SAL_FEATURES_TERRAIN_LINES_H

#include "features/terrain.h"

enum { SAL__MOMENTS = 4, SAL__DERIVATIVES = 5 };

/* A least-squares polynomial over a square window is separable: weighted sums along every row (moments), and derivatives p, q,
 * r, s, t as weighted sums of the moments of the rows. */
typedef struct sal__stencil {
    int64_t half;
    double moment[SAL__MOMENTS][SAL_TERRAIN_WINDOW];                  /* by column, west first */
    double share[SAL__DERIVATIVES][SAL__MOMENTS][SAL_TERRAIN_WINDOW]; /* by row, north first */
} sal__stencil;

/* Only for EVANS and FLORINSKY. */
void sal__stencil_fill(const sal_terrain_options *options, sal__stencil *stencil);

/* Derivatives of n pixels in a row: (n) each. With methods other than HORN p is G and q is H. */
typedef struct sal__lines {
    double *p, *q, *G, *H, *r, *s, *t;
    const float *wetness;
    const double *relief;
} sal__lines;

/* rows: the row above, the row itself, the row below, each readable from -1 to n; NaN of any of the nine leaves p and G NaN.
 * horn: Horn's p and q; surface: G, H, r, s and t. */
void sal__derive_near(bool horn, bool surface, const double *const rows[3], double h, int64_t n, const sal__lines *out);
/* moments(k, i) = sum over the columns around i; row readable from -half to n + half - 1. */
void sal__stencil_moments(const sal__stencil *stencil, const double *row, int64_t n, double *moments);
/* moments: of the 2 half + 1 rows, (SAL__MOMENTS, n) each. */
void sal__stencil_derive(const sal__stencil *stencil, const double *const *moments, int64_t n, const sal__lines *out);

/* Covariate `which` of the table for n pixels. */
void sal__terrain_line(int64_t which, const sal__lines *lines, int64_t n, float *restrict out);

/* ---- smoothing (terrain_smooth.c) ---- */

/* out[i] of [lo, hi) = weighted mean of the taps (2 radius + 1 rows, or one row shifted), opposite pairs together. kernel: radius + 1
 * weights, centre first. Without holes the weights are those of the whole kernel, added up in the same order. */
void sal__smooth_whole(const double *kernel, int64_t radius, const double *const *taps, int64_t lo, int64_t hi, double *out);
/* weight: (hi) to work with. Pairs of which one is missing do not count. */
void sal__smooth_holes(const double *kernel, int64_t radius, const double *const *taps, int64_t lo, int64_t hi, double *weight,
                       double *out);
/* Float64 elevations with NaN for what is none; returns how many are missing. */
int64_t sal__widen(const float *z, int64_t n, double *out);

/* ---- means of square windows (terrain_relief.c) ---- */

typedef struct sal__relief {
    int64_t half, wide, missing; /* missing elevations in the rows of the window */
    int64_t *sum, *holes;        /* (wide): of the rows of the window, in 2^-20 m */
} sal__relief;

/* Adds (sign 1) or takes away (-1) a row of `wide` elevations. */
void sal__relief_count(sal__relief *relief, const float *elevation, int64_t sign);
/* out[i] = elevation of pixel i minus the mean of its window; `first`: column of pixel 0 in the row. */
void sal__relief_line(const sal__relief *relief, const float *elevation, int64_t first, int64_t n, double *out);

static inline bool sal__known(double z) { return z > -1e5 && z < 1e5; }

#endif
