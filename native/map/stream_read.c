/* stream_read.c - rows of bands from the stack into memory, decoded by all threads at once.
 *
 * Decompressing a stack costs as much as a good part of the network, so every block of the file is decoded once, by the thread that takes its
 * segment, through a handle of its own; and forgotten at once, because GDAL would keep as much again as our own buffer holds.
 */
#include "map/stream_private.h"
#include <string.h>

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Segments are whole blocks wide and as high as the chunk; of a file in strips, whole rows. About 4 million values each. */
void sal__stream_segments(sal_stream *s, int64_t rows)
{
    int64_t columns, block_rows, share = (int64_t)1 << 22;
    sal_raster_block_size(sal_stack_raster(s->request.stack), &columns, &block_rows);
    rows = least(rows, s->height);
    s->segment_columns = columns >= s->width ? s->width : columns;
    s->segment_rows = rows;
    if (columns >= s->width) {
        int64_t some = share / (s->width * s->band_count) / block_rows * block_rows;
        s->segment_rows = least(rows, some > block_rows ? some : block_rows);
    } else {
        while (2 * s->segment_columns * rows * s->band_count <= share && 2 * s->segment_columns < s->width) s->segment_columns *= 2;
    }
}

int64_t sal__stream_segment_floats(const sal_stream *s) { return s->segment_columns * s->segment_rows * s->band_count; }

static void read_task(void *arg, int64_t i, int32_t worker)
{
    sal_stream *s = arg;
    sal__stream_worker *w = &s->worker[worker];
    int64_t across = (s->width + s->segment_columns - 1) / s->segment_columns;
    int64_t column = i % across * s->segment_columns, row = s->read_begin + i / across * s->segment_rows;
    int64_t columns = least(s->segment_columns, s->width - column), rows = least(s->segment_rows, s->read_end - row);
    if (w->status != SAL_STATUS_OK || sal_cancelled(s->ctx)) return;
    float *to = s->raw + ((row - s->raw_begin) * s->width + column) * s->band_count;
    float *segment = columns == s->width ? to : w->segment; /* whole rows need no second copy */
    sal_raster *raster = sal_stack_raster(w->stack);
    w->status = sal_raster_read(raster, s->bands, s->band_count, column, row, columns, rows, segment);
    sal_raster_forget(raster);
    if (segment == to || w->status != SAL_STATUS_OK) return;
    for (int64_t r = 0; r < rows; r++)
        memcpy(to + r * s->width * s->band_count, segment + r * columns * s->band_count, (size_t)(columns * s->band_count) * sizeof(float));
}

sal_status sal__stream_read(sal_stream *s, int64_t keep_from)
{
    int64_t row_floats = s->width * s->band_count, kept = s->raw_end - keep_from;
    double begun = sal_clock();
    if (kept < 0) kept = 0;
    memmove(s->raw, s->raw + (s->raw_end - kept - s->raw_begin) * row_floats, (size_t)(kept * row_floats) * sizeof(float));
    s->raw_begin = s->raw_end - kept;
    s->read_begin = s->raw_end;
    s->read_end = least(s->raw_end + s->figures.rows, s->height);
    SAL_ASSERT(s->ctx, s->read_end - s->raw_begin <= s->capacity);
    int64_t across = (s->width + s->segment_columns - 1) / s->segment_columns;
    int64_t down = (s->read_end - s->read_begin + s->segment_rows - 1) / s->segment_rows;
    sal_status status = sal__stream_batches(s, across * down, read_task, s->done, s->done);
    for (int32_t k = 0; k < s->workers && status == SAL_STATUS_OK; k++) {
        if (s->worker[k].status != SAL_STATUS_OK) status = sal_fail(s->ctx, s->worker[k].status, "%s", sal_context_message(s->worker[k].ctx));
    }
    s->raw_end = s->read_end;
    s->figures.seconds_reading += sal_clock() - begun;
    return status;
}
