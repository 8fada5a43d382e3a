/* index_speed.c - seconds to compute indices of interleaved reflectance, as retrieval does it for every block.
 *
 * usage: index_speed in.raw out.raw threads copies ID...; in: float32 (pixels, B G R RE1 RE2 RE3 NIR SWIR1 SWIR2), computed on `copies`
 * of them behind each other; out: float32 (pixels, IDs) of the last copy. Prints the best wall-clock of seven runs and the least processor
 * time. bench_indices.py compares time and values with numpy.
 */
#include "features/indices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BANDS = 9, ITEMS = 64 };

static double processor(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    static const int64_t role[SAL_ROLE_COUNT] = { 0, 1, 2, 3, 4, 5, 6, -1, 7, 8 };
    sal_context *ctx;
    sal__item items[ITEMS];
    char *in;
    float *out, *bands;
    int64_t length, n = argc - 5;
    double best = 1e9, least = 1e9;
    if (n < 1 || n > ITEMS || sal_context_new(&ctx) != SAL_STATUS_OK) return 2;
    if (sal_context_set_threads(ctx, atoi(argv[3])) != SAL_STATUS_OK ||
        sal_file_read(ctx, argv[1], &in, &length) != SAL_STATUS_OK)
        return 1;
    const int64_t copies = atoll(argv[4]), part = length / (int64_t)sizeof(float) / BANDS, pixels = part * copies;
    if (sal_allocate(ctx, pixels * n, sizeof(float), &out) != SAL_STATUS_OK) return 1;
    if (sal_allocate(ctx, pixels * BANDS, sizeof(float), &bands) != SAL_STATUS_OK) return 1;
    for (int64_t i = 0; i < copies; i++) memcpy(bands + i * part * BANDS, in, (size_t)length);
    for (int64_t k = 0; k < n; k++) {
        const sal_index *index = sal_index_find(argv[5 + k]);
        if (!index) return 2;
        items[k] = (sal__item){ -1, index - sal_index_at(0), k };
    }
    for (int run = 0; run < 7; run++) {
        const double begin = sal_clock(), spent = processor();
        sal__items_evaluate(ctx, role, items, n, bands, BANDS, pixels, out, n);
        if (sal_clock() - begin < best) best = sal_clock() - begin;
        if (processor() - spent < least) least = processor() - spent;
    }
    if (sal_file_write(ctx, argv[2], out + (pixels - part) * n, part * n * (int64_t)sizeof(float)) != SAL_STATUS_OK) return 1;
    printf("%.6f %.6f\n", best, least);
    return 0;
}
