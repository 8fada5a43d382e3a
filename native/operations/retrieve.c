/* retrieve.c - Retrieve salinity: a covariate stack and a model in; a map with intervals and quality, and its style, out.
 *
 * Model, stack, networks and memory are checked before the first byte is written. The style is committed after the map, so that neither is
 * left without the other.
 */
#include "map/stream.h"
#include "data/layer_style.h"
#include "operations/operation.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const sal_param params[] = {
    { .key = "stack", .type = SAL_PARAM_RASTER, .flags = SAL_REQUIRED, .label = "Covariate stack",
      .help = "Stack to map, made with Build covariate stack from the same sensor and at the same pixel size as those of the training." },
    { .key = "model", .type = SAL_PARAM_FILE_IN, .flags = SAL_REQUIRED, .extension = "safetensors", .label = "Model", .help = "Model made with Train model." },
    { .key = "centre", .type = SAL_PARAM_CHOICE, .default_value = "median", .choices = "median|mean", .label = "Centre of the distribution",
      .help = "What band salinity shows. median: as many places above as below, right for classes and for single places; mean: for totals and averages over an area, "
              "above the median where salinity is skewed." },
    { .key = "interval", .type = SAL_PARAM_F64, .default_value = "0.9", .bounds = { 0.5, 0.99 }, .label = "Coverage of the interval",
      .help = "Share of places whose true value should lie between the bands lower and upper." },
    { .key = "aoa", .type = SAL_PARAM_BOOL, .default_value = "true", .label = "Area of applicability",
      .help = "Adds the band di, how unlike the training samples a place is, and flag 8 of quality where it is too unlike; takes about a quarter longer." },
    { .key = "lpd", .type = SAL_PARAM_BOOL, .default_value = "false", .flags = SAL_ADVANCED, .label = "Local point density",
      .help = "Adds the band lpd after di: how many training samples are nearer to the place, in covariates, than the threshold of di. Needs the area of applicability." },
    { .key = "format", .type = SAL_PARAM_CHOICE, .default_value = "gtiff", .choices = "gtiff|cog", .flags = SAL_ADVANCED, .label = "Format",
      .help = "gtiff: tiled GeoTIFF with overviews; cog: cloud-optimised GeoTIFF, to be read over a network." },
    { .key = "block_size", .type = SAL_PARAM_I64, .default_value = "0", .bounds = { 0, 1000000 }, .flags = SAL_ADVANCED, .unit = "rows", .label = "Rows read at a time",
      .help = "Rounded up to a multiple of 64; 0 takes what the file and the memory limit suggest. The map does not depend on it." },
    { .key = "max_memory", .type = SAL_PARAM_BYTES, .default_value = "2GiB", .flags = SAL_ADVANCED, .label = "Memory limit",
      .help = "Upper bound of working memory; where it is tight, fewer rows and fewer threads work at a time." },
    { .key = "output", .type = SAL_PARAM_RASTER_OUT, .flags = SAL_REQUIRED, .extension = "tif", .label = "Salinity map",
      .help = "GeoTIFF with the bands salinity, lower, upper, di (with aoa), lpd (with lpd) and quality; a style (.qml) is written beside it, and one for band di." },
    { .key = NULL }
};

static const sal_result_row results[] = { { "mean", true, "Mean of the map" },
                                          { "valid_pixels", true, "Pixels with a value" },
                                          { "megapixels_per_second", true, "Megapixels a second" },
                                          { NULL, false, NULL } };

typedef struct work {
    sal_context *ctx;
    const sal_arguments *arguments;
    sal_model_file *model;
    double mean_factor; /* 0: the map shows the median */
    sal_stack *stack;
    const sal_class_scheme *scheme; /* NULL when the model has none */
    sal_conformal_rule rule;
    sal_stream *stream;
    sal_stream_figures figures;
    sal_raster_writer *writer;
    sal_output *style, *index_style; /* of band salinity, of band di */
    char *style_path, *index_path;
    bool applicability, density; /* whether the map has the bands di and lpd */
    int64_t bands;
    float *window; /* what is written at once: (512, window_columns, bands) */
    char hash[65];
    double seconds;
} work;

enum { WINDOW_COLUMNS = 1024, WINDOW_ROWS = 512 };

/* ---- inputs ---- */

static sal_status choose_centre(work *w)
{
    if (strcmp(sal_argument_text(w->arguments, "centre"), "mean") != 0) return SAL_STATUS_OK;
    w->mean_factor = w->model->mean_factor;
    if (w->mean_factor > 0) return SAL_STATUS_OK;
    return sal_fail(w->ctx, SAL_STATUS_DATA, "model \"%s\", written by Salina %s, does not say how its mean follows from its median; train it again or retrieve with centre median",
                    w->model->name, w->model->version);
}

/* A model from before there was one maps without, unless the user asked for it by name. */
static sal_status choose_applicability(work *w)
{
    w->applicability = sal_argument_bool(w->arguments, "aoa");
    w->density = sal_argument_bool(w->arguments, "lpd");
    if (w->density && !w->applicability)
        return sal_fail(w->ctx, SAL_STATUS_ARGUMENT, "lpd counts training samples within the threshold of the area of applicability; retrieve with aoa true or with lpd false");
    if (w->applicability && !w->model->applicability) {
        if (sal_argument_given(w->arguments, "aoa") || w->density)
            return sal_fail(w->ctx, SAL_STATUS_DATA, "model \"%s\", written by Salina %s, does not say where it is applicable; train it again with applicability covariates or embedding, or retrieve with aoa false%s", w->model->name,
                            w->model->version, w->density ? " and lpd false" : "");
        sal_warn(w->ctx, "model \"%s\" does not say where it is applicable, so the map has no band di; train it again to get one", w->model->name);
        w->applicability = false;
    }
    w->bands = sal_map_bands(w->applicability, w->density);
    return SAL_STATUS_OK;
}

static sal_status open_inputs(work *w)
{
    sal_status status = SAL_STATUS_OK;
    const char *path = sal_argument_text(w->arguments, "model");
    SAL_TRY(sal_model_file_load(w->ctx, path, &w->model));
    sal_progress_push(w->ctx, 0, 0);
    status = sal_file_sha256(w->ctx, path, w->hash);
    sal_progress_pop(w->ctx);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(choose_centre(w));
    SAL_TRY(choose_applicability(w));
    SAL_TRY(sal_stack_open(w->ctx, sal_argument_text(w->arguments, "stack"), &w->stack));
    SAL_TRY(sal_model_file_check_stack(w->model, w->stack));
    w->scheme = w->model->scheme[0] ? sal_class_scheme_find(w->model->scheme) : NULL;
    if (w->model->has_conformal)
        SAL_TRY(sal_conformal_rule_at(w->ctx, &w->model->conformal, sal_argument_f64(w->arguments, "interval"), &w->rule));
    else
        sal_warn(w->ctx, "model \"%s\" has no calibrated intervals; lower and upper are the quantiles of its network, whatever interval says", w->model->name);
    const sal_stream_request request = { .stack = w->stack, .model = w->model, .rule = w->model->has_conformal ? &w->rule : NULL, .scheme = w->scheme,
                                         .applicability = w->applicability, .density = w->density, .mean_factor = w->mean_factor, .rows = sal_argument_i64(w->arguments, "block_size"), .max_memory = sal_argument_i64(w->arguments, "max_memory") };
    SAL_TRY(sal_stream_new(w->ctx, &request, &w->stream));
done:
    return status;
}

/* ---- outputs ---- */

static sal_status open_styles(work *w)
{
    sal_status status = SAL_STATUS_OK;
    const char *output = sal_argument_text(w->arguments, "output"), *slash = strrchr(output, '/'), *dot = strrchr(output, '.');
    int stem = dot && (!slash || dot > slash + 1) && dot != output ? (int)(dot - output) : (int)strlen(output);
    SAL_TRY(sal_text_format(w->ctx, &w->style_path, "%.*s.qml", stem, output));
    SAL_TRY(sal_output_new(w->ctx, w->style_path, &w->style));
    if (!w->applicability) return SAL_STATUS_OK;
    SAL_TRY(sal_text_format(w->ctx, &w->index_path, "%.*s_di.qml", stem, output));
    SAL_TRY(sal_output_new(w->ctx, w->index_path, &w->index_style));
done:
    return status;
}

static sal_status open_writer(work *w)
{
    enum { ITEMS = 14 };
    sal_status status = SAL_STATUS_OK;
    char *items[ITEMS + 1] = { 0 }, interval[32], threshold[32] = "none", centre[96] = "median";
    const char *unit = w->model->unit[0] ? w->model->unit : NULL;
    sal_band_spec bands[SAL_MAP_BANDS_MAX] = { { "salinity", unit, 1, 0 }, { "lower", unit, 1, 0 }, { "upper", unit, 1, 0 }, { "di", NULL, 1, 0 }, { "lpd", NULL, 1, 0 } };
    bands[w->bands - 1] = (sal_band_spec){ "quality", NULL, 1, 0 };
    if (w->applicability) snprintf(threshold, sizeof threshold, "%.6g", w->model->applicability->threshold);
    static const char *const cog[] = { "FORMAT=COG", NULL };
    snprintf(interval, sizeof interval, w->model->has_conformal ? "%.4g" : "not calibrated", sal_argument_f64(w->arguments, "interval"));
    if (w->mean_factor > 0) snprintf(centre, sizeof centre, "mean (%s, factor %.6g)", strcmp(w->model->transform, "log1p") ? "no transform" : "ratio estimator on log(1 + value)", w->mean_factor);
    const char *const texts[ITEMS][2] = {
        { "MODEL", w->model->name }, { "MODEL_SHA256", w->hash }, { "SYSTEM", w->model->system }, { "TARGET", w->model->target }, { "UNIT", w->model->unit },
        { "CENTRE", centre }, { "INTERVAL", interval }, { "SCHEME", w->model->scheme }, { "STACK", sal_stack_path(w->stack) }, { "SENSOR", sal_stack_sensor(w->stack) },
        { "DATE", sal_stack_date(w->stack) }, { "VERSION", sal_version() }, { "DI_THRESHOLD", threshold },
        { "QUALITY", "0 nothing to remark, or a sum: 1 the window reaches beyond the raster, 2 values are missing inside the window or among the indices, "
                     "4 a covariate of the pixel lies outside the range of the training samples, 8 the pixel lies outside the area of applicability (di above DI_THRESHOLD)" },
    };
    for (int32_t k = 0; k < ITEMS; k++) SAL_TRY(sal_text_format(w->ctx, &items[k], "%s=%s", texts[k][0], texts[k][1]));
    const sal_raster_spec spec = { .grid = sal_stack_grid(w->stack), .type = SAL_RASTER_FLOAT32, .bands = bands, .band_count = w->bands, .nodata = NAN,
                                   .metadata = (const char *const *)items, .overviews = true,
                                   .options = strcmp(sal_argument_text(w->arguments, "format"), "cog") == 0 ? cog : NULL };
    SAL_TRY(sal_raster_writer_new(w->ctx, sal_argument_text(w->arguments, "output"), &spec, &w->writer));
    SAL_TRY(sal_allocate(w->ctx, (int64_t)WINDOW_ROWS * WINDOW_COLUMNS * w->bands, sizeof(float), &w->window));
done:
    for (int32_t k = 0; k < ITEMS; k++) sal_release(w->ctx, items[k]);
    return status;
}

/* Windows of whole blocks of the file, with a look at the progress between them. */
static sal_status take_rows(void *user, int64_t row, int64_t rows, const float *values)
{
    work *w = user;
    sal_status status = SAL_STATUS_OK;
    int64_t width = sal_stack_grid(w->stack)->columns;
    for (int64_t column = 0; column < width; column += WINDOW_COLUMNS) {
        int64_t columns = width - column < WINDOW_COLUMNS ? width - column : WINDOW_COLUMNS;
        for (int64_t r = 0; r < rows; r++)
            memcpy(w->window + r * columns * w->bands, values + (r * width + column) * w->bands, (size_t)(columns * w->bands) * sizeof(float));
        SAL_TRY(sal_raster_writer_write(w->writer, column, row, columns, rows, w->window));
        SAL_TRY(sal_progress(w->ctx, 0, NULL));
    }
done:
    return status;
}

static sal_status write_style(work *w)
{
    const char *path = sal_output_path(w->style);
    const sal_class_scheme *s = w->scheme;
    double upper[SAL_CLASS_MAX];
    uint8_t colours[3 * SAL_CLASS_MAX];
    char labels[SAL_CLASS_MAX][160], limits[64];
    const char *list[SAL_CLASS_MAX];
    if (!s) return sal_style_write_ramp(w->ctx, path, 1, w->figures.minimum, w->figures.maximum, w->model->unit);
    for (int32_t k = 0; k < s->count; k++) {
        unsigned red = 0, green = 0, blue = 0;
        sscanf(s->colours[k], "#%2x%2x%2x", &red, &green, &blue);
        colours[3 * k] = (uint8_t)red, colours[3 * k + 1] = (uint8_t)green, colours[3 * k + 2] = (uint8_t)blue;
        upper[k] = k + 1 < s->count ? s->breaks[k] : INFINITY;
        sal_class_limits_text(s, k, limits);
        snprintf(labels[k], sizeof labels[k], "%s (%s %s)", s->names[k], limits, w->model->unit);
        list[k] = labels[k];
    }
    return sal_style_write_classes(w->ctx, path, 1, s->count, upper, colours, list);
}

/* ---- results ---- */

static sal_status add_classes(work *w, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    double pixel = sal_stack_grid(w->stack)->pixel, hectares = pixel * pixel / 1e4;
    char limits[64];
    json_object *list = json_object_new_array();
    for (int32_t k = 0; k < w->scheme->count; k++) {
        json_object *one = json_object_new_object();
        json_object_array_add(list, one);
        sal_class_limits_text(w->scheme, k, limits);
        SAL_TRY(sal_json_add_text(w->ctx, one, "name", w->scheme->names[k]));
        SAL_TRY(sal_json_add_text(w->ctx, one, "limits", limits));
        SAL_TRY(sal_json_add_f64(w->ctx, one, "hectares", (double)w->figures.classes[k] * hectares));
    }
    SAL_TRY(sal_json_add_text(w->ctx, result, "scheme", w->scheme->id));
    SAL_TRY(sal_json_add(w->ctx, result, "classes", json_object_get(list)));
done:
    json_object_put(list);
    return status;
}

/* Layers that are shown beside the output: another band of the same file with a style of its own. */
static sal_status add_views(work *w, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    json_object *list = json_object_new_array(), *one = json_object_new_object();
    json_object_array_add(list, one);
    SAL_TRY(sal_json_add_text(w->ctx, one, "of", "output"));
    SAL_TRY(sal_json_add_text(w->ctx, one, "band", "di"));
    SAL_TRY(sal_json_add_text(w->ctx, one, "style", w->index_path));
    SAL_TRY(sal_json_add(w->ctx, result, "views", json_object_get(list)));
done:
    json_object_put(list);
    return status;
}

static sal_status add_results(work *w, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    const sal_stream_figures *f = &w->figures;
    double valid = f->valid ? (double)f->valid : NAN, megapixels = 1e-6 * (double)f->pixels;
    const struct {
        const char *key;
        double value;
    } numbers[] = { { "minimum", f->minimum }, { "maximum", f->maximum }, { "mean", f->mean }, { "share_edge", (double)f->edge / valid },
                    { "share_missing", (double)f->missing / valid }, { "share_out_of_range", (double)f->range / valid },
                    { "share_outside_aoa", w->applicability ? (double)f->outside / valid : NAN }, { "di_threshold", w->applicability ? w->model->applicability->threshold : NAN }, { "mean_local_point_density", f->density }, { "share_without_flag", (double)f->clean / valid },
                    { "megapixels_per_second", megapixels / w->seconds }, { "seconds_reading", f->seconds_reading }, { "seconds_computing", f->seconds_computing },
                    { "seconds_writing", f->seconds_writing }, { "interval", w->model->has_conformal ? w->rule.coverage : NAN } };
    SAL_TRY(sal_json_add_text(w->ctx, result, "output", sal_argument_text(w->arguments, "output")));
    SAL_TRY(sal_json_add_text(w->ctx, result, "style", w->style_path));
    SAL_TRY(sal_json_add_text(w->ctx, result, "unit", w->model->unit));
    SAL_TRY(sal_json_add_text(w->ctx, result, "centre", sal_argument_text(w->arguments, "centre")));
    SAL_TRY(sal_json_add_i64(w->ctx, result, "width", sal_stack_grid(w->stack)->columns));
    SAL_TRY(sal_json_add_i64(w->ctx, result, "height", sal_stack_grid(w->stack)->rows));
    SAL_TRY(sal_json_add_i64(w->ctx, result, "pixels", f->pixels));
    SAL_TRY(sal_json_add_i64(w->ctx, result, "valid_pixels", f->valid));
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) SAL_TRY(sal_json_add_f64(w->ctx, result, numbers[k].key, numbers[k].value));
    SAL_TRY(sal_json_add_i64(w->ctx, result, "memory_bytes", f->bytes));
    SAL_TRY(sal_json_add_i64(w->ctx, result, "workers", f->workers));
    SAL_TRY(sal_json_add_i64(w->ctx, result, "rows_at_a_time", f->rows));
    if (w->scheme) SAL_TRY(add_classes(w, result));
    if (w->index_path) SAL_TRY(add_views(w, result));
done:
    return status;
}

static void log_work(work *w)
{
    json_object *arguments = json_object_object_get(w->model->provenance, "arguments"), *seed = arguments ? json_object_object_get(arguments, "seed") : NULL;
    const sal_stream_figures *f = &w->figures;
    sal_log(w->ctx, "Salina %s, %s", sal_version(), sal_build_json());
    sal_log(w->ctx, "model \"%s\" (%s, %lld network%s, seed %s, written by Salina %s)", w->model->name, w->model->system, (long long)w->model->members,
            w->model->members > 1 ? "s" : "", seed ? json_object_get_string(seed) : "not stated", w->model->version);
    sal_log(w->ctx, "%.3f megapixels in %.2f s (%.3f a second) with %d thread%s, %lld rows at a time, %lld MiB; reading %.2f s, computing %.2f s, writing %.2f s",
            1e-6 * (double)f->pixels, w->seconds, 1e-6 * (double)f->pixels / w->seconds, (int)f->workers, f->workers > 1 ? "s" : "", (long long)f->rows,
            (long long)(f->bytes >> 20), f->seconds_reading, f->seconds_computing, f->seconds_writing);
    if (!f->valid) sal_warn(w->ctx, "stack \"%s\" has no pixel with all bands; the map is empty", sal_stack_path(w->stack));
    else if (f->outside * 2 > f->valid)
        sal_warn(w->ctx, "%.0f %% of the map lies outside the area of applicability (quality flag 8); the model does not know such ground", 100.0 * (double)f->outside / (double)f->valid);
    else if (f->range * 2 > f->valid)
        sal_warn(w->ctx, "%.0f %% of the map lies outside the range of the training samples (quality flag 4); do not trust it there", 100.0 * (double)f->range / (double)f->valid);
}

static sal_status finish(work *w)
{
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(write_style(w));
    if (w->index_style) SAL_TRY(sal_style_write_index(w->ctx, sal_output_path(w->index_style), SAL_MAP_DI + 1, w->model->applicability->threshold));
    sal_progress_push(w->ctx, 0.9, 1);
    status = sal_raster_writer_commit(w->writer);
    sal_progress_pop(w->ctx);
    if (status != SAL_STATUS_OK) return status;
    status = sal_output_commit(w->style);
    if (status == SAL_STATUS_OK && w->index_style) {
        status = sal_output_commit(w->index_style);
        if (status != SAL_STATUS_OK) remove(w->style_path);
    }
    if (status != SAL_STATUS_OK) remove(sal_argument_text(w->arguments, "output"));
done:
    return status;
}

static sal_status run(sal_context *ctx, const sal_arguments *arguments, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    work w = { .ctx = ctx, .arguments = arguments };
    double begun = sal_clock();
    SAL_TRY(sal_progress(ctx, 0, "checking model and stack"));
    SAL_TRY(open_inputs(&w));
    SAL_TRY(open_styles(&w));
    SAL_TRY(open_writer(&w));
    SAL_TRY(sal_progress(ctx, 0, "mapping %lld x %lld pixels", (long long)sal_stack_grid(w.stack)->columns, (long long)sal_stack_grid(w.stack)->rows));
    sal_progress_push(ctx, 0, 0.9);
    status = sal_stream_run(w.stream, take_rows, &w);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    w.figures = *sal_stream_result(w.stream);
    sal_stream_free(w.stream); /* overviews need memory too */
    w.stream = NULL;
    SAL_TRY(finish(&w));
    w.seconds = sal_clock() - begun;
    SAL_TRY(add_results(&w, result));
    log_work(&w);
done:
    sal_raster_writer_free(w.writer);
    sal_output_free(w.style);
    sal_output_free(w.index_style);
    sal_stream_free(w.stream);
    sal_stack_free(w.stack);
    sal_model_file_free(w.model);
    sal_release(ctx, w.window);
    sal_release(ctx, w.style_path);
    sal_release(ctx, w.index_path);
    return status;
}

const sal_operation sal_operation_retrieve = {
    .id = "retrieve",
    .title = "Retrieve salinity",
    .summary = "Maps a covariate stack with a trained model: salinity, its interval and the quality of every pixel.",
    .help = "Give a covariate stack and a model. Covariates are found in the stack by id; a missing band, another sensor, another pixel size or unit is refused, "
            "because the map would look right and be wrong.\n\n"
            "Bands. salinity is the centre of the distribution in the unit of the model. A model of log(1 + value) gives a centre near the median, which lies below the mean "
            "of a skewed variable; centre mean multiplies 1 + value by the ratio of observed to predicted that training found on samples it had not seen (Snowdon 1991), "
            "one number for the whole map. lower and upper bound the prediction interval with the chosen coverage, calibrated on out-of-fold "
            "predictions by the rule the model was trained with (intervals of Train model): of places like the training samples, that share lies inside; both limits are the same for either centre, and give way only where the mean would leave them. quality is a sum of flags: 1 the window "
            "reaches beyond the raster, where it sees the mirror image of the inside, 2 values are missing inside the window or among the indices and were replaced by the mean of the training samples, 4 a covariate "
            "of the pixel lies outside the range of the training samples, where the map extrapolates, 8 the pixel lies outside the area of applicability; 0 is none of these. Pixels without spectral bands are nodata in "
            "every band.\n\n"
            "The band di is the dissimilarity index (Meyer and Pebesma 2021): the distance of the covariates at the pixel, scaled and weighted by their importance, to the nearest "
            "training sample, over the mean distance between training samples. Beyond the threshold that training found on samples that were left out, the scores of the model "
            "say nothing about the place: it lies outside the area of applicability. A missing covariate counts as the mean of the training samples, as it does for the networks. Where the model was trained with "
            "applicability embedding, the last hidden layer of its networks stands for the covariates. "
            "The band lpd, if asked for, is the local point density (Schumacher et al. 2025): how many training samples lie nearer than that threshold. 0 is outside, or just at its edge; 1 hangs "
            "on a single sample; where it is large, the model has learned from many places like this one.\n\n"
            "With a network, every pixel gets exactly what the network gives for the window around it (to 1e-5), but neighbouring windows share their convolutions, which makes it "
            "hundreds of times faster. A baseline (random forest, gradient boosting, support vectors, partial least squares, ridge) sees the pixel alone. The map does not depend on threads, memory or the rows read at a time.\n\n"
            "A style with the classes of the model, or a ramp of colours where it has none, is written beside the map and used by QGIS when it is loaded. A second style, its name "
            "ending in _di, shows the band di: blue up to the threshold, red beyond it; QGIS loads it as a layer of its own below the map.",
    .tags = "salinity,EC,ECe,soil,map,predict,prediction,inference,interval,uncertainty,SS-SoilNet,random forest,area of applicability,retrieval",
    .params = params,
    .results = results,
    .run = run,
};
