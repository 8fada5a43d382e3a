/* sigmoid.c - y = 1 / (1 + exp(-x)); y' = y (1 - y). */
#include "graph/ops/unary.h"

SAL_UNARY(sigmoid, SAL_OP_INPLACE, 20, r_sigmoid(x), SAL_SAVES_Y, v * (1 - v))
