/* mapper.h - a model file ready to be evaluated on tiles of covariates: exact, dense, in several threads.
 *
 * SS-SoilNet's trunk runs once over a tile with dilation instead of stride and gives the features of every window at once (Giusti et al.
 * 2013, arXiv 1302.1700; Sermanet et al. 2014); gates and tail run per pixel. The map equals window-by-window evaluation to 1e-5.
 */
#ifndef SAL_MAP_MAPPER_H
#define SAL_MAP_MAPPER_H

#include "train/network.h"

/* Tiles have one fixed size and are anchored at the corner of the raster, whatever the memory, threads or reading blocks: the same bits always. */
enum { SAL_TILE_ROWS = 256, SAL_TILE_COLUMNS = 528 };

typedef struct sal_mapper sal_mapper;

/* Builds the networks of every member for `workers` threads (sal_context_threads at most). The model is borrowed. */
sal_status sal_mapper_new(sal_context *ctx, const sal_model_file *model, int32_t workers, sal_mapper **out);
void sal_mapper_free(sal_mapper *mapper);
/* Bytes that a mapper of this model needs for each worker. */
sal_status sal_mapper_bytes(sal_context *ctx, const sal_model_file *model, int64_t *bytes);
int64_t sal_mapper_halo(const sal_mapper *mapper); /* pixels of surroundings on every side: (window - 1) / 2, 0 without a window */
/* Covariates that a tile must bring, by id and in order; counts may be 0. Borrowed. */
typedef struct sal_mapper_needs {
    const char *spectrum[SAL_COVARIATES_MAX], *index[SAL_COVARIATES_MAX], *environment[SAL_COVARIATES_MAX];
    int64_t spectrum_count, index_count, environment_count;
    bool ndvi;
} sal_mapper_needs;
const sal_mapper_needs *sal_mapper_covariates(const sal_mapper *mapper);

/* One tile, physical values, NaN where missing. Strides are in pixels of the row, so that a tile may point into a larger buffer:
 * pixel (r, c) of spectrum begins at spectrum + (r * stride + c) * spectrum_count, of the environment (which begins halo rows and columns before
 * the tile) at environment + (r * environment_stride + c) * environment_count. Tiles at the right and lower end may be smaller. */
typedef struct sal_tile {
    int64_t rows, columns; /* 1 .. SAL_TILE_ROWS, 1 .. SAL_TILE_COLUMNS */
    const float *spectrum, *index, *ndvi, *environment;
    int64_t stride, environment_stride;
} sal_tile;
/* out: (rows, columns, 3) lower, median, upper on the transformed scale (log1p or as is), mean over members; stride out_stride pixels. NaN where
 * the pixel has no bands. Called from tasks of the pool: `worker` picks the networks. Cannot fail. */
void sal_mapper_tile(sal_mapper *mapper, int32_t worker, const sal_tile *tile, float *out, int64_t out_stride);
/* The same with the last hidden layers of the members side by side, embedding (rows, SAL_TILE_COLUMNS, units); whatever where the pixel has no bands.
 * For models whose area of applicability is of the embedding. */
void sal_mapper_tile_embedded(sal_mapper *mapper, int32_t worker, const sal_tile *tile, float *out, int64_t out_stride, float *embedding);

#endif
