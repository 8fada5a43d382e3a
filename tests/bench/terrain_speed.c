/* terrain_speed.c - seconds to derive terrain covariates at 10 m from elevations with their halo.
 *
 * usage: terrain_speed in.raw out.raw threads columns smooth ID...; in: float32 (rows + 2 * 32, columns + 2 * 32), which is the halo
 * of relative elevation; out: float32 (IDs, rows / 50, columns), every fiftieth row, for bench_indices.py to compare with numpy.
 * Prints the best wall-clock of seven runs and the least processor time.
 */
#include "features/terrain.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { IDS = 16, KEEP = 50, HALO = 32 };

static double processor(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    sal_context *ctx;
    char *in;
    float *out;
    int64_t length, which[IDS], n = argc - 6, at = 0;
    double best = 1e9, least = 1e9;
    if (n < 1 || n > IDS || sal_context_new(&ctx) != SAL_STATUS_OK) return 2;
    sal_terrain_options options = { .pixel = 10, .smooth = atof(argv[5]), .relief_radius = 325 };
    const int64_t columns = atoll(argv[4]);
    for (int64_t k = 0; k < n; k++)
        if ((which[k] = sal_terrain_find(argv[6 + k])) < 0) return 2;
    if (sal_terrain_halo(&options) != HALO || sal_context_set_threads(ctx, atoi(argv[3])) != SAL_STATUS_OK ||
        sal_file_read(ctx, argv[1], &in, &length) != SAL_STATUS_OK)
        return 1;
    const int64_t rows = length / (int64_t)sizeof(float) / (columns + 2 * HALO) - 2 * HALO, pixels = rows * columns;
    if (sal_allocate(ctx, pixels * n, sizeof(float), &out) != SAL_STATUS_OK) return 1;
    for (int run = 0; run < 7; run++) {
        const double begin = sal_clock(), spent = processor();
        if (sal_terrain_compute(ctx, (const float *)in, rows, columns, &options, which, n, out, 1, pixels) != SAL_STATUS_OK)
            return 1;
        if (sal_clock() - begin < best) best = sal_clock() - begin;
        if (processor() - spent < least) least = processor() - spent;
    }
    for (int64_t k = 0; k < n; k++)
        for (int64_t y = 0; y < rows; y += KEEP)
            for (int64_t x = 0; x < columns; x++) out[at++] = out[k * pixels + y * columns + x]; /* at never overtakes */
    if (sal_file_write(ctx, argv[2], out, at * (int64_t)sizeof(float)) != SAL_STATUS_OK) return 1;
    printf("%.6f %.6f\n", best, least);
    return 0;
}
