/* forms.c - standardising, and what is evaluated when no trees are: lines and sums of kernels, with the samples innermost.
 */
#include "baseline_private.h"
#include "kernels/lanes.h"
#include "kernels/vector_math.h"
#include <math.h>
#include <string.h>

enum { LANES = SAL_BASELINE_LANES, VECTORS = 64 }; /* kernels that are evaluated together */

double sal__mean(int64_t n, const double *y)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += y[i];
    return sum / (double)n;
}

/* Mean and inverse standard deviation (n) of the finite values of covariate k; both 0 where there are none. */
static void statistics(const sal_baseline_rows *r, int64_t k, double *mean, double *inverse)
{
    double sum = 0, square = 0, n = 0;
    for (int64_t i = 0; i < r->n; i++) {
        double v = (double)r->x[i * r->p + k];
        if (isfinite(v)) sum += v, n++;
    }
    *mean = n > 0 ? sum / n : 0;
    for (int64_t i = 0; i < r->n; i++) {
        double d = (double)r->x[i * r->p + k] - *mean;
        if (isfinite(d)) square += d * d;
    }
    double sd = n > 0 ? sqrt(square / n) : 0;
    *inverse = sd > 1e-9 * (fabs(*mean) + 1e-6) ? 1 / sd : 0;
}

sal_status sal__standardise(const sal__fitting *f, sal_baseline *out, double **z)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = f->rows.n, p = f->rows.p;
    const double most = (double)SAL_BASELINE_CLIP;
    *z = NULL;
    SAL_TRY(sal_allocate(out->ctx, p, sizeof(float), &out->mean));
    SAL_TRY(sal_allocate(out->ctx, p, sizeof(float), &out->scale));
    SAL_TRY(sal_allocate(f->ctx, n * p, sizeof **z, z));
    for (int64_t k = 0; k < p; k++) {
        double mean, inverse;
        statistics(&f->rows, k, &mean, &inverse);
        out->mean[k] = (float)mean, out->scale[k] = (float)inverse;
        for (int64_t i = 0; i < n; i++) {
            double v = ((double)f->rows.x[i * p + k] - (double)out->mean[k]) * (double)out->scale[k];
            (*z)[i * p + k] = !isfinite(v) ? 0 : v > most ? most : v < -most ? -most : v;
        }
    }
done:
    return status;
}

sal_status sal__baseline_line(sal_baseline *b, const double *weight, double intercept)
{
    sal_status status = sal_allocate(b->ctx, b->p, sizeof(float), &b->weight);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t k = 0; k < b->p; k++) b->weight[k] = (float)weight[k];
    b->count = 1;
    b->intercept = intercept;
    return status;
}

sal_status sal__baseline_kernels(sal_baseline *b, int64_t count, const double *vectors, const double *weight, double gamma, double intercept)
{
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_allocate(b->ctx, count * b->p, sizeof(float), &b->vector));
    SAL_TRY(sal_allocate(b->ctx, count, sizeof(float), &b->weight));
    for (int64_t v = 0; v < count; v++) {
        b->weight[v] = (float)weight[v];
        for (int64_t k = 0; k < b->p; k++) b->vector[k * count + v] = (float)vectors[v * b->p + k];
    }
    b->count = count;
    b->gamma = gamma;
    b->intercept = intercept;
    SAL_TRY(sal__baseline_prepare(b));
done:
    return status;
}

/* In groups of VECTORS, (p, VECTORS) each, the last filled up with vectors of weight 0: -gamma |z - v|^2 = 2 gamma z'v - gamma |v|^2 - gamma |z|^2. */
sal_status sal__baseline_prepare(sal_baseline *b)
{
    sal_status status = SAL_STATUS_OK;
    int64_t groups = (b->count + VECTORS - 1) / VECTORS;
    SAL_TRY(sal_allocate(b->ctx, groups * VECTORS * b->p, sizeof(float), &b->scaled));
    SAL_TRY(sal_allocate(b->ctx, 2 * groups * VECTORS, sizeof(float), &b->offset)); /* offsets, then weights, both filled up */
    for (int64_t v = 0; v < b->count; v++) {
        double square = 0;
        for (int64_t k = 0; k < b->p; k++) {
            double value = (double)b->vector[k * b->count + v];
            square += value * value;
            b->scaled[(v / VECTORS * b->p + k) * VECTORS + v % VECTORS] = (float)(2 * b->gamma * value);
        }
        b->offset[v] = (float)(-b->gamma * square);
        b->offset[groups * VECTORS + v] = b->weight[v];
    }
done:
    return status;
}

static void standard_block(const sal_baseline *b, float *block)
{
    for (int64_t k = 0; k < b->p; k++) {
        float *v = block + k * LANES, mean = b->mean[k], scale = b->scale[k];
        for (int64_t i = 0; i < LANES; i++) {
            float z = (v[i] - mean) * scale;
            z = fabsf(z) < INFINITY ? z : 0; /* missing: the mean of the training rows */
            z = z < SAL_BASELINE_CLIP ? z : SAL_BASELINE_CLIP;
            v[i] = z > -SAL_BASELINE_CLIP ? z : -SAL_BASELINE_CLIP;
        }
    }
}

/* scratch: (VECTORS, LANES) kernels, then (LANES) norms and (LANES) a partial sum. */
static void kernel_block(const sal_baseline *b, const float *block, float *scratch, float *out)
{
    int64_t groups = (b->count + VECTORS - 1) / VECTORS;
    float *norm = scratch + VECTORS * LANES, *part = norm + LANES, gamma = (float)b->gamma;
    memset(norm, 0, LANES * sizeof *norm);
    memset(out, 0, LANES * sizeof *out);
    for (int64_t k = 0; k < b->p; k++)
        for (int64_t i = 0; i < LANES; i++) norm[i] += block[k * LANES + i] * block[k * LANES + i];
    for (int64_t g = 0; g < groups; g++) {
        sal_lanes_dense(LANES, b->p, VECTORS, block, b->scaled + g * VECTORS * b->p, b->offset + g * VECTORS, NULL, scratch);
        for (int64_t v = 0; v < VECTORS; v++) {
            for (int64_t i = 0; i < LANES; i++) {
                float e = scratch[v * LANES + i] - gamma * norm[i];
                scratch[v * LANES + i] = e < 0 ? e : 0; /* rounding must not give a distance below 0 */
            }
        }
        sal_math_exp(VECTORS * LANES, scratch, scratch);
        sal_lanes_dense(LANES, VECTORS, 1, scratch, b->offset + (groups + g) * VECTORS, NULL, NULL, part);
        for (int64_t i = 0; i < LANES; i++) out[i] += part[i];
    }
}

int64_t sal_baseline_scratch(const sal_baseline *b) { return b->method->form == SAL__FORM_KERNEL ? (VECTORS + 2) * LANES : 1; }

void sal_baseline_predict_lanes(const sal_baseline *b, float *block, float *scratch, float *out)
{
    if (b->method->form == SAL__FORM_TREES) {
        sal_trees_predict(b->trees, LANES, block, out);
    } else {
        standard_block(b, block);
        if (b->method->form == SAL__FORM_KERNEL) kernel_block(b, block, scratch, out);
        else sal_lanes_dense(LANES, b->p, 1, block, b->weight, NULL, NULL, out);
    }
    for (int64_t i = 0; i < LANES; i++) out[i] += (float)b->intercept;
}
