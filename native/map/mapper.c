/* mapper.c - evaluates the networks of a model on tiles.
 *
 * Parameters belong to a member, memory to a (worker, member). A tile is computed by one thread: rows of the environment go through the trunk,
 * and whenever CHUNK rows of pixels have all their features, gates and tail run on them, 48 pixels at a time. Pixels stand in the lanes
 * of vectors everywhere, and none meets another, so where a tile begins or ends does not change a bit.
 */
#include "mapper.h"
#include "gates.h"
#include "table_mapper.h"
#include "kernels/lanes.h"
#include "tensor/simd.h"
#include <math.h>
#include <string.h>

enum { BLOCK = SAL_GATES_BLOCK, CHUNK = 64 };

typedef struct engine {
    sal_trunk *trunk; /* trunk and gates: NULL without a window */
    sal_gates *gates;
    sal_tape *tape;
    sal_program *pixel; /* what runs per pixel, BLOCK pixels at a time */
    real *spectrum, *index, *ndvi, *point, *pooled; /* its inputs, NULL where it has none, ... */
    const real *prediction;                         /* ... and its output */
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
    const sal_baseline_method *method; /* of a baseline, which `table` evaluates in place of all networks; else NULL */
    sal_table_mapper *table;
};

static int64_t halo_of(const sal_model_options *o, const sal_system *s) { return s->uses & SAL_USES_WINDOW ? (o->window - 1) / 2 : 0; }
int64_t sal_mapper_halo(const sal_mapper *m) { return m->method ? 0 : halo_of(&m->options, m->system); }
const sal_mapper_needs *sal_mapper_covariates(const sal_mapper *m) { return &m->needs; }

static sal_status build_pixel(sal_mapper *m, sal_params *params, engine *e)
{
    sal_status status = SAL_STATUS_OK;
    const sal_model_options *o = &m->options;
    SAL_TRY(sal_tape_new(m->ctx, params, false, &e->tape));
    sal_system own = *m->system;
    own.uses &= ~(uint32_t)SAL_USES_WINDOW;
    sal_model_inputs in = sal_system_inputs(e->tape, &own, o, BLOCK);
    sal_id y;
    if (m->system->uses & SAL_USES_WINDOW) {
        sal_id pooled = sal_input(e->tape, "pooled", SAL_SHAPE(BLOCK, o->covariates, o->channels[2] * o->pools), false);
        y = sal_ss_soilnet_tail(e->tape, o, &in, pooled);
    } else {
        y = m->system->build(e->tape, o, &in);
    }
    sal_tape_output(e->tape, y, "prediction");
    SAL_TRY(sal_program_new_lanes(m->ctx, e->tape, &e->pixel));
    e->spectrum = sal_program_input(e->pixel, "spectrum");
    e->index = sal_program_input(e->pixel, "index");
    e->ndvi = sal_program_input(e->pixel, "ndvi");
    e->point = sal_program_input(e->pixel, "point");
    e->pooled = sal_program_input(e->pixel, "pooled");
    e->prediction = sal_program_output(e->pixel, "prediction");
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
        int64_t edge = sal_gates_edge(&m->options);
        SAL_TRY(sal_trunk_new(m->ctx, &m->options, m->params[member], SAL_TILE_COLUMNS + edge, CHUNK + edge, &e->trunk));
        SAL_TRY(sal_gates_new(m->ctx, &m->options, m->params[member], SAL_TILE_COLUMNS, CHUNK + edge, &e->gates));
    }
    SAL_TRY(build_pixel(m, m->params[member], e));
done:
    return status;
}

/* The embedding is made where the model compares places by it; its width is that of the networks or the file lies. */
static sal_status check_embedding(sal_mapper *m)
{
    const sal_applicability *a = m->model->applicability;
    if (!a || a->basis != SAL_APPLICABILITY_EMBEDDING) return SAL_STATUS_OK;
    int64_t units = m->method ? 0 : m->options.hidden * m->model->members;
    m->options.shows_embedding = true;
    if (a->p == units) return SAL_STATUS_OK;
    return sal_fail(m->ctx, SAL_STATUS_DATA, "model \"%s\" compares places by %lld units of its last hidden layers, which have %lld; train it again", m->model->name, (long long)a->p, (long long)units);
}

static sal_status read_model(sal_mapper *m)
{
    sal_status status = SAL_STATUS_OK;
    const sal_model_options *o = &m->options;
    m->method = sal_baseline_method_find(m->model->system);
    if (!m->method) SAL_TRY(sal_network_options(m->model, &m->system, &m->options, &m->target));
    m->needs.spectrum_count = sal_network_covariates(m->model, "spectral", m->needs.spectrum, m->spectrum);
    m->needs.index_count = sal_network_covariates(m->model, "index", m->needs.index, m->index);
    m->needs.environment_count = sal_network_covariates(m->model, "window", m->needs.environment, m->environment);
    SAL_TRY(check_embedding(m));
    if (m->method) return SAL_STATUS_OK;
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
    if (m->method) {
        SAL_TRY(sal_table_mapper_new(ctx, model, m->method, &m->needs, workers, &m->table));
        *out = m;
        return status;
    }
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
        sal_program_free(e->pixel);
        sal_tape_free(e->tape);
        sal_gates_free(e->gates);
        sal_trunk_free(e->trunk);
    }
    for (int64_t k = 0; k < m->members; k++) sal_params_free(m->params[k]);
    sal_table_mapper_free(m->table);
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
    if (probe.method) {
        *bytes = sal_table_mapper_bytes(model);
        goto done;
    }
    const sal_model_options *o = &probe.options;
    *bytes = BLOCK * 16 * (o->bands + o->covariates + 4) * o->width * (int64_t)sizeof(float);
    if (probe.system->uses & SAL_USES_WINDOW) {
        int64_t edge = sal_gates_edge(o);
        *bytes += sal_trunk_bytes(o, SAL_TILE_COLUMNS + edge, CHUNK + edge) + sal_gates_bytes(o, SAL_TILE_COLUMNS, CHUNK + edge);
    }
    *bytes *= model->members;
done:
    return status;
}

/* ---- one tile ---- */

/* The next `rows` rows of the environment, from row r of it on, into the trunk: scaled, one row per covariate. Columns past the end are 0. */
static void push_environment(const sal_mapper *m, engine *e, const sal_tile *t, int64_t r, int64_t rows)
{
    int64_t n = m->options.covariates, have = t->columns + 2 * sal_mapper_halo(m), whole = sal_trunk_input_columns(e->trunk);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t k = 0; k < n; k++) {
            float *to = sal_trunk_next(e->trunk, i, k);
            sal_lanes_put(whole, have < whole ? have : whole, 1, t->environment + (r + i) * t->environment_stride * n + k, n, to);
            sal_scale_plane(&m->environment[k], have < whole ? have : whole, to);
        }
    }
    int64_t first = sal_trunk_ready(e->trunk);
    sal_trunk_push(e->trunk, rows);
    for (; first < sal_trunk_ready(e->trunk); first++) sal_gates_push(e->gates, e->trunk, first);
}

/* `count` pixels of `n` features each, beginning at from, as an input of the program (NULL: it has none). Without scales, what is missing becomes 0. */
static void put_pixels(real *to, const float *from, int64_t count, int64_t n, const sal_scaling *scales)
{
    static const sal_scaling as_is = { .mean = 0, .sd = 1 };
    if (!to) return;
    sal_lanes_put(BLOCK, count, n, from, n, to);
    for (int64_t k = 0; k < n; k++) sal_scale_plane(scales ? &scales[k] : &as_is, count, to + k * BLOCK);
}

/* Where the pixels of a tile go: sums (rows, stride, 3), and what embedding has of one member. */
typedef struct output {
    float *sum, *embedding; /* embedding: (rows, SAL_TILE_COLUMNS, units) from the first unit of the member, or NULL */
    int64_t stride, units;
} output;

/* Lanes (hidden, BLOCK) as pixels. */
static void take_embedding(const sal_program *p, int64_t hidden, int64_t count, float *to, int64_t units)
{
    const real *h = sal_program_output((sal_program *)p, "embedding");
    for (int64_t i = 0; i < count; i++) {
        for (int64_t c = 0; c < hidden; c++) to[i * units + c] = h[c * BLOCK + i];
    }
}

/* Outputs of the pixels [at, at + BLOCK) of row r are added to the sums. */
static void run_block(const sal_mapper *m, engine *e, const sal_tile *t, int64_t r, int64_t at, const output *out)
{
    float *sum = out->sum + r * out->stride * 3;
    const sal_model_options *o = &m->options;
    int64_t halo = sal_mapper_halo(m), pixel = r * t->stride + at, count = t->columns - at < BLOCK ? t->columns - at : BLOCK;
    put_pixels(e->spectrum, t->spectrum + pixel * o->bands, count, o->bands, m->spectrum);
    put_pixels(e->index, t->index + pixel * o->indices, count, o->indices, m->index);
    put_pixels(e->ndvi, t->ndvi + pixel, count, 1, NULL);
    if (t->environment)
        put_pixels(e->point, t->environment + ((r + halo) * t->environment_stride + halo + at) * o->covariates, count, o->covariates, m->environment);
    if (e->gates) sal_gates_block(e->gates, e->trunk, r, at, e->pooled);
    sal_program_run(e->pixel, 0, 0);
    for (int64_t k = 0; k < 3; k++) {
        const real *from = e->prediction + (o->head == SAL_HEAD_HUBER ? 0 : k * BLOCK);
        for (int64_t i = 0; i < count; i++) sum[3 * (at + i) + k] += from[i];
    }
    if (out->embedding) take_embedding(e->pixel, o->hidden, count, out->embedding + (r * SAL_TILE_COLUMNS + at) * out->units, out->units);
}

/* Rows [first, last) of one network. Every eighth row first, then those below them: they share their features. */
static void run_rows(const sal_mapper *m, engine *e, const sal_tile *t, int64_t first, int64_t last, const output *out)
{
    enum { STEP = 8 };
    for (int64_t phase = 0; phase < STEP; phase++) {
        for (int64_t r = first + phase; r < last; r += STEP) {
            for (int64_t at = 0; at < t->columns; at += BLOCK) run_block(m, e, t, r, at, out);
        }
    }
}

static void run_network(const sal_mapper *m, engine *e, const sal_tile *t, const output *out)
{
    int64_t pushed = 0, high = t->rows + 2 * sal_mapper_halo(m), edge = sal_gates_edge(&m->options);
    if (e->trunk) sal_trunk_begin(e->trunk);
    for (int64_t first = 0; first < t->rows && !sal_look(m->ctx); first += CHUNK) {
        int64_t last = first + CHUNK < t->rows ? first + CHUNK : t->rows;
        while (e->trunk && sal_trunk_ready(e->trunk) < last + edge) {
            int64_t lacking = last + edge - sal_trunk_ready(e->trunk), rows = lacking < SAL_TRUNK_PUSH ? lacking : SAL_TRUNK_PUSH;
            if (rows > high - pushed) rows = high - pushed;
            push_environment(m, e, t, pushed, rows);
            pushed += rows;
        }
        run_rows(m, e, t, first, last, out);
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
            float v = given[(r * t->stride + i) * n + k];
            bool finite = v - v == 0;
            valid = m->needs.spectrum_count ? valid & finite : valid | finite; /* without bands: one index is enough */
        }
        for (int64_t k = 0; k < 3; k++) row[3 * i + k] = valid ? row[3 * i + k] * share + mean : NAN;
    }
}

void sal_mapper_tile(sal_mapper *m, int32_t worker, const sal_tile *t, float *out, int64_t out_stride) { sal_mapper_tile_embedded(m, worker, t, out, out_stride, NULL); }

void sal_mapper_tile_embedded(sal_mapper *m, int32_t worker, const sal_tile *t, float *out, int64_t out_stride, float *embedding)
{
    if (m->table) {
        sal_table_mapper_tile(m->table, worker, t, out, out_stride);
        return;
    }
    for (int64_t r = 0; r < t->rows; r++) memset(out + r * out_stride * 3, 0, (size_t)(t->columns * 3) * sizeof(float));
    for (int64_t k = 0; k < m->members; k++) {
        const output own = { out, embedding ? embedding + k * m->options.hidden : NULL, out_stride, m->members * m->options.hidden };
        run_network(m, &m->engines[worker * m->members + k], t, &own);
    }
    for (int64_t r = 0; r < t->rows; r++) finish_row(m, t, r, out + r * out_stride * 3);
}
