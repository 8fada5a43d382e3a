/* folds_knndm.c - k-fold nearest neighbour distance matching (Linnenbrink et al. 2024, doi 10.5194/gmd-17-5897-2024),
 * exactly as CAST's knndm in geographic space with hierarchical clustering.
 *
 * Ward clusters of the places, cut into q pieces for up to 100 values of q, are merged into k folds along the first principal
 * axis; the q is kept whose folds have distances Gj* nearest to those of the map, Gij (least W). The trap: clusters of at
 * least n / k places stay folds of their own, and no fold may hold more than half.
 */
#include "train/folds_private.h"
#include "train/metrics.h"
#include <math.h>
#include <stdlib.h>

enum { CANDIDATES = 100 };

typedef struct matching {
    sal_context *ctx;
    const sal_fold_request *r;
    const sal_folds *f;
    int64_t n, k;
    double *gij; /* sorted */
    int64_t *merges, *cluster, *of_fold;
    double *gjstar;  /* (n) */
    int64_t *root;
    double axis_x, axis_y, middle_x, middle_y;
} matching;

typedef struct piece {
    int64_t number, size;
    double x, y, along;
    int64_t fold;
} piece;

static int by_axis(const void *a, const void *b)
{
    const piece *p = a, *q = b;
    if (p->along != q->along) return p->along < q->along ? -1 : 1;
    return (p->number > q->number) - (p->number < q->number);
}

/* First principal axis of the places: the eigenvector of the larger eigenvalue of their covariance. */
static void principal_axis(matching *m)
{
    double sxx = 0, syy = 0, sxy = 0;
    for (int64_t i = 0; i < m->n; i++) {
        m->middle_x += m->f->place_x[i] / (double)m->n;
        m->middle_y += m->f->place_y[i] / (double)m->n;
    }
    for (int64_t i = 0; i < m->n; i++) {
        double dx = m->f->place_x[i] - m->middle_x, dy = m->f->place_y[i] - m->middle_y;
        sxx += dx * dx, syy += dy * dy, sxy += dx * dy;
    }
    double angle = 0.5 * atan2(2 * sxy, sxx - syy);
    m->axis_x = cos(angle), m->axis_y = sin(angle);
}

static int64_t root_of(int64_t *root, int64_t i)
{
    while (root[i] != i) i = root[i] = root[root[i]];
    return i;
}

/* Cuts the tree into q clusters, numbered by first appearance, and finds their sizes and centres. */
static void cut_tree(matching *m, int64_t q, piece *pieces)
{
    int64_t number = 0;
    for (int64_t i = 0; i < m->n; i++) m->root[i] = i;
    for (int64_t step = 0; step < m->n - q; step++) {
        int64_t a = root_of(m->root, m->merges[2 * step]), b = root_of(m->root, m->merges[2 * step + 1]);
        m->root[a > b ? a : b] = a < b ? a : b;
    }
    for (int64_t i = 0; i < m->n; i++) {
        int64_t first = root_of(m->root, i);
        if (first == i) {
            m->cluster[i] = number;
            pieces[number] = (piece){ .number = number, .fold = -1 };
            number++;
        } else {
            m->cluster[i] = m->cluster[first];
        }
        piece *p = &pieces[m->cluster[i]];
        p->size++;
        p->x += m->f->place_x[i];
        p->y += m->f->place_y[i];
    }
    for (int64_t p = 0; p < q; p++)
        pieces[p].along = (pieces[p].x / (double)pieces[p].size - m->middle_x) * m->axis_x + (pieces[p].y / (double)pieces[p].size - m->middle_y) * m->axis_y;
}

/* of_fold (n) from pieces; returns the share of the largest fold. */
static double merge_pieces(matching *m, int64_t q, piece *pieces, int64_t *fold_of_piece)
{
    int64_t used = 0, size[SAL_FOLDS_MAX] = { 0 }, most = 0;
    qsort(pieces, (size_t)q, sizeof *pieces, by_axis);
    for (int64_t p = 0; p < q; p++)
        if ((double)pieces[p].size >= (double)m->n / (double)m->k) pieces[p].fold = used++;
    for (int64_t p = 0, next = 0; p < q; p++)
        if (pieces[p].fold < 0) pieces[p].fold = used + next++ % (m->k - used);
    for (int64_t p = 0; p < q; p++) {
        fold_of_piece[pieces[p].number] = pieces[p].fold;
        size[pieces[p].fold] += pieces[p].size;
    }
    for (int64_t i = 0; i < m->n; i++) m->of_fold[i] = fold_of_piece[m->cluster[i]];
    for (int64_t k = 0; k < m->k; k++) most = size[k] > most ? size[k] : most;
    return (double)most / (double)m->n;
}

/* W of the folds in of_fold. */
static double distance_to_map(matching *m)
{
    const sal_folds *f = m->f;
    sal__folds_nearest(m->ctx, m->n, f->place_x, f->place_y, m->of_fold, m->n, f->place_x, f->place_y, m->of_fold, m->gjstar);
    sal_sort_f64(m->n, m->gjstar);
    return sal__wasserstein(m->n, m->gjstar, m->r->domain_count, m->gij);
}

/* Tries all numbers of clusters; best (n). maxp is 0.5 as in CAST, and 0.7 of two folds, which cannot both hold half at most. */
static sal_status try_all(matching *m, int64_t *best, int64_t *clusters)
{
    sal_status status;
    piece *pieces = NULL;
    int64_t *fold_of_piece = NULL, before = 0;
    double least = INFINITY, maxp = m->k == 2 ? 0.7 : 0.5;
    SAL_TRY(sal_allocate(m->ctx, m->n, sizeof *pieces, &pieces));
    SAL_TRY(sal_allocate(m->ctx, m->n, sizeof *fold_of_piece, &fold_of_piece));
    for (int64_t c = 0; c < CANDIDATES; c++) {
        double low = log((double)m->k), high = log((double)(m->n - 2));
        int64_t q = (int64_t)nearbyint(exp(low + (high - low) * (double)c / (CANDIDATES - 1)));
        SAL_TRY(sal_progress(m->ctx, 0, NULL));
        if (q == before) continue;
        before = q;
        cut_tree(m, q, pieces);
        if (merge_pieces(m, q, pieces, fold_of_piece) > maxp) continue;
        double w = distance_to_map(m);
        if (w >= least) continue;
        least = w;
        *clusters = q;
        for (int64_t i = 0; i < m->n; i++) best[i] = m->of_fold[i];
    }
    if (!isfinite(least))
        status = sal_fail(m->ctx, SAL_STATUS_DATA,
                          "kNNDM finds no %lld folds of the %lld places of which none holds more than %.0f %%; use fewer folds or blocks",
                          (long long)m->k, (long long)m->n, 100 * maxp);
done:
    sal_release(m->ctx, pieces);
    sal_release(m->ctx, fold_of_piece);
    return status;
}

static void deal_at_random(const matching *m, int64_t *fold)
{
    for (int64_t i = 0; i < m->n; i++) fold[i] = i % m->k;
    sal_random_shuffle(m->r->seed, sal_random_stream("folds knndm", 0, 0), fold, m->n);
}

/* Whether the samples are clustered against the map (KS, 5 %): if not, random folds match already. */
static sal_status test_clustering(matching *m, double *p)
{
    sal_status status;
    double *gj = NULL;
    int64_t *own = NULL;
    SAL_TRY(sal_allocate(m->ctx, m->n, sizeof *gj, &gj));
    SAL_TRY(sal_allocate(m->ctx, m->n, sizeof *own, &own));
    SAL_TRY(sal_allocate(m->ctx, m->r->domain_count, sizeof *m->gij, &m->gij));
    for (int64_t i = 0; i < m->n; i++) own[i] = i;
    sal__folds_nearest(m->ctx, m->n, m->f->place_x, m->f->place_y, own, m->n, m->f->place_x, m->f->place_y, own, gj);
    sal__folds_nearest(m->ctx, m->r->domain_count, m->r->domain_x, m->r->domain_y, NULL, m->n, m->f->place_x, m->f->place_y, NULL, m->gij);
    sal_sort_f64(m->n, gj);
    sal_sort_f64(m->r->domain_count, m->gij);
    SAL_TRY(sal__ks_greater(m->ctx, m->n, gj, m->r->domain_count, m->gij, p));
done:
    sal_release(m->ctx, gj);
    sal_release(m->ctx, own);
    return status;
}

static sal_status match(matching *m, int64_t *best, int64_t *clusters)
{
    sal_status status;
    SAL_TRY(sal_allocate(m->ctx, 2 * m->n, sizeof(int64_t), &m->merges));
    SAL_TRY(sal_allocate(m->ctx, m->n, sizeof(int64_t), &m->cluster));
    SAL_TRY(sal_allocate(m->ctx, m->n, sizeof(int64_t), &m->of_fold));
    SAL_TRY(sal_allocate(m->ctx, m->n, sizeof(int64_t), &m->root));
    SAL_TRY(sal_allocate(m->ctx, m->n, sizeof(double), &m->gjstar));
    principal_axis(m);
    SAL_TRY(sal__ward(m->ctx, m->n, m->f->place_x, m->f->place_y, m->merges));
    SAL_TRY(try_all(m, best, clusters));
done:
    return status;
}

static sal_status check_places(sal_context *ctx, const sal_fold_request *r, const sal_folds *f)
{
    if (f->places < r->k + 2)
        return sal_fail(ctx, SAL_STATUS_DATA, "kNNDM of %lld folds needs samples in at least %lld places, there are %lld; give fewer folds or more samples",
                        (long long)r->k, (long long)r->k + 2, (long long)f->places);
    if (f->places > SAL_KNNDM_MAX)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "kNNDM clusters at most %d places, these are %lld; validate by blocks or kmeans", SAL_KNNDM_MAX, (long long)f->places);
    return SAL_STATUS_OK;
}

sal_status sal__folds_assign_knndm(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    int64_t *best = NULL;
    matching m = { .ctx = ctx, .r = r, .f = f, .n = f->places, .k = r->k };
    SAL_TRY(check_places(ctx, r, f));
    SAL_TRY(sal_allocate(ctx, m.n, sizeof *best, &best));
    SAL_TRY(test_clustering(&m, &f->clustered_p));
    if (f->clustered_p >= 0.05)
        deal_at_random(&m, best);
    else
        SAL_TRY(match(&m, best, &f->clusters));
    for (int64_t i = 0; i < r->count; i++) f->fold[i] = (int32_t)best[f->place[i]];
done:
    sal_release(ctx, best);
    sal_release(ctx, m.gij);
    sal_release(ctx, m.merges);
    sal_release(ctx, m.cluster);
    sal_release(ctx, m.of_fold);
    sal_release(ctx, m.root);
    sal_release(ctx, m.gjstar);
    return status;
}
