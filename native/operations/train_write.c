/* train_write.c - the files of Train model: the model with its covariates and provenance, and the layer of out-of-fold predictions.
 */
#include "train_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *text_or(const sal_arguments *a, const char *key, const char *otherwise)
{
    const char *text = sal_argument_text(a, key);
    return text ? text : otherwise;
}

/* Range and 1 and 99 % quantiles of one covariate over the samples (every pixel of the windows, thinned to at most 200,000). */
static sal_status covariate_range(sal__train_work *w, const float *values, int64_t rows, int64_t n, sal_model_covariate *c)
{
    sal_status status = SAL_STATUS_OK;
    int64_t step = rows / 200000 + 1, count = 0;
    double *sorted = NULL;
    SAL_TRY(sal_allocate(w->ctx, rows / step + 1, sizeof(double), &sorted));
    for (int64_t i = 0; i < rows; i += step) {
        if (isfinite(values[i * n])) sorted[count++] = (double)values[i * n];
    }
    sal_sort_f64(count, sorted);
    c->q01 = count ? sal_quantile_sorted(count, sorted, 0.01) : c->low;
    c->q99 = count ? sal_quantile_sorted(count, sorted, 0.99) : c->high;
done:
    sal_release(w->ctx, sorted);
    return status;
}

static sal_status fill_covariates(sal__train_work *w, const sal_fit_options *o, sal_model_file *model, const sal_scaler *scaler)
{
    sal_status status = SAL_STATUS_OK;
    const sal_dataset *d = w->dataset;
    const struct {
        const char *role;
        char *const *ids;
        int64_t n;
        const sal_scaling *scales;
        const float *values;
        int64_t rows;
    } parts[3] = {{"spectral", d->roles.bands, d->roles.band_count, sal_scaler_bands(scaler), d->spectrum, d->count},
                  {"index", d->roles.indices, d->roles.index_count, sal_scaler_indices(scaler), d->index, d->count},
                  {"window", d->roles.covariates, d->roles.covariate_count, sal_scaler_covariates(scaler), d->window, d->count * d->roles.window * d->roles.window}};
    uint32_t uses = sal_fit_system_uses(o);
    bool used[3] = {(uses & SAL_USES_SPECTRUM) != 0, (uses & SAL_USES_INDEX) != 0, (uses & (SAL_USES_WINDOW | SAL_USES_POINT)) != 0};
    int64_t total = 0, at = 0;
    for (int32_t p = 0; p < 3; p++) total += used[p] ? parts[p].n : 0;
    SAL_TRY(sal_model_file_set_covariates(model, total));
    for (int32_t p = 0; p < 3; p++) {
        for (int64_t k = 0; used[p] && k < parts[p].n; k++) {
            sal_model_covariate *c = &model->covariates[at++];
            const sal_scaling *s = &parts[p].scales[k];
            snprintf(c->id, sizeof c->id, "%s", parts[p].ids[k]);
            snprintf(c->role, sizeof c->role, "%s", parts[p].role);
            c->mean = s->mean, c->sd = s->sd, c->low = s->low, c->high = s->high;
            SAL_TRY(covariate_range(w, parts[p].values + k, parts[p].rows, parts[p].n, c));
        }
    }
done:
    return status;
}

static sal_status store_networks(sal__train_work *w, const sal_fit_options *o, sal_model_file *model)
{
    sal_status status = SAL_STATUS_OK;
    const sal_scaler *scaler = sal_fit_scaler(w->training->final[0]);
    SAL_TRY(fill_covariates(w, o, model, scaler));
    SAL_TRY(sal_network_describe(model, sal_fit_model(w->training->final[0]), scaler));
    for (int64_t m = 0; m < model->members; m++) SAL_TRY(sal_network_store(model, m, sal_fit_params(w->training->final[m])));
done:
    return status;
}

/* Statistics of the covariates over all samples, the settings by name, and the arrays of each member. */
static sal_status store_baselines(sal__train_work *w, const sal_fit_options *o, sal_model_file *model)
{
    sal_status status = SAL_STATUS_OK;
    sal_scaler *scaler = NULL;
    uint8_t *keep = NULL;
    char prefix[32];
    const sal_baseline_settings *s = &w->training->settings[w->training->folds];
    SAL_TRY(sal_allocate(w->ctx, 1, sizeof *scaler, &scaler));
    SAL_TRY(sal_allocate(w->ctx, w->dataset->count, 1, &keep));
    memset(keep, 1, (size_t)w->dataset->count);
    SAL_TRY(sal_scaler_fit(w->ctx, w->dataset, keep, o->log1p, scaler));
    SAL_TRY(fill_covariates(w, o, model, scaler));
    for (int32_t i = 0; sal_baseline_setting_name(o->baseline, i); i++) SAL_TRY(sal_json_add_f64(w->ctx, model->hyper, sal_baseline_setting_name(o->baseline, i), s->value[i]));
    for (int64_t m = 0; m < model->members; m++) {
        snprintf(prefix, sizeof prefix, "member%lld/", (long long)m);
        SAL_TRY(sal_baseline_store(w->training->baseline[m], model->tensors, prefix));
    }
done:
    sal_release(w->ctx, scaler);
    sal_release(w->ctx, keep);
    return status;
}

static sal_status provenance(sal__train_work *w, sal_model_file *model)
{
    sal_status status = SAL_STATUS_OK;
    char hash[65], now[24];
    json_object *inputs = json_object_new_array();
    for (int64_t i = 0; i <= w->stack_count; i++) {
        const char *path = i < w->stack_count ? sal_stack_path(w->stacks[i]) : sal_argument_text(w->arguments, "samples");
        json_object *one = json_object_new_object();
        json_object_array_add(inputs, one);
        SAL_TRY(sal_json_add_text(w->ctx, one, "path", path));
        if (strncmp(path, "/vsi", 4) == 0 || strchr(path, '|')) continue; /* not a plain file */
        sal_progress_push(w->ctx, 0.97 + 0.02 * (double)i / (double)(w->stack_count + 1), 0.97 + 0.02 * (double)(i + 1) / (double)(w->stack_count + 1));
        status = sal_file_sha256(w->ctx, path, hash);
        sal_progress_pop(w->ctx);
        if (status != SAL_STATUS_OK) goto done;
        SAL_TRY(sal_json_add_text(w->ctx, one, "sha256", hash));
    }
    SAL_TRY(sal_json_add(w->ctx, model->provenance, "inputs", json_object_get(inputs)));
    SAL_TRY(sal_json_add(w->ctx, model->provenance, "arguments", sal_arguments_json(w->arguments)));
    SAL_TRY(sal_json_add_text(w->ctx, model->provenance, "extract", text_or(w->arguments, "extract", "")));
    SAL_TRY(sal_json_add_text(w->ctx, model->provenance, "depth", text_or(w->arguments, "depth", "")));
    sal_time_iso(now);
    SAL_TRY(sal_json_add_text(w->ctx, model->provenance, "trained", now));
done:
    json_object_put(inputs);
    return status;
}

sal_status sal__train_write_model(sal__train_work *w, const sal_fit_options *o, const sal_conformal *conformal)
{
    sal_status status = SAL_STATUS_OK;
    sal_model_file *model = NULL;
    json_object *scores = NULL;
    SAL_TRY(sal_model_file_new(w->ctx, &model));
    snprintf(model->system, sizeof model->system, "%s", sal_fit_system_id(o));
    snprintf(model->target, sizeof model->target, "%s", sal_argument_text(w->arguments, "target"));
    snprintf(model->unit, sizeof model->unit, "%s", sal_argument_text(w->arguments, "unit"));
    snprintf(model->transform, sizeof model->transform, "%s", sal_argument_text(w->arguments, "transform"));
    snprintf(model->sensor, sizeof model->sensor, "%s", sal_stack_sensor(w->stacks[0]));
    if (sal_class_scheme_find(w->summary.scheme.id)) snprintf(model->scheme, sizeof model->scheme, "%s", w->summary.scheme.id);
    model->window = w->roles.window;
    model->pixel_m = sal_stack_grid(w->stacks[0])->pixel;
    model->members = w->training->members;
    model->mean_factor = w->summary.mean.factor;
    model->has_conformal = true;
    model->conformal = *conformal;
    SAL_TRY(o->baseline ? store_baselines(w, o, model) : store_networks(w, o, model));
    SAL_TRY(sal_scores_json(w->ctx, &w->summary.scores, &scores));
    SAL_TRY(sal__train_add_centres(w, scores));
    SAL_TRY(sal_json_add(w->ctx, model->scores, w->folds->method, json_object_get(scores)));
    SAL_TRY(provenance(w, model));
    w->provenance = json_object_get(model->provenance);
    model->applicability = w->applicability;
    SAL_TRY(sal_model_file_save(model, sal_output_path(w->outputs[SAL__TRAIN_MODEL])));
done:
    if (model) model->applicability = NULL; /* the work keeps it for report and result */
    json_object_put(scores);
    sal_model_file_free(model);
    return status;
}

sal_status sal__train_write_predictions(sal__train_work *w)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = w->dataset->count, *fold = NULL;
    double *error = NULL;
    const char **campaign = NULL;
    if (!w->outputs[SAL__TRAIN_PREDICTIONS]) return SAL_STATUS_OK;
    SAL_TRY(sal_allocate(w->ctx, n, sizeof *fold, &fold));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof *error, &error));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof *campaign, &campaign));
    for (int64_t i = 0; i < n; i++) {
        fold[i] = w->folds->fold[i] + 1;
        error[i] = w->median[i] - w->dataset->target[i];
        campaign[i] = sal_stack_campaign(w->stacks[w->dataset->stack[i]]);
    }
    const sal_column columns[] = {{"sample_fid", 'i', w->dataset->fid}, {"campaign", 't', campaign}, {"fold", 'i', fold}, {"observed", 'f', w->dataset->target},
                                  {"predicted", 'f', w->median}, {"lower", 'f', w->lower}, {"upper", 'f', w->upper}, {"error", 'f', error},
                                  {"pit", 'f', w->pit}};
    SAL_TRY(sal_points_write(w->ctx, sal_output_path(w->outputs[SAL__TRAIN_PREDICTIONS]), "predictions", w->samples->wkt, n, w->dataset->x, w->dataset->y,
                             columns, (int64_t)(sizeof columns / sizeof *columns)));
done:
    sal_release(w->ctx, fold);
    sal_release(w->ctx, error);
    sal_release(w->ctx, campaign);
    return status;
}
