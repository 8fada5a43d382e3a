/* series_private.h - the NDVI series of sixteen pixels of the digital delta, seen and true.
 */
#ifndef SAL_SIMULATE_SERIES_PRIVATE_H
#define SAL_SIMULATE_SERIES_PRIVATE_H

#include "delta_private.h"
#include "noise.h"

enum { DATES = SAL_DELTA_DATES, LANES = 16, COARSE = 16, TABLE = 1024 };
#define FIRST_DAY   3.0f
#define STEP        5.0f
#define CLOUD_LEVEL 0.12566f /* a standard normal lies above it with probability .45 */
#define LAMBDA      6.0f
#define TABLE_SCALE 96.0f /* entries per unit of LAI */

struct sal_delta_series {
    const sal_delta *d;
    int64_t coarse; /* nodes a side of the cloud fields, COARSE pixels apart */
    float *clouds;  /* (DATES, coarse, coarse) */
    uint32_t noise[DATES], residual[DATES];
    float p[TABLE], cover[TABLE];
};

/* Sixteen pixels of one row. */
typedef struct sal__block {
    float y[DATES][LANES], w[DATES][LANES], z[DATES][LANES];
    float d[DATES][LANES], c[DATES][LANES], e[DATES][LANES];
    float edge[4][LANES], ratio[4][LANES]; /* of the geometric sequences */
    float first[LANES], second[LANES], red[LANES], nir[LANES], w_red[LANES], w_nir[LANES];
    uint32_t index[LANES];
} sal__block;

typedef struct sal__series_job {
    const sal_delta_series *series;
    int64_t row;
    sal__crop_keys crops;
    sal__soil_keys soils;
    float *out;
} sal__series_job;

/* Sets the pixels from column x of a row, with their logistic edges at day `first`, to move on by `step` days. */
void sal__series_block(const sal__series_job *job, int64_t row, int64_t x, float first, float step, sal__block *b);
void sal__series_clear(const sal_delta_series *s, sal__block *b, float ndvi[LANES]);
/* One row of the true season; arg is a job. (season.c) */
void sal__season_row(void *arg, int64_t r);

#endif
