/* train_numbers.c - what the report of Train model says beside the scores, as numbers in the result JSON: data, losses,
 * inputs with hashes. A report can then be made again, or checked, without reading its page.
 */
#include "train_report.h"

#include <math.h>

/* [{"campaign", "date", "samples", "least", "mean", "most"}, ..] in the order of the stacks. */
static sal_status campaigns(sal_context *ctx, const sal_train_report_input *in, json_object *list)
{
    sal_status status = SAL_STATUS_OK;
    const sal_dataset *d = in->dataset;
    for (int64_t k = 0; k < in->stack_count; k++) {
        double least = INFINITY, most = -INFINITY, sum = 0;
        int64_t n = 0;
        for (int64_t i = 0; i < d->count; i++) {
            if (d->stack[i] != k) continue;
            n++;
            sum += d->target[i];
            least = fmin(least, d->target[i]);
            most = fmax(most, d->target[i]);
        }
        json_object *one = json_object_new_object();
        json_object_array_add(list, one);
        SAL_TRY(sal_json_add_text(ctx, one, "campaign", sal_stack_campaign(in->stacks[k])));
        SAL_TRY(sal_json_add_text(ctx, one, "date", sal_stack_date(in->stacks[k])));
        SAL_TRY(sal_json_add_i64(ctx, one, "samples", n));
        SAL_TRY(sal_json_add_f64(ctx, one, "least", least));
        SAL_TRY(sal_json_add_f64(ctx, one, "mean", n ? sum / (double)n : NAN));
        SAL_TRY(sal_json_add_f64(ctx, one, "most", most));
    }
done:
    return status;
}

static sal_status data(sal_context *ctx, const sal_train_report_input *in, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    const sal_dataset *d = in->dataset;
    json_object *about = json_object_new_object(), *list = json_object_new_array();
    SAL_TRY(sal_json_add(ctx, result, "data", about));
    SAL_TRY(sal_json_add_i64(ctx, about, "bands", d->roles.band_count));
    SAL_TRY(sal_json_add_i64(ctx, about, "indices", d->roles.index_count));
    SAL_TRY(sal_json_add_i64(ctx, about, "covariates", d->roles.covariate_count));
    SAL_TRY(sal_json_add_i64(ctx, about, "dropped_nodata", d->dropped_nodata));
    SAL_TRY(sal_json_add_i64(ctx, about, "windows_at_edge", d->windows_at_edge));
    SAL_TRY(sal_json_add_i64(ctx, about, "windows_with_gaps", d->windows_with_gaps));
    SAL_TRY(sal_json_add(ctx, about, "campaigns", list));
    SAL_TRY(campaigns(ctx, in, list));
done:
    return status;
}

/* [[loss by epoch], ..]: a row for each fold, the last for the final model. */
static sal_status losses(sal_context *ctx, const sal_training *t, json_object *result)
{
    json_object *all = json_object_new_array();
    for (int64_t k = 0; k <= t->folds; k++) {
        json_object *row = json_object_new_array();
        for (int64_t e = 0; e < t->epochs; e++) json_object_array_add(row, sal_json_number((double)t->losses[k * t->epochs + e]));
        json_object_array_add(all, row);
    }
    return sal_json_add(ctx, result, "losses", all);
}

sal_status sal__train_report_numbers(sal_context *ctx, const sal_train_report_input *in, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    json_object *inputs = NULL;
    SAL_TRY(data(ctx, in, result));
    if (in->training->epochs > 0) SAL_TRY(losses(ctx, in->training, result));
    SAL_TRY(sal__train_add_reliability(ctx, in->summary, result));
    SAL_TRY(sal__train_add_distribution(ctx, in->summary, result));
    SAL_TRY(sal_json_add_i64(ctx, result, "networks", in->training->members));
    if (in->training->final) SAL_TRY(sal_json_add_i64(ctx, result, "parameters", sal_params_size(sal_fit_params(in->training->final[0]))));
    json_object_object_get_ex(in->provenance, "inputs", &inputs);
    SAL_TRY(sal_json_add(ctx, result, "inputs", json_object_get(inputs)));
done:
    return status;
}
