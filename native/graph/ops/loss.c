/* loss.c - the weighted mean every loss ends in: L = sum_i w_i l_i / sum_i w_i. */
#include "graph/ops/loss.h"

sal_status sal__loss_shape(sal_tape *t, sal_node *n, int32_t at)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    if (n->inputs != at && n->inputs != at + 1)
        return sal__shape_fail(t, n, "takes %d inputs and, optionally, weights", at);
    if (x->rank < 1) return sal__shape_fail(t, n, "the prediction has no dimension of samples");
    if (n->inputs > at && sal_shape_count(sal__shape_in(t, n, at)) != x->dim[0]) {
        return sal__shape_fail(t, n, "there must be one weight for each of the %lld samples", (long long)x->dim[0]);
    }
    n->shape = SAL_SCALAR;
    return SAL_STATUS_OK;
}

int64_t sal__loss_partial(const sal_tape *t, const sal_node *n) { return 2; }

void sal__loss_finish(const sal_run *r, const sal_node *n)
{
    double loss = 0, weight = 0;
    for (int64_t c = 0; c < n->chunks; c++) {
        loss += (double)r->partials[2 * c];
        weight += (double)r->partials[2 * c + 1];
    }
    sal__out(r, n)[0] = weight != 0 ? (real)(loss / weight) : 0;
}

double sal__loss_work(const sal_tape *t, const sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    return 6 * (double)sal_shape_count(x) / (double)(x->rank ? x->dim[0] : 1);
}

real sal__loss_gain(const sal_run *r, const sal_node *n, int32_t at, int64_t samples)
{
    double sum = 0;
    if (n->inputs > at) {
        const real *w = sal__in(r, n, at);
        for (int64_t i = 0; i < samples; i++) sum += (double)w[i];
    } else {
        sum = (double)samples;
    }
    return sum != 0 ? (real)((double)sal__in(r, n, 0)[0] / sum) : 0;
}

sal_status sal__loss_back_shape(sal_tape *t, sal_node *n) { return sal__shape_like(t, n, 1); }

sal_id sal__loss_back(sal_tape *t, const sal_op *back, sal_id y, sal_id gy)
{
    const sal_node n = *sal__node(t, y);
    sal_id in[4] = { gy };
    for (int32_t k = 0; k < n.inputs; k++) in[k + 1] = n.in[k];
    return sal__append(t, back, in, n.inputs + 1, n.i, SAL_ATTRIBUTES_MAX, n.f, 4);
}

sal_id sal__loss_append(sal_tape *t, const sal_op *op, sal_id a, sal_id b, sal_id weights, const double *f, int32_t n_f)
{
    return sal__append(t, op, (sal_id[]){ a, b, weights }, weights >= 0 ? 3 : 2, NULL, 0, f, n_f);
}
