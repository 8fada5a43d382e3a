/* stack_pass.h - private to the builder: the bands of the stack being written, and the buffers of the pass.
 */
#ifndef SAL_FEATURES_STACK_PASS_H
#define SAL_FEATURES_STACK_PASS_H

#include "features/indices.h"
#include "features/masks.h"
#include "features/stack_build.h"
#include "features/terrain.h"
#include "features/wetness.h"

typedef struct sal__pass {
    sal_build *build;
    int64_t bands, terrain_slot, phenology_slot, climate_slot, index_slot; /* sources first, then terrain, phenology, climate, indices */
    int64_t climate_count;
    int64_t elevation;                       /* source, -1 when there is none */
    bool integers;                           /* reflectance alone: int16 */
    int64_t cache_bytes; /* that GDAL may keep of all rasters */
    int64_t edge, halo, widest;              /* block edge, terrain halo, most bands in one read */
    int64_t role[SAL_ROLE_COUNT];
    sal__item *items; /* index_count */
    sal_band_spec *specs;
    int64_t *missing; /* (bands) pixels without value */
    float *block;     /* (rows, columns, bands) */
    float *scratch;   /* (rows, columns, widest) */
    float *heights;   /* (rows + 2 halo, columns + 2 halo) */
    void *masked;     /* scratch of the masks */
    float *layer;     /* (rows, columns, sources) of one tile, NULL for a single tile */
    unsigned char *have; /* (rows, columns) of the tiles laid so far */
    sal_wetness *wetness;  /* of the whole grid, NULL without TWI */
    int64_t wetness_bytes, wetness_kept; /* that it may work in before the stack is written, and keep after that */
    float *wet;            /* (rows, columns) of the block, NULL without TWI */
} sal__pass;

/* Bands, block size and buffers of the pass. ARGUMENT when they do not fit max_memory, DATA when a band would come twice or an index lacks
 * one. (stack_layout.c) */
sal_status sal__pass_lay_out(sal__pass *pass);
/* Reads every source of a window into the block and drops what the masks say. (stack_read.c) */
sal_status sal__pass_read(sal__pass *pass, int64_t column, int64_t row, int64_t columns, int64_t rows);
/* Elevations, m, of a window of the grid that may reach beyond it: (rows, columns), NaN where there is none. (stack_read.c) */
sal_status sal__pass_heights(const sal__pass *pass, int64_t column, int64_t row, int64_t columns, int64_t rows, float *heights);
/* n planes of the scratch, interleaved, into the bands of the block from `slot` on. (stack_read.c) */
void sal__pass_spread(const sal__pass *pass, int64_t pixels, int64_t slot, int64_t n);
/* Sensor, date, campaign, version and the hashed sources into domain SALINA. (stack_report.c) */
sal_status sal__pass_metadata(const sal__pass *pass, sal_raster_writer *writer);
/* Scenes and masks, with what the masks took, into domain SALINA once the blocks are written. (stack_report.c) */
sal_status sal__pass_provenance(const sal__pass *pass, sal_raster_writer *writer);
/* How the phenology was made, into domain SALINA, after the pass. DATA when no pixel shows a season. (stack_report.c) */
sal_status sal__pass_phenology(const sal__pass *pass, sal_raster_writer *writer);
/* What the caller learns about the written stack. (stack_report.c) */
sal_status sal__pass_figures(const sal__pass *pass, const char *output, double seconds, json_object *result);
/* Topographic wetness index of the whole grid into pass->wetness, with a working file beside `output` where max_memory is short. IO.
 * (stack_terrain.c) */
sal_status sal__pass_wetness(sal__pass *pass, const char *output);
/* How terrain was derived: method, window, smoothing, radii. (stack_terrain.c) */
sal_status sal__build_terrain_json(const sal_build *build, json_object **out);

#endif
