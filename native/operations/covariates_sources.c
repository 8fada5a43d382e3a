/* covariates_sources.c - what goes into a stack, from the parameters of Build covariate stack: texts, masks, scenes, elevation, ready-made rasters.
 */
#include "operations/covariates_parts.h"

#include "features/indices.h"
#include "features/masks.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

sal_status sal__take_texts(sal_context *ctx, sal_build *build, const sal_arguments *arguments)
{
    const char *sensor = sal_argument_text(arguments, "sensor"), *date = sal_argument_text(arguments, "date");
    const char *campaign = sal_argument_text(arguments, "campaign"), *output = sal_argument_text(arguments, "output"),
               *slash = output ? strrchr(output, '/') : NULL;
    if (sensor && sensor[0]) {
        const char *known = sal__sensor_find(sensor);
        if (!known)
            sal_warn(ctx,
                     "sensor \"%s\" is not one of Sentinel-2, Landsat 8/9, Landsat 4-7, HLS S30, HLS L30, EnMAP; bands are found by "
                     "roles and wavelengths only",
                     sensor);
        snprintf(build->sensor, sizeof build->sensor, "%.63s", known ? known : sensor);
        build->sensor_given = true;
    }
    if (date && date[0]) {
        if (!sal__date_valid(date))
            return sal_fail(ctx, SAL_STATUS_ARGUMENT, "date \"%s\" is no day; write YYYY-MM-DD, such as 2020-06-15",
                            date);
        snprintf(build->date, sizeof build->date, "%.10s", date);
    }
    if (campaign && campaign[0]) {
        snprintf(build->campaign, sizeof build->campaign, "%.255s", campaign);
    } else if (output) {
        snprintf(build->campaign, sizeof build->campaign, "%.255s", slash ? slash + 1 : output);
        char *dot = strrchr(build->campaign, '.');
        if (dot && dot != build->campaign) *dot = 0;
    }
    build->scale = sal_argument_f64(arguments, "scale");
    build->offset = sal_argument_f64(arguments, "offset");
    build->nearest_band = strcmp(sal_argument_text(arguments, "narrow_bands"), "nearest") == 0;
    build->resampling = sal_argument_text(arguments, "resampling");
    build->max_memory = sal_argument_i64(arguments, "max_memory");
    return SAL_STATUS_OK;
}

sal_status sal__take_masks(sal_build *build, const sal_arguments *arguments)
{
    sal_status status;
    char word[64], *copy;
    const char **words = NULL;
    int64_t n = 0;
    SAL_TRY(sal_arena_allocate(build->arena, 64, sizeof *words, &words));
    for (int64_t entry = 0, at = 0; n < 64 && sal__next_word(arguments, "mask_classes", &entry, &at, word);) {
        SAL_TRY(sal_arena_text(build->arena, word, &copy));
        words[n++] = copy;
    }
    build->mask_classes = words;
    build->mask_class_count = n;
    build->mask_buffer = sal_argument_i64(arguments, "mask_buffer");
done:
    return status;
}

/* Length of the ID in "ID=path", 0 when the text is a path alone. */
static size_t id_length(const char *text)
{
    size_t n = 0;
    if (!isalpha((unsigned char)text[0])) return 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_') n++;
    return text[n] == '=' ? n : 0;
}

static sal_status add_extra(sal_context *ctx, sal_build *build, const char *text)
{
    sal_status status = SAL_STATUS_OK;
    sal_raster *raster = NULL;
    char id[128];
    const size_t n = id_length(text);
    const char *path = n ? text + n + 1 : text;
    snprintf(id, sizeof id, "%.*s", (int)(n < sizeof id ? n : sizeof id - 1), text);
    SAL_TRY(sal_raster_open(ctx, path, &raster));
    if (n && sal_raster_band_count(raster) > 1)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_ARGUMENT,
                         "extra \"%s\": the file has %lld bands; give the path alone, with an id in every band "
                         "description, or one band as "
                         "%s=vrt://%s?bands=1",
                         text, (long long)sal_raster_band_count(raster), id, path));
    for (int64_t b = 0; b < sal_raster_band_count(raster); b++) {
        const char *name = n ? id : sal_raster_band_name(raster, b);
        if (!name[0])
            SAL_TRY(sal_fail(ctx, SAL_STATUS_ARGUMENT,
                             "extra \"%s\": band %lld has no description to take as id; write ID=%s", path,
                             (long long)b + 1, path));
        SAL_TRY(sal__build_add(build, SAL_SOURCE_READY, path, b, name, sal_raster_band_unit(raster, b)));
        build->sources[build->source_count - 1].classes = sal_raster_band_is_classes(raster, b);
    }
done:
    sal_raster_free(raster);
    return status;
}

/* Metres in one unit of the heights. */
static sal_status height_metres(sal_context *ctx, const sal_raster *raster, const char *unit, double *metres)
{
    *metres = strcmp(unit, "metre") == 0 ? 1 : strcmp(unit, "foot") == 0 ? 0.3048 : 1200.0 / 3937;
    if (strcmp(unit, "auto") != 0) return SAL_STATUS_OK;
    *metres = raster ? sal_raster_height_metres(raster, 0) : 1;
    if (isnan(*metres))
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "elevation model \"%s\" has heights in \"%s\", which is no unit that is known; set dem_unit to "
                        "metre, foot or us_foot, or convert the heights",
                        sal_raster_path(raster), sal_raster_band_unit(raster, 0));
    if (*metres != 1) sal_log(ctx, "heights of \"%s\" are taken times %.7g to be metres", sal_raster_path(raster), *metres);
    return SAL_STATUS_OK;
}

static sal_status add_elevation(sal_context *ctx, sal_build *build, const char *path, const char *unit)
{
    sal_raster *raster = NULL;
    double metres = 1;
    sal_status status = sal_raster_open(ctx, path, &raster);
    if (status == SAL_STATUS_DATA)
        sal_error_clear(ctx); /* the warper may take it, or says why not */
    else if (status != SAL_STATUS_OK)
        return status;
    if (raster && sal_raster_band_count(raster) > 1)
        sal_warn(ctx, "\"%s\" has %lld bands; the elevation is taken from the first, \"%s\"", path,
                 (long long)sal_raster_band_count(raster), sal_raster_band_name(raster, 0));
    const bool voids = !raster || !sal_raster_band_info(raster, 0).has_nodata;
    status = height_metres(ctx, raster, unit, &metres);
    sal_raster_free(raster);
    if (status == SAL_STATUS_OK) status = sal__build_add(build, SAL_SOURCE_ELEVATION, path, 0, "DEM", "m");
    if (status != SAL_STATUS_OK) return status;
    sal_source *s = &build->sources[build->source_count - 1];
    s->scale = metres;
    if (!voids) return SAL_STATUS_OK;
    s->invalid[0] = -32768; /* voids of SRTM and of most others, where the file does not declare them */
    s->invalid[1] = -9999;
    s->invalid[2] = -3.4028234663852886e38; /* the least float32 */
    s->invalid_count = 3;
    return SAL_STATUS_OK;
}

/* class_covariates: ids among the ready-made covariates. */
static sal_status mark_classes(sal_context *ctx, sal_build *build, const sal_arguments *arguments)
{
    char word[64];
    for (int64_t entry = 0, at = 0; sal__next_word(arguments, "class_covariates", &entry, &at, word);) {
        int64_t i = 0;
        while (i < build->source_count &&
               (build->sources[i].kind != SAL_SOURCE_READY || strcmp(build->sources[i].id, word) != 0))
            i++;
        if (i == build->source_count)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                            "class_covariates has \"%s\", which is no covariate of extra; write ids that extra gives",
                            word);
        build->sources[i].classes = true;
    }
    return SAL_STATUS_OK;
}

sal_status sal__take_sources(sal_context *ctx, sal_build *build, const sal_arguments *arguments, const sal_scene *scenes,
                         int64_t n)
{
    sal_status status = SAL_STATUS_OK;
    const char *dem = sal_argument_text(arguments, "dem"), *cropland = sal_argument_text(arguments, "cropland");
    const int64_t extras = sal_argument_count(arguments, "extra");
    if (n > 0) SAL_TRY(sal__build_add_scenes(build, scenes, n, sal_argument_text(arguments, "roles")));
    if (cropland) SAL_TRY(sal__mask_add(build, -1, sal__mask_area, cropland, 0, ""));
    if (dem) SAL_TRY(add_elevation(ctx, build, dem, sal_argument_text(arguments, "dem_unit")));
    for (int64_t i = 0; i < extras; i++) SAL_TRY(add_extra(ctx, build, sal_argument_text_at(arguments, "extra", i)));
    SAL_TRY(mark_classes(ctx, build, arguments));
done:
    return status;
}
