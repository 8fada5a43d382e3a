/* clamp.c - y = min(max(x, low), high); the gradient passes where low < x < high. Bounds are attributes f[0], f[1]. */
#include "graph/ops/unary.h"

static sal_status shape(sal_tape *t, sal_node *n)
{
    if (!(n->f[0] < n->f[1])) return sal__shape_fail(t, n, "the bounds %g and %g are not in order", n->f[0], n->f[1]);
    return sal__shape_like(t, n, 0);
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const real *x = sal__in(r, n, 0), low = (real)n->f[0], high = (real)n->f[1];
    real *y = sal__out(r, n);
    for (int64_t i = lo; i < hi; i++) y[i] = x[i] < low ? low : x[i] > high ? high : x[i];
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const real *gy = sal__in(r, n, 0), *x = sal__in(r, n, 1), low = (real)n->f[0], high = (real)n->f[1];
    real *gx = sal__out(r, n);
    for (int64_t i = lo; i < hi; i++) gx[i] = x[i] > low && x[i] < high ? gy[i] : 0;
}

const sal_op sal_op_clamp_back = {
    .name = "clamp_back", .n_in = 2, .flags = SAL_OP_INPLACE, .shape = sal__unary_back_shape, .eval = eval_back
};

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node *n = sal__node(t, y);
    double f[2] = { n->f[0], n->f[1] };
    gx[0] = sal__append(t, &sal_op_clamp_back, (sal_id[]){ gy, n->in[0] }, 2, NULL, 0, f, 2);
}

const sal_op sal_op_clamp = {
    .name = "clamp", .n_in = 1, .flags = SAL_OP_INPLACE | SAL_OP_KINK, .shape = shape, .eval = eval, .grad = grad
};

sal_id sal_clamp(sal_tape *t, sal_id x, double low, double high)
{
    return sal__append(t, &sal_op_clamp, &x, 1, NULL, 0, (double[]){ low, high }, 2);
}
