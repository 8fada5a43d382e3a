/* sqrt.c - y = sqrt(x) for x > 0; y' = 1 / (2 y). */
#include "graph/ops/unary.h"

SAL_UNARY(sqrt, SAL_OP_INPLACE, 6, r_sqrt(x), SAL_SAVES_Y, (real)0.5 / v)
