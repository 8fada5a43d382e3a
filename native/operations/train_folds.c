/* train_folds.c - the folds of Train model: campaigns of the samples, ground to be mapped, how many trainings they ask for, and the folds as
 * JSON.
 */
#include "train/domain.h"
#include "train/sampling.h"
#include "train_parts.h"

#include <math.h>
#include <string.h>

enum {
    DOMAIN_POINTS = 1000,  /* CAST's default */
    NETWORK_FOLDS_MAX = 200, /* most folds in each of which networks are trained anew */
    CURVE_POINTS = 51
};

/* Stacks of one name, or of one date, are of one campaign. */
static int32_t campaign_of(const sal__train_work *w, int32_t stack)
{
    const sal_stack *own = w->stacks[stack];
    for (int32_t k = 0; k < stack; k++) {
        const sal_stack *other = w->stacks[k];
        if (strcmp(sal_stack_campaign(own), sal_stack_campaign(other)) == 0) return campaign_of(w, k);
        if (sal_stack_date(own)[0] && strcmp(sal_stack_date(own), sal_stack_date(other)) == 0) return campaign_of(w, k);
    }
    return stack;
}

/* Where the map will be. Only some methods need it: the others go without the curve of the map where it cannot be drawn. */
static sal_status draw_domain(sal__train_work *w, bool needed, sal_domain *domain)
{
    const char *bands[1] = {w->roles.bands[0]};
    sal_status status = sal_domain_sample(w->ctx, w->stacks, w->stack_count, bands, 1, SAL_DOMAIN_REGULAR, DOMAIN_POINTS, (uint64_t)sal_argument_i64(w->arguments, "seed"), domain);
    if (status != SAL_STATUS_DATA || needed) return status;
    sal_warn(w->ctx, "%s; the report does without the distances of the map", sal_context_message(w->ctx));
    sal_error_clear(w->ctx);
    return SAL_STATUS_OK;
}

/* A network takes minutes: leaving out 800 places one by one takes days, which nobody means to ask for. */
static sal_status check_trainings(const sal__train_work *w)
{
    const sal_folds *f = w->folds;
    int64_t members = sal_argument_i64(w->arguments, "seeds");
    if (f->k > NETWORK_FOLDS_MAX)
        return sal_fail(w->ctx, SAL_STATUS_ARGUMENT,
                        "validation %s makes %lld folds, which means training %lld networks; networks are trained for at most %d folds: validate by knndm, which matches the "
                        "same distances in a few folds, or with fewer folds or campaigns",
                        f->method, (long long)f->k, (long long)((f->k + 1) * members), NETWORK_FOLDS_MAX);
    if (f->k > sal_argument_i64(w->arguments, "folds"))
        sal_log(w->ctx, "validation %s makes %lld folds: %lld networks will be trained", f->method, (long long)f->k, (long long)((f->k + 1) * members));
    return SAL_STATUS_OK;
}

static void log_folds(const sal__train_work *w)
{
    const sal_folds *f = w->folds;
    const sal_variogram *v = &f->variogram;
    if (f->block_m > 0 && !(sal_argument_f64(w->arguments, "block_size") > 0)) {
        if (v->range_m > 0)
            sal_log(w->ctx, "the variogram of the target has a range of %s%.0f m; blocks are %.0f m wide", v->at_cutoff ? "at least " : "", v->range_m, f->block_m);
        else
            sal_log(w->ctx, "the variogram of the target shows no structure; blocks are %.0f m wide", f->block_m);
    }
    if (strcmp(f->method, "knndm") != 0) return;
    if (f->clusters)
        sal_log(w->ctx, "kNNDM: %lld clusters in %lld folds, W %.4g m", (long long)f->clusters, (long long)f->k, f->w_m);
    else
        sal_log(w->ctx, "kNNDM: the samples are as spread as the map (p = %.3f), so folds are random; W %.4g m", f->clustered_p, f->w_m);
}

static sal_status weigh(sal__train_work *w, const sal_domain *domain)
{
    double bandwidth_m[2];
    sal_status status = sal_allocate(w->ctx, w->dataset->count, sizeof(double), &w->weights);
    if (status != SAL_STATUS_OK) return status;
    status = sal_sampling_weights(w->ctx, w->dataset->count, w->dataset->x, w->dataset->y, domain->count, domain->x, domain->y, w->weights, bandwidth_m);
    if (status == SAL_STATUS_OK)
        sal_log(w->ctx, "scores are weighted by inverse sampling intensity, kernel of %.0f m x %.0f m", bandwidth_m[0], bandwidth_m[1]);
    return status;
}

sal_status sal__train_folds(sal__train_work *w, int64_t window)
{
    sal_status status = SAL_STATUS_OK;
    const sal_arguments *a = w->arguments;
    const sal_dataset *d = w->dataset;
    sal_domain domain = {0};
    int32_t *campaign = NULL;
    bool weighted = w->weighted;
    const sal_fold_method *method = sal_fold_method_find(sal_argument_text(a, "validation"));
    SAL_ASSERT(w->ctx, method);
    SAL_TRY(draw_domain(w, weighted || method->flags & SAL_FOLD_DOMAIN, &domain));
    SAL_TRY(sal_allocate(w->ctx, d->count, sizeof *campaign, &campaign));
    for (int64_t i = 0; i < d->count; i++) campaign[i] = campaign_of(w, d->stack[i]);
    sal_fold_request request = {.method = method->id, .count = d->count, .x = d->x, .y = d->y, .target = d->target, .k = sal_argument_i64(a, "folds"),
                                .pixel_m = sal_stack_grid(w->stacks[0])->pixel, .window = window, .block_m = sal_argument_f64(a, "block_size"),
                                .seed = (uint64_t)sal_argument_i64(a, "seed"), .group_windows = sal_argument_bool(a, "group_windows"), .campaign = campaign,
                                .domain_x = domain.x, .domain_y = domain.y, .domain_count = domain.count};
    SAL_TRY(sal_folds_new(w->ctx, &request, &w->folds));
    SAL_TRY(check_trainings(w));
    log_folds(w);
    if (weighted) SAL_TRY(weigh(w, &domain));
done:
    sal_domain_clear(w->ctx, &domain);
    sal_release(w->ctx, campaign);
    return status;
}

/* ---- JSON ---- */

/* object[key] = quantiles 0, 2, .. 100 %. */
static sal_status add_curve(sal_context *ctx, json_object *object, const char *key, int64_t n, const double *values)
{
    sal_status status;
    double *sorted = NULL;
    json_object *list = json_object_new_array();
    SAL_TRY(sal_json_add(ctx, object, key, list));
    SAL_TRY(sal_sorted_copy(ctx, n, values, &sorted));
    for (int32_t i = 0; i < CURVE_POINTS; i++) json_object_array_add(list, sal_json_number(sal_quantile_sorted(n, sorted, (double)i / (CURVE_POINTS - 1))));
done:
    sal_release(ctx, sorted);
    return status;
}

static sal_status add_counts(sal_context *ctx, json_object *object, const char *key, int64_t n, const int64_t *counts)
{
    json_object *list = json_object_new_array();
    sal_status status = sal_json_add(ctx, object, key, list);
    for (int64_t k = 0; k < n && status == SAL_STATUS_OK; k++) json_object_array_add(list, json_object_new_int64(counts[k]));
    return status;
}

static sal_status add_variogram(sal_context *ctx, const sal_variogram *v, json_object *folds)
{
    sal_status status;
    json_object *o = json_object_new_object();
    SAL_TRY(sal_json_add(ctx, folds, "variogram", o));
    SAL_TRY(sal_json_add_text(ctx, o, "model", "spherical"));
    SAL_TRY(sal_json_add_f64(ctx, o, "range_m", v->range_m > 0 ? v->range_m : NAN));
    SAL_TRY(sal_json_add_f64(ctx, o, "nugget", v->nugget));
    SAL_TRY(sal_json_add_f64(ctx, o, "partial_sill", v->partial_sill));
    SAL_TRY(sal_json_add_f64(ctx, o, "cutoff_m", v->cutoff_m));
done:
    return status;
}

sal_status sal__train_add_folds(sal_context *ctx, const sal_folds *f, json_object *to)
{
    sal_status status;
    json_object *o = json_object_new_object();
    SAL_TRY(sal_json_add(ctx, to, "folds", o));
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"overlap_share", f->overlap_share}, {"min_distance_m", f->min_distance_m}, {"median_distance_m", f->median_distance_m}, {"w_m", f->w_m},
                   {"block_m", f->block_m > 0 ? f->block_m : NAN}, {"buffer_m", f->buffer_m > 0 ? f->buffer_m : NAN}, {"clustered_p", f->clustered_p}};
    SAL_TRY(sal_json_add_text(ctx, o, "method", f->method));
    SAL_TRY(sal_json_add_i64(ctx, o, "count", f->k));
    SAL_TRY(sal_json_add_i64(ctx, o, "places", f->places));
    SAL_TRY(sal_json_add_i64(ctx, o, "clusters", f->clusters));
    SAL_TRY(sal_json_add_i64(ctx, o, "left_out_by_buffer", f->dropped_by_buffer));
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) SAL_TRY(sal_json_add_f64(ctx, o, numbers[k].key, numbers[k].value));
    if (f->variogram.cutoff_m > 0) SAL_TRY(add_variogram(ctx, &f->variogram, o));
    SAL_TRY(add_counts(ctx, o, "tested", f->k, f->test_count));
    SAL_TRY(add_counts(ctx, o, "trained", f->k, f->train_count));
    SAL_TRY(add_curve(ctx, o, "gj_m", f->count, f->gj_m));
    SAL_TRY(add_curve(ctx, o, "gj_star_m", f->count, f->nearest_m));
    if (f->gij_m) SAL_TRY(add_curve(ctx, o, "gij_m", f->domain_count, f->gij_m));
done:
    return status;
}
