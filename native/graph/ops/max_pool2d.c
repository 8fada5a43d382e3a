/* max_pool2d.c - the largest value of each window; padding is never chosen. The way back finds it again: of equal values the first in
 * reading order gets the gradient, so results do not depend on anything but x.
 */
#include "graph/ops/pool.h"

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sal__pool p = sal__pool_of(&sal__in_node(r, n, 0)->shape, n->i);
    for (int64_t item = lo; item < hi; item++) {
        const real *x = sal__in(r, n, 0) + item * p.rows * p.cols * p.c;
        real *y = sal__out(r, n) + item * p.out_rows * p.out_cols * p.c;
        for (int64_t at = 0; at < p.out_rows * p.out_cols; at++, y += p.c) {
            int64_t r0, r1, c0, c1;
            sal__pool_window(at / p.out_cols, &p, p.rows, &r0, &r1);
            sal__pool_window(at % p.out_cols, &p, p.cols, &c0, &c1);
            for (int64_t k = 0; k < p.c; k++) y[k] = x[(r0 * p.cols + c0) * p.c + k];
            for (int64_t row = r0; row < r1; row++) {
                for (int64_t col = c0; col < c1; col++) {
                    const real *v = x + (row * p.cols + col) * p.c;
                    for (int64_t k = 0; k < p.c; k++) y[k] = v[k] > y[k] ? v[k] : y[k];
                }
            }
        }
    }
}

/* ---- back: gy, x, y ---- */

static void back_window(const sal__pool *p, int64_t at, const real *gy, const real *x, const real *y, real *gx)
{
    int64_t r0, r1, c0, c1;
    sal__pool_window(at / p->out_cols, p, p->rows, &r0, &r1);
    sal__pool_window(at % p->out_cols, p, p->cols, &c0, &c1);
    for (int64_t k = 0; k < p->c; k++) {
        for (int64_t cell = 0; cell < (r1 - r0) * (c1 - c0); cell++) {
            int64_t j = ((r0 + cell / (c1 - c0)) * p->cols + c0 + cell % (c1 - c0)) * p->c + k;
            if (x[j] == y[k]) {
                gx[j] += gy[k];
                break;
            }
        }
    }
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sal__pool p = sal__pool_of(&n->shape, n->i);
    for (int64_t item = lo; item < hi; item++) {
        int64_t from = item * p.rows * p.cols * p.c, out = item * p.out_rows * p.out_cols * p.c;
        real *gx = sal__out(r, n) + from;
        for (int64_t j = 0; j < p.rows * p.cols * p.c; j++) gx[j] = 0;
        for (int64_t at = 0; at < p.out_rows * p.out_cols; at++, out += p.c) {
            back_window(&p, at, sal__in(r, n, 0) + out, sal__in(r, n, 1) + from, sal__in(r, n, 2) + out, gx);
        }
    }
}

static sal_status shape_back(sal_tape *t, sal_node *n) { return sal__shape_like(t, n, 1); }

const sal_op sal_op_max_pool2d_back = { .name = "max_pool2d_back", .n_in = 3, .shape = shape_back, .items = sal__items_first,
                                        .work = sal__pool_work, .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node n = *sal__node(t, y);
    gx[0] = sal__append(t, &sal_op_max_pool2d_back, (sal_id[]){ gy, n.in[0], y }, 3, n.i, 3, NULL, 0);
}

const sal_op sal_op_max_pool2d = { .name = "max_pool2d", .n_in = 1, .flags = SAL_OP_KINK, .shape = sal__pool_shape,
                                   .items = sal__items_first, .work = sal__pool_work, .eval = eval, .grad = grad };

sal_id sal_max_pool2d(sal_tape *t, sal_id x, int64_t kernel, int64_t stride, int64_t pad)
{
    return sal__append(t, &sal_op_max_pool2d, &x, 1, (int64_t[]){ kernel, stride, pad }, 3, NULL, 0);
}
