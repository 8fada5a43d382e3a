/* max_pool2d.c - the largest value of each window; padding is never chosen. The way back finds it again (attributes and shapes are those
 * of the forward node): of equal values the first in reading order gets the gradient, so results do not depend on anything but x.
 */
#include "graph/ops/pool.h"

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const sal_shape *x = &sal__in_node(r, n, 0)->shape;
    sal_pool_shape p = sal__pool_of(x, n->i);
    int64_t in = x->dim[1] * x->dim[2] * x->dim[3], out = n->count / n->shape.dim[0];
    sal_pool_max_forward(&p, hi - lo, sal__in(r, n, 0) + lo * in, sal__out(r, n) + lo * out, NULL);
}

/* ---- back: gy, x ---- */

static sal_status shape_back(sal_tape *t, sal_node *n) { return sal__shape_like(t, n, 1); }

static int64_t scratch_back(const sal_tape *t, const sal_node *n)
{
    const sal_shape *gy = sal__shape_in(t, n, 0); /* values and places of one image */
    return gy->dim[1] * gy->dim[2] * gy->dim[3] * (int64_t)(sizeof(real) + sizeof(int32_t));
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sal_pool_shape p = sal__pool_of(&n->shape, n->i);
    int64_t in = n->count / n->shape.dim[0], out = sal__in_node(r, n, 0)->count / n->shape.dim[0];
    real *largest = (real *)r->scratch;
    int32_t *place = (int32_t *)(largest + out);
    for (int64_t item = lo; item < hi; item++) {
        sal_pool_max_forward(&p, 1, sal__in(r, n, 1) + item * in, largest, place);
        sal_pool_max_backward(&p, 1, sal__in(r, n, 0) + item * out, place, sal__out(r, n) + item * in);
    }
}

const sal_op sal_op_max_pool2d_back = { .name = "max_pool2d_back",
                                        .n_in = 2,
                                        .shape = shape_back,
                                        .items = sal__items_first,
                                        .work = sal__pool_work,
                                        .scratch = scratch_back,
                                        .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node n = *sal__node(t, y);
    gx[0] = sal__append(t, &sal_op_max_pool2d_back, (sal_id[]){ gy, n.in[0] }, 2, n.i, 3, NULL, 0);
}

const sal_op sal_op_max_pool2d = { .name = "max_pool2d",
                                   .n_in = 1,
                                   .flags = SAL_OP_KINK,
                                   .shape = sal__pool_shape,
                                   .items = sal__items_first,
                                   .work = sal__pool_work,
                                   .eval = eval,
                                   .grad = grad };

sal_id sal_max_pool2d(sal_tape *t, sal_id x, int64_t kernel, int64_t stride, int64_t pad)
{
    return sal__append(t, &sal_op_max_pool2d, &x, 1, (int64_t[]){ kernel, stride, pad }, 3, NULL, 0);
}
