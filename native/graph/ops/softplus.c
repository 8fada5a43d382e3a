/* softplus.c - y = ln(1 + exp(x)) = max(x, 0) + ln(1 + exp(-|x|)), which cannot overflow; y' = sigmoid(x). */
#include "graph/ops/unary.h"

SAL_UNARY(softplus, SAL_OP_INPLACE, 30, r_max(x, 0) + r_log1p(r_exp(-r_abs(x))), SAL_SAVES_X, r_sigmoid(v))
