/* stack_build.h - building a covariate stack: what goes in (sources), on which grid, and the pass that writes it block
 * by block.
 */
#ifndef SAL_FEATURES_STACK_BUILD_H
#define SAL_FEATURES_STACK_BUILD_H

#include "base/json.h"
#include "data/raster.h"
#include "features/climate.h"
#include "features/series.h"
#include "features/terrain.h"

typedef enum sal_source_kind {
    SAL_SOURCE_REFLECTANCE = 1,
    SAL_SOURCE_ELEVATION = 2,
    SAL_SOURCE_READY = 3 /* a covariate somebody else made */
} sal_source_kind;

enum { SAL_SOURCE_INVALID = 3, SAL_SOURCE_MEMBERS = 256, SAL_BUILD_MASKS = 64 };

/* One band of one file that becomes one covariate. */
typedef struct sal_source {
    sal_source_kind kind;
    const char *path, *id, *unit; /* owned by the build's arena */
    const char *archive;          /* file to hash in place of `path`, which lies in it; "" when there is none */
    int64_t band;
    double scale, offset; /* reflectance = read value * scale + offset; metres of an elevation; 1 and 0 otherwise */
    bool certain;         /* scale and offset come from the metadata of a product: no need to look at values */
    bool classes;         /* codes: taken from the nearest pixel, never averaged */
    double invalid[SAL_SOURCE_INVALID]; /* stored values that are no measurement, besides the nodata of the file */
    int64_t invalid_count;
    sal_raster *raster;       /* on the grid once placed; neighbours in the list with the same path share one */
    int64_t slot;             /* band of `raster` */
    int64_t shift_x, shift_y; /* pixel of `raster` under the first pixel of the grid */
    int64_t tile;             /* of build->tiles; 0 for all that is no reflectance */
    int64_t covariate;        /* source whose band it fills: itself, or that of an earlier tile */
    const int64_t *members;   /* bands of a spectrometer whose weighted mean it is, instead of `band`; owned by the build's arena */
    const double *weights;    /* of the members, sum 1 */
    int64_t *member_slots, member_count; /* bands of `raster`; count 0: `band` alone */
} sal_source;

/* One of several neighbouring scenes of a day, which are laid on the grid side by side. */
typedef struct sal_tile {
    char name[16];    /* 31UFS of Sentinel-2 and HLS, 193024 (path and row) of Landsat, "" when nothing tells */
    const char *path; /* the first file or product of it; owned by the build's arena */
    int64_t from_x, from_y, to_x, to_y; /* the pixels of the grid on which it can lie; set once placed */
    bool outside;                       /* no pixel of it lies on the grid */
} sal_tile;

/* One band that says which pixels of the scenes are no clear view of the ground. */
typedef struct sal_mask {
    const char *path, *archive, *kind; /* kind: a row of masks.def, or "area" for what is 0 outside the wanted area */
    int64_t band;
    bool drop[256]; /* by class, or by bit where the kind holds bits */
    sal_raster *raster;
    int64_t slot, shift_x, shift_y; /* as in a source */
    int64_t tile;                   /* -1: of all tiles */
    int64_t seen, dropped;          /* pixels of the scenes with a value, and how many of them this mask took */
} sal_mask;

/* One raster or product with bands in it. */
typedef struct sal_scene {
    const char *path;
    int agency;       /* who reads it (scene_list.c), -1 for a raster */
    bool from_folder; /* one file of a folder: left out when it is no band */
    char date[11];    /* "" when nothing tells */
} sal_scene;

typedef struct sal_build {
    sal_context *ctx;
    sal_arena *arena;
    sal_source *sources;  /* one for each covariate that is not derived */
    int64_t source_count;
    sal_source *patches;  /* the same covariates from the other tiles, where there are several */
    int64_t patch_count;
    sal_tile *tiles;      /* in the order in which they were given; the first goes before the others */
    int64_t tile_count;
    char sensor[64], date[11], campaign[256]; /* "" when unknown */
    bool sensor_given;                        /* by the user, against what scenes say */
    sal_grid grid;
    const int64_t *indices, *terrain; /* rows of the tables to write as bands */
    int64_t index_count, terrain_count;
    double scale, offset; /* of reflectance, in place of what the scenes state; NaN: as they state */
    sal_mask masks[SAL_BUILD_MASKS];
    int64_t mask_count, mask_buffer; /* buffer in pixels of the grid */
    const char *const *mask_classes; /* words of the user; NULL: those of the kind */
    int64_t mask_class_count;
    json_object *scenes;              /* [{name, path, sensor, date, ...}] for the metadata and the result */
    sal_terrain_options terrain_options;
    char radius_ids[SAL_TERRAIN_RADII][32]; /* "TPI_150", one for each radius of terrain_options */
    bool wants_wetness;                     /* whether `terrain` has TWI */
    int64_t max_memory;
    bool nearest_band;      /* of a spectrometer: the band nearest to a role, not the mean over the response */
    const char *resampling; /* of reflectance on a grid as fine or finer: "bilinear", "cubic", "nearest" */
    sal_series *series; /* NULL for none; owned */
    sal_phenology_options phenology_options;
    const int64_t *phenology; /* rows of the table to write as bands */
    int64_t phenology_count;
    sal_climate_cells *climate; /* NULL for none; owned */
    const char *const *climate_paths; /* the files it came from */
    int64_t climate_path_count;
    json_object *climate_said; /* for the metadata and the result; owned */
    sal_output *climate_table; /* written, to be committed once the stack is; owned, NULL for none */
} sal_build;

sal_status sal__build_new(sal_context *ctx, sal_build *build); /* zeroes build, scale and offset NaN */
void sal__build_clear(sal_build *build);
/* Texts are copied. DATA when the id is taken or is not letters, digits and underscores beginning with a letter. */
sal_status sal__build_add(sal_build *build, sal_source_kind kind, const char *path, int64_t band, const char *id,
                          const char *unit);
/* Adds a band of reflectance of a tile: as a covariate, or, where another tile gave that one, as a patch of it. The
 * source is returned, to be used before the next is added. DATA when the tile has the band already. (tiles.c) */
sal_status sal__build_add_band(sal_build *build, int64_t tile, const char *path, int64_t band, const char *id,
                               sal_source **out);
/* Products, folders and rasters as the user gave them become scenes with a day ("" when nothing tells). Paths of the
 * user are borrowed, others owned by the arena; the caller releases *scenes, on failure too. (scene_list.c) */
sal_status sal__scenes_list(sal_build *build, const char *const *paths, int64_t n, sal_scene **scenes, int64_t *count);
/* Adds the bands of scenes of one day: products by their metadata, rasters by their band descriptions, by `roles`
 * ("B=1,G=2" or "B,G,R" in band order, may be NULL), by the file name or by wavelength; finds sensor and date where the
 * build has none yet. (scenes.c) */
sal_status sal__build_add_scenes(sal_build *build, const sal_scene *scenes, int64_t n, const char *roles);
/* Date in a text such as a file name: 2019-07-15, 2019_07_15 or 20190715; false when there is none. (scenes.c) */
bool sal__date_find(const char *text, char date[11]);
/* Whether a text is YYYY-MM-DD and that day exists. (scenes.c) */
bool sal__date_valid(const char *text);
/* Chooses the grid: that of `reference`, or that of the finest source, scenes first. DATA when it is not metric.
 * (stack_place.c) */
sal_status sal__build_choose_grid(sal_build *build, const char *reference);
/* Whether `raster` lies on the grid pixel by pixel, and which of its pixels is under the first of the grid. (stack_place.c) */
bool sal__grid_aligned(const sal_grid *grid, const sal_raster *raster, int64_t *shift_x, int64_t *shift_y);
/* Opens every source on the grid and checks that it overlaps and that reflectance looks like reflectance.
 * (stack_place.c) */
sal_status sal__build_place(sal_build *build);
/* Writes the stack; adds its figures to `result`. (stack_build.c) */
sal_status sal__build_write(sal_build *build, const char *output, json_object *result);

#endif
