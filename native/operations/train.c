/* train.c - Train model: stacks and samples in; model file, report and out-of-fold predictions out.
 *
 * Everything is checked before the first network is built. Scores and intervals come from pooled out-of-fold predictions only.
 * Here its table and its course; inputs, scores and files are in train_inputs.c, train_scores.c and train_write.c.
 */
#include "train_parts.h"

#include <stdio.h>
#include <string.h>

static const sal_param params[] = {
    {.key = "stacks", .type = SAL_PARAM_RASTER, .flags = SAL_REQUIRED | SAL_LIST, .label = "Covariate stacks",
     .help = "One stack for each campaign, made with Build covariate stack."},
    {.key = "samples", .type = SAL_PARAM_VECTOR, .flags = SAL_REQUIRED, .label = "Field samples",
     .help = "Point layer with the measured salinity; other coordinate systems are transformed."},
    {.key = "target", .type = SAL_PARAM_FIELD, .flags = SAL_REQUIRED, .parent = "samples", .label = "Target field",
     .help = "Field with the measured value; not negative."},
    {.key = "unit", .type = SAL_PARAM_TEXT, .flags = SAL_REQUIRED, .label = "Unit of the target",
     .help = "Unit as measured, such as g/kg or dS/m. Nothing is converted; the unit goes with the model and its maps."},
    {.key = "extract", .type = SAL_PARAM_TEXT, .flags = SAL_ADVANCED, .label = "Extract",
     .help = "How it was measured, such as ECe, EC1:5 or total salt; kept in the model."},
    {.key = "depth", .type = SAL_PARAM_TEXT, .flags = SAL_ADVANCED, .label = "Depth", .help = "Depth of the samples, such as 0-20 cm; kept in the model."},
    {.key = "date_field", .type = SAL_PARAM_FIELD, .parent = "samples", .label = "Date or campaign field",
     .help = "Date of sampling, or the name of the campaign; needed when there is more than one stack."},
    {.key = "system", .type = SAL_PARAM_CHOICE, .default_value = "ss_soilnet", .choices = "ss_soilnet|ss_stack|spec_index|index|random_forest|gradient_boosting|svr|plsr|ridge",
     .label = "System",
     .help = "ss_soilnet: SS-SoilNet with a window of the environment; ss_stack, spec_index and index are its ablations without window, without environment and without bands. "
             "random_forest, gradient_boosting, svr (support vectors), plsr (partial least squares) and ridge see what ss_stack sees and are tuned inside every fold."},
    {.key = "window", .type = SAL_PARAM_I64, .default_value = "65", .bounds = {17, 129}, .label = "Window", .unit = "pixels",
     .help = "Side of the window of SS-SoilNet: 17, 33, 49, 65 ... pixels (a multiple of 16 plus 1). Beyond the edge of the stack it sees the mirror image of the inside."},
#include "validation.def"
    {.key = "weighting", .type = SAL_PARAM_CHOICE, .default_value = "none", .choices = "none|sampling_intensity", .flags = SAL_ADVANCED, .label = "Weighting of the scores",
     .help = "sampling_intensity: adds scores in which clustered samples count less, so that every hectare of the map counts alike (de Bruin et al. 2022)."},
    {.key = "seeds", .type = SAL_PARAM_I64, .default_value = "1", .bounds = {1, 20}, .label = "Networks in the ensemble",
     .help = "Networks that differ in their seed and are averaged; 2 or 3 make maps steadier and take as many times longer."},
    {.key = "seed", .type = SAL_PARAM_I64, .default_value = "1", .bounds = {0, 1e9}, .flags = SAL_ADVANCED, .label = "Seed", .help = "Start of all random numbers: the same seed gives the same model."},
    {.key = "epochs", .type = SAL_PARAM_I64, .default_value = "45", .bounds = {1, 1000}, .label = "Epochs", .help = "Passes over the training samples."},
    {.key = "loss", .type = SAL_PARAM_CHOICE, .default_value = "quantile", .choices = "quantile|huber", .flags = SAL_ADVANCED, .label = "Loss",
     .help = "quantile: a centre (Huber loss) between a lower and an upper quantile, which give intervals as wide as the place asks; huber: the centre alone, intervals of one width."},
    {.key = "transform", .type = SAL_PARAM_CHOICE, .default_value = "log1p", .choices = "log1p|none", .flags = SAL_ADVANCED, .label = "Transform of the target",
     .help = "log1p learns log(1 + value), right for skewed salinity; the map then shows the median, below the mean of a skewed variable, unless it is retrieved with centre mean."},
    {.key = "batch", .type = SAL_PARAM_I64, .default_value = "32", .bounds = {2, 1024}, .flags = SAL_ADVANCED, .label = "Batch size", .help = "Samples per training step."},
    {.key = "learning_rate", .type = SAL_PARAM_F64, .default_value = "0.003", .bounds = {1e-6, 1}, .flags = SAL_ADVANCED, .label = "Learning rate", .help = "Largest step of AdamW; it falls along a cosine."},
    {.key = "weight_decay", .type = SAL_PARAM_F64, .default_value = "0.01", .bounds = {0, 10}, .flags = SAL_ADVANCED, .label = "Weight decay", .help = "Decoupled weight decay of AdamW."},
    {.key = "dropout", .type = SAL_PARAM_F64, .default_value = "0.25", .bounds = {0, 0.9}, .flags = SAL_ADVANCED, .label = "Dropout", .help = "Share of hidden units dropped while training."},
    {.key = "width", .type = SAL_PARAM_I64, .default_value = "16", .bounds = {8, 512}, .flags = SAL_ADVANCED, .label = "Width", .help = "Width of tokens and queries; a multiple of 4."},
    {.key = "scheme", .type = SAL_PARAM_TEXT, .flags = SAL_ADVANCED, .label = "Class scheme",
     .help = "Classes for scores and maps: china_salt_gkg, fao_ece_dsm, nrcs_ece_dsm; without it the first scheme for the unit, else quarters of the samples."},
    {.key = "intervals", .type = SAL_PARAM_CHOICE, .default_value = "classwise", .choices = SAL_INTERVALS_CHOICES, .flags = SAL_ADVANCED, .label = "Intervals",
     .help = "How prediction intervals are calibrated. classwise: conformalised quantiles, corrected by the samples of like measured value in windows no wider than a class, so that the rare saline class is covered as well; marginal: out-of-fold "
             "residuals of all samples, one width on the scale of learning, right on average but too narrow in saline soil; split: residuals of the largest fold alone; normalised: "
             "residuals over the predicted difficulty, which is the width of the quantiles or, for models without them, the mean residual at similar predictions."},
    {.key = "applicability", .type = SAL_PARAM_CHOICE, .default_value = "covariates", .choices = "covariates|embedding|none", .label = "Area of applicability",
     .help = "By what a place is told from the training samples. covariates: their values at the pixel, weighted by importance; embedding: the last hidden layer of the networks, what "
             "they make of bands, indices and window together; none: the model does not say where it is applicable, and maps have no band di. Baselines have no hidden layer."},
    {.key = "max_minutes", .type = SAL_PARAM_F64, .default_value = "0", .bounds = {0, 100000}, .flags = SAL_ADVANCED, .unit = "min", .label = "Time limit",
     .help = "Stops after this time and keeps a checkpoint beside the model, from which the same training goes on. 0: no limit."},
    {.key = "output", .type = SAL_PARAM_FILE_OUT, .flags = SAL_REQUIRED, .extension = "safetensors", .label = "Model", .help = "The trained model."},
    {.key = "report", .type = SAL_PARAM_FILE_OUT, .extension = "html|pdf", .label = "Report", .help = "Data, folds, scores, figures, model card and limits on one page; as PDF where the name ends in .pdf."},
    {.key = "predictions", .type = SAL_PARAM_VECTOR_OUT, .extension = "gpkg", .label = "Out-of-fold predictions",
     .help = "The samples with observed and predicted value, interval, fold and PIT, the share of the predictive distribution below the observed value."},
    {.key = NULL}};

static const sal_result_row results[] = {
    {"samples", true, "Samples used"}, {"r2", true, "R2 (1 - SSE/SST)"}, {"rmse", true, "RMSE"}, {"mae", true, "MAE"}, {"bias", true, "Bias"},
    {"log_r2", true, "R2 of log(1 + value)"}, {"coverage_90", true, "Coverage of 90 % intervals"}, {"samples_per_second", true, "Samples trained per second"},
    {NULL, false, NULL}};

const char *const sal__train_output_keys[SAL__TRAIN_OUTPUTS] = {"output", "report", "predictions"};

static sal_status run(sal_context *ctx, const sal_arguments *arguments, json_object *result)
{
    sal_status status = SAL_STATUS_OK;
    sal__train_work w = {.ctx = ctx, .arguments = arguments};
    sal_conformal conformal;
    sal_fit_options options;
    for (int32_t k = 0; k < SAL__TRAIN_OUTPUTS; k++) { /* a folder that takes no file is found before hours of training */
        if (sal_argument_given(arguments, sal__train_output_keys[k])) SAL_TRY(sal_output_new(ctx, sal_argument_text(arguments, sal__train_output_keys[k]), &w.outputs[k]));
    }
    if (w.outputs[SAL__TRAIN_REPORT]) SAL_TRY(sal_report_check(ctx, sal_argument_text(arguments, "report")));
    w.weighted = strcmp(sal_argument_text(arguments, "weighting"), "none") != 0;
    SAL_TRY(sal__train_window(&w, sal_argument_text(arguments, "system")));
    SAL_TRY(sal__train_choose_basis(&w));
    if (sal_argument_i64(arguments, "width") % 4) {
        status = sal_fail(ctx, SAL_STATUS_ARGUMENT, "width %lld is not a multiple of 4", (long long)sal_argument_i64(arguments, "width"));
        goto done;
    }
    sal_progress_push(ctx, 0, 0.05);
    status = sal__train_read(&w);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(sal__train_check_intervals(&w));
    SAL_TRY(sal__train_scheme(&w));
    sal__train_options(&w, &options);
    SAL_TRY(sal_text_format(ctx, &w.checkpoint, "%s.checkpoint", sal_argument_text(arguments, "output")));
    const sal_training_request request = {.dataset = w.dataset, .folds = w.folds, .fit = options, .members = sal_argument_i64(arguments, "seeds"), .importance = true, .embedding = w.basis == SAL__TRAIN_BASIS_EMBEDDING,
                                          .checkpoint = w.checkpoint, .seconds = 60 * sal_argument_f64(arguments, "max_minutes")};
    sal_progress_push(ctx, 0.05, 0.97);
    status = sal_training_run(ctx, &request, &w.training);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(sal_progress(ctx, 0.97, "scores, model and report"));
    SAL_TRY(sal__train_evaluate(&w, &options, &conformal));
    SAL_TRY(sal__train_evaluate_members(&w, &options));
    SAL_TRY(sal__train_reliability(&w, &options, &w.summary.reliability));
    SAL_TRY(sal__train_applicability(&w, &options));
    SAL_TRY(sal__train_write_model(&w, &options, &conformal));
    SAL_TRY(sal__train_write_predictions(&w));
    const sal_train_report_input input = {w.dataset, w.folds, w.training, &w.summary, w.lower, w.median, w.upper, w.stacks, w.stack_count, w.samples, &options, w.provenance};
    if (w.outputs[SAL__TRAIN_REPORT]) SAL_TRY(sal_train_report_write(ctx, arguments, &input, sal_output_path(w.outputs[SAL__TRAIN_REPORT])));
    SAL_TRY(sal__train_add_results(&w, result));
    SAL_TRY(sal__train_report_numbers(ctx, &input, result));
    for (int32_t k = 0; k < SAL__TRAIN_OUTPUTS; k++) {
        if (w.outputs[k]) SAL_TRY(sal_output_settle(w.outputs[k]));
    }
    SAL_TRY(sal_progress(ctx, 1, NULL)); /* the last moment to cancel */
    for (int32_t k = 0; k < SAL__TRAIN_OUTPUTS; k++) {
        if (w.outputs[k]) SAL_TRY(sal_output_commit(w.outputs[k]));
    }
done:
    /* A checkpoint outlives any failure, above all outputs that find the disk full after hours of training; a user who cancels wants no files. */
    if (w.checkpoint && (status == SAL_STATUS_OK || status == SAL_STATUS_CANCELLED)) remove(w.checkpoint);
    sal__train_close(&w);
    return status;
}

const sal_operation sal_operation_train = {
    .id = "train",
    .title = "Train model",
    .summary = "Trains SS-SoilNet, one of its ablations or a baseline such as random forest on field samples and covariate stacks, with honest validation.",
    .help = "Give one covariate stack for each campaign (Build covariate stack) and a point layer with the measured salinity. Every sample takes the stack of its "
            "campaign or of the nearest date.\n\n"
            "System. SS-SoilNet and its ablations are neural networks; random forest and gradient boosting (XGBoost), support vectors (LIBSVM), partial least squares and ridge regression are baselines. They see the "
            "bands, indices and environmental covariates of the pixel, without a window, are tuned on inner folds, and give files, reports and maps like those of the networks. What only a network has, such as epochs, "
            "is named in a warning where it was given for a baseline.\n\n"
            "Validation trains the whole system anew in every fold; scaling and tuning happen inside the fold, and scores are computed once from all out-of-fold "
            "predictions, with bounds by a bootstrap of whole blocks. Random folds are an optimistic reference: windows of neighbouring samples overlap. Use blocks to learn how "
            "good a map is on ground without samples, kmeans for another part of the area, knndm for this map as a whole, campaign for another date, campaign_location for another date on ground without samples; "
            "nndm and bloo leave places out one by one and train once for each. The report compares the distances between test and training "
            "with those between map and samples. The final model is then trained on all samples.\n\n"
            "Intervals come from conformalised quantiles (Romano et al. 2019), calibrated on the out-of-fold predictions of samples of like measured value, so that the rare saline class is "
            "covered as well as the common one: windows of samples slide over the measured values, no wider to either side than the class holds samples. Out-of-fold networks saw fewer samples than the final one, "
            "so that on the map intervals hold a little more than they promise: with five random folds about 91 in place of 90 % (three demo deltas); the parameter intervals has other rules, for comparison. Baselines, and networks with the loss huber, have no quantiles: their intervals come from out-of-fold errors "
            "alone, in the same windows. The report scores intervals and the whole predictive distribution that intervals of every level make: PICP, QCP, interval score, CRPS and PIT, overall and by class. "
            "The distribution is a straight line between 15 quantiles, 0.5 to 99.5 %, with nothing beyond them; CRPS is exact for that.\n\n"
            "Area of applicability: the model keeps its training samples scaled and weighted by the importance of the covariates (permuted on samples it has not seen), and the threshold of the "
            "dissimilarity index found on left-out samples (Meyer and Pebesma 2021); Retrieve salinity makes bands of them. With applicability embedding, the units of the last hidden layer of the final "
            "networks stand for the covariates, weighted by how much each moves the prediction; the threshold comes from the networks of the folds, which have not seen the samples they are tested on.\n\n"
            "The model is a .safetensors file with everything retrieval needs: covariates with their statistics, window, pixel size, sensor, unit, scores. A training "
            "that was killed, or whose outputs could not be written, goes on from its checkpoint when started again with the same inputs and gives the same bits; a baseline goes on with the next model of an ensemble or the next fold.",
    .tags = "salinity,EC,ECe,soil,neural network,deep learning,machine learning,regression,SS-SoilNet,random forest,XGBoost,SVR,PLSR,cross-validation,spatial,area of applicability",
    .params = params,
    .results = results,
    .run = run,
};
