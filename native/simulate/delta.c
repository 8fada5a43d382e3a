/* delta.c - geography, relief and the drivers of salinity of the digital delta.
 *
 * All constants are those of the generator specified in the project's reference (science.md 4.4); lengths in m. The coast lies in the
 * north-east. Canals and drains are iso-lines of a tilted plane plus a smooth field, so they wind but never cross themselves.
 */
#include "delta.h"
#include "delta_private.h"
#include "noise.h"
#include "plane.h"
#include "random_field.h"
#include <math.h>

const sal_delta_campaign sal_delta_campaigns[SAL_DELTA_CAMPAIGNS] = {
    {"2019-07",  "2019-07-18", 2019, 199, -0.20, 0.60, 140},
    { "2020-03", "2020-03-19", 2020, 79,  0.25,  0.95, 130},
    { "2020-06", "2020-06-12", 2020, 164, -0.05, 0.85, 130},
    { "2020-10", "2020-10-20", 2020, 294, 0.10,  0.90, 140},
    { "2022-10", "2022-10-15", 2022, 288, 0.15,  0.95, 136},
    { "2024-06", "2024-06-11", 2024, 163, -0.10, 0.80, 130}
};
const char *const sal_delta_driver_names[SAL_DELTA_DRIVERS] = { "COAST",   "SEEPAGE", "LEACHING",     "RELIEF",
                                                                "TEXTURE", "FIELD",   "COAST_RELIEF", "UNEXPLAINED" };

static const double weights[SAL_DELTA_DRIVERS] = { 0.55, 0.45, 0.48, 0.58, 0.18, 0.22, 0.25, 0.26 };
static const double inland[2] = { -0.96, 0.28 }; /* towards the west-south-west; y counts southwards */

int64_t sal_delta_memory(int64_t size, int32_t threads)
{
    const int64_t planes = 15, plane = size * size * (int64_t)sizeof(float);
    const int64_t strip = SAL__STRIP * size * SAL_DELTA_BANDS * (int64_t)sizeof(float) * 3;
    return planes * plane + sal_field_memory(size, SAL_DELTA_PIXEL, 2500, threads) + strip;
}

static sal_status fill(const sal_delta *d, const char *name, uint64_t number, double length, double nu, float *out)
{
    sal_field_spec spec = { d->size, SAL_DELTA_PIXEL, length, nu, d->seed, sal_random_stream(name, number, 0) };
    return sal_field_fill(d->ctx, &spec, out);
}

sal_status sal__delta_field(const sal_delta *delta, const char *name, double length, double nu, float *out)
{
    return fill(delta, name, (uint64_t)(delta->campaign + 1), length, nu, out);
}

uint64_t sal__delta_parcel(int64_t row, int64_t column)
{
    /* Parcels of 300 m x 110 m, turned by 0.2 rad, every row of parcels shifted against the one before. */
    const double x = (double)column * SAL_DELTA_PIXEL, y = (double)row * SAL_DELTA_PIXEL;
    const double u = 0.980067 * x + 0.198669 * y + 1e6, v = -0.198669 * x + 0.980067 * y + 1e6;
    const int64_t j = (int64_t)floor(v / 110.0), i = (int64_t)floor((u + 97.0 * (double)(j % 7)) / 300.0);
    return ((uint64_t)i << 32) | (uint64_t)j;
}

bool sal_delta_is_water(const sal_delta *delta, int64_t i)
{
    return delta->canal[i] <= 0.0f || delta->drain[i] <= 0.0f;
}

/* ---- geography ------------------------------------------------------------------------------------------------- */

typedef struct line_job {
    sal_delta *d;
    const float *field;
    uint8_t *seed;
    double direction[2], amplitude, spacing, half_width;
} line_job;

static double line_value(const line_job *job, int64_t row, int64_t column)
{
    return SAL_DELTA_PIXEL * ((double)column * job->direction[0] + (double)row * job->direction[1]) +
           job->amplitude * (double)job->field[row * job->d->size + column];
}

static void line_row(void *arg, int64_t row)
{
    const line_job *job = arg;
    const int64_t n = job->d->size;
    for (int64_t x = 0; x < n; x++) {
        int64_t west = x ? x - 1 : 0, east = x + 1 < n ? x + 1 : x, north = row ? row - 1 : 0,
                south = row + 1 < n ? row + 1 : row;
        double value = line_value(job, row, x);
        double gx =
            (line_value(job, row, east) - line_value(job, row, west)) / (SAL_DELTA_PIXEL * (double)(east - west));
        double gy =
            (line_value(job, south, x) - line_value(job, north, x)) / (SAL_DELTA_PIXEL * (double)(south - north));
        double off = fabs(value - job->spacing * nearbyint(value / job->spacing));
        job->seed[row * n + x] = off < job->half_width * sqrt(gx * gx + gy * gy);
    }
}

static void to_metres(void *arg, int64_t row)
{
    line_job *job = arg;
    float *out = job->half_width > 12 ? job->d->canal : job->d->drain;
    for (int64_t x = 0; x < job->d->size; x++) out[row * job->d->size + x] *= (float)SAL_DELTA_PIXEL;
}

/* Distance to winding parallel lines. */
static sal_status make_lines(sal_delta *d, const char *name, line_job job, float *scratch, float *out)
{
    sal_status status;
    job.d = d;
    job.field = scratch;
    SAL_TRY(sal_allocate(d->ctx, d->size * d->size, 1, &job.seed));
    SAL_TRY(fill(d, name, 0, 2000, 1.5, scratch));
    SAL_TRY(sal__plane_rows(d->ctx, d->size, line_row, &job));
    SAL_TRY(sal__plane_distance(d->ctx, job.seed, d->size, out));
    SAL_TRY(sal__plane_rows(d->ctx, d->size, to_metres, &job));
done:
    sal_release(d->ctx, job.seed);
    return status;
}

static void coast_row(void *arg, int64_t row)
{
    sal_delta *d = arg;
    for (int64_t x = 0; x < d->size; x++) {
        float *c = &d->coast[row * d->size + x];
        *c = (float)(SAL_DELTA_PIXEL * ((double)x * inland[0] + (double)row * inland[1]) + 900.0 * (double)*c);
    }
}

/* All land: the nearest pixel lies 200 m from the sea. */
static sal_status make_coast(sal_delta *d)
{
    sal_status status = fill(d, "coast", 0, 2500, 1.5, d->coast);
    if (status == SAL_STATUS_OK) status = sal__plane_rows(d->ctx, d->size, coast_row, d);
    if (status != SAL_STATUS_OK) return status;
    float least = d->coast[0];
    for (int64_t i = 1; i < d->size * d->size; i++) least = fminf(least, d->coast[i]);
    for (int64_t i = 0; i < d->size * d->size; i++) d->coast[i] += 200.0f - least;
    return SAL_STATUS_OK;
}

/* ---- drivers --------------------------------------------------------------------------------------------------- */

/* The drivers before they are standardised; the product needs the others' moments and is left to the caller. */
static void raw_drivers(const sal_delta *d, int64_t i, double f[SAL_DELTA_DRIVERS])
{
    const double canal = (double)d->canal[i], belt = (canal - 190.0) / 130.0;
    f[SAL_DRIVER_COAST] = exp(-(double)d->coast[i] / 4500.0);
    f[SAL_DRIVER_SEEPAGE] = exp(-belt * belt);
    f[SAL_DRIVER_LEACHING] = -(0.75 * exp(-canal / 90.0) + 0.70 * exp(-(double)d->drain[i] / 110.0));
    f[SAL_DRIVER_RELIEF] = -tanh((double)d->relief[i] / SAL__RELIEF_SCALE);
    f[SAL_DRIVER_TEXTURE] = (double)d->texture[i];
    f[SAL_DRIVER_FIELD] =
        sal_random_normal(d->seed, sal_random_stream("management", 0, 0), sal__delta_parcel(i / d->size, i % d->size));
    f[SAL_DRIVER_COAST_RELIEF] = 0;
    f[SAL_DRIVER_UNEXPLAINED] = (double)d->unexplained[i];
}

static void add_product(const sal_delta *d, double f[SAL_DELTA_DRIVERS])
{
    f[SAL_DRIVER_COAST_RELIEF] = (f[SAL_DRIVER_COAST] - d->mean[SAL_DRIVER_COAST]) / d->sd[SAL_DRIVER_COAST] *
                                 (f[SAL_DRIVER_RELIEF] - d->mean[SAL_DRIVER_RELIEF]) / d->sd[SAL_DRIVER_RELIEF];
}

void sal_delta_contributions(const sal_delta *delta, int64_t i, double out[SAL_DELTA_DRIVERS])
{
    raw_drivers(delta, i, out);
    add_product(delta, out);
    for (int j = 0; j < SAL_DELTA_DRIVERS; j++)
        out[j] = SAL_DELTA_GAIN * weights[j] * (out[j] - delta->mean[j]) / delta->sd[j];
}

typedef struct moment_job {
    const sal_delta *d;
    double (*sums)[2 * SAL_DELTA_DRIVERS]; /* a row: sums, then sums of squares */
    bool product;
} moment_job;

static void moment_row(void *arg, int64_t row)
{
    const moment_job *job = arg;
    double f[SAL_DELTA_DRIVERS], *sum = job->sums[row];
    for (int64_t i = row * job->d->size; i < (row + 1) * job->d->size; i++) {
        raw_drivers(job->d, i, f);
        if (job->product) add_product(job->d, f);
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++) {
            sum[j] += f[j];
            sum[SAL_DELTA_DRIVERS + j] += f[j] * f[j];
        }
    }
}

static sal_status make_moments(sal_delta *d)
{
    sal_status status;
    moment_job job = { .d = d };
    const double count = (double)(d->size * d->size);
    for (int pass = 0; pass < 2; pass++) { /* the product needs the moments of its factors */
        SAL_TRY(sal_allocate(d->ctx, d->size, sizeof(*job.sums), &job.sums));
        job.product = pass == 1;
        SAL_TRY(sal__plane_rows(d->ctx, d->size, moment_row, &job));
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++) {
            double sum = 0, squares = 0;
            for (int64_t row = 0; row < d->size; row++) {
                sum += job.sums[row][j];
                squares += job.sums[row][SAL_DELTA_DRIVERS + j];
            }
            d->mean[j] = sum / count;
            d->sd[j] = sqrt(fmax(squares / count - d->mean[j] * d->mean[j], 1e-12));
        }
        sal_release(d->ctx, job.sums);
        job.sums = NULL;
    }
done:
    sal_release(d->ctx, job.sums);
    return status;
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static sal_status make(sal_delta *d, float *scratch)
{
    sal_status status;
    const double along[2] = { inland[1], -inland[0] }; /* along the coast: canals run inland */
    SAL_TRY(make_coast(d));
    SAL_TRY(sal_progress(d->ctx, 0.15, "canals and drains"));
    line_job canals = {
        .direction = {along[0], along[1]},
          .amplitude = 400, .spacing = 2600, .half_width = 14
    };
    SAL_TRY(make_lines(d, "canals", canals, scratch, d->canal));
    line_job drains = {
        .direction = {-0.31, 0.95},
          .amplitude = 250, .spacing = 1500, .half_width = 10
    };
    SAL_TRY(make_lines(d, "drains", drains, scratch, d->drain));
    SAL_TRY(sal_progress(d->ctx, 0.35, "relief"));
    SAL_TRY(sal__delta_relief(d, scratch));
    SAL_TRY(sal_progress(d->ctx, 0.65, "soils"));
    SAL_TRY(fill(d, "texture", 0, 1500, 1.0, d->texture));
    SAL_TRY(fill(d, "unexplained", 0, 450, 0.5, d->unexplained));
    SAL_TRY(fill(d, "roughness", 0, 250, 1.0, d->roughness));
    SAL_TRY(sal_progress(d->ctx, 0.85, "drivers of salinity"));
    SAL_TRY(make_moments(d));
done:
    return status;
}

sal_status sal_delta_new(sal_context *ctx, int64_t size, uint64_t seed, sal_delta **out)
{
    sal_status status;
    sal_delta *d = NULL;
    float *scratch = NULL;
    const int64_t pixels = size * size;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof(*d), &d));
    *d = (sal_delta){ .ctx = ctx, .size = size, .seed = seed, .campaign = -1 };
    float **planes[] = { &d->coast,  &d->canal,   &d->drain,       &d->elevation, &d->dem,
                         &d->relief, &d->texture, &d->unexplained, &d->roughness, &scratch };
    for (size_t i = 0; i < sizeof(planes) / sizeof(planes[0]); i++) {
        SAL_TRY(sal_allocate(ctx, pixels, sizeof(float), planes[i]));
        SAL_TRY(sal_progress(ctx, 0, NULL)); /* zeroing a large plane takes time */
    }
    SAL_TRY(make(d, scratch));
done:
    sal_release(ctx, scratch);
    if (status == SAL_STATUS_OK)
        *out = d;
    else
        sal_delta_free(d);
    return status;
}

void sal_delta_release_relief(sal_delta *delta)
{
    sal_release(delta->ctx, delta->elevation);
    sal_release(delta->ctx, delta->dem);
    delta->elevation = delta->dem = NULL;
}

void sal_delta_free(sal_delta *delta)
{
    if (!delta) return;
    float *planes[] = { delta->coast,    delta->canal,   delta->drain,       delta->elevation, delta->dem,
                        delta->relief,   delta->texture, delta->unexplained, delta->roughness, delta->field,
                        delta->salinity, delta->surface, delta->root,        delta->fertility, delta->moisture };
    for (size_t i = 0; i < sizeof(planes) / sizeof(planes[0]); i++) sal_release(delta->ctx, planes[i]);
    sal_release(delta->ctx, delta);
}
