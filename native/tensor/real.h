/* real.h - the number type of the engine: float, or double in the builds that check gradients. */
#ifndef SAL_TENSOR_REAL_H
#define SAL_TENSOR_REAL_H

#ifdef SAL_DOUBLE
typedef double real;
#define SAL_REAL_EPSILON 2.220446049250313e-16
#else
typedef float real;
#define SAL_REAL_EPSILON 1.1920929e-7
#endif

#endif
