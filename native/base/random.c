/* random.c - random numbers as a hash of (seed, stream, index): Philox4x32-10, Salmon, Moraes, Dror, Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011, doi:10.1145/2063384.2063405. Key = seed, counter = (index, stream), low words first.
 *
 * Nothing is stored, so any element can be drawn by any thread in any order, and a resumed run draws the same numbers.
 */
#include "random.h"
#include <math.h>

void sal__philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2; /* multipliers of the paper */
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u; /* golden ratio */
        k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

static void draw(uint64_t seed, uint64_t stream, uint64_t index, uint64_t out[2])
{
    uint32_t counter[4] = { (uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32) };
    uint32_t key[2] = { (uint32_t)seed, (uint32_t)(seed >> 32) }, words[4];
    sal__philox(counter, key, words);
    out[0] = words[0] | (uint64_t)words[1] << 32;
    out[1] = words[2] | (uint64_t)words[3] << 32;
}

/* 52 bits and a half: with 53 the largest value would round to 1. */
static double unit(uint64_t bits) { return ((double)(bits >> 12) + 0.5) * 0x1p-52; }

uint64_t sal_random_bits(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t words[2];
    draw(seed, stream, index, words);
    return words[0];
}

double sal_random_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return unit(sal_random_bits(seed, stream, index));
}

double sal_random_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint64_t words[2];
    draw(seed, stream, index, words);
    return sqrt(-2 * log(unit(words[0]))) * cos(6.283185307179586476925 * unit(words[1]));
}

int64_t sal_random_below(uint64_t seed, uint64_t stream, uint64_t index, int64_t n)
{
    if (n <= 1) return 0;
    return (int64_t)(((unsigned __int128)sal_random_bits(seed, stream, index) * (uint64_t)n) >> 64);
}

void sal_random_shuffle(uint64_t seed, uint64_t stream, int64_t *values, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = sal_random_below(seed, stream, (uint64_t)i, i + 1);
        int64_t kept = values[i];
        values[i] = values[j];
        values[j] = kept;
    }
}

/* The finaliser of SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

uint64_t sal_random_stream(const char *name, uint64_t a, uint64_t b)
{
    uint64_t hash = 0xCBF29CE484222325u; /* FNV-1a */
    for (const char *c = name; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001B3u;
    return mix(mix(mix(hash) + 0x9E3779B97F4A7C15u + a) + 0x9E3779B97F4A7C15u + b);
}
