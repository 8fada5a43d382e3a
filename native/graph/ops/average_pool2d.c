/* average_pool2d.c - the mean of each window; padding counts as zeros, so the divisor is always kernel^2 (PyTorch's default). */
#include "graph/ops/pool.h"

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const sal_shape *x = &sal__in_node(r, n, 0)->shape;
    sal_pool_shape p = sal__pool_of(x, n->i);
    int64_t in = x->dim[1] * x->dim[2] * x->dim[3], out = n->count / n->shape.dim[0];
    sal_pool_average_forward(&p, hi - lo, sal__in(r, n, 0) + lo * in, sal__out(r, n) + lo * out);
}

/* ---- back: gy; the shape of x in i[3 .. 6] ---- */

static sal_status shape_back(sal_tape *t, sal_node *n)
{
    n->shape = SAL_SHAPE(n->i[3], n->i[4], n->i[5], n->i[6]);
    return SAL_STATUS_OK;
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sal_pool_shape p = sal__pool_of(&n->shape, n->i);
    int64_t in = n->count / n->shape.dim[0], out = sal__in_node(r, n, 0)->count / n->shape.dim[0];
    sal_pool_average_backward(&p, hi - lo, sal__in(r, n, 0) + lo * out, sal__out(r, n) + lo * in);
}

const sal_op sal_op_average_pool2d_back = { .name = "average_pool2d_back",
                                            .n_in = 1,
                                            .shape = shape_back,
                                            .items = sal__items_first,
                                            .work = sal__pool_work,
                                            .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node *n = sal__node(t, y);
    const sal_shape *x = sal__shape_in(t, n, 0);
    int64_t i[7] = { n->i[0], n->i[1], n->i[2], x->dim[0], x->dim[1], x->dim[2], x->dim[3] };
    gx[0] = sal__append(t, &sal_op_average_pool2d_back, &gy, 1, i, 7, NULL, 0);
}

const sal_op sal_op_average_pool2d = { .name = "average_pool2d",
                                       .n_in = 1,
                                       .shape = sal__pool_shape,
                                       .items = sal__items_first,
                                       .work = sal__pool_work,
                                       .eval = eval,
                                       .grad = grad };

sal_id sal_average_pool2d(sal_tape *t, sal_id x, int64_t kernel, int64_t stride, int64_t pad)
{
    return sal__append(t, &sal_op_average_pool2d, &x, 1, (int64_t[]){ kernel, stride, pad }, 3, NULL, 0);
}
