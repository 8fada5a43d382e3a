/* softplus.c - y = ln(1 + exp(x)) = max(x, 0) + ln(1 + exp(-|x|)), which cannot overflow; y' = sigmoid(x). */
#include "graph/ops/unary.h"

SAL_UNARY_KERNEL(softplus, SAL_OP_INPLACE, 10, sal_math_softplus, SAL_SAVES_X, r_sigmoid(v))
