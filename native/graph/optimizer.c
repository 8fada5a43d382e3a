/* optimizer.c - AdamW and SGD in one pass over the parameter slab.
 *
 *   AdamW: p -= rate decay p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
 *          p -= rate / (1 - b1^s) m / (sqrt(v / (1 - b2^s)) + eps)
 *   SGD:   g += decay p;  m = momentum m + g (m = g at step 1);  p -= rate (nesterov ? g + momentum m : m)
 *
 * The slab is cut at parameters, because decay belongs to a parameter, and within them into pieces of a fixed size.
 */
#include "graph/optimizer.h"
#include "tensor/simd.h"
#include <math.h>
#include <string.h>

enum { PIECE = 8192 };

typedef struct piece {
    int64_t from, count;
    bool decays;
} piece;

struct sal_optimizer {
    sal_context *ctx;
    sal_params *params;
    sal_optimizer_options o;
    real *first, *second; /* momentum and, for AdamW, mean square; (size) */
    piece *pieces;
    double *norms; /* by piece */
    int64_t n_pieces, steps;
    double rate, scale; /* of the running step; scale: clipping */
};

static int64_t pieces_of(int64_t count) { return (count + PIECE - 1) / PIECE; }

static sal_status cut(sal_optimizer *q)
{
    int64_t total = 0;
    for (int64_t i = 0; i < sal_params_count(q->params); i++) {
        const sal_param_info *info = sal_params_info(q->params, i);
        if (!info->is_state) total += pieces_of(info->count);
    }
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_allocate(q->ctx, total, sizeof *q->pieces, &q->pieces));
    SAL_TRY(sal_allocate(q->ctx, total, sizeof *q->norms, &q->norms));
    for (int64_t i = 0; i < sal_params_count(q->params); i++) {
        const sal_param_info *info = sal_params_info(q->params, i);
        if (info->is_state) continue;
        for (int64_t from = 0; from < info->count; from += PIECE) {
            int64_t count = info->count - from < PIECE ? info->count - from : PIECE;
            q->pieces[q->n_pieces++] = (piece){ info->offset + from, count, info->decays };
        }
    }
done:
    return status;
}

sal_status sal_optimizer_new(sal_context *ctx, sal_params *params, const sal_optimizer_options *options,
                             sal_optimizer **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_optimizer *q = NULL;
    *out = NULL;
    SAL_ASSERT(ctx, sal_params_values(params) != NULL);
    SAL_TRY(sal_allocate(ctx, 1, sizeof *q, &q));
    q->ctx = ctx;
    q->params = params;
    q->o = *options;
    if (q->o.beta1 == 0) q->o.beta1 = 0.9;
    if (q->o.beta2 == 0) q->o.beta2 = 0.999;
    if (q->o.epsilon == 0) q->o.epsilon = 1e-8;
    SAL_TRY(sal_allocate(ctx, sal_params_size(params), sizeof(real), &q->first));
    if (q->o.kind == SAL_OPTIMIZER_ADAMW) SAL_TRY(sal_allocate(ctx, sal_params_size(params), sizeof(real), &q->second));
    SAL_TRY(cut(q));
    *out = q;
    q = NULL;
done:
    sal_optimizer_free(q);
    return status;
}

void sal_optimizer_free(sal_optimizer *q)
{
    if (!q) return;
    sal_release(q->ctx, q->first);
    sal_release(q->ctx, q->second);
    sal_release(q->ctx, q->pieces);
    sal_release(q->ctx, q->norms);
    sal_release(q->ctx, q);
}

/* ---- norm ---- */

static void norm_task(void *arg, int64_t chunk, int32_t worker)
{
    sal_optimizer *q = arg;
    const piece *p = &q->pieces[chunk];
    const real *g = sal_params_gradients(q->params) + p->from;
    double sum[4] = { 0 };
    int64_t i = 0;
    for (; i + 4 <= p->count; i += 4) {
        for (int64_t k = 0; k < 4; k++) sum[k] += (double)g[i + k] * (double)g[i + k];
    }
    for (; i < p->count; i++) sum[0] += (double)g[i] * (double)g[i];
    q->norms[chunk] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double norm_of(sal_optimizer *q)
{
    double sum = 0;
    sal_pool_run(q->ctx, q->n_pieces, norm_task, q);
    for (int64_t i = 0; i < q->n_pieces; i++) sum += q->norms[i];
    return sqrt(sum);
}

/* ---- update ---- */

SAL_CLONES static void adamw(real *restrict p, const real *restrict g, real *restrict m, real *restrict v,
                             int64_t count, const real a[7])
{
    /* a: gradient scale, b1, b2, 1 - rate decay, rate / correction 1, 1 / sqrt(correction 2), eps */
    for (int64_t i = 0; i < count; i++) {
        real gi = g[i] * a[0];
        m[i] = a[1] * m[i] + (1 - a[1]) * gi;
        v[i] = a[2] * v[i] + (1 - a[2]) * gi * gi;
#ifdef SAL_DOUBLE
        real root = sqrt(v[i]);
#else
        real root = sqrtf(v[i]);
#endif
        p[i] = p[i] * a[3] - a[4] * m[i] / (root * a[5] + a[6]);
    }
}

static void adamw_task(void *arg, int64_t chunk, int32_t worker)
{
    sal_optimizer *q = arg;
    const piece *p = &q->pieces[chunk];
    double correction1 = 1 - pow(q->o.beta1, (double)q->steps), correction2 = 1 - pow(q->o.beta2, (double)q->steps);
    double shrink = p->decays ? 1 - q->rate * q->o.weight_decay : 1;
    real a[7] = { (real)q->scale,
                  (real)q->o.beta1,
                  (real)q->o.beta2,
                  (real)shrink,
                  (real)(q->rate / correction1),
                  (real)(1 / sqrt(correction2)),
                  (real)q->o.epsilon };
    adamw(sal_params_values(q->params) + p->from, sal_params_gradients(q->params) + p->from, q->first + p->from,
          q->second + p->from, p->count, a);
}

static void sgd_task(void *arg, int64_t chunk, int32_t worker)
{
    sal_optimizer *q = arg;
    const piece *p = &q->pieces[chunk];
    real *x = sal_params_values(q->params) + p->from, *m = q->first + p->from;
    const real *g = sal_params_gradients(q->params) + p->from;
    real scale = (real)q->scale, rate = (real)q->rate, momentum = (real)q->o.momentum;
    real decay = p->decays ? (real)q->o.weight_decay : 0;
    for (int64_t i = 0; i < p->count; i++) {
        real gi = g[i] * scale + decay * x[i];
        m[i] = momentum * m[i] + gi; /* m starts at zero, so the first step has m = g */
        x[i] -= rate * (q->o.nesterov ? gi + momentum * m[i] : m[i]);
    }
}

double sal_optimizer_step(sal_optimizer *q, double learning_rate)
{
    double norm = norm_of(q);
    if (!isfinite(norm)) return norm;
    q->steps++;
    q->rate = learning_rate;
    q->scale = q->o.clip_norm > 0 && norm > q->o.clip_norm ? q->o.clip_norm / norm : 1;
    sal_pool_run(q->ctx, q->n_pieces, q->o.kind == SAL_OPTIMIZER_ADAMW ? adamw_task : sgd_task, q);
    return norm;
}

int64_t sal_optimizer_steps(const sal_optimizer *q) { return q->steps; }
void sal_optimizer_set_steps(sal_optimizer *q, int64_t steps) { q->steps = steps; }

int32_t sal_optimizer_state(sal_optimizer *q, sal_optimizer_array arrays[4])
{
    int64_t size = sal_params_size(q->params);
    if (q->o.kind == SAL_OPTIMIZER_SGD) {
        arrays[0] = (sal_optimizer_array){ "sgd/momentum", q->first, size };
        return 1;
    }
    arrays[0] = (sal_optimizer_array){ "adamw/first", q->first, size };
    arrays[1] = (sal_optimizer_array){ "adamw/second", q->second, size };
    return 2;
}
