/* nearness.c - the dissimilarity index and the local point density of many pixels at once.
 *
 * The nearest of the training samples b to a pixel a is the one with the largest a b - |b|^2 / 2, which is a matrix product.
 * In float it is off by at most (p + 4) u (|a| |b| + |b|^2 / 2), u = 2^-24 (Higham 2002, section 3.1): where the runner-up is
 * nearer to the winner than twice that, all samples are looked at in double; otherwise the winner alone. The trap: |a|^2 - 2 a b +
 * |b|^2 itself would lose everything where a is near b, just where the index must be right.
 *
 * A sample is nearer than the threshold t where a b - |b|^2 / 2 > (|a|^2 - t^2) / 2. The density counts samples that are beyond doubt so in float and
 * looks at those within the error of it as sal_applicability_at does.
 */
#include "kernels/lanes.h"
#include "tensor/simd.h"
#include "train/applicability.h"
#include <float.h>
#include <math.h>
#include <string.h>

enum { WIDE = SAL_NEARNESS_PIXELS, ROWS = 32 };

struct sal_nearness {
    const sal_applicability *a;
    int64_t n, p;           /* samples that differ; covariates with a weight */
    int64_t *column; /* (p) of the covariates of the fit */
    double *shift, *factor; /* (p) z = (v - shift) factor, in units of the mean distance */
    double *exact;          /* (n, p) the samples so */
    real *rows, *half;      /* the same in float, (p, ROWS) for every ROWS samples; (n) -|b|^2 / 2 */
    real *times;            /* (n) samples with the same covariates */
    int64_t *origin;        /* (n) the first of them in the fit */
    double longest;         /* |b| */
};

static bool equal_rows(const sal_nearness *s, const double *a, const double *b)
{
    for (int64_t j = 0; j < s->p; j++)
        if (a[j] != b[j]) return false;
    return true;
}

/* Samples with the same covariates count once, or no winner could be told from the other. */
static void add_point(sal_nearness *s, int64_t i)
{
    double *to = s->exact + s->n * s->p, square = 0;
    for (int64_t j = 0; j < s->p; j++) to[j] = s->a->points[i * s->a->p + s->column[j]] / s->a->mean_distance;
    for (int64_t k = 0; k < s->n; k++)
        if (equal_rows(s, to, s->exact + k * s->p)) {
            s->times[k] += 1;
            return;
        }
    s->times[s->n] = 1;
    s->origin[s->n] = i;
    real *row = s->rows + s->n / ROWS * ROWS * s->p + s->n % ROWS;
    for (int64_t j = 0; j < s->p; j++) {
        row[j * ROWS] = (real)to[j];
        square += to[j] * to[j];
    }
    s->half[s->n] = (real)(-square / 2);
    s->longest = fmax(s->longest, sqrt(square));
    s->n++;
}

static int64_t room(int64_t n) { return (n + ROWS - 1) / ROWS * ROWS; }

sal_status sal_nearness_new(const sal_applicability *a, sal_nearness **out)
{
    sal_status status;
    sal_context *ctx = a->ctx;
    sal_nearness *s = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *s, &s));
    s->a = a;
    SAL_TRY(sal_allocate(ctx, a->p, sizeof *s->column, &s->column));
    SAL_TRY(sal_allocate(ctx, a->p, sizeof *s->shift, &s->shift));
    SAL_TRY(sal_allocate(ctx, a->p, sizeof *s->factor, &s->factor));
    for (int64_t j = 0; j < a->p; j++) {
        if (!(a->weight[j] > 0)) continue;
        s->column[s->p] = j;
        s->shift[s->p] = a->mean[j];
        s->factor[s->p++] = a->weight[j] / a->sd[j] / a->mean_distance;
    }
    SAL_TRY(sal_allocate(ctx, a->n * s->p, sizeof *s->exact, &s->exact));
    SAL_TRY(sal_allocate(ctx, room(a->n) * s->p, sizeof *s->rows, &s->rows));
    SAL_TRY(sal_allocate(ctx, room(a->n), sizeof *s->half, &s->half));
    SAL_TRY(sal_allocate(ctx, room(a->n), sizeof *s->times, &s->times));
    SAL_TRY(sal_allocate(ctx, a->n, sizeof *s->origin, &s->origin));
    for (int64_t i = 0; i < a->n; i++) add_point(s, i);
    for (int64_t i = s->n; i < room(s->n); i++) s->half[i] = -INFINITY; /* nobody is nearest to these */
    *out = s;
    s = NULL;
done:
    sal_nearness_free(s);
    return status;
}

void sal_nearness_free(sal_nearness *s)
{
    if (!s) return;
    void *all[] = { s->column, s->shift, s->factor, s->exact, s->rows, s->half, s->times, s->origin };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sal_release(s->a->ctx, all[i]);
    sal_release(s->a->ctx, s);
}

/* What one call works in. */
typedef struct work {
    real *pixels;   /* (p, WIDE) */
    real *products; /* (ROWS, WIDE) */
    real *best, *second, *winner; /* (WIDE) */
    real *low, *high, *count, *told; /* (WIDE) products that leave a sample in doubt lie between; samples nearer; samples of the last ROWS beyond doubt */
    double *square; /* (WIDE) |a|^2 */
    double *exact;  /* (p) one pixel */
    double *fit;    /* (covariates of the fit) one pixel, scaled as there */
} work;

static int64_t lay_out(const sal_nearness *s, void *scratch, work *w)
{
    int64_t reals[] = { s->p * WIDE, ROWS * WIDE, WIDE, WIDE, WIDE, WIDE, WIDE, WIDE, WIDE }, at = 0;
    real **to[] = { &w->pixels, &w->products, &w->best, &w->second, &w->winner, &w->low, &w->high, &w->count, &w->told };
    for (int i = 0; i < 9; i++) {
        if (scratch) *to[i] = (real *)scratch + at;
        at += reals[i];
    }
    int64_t bytes = at * (int64_t)sizeof(real);
    if (scratch) w->square = (double *)((char *)scratch + bytes), w->exact = w->square + WIDE, w->fit = w->exact + s->p;
    return bytes + (WIDE + s->p + s->a->p) * (int64_t)sizeof(double);
}

int64_t sal_nearness_scratch(const sal_nearness *s) { return lay_out(s, NULL, &(work){ 0 }); }

int64_t sal_nearness_bytes(const sal_nearness *s)
{
    return room(s->a->n) * (s->p * (int64_t)sizeof(double) + (s->p + 2) * (int64_t)sizeof(real) + (int64_t)sizeof(int64_t)) + 3 * s->a->p * (int64_t)sizeof(double);
}

static const float *find(const sal_nearness_parts *parts, int64_t column, int64_t *step)
{
    int64_t i = 0;
    while (column >= parts->count[i]) column -= parts->count[i++];
    *step = parts->count[i];
    return parts->values[i] + column;
}

static double scaled(const sal_nearness *s, int64_t j, float v) { return isfinite(v) ? ((double)v - s->shift[j]) * s->factor[j] : 0; }

/* Pixels as columns, in float. */
static void put_pixels(const sal_nearness *s, const sal_nearness_parts *parts, int64_t n, work *w)
{
    memset(w->square, 0, WIDE * sizeof *w->square);
    for (int64_t j = 0; j < s->p; j++) {
        int64_t step;
        const float *from = find(parts, s->column[j], &step);
        real *to = w->pixels + j * WIDE;
        for (int64_t i = 0; i < n; i++) {
            double z = scaled(s, j, from[i * step]);
            to[i] = (real)z;
            w->square[i] += z * z;
        }
        for (int64_t i = n; i < WIDE; i++) to[i] = 0;
    }
    for (int64_t i = 0; i < WIDE; i++) {
        w->best[i] = w->second[i] = -INFINITY;
        w->winner[i] = 0;
    }
}

/* Keeps the largest and the second largest product of every pixel, and whose the largest is. */
SAL_CLONES static void keep_best(const real *products, int64_t first, real *best, real *second, real *winner)
{
    for (int64_t i = 0; i < WIDE; i += SAL_LANES) {
        sal_vec b = SAL_LOAD(best + i), s = SAL_LOAD(second + i), w = SAL_LOAD(winner + i);
        for (int64_t r = 0; r < ROWS; r++) {
            sal_vec v = SAL_LOAD(products + r * WIDE + i), number = (sal_vec){ 0 } + (real)(first + r);
            sal_mask wins = v > b;
            sal_vec lesser = (sal_vec)((wins & (sal_mask)b) | (~wins & (sal_mask)v));
            sal_mask above = lesser > s;
            s = (sal_vec)((above & (sal_mask)lesser) | (~above & (sal_mask)s));
            b = (sal_vec)((wins & (sal_mask)v) | (~wins & (sal_mask)b));
            w = (sal_vec)((wins & (sal_mask)number) | (~wins & (sal_mask)w));
        }
        SAL_STORE(best + i, b);
        SAL_STORE(second + i, s);
        SAL_STORE(winner + i, w);
    }
}

SAL_CLONES static double square_between(const double *a, const double *b, int64_t p)
{
    double sum = 0;
    for (int64_t j = 0; j < p; j++) sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
}

/* The winner in double; where the float product cannot tell it from the runner-up, all samples. */
static double refine(const sal_nearness *s, const work *w, int64_t i)
{
    double error = (double)(s->p + 4) * 0.5 * SAL_REAL_EPSILON * (sqrt(w->square[i]) * s->longest + 0.5 * s->longest * s->longest);
    double gap = (double)w->best[i] - (double)w->second[i], least = INFINITY;
    if (gap > 2 * error) return sqrt(square_between(w->exact, s->exact + (int64_t)w->winner[i] * s->p, s->p)); /* false where anything overflowed */
    for (int64_t k = 0; k < s->n; k++) least = fmin(least, square_between(w->exact, s->exact + k * s->p, s->p));
    return sqrt(least);
}

/* ---- density ---- */

/* Where products say nothing: the error of the product in float, and that of the distance, of |a|^2 and of the limit itself in double. A pixel that
 * overflows is in doubt about every sample. */
static void put_limits(const sal_nearness *s, int64_t n, work *w)
{
    double t = s->a->threshold, unit = 0.5 * SAL_REAL_EPSILON, unit_f64 = 0.5 * DBL_EPSILON;
    for (int64_t i = 0; i < WIDE; i++) {
        double at = (w->square[i] - t * t) / 2, error = (double)(s->p + 4) * unit * (sqrt(w->square[i]) * s->longest + 0.5 * s->longest * s->longest) + 4 * unit * fabs(at) +
                                                       (double)(2 * s->p + 16) * unit_f64 * (w->square[i] + s->longest * s->longest + t * t);
        bool finite = error < 1e30; /* far within a float */
        w->low[i] = finite ? (real)(at - error) : -INFINITY;
        w->high[i] = finite ? (real)(at + error) : INFINITY;
        if (i >= n) w->low[i] = w->high[i] = INFINITY; /* not a pixel */
        w->count[i] = 0;
    }
}

/* Adds up samples that are nearer beyond doubt; told: those of these ROWS that are nearer or farther beyond doubt. Sums of numbers and not of masks,
 * which gcc 12 takes apart into elements. */
SAL_CLONES static void count_near(const real *products, const real *times, const work *w)
{
    for (int64_t i = 0; i < WIDE; i += SAL_LANES) {
        sal_vec low = SAL_LOAD(w->low + i), high = SAL_LOAD(w->high + i), near = { 0 }, far = { 0 };
        for (int64_t r = 0; r < ROWS; r++) {
            sal_vec v = SAL_LOAD(products + r * WIDE + i), samples = (sal_vec){ 0 } + times[r];
            near += SAL_WHERE(v > high, samples);
            far += SAL_WHERE(v < low, samples);
        }
        SAL_STORE(w->count + i, SAL_LOAD(w->count + i) + near);
        SAL_STORE(w->told + i, near + far);
    }
}

static void take_pixel(const sal_nearness *s, const sal_nearness_parts *parts, int64_t i, double *to)
{
    for (int64_t j = 0; j < s->a->p; j++) {
        int64_t step;
        const float *from = find(parts, j, &step);
        to[j] = sal_applicability_scaled(s->a, j, (double)from[i * step]);
    }
}

/* Samples first .. first + ROWS - 1 that float leaves in doubt. */
static void settle_doubts(const sal_nearness *s, const sal_nearness_parts *parts, int64_t n, int64_t first, work *w)
{
    int64_t rows = s->n - first < ROWS ? s->n - first : ROWS;
    real all = 0;
    for (int64_t r = 0; r < rows; r++) all += s->times[first + r];
    for (int64_t i = 0; i < n; i++) {
        if (w->told[i] == all) continue;
        take_pixel(s, parts, i, w->fit);
        for (int64_t r = 0; r < rows; r++) {
            real v = w->products[r * WIDE + i];
            if (v > w->high[i] || v < w->low[i]) continue;
            if (sal_applicability_distance(s->a, w->fit, s->origin[first + r]) < s->a->threshold) w->count[i] += s->times[first + r];
        }
    }
}

void sal_nearness_run(const sal_nearness *s, const sal_nearness_parts *parts, int64_t n, void *scratch, float *di, float *lpd)
{
    work w = { 0 };
    lay_out(s, scratch, &w);
    put_pixels(s, parts, n, &w);
    if (lpd) put_limits(s, n, &w);
    for (int64_t first = 0; first < s->n; first += ROWS) {
        sal_lanes_dense(WIDE, s->p, ROWS, w.pixels, s->rows + first * s->p, s->half + first, NULL, w.products);
        keep_best(w.products, first, w.best, w.second, w.winner);
        if (!lpd) continue;
        count_near(w.products, s->times + first, &w);
        settle_doubts(s, parts, n, first, &w);
    }
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < s->p; j++) {
            int64_t step;
            const float *from = find(parts, s->column[j], &step);
            w.exact[j] = scaled(s, j, from[i * step]);
        }
        di[i] = (float)refine(s, &w, i);
        if (lpd) lpd[i] = (float)w.count[i];
    }
}
