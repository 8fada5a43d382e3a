/* tanh.c - y = tanh(x); y' = 1 - y^2. */
#include "graph/ops/unary.h"

SAL_UNARY_KERNEL(tanh, SAL_OP_INPLACE, 5, sal_math_tanh, SAL_SAVES_Y, 1 - v * v)
