/* terrain_speed.c - seconds to derive slope, profile and plan curvature and relative elevation from elevations with their halo.
 *
 * usage: terrain_speed in.raw out.raw threads columns; in: float32 (rows + 2 halo, columns + 2 halo) at 10 m, out: float32 (rows,
 * columns, 4). Prints the best of five runs. bench_indices.py compares time and values with numpy and scipy.
 */
#include "features/terrain.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const sal_terrain_options options = { 10, 2, 325 };
    const int64_t halo = sal_terrain_halo(&options);
    const int64_t which[4] = { sal_terrain_find("SLOPE"), sal_terrain_find("PROFILE_CURV"),
                               sal_terrain_find("PLAN_CURV"), sal_terrain_find("REL_ELEV") };
    sal_context *ctx;
    char *in;
    float *out;
    int64_t length;
    double best = 1e9;
    if (argc != 5 || sal_context_new(&ctx) != SAL_STATUS_OK) return 2;
    const int64_t columns = atoll(argv[4]);
    if (sal_context_set_threads(ctx, atoi(argv[3])) != SAL_STATUS_OK ||
        sal_file_read(ctx, argv[1], &in, &length) != SAL_STATUS_OK)
        return 1;
    const int64_t rows = length / (int64_t)sizeof(float) / (columns + 2 * halo) - 2 * halo;
    if (sal_allocate(ctx, rows * columns * 4, sizeof(float), &out) != SAL_STATUS_OK) return 1;
    for (int run = 0; run < 5; run++) {
        const double begin = sal_clock();
        if (sal_terrain_compute(ctx, (const float *)in, rows, columns, &options, which, 4, out, 4, 1) != SAL_STATUS_OK)
            return 1;
        if (sal_clock() - begin < best) best = sal_clock() - begin;
    }
    if (sal_file_write(ctx, argv[2], out, rows * columns * 4 * (int64_t)sizeof(float)) != SAL_STATUS_OK) return 1;
    printf("%.6f\n", best);
    return 0;
}
