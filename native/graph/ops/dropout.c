/* dropout.c - y = x m / (1 - p), m = 0 with probability p (Srivastava et al. 2014).
 *
 * m is a hash of (seed, step, node, element): no state, the same for any number of threads and after a resume. The way back hashes
 * again with the forward node's id (attribute i[0]), so no mask is stored. One 64-bit hash serves four elements, 16 bits each;
 * therefore p is rounded to i[1] / 65536 and the scale uses the rounded p.
 */
#include "graph/op.h"

static sal_status shape(sal_tape *t, sal_node *n)
{
    if (n->i[1] < 0 || n->i[1] > 65535)
        return sal__shape_fail(t, n, "the probability %g is not in [0, 1)", n->i[1] / 65536.0);
    return sal__shape_like(t, n, 0);
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    const real *x = sal__in(r, n, 0), scale = (real)(65536.0 / (65536.0 - (double)n->i[1]));
    real *y = sal__out(r, n);
    uint64_t forward = n->i[0] >= 0 ? (uint64_t)n->i[0] : (uint64_t)n->id, drop = (uint64_t)n->i[1];
    uint64_t stream = sal_random_stream("dropout", r->step, forward), bits = 0;
    for (int64_t i = lo; i < hi; i++) {
        if (i == lo || (i & 3) == 0) bits = sal_random_bits(r->seed, stream, (uint64_t)i >> 2);
        y[i] = ((bits >> (16 * (i & 3))) & 65535) < drop ? 0 : x[i] * scale;
    }
}

extern const sal_op sal_op_dropout;

static double work(const sal_tape *t, const sal_node *n) { return 12; }

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    int64_t drop = sal__node(t, y)->i[1];
    gx[0] = sal__append(t, &sal_op_dropout, &gy, 1, (int64_t[]){ y, drop }, 2, NULL, 0);
}

const sal_op sal_op_dropout = { .name = "dropout",
                                .n_in = 1,
                                .flags = SAL_OP_INPLACE | SAL_OP_RANDOM,
                                .shape = shape,
                                .work = work,
                                .eval = eval,
                                .grad = grad };

sal_id sal_dropout(sal_tape *t, sal_id x, double p)
{
    if (!sal_tape_training(t) || p == 0) return x;
    int64_t drop = p > 0 && p < 1 ? (int64_t)(p * 65536 + 0.5) : p < 0 ? -1 : 65536;
    return sal__append(t, &sal_op_dropout, &x, 1, (int64_t[]){ -1, drop }, 2, NULL, 0);
}
