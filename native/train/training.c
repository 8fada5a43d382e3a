/* training.c - folds, then the final model; every stage is one network.
 *
 * Stage s trains member s % members of fold s / members (the last "fold" is the final model on all samples). A checkpoint holds what the
 * finished stages gave and the state of the running one, so that a process that was killed goes on with the same bits.
 */
#include "training_private.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double checkpoint_seconds = 20;

typedef struct run {
    sal_context *ctx;
    const sal_training_request *q;
    sal_training *t;
    char fingerprint[65];
    int64_t stage, stages, trained;
    double started, saved_at, asking; /* asking: seconds spent on importance */
    uint8_t *keep;
    int64_t *donor;
    int64_t *list;
    double *outputs; /* (count, 3) */
    sal_tensors *resume;
    sal__embeddings embeddings; /* of the fold in hand */
} run;

/* ---- checkpoint ---- */

static sal_status save_final(const run *r, sal_tensors *tensors)
{
    for (int64_t m = 0; m < r->q->members; m++) {
        char prefix[32];
        if (!r->t->final[m]) continue;
        snprintf(prefix, sizeof prefix, "final%lld/", (long long)m);
        sal_status status = sal_fit_save(r->t->final[m], tensors, prefix);
        if (status != SAL_STATUS_OK) return status;
    }
    return SAL_STATUS_OK;
}

static sal_status save_checkpoint(run *r, const sal_fit *current)
{
    sal_status status = SAL_STATUS_OK;
    sal_tensors *tensors = NULL;
    sal_training *t = r->t;
    double stage = (double)r->stage;
    int64_t one = 1, n3 = t->count * 3, nm = t->count * t->members, losses = (t->folds + 1) * t->epochs;
    if (!r->q->checkpoint) return SAL_STATUS_OK;
    SAL_TRY(sal_tensors_new(r->ctx, &tensors));
    SAL_TRY(sal_tensors_set_metadata(tensors, "fingerprint", r->fingerprint));
    SAL_TRY(sal_tensors_add(tensors, "stage", SAL_TENSOR_F64, 1, &one, &stage, true));
    SAL_TRY(sal_tensors_add(tensors, "out_of_fold", SAL_TENSOR_F64, 1, &n3, t->out_of_fold, false));
    SAL_TRY(sal_tensors_add(tensors, "by_member", SAL_TENSOR_F64, 1, &nm, t->by_member, false));
    SAL_TRY(sal_tensors_add(tensors, "losses", SAL_TENSOR_F32, 1, &losses, t->losses, false));
    if (t->importance) SAL_TRY(sal_tensors_add(tensors, "importance", SAL_TENSOR_F64, 1, &t->covariates, t->importance, false));
    SAL_TRY(sal__embeddings_save(&r->embeddings, t, tensors));
    SAL_TRY(save_final(r, tensors));
    if (current) SAL_TRY(sal_fit_save(current, tensors, "current/"));
    SAL_TRY(sal_tensors_save(tensors, r->q->checkpoint));
    r->saved_at = sal_clock();
done:
    sal_tensors_free(tensors);
    return status;
}

static sal_status copy_tensor(const run *r, const char *name, sal_tensor_type type, int64_t n, void *to) { return sal__checkpoint_copy(r->resume, name, type, n, to); }

/* Takes up a checkpoint of the same request. */
static sal_status take_up(run *r)
{
    sal_status status = SAL_STATUS_OK;
    sal_training *t = r->t;
    double stage;
    SAL_TRY(sal__checkpoint_open(r->ctx, r->q, r->fingerprint, &r->resume));
    if (!r->resume) return SAL_STATUS_OK;
    SAL_TRY(copy_tensor(r, "stage", SAL_TENSOR_F64, 1, &stage));
    SAL_TRY(copy_tensor(r, "out_of_fold", SAL_TENSOR_F64, t->count * 3, t->out_of_fold));
    SAL_TRY(copy_tensor(r, "by_member", SAL_TENSOR_F64, t->count * t->members, t->by_member));
    SAL_TRY(copy_tensor(r, "losses", SAL_TENSOR_F32, (t->folds + 1) * t->epochs, t->losses));
    if (t->importance) SAL_TRY(copy_tensor(r, "importance", SAL_TENSOR_F64, t->covariates, t->importance));
    SAL_TRY(sal__embeddings_restore(&r->embeddings, t, r->resume));
    r->stage = t->resumed_stage = (int64_t)stage;
    if (r->stage < r->stages)
        sal_log(r->ctx, "goes on from checkpoint \"%s\": network %lld of %lld", r->q->checkpoint, (long long)r->stage + 1, (long long)r->stages);
    else
        sal_log(r->ctx, "goes on from checkpoint \"%s\": all %lld networks are trained", r->q->checkpoint, (long long)r->stages);
done:
    return status;
}

/* ---- stages ---- */

static int64_t fold_of(const run *r) { return r->stage / r->q->members; }
static int64_t member_of(const run *r) { return r->stage % r->q->members; }

static sal_status new_fit(run *r, int64_t fold, int64_t member, sal_fit **out)
{
    sal_fit_options options = r->q->fit;
    options.seed += (uint64_t)member;
    options.model.shows_embedding = r->q->embedding;
    for (int64_t i = 0; i < r->t->count; i++) r->keep[i] = fold == r->t->folds ? 1 : r->q->folds->train[fold * r->t->count + i];
    return sal_fit_new(r->ctx, r->q->dataset, r->keep, &options, out);
}

static sal_status predict_fold(run *r, sal_fit *fit)
{
    sal_training *t = r->t;
    int64_t n = sal_folds_list(r->q->folds, fold_of(r), true, r->list), member = member_of(r);
    const sal_scaling *s = &sal_fit_scaler(fit)->target;
    sal_status status = sal_fit_predict(fit, r->list, n, r->outputs);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t k = 0; k < n; k++) {
        int64_t i = r->list[k];
        for (int64_t c = 0; c < 3; c++) t->out_of_fold[3 * i + c] += (r->outputs[3 * k + c] * s->sd + s->mean) / (double)t->members;
        t->by_member[member * t->count + i] = r->outputs[3 * k + 1] * s->sd + s->mean;
    }
    return SAL_STATUS_OK;
}

/* ---- importance ---- */

static int64_t covariates_of(const run *r, int32_t part)
{
    const sal_roles *roles = &r->q->dataset->roles;
    const int64_t counts[SAL_PARTS] = { roles->band_count, roles->index_count, roles->covariate_count };
    return sal_system_takes(r->q->fit.system, part) ? counts[part] : 0;
}

/* Sum of squares of n predictions of listed samples on the transformed scale. */
static double squares(const run *r, const sal_fit *fit, int64_t n)
{
    const sal_scaler *s = sal_fit_scaler(fit);
    double sum = 0;
    for (int64_t k = 0; k < n; k++) {
        double e = (r->outputs[3 * k + 1] - sal_scaler_forward(s, r->q->dataset->target[r->list[k]])) * s->target.sd;
        sum += e * e;
    }
    return sum;
}

/* Adds what this fold says. Donors are drawn from all samples, so that a fold of one sample says something too. */
static sal_status ask_fold(run *r, sal_fit *fit)
{
    sal_status status;
    sal_training *t = r->t;
    double begun = sal_clock();
    int64_t n = sal_folds_list(r->q->folds, fold_of(r), true, r->list), at = 0;
    SAL_TRY(sal_fit_predict(fit, r->list, n, r->outputs));
    double base = squares(r, fit, n);
    for (int32_t part = 0; part < SAL_PARTS; part++)
        for (int64_t c = 0; c < covariates_of(r, part); c++, at++) {
            for (int64_t i = 0; i < t->count; i++) r->donor[i] = i;
            sal_random_shuffle(r->q->fit.seed, sal_random_stream("importance", (uint64_t)fold_of(r), (uint64_t)at), r->donor, t->count);
            const sal_fit_swap swap = { part, c, r->donor };
            SAL_TRY(sal_progress(r->ctx, 1, NULL));
            SAL_TRY(sal_fit_predict_swapped(fit, r->list, n, &swap, r->outputs));
            t->importance[at] += (squares(r, fit, n) - base) / (double)t->count;
        }
    r->asking += sal_clock() - begun;
done:
    return status;
}

static sal_status train_stage(run *r, sal_fit *fit)
{
    sal_status status = SAL_STATUS_OK;
    while (sal_fit_step(fit) < sal_fit_steps(fit)) {
        int64_t before = sal_fit_step(fit);
        SAL_TRY(sal_fit_run(fit, before + 8));
        r->trained += (sal_fit_step(fit) - before) * r->q->fit.batch;
        if (sal_clock() - r->saved_at > checkpoint_seconds) SAL_TRY(save_checkpoint(r, fit));
        if (r->q->seconds > 0 && sal_clock() - r->started > r->q->seconds) {
            SAL_TRY(save_checkpoint(r, fit));
            status = sal_fail(r->ctx, SAL_STATUS_FAILED, "the time of %.3g minutes is up at network %lld of %lld; run the same training again to go on from checkpoint \"%s\"",
                              r->q->seconds / 60, (long long)r->stage + 1, (long long)r->stages, r->q->checkpoint ? r->q->checkpoint : "");
            goto done;
        }
    }
done:
    return status;
}

static sal_status run_stage(run *r)
{
    sal_status status = SAL_STATUS_OK;
    sal_training *t = r->t;
    sal_fit *fit = NULL;
    int64_t fold = fold_of(r), member = member_of(r);
    SAL_TRY(new_fit(r, fold, member, &fit));
    if (r->resume && sal_tensors_find(r->resume, "current/numbers")) SAL_TRY(sal_fit_restore(fit, r->resume, "current/"));
    sal_tensors_free(r->resume);
    r->resume = NULL;
    if (fold < t->folds)
        SAL_TRY(sal_progress(r->ctx, 0, "training fold %lld of %lld, network %lld of %lld", (long long)fold + 1, (long long)t->folds, (long long)member + 1, (long long)t->members));
    else
        SAL_TRY(sal_progress(r->ctx, 0, "training the final model, network %lld of %lld", (long long)member + 1, (long long)t->members));
    SAL_TRY(train_stage(r, fit));
    if (member == 0) memcpy(t->losses + fold * t->epochs, sal_fit_losses(fit), (size_t)t->epochs * sizeof(float));
    if (fold < t->folds) {
        SAL_TRY(predict_fold(r, fit));
        SAL_TRY(sal__embeddings_take_fold(&r->embeddings, r->q, t, fit, fold, member));
        if (t->importance && member == 0) SAL_TRY(ask_fold(r, fit));
    } else {
        SAL_TRY(sal__embeddings_take_final(&r->embeddings, t, fit, member));
        sal_fit_release_data(fit);
        t->final[member] = fit;
        fit = NULL;
    }
    r->stage++;
    SAL_TRY(save_checkpoint(r, NULL)); /* after the last network too: what the caller makes of it may still fail */
done:
    sal_fit_free(fit);
    return status;
}

/* Final networks that were finished before the checkpoint. */
static sal_status restore_final(run *r)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t m = 0; m < r->q->members && r->resume; m++) {
        char prefix[32];
        if (r->stage <= r->t->folds * r->q->members + m) break;
        snprintf(prefix, sizeof prefix, "final%lld/", (long long)m);
        SAL_TRY(new_fit(r, r->t->folds, m, &r->t->final[m]));
        SAL_TRY(sal_fit_restore(r->t->final[m], r->resume, prefix));
        SAL_TRY(sal__embeddings_take_final(&r->embeddings, r->t, r->t->final[m], m));
        sal_fit_release_data(r->t->final[m]);
    }
done:
    return status;
}

static sal_status allocate(run *r)
{
    sal_training *t = r->t;
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_allocate(r->ctx, t->count * 3, sizeof(double), &t->out_of_fold));
    SAL_TRY(sal_allocate(r->ctx, t->count * t->members, sizeof(double), &t->by_member));
    SAL_TRY(sal_allocate(r->ctx, (t->folds + 1) * t->epochs, sizeof(float), &t->losses));
    SAL_TRY(sal_allocate(r->ctx, t->members, sizeof *t->final, &t->final));
    for (int32_t part = 0; part < SAL_PARTS; part++) t->covariates += covariates_of(r, part);
    if (r->q->importance) {
        SAL_TRY(sal_allocate(r->ctx, t->covariates, sizeof(double), &t->importance));
        SAL_TRY(sal_allocate(r->ctx, t->count, sizeof *r->donor, &r->donor));
    }
    SAL_TRY(sal__embeddings_new(&r->embeddings, r->ctx, r->q, t));
    SAL_TRY(sal_allocate(r->ctx, t->count, 1, &r->keep));
    SAL_TRY(sal_allocate(r->ctx, t->count, sizeof *r->list, &r->list));
    SAL_TRY(sal_allocate(r->ctx, t->count * 3, sizeof(double), &r->outputs));
done:
    return status;
}

sal_status sal_training_run(sal_context *ctx, const sal_training_request *q, sal_training **out)
{
    sal_status status = SAL_STATUS_OK;
    run r = { .ctx = ctx, .q = q, .started = sal_clock(), .saved_at = sal_clock() };
    *out = NULL;
    if (q->fit.baseline) return sal__training_baseline(ctx, q, out);
    SAL_TRY(sal_allocate(ctx, 1, sizeof *r.t, &r.t));
    *r.t = (sal_training){ .ctx = ctx, .count = q->dataset->count, .members = q->members, .epochs = q->fit.epochs, .folds = q->folds->k };
    r.stages = (q->folds->k + (q->folds_only ? 0 : 1)) * q->members;
    SAL_TRY(allocate(&r));
    SAL_TRY(sal__training_fingerprint(ctx, q, r.fingerprint));
    SAL_TRY(take_up(&r));
    SAL_TRY(restore_final(&r));
    while (r.stage < r.stages) {
        sal_progress_push(ctx, (double)r.stage / (double)r.stages, (double)(r.stage + 1) / (double)r.stages);
        status = run_stage(&r);
        sal_progress_pop(ctx);
        if (status != SAL_STATUS_OK) goto done;
    }
    r.t->samples_per_second = r.trained ? (double)r.trained / fmax(sal_clock() - r.started - r.asking, 1e-9) : NAN;
    *out = r.t;
    r.t = NULL;
done:
    sal_tensors_free(r.resume);
    sal__embeddings_clear(&r.embeddings);
    sal_release(ctx, r.keep);
    sal_release(ctx, r.donor);
    sal_release(ctx, r.list);
    sal_release(ctx, r.outputs);
    sal_training_free(r.t);
    return status;
}

void sal_training_free(sal_training *t)
{
    if (!t) return;
    for (int64_t m = 0; t->final && m < t->members; m++) sal_fit_free(t->final[m]);
    sal_release(t->ctx, t->out_of_fold);
    sal_release(t->ctx, t->by_member);
    for (int64_t m = 0; t->baseline && m < t->members; m++) sal_baseline_free(t->baseline[m]);
    sal_release(t->ctx, t->baseline);
    sal_release(t->ctx, t->settings);
    sal_release(t->ctx, t->losses);
    sal_release(t->ctx, t->importance);
    sal_release(t->ctx, t->embedding);
    sal_release(t->ctx, t->unit_weight);
    sal_release(t->ctx, t->unseen);
    sal_release(t->ctx, t->final);
    sal_release(t->ctx, t);
}
