/* quality.c - flags of pixels. Missing values are counted down the columns of a tile and then along its rows, each pixel entering and leaving
 * a sum once. The trap: pixels outside the raster repeat what is inside, gaps too, but are edge, not missing.
 */
#include "quality.h"
#include "tensor/simd.h"
#include <math.h>
#include <string.h>

int64_t sal_quality_scratch(int64_t rows, int64_t columns, int64_t halo)
{
    int64_t wide = columns + 2 * halo;
    return wide * (int64_t)sizeof(int32_t) + (rows + 2 * halo) * wide;
}

/* gap: (rows + 2 halo, columns + 2 halo), 1 where a pixel of the raster lacks a value. */
static void find_gaps(const sal_quality_place *p, const float *environment, int64_t stride, int64_t n, uint8_t *gap)
{
    int64_t wide = p->columns + 2 * p->halo;
    for (int64_t r = 0; r < p->rows + 2 * p->halo; r++) {
        int64_t row = p->row - p->halo + r;
        const float *v = environment + r * stride * n;
        for (int64_t c = 0; c < wide; c++, v += n) {
            int64_t column = p->column - p->halo + c;
            uint8_t any = 0;
            for (int64_t k = 0; k < n; k++) any |= !isfinite(v[k]);
            gap[r * wide + c] = any && row >= 0 && row < p->raster_rows && column >= 0 && column < p->raster_columns;
        }
    }
}

void sal_quality_windows(const sal_quality_place *p, const float *environment, int64_t stride, int64_t n, void *scratch, float *quality)
{
    int64_t wide = p->columns + 2 * p->halo, side = 2 * p->halo + 1;
    int32_t *down = scratch;
    uint8_t *gap = (uint8_t *)(down + wide);
    find_gaps(p, environment, stride, n, gap);
    memset(down, 0, (size_t)wide * sizeof *down);
    for (int64_t r = 0; r < side - 1; r++)
        for (int64_t c = 0; c < wide; c++) down[c] += gap[r * wide + c];
    for (int64_t r = 0; r < p->rows; r++) {
        const uint8_t *enter = gap + (r + side - 1) * wide, *leave = gap + r * wide;
        bool row_edge = p->row + r < p->halo || p->row + r + p->halo >= p->raster_rows;
        int32_t sum = 0;
        for (int64_t c = 0; c < wide; c++) down[c] += enter[c];
        for (int64_t c = 0; c < side - 1; c++) sum += down[c];
        for (int64_t c = 0; c < p->columns; c++) {
            bool edge = row_edge || p->column + c < p->halo || p->column + c + p->halo >= p->raster_columns;
            sum += down[c + side - 1];
            quality[r * p->columns + c] = (float)((edge ? SAL_QUALITY_EDGE : 0) + (sum > 0 ? SAL_QUALITY_MISSING : 0));
            sum -= down[c];
        }
        for (int64_t c = 0; c < wide; c++) down[c] -= leave[c];
    }
}

/* One covariate of n pixels, `step` values apart; comparisons with NaN are false. */
SAL_CLONES static void flag_pixels(const float *values, int64_t step, int64_t n, float low, float high, bool missing, int32_t *flags)
{
    const int32_t gap = missing ? SAL_QUALITY_MISSING : 0;
    for (int64_t i = 0; i < n; i++) {
        float v = values[i * step], zero = v - v; /* NaN for infinities too */
        int32_t outside = v < low ? SAL_QUALITY_RANGE : v > high ? SAL_QUALITY_RANGE : 0;
        flags[i] |= outside | (zero == 0 ? 0 : gap);
    }
}

void sal_quality_pixels(const sal_model_covariate *const *covariates, int64_t n, bool missing, const float *values, int64_t pixels, float *quality)
{
    enum { PART = 256 };
    int32_t flags[PART];
    for (int64_t first = 0; first < pixels; first += PART) {
        int64_t count = pixels - first < PART ? pixels - first : PART;
        for (int64_t i = 0; i < count; i++) flags[i] = (int32_t)quality[first + i];
        for (int64_t k = 0; k < n; k++) {
            const sal_model_covariate *c = covariates[k];
            double slack = 1e-5 * (c->high - c->low);
            flag_pixels(values + first * n + k, n, count, (float)(c->low - slack), (float)(c->high + slack), missing, flags);
        }
        for (int64_t i = 0; i < count; i++) quality[first + i] = (float)flags[i];
    }
}
