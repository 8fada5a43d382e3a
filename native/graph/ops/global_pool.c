/* global_pool.c - the largest value over the middle dimension, (n, m, c) -> (n, c), and the global and channel reductions built on it
 * and on sal_mean_to. Of equal maxima the first gets the gradient.
 */
#include "graph/op.h"
#include "tensor/simd.h"

static sal_status shape(sal_tape *t, sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    if (x->rank != 3) return sal__shape_fail(t, n, "x must be (n, m, c)");
    n->shape = SAL_SHAPE(x->dim[0], x->dim[2]);
    return SAL_STATUS_OK;
}

static double work(const sal_tape *t, const sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, n->op->n_in == 1 ? 0 : 1);
    return 2 * (double)(x->dim[1] * x->dim[2]);
}

SAL_CLONES static void largest(const real *x, real *y, int64_t items, int64_t m, int64_t c)
{
    for (int64_t item = 0; item < items; item++, x += m * c, y += c) {
        if (c == 1) { /* over channels: one row */
            real top = x[0];
            for (int64_t j = 1; j < m; j++) top = x[j] > top ? x[j] : top;
            y[0] = top;
            continue;
        }
        for (int64_t k = 0; k < c; k++) y[k] = x[k];
        for (int64_t j = 1; j < m; j++) {
            for (int64_t k = 0; k < c; k++) y[k] = x[j * c + k] > y[k] ? x[j * c + k] : y[k];
        }
    }
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t m = sal__in_node(r, n, 0)->shape.dim[1], c = n->shape.dim[1];
    largest(sal__in(r, n, 0) + lo * m * c, sal__out(r, n) + lo * c, hi - lo, m, c);
}

/* ---- back: gy (n, c), x (n, m, c), y (n, c) ---- */

static sal_status shape_back(sal_tape *t, sal_node *n) { return sal__shape_like(t, n, 1); }

/* `left` (c) is what still waits for its maximum: taken by the first. */
SAL_CLONES static void spread(const real *gy, const real *x, const real *y, real *gx, int64_t items, int64_t m,
                              int64_t c, real *left)
{
    for (int64_t item = 0; item < items; item++, gy += c, x += m * c, y += c, gx += m * c) {
        if (c == 1) {
            int64_t at = 0;
            while (at < m - 1 && x[at] != y[0]) at++;
            for (int64_t j = 0; j < m; j++) gx[j] = 0;
            gx[at] = gy[0];
            continue;
        }
        for (int64_t k = 0; k < c; k++) left[k] = gy[k];
        for (int64_t j = 0; j < m; j++) {
            for (int64_t k = 0; k < c; k++) {
                real hit = x[j * c + k] == y[k] ? left[k] : 0;
                gx[j * c + k] = hit;
                left[k] = x[j * c + k] == y[k] ? 0 : left[k];
            }
        }
    }
}

static int64_t scratch_back(const sal_tape *t, const sal_node *n)
{
    return sal_shape_last(&n->shape) * (int64_t)sizeof(real);
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t m = n->shape.dim[1], c = n->shape.dim[2];
    spread(sal__in(r, n, 0) + lo * c, sal__in(r, n, 1) + lo * m * c, sal__in(r, n, 2) + lo * c,
           sal__out(r, n) + lo * m * c, hi - lo, m, c, (real *)r->scratch);
}

const sal_op sal_op_max_middle_back = { .name = "max_middle_back",
                                        .n_in = 3,
                                        .shape = shape_back,
                                        .items = sal__items_first,
                                        .work = work,
                                        .scratch = scratch_back,
                                        .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    gx[0] = sal__append(t, &sal_op_max_middle_back, (sal_id[]){ gy, sal__node(t, y)->in[0], y }, 3, NULL, 0, NULL, 0);
}

const sal_op sal_op_max_middle = { .name = "max_middle",
                                   .n_in = 1,
                                   .flags = SAL_OP_KINK,
                                   .shape = shape,
                                   .items = sal__items_first,
                                   .work = work,
                                   .eval = eval,
                                   .grad = grad };

/* ---- builders ---- */

/* x (n, ..., c) as (n, m, c). */
static sal_id flat_middle(sal_tape *t, sal_id x)
{
    sal_shape s = sal_tape_shape(t, x);
    if (s.rank < 2) {
        sal_tape_fail(t, "a global pooling needs (n, ..., c)");
        return SAL_NONE;
    }
    return sal_reshape(t, x,
                       SAL_SHAPE(s.dim[0], sal_shape_count(&s) / s.dim[0] / sal_shape_last(&s), sal_shape_last(&s)));
}

sal_id sal_global_mean(sal_tape *t, sal_id x)
{
    int64_t n = sal_tape_dim(t, x, 0), c = sal_tape_dim(t, x, -1);
    return sal_reshape(t, sal_mean_to(t, flat_middle(t, x), SAL_SHAPE(n, 1, c)), SAL_SHAPE(n, c));
}

sal_id sal_global_max(sal_tape *t, sal_id x) { return sal__op1(t, &sal_op_max_middle, flat_middle(t, x)); }

sal_id sal_channel_mean(sal_tape *t, sal_id x)
{
    sal_shape s = sal_tape_shape(t, x);
    if (s.rank > 0) s.dim[s.rank - 1] = 1;
    return sal_mean_to(t, x, s);
}

sal_id sal_channel_max(sal_tape *t, sal_id x)
{
    sal_shape s = sal_tape_shape(t, x);
    int64_t c = sal_shape_last(&s);
    if (s.rank < 1) {
        sal_tape_fail(t, "channel_max needs a last dimension");
        return SAL_NONE;
    }
    x = sal__op1(t, &sal_op_max_middle, sal_reshape(t, x, SAL_SHAPE(sal_shape_count(&s) / c, c, 1)));
    s.dim[s.rank - 1] = 1;
    return sal_reshape(t, x, s);
}

sal_id sal_sum_all(sal_tape *t, sal_id x)
{
    sal_shape s = sal_tape_shape(t, x);
    return sal_reshape(t, sal_sum_to(t, sal_reshape(t, x, SAL_SHAPE(sal_shape_count(&s))), SAL_SHAPE(1)), SAL_SCALAR);
}

sal_id sal_mean_all(sal_tape *t, sal_id x)
{
    sal_shape s = sal_tape_shape(t, x);
    return sal_scale(t, sal_sum_all(t, x), 1 / (double)sal_shape_count(&s), 0);
}
