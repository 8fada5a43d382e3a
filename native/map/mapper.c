/* mapper.c - evaluates the networks of a model on tiles.
 *
 * Parameters belong to a member, tapes and memory to a (worker, member). A tile is computed by one thread: trunk over the tile, gates and
 * tail row by row, so that the features of a tile stay in the cache. Rows and columns past the end of a smaller tile are computed on zeros.
 */
#include "mapper.h"
#include "gates.h"
#include <math.h>
#include <string.h>

typedef struct engine {
    sal_tape *trunk_tape, *pixel_tape;
    sal_program *trunk, *pixel; /* trunk: NULL without a window */
    sal_gates *gates;
} engine;

struct sal_mapper {
    sal_context *ctx;
    const sal_model_file *model;
    const sal_system *system;
    sal_model_options options;
    sal_scaling target;
    sal_mapper_needs needs;
    sal_scaling spectrum[SAL_COVARIATES_MAX], index[SAL_COVARIATES_MAX], environment[SAL_COVARIATES_MAX];
    int32_t workers;
    int64_t members;
    sal_params **params; /* (members) */
    engine *engines;     /* (workers, members) */
};

static int64_t halo_of(const sal_model_options *o, const sal_system *s) { return s->uses & SAL_USES_WINDOW ? (o->window - 1) / 2 : 0; }
int64_t sal_mapper_halo(const sal_mapper *m) { return halo_of(&m->options, m->system); }
const sal_mapper_needs *sal_mapper_covariates(const sal_mapper *m) { return &m->needs; }

/* Trunk over a whole tile: dilation takes the place of the strides before a stage. */
static sal_status build_trunk(sal_mapper *m, sal_params *params, engine *e)
{
    sal_status status = SAL_STATUS_OK;
    const sal_model_options *o = &m->options;
    int64_t halo = sal_mapper_halo(m), dilation = 1;
    SAL_TRY(sal_tape_new(m->ctx, params, false, &e->trunk_tape));
    sal_id x = sal_input(e->trunk_tape, "tile", SAL_SHAPE(1, SAL_TILE_ROWS + 2 * halo, SAL_TILE_COLUMNS + 2 * halo, o->covariates), false);
    for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) {
        x = sal_trunk_stage(e->trunk_tape, o, k, x, dilation);
        dilation *= sal_trunk_stride[k];
    }
    sal_tape_output(e->trunk_tape, x, "features");
    SAL_TRY(sal_program_new(m->ctx, e->trunk_tape, &e->trunk));
done:
    return status;
}

static sal_status build_pixel(sal_mapper *m, sal_params *params, engine *e)
{
    sal_status status = SAL_STATUS_OK;
    const sal_model_options *o = &m->options;
    SAL_TRY(sal_tape_new(m->ctx, params, false, &e->pixel_tape));
    sal_system own = *m->system;
    own.uses &= ~(uint32_t)SAL_USES_WINDOW;
    sal_model_inputs in = sal_system_inputs(e->pixel_tape, &own, o, SAL_TILE_COLUMNS);
    sal_id y;
    if (m->system->uses & SAL_USES_WINDOW) {
        sal_id pooled = sal_input(e->pixel_tape, "pooled", SAL_SHAPE(SAL_TILE_COLUMNS, o->covariates, o->channels[2] * o->pools), false);
        y = sal_ss_soilnet_tail(e->pixel_tape, o, &in, pooled);
    } else {
        y = m->system->build(e->pixel_tape, o, &in);
    }
    sal_tape_output(e->pixel_tape, y, "prediction");
    SAL_TRY(sal_program_new(m->ctx, e->pixel_tape, &e->pixel));
done:
    return status;
}

/* The whole network once on a tape of one window, so that params know every array, the gates included. */
static sal_status define_params(sal_mapper *m, int64_t member)
{
    sal_status status = SAL_STATUS_OK;
    sal_tape *tape = NULL;
    sal_program *program = NULL;
    SAL_TRY(sal_params_new(m->ctx, &m->params[member]));
    SAL_TRY(sal_tape_new(m->ctx, m->params[member], false, &tape));
    sal_model_inputs in = sal_system_inputs(tape, m->system, &m->options, 1);
    sal_tape_output(tape, m->system->build(tape, &m->options, &in), "prediction");
    SAL_TRY(sal_program_new(m->ctx, tape, &program)); /* reports what the builders found */
    SAL_TRY(sal_params_initialise(m->params[member], 0));
    SAL_TRY(sal_network_restore(m->model, member, m->params[member]));
done:
    sal_program_free(program);
    sal_tape_free(tape);
    return status;
}

static sal_status build_engine(sal_mapper *m, int64_t member, engine *e)
{
    sal_status status = SAL_STATUS_OK;
    if (m->system->uses & SAL_USES_WINDOW) {
        SAL_TRY(build_trunk(m, m->params[member], e));
        SAL_TRY(sal_gates_new(m->ctx, &m->options, m->params[member], SAL_TILE_ROWS, SAL_TILE_COLUMNS, &e->gates));
    }
    SAL_TRY(build_pixel(m, m->params[member], e));
done:
    return status;
}

static sal_status read_model(sal_mapper *m)
{
    sal_status status = SAL_STATUS_OK;
    const sal_model_options *o = &m->options;
    SAL_TRY(sal_network_options(m->model, &m->system, &m->options, &m->target));
    m->needs.spectrum_count = sal_network_covariates(m->model, "spectral", m->needs.spectrum, m->spectrum);
    m->needs.index_count = sal_network_covariates(m->model, "index", m->needs.index, m->index);
    m->needs.environment_count = sal_network_covariates(m->model, "window", m->needs.environment, m->environment);
    m->needs.ndvi = (m->system->uses & SAL_USES_INDEX) != 0;
    bool fits = m->needs.spectrum_count == (m->system->uses & SAL_USES_SPECTRUM ? o->bands : 0) &&
                m->needs.index_count == (m->system->uses & SAL_USES_INDEX ? o->indices : 0) &&
                m->needs.environment_count == (m->system->uses & (SAL_USES_WINDOW | SAL_USES_POINT) ? o->covariates : 0) && m->model->members > 0;
    if (!fits) status = sal_fail(m->ctx, SAL_STATUS_DATA, "model \"%s\" lists other covariates than its network takes; train it again", m->model->name);
done:
    return status;
}

sal_status sal_mapper_new(sal_context *ctx, const sal_model_file *model, int32_t workers, sal_mapper **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_mapper *m = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *m, &m));
    m->ctx = ctx;
    m->model = model;
    SAL_TRY(read_model(m));
    SAL_TRY(sal_allocate(ctx, model->members, sizeof *m->params, &m->params));
    SAL_TRY(sal_allocate(ctx, model->members * workers, sizeof *m->engines, &m->engines));
    m->members = model->members;
    m->workers = workers;
    for (int64_t k = 0; k < m->members; k++) {
        SAL_TRY(define_params(m, k));
        for (int32_t w = 0; w < workers; w++) SAL_TRY(build_engine(m, k, &m->engines[w * m->members + k]));
    }
    *out = m;
    return status;
done:
    sal_mapper_free(m);
    return status;
}

void sal_mapper_free(sal_mapper *m)
{
    if (!m) return;
    for (int64_t k = 0; k < m->members * m->workers; k++) {
        engine *e = &m->engines[k];
        sal_program_free(e->trunk);
        sal_program_free(e->pixel);
        sal_tape_free(e->trunk_tape);
        sal_tape_free(e->pixel_tape);
        sal_gates_free(e->gates);
    }
    for (int64_t k = 0; k < m->members; k++) sal_params_free(m->params[k]);
    sal_release(m->ctx, m->params);
    sal_release(m->ctx, m->engines);
    sal_release(m->ctx, m);
}

sal_status sal_mapper_bytes(sal_context *ctx, const sal_model_file *model, int64_t *bytes)
{
    sal_status status = SAL_STATUS_OK;
    sal_mapper probe = { .ctx = ctx, .model = model };
    *bytes = 0;
    SAL_TRY(read_model(&probe));
    const sal_model_options *o = &probe.options;
    int64_t halo = sal_mapper_halo(&probe), pixels = (SAL_TILE_ROWS + 2 * halo) * (SAL_TILE_COLUMNS + 2 * halo);
    int64_t per_pixel = probe.system->uses & SAL_USES_WINDOW ? o->covariates * (1 + o->channels[1] + o->channels[2]) : 0;
    int64_t tail = SAL_TILE_COLUMNS * 16 * (o->bands + o->covariates + 4) * o->width;
    int64_t gates = probe.system->uses & SAL_USES_WINDOW ? sal_gates_bytes(o, SAL_TILE_ROWS, SAL_TILE_COLUMNS) : 0;
    *bytes = model->members * ((pixels * per_pixel + tail) * (int64_t)sizeof(float) + gates);
done:
    return status;
}

/* ---- one tile ---- */

static void put_environment(const sal_mapper *m, const sal_tile *t, float *to)
{
    int64_t halo = sal_mapper_halo(m), n = m->options.covariates, columns = t->columns + 2 * halo, whole = SAL_TILE_COLUMNS + 2 * halo;
    for (int64_t r = 0; r < SAL_TILE_ROWS + 2 * halo; r++, to += whole * n) {
        int64_t have = r < t->rows + 2 * halo ? columns : 0;
        if (have) memcpy(to, t->environment + r * t->environment_stride * n, (size_t)(have * n) * sizeof(float));
        sal_scale_apply(m->environment, n, have, to);
        memset(to + have * n, 0, (size_t)((whole - have) * n) * sizeof(float));
    }
}

static void put_pixels(sal_program *p, const char *name, const float *from, int64_t columns, int64_t n, const sal_scaling *scales)
{
    float *to = (float *)sal_program_input(p, name);
    if (!to) return;
    memcpy(to, from, (size_t)(columns * n) * sizeof(float));
    if (scales) sal_scale_apply(scales, n, columns, to);
    for (int64_t k = 0; !scales && k < columns * n; k++) to[k] = to[k] == to[k] ? to[k] : 0;
    memset(to + columns * n, 0, (size_t)((SAL_TILE_COLUMNS - columns) * n) * sizeof(float));
}

/* Outputs of one row of pixels are added to sum (columns, 3). */
static void run_row(const sal_mapper *m, engine *e, const sal_tile *t, int64_t r, float *sum)
{
    int64_t halo = sal_mapper_halo(m), at = r * t->stride, columns = m->options.head == SAL_HEAD_HUBER ? 1 : 3;
    put_pixels(e->pixel, "spectrum", t->spectrum + at * m->options.bands, t->columns, m->options.bands, m->spectrum);
    put_pixels(e->pixel, "index", t->index + at * m->options.indices, t->columns, m->options.indices, m->index);
    put_pixels(e->pixel, "ndvi", t->ndvi + at, t->columns, 1, NULL);
    if (e->gates) sal_gates_row(e->gates, r, (float *)sal_program_input(e->pixel, "pooled"), NULL, NULL);
    if (t->environment) put_pixels(e->pixel, "point", t->environment + ((r + halo) * t->environment_stride + halo) * m->options.covariates, t->columns, m->options.covariates, m->environment);
    sal_program_run(e->pixel, 0, 0);
    const real *y = sal_program_output(e->pixel, "prediction");
    for (int64_t i = 0; i < t->columns; i++) {
        for (int64_t k = 0; k < 3; k++) sum[3 * i + k] += (float)y[i * columns + (columns == 3 ? k : 0)];
    }
}

/* From the scaled target to the transformed one; NaN where the pixel has no bands. */
static void finish_row(const sal_mapper *m, const sal_tile *t, int64_t r, float *row)
{
    float share = (float)(m->target.sd / (double)m->members), mean = (float)m->target.mean;
    int64_t n = m->needs.spectrum_count ? m->needs.spectrum_count : m->needs.index_count;
    const float *given = m->needs.spectrum_count ? t->spectrum : t->index;
    for (int64_t i = 0; i < t->columns; i++) {
        bool valid = m->needs.spectrum_count > 0;
        for (int64_t k = 0; k < n; k++) {
            bool finite = isfinite(given[(r * t->stride + i) * n + k]);
            valid = m->needs.spectrum_count ? valid && finite : valid || finite; /* without bands: one index is enough */
        }
        for (int64_t k = 0; k < 3; k++) row[3 * i + k] = valid ? row[3 * i + k] * share + mean : NAN;
    }
}

void sal_mapper_tile(sal_mapper *m, int32_t worker, const sal_tile *t, float *out, int64_t out_stride)
{
    for (int64_t r = 0; r < t->rows; r++) memset(out + r * out_stride * 3, 0, (size_t)(t->columns * 3) * sizeof(float));
    for (int64_t k = 0; k < m->members && !sal_cancelled(m->ctx); k++) {
        engine *e = &m->engines[worker * m->members + k];
        if (e->trunk) {
            put_environment(m, t, (float *)sal_program_input(e->trunk, "tile"));
            sal_program_run(e->trunk, 0, 0);
            sal_gates_tile(e->gates, (const float *)sal_program_output(e->trunk, "features"));
        }
        for (int64_t r = 0; r < t->rows; r++) run_row(m, e, t, r, out + r * out_stride * 3);
    }
    for (int64_t r = 0; r < t->rows; r++) finish_row(m, t, r, out + r * out_stride * 3);
}
