/* covariates.c - Build covariate stack: scenes, elevation and ready-made rasters on one metric grid, one band a
 * covariate.
 *
 * What can be derived from the bands (the indices) is not stored unless asked for: every model computes it while
 * reading.
 */
#include "features/indices.h"
#include "features/stack_build.h"
#include "operations/covariates_terrain.h"
#include "operations/operation.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const sal_param params[] = {
    { .key = "scene",
      .type = SAL_PARAM_RASTER,
      .flags = SAL_LIST,
      .label = "Scenes",
      .help = "Surface reflectance of one day: rasters whose band descriptions name the bands (B02, SR_B4, Red), or "
              "one file a band with the band in its name." },
    { .key = "dem",
      .type = SAL_PARAM_RASTER,
      .label = "Elevation model",
      .help = "Digital elevation model in metres; it gives DEM, slope, curvatures and relative elevation." },
    { .key = "extra",
      .type = SAL_PARAM_TEXT,
      .flags = SAL_LIST,
      .label = "Ready-made covariates",
      .help = "Rasters to take as they are, written ID=path (SOS=sos.tif), or a path alone, whose band descriptions "
              "are then the ids." },
    { .key = "roles",
      .type = SAL_PARAM_TEXT,
      .label = "Band roles",
      .help = "What the bands of a scene are, where their descriptions do not say: B=1,G=2,R=3,NIR=4, or names in band "
              "order with - for a band to leave out." },
    { .key = "indices",
      .type = SAL_PARAM_TEXT,
      .default_value = "none",
      .flags = SAL_LIST,
      .label = "Indices to write",
      .help = "Spectral indices to store as bands for looking at them: none, all, a group (salinity, vegetation, "
              "water) or ids. Models compute what they need without." },
    { .key = "reference_grid",
      .type = SAL_PARAM_RASTER,
      .label = "Reference grid",
      .help = "Raster whose grid the stack takes; without it, the grid of the finest scene." },
    { .key = "smooth_dem",
      .type = SAL_PARAM_F64,
      .default_value = "2",
      .bounds = { 0, 100000 },
      .label = "Smoothing of elevation",
      .help = "Sigma of the Gaussian put over the elevation before slope, curvature and wetness, in the unit of smooth_unit; a "
              "plain needs 1 to 3 pixels, 0 switches it off." },
    { .key = "smooth_unit",
      .type = SAL_PARAM_CHOICE,
      .default_value = "pixels",
      .choices = "pixels|metres",
      .flags = SAL_ADVANCED,
      .label = "Unit of smoothing",
      .help = "Whether smooth_dem counts pixels of the grid or metres." },
    { .key = "terrain",
      .type = SAL_PARAM_TEXT,
      .default_value = "SLOPE,PROFILE_CURV,PLAN_CURV,REL_ELEV",
      .flags = SAL_LIST | SAL_ADVANCED,
      .label = "Terrain covariates",
      .help = "Terrain covariates to derive from the elevation model: none, all or ids (SLOPE, PROFILE_CURV, "
              "PLAN_CURV, TANG_CURV, ASPECT, REL_ELEV, TWI). TWI needs the whole model in memory." },
    { .key = "terrain_method",
      .type = SAL_PARAM_CHOICE,
      .default_value = "horn",
      .choices = "horn|zevenbergen_thorne|evans|florinsky",
      .flags = SAL_ADVANCED,
      .label = "Method of slope and curvature",
      .help = "horn: slope and aspect of Horn with curvatures of Zevenbergen and Thorne; zevenbergen_thorne: all of theirs; evans: "
              "least-squares quadratic in terrain_window; florinsky: least-squares cubic in 5 x 5 pixels." },
    { .key = "terrain_window",
      .type = SAL_PARAM_I64,
      .default_value = "3",
      .bounds = { 3, SAL_TERRAIN_WINDOW },
      .flags = SAL_ADVANCED,
      .unit = "pixels",
      .label = "Window of slope and curvature",
      .help = "Odd width of the window of the method evans; a larger one suppresses noise as smoothing does." },
    { .key = "tpi_radii",
      .type = SAL_PARAM_TEXT,
      .flags = SAL_LIST | SAL_ADVANCED,
      .label = "Radii of topographic position",
      .help = "Half sides of square windows in whole metres, such as 150,600: each gives a covariate TPI_150, elevation minus the "
              "mean of the window." },
    { .key = "rel_elev_radius",
      .type = SAL_PARAM_F64,
      .default_value = "325",
      .bounds = { 1, 100000 },
      .flags = SAL_ADVANCED,
      .unit = "m",
      .label = "Radius of relative elevation",
      .help = "Half the side of the square window whose mean is subtracted from the elevation." },
    { .key = "sensor",
      .type = SAL_PARAM_TEXT,
      .flags = SAL_ADVANCED,
      .label = "Sensor",
      .help =
          "Sensor of the scenes (Sentinel-2, Landsat 8, Landsat 5 ...), where neither metadata nor file names tell." },
    { .key = "date",
      .type = SAL_PARAM_TEXT,
      .flags = SAL_ADVANCED,
      .label = "Date",
      .help = "Day of the scenes, YYYY-MM-DD; without it, the day in their metadata or file names." },
    { .key = "campaign",
      .type = SAL_PARAM_TEXT,
      .flags = SAL_ADVANCED,
      .label = "Campaign",
      .help = "Name by which samples find this stack; without it, the name of the output file." },
    { .key = "scale",
      .type = SAL_PARAM_F64,
      .default_value = "1",
      .flags = SAL_ADVANCED,
      .label = "Scale of reflectance",
      .help = "reflectance = value x scale + offset, after the scale that the file itself states; 0.0001 for numbers "
              "of 0 to 10000." },
    { .key = "offset",
      .type = SAL_PARAM_F64,
      .default_value = "0",
      .flags = SAL_ADVANCED,
      .label = "Offset of reflectance",
      .help =
          "Added after scaling: -0.1 for Sentinel-2 processed since 25 January 2022, -0.2 for Landsat Collection 2." },
    { .key = "max_memory",
      .type = SAL_PARAM_BYTES,
      .default_value = "2GiB",
      .flags = SAL_ADVANCED,
      .label = "Memory limit",
      .help = "Upper bound of working memory." },
    { .key = "output",
      .type = SAL_PARAM_RASTER_OUT,
      .flags = SAL_REQUIRED,
      .label = "Covariate stack",
      .extension = "tif",
      .help = "GeoTIFF with one band for each covariate." },
    { .key = NULL }
};

static const sal_result_row results[] = { { "width", true, "Columns" },
                                          { "height", true, "Rows" },
                                          { "pixel", true, "Pixel size in metres" },
                                          { "megapixels_per_second", true, "Megapixels a second" },
                                          { "sensor", false, "Sensor" },
                                          { "date", false, "Date" },
                                          { "campaign", false, "Campaign" },
                                          { NULL, false, NULL } };

/* ---- lists of ids ---- */

static bool index_available(const sal_build *build, const sal_index *index)
{
    uint32_t missing = sal__index_roles(index);
    for (int64_t i = 0; i < build->source_count; i++) {
        const char *role = sal_band_role(build->sensor, build->sources[i].id);
        if (build->sources[i].kind == SAL_SOURCE_REFLECTANCE && role)
            missing &= ~(1u << sal__role_find(role, (int64_t)strlen(role)));
    }
    return missing == 0;
}

/* all or a group: what the bands allow; an id: that one, checked later. */
static sal_status choose_indices(sal_context *ctx, const sal_build *build, const sal_arguments *arguments, sal__choice *c)
{
    char word[64];
    for (int64_t entry = 0, at = 0; sal__next_word(arguments, "indices", &entry, &at, word);) {
        const sal_index *one = sal_index_find(word);
        const bool all = strcmp(word, "all") == 0;
        bool known = one || all || strcmp(word, "none") == 0;
        if (one) sal__choose(c, one - sal_index_at(0));
        for (int64_t k = 0; k < sal_index_count() && !one; k++) {
            const sal_index *index = sal_index_at(k);
            const bool in_group = strcmp(index->group, word) == 0;
            known = known || in_group;
            if (!all && !in_group) continue;
            if (index_available(build, index))
                sal__choose(c, k);
            else
                sal_log(ctx, "index %s is left out: the scenes lack one of %s", index->id, index->roles);
        }
        if (!known)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                            "indices has \"%s\", which is no index; use none, all, salinity, vegetation, water, "
                            "salinity_extra, vegetation_extra or ids "
                            "such as NDVI, CRSI, LSWI",
                            word);
    }
    return SAL_STATUS_OK;
}

/* ---- sources ---- */

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

static sal_status add_elevation(sal_context *ctx, sal_build *build, const char *path)
{
    sal_raster *raster = NULL;
    sal_status status = sal_raster_open(ctx, path, &raster);
    if (status == SAL_STATUS_DATA)
        sal_error_clear(ctx); /* the warper may take it, or says why not */
    else if (status != SAL_STATUS_OK)
        return status;
    if (raster && sal_raster_band_count(raster) > 1)
        sal_warn(ctx, "\"%s\" has %lld bands; the elevation is taken from the first, \"%s\"", path,
                 (long long)sal_raster_band_count(raster), sal_raster_band_name(raster, 0));
    sal_raster_free(raster);
    return sal__build_add(build, SAL_SOURCE_ELEVATION, path, 0, "DEM", "m");
}

static sal_status gather(sal_context *ctx, sal_build *build, const sal_arguments *arguments)
{
    sal_status status = SAL_STATUS_OK;
    const char *paths[4096], *dem = sal_argument_text(arguments, "dem");
    const int64_t scenes = sal_argument_count(arguments, "scene"), extras = sal_argument_count(arguments, "extra");
    if (scenes == 0 && extras == 0 && !dem)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "nothing to build a stack from: give at least one of scene, dem and extra");
    if (scenes > 4096) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "%lld scenes are more than 4096", (long long)scenes);
    for (int64_t i = 0; i < scenes; i++) paths[i] = sal_argument_text_at(arguments, "scene", i);
    if (scenes > 0) SAL_TRY(sal__build_add_scenes(build, paths, scenes, sal_argument_text(arguments, "roles")));
    if (dem) SAL_TRY(add_elevation(ctx, build, dem));
    for (int64_t i = 0; i < extras; i++) SAL_TRY(add_extra(ctx, build, sal_argument_text_at(arguments, "extra", i)));
done:
    return status;
}

/* Texts of the user that need no raster: sensor, date, campaign. */
static sal_status take_texts(sal_context *ctx, sal_build *build, const sal_arguments *arguments)
{
    const char *sensor = sal_argument_text(arguments, "sensor"), *date = sal_argument_text(arguments, "date");
    const char *campaign = sal_argument_text(arguments, "campaign"), *output = sal_argument_text(arguments, "output"),
               *slash = strrchr(output, '/');
    if (sensor && sensor[0]) {
        const char *known = sal__sensor_find(sensor);
        if (!known)
            sal_warn(ctx,
                     "sensor \"%s\" is not one of Sentinel-2, Landsat 8/9, Landsat 4-7; bands are found by roles only",
                     sensor);
        snprintf(build->sensor, sizeof build->sensor, "%.63s", known ? known : sensor);
    }
    if (date && date[0]) {
        if (!sal__date_valid(date))
            return sal_fail(ctx, SAL_STATUS_ARGUMENT, "date \"%s\" is no day; write YYYY-MM-DD, such as 2020-06-15",
                            date);
        snprintf(build->date, sizeof build->date, "%.10s", date);
    }
    if (campaign && campaign[0]) {
        snprintf(build->campaign, sizeof build->campaign, "%.255s", campaign);
    } else {
        snprintf(build->campaign, sizeof build->campaign, "%.255s", slash ? slash + 1 : output);
        char *dot = strrchr(build->campaign, '.');
        if (dot && dot != build->campaign) *dot = 0;
    }
    build->scale = sal_argument_f64(arguments, "scale");
    build->offset = sal_argument_f64(arguments, "offset");
    build->max_memory = sal_argument_i64(arguments, "max_memory");
    return SAL_STATUS_OK;
}

static sal_status run(sal_context *ctx, const sal_arguments *arguments, json_object *result)
{
    sal_status status;
    sal_build build;
    sal__choice indices = { .n = 0 }, terrain = { .n = 0 };
    SAL_TRY(sal__build_new(ctx, &build));
    SAL_TRY(take_texts(ctx, &build, arguments));
    SAL_TRY(gather(ctx, &build, arguments));
    SAL_TRY(choose_indices(ctx, &build, arguments, &indices));
    SAL_TRY(sal__take_terrain(ctx, &build, arguments, &terrain));
    build.indices = indices.rows;
    build.index_count = indices.n;
    build.terrain = terrain.rows;
    build.terrain_count = terrain.n;
    SAL_TRY(sal__build_choose_grid(&build, sal_argument_text(arguments, "reference_grid")));
    SAL_TRY(sal__take_smoothing(ctx, &build, arguments));
    sal_progress_push(ctx, 0, 0.05);
    status = sal__build_place(&build);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    sal_progress_push(ctx, 0.05, 1);
    status = sal__build_write(&build, sal_argument_text(arguments, "output"), result);
    sal_progress_pop(ctx);
done:
    sal__build_clear(&build);
    return status;
}

const sal_operation sal_operation_covariates = {
    .id = "covariates",
    .title = "Build covariate stack",
    .summary =
        "Puts scenes, an elevation model and ready-made rasters on one grid as a stack for training and mapping.",
    .help = "The stack is one GeoTIFF: a band for each covariate, the band description is its id, and the domain "
            "SALINA of the metadata holds sensor, "
            "date, campaign, the input files with their SHA-256, and the version. Models find their covariates in it "
            "by id, never by position.\n\n"
            "Scenes. A scene is a raster of surface reflectance. Its bands are recognised by their descriptions (B02 "
            "... B12 and B8A of Sentinel-2, SR_B1 ... "
            "SR_B7 of Landsat, or the roles B, G, R, RE1, RE2, RE3, NIR, NIR2, SWIR1, SWIR2 and Blue, Green, Red ...), "
            "by roles, or, for files with one "
            "band, by the file name. All scenes of one stack are of one day. Reflectance is a number from 0 to 1; "
            "scale and offset that a file states "
            "are used, and values that cannot be reflectance are refused with the scale to set.\n\n"
            "Grid. The stack takes the grid of reference_grid, or of the finest scene; it has to be metric. What lies "
            "on it pixel by pixel is copied, "
            "all else is warped: bilinear, or averaged where the grid is more than 1.5 times coarser; an extra of integers with a colour table or category names holds classes, which are taken from the "
            "nearest pixel.\n\n"
            "Terrain. From the elevation model: DEM, SLOPE in degrees (Horn 1981), PROFILE_CURV and PLAN_CURV in 1/m "
            "(Zevenbergen and Thorne 1987; "
            "positive is convex, level ground is 0, plan curvature is kept within 1 per metre), each after a Gaussian "
            "of smooth_dem, and REL_ELEV, the "
            "elevation minus the mean of a square of 2 x rel_elev_radius around it; tpi_radii gives the same for other radii. "
            "terrain_method also offers Zevenbergen and Thorne, Evans 1980 in windows of any size (Wood 1996) and Florinsky 2009. TWI, the "
            "topographic wetness index ln(a / tan slope) of Beven and Kirkby 1979, is taken from the smoothed elevation with "
            "depressions filled by a priority flood (Wang and Liu 2006, Barnes et al. 2014) and water shared between all lower neighbours (Freeman 1991); "
            "slopes below 1e-4 count as 1e-4, and water from outside the grid does not count.\n\n"
            "Indices. Spectral indices are computed from the bands wherever a model asks for them and need no room in "
            "the file; indices writes some or all "
            "as bands to look at. Negative reflectance counts as 0, and a division by zero or a negative radicand "
            "gives nodata.\n\n"
            "Ready-made covariates. extra takes any raster by id: SOS=sos.tif, LC=landcover.tif, or a file whose band "
            "descriptions are the ids.\n\n"
            "A stack of reflectance alone is stored as 16-bit integers x 0.0001, any other as 32-bit floating point. "
            "Pixels without value are nodata.",
    .tags = "stack,covariates,indices,NDVI,salinity index,terrain,slope,curvature,DEM,Sentinel-2,Landsat,resample,grid",
    .params = params,
    .results = results,
    .run = run
};
