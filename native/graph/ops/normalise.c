/* normalise.c - normalisation over all but the last dimension (batch normalisation, Ioffe and Szegedy 2015) with ReLU in one pass.
 *
 * moments: mean and biased variance per channel. normalise: y = relu(gamma (x - mean) / sqrt(variance + eps) + beta). Its gradient knows
 * that the moments came from x when they are a `moments` node of the same x (training), and takes them as constants otherwise.
 * running_moments updates the state that inference uses. The trap: `moments` has no gradient of its own.
 */
#include "graph/op.h"
#include "kernels/lanes.h"
#include "tensor/simd.h"
#include <math.h>

static int64_t channels_in(const sal_run *r, const sal_node *n) { return sal_shape_last(&sal__in_node(r, n, 0)->shape); }

/* ---- moments: partial (2, c): mean and sum of squared deviations of the chunk, combined as Chan et al. 1983 ---- */

static sal_status moments_shape(sal_tape *t, sal_node *n)
{
    n->shape = SAL_SHAPE(2, sal_shape_last(sal__shape_in(t, n, 0)));
    return SAL_STATUS_OK;
}

static double moments_work(const sal_tape *t, const sal_node *n) { return 4 + (double)n->count; }
static int64_t moments_partial(const sal_tape *t, const sal_node *n) { return n->count; }

/* sums[k] = sum of d, squares[k] = sum of d^2 with d the deviation from the first row, which keeps the sums small. Four rows at
 * a time: many loads in flight, and every row is read once from end to end. */
SAL_CLONES static void deviations(const real *x, int64_t rows, int64_t c, real *sums, real *squares)
{
    const real *first = x;
    int64_t whole = c / SAL_LANES * SAL_LANES, i = 0;
    for (; i + 4 <= rows; i += 4, x += 4 * c) {
        for (int64_t k = 0; k < whole; k += SAL_LANES) {
            sal_vec p = SAL_LOAD(first + k), d0 = SAL_LOAD(x + k) - p, d1 = SAL_LOAD(x + c + k) - p;
            sal_vec d2 = SAL_LOAD(x + 2 * c + k) - p, d3 = SAL_LOAD(x + 3 * c + k) - p;
            SAL_STORE(sums + k, SAL_LOAD(sums + k) + ((d0 + d1) + (d2 + d3)));
            SAL_STORE(squares + k, SAL_LOAD(squares + k) + ((d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3)));
        }
        for (int64_t k = whole; k < c; k++) {
            real d0 = x[k] - first[k], d1 = x[c + k] - first[k], d2 = x[2 * c + k] - first[k], d3 = x[3 * c + k] - first[k];
            sums[k] += (d0 + d1) + (d2 + d3);
            squares[k] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3);
        }
    }
    for (; i < rows; i++, x += c) {
        for (int64_t k = 0; k < c; k++) {
            real d = x[k] - first[k];
            sums[k] += d;
            squares[k] += d * d;
        }
    }
}

static void moments_rows(const real *x, int64_t rows, int64_t c, real *mean, real *m2)
{
    for (int64_t k = 0; k < c; k++) mean[k] = m2[k] = 0;
    deviations(x, rows, c, mean, m2);
    for (int64_t k = 0; k < c; k++) {
        m2[k] -= mean[k] * mean[k] / (real)rows;
        mean[k] = x[k] + mean[k] / (real)rows;
    }
}

static void moments_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = n->shape.dim[1];
    real *p = sal__partial(r, n);
    moments_rows(sal__in(r, n, 0) + lo * c, hi - lo, c, p, p + c);
}

static void moments_finish(const sal_run *r, const sal_node *n)
{
    int64_t c = n->shape.dim[1];
    real *out = sal__out(r, n);
    for (int64_t k = 0; k < c; k++) {
        double count = 0, mean = 0, m2 = 0;
        for (int64_t j = 0; j < n->chunks; j++) {
            const real *p = r->partials + j * n->partial;
            double rows = (double)(sal__chunk_begin(n, j + 1) - sal__chunk_begin(n, j));
            double d = (double)p[k] - mean, total = count + rows;
            mean += d * rows / total;
            m2 += (double)p[c + k] + d * d * count * rows / total;
            count = total;
        }
        out[k] = (real)mean;
        out[c + k] = (real)(m2 > 0 ? m2 / count : 0);
    }
}

const sal_op sal_op_moments = { .name = "moments", .n_in = 1, .local = 1, .shape = moments_shape, .items = sal__items_rows_in, .work = moments_work,
                                .partial = moments_partial, .eval = moments_eval, .finish = moments_finish };

sal_id sal_moments(sal_tape *t, sal_id x) { return sal__op1(t, &sal_op_moments, x); }

/* ---- normalise: inputs x, moments, gamma, beta; f[0] eps, i[0] relu ---- */

static sal_status normalise_shape(sal_tape *t, sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0), *m = sal__shape_in(t, n, 1);
    int64_t c = sal_shape_last(x);
    if (m->rank != 2 || m->dim[0] != 2 || m->dim[1] != c || sal_shape_count(sal__shape_in(t, n, 2)) != c ||
        sal_shape_count(sal__shape_in(t, n, 3)) != c)
        return sal__shape_fail(t, n, "moments must be (2, %lld), gamma and beta (%lld)", (long long)c, (long long)c);
    return sal__shape_like(t, n, 0);
}

static double row_work(const sal_tape *t, const sal_node *n) { return 2 * (double)sal_shape_last(sal__shape_in(t, n, 0)); }
static int64_t two_rows(const sal_tape *t, const sal_node *n) { return 4 * sal_shape_last(sal__shape_in(t, n, 0)) * (int64_t)sizeof(real); }

/* y = a x + b with a = gamma / sqrt(variance + eps), b = beta - mean a */
static void line(const real *moments, const real *gamma, const real *beta, double eps, int64_t c, real *a, real *b)
{
    for (int64_t k = 0; k < c; k++) {
        a[k] = (real)((double)gamma[k] / sqrt((double)moments[c + k] + eps));
        b[k] = beta[k] - moments[k] * a[k];
    }
}

SAL_CLONES static void normalise_rows(const real *x, real *y, int64_t rows, int64_t c, const real *a, const real *b, bool relu)
{
    int64_t whole = c / SAL_LANES * SAL_LANES;
    for (int64_t i = 0; i < rows; i++, x += c, y += c) {
        for (int64_t k = 0; k < whole; k += SAL_LANES) {
            sal_vec v = SAL_LOAD(a + k) * SAL_LOAD(x + k) + SAL_LOAD(b + k), zero = { 0 };
            SAL_STORE(y + k, relu ? SAL_WHERE(v > zero, v) : v);
        }
        for (int64_t k = whole; k < c; k++) {
            real v = a[k] * x[k] + b[k];
            y[k] = v > 0 || !relu ? v : 0;
        }
    }
}

void sal__normalise_line(const sal_run *r, const sal_node *n, real *a, real *b)
{
    line(sal__in(r, n, 1), sal__in(r, n, 2), sal__in(r, n, 3), n->f[0], channels_in(r, n), a, b);
}

static void normalise_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = channels_in(r, n);
    real *a = (real *)r->scratch, *b = a + c;
    sal__normalise_line(r, n, a, b);
    normalise_rows(sal__in(r, n, 0) + lo * c, sal__out(r, n) + lo * c, hi - lo, c, a, b, n->i[0] != 0);
}

static int64_t normalise_lanes_scratch(const sal_node *const *in, const sal_node *n) { return 2 * sal_shape_last(&n->shape) * (int64_t)sizeof(real); }

static void normalise_lanes(const sal_run *r, const sal_node *n)
{
    int64_t samples = n->shape.dim[0], c = sal_shape_last(&n->shape);
    real *a = (real *)r->scratch, *b = a + c;
    sal__normalise_line(r, n, a, b);
    sal_lanes_line(samples, n->count / samples / c, c, sal__in(r, n, 0), a, b, n->i[0] != 0, sal__out(r, n));
}

/* ---- in the pass of the dense layer before it ---- */

extern const sal_op sal_op_normalise, sal_op_relu, sal_op_add;

/* A view between the two may have joined or split features, which a ReLU does not mind. */
bool sal__after_takes(const sal_node *n, const sal_node *next)
{
    return next->op == &sal_op_relu || (next->op == &sal_op_normalise && sal_shape_last(&next->shape) == sal_shape_last(&n->shape));
}

bool sal__after_adds(const sal_node *n, const sal_node *next) { return next->op == &sal_op_add && next->count == n->count; }

int64_t sal__after_scratch(const sal_node *const *in, const sal_node *n) { return 2 * sal_shape_last(&n->shape) * (int64_t)sizeof(real); }

/* The operand of `next` that is not `value`, seen through views. */
static const sal_node *other_operand(const sal_run *r, const sal_node *next, sal_id value)
{
    sal_id shown = next->in[0];
    while (r->nodes[shown].op->flags & SAL_OP_VIEW) shown = r->nodes[shown].in[0];
    return &r->nodes[next->in[shown == value ? 1 : 0]];
}

real *sal__after_of(const sal_run *r, const sal_node *n, sal_lanes_after *after)
{
    *after = (sal_lanes_after){ 0 };
    int64_t c = sal_shape_last(&n->shape);
    sal_id end = n->id;
    for (sal_id id = n->after; id != SAL_NONE; end = id, id = r->nodes[id].after) {
        const sal_node *next = &r->nodes[id];
        if (next->op == &sal_op_add) {
            const sal_node *other = other_operand(r, next, end);
            after->add = r->data[other->id];
            after->add_samples = other->batched;
        } else if (next->op == &sal_op_relu) {
            after->relu = true;
        } else {
            real *a = (real *)r->scratch, *b = a + c;
            sal__normalise_line(r, next, a, b);
            after->scale = a;
            after->shift = b;
            after->relu = next->i[0] != 0;
        }
    }
    return r->data[end];
}

/* ---- normalise_sums: inputs gy, x, moments, gamma, beta -> (2, c): sum g and sum g xhat, with g = gy where the ReLU was open ---- */

/* What row j adds at columns k ...: g and, in v, g (x - mean). */
#define SUMS_TERM(j)                                                                                                   \
    sal_vec v##j = SAL_LOAD(x + j * c + k), g##j = SAL_LOAD(gy + j * c + k);                                           \
    if (relu) g##j = SAL_WHERE(va * v##j + vb > zero, g##j);                                                           \
    v##j = g##j * (v##j - vm)

static inline __attribute__((always_inline)) void sums_column(const real *gy, const real *x, int64_t rows, int64_t c, int64_t k,
                                                              const real *a, const real *b, real mean, bool relu, real *sum)
{
    for (int64_t i = 0; i < rows; i++) {
        real v = x[i * c + k], g = relu && !(a[k] * v + b[k] > 0) ? 0 : gy[i * c + k];
        sum[k] += g;
        sum[c + k] += g * (v - mean);
    }
}

/* Adds to sum (2, c); four rows at a time as in deviations. */
SAL_CLONES static void sums_rows(const real *gy, const real *x, int64_t rows, int64_t c, const real *a, const real *b, const real *mean,
                                 bool relu, real *sum)
{
    int64_t whole = c / SAL_LANES * SAL_LANES;
    for (; rows >= 4; rows -= 4, x += 4 * c, gy += 4 * c) {
        for (int64_t k = 0; k < whole; k += SAL_LANES) {
            sal_vec va = SAL_LOAD(a + k), vb = SAL_LOAD(b + k), vm = SAL_LOAD(mean + k), zero = { 0 };
            SUMS_TERM(0);
            SUMS_TERM(1);
            SUMS_TERM(2);
            SUMS_TERM(3);
            SAL_STORE(sum + k, SAL_LOAD(sum + k) + ((g0 + g1) + (g2 + g3)));
            SAL_STORE(sum + c + k, SAL_LOAD(sum + c + k) + ((v0 + v1) + (v2 + v3)));
        }
        for (int64_t k = whole; k < c; k++) sums_column(gy, x, 4, c, k, a, b, mean[k], relu, sum);
    }
    for (int64_t k = 0; k < c; k++) sums_column(gy, x, rows, c, k, a, b, mean[k], relu, sum);
}

static void slopes(const real *moments, double eps, int64_t c, real *scale)
{
    for (int64_t k = 0; k < c; k++) scale[k] = (real)(1 / sqrt((double)moments[c + k] + eps));
}

static sal_status sums_shape(sal_tape *t, sal_node *n)
{
    n->shape = SAL_SHAPE(2, sal_shape_last(sal__shape_in(t, n, 0)));
    return SAL_STATUS_OK;
}

static void sums_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = n->shape.dim[1];
    const real *m = sal__in(r, n, 2);
    real *a = (real *)r->scratch, *b = a + c, *scale = b + c;
    line(m, sal__in(r, n, 3), sal__in(r, n, 4), n->f[0], c, a, b);
    slopes(m, n->f[0], c, scale);
    real *sum = sal__partial(r, n);
    for (int64_t k = 0; k < 2 * c; k++) sum[k] = 0;
    sums_rows(sal__in(r, n, 0) + lo * c, sal__in(r, n, 1) + lo * c, hi - lo, c, a, b, m, n->i[0] != 0, sum);
    for (int64_t k = 0; k < c; k++) sum[c + k] *= scale[k];
}

const sal_op sal_op_normalise_sums = { .name = "normalise_sums", .n_in = 5, .local = 3, .shape = sums_shape, .items = sal__items_rows_in,
                                       .work = row_work, .partial = moments_partial, .scratch = two_rows, .eval = sums_eval,
                                       .finish = sal__finish_sum };

/* ---- normalise_back: inputs gy, x, moments, gamma, beta[, sums]; without sums the moments are constants ----
 * gx = gamma / sd (g - mean(g) - xhat mean(g xhat)) */

SAL_CLONES static void back_rows(const real *gy, const real *x, real *gx, int64_t rows, int64_t c, const real *a, const real *b,
                                 const real *mean, const real *u, const real *v, bool relu)
{
    int64_t whole = c / SAL_LANES * SAL_LANES;
    for (int64_t i = 0; i < rows; i++, x += c, gy += c, gx += c) {
        for (int64_t k = 0; k < whole; k += SAL_LANES) {
            sal_vec va = SAL_LOAD(a + k), vx = SAL_LOAD(x + k), g = SAL_LOAD(gy + k), zero = { 0 };
            if (relu) g = SAL_WHERE(va * vx + SAL_LOAD(b + k) > zero, g);
            SAL_STORE(gx + k, va * (g - SAL_LOAD(u + k) - (vx - SAL_LOAD(mean + k)) * SAL_LOAD(v + k)));
        }
        for (int64_t k = whole; k < c; k++) {
            real g = !relu || a[k] * x[k] + b[k] > 0 ? gy[k] : 0;
            gx[k] = a[k] * (g - u[k] - (x[k] - mean[k]) * v[k]);
        }
    }
}

static void back_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = channels_in(r, n);
    const real *m = sal__in(r, n, 2), *s = n->inputs == 6 ? sal__in(r, n, 5) : NULL;
    real *a = (real *)r->scratch, *b = a + c, *u = b + c, *v = u + c;
    line(m, sal__in(r, n, 3), sal__in(r, n, 4), n->f[0], c, a, b);
    for (int64_t k = 0; k < c; k++) {
        double rows = (double)n->items, sd2 = (double)m[c + k] + n->f[0];
        u[k] = s ? (real)((double)s[k] / rows) : 0;
        v[k] = s ? (real)((double)s[c + k] / rows / sqrt(sd2)) : 0;
    }
    back_rows(sal__in(r, n, 0) + lo * c, sal__in(r, n, 1) + lo * c, sal__out(r, n) + lo * c, hi - lo, c, a, b, m, u, v, n->i[0] != 0);
}

static sal_status back_shape(sal_tape *t, sal_node *n) { return sal__shape_like(t, n, 0); }

const sal_op sal_op_normalise_back = { .name = "normalise_back", .n_in = -1, .local = 3, .flags = SAL_OP_INPLACE, .shape = back_shape,
                                       .items = sal__items_rows, .work = row_work, .scratch = two_rows, .eval = back_eval };

static void normalise_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node *n = sal__node(t, y);
    sal_id in[6] = { gy, n->in[0], n->in[1], n->in[2], n->in[3], SAL_NONE };
    const sal_node *m = sal__node(t, n->in[1]);
    bool of_x = m->op == &sal_op_moments && m->in[0] == n->in[0];
    bool wants_x = sal__wants(t, in[1]), wants_gamma = sal__wants(t, in[3]), wants_beta = sal__wants(t, in[4]);
    int64_t i[1] = { n->i[0] };
    double f[1] = { n->f[0] };
    if (of_x || wants_gamma || wants_beta) in[5] = sal__append(t, &sal_op_normalise_sums, in, 5, i, 1, f, 1);
    if (wants_gamma) gx[2] = sal_reshape(t, sal_slice(t, in[5], 0, 1, 1), sal_tape_shape(t, in[3]));
    if (wants_beta) gx[3] = sal_reshape(t, sal_slice(t, in[5], 0, 0, 1), sal_tape_shape(t, in[4]));
    if (wants_x) gx[0] = sal__append(t, &sal_op_normalise_back, in, of_x ? 6 : 5, i, 1, f, 1);
}

const sal_op sal_op_normalise = { .name = "normalise", .n_in = 4, .local = 1, .flags = SAL_OP_KINK | SAL_OP_INPLACE | SAL_OP_CHEAP, .shape = normalise_shape, .items = sal__items_rows,
                                  .work = row_work, .scratch = two_rows, .eval = normalise_eval, .grad = normalise_grad,
                                  .lanes = normalise_lanes, .lanes_scratch = normalise_lanes_scratch };

sal_id sal_normalise(sal_tape *t, sal_id x, sal_id moments, sal_id gamma, sal_id beta, double eps, bool relu)
{
    return sal__append(t, &sal_op_normalise, (sal_id[]){ x, moments, gamma, beta }, 4, (int64_t[]){ relu }, 1, &eps, 1);
}

/* ---- running_moments: inputs state, moments; f[0] momentum, i[0] samples behind the moments ---- */

static sal_status running_shape(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1))) return sal__shape_fail(t, n, "state and moments differ in shape");
    return sal__shape_like(t, n, 0);
}

static void running_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    real *state = r->data[n->in[0]], m = (real)n->f[0];
    const real *now = sal__in(r, n, 1);
    int64_t c = n->count / 2;
    real unbias = n->i[0] > 1 ? (real)n->i[0] / (real)(n->i[0] - 1) : 1;
    for (int64_t k = lo; k < hi; k++) {
        state[k] += m * ((k < c ? now[k] : now[k] * unbias) - state[k]);
        sal__out(r, n)[k] = state[k];
    }
}

const sal_op sal_op_running_moments = { .name = "running_moments", .n_in = 2, .flags = SAL_OP_STATE, .shape = running_shape,
                                        .eval = running_eval };

sal_id sal_running_moments(sal_tape *t, sal_id state, sal_id moments, double momentum, int64_t samples)
{
    return sal__append(t, &sal_op_running_moments, (sal_id[]){ state, moments }, 2, &samples, 1, &momentum, 1);
}
