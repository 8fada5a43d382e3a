/* relu.c - y = max(x, 0), element by element. The gradient needs y only, so x may be overwritten. */
#include "graph/op.h"

static sal_status shape(sal_tape *t, sal_node *n) { return sal__shape_like(t, n, 0); }

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const real *x = sal__in(r, n, 0);
    real *y = sal__out(r, n);
    for (int64_t i = lo; i < hi; i++) y[i] = x[i] > 0 ? x[i] : 0;
}

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[]) { gx[0] = sal_relu_back(t, gy, y); }

const sal_op sal_op_relu = { .name = "relu", .n_in = 1, .flags = SAL_OP_INPLACE | SAL_OP_KINK, .shape = shape, .eval = eval, .grad = grad };

sal_id sal_relu(sal_tape *t, sal_id x) { return sal__op1(t, &sal_op_relu, x); }

static sal_status shape_back(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1))) return sal__shape_fail(t, n, "gy and y differ in shape");
    return sal__shape_like(t, n, 0);
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const real *gy = sal__in(r, n, 0), *y = sal__in(r, n, 1);
    real *gx = sal__out(r, n);
    for (int64_t i = lo; i < hi; i++) gx[i] = y[i] > 0 ? gy[i] : 0;
}

const sal_op sal_op_relu_back = { .name = "relu_back", .n_in = 2, .flags = SAL_OP_INPLACE, .shape = shape_back, .eval = eval_back };

sal_id sal_relu_back(sal_tape *t, sal_id gy, sal_id y) { return sal__op2(t, &sal_op_relu_back, gy, y); }
