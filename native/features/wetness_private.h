/* wetness_private.h - private to the wetness index: the elevation model in square tiles, as many in memory as are allowed, the others in a
 * file.
 */
#ifndef SAL_FEATURES_WETNESS_PRIVATE_H
#define SAL_FEATURES_WETNESS_PRIVATE_H

#include "features/wetness.h"

enum { SAL__TILE = 256, SAL__TILE_CELLS = SAL__TILE * SAL__TILE };

/* All that is known of a tile; pixels beyond the grid have no elevation. */
typedef struct sal__wet_tile {
    double filled[SAL__TILE_CELLS];   /* m; INFINITY where the flood has not been, NaN where there is no elevation */
    uint64_t water[SAL__TILE_CELLS];  /* pixels that drain through each, its own included, in 2^-30: whole numbers add up alike in any order */
    float z[SAL__TILE_CELLS];         /* m, NaN where missing */
    float index[SAL__TILE_CELLS];     /* slope in degrees, in the end the index */
    uint8_t above[SAL__TILE_CELLS];   /* neighbours that still have to give their water */
} sal__wet_tile;

typedef struct sal__wet_tiles sal__wet_tiles;

/* Nothing is in memory or on the disk yet. `memory`: bytes that tiles may take, at least SAL__TILES_LEAST of them are kept. The file is
 * made beside `output` once tiles have to leave memory; it has no name, so that nothing is left whatever happens. */
enum { SAL__TILES_LEAST = 12 };
sal_status sal__wet_tiles_new(sal_context *ctx, int64_t rows, int64_t columns, int64_t memory, const char *output, sal__wet_tiles **out);
void sal__wet_tiles_free(sal__wet_tiles *tiles);
/* A tile in memory; it stays there until SAL__TILES_LEAST - 1 others were asked for. `changed`: the caller writes to it. IO, MEMORY. */
sal_status sal__wet_tiles_get(sal__wet_tiles *tiles, int64_t tile, bool changed, sal__wet_tile **out);
/* Lets go of tiles until no more than `memory` bytes (the least number) are in memory. IO. */
sal_status sal__wet_tiles_shrink(sal__wet_tiles *tiles, int64_t memory);
/* Whether any tile is, or was, in the file. */
bool sal__wet_tiles_on_disk(const sal__wet_tiles *tiles);

typedef struct sal__wet_entry {
    double z;
    int32_t cell;
} sal__wet_entry;

struct sal_wetness {
    sal_context *ctx;
    sal__wet_tiles *tiles;
    int64_t rows, columns, down, across, count; /* of tiles: down, across, all */
    double pixel;
    double *lowest;       /* (count) lowest height that still has to be flooded from, INFINITY for none */
    int64_t *ready;       /* (count) pixels whose water can go on */
    bool *seen;           /* (count) flooded before */
    int64_t size, pixels; /* entries of the heap; pixels with an elevation */
    sal__wet_entry *heap; /* (2 SAL__TILE_CELLS): a pixel enters as an outlet or from another tile, and once more from a neighbour */
    int32_t *stack;       /* (SAL__TILE_CELLS) */
};

/* A tile among its neighbours. */
typedef struct sal__wet_window {
    sal__wet_tile *at[3][3]; /* NULL outside the grid */
    int64_t number[3][3];
} sal__wet_window;

/* change_all: the caller writes to all nine, not to the middle one alone. IO, MEMORY. (wetness_tiles.c) */
sal_status sal__wet_look_at(sal_wetness *wetness, int64_t tile, bool change_all, sal__wet_window *window);

/* Neighbour k of a cell of the middle tile; NULL outside the grid. *part: which of the nine tiles it is in. */
static inline sal__wet_tile *sal__wet_neighbour(const sal__wet_window *v, int64_t cell, int k, int64_t *other, int *part)
{
    static const int dy[8] = { -1, -1, -1, 0, 0, 1, 1, 1 }, dx[8] = { -1, 0, 1, -1, 1, -1, 0, 1 };
    const int64_t y = cell / SAL__TILE + dy[k], x = cell % SAL__TILE + dx[k];
    const int down = y < 0 ? 0 : y >= SAL__TILE ? 2 : 1, across = x < 0 ? 0 : x >= SAL__TILE ? 2 : 1;
    *other = (y & (SAL__TILE - 1)) * SAL__TILE + (x & (SAL__TILE - 1));
    *part = 3 * down + across;
    return v->at[down][across];
}

#define SAL__WATER_UNIT 0x1p30 /* of sal__wet_tile.water: one pixel */
enum { SAL__WATER_GONE = 255 }; /* in sal__wet_tile.above: its water is given, or it has none */

/* Heights from which water leaves every depression and flat. (wetness_flood.c) */
sal_status sal__wet_fill(sal_wetness *wetness);
/* The water of every pixel, once filled. (wetness_flow.c) */
sal_status sal__wet_accumulate(sal_wetness *wetness);

#endif
