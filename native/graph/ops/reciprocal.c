/* reciprocal.c - y = 1 / x; y' = -y^2. */
#include "graph/ops/unary.h"

SAL_UNARY(reciprocal, SAL_OP_INPLACE, 6, 1 / x, SAL_SAVES_Y, -v *v)
