/* sensor.c - the Sentinel-2 scene of a campaign: ground, salt crust, moisture, canopy, point spread, noise.
 *
 * Ground: a mix of bright loam and dark clay, times roughness; a salt crust covers a part that grows with surface salinity on dry
 * ground; water darkens by exp(-(1.6 + 2.2 k_w) m^.85). Canopy: spectral invariants (Smolander & Stenberg 2005), cover 1 - exp(-.5 LAI).
 * A strip is computed with a halo as wide as the point spread, so values do not depend on the strips.
 */
#include "delta.h"
#include "delta_private.h"
#include "noise.h"
#include "plane.h"
#include <math.h>

const sal__spectral_band sal__bands[SAL_DELTA_BANDS] = {
    {"B02",  492,  false, 0.150f, 0.085f, 0.64f,  0.060f, 0.00f, 0.046f,  0.03f},
    { "B03", 560,  false, 0.200f, 0.110f, 0.66f,  0.065f, 0.00f, 0.013f,  0.03f},
    { "B04", 665,  false, 0.255f, 0.140f, 0.66f,  0.050f, 0.01f, 0.042f,  0.03f},
    { "B05", 704,  true,  0.275f, 0.152f, 0.655f, 0.042f, 0.01f, 0.016f,  0.03f},
    { "B06", 741,  true,  0.292f, 0.165f, 0.65f,  0.030f, 0.03f, 0.0025f, 0.03f},
    { "B07", 783,  true,  0.307f, 0.176f, 0.645f, 0.028f, 0.03f, 0.0004f, 0.03f},
    { "B08", 833,  false, 0.320f, 0.186f, 0.635f, 0.025f, 0.04f, 0.0f,    0.03f},
    { "B8A", 865,  true,  0.328f, 0.192f, 0.63f,  0.022f, 0.05f, 0.0f,    0.03f},
    { "B11", 1614, true,  0.400f, 0.255f, 0.48f,  0.008f, 0.45f, 0.0f,    0.14f},
    { "B12", 2202, true,  0.370f, 0.220f, 0.36f,  0.005f, 1.00f, 0.0f,    0.28f},
};
const char *const sal_delta_band_names[SAL_DELTA_BANDS] = { "B02", "B03", "B04", "B05", "B06",
                                                            "B07", "B08", "B8A", "B11", "B12" };

enum { HALO = 4 };
/* Gaussian point spread: sigma 0.6 pixel for 10 m bands, 1.1 for 20 m bands, normalised. */
static const float spread[2][HALO + 1] = {
    {0.663815f,  0.165524f, 0.002566f, 0.000002f, 0.0f     },
    { 0.362683f, 0.239920f, 0.069452f, 0.008798f, 0.000488f}
};

sal__soil_keys sal__soil_keys_of(const sal_delta *d)
{
    return (sal__soil_keys){ .field = sal__noise_key(d->seed, "roughness of parcels", (uint64_t)d->campaign, 0),
                             .white = sal__noise_key(d->seed, "roughness", (uint64_t)d->campaign, 1),
                             .patch = sal__noise_key(d->seed, "crust patches", (uint64_t)d->campaign, 0) };
}

float sal__canopy_p(float lai) { return 0.88f * (1.0f - expf(-0.7f * powf(lai, 0.75f))); }

float sal__leaf_albedo(int band, float chlorophyll)
{
    const sal__spectral_band *b = &sal__bands[band];
    return 0.985f * expf(-(b->k_pigment * chlorophyll + 0.55f * b->k_water + b->k_matter));
}

void sal__soil_at(const sal_delta *d, const sal__soil_keys *keys, int64_t i, float out[SAL_DELTA_BANDS])
{
    const uint64_t parcel = sal__delta_parcel(i / d->size, i % d->size);
    const uint32_t mixed = sal__mix32((uint32_t)parcel ^ (uint32_t)(parcel >> 32) * 0x9E3779B9u);
    const float m = d->moisture[i], clay = 1.0f / (1.0f + expf(-d->texture[i]));
    const float rough = expf(0.10f * d->roughness[i] + 0.06f * sal__noise_normal(keys->field, mixed) +
                             0.05f * sal__noise_normal(keys->white, (uint32_t)i));
    const float dry = (float)sal_delta_campaigns[d->campaign].dryness * fminf(fmaxf(1.55f - 3.0f * m, 0.15f), 1.1f);
    const float patch = expf(0.35f * sal__noise_normal(keys->patch, (uint32_t)i));
    const float crust = fminf((1.0f - expf(-powf(d->surface[i] / 14.0f, 1.3f))) * dry * patch, 0.95f);
    const float wet = powf(m, 0.85f);
    for (int b = 0; b < SAL_DELTA_BANDS; b++) {
        const sal__spectral_band *band = &sal__bands[b];
        float ground = (band->loam + (band->clay - band->loam) * clay) * rough;
        ground += crust * (band->salt - ground);
        out[b] = ground * expf(-(1.6f + 2.2f * band->k_water) * wet) *
                 1.35f; /* 1.35: the ground values hold for air-dry soil, m = .1 */
    }
}

typedef struct scene_job {
    const sal_delta *d;
    int64_t row; /* first of the piece */
    sal__crop_keys crop;
    sal__soil_keys soil;
    float gain[SAL_DELTA_BANDS];
    uint32_t noise[SAL_DELTA_BANDS];
    float *raw;    /* (rows + 2 HALO, size, BANDS) */
    float *across; /* the same, spread along rows */
    float *out;
} scene_job;

static void pixel(const scene_job *job, int64_t i, float day, float *out)
{
    const sal_delta *d = job->d;
    if (sal_delta_is_water(d, i)) {
        for (int b = 0; b < SAL_DELTA_BANDS; b++) out[b] = sal__bands[b].water * job->gain[b];
        return;
    }
    sal__crop crop;
    sal__crop_at(d, &job->crop, i, &crop);
    const float lai = sal__crop_lai(&crop, day), p = sal__canopy_p(lai), cover = 1.0f - expf(-0.5f * lai);
    sal__soil_at(d, &job->soil, i, out);
    for (int b = 0; b < SAL_DELTA_BANDS; b++) {
        float w = sal__leaf_albedo(b, crop.chlorophyll), canopy = 0.52f * w * (1.0f - p) / (1.0f - p * w);
        out[b] = (out[b] + cover * (canopy - out[b])) * job->gain[b];
    }
}

static int64_t clamp(int64_t i, int64_t n) { return i < 0 ? 0 : i >= n ? n - 1 : i; }

static void pixel_row(void *arg, int64_t r)
{
    const scene_job *job = arg;
    const int64_t n = job->d->size, row = clamp(job->row + r - HALO, n);
    const float day = (float)sal_delta_campaigns[job->d->campaign].day;
    for (int64_t x = 0; x < n; x++) pixel(job, row * n + x, day, job->raw + (r * n + x) * SAL_DELTA_BANDS);
}

static void spread_across(void *arg, int64_t r)
{
    const scene_job *job = arg;
    const int64_t n = job->d->size;
    const float *in = job->raw + r * n * SAL_DELTA_BANDS;
    float *out = job->across + r * n * SAL_DELTA_BANDS;
    for (int64_t x = 0; x < n; x++)
        for (int b = 0; b < SAL_DELTA_BANDS; b++) {
            const float *k = spread[sal__bands[b].coarse];
            float sum = k[0] * in[x * SAL_DELTA_BANDS + b];
            for (int64_t o = 1; o <= HALO; o++)
                sum += k[o] * (in[clamp(x - o, n) * SAL_DELTA_BANDS + b] + in[clamp(x + o, n) * SAL_DELTA_BANDS + b]);
            out[x * SAL_DELTA_BANDS + b] = sum;
        }
}

static void spread_down(void *arg, int64_t r)
{
    const scene_job *job = arg;
    const int64_t width = job->d->size * SAL_DELTA_BANDS;
    const float *in = job->across + (r + HALO) * width;
    float *out = job->out + r * width;
    for (int64_t x = 0; x < job->d->size; x++)
        for (int b = 0; b < SAL_DELTA_BANDS; b++) {
            const float *k = spread[sal__bands[b].coarse];
            const int64_t j = x * SAL_DELTA_BANDS + b;
            float sum = k[0] * in[j];
            for (int64_t o = 1; o <= HALO; o++) sum += k[o] * (in[j - o * width] + in[j + o * width]);
            uint32_t index = (uint32_t)((job->row + r) * job->d->size + x);
            out[j] = fmaxf(sum + (0.004f + sum / 150.0f) * sal__noise_normal(job->noise[b], index), 0.0001f);
        }
}

/* Few rows at a time keep the halo cheap and the buffers small. */
enum { PIECE = 128 };

sal_status sal_delta_scene(const sal_delta *delta, int64_t row, int64_t rows, float *out)
{
    sal_status status;
    scene_job job = { .d = delta };
    const uint64_t c = (uint64_t)delta->campaign, date = sal_random_stream("date", c, 0);
    const int64_t width = delta->size * SAL_DELTA_BANDS;
    const double tilt = 0.015 * sal_random_normal(delta->seed, date, SAL_DELTA_BANDS);
    job.crop = sal__crop_keys_of(delta);
    job.soil = sal__soil_keys_of(delta);
    for (int b = 0; b < SAL_DELTA_BANDS; b++) {
        double along = ((double)sal__bands[b].wavelength_nm - 1000.0) / 700.0;
        job.gain[b] = (float)((1.0 + 0.02 * sal_random_normal(delta->seed, date, (uint64_t)b)) * (1.0 + tilt * along));
        job.noise[b] = sal__noise_key(delta->seed, "sensor", c, (uint64_t)b);
    }
    SAL_TRY(sal_allocate(delta->ctx, (PIECE + 2 * HALO) * width, sizeof(float), &job.raw));
    SAL_TRY(sal_allocate(delta->ctx, (PIECE + 2 * HALO) * width, sizeof(float), &job.across));
    for (int64_t done_rows = 0; done_rows < rows; done_rows += PIECE) {
        int64_t now = rows - done_rows < PIECE ? rows - done_rows : PIECE;
        job.row = row + done_rows;
        job.out = out + done_rows * width;
        SAL_TRY(sal__plane_rows(delta->ctx, now + 2 * HALO, pixel_row, &job));
        SAL_TRY(sal__plane_rows(delta->ctx, now + 2 * HALO, spread_across, &job));
        SAL_TRY(sal__plane_rows(delta->ctx, now, spread_down, &job));
    }
done:
    sal_release(delta->ctx, job.raw);
    sal_release(delta->ctx, job.across);
    return status;
}
