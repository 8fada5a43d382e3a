/* mean_factor.c - the ratio estimator of the mean and its honest scores. */
#include "train/mean_factor.h"
#include <math.h>

/* 1 + value of a centre of log(1 + value); the network may go below 0, salinity not. */
static double one_and_value(double centre) { return centre > 0 ? exp(centre) : 1; }

double sal_mean_of_centre(double factor, bool log1p, double centre)
{
    double value = log1p ? factor * one_and_value(centre) - 1 : centre;
    return value > 0 ? value : 0;
}

/* S of all samples but those of fold `without` (-1: of all). */
static double ratio(int64_t n, const double *observed, const double *centre, const int32_t *fold, int32_t without)
{
    double above = 0, below = 0;
    for (int64_t i = 0; i < n; i++) {
        if (fold[i] == without) continue;
        above += 1 + observed[i];
        below += one_and_value(centre[i]);
    }
    return below > 0 ? above / below : 1;
}

sal_status sal_mean_scores_compute(sal_context *ctx, int64_t n, const double *observed, const double *centre, const int32_t *fold, int32_t folds,
                                   bool log1p, sal_mean_scores *out)
{
    sal_status status;
    double *mean = NULL;
    SAL_TRY(sal_allocate(ctx, n, sizeof *mean, &mean));
    out->factor = log1p ? ratio(n, observed, centre, fold, -1) : 1;
    for (int32_t k = 0; k < folds; k++) {
        double factor = log1p ? ratio(n, observed, centre, fold, k) : 1;
        for (int64_t i = 0; i < n; i++)
            if (fold[i] == k) mean[i] = sal_mean_of_centre(factor, log1p, centre[i]);
    }
    SAL_TRY(sal_metrics_evaluate(ctx, n, observed, mean, out->metrics));
done:
    sal_release(ctx, mean);
    return status;
}
