/* softmax.c - y_j = exp(x_j - max x) / sum_k exp(x_k - max x) over the last dimension; gx = y (gy - sum gy y). */
#include "graph/op.h"
#include "graph/ops/scalar.h"
#include "kernels/vector_math.h"

static sal_status shape(sal_tape *t, sal_node *n)
{
    if (sal__shape_in(t, n, 0)->rank < 1) return sal__shape_fail(t, n, "a scalar has no last dimension");
    return sal__shape_like(t, n, 0);
}

static double work(const sal_tape *t, const sal_node *n) { return 25 * (double)sal_shape_last(&n->shape); }

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = sal_shape_last(&n->shape);
    for (int64_t row = lo; row < hi; row++) {
        const real *x = sal__in(r, n, 0) + row * c;
        real *y = sal__out(r, n) + row * c, top = x[0], sum = 0;
        for (int64_t j = 1; j < c; j++) top = r_max(top, x[j]);
        for (int64_t j = 0; j < c; j++) y[j] = x[j] - top;
        sal_math_exp(c, y, y);
        for (int64_t j = 0; j < c; j++) sum += y[j];
        for (int64_t j = 0; j < c; j++) y[j] /= sum;
    }
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = sal_shape_last(&n->shape);
    for (int64_t row = lo; row < hi; row++) {
        const real *gy = sal__in(r, n, 0) + row * c, *y = sal__in(r, n, 1) + row * c;
        real *gx = sal__out(r, n) + row * c, dot = 0;
        for (int64_t j = 0; j < c; j++) dot += gy[j] * y[j];
        for (int64_t j = 0; j < c; j++) gx[j] = y[j] * (gy[j] - dot);
    }
}

static sal_status shape_back(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)))
        return sal__shape_fail(t, n, "gy and y differ in shape");
    return sal__shape_like(t, n, 0);
}

const sal_op sal_op_softmax_back = { .name = "softmax_back",
                                     .n_in = 2,
                                     .flags = SAL_OP_INPLACE,
                                     .shape = shape_back,
                                     .items = sal__items_rows,
                                     .work = work,
                                     .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[]) { gx[0] = sal__op2(t, &sal_op_softmax_back, gy, y); }

const sal_op sal_op_softmax = { .name = "softmax",
                                .n_in = 1,
                                .flags = SAL_OP_INPLACE,
                                .shape = shape,
                                .items = sal__items_rows,
                                .work = work,
                                .eval = eval,
                                .grad = grad };

sal_id sal_softmax(sal_tape *t, sal_id x) { return sal__op1(t, &sal_op_softmax, x); }
