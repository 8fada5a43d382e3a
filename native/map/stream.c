/* stream.c - the order of work of a map: plan memory, read a chunk of rows, compute every tile whose surroundings are there, hand rows on.
 *
 * The trap: a tile needs rows below it, so what is computed lags behind what is read; rows that later tiles need again are moved to the
 * front of the buffer and not read twice.
 */
#include "kernels/gemm.h"
#include "map/stream_private.h"
#include <math.h>
#include <string.h>

static const int64_t gdal_bytes = (int64_t)160 << 20; /* blocks waiting to be compressed, and one segment in decoding */
static const double batch_seconds = 0.2;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t round_up(int64_t a, int64_t step) { return (a + step - 1) / step * step; }

/* ---- plan ---- */

static sal_status bind(sal_stream *s, const sal_model_file *model)
{
    sal_status status = SAL_STATUS_OK;
    const char *ids[3 * SAL_COVARIATES_MAX + 1];
    const struct {
        const char *role;
        const sal_model_covariate **list;
    } parts[3] = { { "spectral", s->spectrum }, { "index", s->index }, { "window", s->environment } };
    int64_t n = 0;
    for (int32_t p = 0; p < 3; p++) {
        for (int64_t i = 0, k = 0; i < model->covariate_count && k < SAL_COVARIATES_MAX; i++) {
            if (strcmp(model->covariates[i].role, parts[p].role) != 0) continue;
            parts[p].list[k++] = &model->covariates[i];
            ids[n++] = model->covariates[i].id;
        }
    }
    const sal_system *system = sal_system_find(model->system);
    if (system && system->uses & SAL_USES_INDEX) ids[n++] = "NDVI";
    char *by = NULL;
    SAL_TRY(sal_text_format(s->ctx, &by, "model \"%s\"", model->name));
    SAL_TRY(sal_covariates_bind(s->ctx, s->request.stack, ids, n, by, &s->covariates));
    s->band_count = sal_covariates_bands(s->covariates, &s->bands);
done:
    sal_release(s->ctx, by);
    return status;
}

static int64_t capacity_for(const sal_stream *s, int64_t rows)
{
    int64_t tall = round_up(s->height, SAL_TILE_ROWS), capacity = rows + SAL_TILE_ROWS + 2 * s->halo;
    return capacity < tall ? capacity : tall;
}

static int64_t sink_rows(const sal_stream *s) { return least(round_up(s->height, SAL_TILE_ROWS), SAL__SINK_ROWS); }

/* Floats of one worker, without its networks and its segment. */
static int64_t tile_floats(const sal_stream *s, int64_t covariates, int64_t environment)
{
    int64_t pixels = SAL_TILE_ROWS * SAL_TILE_COLUMNS;
    return pixels * (covariates + 5) + (SAL_TILE_ROWS + 2 * s->halo) * (SAL_TILE_COLUMNS + 2 * s->halo) * (environment + 1);
}

static int64_t bytes_for(sal_stream *s, int64_t mapper_bytes, int32_t workers, int64_t rows)
{
    const sal_model_file *m = s->request.model;
    sal__stream_segments(s, rows);
    int64_t file = 4 * s->width * s->height * (s->band_count + s->map_bands);
    int64_t shared_di = s->nearness ? sal_nearness_bytes(s->nearness) : 0, own_di = s->nearness ? sal_nearness_scratch(s->nearness) + 4 * SAL_TILE_ROWS * SAL_TILE_COLUMNS * (s->request.density ? 2 : 1) : 0;
    own_di += 4 * SAL_TILE_ROWS * SAL_TILE_COLUMNS * s->units;
    int64_t own = own_di + mapper_bytes + 4 * (tile_floats(s, m->covariate_count, m->covariate_count) + 2 * sal__stream_segment_floats(s));
    int64_t shared = shared_di + 4 * s->width * (capacity_for(s, rows) * s->band_count + sink_rows(s) * s->map_bands);
    return shared + workers * own + least(gdal_bytes, file);
}

/* Rows at a time: whole blocks of the file, so that nothing is decoded twice. */
static int64_t preferred_rows(const sal_stream *s)
{
    int64_t columns, rows;
    if (s->request.rows > 0) return least(round_up(s->request.rows, SAL_TILE_ROWS), round_up(s->height, SAL_TILE_ROWS));
    sal_raster_block_size(sal_stack_raster(s->request.stack), &columns, &rows);
    if (rows % SAL_TILE_ROWS || rows > 2 * SAL__SINK_ROWS) rows = SAL__SINK_ROWS;
    rows = rows < SAL__SINK_ROWS ? SAL__SINK_ROWS / rows * rows : rows;
    return least(rows, round_up(s->height, SAL_TILE_ROWS));
}

static sal_status plan(sal_stream *s)
{
    sal_status status = SAL_STATUS_OK;
    int64_t mapper_bytes, limit = s->request.max_memory > 0 ? s->request.max_memory : INT64_MAX, rows, bytes = 0;
    int64_t first = preferred_rows(s), last = s->request.rows > 0 ? first : SAL_TILE_ROWS;
    int64_t tiles = s->tiles_across * ((s->height + SAL_TILE_ROWS - 1) / SAL_TILE_ROWS);
    int32_t workers = (int32_t)least(sal_context_threads(s->ctx), tiles);
    SAL_TRY(sal_mapper_bytes(s->ctx, s->request.model, &mapper_bytes));
    for (; workers > 0; workers--) {
        for (rows = first; rows >= last; rows = rows == last ? 0 : round_up(rows / 2, SAL_TILE_ROWS)) {
            bytes = bytes_for(s, mapper_bytes, workers, rows);
            if (bytes <= limit) goto found;
        }
    }
    status = sal_fail(s->ctx, SAL_STATUS_ARGUMENT, "max_memory is %lld MiB, but mapping \"%s\", %lld pixels wide, needs at least %lld MiB%s", (long long)(limit >> 20),
                      sal_stack_path(s->request.stack), (long long)s->width, (long long)(bytes >> 20) + 1, s->request.rows > 0 ? "; a smaller block_size needs less" : "");
    goto done;
found:
    s->workers = s->figures.workers = workers;
    s->figures.rows = rows;
    s->figures.bytes = bytes;
    s->capacity = capacity_for(s, rows);
done:
    return status;
}

/* ---- buffers ---- */

static sal_status allocate_worker(sal_stream *s, sal__stream_worker *w)
{
    sal_status status = SAL_STATUS_OK;
    const sal_mapper_needs *n = s->needs;
    int64_t pixels = SAL_TILE_ROWS * SAL_TILE_COLUMNS, with_halo = (SAL_TILE_ROWS + 2 * s->halo) * (SAL_TILE_COLUMNS + 2 * s->halo);
    if (sal_context_new(&w->ctx) != SAL_STATUS_OK) return sal_fail(s->ctx, SAL_STATUS_MEMORY, "out of memory for a reader of \"%s\"", sal_stack_path(s->request.stack));
    sal_context_set_threads(w->ctx, 1);
    status = sal_stack_open(w->ctx, sal_stack_path(s->request.stack), &w->stack);
    if (status != SAL_STATUS_OK) return sal_fail(s->ctx, status, "%s", sal_context_message(w->ctx));
    if (s->segment_columns < s->width) SAL_TRY(sal_allocate(s->ctx, sal__stream_segment_floats(s), sizeof(float), &w->segment));
    SAL_TRY(sal_allocate(s->ctx, pixels * n->spectrum_count, sizeof(float), &w->spectrum));
    SAL_TRY(sal_allocate(s->ctx, pixels * n->index_count, sizeof(float), &w->index));
    SAL_TRY(sal_allocate(s->ctx, pixels, sizeof(float), &w->ndvi));
    SAL_TRY(sal_allocate(s->ctx, with_halo * n->environment_count, sizeof(float), &w->environment));
    SAL_TRY(sal_allocate(s->ctx, pixels * 3, sizeof(float), &w->network));
    SAL_TRY(sal_allocate(s->ctx, pixels, sizeof(float), &w->quality));
    if (s->nearness) {
        SAL_TRY(sal_allocate(s->ctx, pixels, sizeof(float), &w->di));
        if (s->request.density) SAL_TRY(sal_allocate(s->ctx, pixels, sizeof(float), &w->lpd));
        SAL_TRY(sal_allocate(s->ctx, sal_nearness_scratch(s->nearness), 1, &w->nearness));
        if (s->units) SAL_TRY(sal_allocate(s->ctx, pixels * s->units, sizeof(float), &w->embedding));
    }
    SAL_TRY(sal_allocate(s->ctx, sal_quality_scratch(SAL_TILE_ROWS, SAL_TILE_COLUMNS, s->halo), 1, &w->scratch));
done:
    return status;
}

static sal_status allocate(sal_stream *s)
{
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_allocate(s->ctx, s->capacity * s->width * s->band_count, sizeof(float), &s->raw));
    SAL_TRY(sal_allocate(s->ctx, sink_rows(s) * s->width * s->map_bands, sizeof(float), &s->out));
    SAL_TRY(sal_allocate(s->ctx, sink_rows(s) / SAL_TILE_ROWS * s->tiles_across, sizeof *s->sums, &s->sums));
    SAL_TRY(sal_allocate(s->ctx, s->workers, sizeof *s->worker, &s->worker));
    for (int32_t k = 0; k < s->workers; k++) SAL_TRY(allocate_worker(s, &s->worker[k]));
done:
    return status;
}

sal_status sal_stream_new(sal_context *ctx, const sal_stream_request *request, sal_stream **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_stream *s = NULL;
    const sal_grid *grid = sal_stack_grid(request->stack);
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *s, &s));
    s->ctx = ctx;
    s->request = *request;
    s->threads_before = sal_context_threads(ctx);
    s->width = grid->columns;
    s->height = grid->rows;
    s->tiles_across = (s->width + SAL_TILE_COLUMNS - 1) / SAL_TILE_COLUMNS;
    s->log1p = strcmp(request->model->transform, "log1p") == 0;
    s->figures = (sal_stream_figures){ .pixels = s->width * s->height, .minimum = INFINITY, .maximum = -INFINITY, .mean = NAN };
    s->halo = (request->model->window - 1) / 2;
    SAL_TRY(bind(s, request->model));
    if (request->applicability) {
        SAL_ASSERT(ctx, request->model->applicability);
        SAL_TRY(sal_nearness_new(request->model->applicability, &s->nearness));
        if (request->model->applicability->basis == SAL_APPLICABILITY_EMBEDDING) s->units = request->model->applicability->p;
    }
    s->map_bands = sal_map_bands(request->applicability, request->density);
    SAL_TRY(plan(s));
    SAL_TRY(sal_context_set_threads(ctx, s->workers));
    SAL_TRY(sal_mapper_new(ctx, request->model, s->workers, &s->mapper));
    s->halo = sal_mapper_halo(s->mapper);
    s->needs = sal_mapper_covariates(s->mapper);
    SAL_TRY(allocate(s));
    *out = s;
    s = NULL;
done:
    sal_stream_free(s);
    return status;
}

void sal_stream_free(sal_stream *s)
{
    if (!s) return;
    sal_context *ctx = s->ctx;
    for (int32_t k = 0; s->worker && k < s->workers; k++) {
        sal__stream_worker *w = &s->worker[k];
        float *own[] = { w->segment, w->environment, w->spectrum, w->index, w->ndvi, w->network, w->quality, w->scratch, w->di, w->lpd, w->nearness, w->embedding };
        for (size_t i = 0; i < sizeof own / sizeof *own; i++) sal_release(ctx, own[i]);
        sal_stack_free(w->stack);
        sal_context_free(w->ctx);
    }
    sal_covariates_free(s->covariates);
    sal_mapper_free(s->mapper);
    sal_nearness_free(s->nearness);
    sal_release(ctx, s->worker);
    sal_release(ctx, s->sums);
    sal_release(ctx, s->out);
    sal_release(ctx, s->raw);
    sal_context_set_threads(ctx, s->threads_before);
    sal_release(ctx, s);
}

/* ---- work ---- */

typedef struct batch {
    sal_stream *stream;
    sal_pool_task task;
    int64_t first;
} batch;

static void shifted(void *arg, int64_t i, int32_t worker)
{
    const batch *b = arg;
    b->task(b->stream, b->first + i, worker);
}

sal_status sal__stream_batches(sal_stream *s, int64_t n, sal_pool_task task, double from, double to)
{
    sal_status status = SAL_STATUS_OK;
    batch b = { s, task, 0 };
    for (int64_t size = s->workers, count; b.first < n; b.first += count) {
        double begun = sal_clock();
        SAL_TRY(sal_progress(s->ctx, from + (to - from) * (double)b.first / (double)n, NULL));
        count = least(size, n - b.first);
        sal_pool_run(s->ctx, count, shifted, &b);
        double each = (sal_clock() - begun) / (double)((count + s->workers - 1) / s->workers), rounds = batch_seconds / (each > 1e-6 ? each : 1e-6);
        size = s->workers * (rounds < 1 ? 1 : rounds > 64 ? 64 : (int64_t)rounds);
    }
    SAL_TRY(sal_progress(s->ctx, to, NULL));
done:
    return status;
}

static void add_sums(sal_stream *s, int64_t n)
{
    sal_stream_figures *f = &s->figures;
    for (int64_t i = 0; i < n; i++) {
        const sal__stream_sums *t = &s->sums[i];
        s->total += t->sum;
        s->density += t->density;
        f->minimum = t->minimum < f->minimum ? t->minimum : f->minimum;
        f->maximum = t->maximum > f->maximum ? t->maximum : f->maximum;
        f->valid += t->valid;
        f->edge += t->edge;
        f->missing += t->missing;
        f->range += t->range;
        f->outside += t->outside;
        f->clean += t->clean;
        for (int32_t k = 0; k < SAL_CLASS_MAX; k++) f->classes[k] += t->classes[k];
    }
}

/* Computes the rows [row, end), both at tiles' edges or the end of the raster. */
static sal_status compute(sal_stream *s, int64_t row, int64_t end)
{
    int64_t rows = (end - row + SAL_TILE_ROWS - 1) / SAL_TILE_ROWS;
    double begun = sal_clock(), done = (double)end / (double)s->height;
    s->next_tile = row / SAL_TILE_ROWS * s->tiles_across;
    sal_status status = sal__stream_batches(s, rows * s->tiles_across, sal__stream_tile, s->done, done);
    if (status != SAL_STATUS_OK) return status;
    add_sums(s, rows * s->tiles_across);
    s->done = done;
    s->figures.seconds_computing += sal_clock() - begun;
    return status;
}

static sal_status map_rows(sal_stream *s, sal_stream_sink sink, void *user)
{
    sal_status status = SAL_STATUS_OK;
    int64_t row = 0; /* of the next tile */
    while (row < s->height) {
        int64_t ready = s->raw_end == s->height ? s->height : (s->raw_end - s->halo) / SAL_TILE_ROWS * SAL_TILE_ROWS;
        int64_t end = least(ready, s->out_begin + SAL__SINK_ROWS);
        if (end <= row) {
            SAL_TRY(sal__stream_read(s, row - s->halo > 0 ? row - s->halo : 0));
            continue;
        }
        SAL_TRY(compute(s, row, end));
        row = end;
        if (row - s->out_begin < SAL__SINK_ROWS && row < s->height) continue;
        double begun = sal_clock();
        SAL_TRY(sink(user, s->out_begin, row - s->out_begin, s->out));
        s->figures.seconds_writing += sal_clock() - begun;
        s->out_begin = row;
    }
    s->figures.density = s->figures.valid && s->request.density ? (double)s->density / (double)s->figures.valid : NAN;
    if (s->figures.valid) s->figures.mean = s->total / (double)s->figures.valid;
    else s->figures.minimum = s->figures.maximum = NAN;
done:
    return status;
}

/* Tasks multiply matrices outside of programs too: OpenBLAS stays in the calling thread for the whole run. */
sal_status sal_stream_run(sal_stream *s, sal_stream_sink sink, void *user)
{
    sal_kernels_enter(s->ctx);
    sal_status status = map_rows(s, sink, user);
    sal_kernels_leave();
    return status;
}

const sal_stream_figures *sal_stream_result(const sal_stream *s) { return &s->figures; }
