/* gemm_plain.c - C = alpha op(A) op(B) + beta C in plain C: blocks of op(A) and op(B) are copied to the stack, untransposed, and
 * four rows of C are updated at a time by vectorisable loops. It is the whole of the double build and a reference for the
 * float build. Every element of C sums its k products in order of k, whatever the block sizes. */
#include "gemm_small.h"

enum { BLOCK_M = 32, BLOCK_K = 64, BLOCK_N = 64 };

static void copy_block(bool transposed, const real *source, int64_t ld, int64_t rows, int64_t cols, real scale,
                       real *block, int64_t block_ld)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            block[i * block_ld + j] = scale * (transposed ? source[j * ld + i] : source[i * ld + j]);
}

/* c (rows, cols) += a (rows, depth) b (depth, cols); cols is padded to BLOCK_N in b and sum. */
static void multiply_block(int64_t rows, int64_t cols, int64_t depth, const real *a, const real *b, real *c,
                           int64_t ldc)
{
    for (int64_t i = 0; i < rows; i += 4) {
        real sum[4][BLOCK_N];
        int64_t height = rows - i < 4 ? rows - i : 4;
        for (int64_t r = 0; r < 4; r++)
            for (int64_t j = 0; j < BLOCK_N; j++) sum[r][j] = r < height && j < cols ? c[(i + r) * ldc + j] : 0;
        for (int64_t p = 0; p < depth; p++) {
            const real *row = b + p * BLOCK_N;
            real a0 = a[i * BLOCK_K + p], a1 = a[(i + 1) * BLOCK_K + p];
            real a2 = a[(i + 2) * BLOCK_K + p], a3 = a[(i + 3) * BLOCK_K + p];
            for (int64_t j = 0; j < BLOCK_N; j++) {
                sum[0][j] += a0 * row[j];
                sum[1][j] += a1 * row[j];
                sum[2][j] += a2 * row[j];
                sum[3][j] += a3 * row[j];
            }
        }
        for (int64_t r = 0; r < height; r++)
            for (int64_t j = 0; j < cols; j++) c[(i + r) * ldc + j] = sum[r][j];
    }
}

void sal__gemm_plain(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, real alpha, const real *a,
                     int64_t lda, const real *b, int64_t ldb, real beta, real *c, int64_t ldc)
{
    real block_a[(BLOCK_M + 4) * BLOCK_K] = { 0 }; /* four spare rows are read, never used */
    real block_b[BLOCK_K * BLOCK_N] = { 0 };
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
    for (int64_t j = 0; j < n; j += BLOCK_N) {
        int64_t cols = n - j < BLOCK_N ? n - j : BLOCK_N;
        for (int64_t p = 0; p < k; p += BLOCK_K) {
            int64_t depth = k - p < BLOCK_K ? k - p : BLOCK_K;
            copy_block(transpose_b, transpose_b ? b + j * ldb + p : b + p * ldb + j, ldb, depth, cols, 1, block_b,
                       BLOCK_N);
            for (int64_t i = 0; i < m; i += BLOCK_M) {
                int64_t rows = m - i < BLOCK_M ? m - i : BLOCK_M;
                copy_block(transpose_a, transpose_a ? a + p * lda + i : a + i * lda + p, lda, rows, depth, alpha,
                           block_a, BLOCK_K);
                multiply_block(rows, cols, depth, block_a, block_b, c + i * ldc + j, ldc);
            }
        }
    }
}
