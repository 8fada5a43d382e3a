/* plane.c - distance transform and box means of square planes.
 *
 * Distance: a vertical sweep gives the distance within each column, then every row takes the lower envelope of the parabolas
 * g(x')^2 + (x - x')^2. Box mean: running sums in double, first along rows, then along columns.
 */
#include "plane.h"
#include <math.h>

enum { ROWS_A_CHUNK = 16, COLUMNS_A_CHUNK = 64 };

typedef struct row_job {
    sal_row_task task;
    void *arg;
    int64_t size;
} row_job;

static void run_rows(void *arg, int64_t chunk, int32_t worker)
{
    const row_job *job = arg;
    (void)worker;
    int64_t end = (chunk + 1) * ROWS_A_CHUNK < job->size ? (chunk + 1) * ROWS_A_CHUNK : job->size;
    for (int64_t row = chunk * ROWS_A_CHUNK; row < end; row++) job->task(job->arg, row);
}

sal_status sal__plane_rows(sal_context *ctx, int64_t size, sal_row_task task, void *arg)
{
    row_job job = { task, arg, size };
    return sal_pool_try(ctx, (size + ROWS_A_CHUNK - 1) / ROWS_A_CHUNK, run_rows, &job);
}

typedef struct plane_job {
    const uint8_t *seed;
    const float *in;
    float *out;
    int64_t size, radius;
    double *scratch; /* (threads, 2, size + 1) */
    int64_t *hulls;  /* (threads, size) */
} plane_job;

static void sweep_columns(void *arg, int64_t chunk, int32_t worker)
{
    const plane_job *job = arg;
    (void)worker;
    const int64_t n = job->size, from = chunk * COLUMNS_A_CHUNK,
                  to = from + COLUMNS_A_CHUNK < n ? from + COLUMNS_A_CHUNK : n;
    const float far = 2.0f * (float)n;
    for (int64_t y = 0; y < n; y++)
        for (int64_t x = from; x < to; x++) {
            float above = y ? job->out[(y - 1) * n + x] + 1.0f : far;
            job->out[y * n + x] = job->seed[y * n + x] ? 0.0f : fminf(above, far);
        }
    for (int64_t y = n - 2; y >= 0; y--)
        for (int64_t x = from; x < to; x++)
            job->out[y * n + x] = fminf(job->out[y * n + x], job->out[(y + 1) * n + x] + 1.0f);
}

static void envelope_row(void *arg, int64_t y, int32_t worker)
{
    const plane_job *job = arg;
    const int64_t n = job->size;
    double *f = job->scratch + (int64_t)worker * 2 * (n + 1), *border = f + n + 1;
    int64_t *hull = job->hulls + (int64_t)worker * n, last = 0;
    float *row = job->out + y * n;
    for (int64_t x = 0; x < n; x++) f[x] = (double)row[x] * row[x];
    hull[0] = 0;
    border[0] = -INFINITY;
    for (int64_t x = 1; x < n; x++) {
        double s;
        for (;;) {
            int64_t v = hull[last];
            s = ((f[x] + (double)(x * x)) - (f[v] + (double)(v * v))) / (2.0 * (double)(x - v));
            if (s > border[last]) break;
            last--;
        }
        hull[++last] = x;
        border[last] = s;
    }
    for (int64_t x = 0, k = 0; x < n; x++) {
        while (k < last && border[k + 1] < (double)x) k++;
        double d = (double)(x - hull[k]);
        row[x] = fminf((float)sqrt(d * d + f[hull[k]]), 2.0f * (float)n);
    }
}

sal_status sal__plane_distance(sal_context *ctx, const uint8_t *seed, int64_t size, float *out)
{
    sal_status status;
    plane_job job = { .seed = seed, .out = out, .size = size };
    int64_t threads = sal_context_threads(ctx);
    SAL_TRY(sal_allocate(ctx, threads * 2 * (size + 1), sizeof(double), &job.scratch));
    SAL_TRY(sal_allocate(ctx, threads * size, sizeof(int64_t), &job.hulls));
    SAL_TRY(sal_pool_try(ctx, (size + COLUMNS_A_CHUNK - 1) / COLUMNS_A_CHUNK, sweep_columns, &job));
    SAL_TRY(sal_pool_try(ctx, size, envelope_row, &job));
done:
    sal_release(ctx, job.scratch);
    sal_release(ctx, job.hulls);
    return status;
}

static void mean_row(void *arg, int64_t y, int32_t worker)
{
    const plane_job *job = arg;
    const int64_t n = job->size, r = job->radius;
    double *sum = job->scratch + (int64_t)worker * (n + 1);
    sum[0] = 0;
    for (int64_t x = 0; x < n; x++) sum[x + 1] = sum[x] + (double)job->in[y * n + x];
    for (int64_t x = 0; x < n; x++) {
        int64_t from = x > r ? x - r : 0, to = x + r + 1 < n ? x + r + 1 : n;
        job->out[y * n + x] = (float)((sum[to] - sum[from]) / (double)(to - from));
    }
}

/* The values that leave the running window are needed after they were overwritten, so a ring keeps 2 r + 1 rows of them. */
static void mean_columns(void *arg, int64_t chunk, int32_t worker)
{
    const plane_job *job = arg;
    const int64_t n = job->size, r = job->radius, ring = 2 * r + 1;
    const int64_t from = chunk * COLUMNS_A_CHUNK, width = from + COLUMNS_A_CHUNK < n ? COLUMNS_A_CHUNK : n - from;
    double *kept = job->scratch + (int64_t)worker * ring * COLUMNS_A_CHUNK, sum[COLUMNS_A_CHUNK] = { 0 };
    for (int64_t y = -r; y < n; y++) {
        int64_t enters = y + r, leaves = y - r - 1;
        if (leaves >= 0)
            for (int64_t i = 0; i < width; i++) sum[i] -= kept[leaves % ring * COLUMNS_A_CHUNK + i];
        if (enters < n)
            for (int64_t i = 0; i < width; i++) {
                double value = (double)job->out[enters * n + from + i];
                kept[enters % ring * COLUMNS_A_CHUNK + i] = value;
                sum[i] += value;
            }
        if (y < 0) continue;
        int64_t first = y > r ? y - r : 0, end = y + r + 1 < n ? y + r + 1 : n;
        for (int64_t i = 0; i < width; i++) job->out[y * n + from + i] = (float)(sum[i] / (double)(end - first));
    }
}

sal_status sal__plane_box_mean(sal_context *ctx, const float *in, int64_t size, int64_t radius, float *out)
{
    sal_status status;
    plane_job job = { .in = in, .out = out, .size = size, .radius = radius };
    int64_t threads = sal_context_threads(ctx), row = size + 1, ring = (2 * radius + 1) * COLUMNS_A_CHUNK;
    SAL_TRY(sal_allocate(ctx, threads * (row > ring ? row : ring), sizeof(double), &job.scratch));
    SAL_TRY(sal_pool_try(ctx, size, mean_row, &job));
    SAL_TRY(sal_pool_try(ctx, (size + COLUMNS_A_CHUNK - 1) / COLUMNS_A_CHUNK, mean_columns, &job));
done:
    sal_release(ctx, job.scratch);
    return status;
}
