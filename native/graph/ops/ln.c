/* ln.c - y = ln(x) for x > 0; y' = 1 / x. */
#include "graph/ops/unary.h"

SAL_UNARY_KERNEL(ln, SAL_OP_INPLACE, 4, sal_math_log, SAL_SAVES_X, 1 / v)
