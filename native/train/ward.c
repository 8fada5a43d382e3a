/* ward.c - hierarchical clustering by Ward's criterion on squared distances (Murtagh and Legendre 2014: ward.D2 of R's
 * hclust).
 *
 * Every cluster keeps its nearest neighbour of higher number; a join takes the pair with the least distance, keeps the
 * lower number, and brings the distances up to date by Lance and Williams. The trap: the formula wants squares; D2 means
 * that they are squared first, not that the result is.
 */
#include "train/folds_private.h"
#include <math.h>

typedef struct clusters {
    int64_t n;
    double *square; /* (n (n - 1) / 2) of pairs i < j */
    double *least;  /* (n) to the nearest of higher number */
    int64_t *nearest, *size;
    uint8_t *gone;
} clusters;

static int64_t pair(const clusters *c, int64_t i, int64_t j)
{
    return i < j ? i * (2 * c->n - i - 1) / 2 + j - i - 1 : j * (2 * c->n - j - 1) / 2 + i - j - 1;
}

static void look(clusters *c, int64_t i)
{
    c->least[i] = INFINITY;
    c->nearest[i] = -1;
    for (int64_t j = i + 1; j < c->n; j++) {
        double d = c->square[pair(c, i, j)];
        if (!c->gone[j] && d < c->least[i]) c->least[i] = d, c->nearest[i] = j;
    }
}

/* Joins b to a < b. */
static void join(clusters *c, int64_t a, int64_t b)
{
    double na = (double)c->size[a], nb = (double)c->size[b], between = c->square[pair(c, a, b)];
    c->gone[b] = 1;
    for (int64_t k = 0; k < c->n; k++) {
        if (c->gone[k] || k == a) continue;
        double nk = (double)c->size[k], *ak = &c->square[pair(c, a, k)], bk = c->square[pair(c, b, k)];
        *ak = ((na + nk) * *ak + (nb + nk) * bk - nk * between) / (na + nb + nk);
        if (k < a && *ak < c->least[k]) c->least[k] = *ak, c->nearest[k] = a;
    }
    c->size[a] += c->size[b];
    for (int64_t k = 0; k < c->n - 1; k++)
        if (!c->gone[k] && (k == a || c->nearest[k] == a || c->nearest[k] == b)) look(c, k);
}

sal_status sal__ward(sal_context *ctx, int64_t n, const double *x, const double *y, int64_t *merges)
{
    sal_status status;
    clusters c = { .n = n };
    SAL_TRY(sal_allocate(ctx, n * (n - 1) / 2, sizeof *c.square, &c.square));
    SAL_TRY(sal_allocate(ctx, n, sizeof *c.least, &c.least));
    SAL_TRY(sal_allocate(ctx, n, sizeof *c.nearest, &c.nearest));
    SAL_TRY(sal_allocate(ctx, n, sizeof *c.size, &c.size));
    SAL_TRY(sal_allocate(ctx, n, 1, &c.gone));
    for (int64_t i = 0; i < n; i++) {
        c.size[i] = 1;
        for (int64_t j = i + 1; j < n; j++) c.square[pair(&c, i, j)] = (x[i] - x[j]) * (x[i] - x[j]) + (y[i] - y[j]) * (y[i] - y[j]);
    }
    for (int64_t i = 0; i < n; i++) look(&c, i);
    for (int64_t step = 0; step + 1 < n; step++) {
        int64_t a = -1;
        for (int64_t i = 0; i < n - 1; i++)
            if (!c.gone[i] && c.nearest[i] >= 0 && (a < 0 || c.least[i] < c.least[a])) a = i;
        merges[2 * step] = a;
        merges[2 * step + 1] = c.nearest[a];
        join(&c, a, c.nearest[a]);
        SAL_TRY(sal_progress(ctx, 0, NULL));
    }
done:
    sal_release(ctx, c.square);
    sal_release(ctx, c.least);
    sal_release(ctx, c.nearest);
    sal_release(ctx, c.size);
    sal_release(ctx, c.gone);
    return status;
}
