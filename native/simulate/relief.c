/* relief.c - the ground of the digital delta and the DEM a user is given.
 *
 * A plain that rises inland, two scales of relief, banks beside canals and drains and the cuts themselves. The delivered DEM is what a
 * radar DEM of 30 m would show, brought to 10 m: it blurs the banks and buries the smallest relief in correlated noise.
 */
#include "delta_private.h"
#include "plane.h"
#include <math.h>

typedef struct relief_job {
    sal_delta *d;
    const float *field;
    float amplitude, farthest;
} relief_job;

static void base_row(void *arg, int64_t row)
{
    const relief_job *job = arg;
    sal_delta *d = job->d;
    for (int64_t i = row * d->size; i < (row + 1) * d->size; i++) {
        float c = d->canal[i], r = d->drain[i];
        float dike = (c - 35) / 15, bank = (r - 25) / 12, cut = c / 14, ditch = r / 12;
        d->elevation[i] = 0.8f + 7.0f * powf(d->coast[i] / job->farthest, 0.8f) + 1.2f * expf(-dike * dike) +
                          0.5f * expf(-bank * bank) - 1.6f * expf(-cut * cut) - 1.2f * expf(-ditch * ditch);
    }
}

static void add_row(void *arg, int64_t row)
{
    const relief_job *job = arg;
    for (int64_t i = row * job->d->size; i < (row + 1) * job->d->size; i++)
        job->d->elevation[i] += job->amplitude * job->field[i];
}

static void relative_row(void *arg, int64_t row)
{
    sal_delta *d = arg;
    for (int64_t i = row * d->size; i < (row + 1) * d->size; i++) d->relief[i] = d->elevation[i] - d->relief[i];
}

static void dem_noise_row(void *arg, int64_t row)
{
    const relief_job *job = arg;
    for (int64_t i = row * job->d->size; i < (row + 1) * job->d->size; i++) job->d->dem[i] += 0.20f * job->field[i];
}

sal_status sal__delta_relief(sal_delta *d, float *scratch)
{
    sal_status status;
    relief_job job = { .d = d, .field = scratch, .farthest = 20000.0f };
    for (int64_t i = 0; i < d->size * d->size; i++) job.farthest = fmaxf(job.farthest, d->coast[i]);
    SAL_TRY(sal__plane_rows(d->ctx, d->size, base_row, &job));
    SAL_TRY(sal__delta_field(d, "relief", 1800, 1.5, scratch));
    job.amplitude = 0.55f;
    SAL_TRY(sal__plane_rows(d->ctx, d->size, add_row, &job));
    SAL_TRY(sal__delta_field(d, "hummocks", 180, 1.5, scratch));
    job.amplitude = 0.22f;
    SAL_TRY(sal__plane_rows(d->ctx, d->size, add_row, &job));
    SAL_TRY(sal__plane_box_mean(d->ctx, d->elevation, d->size, 32, d->relief));
    SAL_TRY(sal__plane_rows(d->ctx, d->size, relative_row, d));
    SAL_TRY(sal__plane_box_mean(d->ctx, d->elevation, d->size, 1, d->dem)); /* a radar DEM of 30 m ... */
    SAL_TRY(sal__delta_field(d, "dem noise", 60, 0.5, scratch));
    SAL_TRY(sal__plane_rows(d->ctx, d->size, dem_noise_row, &job));
    SAL_TRY(sal__plane_box_mean(d->ctx, d->dem, d->size, 1, d->dem)); /* ... brought to 10 m */
done:
    return status;
}
