/* compare_bounds.c - 95 % bounds on R2 and RMSE of each system by the bootstrap of blocks (or places) of compare_pairs.c, with the same draws.
 *
 * The trap: the score that is shown is the mean of the scores of the seeds, and for RMSE that is not the score of the mean error; so every draw scores
 * each seed and takes the mean.
 */
#include "compare_parts.h"

#include <math.h>
#include <string.h>

enum { COUNT = 0, SUM = 1, SQUARES = 2, ERRORS = 3, WIDTH = ERRORS + SAL_TRAIN_MEMBERS_MAX }; /* what R2 and RMSE need of a block: of the target, and of each seed */

static void sum_units(const sal__compare_work *w, const sal__compared *s, double *units)
{
    const sal_dataset *d = w->train.dataset;
    memset(units, 0, (size_t)(w->units * WIDTH) * sizeof *units);
    for (int64_t i = 0; i < d->count; i++) {
        double *u = units + w->train.folds->unit[i] * WIDTH, y = d->target[i];
        u[COUNT] += 1, u[SUM] += y, u[SQUARES] += y * y;
        for (int64_t m = 0; m < s->members; m++) {
            double e = s->predicted[m * d->count + i] - y;
            u[ERRORS + m] += e * e;
        }
    }
}

/* Means over seeds; R2 is NaN when all drawn values are one. */
static void score(const double *sum, int64_t members, double *r2, double *rmse)
{
    double sst = sum[SQUARES] - sum[SUM] * sum[SUM] / sum[COUNT];
    *r2 = *rmse = 0;
    for (int64_t m = 0; m < members; m++) {
        *r2 += sst > 0 ? (1 - sum[ERRORS + m] / sst) / (double)members : NAN;
        *rmse += sqrt(sum[ERRORS + m] / sum[COUNT]) / (double)members;
    }
}

static void bound(const sal__compare_work *w, sal__compared *s, double *units, double *draws)
{
    int64_t width = ERRORS + s->members;
    sum_units(w, s, units);
    for (int64_t k = 0; k < SAL__COMPARE_DRAWS; k++) {
        double sum[WIDTH] = {0};
        for (int64_t u = 0; u < w->units; u++) {
            const double *from = units + sal__compare_pick(w, k, u) * WIDTH;
            for (int64_t c = 0; c < width; c++) sum[c] += from[c];
        }
        score(sum, s->members, &draws[k], &draws[SAL__COMPARE_DRAWS + k]);
    }
    sal__compare_limits(draws, &s->r2_low, &s->r2_high);
    sal__compare_limits(draws + SAL__COMPARE_DRAWS, &s->rmse_low, &s->rmse_high);
}

sal_status sal__compare_bounds(sal__compare_work *w)
{
    sal_status status = SAL_STATUS_OK;
    sal_context *ctx = w->train.ctx;
    double *units = NULL, *draws = NULL;
    w->units = w->train.folds->units;
    SAL_TRY(sal_allocate(ctx, w->units * WIDTH, sizeof *units, &units));
    SAL_TRY(sal_allocate(ctx, 2 * SAL__COMPARE_DRAWS, sizeof *draws, &draws));
    for (int64_t k = 0; k < w->count; k++) {
        bound(w, &w->systems[k], units, draws);
        SAL_TRY(sal_progress(ctx, 0.98, NULL));
    }
done:
    sal_release(ctx, units);
    sal_release(ctx, draws);
    return status;
}
