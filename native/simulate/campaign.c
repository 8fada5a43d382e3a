/* campaign.c - what a campaign adds: season, true salinity, the sensor's view of it, moisture; and the field samples.
 *
 * The sensor sees the surface crust and the root zone, not the 0-20 cm sample: both are S exp(1.05 (.75 field(130 m) + .66 white)),
 * independently. That mismatch, not instrument noise, is what limits retrieval from spectra alone.
 */
#include "delta.h"
#include "delta_private.h"
#include "noise.h"
#include "plane.h"
#include <math.h>

double sal_delta_salinity(double eta) { return 41.0 * (1.0 - exp(-exp(eta) / 41.0)); }

void sal_delta_campaign_contributions(const sal_delta *delta, int64_t i, double out[2])
{
    uint64_t stream = sal_random_stream("nugget", (uint64_t)delta->campaign, 0);
    out[0] = SAL_DELTA_GAIN * (sal_delta_campaigns[delta->campaign].season + 0.18 * (double)delta->field[i]);
    out[1] = SAL_DELTA_NUGGET * sal_random_normal(delta->seed, stream, (uint64_t)i);
}

typedef struct enter_job {
    sal_delta *d;
    uint64_t surface, root, fertility_field, fertility;
    float rain;
    float *patches;
} enter_job;

static void salinity_row(void *arg, int64_t row)
{
    const enter_job *job = arg;
    sal_delta *d = job->d;
    double f[SAL_DELTA_DRIVERS], c[2];
    for (int64_t i = row * d->size; i < (row + 1) * d->size; i++) {
        sal_delta_contributions(d, i, f);
        sal_delta_campaign_contributions(d, i, c);
        double eta = SAL_DELTA_MEAN + c[0] + c[1];
        for (int j = 0; j < SAL_DELTA_DRIVERS; j++) eta += f[j];
        d->salinity[i] = (float)sal_delta_salinity(eta);
    }
}

static float seen(const sal_delta *d, uint64_t stream, int64_t i, float field)
{
    double white = sal_random_normal(d->seed, stream, (uint64_t)i);
    return d->salinity[i] * expf((float)SAL__MISMATCH * (0.75f * field + 0.66f * (float)white));
}

static void sensor_row(void *arg, int64_t row)
{
    const enter_job *job = arg;
    sal_delta *d = job->d;
    for (int64_t x = 0; x < d->size; x++) {
        int64_t i = row * d->size + x;
        d->surface[i] = seen(d, job->surface, i, d->surface[i]);
        d->root[i] = seen(d, job->root, i, d->root[i]);
        double parcel = sal_random_normal(d->seed, job->fertility_field, sal__delta_parcel(row, x));
        double white = sal_random_normal(d->seed, job->fertility, (uint64_t)i);
        d->fertility[i] = (d->fertility[i] + (float)parcel + (float)white) * 0.57735f;
    }
}

static void moisture_row(void *arg, int64_t row)
{
    const enter_job *job = arg;
    sal_delta *d = job->d;
    const sal__crop_keys keys = sal__crop_keys_of(d);
    const int32_t day = sal_delta_campaigns[d->campaign].day;
    for (int64_t i = row * d->size; i < (row + 1) * d->size; i++) {
        sal__crop crop;
        sal__crop_at(d, &keys, i, &crop);
        float relief = (float)fmax(-3, fmin(3, (double)d->relief[i] / SAL__RELIEF_SCALE));
        float flooded = crop.type == SAL__RICE && day > 140 && day < 250 ? 0.10f : 0.0f;
        float m = 0.16f + 0.05f * d->moisture[i] + 0.03f * job->patches[i] - 0.022f * relief +
                  0.05f * expf(-d->canal[i] / 150.0f) + 0.03f * d->texture[i] +
                  0.06f * d->surface[i] / (d->surface[i] + 12.0f) + flooded + job->rain;
        d->moisture[i] = fminf(fmaxf(m, 0.02f), 0.50f);
    }
}

static sal_status allocate_planes(sal_delta *d)
{
    float **planes[] = { &d->field, &d->salinity, &d->surface, &d->root, &d->fertility, &d->moisture };
    for (size_t i = 0; i < sizeof(planes) / sizeof(planes[0]); i++) {
        if (*planes[i]) continue;
        sal_status status = sal_allocate(d->ctx, d->size * d->size, sizeof(float), planes[i]);
        if (status == SAL_STATUS_OK) status = sal_progress(d->ctx, 0, NULL);
        if (status != SAL_STATUS_OK) return status;
    }
    return SAL_STATUS_OK;
}

sal_status sal_delta_enter(sal_delta *delta, int32_t campaign)
{
    sal_status status;
    sal_delta *d = delta;
    enter_job job = { .d = d };
    const uint64_t c = (uint64_t)campaign, year = (uint64_t)sal_delta_campaigns[campaign].year;
    d->campaign = campaign;
    SAL_TRY(allocate_planes(d));
    SAL_TRY(sal__delta_field(d, "campaign", 900, 1.0, d->field));
    SAL_TRY(sal__plane_rows(d->ctx, d->size, salinity_row, &job));
    SAL_TRY(sal_progress(d->ctx, 0.3, NULL));
    job.surface = sal_random_stream("surface", c, 1);
    job.root = sal_random_stream("root", c, 1);
    job.fertility = sal_random_stream("fertility", c, 1);
    job.fertility_field = sal_random_stream("fertility of parcels", year, 0);
    SAL_TRY(sal__delta_field(d, "surface", 130, 0.5, d->surface));
    SAL_TRY(sal__delta_field(d, "root", 130, 0.5, d->root));
    SAL_TRY(sal__delta_field(d, "fertility", 350, 1.0, d->fertility));
    SAL_TRY(sal_progress(d->ctx, 0.6, NULL));
    SAL_TRY(sal__plane_rows(d->ctx, d->size, sensor_row, &job));
    SAL_TRY(sal_allocate(d->ctx, d->size * d->size, sizeof(float), &job.patches));
    SAL_TRY(sal__delta_field(d, "moisture", 1200, 1.0, d->moisture));
    SAL_TRY(sal__delta_field(d, "wet patches", 120, 1.0, job.patches));
    job.rain = (float)(0.02 * sal_random_normal(d->seed, sal_random_stream("rain", c, 0), 0));
    SAL_TRY(sal__plane_rows(d->ctx, d->size, moisture_row, &job));
    SAL_TRY(sal_progress(d->ctx, 1.0, NULL));
done:
    sal_release(d->ctx, job.patches);
    return status;
}

/* ---- samples --------------------------------------------------------------------------------------------------- */

enum { CLUSTER = 4, EDGE = 33 }; /* pixels: a 65 x 65 window around every sample stays inside */

static bool is_free(const sal_delta *d, const sal_delta_point *points, int64_t count, int32_t campaign, int64_t column,
                    int64_t row)
{
    int64_t edge = d->size >= 4 * EDGE ? EDGE : 0;
    if (column < edge || row < edge || column >= d->size - edge || row >= d->size - edge) return false;
    if (sal_delta_is_water(d, row * d->size + column)) return false;
    for (int64_t i = count - 1; i >= 0 && points[i].campaign == campaign; i--)
        if (points[i].column == column && points[i].row == row) return false;
    return true;
}

sal_status sal_delta_place(const sal_delta *delta, int64_t campaigns, int64_t count, sal_delta_point *points)
{
    int64_t total = 0, before = 0, placed = 0;
    for (int64_t c = 0; c < campaigns; c++) total += sal_delta_campaigns[c].samples;
    for (int64_t c = 0; c < campaigns; c++) {
        const uint64_t stream = sal_random_stream("samples", (uint64_t)c, 0);
        uint64_t draw = 0;
        before += sal_delta_campaigns[c].samples;
        int64_t end = (count * before + total / 2) / total, column = 0, row = 0;
        for (int64_t member = 0, tries = 0; placed < end; tries++) {
            if (tries > 1000 * (count + 10))
                return sal_fail(
                    delta->ctx, SAL_STATUS_DATA,
                    "%lld samples do not fit on a delta of %lld x %lld pixels; ask for fewer or a larger size",
                    (long long)count, (long long)delta->size, (long long)delta->size);
            if (member % CLUSTER == 0) {
                column = sal_random_below(delta->seed, stream, draw++, delta->size);
                row = sal_random_below(delta->seed, stream, draw++, delta->size);
            }
            int64_t x = column - 22 + sal_random_below(delta->seed, stream, draw++, 45);
            int64_t y = row - 22 + sal_random_below(delta->seed, stream, draw++, 45);
            if (!is_free(delta, points, placed, (int32_t)c, x, y)) {
                if (tries % 8 == 7) member = 0; /* a cluster that fell on water or beyond the edge is drawn anew */
                continue;
            }
            double dx = sal_random_uniform(delta->seed, stream, draw++) - 0.5,
                   dy = sal_random_uniform(delta->seed, stream, draw++) - 0.5;
            points[placed++] = (sal_delta_point){
                .campaign = (int32_t)c,
                .column = (int32_t)x,
                .row = (int32_t)y,
                .x = SAL_DELTA_WEST + SAL_DELTA_PIXEL * ((double)x + 0.5 + 0.6 * dx),
                .y = SAL_DELTA_SOUTH + SAL_DELTA_PIXEL * ((double)(delta->size - y) - 0.5 - 0.6 * dy),
            };
            member++;
        }
    }
    return SAL_STATUS_OK;
}

void sal_delta_measure(const sal_delta *delta, sal_delta_point *points, int64_t count)
{
    const uint64_t stream = sal_random_stream("laboratory", 0, 0);
    for (int64_t i = 0; i < count; i++) {
        if (points[i].campaign != delta->campaign) continue;
        const int64_t pixel = points[i].row * delta->size + points[i].column;
        double parts[2];
        sal_delta_contributions(delta, pixel, points[i].contributions);
        sal_delta_campaign_contributions(delta, pixel, parts);
        points[i].campaign_part = parts[0];
        points[i].nugget = parts[1];
        points[i].truth = (double)delta->salinity[pixel];
        points[i].salinity = points[i].truth * exp(0.06 * sal_random_normal(delta->seed, stream, (uint64_t)i));
    }
}
