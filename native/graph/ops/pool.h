/* pool.h - geometry shared by the two window poolings: attributes i[0] kernel, i[1] stride, i[2] pad. */
#ifndef SAL_GRAPH_OPS_POOL_H
#define SAL_GRAPH_OPS_POOL_H

#include "graph/op.h"

typedef struct sal__pool {
    int64_t rows, cols, c, out_rows, out_cols, kernel, stride, pad;
} sal__pool;

static inline sal__pool sal__pool_of(const sal_shape *x, const int64_t *i)
{
    return (sal__pool){ x->dim[1], x->dim[2], x->dim[3], (x->dim[1] + 2 * i[2] - i[0]) / i[1] + 1,
                        (x->dim[2] + 2 * i[2] - i[0]) / i[1] + 1, i[0], i[1], i[2] };
}

/* Output shape of a pooling of input 0. */
static inline sal_status sal__pool_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    if (x->rank != 4) return sal__shape_fail(t, n, "x must be (n, rows, cols, c)");
    if (n->i[0] < 1 || n->i[1] < 1 || n->i[2] < 0 || 2 * n->i[2] > n->i[0]) {
        return sal__shape_fail(t, n, "kernel %lld, stride %lld, padding %lld: the padding may be at most half the kernel", (long long)n->i[0],
                               (long long)n->i[1], (long long)n->i[2]);
    }
    if (x->dim[1] + 2 * n->i[2] < n->i[0] || x->dim[2] + 2 * n->i[2] < n->i[0]) {
        return sal__shape_fail(t, n, "a kernel of %lld does not fit", (long long)n->i[0]);
    }
    sal__pool p = sal__pool_of(x, n->i);
    n->shape = SAL_SHAPE(x->dim[0], p.out_rows, p.out_cols, p.c);
    return SAL_STATUS_OK;
}

/* The part [from, to) of window `at` that lies inside [0, size). */
static inline void sal__pool_window(int64_t at, const sal__pool *p, int64_t size, int64_t *from, int64_t *to)
{
    int64_t first = at * p->stride - p->pad;
    *from = first < 0 ? 0 : first;
    *to = first + p->kernel < size ? first + p->kernel : size;
}

static inline double sal__pool_work(const sal_tape *t, const sal_node *n)
{
    return 2 * (double)(n->i[0] * n->i[0]) * (double)(n->count / n->shape.dim[0]);
}

#endif
