/* train.c - Train model: stacks and samples in; model file, report and out-of-fold predictions out.
 *
 * Everything is checked before the first network is built. Scores and intervals come from pooled out-of-fold predictions only.
 */
#include "operations/operation.h"
#include "train/network.h"
#include "train/training.h"
#include "train_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const sal_param params[] = {
    {.key = "stacks", .type = SAL_PARAM_RASTER, .flags = SAL_REQUIRED | SAL_LIST, .label = "Covariate stacks",
     .help = "One stack for each campaign, made with Build covariate stack."},
    {.key = "samples", .type = SAL_PARAM_VECTOR, .flags = SAL_REQUIRED, .label = "Field samples",
     .help = "Point layer with the measured salinity; other coordinate systems are transformed."},
    {.key = "target", .type = SAL_PARAM_FIELD, .flags = SAL_REQUIRED, .parent = "samples", .label = "Target field",
     .help = "Field with the measured value; not negative."},
    {.key = "unit", .type = SAL_PARAM_TEXT, .flags = SAL_REQUIRED, .label = "Unit of the target",
     .help = "Unit as measured, such as g/kg or dS/m. Nothing is converted; the unit goes with the model and its maps."},
    {.key = "extract", .type = SAL_PARAM_TEXT, .flags = SAL_ADVANCED, .label = "Extract",
     .help = "How it was measured, such as ECe, EC1:5 or total salt; kept in the model."},
    {.key = "depth", .type = SAL_PARAM_TEXT, .flags = SAL_ADVANCED, .label = "Depth", .help = "Depth of the samples, such as 0-20 cm; kept in the model."},
    {.key = "date_field", .type = SAL_PARAM_FIELD, .parent = "samples", .label = "Date or campaign field",
     .help = "Date of sampling, or the name of the campaign; needed when there is more than one stack."},
    {.key = "system", .type = SAL_PARAM_CHOICE, .default_value = "ss_soilnet", .choices = "ss_soilnet|ss_stack|spec_index|index", .label = "System",
     .help = "ss_soilnet: SS-SoilNet with a window of the environment; ss_stack, spec_index and index are its ablations without window, without environment and without bands."},
    {.key = "window", .type = SAL_PARAM_I64, .default_value = "65", .bounds = {17, 129}, .label = "Window", .unit = "pixels",
     .help = "Side of the window of SS-SoilNet: 17, 33, 49, 65 ... pixels (a multiple of 16 plus 1). Beyond the edge of the stack it sees the mirror image of the inside."},
    {.key = "validation", .type = SAL_PARAM_CHOICE, .default_value = "random", .choices = "random|blocks", .label = "Validation",
     .help = "random: folds stratified by target, an optimistic reference; blocks: spatial blocks with a buffer as wide as the window, for skill on unseen ground."},
    {.key = "folds", .type = SAL_PARAM_I64, .default_value = "5", .bounds = {2, 20}, .label = "Folds", .help = "Number of folds of the validation."},
    {.key = "block_size", .type = SAL_PARAM_F64, .default_value = "0", .bounds = {0, 1000000}, .flags = SAL_ADVANCED, .unit = "m", .label = "Block size",
     .help = "Side of the spatial blocks; 0 chooses at least twice the window."},
    {.key = "seeds", .type = SAL_PARAM_I64, .default_value = "1", .bounds = {1, 20}, .label = "Networks in the ensemble",
     .help = "Networks that differ in their seed and are averaged; 2 or 3 make maps steadier and take as many times longer."},
    {.key = "seed", .type = SAL_PARAM_I64, .default_value = "1", .bounds = {0, 1e9}, .flags = SAL_ADVANCED, .label = "Seed", .help = "Start of all random numbers: the same seed gives the same model."},
    {.key = "epochs", .type = SAL_PARAM_I64, .default_value = "45", .bounds = {1, 1000}, .label = "Epochs", .help = "Passes over the training samples."},
    {.key = "loss", .type = SAL_PARAM_CHOICE, .default_value = "quantile", .choices = "quantile|huber", .flags = SAL_ADVANCED, .label = "Loss",
     .help = "quantile: a centre (Huber loss) between a lower and an upper quantile, which give intervals as wide as the place asks; huber: the centre alone, intervals of one width."},
    {.key = "transform", .type = SAL_PARAM_CHOICE, .default_value = "log1p", .choices = "log1p|none", .flags = SAL_ADVANCED, .label = "Transform of the target",
     .help = "log1p learns log(1 + value), right for skewed salinity; the map then shows the median, below the mean of a skewed variable, unless it is retrieved with centre mean."},
    {.key = "batch", .type = SAL_PARAM_I64, .default_value = "64", .bounds = {2, 1024}, .flags = SAL_ADVANCED, .label = "Batch size", .help = "Samples per training step."},
    {.key = "learning_rate", .type = SAL_PARAM_F64, .default_value = "0.003", .bounds = {1e-6, 1}, .flags = SAL_ADVANCED, .label = "Learning rate", .help = "Largest step of AdamW; it falls along a cosine."},
    {.key = "weight_decay", .type = SAL_PARAM_F64, .default_value = "0.01", .bounds = {0, 10}, .flags = SAL_ADVANCED, .label = "Weight decay", .help = "Decoupled weight decay of AdamW."},
    {.key = "dropout", .type = SAL_PARAM_F64, .default_value = "0.25", .bounds = {0, 0.9}, .flags = SAL_ADVANCED, .label = "Dropout", .help = "Share of hidden units dropped while training."},
    {.key = "width", .type = SAL_PARAM_I64, .default_value = "16", .bounds = {8, 512}, .flags = SAL_ADVANCED, .label = "Width", .help = "Width of tokens and queries; a multiple of 4."},
    {.key = "scheme", .type = SAL_PARAM_TEXT, .flags = SAL_ADVANCED, .label = "Class scheme",
     .help = "Classes for scores and maps: china_salt_gkg, fao_ece_dsm, nrcs_ece_dsm; without it the first scheme for the unit, else quarters of the samples."},
    {.key = "max_minutes", .type = SAL_PARAM_F64, .default_value = "0", .bounds = {0, 100000}, .flags = SAL_ADVANCED, .unit = "min", .label = "Time limit",
     .help = "Stops after this time and keeps a checkpoint beside the model, from which the same training goes on; 0: no limit."},
    {.key = "output", .type = SAL_PARAM_FILE_OUT, .flags = SAL_REQUIRED, .extension = "safetensors", .label = "Model", .help = "The trained model."},
    {.key = "report", .type = SAL_PARAM_FILE_OUT, .extension = "html", .label = "Report", .help = "Data, folds, scores, figures and limits on one page."},
    {.key = "predictions", .type = SAL_PARAM_VECTOR_OUT, .extension = "gpkg", .label = "Out-of-fold predictions",
     .help = "The samples with observed and predicted value, interval and fold."},
    {.key = NULL}};

static const sal_result_row results[] = {
    {"samples", true, "Samples used"}, {"r2", true, "R2 (1 - SSE/SST)"}, {"rmse", true, "RMSE"}, {"mae", true, "MAE"}, {"bias", true, "Bias"},
    {"log_r2", true, "R2 of log(1 + value)"}, {"coverage_90", true, "Coverage of 90 % intervals"}, {"samples_per_second", true, "Samples trained per second"},
    {NULL, false, NULL}};

typedef struct work {
    sal_context *ctx;
    const sal_arguments *arguments;
    sal_stack *stacks[256];
    int64_t stack_count;
    sal_samples *samples;
    sal_roles roles;
    sal_dataset *dataset;
    sal_folds *folds;
    sal_training *training;
    sal_train_summary summary;
    double *lower, *median, *upper; /* honest out-of-fold, natural scale */
    char *checkpoint;
    sal_output *outputs[3]; /* model, report, predictions: they appear together at the end; NULL where not asked for */
} work;

enum { MODEL, REPORT, PREDICTIONS, OUTPUTS };
static const char *const output_keys[OUTPUTS] = {"output", "report", "predictions"};

static const char *text_or(const sal_arguments *a, const char *key, const char *otherwise)
{
    const char *text = sal_argument_text(a, key);
    return text ? text : otherwise;
}

/* ---- inputs ---- */

static sal_status open_stacks(work *w)
{
    sal_status status = SAL_STATUS_OK;
    w->stack_count = sal_argument_count(w->arguments, "stacks");
    if (w->stack_count > 256) return sal_fail(w->ctx, SAL_STATUS_ARGUMENT, "%lld stacks are more than 256; train on fewer campaigns", (long long)w->stack_count);
    for (int64_t i = 0; i < w->stack_count; i++) {
        SAL_TRY(sal_stack_open(w->ctx, sal_argument_text_at(w->arguments, "stacks", i), &w->stacks[i]));
        const sal_grid *a = sal_stack_grid(w->stacks[0]), *b = sal_stack_grid(w->stacks[i]);
        if (fabs(a->pixel - b->pixel) > 0.01 * a->pixel)
            return sal_fail(w->ctx, SAL_STATUS_DATA, "stack \"%s\" has pixels of %g m and \"%s\" of %g m; build them on one reference grid",
                            sal_stack_path(w->stacks[0]), a->pixel, sal_stack_path(w->stacks[i]), b->pixel);
        if (strcmp(sal_stack_sensor(w->stacks[0]), sal_stack_sensor(w->stacks[i])) != 0)
            return sal_fail(w->ctx, SAL_STATUS_DATA, "stack \"%s\" is of sensor \"%s\" and \"%s\" of \"%s\"; train one model for each sensor", sal_stack_path(w->stacks[0]),
                            sal_stack_sensor(w->stacks[0]), sal_stack_path(w->stacks[i]), sal_stack_sensor(w->stacks[i]));
    }
    if (w->stack_count > 1 && !sal_argument_given(w->arguments, "date_field"))
        return sal_fail(w->ctx, SAL_STATUS_ARGUMENT, "date_field is needed to tell which of the %lld stacks a sample belongs to", (long long)w->stack_count);
done:
    return status;
}

static sal_status read_inputs(work *w)
{
    sal_status status = SAL_STATUS_OK;
    const sal_arguments *a = w->arguments;
    const sal_system *system = sal_system_find(sal_argument_text(a, "system"));
    bool windows = (system->uses & SAL_USES_WINDOW) != 0;
    int64_t window = windows ? sal_argument_i64(a, "window") : 1, folds = sal_argument_i64(a, "folds"), least = folds * 4 > 20 ? folds * 4 : 20;
    if (windows && (window - 1) % 16)
        return sal_fail(w->ctx, SAL_STATUS_ARGUMENT, "window %lld does not fit the network; use 17, 33, 49, 65, 81, 97, 113 or 129", (long long)window);
    if (sal_argument_i64(a, "width") % 4) return sal_fail(w->ctx, SAL_STATUS_ARGUMENT, "width %lld is not a multiple of 4", (long long)sal_argument_i64(a, "width"));
    SAL_TRY(open_stacks(w));
    SAL_TRY(sal_samples_read(w->ctx, sal_argument_text(a, "samples"), sal_argument_text(a, "target"), sal_argument_text(a, "date_field"), &w->samples));
    SAL_TRY(sal_samples_match(w->ctx, w->samples, w->stacks, w->stack_count));
    SAL_TRY(sal_roles_find(w->ctx, w->stacks, w->stack_count, window, &w->roles));
    SAL_TRY(sal_progress(w->ctx, 0, "reading %lld samples from %lld stacks", (long long)w->samples->count, (long long)w->stack_count));
    SAL_TRY(sal_dataset_new(w->ctx, w->samples, w->stacks, w->stack_count, &w->roles, least, &w->dataset));
    sal_fold_request request = {.method = sal_argument_text(a, "validation"), .count = w->dataset->count, .x = w->dataset->x, .y = w->dataset->y,
                                .target = w->dataset->target, .k = folds, .pixel_m = sal_stack_grid(w->stacks[0])->pixel, .window = window,
                                .block_m = sal_argument_f64(a, "block_size"), .seed = (uint64_t)sal_argument_i64(a, "seed")};
    SAL_TRY(sal_folds_new(w->ctx, &request, &w->folds));
done:
    return status;
}

static sal_status choose_scheme(work *w)
{
    const char *id = sal_argument_text(w->arguments, "scheme"), *unit = sal_argument_text(w->arguments, "unit");
    const sal_class_scheme *scheme = id ? sal_class_scheme_find(id) : sal_class_scheme_for_unit(unit);
    if (id && !scheme) return sal_fail(w->ctx, SAL_STATUS_ARGUMENT, "there is no class scheme \"%s\"; use china_salt_gkg, fao_ece_dsm or nrcs_ece_dsm", id);
    if (!scheme) return sal_class_scheme_quarters(w->ctx, unit, w->dataset->count, w->dataset->target, &w->summary.scheme);
    w->summary.scheme = *scheme;
    return SAL_STATUS_OK;
}

static void fit_options(const work *w, sal_fit_options *o)
{
    const sal_arguments *a = w->arguments;
    sal_fit_defaults(o);
    o->system = sal_system_find(sal_argument_text(a, "system"));
    o->epochs = sal_argument_i64(a, "epochs");
    o->batch = sal_argument_i64(a, "batch");
    o->learning_rate = sal_argument_f64(a, "learning_rate");
    o->weight_decay = sal_argument_f64(a, "weight_decay");
    o->log1p = strcmp(sal_argument_text(a, "transform"), "log1p") == 0;
    o->seed = (uint64_t)sal_argument_i64(a, "seed");
    o->model.head = strcmp(sal_argument_text(a, "loss"), "huber") == 0 ? SAL_HEAD_HUBER : SAL_HEAD_QUANTILE;
    o->model.dropout = sal_argument_f64(a, "dropout");
    o->model.width = sal_argument_i64(a, "width");
}

/* ---- scores and intervals ---- */

static double back(const sal_fit_options *o, double v)
{
    double natural = o->log1p ? expm1(v) : v;
    return natural < 0 ? 0 : natural;
}

static sal_status evaluate(work *w, const sal_fit_options *o, sal_conformal *conformal)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = w->dataset->count;
    double *all = NULL, *observed, *l, *m, *u, *cl, *cu, breaks[SAL_CLASS_MAX];
    const sal_class_scheme *scheme = &w->summary.scheme;
    SAL_TRY(sal_allocate(w->ctx, 6 * n, sizeof(double), &all));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof(double), &w->lower));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof(double), &w->median));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof(double), &w->upper));
    observed = all, l = all + n, m = all + 2 * n, u = all + 3 * n, cl = all + 4 * n, cu = all + 5 * n;
    for (int64_t i = 0; i < n; i++) {
        observed[i] = o->log1p ? log1p(w->dataset->target[i]) : w->dataset->target[i];
        l[i] = w->training->out_of_fold[3 * i];
        m[i] = w->training->out_of_fold[3 * i + 1];
        u[i] = w->training->out_of_fold[3 * i + 2];
    }
    for (int32_t k = 0; k + 1 < scheme->count; k++) breaks[k] = o->log1p ? log1p(scheme->breaks[k]) : scheme->breaks[k];
    const sal_conformal_kind kind = o->model.head == SAL_HEAD_HUBER ? SAL_CONFORMAL_ADDITIVE : SAL_CONFORMAL_SCALED;
    SAL_TRY(sal_conformal_fit(w->ctx, n, observed, l, m, u, SAL_CONFORMAL_OBSERVED, kind, breaks, scheme->count - 1, conformal));
    SAL_TRY(sal_conformal_cross(w->ctx, n, w->folds->fold, w->folds->k, observed, l, m, u, SAL_CONFORMAL_OBSERVED, kind, breaks, scheme->count - 1, 0.9, cl, cu));
    for (int64_t i = 0; i < n; i++) {
        w->lower[i] = back(o, cl[i]);
        w->median[i] = back(o, m[i]);
        w->upper[i] = back(o, cu[i]);
    }
    SAL_TRY(sal_scores_compute(w->ctx, n, w->dataset->target, w->median, w->lower, w->upper, 0.9, scheme, &w->summary.scores));
    SAL_TRY(sal_mean_scores_compute(w->ctx, n, w->dataset->target, m, w->folds->fold, (int32_t)w->folds->k, o->log1p, &w->summary.mean));
done:
    sal_release(w->ctx, all);
    return status;
}

/* Scores of every network alone, for the spread over seeds. */
static sal_status evaluate_members(work *w, const sal_fit_options *o)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = w->dataset->count;
    double *predicted = NULL, metrics[SAL_METRIC_COUNT];
    SAL_TRY(sal_allocate(w->ctx, n, sizeof *predicted, &predicted));
    w->summary.members = w->training->members;
    for (int64_t m = 0; m < w->training->members; m++) {
        for (int64_t i = 0; i < n; i++) predicted[i] = back(o, w->training->by_member[m * n + i]);
        SAL_TRY(sal_metrics_evaluate(w->ctx, n, w->dataset->target, predicted, metrics));
        w->summary.member_r2[m] = metrics[SAL_METRIC_R2];
        w->summary.member_rmse[m] = metrics[SAL_METRIC_RMSE];
    }
done:
    sal_release(w->ctx, predicted);
    return status;
}

/* {"median": {"r2", "rmse", "bias"}, "mean": {..}} */
static sal_status add_centres(const work *w, json_object *to)
{
    sal_status status = SAL_STATUS_OK;
    json_object *centres = json_object_new_object();
    SAL_TRY(sal_json_add(w->ctx, to, "centres", centres));
    for (int32_t k = 0; k < 2; k++) {
        const double *metrics = k ? w->summary.mean.metrics : w->summary.scores.natural;
        json_object *one = json_object_new_object();
        SAL_TRY(sal_json_add(w->ctx, centres, k ? "mean" : "median", one));
        SAL_TRY(sal_json_add_f64(w->ctx, one, "r2", metrics[SAL_METRIC_R2]));
        SAL_TRY(sal_json_add_f64(w->ctx, one, "rmse", metrics[SAL_METRIC_RMSE]));
        SAL_TRY(sal_json_add_f64(w->ctx, one, "bias", metrics[SAL_METRIC_BIAS]));
    }
done:
    return status;
}

/* ---- outputs ---- */

/* Range and 1 and 99 % quantiles of one covariate over the samples (every pixel of the windows, thinned to at most 200,000). */
static sal_status covariate_range(work *w, const float *values, int64_t rows, int64_t n, sal_model_covariate *c)
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

static sal_status fill_covariates(work *w, sal_model_file *model, const sal_scaler *scaler)
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
    uint32_t uses = sal_system_find(model->system)->uses;
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

static sal_status provenance(work *w, sal_model_file *model)
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

static sal_status write_model(work *w, const sal_fit_options *o, const sal_conformal *conformal)
{
    sal_status status = SAL_STATUS_OK;
    sal_model_file *model = NULL;
    json_object *scores = NULL;
    SAL_TRY(sal_model_file_new(w->ctx, &model));
    snprintf(model->system, sizeof model->system, "%s", o->system->id);
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
    SAL_TRY(fill_covariates(w, model, sal_fit_scaler(w->training->final[0])));
    SAL_TRY(sal_network_describe(model, sal_fit_model(w->training->final[0]), sal_fit_scaler(w->training->final[0])));
    for (int64_t m = 0; m < model->members; m++) SAL_TRY(sal_network_store(model, m, sal_fit_params(w->training->final[m])));
    SAL_TRY(sal_scores_json(w->ctx, &w->summary.scores, &scores));
    SAL_TRY(add_centres(w, scores));
    SAL_TRY(sal_json_add(w->ctx, model->scores, w->folds->method, json_object_get(scores)));
    SAL_TRY(provenance(w, model));
    SAL_TRY(sal_model_file_save(model, sal_output_path(w->outputs[MODEL])));
done:
    json_object_put(scores);
    sal_model_file_free(model);
    return status;
}

static sal_status write_predictions(work *w)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = w->dataset->count, *fold = NULL;
    double *error = NULL;
    const char **campaign = NULL;
    if (!w->outputs[PREDICTIONS]) return SAL_STATUS_OK;
    SAL_TRY(sal_allocate(w->ctx, n, sizeof *fold, &fold));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof *error, &error));
    SAL_TRY(sal_allocate(w->ctx, n, sizeof *campaign, &campaign));
    for (int64_t i = 0; i < n; i++) {
        fold[i] = w->folds->fold[i] + 1;
        error[i] = w->median[i] - w->dataset->target[i];
        campaign[i] = sal_stack_campaign(w->stacks[w->dataset->stack[i]]);
    }
    const sal_column columns[] = {{"sample_fid", 'i', w->dataset->fid}, {"campaign", 't', campaign}, {"fold", 'i', fold}, {"observed", 'f', w->dataset->target},
                                  {"predicted", 'f', w->median}, {"lower", 'f', w->lower}, {"upper", 'f', w->upper}, {"error", 'f', error}};
    SAL_TRY(sal_points_write(w->ctx, sal_output_path(w->outputs[PREDICTIONS]), "predictions", w->samples->wkt, n, w->dataset->x, w->dataset->y,
                             columns, (int64_t)(sizeof columns / sizeof *columns)));
done:
    sal_release(w->ctx, fold);
    sal_release(w->ctx, error);
    sal_release(w->ctx, campaign);
    return status;
}

static sal_status add_spread(sal_context *ctx, json_object *to, const char *key, int64_t n, const double *values)
{
    sal_status status = SAL_STATUS_OK;
    double mean, sd;
    char name[32];
    json_object *list = json_object_new_array();
    for (int64_t i = 0; i < n && list; i++) json_object_array_add(list, sal_json_number(values[i]));
    SAL_TRY(sal_json_add(ctx, to, key, list));
    sal_train_spread(n, values, &mean, &sd);
    snprintf(name, sizeof name, "%s_mean", key);
    SAL_TRY(sal_json_add_f64(ctx, to, name, mean));
    snprintf(name, sizeof name, "%s_sd", key);
    SAL_TRY(sal_json_add_f64(ctx, to, name, sd));
done:
    return status;
}

static sal_status add_results(work *w, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    json_object *scores = NULL;
    const sal_scores *s = &w->summary.scores;
    for (int32_t k = 0; k < OUTPUTS; k++) {
        if (w->outputs[k]) SAL_TRY(sal_json_add_text(w->ctx, result, output_keys[k], sal_argument_text(w->arguments, output_keys[k])));
    }
    SAL_TRY(sal_json_add_i64(w->ctx, result, "samples", w->dataset->count));
    SAL_TRY(sal_json_add_text(w->ctx, result, "validation", w->folds->method));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "overlap_share", w->folds->overlap_share));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "r2", s->natural[SAL_METRIC_R2]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "rmse", s->natural[SAL_METRIC_RMSE]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "mae", s->natural[SAL_METRIC_MAE]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "bias", s->natural[SAL_METRIC_BIAS]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "log_r2", s->has_log ? s->log1p[SAL_METRIC_R2] : NAN));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "mean_factor", w->summary.mean.factor));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "coverage_90", s->interval[SAL_INTERVAL_PICP]));
    SAL_TRY(sal_json_add_f64(w->ctx, result, "samples_per_second", w->training->samples_per_second));
    SAL_TRY(sal_scores_json(w->ctx, s, &scores));
    SAL_TRY(sal_json_add(w->ctx, result, "scores", scores));
    SAL_TRY(add_centres(w, result));
    if (w->summary.members > 1) {
        json_object *seeds = json_object_new_object();
        SAL_TRY(sal_json_add(w->ctx, result, "by_seed", seeds));
        SAL_TRY(add_spread(w->ctx, seeds, "r2", w->summary.members, w->summary.member_r2));
        SAL_TRY(add_spread(w->ctx, seeds, "rmse", w->summary.members, w->summary.member_rmse));
    }
done:
    return status;
}

static void close_work(work *w)
{
    sal_training_free(w->training);
    sal_folds_free(w->ctx, w->folds);
    sal_dataset_free(w->ctx, w->dataset);
    sal_roles_clear(w->ctx, &w->roles);
    sal_samples_free(w->ctx, w->samples);
    for (int64_t i = 0; i < w->stack_count && i < 256; i++) sal_stack_free(w->stacks[i]);
    sal_release(w->ctx, w->lower);
    sal_release(w->ctx, w->median);
    sal_release(w->ctx, w->upper);
    sal_release(w->ctx, w->checkpoint);
    for (int32_t k = 0; k < OUTPUTS; k++) sal_output_free(w->outputs[k]);
}

static sal_status run(sal_context *ctx, const sal_arguments *arguments, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    work w = {.ctx = ctx, .arguments = arguments};
    sal_conformal conformal;
    sal_fit_options options;
    for (int32_t k = 0; k < OUTPUTS; k++) { /* a folder that takes no file is found before hours of training */
        if (sal_argument_given(arguments, output_keys[k])) SAL_TRY(sal_output_new(ctx, sal_argument_text(arguments, output_keys[k]), &w.outputs[k]));
    }
    sal_progress_push(ctx, 0, 0.05);
    status = read_inputs(&w);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(choose_scheme(&w));
    fit_options(&w, &options);
    SAL_TRY(sal_text_format(ctx, &w.checkpoint, "%s.checkpoint", sal_argument_text(arguments, "output")));
    const sal_training_request request = {.dataset = w.dataset, .folds = w.folds, .fit = options, .members = sal_argument_i64(arguments, "seeds"),
                                          .checkpoint = w.checkpoint, .seconds = 60 * sal_argument_f64(arguments, "max_minutes")};
    sal_progress_push(ctx, 0.05, 0.97);
    status = sal_training_run(ctx, &request, &w.training);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(sal_progress(ctx, 0.97, "scores, model and report"));
    SAL_TRY(evaluate(&w, &options, &conformal));
    SAL_TRY(evaluate_members(&w, &options));
    SAL_TRY(write_model(&w, &options, &conformal));
    SAL_TRY(write_predictions(&w));
    if (w.outputs[REPORT]) {
        const sal_train_report_input input = {w.dataset, w.folds, w.training, &w.summary, w.lower, w.median, w.upper, w.stacks, w.stack_count, w.samples, &options};
        SAL_TRY(sal_train_report_write(ctx, arguments, &input, sal_output_path(w.outputs[REPORT])));
    }
    SAL_TRY(add_results(&w, result));
    for (int32_t k = 0; k < OUTPUTS; k++) {
        if (w.outputs[k]) SAL_TRY(sal_output_settle(w.outputs[k]));
    }
    SAL_TRY(sal_progress(ctx, 1, NULL)); /* the last moment to cancel */
    for (int32_t k = 0; k < OUTPUTS; k++) {
        if (w.outputs[k]) SAL_TRY(sal_output_commit(w.outputs[k]));
    }
done:
    /* A checkpoint outlives any failure, above all outputs that find the disk full after hours of training; a user who cancels wants no files. */
    if (w.checkpoint && (status == SAL_STATUS_OK || status == SAL_STATUS_CANCELLED)) remove(w.checkpoint);
    close_work(&w);
    return status;
}

const sal_operation sal_operation_train = {
    .id = "train",
    .title = "Train model",
    .summary = "Trains SS-SoilNet or one of its ablations on field samples and covariate stacks, with honest validation.",
    .help = "Give one covariate stack for each campaign (Build covariate stack) and a point layer with the measured salinity. Every sample takes the stack of its "
            "campaign or of the nearest date.\n\n"
            "Validation trains the whole network anew in every fold; scaling is fitted inside the fold, and scores are computed once from all out-of-fold "
            "predictions. Random folds are an optimistic reference: windows of neighbouring samples overlap. Use blocks to learn how good a map is on ground without "
            "samples. The final model is then trained on all samples.\n\n"
            "Intervals come from conformalised quantiles (Romano et al. 2019), calibrated class by class on the out-of-fold predictions, so that the rare saline class is "
            "covered as well as the common one.\n\n"
            "The model is a .safetensors file with everything retrieval needs: covariates with their statistics, window, pixel size, sensor, unit, scores. A training "
            "that was killed, or whose outputs could not be written, goes on from its checkpoint when started again with the same inputs and gives the same bits.",
    .tags = "salinity,EC,ECe,soil,neural network,deep learning,machine learning,regression,SS-SoilNet,cross-validation,spatial",
    .params = params,
    .results = results,
    .run = run,
};
