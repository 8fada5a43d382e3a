/* stream.h - maps a whole stack from north to south: rows of bands are read once, tiles computed in all threads, finished rows handed on.
 *
 * Memory grows with the width of the raster and never with its height. Tiles are anchored at the corner of the raster and read the same
 * surroundings whatever the number of rows read at a time, so results have the same bits for any memory and any number of threads.
 */
#ifndef SAL_MAP_STREAM_H
#define SAL_MAP_STREAM_H

#include "map/mapper.h"
#include "map/quality.h"
#include "train/classes.h"
#include "train/conformal.h"
#include "train/mean_factor.h"

/* Bands of a map, on the natural scale; NaN in all of them where a pixel has no bands. The dissimilarity index and, after it, the local
 * point density come before quality where they are asked for; quality is always the last. */
enum { SAL_MAP_SALINITY = 0, SAL_MAP_LOWER = 1, SAL_MAP_UPPER = 2, SAL_MAP_DI = 3, SAL_MAP_LPD = 4, SAL_MAP_BANDS_MAX = 6 };
static inline int64_t sal_map_bands(bool applicability, bool density) { return 4 + applicability + (applicability && density); }
static inline int64_t sal_map_quality(bool applicability, bool density) { return sal_map_bands(applicability, density) - 1; }

typedef struct sal_stream_request {
    sal_stack *stack;                /* borrowed; opened again by name in every thread */
    const sal_model_file *model;     /* borrowed; fits the stack */
    const sal_conformal_rule *rule;  /* NULL: the quantiles of the network as they are */
    const sal_class_scheme *scheme;  /* to count areas by class; NULL when there is none */
    bool applicability;              /* with band di and its flag; the model must have an area of applicability */
    bool density;                    /* with band lpd; with applicability only */
    double mean_factor;              /* band salinity is the mean by this factor (train/mean_factor.h); 0: the median */
    int64_t rows;                    /* read at a time; 0 chooses */
    int64_t max_memory;              /* bytes, 0 for no limit */
} sal_stream_request;

typedef struct sal_stream_figures {
    int64_t pixels, valid;
    double minimum, maximum, mean; /* of band salinity; NaN without a valid pixel */
    int64_t classes[SAL_CLASS_MAX];
    int64_t edge, missing, range, outside, clean; /* valid pixels with each flag of quality.h, and with none */
    double density;                               /* mean of band lpd; NaN without it */
    double seconds_reading, seconds_computing, seconds_writing;
    int64_t bytes, rows; /* planned memory; rows read at a time */
    int32_t workers;
} sal_stream_figures;

typedef struct sal_stream sal_stream;

/* Plans and allocates everything. Takes fewer rows at a time, then fewer threads, until max_memory is kept; ARGUMENT, with the least that would
 * do, when it cannot be. The context keeps the chosen number of threads until the stream is freed. */
sal_status sal_stream_new(sal_context *ctx, const sal_stream_request *request, sal_stream **out);
void sal_stream_free(sal_stream *stream);

/* Receives rows in order, 512 at a time but for the last: values (rows, width, sal_map_bands). Called from the thread that runs the stream. */
typedef sal_status (*sal_stream_sink)(void *user, int64_t row, int64_t rows, const float *values);
/* Reports progress from 0 to 1 in the current span and can be cancelled. Once per stream. */
sal_status sal_stream_run(sal_stream *stream, sal_stream_sink sink, void *user);
const sal_stream_figures *sal_stream_result(const sal_stream *stream);

#endif
