/* stack_build.h - building a covariate stack: what goes in (sources), on which grid, and the pass that writes it block
 * by block.
 */
#ifndef SAL_FEATURES_STACK_BUILD_H
#define SAL_FEATURES_STACK_BUILD_H

#include "base/json.h"
#include "data/raster.h"
#include "features/terrain.h"

typedef enum sal_source_kind {
    SAL_SOURCE_REFLECTANCE = 1,
    SAL_SOURCE_ELEVATION = 2,
    SAL_SOURCE_READY = 3 /* a covariate somebody else made */
} sal_source_kind;

/* One band of one file that becomes one covariate. */
typedef struct sal_source {
    sal_source_kind kind;
    const char *path, *id, *unit; /* owned by the build's arena */
    int64_t band;
    bool classes;             /* codes: taken from the nearest pixel, never averaged */
    sal_raster *raster;       /* on the grid once placed; neighbours in the list with the same path share one */
    int64_t slot;             /* band of `raster` */
    int64_t shift_x, shift_y; /* pixel of `raster` under the first pixel of the grid */
} sal_source;

typedef struct sal_build {
    sal_context *ctx;
    sal_arena *arena;
    sal_source *sources;
    int64_t source_count;
    char sensor[64], date[11], campaign[256]; /* "" when unknown */
    sal_grid grid;
    const int64_t *indices, *terrain; /* rows of the tables to write as bands */
    int64_t index_count, terrain_count;
    double scale, offset; /* reflectance = read value * scale + offset */
    sal_terrain_options terrain_options;
    char radius_ids[SAL_TERRAIN_RADII][32]; /* "TPI_150", one for each radius of terrain_options */
    bool wants_wetness;                     /* whether `terrain` has TWI */
    int64_t max_memory;
} sal_build;

sal_status sal__build_new(sal_context *ctx, sal_build *build); /* zeroes build, scale 1 */
void sal__build_clear(sal_build *build);
/* Texts are copied. DATA when the id is taken or is not letters, digits and underscores beginning with a letter. */
sal_status sal__build_add(sal_build *build, sal_source_kind kind, const char *path, int64_t band, const char *id,
                          const char *unit);
/* Adds the bands of scenes, named by their descriptions, by `roles` ("B=1,G=2" or "B,G,R" in band order, may be NULL)
 * or by the file name; finds sensor and date where the build has none yet. (scenes.c) */
sal_status sal__build_add_scenes(sal_build *build, const char *const *paths, int64_t n, const char *roles);
/* Date in a text such as a file name: 2019-07-15, 2019_07_15 or 20190715; false when there is none. (scenes.c) */
bool sal__date_find(const char *text, char date[11]);
/* Whether a text is YYYY-MM-DD and that day exists. (scenes.c) */
bool sal__date_valid(const char *text);
/* Chooses the grid: that of `reference`, or that of the finest source, scenes first. DATA when it is not metric.
 * (stack_place.c) */
sal_status sal__build_choose_grid(sal_build *build, const char *reference);
/* Opens every source on the grid and checks that it overlaps and that reflectance looks like reflectance.
 * (stack_place.c) */
sal_status sal__build_place(sal_build *build);
/* Writes the stack; adds its figures to `result`. (stack_build.c) */
sal_status sal__build_write(sal_build *build, const char *output, json_object *result);

#endif
