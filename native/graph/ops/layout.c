/* layout.c - reshape (a view), concat and slice along an axis, transpose. No arithmetic: each is the gradient of another. */
#include "graph/op.h"
#include <string.h>

/* ---- reshape ---- */

static sal_status reshape_shape(sal_tape *t, sal_node *n)
{
    char a[128];
    n->shape = sal_shape_make((int32_t)n->i[0], n->i + 1);
    if (sal_shape_count(&n->shape) != sal_shape_count(sal__shape_in(t, n, 0)))
        return sal__shape_fail(t, n, "does not hold as many elements as %s", sal_shape_text(&n->shape, a));
    return SAL_STATUS_OK;
}

static void reshape_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    gx[0] = sal_reshape(t, gy, sal_tape_shape(t, sal__node(t, y)->in[0]));
}

const sal_op sal_op_reshape = { .name = "reshape", .n_in = 1, .flags = SAL_OP_VIEW, .shape = reshape_shape, .grad = reshape_grad };

sal_id sal_reshape(sal_tape *t, sal_id x, sal_shape shape)
{
    int64_t i[SAL_RANK_MAX + 1] = { shape.rank };
    for (int32_t k = 0; k < shape.rank; k++) i[k + 1] = shape.dim[k];
    return sal__append(t, &sal_op_reshape, &x, 1, i, SAL_RANK_MAX + 1, NULL, 0);
}

/* ---- concat: attribute 0 the axis. An item is one index of the dimensions before the axis. ---- */

static int64_t before_axis(const sal_shape *s, int64_t axis)
{
    int64_t n = 1;
    for (int64_t k = 0; k < axis; k++) n *= s->dim[k];
    return n;
}

static int64_t from_axis(const sal_shape *s, int64_t axis) { return sal_shape_count(s) / before_axis(s, axis); }

static sal_status concat_shape(sal_tape *t, sal_node *n)
{
    n->shape = *sal__shape_in(t, n, 0);
    int64_t axis = n->i[0];
    if (axis < 0 || axis >= n->shape.rank) return sal__shape_fail(t, n, "there is no axis %lld", (long long)axis);
    for (int32_t k = 1; k < n->inputs; k++) {
        const sal_shape *s = sal__shape_in(t, n, k);
        sal_shape expected = n->shape;
        if (s->rank == expected.rank) expected.dim[axis] = s->dim[axis];
        if (!sal_shape_equal(s, &expected)) return sal__shape_fail(t, n, "input %d differs outside axis %lld", k, (long long)axis);
        n->shape.dim[axis] += s->dim[axis];
    }
    return SAL_STATUS_OK;
}

static int64_t axis_items(const sal_tape *t, const sal_node *n) { return before_axis(&n->shape, n->i[0]); }
static double axis_work(const sal_tape *t, const sal_node *n) { return 8 + (double)from_axis(&n->shape, n->i[0]); }

static void concat_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t whole = from_axis(&n->shape, n->i[0]);
    for (int64_t item = lo; item < hi; item++) {
        real *y = sal__out(r, n) + item * whole;
        for (int32_t k = 0; k < n->inputs; k++) {
            int64_t part = from_axis(&sal__in_node(r, n, k)->shape, n->i[0]);
            memcpy(y, sal__in(r, n, k) + item * part, (size_t)part * sizeof(real));
            y += part;
        }
    }
}

/* On lanes the samples come last: the dimensions between the first and the axis are walked, what follows is one piece. */
static int64_t between(const sal_shape *s, int64_t axis) { return before_axis(s, axis) / s->dim[0]; }

static void concat_lanes(const sal_run *r, const sal_node *n)
{
    int64_t samples = n->shape.dim[0], pieces = between(&n->shape, n->i[0]), whole = from_axis(&n->shape, n->i[0]) * samples;
    for (int64_t item = 0; item < pieces; item++) {
        real *y = sal__out(r, n) + item * whole;
        for (int32_t k = 0; k < n->inputs; k++) {
            int64_t part = from_axis(&sal__in_node(r, n, k)->shape, n->i[0]) * samples;
            const real *from = sal__in(r, n, k) + item * part;
            if (from != y) memcpy(y, from, (size_t)part * sizeof(real)); /* else it stands there already, see plan_lanes.c */
            y += part;
        }
    }
}

static void concat_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    int32_t axis = (int32_t)sal__node(t, y)->i[0], inputs = sal__node(t, y)->inputs;
    int64_t from = 0;
    for (int32_t k = 0; k < inputs; k++) {
        sal_id x = sal__node(t, y)->in[k];
        int64_t count = sal_tape_dim(t, x, axis);
        if (sal__wants(t, x)) gx[k] = sal_slice(t, gy, axis, from, count);
        from += count;
    }
}

const sal_op sal_op_concat = { .name = "concat", .n_in = -1, .shape = concat_shape, .items = axis_items, .work = axis_work,
                               .eval = concat_eval, .grad = concat_grad, .lanes = concat_lanes };

sal_id sal_concat(sal_tape *t, const sal_id *x, int32_t n, int32_t axis)
{
    if (n < 1) {
        sal_tape_fail(t, "concat needs at least one input");
        return SAL_NONE;
    }
    if (axis < 0) axis += sal_tape_shape(t, x[0]).rank;
    if (n == 1) return x[0];
    return sal__append(t, &sal_op_concat, x, n, (int64_t[]){ axis }, 1, NULL, 0);
}

/* ---- slice: attributes axis, from, count; unslice puts a gradient back into zeros (axis, from, whole) ---- */

static sal_status slice_shape(sal_tape *t, sal_node *n)
{
    n->shape = *sal__shape_in(t, n, 0);
    int64_t axis = n->i[0], from = n->i[1], count = n->i[2];
    if (axis < 0 || axis >= n->shape.rank || from < 0 || count < 1 || from + count > n->shape.dim[axis])
        return sal__shape_fail(t, n, "cannot take %lld from %lld on along axis %lld", (long long)count, (long long)from, (long long)axis);
    n->shape.dim[axis] = count;
    return SAL_STATUS_OK;
}

static int64_t inner(const sal_shape *s, int64_t axis) { return from_axis(s, axis) / s->dim[axis]; }

static void slice_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const sal_shape *sx = &sal__in_node(r, n, 0)->shape;
    int64_t whole = from_axis(sx, n->i[0]), part = from_axis(&n->shape, n->i[0]), skip = n->i[1] * inner(sx, n->i[0]);
    for (int64_t item = lo; item < hi; item++)
        memcpy(sal__out(r, n) + item * part, sal__in(r, n, 0) + item * whole + skip, (size_t)part * sizeof(real));
}

static void slice_lanes(const sal_run *r, const sal_node *n)
{
    const sal_shape *sx = &sal__in_node(r, n, 0)->shape;
    int64_t samples = n->shape.dim[0], pieces = between(sx, n->i[0]), whole = from_axis(sx, n->i[0]) * samples, part = from_axis(&n->shape, n->i[0]) * samples;
    int64_t skip = n->i[1] * inner(sx, n->i[0]) * samples;
    for (int64_t item = 0; item < pieces; item++) memcpy(sal__out(r, n) + item * part, sal__in(r, n, 0) + item * whole + skip, (size_t)part * sizeof(real));
}

static sal_status unslice_shape(sal_tape *t, sal_node *n)
{
    n->shape = *sal__shape_in(t, n, 0);
    n->shape.dim[n->i[0]] = n->i[2];
    return SAL_STATUS_OK;
}

static void unslice_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const sal_shape *sx = &sal__in_node(r, n, 0)->shape;
    int64_t whole = from_axis(&n->shape, n->i[0]), part = from_axis(sx, n->i[0]), skip = n->i[1] * inner(sx, n->i[0]);
    for (int64_t item = lo; item < hi; item++) {
        real *y = sal__out(r, n) + item * whole;
        memset(y, 0, (size_t)skip * sizeof(real));
        memcpy(y + skip, sal__in(r, n, 0) + item * part, (size_t)part * sizeof(real));
        memset(y + skip + part, 0, (size_t)(whole - skip - part) * sizeof(real));
    }
}

static void slice_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node *n = sal__node(t, y);
    int64_t i[3] = { n->i[0], n->i[1], sal_tape_dim(t, n->in[0], (int32_t)n->i[0]) };
    extern const sal_op sal_op_unslice;
    gx[0] = sal__append(t, &sal_op_unslice, &gy, 1, i, 3, NULL, 0);
}

static void unslice_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node *n = sal__node(t, y);
    int32_t axis = (int32_t)n->i[0];
    gx[0] = sal_slice(t, gy, axis, n->i[1], sal_tape_dim(t, n->in[0], axis));
}

const sal_op sal_op_slice = { .name = "slice", .n_in = 1, .shape = slice_shape, .items = axis_items, .work = axis_work,
                              .eval = slice_eval, .grad = slice_grad, .lanes = slice_lanes };
const sal_op sal_op_unslice = { .name = "unslice", .n_in = 1, .shape = unslice_shape, .items = axis_items, .work = axis_work,
                                .eval = unslice_eval, .grad = unslice_grad };

sal_id sal_slice(sal_tape *t, sal_id x, int32_t axis, int64_t from, int64_t count)
{
    if (axis < 0) axis += sal_tape_shape(t, x).rank;
    if (x >= 0 && from == 0 && count == sal_tape_dim(t, x, axis)) return x;
    return sal__append(t, &sal_op_slice, &x, 1, (int64_t[]){ axis, from, count }, 3, NULL, 0);
}

/* ---- transpose: attributes one input axis per output axis ---- */

static sal_status transpose_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    unsigned seen = 0;
    n->shape.rank = x->rank;
    for (int32_t k = 0; k < x->rank; k++) {
        if (n->i[k] < 0 || n->i[k] >= x->rank) return sal__shape_fail(t, n, "there is no axis %lld", (long long)n->i[k]);
        n->shape.dim[k] = x->dim[n->i[k]];
        seen |= 1u << n->i[k];
    }
    return seen == (1u << x->rank) - 1 ? SAL_STATUS_OK : sal__shape_fail(t, n, "an axis stands twice");
}

static double transpose_work(const sal_tape *t, const sal_node *n) { return 8 + 3 * (double)sal_shape_last(&n->shape); }

static void transpose_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const sal_shape *sx = &sal__in_node(r, n, 0)->shape;
    const real *x = sal__in(r, n, 0);
    int64_t stride_in[SAL_RANK_MAX], stride[SAL_RANK_MAX], at[SAL_RANK_MAX], s = 1, row = lo, offset = 0;
    int32_t last = n->shape.rank - 1;
    for (int32_t k = last; k >= 0; k--) {
        stride_in[k] = s;
        s *= sx->dim[k];
    }
    for (int32_t k = 0; k <= last; k++) stride[k] = stride_in[n->i[k]];
    for (int32_t k = last - 1; k >= 0; k--) {
        at[k] = row % n->shape.dim[k];
        row /= n->shape.dim[k];
        offset += at[k] * stride[k];
    }
    int64_t c = n->shape.dim[last];
    for (int64_t i = lo; i < hi; i++) {
        real *y = sal__out(r, n) + i * c;
        for (int64_t k = 0; k < c; k++) y[k] = x[offset + k * stride[last]];
        for (int32_t k = last - 1; k >= 0; k--) {
            offset += stride[k];
            if (++at[k] < n->shape.dim[k]) break;
            offset -= stride[k] * n->shape.dim[k];
            at[k] = 0;
        }
    }
}

static void transpose_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node *n = sal__node(t, y);
    int32_t order[SAL_RANK_MAX];
    for (int32_t k = 0; k < n->shape.rank; k++) order[n->i[k]] = k;
    gx[0] = sal_transpose(t, gy, order);
}

const sal_op sal_op_transpose = { .name = "transpose", .n_in = 1, .shape = transpose_shape, .items = sal__items_rows,
                                  .work = transpose_work, .eval = transpose_eval, .grad = transpose_grad };

sal_id sal_transpose(sal_tape *t, sal_id x, const int32_t *order)
{
    int64_t i[SAL_RANK_MAX] = { 0 };
    int32_t rank = sal_tape_shape(t, x).rank;
    for (int32_t k = 0; k < rank; k++) i[k] = order[k];
    return sal__append(t, &sal_op_transpose, &x, 1, i, rank, NULL, 0);
}
