/* square.c - y = x^2; y' = 2 x. */
#include "graph/ops/unary.h"

SAL_UNARY(square, SAL_OP_INPLACE, 2, x *x, SAL_SAVES_X, 2 * v)
