/* stack_read.c - one block of every source: reflectance scaled, masked and, of several tiles, laid side by side; elevation and
 * ready-made covariates as they are.
 */
#include "features/stack_pass.h"
#include "features/tiles.h"

#include <math.h>
#include <string.h>

enum { READ_MOST = 512 }; /* bands of one file in one read */
enum { EVERYTHING = -1, OTHERS = -2 /* than reflectance */ };

static const float reflectance_step =
    0x1p-17f; /* 8e-6, far below noise: zeros for the compressor, 1.9 instead of 3.0 bytes a value */

void sal__pass_spread(const sal__pass *p, int64_t pixels, int64_t slot, int64_t n)
{
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t k = 0; k < n; k++) p->block[i * p->bands + slot + k] = p->scratch[i * n + k];
}

/* Scaled and, where floats are stored, rounded to a multiple of reflectance_step. to: (pixels, bands), by covariate. */
static void spread_reflectance(const sal__pass *p, const sal_source *sources, int64_t n, int64_t pixels, float *to, int64_t bands)
{
    const float step = p->integers ? 1 : reflectance_step;
    float scale[READ_MOST], offset[READ_MOST];
    int64_t slot[READ_MOST];
    for (int64_t k = 0; k < n; k++) {
        scale[k] = (float)(sources[k].scale / step);
        offset[k] = (float)(sources[k].offset / step);
        slot[k] = sources[k].covariate;
    }
    for (int64_t i = 0; i < pixels; i++)
        for (int64_t k = 0; k < n; k++) {
            const float value = p->scratch[i * n + k] * scale[k] + offset[k];
            to[i * bands + slot[k]] = p->integers ? value : step * rintf(value);
        }
}

/* The weighted mean of n bands of each pixel, in place; of what is there, where that is at least half of the weight. */
static void blend(const sal_source *s, int64_t pixels, float *values)
{
    const int64_t n = s->member_count;
    for (int64_t i = 0; i < pixels; i++) {
        double sum = 0, there = 0;
        for (int64_t k = 0; k < n; k++) {
            const float value = values[i * n + k];
            if (isnan(value)) continue;
            sum += s->weights[k] * value;
            there += s->weights[k];
        }
        values[i] = there >= .5 ? (float)(sum / there) : NAN;
    }
}

/* What stands for no elevation in a file that does not say so. Values are metres by now. */
static void drop_voids(const sal_source *s, int64_t n, float *heights)
{
    for (int64_t i = 0; i < n; i++)
        if (fabsf(heights[i]) > 1e5f) heights[i] = NAN; /* 100 km, as terrain has it: the least float32 too */
    for (int64_t k = 0; k < s->invalid_count; k++) {
        const double value = s->invalid[k] * s->scale, near = 1e-3 * s->scale;
        for (int64_t i = 0; i < n; i++)
            if (fabs(heights[i] - value) <= near) heights[i] = NAN;
    }
}

sal_status sal__pass_heights(const sal__pass *p, int64_t column, int64_t row, int64_t columns, int64_t rows, float *heights)
{
    const sal_source *s = &p->build->sources[p->elevation];
    sal_status status = sal_raster_read(s->raster, &s->slot, 1, s->shift_x + column, s->shift_y + row, columns, rows, heights);
    if (status == SAL_STATUS_OK) drop_voids(s, columns * rows, heights);
    return status;
}

static bool wanted(const sal_source *s, int64_t tile)
{
    const bool reflectance = s->kind == SAL_SOURCE_REFLECTANCE;
    return s->raster && (tile == EVERYTHING || (tile == OTHERS ? !reflectance : reflectance && s->tile == tile));
}

/* The sources of a list that belong to `tile`. Reflectance goes to `to` (pixels, bands), other sources to the block. */
static sal_status read_list(sal__pass *p, const sal_source *list, int64_t n, int64_t tile, const int64_t window[4], float *to, int64_t bands)
{
    const int64_t pixels = window[2] * window[3];
    for (int64_t i = 0, next; i < n; i = next) {
        const sal_source *s = &list[i];
        int64_t slots[READ_MOST];
        for (next = i; next < n && next - i < READ_MOST && list[next].raster == s->raster && list[next].tile == s->tile && !list[next].members; next++)
            slots[next - i] = list[next].slot;
        if (s->members) next = i + 1;
        if (!wanted(s, tile)) continue;
        sal_status status = sal_raster_read(s->raster, s->members ? s->member_slots : slots, s->members ? s->member_count : next - i,
                                            s->shift_x + window[0], s->shift_y + window[1], window[2], window[3], p->scratch);
        if (status != SAL_STATUS_OK) return status;
        if (s->members) blend(s, pixels, p->scratch);
        if (s->kind == SAL_SOURCE_ELEVATION) drop_voids(s, pixels, p->scratch);
        if (s->kind == SAL_SOURCE_REFLECTANCE)
            spread_reflectance(p, s, next - i, pixels, to, bands);
        else
            sal__pass_spread(p, pixels, i, next - i);
        status = sal_progress(p->build->ctx, 0, NULL); /* asks the callback: a tile of JPEG 2000 takes 0.1 s */
        if (status != SAL_STATUS_OK) return status;
    }
    return SAL_STATUS_OK;
}

static void empty(float *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++) values[i] = NAN;
}

/* Tile by tile, masked before it is laid under those before it. */
static sal_status read_mosaic(sal__pass *p, const int64_t window[4])
{
    sal_status status = SAL_STATUS_OK;
    sal_build *b = p->build;
    const int64_t pixels = window[2] * window[3], n = b->source_count;
    empty(p->block, pixels * p->bands);
    memset(p->have, 0, (size_t)pixels);
    SAL_TRY(read_list(p, b->sources, n, OTHERS, window, NULL, 0));
    for (int64_t tile = 0; tile < b->tile_count; tile++) {
        if (!sal__tile_reaches(&b->tiles[tile], window[0], window[1], window[2], window[3])) continue;
        empty(p->layer, pixels * n);
        SAL_TRY(read_list(p, b->sources, n, tile, window, p->layer, n));
        SAL_TRY(read_list(p, b->patches, b->patch_count, tile, window, p->layer, n));
        SAL_TRY(sal__masks_apply(b, tile, window[0], window[1], window[2], window[3], p->masked, p->layer, n));
        sal__mosaic_lay(b, p->layer, pixels, p->block, p->bands, p->have);
    }
done:
    return status;
}

sal_status sal__pass_read(sal__pass *p, int64_t column, int64_t row, int64_t columns, int64_t rows)
{
    sal_status status;
    sal_build *b = p->build;
    const int64_t window[4] = { column, row, columns, rows };
    if (b->tile_count > 1) {
        SAL_TRY(read_mosaic(p, window));
    } else {
        SAL_TRY(read_list(p, b->sources, b->source_count, EVERYTHING, window, p->block, p->bands));
        SAL_TRY(sal__masks_apply(b, 0, column, row, columns, rows, p->masked, p->block, p->bands));
    }
    status = sal__masks_apply(b, -1, column, row, columns, rows, p->masked, p->block, p->bands);
done:
    return status;
}
