/* loss_mse.c - l_i = mean_j (p_ij - t_ij)^2, averaged over samples i with their weights. */
#include "graph/ops/loss.h"

static sal_status shape(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)))
        return sal__shape_fail(t, n, "prediction and target differ in shape");
    return sal__loss_shape(t, n, 2);
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t d = sal__in_node(r, n, 0)->count / sal__in_node(r, n, 0)->shape.dim[0];
    double sum = 0, weights = 0;
    for (int64_t i = lo; i < hi; i++) {
        const real *p = sal__in(r, n, 0) + i * d, *q = sal__in(r, n, 1) + i * d;
        double w = (double)sal__loss_weight(r, n, 2, i), one = 0;
        for (int64_t j = 0; j < d; j++) {
            double e = (double)p[j] - (double)q[j];
            one += e * e;
        }
        sum += w * one / (double)d;
        weights += w;
    }
    sal__partial(r, n)[0] = (real)sum;
    sal__partial(r, n)[1] = (real)weights;
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t samples = n->shape.dim[0], d = n->count / samples;
    real gain = sal__loss_gain(r, n, 3, samples) / (real)d;
    for (int64_t i = lo; i < hi; i++) {
        const real *p = sal__in(r, n, 1) + i * d, *q = sal__in(r, n, 2) + i * d;
        real *g = sal__out(r, n) + i * d, w = gain * sal__loss_weight(r, n, 3, i);
        for (int64_t j = 0; j < d; j++) {
            real e = p[j] - q[j];
            g[j] = w * (2 * e);
        }
    }
}

const sal_op sal_op_loss_mse_back = { .name = "loss_mse_back",
                                      .n_in = -1,
                                      .shape = sal__loss_back_shape,
                                      .items = sal__items_first,
                                      .work = sal__loss_work,
                                      .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    sal_id target = sal__node(t, y)->in[1];
    gx[0] = sal__loss_back(t, &sal_op_loss_mse_back, y, gy);
    if (sal__wants(t, target)) gx[1] = sal_scale(t, gx[0], -1, 0);
}

const sal_op sal_op_loss_mse = { .name = "loss_mse",
                                 .n_in = -1,
                                 .shape = shape,
                                 .items = sal__items_first_in,
                                 .work = sal__loss_work,
                                 .partial = sal__loss_partial,
                                 .eval = eval,
                                 .finish = sal__loss_finish,
                                 .grad = grad };

sal_id sal_loss_mse(sal_tape *t, sal_id prediction, sal_id target, sal_id weights)
{
    return sal__loss_append(t, &sal_op_loss_mse, prediction, target, weights, NULL, 0);
}
