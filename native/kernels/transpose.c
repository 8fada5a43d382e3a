/* transpose.c - see transpose.h. Blocks of 8 x 8 or 4 x 4 go through registers; the last blocks of a matrix begin earlier, so that they are whole. */
#include "transpose.h"

#include "tensor/simd.h"

#define INLINE static inline __attribute__((always_inline))

typedef real four __attribute__((vector_size(4 * sizeof(real)), aligned(sizeof(real)), may_alias));
typedef real eight __attribute__((vector_size(8 * sizeof(real)), aligned(sizeof(real)), may_alias));

/* Rows r and r + 4 side by side, four columns of each. */
INLINE void pair(eight *to, const real *from, int64_t stride)
{
    const four *low = (const four *)from, *high = (const four *)(from + 4 * stride);
    *to = __builtin_shufflevector(*low, *high, 0, 1, 2, 3, 4, 5, 6, 7);
}

/* Four columns of 8 rows: both halves are transposed on their own. */
INLINE void four_columns(const real *from, int64_t from_stride, real *to, int64_t to_stride)
{
    eight a, b, c, d;
    pair(&a, from, from_stride);
    pair(&b, from + from_stride, from_stride);
    pair(&c, from + 2 * from_stride, from_stride);
    pair(&d, from + 3 * from_stride, from_stride);
    eight ab_low = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13), ab_high = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
    eight cd_low = __builtin_shufflevector(c, d, 0, 8, 1, 9, 4, 12, 5, 13), cd_high = __builtin_shufflevector(c, d, 2, 10, 3, 11, 6, 14, 7, 15);
    *(eight *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 8, 9, 4, 5, 12, 13);
    *(eight *)(to + to_stride) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 10, 11, 6, 7, 14, 15);
    *(eight *)(to + 2 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 8, 9, 4, 5, 12, 13);
    *(eight *)(to + 3 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 10, 11, 6, 7, 14, 15);
}

INLINE void block_8(const real *from, int64_t from_stride, real *to, int64_t to_stride)
{
    four_columns(from, from_stride, to, to_stride);
    four_columns(from + 4, from_stride, to + 4 * to_stride, to_stride);
}

INLINE void block_4(const real *from, int64_t from_stride, real *to, int64_t to_stride)
{
    four a = *(const four *)from, b = *(const four *)(from + from_stride), c = *(const four *)(from + 2 * from_stride), d = *(const four *)(from + 3 * from_stride);
    four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(four *)to = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    *(four *)(to + to_stride) = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    *(four *)(to + 2 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(four *)(to + 3 * to_stride) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

INLINE void blocks(const sal_transposition *t, const real *from, real *to, const int size)
{
    for (int64_t i = 0; i < t->rows; i += size) {
        int64_t r = i + size <= t->rows ? i : t->rows - size;
        for (int64_t j = 0; j < t->columns; j += size) {
            int64_t c = j + size <= t->columns ? j : t->columns - size;
            if (size == 8) block_8(from + r * t->from_stride + c, t->from_stride, to + c * t->to_stride + r, t->to_stride);
            else block_4(from + r * t->from_stride + c, t->from_stride, to + c * t->to_stride + r, t->to_stride);
        }
    }
}

INLINE void elements(const sal_transposition *t, const real *from, real *to)
{
    for (int64_t c = 0; c < t->columns; c++) {
        for (int64_t r = 0; r < t->rows; r++) to[c * t->to_stride + r] = from[r * t->from_stride + c];
    }
}

SAL_CLONES static void transpose(const sal_transposition *t, const real *from, real *to)
{
    int64_t thin = t->rows < t->columns ? t->rows : t->columns;
    for (int64_t i = 0; i < t->count; i++, from += t->from_step, to += t->to_step) {
        if (thin >= 8) blocks(t, from, to, 8);
        else if (thin >= 4) blocks(t, from, to, 4);
        else elements(t, from, to);
    }
}

void sal_transpose_planes(const sal_transposition *t, const real *from, real *to) { transpose(t, from, to); }
