/* lstm.c - the recurrence of an LSTM (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735) with PyTorch's gate order:
 *
 *   i, f, o = sigmoid, g = tanh of (x_s W_ih + b + h_{s-1} W_hh);  c_s = f c_{s-1} + i g;  h_s = o tanh(c_s)
 *
 * x W_ih + b for all steps is one matrix product outside (sal_dense), so the op sees u (n, steps, 4 h). Its output packs what the way
 * back needs: (n, steps, 6 h) = h | c | i f g o, of which models see the slice h. The way back gives d loss / d u; the gradients of
 * W_ih, W_hh, b and x are then ordinary matrix products. Gradients of the packed gates themselves are not taken.
 */
#include "graph/op.h"
#include "kernels/gemm.h"
#include "kernels/vector_math.h"
#include "tensor/simd.h"

enum { BLOCK = 16 }; /* samples that go through a step together on the way back */

static sal_status shape(sal_tape *t, sal_node *n)
{
    const sal_shape *u = sal__shape_in(t, n, 0), *w = sal__shape_in(t, n, 1);
    if (u->rank != 3 || w->rank != 2 || w->dim[1] != 4 * w->dim[0] || u->dim[2] != w->dim[1]) {
        return sal__shape_fail(t, n, "gates must be (n, steps, 4 h) and recurrent weights (h, 4 h)");
    }
    n->shape = SAL_SHAPE(u->dim[0], u->dim[1], 6 * w->dim[0]);
    return SAL_STATUS_OK;
}

static double work(const sal_tape *t, const sal_node *n)
{
    double h = (double)(n->shape.dim[2] / (n->op->n_in == 2 ? 6 : 4));
    return (double)n->shape.dim[1] * (8 * h * h + 150 * h);
}

/* Gates of one sample at one step: z = i f g o before activation, in place; cell before, c and h after. */
static void cell(real *z, const real *before, real *c, real *h, int64_t width)
{
    const real *i = z, *f = z + width, *g = z + 2 * width, *o = z + 3 * width;
    sal_math_sigmoid(2 * width, z, z);
    sal_math_tanh(width, z + 2 * width, z + 2 * width);
    sal_math_sigmoid(width, z + 3 * width, z + 3 * width);
    for (int64_t k = 0; k < width; k++) c[k] = (before ? f[k] * before[k] : 0) + i[k] * g[k];
    sal_math_tanh(width, c, h);
    for (int64_t k = 0; k < width; k++) h[k] *= o[k];
}

static void eval(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t steps = n->shape.dim[1], h = n->shape.dim[2] / 6;
    const real *u = sal__in(r, n, 0), *w = sal__in(r, n, 1);
    real *y = sal__out(r, n);
    for (int64_t s = 0; s < steps; s++) {
        for (int64_t i = lo; i < hi; i++) {
            const real *from = u + (i * steps + s) * 4 * h;
            real *z = y + (i * steps + s) * 6 * h + 2 * h;
            for (int64_t k = 0; k < 4 * h; k++) z[k] = from[k];
        }
        real *first = y + (lo * steps + s) * 6 * h;
        if (s > 0)
            sal_gemm(false, false, hi - lo, 4 * h, h, 1, first - 6 * h, steps * 6 * h, w, 4 * h, 1, first + 2 * h,
                     steps * 6 * h);
        for (int64_t i = lo; i < hi; i++) {
            real *at = y + (i * steps + s) * 6 * h;
            cell(at + 2 * h, s > 0 ? at - 5 * h : NULL, at + h, at, h);
        }
    }
}

/* ---- back: gy (n, steps, 6 h), packed, w_hh -> d loss / d u (n, steps, 4 h) ---- */

static sal_status shape_back(sal_tape *t, sal_node *n)
{
    const sal_shape *p = sal__shape_in(t, n, 1);
    if (!sal_shape_equal(sal__shape_in(t, n, 0), p)) return sal__shape_fail(t, n, "gy and y differ in shape");
    n->shape = SAL_SHAPE(p->dim[0], p->dim[1], p->dim[2] / 6 * 4);
    return SAL_STATUS_OK;
}

static int64_t scratch_back(const sal_tape *t, const sal_node *n)
{
    return (2 * BLOCK + 1) * (n->shape.dim[2] / 4) * (int64_t)sizeof(real);
}

/* One sample, one step: dh and dc come in from the step after, tc is tanh(c); gu goes out, dc is carried to the step before. */
SAL_CLONES static void cell_back(const real *gy, const real *packed, const real *before, const real *dh, const real *tc,
                                 real *restrict dc, real *restrict gu, int64_t h)
{
    const real *i = packed + 2 * h, *f = i + h, *g = f + h, *o = g + h;
    for (int64_t k = 0; k < h; k++) {
        real out = gy[k] + dh[k], cell = dc[k] + gy[h + k] + out * o[k] * (1 - tc[k] * tc[k]);
        gu[k] = cell * g[k] * i[k] * (1 - i[k]);
        gu[h + k] = before ? cell * before[k] * f[k] * (1 - f[k]) : 0;
        gu[2 * h + k] = cell * i[k] * (1 - g[k] * g[k]);
        gu[3 * h + k] = out * tc[k] * o[k] * (1 - o[k]);
        dc[k] = cell * f[k];
    }
}

static void eval_back(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi)
{
    int64_t steps = n->shape.dim[1], h = n->shape.dim[2] / 4;
    const real *gy = sal__in(r, n, 0), *packed = sal__in(r, n, 1), *w = sal__in(r, n, 2);
    real *gu = sal__out(r, n), *dh = (real *)r->scratch, *dc = dh + BLOCK * h, *tc = dc + BLOCK * h;
    for (int64_t from = lo; from < hi; from += BLOCK) {
        int64_t m = hi - from < BLOCK ? hi - from : BLOCK;
        for (int64_t k = 0; k < BLOCK * h; k++) dh[k] = dc[k] = 0;
        for (int64_t s = steps - 1; s >= 0; s--) {
            real *first = gu + (from * steps + s) * 4 * h;
            if (s < steps - 1) sal_gemm(false, true, m, h, 4 * h, 1, first + 4 * h, steps * 4 * h, w, 4 * h, 0, dh, h);
            for (int64_t i = 0; i < m; i++) {
                const real *at = packed + ((from + i) * steps + s) * 6 * h;
                sal_math_tanh(h, at + h, tc);
                cell_back(gy + ((from + i) * steps + s) * 6 * h, at, s > 0 ? at - 5 * h : NULL, dh + i * h, tc,
                          dc + i * h, first + i * steps * 4 * h, h);
            }
        }
    }
}

const sal_op sal_op_lstm_back = { .name = "lstm_back",
                                  .n_in = 3,
                                  .shape = shape_back,
                                  .items = sal__items_first,
                                  .work = work,
                                  .scratch = scratch_back,
                                  .eval = eval_back };

static void grad(sal_tape *t, sal_id y, sal_id gy, sal_id gx[])
{
    const sal_node n = *sal__node(t, y);
    int64_t samples = n.shape.dim[0], steps = n.shape.dim[1], h = n.shape.dim[2] / 6;
    gx[0] = sal__append(t, &sal_op_lstm_back, (sal_id[]){ gy, y, n.in[1] }, 3, NULL, 0, NULL, 0);
    if (!sal__wants(t, n.in[1])) return;
    if (steps == 1) {
        gx[1] = sal_constant(t, SAL_SHAPE(h, 4 * h), 0); /* the state before the only step is zero */
        return;
    }
    sal_id before = sal_slice(t, sal_slice(t, y, 1, 0, steps - 1), 2, 0, h),
           after = sal_slice(t, gx[0], 1, 1, steps - 1);
    before = sal_reshape(t, before, SAL_SHAPE(samples * (steps - 1), h));
    after = sal_reshape(t, after, SAL_SHAPE(samples * (steps - 1), 4 * h));
    gx[1] = sal_matmul(t, before, after, true, false);
}

const sal_op sal_op_lstm = {
    .name = "lstm", .n_in = 2, .shape = shape, .items = sal__items_first, .work = work, .eval = eval, .grad = grad
};

sal_id sal_lstm(sal_tape *t, sal_id x, sal_id w_ih, sal_id w_hh, sal_id bias)
{
    sal_id packed = sal__op2(t, &sal_op_lstm, sal_dense(t, x, w_ih, bias), w_hh);
    return sal_slice(t, packed, 2, 0, sal_tape_dim(t, w_hh, 0));
}
