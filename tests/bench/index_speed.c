/* index_speed.c - seconds to compute indices of interleaved reflectance, as retrieval does it for every block.
 *
 * usage: index_speed in.raw out.raw threads ID...; in: float32 (pixels, B G R RE1 RE2 RE3 NIR SWIR1 SWIR2), out: float32 (pixels, IDs).
 * Prints the best of five runs. bench_indices.py compares time and values with numpy.
 */
#include "features/indices.h"

#include <stdio.h>
#include <stdlib.h>

enum { BANDS = 9, ITEMS = 64 };

int main(int argc, char **argv)
{
    static const int64_t role[SAL_ROLE_COUNT] = { 0, 1, 2, 3, 4, 5, 6, -1, 7, 8 };
    sal_context *ctx;
    sal__item items[ITEMS];
    char *in;
    float *out;
    int64_t length, n = argc - 4;
    double best = 1e9;
    if (n < 1 || n > ITEMS || sal_context_new(&ctx) != SAL_STATUS_OK) return 2;
    if (sal_context_set_threads(ctx, atoi(argv[3])) != SAL_STATUS_OK ||
        sal_file_read(ctx, argv[1], &in, &length) != SAL_STATUS_OK)
        return 1;
    const int64_t pixels = length / (int64_t)sizeof(float) / BANDS;
    if (sal_allocate(ctx, pixels * n, sizeof(float), &out) != SAL_STATUS_OK) return 1;
    for (int64_t k = 0; k < n; k++) {
        const sal_index *index = sal_index_find(argv[4 + k]);
        if (!index) return 2;
        items[k] = (sal__item){ -1, index - sal_index_at(0), k };
    }
    for (int run = 0; run < 5; run++) {
        const double begin = sal_clock();
        sal__items_evaluate(ctx, role, items, n, (const float *)in, BANDS, pixels, out, n);
        if (sal_clock() - begin < best) best = sal_clock() - begin;
    }
    if (sal_file_write(ctx, argv[2], out, pixels * n * (int64_t)sizeof(float)) != SAL_STATUS_OK) return 1;
    printf("%.6f\n", best);
    return 0;
}
