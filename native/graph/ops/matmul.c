/* matmul.c - matrix products: dense y = x W + b over the last dimension, its gradients, and batched matmul.
 *
 * dense cuts its rows into chunks, one sgemm each; the gradient of W sums over rows, so chunks keep partial sums that are added in
 * order. Bias gradients are sum_rows.
 */
#include "graph/op.h"
#include "kernels/gemm.h"
#include "kernels/lanes.h"
#include "tensor/simd.h"


/* ---- dense: attribute 0 says that W is used transposed (the gradient of x) ---- */

static sal_status dense_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0), *w = sal__shape_in(t, n, 1);
    if (w->rank != 2 || x->rank < 1) return sal__shape_fail(t, n, "weights must be (in, out)");
    int64_t in = w->dim[n->i[0] ? 1 : 0], out = w->dim[n->i[0] ? 0 : 1];
    if (sal_shape_last(x) != in) return sal__shape_fail(t, n, "the last dimension is %lld, the weights take %lld", (long long)sal_shape_last(x), (long long)in);
    if (n->inputs > 3 || (n->inputs == 3 && sal_shape_count(sal__shape_in(t, n, 2)) != out)) return sal__shape_fail(t, n, "the bias must have %lld elements", (long long)out);
    n->shape = *x;
    n->shape.dim[x->rank - 1] = out;
    return SAL_STATUS_OK;
}

static double dense_work(const sal_tape *t, const sal_node *n) { return 16 + 0.1 * (double)sal_shape_count(sal__shape_in(t, n, 1)); }

static void dense_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t in = sal_shape_last(&sal__in_node(r, n, 0)->shape), out = sal_shape_last(&n->shape);
    const real *w = sal__in(r, n, 1);
    real *y = sal__out(r, n) + lo * out;
    if (n->inputs == 3) {
        const real *b = sal__in(r, n, 2);
        for (int64_t i = 0; i < hi - lo; i++) {
            for (int64_t k = 0; k < out; k++) y[i * out + k] = b[k];
        }
    }
    sal_gemm(false, n->i[0] != 0, hi - lo, out, in, 1, sal__in(r, n, 0) + lo * in, in, w, n->i[0] ? in : out, n->inputs == 3 ? 1 : 0, y, out);
}

static bool dense_takes(const sal_node *n, const sal_node *next) { return sal__after_takes(n, next) || sal__after_adds(n, next); }

static void dense_lanes(const sal_run *r, const sal_node *n)
{
    int64_t samples = n->shape.dim[0], in = sal_shape_last(&sal__in_node(r, n, 0)->shape), out = sal_shape_last(&n->shape), rows = n->count / samples / out;
    const real *b = n->inputs == 3 ? sal__in(r, n, 2) : NULL;
    sal_lanes_after after;
    real *y = sal__after_of(r, n, &after);
    for (int64_t i = 0; i < rows; i++) {
        sal_lanes_dense(samples, in, out, sal__in(r, n, 0) + i * in * samples, sal__in(r, n, 1), b, &after, y + i * out * samples);
        if (after.add) after.add += after.add_samples ? out * samples : out;
    }
}

/* ---- dense_weights: (rows, in), (rows, out) -> (in, out) ---- */

static sal_status weights_shape(sal_tape *t, sal_node *n)
{
    n->shape = SAL_SHAPE(sal_shape_last(sal__shape_in(t, n, 0)), sal_shape_last(sal__shape_in(t, n, 1)));
    return SAL_STATUS_OK;
}

static int64_t all_partial(const sal_tape *t, const sal_node *n) { return n->count; }
static double weights_work(const sal_tape *t, const sal_node *n) { return 16 + 0.1 * (double)n->count; }

static void weights_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t in = n->shape.dim[0], out = n->shape.dim[1];
    sal_gemm(true, false, in, out, hi - lo, 1, sal__in(r, n, 0) + lo * in, in, sal__in(r, n, 1) + lo * out, out, 0, sal__partial(r, n), out);
}

const sal_op sal_op_dense_weights = { .name = "dense_weights", .n_in = 2, .shape = weights_shape, .items = sal__items_rows_in,
                                      .work = weights_work, .partial = all_partial, .eval = weights_eval, .finish = sal__finish_sum };

/* ---- sum_rows: (..., c) -> (c) ---- */

static sal_status sum_shape(sal_tape *t, sal_node *n)
{
    n->shape = SAL_SHAPE(sal_shape_last(sal__shape_in(t, n, 0)));
    return SAL_STATUS_OK;
}

static double sum_work(const sal_tape *t, const sal_node *n) { return 4 + (double)n->count; }

SAL_CLONES static void add_rows(const real *x, real *sum, int64_t rows, int64_t c)
{
    for (int64_t k = 0; k < c; k++) sum[k] = 0;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t k = 0; k < c; k++) sum[k] += x[i * c + k];
    }
}

static void sum_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    add_rows(sal__in(r, n, 0) + lo * n->count, sal__partial(r, n), hi - lo, n->count);
}

const sal_op sal_op_sum_rows = { .name = "sum_rows", .n_in = 1, .shape = sum_shape, .items = sal__items_rows_in, .work = sum_work,
                                 .partial = all_partial, .eval = sum_eval, .finish = sal__finish_sum };

static void dense_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node *n = sal__node(t, y);
    sal_id x = n->in[0], w = n->in[1], b = n->inputs == 3 ? n->in[2] : SAL_NONE;
    bool turned = n->i[0] != 0;
    extern const sal_op sal_op_dense;
    if (sal__wants(t, x)) gx[0] = sal__append(t, &sal_op_dense, (sal_id[]){ gy, w }, 2, (int64_t[]){ !turned }, 1, NULL, 0);
    if (sal__wants(t, w)) gx[1] = turned ? sal__op2(t, &sal_op_dense_weights, gy, x) : sal__op2(t, &sal_op_dense_weights, x, gy);
    if (sal__wants(t, b)) gx[2] = sal_reshape(t, sal__op1(t, &sal_op_sum_rows, gy), sal_tape_shape(t, b));
}

const sal_op sal_op_dense = { .name = "dense", .n_in = -1, .shape = dense_shape, .items = sal__items_rows, .work = dense_work,
                              .eval = dense_eval, .grad = dense_grad,
                              .lanes = dense_lanes, .lanes_takes = dense_takes, .lanes_scratch = sal__after_scratch };

sal_id sal_dense(sal_tape *t, sal_id x, sal_id w, sal_id b)
{
    return sal__append(t, &sal_op_dense, (sal_id[]){ x, w, b }, b == SAL_NONE ? 2 : 3, (int64_t[]){ 0 }, 1, NULL, 0);
}

/* ---- matmul: attributes transpose a, transpose b; leading dimensions agree ---- */

static sal_status matmul_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *a = sal__shape_in(t, n, 0), *b = sal__shape_in(t, n, 1);
    if (a->rank != b->rank || a->rank < 2) return sal__shape_fail(t, n, "the ranks do not fit");
    int32_t k = a->rank - 1;
    int64_t m = a->dim[n->i[0] ? k : k - 1], inner_a = a->dim[n->i[0] ? k - 1 : k];
    int64_t inner_b = b->dim[n->i[1] ? k : k - 1], columns = b->dim[n->i[1] ? k - 1 : k];
    if (inner_a != inner_b) return sal__shape_fail(t, n, "the inner dimensions are %lld and %lld", (long long)inner_a, (long long)inner_b);
    n->shape = *a;
    for (int32_t j = 0; j < k - 1; j++) {
        if (a->dim[j] != b->dim[j]) return sal__shape_fail(t, n, "the leading dimensions differ");
    }
    n->shape.dim[k - 1] = m;
    n->shape.dim[k] = columns;
    return SAL_STATUS_OK;
}

static int64_t matmul_items(const sal_tape *t, const sal_node *n)
{
    return n->count / n->shape.dim[n->shape.rank - 1] / n->shape.dim[n->shape.rank - 2];
}

static double matmul_work(const sal_tape *t, const sal_node *n)
{
    const sal_shape *a = sal__shape_in(t, n, 0);
    return 64 + 0.1 * (double)(n->count / matmul_items(t, n)) * (double)a->dim[a->rank - (n->i[0] ? 2 : 1)];
}

static void matmul_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const sal_shape *a = &sal__in_node(r, n, 0)->shape, *b = &sal__in_node(r, n, 1)->shape;
    int64_t ra = a->dim[a->rank - 2], ca = a->dim[a->rank - 1], rb = b->dim[b->rank - 2], cb = b->dim[b->rank - 1];
    int64_t m = n->shape.dim[n->shape.rank - 2], c = n->shape.dim[n->shape.rank - 1], k = n->i[0] ? ra : ca;
    for (int64_t i = lo; i < hi; i++)
        sal_gemm(n->i[0] != 0, n->i[1] != 0, m, c, k, 1, sal__in(r, n, 0) + i * ra * ca, ca, sal__in(r, n, 1) + i * rb * cb, cb, 0,
                 sal__out(r, n) + i * m * c, c);
}

static void matmul_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node *n = sal__node(t, y);
    sal_id a = n->in[0], b = n->in[1];
    bool ta = n->i[0] != 0, tb = n->i[1] != 0;
    if (sal__wants(t, a)) gx[0] = ta ? sal_matmul(t, b, gy, tb, true) : sal_matmul(t, gy, b, false, !tb);
    if (sal__wants(t, b)) gx[1] = tb ? sal_matmul(t, gy, a, true, ta) : sal_matmul(t, a, gy, !ta, false);
}

const sal_op sal_op_matmul = { .name = "matmul", .n_in = 2, .shape = matmul_shape, .items = matmul_items, .work = matmul_work,
                               .eval = matmul_eval, .grad = matmul_grad };

sal_id sal_matmul(sal_tape *t, sal_id a, sal_id b, bool transpose_a, bool transpose_b)
{
    return sal__append(t, &sal_op_matmul, (sal_id[]){ a, b }, 2, (int64_t[]){ transpose_a, transpose_b }, 2, NULL, 0);
}
