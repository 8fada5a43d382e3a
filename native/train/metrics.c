/* metrics.c - one function per row of metrics.def and interval_metrics.def, over moments computed once.
 *
 * Every sum is weighted; without weights each is 1, and n samples weigh n in all cases.
 * Formulas: shared/reference/science.md 1.1 and 1.8. The traps: variances of CCC are 1/n, the sd of RPD is 1/(n - 1),
 * quartiles are of type 7.
 */
#include "train/metrics.h"
#include <math.h>
#include <stdlib.h>

typedef struct weighted {
    double value, weight;
} weighted;

typedef struct pairs {
    int64_t n;
    double mean_o, mean_p;               /* means */
    double soo, spp, sop;                /* centred sums of squares and products */
    double sse, sae, se;                 /* sums of e^2, |e|, e */
    const weighted *sorted_o, *sorted_abs; /* ascending observations and |e| */
} pairs;

static int by_value(const void *a, const void *b)
{
    double p = ((const weighted *)a)->value, q = ((const weighted *)b)->value;
    return (p > q) - (p < q);
}

/* Quantile of type 7 where every value stands as often as its weight: value k lies at (C_k - w_k / 2 - w_1 / 2) /
 * (W - w_1 / 2 - w_n / 2), C the running sum, which is (k - 1) / (n - 1) for equal weights. */
static double quantile(int64_t n, const weighted *sorted, double p)
{
    double total = 0, sum = 0, from, to = 0;
    for (int64_t i = 0; i < n; i++) total += sorted[i].weight;
    double h = p * (total - (sorted[0].weight + sorted[n - 1].weight) / 2);
    for (int64_t i = 0; i < n; i++) {
        from = to;
        sum += sorted[i].weight;
        to = sum - (sorted[i].weight + sorted[0].weight) / 2;
        if (to < h) continue;
        return i == 0 || to <= from ? sorted[i].value : sorted[i - 1].value + (h - from) / (to - from) * (sorted[i].value - sorted[i - 1].value);
    }
    return sorted[n - 1].value;
}

static double ratio(double a, double b) { return b > 0 ? a / b : NAN; }
static double metric_R2(const pairs *p) { return 1 - ratio(p->sse, p->soo); }
static double metric_R2_PEARSON(const pairs *p)
{
    return p->soo > 0 && p->spp > 0 ? p->sop * p->sop / (p->soo * p->spp) : NAN;
}
static double metric_RMSE(const pairs *p) { return sqrt(p->sse / (double)p->n); }
static double metric_MAE(const pairs *p) { return p->sae / (double)p->n; }
static double metric_MEDAE(const pairs *p) { return quantile(p->n, p->sorted_abs, 0.5); }
static double metric_BIAS(const pairs *p) { return p->se / (double)p->n; }

static double metric_CCC(const pairs *p)
{
    double n = (double)p->n, shift = p->mean_o - p->mean_p;
    return ratio(2 * p->sop / n, p->soo / n + p->spp / n + shift * shift);
}

static double metric_RPD(const pairs *p)
{
    return p->n > 1 ? ratio(sqrt(p->soo / (double)(p->n - 1)), metric_RMSE(p)) : NAN;
}

static double metric_RPIQ(const pairs *p)
{
    double iqr = quantile(p->n, p->sorted_o, 0.75) - quantile(p->n, p->sorted_o, 0.25);
    return ratio(iqr, metric_RMSE(p));
}

typedef struct intervals {
    int64_t n;
    const double *y, *l, *u;
    double a; /* 1 - coverage */
} intervals;

static double interval_BELOW(const intervals *v)
{
    int64_t below = 0;
    for (int64_t i = 0; i < v->n; i++) below += v->y[i] < v->l[i];
    return (double)below / (double)v->n;
}

static double interval_ABOVE(const intervals *v)
{
    int64_t above = 0;
    for (int64_t i = 0; i < v->n; i++) above += v->y[i] > v->u[i];
    return (double)above / (double)v->n;
}

static double interval_PICP(const intervals *v)
{
    int64_t inside = 0;
    for (int64_t i = 0; i < v->n; i++) inside += v->y[i] >= v->l[i] && v->y[i] <= v->u[i];
    return (double)inside / (double)v->n;
}

static double interval_MPIW(const intervals *v)
{
    double sum = 0;
    for (int64_t i = 0; i < v->n; i++) sum += v->u[i] - v->l[i];
    return sum / (double)v->n;
}

static double interval_SCORE(const intervals *v)
{
    double sum = 0;
    for (int64_t i = 0; i < v->n; i++)
        sum += v->u[i] - v->l[i] + 2 / v->a * (fmax(v->l[i] - v->y[i], 0) + fmax(v->y[i] - v->u[i], 0));
    return sum / (double)v->n;
}

typedef struct metric_entry {
    sal_metric_row row;
    double (*evaluate)(const pairs *p);
} metric_entry;

typedef struct interval_entry {
    sal_metric_row row;
    double (*evaluate)(const intervals *v);
} interval_entry;

/* clang-format off */
static const metric_entry metrics[] = {
#define SAL_METRIC(id, label, what, formula) { { #id, label, what, formula }, metric_##id },
#include "train/metrics.def"
#undef SAL_METRIC
};

static const interval_entry interval_metrics[] = {
#define SAL_INTERVAL_METRIC(id, label, what, formula) { { #id, label, what, formula }, interval_##id },
#include "train/interval_metrics.def"
#undef SAL_INTERVAL_METRIC
};
/* clang-format on */

const sal_metric_row *sal_metric_at(sal_metric metric) { return &metrics[metric].row; }
const sal_metric_row *sal_interval_metric_at(sal_interval_metric metric) { return &interval_metrics[metric].row; }

static int ascending(const void *a, const void *b)
{
    double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

void sal_sort_f64(int64_t n, double *values) { qsort(values, (size_t)n, sizeof *values, ascending); }

sal_status sal_sorted_copy(sal_context *ctx, int64_t n, const double *values, double **out)
{
    sal_status status = sal_allocate(ctx, n, sizeof **out, out);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t i = 0; i < n; i++) (*out)[i] = values[i];
    sal_sort_f64(n, *out);
    return status;
}

double sal_quantile_sorted(int64_t n, const double *sorted, double p)
{
    double h = (double)(n - 1) * p;
    int64_t i = (int64_t)floor(h);
    if (i >= n - 1) return sorted[n - 1];
    return sorted[i] + (h - (double)i) * (sorted[i + 1] - sorted[i]);
}

static sal_status check_finite(sal_context *ctx, const char *what, int64_t n, const double *values)
{
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return sal_fail(ctx, SAL_STATUS_DATA, "%s %lld of %lld is not a number, so no score can be computed", what,
                            (long long)i + 1, (long long)n);
    return n > 0 ? SAL_STATUS_OK : sal_fail(ctx, SAL_STATUS_DATA, "there is no prediction to score");
}

/* Weights in w (n), brought to a mean of 1. */
static sal_status take_weights(sal_context *ctx, int64_t n, const double *weights, double *w)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        w[i] = weights ? weights[i] : 1;
        sum += w[i];
        if (!(w[i] >= 0) || !isfinite(w[i]))
            return sal_fail(ctx, SAL_STATUS_DATA, "weight %lld of %lld is %g, not a number of at least 0", (long long)i + 1, (long long)n, w[i]);
    }
    if (!(sum > 0)) return sal_fail(ctx, SAL_STATUS_DATA, "the weights of all %lld predictions are 0", (long long)n);
    for (int64_t i = 0; i < n && weights; i++) w[i] *= (double)n / sum;
    return SAL_STATUS_OK;
}

static void sum_pairs(pairs *p, const double *observed, const double *predicted, const double *w)
{
    for (int64_t i = 0; i < p->n; i++) {
        double e = predicted[i] - observed[i];
        p->mean_o += w[i] * observed[i];
        p->mean_p += w[i] * predicted[i];
        p->se += w[i] * e;
        p->sae += w[i] * fabs(e);
        p->sse += w[i] * e * e;
    }
    p->mean_o /= (double)p->n;
    p->mean_p /= (double)p->n;
    for (int64_t i = 0; i < p->n; i++) {
        double o = observed[i] - p->mean_o, q = predicted[i] - p->mean_p;
        p->soo += w[i] * o * o;
        p->spp += w[i] * q * q;
        p->sop += w[i] * o * q;
    }
}

sal_status sal_metrics_evaluate_weighted(sal_context *ctx, int64_t n, const double *observed, const double *predicted, const double *weights,
                                         double *values)
{
    sal_status status;
    weighted *sorted_o = NULL, *sorted_abs = NULL;
    double *w = NULL;
    SAL_TRY(check_finite(ctx, "observation", n, observed));
    SAL_TRY(check_finite(ctx, "prediction", n, predicted));
    SAL_TRY(sal_allocate(ctx, n, sizeof *w, &w));
    SAL_TRY(sal_allocate(ctx, n, sizeof *sorted_o, &sorted_o));
    SAL_TRY(sal_allocate(ctx, n, sizeof *sorted_abs, &sorted_abs));
    SAL_TRY(take_weights(ctx, n, weights, w));
    for (int64_t i = 0; i < n; i++) {
        sorted_o[i] = (weighted){ observed[i], w[i] };
        sorted_abs[i] = (weighted){ fabs(predicted[i] - observed[i]), w[i] };
    }
    qsort(sorted_o, (size_t)n, sizeof *sorted_o, by_value);
    qsort(sorted_abs, (size_t)n, sizeof *sorted_abs, by_value);
    pairs p = { .n = n, .sorted_o = sorted_o, .sorted_abs = sorted_abs };
    sum_pairs(&p, observed, predicted, w);
    for (int m = 0; m < SAL_METRIC_COUNT; m++) values[m] = metrics[m].evaluate(&p);
done:
    sal_release(ctx, w);
    sal_release(ctx, sorted_o);
    sal_release(ctx, sorted_abs);
    return status;
}

sal_status sal_metrics_evaluate(sal_context *ctx, int64_t n, const double *observed, const double *predicted,
                                double *values)
{
    return sal_metrics_evaluate_weighted(ctx, n, observed, predicted, NULL, values);
}

sal_status sal_interval_metrics_evaluate(sal_context *ctx, int64_t n, const double *observed, const double *lower,
                                         const double *upper, double coverage, double *values)
{
    sal_status status;
    SAL_TRY(check_finite(ctx, "observation", n, observed));
    SAL_TRY(check_finite(ctx, "lower limit", n, lower));
    SAL_TRY(check_finite(ctx, "upper limit", n, upper));
    if (!(coverage > 0 && coverage < 1))
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "an interval covers between 0 and 1, not %g", coverage);
    for (int64_t i = 0; i < n; i++)
        if (lower[i] > upper[i])
            return sal_fail(ctx, SAL_STATUS_DATA, "interval %lld of %lld is upside down: %g to %g", (long long)i + 1,
                            (long long)n, lower[i], upper[i]);
    intervals v = { .n = n, .y = observed, .l = lower, .u = upper, .a = 1 - coverage };
    for (int m = 0; m < SAL_INTERVAL_COUNT; m++) values[m] = interval_metrics[m].evaluate(&v);
done:
    return status;
}
