/* l2_normalise.c - y = x / max(|x|, eps) over the last dimension; gx = (gy - y (y . gy)) / |x|, and gy / eps where |x| < eps. */
#include "graph/op.h"
#include "graph/ops/scalar.h"

static sal_status shape(sal_tape *t, sal_node *n)
{
    if (sal__shape_in(t, n, 0)->rank < 1) return sal__shape_fail(t, n, "a scalar has no last dimension");
    return sal__shape_like(t, n, 0);
}

static double work(const sal_tape *t, const sal_node *n) { return 4 * (double)sal_shape_last(&n->shape); }

static real length_of(const real *x, int64_t d)
{
    real sum = 0;
    for (int64_t k = 0; k < d; k++) sum += x[k] * x[k];
    return r_sqrt(sum);
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t d = sal_shape_last(&n->shape);
    for (int64_t row = lo; row < hi; row++) {
        const real *x = sal__in(r, n, 0) + row * d;
        real *y = sal__out(r, n) + row * d, scale = 1 / r_max(length_of(x, d), (real)n->f[0]);
        for (int64_t k = 0; k < d; k++) y[k] = x[k] * scale;
    }
}

/* ---- back: gy, x ---- */

static sal_status shape_back(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)))
        return sal__shape_fail(t, n, "gy and x differ in shape");
    return sal__shape_like(t, n, 0);
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t d = sal_shape_last(&n->shape);
    for (int64_t row = lo; row < hi; row++) {
        const real *gy = sal__in(r, n, 0) + row * d, *x = sal__in(r, n, 1) + row * d;
        real *gx = sal__out(r, n) + row * d, length = length_of(x, d), scale = 1 / r_max(length, (real)n->f[0]),
             dot = 0;
        for (int64_t k = 0; k < d; k++) dot += gy[k] * x[k];
        dot = length < (real)n->f[0] ? 0 : dot * scale * scale;
        for (int64_t k = 0; k < d; k++) gx[k] = (gy[k] - x[k] * dot) * scale;
    }
}

const sal_op sal_op_l2_normalise_back = { .name = "l2_normalise_back",
                                          .n_in = 2,
                                          .flags = SAL_OP_INPLACE,
                                          .shape = shape_back,
                                          .items = sal__items_rows,
                                          .work = work,
                                          .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node n = *sal__node(t, y);
    gx[0] = sal__append(t, &sal_op_l2_normalise_back, (sal_id[]){ gy, n.in[0] }, 2, NULL, 0, n.f, 1);
}

const sal_op sal_op_l2_normalise = { .name = "l2_normalise",
                                     .n_in = 1,
                                     .flags = SAL_OP_INPLACE,
                                     .shape = shape,
                                     .items = sal__items_rows,
                                     .work = work,
                                     .eval = eval,
                                     .grad = grad };

sal_id sal_l2_normalise(sal_tape *t, sal_id x, double eps)
{
    return sal__append(t, &sal_op_l2_normalise, &x, 1, NULL, 0, &eps, 1);
}
