/* statistics.h - private to data/: count, extremes, mean and deviation of float32 values, the same bits for any order
 * of arrival. */
#ifndef SAL_DATA_STATISTICS_H
#define SAL_DATA_STATISTICS_H

#include "base/base.h"

__extension__ typedef __int128 sal__wide;

/* Exact sums: one integer of mantissas per binary exponent, so that adding is associative. */
typedef struct sal__statistics {
    int64_t count;
    float minimum, maximum;
    int64_t sum[256];      /* of mantissas; good for 2^39 values */
    sal__wide square[256]; /* of squared mantissas */
} sal__statistics;

/* Adds a finite value. */
void sal__statistics_add(sal__statistics *s, float value);
/* mean and population standard deviation of at least one value. */
void sal__statistics_finish(const sal__statistics *s, double *mean, double *deviation);

#endif
