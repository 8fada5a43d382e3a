/* trunk.c - see trunk.h.
 *
 * Stage k turns rows r, r + d, ... r + (kernel - 1) d of what comes before into its row r, d being the product of the strides before it. Every
 * covariate goes its own way through the three stages, so its rows stay in the second cache. Rows live in rings: row r of a stage is slot
 * r modulo the length of its ring, which holds what the next stage reads and the rows of one step.
 */
#include "trunk.h"
#include "kernels/lanes.h"
#include "layers/layers.h"
#include <math.h>
#include <stdio.h>

/* Rows that go through all stages of a covariate before the next ones come: their rings then stay in the second cache. */
enum { STEP = 8 };

typedef struct stage {
    sal_lanes_conv conv; /* of one covariate; w, b and taps below */
    int64_t kernel, dilation;
    float *w, *b;        /* (covariates, kernel, kernel, in, out), (covariates, out) */
    int64_t span;        /* rows of input under the kernel */
    int64_t columns;     /* of its output */
    float *ring;         /* (covariates, ring_rows, out, columns) */
    int64_t ring_rows, done;
} stage;

struct sal_trunk {
    sal_context *ctx;
    int64_t covariates;
    float *input; /* (covariates, input_rows, input_columns) */
    int64_t input_rows, input_columns, input_done;
    stage stages[SAL_TRUNK_STAGES];
};

/* Columns and rings of every stage, from the last to the first; `w`, `b` and memory are not touched. */
static void lay_out(sal_trunk *t, const sal_model_options *o, int64_t columns, int64_t rows)
{
    int64_t dilation[SAL_TRUNK_STAGES], d = 1;
    for (int32_t k = 0; k < SAL_TRUNK_STAGES; d *= sal_trunk_stride[k++]) dilation[k] = d;
    t->covariates = o->covariates;
    for (int32_t k = SAL_TRUNK_STAGES - 1; k >= 0; k--) {
        stage *s = &t->stages[k];
        s->columns = columns;
        s->ring_rows = rows;
        s->span = (sal_trunk_kernel[k] - 1) * dilation[k] + 1;
        int64_t before = columns + s->span - 1;
        columns = (before + 15) / 16 * 16;
        rows = s->span + (k ? STEP : SAL_TRUNK_PUSH);
        s->kernel = sal_trunk_kernel[k];
        s->dilation = dilation[k];
        s->conv = (sal_lanes_conv){ .tap_count = s->kernel * s->kernel, .in = k ? o->channels[k - 1] : 1, .out = o->channels[k], .w_stride = o->channels[k],
                                    .x_stride = columns, .y_stride = s->columns, .relu = true };
    }
    t->input_columns = columns;
    t->input_rows = rows;
}

static int64_t ring_floats(const sal_trunk *t, const stage *s) { return s->ring_rows * t->covariates * s->conv.out * s->columns; }
static int64_t weight_floats(const sal_trunk *t, const stage *s) { return t->covariates * s->conv.tap_count * s->conv.in * s->conv.out; }

int64_t sal_trunk_bytes(const sal_model_options *o, int64_t columns, int64_t rows)
{
    sal_trunk t = { 0 };
    lay_out(&t, o, columns, rows);
    int64_t floats = t.input_rows * t.covariates * t.input_columns;
    for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) floats += ring_floats(&t, &t.stages[k]) + weight_floats(&t, &t.stages[k]) + t.covariates * t.stages[k].conv.out;
    return floats * (int64_t)sizeof(float);
}

static const float *array(const sal_trunk *t, const sal_params *params, int32_t k, const char *name, int64_t expected)
{
    char full[64];
    int64_t n = 0;
    snprintf(full, sizeof full, "trunk/stage%d/%s", k + 1, name);
    const float *found = (const float *)sal_params_find((sal_params *)params, full, &n);
    return n == expected ? found : NULL;
}

/* Weights of stage k, covariate by covariate, times gamma / sqrt(variance + eps), and the bias that this leaves. */
static sal_status fold(sal_trunk *t, const sal_params *params, int32_t k)
{
    stage *s = &t->stages[k];
    int64_t out = s->conv.out, all = t->covariates * out, taps = s->conv.tap_count * s->conv.in;
    const float *w = array(t, params, k, "conv/w", taps * all), *moments = array(t, params, k, "norm/moments", 2 * all);
    const float *gamma = array(t, params, k, "norm/gamma", all), *beta = array(t, params, k, "norm/beta", all);
    SAL_ASSERT(t->ctx, w && moments && gamma && beta);
    for (int64_t c = 0; c < all; c++) {
        double a = (double)gamma[c] / sqrt((double)moments[all + c] + SAL_LAYER_NORM_EPS);
        s->b[c] = (float)((double)beta[c] - (double)moments[c] * a);
        for (int64_t i = 0; i < taps; i++) s->w[(c / out * taps + i) * out + c % out] = (float)((double)w[i * all + c] * a);
    }
    return SAL_STATUS_OK;
}

sal_status sal_trunk_new(sal_context *ctx, const sal_model_options *o, const sal_params *params, int64_t columns, int64_t rows, sal_trunk **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_trunk *t = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *t, &t));
    t->ctx = ctx;
    lay_out(t, o, columns, rows);
    SAL_TRY(sal_allocate(ctx, t->input_rows * t->covariates * t->input_columns, sizeof(float), &t->input));
    for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) {
        stage *s = &t->stages[k];
        SAL_TRY(sal_allocate(ctx, ring_floats(t, s), sizeof(float), &s->ring));
        SAL_TRY(sal_allocate(ctx, weight_floats(t, s), sizeof(float), &s->w));
        SAL_TRY(sal_allocate(ctx, t->covariates * s->conv.out, sizeof(float), &s->b));
        SAL_TRY(fold(t, params, k));
    }
    *out = t;
    return status;
done:
    sal_trunk_free(t);
    return status;
}

void sal_trunk_free(sal_trunk *t)
{
    if (!t) return;
    for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) {
        sal_release(t->ctx, t->stages[k].ring);
        sal_release(t->ctx, t->stages[k].w);
        sal_release(t->ctx, t->stages[k].b);
    }
    sal_release(t->ctx, t->input);
    sal_release(t->ctx, t);
}

int64_t sal_trunk_input_columns(const sal_trunk *t) { return t->input_columns; }
int64_t sal_trunk_ready(const sal_trunk *t) { return t->stages[SAL_TRUNK_STAGES - 1].done; }

void sal_trunk_begin(sal_trunk *t)
{
    t->input_done = 0;
    for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) t->stages[k].done = 0;
}

static float *ring_row(const sal_trunk *t, const stage *s, int64_t r, int64_t covariate)
{
    return s->ring + (covariate * s->ring_rows + r % s->ring_rows) * s->conv.out * s->columns;
}

static float *input_row(const sal_trunk *t, int64_t r, int64_t covariate) { return t->input + (covariate * t->input_rows + r % t->input_rows) * t->input_columns; }

const float *sal_trunk_row(const sal_trunk *t, int64_t r, int64_t covariate) { return ring_row(t, &t->stages[SAL_TRUNK_STAGES - 1], r, covariate); }

float *sal_trunk_next(sal_trunk *t, int64_t i, int64_t covariate) { return input_row(t, t->input_done + i, covariate); }

/* Row r of stage k of one covariate. */
static void stage_row(const sal_trunk *t, int32_t k, int64_t covariate, int64_t r)
{
    enum { TAPS = 64 };
    const stage *s = &t->stages[k];
    const float *first = k ? ring_row(t, s - 1, 0, covariate) : input_row(t, 0, covariate);
    int64_t taps[TAPS];
    sal_lanes_conv conv = s->conv;
    for (int64_t i = 0; i < conv.tap_count && i < TAPS; i++) {
        int64_t from = r + i / s->kernel * s->dilation;
        taps[i] = (k ? ring_row(t, s - 1, from, covariate) : input_row(t, from, covariate)) - first + i % s->kernel * s->dilation;
    }
    conv.taps = taps;
    conv.w = s->w + covariate * conv.tap_count * conv.in * conv.out;
    conv.b = s->b + covariate * conv.out;
    sal_lanes_convolve(&conv, s->columns, first, ring_row(t, s, r, covariate));
}

/* The rows that came up to `end` through all stages of one covariate; done (stages) moves on. */
static void push_covariate(const sal_trunk *t, int64_t covariate, int64_t end, int64_t *done)
{
    for (int64_t input = t->input_done; input < end;) {
        input = input + STEP < end ? input + STEP : end;
        int64_t have = input;
        for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) {
            for (; done[k] + t->stages[k].span <= have; done[k]++) stage_row(t, k, covariate, done[k]);
            have = done[k];
        }
    }
}

void sal_trunk_push(sal_trunk *t, int64_t rows)
{
    int64_t done[SAL_TRUNK_STAGES] = { 0 };
    for (int64_t c = 0; c < t->covariates; c++) {
        for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) done[k] = t->stages[k].done;
        push_covariate(t, c, t->input_done + rows, done);
    }
    t->input_done += rows;
    for (int32_t k = 0; k < SAL_TRUNK_STAGES; k++) t->stages[k].done = done[k];
}
