/* compare_pairs.c - differences of two systems on the same samples, with 95 % intervals by a bootstrap of blocks (percentiles of 2,000 draws; Efron and
 * Tibshirani 1993, chapter 13), and the ranking of Zhang et al. (2026).
 *
 * Samples of one block (or place, where there are few blocks) resemble each other and are drawn together, as for the scores of Train model. The spread over seeds is inside: an error is the mean over
 * the seeds.
 */
#include "compare_parts.h"

#include <math.h>
#include <string.h>

enum { DRAWS = SAL__COMPARE_DRAWS };

static const char *const ranking[][2] = {{"ss_soilnet", "ss_stack"}, {"ss_stack", "spec_index"}, {"spec_index", "index"}, {"ss_soilnet", "random_forest"}, {"ss_soilnet", "svr"}};

/* Sums over the samples of a block or place, all that R2 and RMSE need. */
typedef struct place {
    double n, y, y2, first, second;
} place;

static void add(place *sum, const place *p)
{
    sum->n += p->n, sum->y += p->y, sum->y2 += p->y2, sum->first += p->first, sum->second += p->second;
}

/* Differences in R2 and RMSE; NaN when all drawn values are one. */
static void differences(const place *s, double *r2, double *rmse)
{
    double sst = s->y2 - s->y * s->y / s->n;
    *r2 = sst > 0 ? (s->second - s->first) / sst : NAN;
    *rmse = sqrt(s->first / s->n) - sqrt(s->second / s->n);
}

int64_t sal__compare_pick(const sal__compare_work *w, int64_t draw, int64_t u)
{
    uint64_t seed = (uint64_t)sal_argument_i64(w->train.arguments, "seed");
    return sal_random_below(seed, sal_random_stream("places", (uint64_t)draw, 0), (uint64_t)u, w->units);
}

void sal__compare_limits(double *values, double *low, double *high)
{
    int64_t finite = 0;
    for (int64_t i = 0; i < DRAWS; i++)
        if (isfinite(values[i])) values[finite++] = values[i];
    sal_sort_f64(finite, values);
    *low = finite ? sal_quantile_sorted(finite, values, 0.025) : NAN;
    *high = finite ? sal_quantile_sorted(finite, values, 0.975) : NAN;
}

/* The same draws for every pair. */
static void bootstrap(const sal__compare_work *w, const int64_t *unit, place *places, double *draws, int64_t first, int64_t second, sal__difference *out)
{
    const sal_dataset *d = w->train.dataset;
    place all = {0};
    memset(places, 0, (size_t)w->units * sizeof *places);
    for (int64_t i = 0; i < d->count; i++) {
        double y = d->target[i];
        const place one = {1, y, y * y, w->systems[first].error2[i], w->systems[second].error2[i]};
        add(&places[unit[i]], &one);
        add(&all, &one);
    }
    *out = (sal__difference){.first = first, .second = second};
    differences(&all, &out->r2, &out->rmse);
    for (int64_t k = 0; k < DRAWS; k++) {
        place sum = {0};
        for (int64_t u = 0; u < w->units; u++) add(&sum, &places[sal__compare_pick(w, k, u)]);
        differences(&sum, &draws[k], &draws[DRAWS + k]);
    }
    sal__compare_limits(draws, &out->r2_low, &out->r2_high);
    sal__compare_limits(draws + DRAWS, &out->rmse_low, &out->rmse_high);
}

static int64_t find(const sal__compare_work *w, const char *id)
{
    for (int64_t k = 0; k < w->count; k++)
        if (strcmp(w->systems[k].id, id) == 0) return k;
    return -1;
}

int32_t sal__compare_verdict(const sal__difference *c) { return !(c->r2 > 0) ? -1 : c->r2_low > 0; }

static const char *conclude(const sal__compare_work *w)
{
    int64_t failed = 0, clear = 0, all = (int64_t)(sizeof ranking / sizeof *ranking);
    for (int64_t k = 0; k < w->claim_count; k++) failed += sal__compare_verdict(&w->claims[k]) < 0, clear += sal__compare_verdict(&w->claims[k]) > 0;
    if (w->claim_count == 0) return "not compared";
    if (failed) return "does not hold in all pairs";
    if (w->claim_count < all) return clear == w->claim_count ? "holds in the pairs compared" : "holds in the pairs compared, some within chance";
    return clear == all ? "holds" : "holds, some pairs within chance";
}

sal_status sal__compare_pairs(sal__compare_work *w)
{
    sal_status status = SAL_STATUS_OK;
    sal_context *ctx = w->train.ctx;
    const int64_t *unit = w->train.folds->unit;
    place *places = NULL;
    double *draws = NULL;
    w->units = w->train.folds->units;
    SAL_TRY(sal_allocate(ctx, w->units, sizeof *places, &places));
    SAL_TRY(sal_allocate(ctx, 2 * DRAWS, sizeof *draws, &draws));
    for (int64_t k = 0; k < w->count; k++) {
        bootstrap(w, unit, places, draws, w->best, k, &w->to_best[k]);
        SAL_TRY(sal_progress(ctx, 0.98, NULL));
    }
    for (size_t k = 0; k < sizeof ranking / sizeof *ranking; k++) {
        int64_t first = find(w, ranking[k][0]), second = find(w, ranking[k][1]);
        if (first >= 0 && second >= 0) bootstrap(w, unit, places, draws, first, second, &w->claims[w->claim_count++]);
        SAL_TRY(sal_progress(ctx, 0.98, NULL));
    }
    w->ranking = conclude(w);
done:
    sal_release(ctx, places);
    sal_release(ctx, draws);
    return status;
}
