/* sigmoid.c - y = 1 / (1 + exp(-x)); y' = y (1 - y). */
#include "graph/ops/unary.h"

SAL_UNARY_KERNEL(sigmoid, SAL_OP_INPLACE, 5, sal_math_sigmoid, SAL_SAVES_Y, v *(1 - v))
