/* gather.c - y_j = table[index_j]: rows of a table by whole numbers held as reals; an index outside the table gives zeros.
 *
 * The way back adds up by table row, each row looking through all indices in order, so that sums have one order whatever the threads.
 */
#include "graph/op.h"

static sal_status shape(sal_tape *t, sal_node *n)
{
    const sal_shape *table = sal__shape_in(t, n, 0), *index = sal__shape_in(t, n, 1);
    if (table->rank != 2) return sal__shape_fail(t, n, "the table must be (rows, d)");
    if (index->rank >= SAL_RANK_MAX) return sal__shape_fail(t, n, "the index has too many dimensions");
    n->shape = *index;
    n->shape.dim[n->shape.rank++] = table->dim[1];
    return SAL_STATUS_OK;
}

static double work(const sal_tape *t, const sal_node *n) { return 4 + (double)sal_shape_last(&n->shape); }

static int64_t row_of(real index, int64_t rows)
{
    real nearest = index + (real)0.5;
    return nearest >= 0 && nearest < (real)rows ? (int64_t)nearest : -1;
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t rows = sal__in_node(r, n, 0)->shape.dim[0], d = sal_shape_last(&n->shape);
    const real *table = sal__in(r, n, 0), *index = sal__in(r, n, 1);
    for (int64_t j = lo; j < hi; j++) {
        int64_t row = row_of(index[j], rows);
        real *y = sal__out(r, n) + j * d;
        for (int64_t k = 0; k < d; k++) y[k] = row < 0 ? 0 : table[row * d + k];
    }
}

/* ---- back: gy (..., d), index; i[0] rows -> (rows, d) ---- */

static sal_status shape_back(sal_tape *t, sal_node *n)
{
    n->shape = SAL_SHAPE(n->i[0], sal_shape_last(sal__shape_in(t, n, 0)));
    return SAL_STATUS_OK;
}

static double work_back(const sal_tape *t, const sal_node *n)
{
    const sal_shape *gy = sal__shape_in(t, n, 0);
    return (double)sal_shape_count(sal__shape_in(t, n, 1)) + (double)sal_shape_count(gy) / (double)n->i[0];
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t d = n->shape.dim[1], count = sal__in_node(r, n, 1)->count;
    const real *gy = sal__in(r, n, 0), *index = sal__in(r, n, 1);
    for (int64_t row = lo; row < hi; row++) {
        real *g = sal__out(r, n) + row * d;
        for (int64_t k = 0; k < d; k++) g[k] = 0;
        for (int64_t j = 0; j < count; j++) {
            if (row_of(index[j], n->i[0]) != row) continue;
            for (int64_t k = 0; k < d; k++) g[k] += gy[j * d + k];
        }
    }
}

const sal_op sal_op_gather_back = { .name = "gather_back",
                                    .n_in = 2,
                                    .shape = shape_back,
                                    .items = sal__items_first,
                                    .work = work_back,
                                    .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node *n = sal__node(t, y);
    int64_t rows = sal__shape_in(t, n, 0)->dim[0];
    gx[0] = sal__append(t, &sal_op_gather_back, (sal_id[]){ gy, n->in[1] }, 2, &rows, 1, NULL, 0);
}

const sal_op sal_op_gather = {
    .name = "gather", .n_in = 2, .shape = shape, .items = sal__items_rows, .work = work, .eval = eval, .grad = grad
};

sal_id sal_gather(sal_tape *t, sal_id table, sal_id index) { return sal__op2(t, &sal_op_gather, table, index); }
