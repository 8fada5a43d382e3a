/* normalise.c - normalisation over all but the last dimension (batch normalisation, Ioffe and Szegedy 2015) with ReLU in one pass.
 *
 * moments: mean and biased variance per channel. normalise: y = relu(gamma (x - mean) / sqrt(variance + eps) + beta). Its gradient knows
 * that the moments came from x when they are a `moments` node of the same x (training), and takes them as constants otherwise.
 * running_moments updates the state that inference uses. The trap: `moments` has no gradient of its own.
 */
#include "graph/op.h"
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

static void moments_tail(const real *x, int64_t rows, int64_t c, int64_t k, real *mean, real *m2)
{
    real pivot = x[k], s = 0, q = 0;
    for (int64_t i = 0; i < rows; i++) {
        real d = x[i * c + k] - pivot;
        s += d;
        q += d * d;
    }
    mean[k] = pivot + s / (real)rows;
    m2[k] = q - s * s / (real)rows;
}

SAL_CLONES static void moments_rows(const real *x, int64_t rows, int64_t c, real *mean, real *m2)
{
    int64_t k = 0;
    for (; k + 2 * SAL_LANES <= c; k += 2 * SAL_LANES) { /* deviations from the first row keep the sums small */
        sal_vec p0 = SAL_LOAD(x + k), p1 = SAL_LOAD(x + k + SAL_LANES), s0 = p0 - p0, s1 = s0, q0 = s0, q1 = s0;
        for (int64_t i = 0; i < rows; i++) {
            sal_vec d0 = SAL_LOAD(x + i * c + k) - p0, d1 = SAL_LOAD(x + i * c + k + SAL_LANES) - p1;
            s0 += d0;
            s1 += d1;
            q0 += d0 * d0;
            q1 += d1 * d1;
        }
        real n = (real)rows;
        SAL_STORE(mean + k, p0 + s0 / n);
        SAL_STORE(mean + k + SAL_LANES, p1 + s1 / n);
        SAL_STORE(m2 + k, q0 - s0 * s0 / n);
        SAL_STORE(m2 + k + SAL_LANES, q1 - s1 * s1 / n);
    }
    for (; k + SAL_LANES <= c; k += SAL_LANES) {
        sal_vec p0 = SAL_LOAD(x + k), s0 = p0 - p0, q0 = s0;
        for (int64_t i = 0; i < rows; i++) {
            sal_vec d0 = SAL_LOAD(x + i * c + k) - p0;
            s0 += d0;
            q0 += d0 * d0;
        }
        SAL_STORE(mean + k, p0 + s0 / (real)rows);
        SAL_STORE(m2 + k, q0 - s0 * s0 / (real)rows);
    }
    for (; k < c; k++) moments_tail(x, rows, c, k, mean, m2);
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
            double rows = (double)(sal_chunk_begin(n->items, n->chunks, j + 1) - sal_chunk_begin(n->items, n->chunks, j));
            double d = (double)p[k] - mean, total = count + rows;
            mean += d * rows / total;
            m2 += (double)p[c + k] + d * d * count * rows / total;
            count = total;
        }
        out[k] = (real)mean;
        out[c + k] = (real)(m2 > 0 ? m2 / count : 0);
    }
}

const sal_op sal_op_moments = { .name = "moments", .n_in = 1, .shape = moments_shape, .items = sal__items_rows_in, .work = moments_work,
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
    for (int64_t i = 0; i < rows; i++, x += c, y += c) {
        if (relu) {
            for (int64_t k = 0; k < c; k++) {
                real v = a[k] * x[k] + b[k];
                y[k] = v > 0 ? v : 0;
            }
        } else {
            for (int64_t k = 0; k < c; k++) y[k] = a[k] * x[k] + b[k];
        }
    }
}

static void normalise_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = channels_in(r, n);
    real *a = (real *)r->scratch, *b = a + c;
    line(sal__in(r, n, 1), sal__in(r, n, 2), sal__in(r, n, 3), n->f[0], c, a, b);
    normalise_rows(sal__in(r, n, 0) + lo * c, sal__out(r, n) + lo * c, hi - lo, c, a, b, n->i[0] != 0);
}

/* ---- normalise_sums: inputs gy, x, moments, gamma, beta -> (2, c): sum g and sum g xhat, with g = gy where the ReLU was open ---- */

static void sums_tail(const real *gy, const real *x, int64_t rows, int64_t c, int64_t k, const real *a, const real *b, real mean, real scale,
                      bool relu, real *sum)
{
    real s = 0, q = 0;
    for (int64_t i = 0; i < rows; i++) {
        real v = x[i * c + k], g = relu && !(a[k] * v + b[k] > 0) ? 0 : gy[i * c + k];
        s += g;
        q += g * (v - mean);
    }
    sum[k] = s;
    sum[c + k] = q * scale;
}

SAL_CLONES static void sums_rows(const real *gy, const real *x, int64_t rows, int64_t c, const real *a, const real *b, const real *mean,
                                 const real *scale, bool relu, real *sum)
{
    int64_t k = 0;
    for (; k + SAL_LANES <= c; k += SAL_LANES) {
        sal_vec va = SAL_LOAD(a + k), vb = SAL_LOAD(b + k), vm = SAL_LOAD(mean + k), s = va - va, q = s, zero = s;
        for (int64_t i = 0; i < rows; i++) {
            sal_vec v = SAL_LOAD(x + i * c + k), g = SAL_LOAD(gy + i * c + k);
            if (relu) g = SAL_WHERE(va * v + vb > zero, g);
            s += g;
            q += g * (v - vm);
        }
        SAL_STORE(sum + k, s);
        SAL_STORE(sum + c + k, q * SAL_LOAD(scale + k));
    }
    for (; k < c; k++) sums_tail(gy, x, rows, c, k, a, b, mean[k], scale[k], relu, sum);
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
    sums_rows(sal__in(r, n, 0) + lo * c, sal__in(r, n, 1) + lo * c, hi - lo, c, a, b, m, scale, n->i[0] != 0, sal__partial(r, n));
}

const sal_op sal_op_normalise_sums = { .name = "normalise_sums", .n_in = 5, .shape = sums_shape, .items = sal__items_rows_in,
                                       .work = row_work, .partial = moments_partial, .scratch = two_rows, .eval = sums_eval,
                                       .finish = sal__finish_sum };

/* ---- normalise_back: inputs gy, x, moments, gamma, beta[, sums]; without sums the moments are constants ----
 * gx = gamma / sd (g - mean(g) - xhat mean(g xhat)) */

SAL_CLONES static void back_rows(const real *gy, const real *x, real *gx, int64_t rows, int64_t c, const real *a, const real *b,
                                 const real *mean, const real *u, const real *v, bool relu)
{
    for (int64_t i = 0; i < rows; i++, x += c, gy += c, gx += c) {
        for (int64_t k = 0; k < c; k++) {
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

const sal_op sal_op_normalise_back = { .name = "normalise_back", .n_in = -1, .flags = SAL_OP_INPLACE, .shape = back_shape,
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
    if (wants_x) gx[0] = sal__append(t, &sal_op_normalise_back, in, of_x ? 6 : 5, i, 1, f, 1);
    if (wants_gamma) gx[2] = sal_reshape(t, sal_slice(t, in[5], 0, 1, 1), sal_tape_shape(t, in[3]));
    if (wants_beta) gx[3] = sal_reshape(t, sal_slice(t, in[5], 0, 0, 1), sal_tape_shape(t, in[4]));
}

const sal_op sal_op_normalise = { .name = "normalise", .n_in = 4, .flags = SAL_OP_KINK, .shape = normalise_shape, .items = sal__items_rows,
                                  .work = row_work, .scratch = two_rows, .eval = normalise_eval, .grad = normalise_grad };

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
