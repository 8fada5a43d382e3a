/* conv_direct_x86.h - what the two instruction sets share (private to kernels). */
#ifndef SAL_KERNELS_CONV_DIRECT_X86_H
#define SAL_KERNELS_CONV_DIRECT_X86_H

#include "conv_direct.h"

#include <immintrin.h>

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif
/* Keeps the compiler from deriving this pointer from its neighbour, which would cost an addition per use. */
#define OPAQUE(pointer) __asm__("" : "+r"(pointer))

#endif
