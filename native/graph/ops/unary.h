/* unary.h - an op y = f(x), element by element, from two expressions.
 *
 * SAL_UNARY(sigmoid, flags, r_sigmoid(x), SAL_SAVES_Y, v * (1 - v)) defines sal_op_sigmoid, sal_op_sigmoid_back and sal_sigmoid. The
 * first expression sees x; the second is f' and sees v, which is x or y, whichever the rule needs kept for the way back.
 */
#ifndef SAL_GRAPH_OPS_UNARY_H
#define SAL_GRAPH_OPS_UNARY_H

#include "graph/op.h"
#include "graph/ops/scalar.h"

#define SAL_SAVES_X(t, y) sal__node(t, y)->in[0]
#define SAL_SAVES_Y(t, y) (y)

static inline sal_status sal__unary_shape(sal_tape *t, sal_node *n) { return sal__shape_like(t, n, 0); }

static inline sal_status sal__unary_back_shape(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1))) return sal__shape_fail(t, n, "gradient and value differ in shape");
    return sal__shape_like(t, n, 0);
}

#define SAL_UNARY(NAME, FLAGS, WORK, VALUE, SAVES, SLOPE)                                                              \
    static void NAME##_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)                              \
    {                                                                                                                  \
        const real *in = sal__in(r, n, 0);                                                                            \
        real *out = sal__out(r, n);                                                                                   \
        for (int64_t i = lo; i < hi; i++) {                                                                           \
            real x = in[i];                                                                                           \
            out[i] = (VALUE);                                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    static void NAME##_eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)                         \
    {                                                                                                                  \
        const real *gy = sal__in(r, n, 0), *saved = sal__in(r, n, 1);                                                 \
        real *gx = sal__out(r, n);                                                                                    \
        for (int64_t i = lo; i < hi; i++) {                                                                           \
            real v = saved[i];                                                                                        \
            gx[i] = gy[i] * (SLOPE);                                                                                  \
        }                                                                                                              \
    }                                                                                                                  \
    static double NAME##_work(const sal_tape *t, const sal_node *n) { return (WORK); }                                \
    const sal_op sal_op_##NAME##_back = { .name = #NAME "_back", .n_in = 2, .flags = SAL_OP_INPLACE,                   \
                                          .shape = sal__unary_back_shape, .work = NAME##_work,                        \
                                          .eval = NAME##_eval_back };                                                 \
    static void NAME##_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])                                            \
    {                                                                                                                  \
        gx[0] = sal__op2(t, &sal_op_##NAME##_back, gy, SAVES(t, y));                                                  \
    }                                                                                                                  \
    const sal_op sal_op_##NAME = { .name = #NAME, .n_in = 1, .flags = (FLAGS), .shape = sal__unary_shape,              \
                                   .work = NAME##_work, .eval = NAME##_eval, .grad = NAME##_grad };                   \
    sal_id sal_##NAME(sal_tape *t, sal_id x) { return sal__op1(t, &sal_op_##NAME, x); }

#endif
