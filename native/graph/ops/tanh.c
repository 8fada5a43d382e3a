/* tanh.c - y = tanh(x); y' = 1 - y^2. */
#include "graph/ops/unary.h"

SAL_UNARY(tanh, SAL_OP_INPLACE, 20, r_tanh(x), SAL_SAVES_Y, 1 - v * v)
