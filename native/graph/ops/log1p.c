/* log1p.c - y = ln(1 + x) for x > -1; y' = 1 / (1 + x). */
#include "graph/ops/unary.h"

SAL_UNARY_KERNEL(log1p, SAL_OP_INPLACE, 5, sal_math_log1p, SAL_SAVES_X, 1 / (1 + v))
