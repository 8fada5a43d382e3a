/* train_applicability.c - where the trained model knows the ground: covariates at the samples, weighted by their importance out of fold, or the last hidden
 * layer of its networks.
 *
 * The order of the covariates is that of the model file: bands, indices, environment at the pixel. The threshold follows the folds: with random
 * folds, places near samples are the measure of what is alike.
 */
#include "train_parts.h"

#include <math.h>
#include <string.h>

typedef struct part {
    char *const *ids;
    int64_t n;
    const float *values; /* of the first sample */
    int64_t step;        /* to the next sample */
} part;

static void find_parts(const sal_dataset *d, part parts[SAL_PARTS])
{
    const sal_roles *r = &d->roles;
    int64_t pixels = r->window * r->window, centre = r->window / 2 * r->window + r->window / 2;
    parts[SAL_PART_SPECTRUM] = (part){r->bands, r->band_count, d->spectrum, r->band_count};
    parts[SAL_PART_INDEX] = (part){r->indices, r->index_count, d->index, r->index_count};
    parts[SAL_PART_ENVIRONMENT] = (part){r->covariates, r->covariate_count, d->window + centre * r->covariate_count, pixels * r->covariate_count};
}

/* (count, p) values at the pixels of the samples. */
static sal_status gather(sal__train_work *w, const sal_fit_options *o, int64_t p, double *x)
{
    part parts[SAL_PARTS];
    const char **ids;
    sal_status status = sal_allocate(w->ctx, p, sizeof *ids, &ids);
    if (status != SAL_STATUS_OK) return status;
    find_parts(w->dataset, parts);
    int64_t at = 0;
    for (int32_t k = 0; k < SAL_PARTS; k++)
        for (int64_t c = 0; sal_fit_takes(o, k) && c < parts[k].n; c++, at++) {
            ids[at] = parts[k].ids[c];
            for (int64_t i = 0; i < w->dataset->count; i++) x[i * p + at] = (double)parts[k].values[i * parts[k].step + c];
        }
    w->summary.covariate_ids = ids;
    w->summary.covariates = p;
    return SAL_STATUS_OK;
}

static bool any_positive(const double *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (values[i] > 0) return true;
    return false;
}

sal_status sal__train_choose_basis(sal__train_work *w)
{
    const char *text = sal_argument_text(w->arguments, "applicability"), *system = sal_argument_text(w->arguments, "system");
    w->basis = strcmp(text, "embedding") == 0 ? SAL__TRAIN_BASIS_EMBEDDING : strcmp(text, "none") == 0 ? SAL__TRAIN_BASIS_NONE : SAL__TRAIN_BASIS_COVARIATES;
    if (w->basis == SAL__TRAIN_BASIS_EMBEDDING && sal_baseline_method_find(system))
        return sal_fail(w->ctx, SAL_STATUS_ARGUMENT, "applicability embedding needs a network, and %s has no hidden layer; take applicability covariates", system);
    return SAL_STATUS_OK;
}

/* On the values x (count, covariates), by importance. */
static sal_status fit_covariates(sal__train_work *w, const double *x)
{
    const sal_training *t = w->training;
    if (!w->summary.importance) sal_warn(w->ctx, "no covariate improves the out-of-fold predictions, so all weigh alike in the area of applicability");
    return sal_applicability_fit(w->ctx, w->dataset->count, t->covariates, x, w->summary.importance, w->folds->fold, w->folds->train, &w->applicability);
}

static sal_status fit_embedding(sal__train_work *w)
{
    const sal_training *t = w->training;
    return sal_applicability_fit_embedding(w->ctx, t->count, t->units, t->embedding, t->unit_weight, w->folds->fold, w->folds->train, t->unseen, &w->applicability);
}

sal_status sal__train_applicability(sal__train_work *w, const sal_fit_options *o)
{
    sal_status status = SAL_STATUS_OK;
    const sal_training *t = w->training;
    double *x = NULL;
    SAL_TRY(sal_allocate(w->ctx, w->dataset->count * t->covariates, sizeof *x, &x));
    SAL_TRY(gather(w, o, t->covariates, x));
    if (any_positive(t->importance, t->covariates)) w->summary.importance = t->importance;
    if (w->basis == SAL__TRAIN_BASIS_NONE) goto done;
    SAL_TRY(w->basis == SAL__TRAIN_BASIS_EMBEDDING ? fit_embedding(w) : fit_covariates(w, x));
    w->summary.applicability = w->applicability;
    sal_log(w->ctx, "area of applicability: threshold %.4g of the dissimilarity index, mean distance %.4g", w->applicability->threshold, w->applicability->mean_distance);
done:
    sal_release(w->ctx, x);
    return status;
}

/* Threshold, mean distance and density. */
static sal_status add_figures(const sal__train_work *w, json_object *o)
{
    sal_status status;
    const sal_applicability *a = w->applicability;
    int64_t near = 0, tested = 0, beyond = 0;
    for (int64_t i = 0; i < a->n; i++) {
        tested += isfinite(a->di[i]);
        beyond += isfinite(a->di[i]) && a->di[i] > a->threshold;
        near += a->lpd[i];
    }
    SAL_TRY(sal_json_add_f64(w->ctx, o, "threshold", a->threshold));
    SAL_TRY(sal_json_add_f64(w->ctx, o, "mean_distance", a->mean_distance));
    SAL_TRY(sal_json_add_f64(w->ctx, o, "mean_local_point_density", tested ? (double)near / (double)tested : NAN));
    SAL_TRY(sal_json_add_i64(w->ctx, o, "samples_beyond", beyond));
done:
    return status;
}

sal_status sal__train_add_applicability(const sal__train_work *w, json_object *to)
{
    sal_status status;
    const sal_train_summary *s = &w->summary;
    json_object *o = json_object_new_object(), *importance = json_object_new_object();
    SAL_TRY(sal_json_add(w->ctx, to, "applicability", o));
    SAL_TRY(sal_json_add_text(w->ctx, o, "basis", sal_argument_text(w->arguments, "applicability")));
    SAL_TRY(sal_json_add(w->ctx, o, "importance", json_object_get(importance)));
    if (w->applicability) SAL_TRY(add_figures(w, o));
    for (int64_t k = 0; k < s->covariates; k++) { /* an index may stand in the environment too: of two the more important counts */
        json_object *before = NULL;
        double value = s->importance ? s->importance[k] : NAN;
        if (json_object_object_get_ex(importance, s->covariate_ids[k], &before) && before && json_object_get_double(before) > value) continue;
        SAL_TRY(sal_json_add_f64(w->ctx, importance, s->covariate_ids[k], value));
    }
done:
    json_object_put(importance);
    return status;
}
