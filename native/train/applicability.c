/* applicability.c - scaling, mean distance, index of the training samples, threshold, density; science.md 1.7.
 *
 * The traps: the mean distance is of all pairs and knows no folds, the index of a training sample is against those that train while it is
 * tested; the density counts distances strictly below the threshold.
 */
#include "train/applicability.h"
#include "train/metrics.h"
#include "applicability_private.h"
#include <math.h>
#include <string.h>

enum { CHUNK = 16 };

static double distance(const sal_applicability *a, const double *p, const double *q)
{
    double sum = 0;
    for (int64_t j = 0; j < a->p; j++) sum += (p[j] - q[j]) * (p[j] - q[j]);
    return sqrt(sum);
}

typedef struct pair_task {
    sal_applicability *a;
    const int32_t *fold;
    const uint8_t *train;
    double *mean; /* (n) distance of a sample to all others */
} pair_task;

static bool trains(const pair_task *t, int64_t i, int64_t j)
{
    return t->train ? t->train[t->fold[i] * t->a->n + j] != 0 : i != j;
}

/* Mean distance to all others, and the least one to those that train. */
static void measure(void *arg, int64_t chunk, int32_t worker)
{
    const pair_task *t = arg;
    const sal_applicability *a = t->a;
    (void)worker;
    int64_t end = chunk * CHUNK + CHUNK < a->n ? chunk * CHUNK + CHUNK : a->n;
    for (int64_t i = chunk * CHUNK; i < end; i++) {
        double sum = 0, least = INFINITY;
        for (int64_t j = 0; j < a->n; j++) {
            if (j == i) continue;
            double d = distance(a, a->points + i * a->p, a->points + j * a->p);
            sum += d;
            if (trains(t, i, j) && d < least) least = d;
        }
        t->mean[i] = sum / (double)(a->n - 1);
        a->di[i] = isfinite(least) ? least : NAN;
    }
}

static void count_near(void *arg, int64_t chunk, int32_t worker)
{
    const pair_task *t = arg;
    const sal_applicability *a = t->a;
    (void)worker;
    int64_t end = chunk * CHUNK + CHUNK < a->n ? chunk * CHUNK + CHUNK : a->n;
    for (int64_t i = chunk * CHUNK; i < end; i++)
        for (int64_t j = 0; j < a->n; j++)
            a->lpd[i] += j != i && trains(t, i, j) && distance(a, a->points + i * a->p, a->points + j * a->p) / a->mean_distance < a->threshold;
}

/* min(Q75 + 1.5 IQR, largest index), quantiles of type 7. */
static sal_status find_threshold(sal_applicability *a)
{
    double *sorted = NULL;
    int64_t n = 0;
    sal_status status = sal_allocate(a->ctx, a->n, sizeof *sorted, &sorted);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t i = 0; i < a->n; i++)
        if (isfinite(a->di[i])) sorted[n++] = a->di[i];
    sal_sort_f64(n, sorted);
    if (n < 3) {
        status = sal_fail(a->ctx, SAL_STATUS_DATA, "%lld samples with training samples to compare them with are too few for an area of applicability", (long long)n);
    } else {
        double q25 = sal_quantile_sorted(n, sorted, 0.25), q75 = sal_quantile_sorted(n, sorted, 0.75);
        a->threshold = fmin(q75 + 1.5 * (q75 - q25), sorted[n - 1]);
    }
    sal_release(a->ctx, sorted);
    return status;
}

static sal_status measure_all(sal_applicability *a, const int32_t *fold, const uint8_t *train)
{
    sal_status status;
    pair_task t = { a, fold, train, NULL };
    int64_t chunks = (a->n + CHUNK - 1) / CHUNK;
    SAL_TRY(sal_allocate(a->ctx, a->n, sizeof *t.mean, &t.mean));
    SAL_TRY(sal_pool_try(a->ctx, chunks, measure, &t));
    a->mean_distance = 0;
    for (int64_t i = 0; i < a->n; i++) a->mean_distance += t.mean[i] / (double)a->n;
    if (!(a->mean_distance > 0)) {
        status = sal_fail(a->ctx, SAL_STATUS_DATA, "all %lld samples have the same covariates, so no place can be said to be unlike them", (long long)a->n);
        goto done;
    }
    for (int64_t i = 0; i < a->n; i++) a->di[i] /= a->mean_distance;
    SAL_TRY(find_threshold(a));
    SAL_TRY(sal_pool_try(a->ctx, chunks, count_near, &t));
done:
    sal_release(a->ctx, t.mean);
    return status;
}

static void moments(const double *x, int64_t n, int64_t step, double *mean, double *sd)
{
    int64_t count = 0;
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i * step])) sum += x[i * step], count++;
    *mean = count ? sum / (double)count : 0;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(x[i * step])) square += (x[i * step] - *mean) * (x[i * step] - *mean);
    *sd = count > 1 ? sqrt(square / (double)(count - 1)) : 0;
}

static sal_status scale(sal_applicability *a, const double *x, const double *weight)
{
    bool any = false;
    for (int64_t j = 0; j < a->p; j++) {
        double w = weight ? weight[j] : 1;
        if (!isfinite(w)) return sal_fail(a->ctx, SAL_STATUS_ARGUMENT, "the importance of covariate %lld is not a number", (long long)j + 1);
        moments(x + j, a->n, a->p, &a->mean[j], &a->sd[j]);
        /* Rounding alone gives a constant column a standard deviation of about this. */
        if (!(a->sd[j] > 1e-12 * fabs(a->mean[j]))) a->sd[j] = 1, w = 0;
        a->weight[j] = w > 0 ? w : 0;
        any = any || w > 0;
    }
    if (!any && a->basis == SAL_APPLICABILITY_EMBEDDING)
        return sal_fail(a->ctx, SAL_STATUS_DATA, "the last hidden layer of the network is the same for all %lld samples, so it tells no place from another; take applicability covariates or train longer", (long long)a->n);
    if (!any) return sal_fail(a->ctx, SAL_STATUS_DATA, "no covariate both varies among the samples and has an importance above 0, so no place can be said to be unlike them");
    for (int64_t i = 0; i < a->n; i++)
        for (int64_t j = 0; j < a->p; j++) {
            double v = x[i * a->p + j];
            a->points[i * a->p + j] = isfinite(v) ? (v - a->mean[j]) / a->sd[j] * a->weight[j] : 0;
        }
    return SAL_STATUS_OK;
}

static sal_status allocate(sal_context *ctx, int64_t n, int64_t p, sal_applicability **out)
{
    sal_status status;
    sal_applicability *a = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *a, &a));
    *a = (sal_applicability){ .ctx = ctx, .n = n, .p = p };
    SAL_TRY(sal_allocate(ctx, p, sizeof(double), &a->mean));
    SAL_TRY(sal_allocate(ctx, p, sizeof(double), &a->sd));
    SAL_TRY(sal_allocate(ctx, p, sizeof(double), &a->weight));
    SAL_TRY(sal_allocate(ctx, n * p, sizeof(double), &a->points));
    SAL_TRY(sal_allocate(ctx, n, sizeof(double), &a->di));
    SAL_TRY(sal_allocate(ctx, n, sizeof(int64_t), &a->lpd));
    *out = a;
    return status;
done:
    sal_applicability_free(a);
    return status;
}

sal_status sal__applicability_fit(sal_context *ctx, sal_applicability_basis basis, int64_t n, int64_t p, const double *x, const double *weight, const int32_t *fold,
                                  const uint8_t *train, sal_applicability **out)
{
    sal_status status;
    sal_applicability *a = NULL;
    *out = NULL;
    if (n < 3 || p < 1) return sal_fail(ctx, SAL_STATUS_DATA, "%lld samples with %lld covariates are too few for an area of applicability", (long long)n, (long long)p);
    SAL_TRY(allocate(ctx, n, p, &a));
    a->basis = basis;
    SAL_TRY(scale(a, x, weight));
    SAL_TRY(measure_all(a, fold, train));
    *out = a;
    a = NULL;
done:
    sal_applicability_free(a);
    return status;
}

sal_status sal_applicability_fit(sal_context *ctx, int64_t n, int64_t p, const double *x, const double *weight, const int32_t *fold, const uint8_t *train,
                                 sal_applicability **out)
{
    return sal__applicability_fit(ctx, SAL_APPLICABILITY_COVARIATES, n, p, x, weight, fold, train, out);
}

sal_status sal_applicability_set_index(sal_applicability *a, const double *di, const int32_t *fold, const uint8_t *train)
{
    sal_status status;
    pair_task t = { a, fold, train, NULL };
    for (int64_t i = 0; i < a->n; i++) a->di[i] = di[i], a->lpd[i] = 0;
    SAL_TRY(find_threshold(a));
    SAL_TRY(sal_pool_try(a->ctx, (a->n + CHUNK - 1) / CHUNK, count_near, &t));
done:
    return status;
}

void sal_applicability_free(sal_applicability *a)
{
    if (!a) return;
    void *all[] = { a->mean, a->sd, a->weight, a->points, a->di, a->lpd };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sal_release(a->ctx, all[i]);
    sal_release(a->ctx, a);
}

double sal_applicability_scaled(const sal_applicability *a, int64_t j, double x) { return isfinite(x) ? (x - a->mean[j]) / a->sd[j] * a->weight[j] : 0; }

double sal_applicability_distance(const sal_applicability *a, const double *z, int64_t i) { return distance(a, z, a->points + i * a->p) / a->mean_distance; }

double sal_applicability_at(const sal_applicability *a, const double *x, int64_t *lpd)
{
    double least = INFINITY;
    if (lpd) *lpd = 0;
    for (int64_t i = 0; i < a->n; i++) {
        double sum = 0;
        for (int64_t j = 0; j < a->p; j++) {
            double d = sal_applicability_scaled(a, j, x[j]) - a->points[i * a->p + j];
            sum += d * d;
        }
        double d = sqrt(sum) / a->mean_distance;
        least = fmin(least, d);
        if (lpd) *lpd += d < a->threshold;
    }
    return least;
}

/* ---- model file ---- */

static const char *const names[] = { "applicability/mean", "applicability/sd", "applicability/weight", "applicability/points", "applicability/di" };

sal_status sal_applicability_save(const sal_applicability *a, sal_tensors *tensors, json_object *meta)
{
    sal_status status;
    const double *data[] = { a->mean, a->sd, a->weight, a->points, a->di };
    const int64_t dims[][2] = { { a->p }, { a->p }, { a->p }, { a->n, a->p }, { a->n } };
    for (int i = 0; i < 5 && !sal_tensors_find(tensors, "applicability/lpd"); i++)
        SAL_TRY(sal_tensors_add(tensors, names[i], SAL_TENSOR_F64, i == 3 ? 2 : 1, dims[i], data[i], true));
    if (!sal_tensors_find(tensors, "applicability/lpd")) /* a model that is saved again has them */
        SAL_TRY(sal_tensors_add(tensors, "applicability/lpd", SAL_TENSOR_I64, 1, &a->n, a->lpd, true));
    SAL_TRY(sal_json_add_f64(a->ctx, meta, "mean_distance", a->mean_distance));
    SAL_TRY(sal_json_add_f64(a->ctx, meta, "threshold", a->threshold));
    SAL_TRY(sal_json_add_text(a->ctx, meta, "basis", a->basis == SAL_APPLICABILITY_EMBEDDING ? "embedding" : "covariates"));
done:
    return status;
}

static bool makes_sense(const sal_applicability *a)
{
    bool good = a->mean_distance > 0 && isfinite(a->mean_distance) && a->threshold >= 0 && isfinite(a->threshold);
    for (int64_t j = 0; j < a->p; j++) good = good && isfinite(a->mean[j]) && a->sd[j] > 0 && isfinite(a->sd[j]) && a->weight[j] >= 0 && isfinite(a->weight[j]);
    for (int64_t i = 0; i < a->n * a->p; i++) good = good && isfinite(a->points[i]);
    return good;
}

sal_status sal_applicability_load(sal_context *ctx, const sal_tensors *tensors, json_object *meta, const char *what, int64_t p,
                                  sal_applicability **out)
{
    sal_status status;
    sal_applicability *a = NULL;
    const sal_tensor_view *points = sal_tensors_find(tensors, "applicability/points");
    const char *basis = "covariates"; /* of files from before there was another */
    const void *from;
    *out = NULL;
    if (json_object_object_get_ex(meta, "basis", NULL)) {
        status = sal_json_text(ctx, meta, what, "basis", &basis);
        if (status != SAL_STATUS_OK) return status;
    }
    bool embedding = strcmp(basis, "embedding") == 0;
    if (embedding && points && points->rank == 2) p = points->dims[1];
    if (!points || points->rank != 2 || points->dims[0] < 1 || p < 1 || points->dims[1] != p)
        return sal_fail(ctx, SAL_STATUS_DATA, "%s says where it is applicable, but not for its %lld covariates", what, (long long)p);
    SAL_TRY(allocate(ctx, points->dims[0], p, &a));
    a->basis = embedding ? SAL_APPLICABILITY_EMBEDDING : SAL_APPLICABILITY_COVARIATES;
    double *data[] = { a->mean, a->sd, a->weight, a->points, a->di };
    const int64_t dims[][2] = { { a->p }, { a->p }, { a->p }, { a->n, a->p }, { a->n } };
    for (int i = 0; i < 5; i++) {
        SAL_TRY(sal_tensors_require(tensors, names[i], SAL_TENSOR_F64, i == 3 ? 2 : 1, dims[i], &from));
        for (int64_t k = 0; k < dims[i][0] * (i == 3 ? a->p : 1); k++) data[i][k] = ((const double *)from)[k];
    }
    SAL_TRY(sal_tensors_require(tensors, "applicability/lpd", SAL_TENSOR_I64, 1, &a->n, &from));
    for (int64_t i = 0; i < a->n; i++) a->lpd[i] = ((const int64_t *)from)[i];
    SAL_TRY(sal_json_f64(ctx, meta, what, "mean_distance", &a->mean_distance));
    SAL_TRY(sal_json_f64(ctx, meta, what, "threshold", &a->threshold));
    if (!makes_sense(a)) {
        status = sal_fail(ctx, SAL_STATUS_DATA, "%s has an area of applicability that does not make sense; train it again", what);
        goto done;
    }
    *out = a;
    a = NULL;
done:
    sal_applicability_free(a);
    return status;
}
