/* phenology.c - the table of phenology covariates, the plan of nodes, and pixels through the smoother to their season.
 *
 * Eight pixels run side by side through the smoother; the season is then sought lane by lane. Groups of eight are cut by pixel
 * number alone and lanes never see each other, so results do not depend on blocks or threads.
 */
#include "features/phenology_private.h"

#include <math.h>
#include <string.h>

enum { L = SAL__LANES, GROUPS = 32 }; /* groups a task: 256 pixels */

static const sal_phenology table[] = {
#define SAL_PHENOLOGY(id, unit, low, high, member, help) { #id, unit, help, low, high },
#include "features/phenology.def"
#undef SAL_PHENOLOGY
};

static double season_value(const sal_season *s, int64_t row)
{
    const double values[] = {
#define SAL_PHENOLOGY(id, unit, low, high, member, help) s->member,
#include "features/phenology.def"
#undef SAL_PHENOLOGY
    };
    return values[row];
}

int64_t sal_phenology_count(void) { return (int64_t)(sizeof table / sizeof *table); }

const sal_phenology *sal_phenology_at(int64_t i) { return i >= 0 && i < sal_phenology_count() ? &table[i] : NULL; }

int64_t sal_phenology_find(const char *id)
{
    for (int64_t i = 0; i < sal_phenology_count(); i++)
        if (strcmp(table[i].id, id) == 0) return i;
    return -1;
}

sal_phenology_options sal_phenology_defaults(void)
{
    return (sal_phenology_options){ .smoother = SAL_SMOOTHER_WHITTAKER,
                                    .season = SAL_SEASON_MAIN,
                                    .step = 5,
                                    .envelope = 0.7,
                                    .floor = 0.1,
                                    .sos = 0.2,
                                    .sdps = 0.9,
                                    .gus = { 0.2, 0.8 },
                                    .eos = 0.2,
                                    .max_gap = 45,
                                    .min_amplitude = 0.1,
                                    .contrast = 0.15,
                                    .min_observations = 6 };
}

/* ---- the plan ---- */

static int64_t nodes_of(double step, int64_t first, int64_t last)
{
    return (int64_t)ceil((double)(last - first) / step - 1e-9) + 1;
}

static int64_t lane_doubles(int64_t dates, int64_t nodes)
{
    return L * (3 * dates + 9 * (nodes + 1)) + (nodes + dates + 8);
}

int64_t sal_phenology_bytes(const sal_phenology_options *options, int64_t first, int64_t last, int64_t n,
                            int32_t workers)
{
    return (int64_t)sizeof(double) * workers * lane_doubles(n, nodes_of(options->step, first, last));
}

static void place_lanes(const sal_phenology_plan *p, sal__lanes *b, double *at)
{
    double **const by_date[] = { &b->y, &b->seen, &b->w };
    double **const by_node[] = { &b->diagonal, &b->beside, &b->side, &b->d, &b->c, &b->e, &b->z, &b->keep, &b->trial };
    for (int i = 0; i < 3; i++, at += L * p->dates) *by_date[i] = at;
    for (int i = 0; i < 9; i++, at += L * (p->nodes + 1)) *by_node[i] = at;
    b->curve = at;
    b->fit = at + p->nodes;
}

static sal_status check(sal_context *ctx, const sal_phenology_options *o, const int64_t *dates, int64_t n)
{
    if (o->gus[0] >= o->gus[1])
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "gus_low %.3g is not below gus_high %.3g; green-up is measured between the two", o->gus[0],
                        o->gus[1]);
    if (n < o->min_observations)
        return sal_fail(
            ctx, SAL_STATUS_DATA,
            "the series has %lld dates around the year, but a season needs at least %lld observations; add dates",
            (long long)n, (long long)o->min_observations);
    if (nodes_of(o->step, dates[0], dates[n - 1]) < 8)
        return sal_fail(
            ctx, SAL_STATUS_DATA,
            "the series spans %lld days, fewer than eight nodes of %.3g days; add dates or take a smaller series_step",
            (long long)(dates[n - 1] - dates[0]), o->step);
    return SAL_STATUS_OK;
}

sal_status sal_phenology_plan_new(sal_context *ctx, const sal_phenology_options *options, const int64_t *dates,
                                  int64_t n, sal_phenology_plan **out)
{
    sal_status status;
    sal_phenology_plan *p = NULL;
    *out = NULL;
    SAL_TRY(check(ctx, options, dates, n));
    SAL_TRY(sal_allocate(ctx, 1, sizeof *p, &p));
    *p = (sal_phenology_plan){ .ctx = ctx, .o = *options, .dates = n, .workers = sal_context_threads(ctx) };
    p->nodes = nodes_of(options->step, dates[0], dates[n - 1]);
    SAL_TRY(sal_allocate(ctx, n, sizeof *p->days, &p->days));
    SAL_TRY(sal_allocate(ctx, n, sizeof *p->node, &p->node));
    SAL_TRY(sal_allocate(ctx, n, sizeof *p->part, &p->part));
    for (int64_t k = 0; k < n; k++) {
        const double at = (double)(dates[k] - dates[0]) / options->step;
        p->days[k] = dates[k];
        p->node[k] = (int64_t)floor(at + 1e-9);
        p->part[k] = fmax(0, at - (double)p->node[k]);
    }
    if (options->smoother == SAL_SMOOTHER_SAVITZKY_GOLAY) SAL_TRY(sal__savitzky_golay_new(p));
    SAL_TRY(sal_allocate(ctx, p->workers, sizeof *p->lanes, &p->lanes));
    SAL_TRY(sal_allocate(ctx, p->workers * lane_doubles(n, p->nodes), sizeof *p->memory, &p->memory));
    for (int64_t i = 0; i < p->workers; i++) place_lanes(p, &p->lanes[i], p->memory + i * lane_doubles(n, p->nodes));
    *out = p;
    p = NULL;
done:
    sal_phenology_plan_free(p);
    return status;
}

void sal_phenology_plan_free(sal_phenology_plan *p)
{
    if (!p) return;
    sal_release(p->ctx, p->days);
    sal_release(p->ctx, p->node);
    sal_release(p->ctx, p->part);
    sal_release(p->ctx, p->trend);
    sal_release(p->ctx, p->detail);
    sal_release(p->ctx, p->lanes);
    sal_release(p->ctx, p->memory);
    sal_release(p->ctx, p);
}

/* ---- pixels ---- */

/* Takes n <= 8 pixels from values (dates, stride). */
static void take(const sal_phenology_plan *p, sal__lanes *b, const float *values, int64_t stride, int64_t n)
{
    for (int l = 0; l < L; l++) b->count[l] = b->lo[l] = b->hi[l] = 0;
    for (int64_t k = 0; k < p->dates; k++)
        for (int l = 0; l < L; l++) {
            const float value = l < n ? values[k * stride + l] : NAN;
            const bool seen = !isnan(value);
            b->y[k * L + l] = seen ? value : 0;
            b->seen[k * L + l] = seen;
            if (!seen) continue;
            if (b->count[l]++ == 0) b->lo[l] = p->node[k];
            b->hi[l] = p->node[k] + (p->part[k] > 0);
        }
}

/* Raises the lowest values of a lane to its low quantile: undetected clouds and shadows lie below any ground, and one of them at the end
 * of a gap, where nothing speaks against it, would be taken for the base. */
static void raise_lowest(const sal_phenology_plan *p, sal__lanes *b, int lane)
{
    double *sorted = b->fit;
    int64_t n = 0, keep = (int64_t)(p->o.floor * (double)b->count[lane]) + 1;
    for (int64_t k = 0; k < p->dates; k++) {
        const double value = b->y[k * L + lane];
        if (b->seen[k * L + lane] == 0 || (n == keep && value >= sorted[n - 1])) continue;
        int64_t at = n < keep ? n++ : n - 1;
        for (; at > 0 && sorted[at - 1] > value; at--) sorted[at] = sorted[at - 1];
        sorted[at] = value;
    }
    for (int64_t k = 0; k < p->dates && n > 0; k++)
        if (b->seen[k * L + lane] > 0) b->y[k * L + lane] = fmax(b->y[k * L + lane], sorted[n - 1]);
}

/* Observations between two nodes and how far from them the curve runs. */
static void count(const sal_phenology_plan *p, const sal__lanes *b, int lane, const double *curve, int64_t from,
                  int64_t to, sal_season *out)
{
    double n = 0, squares = 0;
    for (int64_t k = 0; k < p->dates; k++) {
        const int64_t node = p->node[k];
        if (b->seen[k * L + lane] == 0 || node < from || node + (p->part[k] > 0) > to) continue;
        const double f = p->part[k], fitted = f > 0 ? curve[node] + f * (curve[node + 1] - curve[node]) : curve[node];
        n++;
        squares += (b->y[k * L + lane] - fitted) * (b->y[k * L + lane] - fitted);
    }
    out->observations = n;
    out->rmse = n > 0 ? sqrt(squares / n) : NAN;
}

/* Longest time without observation that overlaps the time from the beginning of the year (of the season, where it began before; of the
 * series, where that begins later) to SDPS: there another season may have been, or the rise itself. */
static double longest_gap(const sal_phenology_plan *p, const sal__lanes *b, int lane, int64_t left, double sdps)
{
    const double season = sal__node_day(p, (double)left), series = sal__node_day(p, 0);
    const double begin = fmax(fmin(1, season), series), end = fmax(sdps, begin);
    double last = begin, longest = 0;
    for (int64_t k = 0; k < p->dates; k++) {
        const double day = (double)(p->days[k] - p->o.year_begin + 1);
        if (b->seen[k * L + lane] == 0) continue;
        if (day > begin && last < end) longest = fmax(longest, day - last);
        last = fmax(day, begin);
    }
    return longest;
}

/* A fitted form has no noise of its own: its levels are its extremes. */
static sal__season_levels levels_of(const sal_phenology_plan *p, const sal__lanes *b, int lane, const sal__season_place *place)
{
    sal__season_levels levels = { .error = { 0 } };
    sal_season about;
    sal__season_stage(b->curve, place, b->lo[lane], levels.from, levels.to);
    for (int i = 0; i < 2 && p->o.smoother != SAL_SMOOTHER_DOUBLE_LOGISTIC; i++) {
        count(p, b, lane, b->curve, levels.from[i], levels.to[i], &about);
        levels.error[i] = about.observations > 0 ? about.rmse : 0;
    }
    return levels;
}

/* The season of one lane; its curve is then in b->curve. */
static void measure(const sal_phenology_plan *p, sal__lanes *b, int lane, sal_season *out)
{
    const int64_t lo = b->lo[lane], hi = b->hi[lane];
    *out = (sal_season){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, (double)b->count[lane], NAN, NAN, SAL_SEASON_FEW };
    if (b->count[lane] < p->o.min_observations || hi - lo < 4) return;
    for (int64_t t = lo; t <= hi; t++) b->curve[t] = b->z[t * L + lane];
    sal__season_place place = sal__season_locate(p, b->curve, lo, hi);
    out->quality = place.quality;
    if (place.quality != SAL_SEASON_FOUND) {
        count(p, b, lane, b->curve, lo, hi, out);
        return;
    }
    if (p->o.smoother == SAL_SMOOTHER_DOUBLE_LOGISTIC) out->quality = sal__double_logistic(p, b, lane, &place);
    count(p, b, lane, b->curve, place.left, place.right, out);
    if (out->quality != SAL_SEASON_FOUND) return;
    const sal__season_levels levels = levels_of(p, b, lane, &place);
    sal__season_measure(p, b->curve, &place, &levels, out);
    out->gap = longest_gap(p, b, lane, place.left, out->sdps);
    if (out->gap > p->o.max_gap) out->quality = SAL_SEASON_GAP;
}

static void smooth(const sal_phenology_plan *p, sal__lanes *b)
{
    if (p->o.smoother == SAL_SMOOTHER_SAVITZKY_GOLAY)
        sal__savitzky_golay(p, b);
    else
        sal__whittaker(p, b);
}

typedef struct job {
    const sal_phenology_plan *plan;
    const float *values;
    const int64_t *which;
    int64_t stride, pixels, n;
    float *out, *quality;
} job;

static void pixels_task(void *arg, int64_t chunk, int32_t worker)
{
    const job *j = arg;
    sal__lanes *b = &j->plan->lanes[worker];
    sal_season season;
    const int64_t first = chunk * GROUPS * L, last = first + GROUPS * L < j->pixels ? first + GROUPS * L : j->pixels;
    for (int64_t i = first; i < last; i += L) {
        const int64_t n = last - i < L ? last - i : L;
        take(j->plan, b, j->values + i, j->stride, n);
        for (int l = 0; l < n; l++) raise_lowest(j->plan, b, l);
        smooth(j->plan, b);
        for (int l = 0; l < n; l++) {
            measure(j->plan, b, l, &season);
            for (int64_t k = 0; k < j->n; k++) j->out[(i + l) * j->n + k] = (float)season_value(&season, j->which[k]);
            if (j->quality) j->quality[i + l] = (float)season.quality;
        }
    }
}

void sal_phenology_compute(sal_context *ctx, const sal_phenology_plan *plan, const float *values, int64_t stride,
                           int64_t pixels, const int64_t *which, int64_t n, float *out, float *quality)
{
    job j = { plan, values, which, stride, pixels, n, out, quality };
    sal_pool_run(ctx, (pixels + GROUPS * L - 1) / (GROUPS * L), pixels_task, &j);
}

int64_t sal_phenology_nodes(const sal_phenology_plan *plan) { return plan->nodes; }

void sal_phenology_curve(const sal_phenology_plan *p, const float *values, double *days, double *curve,
                         sal_season *season)
{
    sal__lanes *b = p->lanes;
    take(p, b, values, 1, 1);
    raise_lowest(p, b, 0);
    smooth(p, b);
    measure(p, b, 0, season);
    for (int64_t t = 0; t < p->nodes; t++) {
        const bool known = t >= b->lo[0] && t <= b->hi[0] && season->quality != SAL_SEASON_FEW;
        if (days) days[t] = (double)p->days[0] + (double)t * p->o.step;
        if (curve) curve[t] = known ? b->curve[t] : NAN;
    }
}
