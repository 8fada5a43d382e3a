/* loss_ntxent.c - NT-Xent of SimCLR (Chen et al. 2020, arXiv:2002.05709): with z the 2 n normalised rows of a and b and s = z z' / tau,
 * l_i = -s_ij + log sum_{k != i} exp(s_ik), j the row paired with i, averaged over the 2 n rows.
 *
 * The op itself sees the square matrix s (2 n, 2 n), which a matrix product makes; its partner of row i is (i + n) mod 2 n.
 * d l_i / d s_ik = softmax_ik - [k = j], 0 on the diagonal.
 */
#include "graph/ops/loss.h"

static sal_status shape(sal_tape *t, sal_node *n)
{
    const sal_shape *s = sal__shape_in(t, n, 0);
    if (s->rank != 2 || s->dim[0] != s->dim[1] || s->dim[0] % 2 || s->dim[0] < 4) {
        return sal__shape_fail(t, n, "the similarities must be (2 n, 2 n) with n at least 2");
    }
    return sal__loss_shape(t, n, 1);
}

static double work(const sal_tape *t, const sal_node *n)
{
    return 25 * (double)sal_shape_last(sal__shape_in(t, n, n->op->n_in == 2));
}

/* Largest of row i and sum of exp(s - largest), both without the diagonal. */
static void row_sum(const real *s, int64_t m, int64_t i, real *top, double *sum)
{
    *top = s[i == 0 ? 1 : 0];
    for (int64_t k = 0; k < m; k++) *top = k != i && s[k] > *top ? s[k] : *top;
    *sum = 0;
    for (int64_t k = 0; k < m; k++) *sum += k == i ? 0 : (double)r_exp(s[k] - *top);
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t m = sal__in_node(r, n, 0)->shape.dim[0];
    double total = 0, sum;
    for (int64_t i = lo; i < hi; i++) {
        const real *s = sal__in(r, n, 0) + i * m;
        real top;
        row_sum(s, m, i, &top, &sum);
        total += log(sum) + (double)top - (double)s[(i + m / 2) % m];
    }
    sal__partial(r, n)[0] = (real)total;
    sal__partial(r, n)[1] = (real)(hi - lo);
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t m = n->shape.dim[0];
    real gain = sal__in(r, n, 0)[0] / (real)m;
    for (int64_t i = lo; i < hi; i++) {
        const real *s = sal__in(r, n, 1) + i * m;
        real *g = sal__out(r, n) + i * m, top;
        double sum;
        row_sum(s, m, i, &top, &sum);
        for (int64_t k = 0; k < m; k++) g[k] = k == i ? 0 : gain * r_exp(s[k] - top) / (real)sum;
        g[(i + m / 2) % m] -= gain;
    }
}

const sal_op sal_op_loss_ntxent_back = { .name = "loss_ntxent_back",
                                         .n_in = 2,
                                         .shape = sal__loss_back_shape,
                                         .items = sal__items_first,
                                         .work = work,
                                         .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    gx[0] = sal__loss_back(t, &sal_op_loss_ntxent_back, y, gy);
}

const sal_op sal_op_loss_ntxent = { .name = "loss_ntxent",
                                    .n_in = 1,
                                    .shape = shape,
                                    .items = sal__items_first_in,
                                    .work = work,
                                    .partial = sal__loss_partial,
                                    .eval = eval,
                                    .finish = sal__loss_finish,
                                    .grad = grad };

sal_id sal_loss_ntxent(sal_tape *t, sal_id a, sal_id b, double tau)
{
    if (!(tau > 0)) {
        sal_tape_fail(t, "loss_ntxent: tau is %g and must be positive", tau);
        return SAL_NONE;
    }
    sal_id z = sal_l2_normalise(t, sal_concat(t, (sal_id[]){ a, b }, 2, 0), 1e-12);
    return sal__op1(t, &sal_op_loss_ntxent, sal_scale(t, sal_matmul(t, z, z, false, true), 1 / tau, 0));
}
