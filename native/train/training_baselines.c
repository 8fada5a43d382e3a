/* training_baselines.c - folds and final model of a baseline: tuned and fitted anew in every fold, on the table of sample_rows.h.
 *
 * Hyper-parameters are chosen once for each fold; the members of an ensemble differ in their seed. A unit is one member of one fold: a checkpoint holds what the
 * units done so far gave, and a training that was killed begins with the next one.
 */
#include "sample_rows.h"
#include "training_private.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double checkpoint_seconds = 1; /* units that take less are not each worth a write */

typedef struct run {
    sal_context *ctx;
    const sal_training_request *q;
    sal_training *t;
    int64_t p;
    float *x;  /* (count, p) */
    double *y; /* (count) transformed */
    char fingerprint[65];
    int64_t done, units; /* units: members times folds and final model */
    double started, saved_at;
} run;

/* ---- checkpoint ---- */

/* Members of the final model that are fitted. */
static int64_t finals(const run *r) { return r->done > r->t->folds * r->t->members ? r->done - r->t->folds * r->t->members : 0; }

static sal_status each_final(const run *r, sal_tensors *to, const sal_tensors *from)
{
    sal_status status = SAL_STATUS_OK;
    sal_training *t = r->t;
    char prefix[32];
    for (int64_t m = 0; m < finals(r); m++) {
        snprintf(prefix, sizeof prefix, "final%lld/", (long long)m);
        if (to) SAL_TRY(sal_baseline_store(t->baseline[m], to, prefix));
        if (from) SAL_TRY(sal_baseline_restore(r->ctx, r->q->fit.baseline, r->p, from, prefix, "the checkpoint", &t->baseline[m]));
    }
done:
    return status;
}

static sal_status save_checkpoint(run *r)
{
    sal_status status = SAL_STATUS_OK;
    sal_tensors *tensors = NULL;
    const sal_training *t = r->t;
    int64_t one = 1, n3 = t->count * 3, nm = t->count * t->members, ns = (t->folds + 1) * SAL_BASELINE_SETTINGS;
    if (!r->q->checkpoint) return SAL_STATUS_OK;
    SAL_TRY(sal_tensors_new(r->ctx, &tensors));
    SAL_TRY(sal_tensors_set_metadata(tensors, "fingerprint", r->fingerprint));
    SAL_TRY(sal_tensors_add(tensors, "done", SAL_TENSOR_I64, 1, &one, &r->done, true));
    SAL_TRY(sal_tensors_add(tensors, "out_of_fold", SAL_TENSOR_F64, 1, &n3, t->out_of_fold, false));
    SAL_TRY(sal_tensors_add(tensors, "by_member", SAL_TENSOR_F64, 1, &nm, t->by_member, false));
    SAL_TRY(sal_tensors_add(tensors, "settings", SAL_TENSOR_F64, 1, &ns, t->settings, false));
    if (t->importance) SAL_TRY(sal_tensors_add(tensors, "importance", SAL_TENSOR_F64, 1, &t->covariates, t->importance, false));
    SAL_TRY(each_final(r, tensors, NULL));
    SAL_TRY(sal_tensors_save(tensors, r->q->checkpoint));
    r->saved_at = sal_clock();
done:
    sal_tensors_free(tensors);
    return status;
}

static sal_status take_up(run *r)
{
    sal_status status = SAL_STATUS_OK;
    sal_tensors *tensors = NULL;
    sal_training *t = r->t;
    SAL_TRY(sal__training_fingerprint(r->ctx, r->q, r->fingerprint));
    SAL_TRY(sal__checkpoint_open(r->ctx, r->q, r->fingerprint, &tensors));
    if (!tensors) return SAL_STATUS_OK;
    SAL_TRY(sal__checkpoint_copy(tensors, "done", SAL_TENSOR_I64, 1, &r->done));
    SAL_TRY(sal__checkpoint_copy(tensors, "out_of_fold", SAL_TENSOR_F64, t->count * 3, t->out_of_fold));
    SAL_TRY(sal__checkpoint_copy(tensors, "by_member", SAL_TENSOR_F64, t->count * t->members, t->by_member));
    SAL_TRY(sal__checkpoint_copy(tensors, "settings", SAL_TENSOR_F64, (t->folds + 1) * SAL_BASELINE_SETTINGS, t->settings));
    if (t->importance) SAL_TRY(sal__checkpoint_copy(tensors, "importance", SAL_TENSOR_F64, t->covariates, t->importance));
    SAL_TRY(each_final(r, NULL, tensors));
    t->resumed_stage = r->done;
    sal_log(r->ctx, "goes on from checkpoint \"%s\": %lld of %lld models are fitted", r->q->checkpoint, (long long)r->done, (long long)r->units);
done:
    sal_tensors_free(tensors);
    return status;
}

/* ---- folds ---- */

/* Listed rows as a table of their own. */
static sal_status select_rows(run *r, const int64_t *list, int64_t n, float *x, double *y)
{
    for (int64_t i = 0; i < n; i++) {
        memcpy(x + i * r->p, r->x + list[i] * r->p, (size_t)r->p * sizeof *x);
        y[i] = r->y[list[i]];
    }
    return SAL_STATUS_OK;
}

static sal_status predict_fold(run *r, const sal_baseline *b, int64_t fold, int64_t member, float *x, double *y, int64_t *list)
{
    sal_training *t = r->t;
    int64_t n = sal_folds_list(r->q->folds, fold, true, list);
    select_rows(r, list, n, x, y);
    sal_status status = sal_baseline_predict(r->ctx, b, n, x, y);
    for (int64_t i = 0; i < n && status == SAL_STATUS_OK; i++) {
        for (int64_t c = 0; c < 3; c++) t->out_of_fold[3 * list[i] + c] += y[i] / (double)t->members;
        t->by_member[member * t->count + list[i]] = y[i];
    }
    return status;
}

/* As for networks: what the error out of fold gains when a covariate comes from another sample, drawn from all. */
static sal_status ask_fold(run *r, const sal_baseline *b, int64_t fold, float *x, double *y, int64_t *list)
{
    sal_status status = SAL_STATUS_OK;
    sal_training *t = r->t;
    int64_t n = sal_folds_list(r->q->folds, fold, true, list), *donor = NULL;
    double *observed = NULL, base = 0;
    SAL_TRY(sal_allocate(r->ctx, t->count, sizeof *donor, &donor));
    SAL_TRY(sal_allocate(r->ctx, n, sizeof *observed, &observed));
    select_rows(r, list, n, x, observed);
    SAL_TRY(sal_baseline_predict(r->ctx, b, n, x, y));
    for (int64_t i = 0; i < n; i++) base += (y[i] - observed[i]) * (y[i] - observed[i]);
    for (int64_t c = 0; c < r->p; c++) {
        double sum = 0;
        for (int64_t i = 0; i < t->count; i++) donor[i] = i;
        sal_random_shuffle(r->q->fit.seed, sal_random_stream("importance", (uint64_t)fold, (uint64_t)c), donor, t->count);
        for (int64_t i = 0; i < n; i++) x[i * r->p + c] = r->x[donor[list[i]] * r->p + c];
        SAL_TRY(sal_baseline_predict(r->ctx, b, n, x, y));
        for (int64_t i = 0; i < n; i++) {
            sum += (y[i] - observed[i]) * (y[i] - observed[i]);
            x[i * r->p + c] = r->x[list[i] * r->p + c];
        }
        t->importance[c] += (sum - base) / (double)t->count;
        SAL_TRY(sal_progress(r->ctx, 1, NULL));
    }
done:
    sal_release(r->ctx, donor);
    sal_release(r->ctx, observed);
    return status;
}

static sal_status fit_members(run *r, int64_t fold, const sal_baseline_rows *rows, const sal_baseline_settings *settings, float *x, double *y, int64_t *list)
{
    sal_status status = SAL_STATUS_OK;
    sal_baseline *b = NULL;
    for (int64_t m = r->done % r->t->members; m < r->t->members; m++) {
        double from = 0.6 + 0.4 * (double)m / (double)r->t->members;
        sal_progress_push(r->ctx, from, from + 0.4 / (double)r->t->members);
        status = sal_baseline_fit(r->ctx, r->q->fit.baseline, settings, rows, r->q->fit.seed + (uint64_t)m, &b);
        sal_progress_pop(r->ctx);
        if (status != SAL_STATUS_OK) goto done;
        if (fold < r->t->folds) {
            SAL_TRY(predict_fold(r, b, fold, m, x, y, list));
            if (r->t->importance && m == 0) SAL_TRY(ask_fold(r, b, fold, x, y, list));
            sal_baseline_free(b);
        } else {
            r->t->baseline[m] = b;
        }
        b = NULL;
        r->done++;
        if (r->done == r->units || sal_clock() - r->saved_at > checkpoint_seconds) SAL_TRY(save_checkpoint(r));
    }
done:
    sal_baseline_free(b);
    return status;
}

static void say_settings(const run *r, int64_t fold, const sal_baseline_settings *s, double error)
{
    const sal_baseline_method *m = r->q->fit.baseline;
    char text[160] = "", part[64];
    for (int32_t i = 0; sal_baseline_setting_name(m, i); i++) {
        snprintf(part, sizeof part, "%s%s %.3g", i ? ", " : "", sal_baseline_setting_name(m, i), s->value[i]);
        strncat(text, part, sizeof text - strlen(text) - 1);
    }
    if (fold < r->t->folds) sal_log(r->ctx, "fold %lld: %s (inner RMSE %.4g)", (long long)fold + 1, text, error);
    else sal_log(r->ctx, "final model: %s (inner RMSE %.4g)", text, error);
}

static sal_status run_fold(run *r, int64_t fold)
{
    sal_status status = SAL_STATUS_OK;
    sal_rows_inner inner = {0};
    float *x[2] = {0};
    double *y[2] = {0}, error;
    int64_t *list = NULL, count = r->t->count;
    sal_baseline_settings *settings = &r->t->settings[fold];
    if (fold < r->t->folds) SAL_TRY(sal_progress(r->ctx, 0, "tuning and fitting fold %lld of %lld", (long long)fold + 1, (long long)r->t->folds));
    else SAL_TRY(sal_progress(r->ctx, 0, "tuning and fitting the final model"));
    SAL_TRY(sal_rows_inner_new(r->ctx, r->q->folds, fold, &inner));
    for (int32_t k = 0; k < 2; k++) {
        SAL_TRY(sal_allocate(r->ctx, count * r->p, sizeof **x, &x[k]));
        SAL_TRY(sal_allocate(r->ctx, count, sizeof **y, &y[k]));
    }
    SAL_TRY(sal_allocate(r->ctx, count, sizeof *list, &list));
    SAL_TRY(select_rows(r, inner.list, inner.n, x[0], y[0]));
    const sal_baseline_rows rows = {inner.n, r->p, x[0], y[0]};
    if (r->done % r->t->members == 0) { /* else a member of this fold is done, and the settings are those of the checkpoint */
        sal_progress_push(r->ctx, 0, 0.6);
        status = sal_baseline_tune(r->ctx, r->q->fit.baseline, &rows, &inner.folds, r->q->fit.seed, settings, &error);
        sal_progress_pop(r->ctx);
        if (status != SAL_STATUS_OK) goto done;
        say_settings(r, fold, settings, error);
    }
    SAL_TRY(fit_members(r, fold, &rows, settings, x[1], y[1], list));
done:
    sal_rows_inner_clear(r->ctx, &inner);
    for (int32_t k = 0; k < 2; k++) sal_release(r->ctx, x[k]), sal_release(r->ctx, y[k]);
    sal_release(r->ctx, list);
    return status;
}

static sal_status prepare(run *r)
{
    sal_status status = SAL_STATUS_OK;
    const sal_dataset *d = r->q->dataset;
    sal_training *t = r->t;
    SAL_TRY(sal_rows_new(r->ctx, d, &r->x));
    SAL_TRY(sal_allocate(r->ctx, d->count, sizeof *r->y, &r->y));
    for (int64_t i = 0; i < d->count; i++) r->y[i] = r->q->fit.log1p ? log1p(d->target[i]) : d->target[i];
    SAL_TRY(sal_allocate(r->ctx, t->count * 3, sizeof(double), &t->out_of_fold));
    SAL_TRY(sal_allocate(r->ctx, t->count * t->members, sizeof(double), &t->by_member));
    t->covariates = r->p;
    if (r->q->importance) SAL_TRY(sal_allocate(r->ctx, r->p, sizeof(double), &t->importance));
    SAL_TRY(sal_allocate(r->ctx, t->members, sizeof *t->baseline, &t->baseline));
    SAL_TRY(sal_allocate(r->ctx, t->folds + 1, sizeof *t->settings, &t->settings));
done:
    return status;
}

static sal_status late(run *r, int64_t fold)
{
    sal_status status = SAL_STATUS_OK;
    if (!(r->q->seconds > 0) || sal_clock() - r->started <= r->q->seconds) return SAL_STATUS_OK;
    SAL_TRY(save_checkpoint(r));
    status = sal_fail(r->ctx, SAL_STATUS_FAILED, "the time of %.3g minutes is up after %lld of %lld folds; run the same training again to go on from checkpoint \"%s\"", r->q->seconds / 60,
                      (long long)fold, (long long)r->t->folds + 1, r->q->checkpoint ? r->q->checkpoint : "");
done:
    return status;
}

sal_status sal__training_baseline(sal_context *ctx, const sal_training_request *q, sal_training **out)
{
    sal_status status = SAL_STATUS_OK;
    run r = {.ctx = ctx, .q = q, .p = sal_rows_columns(&q->dataset->roles), .started = sal_clock(), .saved_at = sal_clock()};
    int64_t members = sal_baseline_method_is_random(q->fit.baseline) ? q->members : 1, last = q->folds->k + (q->folds_only ? 0 : 1);
    *out = NULL;
    SAL_TRY(sal_baseline_method_check(ctx, q->fit.baseline));
    SAL_TRY(sal_allocate(ctx, 1, sizeof *r.t, &r.t));
    *r.t = (sal_training){.ctx = ctx, .count = q->dataset->count, .members = members, .folds = q->folds->k};
    if (members < q->members) sal_log(ctx, "%s has no random part; one model takes the place of %lld", sal_fit_system_title(&q->fit), (long long)q->members);
    SAL_TRY(prepare(&r));
    r.units = last * members;
    SAL_TRY(take_up(&r));
    int64_t fitted = r.units - r.done;
    for (int64_t f = r.done / members; f < last; f++) {
        sal_progress_push(ctx, (double)f / (double)last, (double)(f + 1) / (double)last);
        status = run_fold(&r, f);
        sal_progress_pop(ctx);
        if (status != SAL_STATUS_OK) goto done;
        if (f + 1 < last) SAL_TRY(late(&r, f + 1));
    }
    r.t->samples_per_second = fitted ? (double)(r.t->count * fitted) / fmax(sal_clock() - r.started, 1e-9) : NAN;
    *out = r.t;
    r.t = NULL;
done:
    sal_release(ctx, r.x);
    sal_release(ctx, r.y);
    sal_training_free(r.t);
    return status;
}
