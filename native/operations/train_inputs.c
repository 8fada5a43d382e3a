/* train_inputs.c - what Train model reads: stacks of one grid and sensor, samples matched to them, folds, class scheme, options of the fit.
 */
#include "train_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static sal_status open_stacks(sal__train_work *w)
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

sal_status sal__train_window(sal__train_work *w, const char *system_id)
{
    const sal_system *system = sal_system_find(system_id);
    if (!system) return sal_baseline_method_check(w->ctx, sal_baseline_method_find(system_id)); /* baselines see the pixel */
    if (!(system->uses & SAL_USES_WINDOW)) return SAL_STATUS_OK;
    w->window = sal_argument_i64(w->arguments, "window");
    if ((w->window - 1) % 16 == 0) return SAL_STATUS_OK;
    return sal_fail(w->ctx, SAL_STATUS_ARGUMENT, "window %lld does not fit the network; use 17, 33, 49, 65, 81, 97, 113 or 129", (long long)w->window);
}

sal_status sal__train_read(sal__train_work *w)
{
    sal_status status = SAL_STATUS_OK;
    const sal_arguments *a = w->arguments;
    int64_t window = w->window > 0 ? w->window : 1, folds = sal_argument_i64(a, "folds"), least = folds * 4 > 20 ? folds * 4 : 20;
    SAL_TRY(open_stacks(w));
    SAL_TRY(sal_samples_read(w->ctx, sal_argument_text(a, "samples"), sal_argument_text(a, "target"), sal_argument_text(a, "date_field"), &w->samples));
    SAL_TRY(sal_samples_match(w->ctx, w->samples, w->stacks, w->stack_count));
    SAL_TRY(sal_roles_find(w->ctx, w->stacks, w->stack_count, window, &w->roles));
    SAL_TRY(sal_progress(w->ctx, 0, "reading %lld samples from %lld stacks", (long long)w->samples->count, (long long)w->stack_count));
    SAL_TRY(sal_dataset_new(w->ctx, w->samples, w->stacks, w->stack_count, &w->roles, least, &w->dataset));
    SAL_TRY(sal__train_folds(w, window));
done:
    return status;
}

sal_status sal__train_scheme(sal__train_work *w)
{
    const char *id = sal_argument_text(w->arguments, "scheme"), *unit = sal_argument_text(w->arguments, "unit");
    const sal_class_scheme *scheme = id ? sal_class_scheme_find(id) : sal_class_scheme_for_unit(unit);
    if (id && !scheme) return sal_fail(w->ctx, SAL_STATUS_ARGUMENT, "there is no class scheme \"%s\"; use china_salt_gkg, fao_ece_dsm or nrcs_ece_dsm", id);
    if (!scheme) return sal_class_scheme_quarters(w->ctx, unit, w->dataset->count, w->dataset->target, &w->summary.scheme);
    w->summary.scheme = *scheme;
    return SAL_STATUS_OK;
}

/* What only a network has, where it was given for a baseline: named, not dropped in silence. */
static void name_unused(const sal__train_work *w)
{
    static const char *const keys[] = {"window", "epochs", "loss", "batch", "learning_rate", "weight_decay", "dropout", "width"};
    char list[160] = "";
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        if (!sal_argument_given(w->arguments, keys[k])) continue;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", list[0] ? ", " : "", keys[k]);
    }
    if (list[0]) sal_warn(w->ctx, "%s: for networks; %s tunes its own settings and does not use %s", list, sal_argument_text(w->arguments, "system"), strchr(list, ',') ? "them" : "it");
}

void sal__train_options(const sal__train_work *w, sal_fit_options *o)
{
    const sal_arguments *a = w->arguments;
    sal_fit_defaults(o);
    o->system = sal_system_find(sal_argument_text(a, "system"));
    o->baseline = sal_baseline_method_find(sal_argument_text(a, "system"));
    o->epochs = sal_argument_i64(a, "epochs");
    o->batch = sal_argument_i64(a, "batch");
    o->learning_rate = sal_argument_f64(a, "learning_rate");
    o->weight_decay = sal_argument_f64(a, "weight_decay");
    o->log1p = strcmp(sal_argument_text(a, "transform"), "log1p") == 0;
    o->seed = (uint64_t)sal_argument_i64(a, "seed");
    o->model.head = o->baseline || strcmp(sal_argument_text(a, "loss"), "huber") == 0 ? SAL_HEAD_HUBER : SAL_HEAD_QUANTILE;
    o->model.dropout = sal_argument_f64(a, "dropout");
    o->model.width = sal_argument_i64(a, "width");
    if (o->baseline) name_unused(w);
}

void sal__train_close(sal__train_work *w)
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
    sal_release(w->ctx, w->pit);
    json_object_put(w->provenance);
    sal_release(w->ctx, w->weights);
    sal_release(w->ctx, w->summary.covariate_ids);
    sal_applicability_free(w->applicability);
    sal_release(w->ctx, w->checkpoint);
    for (int32_t k = 0; k < SAL__TRAIN_OUTPUTS; k++) sal_output_free(w->outputs[k]);
}
