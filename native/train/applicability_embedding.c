/* applicability_embedding.c - dissimilarity in what the networks make of a place: the units of their last hidden layer.
 *
 * Index, threshold and density are those of applicability.c (Meyer and Pebesma 2021), with units in place of covariates. The prediction is a weighted sum of the
 * units, so weight times standard deviation says how much a unit matters, as importance does for covariates; one that is nearly always
 * 0 then counts for little, where scaling alone would blow it up.
 *
 * The trap: networks arrange the samples that they were trained on by target, so distances between them are no measure of what is alike on ground
 * without samples. The index that gives the threshold therefore comes from the networks of the fold in which a sample is tested, which have
 * not seen it. Embeddings of different networks cannot be compared, but the index can: it is relative to the mean distance in each.
 */
#include "applicability_private.h"
#include <math.h>

/* As double, and weights times standard deviation. */
static sal_status prepare(sal_context *ctx, int64_t n, int64_t p, const float *embedding, const double *weight, double **x, double **w)
{
    sal_status status;
    SAL_TRY(sal_allocate(ctx, n * p, sizeof **x, x));
    SAL_TRY(sal_allocate(ctx, p, sizeof **w, w));
    for (int64_t i = 0; i < n * p; i++) (*x)[i] = (double)embedding[i];
    for (int64_t j = 0; j < p; j++) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < n; i++) mean += (*x)[i * p + j] / (double)n;
        for (int64_t i = 0; i < n; i++) square += ((*x)[i * p + j] - mean) * ((*x)[i * p + j] - mean);
        (*w)[j] = weight[j] * sqrt(square / (double)(n > 1 ? n - 1 : 1));
    }
done:
    return status;
}

static sal_status fit(sal_context *ctx, int64_t n, int64_t p, const float *embedding, const double *weight, const int32_t *fold, const uint8_t *train, sal_applicability **out)
{
    double *x = NULL, *w = NULL;
    sal_status status;
    *out = NULL;
    SAL_TRY(prepare(ctx, n, p, embedding, weight, &x, &w));
    SAL_TRY(sal__applicability_fit(ctx, SAL_APPLICABILITY_EMBEDDING, n, p, x, w, fold, train, out));
done:
    sal_release(ctx, x);
    sal_release(ctx, w);
    return status;
}

sal_status sal_applicability_fit_embedding(sal_context *ctx, int64_t n, int64_t p, const float *embedding, const double *weight, const int32_t *fold,
                                           const uint8_t *train, const double *di, sal_applicability **out)
{
    sal_status status = fit(ctx, n, p, embedding, weight, fold, train, out);
    if (status != SAL_STATUS_OK || !di) return status;
    status = sal_applicability_set_index(*out, di, fold, train);
    if (status == SAL_STATUS_OK) return status;
    sal_applicability_free(*out);
    *out = NULL;
    return status;
}

sal_status sal_applicability_unseen(sal_context *ctx, int64_t n, int64_t p, const float *embedding, const double *weight, const int32_t *fold, const uint8_t *train,
                                    int32_t which, double *di)
{
    sal_applicability *a = NULL;
    sal_status status = fit(ctx, n, p, embedding, weight, fold, train, &a);
    if (status == SAL_STATUS_DATA) {
        sal_warn(ctx, "fold %d: %s", (int)which + 1, sal_context_message(ctx));
        sal_error_clear(ctx);
        status = SAL_STATUS_OK;
    }
    for (int64_t i = 0; i < n && status == SAL_STATUS_OK; i++)
        if (fold[i] == which) di[i] = a ? a->di[i] : NAN;
    sal_applicability_free(a);
    return status;
}
