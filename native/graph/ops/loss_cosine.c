/* loss_cosine.c - l_i = 1 - a_i . b_i / max(|a_i| |b_i|, 1e-8), averaged over samples with their weights (PyTorch's epsilon).
 *
 * d l / d a = (cos a / |a| - b / |b|) / |a|; the way back has a flag i[0] that says which side it is for.
 */
#include "graph/ops/loss.h"

static const double smallest = 1e-8;

static sal_status shape(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)))
        return sal__shape_fail(t, n, "the two sides differ in shape");
    return sal__loss_shape(t, n, 2);
}

/* a.b, |a|^2 and |b|^2. */
static void products(const real *a, const real *b, int64_t d, double out[3])
{
    out[0] = out[1] = out[2] = 0;
    for (int64_t k = 0; k < d; k++) {
        out[0] += (double)a[k] * (double)b[k];
        out[1] += (double)a[k] * (double)a[k];
        out[2] += (double)b[k] * (double)b[k];
    }
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t d = sal__in_node(r, n, 0)->count / sal__in_node(r, n, 0)->shape.dim[0];
    double sum = 0, weights = 0, p[3];
    for (int64_t i = lo; i < hi; i++) {
        double w = (double)sal__loss_weight(r, n, 2, i);
        products(sal__in(r, n, 0) + i * d, sal__in(r, n, 1) + i * d, d, p);
        sum += w * (1 - p[0] / fmax(sqrt(p[1] * p[2]), smallest));
        weights += w;
    }
    sal__partial(r, n)[0] = (real)sum;
    sal__partial(r, n)[1] = (real)weights;
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t samples = n->shape.dim[0], d = n->count / samples;
    double gain = (double)sal__loss_gain(r, n, 3, samples), p[3];
    for (int64_t i = lo; i < hi; i++) {
        const real *a = sal__in(r, n, n->i[0] ? 2 : 1) + i * d, *b = sal__in(r, n, n->i[0] ? 1 : 2) + i * d;
        real *g = sal__out(r, n) + i * d;
        products(a, b, d, p);
        double norm = sqrt(p[1] * p[2]), w = gain * (double)sal__loss_weight(r, n, 3, i);
        double along_b = -w / fmax(norm, smallest), along_a = norm > smallest ? w * p[0] / (norm * p[1]) : 0;
        for (int64_t k = 0; k < d; k++) g[k] = (real)(along_a * (double)a[k] + along_b * (double)b[k]);
    }
}

const sal_op sal_op_loss_cosine_back = { .name = "loss_cosine_back",
                                         .n_in = -1,
                                         .shape = sal__loss_back_shape,
                                         .items = sal__items_first,
                                         .work = sal__loss_work,
                                         .eval = eval_back };

static sal_id back(sal_tape *t, sal_id y, sal_id gy, int64_t side)
{
    const sal_node n = *sal__node(t, y);
    sal_id in[4] = { gy, n.in[0], n.in[1], n.in[2] };
    return sal__append(t, &sal_op_loss_cosine_back, in, n.inputs + 1, &side, 1, NULL, 0);
}

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    sal_id a = sal__node(t, y)->in[0], b = sal__node(t, y)->in[1];
    if (sal__wants(t, a)) gx[0] = back(t, y, gy, 0);
    if (sal__wants(t, b)) gx[1] = back(t, y, gy, 1);
}

const sal_op sal_op_loss_cosine = { .name = "loss_cosine",
                                    .n_in = -1,
                                    .shape = shape,
                                    .items = sal__items_first_in,
                                    .work = sal__loss_work,
                                    .partial = sal__loss_partial,
                                    .eval = eval,
                                    .finish = sal__loss_finish,
                                    .grad = grad };

sal_id sal_loss_cosine(sal_tape *t, sal_id a, sal_id b, sal_id weights)
{
    return sal__loss_append(t, &sal_op_loss_cosine, a, b, weights, NULL, 0);
}
