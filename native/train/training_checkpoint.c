/* training_checkpoint.c - which training a checkpoint belongs to: it is taken up only where everything that decides about the result is the same.
 */
#include "training_private.h"
#include <string.h>

static sal_status add_hash(sal_context *ctx, sal_text *text, const void *bytes, int64_t length)
{
    char hash[65];
    sal_sha256(bytes, length, hash);
    sal_text_append(ctx, text, "%s ", hash);
    return text->status;
}

static void add_options(sal_context *ctx, const sal_training_request *q, sal_text *text)
{
    const sal_fit_options *o = &q->fit;
    const sal_model_options *m = &o->model;
    if (q->importance) sal_text_append(ctx, text, "importance ");
    if (q->embedding) sal_text_append(ctx, text, "embedding ");
    if (q->folds_only) sal_text_append(ctx, text, "folds only ");
    sal_text_append(ctx, text, "%s %s %lld %lld %lld %.17g %.17g %.17g %d %d %llu %lld | ", sal_version(), sal_fit_system_id(o), (long long)q->dataset->count,
                    (long long)o->epochs, (long long)o->batch, o->learning_rate, o->weight_decay, o->clip, o->log1p, o->augment,
                    (unsigned long long)o->seed, (long long)q->members);
    sal_text_append(ctx, text, "%lld %lld %lld %lld %lld %lld %lld %.17g %d %.17g %.17g | ", (long long)m->width, (long long)m->heads,
                    (long long)m->channels[0], (long long)m->channels[1], (long long)m->channels[2], (long long)m->pools, (long long)m->hidden,
                    m->dropout, (int)m->head, m->quantile_low, m->quantile_high);
}

sal_status sal__training_fingerprint(sal_context *ctx, const sal_training_request *q, char out[65])
{
    const sal_dataset *d = q->dataset;
    sal_status status = SAL_STATUS_OK;
    sal_text text = { 0 };
    int64_t pixels = d->roles.window * d->roles.window * d->roles.covariate_count;
    add_options(ctx, q, &text);
    SAL_TRY(add_hash(ctx, &text, d->spectrum, d->count * d->roles.band_count * 4));
    SAL_TRY(add_hash(ctx, &text, d->index, d->count * d->roles.index_count * 4));
    SAL_TRY(add_hash(ctx, &text, d->window, d->count * pixels * 4));
    SAL_TRY(add_hash(ctx, &text, d->target, d->count * 8));
    SAL_TRY(add_hash(ctx, &text, q->folds->train, q->folds->k * d->count));
    SAL_TRY(add_hash(ctx, &text, q->folds->fold, d->count * 4));
    sal_sha256(text.data, text.length, out);
done:
    sal_text_free(ctx, &text);
    return status;
}

sal_status sal__checkpoint_open(sal_context *ctx, const sal_training_request *q, const char *fingerprint, sal_tensors **out)
{
    *out = NULL;
    if (!q->checkpoint || !sal_file_exists(q->checkpoint)) return SAL_STATUS_OK;
    if (sal_tensors_load(ctx, q->checkpoint, "checkpoint", out) != SAL_STATUS_OK) {
        sal_warn(ctx, "%s; training starts anew", sal_context_message(ctx));
        sal_error_clear(ctx);
        return SAL_STATUS_OK;
    }
    const char *theirs = sal_tensors_metadata(*out, "fingerprint");
    if (theirs && strcmp(theirs, fingerprint) == 0) return SAL_STATUS_OK;
    sal_warn(ctx, "checkpoint \"%s\" belongs to another training (other data, options or version); training starts anew", q->checkpoint);
    sal_tensors_free(*out);
    *out = NULL;
    return SAL_STATUS_OK;
}

sal_status sal__checkpoint_copy(const sal_tensors *tensors, const char *name, sal_tensor_type type, int64_t n, void *to)
{
    const void *from;
    sal_status status = sal_tensors_require(tensors, name, type, 1, &n, &from);
    if (status == SAL_STATUS_OK) memcpy(to, from, (size_t)(n * sal_tensor_type_size(type)));
    return status;
}
