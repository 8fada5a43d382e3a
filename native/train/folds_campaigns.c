/* folds_campaigns.c - leave-campaign-out, and leave-campaign-and-location-out (CAST CreateSpacetimeFolds with timevar and
 * spacevar: tested is what lies in both, training is what lies outside both).
 *
 * CAST pairs space fold i with time fold i and tests a k-th of the samples; here every campaign is crossed with every
 * group of blocks, so that each sample is tested once and scores can be pooled.
 */
#include "train/folds_private.h"

/* Numbers the campaigns that occur, in order of their number: of (count). */
static sal_status number_campaigns(sal_context *ctx, const sal_fold_request *r, int32_t *of, int32_t *campaigns)
{
    sal_status status;
    int32_t *number = NULL, highest = 0;
    for (int64_t i = 0; i < r->count; i++) {
        if (r->campaign[i] < 0) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "sample %lld has no campaign", (long long)i + 1);
        if (r->campaign[i] > highest) highest = r->campaign[i];
    }
    SAL_TRY(sal_allocate(ctx, (int64_t)highest + 1, sizeof *number, &number));
    for (int64_t i = 0; i < r->count; i++) number[r->campaign[i]] = 1;
    *campaigns = 0;
    for (int32_t c = 0; c <= highest; c++) {
        if (number[c]) number[c] = (*campaigns)++;
    }
    for (int64_t i = 0; i < r->count; i++) of[i] = number[r->campaign[i]];
    if (*campaigns < 2)
        status = sal_fail(ctx, SAL_STATUS_DATA,
                          "all %lld samples are of one campaign, so none can be left out; give samples and stacks of another campaign, or validate by blocks or knndm",
                          (long long)r->count);
done:
    sal_release(ctx, number);
    return status;
}

sal_status sal__folds_assign_campaign(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    int32_t campaigns;
    sal_status status = number_campaigns(ctx, r, f->fold, &campaigns);
    if (status == SAL_STATUS_OK) f->k = campaigns;
    return status;
}

/* Numbers the pairs of campaign and group that hold samples: fold (count), train. */
static sal_status cross(sal_context *ctx, const sal_fold_request *r, sal_folds *f, const int32_t *campaign, int32_t campaigns, const int32_t *group)
{
    sal_status status;
    int64_t *number = NULL, pairs = (int64_t)campaigns * r->k;
    SAL_TRY(sal_allocate(ctx, pairs, sizeof *number, &number));
    for (int64_t i = 0; i < r->count; i++) number[campaign[i] * r->k + group[i]] = 1;
    f->k = 0;
    for (int64_t p = 0; p < pairs; p++) number[p] = number[p] ? f->k++ : -1;
    for (int64_t i = 0; i < r->count; i++) f->fold[i] = (int32_t)number[campaign[i] * r->k + group[i]];
    SAL_TRY(sal__folds_allocate_train(ctx, f));
    for (int64_t p = 0; p < pairs; p++)
        for (int64_t i = 0; i < r->count && number[p] >= 0; i++)
            f->train[number[p] * r->count + i] = campaign[i] != p / r->k && group[i] != p % r->k;
done:
    sal_release(ctx, number);
    return status;
}

sal_status sal__folds_assign_campaign_location(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    int32_t *campaign = NULL, *group = NULL, campaigns;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *campaign, &campaign));
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *group, &group));
    SAL_TRY(number_campaigns(ctx, r, campaign, &campaigns));
    SAL_TRY(sal__folds_deal_blocks(ctx, r, f, group));
    SAL_TRY(cross(ctx, r, f, campaign, campaigns, group));
done:
    sal_release(ctx, campaign);
    sal_release(ctx, group);
    return status;
}
