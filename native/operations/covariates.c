/* covariates.c - Build covariate stack: scenes, elevation and ready-made rasters on one metric grid, one band a
 * covariate.
 *
 * What can be derived from the bands (the indices) is not stored unless asked for: every model computes it while
 * reading.
 */
#include "data/files.h"
#include "features/indices.h"
#include "features/masks.h"
#include "features/stack_build.h"
#include "operations/covariates_parts.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const sal_param params[] = {
    { .key = "scene",
      .type = SAL_PARAM_RASTER,
      .flags = SAL_LIST,
      .label = "Scenes",
      .help = "Surface reflectance of one day: rasters whose band descriptions name the bands (B02, SR_B4, Red) or "
              "whose metadata hold their wavelengths, or one file a band with the band in its name." },
    { .key = "product",
      .type = SAL_PARAM_FILE_IN,
      .flags = SAL_LIST,
      .label = "Scene products",
      .help = "Scenes as they are delivered: a Sentinel-2 L2A SAFE folder, its zip or its MTD_MSIL2A.xml; a Landsat "
              "Collection 2 folder, tar or MTL file; a folder of HLS files or of files with a band each. Scale, offset "
              "and cloud mask are taken from the product." },
    { .key = "mask_classes",
      .type = SAL_PARAM_TEXT,
      .default_value = "default",
      .flags = SAL_LIST,
      .label = "Mask classes",
      .help = "What to drop by the quality band of a scene (SCL, QA_PIXEL, Fmask): none, default (nodata, saturated, "
              "cloud, adjacent, cirrus, shadow, snow), or class names or numbers, such as cloud, shadow, water." },
    { .key = "mask_buffer",
      .type = SAL_PARAM_I64,
      .default_value = "0",
      .bounds = { 0, 100 },
      .unit = "pixels",
      .label = "Mask buffer",
      .help = "How far around dropped pixels their neighbours are dropped too; cloud edges need 5 to 20." },
    { .key = "cropland",
      .type = SAL_PARAM_RASTER,
      .label = "Cropland mask",
      .help = "Raster that is 0 or nodata where reflectance is not wanted, such as outside fields." },
    { .key = "dem",
      .type = SAL_PARAM_RASTER,
      .label = "Elevation model",
      .help = "Digital elevation model; it gives DEM in metres, slope, curvatures and relative elevation. One in degrees "
              "is warped to the grid first." },
    { .key = "extra",
      .type = SAL_PARAM_TEXT,
      .flags = SAL_LIST,
      .label = "Ready-made covariates",
      .help = "Rasters to take as they are, written ID=path (SOS=sos.tif), or a path alone, whose band descriptions "
              "are then the ids." },
    { .key = "series",
      .type = SAL_PARAM_RASTER,
      .flags = SAL_LIST,
      .label = "Index series",
      .help = "Dated rasters for phenology: scenes with red and near infrared, rasters of the index, or rasters with dates "
              "as band descriptions; the season goes into the stack." },
    { .key = "phenology",
      .type = SAL_PARAM_TEXT,
      .default_value = "SOS,GUS,SDPS",
      .flags = SAL_LIST | SAL_ADVANCED,
      .label = "Phenology covariates",
      .help = "Phenology covariates to derive from the series: all or ids (SOS, GUS, SDPS, PEAK, PEAK_DOY, EOS, LENGTH, "
              "AMPLITUDE, PHENO_OBS, PHENO_RMSE, PHENO_QUALITY)." },
    { .key = "series_index",
      .type = SAL_PARAM_TEXT,
      .default_value = "NDVI",
      .flags = SAL_ADVANCED,
      .label = "Index of the series",
      .help = "NDVI, EVI2 or another index; computed where the series holds scenes, else what its rasters hold." },
    { .key = "series_year",
      .type = SAL_PARAM_I64,
      .default_value = "0",
      .bounds = { 0, 2200 },
      .flags = SAL_ADVANCED,
      .label = "Year of the season",
      .help = "Year in which the season has its peak; 0 takes that of the date of the stack, or the one with most dates." },
    { .key = "season",
      .type = SAL_PARAM_CHOICE,
      .default_value = "main",
      .choices = "main|first|second",
      .flags = SAL_ADVANCED,
      .label = "Season",
      .help = "Which season of the year: main, the earliest that comes up to three quarters of the highest, or the first or "
              "second in time, as of winter wheat and summer maize." },
    { .key = "smoother",
      .type = SAL_PARAM_CHOICE,
      .default_value = "whittaker",
      .choices = "whittaker|savitzky_golay|double_logistic",
      .flags = SAL_ADVANCED,
      .label = "Smoothing of the series",
      .help = "Whittaker with upper envelope, Savitzky-Golay after Chen (2004), or the double logistic of Beck (2006), ten "
              "times slower and surest where observations are few." },
    { .key = "lambda",
      .type = SAL_PARAM_F64,
      .default_value = "0",
      .bounds = { 0, 1e7 },
      .flags = SAL_ADVANCED,
      .label = "Stiffness of the Whittaker curve",
      .help = "For daily values, 100 to 10000; 0 finds it for each pixel by the V-curve." },
    { .key = "envelope",
      .type = SAL_PARAM_F64,
      .default_value = "0.7",
      .bounds = { 0, 0.99 },
      .flags = SAL_ADVANCED,
      .label = "Upper envelope",
      .help = "Weight of an observation above the Whittaker curve, against 1 - envelope below it; 0.5 leaves out outliers "
              "alone, 0 weighs all alike." },
    { .key = "series_floor",
      .type = SAL_PARAM_F64,
      .default_value = "0.1",
      .bounds = { 0, 0.5 },
      .flags = SAL_ADVANCED,
      .label = "Floor of the series",
      .help = "Share of a pixel's observations that are raised to the lowest of the others, because undetected clouds lie "
              "below any ground." },
    { .key = "series_step",
      .type = SAL_PARAM_F64,
      .default_value = "5",
      .bounds = { 1, 16 },
      .flags = SAL_ADVANCED,
      .label = "Step of the smoothed curve",
      .unit = "days",
      .help = "Days between the nodes of the curve; thresholds are found between them." },
    { .key = "sos_threshold",
      .type = SAL_PARAM_F64,
      .default_value = "0.2",
      .bounds = { 0.01, 0.99 },
      .flags = SAL_ADVANCED,
      .label = "Threshold of SOS",
      .help = "Share of the left amplitude at which the season starts." },
    { .key = "sdps_threshold",
      .type = SAL_PARAM_F64,
      .default_value = "0.9",
      .bounds = { 0.01, 0.99 },
      .flags = SAL_ADVANCED,
      .label = "Threshold of SDPS",
      .help = "Share of the left amplitude at which the peak stage starts." },
    { .key = "eos_threshold",
      .type = SAL_PARAM_F64,
      .default_value = "0.2",
      .bounds = { 0.01, 0.99 },
      .flags = SAL_ADVANCED,
      .label = "Threshold of EOS",
      .help = "Share of the right amplitude at which the season ends." },
    { .key = "gus_low",
      .type = SAL_PARAM_F64,
      .default_value = "0.2",
      .bounds = { 0.01, 0.99 },
      .flags = SAL_ADVANCED,
      .label = "Green-up from",
      .help = "Share of the left amplitude from which green-up speed is measured." },
    { .key = "gus_high",
      .type = SAL_PARAM_F64,
      .default_value = "0.8",
      .bounds = { 0.01, 0.99 },
      .flags = SAL_ADVANCED,
      .label = "Green-up to",
      .help = "Share of the left amplitude up to which green-up speed is measured." },
    { .key = "min_amplitude",
      .type = SAL_PARAM_F64,
      .default_value = "0.1",
      .bounds = { 0.001, 1 },
      .flags = SAL_ADVANCED,
      .label = "Least amplitude of a season",
      .help = "In units of the index; pixels that rise by less have no season." },
    { .key = "season_contrast",
      .type = SAL_PARAM_F64,
      .default_value = "0.15",
      .bounds = { 0.01, 1 },
      .flags = SAL_ADVANCED,
      .label = "Contrast between seasons",
      .help = "The index has to fall and rise by so much between two seasons of a year." },
    { .key = "min_observations",
      .type = SAL_PARAM_I64,
      .default_value = "6",
      .bounds = { 4, 1000 },
      .flags = SAL_ADVANCED,
      .label = "Least observations of a pixel",
      .help = "Pixels with fewer in the year and half a year around it have no season." },
    { .key = "series_scale",
      .type = SAL_PARAM_F64,
      .default_value = "1",
      .flags = SAL_ADVANCED,
      .label = "Scale of the series",
      .help = "value = number x series_scale + series_offset, of reflectance or of the index, after the scale that a file "
              "itself states." },
    { .key = "series_offset",
      .type = SAL_PARAM_F64,
      .default_value = "0",
      .flags = SAL_ADVANCED,
      .label = "Offset of the series",
      .help = "Added after scaling: -0.1 for Sentinel-2 processed since 25 January 2022, -0.2 for Landsat Collection 2." },
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
    { .key = "resampling",
      .type = SAL_PARAM_CHOICE,
      .default_value = "bilinear",
      .choices = "bilinear|cubic|nearest",
      .flags = SAL_ADVANCED,
      .label = "Resampling of reflectance",
      .help = "How bands come to another grid as fine or finer; where the grid is more than 1.5 times coarser, pixels "
              "are averaged." },
    { .key = "class_covariates",
      .type = SAL_PARAM_TEXT,
      .flags = SAL_LIST | SAL_ADVANCED,
      .label = "Covariates that are classes",
      .help = "Ids of ready-made covariates whose numbers are classes, such as LC: they take the nearest pixel. Rasters "
              "with a colour table or category names are recognised." },
    { .key = "dem_unit",
      .type = SAL_PARAM_CHOICE,
      .default_value = "auto",
      .choices = "auto|metre|foot|us_foot",
      .flags = SAL_ADVANCED,
      .label = "Unit of elevation",
      .help = "Unit of the heights; auto: that of the band or of the vertical CRS, metres where neither tells. Heights "
              "become metres." },
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
      .flags = SAL_ADVANCED,
      .label = "Scale of reflectance",
      .help = "reflectance = value x scale + offset; empty: as the product states. Of plain rasters the value is what "
              "their own scale gives; 0.0001 for numbers of 0 to 10000." },
    { .key = "offset",
      .type = SAL_PARAM_F64,
      .flags = SAL_ADVANCED,
      .label = "Offset of reflectance",
      .help = "Added after scaling; empty: as the product states, 0: none. Needed where a distributor took the offset "
              "of Sentinel-2 off already (0), or for plain rasters: -0.1 for Sentinel-2 of baseline 04.00 and later, "
              "-0.2 for Landsat Collection 2." },
    { .key = "max_memory",
      .type = SAL_PARAM_BYTES,
      .default_value = "2GiB",
      .flags = SAL_ADVANCED,
      .label = "Memory limit",
      .help = "Upper bound of working memory." },
    { .key = "output",
      .type = SAL_PARAM_RASTER_OUT,
      .flags = SAL_REQUIRED | SAL_OR_FOLDER,
      .label = "Covariate stack",
      .extension = "tif",
      .help = "GeoTIFF with one band for each covariate; for scenes of several days a folder that exists, which takes "
              "stack_YYYY-MM-DD.tif for each." },
    { .key = NULL }
};

static const sal_result_row results[] = { { "width", true, "Columns" },
                                          { "height", true, "Rows" },
                                          { "pixel", true, "Pixel size in metres" },
                                          { "megapixels_per_second", true, "Megapixels a second" },
                                          { "cloud_share", true, "Share of pixels masked" },
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

/* ---- one stack ---- */

typedef struct request {
    const sal_arguments *arguments;
    const sal_scene *scenes; /* of one day, or of no known day */
    int64_t scene_count;
    const char *output, *campaign; /* campaign: "" for that of the arguments */
    bool write;                    /* false: only check that it can be built */
    bool cloudy;                   /* out: no clear pixel, so no stack */
} request;

static sal_status build_one(sal_context *ctx, request *r, json_object *result)
{
    sal_status status;
    sal_build build;
    const sal_arguments *arguments = r->arguments;
    sal__choice indices = { .n = 0 }, terrain = { .n = 0 }, phenology = { .n = 0 };
    SAL_TRY(sal__build_new(ctx, &build));
    SAL_TRY(sal__take_texts(ctx, &build, arguments));
    if (r->campaign[0]) snprintf(build.campaign, sizeof build.campaign, "%s", r->campaign);
    SAL_TRY(sal__take_masks(&build, arguments));
    SAL_TRY(sal__take_sources(ctx, &build, arguments, r->scenes, r->scene_count));
    SAL_TRY(sal__take_series(ctx, &build, arguments, &phenology));
    SAL_TRY(choose_indices(ctx, &build, arguments, &indices));
    SAL_TRY(sal__take_terrain(ctx, &build, arguments, &terrain));
    build.indices = indices.rows;
    build.index_count = indices.n;
    build.terrain = terrain.rows;
    build.terrain_count = terrain.n;
    SAL_TRY(sal__build_choose_grid(&build, sal__reference_grid(&build, arguments)));
    SAL_TRY(sal__take_smoothing(ctx, &build, arguments));
    sal_progress_push(ctx, 0, r->write ? 0.05 : 1);
    status = sal__build_place(&build);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK || !r->write) goto done;
    sal_progress_push(ctx, 0.05, 1);
    status = sal__build_write(&build, r->output, result);
    sal_progress_pop(ctx);
    r->cloudy = status == SAL_STATUS_DATA && sal__masks_took_all(&build);
done:
    sal__build_clear(&build);
    return status;
}

/* By day; scenes of one day keep their order, which is that of the bands in the stack. */
static void sort_by_date(sal_scene *scenes, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const sal_scene scene = scenes[i];
        int64_t k = i;
        for (; k > 0 && strcmp(scenes[k - 1].date, scene.date) > 0; k--) scenes[k] = scenes[k - 1];
        scenes[k] = scene;
    }
}

/* Where a stack of several goes: output names a folder. */
static sal_status name_stack(sal_context *ctx, const sal_arguments *arguments, const char *date, request *r,
                             char path[4096], char campaign[256])
{
    const char *given = sal_argument_text(arguments, "campaign");
    snprintf(campaign, 256, "%.200s%s%s", given ? given : "", given && given[0] ? "_" : "", date);
    const int n = snprintf(path, 4096, "%s/stack_%s.tif", sal_argument_text(arguments, "output"), date);
    r->output = path;
    r->campaign = campaign;
    for (int64_t i = 0; i < r->scene_count; i++)
        if (n >= 4096 || strcmp(r->scenes[i].path, path) == 0)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT, "the stack \"%s\" would overwrite a scene; choose another folder",
                            path);
    return SAL_STATUS_OK;
}

/* Checks or writes the stack of scenes of one day; one without clear ground is left out with a warning. */
static sal_status build_day(sal_context *ctx, request *r, json_object *stacks)
{
    char path[4096], campaign[256];
    const char *date = r->scenes[0].date;
    json_object *one = NULL;
    sal_status status = name_stack(ctx, r->arguments, date, r, path, campaign);
    if (status != SAL_STATUS_OK) return status;
    one = json_object_new_object();
    status = build_one(ctx, r, one);
    if (status != SAL_STATUS_OK && r->cloudy) {
        sal_warn(ctx, "no stack for %s: %s", date, sal_context_message(ctx));
        sal_error_clear(ctx);
        status = SAL_STATUS_OK;
    } else if (status == SAL_STATUS_OK && r->write) {
        json_object_array_add(stacks, json_object_get(one));
    }
    json_object_put(one);
    return status;
}

/* One stack for each day: all are checked before the first is written. */
static sal_status build_campaigns(sal_context *ctx, const sal_arguments *arguments, const sal_scene *scenes, int64_t n,
                                  json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    json_object *stacks = json_object_new_array();
    for (int round = 0; round < 2; round++)
        for (int64_t first = 0, next; first < n; first = next) {
            const double from = round ? 0.1 : 0, share = (round ? 0.9 : 0.1) / (double)n;
            for (next = first + 1; next < n && strcmp(scenes[next].date, scenes[first].date) == 0;) next++;
            request r = { .arguments = arguments, .scenes = scenes + first, .scene_count = next - first,
                          .write = round == 1 };
            sal_progress_push(ctx, from + share * (double)first, from + share * (double)next);
            status = build_day(ctx, &r, stacks);
            sal_progress_pop(ctx);
            if (status != SAL_STATUS_OK) goto done;
        }
    if (json_object_array_length(stacks) == 0)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA, "none of the scenes shows clear ground; set mask_classes or mask_buffer "
                                               "lower, or take other days"));
    SAL_TRY(sal_json_add_text(ctx, result, "output", sal_argument_text(arguments, "output")));
    SAL_TRY(sal_json_add(ctx, result, "stacks", json_object_get(stacks)));
done:
    json_object_put(stacks);
    return status;
}

/* Whether the scenes are of several days, and then whether the user wants a stack for each. */
static sal_status several_days(sal_context *ctx, const sal_arguments *arguments, const sal_scene *scenes, int64_t n,
                               bool *several)
{
    const char *date = sal_argument_text(arguments, "date"), *output = sal_argument_text(arguments, "output");
    int64_t days = 0;
    const char *first = "";
    for (int64_t i = n - 1; i >= 0 && scenes[i].date[0]; i--) { /* those without a day stand in front */
        days += i == n - 1 || strcmp(scenes[i].date, first) != 0;
        first = scenes[i].date;
    }
    const bool folder = sal_files_is_folder(output);
    *several = days > 0 && folder && !(date && date[0]);
    if (folder && days == 0)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "output \"%s\" is a folder, which takes a stack for each day, but no scene tells its day; name a "
                        "file for the stack",
                        output);
    if (!*several && days > 1 && !(date && date[0]))
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "scenes are of different days, %lld from %s to %s; give a folder that exists as output for one "
                        "stack a day, or date if they belong together",
                        (long long)days, first, scenes[n - 1].date);
    for (int64_t i = 0; i < n && *several; i++)
        if (!scenes[i].date[0])
            return sal_fail(ctx, SAL_STATUS_DATA,
                            "scene \"%s\" does not tell its day, so it belongs to no stack; put the day into its name, "
                            "such as 2020-06-15",
                            scenes[i].path);
    return SAL_STATUS_OK;
}

static sal_status run(sal_context *ctx, const sal_arguments *arguments, json_object *result)
{
    sal_status status;
    sal_build lists; /* only to own texts */
    sal_scene *scenes = NULL;
    const char **paths = NULL;
    bool several = false;
    int64_t n = 0;
    const int64_t rasters = sal_argument_count(arguments, "scene"),
                  given = rasters + sal_argument_count(arguments, "product");
    SAL_TRY(sal__build_new(ctx, &lists));
    lists.scale = sal_argument_f64(arguments, "scale"); /* what a product does not tell need not be told then */
    lists.offset = sal_argument_f64(arguments, "offset");
    if (given == 0 && sal_argument_count(arguments, "extra") == 0 && sal_argument_count(arguments, "series") == 0 &&
        !sal_argument_text(arguments, "dem"))
        SAL_TRY(sal_fail(ctx, SAL_STATUS_ARGUMENT,
                         "nothing to build a stack from: give at least one of product, scene, dem, series and extra"));
    SAL_TRY(sal_allocate(ctx, given, sizeof *paths, &paths));
    for (int64_t i = 0; i < given; i++)
        paths[i] = i < rasters ? sal_argument_text_at(arguments, "scene", i)
                               : sal_argument_text_at(arguments, "product", i - rasters);
    SAL_TRY(sal__scenes_list(&lists, paths, given, &scenes, &n));
    sort_by_date(scenes, n);
    SAL_TRY(several_days(ctx, arguments, scenes, n, &several));
    request r = { .arguments = arguments, .scenes = scenes, .scene_count = n, .write = true,
                  .output = sal_argument_text(arguments, "output"), .campaign = "" };
    status = several ? build_campaigns(ctx, arguments, scenes, n, result) : build_one(ctx, &r, result);
done:
    sal_release(ctx, scenes);
    sal_release(ctx, paths);
    sal__build_clear(&lists);
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
            "band, by the file name. All scenes of one stack are of one day; scenes of several days make a stack for each when output is "
            "a folder that exists (a day without clear ground is left out with a warning; in QGIS use the batch dialog, "
            "one row a campaign). Reflectance is a number from 0 to 1; "
            "scale and offset that a file states "
            "are used, and values that cannot be reflectance are refused with the scale to set.\n\n"
            "Products. A Sentinel-2 L2A product (SAFE folder, zip or MTD_MSIL2A.xml) gives its ten bands B02 ... B8A, "
            "B11, B12, its day, and its scene classification. Reflectance is (DN + BOA_ADD_OFFSET) / "
            "BOA_QUANTIFICATION_VALUE by the numbers its metadata hold for each band: products of processing baseline "
            "04.00 and later have the offset, earlier ones have none. Set offset = 0 where a distributor has taken it "
            "off already. Negative reflectance is kept. A Landsat 4-9 Collection 2 product (folder, tar, MTL file) of Level 2 "
            "is DN x 2.75e-5 - 0.2, or what its MTL file says; Level 1 becomes reflectance at the top of the atmosphere "
            "by the factors and the sun elevation of its MTL file, with bands B2 ... instead of SR_B2 ..., because no "
            "model of surface reflectance fits it. HLS folders (HLS.S30... and HLS.L30...) are DN x 0.0001. What was "
            "used stands in SCENES of the metadata. Loose files are read the same way where their names tell (Landsat "
            "L2SP, HLS, files inside a SAFE folder); elsewhere nothing is guessed. Bands of any raster without band "
            "names are found by wavelength: for each role the band nearest to that of Sentinel-2.\n\n"
            "Masks. The quality band of a scene (SCL, QA_PIXEL, Fmask; also as a file or band of that name) drops "
            "reflectance, not terrain: mask_classes says which classes, mask_buffer how many pixels around them (a "
            "square; nodata does not spread). cropland drops what is 0 or nodata in it. The share that was dropped is "
            "logged as cloud_share and kept in MASKS of the metadata; a scene without a clear pixel is refused.\n\n"
            "Grid. The stack takes the grid of reference_grid, or of the finest scene; it has to be metric. What lies "
            "on it pixel by pixel is copied, "
            "all else is warped: bilinear (reflectance: resampling), or averaged where the grid is more than 1.5 times "
            "coarser; masks and classes take the nearest pixel. Heights in feet become metres.\n\n"
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
            "Phenology. series takes any number of dated rasters and gives SOS (start of season: 20 % of the rise), GUS (green-up speed "
            "from 20 to 80 % of it, index a day), SDPS (start of the peak stage: 90 %), and on demand the peak, the end, the length and "
            "amplitude, the observations used, the error of the curve and a code that says why a pixel has no season. Dates come from "
            "metadata, band descriptions or file names; files of one day are averaged where they overlap. Bands SCL, QA_PIXEL and Fmask in "
            "a file mask clouds, shadows and snow. The curve is Whittaker's (Eilers 2003) with lambda by the V-curve (Frasso and Eilers "
            "2015) and an upper envelope (Atzberger and Eilers 2011), the Savitzky-Golay of Chen et al. (2004), or the double logistic of "
            "Beck et al. (2006). Days count from 1 January of series_year and are below 1 where the season began before. The series is "
            "read block by block and may be as long as an archive; of it the year and half a year on either side are used.\n\n"
            "Ready-made covariates. extra takes any raster by id: SOS=sos.tif, LC=landcover.tif, or a file whose band "
            "descriptions are the ids.\n\n"
            "A stack of reflectance alone is stored as 16-bit integers x 0.0001, any other as 32-bit floating point. "
            "Pixels without value are nodata.",
    .tags = "stack,covariates,indices,NDVI,phenology,start of season,time series,salinity index,terrain,slope,curvature,DEM,Sentinel-2,Landsat,resample,grid",
    .params = params,
    .results = results,
    .run = run
};
