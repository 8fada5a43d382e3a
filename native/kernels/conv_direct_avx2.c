/* conv_direct_avx2.c - the direct convolution kernels for AVX2 with FMA: 16 registers of 8 lanes. */
#include "conv_direct.h"

#if defined(__x86_64__) && !defined(SAL_DOUBLE)

#include "conv_direct_x86.h"

#define TARGET __attribute__((target("avx2,fma")))

#define NAME(x) x##_8
#define VEC     __m256
#define LANES   8
#define LOAD    _mm256_loadu_ps
#define STORE   _mm256_storeu_ps
#define SET     _mm256_set1_ps
#define SPREAD  SET
#define WEIGHTS LOAD
#define GROUPS  1
#define FMA     _mm256_fmadd_ps
#define VECS    1
#define TILE    12
#define RUNS    0
#define AHEAD   1
#define ROWS5   2
#define ROWS3   3
#define GRAIN   8
#define TAPS    1
#include "conv_direct_kernels.inc"

#define NAME(x) x##_16
#define VEC     __m256
#define LANES   8
#define LOAD    _mm256_loadu_ps
#define STORE   _mm256_storeu_ps
#define SET     _mm256_set1_ps
#define SPREAD  SET
#define WEIGHTS LOAD
#define GROUPS  1
#define FMA     _mm256_fmadd_ps
#define VECS    2
#define TILE    6
#define RUNS    0
#define AHEAD   1
#define ROWS5   1
#define ROWS3   2
#define GRAIN   4
#define TAPS    1
#include "conv_direct_kernels.inc"

const sal__direct_kernels *sal__direct_avx2(void)
{
    static const sal__direct_kernels kernels = { { correlate_8, correlate_16, NULL }, { gradient_8, gradient_16, NULL } };
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &kernels : NULL;
}

#else

const sal__direct_kernels *sal__direct_avx2(void) { return NULL; }

#endif
