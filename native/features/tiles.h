/* tiles.h - private to the builder: neighbouring scenes of one day, laid on the grid side by side (tiles.c).
 */
#ifndef SAL_FEATURES_TILES_H
#define SAL_FEATURES_TILES_H

#include "features/stack_build.h"

/* Tile in the name of a file or product, "" when it holds none: 31UFS, or path and row 193024 of Landsat. */
void sal__tile_in_name(const char *name, char tile[16]);
/* The tile that a file belongs to: that of its name, or, where a name is missing, the one that covers mostly the same
 * ground; a new one when there is none. */
sal_status sal__build_tile(sal_build *build, const char *name, const char *path, int64_t *tile);
/* Whether a file belongs to a tile, by the same rule. */
sal_status sal__tile_is(sal_build *build, int64_t tile, const char *name, const char *path, bool *same);
/* Widens the grid of the first tile to all of them. DATA when that is absurdly large. */
sal_status sal__tiles_extend_grid(sal_build *build);
/* Notes that a file of a tile lies within bounds {xmin, ymin, xmax, ymax} in the CRS of the grid. */
void sal__tile_lies(sal_build *build, int64_t tile, const double bounds[4]);
/* Whether any pixel of a window can come from a tile. */
bool sal__tile_reaches(const sal_tile *tile, int64_t column, int64_t row, int64_t columns, int64_t rows);
/* Bytes of a layer and of what is known of every pixel of a block; 0 for a single tile. */
int64_t sal__mosaic_bytes(const sal_build *build, int64_t pixels);
/* Lays one tile under what is there. layer: (pixels, sources), masked; block: (pixels, bands), sources first; have:
 * (pixels), 0 before the first tile. */
void sal__mosaic_lay(const sal_build *build, const float *layer, int64_t pixels, float *block, int64_t bands, unsigned char *have);
/* {"order": [...], "rule": "..."} for the metadata and the result. */
sal_status sal__tiles_json(const sal_build *build, json_object **out);

#endif
