/* demo.c - operation "demo": a synthetic coastal delta with known truth, to try everything on and to measure skill against. */
#include "operation.h"
#include "simulate/write.h"

static const sal_param params[] = {
    { .key = "output",
      .type = SAL_PARAM_FOLDER_OUT,
      .flags = SAL_REQUIRED,
      .label = "Output folder",
      .help =
          "Folder for the files of the delta; it is made when missing. One that holds an earlier delta is refused." },
    { .key = "seed",
      .type = SAL_PARAM_I64,
      .default_value = "1",
      .bounds = { 0, 2147483647 },
      .label = "Seed",
      .help = "Another seed gives another delta; the same seed and size give the same values." },
    { .key = "size",
      .type = SAL_PARAM_I64,
      .default_value = "2000",
      .bounds = { 256, 12000 },
      .label = "Size",
      .help = "Width and height in pixels of 10 m.",
      .unit = "pixels" },
    { .key = "campaigns",
      .type = SAL_PARAM_I64,
      .default_value = "6",
      .bounds = { 1, SAL_DELTA_CAMPAIGNS },
      .label = "Campaigns",
      .help = "Number of field campaigns with a scene each, from July 2019 to June 2024." },
    { .key = "samples",
      .type = SAL_PARAM_I64,
      .default_value = "806",
      .bounds = { 12, 20000 },
      .label = "Field samples",
      .help = "Number of samples over all campaigns, in clusters of four." },
    { .key = "series",
      .type = SAL_PARAM_I64,
      .default_value = "1",
      .bounds = { 0, SAL_DELTA_CAMPAIGNS },
      .flags = SAL_ADVANCED,
      .label = "NDVI series",
      .help = "Number of campaigns, from the first, that also get the NDVI series of their year and its true season; a "
              "series of 2000 x 2000 pixels takes 100 MB." },
    { .key = "max_memory",
      .type = SAL_PARAM_BYTES,
      .default_value = "4GiB",
      .flags = SAL_ADVANCED,
      .label = "Maximum memory",
      .help = "Upper bound of working memory; a size that needs more is refused before anything is written." },
    { .key = NULL }
};

static const sal_result_row results[] = { { "output", false, "Folder" },
                                          { "samples", true, "Number of samples" },
                                          { "mean_salinity", true, "Mean salinity of the samples (g/kg)" },
                                          { .key = NULL } };

static sal_status run(sal_context *ctx, const sal_arguments *arguments, json_object *result)
{
    sal_status status;
    sal_delta_summary summary = { 0 };
    const sal_delta_request request = { .folder = sal_argument_text(arguments, "output"),
                                        .size = sal_argument_i64(arguments, "size"),
                                        .campaigns = sal_argument_i64(arguments, "campaigns"),
                                        .samples = sal_argument_i64(arguments, "samples"),
                                        .series = sal_argument_i64(arguments, "series"),
                                        .max_memory = sal_argument_i64(arguments, "max_memory"),
                                        .seed = (uint64_t)sal_argument_i64(arguments, "seed") };
    SAL_TRY(sal_delta_write(ctx, &request, &summary));
    sal_log(ctx, "%lld files; %lld samples with %.2f g/kg on average, %.2f in the middle, %.1f at most",
            (long long)summary.files, (long long)summary.samples, summary.mean, summary.median, summary.largest);
    SAL_TRY(sal_json_add_text(ctx, result, "output", request.folder));
    SAL_TRY(sal_json_add_i64(ctx, result, "files", summary.files));
    SAL_TRY(sal_json_add_i64(ctx, result, "samples", summary.samples));
    SAL_TRY(sal_json_add_f64(ctx, result, "mean_salinity", summary.mean));
    SAL_TRY(sal_json_add_f64(ctx, result, "median_salinity", summary.median));
    SAL_TRY(sal_json_add_f64(ctx, result, "largest_salinity", summary.largest));
done:
    return status;
}

const sal_operation sal_operation_demo = {
    .id = "demo",
    .title = "Create demo delta",
    .summary = "Makes a synthetic coastal delta whose soil salinity is known "
               "everywhere: scenes, DEM, phenology, samples and truth.",
    .help = "Nothing goes in but a seed and a size. Out comes a folder as a study "
            "area would give it: a DEM, one Sentinel-2-like scene and one "
            "phenology raster per field campaign, the NDVI series of a year, and a layer of field samples with "
            "salinity in g/kg. Beside them, in truth, lie the salinity of every "
            "pixel and the part that each cause has in it: distance to the sea, "
            "seepage beside canals, leaching, relief, texture, management.\n\n"
            "Use it to learn the tools, to check an installation, and to see how "
            "far a model's scores and explanations can be trusted, because here "
            "the right answer is known.\n\n"
            "The method: Gaussian fields with Matern covariance, a canal network "
            "with banks, an additive log-salinity, crops that respond to root-zone "
            "salinity, salt crusts, moisture, a canopy by spectral invariants, "
            "sensor noise and point spread. The scenes see the crust and the roots, "
            "not the 0-20 cm sample, so spectra explain about half of the "
            "variation, as in field studies. It is a model of a delta, not a delta: "
            "skill reached here is no promise for real ground.",
    .tags = "synthetic,simulation,example data,test data,known truth,tutorial",
    .params = params,
    .results = results,
    .run = run,
};
