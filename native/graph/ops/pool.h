/* pool.h - geometry shared by the two window poolings: attributes i[0] kernel, i[1] stride, i[2] pad. */
#ifndef SAL_GRAPH_OPS_POOL_H
#define SAL_GRAPH_OPS_POOL_H

#include "graph/op.h"
#include "kernels/pool.h"

static inline sal_pool_shape sal__pool_of(const sal_shape *x, const int64_t *i)
{
    return (sal_pool_shape){ .rows = x->dim[1],
                             .cols = x->dim[2],
                             .channels = x->dim[3],
                             .kernel_rows = i[0],
                             .kernel_cols = i[0],
                             .stride_rows = i[1],
                             .stride_cols = i[1],
                             .pad_top = i[2],
                             .pad_left = i[2],
                             .pad_bottom = i[2],
                             .pad_right = i[2],
                             .count_padding = true };
}

/* Output shape of a pooling of input 0. */
static inline sal_status sal__pool_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    if (x->rank != 4) return sal__shape_fail(t, n, "x must be (n, rows, cols, c)");
    if (n->i[0] < 1 || n->i[1] < 1 || n->i[2] < 0 || 2 * n->i[2] > n->i[0]) {
        return sal__shape_fail(t, n,
                               "kernel %lld, stride %lld, padding %lld: the padding may be at most half the kernel",
                               (long long)n->i[0], (long long)n->i[1], (long long)n->i[2]);
    }
    sal_pool_shape p = sal__pool_of(x, n->i);
    int64_t rows, cols;
    sal_pool_output_size(&p, &rows, &cols);
    if (rows < 1 || cols < 1) return sal__shape_fail(t, n, "a kernel of %lld does not fit", (long long)n->i[0]);
    n->shape = SAL_SHAPE(x->dim[0], rows, cols, x->dim[3]);
    return SAL_STATUS_OK;
}

static inline double sal__pool_work(const sal_tape *t, const sal_node *n)
{
    return 2 * (double)(n->i[0] * n->i[0]) * (double)(n->count / n->shape.dim[0]);
}

#endif
