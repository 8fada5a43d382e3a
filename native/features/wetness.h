/* wetness.h - topographic wetness index of a whole elevation model, in as much memory as is allowed.
 */
#ifndef SAL_FEATURES_WETNESS_H
#define SAL_FEATURES_WETNESS_H

#include "base/base.h"

/* ln(a / tan slope), a: specific catchment area in m2 for each m of contour (Beven and Kirkby 1979). Depressions are filled
 * from the border inwards, a 2^-30 m step from pixel to pixel, so that water leaves every flat (priority flood: Wang and Liu 2006,
 * Barnes et al. 2014); water then runs to all lower neighbours in proportion to slope^1.1 (Freeman 1991). The border of the
 * model and of its holes are outlets; what lies outside adds nothing. Slopes below 1e-4 count as 1e-4.
 *
 * Use: new, put every block, solve, get blocks, free. The same bits for any cut into blocks and any memory. */
typedef struct sal_wetness sal_wetness;

/* Bytes that blocks need once solved (solving needs no more), and those with which nothing goes to the file. */
int64_t sal_wetness_kept_bytes(int64_t rows, int64_t columns);
int64_t sal_wetness_all_bytes(int64_t rows, int64_t columns);
/* `pixel` in m; `memory`: bytes to work in; what does not fit goes to a nameless file beside `output`. ARGUMENT when the grid has more
 * than 2^33 pixels, MEMORY. */
sal_status sal_wetness_new(sal_context *ctx, int64_t rows, int64_t columns, double pixel, int64_t memory, const char *output,
                           sal_wetness **out);
void sal_wetness_free(sal_wetness *wetness);
/* A block (rows, columns) of elevations in m, NaN where missing, and of slopes in degrees. IO, MEMORY. */
sal_status sal_wetness_put(sal_wetness *wetness, int64_t x, int64_t y, int64_t columns, int64_t rows, const float *elevation,
                           const float *slope);
/* `kept`: bytes that may stay in use. Progress from 0 to 1. IO (the disk is full), MEMORY, CANCELLED. */
sal_status sal_wetness_solve(sal_wetness *wetness, int64_t kept);
/* The index of a block, NaN where elevation or slope is missing. IO. */
sal_status sal_wetness_get(sal_wetness *wetness, int64_t x, int64_t y, int64_t columns, int64_t rows, float *out);
/* Whether the work needed the file. */
bool sal_wetness_on_disk(const sal_wetness *wetness);

#endif
