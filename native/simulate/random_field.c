/* random_field.c - Gaussian fields by spectral synthesis: x = Re-valued inverse transform of sqrt(S(k)) (N + iN') / sqrt(2).
 *
 * Columns first: the noise of eight kx is made, transformed over ky and kept for the rows that are wanted; then eight rows at a time are
 * transformed over kx with the half-length trick for real results. The density is normalised by its sum over the grid of wavenumbers,
 * so the variance is 1 although a rough field (nu 0.5) has power beyond the Nyquist frequency.
 * Trap: in the columns kx = 0 and kx = N / 2 the spectrum must be Hermitian in ky, or the field is not the transform of anything real.
 */
#include "random_field.h"
#include "fft.h"
#include <math.h>

#define LANES  SAL__FFT_LANES
#define TWO_PI 6.28318530717958647692

typedef struct synthesis {
    const sal_field_spec *spec;
    sal_fft columns, rows; /* length N over ky, N / 2 over kx */
    int64_t blocks;        /* of LANES kx */
    float *spectrum;       /* (size, blocks * LANES, 2) */
    float *scratch;        /* (threads, 2, 2, N, LANES) */
    double *power;         /* (blocks): sum of the density */
    float scale;
    float *out;
} synthesis;

static int64_t transform_length(int64_t size, double pixel, double length)
{
    return sal__fft_length(size + (int64_t)ceil(3.0 * length / pixel));
}

int64_t sal_field_memory(int64_t size, double pixel, double length, int32_t threads)
{
    int64_t n = transform_length(size, pixel, length);
    int64_t blocks = (n / 2 + 1 + LANES - 1) / LANES;
    return (int64_t)sizeof(float) * (size * blocks * LANES * 2 + (int64_t)threads * 4 * n * LANES + 4 * n);
}

static void complex_normal(const sal_field_spec *spec, int64_t kx, int64_t ky, int64_t n, float *re, float *im)
{
    uint64_t bits = sal_random_bits(spec->seed, spec->stream, (uint64_t)(kx * n + ky));
    float u = ((float)(uint32_t)(bits >> 40) + 0.5f) * 0x1p-24f, v = (float)(uint32_t)(bits & 0xffffffu) * 0x1p-24f;
    float radius = sqrtf(-logf(u)), angle = (float)TWO_PI * v; /* E |z|^2 = 1 */
    *re = radius * cosf(angle);
    *im = radius * sinf(angle);
}

/* Noise of one wavenumber with the symmetry a real field needs. */
static void spectrum_noise(const sal_field_spec *spec, int64_t kx, int64_t ky, int64_t n, float *re, float *im)
{
    bool own_mirror = kx == 0 || kx == n / 2;
    int64_t mirror = (n - ky) % n;
    if (!own_mirror || ky < mirror) {
        complex_normal(spec, kx, ky, n, re, im);
    } else if (ky > mirror) {
        complex_normal(spec, kx, mirror, n, re, im);
        *im = -*im;
    } else {
        complex_normal(spec, kx, ky, n, re, im);
        *re *= 1.41421356f;
        *im = 0.0f;
    }
}

static void column_task(void *arg, int64_t block, int32_t worker)
{
    synthesis *s = arg;
    const sal_field_spec *spec = s->spec;
    const int64_t n = s->columns.length, half = n * LANES;
    float *a = s->scratch + (int64_t)worker * 4 * half, *b = a + 2 * half;
    const double step = TWO_PI / ((double)n * spec->pixel), base = 2.0 * spec->nu / (spec->length * spec->length);
    const float exponent = (float)(-0.5 * (spec->nu + 1.0));
    double power = 0;
    for (int64_t ky = 0; ky < n; ky++) {
        double wy = step * (double)(ky <= n / 2 ? ky : n - ky);
        for (int64_t lane = 0; lane < LANES; lane++) {
            int64_t kx = block * LANES + lane;
            float re = 0, im = 0;
            if (kx <= n / 2) {
                double wx = step * (double)kx;
                float amplitude = powf((float)((base + wx * wx + wy * wy) / base), exponent);
                spectrum_noise(spec, kx, ky, n, &re, &im);
                re *= amplitude;
                im *= amplitude;
                power += (kx == 0 || kx == n / 2 ? 1.0 : 2.0) * (double)(amplitude * amplitude);
            }
            a[ky * LANES + lane] = re;
            a[half + ky * LANES + lane] = im;
        }
    }
    s->power[block] = power;
    const float *z = sal__fft_inverse(&s->columns, a, b);
    const int64_t width = s->blocks * LANES;
    for (int64_t y = 0; y < spec->size; y++) {
        float *to = s->spectrum + 2 * (y * width + block * LANES);
        for (int64_t lane = 0; lane < LANES; lane++) {
            to[2 * lane] = z[y * LANES + lane];
            to[2 * lane + 1] = z[half + y * LANES + lane];
        }
    }
}

/* Z_k = (X_k + conj X_{M-k}) + i exp(2 pi i k / N) (X_k - conj X_{M-k}), M = N / 2; its transform holds x_{2n} + i x_{2n+1}. */
static void pack_row(const synthesis *s, const float *x, int64_t lane, float *a)
{
    const int64_t m = s->rows.length;
    const float *w = s->columns.w;
    for (int64_t k = 0; k < m; k++) {
        float xr = x[2 * k], xi = x[2 * k + 1], yr = x[2 * (m - k)], yi = -x[2 * (m - k) + 1];
        float dr = xr - yr, di = xi - yi, wr = w[2 * k], wi = w[2 * k + 1];
        a[k * LANES + lane] = xr + yr - (dr * wi + di * wr);
        a[(m + k) * LANES + lane] = xi + yi + (dr * wr - di * wi);
    }
}

static void row_task(void *arg, int64_t block, int32_t worker)
{
    synthesis *s = arg;
    const int64_t n = s->columns.length, m = n / 2, size = s->spec->size, width = s->blocks * LANES;
    float *a = s->scratch + (int64_t)worker * 4 * n * LANES, *b = a + 2 * n * LANES;
    int64_t first = block * LANES, count = size - first < LANES ? size - first : LANES;
    for (int64_t lane = 0; lane < LANES; lane++)
        pack_row(s, s->spectrum + 2 * (first + (lane < count ? lane : 0)) * width, lane, a);
    const float *z = sal__fft_inverse(&s->rows, a, b);
    for (int64_t lane = 0; lane < count; lane++) {
        float *to = s->out + (first + lane) * size;
        for (int64_t x = 0; x < size; x++) to[x] = s->scale * z[((x & 1) * m + x / 2) * LANES + lane];
    }
}

sal_status sal_field_fill(sal_context *ctx, const sal_field_spec *spec, float *out)
{
    sal_status status;
    synthesis s = { .spec = spec, .out = out };
    SAL_ASSERT(ctx, spec->size > 0 && spec->pixel > 0 && spec->length > 0 && spec->nu > 0);
    const int64_t n = transform_length(spec->size, spec->pixel, spec->length);
    s.blocks = (n / 2 + 1 + LANES - 1) / LANES;
    SAL_TRY(sal__fft_plan(ctx, n, &s.columns));
    SAL_TRY(sal__fft_plan(ctx, n / 2, &s.rows));
    SAL_TRY(sal_allocate(ctx, spec->size * s.blocks * LANES * 2, sizeof(float), &s.spectrum));
    SAL_TRY(sal_allocate(ctx, (int64_t)sal_context_threads(ctx) * 4 * n * LANES, sizeof(float), &s.scratch));
    SAL_TRY(sal_allocate(ctx, s.blocks, sizeof(double), &s.power));
    SAL_TRY(sal_pool_try(ctx, s.blocks, column_task, &s));
    double power = 0;
    for (int64_t i = 0; i < s.blocks; i++) power += s.power[i];
    s.scale = (float)(1.0 / sqrt(power));
    SAL_TRY(sal_pool_try(ctx, (spec->size + LANES - 1) / LANES, row_task, &s));
done:
    sal__fft_clear(ctx, &s.columns);
    sal__fft_clear(ctx, &s.rows);
    sal_release(ctx, s.spectrum);
    sal_release(ctx, s.scratch);
    sal_release(ctx, s.power);
    return status;
}
