/* series.c - the cloudy, noisy NDVI series of a year, and SOS, GUS, SDPS estimated from it.
 *
 * Every fifth day: LAI(t), NDVI from B04 and B08, noise .02; clouds cover 45 % (a smooth moving field, so gaps are clustered), and 5 %
 * of the clear looks keep a cloud that lowers NDVI by .1 to .4. Smoothing: Whittaker (Eilers 2003, doi 10.1021/ac034173t), second
 * differences, twice, the second time with less weight for what lies below the first curve.
 * SOS = first day at base + .2 amplitude before the first main peak, SDPS at + .9, GUS = slope from .2 to .8 in 1/day.
 * Sixteen pixels run side by side. Logistic edges need no exp per day: at equal steps exp(-(t - a) / b) is a geometric sequence.
 */
#include "series_private.h"
#include "plane.h"
#include "random_field.h"
#include <math.h>

static sal_status make_clouds(sal_delta_series *s)
{
    sal_status status = SAL_STATUS_OK;
    const int64_t nodes = s->coarse * s->coarse;
    const uint64_t year = (uint64_t)sal_delta_campaigns[s->d->campaign].year;
    for (uint64_t t = 0; t < DATES; t++) {
        float *now = s->clouds + (int64_t)t * nodes, *before = now - nodes;
        sal_field_spec spec = { s->coarse,  SAL_DELTA_PIXEL * COARSE,
                                4000,       1.0,
                                s->d->seed, sal_random_stream("clouds", year, t) };
        SAL_TRY(sal_field_fill(s->d->ctx, &spec, now));
        if (t > 0)
            for (int64_t i = 0; i < nodes; i++) now[i] = 0.5f * before[i] + 0.8660254f * now[i]; /* weather lasts */
    }
done:
    return status;
}

sal_status sal_delta_series_new(const sal_delta *delta, sal_delta_series **out)
{
    sal_status status;
    sal_delta_series *s = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(delta->ctx, 1, sizeof(*s), &s));
    s->d = delta;
    s->coarse = (delta->size + COARSE - 1) / COARSE + 1;
    SAL_TRY(sal_allocate(delta->ctx, DATES * s->coarse * s->coarse, sizeof(float), &s->clouds));
    for (uint64_t t = 0; t < DATES; t++) {
        s->noise[t] = sal__noise_key(delta->seed, "series", (uint64_t)delta->campaign, t);
        s->residual[t] = sal__noise_key(delta->seed, "residual cloud", (uint64_t)delta->campaign, t);
    }
    for (int i = 0; i < TABLE; i++) {
        float lai = (float)i / TABLE_SCALE;
        s->p[i] = sal__canopy_p(lai);
        s->cover[i] = 1.0f - expf(-0.5f * lai);
    }
    SAL_TRY(make_clouds(s));
    *out = s;
    s = NULL;
done:
    sal_delta_series_free(s);
    return status;
}

void sal_delta_series_free(sal_delta_series *series)
{
    if (!series) return;
    sal_release(series->d->ctx, series->clouds);
    sal_release(series->d->ctx, series);
}

static void set_pixel(const sal_delta *d, const sal__crop_keys *crops, const sal__soil_keys *soils, int64_t i, int lane,
                      float first, float step, sal__block *b)
{
    sal__crop crop;
    sal__edge edges[4];
    float soil[SAL_DELTA_BANDS];
    sal__crop_at(d, crops, i, &crop);
    sal__crop_edges(&crop, edges);
    sal__soil_at(d, soils, i, soil);
    for (int k = 0; k < 4; k++) {
        b->edge[k][lane] = expf(fminf((edges[k].middle - first) / edges[k].width, 80.0f));
        b->ratio[k][lane] = expf(-step / edges[k].width);
    }
    bool water = sal_delta_is_water(d, i);
    b->first[lane] = water ? 0.0f : crop.lai_max;
    b->second[lane] = water ? 0.0f : crop.second_max;
    b->red[lane] = water ? sal__bands[2].water : soil[2];
    b->nir[lane] = water ? sal__bands[6].water : soil[6];
    b->w_red[lane] = sal__leaf_albedo(2, crop.chlorophyll);
    b->w_nir[lane] = sal__leaf_albedo(6, crop.chlorophyll);
    b->index[lane] = (uint32_t)i;
}

/* NDVI of the ground without clouds and noise; the logistic edges then stand at the next step. */
SAL__CLONES void sal__series_clear(const sal_delta_series *s, sal__block *b, float ndvi[LANES])
{
    float p[LANES], cover[LANES];
    for (int l = 0; l < LANES; l++) {
        float lai = 0.06f + b->first[l] / ((1.0f + b->edge[0][l]) * (1.0f + b->edge[1][l])) +
                    b->second[l] / ((1.0f + b->edge[2][l]) * (1.0f + b->edge[3][l]));
        int k = (int)(lai * TABLE_SCALE);
        k = k < TABLE ? k : TABLE - 1;
        p[l] = s->p[k];
        cover[l] = s->cover[k];
    }
    for (int l = 0; l < LANES; l++) {
        float q = 0.52f * (1.0f - p[l]);
        float red = b->red[l] + cover[l] * (q * b->w_red[l] / (1.0f - p[l] * b->w_red[l]) - b->red[l]);
        float nir = b->nir[l] + cover[l] * (q * b->w_nir[l] / (1.0f - p[l] * b->w_nir[l]) - b->nir[l]);
        ndvi[l] = (nir - red) / (nir + red);
    }
    for (int k = 0; k < 4; k++)
        for (int l = 0; l < LANES; l++) b->edge[k][l] *= b->ratio[k][l];
}

SAL__CLONES static void observe(const sal_delta_series *s, int64_t row, int64_t column, sal__block *b)
{
    const int64_t n = s->coarse;
    const float fy = (float)(row % COARSE) / COARSE;
    const float *cloud =
        s->clouds + row / COARSE * n + column / COARSE; /* LANES == COARSE: one cell of the cloud grid */
    for (int t = 0; t < DATES; t++, cloud += n * n) {
        const float left = cloud[0] + fy * (cloud[n] - cloud[0]), right = cloud[1] + fy * (cloud[n + 1] - cloud[1]);
        const uint32_t noise = s->noise[t], residual = s->residual[t];
        float clear[LANES];
        sal__series_clear(s, b, clear);
        for (int l = 0; l < LANES; l++) {
            float u = sal__noise_uniform(residual, b->index[l]);
            float haze = u < 0.05f ? 0.1f + 6.0f * u : 0.0f; /* u / .05 is uniform again */
            b->y[t][l] = clear[l] + 0.02f * sal__noise_normal(noise, b->index[l]) - haze;
            float c = left + (right - left) * ((float)l / LANES);
            b->w[t][l] = c > CLOUD_LEVEL ? 0.0f : 1.0f;
        }
    }
}

/* (W + LAMBDA D'D) z = W y, D second differences, by L D L' of the five diagonals. A tiny weight keeps it regular when all is cloudy. */
SAL__CLONES static void whittaker(sal__block *b)
{
    for (int t = 0; t < DATES; t++) {
        float inner = t == 0 || t == DATES - 1 ? 1.0f : t == 1 || t == DATES - 2 ? 5.0f : 6.0f;
        float beside = t == 0 || t == DATES - 2 ? -2.0f : -4.0f;
        for (int l = 0; l < LANES; l++) {
            float c1 = t > 0 ? b->c[t - 1][l] : 0.0f, d1 = t > 0 ? b->d[t - 1][l] : 0.0f,
                  e1 = t > 0 ? b->e[t - 1][l] : 0.0f;
            float e2 = t > 1 ? b->e[t - 2][l] : 0.0f, d2 = t > 1 ? b->d[t - 2][l] : 0.0f;
            float z1 = t > 0 ? b->z[t - 1][l] : 0.0f, z2 = t > 1 ? b->z[t - 2][l] : 0.0f;
            float w = b->w[t][l] + 1e-4f, d = w + LAMBDA * inner - c1 * c1 * d1 - e2 * e2 * d2;
            b->d[t][l] = d;
            b->c[t][l] = (LAMBDA * beside - d1 * c1 * e1) / d;
            b->e[t][l] = LAMBDA / d;
            b->z[t][l] = w * b->y[t][l] - c1 * z1 - e2 * z2;
        }
    }
    for (int t = DATES - 1; t >= 0; t--)
        for (int l = 0; l < LANES; l++) {
            float z = b->z[t][l] / b->d[t][l];
            if (t < DATES - 1) z -= b->c[t][l] * b->z[t + 1][l];
            if (t < DATES - 2) z -= b->e[t][l] * b->z[t + 2][l];
            b->z[t][l] = z;
        }
}

/* Looks that lie below the curve are probably clouds: bisquare weight with limit .12. */
SAL__CLONES static void doubt(sal__block *b)
{
    for (int t = 0; t < DATES; t++)
        for (int l = 0; l < LANES; l++) {
            float below = (b->z[t][l] - b->y[t][l]) * (1.0f / 0.12f);
            float keep = 1.0f - below * below;
            keep = keep > 0.0f ? keep * keep : 0.0f;
            b->w[t][l] *= below > 0.0f ? keep : 1.0f;
        }
}

static float crossing(const sal__block *b, int lane, int from, int to, float level)
{
    for (int t = from + 1; t <= to; t++)
        if (b->z[t][lane] >= level && b->z[t - 1][lane] < level) {
            float part = (level - b->z[t - 1][lane]) / (b->z[t][lane] - b->z[t - 1][lane]);
            return FIRST_DAY + STEP * ((float)(t - 1) + part);
        }
    return FIRST_DAY + STEP * (float)from;
}

/* The first peak that reaches three quarters of the year's range; the base is the lowest value before it. */
static void metrics(const sal__block *b, int lane, float out[3])
{
    float low = b->z[0][lane], high = low;
    for (int t = 1; t < DATES; t++) {
        low = fminf(low, b->z[t][lane]);
        high = fmaxf(high, b->z[t][lane]);
    }
    const float main_peak = low + 0.75f * (high - low);
    int peak = 1, base = 0;
    for (; peak < DATES - 1; peak++) {
        float z = b->z[peak][lane];
        if (z >= main_peak && z >= b->z[peak - 1][lane] && z >= b->z[peak + 1][lane]) break;
    }
    for (int t = 1; t < peak; t++)
        if (b->z[t][lane] < b->z[base][lane]) base = t;
    float from = b->z[base][lane], range = fmaxf(b->z[peak][lane] - from, 0.0f); /* 0 where nothing ever grows */
    float start = crossing(b, lane, base, peak, from + 0.2f * range),
          steep = crossing(b, lane, base, peak, from + 0.8f * range);
    out[0] = start;
    out[1] = 0.6f * range / fmaxf(steep - start, 1.0f);
    out[2] = crossing(b, lane, base, peak, from + 0.9f * range);
}

void sal__series_block(const sal__series_job *job, int64_t row, int64_t x, float first, float step, sal__block *b)
{
    const sal_delta *d = job->series->d;
    const int64_t count = d->size - x < LANES ? d->size - x : LANES;
    for (int l = 0; l < LANES; l++)
        set_pixel(d, &job->crops, &job->soils, row * d->size + x + (l < count ? l : 0), l, first, step, b);
}

static void phenology_row(void *arg, int64_t r)
{
    const sal__series_job *job = arg;
    const int64_t n = job->series->d->size, row = job->row + r;
    sal__block b = { 0 };
    for (int64_t x = 0; x < n; x += LANES) {
        const int count = n - x < LANES ? (int)(n - x) : LANES;
        sal__series_block(job, row, x, FIRST_DAY, STEP, &b);
        observe(job->series, row, x, &b);
        whittaker(&b);
        doubt(&b);
        whittaker(&b);
        for (int l = 0; l < count; l++) metrics(&b, l, job->out + (r * n + x + l) * 3);
    }
}

/* What the satellite saw, NaN under clouds: out (rows, size, DATES). */
static void ndvi_row(void *arg, int64_t r)
{
    const sal__series_job *job = arg;
    const int64_t n = job->series->d->size, row = job->row + r;
    sal__block b = { 0 };
    for (int64_t x = 0; x < n; x += LANES) {
        const int count = n - x < LANES ? (int)(n - x) : LANES;
        sal__series_block(job, row, x, FIRST_DAY, STEP, &b);
        observe(job->series, row, x, &b);
        for (int l = 0; l < count; l++)
            for (int t = 0; t < DATES; t++)
                job->out[(r * n + x + l) * DATES + t] = b.w[t][l] > 0.0f ? b.y[t][l] : NAN;
    }
}

static sal_status rows_of(const sal_delta_series *series, int64_t row, int64_t rows, float *out, void (*task)(void *, int64_t))
{
    sal__series_job job = { series, row, sal__crop_keys_of(series->d), sal__soil_keys_of(series->d), out };
    return sal__plane_rows(series->d->ctx, rows, task, &job);
}

sal_status sal_delta_phenology(const sal_delta_series *series, int64_t row, int64_t rows, float *out)
{
    return rows_of(series, row, rows, out, phenology_row);
}

sal_status sal_delta_ndvi(const sal_delta_series *series, int64_t row, int64_t rows, float *out)
{
    return rows_of(series, row, rows, out, ndvi_row);
}

sal_status sal_delta_season(const sal_delta_series *series, int64_t row, int64_t rows, float *out)
{
    return rows_of(series, row, rows, out, sal__season_row);
}
