/* abs.c - y = |x|; y' = sign(x), 0 at 0. */
#include "graph/ops/unary.h"

SAL_UNARY(abs, SAL_OP_INPLACE | SAL_OP_KINK, 2, r_abs(x), SAL_SAVES_X, (v > 0 ? 1 : v < 0 ? -1 : 0))
