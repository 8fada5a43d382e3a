/* scale.c - y = a x + b with constants a and b, and copy (a = 1, b = 0), which gives a value memory of its own. */
#include "graph/tape_private.h"
#include "tensor/simd.h"

static sal_status shape(sal_tape *t, sal_node *n) { return sal__shape_like(t, n, 0); }

SAL_CLONES static void apply(const real *x, real *y, int64_t n, real a, real b)
{
    for (int64_t i = 0; i < n; i++) y[i] = a * x[i] + b;
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    apply(sal__in(r, n, 0) + lo, sal__out(r, n) + lo, hi - lo, (real)n->f[0], (real)n->f[1]);
}

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[]) { gx[0] = sal_scale(t, gy, sal__node(t, y)->f[0], 0); }

const sal_op sal_op_scale = { .name = "scale", .n_in = 1, .flags = SAL_OP_INPLACE, .shape = shape, .eval = eval, .grad = grad };

sal_id sal_scale(sal_tape *t, sal_id x, double factor, double offset)
{
    if (factor == 1 && offset == 0) return x;
    return sal__append(t, &sal_op_scale, &x, 1, NULL, 0, (double[]){ factor, offset }, 2);
}

static void copy_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[]) { gx[0] = gy; }

static void copy_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const real *x = sal__in(r, n, 0);
    real *y = sal__out(r, n);
    for (int64_t i = lo; i < hi; i++) y[i] = x[i];
}

const sal_op sal_op_copy = { .name = "copy", .n_in = 1, .shape = shape, .eval = copy_eval, .grad = copy_grad };

sal_id sal__copy(sal_tape *t, sal_id x) { return sal__op1(t, &sal_op_copy, x); }
