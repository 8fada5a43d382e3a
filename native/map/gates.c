/* gates.c - channel gate, spatial gate and pooling of SS-SoilNet, dense.
 *
 * The cells of the window of pixel (r, c) are the features at (r + 8 i, c + 8 j), i, j = 0 .. cells - 1. Mean and maximum over a feature
 * group do not depend on the window, so they are computed once per position, and their means and maxima over the 7 cells of a row once per
 * window and row. The trap: the order of sums differs from the tape, equality is to 1e-5.
 */
#include "gates.h"
#include "kernels/lanes.h"
#include "kernels/vector_math.h"
#include "tensor/simd.h"

enum { STEP = 8, BLOCK = SAL_GATES_BLOCK, CELLS_MAX = 15 }; /* STEP: pixels between the cells of a window, the product of the trunk's strides */

struct sal_gates {
    sal_context *ctx;
    int64_t columns, wide, rows, cells, e, c, pools, reduced; /* wide: columns of features; e, c: covariates, channels of a group */
    const float *w1, *b1, *w2, *b2, *place; /* channel1 (e, reduced), channel2 (reduced, e), place (cells^2, pools) */
    float *spatial, *spatial_bias;          /* (2 cells^2, cells^2), (cells^2): the 7 x 7 convolution with its zero padding as a matrix */
    float *mean, *most;                     /* (rows, e, wide): over the channels of a group */
    float *row_mean, *row_most;             /* (rows, e, columns): of those over the cells of a row of the window */
    float *window, *hidden, *gate;          /* (e, BLOCK), (reduced, BLOCK), (e, BLOCK) */
    float *maps, *weights, *shares;         /* (2 cells^2, BLOCK), (cells^2, BLOCK), (pools, cells^2, BLOCK) */
};

int64_t sal_gates_edge(const sal_model_options *o) { return STEP * (sal_trunk_cells(o->window) - 1); }

static void lay_out(sal_gates *g, const sal_model_options *o, int64_t columns, int64_t rows)
{
    g->columns = columns;
    g->wide = columns + sal_gates_edge(o);
    g->rows = rows;
    g->cells = sal_trunk_cells(o->window);
    g->e = o->covariates;
    g->c = o->channels[2];
    g->pools = o->pools;
}

int64_t sal_gates_bytes(const sal_model_options *o, int64_t columns, int64_t rows)
{
    sal_gates g;
    lay_out(&g, o, columns, rows);
    int64_t n2 = g.cells * g.cells;
    return (int64_t)sizeof(float) * (2 * rows * g.e * (g.wide + columns) + 2 * n2 * n2 + (3 * g.e + (3 + g.pools) * n2) * BLOCK);
}

/* The convolution of the spatial gate as a matrix: column o = output cell, rows first the mean map, then the maximum map. */
static void spatial_matrix(sal_gates *g, const float *kernel, float bias)
{
    int64_t n = g->cells, n2 = n * n;
    for (int64_t o = 0; o < n2; o++) {
        g->spatial_bias[o] = bias;
        for (int64_t i = 0; i < n2; i++) {
            int64_t a = i / n - o / n + 3, b = i % n - o % n + 3;
            bool inside = a >= 0 && a < 7 && b >= 0 && b < 7;
            for (int64_t k = 0; k < 2; k++) g->spatial[(k * n2 + i) * n2 + o] = inside ? kernel[(a * 7 + b) * 2 + k] : 0;
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
    int64_t n2 = g->cells * g->cells;
    SAL_TRY(sal_allocate(g->ctx, 2 * n2 * n2, sizeof(float), &g->spatial));
    SAL_TRY(sal_allocate(g->ctx, n2, sizeof(float), &g->spatial_bias));
    SAL_TRY(sal_allocate(g->ctx, g->rows * g->e * g->wide, sizeof(float), &g->mean));
    SAL_TRY(sal_allocate(g->ctx, g->rows * g->e * g->wide, sizeof(float), &g->most));
    SAL_TRY(sal_allocate(g->ctx, g->rows * g->e * g->columns, sizeof(float), &g->row_mean));
    SAL_TRY(sal_allocate(g->ctx, g->rows * g->e * g->columns, sizeof(float), &g->row_most));
    SAL_TRY(sal_allocate(g->ctx, g->e * BLOCK, sizeof(float), &g->window));
    SAL_TRY(sal_allocate(g->ctx, g->reduced * BLOCK, sizeof(float), &g->hidden));
    SAL_TRY(sal_allocate(g->ctx, g->e * BLOCK, sizeof(float), &g->gate));
    SAL_TRY(sal_allocate(g->ctx, 2 * n2 * BLOCK, sizeof(float), &g->maps));
    SAL_TRY(sal_allocate(g->ctx, n2 * BLOCK, sizeof(float), &g->weights));
    SAL_TRY(sal_allocate(g->ctx, g->pools * n2 * BLOCK, sizeof(float), &g->shares));
done:
    return status;
}

sal_status sal_gates_new(sal_context *ctx, const sal_model_options *o, sal_params *params, int64_t columns, int64_t rows, sal_gates **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_gates *g = NULL;
    const float *kernel, *bias;
    int64_t n = 0;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *g, &g));
    g->ctx = ctx;
    lay_out(g, o, columns, rows);
    SAL_ASSERT(ctx, g->cells <= CELLS_MAX && columns % BLOCK == 0);
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
    spatial_matrix(g, kernel, bias[0]);
    *out = g;
    return status;
done:
    sal_gates_free(g);
    return status;
}

void sal_gates_free(sal_gates *g)
{
    if (!g) return;
    float *all[] = { g->spatial, g->spatial_bias, g->mean, g->most, g->row_mean, g->row_most, g->window, g->hidden, g->gate, g->maps, g->weights, g->shares };
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) sal_release(g->ctx, all[k]);
    sal_release(g->ctx, g);
}

/* ---- what windows share ---- */

#define INLINE static inline __attribute__((always_inline))

INLINE void keep_larger(sal_vec *top, const sal_vec *x)
{
    sal_mask larger = (sal_mask)(*x > *top);
    *top = (sal_vec)(((sal_mask)*x & larger) | ((sal_mask)*top & ~larger));
}

/* Mean and maximum of a feature group, (c, n), at n positions, a multiple of 16. */
SAL_CLONES static void group_moments(const float *f, int64_t n, int64_t c, float *mean, float *most)
{
    const float share = 1 / (float)c;
    for (int64_t i = 0; i < n; i += SAL_LANES) {
        sal_vec sum = SAL_LOAD(f + i), high = sum;
        for (int64_t j = 1; j < c; j++) {
            sal_vec v = SAL_LOAD(f + j * n + i);
            sum += v;
            keep_larger(&high, &v);
        }
        SAL_STORE(mean + i, sum * share);
        SAL_STORE(most + i, high);
    }
}

SAL_CLONES static void row_moments(const float *mean, const float *most, int64_t n, int64_t cells, float *row_mean, float *row_most)
{
    const float share = 1 / (float)cells;
    for (int64_t i = 0; i < n; i += SAL_LANES) {
        sal_vec sum = SAL_LOAD(mean + i), high = SAL_LOAD(most + i);
        for (int64_t k = 1; k < cells; k++) {
            sal_vec v = SAL_LOAD(most + i + k * STEP);
            sum += SAL_LOAD(mean + i + k * STEP);
            keep_larger(&high, &v);
        }
        SAL_STORE(row_mean + i, sum * share);
        SAL_STORE(row_most + i, high);
    }
}

void sal_gates_push(sal_gates *g, const sal_trunk *trunk, int64_t r)
{
    int64_t slot = r % g->rows;
    for (int64_t k = 0; k < g->e; k++) {
        float *mean = g->mean + (slot * g->e + k) * g->wide, *most = g->most + (slot * g->e + k) * g->wide;
        group_moments(sal_trunk_row(trunk, r, k), g->wide, g->c, mean, most);
        row_moments(mean, most, g->columns, g->cells, g->row_mean + (slot * g->e + k) * g->columns, g->row_most + (slot * g->e + k) * g->columns);
    }
}

/* ---- what belongs to one window ---- */

INLINE void over_rows(const float *const *x, int64_t cells, int64_t e, int64_t columns, const bool most, float *to)
{
    const float share = 1 / (float)cells;
    for (int64_t k = 0; k < e; k++) {
        for (int64_t i = 0; i < BLOCK; i += SAL_LANES) {
            sal_vec v = SAL_LOAD(x[0] + k * columns + i);
            for (int64_t j = 1; j < cells; j++) {
                sal_vec u = SAL_LOAD(x[j] + k * columns + i);
                if (most) keep_larger(&v, &u);
                else v += u;
            }
            if (!most) v *= share;
            SAL_STORE(to + k * BLOCK + i, v);
        }
    }
}

/* Mean or maximum over the rows of the window, x[i] the row of each, (e, columns). */
SAL_CLONES static void mean_over_rows(const float *const *x, int64_t cells, int64_t e, int64_t columns, float *to) { over_rows(x, cells, e, columns, false, to); }
SAL_CLONES static void most_over_rows(const float *const *x, int64_t cells, int64_t e, int64_t columns, float *to) { over_rows(x, cells, e, columns, true, to); }

SAL_CLONES static void add(int64_t n, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

/* gate = sigmoid(P(mean) + P(most)), P(x) = W2' relu(W1' x + b1) + b2 */
static void channel_gate(sal_gates *g, int64_t r, int64_t at)
{
    const sal_lanes_after relu = { .relu = true };
    for (int32_t most = 0; most < 2; most++) {
        const float *rows[CELLS_MAX];
        for (int64_t i = 0; i < g->cells; i++) rows[i] = (most ? g->row_most : g->row_mean) + (r + STEP * i) % g->rows * g->e * g->columns + at;
        (most ? most_over_rows : mean_over_rows)(rows, g->cells, g->e, g->columns, g->window);
        sal_lanes_dense(BLOCK, g->e, g->reduced, g->window, g->w1, g->b1, &relu, g->hidden);
        sal_lanes_dense(BLOCK, g->reduced, g->e, g->hidden, g->w2, g->b2, NULL, most ? g->window : g->gate);
    }
    add(g->e * BLOCK, g->window, g->gate);
    sal_math_sigmoid(g->e * BLOCK, g->gate, g->gate);
}

/* Mean over covariates of gate x mean, maximum over covariates of gate x maximum, at one cell of the windows; mean, most (e, wide). */
SAL_CLONES static void gated_maps(const float *mean, const float *most, const float *gate, int64_t wide, int64_t e, float *to_mean, float *to_most)
{
    const float share = 1 / (float)e;
    for (int64_t i = 0; i < BLOCK; i += SAL_LANES) {
        sal_vec g = SAL_LOAD(gate + i), sum = g * SAL_LOAD(mean + i), high = g * SAL_LOAD(most + i);
        for (int64_t k = 1; k < e; k++) {
            g = SAL_LOAD(gate + k * BLOCK + i);
            sal_vec v = g * SAL_LOAD(most + k * wide + i);
            sum += g * SAL_LOAD(mean + k * wide + i);
            keep_larger(&high, &v);
        }
        SAL_STORE(to_mean + i, sum * share);
        SAL_STORE(to_most + i, high);
    }
}

static void spatial_gate(sal_gates *g, int64_t r, int64_t at)
{
    int64_t n2 = g->cells * g->cells;
    for (int64_t k = 0; k < n2; k++) {
        int64_t from = (r + STEP * (k / g->cells)) % g->rows * g->e * g->wide + at + STEP * (k % g->cells);
        gated_maps(g->mean + from, g->most + from, g->gate, g->wide, g->e, g->maps + k * BLOCK, g->maps + (n2 + k) * BLOCK);
    }
    sal_lanes_dense(BLOCK, 2 * n2, n2, g->maps, g->spatial, g->spatial_bias, NULL, g->weights);
    sal_math_sigmoid(n2 * BLOCK, g->weights, g->weights);
}

SAL_CLONES static void share_out(const float *weights, const float *place, int64_t n2, int64_t pools, float *shares)
{
    for (int64_t p = 0; p < pools; p++) {
        for (int64_t k = 0; k < n2; k++) {
            for (int64_t i = 0; i < BLOCK; i++) shares[(p * n2 + k) * BLOCK + i] = weights[k * BLOCK + i] * place[k * pools + p];
        }
    }
}

/* Asks for the one row of features that the block eight rows below reads beyond those of this block, so that it comes while this one is computed. */
static void fetch_ahead(const sal_gates *g, const sal_trunk *trunk, int64_t r, int64_t at)
{
    enum { LINE = 16 };
    int64_t next = r + STEP * g->cells, from = at ? at + STEP * (g->cells - 1) : 0, to = at + STEP * (g->cells - 1) + BLOCK;
    if (next >= sal_trunk_ready(trunk)) return;
    for (int64_t k = 0; k < g->e; k++) {
        const float *row = sal_trunk_row(trunk, next, k);
        for (int64_t j = 0; j < g->c; j++) {
            for (int64_t i = from; i < to; i += LINE) __builtin_prefetch(row + j * g->wide + i, 0, 2);
        }
    }
}

void sal_gates_block(sal_gates *g, const sal_trunk *trunk, int64_t r, int64_t at, float *pooled)
{
    int64_t n2 = g->cells * g->cells;
    const float *cell[CELLS_MAX * CELLS_MAX];
    fetch_ahead(g, trunk, r, at);
    channel_gate(g, r, at);
    spatial_gate(g, r, at);
    share_out(g->weights, g->place, n2, g->pools, g->shares);
    for (int64_t k = 0; k < g->e; k++) {
        for (int64_t i = 0, n = 0; i < g->cells; i++) {
            const float *row = sal_trunk_row(trunk, r + STEP * i, k) + at;
            for (int64_t j = 0; j < g->cells; j++) cell[n++] = row + STEP * j;
        }
        for (int64_t p = 0; p < g->pools; p += 2) {
            int64_t pools = g->pools - p < 2 ? 1 : 2;
            sal_lanes_pool(BLOCK, n2, pools, g->c, g->wide, cell, g->shares + p * n2 * BLOCK, g->gate + k * BLOCK, pooled + (k * g->pools + p) * g->c * BLOCK);
        }
    }
}
