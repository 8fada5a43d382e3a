/* statistics.c - exact, order-independent sums of float32 values. A float is m * 2^(e - 150) with a 24-bit integer m,
 * so the values of one exponent e add up exactly in an integer. A map written in other tiles, or by another number of
 * threads, then carries the same statistics to the last digit.
 */
#include "statistics.h"
#include <math.h>
#include <string.h>

void sal__statistics_add(sal__statistics *s, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t exponent = bits >> 23 & 255;
    int64_t mantissa = (int64_t)(bits & 0x7fffff) | (exponent ? 0x800000 : 0);
    if (!exponent) exponent = 1;
    s->sum[exponent] += bits >> 31 ? -mantissa : mantissa;
    s->square[exponent] += mantissa * mantissa;
    if (!s->count || value < s->minimum) s->minimum = value;
    if (!s->count || value > s->maximum) s->maximum = value;
    s->count++;
}

void sal__statistics_finish(const sal__statistics *s, double *mean, double *deviation)
{
    long double sum = 0, square = 0, n = (long double)s->count;
    for (int e = 1; e < 255; e++) {
        sum += ldexpl((long double)s->sum[e], e - 150);
        square += ldexpl((long double)s->square[e], 2 * (e - 150));
    }
    long double average = sum / n, variance = square / n - average * average;
    *mean = (double)average;
    *deviation = variance > 0 ? (double)sqrtl(variance) : 0;
}
