/* scene_wavelengths.c - which bands of a raster play which role by their wavelength.
 *
 * The indices were made for the bands of Sentinel-2. Of a raster with few bands the nearest to each is taken; of a spectrometer the mean of
 * those within the width at half maximum, weighted by their spacing: a box. Against the measured responses of Sentinel-2A on the EnMAP piece
 * of Potsdam its error is 0.0002 to 0.0004 of reflectance (RE2: 0.0026), that of a Gaussian 0.0003 to 0.004, that of the nearest band 0.0005 to 0.010.
 */
#include "features/scene_numbers.h"

#include <math.h>

enum { SPECTROMETER = 40 }; /* bands; scanners have fewer */

/* Windows of a lone band in nm; middle and width of Sentinel-2A at half maximum (spectral responses of ESA, S2-SRF 3.0). A band plays one
 * role; NIR goes before its narrow neighbours. */
static const struct {
    const char *role;
    double from, to, centre, width;
} windows[] = { { "B", 450, 520, 492, 64 },       { "G", 530, 590, 560, 34 },         { "R", 630, 690, 664.5, 29 },
                { "NIR", 780, 900, 833, 104 },    { "NIR2", 850, 880, 864.5, 19 },    { "RE1", 695, 715, 704.5, 13 },
                { "RE2", 730, 750, 740.5, 13 },   { "RE3", 770, 795, 783, 18 },       { "SWIR1", 1550, 1750, 1613.5, 89 },
                { "SWIR2", 2080, 2350, 2200, 173 } };

enum { ROLES = sizeof windows / sizeof *windows };

/* Half the way to the next shorter and the next longer band. */
static double spacing(const double *nm, int64_t bands, int64_t band)
{
    double shorter = -INFINITY, longer = INFINITY;
    for (int64_t b = 0; b < bands; b++) {
        if (nm[b] < nm[band]) shorter = fmax(shorter, nm[b]);
        if (nm[b] > nm[band]) longer = fmin(longer, nm[b]);
    }
    const double below = nm[band] - shorter, above = longer - nm[band];
    return isinf(below) ? isinf(above) ? 1 : above : isinf(above) ? below : (below + above) / 2;
}

/* The bands within the response of role k. */
static sal_status blend(sal_build *build, const double *nm, int64_t bands, size_t k, sal__blend *out)
{
    sal_status status;
    double sum = 0;
    SAL_TRY(sal_arena_allocate(build->arena, bands, sizeof *out->members, &out->members));
    SAL_TRY(sal_arena_allocate(build->arena, bands, sizeof *out->weights, &out->weights));
    for (int64_t b = 0; b < bands && out->count < SAL_SOURCE_MEMBERS; b++) {
        if (!(fabs(nm[b] - windows[k].centre) <= windows[k].width / 2)) continue;
        out->members[out->count] = b;
        out->weights[out->count++] = spacing(nm, bands, b);
    }
    for (int64_t i = 0; i < out->count; i++) sum += out->weights[i];
    for (int64_t i = 0; i < out->count; i++) out->weights[i] /= sum;
    if (out->count < 2) out->count = 0;
done:
    return status;
}

static int64_t nearest(const double *nm, const char *const *roles, int64_t bands, size_t k)
{
    int64_t best = -1;
    for (int64_t b = 0; b < bands; b++) {
        if (roles[b] || !(nm[b] >= windows[k].from && nm[b] <= windows[k].to)) continue;
        if (best < 0 || fabs(nm[b] - windows[k].centre) < fabs(nm[best] - windows[k].centre)) best = b;
    }
    return best;
}

static void say(const sal_build *build, const sal_raster *raster, const double *nm, int64_t band, const char *role, const sal__blend *blend)
{
    if (blend->count > 0)
        sal_log(build->ctx, "%s is the mean of %lld bands of \"%s\", from %.1f to %.1f nm", role, (long long)blend->count, sal_raster_path(raster),
                nm[blend->members[0]], nm[blend->members[blend->count - 1]]);
    else
        sal_log(build->ctx, "%s is band %lld of \"%s\", centred at %.1f nm", role, (long long)band + 1, sal_raster_path(raster), nm[band]);
}

sal_status sal__roles_by_wavelength(sal_build *build, const sal_raster *raster, const char ***names, sal__blend **blends)
{
    const int64_t bands = sal_raster_band_count(raster);
    const char **roles = NULL;
    double *nm = NULL;
    int64_t known = 0;
    sal_status status;
    bool any = false;
    *names = NULL;
    SAL_TRY(sal_arena_allocate(build->arena, bands, sizeof *roles, &roles));
    SAL_TRY(sal_arena_allocate(build->arena, bands, sizeof **blends, blends));
    SAL_TRY(sal_allocate(build->ctx, bands, sizeof *nm, &nm));
    for (int64_t b = 0; b < bands; b++) known += !isnan(nm[b] = sal_raster_band_wavelength_nm(raster, b));
    for (size_t k = 0; k < ROLES; k++) {
        const int64_t best = nearest(nm, roles, bands, k);
        if (best < 0) continue;
        if (known >= SPECTROMETER && !build->nearest_band) SAL_TRY(blend(build, nm, bands, k, &(*blends)[best]));
        roles[best] = windows[k].role;
        any = true;
        say(build, raster, nm, best, windows[k].role, &(*blends)[best]);
    }
    if (any) *names = roles;
done:
    sal_release(build->ctx, nm);
    return status;
}
