/* lanes_private.h - what the files of lanes.h share (private to kernels). */
#ifndef SAL_KERNELS_LANES_PRIVATE_H
#define SAL_KERNELS_LANES_PRIVATE_H

#include "lanes.h"
#include "tensor/simd.h"

#define INLINE static inline __attribute__((always_inline))

/* Before a loop of constant length over sums that must stay in registers: gcc keeps such a loop, and its sums on the stack, when it seems long. */
#ifdef __clang__
#define SAL_UNROLL _Pragma("unroll")
#else
#define SAL_UNROLL _Pragma("GCC unroll 16")
#endif

/* Whether a tile of 24 sums of 64 bytes fits the registers. */
static inline bool sal__has_32_registers(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") != 0;
#else
    return true; /* AArch64 and others: 32 registers of 16 bytes, the compiler's best */
#endif
}

#endif
