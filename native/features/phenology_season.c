/* phenology_season.c - seasons of a smoothed curve and their days.
 *
 * A peak counts when the curve rises to it and falls from it by `contrast` (half the range where the curve has less), and is the
 * highest within 60 days. The left base is the least value since the peak before, the last such node; thresholds are shares of
 * peak - base, crossed by straight lines between nodes. SOS is the first crossing after the base, not the last before the peak:
 * where a curve wavers between the two they differ.
 */
#include "features/phenology_private.h"

#include <math.h>

enum { PEAKS = 64 };
static const double apart = 60;        /* days between peaks */
static const double stage_share = 0.9; /* of the amplitude: the peak stage is above it, the base stage within the rest */
static const double main_share = 0.75; /* of the range; of two seasons about as high, noise must not choose */

/* Peaks by hysteresis; a rise that the series ends in counts, so that the caller sees its edge. */
static int64_t find_peaks(const double *z, int64_t lo, int64_t hi, double delta, int64_t peaks[PEAKS])
{
    int64_t n = 0, top = lo, low = lo;
    bool rising = true;
    for (int64_t i = lo; i <= hi && n < PEAKS; i++) {
        if (z[i] > z[top]) top = i;
        if (z[i] < z[low]) low = i;
        if (rising && z[i] < z[top] - delta) {
            peaks[n++] = top;
            rising = false;
            low = i;
        } else if (!rising && z[i] > z[low] + delta) {
            rising = true;
            top = i;
        }
    }
    if (rising && n < PEAKS) peaks[n++] = top;
    return n;
}

/* Of two peaks nearer than `apart` the lower goes. */
static int64_t thin_peaks(const sal_phenology_plan *p, const double *z, int64_t peaks[PEAKS], int64_t n)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++) {
        if (kept > 0 && (double)(peaks[i] - peaks[kept - 1]) * p->o.step < apart) {
            if (z[peaks[i]] > z[peaks[kept - 1]]) peaks[kept - 1] = peaks[i];
        } else {
            peaks[kept++] = peaks[i];
        }
    }
    return kept;
}

static int64_t lowest(const double *z, int64_t from, int64_t to)
{
    int64_t low = from;
    for (int64_t i = from; i <= to; i++)
        if (z[i] <= z[low]) low = i;
    return low;
}

static int64_t lowest_first(const double *z, int64_t from, int64_t to)
{
    int64_t low = from;
    for (int64_t i = from; i <= to; i++)
        if (z[i] < z[low]) low = i;
    return low;
}

/* Seasons with their peak inside the series and the year, in time; *edge: whether a rise ends at the edge of the series. */
static int64_t list_seasons(const sal_phenology_plan *p, const double *z, int64_t lo, int64_t hi, double low,
                            double high, sal__season_place found[PEAKS], bool *edge)
{
    int64_t peaks[PEAKS], seasons = 0;
    const int64_t n = thin_peaks(p, z, peaks, find_peaks(z, lo, hi, fmin(p->o.contrast, (high - low) / 2), peaks));
    for (int64_t i = 0; i < n; i++) {
        const double day = sal__node_day(p, (double)peaks[i]);
        if (day < 0.5 || day > (double)p->o.year_days + 0.5) continue;
        if (peaks[i] == lo || peaks[i] == hi) {
            *edge = *edge || z[peaks[i]] - low >= p->o.min_amplitude;
            continue;
        }
        const int64_t left = lowest(z, i > 0 ? peaks[i - 1] : lo, peaks[i]),
                      right = lowest_first(z, peaks[i], i + 1 < n ? peaks[i + 1] : hi);
        if (z[peaks[i]] - z[left] >= p->o.min_amplitude)
            found[seasons++] = (sal__season_place){ left, peaks[i], right, SAL_SEASON_FOUND };
    }
    return seasons;
}

sal__season_place sal__season_locate(const sal_phenology_plan *p, const double *z, int64_t lo, int64_t hi)
{
    sal__season_place found[PEAKS], none = { .quality = SAL_SEASON_FLAT };
    double low = z[lo], high = z[lo];
    bool edge = false;
    for (int64_t i = lo; i <= hi; i++) low = fmin(low, z[i]), high = fmax(high, z[i]);
    const int64_t n = list_seasons(p, z, lo, hi, low, high, found, &edge);
    if (n == 0) {
        none.quality = edge ? SAL_SEASON_EDGE : SAL_SEASON_FLAT;
        return none;
    }
    none.quality = SAL_SEASON_ABSENT;
    if (p->o.season == SAL_SEASON_FIRST) return found[0];
    if (p->o.season == SAL_SEASON_SECOND) return n > 1 ? found[1] : none;
    high = low;
    for (int64_t i = 0; i < n; i++) high = fmax(high, z[found[i].peak]);
    for (int64_t i = 0; i < n - 1; i++)
        if (z[found[i].peak] >= low + main_share * (high - low)) return found[i];
    return found[n - 1];
}

/* Node, with fraction, where the curve first comes to `level` between two nodes. */
static double rising(const double *z, int64_t from, int64_t to, double level)
{
    for (int64_t i = from; i < to; i++)
        if (z[i + 1] >= level && z[i] < level) return (double)i + (level - z[i]) / (z[i + 1] - z[i]);
    return (double)from;
}

/* The last node below `level` before the peak: where the rise that leads to it begins. */
static int64_t rise_begin(const double *z, int64_t base, int64_t peak, double level)
{
    int64_t i = peak;
    while (i > base && z[i] >= level) i--;
    return i;
}

/* The same going down from the peak. */
static double falling(const double *z, int64_t from, int64_t to, double level)
{
    for (int64_t i = from; i < to; i++)
        if (z[i + 1] <= level && z[i] > level) return (double)i + (z[i] - level) / (z[i] - z[i + 1]);
    return (double)to;
}

/* Vertex of the parabola through the peak and its neighbours, within half a node. */
static double summit(const double *z, int64_t peak)
{
    const double bend = z[peak - 1] - 2 * z[peak] + z[peak + 1];
    return (double)peak + (bend < 0 ? fmax(-0.5, fmin(0.5, (z[peak - 1] - z[peak + 1]) / (2 * bend))) : 0);
}

void sal__season_stage(const double *z, const sal__season_place *s, int64_t first, int64_t from[2], int64_t to[2])
{
    const double top = z[s->peak], base = z[s->left], rise = top - base, fall = top - z[s->right];
    from[0] = to[0] = s->left;
    from[1] = to[1] = s->peak;
    while (from[0] > first && z[from[0] - 1] <= base + (1 - stage_share) * rise) from[0]--;
    while (to[0] < s->peak && z[to[0] + 1] <= base + (1 - stage_share) * rise) to[0]++;
    while (from[1] > s->left && z[from[1] - 1] >= top - (1 - stage_share) * rise) from[1]--;
    while (to[1] < s->right && z[to[1] + 1] >= top - (1 - stage_share) * fall) to[1]++;
}

static double mean(const double *z, int64_t from, int64_t to)
{
    double sum = 0;
    for (int64_t i = from; i <= to; i++) sum += z[i];
    return sum / (double)(to - from + 1);
}

void sal__season_measure(const sal_phenology_plan *p, const double *z, const sal__season_place *s, const sal__season_levels *levels,
                         sal_season *out)
{
    const sal_phenology_options *o = &p->o;
    const double top = z[s->peak] - fmin(z[s->peak] - mean(z, levels->from[1], levels->to[1]), levels->error[1]);
    const double base = z[s->left] + fmin(mean(z, levels->from[0], levels->to[0]) - z[s->left], levels->error[0]);
    const double rise = top - base, fall = top - z[s->right];
    const int64_t begin = rise_begin(z, s->left, s->peak, base + fmin(o->sos, o->gus[0]) * rise);
    const double low = rising(z, begin, s->peak, base + o->gus[0] * rise),
                 high = rising(z, begin, s->peak, base + o->gus[1] * rise);
    out->sos = sal__node_day(p, rising(z, begin, s->peak, base + o->sos * rise));
    out->sdps = sal__node_day(p, rising(z, begin, s->peak, base + o->sdps * rise));
    out->gus = (o->gus[1] - o->gus[0]) * rise / ((high - low) * o->step);
    out->peak = z[s->peak];
    out->peak_day = sal__node_day(p, summit(z, s->peak));
    out->amplitude = z[s->peak] - z[s->left];
    if (fall < o->min_amplitude) return; /* the series ends before the season does */
    out->eos = sal__node_day(p, falling(z, s->peak, s->right, z[s->right] + o->eos * fall));
    out->length = out->eos - out->sos;
}
