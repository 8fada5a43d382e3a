/* stream_private.h - shared by stream.c (order of work), stream_read.c (rows of bands) and stream_tile.c (one tile). */
#ifndef SAL_MAP_STREAM_PRIVATE_H
#define SAL_MAP_STREAM_PRIVATE_H

#include "map/stream.h"

enum { SAL__SINK_ROWS = 512 }; /* the rows of a block of the files we write */

/* What one thread needs of its own. */
typedef struct sal__stream_worker {
    sal_context *ctx; /* errors of reading in a task land here */
    sal_stack *stack;
    float *segment; /* pixels of one read, (rows, columns, bands) */
    float *environment, *spectrum, *index, *ndvi, *network, *quality;
    float *di, *lpd; /* lpd: NULL when the map has no such band */
    float *embedding; /* (tile, units): NULL when places are compared by covariates */
    void *scratch; /* of quality.h */
    void *nearness; /* scratch of applicability.h */
    sal_status status;
} sal__stream_worker;

/* Sums of one tile, added up in the order of tiles. */
typedef struct sal__stream_sums {
    double sum, minimum, maximum;
    int64_t density; /* sum of band lpd */
    int64_t valid, edge, missing, range, outside, clean, classes[SAL_CLASS_MAX];
} sal__stream_sums;

struct sal_stream {
    sal_context *ctx;
    sal_stream_request request;
    sal_mapper *mapper;
    const sal_mapper_needs *needs;
    sal_covariates *covariates; /* spectrum, index, environment, NDVI; in this order */
    const int64_t *bands;       /* (band_count) of the stack */
    int64_t band_count, halo, width, height, tiles_across;
    const sal_model_covariate *spectrum[SAL_COVARIATES_MAX], *index[SAL_COVARIATES_MAX], *environment[SAL_COVARIATES_MAX];
    bool log1p;
    sal_nearness *nearness; /* NULL when the map has no band di */
    int64_t map_bands, units; /* units: of the embedding by which places are compared, 0 where it is covariates */

    float *raw; /* (capacity, width, band_count): rows raw_begin .. raw_end of the raster */
    int64_t capacity, raw_begin, raw_end;
    int64_t segment_columns, segment_rows, segments; /* how one chunk of rows is cut for reading */
    int64_t read_begin, read_end;

    float *out;                              /* (SINK_ROWS, width, map_bands) from out_begin */
    int64_t out_begin, next_tile; /* tiles count along rows */
    sal__stream_sums *sums;                  /* (SINK_ROWS / SAL_TILE_ROWS * tiles_across) */

    int32_t workers;
    sal__stream_worker *worker;
    int32_t threads_before;
    double total; /* sum of band salinity */
    int64_t density; /* sum of band lpd */
    double done;  /* fraction of the rows that are computed */
    sal_stream_figures figures;
};

/* How reading is cut, for a plan. */
void sal__stream_segments(sal_stream *stream, int64_t rows);
int64_t sal__stream_segment_floats(const sal_stream *stream);
/* Appends the next rows to raw, dropping those before keep_from. */
sal_status sal__stream_read(sal_stream *stream, int64_t keep_from);
/* Runs tasks 0 .. n - 1 in batches short enough for progress and cancelling. from, to: fractions of the span. */
sal_status sal__stream_batches(sal_stream *stream, int64_t n, sal_pool_task task, double from, double to);
/* Task of the pool: tile next_tile + i. */
void sal__stream_tile(void *stream, int64_t i, int32_t worker);

#endif
