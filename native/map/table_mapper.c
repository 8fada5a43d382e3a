/* table_mapper.c - see table_mapper.h. Pixels without bands cost nothing; what else is missing is the baseline's business (and flagged by quality.h). */
#include "table_mapper.h"
#include <math.h>
#include <stdio.h>

enum { LANES = SAL_BASELINE_LANES };

struct sal_table_mapper {
    sal_context *ctx;
    sal_baseline **members;
    int64_t count, p, bands, indices, environment, block; /* floats of a block with its scratch */
    float *blocks;                                        /* (workers, block) */
    int32_t workers;
};

sal_status sal_table_mapper_new(sal_context *ctx, const sal_model_file *model, const sal_baseline_method *method, const sal_mapper_needs *needs, int32_t workers, sal_table_mapper **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_table_mapper *m = NULL;
    char prefix[32], what[160];
    *out = NULL;
    snprintf(what, sizeof what, "model \"%s\"", model->name);
    SAL_TRY(sal_allocate(ctx, 1, sizeof *m, &m));
    *m = (sal_table_mapper){.ctx = ctx, .bands = needs->spectrum_count, .indices = needs->index_count, .environment = needs->environment_count, .workers = workers};
    m->p = m->bands + m->indices + m->environment;
    SAL_TRY(sal_allocate(ctx, model->members, sizeof *m->members, &m->members));
    m->count = model->members;
    for (int64_t k = 0; k < m->count; k++) {
        snprintf(prefix, sizeof prefix, "member%lld/", (long long)k);
        SAL_TRY(sal_baseline_restore(ctx, method, m->p, model->tensors, prefix, what, &m->members[k]));
        int64_t floats = m->p * LANES + sal_baseline_scratch(m->members[k]);
        m->block = floats > m->block ? floats : m->block;
    }
    SAL_TRY(sal_allocate(ctx, workers * m->block, sizeof *m->blocks, &m->blocks));
    *out = m;
    m = NULL;
done:
    sal_table_mapper_free(m);
    return status;
}

void sal_table_mapper_free(sal_table_mapper *m)
{
    if (!m) return;
    for (int64_t k = 0; k < m->count; k++) sal_baseline_free(m->members[k]);
    sal_release(m->ctx, m->members);
    sal_release(m->ctx, m->blocks);
    sal_release(m->ctx, m);
}

/* The arrays are there twice: in the file and as they are walked. */
int64_t sal_table_mapper_bytes(const sal_model_file *model)
{
    int64_t bytes = (model->covariate_count + 80) * LANES * (int64_t)sizeof(float);
    for (int64_t i = 0; i < sal_tensors_count(model->tensors); i++) bytes += 2 * sal_tensors_at(model->tensors, i)->count * (int64_t)sizeof(float);
    return bytes;
}

/* ---- one tile ---- */

/* Pixels that wait for their block to be full. */
typedef struct waiting {
    float *out[LANES];
    const float *spectrum[LANES], *index[LANES], *environment[LANES];
    int64_t n;
} waiting;

static void put(float *block, int64_t i, const float *from, int64_t n)
{
    for (int64_t k = 0; k < n; k++) block[k * LANES + i] = from[k];
}

static void run_block(const sal_table_mapper *m, int32_t worker, waiting *w)
{
    float *block = m->blocks + worker * m->block, sum[LANES], total[LANES] = {0};
    for (int64_t k = 0; k < m->count; k++) {
        for (int64_t i = 0; i < LANES; i++) { /* what is left over of a block repeats its first pixel */
            int64_t from = i < w->n ? i : 0;
            put(block, i, w->spectrum[from], m->bands);
            put(block + m->bands * LANES, i, w->index[from], m->indices);
            put(block + (m->bands + m->indices) * LANES, i, w->environment[from], m->environment);
        }
        sal_baseline_predict_lanes(m->members[k], block, block + m->p * LANES, sum);
        for (int64_t i = 0; i < LANES; i++) total[i] += sum[i] / (float)m->count;
    }
    for (int64_t i = 0; i < w->n; i++) w->out[i][0] = w->out[i][1] = w->out[i][2] = total[i];
    w->n = 0;
}

static bool has_bands(const float *spectrum, int64_t n)
{
    bool all = true;
    for (int64_t k = 0; k < n; k++) all &= fabsf(spectrum[k]) < INFINITY;
    return all;
}

void sal_table_mapper_tile(sal_table_mapper *m, int32_t worker, const sal_tile *t, float *out, int64_t out_stride)
{
    waiting w = {.n = 0};
    for (int64_t r = 0; r < t->rows && !sal_look(m->ctx); r++) {
        for (int64_t c = 0; c < t->columns; c++) {
            float *to = out + (r * out_stride + c) * 3;
            const float *spectrum = t->spectrum + (r * t->stride + c) * m->bands;
            to[0] = to[1] = to[2] = NAN;
            if (!has_bands(spectrum, m->bands)) continue;
            w.out[w.n] = to;
            w.spectrum[w.n] = spectrum;
            w.index[w.n] = t->index + (r * t->stride + c) * m->indices;
            w.environment[w.n++] = t->environment + (r * t->environment_stride + c) * m->environment;
            if (w.n == LANES) run_block(m, worker, &w);
        }
    }
    if (w.n) run_block(m, worker, &w);
}
