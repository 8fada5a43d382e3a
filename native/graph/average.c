/* average.c - snapshots of the parameters: the best so far (early stopping) and the exponential moving average. */
#include "graph/optimizer.h"
#include <math.h>
#include <string.h>

struct sal_early_stop {
    sal_context *ctx;
    sal_params *params;
    int64_t patience;
    double min_delta, best;
    int64_t counters[3]; /* best report, reports, reports since */
    real *snapshot;      /* values, state */
};

sal_status sal_early_stop_new(sal_context *ctx, sal_params *params, int64_t patience, double min_delta,
                              sal_early_stop **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_early_stop *s = NULL;
    *out = NULL;
    SAL_ASSERT(ctx, sal_params_values(params) != NULL);
    SAL_TRY(sal_allocate(ctx, 1, sizeof *s, &s));
    *s = (sal_early_stop){ .ctx = ctx,
                           .params = params,
                           .patience = patience,
                           .min_delta = min_delta,
                           .best = INFINITY,
                           .counters = { -1, 0, 0 } };
    SAL_TRY(sal_allocate(ctx, sal_params_size(params) + sal_params_state_size(params), sizeof(real), &s->snapshot));
    *out = s;
    s = NULL;
done:
    sal_early_stop_free(s);
    return status;
}

void sal_early_stop_free(sal_early_stop *s)
{
    if (!s) return;
    sal_release(s->ctx, s->snapshot);
    sal_release(s->ctx, s);
}

bool sal_early_stop_report(sal_early_stop *s, double loss)
{
    int64_t size = sal_params_size(s->params), state = sal_params_state_size(s->params);
    bool improves = isfinite(loss) && (s->counters[0] < 0 || loss < s->best - s->min_delta);
    if (improves) {
        s->best = loss;
        s->counters[0] = s->counters[1];
        s->counters[2] = 0;
        memcpy(s->snapshot, sal_params_values(s->params), (size_t)size * sizeof(real));
        memcpy(s->snapshot + size, sal_params_state(s->params), (size_t)state * sizeof(real));
    } else {
        s->counters[2]++;
    }
    s->counters[1]++;
    return s->patience > 0 && s->counters[2] >= s->patience;
}

void sal_early_stop_restore(sal_early_stop *s)
{
    int64_t size = sal_params_size(s->params), state = sal_params_state_size(s->params);
    if (s->counters[0] < 0) return;
    memcpy(sal_params_values(s->params), s->snapshot, (size_t)size * sizeof(real));
    memcpy(sal_params_state(s->params), s->snapshot + size, (size_t)state * sizeof(real));
}

double sal_early_stop_best(const sal_early_stop *s) { return s->best; }
int64_t sal_early_stop_best_report(const sal_early_stop *s) { return s->counters[0]; }

int64_t sal_early_stop_counters(sal_early_stop *s, int64_t **counters, double **best, real **snapshot)
{
    *counters = s->counters;
    *best = &s->best;
    *snapshot = s->snapshot;
    return sal_params_size(s->params) + sal_params_state_size(s->params);
}

struct sal_average {
    sal_context *ctx;
    sal_params *params;
    double decay;
    int64_t updates;
    real *values;
};

sal_status sal_average_new(sal_context *ctx, sal_params *params, double decay, sal_average **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_average *a = NULL;
    *out = NULL;
    SAL_ASSERT(ctx, sal_params_values(params) != NULL);
    SAL_TRY(sal_allocate(ctx, 1, sizeof *a, &a));
    a->ctx = ctx;
    a->params = params;
    a->decay = decay;
    SAL_TRY(sal_allocate(ctx, sal_params_size(params), sizeof(real), &a->values));
    memcpy(a->values, sal_params_values(params), (size_t)sal_params_size(params) * sizeof(real));
    *out = a;
    a = NULL;
done:
    sal_average_free(a);
    return status;
}

void sal_average_free(sal_average *a)
{
    if (!a) return;
    sal_release(a->ctx, a->values);
    sal_release(a->ctx, a);
}

void sal_average_update(sal_average *a)
{
    double start = (1 + (double)a->updates) / (10 + (double)a->updates);
    real keep = (real)(start < a->decay ? start : a->decay);
    const real *x = sal_params_values(a->params);
    a->updates++;
    for (int64_t i = 0; i < sal_params_size(a->params); i++) a->values[i] = keep * a->values[i] + (1 - keep) * x[i];
}

void sal_average_swap(sal_average *a)
{
    real *x = sal_params_values(a->params);
    for (int64_t i = 0; i < sal_params_size(a->params); i++) {
        real v = x[i];
        x[i] = a->values[i];
        a->values[i] = v;
    }
}
