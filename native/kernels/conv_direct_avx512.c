/* conv_direct_avx512.c - the direct convolution kernels for AVX-512: 32 registers of 16 lanes, or of 8 for narrow groups. */
#include "conv_direct.h"

#if defined(__x86_64__) && !defined(SAL_DOUBLE)

#include "conv_direct_x86.h"

#define TARGET __attribute__((target("avx512f,avx512vl,avx2,fma")))

#define NAME(x) x##_8
#define VEC     __m256
#define LANES   8
#define LOAD    _mm256_loadu_ps
#define STORE   _mm256_storeu_ps
#define SET     _mm256_set1_ps
#define FMA     _mm256_fmadd_ps
#define VECS    1
#define TILE    16
#define RUNS    1
#define AHEAD   8
#define ROWS5   5
#define ROWS3   3
#define GRAIN   8
#define TAPS    3
#include "conv_direct_kernels.inc"

#define NAME(x) x##_16
#define VEC     __m512
#define LANES   16
#define LOAD    _mm512_loadu_ps
#define STORE   _mm512_storeu_ps
#define SET     _mm512_set1_ps
#define FMA     _mm512_fmadd_ps
#define VECS    1
#define TILE    16
#define RUNS    0
#define AHEAD   8
#define ROWS5   5
#define ROWS3   3
#define GRAIN   8
#define TAPS    3
#include "conv_direct_kernels.inc"

const sal__direct_kernels *sal__direct_avx512(void)
{
    static const sal__direct_kernels kernels = { { correlate_8, correlate_16 }, { gradient_8, gradient_16 } };
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")
               ? &kernels
               : NULL;
}

#else

const sal__direct_kernels *sal__direct_avx512(void) { return NULL; }

#endif
