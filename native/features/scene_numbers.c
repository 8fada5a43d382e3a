/* scene_numbers.c - how to read a raster that comes without its product.
 *
 * Where the numbers are certain from the name (Landsat Collection 2 Level 2, HLS, a file inside a SAFE folder, whose
 * name holds the baseline) they are used; where they are not, nothing is guessed and the check of reflectance asks the
 * user.
 */
#include "features/scene_numbers.h"
#include "features/product.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Baseline x 100 in a path such as .../S2A_MSIL2A_..._N0509_R051_....SAFE/...; -1 when it holds none. */
static int baseline_in(const char *path)
{
    for (const char *at = path; (at = strstr(at, "_N")); at++) {
        int n = 0;
        while (isdigit((unsigned char)at[2 + n])) n++;
        if (n == 4 && at[6] == '_') return atoi(at + 2);
    }
    return -1;
}

static bool is_collection_2(const char *name)
{
    return name[0] == 'L' && (strstr(name, "_L2SP_") || strstr(name, "_L2SR_")) && strstr(name, "_02_");
}

static sal_status known_numbers(sal_build *build, const char *path, sal_source *s)
{
    const char *name = sal__plain_name(path);
    const int baseline = baseline_in(path);
    if (strncmp(name, "HLS.", 4) == 0) {
        s->scale = 1e-4;
    } else if (is_collection_2(name)) {
        s->scale = 2.75e-5;
        s->offset = -0.2;
    } else if (name[0] == 'L' && (strstr(name, "_L1TP_") || strstr(name, "_L1GT_") || strstr(name, "_L1GS_"))) {
        if (isnan(build->scale))
            return sal_fail(
                build->ctx, SAL_STATUS_DATA,
                "\"%s\" is a band of a Landsat Level 1 product, whose numbers mean nothing without their MTL "
                "file; give the MTL file as product, or better the Level 2 product",
                path);
    } else if (baseline >= 0 && strcmp(build->sensor, "Sentinel-2") == 0) {
        s->scale = 1e-4;
        s->offset = baseline >= 400 ? -0.1 : 0;
    }
    if (s->scale != 1) sal_log(build->ctx, "\"%s\": reflectance = DN x %g %+g by its name", name, s->scale, s->offset);
    return SAL_STATUS_OK;
}

sal_status sal__source_numbers(sal_build *build, const sal_raster *raster, sal_source *s)
{
    const sal_band_info info = sal_raster_band_info(raster, s->band);
    const bool counts = info.whole && info.scale == 1 && info.offset == 0; /* digital numbers */
    const bool zero = strcmp(build->sensor, "Sentinel-2") == 0 || strncmp(build->sensor, "Landsat", 7) == 0;
    sal_status status = SAL_STATUS_OK;
    if (counts) status = known_numbers(build, s->path, s);
    if (isfinite(build->scale)) s->scale = build->scale;
    if (isfinite(build->offset)) s->offset = build->offset;
    if (!info.has_nodata && info.whole) { /* fill of these agencies, and what no instrument measures */
        s->invalid[0] = zero ? 0 : -9999;
        s->invalid[1] = 65535;
        s->invalid_count = 2;
    } else if (!info.has_nodata) {
        s->invalid[0] = -9999;
        s->invalid_count = 1;
    }
    return status;
}
