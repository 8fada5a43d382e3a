/* group_norm.c - y = gamma (x - m) / sqrt(v + eps) + beta, m and v over all positions and the channels of a group, per sample
 * (Wu and He 2018, arXiv:1803.08494). x is (n, ..., c); groups is attribute i[0]. Moments are computed again on the way back, in
 * double, since a group may hold a whole feature map.
 */
#include "graph/op.h"
#include "graph/ops/scalar.h"

typedef struct sizes {
    int64_t positions, c, groups, width; /* width: channels of a group */
} sizes;

static sizes sizes_of(const sal_shape *s, int64_t groups)
{
    int64_t c = sal_shape_last(s);
    return (sizes){ sal_shape_count(s) / s->dim[0] / c, c, groups, c / groups };
}

static void moments_of(const real *x, const sizes *s, double eps, real *mean, real *inverse)
{
    double sum = 0, squares = 0, count = (double)(s->positions * s->width);
    for (int64_t p = 0; p < s->positions; p++) {
        for (int64_t k = 0; k < s->width; k++) sum += (double)x[p * s->c + k];
    }
    for (int64_t p = 0; p < s->positions; p++) {
        for (int64_t k = 0; k < s->width; k++) {
            double e = (double)x[p * s->c + k] - sum / count;
            squares += e * e;
        }
    }
    *mean = (real)(sum / count);
    *inverse = (real)(1 / sqrt(squares / count + eps));
}

static sal_status shape(sal_tape *t, sal_node *n)
{
    const sal_shape *x = sal__shape_in(t, n, 0);
    int64_t c = sal_shape_last(x);
    if (x->rank < 2) return sal__shape_fail(t, n, "x must be (n, ..., c)");
    if (n->i[0] < 1 || c % n->i[0])
        return sal__shape_fail(t, n, "%lld channels do not divide into %lld groups", (long long)c, (long long)n->i[0]);
    for (int32_t k = 1; k < 3; k++) {
        const sal_shape *s = sal__shape_in(t, n, k);
        if (s->rank != 1 || s->dim[0] != c) return sal__shape_fail(t, n, "gamma and beta must be (%lld)", (long long)c);
    }
    return sal__shape_like(t, n, 0);
}

static double work(const sal_tape *t, const sal_node *n)
{
    return 8 * (double)(sal_shape_count(sal__shape_in(t, n, 0)) / sal__shape_in(t, n, 0)->dim[0]);
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sizes s = sizes_of(&n->shape, n->i[0]);
    const real *gamma = sal__in(r, n, 1), *beta = sal__in(r, n, 2);
    for (int64_t item = lo; item < hi; item++) {
        for (int64_t g = 0; g < s.groups; g++) {
            int64_t from = item * s.positions * s.c + g * s.width;
            const real *x = sal__in(r, n, 0) + from;
            real *y = sal__out(r, n) + from, mean, inverse;
            moments_of(x, &s, n->f[0], &mean, &inverse);
            for (int64_t p = 0; p < s.positions; p++) {
                for (int64_t k = 0; k < s.width; k++) {
                    y[p * s.c + k] =
                        gamma[g * s.width + k] * ((x[p * s.c + k] - mean) * inverse) + beta[g * s.width + k];
                }
            }
        }
    }
}

/* ---- gradient of x: inputs gy, x, gamma ---- */

static sal_status shape_back(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)))
        return sal__shape_fail(t, n, "gy and x differ in shape");
    return sal__shape_like(t, n, 0);
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sizes s = sizes_of(&n->shape, n->i[0]);
    const real *gamma = sal__in(r, n, 2);
    for (int64_t item = lo; item < hi; item++) {
        for (int64_t g = 0; g < s.groups; g++) {
            int64_t from = item * s.positions * s.c + g * s.width;
            const real *gy = sal__in(r, n, 0) + from, *x = sal__in(r, n, 1) + from, *scale = gamma + g * s.width;
            real *gx = sal__out(r, n) + from, mean, inverse;
            double sum = 0, dot = 0, count = (double)(s.positions * s.width);
            moments_of(x, &s, n->f[0], &mean, &inverse);
            for (int64_t p = 0; p < s.positions; p++) {
                for (int64_t k = 0; k < s.width; k++) {
                    double a = (double)(scale[k] * gy[p * s.c + k]);
                    sum += a;
                    dot += a * (double)((x[p * s.c + k] - mean) * inverse);
                }
            }
            real a_mean = (real)(sum / count), ah_mean = (real)(dot / count);
            for (int64_t p = 0; p < s.positions; p++) {
                for (int64_t k = 0; k < s.width; k++) {
                    int64_t j = p * s.c + k;
                    gx[j] = (scale[k] * gy[j] - a_mean - (x[j] - mean) * inverse * ah_mean) * inverse;
                }
            }
        }
    }
}

const sal_op sal_op_group_norm_back = { .name = "group_norm_back",
                                        .n_in = 3,
                                        .flags = SAL_OP_INPLACE,
                                        .shape = shape_back,
                                        .items = sal__items_first,
                                        .work = work,
                                        .eval = eval_back };

/* ---- gradient of gamma and beta: inputs gy, x -> (2, c) ---- */

static sal_status shape_params(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)))
        return sal__shape_fail(t, n, "gy and x differ in shape");
    n->shape = SAL_SHAPE(2, sal_shape_last(sal__shape_in(t, n, 0)));
    return SAL_STATUS_OK;
}

static int64_t partial(const sal_tape *t, const sal_node *n) { return 2 * sal_shape_last(&n->shape); }

static void eval_params(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    sizes s = sizes_of(&sal__in_node(r, n, 0)->shape, n->i[0]);
    real *ggamma = sal__partial(r, n), *gbeta = ggamma + s.c;
    for (int64_t j = 0; j < 2 * s.c; j++) ggamma[j] = 0;
    for (int64_t item = lo; item < hi; item++) {
        for (int64_t g = 0; g < s.groups; g++) {
            int64_t from = item * s.positions * s.c + g * s.width;
            const real *gy = sal__in(r, n, 0) + from, *x = sal__in(r, n, 1) + from;
            real mean, inverse;
            moments_of(x, &s, n->f[0], &mean, &inverse);
            for (int64_t p = 0; p < s.positions; p++) {
                for (int64_t k = 0; k < s.width; k++) {
                    ggamma[g * s.width + k] += gy[p * s.c + k] * ((x[p * s.c + k] - mean) * inverse);
                    gbeta[g * s.width + k] += gy[p * s.c + k];
                }
            }
        }
    }
}

const sal_op sal_op_group_norm_params = { .name = "group_norm_params",
                                          .n_in = 2,
                                          .shape = shape_params,
                                          .items = sal__items_first_in,
                                          .work = work,
                                          .partial = partial,
                                          .eval = eval_params,
                                          .finish = sal__finish_sum };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node n = *sal__node(t, y);
    gx[0] = sal__append(t, &sal_op_group_norm_back, (sal_id[]){ gy, n.in[0], n.in[1] }, 3, n.i, 1, n.f, 1);
    if (!(sal__wants(t, n.in[1]) || sal__wants(t, n.in[2]))) return;
    sal_id both = sal__append(t, &sal_op_group_norm_params, (sal_id[]){ gy, n.in[0] }, 2, n.i, 1, n.f, 1);
    sal_shape c = SAL_SHAPE(sal_shape_last(&n.shape));
    gx[1] = sal_reshape(t, sal_slice(t, both, 0, 0, 1), c);
    gx[2] = sal_reshape(t, sal_slice(t, both, 0, 1, 1), c);
}

const sal_op sal_op_group_norm = { .name = "group_norm",
                                   .n_in = 3,
                                   .flags = SAL_OP_INPLACE,
                                   .shape = shape,
                                   .items = sal__items_first,
                                   .work = work,
                                   .eval = eval,
                                   .grad = grad };

sal_id sal_group_norm_op(sal_tape *t, sal_id x, sal_id gamma, sal_id beta, int64_t groups, double eps)
{
    return sal__append(t, &sal_op_group_norm, (sal_id[]){ x, gamma, beta }, 3, &groups, 1, &eps, 1);
}
