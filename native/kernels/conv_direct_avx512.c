/* conv_direct_avx512.c - the direct convolution kernels for AVX-512: 32 registers of 16 lanes, or of 8 for a narrow group alone. */
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
#define SPREAD  SET
#define WEIGHTS LOAD
#define GROUPS  1
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
#define SPREAD  SET
#define WEIGHTS LOAD
#define GROUPS  1
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

/* Two groups of 8 channels alternate in the lanes: one load then spreads the value of each group to its lanes. */
typedef double pair_of_reals __attribute__((aligned(4), may_alias));

static inline __attribute__((always_inline)) TARGET __m512 alternate(__m512 channels)
{
    return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15), channels);
}

static inline __attribute__((always_inline)) TARGET __m512 in_order(__m512 lanes)
{
    return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15), lanes);
}

#define NAME(x)     x##_8_8
#define VEC         __m512
#define LANES       16
#define LOAD(p)     alternate(_mm512_loadu_ps(p))
#define STORE(p, v) _mm512_storeu_ps(p, in_order(v))
#define SET         _mm512_set1_ps
#define SPREAD(x)   _mm512_castpd_ps(_mm512_set1_pd(*(const pair_of_reals *)&(x)))
#define WEIGHTS     _mm512_loadu_ps
#define GROUPS      2
#define FMA         _mm512_fmadd_ps
#define VECS        1
#define TILE        16
#define RUNS        1
#define AHEAD       8
#define ROWS5       5
#define ROWS3       3
#define GRAIN       8
#define TAPS        3
#include "conv_direct_kernels.inc"

const sal__direct_kernels *sal__direct_avx512(void)
{
    static const sal__direct_kernels kernels = { { correlate_8, correlate_16, correlate_8_8 }, { gradient_8, gradient_16, gradient_8_8 } };
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")
               ? &kernels
               : NULL;
}

#else

const sal__direct_kernels *sal__direct_avx512(void) { return NULL; }

#endif
