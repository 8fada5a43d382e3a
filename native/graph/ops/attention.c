/* attention.c - softmax(Q K' / sqrt(d_h)) V for every sample and head (Vaswani et al. 2017, arXiv:1706.03762), heads being slices
 * of d_h = d / heads channels.
 *
 * The score matrix of one head lives in scratch only; the way back computes it again. With P the weights and G = gy:
 * gV = P' G, gP = G V', gS = P (gP - rowsum(P gP)), gQ = gS K / sqrt(d_h), gK = gS' Q / sqrt(d_h). The three gradients leave one op
 * stacked as (n, tq + 2 tk, d).
 */
#include "graph/op.h"
#include "graph/ops/scalar.h"
#include "kernels/gemm.h"
#include "kernels/lanes.h"
#include "kernels/vector_math.h"
#include "tensor/simd.h"
#include <math.h>

/* Sizes of an attention node from the shapes of q, k (and v). */
typedef struct sizes {
    int64_t n, tq, tk, d, heads, dh;
    real scale;
} sizes;

static sizes sizes_of(const sal_shape *q, const sal_shape *k, int64_t heads)
{
    int64_t dh = q->dim[2] / heads;
    return (sizes){ q->dim[0], q->dim[1], k->dim[1], q->dim[2], heads, dh, (real)(1 / sqrt((double)dh)) };
}

static sal_status check(sal_tape *t, sal_node *n, int32_t first, bool values)
{
    const sal_shape *q = sal__shape_in(t, n, first), *k = sal__shape_in(t, n, first + 1);
    if (q->rank != 3 || k->rank != 3 || q->dim[0] != k->dim[0] || q->dim[2] != k->dim[2]) {
        return sal__shape_fail(t, n, "q must be (n, tq, d) and k (n, tk, d)");
    }
    if (values && !sal_shape_equal(k, sal__shape_in(t, n, first + 2)))
        return sal__shape_fail(t, n, "k and v differ in shape");
    if (n->i[0] < 1 || q->dim[2] % n->i[0]) {
        return sal__shape_fail(t, n, "%lld channels do not divide into %lld heads", (long long)q->dim[2],
                               (long long)n->i[0]);
    }
    return SAL_STATUS_OK;
}

/* p (tq, tk) = softmax of the scores of one head, of which q and k point at the first channel. */
static void weights_of(const sizes *s, const real *q, const real *k, real *p)
{
    sal_gemm(false, true, s->tq, s->tk, s->dh, s->scale, q, s->d, k, s->d, 0, p, s->tk);
    for (int64_t i = 0; i < s->tq; i++) {
        real *row = p + i * s->tk, top = row[0];
        for (int64_t j = 1; j < s->tk; j++) top = r_max(top, row[j]);
        for (int64_t j = 0; j < s->tk; j++) row[j] -= top;
    }
    sal_math_exp(s->tq * s->tk, p, p);
    for (int64_t i = 0; i < s->tq; i++) {
        real *row = p + i * s->tk, sum = 0;
        for (int64_t j = 0; j < s->tk; j++) sum += row[j];
        real inverse = 1 / sum;
        for (int64_t j = 0; j < s->tk; j++) row[j] *= inverse;
    }
}

/* Few queries: one lane each, so that nothing is summed across lanes. qt (dh, lanes) holds the scaled queries, s (tk, lanes) the scores. */
SAL_CLONES static void lane_scores(const sizes *z, const real *q, const real *k, real *qt, real *s)
{
    for (int64_t c = 0; c < z->dh; c++) {
        for (int64_t i = 0; i < SAL_LANES; i++) qt[c * SAL_LANES + i] = i < z->tq ? q[i * z->d + c] * z->scale : 0;
    }
    sal_vec top = { 0 };
    for (int64_t j = 0; j < z->tk; j++) {
        sal_vec sum = { 0 };
        for (int64_t c = 0; c < z->dh; c++) sum += SAL_LOAD(qt + c * SAL_LANES) * k[j * z->d + c];
        SAL_STORE(s + j * SAL_LANES, sum);
        if (j == 0) top = sum;
        else top = SAL_WHERE(sum > top, sum) + SAL_WHERE(sum <= top, top);
    }
    for (int64_t j = 0; j < z->tk; j++) SAL_STORE(s + j * SAL_LANES, SAL_LOAD(s + j * SAL_LANES) - top);
}

/* y = p v over the sum of p, from exponentials p (tk, lanes). */
SAL_CLONES static void lane_values(const sizes *z, const real *p, const real *v, real *y)
{
    sal_vec total = { 0 };
    for (int64_t j = 0; j < z->tk; j++) total += SAL_LOAD(p + j * SAL_LANES);
    for (int64_t c = 0; c < z->dh; c++) {
        sal_vec sum = { 0 };
        for (int64_t j = 0; j < z->tk; j++) sum += SAL_LOAD(p + j * SAL_LANES) * v[j * z->d + c];
        real lanes[(int)SAL_LANES];
        SAL_STORE(lanes, sum / total);
        for (int64_t i = 0; i < z->tq; i++) y[i * z->d + c] = lanes[i];
    }
}

/* ---- forward: q, k, v -> (n, tq, d) ---- */

static sal_status shape(sal_tape *t, sal_node *n)
{
    sal_status status = check(t, n, 0, true);
    return status == SAL_STATUS_OK ? sal__shape_like(t, n, 0) : status;
}

static int64_t items(const sal_tape *t, const sal_node *n) { return n->shape.dim[0] * n->i[0]; }

static double work(const sal_tape *t, const sal_node *n)
{
    sizes s = sizes_of(sal__shape_in(t, n, n->inputs == 4), sal__shape_in(t, n, 1 + (n->inputs == 4)), n->i[0]);
    return (double)(s.tq * s.tk) * (4.0 * (double)s.dh + 25) * (n->inputs == 4 ? 2.5 : 1);
}

static int64_t scratch(const sal_tape *t, const sal_node *n)
{
    sizes s = sizes_of(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1), n->i[0]);
    int64_t lanes = s.tq > SAL_LANES ? 0 : SAL_LANES * (s.dh + s.tk);
    return (s.tq * s.tk > lanes ? s.tq * s.tk : lanes) * (int64_t)sizeof(real);
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sizes s = sizes_of(&sal__in_node(r, n, 0)->shape, &sal__in_node(r, n, 1)->shape, n->i[0]);
    real *p = (real *)r->scratch;
    for (int64_t item = lo; item < hi; item++) {
        int64_t b = item / s.heads, from = item % s.heads * s.dh;
        int64_t at_q = b * s.tq * s.d + from, at_k = b * s.tk * s.d + from;
        if (s.tq <= SAL_LANES) {
            lane_scores(&s, sal__in(r, n, 0) + at_q, sal__in(r, n, 1) + at_k, p + SAL_LANES * s.tk, p);
            sal_math_exp(s.tk * SAL_LANES, p, p);
            lane_values(&s, p, sal__in(r, n, 2) + at_k, sal__out(r, n) + at_q);
            continue;
        }
        weights_of(&s, sal__in(r, n, 0) + at_q, sal__in(r, n, 1) + at_k, p);
        sal_gemm(false, false, s.tq, s.dh, s.tk, 1, p, s.tk, sal__in(r, n, 2) + at_k, s.d, 0, sal__out(r, n) + at_q,
                 s.d);
    }
}

static int64_t lanes_scratch(const sal_node *const *in, const sal_node *n) { return in[1]->shape.dim[1] * SAL_LANES * (int64_t)sizeof(real); }

static void lanes(const sal_run *r, const sal_node *n)
{
    sizes s = sizes_of(&sal__in_node(r, n, 0)->shape, &sal__in_node(r, n, 1)->shape, n->i[0]);
    for (int64_t h = 0; h < s.heads; h++) {
        int64_t at = h * s.dh * s.n;
        sal_lanes_attention(s.n, s.tq, s.tk, s.d, s.dh, s.scale, sal__in(r, n, 0) + at, sal__in(r, n, 1) + at, sal__in(r, n, 2) + at, sal__out(r, n) + at,
                            (real *)r->scratch);
    }
}

/* ---- back: gy, q, k, v -> (n, tq + 2 tk, d), that is gq, gk, gv one below the other ---- */

static sal_status shape_back(sal_tape *t, sal_node *n)
{
    sal_status status = check(t, n, 1, true);
    if (status != SAL_STATUS_OK) return status;
    const sal_shape *q = sal__shape_in(t, n, 1), *k = sal__shape_in(t, n, 2);
    n->shape = SAL_SHAPE(q->dim[0], q->dim[1] + 2 * k->dim[1], q->dim[2]);
    return SAL_STATUS_OK;
}

static int64_t scratch_back(const sal_tape *t, const sal_node *n)
{
    return 2 * sal__shape_in(t, n, 1)->dim[1] * sal__shape_in(t, n, 2)->dim[1] * (int64_t)sizeof(real);
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sizes s = sizes_of(&sal__in_node(r, n, 1)->shape, &sal__in_node(r, n, 2)->shape, n->i[0]);
    real *p = (real *)r->scratch, *gs = p + s.tq * s.tk;
    for (int64_t item = lo; item < hi; item++) {
        int64_t b = item / s.heads, from = item % s.heads * s.dh;
        const real *gy = sal__in(r, n, 0) + b * s.tq * s.d + from, *q = sal__in(r, n, 1) + b * s.tq * s.d + from;
        const real *k = sal__in(r, n, 2) + b * s.tk * s.d + from, *v = sal__in(r, n, 3) + b * s.tk * s.d + from;
        real *gq = sal__out(r, n) + b * (s.tq + 2 * s.tk) * s.d + from, *gk = gq + s.tq * s.d, *gv = gk + s.tk * s.d;
        weights_of(&s, q, k, p);
        sal_gemm(true, false, s.tk, s.dh, s.tq, 1, p, s.tk, gy, s.d, 0, gv, s.d);
        sal_gemm(false, true, s.tq, s.tk, s.dh, 1, gy, s.d, v, s.d, 0, gs, s.tk);
        for (int64_t i = 0; i < s.tq; i++) {
            real *row = gs + i * s.tk, dot = 0;
            const real *w = p + i * s.tk;
            for (int64_t j = 0; j < s.tk; j++) dot += w[j] * row[j];
            for (int64_t j = 0; j < s.tk; j++) row[j] = w[j] * (row[j] - dot);
        }
        sal_gemm(false, false, s.tq, s.dh, s.tk, s.scale, gs, s.tk, k, s.d, 0, gq, s.d);
        sal_gemm(true, false, s.tk, s.dh, s.tq, s.scale, gs, s.tk, q, s.d, 0, gk, s.d);
    }
}

const sal_op sal_op_attention_back = { .name = "attention_back",
                                       .n_in = 4,
                                       .shape = shape_back,
                                       .items = items,
                                       .work = work,
                                       .scratch = scratch_back,
                                       .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node n = *sal__node(t, y);
    int64_t tq = sal_tape_dim(t, n.in[0], 1), tk = sal_tape_dim(t, n.in[1], 1);
    sal_id all =
        sal__append(t, &sal_op_attention_back, (sal_id[]){ gy, n.in[0], n.in[1], n.in[2] }, 4, n.i, 1, NULL, 0);
    gx[0] = sal_slice(t, all, 1, 0, tq);
    gx[1] = sal_slice(t, all, 1, tq, tk);
    gx[2] = sal_slice(t, all, 1, tq + tk, tk);
}

const sal_op sal_op_attention = { .name = "attention",
                                  .n_in = 3,
                                  .shape = shape,
                                  .items = items,
                                  .work = work,
                                  .scratch = scratch,
                                  .eval = eval,
                                  .grad = grad,
                                  .lanes = lanes,
                                  .lanes_scratch = lanes_scratch };

sal_id sal_attention(sal_tape *t, sal_id q, sal_id k, sal_id v, int64_t heads)
{
    return sal__append(t, &sal_op_attention, (sal_id[]){ q, k, v }, 3, &heads, 1, NULL, 0);
}

/* ---- the weights, to be shown: q, k -> (n, heads, tq, tk) ---- */

static sal_status shape_weights(sal_tape *t, sal_node *n)
{
    sal_status status = check(t, n, 0, false);
    if (status != SAL_STATUS_OK) return status;
    const sal_shape *q = sal__shape_in(t, n, 0), *k = sal__shape_in(t, n, 1);
    n->shape = SAL_SHAPE(q->dim[0], n->i[0], q->dim[1], k->dim[1]);
    return SAL_STATUS_OK;
}

static void eval_weights(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sizes s = sizes_of(&sal__in_node(r, n, 0)->shape, &sal__in_node(r, n, 1)->shape, n->i[0]);
    for (int64_t item = lo; item < hi; item++) {
        int64_t b = item / s.heads, from = item % s.heads * s.dh;
        weights_of(&s, sal__in(r, n, 0) + b * s.tq * s.d + from, sal__in(r, n, 1) + b * s.tk * s.d + from,
                   sal__out(r, n) + item * s.tq * s.tk);
    }
}

const sal_op sal_op_attention_weights = {
    .name = "attention_weights", .n_in = 2, .shape = shape_weights, .items = items, .work = work, .eval = eval_weights
};

sal_id sal_attention_weights(sal_tape *t, sal_id q, sal_id k, int64_t heads)
{
    return sal__append(t, &sal_op_attention_weights, (sal_id[]){ q, k }, 2, &heads, 1, NULL, 0);
}
