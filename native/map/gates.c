/* gates.c - channel gate, spatial gate and pooling of SS-SoilNet, dense.
 *
 * The cells of the window of pixel (r, c) are the features at (r + 8 i, c + 8 j), i, j = 0 .. cells - 1. Mean and maximum over a feature
 * group do not depend on the window, so they are computed once per position and kept as one plane per covariate: neighbouring pixels
 * then lie beside each other and a vector holds 16 windows. The trap: the order of sums differs from the tape, equality is to 1e-5.
 */
#include "gates.h"
#include "kernels/gemm.h"
#include "kernels/vector_math.h"
#include "tensor/simd.h"
#include <string.h>

enum { STEP = 8 }; /* pixels between the cells of a window: the product of the trunk's strides */

struct sal_gates {
    sal_context *ctx;
    int64_t rows, columns, cells, e, c, pools, reduced; /* tile; covariates, channels of a group */
    const float *w1, *b1, *w2, *b2, *place; /* channel1 (e, reduced), channel2 (reduced, e), place (cells^2, pools) */
    float *spatial;   /* (cells^2, 2 cells^2): the 7 x 7 convolution with its zero padding as a matrix */
    float spatial_bias;
    const float *features;
    float *mean, *most;                /* (e, rows + edge, columns + edge) */
    float *window_mean, *window_most;  /* (e, rows, columns) */
    float *pass;                       /* (rows + edge, columns): after the horizontal pass */
    float *gate;                       /* (e, columns) */
    float *maps;                       /* (2 cells^2, columns) */
    float *weights;                    /* (cells^2, columns) */
};

static int64_t edge_of(const sal_gates *g) { return STEP * (g->cells - 1); }

int64_t sal_gates_bytes(const sal_model_options *o, int64_t rows, int64_t columns)
{
    int64_t cells = sal_trunk_cells(o->window), edge = STEP * (cells - 1), e = o->covariates;
    return (int64_t)sizeof(float) * (2 * e * (rows + edge) * (columns + edge) + 2 * e * rows * columns + (rows + edge) * columns +
                                     (e + 3 * cells * cells) * columns + 2 * cells * cells * cells * cells);
}

/* The convolution of the spatial gate as a matrix: row o = output cell, columns first the mean map, then the maximum map. */
static void spatial_matrix(sal_gates *g, const float *kernel)
{
    int64_t n = g->cells, n2 = n * n;
    for (int64_t o = 0; o < n2; o++) {
        for (int64_t i = 0; i < n2; i++) {
            int64_t a = i / n - o / n + 3, b = i % n - o % n + 3;
            bool inside = a >= 0 && a < 7 && b >= 0 && b < 7;
            for (int64_t k = 0; k < 2; k++) g->spatial[o * 2 * n2 + k * n2 + i] = inside ? kernel[(a * 7 + b) * 2 + k] : 0;
        }
    }
}

static sal_status find(sal_gates *g, sal_params *params, const char *name, int64_t count, const float **out)
{
    int64_t n = 0;
    *out = (const float *)sal_params_find(params, name, &n);
    SAL_ASSERT(g->ctx, *out && n == count);
    return SAL_STATUS_OK;
}

static sal_status allocate(sal_gates *g)
{
    sal_status status = SAL_STATUS_OK;
    int64_t high = g->rows + edge_of(g), wide = g->columns + edge_of(g), n2 = g->cells * g->cells;
    SAL_TRY(sal_allocate(g->ctx, 2 * n2 * n2, sizeof(float), &g->spatial));
    SAL_TRY(sal_allocate(g->ctx, g->e * high * wide, sizeof(float), &g->mean));
    SAL_TRY(sal_allocate(g->ctx, g->e * high * wide, sizeof(float), &g->most));
    SAL_TRY(sal_allocate(g->ctx, g->e * g->rows * g->columns, sizeof(float), &g->window_mean));
    SAL_TRY(sal_allocate(g->ctx, g->e * g->rows * g->columns, sizeof(float), &g->window_most));
    SAL_TRY(sal_allocate(g->ctx, high * g->columns, sizeof(float), &g->pass));
    SAL_TRY(sal_allocate(g->ctx, g->e * g->columns, sizeof(float), &g->gate));
    SAL_TRY(sal_allocate(g->ctx, 2 * n2 * g->columns, sizeof(float), &g->maps));
    SAL_TRY(sal_allocate(g->ctx, n2 * g->columns, sizeof(float), &g->weights));
done:
    return status;
}

sal_status sal_gates_new(sal_context *ctx, const sal_model_options *o, sal_params *params, int64_t rows, int64_t columns, sal_gates **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_gates *g = NULL;
    const float *kernel, *bias;
    int64_t n = 0;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *g, &g));
    *g = (sal_gates){ .ctx = ctx, .rows = rows, .columns = columns, .cells = sal_trunk_cells(o->window), .e = o->covariates, .c = o->channels[2], .pools = o->pools };
    sal_params_find(params, "gate/channel1/b", &n);
    g->reduced = n;
    SAL_TRY(find(g, params, "gate/channel1/w", g->e * n, &g->w1));
    SAL_TRY(find(g, params, "gate/channel1/b", n, &g->b1));
    SAL_TRY(find(g, params, "gate/channel2/w", n * g->e, &g->w2));
    SAL_TRY(find(g, params, "gate/channel2/b", g->e, &g->b2));
    SAL_TRY(find(g, params, "gate/place/w", g->cells * g->cells * g->pools, &g->place));
    SAL_TRY(find(g, params, "gate/spatial/w", 98, &kernel));
    SAL_TRY(find(g, params, "gate/spatial/b", 1, &bias));
    SAL_TRY(allocate(g));
    spatial_matrix(g, kernel);
    g->spatial_bias = bias[0];
    *out = g;
    return status;
done:
    sal_gates_free(g);
    return status;
}

void sal_gates_free(sal_gates *g)
{
    if (!g) return;
    float *all[] = { g->spatial, g->mean, g->most, g->window_mean, g->window_most, g->pass, g->gate, g->maps, g->weights };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) sal_release(g->ctx, all[k]);
    sal_release(g->ctx, g);
}

/* ---- what windows share ---- */

/* Mean and maximum of every feature group at n positions, one plane (of `plane` floats) per covariate. */
SAL_CLONES static void group_planes(const float *f, int64_t n, int64_t e, int64_t c, int64_t plane, float *mean, float *most)
{
    for (int64_t i = 0; i < n; i++) {
        for (int64_t k = 0; k < e; k++, f += c) {
            float sum = 0, high = f[0];
            for (int64_t j = 0; j < c; j++) {
                sum += f[j];
                high = f[j] > high ? f[j] : high;
            }
            mean[k * plane + i] = sum / (float)c;
            most[k * plane + i] = high;
        }
    }
}

SAL_CLONES static void add_taps(const float *from, float *to, int64_t n, int64_t taps, int64_t step, float factor)
{
    for (int64_t i = 0; i < n; i++) {
        float sum = from[i];
        for (int64_t k = 1; k < taps; k++) sum += from[i + k * step];
        to[i] = sum * factor;
    }
}

SAL_CLONES static void most_taps(const float *from, float *to, int64_t n, int64_t taps, int64_t step)
{
    for (int64_t i = 0; i < n; i++) {
        float high = from[i];
        for (int64_t k = 1; k < taps; k++) high = from[i + k * step] > high ? from[i + k * step] : high;
        to[i] = high;
    }
}

void sal_gates_tile(sal_gates *g, const float *features)
{
    int64_t high = g->rows + edge_of(g), wide = g->columns + edge_of(g);
    float share = 1 / (float)g->cells;
    g->features = features;
    group_planes(features, high * wide, g->e, g->c, high * wide, g->mean, g->most);
    for (int64_t k = 0; k < g->e; k++) {
        const float *mean = g->mean + k * high * wide, *most = g->most + k * high * wide;
        float *to_mean = g->window_mean + k * g->rows * g->columns, *to_most = g->window_most + k * g->rows * g->columns;
        for (int64_t r = 0; r < high; r++) add_taps(mean + r * wide, g->pass + r * g->columns, g->columns, g->cells, STEP, share);
        add_taps(g->pass, to_mean, g->rows * g->columns, g->cells, STEP * g->columns, share);
        for (int64_t r = 0; r < high; r++) most_taps(most + r * wide, g->pass + r * g->columns, g->columns, g->cells, STEP);
        most_taps(g->pass, to_most, g->rows * g->columns, g->cells, STEP * g->columns);
    }
}

/* ---- what belongs to one window, a row of windows at a time ---- */

/* gate += W2' relu(W1' x + b1), x (e planes of `plane`), n windows */
SAL_CLONES static void perceptron(const sal_gates *g, const float *x, int64_t plane, int64_t n, float *gate)
{
    for (int64_t h = 0; h < g->reduced; h++) {
        float hidden[256];
        for (int64_t start = 0; start < n; start += 256) {
            int64_t m = n - start < 256 ? n - start : 256;
            for (int64_t i = 0; i < m; i++) hidden[i] = g->b1[h];
            for (int64_t k = 0; k < g->e; k++) {
                const float w = g->w1[k * g->reduced + h], *from = x + k * plane + start;
                for (int64_t i = 0; i < m; i++) hidden[i] += w * from[i];
            }
            for (int64_t i = 0; i < m; i++) hidden[i] = hidden[i] > 0 ? hidden[i] : 0;
            for (int64_t k = 0; k < g->e; k++) {
                const float w = g->w2[h * g->e + k];
                float *to = gate + k * n + start;
                for (int64_t i = 0; i < m; i++) to[i] += w * hidden[i];
            }
        }
    }
}

static void channel_gate(sal_gates *g, int64_t r)
{
    int64_t n = g->columns, plane = g->rows * n;
    for (int64_t k = 0; k < g->e; k++) {
        for (int64_t i = 0; i < n; i++) g->gate[k * n + i] = 2 * g->b2[k];
    }
    perceptron(g, g->window_mean + r * n, plane, n, g->gate);
    perceptron(g, g->window_most + r * n, plane, n, g->gate);
    sal_math_sigmoid(g->e * n, g->gate, g->gate);
}

/* Mean over covariates of gate x mean, maximum over covariates of gate x maximum, at one cell of n windows. */
SAL_CLONES static void gated_maps(const float *mean, const float *most, const float *gate, int64_t plane, int64_t e, int64_t n, float *to_mean, float *to_most)
{
    float share = 1 / (float)e;
    for (int64_t i = 0; i < n; i++) {
        float sum = gate[i] * mean[i], high = gate[i] * most[i];
        for (int64_t k = 1; k < e; k++) {
            float v = gate[k * n + i] * most[k * plane + i];
            sum += gate[k * n + i] * mean[k * plane + i];
            high = v > high ? v : high;
        }
        to_mean[i] = sum * share;
        to_most[i] = high;
    }
}

static void spatial_gate(sal_gates *g, int64_t r)
{
    int64_t n = g->columns, n2 = g->cells * g->cells, wide = n + edge_of(g), plane = (g->rows + edge_of(g)) * wide;
    for (int64_t k = 0; k < n2; k++) {
        int64_t at = (r + STEP * (k / g->cells)) * wide + STEP * (k % g->cells);
        gated_maps(g->mean + at, g->most + at, g->gate, plane, g->e, n, g->maps + k * n, g->maps + (n2 + k) * n);
    }
    for (int64_t i = 0; i < n2 * n; i++) g->weights[i] = g->spatial_bias;
    sal_gemm(false, false, n2, n, 2 * n2, 1, g->spatial, 2 * n2, g->maps, n, 1, g->weights, n);
    sal_math_sigmoid(n2 * n, g->weights, g->weights);
}

/* Sums over the cells of one window for one or two pools: sum[p][v] = sum_k weight[p][k] f[offset[k] + v], v counting vectors of 16
 * channels. Two pools at once read the features, which come from the second cache, once. */
static inline __attribute__((always_inline)) void pool_block(const float *f, const int64_t *offset, const float *weight, int64_t n2, int64_t pools,
                                                             int64_t vectors, sal_vec *sum)
{
    for (int64_t k = 0; k < n2; k++) {
        const float *at = f + offset[k];
        for (int64_t v = 0; v < vectors; v++) {
            sal_vec x = SAL_LOAD(at + v * SAL_LANES);
            for (int64_t p = 0; p < pools; p++) sum[p * vectors + v] += weight[p * n2 + k] * x;
        }
    }
}

enum { BLOCK = 5 };

/* One window, all covariates, `pools` (1 or 2) pools beside each other; groups of 16 channels, so that a covariate is one vector. */
static inline __attribute__((always_inline)) void pool_covariates(const float *f, const int64_t *offset, const float *weight, int64_t n2, int64_t pools,
                                                                  int64_t e, const float *gate, int64_t gate_step, float *out, int64_t out_step)
{
    int64_t k = 0;
    for (; k + BLOCK <= e; k += BLOCK) {
        sal_vec sum[2 * BLOCK] = { 0 };
        pool_block(f + k * SAL_LANES, offset, weight, n2, pools, BLOCK, sum);
        for (int64_t v = 0; v < BLOCK; v++) {
            for (int64_t p = 0; p < pools; p++) SAL_STORE(out + (k + v) * out_step + p * SAL_LANES, sum[p * BLOCK + v] * gate[(k + v) * gate_step]);
        }
    }
    for (; k < e; k++) {
        sal_vec sum[2] = { 0 };
        pool_block(f + k * SAL_LANES, offset, weight, n2, pools, 1, sum);
        for (int64_t p = 0; p < pools; p++) SAL_STORE(out + k * out_step + p * SAL_LANES, sum[p] * gate[k * gate_step]);
    }
}

SAL_CLONES static void pool_vectors(const float *f, const int64_t *offset, const float *weight, int64_t n2, int64_t pools, int64_t e, const float *gate,
                                    int64_t gate_step, float *out, int64_t out_step)
{
    if (pools == 2) pool_covariates(f, offset, weight, n2, 2, e, gate, gate_step, out, out_step);
    else pool_covariates(f, offset, weight, n2, 1, e, gate, gate_step, out, out_step);
}

static void pool_plain(const float *f, const int64_t *offset, const float *weight, int64_t n2, int64_t e, int64_t c, const float *gate, int64_t gate_step,
                       float *out, int64_t out_step)
{
    for (int64_t k = 0; k < e; k++) {
        for (int64_t j = 0; j < c; j++) {
            float sum = 0;
            for (int64_t m = 0; m < n2; m++) sum += weight[m] * f[offset[m] + k * c + j];
            out[k * out_step + j] = sum * gate[k * gate_step];
        }
    }
}

void sal_gates_row(sal_gates *g, int64_t r, float *pooled, float *channel, float *spatial)
{
    int64_t n = g->columns, n2 = g->cells * g->cells, wide = n + edge_of(g), ec = g->e * g->c, offset[225];
    float weight[2 * 225];
    channel_gate(g, r);
    spatial_gate(g, r);
    for (int64_t k = 0; k < n2; k++) offset[k] = ((r + STEP * (k / g->cells)) * wide + STEP * (k % g->cells)) * ec;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t p = 0; p < g->pools; p += 2) {
            float *out = pooled + i * ec * g->pools + p * g->c;
            int64_t pools = g->pools - p < 2 ? 1 : 2;
            for (int64_t k = 0; k < n2; k++) {
                for (int64_t q = 0; q < pools; q++) weight[q * n2 + k] = g->weights[k * n + i] * g->place[k * g->pools + p + q];
            }
            if (g->c == SAL_LANES) {
                pool_vectors(g->features + i * ec, offset, weight, n2, pools, g->e, g->gate + i, n, out, g->c * g->pools);
                continue;
            }
            for (int64_t q = 0; q < pools; q++)
                pool_plain(g->features + i * ec, offset, weight + q * n2, n2, g->e, g->c, g->gate + i, n, out + q * g->c, g->c * g->pools);
        }
        for (int64_t k = 0; channel && k < g->e; k++) channel[i * g->e + k] = g->gate[k * n + i];
        for (int64_t k = 0; spatial && k < n2; k++) spatial[i * n2 + k] = g->weights[k * n + i];
    }
}
