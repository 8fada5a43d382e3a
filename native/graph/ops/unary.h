/* unary.h - an op y = f(x), element by element, from two expressions or kernels.
 *
 * SAL_UNARY(square, flags, 2, x * x, SAL_SAVES_X, 2 * v) defines sal_op_square, sal_op_square_back and sal_square. The first expression
 * sees x; the second is f' and sees v, which is x or y, whichever the rule needs kept for the way back. SAL_UNARY_KERNEL takes a
 * function (count, x, y) of kernels/vector_math.h for the first.
 */
#ifndef SAL_GRAPH_OPS_UNARY_H
#define SAL_GRAPH_OPS_UNARY_H

#include "graph/op.h"
#include "graph/ops/scalar.h"
#include "kernels/vector_math.h"

#define SAL_SAVES_X(t, y) sal__node(t, y)->in[0]
#define SAL_SAVES_Y(t, y) (y)

static inline sal_status sal__unary_shape(sal_tape *t, sal_node *n) { return sal__shape_like(t, n, 0); }

static inline sal_status sal__unary_back_shape(sal_tape *t, sal_node *n)
{
    if (!sal_shape_equal(sal__shape_in(t, n, 0), sal__shape_in(t, n, 1)))
        return sal__shape_fail(t, n, "gradient and value differ in shape");
    return sal__shape_like(t, n, 0);
}

#define SAL_UNARY(NAME, FLAGS, WORK, VALUE, SAVES, SLOPE)                                                              \
    static void NAME##_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)                               \
    {                                                                                                                  \
        const real *in = sal__in(r, n, 0);                                                                             \
        real *out = sal__out(r, n);                                                                                    \
        for (int64_t i = lo; i < hi; i++) {                                                                            \
            real x = in[i];                                                                                            \
            out[i] = (VALUE);                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    SAL_UNARY_BACK(NAME, WORK, SLOPE)                                                                                  \
    SAL_UNARY_OP(NAME, FLAGS, WORK, SAVES)

#define SAL_UNARY_KERNEL(NAME, FLAGS, WORK, KERNEL, SAVES, SLOPE)                                                      \
    static void NAME##_eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)                               \
    {                                                                                                                  \
        KERNEL(hi - lo, sal__in(r, n, 0) + lo, sal__out(r, n) + lo);                                                   \
    }                                                                                                                  \
    SAL_UNARY_BACK(NAME, WORK, SLOPE)                                                                                  \
    SAL_UNARY_OP(NAME, FLAGS, WORK, SAVES)

#define SAL_UNARY_BACK(NAME, WORK, SLOPE)                                                                              \
    static void NAME##_eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)                          \
    {                                                                                                                  \
        const real *gy = sal__in(r, n, 0), *saved = sal__in(r, n, 1);                                                  \
        real *gx = sal__out(r, n);                                                                                     \
        for (int64_t i = lo; i < hi; i++) {                                                                            \
            real v = saved[i];                                                                                         \
            gx[i] = gy[i] * (SLOPE);                                                                                   \
        }                                                                                                              \
    }

/* The two descriptors and the builder from NAME_eval and NAME_eval_back. */
#define SAL_UNARY_OP(NAME, FLAGS, WORK, SAVES)                                                                         \
    static double NAME##_work(const sal_tape *t, const sal_node *n) { return (WORK); }                                 \
    const sal_op sal_op_##NAME##_back = { .name = #NAME "_back",                                                       \
                                          .n_in = 2,                                                                   \
                                          .flags = SAL_OP_INPLACE,                                                     \
                                          .shape = sal__unary_back_shape,                                              \
                                          .work = NAME##_work,                                                         \
                                          .eval = NAME##_eval_back };                                                  \
    static void NAME##_grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])                                             \
    {                                                                                                                  \
        gx[0] = sal__op2(t, &sal_op_##NAME##_back, gy, SAVES(t, y));                                                   \
    }                                                                                                                  \
    const sal_op sal_op_##NAME = { .name = #NAME,                                                                      \
                                   .n_in = 1,                                                                          \
                                   .flags = (FLAGS),                                                                   \
                                   .shape = sal__unary_shape,                                                          \
                                   .work = NAME##_work,                                                                \
                                   .eval = NAME##_eval,                                                                \
                                   .grad = NAME##_grad };                                                              \
    sal_id sal_##NAME(sal_tape *t, sal_id x) { return sal__op1(t, &sal_op_##NAME, x); }

#endif
