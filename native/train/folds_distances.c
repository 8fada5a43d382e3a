/* folds_distances.c - nearest neighbours, their distribution functions, and how far two of these are apart.
 *
 * science.md 1.4. Gj: between samples; Gj*: from test to training; Gij: from the map to the samples. Where Gj* lies at Gij,
 * the folds ask what the map asks.
 */
#include "train/folds_private.h"
#include "train/metrics.h"
#include <math.h>

#define CHUNK 64

typedef struct nearest_task {
    int64_t n, m;
    const double *ax, *ay, *bx, *by;
    const int64_t *skip, *b_skip;
    double *nearest;
} nearest_task;

static void find(void *arg, int64_t chunk, int32_t worker)
{
    const nearest_task *t = arg;
    (void)worker;
    int64_t end = chunk * CHUNK + CHUNK < t->n ? chunk * CHUNK + CHUNK : t->n;
    for (int64_t i = chunk * CHUNK; i < end; i++) {
        double best = INFINITY;
        for (int64_t j = 0; j < t->m; j++) {
            if (t->skip && t->skip[i] == t->b_skip[j]) continue;
            double dx = t->ax[i] - t->bx[j], dy = t->ay[i] - t->by[j];
            best = fmin(best, dx * dx + dy * dy);
        }
        t->nearest[i] = sqrt(best);
    }
}

void sal__folds_nearest(sal_context *ctx, int64_t n, const double *ax, const double *ay, const int64_t *skip, int64_t m, const double *bx,
                        const double *by, const int64_t *b_skip, double *nearest)
{
    nearest_task t = { n, m, ax, ay, bx, by, skip, b_skip, nearest };
    sal_pool_run(ctx, (n + CHUNK - 1) / CHUNK, find, &t);
}

double sal__wasserstein(int64_t n, const double *a, int64_t m, const double *b)
{
    double area = 0, at = 0;
    int64_t i = 0, j = 0;
    while (i < n || j < m) {
        double next = j == m || (i < n && a[i] <= b[j]) ? a[i] : b[j];
        if (i + j > 0) area += fabs((double)i / (double)n - (double)j / (double)m) * (next - at);
        at = next;
        while (i < n && a[i] == at) i++;
        while (j < m && b[j] == at) j++;
    }
    return area;
}

/* Largest i m - j n over the pooled values, i of a and j of b at or below them. */
static int64_t largest_excess(int64_t n, const double *a, int64_t m, const double *b)
{
    int64_t most = 0;
    for (int64_t i = 0, j = 0; i < n;) {
        double at = a[i];
        while (i < n && a[i] == at) i++;
        while (j < m && b[j] <= at) j++;
        if (i * m - j * n > most) most = i * m - j * n;
    }
    return most;
}

/* Share of the orders of the pooled values, all alike, in which the excess stays below `most` wherever a value ends.
 * state[j]: of having taken j of b among the first s. */
static sal_status exact_below(sal_context *ctx, int64_t n, const double *a, int64_t m, const double *b, int64_t most, double *share)
{
    sal_status status;
    double *state = NULL, *pooled = NULL;
    SAL_TRY(sal_allocate(ctx, m + 2, sizeof *state, &state));
    SAL_TRY(sal_allocate(ctx, n + m, sizeof *pooled, &pooled));
    for (int64_t i = 0; i < n; i++) pooled[i] = a[i];
    for (int64_t j = 0; j < m; j++) pooled[n + j] = b[j];
    sal_sort_f64(n + m, pooled);
    state[0] = 1;
    for (int64_t s = 1; s <= n + m; s++) {
        bool ends = s == n + m || pooled[s] != pooled[s - 1];
        for (int64_t j = s < m ? s : m; j >= 0; j--) {
            int64_t i = s - j, left = n + m - s + 1;
            double from_a = i >= 1 && i <= n ? state[j] * (double)(n - i + 1) / (double)left : 0;
            double from_b = j >= 1 && i <= n ? state[j - 1] * (double)(m - j + 1) / (double)left : 0;
            state[j] = ends && i * m - j * n >= most ? 0 : from_a + from_b;
        }
    }
    *share = state[m];
done:
    sal_release(ctx, state);
    sal_release(ctx, pooled);
    return status;
}

sal_status sal__ks_greater(sal_context *ctx, int64_t n, const double *a, int64_t m, const double *b, double *p)
{
    int64_t most = largest_excess(n, a, m, b);
    double d = (double)most / ((double)n * (double)m), below = 0;
    *p = 1;
    if (most == 0) return SAL_STATUS_OK;
    if (n * m >= 10000) { /* asymptotic, as R's ks.test decides */
        *p = exp(-2 * d * d * (double)n * (double)m / (double)(n + m));
        return SAL_STATUS_OK;
    }
    sal_status status = exact_below(ctx, n, a, m, b, most, &below);
    *p = fmax(1 - below, 0);
    return status;
}

sal_status sal__folds_curves(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    double *gij = NULL, *gjstar = NULL;
    SAL_TRY(sal_allocate(ctx, r->count, sizeof *f->gj_m, &f->gj_m));
    sal__folds_nearest(ctx, r->count, r->x, r->y, f->place, r->count, r->x, r->y, f->place, f->gj_m);
    if (r->domain_count < 1) goto done;
    SAL_TRY(sal_allocate(ctx, r->domain_count, sizeof *f->gij_m, &f->gij_m));
    f->domain_count = r->domain_count;
    sal__folds_nearest(ctx, r->domain_count, r->domain_x, r->domain_y, NULL, r->count, r->x, r->y, NULL, f->gij_m);
    SAL_TRY(sal_sorted_copy(ctx, r->domain_count, f->gij_m, &gij));
    SAL_TRY(sal_sorted_copy(ctx, r->count, f->nearest_m, &gjstar));
    f->w_m = sal__wasserstein(r->count, gjstar, r->domain_count, gij);
done:
    sal_release(ctx, gij);
    sal_release(ctx, gjstar);
    return status;
}
