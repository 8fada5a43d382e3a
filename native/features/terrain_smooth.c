/* terrain_smooth.c - one direction of the Gaussian over a row of elevations.
 */
#include "features/clones.h"
#include "features/terrain_lines.h"

#include <math.h>

typedef double lane __attribute__((vector_size(64), aligned(8), may_alias)); /* loads and stores need no alignment */
enum { LANES = 8, SHORT = 4 * LANES };

/* SHORT pixels at once, sums in registers. taps: 2 radius + 1 rows, or one row shifted. */
static inline void smooth_short(const double *kernel, int64_t radius, const double *const *taps, int64_t i, double over,
                                double *out)
{
    const lane *centre = (const lane *)(taps[radius] + i);
    lane sum[4];
    for (int j = 0; j < 4; j++) sum[j] = kernel[0] * centre[j];
    for (int64_t k = 1; k <= radius; k++) {
        const lane *before = (const lane *)(taps[radius - k] + i), *after = (const lane *)(taps[radius + k] + i);
        for (int j = 0; j < 4; j++) sum[j] += kernel[k] * (before[j] + after[j]);
    }
    for (int j = 0; j < 4; j++) ((lane *)(out + i))[j] = sum[j] / over;
}

static inline void smooth_one(const double *kernel, int64_t radius, const double *const *taps, int64_t i, double over,
                              double *out)
{
    double sum = kernel[0] * taps[radius][i];
    for (int64_t k = 1; k <= radius; k++) sum += kernel[k] * (taps[radius - k][i] + taps[radius + k][i]);
    out[i] = sum / over;
}

/* The last short piece overlaps its neighbour: the same values twice. */
SAL__CLONES void sal__smooth_whole(const double *kernel, int64_t radius, const double *const *taps, int64_t lo, int64_t hi, double *out)
{
    double whole = kernel[0];
    for (int64_t k = 1; k <= radius; k++) whole += 2 * kernel[k];
    for (int64_t i = lo; i < hi && hi - lo < SHORT; i++) smooth_one(kernel, radius, taps, i, whole, out);
    for (int64_t i = lo; i < hi && hi - lo >= SHORT; i += SHORT)
        smooth_short(kernel, radius, taps, i + SHORT <= hi ? i : hi - SHORT, whole, out);
}

SAL__CLONES void sal__smooth_holes(const double *kernel, int64_t radius, const double *const *taps, int64_t lo, int64_t hi, double *weight,
                                     double *out)
{
    for (int64_t i = lo; i < hi; i++) out[i] = kernel[0] * taps[radius][i];
    for (int64_t i = lo; i < hi; i++) weight[i] = kernel[0];
    for (int64_t k = 1; k <= radius; k++) {
        const double share = kernel[k], *before = taps[radius - k], *after = taps[radius + k];
        for (int64_t i = lo; i < hi; i++) {
            const double pair = before[i] + after[i];
            out[i] += pair == pair ? share * pair : 0;
            weight[i] += pair == pair ? 2 * share : 0;
        }
    }
    for (int64_t i = lo; i < hi; i++) out[i] /= weight[i];
}

SAL__CLONES int64_t sal__widen(const float *z, int64_t n, double *out)
{
    int64_t missing = 0;
    for (int64_t x = 0; x < n; x++) {
        out[x] = sal__known(z[x]) ? z[x] : NAN;
        missing += !sal__known(z[x]);
    }
    return missing;
}
