/* training_embedding.c - the last hidden layer of every network at all samples, for the area of applicability on the embedding.
 *
 * The networks of a fold stand side by side only until its last one is trained: then the samples tested in that fold have their index, and the
 * next fold takes the room.
 */
#include "train/applicability.h"
#include "training_private.h"
#include <math.h>

sal_status sal__embeddings_new(sal__embeddings *e, sal_context *ctx, const sal_training_request *q, sal_training *t)
{
    sal_status status = SAL_STATUS_OK;
    *e = (sal__embeddings){ .ctx = ctx };
    if (!q->embedding) return SAL_STATUS_OK;
    e->hidden = q->fit.model.hidden;
    e->units = t->units = e->hidden * t->members;
    SAL_TRY(sal_allocate(ctx, t->count * e->units, sizeof *e->fold, &e->fold));
    SAL_TRY(sal_allocate(ctx, e->units, sizeof *e->weight, &e->weight));
    SAL_TRY(sal_allocate(ctx, t->count * e->units, sizeof *t->embedding, &t->embedding));
    SAL_TRY(sal_allocate(ctx, e->units, sizeof *t->unit_weight, &t->unit_weight));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *t->unseen, &t->unseen));
    for (int64_t i = 0; i < t->count; i++) t->unseen[i] = NAN;
done:
    return status;
}

void sal__embeddings_clear(sal__embeddings *e)
{
    if (!e->ctx) return;
    sal_release(e->ctx, e->fold);
    sal_release(e->ctx, e->weight);
}

static sal_status take(sal__embeddings *e, sal_fit *fit, int64_t member, float *to, double *weight)
{
    sal_fit_embedding_weights(fit, weight + member * e->hidden);
    return sal_fit_embed(fit, e->units, to + member * e->hidden);
}

sal_status sal__embeddings_take_fold(sal__embeddings *e, const sal_training_request *q, sal_training *t, sal_fit *fit, int64_t fold, int64_t member)
{
    sal_status status = SAL_STATUS_OK;
    if (!e->fold) return SAL_STATUS_OK;
    SAL_TRY(take(e, fit, member, e->fold, e->weight));
    if (member + 1 == t->members)
        SAL_TRY(sal_applicability_unseen(e->ctx, t->count, e->units, e->fold, e->weight, q->folds->fold, q->folds->train, (int32_t)fold, t->unseen));
done:
    return status;
}

sal_status sal__embeddings_take_final(sal__embeddings *e, sal_training *t, sal_fit *fit, int64_t member)
{
    return e->fold ? take(e, fit, member, t->embedding, t->unit_weight) : SAL_STATUS_OK;
}

/* Of the final networks nothing is kept: they are run again. */
sal_status sal__embeddings_save(const sal__embeddings *e, const sal_training *t, sal_tensors *tensors)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = t->count * e->units;
    if (!e->fold) return SAL_STATUS_OK;
    SAL_TRY(sal_tensors_add(tensors, "embedding/fold", SAL_TENSOR_F32, 1, &n, e->fold, false));
    SAL_TRY(sal_tensors_add(tensors, "embedding/weight", SAL_TENSOR_F64, 1, &e->units, e->weight, false));
    SAL_TRY(sal_tensors_add(tensors, "embedding/unseen", SAL_TENSOR_F64, 1, &t->count, t->unseen, false));
done:
    return status;
}

sal_status sal__embeddings_restore(sal__embeddings *e, sal_training *t, const sal_tensors *tensors)
{
    sal_status status = SAL_STATUS_OK;
    if (!e->fold) return SAL_STATUS_OK;
    SAL_TRY(sal__checkpoint_copy(tensors, "embedding/fold", SAL_TENSOR_F32, t->count * e->units, e->fold));
    SAL_TRY(sal__checkpoint_copy(tensors, "embedding/weight", SAL_TENSOR_F64, e->units, e->weight));
    SAL_TRY(sal__checkpoint_copy(tensors, "embedding/unseen", SAL_TENSOR_F64, t->count, t->unseen));
done:
    return status;
}
