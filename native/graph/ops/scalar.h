/* scalar.h - the mathematical functions of one real, in the precision of the build. */
#ifndef SAL_GRAPH_OPS_SCALAR_H
#define SAL_GRAPH_OPS_SCALAR_H

#include "tensor/real.h"
#include <math.h>

#ifdef SAL_DOUBLE
#define r_exp   exp
#define r_log   log
#define r_log1p log1p
#define r_sqrt  sqrt
#define r_tanh  tanh
#define r_erf   erf
#define r_abs   fabs
#else
#define r_exp   expf
#define r_log   logf
#define r_log1p log1pf
#define r_sqrt  sqrtf
#define r_tanh  tanhf
#define r_erf   erff
#define r_abs   fabsf
#endif

static inline real r_max(real a, real b) { return a > b ? a : b; }
static inline real r_sigmoid(real x) { return 1 / (1 + r_exp(-x)); }

#endif
