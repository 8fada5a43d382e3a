/* broadcast.c - y = a + b, a - b, a b with numpy's rule for dimensions of size 1 (equal ranks), and the two ways between a shape and
 * a broadcast one: expand_to repeats, sum_to sums. Each is the gradient of the other.
 */
#include "broadcast.h"
#include "tensor/simd.h"

sal_status sal__broadcast_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *a = sal__shape_in(t, n, 0), *b = sal__shape_in(t, n, 1);
    if (a->rank != b->rank) return sal__shape_fail(t, n, "the ranks differ");
    n->shape = *a;
    for (int32_t k = 0; k < a->rank; k++) {
        if (a->dim[k] != b->dim[k] && a->dim[k] != 1 && b->dim[k] != 1)
            return sal__shape_fail(t, n, "dimension %d is %lld and %lld", k, (long long)a->dim[k], (long long)b->dim[k]);
        n->shape.dim[k] = a->dim[k] > b->dim[k] ? a->dim[k] : b->dim[k];
    }
    return SAL_STATUS_OK;
}

static double row_work(const sal_tape *t, const sal_node *n) { return 8 + 2 * (double)sal_shape_last(&n->shape); }

#define BINARY(name, op)                                                                                               \
    SAL_CLONES static void name##_row(const real *a, const real *b, real *y, int64_t n, int64_t sa, int64_t sb)        \
    {                                                                                                                  \
        if (sa && sb)                                                                                                  \
            for (int64_t i = 0; i < n; i++) y[i] = a[i] op b[i];                                                       \
        else if (sa)                                                                                                   \
            for (int64_t i = 0; i < n; i++) y[i] = a[i] op b[0];                                                       \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++) y[i] = a[0] op b[i];                                                       \
    }                                                                                                                  \
    static void name##_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)                               \
    {                                                                                                                  \
        const sal_shape *sa = &sal__in_node(r, n, 0)->shape, *sb = &sal__in_node(r, n, 1)->shape;                      \
        int64_t c = sal_shape_last(&n->shape), ca = sal_shape_last(sa) == c, cb = sal_shape_last(sb) == c;             \
        const real *a = sal__in(r, n, 0), *b = sal__in(r, n, 1);                                                       \
        real *y = sal__out(r, n);                                                                                      \
        if (sal_shape_equal(sa, sb)) {                                                                                 \
            name##_row(a + lo * c, b + lo * c, y + lo * c, (hi - lo) * c, 1, 1);                                       \
            return;                                                                                                    \
        }                                                                                                              \
        sal_walk wa, wb;                                                                                               \
        sal__walk_start(&wa, &n->shape, sa, lo);                                                                       \
        sal__walk_start(&wb, &n->shape, sb, lo);                                                                       \
        for (int64_t i = lo; i < hi; i++, sal__walk_next(&wa), sal__walk_next(&wb))                                    \
            name##_row(a + wa.offset, b + wb.offset, y + i * c, c, ca, cb);                                            \
    }

/* On lanes: one output feature at a time, a vector of samples from each operand or one number of a parameter. */
typedef struct lanes_walk {
    sal_walk walk;
    int64_t step; /* reals of one feature: the samples, or 1 of an operand that does not depend on inputs */
} lanes_walk;

/* Shape without samples, with a last dimension of 1 so that a "row" of the walk is one feature. */
static sal_shape one_sample(const sal_shape *s)
{
    sal_shape out = { .rank = s->rank };
    for (int32_t k = 1; k < s->rank; k++) out.dim[k - 1] = s->dim[k];
    out.dim[s->rank - 1] = 1;
    return out;
}

static const real *lanes_start(const sal_run *r, const sal_node *n, int32_t k, lanes_walk *w)
{
    const sal_node *x = sal__in_node(r, n, k);
    sal_shape whole = one_sample(&n->shape), part = one_sample(&x->shape);
    sal__walk_start(&w->walk, &whole, &part, 0);
    w->step = x->batched ? n->shape.dim[0] : 1;
    return sal__in(r, n, k);
}

/* Both operands batched and of the output's shape: the layout does not matter. */
static bool same_in_lanes(const sal_run *r, const sal_node *n)
{
    const sal_node *a = sal__in_node(r, n, 0), *b = sal__in_node(r, n, 1);
    return a->batched && b->batched && a->count == n->count && b->count == n->count;
}

#define BINARY_LANES(name, op)                                                                                         \
    SAL_CLONES static void name##_samples(const real *a, const real *b, real *y, int64_t n, int64_t sa, int64_t sb)    \
    {                                                                                                                  \
        if (sa == 1)                                                                                                   \
            for (int64_t i = 0; i < n; i++) y[i] = a[0] op b[i];                                                       \
        else if (sb == 1)                                                                                              \
            for (int64_t i = 0; i < n; i++) y[i] = a[i] op b[0];                                                       \
        else                                                                                                           \
            for (int64_t i = 0; i < n; i++) y[i] = a[i] op b[i];                                                       \
    }                                                                                                                  \
    /* b: one number for each feature */                                                                               \
    SAL_CLONES static void name##_features(const real *a, const real *b, real *y, int64_t features, int64_t n)         \
    {                                                                                                                  \
        for (int64_t k = 0; k < features; k++, a += n, y += n) {                                                       \
            for (int64_t i = 0; i < n; i++) y[i] = a[i] op b[k];                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    static void name##_lanes(const sal_run *r, const sal_node *n)                                                      \
    {                                                                                                                  \
        int64_t samples = n->shape.dim[0];                                                                             \
        if (sal__in_node(r, n, 0)->count == n->count && !sal__in_node(r, n, 1)->batched && sal__in_node(r, n, 1)->count * samples == n->count) { \
            name##_features(sal__in(r, n, 0), sal__in(r, n, 1), sal__out(r, n), n->count / samples, samples);          \
            return;                                                                                                    \
        }                                                                                                              \
        if (same_in_lanes(r, n)) {                                                                                     \
            name##_row(sal__in(r, n, 0), sal__in(r, n, 1), sal__out(r, n), n->count, 1, 1);                            \
            return;                                                                                                    \
        }                                                                                                              \
        lanes_walk wa, wb;                                                                                             \
        const real *a = lanes_start(r, n, 0, &wa), *b = lanes_start(r, n, 1, &wb);                                     \
        for (int64_t i = 0; i < n->count / samples; i++, sal__walk_next(&wa.walk), sal__walk_next(&wb.walk))           \
            name##_samples(a + wa.walk.offset * wa.step, b + wb.walk.offset * wb.step, sal__out(r, n) + i * samples, samples, wa.step, wb.step); \
    }

BINARY(add, +)
BINARY(sub, -)
BINARY(mul, *)
BINARY_LANES(add, +)
BINARY_LANES(sub, -)
BINARY_LANES(mul, *)

static sal_id fit(sal_tape *t, sal_id g, sal_id x) { return sal_sum_to(t, g, sal_tape_shape(t, x)); }

static void add_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    sal_id a = sal__node(t, y)->in[0], b = sal__node(t, y)->in[1];
    if (sal__wants(t, a)) gx[0] = fit(t, gy, a);
    if (sal__wants(t, b)) gx[1] = fit(t, gy, b);
}

static void sub_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    sal_id a = sal__node(t, y)->in[0], b = sal__node(t, y)->in[1];
    if (sal__wants(t, a)) gx[0] = fit(t, gy, a);
    if (sal__wants(t, b)) gx[1] = sal_scale(t, fit(t, gy, b), -1, 0);
}

static void mul_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    sal_id a = sal__node(t, y)->in[0], b = sal__node(t, y)->in[1];
    if (sal__wants(t, a)) gx[0] = fit(t, sal_mul(t, gy, b), a);
    if (sal__wants(t, b)) gx[1] = fit(t, sal_mul(t, gy, a), b);
}

const sal_op sal_op_add = { .name = "add", .n_in = 2, .shape = sal__broadcast_shape, .items = sal__items_rows, .work = row_work,
                            .eval = add_eval, .grad = add_grad, .lanes = add_lanes };
const sal_op sal_op_sub = { .name = "sub", .n_in = 2, .shape = sal__broadcast_shape, .items = sal__items_rows, .work = row_work,
                            .eval = sub_eval, .grad = sub_grad, .lanes = sub_lanes };
const sal_op sal_op_mul = { .name = "mul", .n_in = 2, .shape = sal__broadcast_shape, .items = sal__items_rows, .work = row_work,
                            .eval = mul_eval, .grad = mul_grad, .lanes = mul_lanes };

sal_id sal_add(sal_tape *t, sal_id a, sal_id b) { return sal__op2(t, &sal_op_add, a, b); }
sal_id sal_sub(sal_tape *t, sal_id a, sal_id b) { return sal__op2(t, &sal_op_sub, a, b); }
sal_id sal_mul(sal_tape *t, sal_id a, sal_id b) { return sal__op2(t, &sal_op_mul, a, b); }

/* ---- expand_to, sum_to: the target shape stands in the attributes ---- */

static sal_shape target(const sal_node *n) { return sal_shape_make((int32_t)n->i[0], n->i + 1); }

static sal_status resize_shape(sal_tape *t, sal_node *n, bool grows)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    char text[128];
    n->shape = target(n);
    bool fits = x->rank == n->shape.rank;
    for (int32_t k = 0; fits && k < x->rank; k++)
        fits = x->dim[k] == n->shape.dim[k] || (grows ? x->dim[k] : n->shape.dim[k]) == 1;
    return fits ? SAL_STATUS_OK : sal__shape_fail(t, n, "does not fit %s", sal_shape_text(&n->shape, text));
}

static sal_status expand_shape(sal_tape *t, sal_node *n) { return resize_shape(t, n, true); }
static sal_status sum_shape(sal_tape *t, sal_node *n) { return resize_shape(t, n, false); }

static void expand_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const sal_shape *sx = &sal__in_node(r, n, 0)->shape;
    int64_t c = sal_shape_last(&n->shape), cx = sal_shape_last(sx);
    const real *x = sal__in(r, n, 0);
    real *y = sal__out(r, n);
    sal_walk w;
    sal__walk_start(&w, &n->shape, sx, lo);
    for (int64_t i = lo; i < hi; i++, sal__walk_next(&w)) {
        for (int64_t k = 0; k < c; k++) y[i * c + k] = x[w.offset + (cx == c ? k : 0)];
    }
}

/* Every chunk sums its rows of x into a partial of the whole output, unless the first dimension stays: then chunks own output rows. */
static bool keeps_first(const sal_shape *in, const sal_shape *out) { return in->rank > 0 && in->dim[0] > 1 && out->dim[0] == in->dim[0]; }

static int64_t sum_items(const sal_tape *t, const sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    return keeps_first(x, &n->shape) ? x->dim[0] : sal__items_rows_in(t, n);
}

static double sum_work(const sal_tape *t, const sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    return 8 + 2 * (double)(sal_shape_count(x) / sum_items(t, n));
}

static int64_t sum_partial(const sal_tape *t, const sal_node *n)
{
    return keeps_first(sal__shape_in(t, n, 0), &n->shape) ? 0 : n->count;
}

SAL_CLONES static void sum_row(const real *x, real *y, int64_t n, bool into_one)
{
    if (into_one) {
        real sum = 0;
        for (int64_t k = 0; k < n; k++) sum += x[k];
        y[0] += sum;
    } else {
        for (int64_t k = 0; k < n; k++) y[k] += x[k];
    }
}

static void sum_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const sal_shape *sx = &sal__in_node(r, n, 0)->shape;
    int64_t c = sal_shape_last(sx);
    bool into_one = sal_shape_last(&n->shape) != c, first = n->partial == 0;
    const real *x = sal__in(r, n, 0);
    real *y = first ? sal__out(r, n) : sal__partial(r, n);
    int64_t rows = first && sx->rank > 1 ? sal_shape_count(sx) / c / sx->dim[0] : 1;
    if (first) {
        int64_t each = n->count / n->shape.dim[0];
        for (int64_t k = lo * each; k < hi * each; k++) y[k] = 0;
    } else {
        for (int64_t k = 0; k < n->partial; k++) y[k] = 0;
    }
    sal_walk w;
    sal__walk_start(&w, sx, &n->shape, lo * rows);
    for (int64_t i = lo * rows; i < hi * rows; i++, sal__walk_next(&w)) sum_row(x + i * c, y + w.offset, c, into_one);
}

static void sum_lanes(const sal_run *r, const sal_node *n)
{
    int64_t samples = n->shape.dim[0];
    lanes_walk w;
    sal_shape whole = one_sample(&sal__in_node(r, n, 0)->shape), part = one_sample(&n->shape);
    sal__walk_start(&w.walk, &whole, &part, 0);
    const real *x = sal__in(r, n, 0);
    real *y = sal__out(r, n);
    for (int64_t k = 0; k < n->count; k++) y[k] = 0;
    for (int64_t i = 0; i < sal__in_node(r, n, 0)->count / samples; i++, sal__walk_next(&w.walk), x += samples)
        add_samples(y + w.walk.offset * samples, x, y + w.walk.offset * samples, samples, samples, samples);
}

static void sum_finish(const sal_run *r, const sal_node *n)
{
    if (n->partial) sal__finish_sum(r, n);
}

static void expand_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    gx[0] = sal_sum_to(t, gy, sal_tape_shape(t, sal__node(t, y)->in[0]));
}

static void sum_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    gx[0] = sal_expand_to(t, gy, sal_tape_shape(t, sal__node(t, y)->in[0]));
}

const sal_op sal_op_expand_to = { .name = "expand_to", .n_in = 1, .shape = expand_shape, .items = sal__items_rows, .work = row_work,
                                  .eval = expand_eval, .grad = expand_grad };
const sal_op sal_op_sum_to = { .name = "sum_to", .n_in = 1, .shape = sum_shape, .items = sum_items, .work = sum_work,
                               .partial = sum_partial, .eval = sum_eval, .finish = sum_finish, .grad = sum_grad, .lanes = sum_lanes };

static sal_id resize(sal_tape *t, const sal_op *op, sal_id x, sal_shape shape)
{
    sal_shape now = sal_tape_shape(t, x);
    if (x >= 0 && sal_shape_equal(&now, &shape)) return x;
    int64_t i[SAL_RANK_MAX + 1] = { shape.rank };
    for (int32_t k = 0; k < shape.rank; k++) i[k + 1] = shape.dim[k];
    return sal__append(t, op, &x, 1, i, SAL_RANK_MAX + 1, NULL, 0);
}

sal_id sal_expand_to(sal_tape *t, sal_id x, sal_shape shape) { return resize(t, &sal_op_expand_to, x, shape); }
sal_id sal_sum_to(sal_tape *t, sal_id x, sal_shape shape) { return resize(t, &sal_op_sum_to, x, shape); }

sal_id sal_mean_to(sal_tape *t, sal_id x, sal_shape shape)
{
    sal_shape now = sal_tape_shape(t, x);
    double share = (double)sal_shape_count(&shape) / (double)sal_shape_count(&now);
    return sal_scale(t, sal_sum_to(t, x, shape), share, 0);
}
