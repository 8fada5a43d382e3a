/* window.c - the dihedral group of the square: two mirrors and a transposition, applied in that order.
 * out[r][c] = mirrored[c][r] when transposed, so the inverse of a transposed symmetry exchanges its two mirrors.
 */
#include "window.h"
#include <string.h>

void sal_window_symmetry(const float *in, int64_t size, int64_t channels, int32_t symmetry, float *out)
{
    int64_t last = size - 1;
    size_t bytes = (size_t)channels * sizeof *in;
    if (symmetry == 0) {
        memcpy(out, in, (size_t)(size * size) * bytes);
        return;
    }
    for (int64_t r = 0; r < size; r++)
        for (int64_t c = 0; c < size; c++) {
            int64_t row = symmetry & 4 ? c : r, column = symmetry & 4 ? r : c;
            if (symmetry & 1) column = last - column;
            if (symmetry & 2) row = last - row;
            memcpy(out + (r * size + c) * channels, in + (row * size + column) * channels, bytes);
        }
}

int32_t sal_window_symmetry_inverse(int32_t symmetry)
{
    if (!(symmetry & 4)) return symmetry;
    return 4 | (symmetry & 1) << 1 | (symmetry & 2) >> 1;
}
