/* bootstrap.c - block bootstrap of the scores: whole blocks are drawn with replacement and everything is scored anew.
 *
 * science.md 1.1. The trap: samples of one block, or visits of one place, err together; drawing them one by one gives
 * bounds that are too narrow. Bounds are percentiles of type 7 of the draws.
 */
#include "train/metrics.h"
#include <math.h>

static const double level = 0.95;

typedef struct drawing {
    const sal_bootstrap *b;
    int64_t *begin, *member; /* (units + 1), (n): samples by unit */
    int64_t capacity, m;
    double *values; /* (5, capacity): observed, predicted, lower, upper, weights of a draw */
} drawing;

/* The unit that stands in place u of a draw. */
static int64_t pick(const sal_bootstrap *b, uint64_t number, int64_t u)
{
    return sal_random_below(b->seed, sal_random_stream("bootstrap", number, 0), (uint64_t)u, b->units);
}

static sal_status sort_members(sal_context *ctx, drawing *d)
{
    const sal_bootstrap *b = d->b;
    sal_status status;
    int64_t *next = NULL;
    SAL_TRY(sal_allocate(ctx, b->units + 1, sizeof *d->begin, &d->begin));
    SAL_TRY(sal_allocate(ctx, b->n, sizeof *d->member, &d->member));
    SAL_TRY(sal_allocate(ctx, b->units, sizeof *next, &next));
    for (int64_t i = 0; i < b->n; i++) {
        SAL_ASSERT(ctx, b->unit[i] >= 0 && b->unit[i] < b->units);
        d->begin[b->unit[i] + 1]++;
    }
    for (int64_t u = 0; u < b->units; u++) {
        d->begin[u + 1] += d->begin[u];
        next[u] = d->begin[u];
    }
    for (int64_t i = 0; i < b->n; i++) d->member[next[b->unit[i]]++] = i;
    for (int64_t i = 0; i < SAL_BOOTSTRAP_DRAWS; i++) {
        int64_t m = 0;
        for (int64_t u = 0; u < b->units; u++) m += d->begin[pick(b, (uint64_t)i, u) + 1] - d->begin[pick(b, (uint64_t)i, u)];
        d->capacity = m > d->capacity ? m : d->capacity;
    }
    SAL_TRY(sal_allocate(ctx, 5 * d->capacity, sizeof *d->values, &d->values));
done:
    sal_release(ctx, next);
    return status;
}

static void draw(drawing *d, uint64_t number)
{
    const sal_bootstrap *b = d->b;
    const double *from[5] = { b->observed, b->predicted, b->lower, b->upper, b->weights };
    d->m = 0;
    for (int64_t u = 0; u < b->units; u++) {
        int64_t unit = pick(b, number, u);
        for (int64_t k = d->begin[unit]; k < d->begin[unit + 1]; k++, d->m++)
            for (int c = 0; c < 5; c++)
                if (from[c]) d->values[c * d->capacity + d->m] = from[c][d->member[k]];
    }
}

/* Where each list of scores lies in sal_scores, and where its bounds do. */
typedef struct column {
    int64_t count;
    const double *(*values)(const sal_scores *s, int32_t c);
    sal_bounds *(*bounds)(sal_scores *s, int32_t c);
} column;

#define COLUMN(name, from, to)                                                                                         \
    static const double *name##_values(const sal_scores *s, int32_t c)                                                 \
    {                                                                                                                  \
        (void)c;                                                                                                       \
        return from;                                                                                                   \
    }                                                                                                                  \
    static sal_bounds *name##_bounds(sal_scores *s, int32_t c)                                                         \
    {                                                                                                                  \
        (void)c;                                                                                                       \
        return to;                                                                                                     \
    }
COLUMN(natural, s->natural, s->natural_bounds)
COLUMN(logs, s->log1p, s->log1p_bounds)
COLUMN(interval, s->interval, s->interval_bounds)
COLUMN(weighted_natural, s->weighted_natural, s->weighted_natural_bounds)
COLUMN(weighted_logs, s->weighted_log1p, s->weighted_log1p_bounds)
COLUMN(class_natural, s->class_natural[c], s->class_bounds[c])
COLUMN(class_interval, s->class_interval[c], s->class_interval_bounds[c])

static const column columns[] = {
    { SAL_METRIC_COUNT, natural_values, natural_bounds },
    { SAL_METRIC_COUNT, logs_values, logs_bounds },
    { SAL_INTERVAL_COUNT, interval_values, interval_bounds },
    { SAL_METRIC_COUNT, weighted_natural_values, weighted_natural_bounds },
    { SAL_METRIC_COUNT, weighted_logs_values, weighted_logs_bounds },
    { SAL_METRIC_COUNT, class_natural_values, class_natural_bounds },
    { SAL_INTERVAL_COUNT, class_interval_values, class_interval_bounds },
};
enum { COLUMNS = sizeof columns / sizeof *columns, CLASS_COLUMNS = 2 };

/* Bounds of one score over the draws; NaN when one in ten draws or more does not define it. scratch: (draws). */
static sal_bounds bound(const sal_scores *all, int64_t draws, const column *of, int32_t c, int64_t m, double *scratch)
{
    int64_t n = 0;
    for (int64_t i = 0; i < draws; i++) {
        double v = of->values(&all[i], c)[m];
        if (isfinite(v)) scratch[n++] = v;
    }
    if (10 * n <= 9 * draws) return (sal_bounds){ NAN, NAN };
    sal_sort_f64(n, scratch);
    return (sal_bounds){ sal_quantile_sorted(n, scratch, (1 - level) / 2), sal_quantile_sorted(n, scratch, (1 + level) / 2) };
}

/* How many units hold a sample of class c. seen: (units) */
static int64_t units_of_class(const sal_bootstrap *b, const sal_class_scheme *scheme, int32_t c, uint8_t *seen)
{
    int64_t n = 0;
    for (int64_t u = 0; u < b->units; u++) seen[u] = 0;
    for (int64_t i = 0; i < b->n; i++) {
        if (seen[b->unit[i]] || sal_class_of(scheme, b->observed[i]) != c) continue;
        seen[b->unit[i]] = 1;
        n++;
    }
    return n;
}

static sal_status bound_all(sal_context *ctx, const sal_bootstrap *b, const sal_scores *all, int64_t draws, sal_scores *out)
{
    sal_status status;
    double *scratch = NULL;
    uint8_t *seen = NULL;
    SAL_TRY(sal_allocate(ctx, draws > 0 ? draws : 1, sizeof *scratch, &scratch));
    SAL_TRY(sal_allocate(ctx, b->units, 1, &seen));
    for (int k = 0; k < COLUMNS; k++) {
        bool by_class = k >= COLUMNS - CLASS_COLUMNS;
        for (int32_t c = 0; c < (by_class ? out->scheme.count : 1); c++) {
            bool enough = draws > 0 && (!by_class || units_of_class(b, &out->scheme, c, seen) >= SAL_BOOTSTRAP_LEAST_UNITS);
            for (int64_t m = 0; m < columns[k].count; m++)
                columns[k].bounds(out, c)[m] = enough ? bound(all, draws, &columns[k], c, m, scratch) : (sal_bounds){ NAN, NAN };
        }
    }
done:
    sal_release(ctx, scratch);
    sal_release(ctx, seen);
    return status;
}

static sal_status score_draw(sal_context *ctx, const drawing *d, const sal_scores *whole, sal_scores *out)
{
    double *v[5];
    for (int c = 0; c < 5; c++) v[c] = d->values + c * d->capacity;
    bool limits = whole->has_interval;
    sal_status status = sal_scores_compute(ctx, d->m, v[0], v[1], limits ? v[2] : NULL, limits ? v[3] : NULL, whole->coverage,
                                           whole->has_classes ? &whole->scheme : NULL, out);
    if (status == SAL_STATUS_OK && whole->has_weighted) status = sal_scores_weigh(ctx, d->m, v[0], v[1], v[4], out);
    return status;
}

sal_status sal_scores_bootstrap(sal_context *ctx, const sal_bootstrap *b, sal_scores *scores)
{
    sal_status status;
    drawing d = { .b = b };
    sal_scores *all = NULL;
    int64_t draws = b->units >= SAL_BOOTSTRAP_LEAST_UNITS ? SAL_BOOTSTRAP_DRAWS : 0;
    SAL_ASSERT(ctx, b->n == scores->n && (b->weights || !scores->has_weighted));
    SAL_TRY(sort_members(ctx, &d));
    SAL_TRY(sal_allocate(ctx, draws > 0 ? draws : 1, sizeof *all, &all));
    for (int64_t i = 0; i < draws; i++) {
        SAL_TRY(sal_progress(ctx, (double)i / (double)draws, NULL));
        draw(&d, (uint64_t)i);
        SAL_TRY(score_draw(ctx, &d, scores, &all[i]));
    }
    SAL_TRY(bound_all(ctx, b, all, draws, scores));
    scores->draws = SAL_BOOTSTRAP_DRAWS;
    scores->units = b->units;
    scores->unit_m = b->unit_m;
    scores->bounds_level = level;
done:
    sal_release(ctx, d.begin);
    sal_release(ctx, d.member);
    sal_release(ctx, d.values);
    sal_release(ctx, all);
    return status;
}
