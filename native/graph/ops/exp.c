/* exp.c - y = exp(x); y' = y. */
#include "graph/ops/unary.h"

SAL_UNARY_KERNEL(exp, SAL_OP_INPLACE, 4, sal_math_exp, SAL_SAVES_Y, v)
