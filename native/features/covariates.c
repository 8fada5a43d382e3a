/* covariates.c - covariates by id from a stack: stored bands are copied, indices are computed from the bands that have
 * the roles they need.
 *
 * One read brings every band that any id needs, pixel-interleaved; chunks of pixels are then turned into planes that
 * stay in the cache, evaluated, and written back interleaved. A band with the name of an index wins over the formula.
 */
#include "features/indices.h"
#include "features/planes.h"

#include <string.h>

enum { CHUNK = 128, CHUNKS_PER_TASK = 64, TILE = 16, BANDS = 16, STREAM = 64 };

struct sal_covariates {
    sal_context *ctx;
    sal_stack *stack;
    int64_t n, band_count, scratch_size;
    sal__item *items;             /* n */
    int64_t *bands;               /* band_count: distinct bands of the stack to read */
    int64_t role[SAL_ROLE_COUNT]; /* slot in `bands`, -1 where no index needs the role */
    bool plain;                   /* every id is a band: read straight into the output */
    float *scratch;               /* (pixels, band_count) */
};

static int64_t band_of_role(const sal_stack *stack, sal_role role)
{
    for (int64_t i = 0; i < sal_stack_covariate_count(stack); i++) {
        const char *found = sal_band_role(sal_stack_sensor(stack), sal_stack_covariate(stack, i));
        if (found && strcmp(found, sal__role_name(role)) == 0) return i;
    }
    return -1;
}

bool sal_covariates_has(sal_stack *stack, const char *id)
{
    if (sal_stack_find(stack, id) >= 0) return true;
    const sal_index *index = sal_index_find(id);
    if (!index) return false;
    uint32_t roles = sal__index_roles(index);
    for (sal_role r = 0; r < SAL_ROLE_COUNT; r++)
        if (roles & 1u << r && band_of_role(stack, r) < 0) return false;
    return true;
}

static int64_t slot_of_band(sal_covariates *c, int64_t band)
{
    for (int64_t i = 0; i < c->band_count; i++)
        if (c->bands[i] == band) return i;
    c->bands[c->band_count] = band;
    return c->band_count++;
}

static sal_status fail_missing(sal_context *ctx, const sal_stack *stack, const char *id, const sal_index *index,
                               int32_t role, const char *wanted_by)
{
    const char *path = sal_stack_path(stack), *sensor = sal_stack_sensor(stack);
    const char *which = wanted_by ? ", which " : "", *by = wanted_by ? wanted_by : "",
               *needs = wanted_by ? " needs" : "";
    if (!index)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "stack \"%s\" has no band \"%s\"%s%s%s; build the stack again with it (Build covariate stack), "
                        "or train without it",
                        path, id, which, by, needs);
    return sal_fail(ctx, SAL_STATUS_DATA,
                    "stack \"%s\" (sensor: %s) has no band with the role %s, needed for index %s = %s%s%s%s; add the "
                    "band with Build covariate "
                    "stack, or leave the index out",
                    path, sensor[0] ? sensor : "not stated", sal__role_name((sal_role)role), id, index->formula, which,
                    by, needs);
}

static sal_status bind_one(sal_covariates *c, int64_t i, const char *id, const char *wanted_by)
{
    int64_t band = sal_stack_find(c->stack, id);
    if (band >= 0) {
        c->items[i] = (sal__item){ slot_of_band(c, band), -1, i };
        return SAL_STATUS_OK;
    }
    const sal_index *index = sal_index_find(id);
    if (!index) return fail_missing(c->ctx, c->stack, id, NULL, -1, wanted_by);
    uint32_t roles = sal__index_roles(index);
    for (int32_t r = 0; r < SAL_ROLE_COUNT; r++) {
        if (!(roles & 1u << r) || c->role[r] >= 0) continue;
        band = band_of_role(c->stack, (sal_role)r);
        if (band < 0) return fail_missing(c->ctx, c->stack, id, index, r, wanted_by);
        c->role[r] = slot_of_band(c, band);
    }
    c->items[i] = (sal__item){ -1, index - sal_index_at(0), i };
    return SAL_STATUS_OK;
}

sal_status sal_covariates_bind(sal_context *ctx, sal_stack *stack, const char *const *ids, int64_t n,
                               const char *wanted_by, sal_covariates **out)
{
    sal_status status;
    sal_covariates *c = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *c, &c));
    *c = (sal_covariates){ .ctx = ctx, .stack = stack, .n = n };
    for (int r = 0; r < SAL_ROLE_COUNT; r++) c->role[r] = -1;
    SAL_TRY(sal_allocate(ctx, n, sizeof *c->items, &c->items));
    SAL_TRY(sal_allocate(ctx, n + SAL_ROLE_COUNT, sizeof *c->bands, &c->bands));
    for (int64_t i = 0; i < n; i++) SAL_TRY(bind_one(c, i, ids[i], wanted_by));
    c->plain = c->band_count == n;
    for (int64_t i = 0; i < n; i++) c->plain = c->plain && c->items[i].band == i;
    *out = c;
    c = NULL;
done:
    sal_covariates_free(c);
    return status;
}

void sal_covariates_free(sal_covariates *c)
{
    if (!c) return;
    sal_context *ctx = c->ctx;
    sal_release(ctx, c->items);
    sal_release(ctx, c->bands);
    sal_release(ctx, c->scratch);
    sal_release(ctx, c);
}

typedef struct work {
    const int64_t *role;
    const sal__item *items;
    int64_t n, in_bands, out_bands, pixels;
    const float *in;
    float *out;
    bool streams; /* every value of `out` is written, and there are many */
} work;

/* The bands of m <= CHUNK pixels as planes: all of them when they are few, else those with a role; `role` receives the plane of each
 * role, where any will do for a role that no index needs. */
static void make_planes(const work *w, const float *in, int64_t m, float planes[BANDS][CHUNK],
                        const float *role[SAL_ROLE_COUNT])
{
    const bool few = w->in_bands <= BANDS;
    if (few) sal__deinterleave(in, w->in_bands, w->in_bands, m, planes[0], CHUNK);
    for (int r = 0; r < SAL_ROLE_COUNT; r++) {
        const int64_t band = w->role[r] < 0 ? 0 : w->role[r];
        role[r] = planes[few ? band : r];
        for (int64_t i = 0; i < m && !few; i++) planes[r][i] = in[i * w->in_bands + band];
    }
}

/* m <= CHUNK pixels; the bands are copied to planes before the first output is written, so that in may be out. */
static void evaluate_chunk(const work *w, const float *in, int64_t m, float *out)
{
    float planes[BANDS][CHUNK], tile[TILE][CHUNK], whole[CHUNK * STREAM];
    const float *roles[SAL_ROLE_COUNT];
    float *to = w->streams ? whole : out;
    make_planes(w, in, m, planes, roles);
    for (int64_t first = 0, next; first < w->n; first = next) {
        for (next = first;
             next < w->n && next - first < TILE && w->items[next].slot - w->items[first].slot == next - first; next++) {
            const sal__item *item = &w->items[next];
            float *row = tile[next - first];
            if (item->band < 0)
                sal__index_evaluate(item->index, roles, m, row);
            else if (w->in_bands <= BANDS)
                memcpy(row, planes[item->band], sizeof *row * (size_t)m);
            else
                for (int64_t i = 0; i < m; i++) row[i] = in[i * w->in_bands + item->band];
        }
        sal__interleave(&tile[0][0], CHUNK, next - first, m, to + w->items[first].slot, w->out_bands);
    }
    if (w->streams) sal__stream(whole, m * w->out_bands, out);
}

static void evaluate_task(void *arg, int64_t task, int32_t worker)
{
    const work *w = arg;
    const int64_t begin = task * CHUNK * CHUNKS_PER_TASK, limit = begin + CHUNK * CHUNKS_PER_TASK;
    const int64_t end = limit < w->pixels ? limit : w->pixels;
    for (int64_t p = begin; p < end; p += CHUNK)
        evaluate_chunk(w, w->in + p * w->in_bands, end - p < CHUNK ? end - p : CHUNK, w->out + p * w->out_bands);
    if (w->streams) sal__stream_end();
}

void sal__items_evaluate(sal_context *ctx, const int64_t role[SAL_ROLE_COUNT], const sal__item *items, int64_t n,
                         const float *in, int64_t in_bands, int64_t pixels, float *out, int64_t out_bands)
{
    work w = { role, items, n, in_bands, out_bands, pixels, in, out, false };
    w.streams = n == out_bands && n <= STREAM && sal__stream_pays(pixels * n);
    for (int64_t k = 0; k < n; k++) w.streams = w.streams && items[k].slot == k;
    const int64_t per_task = CHUNK * CHUNKS_PER_TASK;
    sal_pool_run(ctx, (pixels + per_task - 1) / per_task, evaluate_task, &w);
}

int64_t sal_covariates_bands(const sal_covariates *c, const int64_t **bands)
{
    *bands = c->bands;
    return c->band_count;
}

void sal_covariates_evaluate(const sal_covariates *c, int64_t first, int64_t n, const float *in, int64_t pixels,
                             float *out)
{
    if (n <= 0) return;
    sal__items_evaluate(c->ctx, c->role, c->items + first, n, in, c->band_count, pixels, out - first, n);
}

sal_status sal_covariates_read(sal_covariates *c, int64_t column, int64_t row, int64_t columns, int64_t rows,
                               float *out)
{
    sal_status status = SAL_STATUS_OK;
    const int64_t pixels = columns * rows, size = pixels * c->band_count;
    sal_raster *raster = sal_stack_raster(c->stack);
    if (c->plain) return sal_raster_read(raster, c->bands, c->band_count, column, row, columns, rows, out);
    if (size > c->scratch_size) {
        sal_release(c->ctx, c->scratch);
        c->scratch = NULL;
        c->scratch_size = 0;
        SAL_TRY(sal_allocate(c->ctx, size, sizeof *c->scratch, &c->scratch));
        c->scratch_size = size;
    }
    SAL_TRY(sal_raster_read(raster, c->bands, c->band_count, column, row, columns, rows, c->scratch));
    sal__items_evaluate(c->ctx, c->role, c->items, c->n, c->scratch, c->band_count, pixels, out, c->n);
done:
    return status;
}
