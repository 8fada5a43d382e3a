/* baseline.c - the list of methods; fitting, predicting rows, arrays of a model file.
 */
#include "baseline_private.h"
#include "kernels/gemm.h"
#include "kernels/lanes.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const sal_baseline_method *const methods[] = {
#define SAL_BASELINE(name) &sal_baseline_##name,
#include "baselines.def"
#undef SAL_BASELINE
};

int64_t sal_baseline_method_count(void) { return (int64_t)(sizeof methods / sizeof *methods); }
const sal_baseline_method *sal_baseline_method_at(int64_t i) { return methods[i]; }

const sal_baseline_method *sal_baseline_method_find(const char *id)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(methods[i]->id, id) == 0) return methods[i];
    return NULL;
}

const char *sal_baseline_method_id(const sal_baseline_method *m) { return m->id; }
const char *sal_baseline_method_title(const sal_baseline_method *m) { return m->title; }
const char *sal_baseline_method_help(const sal_baseline_method *m) { return m->help; }
const char *sal_baseline_setting_name(const sal_baseline_method *m, int32_t i) { return i < SAL_BASELINE_SETTINGS ? m->settings[i] : NULL; }
bool sal_baseline_method_is_random(const sal_baseline_method *m) { return m->random; }
sal_status sal_baseline_method_check(sal_context *ctx, const sal_baseline_method *m) { return m->check ? m->check(ctx) : SAL_STATUS_OK; }

sal_status sal__refuse_setting(sal_context *ctx, const sal_baseline_method *m, int32_t i, double value, const char *bounds)
{
    return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%s cannot be fitted with %s %g; it must be %s", m->id, m->settings[i], value, bounds);
}

void sal_baseline_free(sal_baseline *b)
{
    if (!b) return;
    void *own[] = {b->mean, b->scale, b->vector, b->weight, b->scaled, b->offset};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sal_release(b->ctx, own[i]);
    sal_trees_free(b->trees);
    sal_release(b->ctx, b);
}

const sal_baseline_method *sal_baseline_of(const sal_baseline *b) { return b->method; }
const sal_baseline_settings *sal_baseline_settings_of(const sal_baseline *b) { return &b->settings; }
int64_t sal_baseline_features(const sal_baseline *b) { return b->p; }

/* ---- fit ---- */

static sal_status check_rows(sal_context *ctx, const sal_baseline_rows *rows)
{
    double low = INFINITY, high = -INFINITY;
    for (int64_t i = 0; i < rows->n; i++) {
        if (!isfinite(rows->y[i])) return sal_fail(ctx, SAL_STATUS_DATA, "row %lld has no target value; leave it out", (long long)i + 1);
        low = fmin(low, rows->y[i]), high = fmax(high, rows->y[i]);
    }
    if (rows->n < 4) return sal_fail(ctx, SAL_STATUS_DATA, "%lld samples are too few to train on", (long long)rows->n);
    if (!(high > low)) return sal_fail(ctx, SAL_STATUS_DATA, "the %lld training samples of a fold all have the same target value; use fewer folds or more samples", (long long)rows->n);
    return SAL_STATUS_OK;
}

sal_status sal__baseline_fit(const sal__fitting *f, const sal_baseline_method *method, sal_baseline **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_baseline *b = NULL;
    *out = NULL;
    SAL_TRY(sal_baseline_method_check(f->ctx, method));
    SAL_TRY(check_rows(f->ctx, &f->rows));
    SAL_TRY(method->refuse(f->ctx, &f->settings, f->rows.p));
    SAL_TRY(sal_allocate(f->ctx, 1, sizeof *b, &b));
    *b = (sal_baseline){.ctx = f->ctx, .method = method, .settings = f->settings, .p = f->rows.p};
    SAL_TRY(method->fit(f, b));
    *out = b;
    b = NULL;
done:
    sal_baseline_free(b);
    return status;
}

sal_status sal_baseline_fit(sal_context *ctx, const sal_baseline_method *method, const sal_baseline_settings *settings, const sal_baseline_rows *rows, uint64_t seed,
                            sal_baseline **out)
{
    const sal__fitting f = {.ctx = ctx, .look = ctx, .rows = *rows, .settings = *settings, .seed = seed};
    sal_kernels_enter(ctx);
    sal_status status = sal__baseline_fit(&f, method, out);
    sal_kernels_leave();
    return status;
}

/* ---- rows ---- */

typedef struct rows_task {
    const sal_baseline *b;
    const float *x;
    int64_t n;
    float *blocks; /* (workers, p LANES + scratch) */
    int32_t workers;
    double *out;
} rows_task;

static void predict_chunk(void *arg, int64_t i, int32_t worker)
{
    enum { LANES = SAL_BASELINE_LANES };
    rows_task *t = arg;
    int64_t p = t->b->p, first = i * LANES, count = t->n - first < LANES ? t->n - first : LANES;
    int32_t own = worker < t->workers ? worker : 0; /* inside another pool, in one thread, the number is that of the outer one */
    float *block = t->blocks + own * (p * LANES + sal_baseline_scratch(t->b)), sum[LANES];
    sal_lanes_put(LANES, count, p, t->x + first * p, p, block);
    sal_baseline_predict_lanes(t->b, block, block + p * LANES, sum);
    for (int64_t k = 0; k < count; k++) t->out[first + k] = (double)sum[k];
}

sal_status sal_baseline_predict(sal_context *ctx, const sal_baseline *b, int64_t n, const float *x, double *out)
{
    rows_task t = {.b = b, .x = x, .n = n, .out = out, .workers = sal_context_threads(ctx)};
    sal_status status = sal_allocate(ctx, t.workers * (b->p * SAL_BASELINE_LANES + sal_baseline_scratch(b)), sizeof(float), &t.blocks);
    if (status != SAL_STATUS_OK) return status;
    sal_pool_run(ctx, (n + SAL_BASELINE_LANES - 1) / SAL_BASELINE_LANES, predict_chunk, &t);
    sal_release(ctx, t.blocks);
    return SAL_STATUS_OK;
}

/* ---- file ---- */

static sal_status add(sal_tensors *tensors, const char *prefix, const char *name, sal_tensor_type type, int32_t rank, const int64_t *dims, const void *data)
{
    char key[96];
    snprintf(key, sizeof key, "%s%s", prefix, name);
    return sal_tensors_add(tensors, key, type, rank, dims, data, true);
}

sal_status sal_baseline_store(const sal_baseline *b, sal_tensors *tensors, const char *prefix)
{
    sal_status status = SAL_STATUS_OK;
    double numbers[2 + SAL_BASELINE_SETTINGS] = {b->intercept, b->gamma};
    int64_t n = 2 + SAL_BASELINE_SETTINGS, shape[2] = {b->p, b->count};
    memcpy(numbers + 2, b->settings.value, sizeof b->settings.value);
    SAL_TRY(add(tensors, prefix, "numbers", SAL_TENSOR_F64, 1, &n, numbers));
    if (b->method->form == SAL__FORM_TREES) return sal_trees_store(b->trees, tensors, prefix);
    SAL_TRY(add(tensors, prefix, "mean", SAL_TENSOR_F32, 1, &b->p, b->mean));
    SAL_TRY(add(tensors, prefix, "scale", SAL_TENSOR_F32, 1, &b->p, b->scale));
    SAL_TRY(add(tensors, prefix, "weight", SAL_TENSOR_F32, 1, b->method->form == SAL__FORM_LINE ? &b->p : &b->count, b->weight));
    if (b->method->form == SAL__FORM_KERNEL) SAL_TRY(add(tensors, prefix, "vectors", SAL_TENSOR_F32, 2, shape, b->vector));
done:
    return status;
}

/* An array of finite numbers, copied; dims may hold -1, and receives what was found. */
static sal_status take(sal_baseline *b, const sal_tensors *tensors, const char *prefix, const char *name, int32_t rank, int64_t *dims, const char *what, float **out)
{
    char key[96];
    const float *from;
    snprintf(key, sizeof key, "%s%s", prefix, name);
    sal_status status = sal_tensors_require(tensors, key, SAL_TENSOR_F32, rank, dims, (const void **)&from);
    if (status != SAL_STATUS_OK) return status;
    const sal_tensor_view *view = sal_tensors_find(tensors, key);
    memcpy(dims, view->dims, (size_t)rank * sizeof *dims);
    status = sal_allocate(b->ctx, view->count, sizeof(float), out);
    for (int64_t i = 0; i < view->count && status == SAL_STATUS_OK; i++) {
        if (!isfinite(from[i])) return sal_fail(b->ctx, SAL_STATUS_DATA, "%s: number %lld of \"%s\" is not finite; train the model again", what, (long long)i, key);
        (*out)[i] = from[i];
    }
    return status;
}

static sal_status take_all(sal_baseline *b, const sal_tensors *tensors, const char *prefix, const char *what)
{
    sal_status status = SAL_STATUS_OK;
    char key[96];
    const double *numbers;
    int64_t n = 2 + SAL_BASELINE_SETTINGS, p = b->p, shape[2] = {b->p, -1};
    snprintf(key, sizeof key, "%snumbers", prefix);
    SAL_TRY(sal_tensors_require(tensors, key, SAL_TENSOR_F64, 1, &n, (const void **)&numbers));
    b->intercept = numbers[0], b->gamma = numbers[1];
    memcpy(b->settings.value, numbers + 2, sizeof b->settings.value);
    if (!isfinite(b->intercept) || !(b->gamma >= 0 && b->gamma < 1e9))
        return sal_fail(b->ctx, SAL_STATUS_DATA, "%s has an intercept of %g and a gamma of %g, which cannot be; train the model again", what, b->intercept, b->gamma);
    if (b->method->form == SAL__FORM_TREES) return sal_trees_restore(b->ctx, b->p, tensors, prefix, what, &b->trees);
    SAL_TRY(take(b, tensors, prefix, "mean", 1, &p, what, &b->mean));
    SAL_TRY(take(b, tensors, prefix, "scale", 1, &p, what, &b->scale));
    if (b->method->form == SAL__FORM_KERNEL) SAL_TRY(take(b, tensors, prefix, "vectors", 2, shape, what, &b->vector));
    b->count = b->method->form == SAL__FORM_KERNEL ? shape[1] : 1;
    SAL_TRY(take(b, tensors, prefix, "weight", 1, b->method->form == SAL__FORM_KERNEL ? &b->count : &p, what, &b->weight));
    if (b->method->form == SAL__FORM_KERNEL) SAL_TRY(sal__baseline_prepare(b));
done:
    return status;
}

sal_status sal_baseline_restore(sal_context *ctx, const sal_baseline_method *method, int64_t p, const sal_tensors *tensors, const char *prefix, const char *what, sal_baseline **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_baseline *b = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *b, &b));
    *b = (sal_baseline){.ctx = ctx, .method = method, .p = p};
    SAL_TRY(take_all(b, tensors, prefix, what));
    *out = b;
    b = NULL;
done:
    sal_baseline_free(b);
    return status;
}
