/* conformal_difficulty.c - how wrong a model without quantiles tends to be around a prediction: the mean absolute
 * out-of-fold residual of the calibration samples whose prediction is nearest (k nearest neighbours in one dimension;
 * Papadopoulos et al. 2011 normalise by it).
 *
 * The trap: k must be large enough that the residual of a sample hardly moves its own difficulty; k = sqrt(n), 10 at least.
 */
#include "train/conformal.h"
#include <math.h>
#include <stdlib.h>

typedef struct sample {
    double median, residual;
} sample;

static int by_median(const void *a, const void *b)
{
    const sample *p = a, *q = b;
    if (p->median != q->median) return p->median > q->median ? 1 : -1;
    return (p->residual > q->residual) - (p->residual < q->residual); /* the same sum for any order of the samples */
}

/* Mean residual of the k of n samples, sorted by median, that are nearest to sample i. */
static double nearest_mean(const sample *s, int64_t n, int64_t k, int64_t i)
{
    int64_t lo = i, hi = i;
    double sum = 0;
    while (hi - lo + 1 < k) {
        bool down = hi == n - 1 || (lo > 0 && s[i].median - s[lo - 1].median <= s[hi + 1].median - s[i].median);
        if (down) lo--;
        else hi++;
    }
    for (int64_t j = lo; j <= hi; j++) sum += s[j].residual;
    return sum / (double)k;
}

sal_status sal__conformal_learn_difficulty(sal_context *ctx, int64_t n, const double *observed, const double *median, sal_conformal *c)
{
    sal_status status;
    sample *s = NULL;
    double sum = 0;
    int64_t k = (int64_t)lround(sqrt((double)n));
    k = k > 10 ? k : n < 10 ? n : 10;
    SAL_TRY(sal_allocate(ctx, n, sizeof *s, &s));
    for (int64_t i = 0; i < n; i++) {
        s[i] = (sample){ median[i], fabs(observed[i] - median[i]) };
        sum += s[i].residual;
    }
    qsort(s, (size_t)n, sizeof *s, by_median);
    c->knots = 0;
    for (int64_t j = 0; j < SAL_CONFORMAL_KNOTS; j++) {
        int64_t i = j * (n - 1) / (SAL_CONFORMAL_KNOTS - 1);
        if (c->knots && !(s[i].median > c->at[c->knots - 1])) continue;
        c->at[c->knots] = s[i].median;
        c->difficulty[c->knots++] = nearest_mean(s, n, k, i);
    }
    c->least_half_width = fmax(1e-3 * sum / (double)n, c->least_half_width);
done:
    sal_release(ctx, s);
    return status;
}

double sal__conformal_difficulty(const sal_conformal *c, double median)
{
    int32_t k = 0;
    if (median <= c->at[0]) return c->difficulty[0];
    while (k + 1 < c->knots && median > c->at[k + 1]) k++;
    if (k + 1 == c->knots) return c->difficulty[k];
    double t = (median - c->at[k]) / (c->at[k + 1] - c->at[k]);
    return (1 - t) * c->difficulty[k] + t * c->difficulty[k + 1];
}
