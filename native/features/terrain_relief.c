/* terrain_relief.c - elevation minus the mean of a square window, by running sums.
 *
 * Sums are taken over integers (2^-20 m), so that they give the same bits wherever a block begins.
 */
#include "features/clones.h"
#include "features/terrain_lines.h"

#include <math.h>
#include <string.h>

/* Rounds to 2^-20 m by adding 1.5 * 2^52; returns how many elevations are missing. */
SAL__CLONES static int64_t add_row(const float *z, int64_t n, int64_t sign, int64_t *sum)
{
    const double magic = 0x1.8p52;
    int64_t zero, missing = 0;
    memcpy(&zero, &magic, sizeof zero);
    for (int64_t x = 0; x < n; x++) {
        const bool ok = sal__known(z[x]);
        const double shifted = (ok ? (double)z[x] : 0) * 0x1p20 + magic;
        int64_t whole;
        memcpy(&whole, &shifted, sizeof whole);
        sum[x] += sign > 0 ? whole - zero : zero - whole;
        missing += !ok;
    }
    return missing;
}

void sal__relief_count(sal__relief *relief, const float *z, int64_t sign)
{
    const int64_t missing = add_row(z, relief->wide, sign, relief->sum);
    relief->missing += sign * missing;
    for (int64_t x = 0; x < relief->wide && missing > 0; x++) relief->holes[x] += sal__known(z[x]) ? 0 : sign;
}

SAL__CLONES static void subtract(const float *z, double count, int64_t n, double *out)
{
    for (int64_t x = 0; x < n; x++) out[x] = sal__known(z[x]) ? z[x] - out[x] * 0x1p-20 / count : NAN;
}

void sal__relief_line(const sal__relief *relief, const float *elevation, int64_t first, int64_t n, double *out)
{
    const int64_t width = 2 * relief->half + 1, *sum = relief->sum + first - relief->half,
                  *holes = relief->holes + first - relief->half;
    const float *z = elevation + first;
    int64_t s = 0, m = width * width;
    for (int64_t x = 0; x < width - 1; x++) s += sum[x];
    if (relief->missing == 0) {
        for (int64_t x = 0; x < n; x++) {
            s += sum[x + width - 1];
            out[x] = (double)s;
            s -= sum[x];
        }
        subtract(z, (double)m, n, out);
        return;
    }
    for (int64_t x = 0; x < width - 1; x++) m -= holes[x];
    for (int64_t x = 0; x < n; x++) {
        s += sum[x + width - 1], m -= holes[x + width - 1];
        out[x] = sal__known(z[x]) ? z[x] - (double)s * 0x1p-20 / (double)m : NAN;
        s -= sum[x], m += holes[x];
    }
}
