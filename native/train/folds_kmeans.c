/* folds_kmeans.c - clusters of positions: Lloyd's k-means from k-means++ starts (Arthur and Vassilvitskii 2007) on the
 * middles of places, the best of ten.
 *
 * The trap: a centre may lose all its places; it then takes the place that lies farthest from its own centre.
 */
#include "train/folds_private.h"
#include <math.h>
#include <string.h>

enum { STARTS = 10, ROUNDS = 200 };

typedef struct clustering {
    int64_t n, k;
    const double *x, *y;                          /* (n) */
    double cx[SAL_FOLDS_MAX], cy[SAL_FOLDS_MAX];  /* centres */
    double *square;                               /* (n) to the own centre */
    int32_t *of;                                  /* (n) */
} clustering;

static double square_to(const clustering *c, int64_t i, int64_t k)
{
    double dx = c->x[i] - c->cx[k], dy = c->y[i] - c->cy[k];
    return dx * dx + dy * dy;
}

/* Every place to its nearest centre of the first k; returns the sum of squares. */
static double assign(clustering *c, int64_t k)
{
    double sum = 0;
    for (int64_t i = 0; i < c->n; i++) {
        c->of[i] = 0;
        c->square[i] = square_to(c, i, 0);
        for (int64_t j = 1; j < k; j++) {
            double d = square_to(c, i, j);
            if (d < c->square[i]) c->square[i] = d, c->of[i] = (int32_t)j;
        }
        sum += c->square[i];
    }
    return sum;
}

static void start(clustering *c, uint64_t seed, uint64_t draw)
{
    uint64_t stream = sal_random_stream("folds kmeans", draw, 0);
    int64_t first = sal_random_below(seed, stream, 0, c->n);
    c->cx[0] = c->x[first], c->cy[0] = c->y[first];
    for (int64_t k = 1; k < c->k; k++) {
        double left = assign(c, k) * sal_random_uniform(seed, stream, (uint64_t)k);
        int64_t pick = -1;
        for (int64_t i = 0; i < c->n; i++) {
            if (!(c->square[i] > 0)) continue;
            pick = i;
            left -= c->square[i];
            if (left <= 0) break;
        }
        if (pick < 0) pick = k % c->n; /* all places are centres already */
        c->cx[k] = c->x[pick], c->cy[k] = c->y[pick];
    }
}

/* Gives every empty cluster the place farthest from its centre, out of a cluster with more than one. */
static void fill_empty(clustering *c, int64_t *size)
{
    for (int64_t k = 0; k < c->k; k++) {
        int64_t far = -1;
        if (size[k]) continue;
        for (int64_t i = 0; i < c->n; i++)
            if (size[c->of[i]] > 1 && (far < 0 || c->square[i] > c->square[far])) far = i;
        size[c->of[far]]--;
        size[k]++;
        c->of[far] = (int32_t)k;
        c->square[far] = 0;
    }
}

static double refine(clustering *c)
{
    double before = INFINITY, sum = assign(c, c->k);
    for (int32_t round = 0; round < ROUNDS; round++) {
        int64_t size[SAL_FOLDS_MAX] = { 0 };
        for (int64_t i = 0; i < c->n; i++) size[c->of[i]]++;
        fill_empty(c, size);
        if (sum >= before) break;
        before = sum;
        memset(c->cx, 0, sizeof c->cx);
        memset(c->cy, 0, sizeof c->cy);
        for (int64_t i = 0; i < c->n; i++) {
            c->cx[c->of[i]] += c->x[i] / (double)size[c->of[i]];
            c->cy[c->of[i]] += c->y[i] / (double)size[c->of[i]];
        }
        sum = assign(c, c->k);
    }
    int64_t size[SAL_FOLDS_MAX] = { 0 };
    for (int64_t i = 0; i < c->n; i++) size[c->of[i]]++;
    fill_empty(c, size);
    return sum;
}

sal_status sal__folds_cluster(sal_context *ctx, const sal_fold_request *r, const sal_folds *f, int32_t *cluster)
{
    sal_status status;
    clustering c = { .n = f->places, .k = r->k, .x = f->place_x, .y = f->place_y };
    double least = INFINITY;
    SAL_TRY(sal__folds_check_places(ctx, r, f));
    SAL_TRY(sal_allocate(ctx, c.n, sizeof *c.square, &c.square));
    SAL_TRY(sal_allocate(ctx, c.n, sizeof *c.of, &c.of));
    for (uint64_t draw = 0; draw < STARTS; draw++) {
        start(&c, r->seed, draw);
        double sum = refine(&c);
        if (sum >= least) continue;
        least = sum;
        memcpy(cluster, c.of, (size_t)c.n * sizeof *cluster);
    }
done:
    sal_release(ctx, c.square);
    sal_release(ctx, c.of);
    return status;
}

sal_status sal__folds_assign_kmeans(sal_context *ctx, const sal_fold_request *r, sal_folds *f)
{
    sal_status status;
    int32_t *cluster = NULL;
    SAL_TRY(sal_allocate(ctx, f->places, sizeof *cluster, &cluster));
    SAL_TRY(sal__folds_cluster(ctx, r, f, cluster));
    for (int64_t i = 0; i < r->count; i++) f->fold[i] = cluster[f->place[i]];
done:
    sal_release(ctx, cluster);
    return status;
}
