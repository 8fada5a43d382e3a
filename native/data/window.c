/* window.c - the dihedral group of the square: two mirrors and a transposition, applied in that order.
 * out[r][c] = mirrored[c][r] when transposed, so the inverse of a transposed symmetry exchanges its two mirrors.
 * Reflection at the edge of a raster: columns of the rows inside first, then whole rows, so that corners come right.
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

int64_t sal_window_mirror(int64_t i, int64_t n)
{
    if (n == 1) return 0;
    int64_t period = 2 * (n - 1), at = (i % period + period) % period;
    return at < n ? at : period - at;
}

/* One row of a window: columns to the left and to the right of the raster. */
static void reflect_row(const sal_window_place *p, float *row, int64_t channels)
{
    int64_t first = p->column < 0 ? -p->column : 0, end = p->raster_columns - p->column; /* of the columns inside */
    for (int64_t c = first > 0 ? 0 : end; c < p->columns; c = c + 1 == first ? end : c + 1) {
        int64_t from = sal_window_mirror(p->column + c, p->raster_columns) - p->column;
        memcpy(row + c * channels, row + from * channels, (size_t)channels * sizeof *row);
    }
}

void sal_window_reflect(const sal_window_place *p, float *values, int64_t stride, int64_t channels)
{
    int64_t top = p->row < 0 ? -p->row : 0, end = p->raster_rows - p->row;
    for (int64_t r = top; r < p->rows && r < end; r++) reflect_row(p, values + r * stride * channels, channels);
    for (int64_t r = 0; r < p->rows; r++) {
        int64_t from = sal_window_mirror(p->row + r, p->raster_rows) - p->row;
        if (from != r) memcpy(values + r * stride * channels, values + from * stride * channels, (size_t)(p->columns * channels) * sizeof *values);
    }
}
