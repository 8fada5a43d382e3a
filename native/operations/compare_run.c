/* compare_run.c - every system on the same folds: out-of-fold predictions of each seed, and their scores.
 *
 * The trap: a system without a window must see what Train model would show it, whose scaling looks at the pixel alone; so it gets samples
 * without windows, on folds that were split with them.
 */
#include "compare_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const sal__compare_metric sal__compare_metrics[SAL__COMPARE_METRICS] = {{"r2", "R2", false}, {"rmse", "RMSE", true}, {"mae", "MAE", true}, {"bias", "bias", true}, {"log_r2", "R2 of log(1 + value)", false}};

static sal_status take_points(sal__compare_work *w)
{
    const sal_dataset *d = w->train.dataset;
    int64_t c = d->roles.covariate_count, pixels = d->roles.window * d->roles.window;
    w->point = *d;
    w->point.roles.window = 1;
    w->point.window = NULL;
    sal_status status = sal_allocate(w->train.ctx, d->count * c, sizeof(float), &w->point.window);
    for (int64_t i = 0; i < d->count && status == SAL_STATUS_OK; i++)
        memcpy(w->point.window + i * c, d->window + (i * pixels + pixels / 2) * c, (size_t)c * sizeof(float));
    return status;
}

static sal_status score(sal__compare_work *w, sal__compared *s)
{
    sal_status status = SAL_STATUS_OK;
    const sal_dataset *d = w->train.dataset;
    double *logs[2] = {0}, values[SAL__COMPARE_METRICS][SAL_TRAIN_MEMBERS_MAX], natural[SAL_METRIC_COUNT], log_scale[SAL_METRIC_COUNT];
    for (int32_t k = 0; k < 2; k++) SAL_TRY(sal_allocate(w->train.ctx, d->count, sizeof **logs, &logs[k]));
    SAL_TRY(sal_allocate(w->train.ctx, d->count, sizeof *s->error2, &s->error2));
    for (int64_t m = 0; m < s->members; m++) {
        const double *p = s->predicted + m * d->count;
        for (int64_t i = 0; i < d->count; i++) {
            logs[0][i] = log1p(d->target[i]), logs[1][i] = log1p(p[i]);
            s->error2[i] += (p[i] - d->target[i]) * (p[i] - d->target[i]) / (double)s->members;
        }
        SAL_TRY(sal_metrics_evaluate(w->train.ctx, d->count, d->target, p, natural));
        SAL_TRY(sal_metrics_evaluate(w->train.ctx, d->count, logs[0], logs[1], log_scale));
        const double row[SAL__COMPARE_METRICS] = {natural[SAL_METRIC_R2], natural[SAL_METRIC_RMSE], natural[SAL_METRIC_MAE], natural[SAL_METRIC_BIAS], log_scale[SAL_METRIC_R2]};
        for (int32_t k = 0; k < SAL__COMPARE_METRICS; k++) values[k][m] = row[k];
    }
    for (int32_t k = 0; k < SAL__COMPARE_METRICS; k++) sal_train_spread(s->members, values[k], &s->mean[k], &s->sd[k]);
done:
    for (int32_t k = 0; k < 2; k++) sal_release(w->train.ctx, logs[k]);
    return status;
}

static sal_status run_system(sal__compare_work *w, sal__compared *s)
{
    sal_status status = SAL_STATUS_OK;
    sal_context *ctx = w->train.ctx;
    const sal_arguments *a = w->train.arguments;
    sal_training *t = NULL;
    sal_training_request q = {.folds = w->train.folds, .members = sal_argument_i64(a, "seeds"), .folds_only = true, .checkpoint = s->checkpoint};
    double begun = sal_clock();
    sal_fit_defaults(&q.fit);
    q.fit.system = sal_system_find(s->id);
    q.fit.baseline = sal_baseline_method_find(s->id);
    q.fit.epochs = sal_argument_i64(a, "epochs");
    q.fit.seed = (uint64_t)sal_argument_i64(a, "seed");
    q.dataset = sal_fit_system_uses(&q.fit) & SAL_USES_WINDOW ? w->train.dataset : &w->point;
    SAL_TRY(sal_progress(ctx, 0, "%s", s->title));
    SAL_TRY(sal_training_run(ctx, &q, &t));
    s->members = t->members;
    SAL_TRY(sal_allocate(ctx, t->members * t->count, sizeof *s->predicted, &s->predicted));
    for (int64_t i = 0; i < t->members * t->count; i++) s->predicted[i] = sal__train_back(q.fit.log1p, t->by_member[i]);
    SAL_TRY(score(w, s));
    s->seconds = sal_clock() - begun;
    sal_log(ctx, "%s: R2 %.3f, RMSE %.3f, %.0f s", s->title, s->mean[0], s->mean[1], s->seconds);
done:
    sal_training_free(t);
    return status;
}

/* How long a system takes against the others, for the progress only. */
static double share(const sal__compared *s)
{
    const sal_system *network = sal_system_find(s->id);
    return network && network->uses & SAL_USES_WINDOW ? 20 : network ? 1 : 3;
}

sal_status sal__compare_run(sal__compare_work *w)
{
    sal_status status = SAL_STATUS_OK;
    double all = 0, done_share = 0;
    SAL_TRY(take_points(w));
    for (int64_t k = 0; k < w->count; k++) all += share(&w->systems[k]);
    for (int64_t k = 0; k < w->count; k++) {
        double next = done_share + share(&w->systems[k]) / all;
        sal_progress_push(w->train.ctx, done_share, next < 1 ? next : 1);
        status = run_system(w, &w->systems[k]);
        sal_progress_pop(w->train.ctx);
        if (status != SAL_STATUS_OK) goto done;
        done_share = next;
        if (w->systems[k].mean[0] > w->systems[w->best].mean[0]) w->best = k;
    }
done:
    return status;
}

void sal__compare_forget(sal__compare_work *w)
{
    for (int64_t k = 0; k < w->count; k++)
        if (w->systems[k].checkpoint) remove(w->systems[k].checkpoint);
}

void sal__compare_close(sal__compare_work *w)
{
    for (int64_t k = 0; k < w->count; k++) {
        sal_release(w->train.ctx, w->systems[k].predicted);
        sal_release(w->train.ctx, w->systems[k].error2);
        sal_release(w->train.ctx, w->systems[k].checkpoint);
    }
    sal_release(w->train.ctx, w->point.window);
    sal__train_close(&w->train);
}
