/* exp.c - y = exp(x); y' = y. */
#include "graph/ops/unary.h"

SAL_UNARY(exp, SAL_OP_INPLACE, 20, r_exp(x), SAL_SAVES_Y, v)
