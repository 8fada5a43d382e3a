/* sample_rows.c - samples as rows, and the folds inside a fold. */
#include "sample_rows.h"
#include <string.h>

enum { INNER = 5, PARTS = 3 };

int64_t sal_rows_columns(const sal_roles *r) { return r->band_count + r->index_count + r->covariate_count; }

sal_status sal_rows_new(sal_context *ctx, const sal_dataset *d, float **x)
{
    const sal_roles *r = &d->roles;
    int64_t b = r->band_count, k = r->index_count, c = r->covariate_count, p = sal_rows_columns(r), pixels = r->window * r->window;
    sal_status status = sal_allocate(ctx, d->count * p, sizeof **x, x);
    for (int64_t i = 0; i < d->count && status == SAL_STATUS_OK; i++) {
        float *row = *x + i * p;
        memcpy(row, d->spectrum + i * b, (size_t)b * sizeof *row);
        memcpy(row + b, d->index + i * k, (size_t)k * sizeof *row);
        memcpy(row + b + k, d->window + (i * pixels + pixels / 2) * c, (size_t)c * sizeof *row);
    }
    return status;
}

void sal_rows_inner_clear(sal_context *ctx, sal_rows_inner *t)
{
    sal_release(ctx, t->list);
    sal_release(ctx, t->fold);
    sal_release(ctx, t->train);
    *t = (sal_rows_inner){0};
}

/* Inner fold of a sample: its outer fold, those after f moved up, in at most INNER groups. */
static int64_t group_of(const sal_folds *o, int64_t f, int64_t i)
{
    int64_t g = o->fold[i];
    return (g > f ? g - 1 : g) % INNER;
}

/* Whether sample i may train while every outer fold of group j is tested. */
static bool trains(const sal_folds *o, int64_t f, int64_t j, int64_t i)
{
    for (int64_t g = 0; g < o->k; g++) {
        if (g != f && (g > f ? g - 1 : g) % INNER == j && !o->train[g * o->count + i]) return false;
    }
    return true;
}

sal_status sal_rows_inner_new(sal_context *ctx, const sal_folds *o, int64_t f, sal_rows_inner *out)
{
    sal_status status = SAL_STATUS_OK;
    int64_t others = f < o->k ? o->k - 1 : o->k, k = others < 2 ? PARTS : others < INNER ? others : INNER;
    *out = (sal_rows_inner){0};
    SAL_TRY(sal_allocate(ctx, o->count, sizeof *out->list, &out->list));
    SAL_TRY(sal_allocate(ctx, o->count, sizeof *out->fold, &out->fold));
    SAL_TRY(sal_allocate(ctx, o->count * k, 1, &out->train));
    for (int64_t i = 0; i < o->count; i++)
        if (f == o->k || o->train[f * o->count + i]) out->list[out->n++] = i;
    for (int64_t r = 0; r < out->n; r++) {
        int64_t i = out->list[r];
        out->fold[r] = (int32_t)(others < 2 ? r * PARTS / out->n : group_of(o, f, i));
        for (int64_t j = 0; j < k; j++) out->train[j * out->n + r] = others < 2 ? out->fold[r] != j : trains(o, f, j, i);
    }
    out->folds = (sal_baseline_inner){k, out->fold, out->train};
done:
    if (status != SAL_STATUS_OK) sal_rows_inner_clear(ctx, out);
    return status;
}
