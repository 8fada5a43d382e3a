/* noise.h - cheap counter-based noise for the sensor, in a form the compiler turns into vector code.
 *
 * sal__mix32 is the finaliser "lowbias32" of C. Wellons' hash-prospector search (public domain): 32 bits in, 32 well-mixed bits out.
 * sal__noise_normal adds four 16-bit uniforms (Irwin-Hall): unit variance, but the tails end at 3.5. Good for pixel noise;
 * whatever shapes the truth uses sal_random_normal of base.
 */
#ifndef SAL_SIMULATE_NOISE_H
#define SAL_SIMULATE_NOISE_H

#include "base/base.h"

/* Same results with and without AVX2, because the build contracts no multiply-add. TSan cannot start with ifuncs. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define SAL__CLONES __attribute__((target_clones("avx2", "default")))
#else
#define SAL__CLONES
#endif

static inline uint32_t sal__mix32(uint32_t x)
{
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

static inline uint32_t sal__noise_key(uint64_t seed, const char *name, uint64_t a, uint64_t b)
{
    return (uint32_t)sal_random_bits(seed, sal_random_stream(name, a, b), 0);
}

static inline float sal__noise_uniform(uint32_t key, uint32_t index)
{
    return ((float)(sal__mix32(key ^ index * 0x9E3779B9u) >> 8) + 0.5f) * 0x1p-24f;
}

static inline float sal__noise_normal(uint32_t key, uint32_t index)
{
    uint32_t a = sal__mix32(key ^ index * 0x9E3779B9u), b = sal__mix32(a + 0x85EBCA6Bu);
    int32_t sum = (int32_t)((a & 0xffffu) + (a >> 16) + (b & 0xffffu) + (b >> 16));
    return ((float)sum - 131070.0f) * (1.0f / 37836.7f); /* 4 * 65535 / 2 and 65535 * sqrt(4 / 12) */
}

#endif
