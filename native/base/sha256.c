/* sha256.c - SHA-256, FIPS 180-4, of memory and of files. Inputs and models are named by it in reports and model metadata.
 * A gigabyte of stacks is hashed with every training, so the SHA extensions of x86 are used where the processor has them. */
#define _POSIX_C_SOURCE 200809L
#include "base.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

typedef struct hash {
    uint32_t h[8];
    uint8_t block[64];
    size_t filled;
    uint64_t bytes;
} hash;

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
static const uint32_t K[64] = { 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
                                0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
                                0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
                                0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
                                0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
                                0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
                                0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
                                0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
                                0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
                                0xc67178f2 };

static inline uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void compress_plain(uint32_t h[8], const uint8_t *block, size_t blocks)
{
    for (; blocks; blocks--, block += 64) {
        uint32_t w[64], v[8];
        for (int t = 0; t < 16; t++)
            w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 |
                   block[4 * t + 3];
        for (int t = 16; t < 64; t++) {
            uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
            uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
            w[t] = s1 + w[t - 7] + s0 + w[t - 16];
        }
        memcpy(v, h, sizeof v);
#define AT(i) v[((i)-turn) & 7] /* the eight variables turn instead of moving */
        for (int t = 0; t < 64; t += 8) {
#pragma GCC unroll 8
            for (int turn = 0; turn < 8; turn++) {
                uint32_t a = AT(0), b = AT(1), c = AT(2), e = AT(4), f = AT(5), g = AT(6);
                uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25),
                         s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
                uint32_t t1 = AT(7) + s1 + ((e & f) ^ (~e & g)) + K[t + turn] + w[t + turn];
                AT(3) += t1;
                AT(7) = t1 + s0 + ((a & b) ^ (a & c) ^ (b & c));
            }
        }
#undef AT
        for (int i = 0; i < 8; i++) h[i] += v[i];
    }
}

#if defined(__x86_64__)
/* The same with the SHA extensions of x86, four rounds at a time; the processor keeps the variables as ABEF and CDGH. */
__attribute__((target("sha,sse4.1,ssse3"))) static void compress_x86(uint32_t h[8], const uint8_t *block, size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i *state = (__m128i *)(void *)h, *k = (__m128i *)(uintptr_t)(const void *)K;
    __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(state), 0xb1),
            hgfe = _mm_shuffle_epi32(_mm_loadu_si128(state + 1), 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, cdab, 0xf0);
    for (; blocks; blocks--, block += 64) {
        __m128i m[4], abef_before = abef, cdgh_before = cdgh;
        for (int i = 0; i < 4; i++)
            m[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)block + i), swap);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            __m128i w = _mm_add_epi32(m[i & 3], _mm_loadu_si128(k + i));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, w);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(w, 0x0e));
            __m128i last = m[(i + 3) & 3], sum = _mm_sha256msg1_epu32(m[i & 3], m[(i + 1) & 3]);
            m[i & 3] = _mm_sha256msg2_epu32(_mm_add_epi32(sum, _mm_alignr_epi8(last, m[(i + 2) & 3], 4)), last);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(state + 1, _mm_alignr_epi8(dchg, feba, 8));
}

static bool has_extensions(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1u << 29);
}
#endif

static void (*compress)(uint32_t h[8], const uint8_t *block, size_t blocks) = compress_plain;

bool sal__sha256_use_extensions(bool wanted)
{
    compress = compress_plain;
#if defined(__x86_64__)
    if (wanted && has_extensions()) compress = compress_x86;
#endif
    return compress != compress_plain;
}

__attribute__((constructor)) static void choose(void) { sal__sha256_use_extensions(true); }

static void start(hash *s)
{
    static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    memset(s, 0, sizeof *s);
    memcpy(s->h, initial, sizeof initial);
}

static void feed(hash *s, const uint8_t *bytes, size_t n)
{
    s->bytes += n;
    while (n) {
        if (s->filled == 0 && n >= 64) {
            compress(s->h, bytes, n / 64);
            bytes += n / 64 * 64, n %= 64;
            continue;
        }
        size_t take = 64 - s->filled < n ? 64 - s->filled : n;
        memcpy(s->block + s->filled, bytes, take);
        s->filled += take, bytes += take, n -= take;
        if (s->filled == 64) {
            compress(s->h, s->block, 1);
            s->filled = 0;
        }
    }
}

static void finish(hash *s, char out[65])
{
    uint64_t bits = s->bytes * 8;
    const uint8_t one = 0x80, zero = 0;
    feed(s, &one, 1);
    while (s->filled != 56) feed(s, &zero, 1);
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)(bits >> (56 - 8 * i));
    feed(s, length, 8);
    for (int i = 0; i < 8; i++) snprintf(out + 8 * i, 9, "%08x", (unsigned)s->h[i]);
}

void sal_sha256(const void *bytes, int64_t length, char out[65])
{
    hash s;
    start(&s);
    feed(&s, bytes, length > 0 ? (size_t)length : 0);
    finish(&s, out);
}

sal_status sal_file_sha256(sal_context *ctx, const char *path, char out[65])
{
    enum { PIECE = 1 << 18 };
    sal_status status = SAL_STATUS_OK;
    uint8_t *piece = NULL;
    out[0] = '\0';
    FILE *file = fopen(path, "rb");
    if (!file) return sal_fail(ctx, SAL_STATUS_IO, "cannot read \"%s\": %s", path, strerror(errno));
    SAL_TRY(sal_allocate(ctx, PIECE, 1, &piece));
    hash s;
    struct stat about;
    double size = fstat(fileno(file), &about) == 0 && about.st_size > 0 ? (double)about.st_size : INFINITY;
    start(&s);
    for (size_t n; (n = fread(piece, 1, PIECE, file)) > 0;) {
        feed(&s, piece, n);
        SAL_TRY(sal_progress(ctx, (double)s.bytes / size, NULL));
    }
    if (ferror(file)) SAL_TRY(sal_fail(ctx, SAL_STATUS_IO, "cannot read \"%s\": %s", path, strerror(errno)));
    finish(&s, out);
done:
    sal_release(ctx, piece);
    fclose(file);
    return status;
}
