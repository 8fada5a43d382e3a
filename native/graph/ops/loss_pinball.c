/* loss_pinball.c - l = max(u e, (u - 1) e) with e = target - prediction, for quantile u of each column (Koenker and Bassett 1978,
 * doi:10.2307/1913643), the mean over columns, averaged over samples with their weights. The exact form with its kink at e = 0.
 *
 * Quantiles are attributes i[0 ..] as fixed point, parts in 10^9, because an op carries only four reals.
 */
#include "graph/ops/loss.h"

#define UNIT 1e9

static sal_status shape(sal_tape *t, sal_node *n)
{
    const sal_shape *p = sal__shape_in(t, n, 0), *target = sal__shape_in(t, n, 1);
    if (p->rank != 2 || p->dim[1] != n->i[8]) {
        return sal__shape_fail(t, n, "the prediction must be (samples, %lld), one column per quantile",
                               (long long)n->i[8]);
    }
    if (sal_shape_count(target) != p->dim[0])
        return sal__shape_fail(t, n, "there must be one target for each of %lld samples", (long long)p->dim[0]);
    for (int64_t j = 0; j < n->i[8]; j++) {
        if (n->i[j] <= 0 || n->i[j] >= (int64_t)UNIT)
            return sal__shape_fail(t, n, "quantile %g is not in (0, 1)", (double)n->i[j] / UNIT);
    }
    return sal__loss_shape(t, n, 2);
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t q = n->i[8];
    double sum = 0, weights = 0;
    for (int64_t i = lo; i < hi; i++) {
        const real *p = sal__in(r, n, 0) + i * q;
        double w = (double)sal__loss_weight(r, n, 2, i), target = (double)sal__in(r, n, 1)[i], one = 0;
        for (int64_t j = 0; j < q; j++) {
            double e = target - (double)p[j], u = (double)n->i[j] / UNIT;
            one += e > 0 ? u * e : (u - 1) * e;
        }
        sum += w * one / (double)q;
        weights += w;
    }
    sal__partial(r, n)[0] = (real)sum;
    sal__partial(r, n)[1] = (real)weights;
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t samples = n->shape.dim[0], q = n->i[8];
    real gain = sal__loss_gain(r, n, 3, samples) / (real)q;
    for (int64_t i = lo; i < hi; i++) {
        const real *p = sal__in(r, n, 1) + i * q, target = sal__in(r, n, 2)[i];
        real *g = sal__out(r, n) + i * q, w = gain * sal__loss_weight(r, n, 3, i);
        for (int64_t j = 0; j < q; j++) {
            real u = (real)((double)n->i[j] / UNIT);
            g[j] = w * (target > p[j] ? -u : target < p[j] ? 1 - u : 0);
        }
    }
}

const sal_op sal_op_loss_pinball_back = { .name = "loss_pinball_back",
                                          .n_in = -1,
                                          .shape = sal__loss_back_shape,
                                          .items = sal__items_first,
                                          .work = sal__loss_work,
                                          .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    gx[0] = sal__loss_back(t, &sal_op_loss_pinball_back, y, gy);
}

const sal_op sal_op_loss_pinball = { .name = "loss_pinball",
                                     .n_in = -1,
                                     .flags = SAL_OP_KINK,
                                     .shape = shape,
                                     .items = sal__items_first_in,
                                     .work = sal__loss_work,
                                     .partial = sal__loss_partial,
                                     .eval = eval,
                                     .finish = sal__loss_finish,
                                     .grad = grad };

sal_id sal_loss_pinball(sal_tape *t, sal_id prediction, sal_id target, sal_id weights, const double *quantiles,
                        int32_t q)
{
    if (q < 1 || q > 8) {
        sal_tape_fail(t, "loss_pinball takes 1 to 8 quantiles, not %d", q);
        return SAL_NONE;
    }
    int64_t i[9] = { 0 };
    for (int32_t j = 0; j < q; j++) i[j] = (int64_t)(quantiles[j] * UNIT + 0.5);
    i[8] = q;
    return sal__append(t, &sal_op_loss_pinball, (sal_id[]){ prediction, target, weights }, weights >= 0 ? 3 : 2, i, 9,
                       NULL, 0);
}
