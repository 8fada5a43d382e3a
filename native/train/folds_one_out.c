/* folds_one_out.c - leave-one-out methods: NNDM (Mila et al. 2022, doi 10.1111/2041-210X.13851; exactly as CAST's nndm) and
 * buffered leave-one-out (Le Rest et al. 2014). A fold is a place; all its samples are tested together.
 *
 * NNDM takes the nearest training place out of a row while the distribution function of Gj* lies above that of Gij there.
 * Distances of a row are sorted once, so the nearest that is left is a matter of one index; a step scans n numbers. The
 * trap: both places of a nearest pair have the same distance, and the first of them goes first.
 */
#include "train/folds_private.h"
#include "train/metrics.h"
#include <math.h>
#include <stdlib.h>

sal_status sal__folds_leave_one_out(sal_context *ctx, sal_folds *f)
{
    if (f->places < 3)
        return sal_fail(ctx, SAL_STATUS_DATA, "the %lld samples stand in %lld place%s; leaving one out needs at least 3", (long long)f->count,
                        (long long)f->places, f->places == 1 ? "" : "s");
    if (f->places > SAL_LEAVE_ONE_OUT_MAX)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%lld places are more than the %d that %s can leave out one by one; validate by knndm, which matches the same distances with a few folds",
                        (long long)f->places, SAL_LEAVE_ONE_OUT_MAX, f->method);
    f->k = f->places;
    for (int64_t i = 0; i < f->count; i++) f->fold[i] = (int32_t)f->place[i];
    sal_status status = sal__folds_allocate_train(ctx, f);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t k = 0; k < f->k; k++)
        for (int64_t i = 0; i < f->count; i++) f->train[k * f->count + i] = f->place[i] != k;
    return status;
}

/* ---- NNDM ---- */

typedef struct matrix {
    int64_t n, m;
    const double *x, *y;
    int32_t *order; /* (n, n - 1) other places by distance */
    int32_t *taken; /* (n) how many of a row are out of training */
    double *gjstar; /* (n) */
    double *gij;    /* (m) sorted */
    double phi;     /* nothing beyond is looked at */
} matrix;

static double distance(const matrix *a, int64_t i, int64_t j)
{
    double dx = a->x[i] - a->x[j], dy = a->y[i] - a->y[j];
    return sqrt(dx * dx + dy * dy);
}

typedef struct far {
    double distance;
    int32_t index;
} far;

static int by_distance(const void *a, const void *b)
{
    const far *p = a, *q = b;
    if (p->distance != q->distance) return p->distance < q->distance ? -1 : 1;
    return (p->index > q->index) - (p->index < q->index);
}

static sal_status sort_rows(sal_context *ctx, matrix *a)
{
    far *row = NULL;
    sal_status status = sal_allocate(ctx, a->n, sizeof *row, &row);
    for (int64_t i = 0; i < a->n && status == SAL_STATUS_OK; i++) {
        int64_t k = 0;
        for (int64_t j = 0; j < a->n; j++)
            if (j != i) row[k++] = (far){ distance(a, i, j), (int32_t)j };
        qsort(row, (size_t)k, sizeof *row, by_distance);
        for (int64_t j = 0; j < k; j++) a->order[i * (a->n - 1) + j] = row[j].index;
        a->gjstar[i] = row[0].distance;
        a->phi = fmax(a->phi, row[k - 1].distance);
        if (i % 64 == 0) status = sal_progress(ctx, 0, NULL);
    }
    sal_release(ctx, row);
    return status;
}

/* How many of Gij are at most r. */
static int64_t count_map(const matrix *a, double r)
{
    int64_t lo = 0, hi = a->m;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (a->gij[mid] <= r)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Takes all places of row j at its nearest distance out of training. */
static void take_nearest(matrix *a, int64_t j)
{
    double r = a->gjstar[j];
    const int32_t *order = a->order + j * (a->n - 1);
    while (a->taken[j] < a->n - 1 && distance(a, j, order[a->taken[j]]) == r) a->taken[j]++;
    a->gjstar[j] = a->taken[j] < a->n - 1 ? distance(a, j, order[a->taken[j]]) : INFINITY;
}

/* The least Gj* at or above r, or above r only, and its first row; -1 when there is none. */
static int64_t next_row(const matrix *a, double r, bool above)
{
    int64_t row = -1;
    for (int64_t i = 0; i < a->n; i++)
        if ((above ? a->gjstar[i] > r : a->gjstar[i] >= r) && (row < 0 || a->gjstar[i] < a->gjstar[row])) row = i;
    return row;
}

static sal_status match(sal_context *ctx, matrix *a)
{
    const double min_train = 0.5; /* CAST's default: at least half of the places train */
    sal_status status = SAL_STATUS_OK;
    double r = -1;
    int64_t j = next_row(a, r, true);
    for (int64_t step = 0; j >= 0 && a->gjstar[j] <= a->phi; step++) {
        int64_t below = 0;
        r = a->gjstar[j];
        for (int64_t i = 0; i < a->n; i++) below += a->gjstar[i] <= r;
        double share = (double)(a->n - 1 - a->taken[j]) / (double)a->n;
        bool take = (double)(below - 1) / (double)a->n >= (double)count_map(a, r) / (double)a->m && share > min_train;
        if (take) take_nearest(a, j);
        j = next_row(a, r, !take);
        if (step % 1024 == 0) SAL_TRY(sal_progress(ctx, 0, NULL));
    }
done:
    return status;
}

static sal_status new_matrix(sal_context *ctx, const sal_fold_request *r, const sal_folds *f, matrix *a)
{
    sal_status status;
    *a = (matrix){ .n = f->places, .m = r->domain_count, .x = f->place_x, .y = f->place_y };
    SAL_TRY(sal_allocate(ctx, a->n * (a->n - 1), sizeof *a->order, &a->order));
    SAL_TRY(sal_allocate(ctx, a->n, sizeof *a->taken, &a->taken));
    SAL_TRY(sal_allocate(ctx, a->n, sizeof *a->gjstar, &a->gjstar));
    SAL_TRY(sal_allocate(ctx, a->m, sizeof *a->gij, &a->gij));
    sal__folds_nearest(ctx, a->m, r->domain_x, r->domain_y, NULL, a->n, a->x, a->y, NULL, a->gij);
    sal_sort_f64(a->m, a->gij);
    a->phi = a->gij[a->m - 1];
    SAL_TRY(sort_rows(ctx, a));
    a->phi += 1e-9;
done:
    return status;
}

sal_status sal__folds_assign_nndm(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    matrix a = { 0 };
    uint8_t *out = NULL;
    SAL_TRY(sal__folds_leave_one_out(ctx, f));
    SAL_TRY(new_matrix(ctx, r, f, &a));
    SAL_TRY(sal_allocate(ctx, a.n, 1, &out));
    SAL_TRY(match(ctx, &a));
    for (int64_t k = 0; k < f->k; k++) {
        for (int32_t t = 0; t < a.taken[k]; t++) out[a.order[k * (a.n - 1) + t]] = 1;
        for (int64_t i = 0; i < f->count; i++)
            if (out[f->place[i]]) f->train[k * f->count + i] = 0;
        for (int32_t t = 0; t < a.taken[k]; t++) out[a.order[k * (a.n - 1) + t]] = 0;
    }
done:
    sal_release(ctx, a.order);
    sal_release(ctx, a.taken);
    sal_release(ctx, a.gjstar);
    sal_release(ctx, a.gij);
    sal_release(ctx, out);
    return status;
}

/* ---- buffered ---- */

/* The radius is a distance between samples; the window comes on top where it reaches farther (folds.c). */
sal_status sal__folds_assign_bloo(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    double radius = r->block_m;
    SAL_TRY(sal__folds_leave_one_out(ctx, f));
    if (!(radius > 0)) SAL_TRY(sal__folds_block_size(ctx, r, f, &radius));
    f->buffer_m = radius;
    for (int64_t i = 0; i < f->count; i++)
        for (int64_t j = 0; j < f->count; j++)
            if (f->train[f->fold[i] * f->count + j] && hypot(r->x[i] - r->x[j], r->y[i] - r->y[j]) < radius) {
                f->train[f->fold[i] * f->count + j] = 0;
                f->dropped_by_buffer++;
            }
done:
    return status;
}
