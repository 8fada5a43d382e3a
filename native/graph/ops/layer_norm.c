/* layer_norm.c - y = gamma (x - m) / sqrt(v + eps) + beta over the last dimension (Ba, Kiros and Hinton 2016, arXiv:1607.06450).
 *
 * m and v (biased) are those of the row. Nothing is saved: the way back computes them again, which costs less than memory.
 * With h = (x - m) / s and a = gamma gy: gx = (a - mean a - h mean(a h)) / s, ggamma = sum gy h, gbeta = sum gy.
 */
#include "graph/op.h"
#include "graph/ops/reduce.h"
#include "graph/ops/scalar.h"
#include "kernels/lanes.h"

SAL_INLINE void row_moments(const real *x, int64_t c, double eps, real *mean, real *inverse)
{
    *mean = sal__row_sum(x, c) / (real)c;
    *inverse = 1 / r_sqrt(sal__row_squares(x, c, *mean) / (real)c + (real)eps);
}

static sal_status shape(sal_tape *t, sal_node *n)
{
    int64_t c = sal_shape_last(sal__shape_in(t, n, 0));
    if (sal__shape_in(t, n, 0)->rank < 1) return sal__shape_fail(t, n, "a scalar has no last dimension");
    if (n->inputs != 1 && n->inputs != 3) return sal__shape_fail(t, n, "takes x, or x, gamma and beta");
    for (int32_t k = 1; k < n->inputs; k++) {
        const sal_shape *s = sal__shape_in(t, n, k);
        if (s->rank != 1 || s->dim[0] != c) return sal__shape_fail(t, n, "gamma and beta must be (%lld)", (long long)c);
    }
    return sal__shape_like(t, n, 0);
}

static double work(const sal_tape *t, const sal_node *n) { return 8 * (double)sal_shape_last(&n->shape); }

/* The rows of 2 SAL_LANES columns that the attention of the systems has: all in registers, four rows at a time. */
SAL_INLINE void pair_of_vectors(const real *x, real *y, const real *gamma, const real *beta, real eps)
{
    enum { ROWS = 4 };
    sal_vec a[ROWS], b[ROWS];
    real mean[ROWS], inverse[ROWS];
    for (int i = 0; i < ROWS; i++) {
        a[i] = SAL_LOAD(x + i * 2 * SAL_LANES);
        b[i] = SAL_LOAD(x + i * 2 * SAL_LANES + SAL_LANES);
        sal_vec sum = a[i] + b[i];
        mean[i] = sal__lanes_sum(&sum) / (real)(2 * SAL_LANES);
    }
    for (int i = 0; i < ROWS; i++) {
        a[i] -= mean[i];
        b[i] -= mean[i];
        sal_vec sum = a[i] * a[i] + b[i] * b[i];
        inverse[i] = 1 / r_sqrt(sal__lanes_sum(&sum) / (real)(2 * SAL_LANES) + eps);
    }
    for (int i = 0; i < ROWS; i++) {
        SAL_STORE(y + i * 2 * SAL_LANES, SAL_LOAD(gamma) * (a[i] * inverse[i]) + SAL_LOAD(beta));
        SAL_STORE(y + i * 2 * SAL_LANES + SAL_LANES, SAL_LOAD(gamma + SAL_LANES) * (b[i] * inverse[i]) + SAL_LOAD(beta + SAL_LANES));
    }
}

SAL_CLONES static void forward(const real *x, real *y, int64_t rows, int64_t c, const real *gamma, const real *beta,
                               double eps)
{
    int64_t row = 0;
    for (; gamma && c == 2 * SAL_LANES && row + 4 <= rows; row += 4, x += 4 * c, y += 4 * c) pair_of_vectors(x, y, gamma, beta, (real)eps);
    for (; row < rows; row++, x += c, y += c) {
        real mean, inverse;
        row_moments(x, c, eps, &mean, &inverse);
        if (gamma) {
            for (int64_t j = 0; j < c; j++) y[j] = gamma[j] * ((x[j] - mean) * inverse) + beta[j];
        } else {
            for (int64_t j = 0; j < c; j++) y[j] = (x[j] - mean) * inverse;
        }
    }
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = sal_shape_last(&n->shape);
    const real *gamma = n->inputs == 3 ? sal__in(r, n, 1) : NULL, *beta = n->inputs == 3 ? sal__in(r, n, 2) : NULL;
    forward(sal__in(r, n, 0) + lo * c, sal__out(r, n) + lo * c, hi - lo, c, gamma, beta, n->f[0]);
}

static void lanes(const sal_run *r, const sal_node *n)
{
    int64_t samples = n->shape.dim[0], c = sal_shape_last(&n->shape), rows = n->count / samples / c;
    const real *gamma = n->inputs == 3 ? sal__in(r, n, 1) : NULL, *beta = n->inputs == 3 ? sal__in(r, n, 2) : NULL;
    for (int64_t i = 0; i < rows; i++)
        sal_lanes_layer_norm(samples, c, sal__in(r, n, 0) + i * c * samples, gamma, beta, (real)n->f[0], sal__out(r, n) + i * c * samples);
}

/* ---- gradient of x: inputs gy, x and, when there is one, gamma ---- */

static sal_status shape_back(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)))
        return sal__shape_fail(t, n, "gy and x differ in shape");
    return sal__shape_like(t, n, 0);
}

/* a = gamma gy and h are formed in `a` and `h` (c each), so that gx may be gy. */
SAL_CLONES static void back(const real *gy, const real *x, real *gx, int64_t rows, int64_t c, const real *gamma,
                            double eps, real *a, real *h)
{
    for (int64_t row = 0; row < rows; row++, gy += c, x += c, gx += c) {
        real mean, inverse;
        row_moments(x, c, eps, &mean, &inverse);
        for (int64_t j = 0; j < c; j++) a[j] = gamma ? gamma[j] * gy[j] : gy[j];
        for (int64_t j = 0; j < c; j++) h[j] = (x[j] - mean) * inverse;
        real sum = sal__row_sum(a, c) / (real)c, dot = sal__row_dot(a, h, c) / (real)c;
        for (int64_t j = 0; j < c; j++) gx[j] = (a[j] - sum - h[j] * dot) * inverse;
    }
}

static int64_t scratch_back(const sal_tape *t, const sal_node *n)
{
    return 2 * sal_shape_last(&n->shape) * (int64_t)sizeof(real);
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = sal_shape_last(&n->shape);
    real *a = (real *)r->scratch;
    back(sal__in(r, n, 0) + lo * c, sal__in(r, n, 1) + lo * c, sal__out(r, n) + lo * c, hi - lo, c,
         n->inputs == 3 ? sal__in(r, n, 2) : NULL, n->f[0], a, a + c);
}

const sal_op sal_op_layer_norm_back = { .name = "layer_norm_back",
                                        .n_in = -1,
                                        .flags = SAL_OP_INPLACE,
                                        .shape = shape_back,
                                        .items = sal__items_rows,
                                        .work = work,
                                        .scratch = scratch_back,
                                        .eval = eval_back };

/* ---- gradient of gamma and beta: inputs gy, x -> (2, c) ---- */

static sal_status shape_params(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)))
        return sal__shape_fail(t, n, "gy and x differ in shape");
    n->shape = SAL_SHAPE(2, sal_shape_last(sal__shape_in(t, n, 0)));
    return SAL_STATUS_OK;
}

static double work_params(const sal_tape *t, const sal_node *n) { return 8 * (double)sal_shape_last(&n->shape); }
static int64_t partial(const sal_tape *t, const sal_node *n) { return 2 * sal_shape_last(&n->shape); }

SAL_CLONES static void sums(const real *gy, const real *x, int64_t rows, int64_t c, double eps, real *restrict ggamma,
                            real *restrict gbeta)
{
    for (int64_t j = 0; j < c; j++) ggamma[j] = gbeta[j] = 0;
    for (int64_t row = 0; row < rows; row++, gy += c, x += c) {
        real mean, inverse;
        row_moments(x, c, eps, &mean, &inverse);
        for (int64_t j = 0; j < c; j++) {
            ggamma[j] += gy[j] * ((x[j] - mean) * inverse);
            gbeta[j] += gy[j];
        }
    }
}

static void eval_params(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t c = sal_shape_last(&n->shape);
    sums(sal__in(r, n, 0) + lo * c, sal__in(r, n, 1) + lo * c, hi - lo, c, n->f[0], sal__partial(r, n),
         sal__partial(r, n) + c);
}

const sal_op sal_op_layer_norm_params = { .name = "layer_norm_params",
                                          .n_in = 2,
                                          .shape = shape_params,
                                          .items = sal__items_rows_in,
                                          .work = work_params,
                                          .partial = partial,
                                          .eval = eval_params,
                                          .finish = sal__finish_sum };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node n = *sal__node(t, y);
    gx[0] = sal__append(t, &sal_op_layer_norm_back, (sal_id[]){ gy, n.in[0], n.in[1] }, n.inputs == 3 ? 3 : 2, NULL, 0,
                        n.f, 1);
    if (n.inputs != 3 || !(sal__wants(t, n.in[1]) || sal__wants(t, n.in[2]))) return;
    sal_id both = sal__append(t, &sal_op_layer_norm_params, (sal_id[]){ gy, n.in[0] }, 2, NULL, 0, n.f, 1);
    sal_shape c = SAL_SHAPE(sal_shape_last(&n.shape));
    gx[1] = sal_reshape(t, sal_slice(t, both, 0, 0, 1), c);
    gx[2] = sal_reshape(t, sal_slice(t, both, 0, 1, 1), c);
}

const sal_op sal_op_layer_norm = { .name = "layer_norm",
                                   .n_in = -1,
                                   .flags = SAL_OP_INPLACE,
                                   .shape = shape,
                                   .items = sal__items_rows,
                                   .work = work,
                                   .eval = eval,
                                   .grad = grad,
                                   .lanes = lanes };

sal_id sal_layer_norm_op(sal_tape *t, sal_id x, sal_id gamma, sal_id beta, double eps)
{
    return sal__append(t, &sal_op_layer_norm, (sal_id[]){ x, gamma, beta }, gamma >= 0 ? 3 : 1, NULL, 0, &eps, 1);
}
