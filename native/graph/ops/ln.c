/* ln.c - y = ln(x) for x > 0; y' = 1 / x. */
#include "graph/ops/unary.h"

SAL_UNARY(ln, SAL_OP_INPLACE, 20, r_log(x), SAL_SAVES_X, 1 / v)
