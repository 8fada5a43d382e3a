/* season.c - the true season of a pixel: SOS, GUS, SDPS of its NDVI on every day, without clouds, noise or smoothing.
 *
 * The season is that of the first peak that reaches three quarters of the year's range, as in series.c; NaN where NDVI rises by less
 * than .1, on water too.
 */
#include "series_private.h"
#include <math.h>
#include <stdio.h>

enum { DAYS = 365 };

/* First day, with fraction, at which the curve comes to `level`; y[0] is 1 January, day 1. */
static float crossing(const float y[DAYS][LANES], int lane, int from, int to, float level)
{
    for (int t = from + 1; t <= to; t++)
        if (y[t][lane] >= level && y[t - 1][lane] < level)
            return (float)t + (level - y[t - 1][lane]) / (y[t][lane] - y[t - 1][lane]);
    return (float)from + 1.0f;
}

static void season(const float y[DAYS][LANES], int lane, float out[3])
{
    float low = y[0][lane], high = low;
    int peak = 1, base = 0;
    for (int t = 1; t < DAYS; t++) {
        low = fminf(low, y[t][lane]);
        high = fmaxf(high, y[t][lane]);
    }
    for (; peak < DAYS - 1; peak++) {
        const float z = y[peak][lane];
        if (z >= low + 0.75f * (high - low) && z >= y[peak - 1][lane] && z >= y[peak + 1][lane]) break;
    }
    for (int t = 1; t < peak; t++)
        if (y[t][lane] <= y[base][lane]) base = t;
    const float from = y[base][lane], range = y[peak][lane] - from;
    out[0] = out[1] = out[2] = NAN;
    if (!(range >= 0.1f)) return;
    const float slow = crossing(y, lane, base, peak, from + 0.2f * range),
                steep = crossing(y, lane, base, peak, from + 0.8f * range);
    out[0] = slow;
    out[1] = 0.6f * range / (steep - slow);
    out[2] = crossing(y, lane, base, peak, from + 0.9f * range);
}

void sal__season_row(void *arg, int64_t r)
{
    const sal__series_job *job = arg;
    const int64_t n = job->series->d->size, row = job->row + r;
    sal__block b = { 0 };
    float y[DAYS][LANES];
    for (int64_t x = 0; x < n; x += LANES) {
        const int count = n - x < LANES ? (int)(n - x) : LANES;
        sal__series_block(job, row, x, 1.0f, 1.0f, &b);
        for (int t = 0; t < DAYS; t++) sal__series_clear(job->series, &b, y[t]);
        for (int l = 0; l < count; l++) season(y, l, job->out + (r * n + x + l) * 3);
    }
}

void sal_delta_date(int32_t year, int32_t day, char out[16])
{
    static const int32_t length[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int32_t month = 0;
    for (; month < 11; month++) {
        const int32_t days = length[month] + (month == 1 && year % 4 == 0);
        if (day <= days) break;
        day -= days;
    }
    snprintf(out, 16, "%04d-%02d-%02d", year % 10000, (month + 1) % 100, day % 100);
}
