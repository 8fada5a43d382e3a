/* loss.h - what the losses share: a weighted mean over the first dimension as a scalar, and its gradient.
 *
 * A loss has inputs prediction, target and, optionally, weights (n); items are the n samples. Its chunk partial is (sum w l, sum w),
 * summed in double within the chunk. Its gradient op has inputs gy (scalar), prediction, target[, weights] and the same attributes.
 */
#ifndef SAL_GRAPH_OPS_LOSS_H
#define SAL_GRAPH_OPS_LOSS_H

#include "graph/op.h"
#include "graph/ops/scalar.h"

/* Checks weights (input `at`, may be absent) against the n samples and makes the output a scalar. */
sal_status sal__loss_shape(sal_tape *t, sal_node *n, int32_t at);
int64_t sal__loss_partial(const sal_tape *t, const sal_node *n);
/* Output = sum of the first partials / sum of the second, 0 when the weights sum to 0. */
void sal__loss_finish(const sal_run *r, const sal_node *n);
double sal__loss_work(const sal_tape *t, const sal_node *n);
/* gy w_i / sum w for the gradient of sample i; weights at input `at`. */
real sal__loss_gain(const sal_run *r, const sal_node *n, int32_t at, int64_t samples);
static inline real sal__loss_weight(const sal_run *r, const sal_node *n, int32_t at, int64_t i)
{
    return n->inputs > at ? sal__in(r, n, at)[i] : 1;
}
/* shape of a gradient op: like its input 1 (the prediction). */
sal_status sal__loss_back_shape(sal_tape *t, sal_node *n);
/* Appends back(gy, inputs of y) with the attributes of y. */
sal_id sal__loss_back(sal_tape *t, const sal_op *back, sal_id y, sal_id gy);
sal_id sal__loss_append(sal_tape *t, const sal_op *op, sal_id a, sal_id b, sal_id weights, const double *f,
                        int32_t n_f);

#endif
