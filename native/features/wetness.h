/* wetness.h - topographic wetness index of a whole elevation model.
 */
#ifndef SAL_FEATURES_WETNESS_H
#define SAL_FEATURES_WETNESS_H

#include "base/base.h"

/* Bytes that sal_wetness_compute needs at least, its two planes included; the front of the flood comes to it. */
int64_t sal_wetness_bytes(int64_t rows, int64_t columns);

/* ln(a / tan slope), a: specific catchment area in m2 for each m of contour (Beven and Kirkby 1979). Depressions are filled
 * from the border inwards, a 2^-30 m step from pixel to pixel, so that water leaves every flat (priority flood: Wang and Liu 2006,
 * Barnes et al. 2014); water then runs to all lower neighbours in proportion to slope^1.1 (Freeman 1991). The border of the
 * model and of its holes are outlets; what lies outside adds nothing. Slopes below 1e-4 count as 1e-4.
 * elevation: (rows, columns) in m, NaN where missing; wetness: (rows, columns), slope in degrees when called, the index on
 * return, NaN where either is missing. ARGUMENT when more than max_memory bytes are needed or there are more than 2^31 - 1
 * pixels; CANCELLED. The same bits on every call. */
sal_status sal_wetness_compute(sal_context *ctx, const float *elevation, int64_t rows, int64_t columns, double pixel,
                               int64_t max_memory, float *wetness);

#endif
