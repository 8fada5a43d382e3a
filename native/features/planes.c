/* planes.c - turning bands to planes and back, blocks of four pixels by four bands in registers; a value at a time this takes
 * four times as long as all indices.
 */
#include "features/planes.h"

#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

typedef float four __attribute__((vector_size(16)));
typedef int32_t pick __attribute__((vector_size(16)));

#if defined(__clang__)
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, (pick){ i, j, k, l })
#endif

/* out(j, i) = in(i, j) of 4 x 4 values, rows `step` and `stride` apart. */
static inline void turn_block(const float *in, int64_t step, float *out, int64_t stride)
{
    four r[4], a[4];
    for (int i = 0; i < 4; i++) memcpy(&r[i], in + i * step, sizeof r[i]);
    a[0] = SHUFFLE(r[0], r[1], 0, 4, 1, 5);
    a[1] = SHUFFLE(r[0], r[1], 2, 6, 3, 7);
    a[2] = SHUFFLE(r[2], r[3], 0, 4, 1, 5);
    a[3] = SHUFFLE(r[2], r[3], 2, 6, 3, 7);
    r[0] = SHUFFLE(a[0], a[2], 0, 1, 4, 5);
    r[1] = SHUFFLE(a[0], a[2], 2, 3, 6, 7);
    r[2] = SHUFFLE(a[1], a[3], 0, 1, 4, 5);
    r[3] = SHUFFLE(a[1], a[3], 2, 3, 6, 7);
    for (int i = 0; i < 4; i++) memcpy(out + i * stride, &r[i], sizeof r[i]);
}

void sal__interleave(const float *planes, int64_t step, int64_t n, int64_t m, float *out, int64_t stride)
{
    const int64_t n4 = n & ~(int64_t)3, m4 = m & ~(int64_t)3;
    for (int64_t i = 0; i < m4; i += 4) {
        for (int64_t k = 0; k < n4; k += 4) turn_block(planes + k * step + i, step, out + i * stride + k, stride);
        for (int64_t k = n4; k < n; k++)
            for (int64_t j = i; j < i + 4; j++) out[j * stride + k] = planes[k * step + j];
    }
    for (int64_t i = m4; i < m; i++)
        for (int64_t k = 0; k < n; k++) out[i * stride + k] = planes[k * step + i];
}

void sal__deinterleave(const float *in, int64_t stride, int64_t n, int64_t m, float *planes, int64_t step)
{
    const int64_t n4 = n & ~(int64_t)3, m4 = m & ~(int64_t)3;
    for (int64_t i = 0; i < m4; i += 4) {
        for (int64_t k = 0; k < n4; k += 4) turn_block(in + i * stride + k, stride, planes + k * step + i, step);
        for (int64_t k = n4; k < n; k++)
            for (int64_t j = i; j < i + 4; j++) planes[k * step + j] = in[j * stride + k];
    }
    for (int64_t i = m4; i < m; i++)
        for (int64_t k = 0; k < n; k++) planes[k * step + i] = in[i * stride + k];
}

#if defined(__SSE2__)
void sal__stream(const float *from, int64_t n, float *to)
{
    int64_t i = 0;
    for (; i < n && (uintptr_t)(to + i) % 16; i++) to[i] = from[i];
    for (; i + 4 <= n; i += 4) _mm_stream_ps(to + i, _mm_loadu_ps(from + i));
    for (; i < n; i++) to[i] = from[i];
}

void sal__stream_end(void) { _mm_sfence(); }
#else
void sal__stream(const float *from, int64_t n, float *to) { memcpy(to, from, sizeof *to * (size_t)n); }

void sal__stream_end(void) {}
#endif
