/* dataset.c - reads what the networks see at every sample. */
#include "dataset.h"
#include "data/window.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char ndvi_id[] = "NDVI";

static sal_status allocate(sal_context *ctx, int64_t n, const sal_roles *roles, sal_dataset **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_dataset *d = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *d, &d));
    SAL_TRY(sal_roles_copy(ctx, roles, &d->roles));
    SAL_TRY(sal_allocate(ctx, n * roles->band_count, sizeof(float), &d->spectrum));
    SAL_TRY(sal_allocate(ctx, n * roles->index_count, sizeof(float), &d->index));
    SAL_TRY(sal_allocate(ctx, n, sizeof(float), &d->ndvi));
    SAL_TRY(sal_allocate(ctx, n * roles->window * roles->window * roles->covariate_count, sizeof(float), &d->window));
    SAL_TRY(sal_allocate(ctx, n, sizeof(double), &d->target));
    SAL_TRY(sal_allocate(ctx, n, sizeof(double), &d->x));
    SAL_TRY(sal_allocate(ctx, n, sizeof(double), &d->y));
    SAL_TRY(sal_allocate(ctx, n, sizeof(int64_t), &d->fid));
    SAL_TRY(sal_allocate(ctx, n, sizeof(int32_t), &d->stack));
    *out = d;
    return status;
done:
    sal_dataset_free(ctx, d);
    return status;
}

void sal_dataset_free(sal_context *ctx, sal_dataset *d)
{
    if (!d) return;
    sal_roles_clear(ctx, &d->roles);
    sal_release(ctx, d->spectrum);
    sal_release(ctx, d->index);
    sal_release(ctx, d->ndvi);
    sal_release(ctx, d->window);
    sal_release(ctx, d->target);
    sal_release(ctx, d->x);
    sal_release(ctx, d->y);
    sal_release(ctx, d->fid);
    sal_release(ctx, d->stack);
    sal_release(ctx, d);
}

/* The readers of one stack. */
typedef struct readers {
    sal_stack *stack; /* borrowed */
    sal_covariates *bands, *indices, *ndvi, *environment;
} readers;

static void close_readers(readers *r)
{
    sal_covariates_free(r->bands);
    sal_covariates_free(r->indices);
    sal_covariates_free(r->ndvi);
    sal_covariates_free(r->environment);
    memset(r, 0, sizeof *r);
}

static sal_status open_readers(sal_context *ctx, sal_stack *stack, const sal_roles *roles, readers *r)
{
    sal_status status = SAL_STATUS_OK;
    const char *ndvi[1] = { ndvi_id };
    memset(r, 0, sizeof *r);
    r->stack = stack;
    SAL_TRY(sal_covariates_bind(ctx, stack, (const char *const *)roles->bands, roles->band_count, NULL, &r->bands));
    if (roles->index_count) SAL_TRY(sal_covariates_bind(ctx, stack, (const char *const *)roles->indices, roles->index_count, NULL, &r->indices));
    SAL_TRY(sal_covariates_bind(ctx, stack, ndvi, 1, NULL, &r->ndvi));
    SAL_TRY(sal_covariates_bind(ctx, stack, (const char *const *)roles->covariates, roles->covariate_count, NULL, &r->environment));
    return status;
done:
    close_readers(r);
    return status;
}

/* The window around a sample, (window, window, covariates). Beyond the edge of the stack it is the mirror image of the inside, as in the map. */
static sal_status read_window(const readers *r, const sal_sample *s, sal_dataset *d, float *window)
{
    int64_t w = d->roles.window, half = w / 2, n = d->roles.covariate_count;
    const sal_grid *grid = sal_stack_grid(r->stack);
    const sal_window_place place = { s->row - half, s->column - half, w, w, grid->rows, grid->columns };
    bool gap = false, edge = s->row < half || s->column < half || s->row + half >= grid->rows || s->column + half >= grid->columns;
    sal_status status = sal_covariates_read(r->environment, place.column, place.row, w, w, window);
    if (status != SAL_STATUS_OK) return status;
    sal_window_reflect(&place, window, w, n);
    for (int64_t i = 0; i < w * w * n && !gap; i++) gap = !isfinite(window[i]);
    d->windows_with_gaps += gap;
    d->windows_at_edge += edge;
    return status;
}

/* Reads one sample into place k; *kept tells whether its pixel has bands. */
static sal_status read_sample(const readers *r, const sal_sample *s, sal_dataset *d, int64_t k, bool *kept)
{
    sal_status status = SAL_STATUS_OK;
    const sal_roles *roles = &d->roles;
    float *spectrum = d->spectrum + k * roles->band_count;
    *kept = true;
    SAL_TRY(sal_covariates_read(r->bands, s->column, s->row, 1, 1, spectrum));
    for (int64_t b = 0; b < roles->band_count; b++) *kept = *kept && isfinite(spectrum[b]);
    if (!*kept) goto done;
    if (r->indices) SAL_TRY(sal_covariates_read(r->indices, s->column, s->row, 1, 1, d->index + k * roles->index_count));
    SAL_TRY(sal_covariates_read(r->ndvi, s->column, s->row, 1, 1, d->ndvi + k));
    SAL_TRY(read_window(r, s, d, d->window + k * roles->window * roles->window * roles->covariate_count));
    d->target[k] = s->target;
    d->x[k] = s->x;
    d->y[k] = s->y;
    d->fid[k] = s->fid;
    d->stack[k] = s->stack;
done:
    return status;
}

/* A sample of one stack and the block of the file it lies in. */
typedef struct place {
    int64_t block, sample;
} place;

static int by_block(const void *a, const void *b)
{
    const place *p = a, *q = b;
    if (p->block != q->block) return p->block < q->block ? -1 : 1;
    return p->sample < q->sample ? -1 : p->sample > q->sample;
}

static void move_sample(sal_dataset *d, int64_t from, int64_t to)
{
    const sal_roles *r = &d->roles;
    const int64_t pixels = r->window * r->window * r->covariate_count;
    memmove(d->spectrum + to * r->band_count, d->spectrum + from * r->band_count, (size_t)r->band_count * sizeof(float));
    memmove(d->index + to * r->index_count, d->index + from * r->index_count, (size_t)r->index_count * sizeof(float));
    memmove(d->window + to * pixels, d->window + from * pixels, (size_t)pixels * sizeof(float));
    d->ndvi[to] = d->ndvi[from];
    d->target[to] = d->target[from];
    d->x[to] = d->x[from];
    d->y[to] = d->y[from];
    d->fid[to] = d->fid[from];
    d->stack[to] = d->stack[from];
}

/* Reads the samples of stack k. Every compressed block is read once, since samples are taken block by block; they stand in the dataset in
 * the order of the sample layer all the same. */
static sal_status read_stack(sal_context *ctx, const sal_samples *samples, sal_stack *stack, int32_t k, place *places, bool *kept, int64_t *read, sal_dataset *d)
{
    sal_status status = SAL_STATUS_OK;
    readers r = { 0 };
    int64_t n = 0, first = d->count, across, columns, rows, *slot = NULL;
    sal_raster_block_size(sal_stack_raster(stack), &columns, &rows);
    across = sal_stack_grid(stack)->columns / columns + 1;
    SAL_TRY(sal_allocate(ctx, samples->count, sizeof *slot, &slot));
    for (int64_t i = 0; i < samples->count; i++) {
        const sal_sample *s = &samples->items[i];
        if (s->stack != k) continue;
        slot[i] = first + n;
        places[n++] = (place){ s->row / rows * across + s->column / columns, i };
    }
    qsort(places, (size_t)n, sizeof *places, by_block);
    SAL_TRY(open_readers(ctx, stack, &d->roles, &r));
    for (int64_t i = 0; i < n; i++) {
        int64_t at = slot[places[i].sample];
        SAL_TRY(read_sample(&r, &samples->items[places[i].sample], d, at, &kept[at]));
        SAL_TRY(sal_progress(ctx, (double)++*read / (double)samples->count, NULL));
    }
    for (int64_t i = first; i < first + n; i++) {
        if (!kept[i]) continue;
        if (i != d->count) move_sample(d, i, d->count);
        d->count++;
    }
    d->dropped_nodata += first + n - d->count;
done:
    sal_raster_forget(sal_stack_raster(stack));
    close_readers(&r);
    sal_release(ctx, slot);
    return status;
}

sal_status sal_dataset_new(sal_context *ctx, const sal_samples *samples, sal_stack *const *stacks, int64_t n_stacks,
                           const sal_roles *roles, int64_t least, sal_dataset **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_dataset *d = NULL;
    place *places = NULL;
    bool *kept = NULL;
    int64_t read = 0;
    *out = NULL;
    SAL_TRY(allocate(ctx, samples->count, roles, &d));
    SAL_TRY(sal_allocate(ctx, samples->count, sizeof *places, &places));
    SAL_TRY(sal_allocate(ctx, samples->count, sizeof *kept, &kept));
    for (int64_t k = 0; k < n_stacks; k++) SAL_TRY(read_stack(ctx, samples, stacks[k], (int32_t)k, places, kept, &read, d));
    if (d->dropped_nodata)
        sal_warn(ctx, "%lld of %lld samples lie on pixels without data and were left out", (long long)d->dropped_nodata, (long long)samples->count);
    if (d->count < least) {
        status = sal_fail(ctx, SAL_STATUS_DATA, "%lld samples lie on valid pixels of the stacks, at least %lld are needed", (long long)d->count, (long long)least);
        goto done;
    }
    *out = d;
    d = NULL;
done:
    sal_release(ctx, places);
    sal_release(ctx, kept);
    sal_dataset_free(ctx, d);
    return status;
}
