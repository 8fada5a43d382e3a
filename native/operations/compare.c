/* compare.c - Compare models: all systems, ablations and baselines on the same samples and the same folds; one table, no model.
 *
 * Its table and its course; compare_run.c trains, compare_bounds.c and compare_pairs.c bound and compare, compare_write.c and compare_figures.c write.
 */
#include "compare_parts.h"

static const sal_param params[] = {
    {.key = "stacks", .type = SAL_PARAM_RASTER, .flags = SAL_REQUIRED | SAL_LIST, .label = "Covariate stacks",
     .help = "One stack for each campaign, made with Build covariate stack."},
    {.key = "samples", .type = SAL_PARAM_VECTOR, .flags = SAL_REQUIRED, .label = "Field samples",
     .help = "Point layer with the measured salinity; other coordinate systems are transformed."},
    {.key = "target", .type = SAL_PARAM_FIELD, .flags = SAL_REQUIRED, .parent = "samples", .label = "Target field",
     .help = "Field with the measured value; not negative. Every system learns log(1 + value)."},
    {.key = "unit", .type = SAL_PARAM_TEXT, .flags = SAL_REQUIRED, .label = "Unit of the target", .help = "Unit as measured, such as g/kg or dS/m. Nothing is converted."},
    {.key = "date_field", .type = SAL_PARAM_FIELD, .parent = "samples", .label = "Date or campaign field",
     .help = "Date of sampling, or the name of the campaign; needed when there is more than one stack."},
    {.key = "systems", .type = SAL_PARAM_TEXT, .default_value = "random_forest svr index spec_index ss_stack ss_soilnet", .flags = SAL_LIST, .label = "Systems",
     .help = "Any of ss_soilnet, ss_stack, spec_index, index, random_forest, gradient_boosting, svr, plsr, ridge; or all."},
    {.key = "window", .type = SAL_PARAM_I64, .default_value = "65", .bounds = {17, 129}, .label = "Window", .unit = "pixels",
     .help = "Side of the window of SS-SoilNet: 17, 33, 49, 65 ... pixels (a multiple of 16 plus 1). Folds with a buffer keep it for all systems."},
#include "validation.def"
    {.key = "seeds", .type = SAL_PARAM_I64, .default_value = "3", .bounds = {1, 20}, .label = "Seeds",
     .help = "Trainings of each system with a random part, which differ in their seed only; their spread says what is luck."},
    {.key = "seed", .type = SAL_PARAM_I64, .default_value = "1", .bounds = {0, 1e9}, .flags = SAL_ADVANCED, .label = "Seed", .help = "First seed, and that of the folds."},
    {.key = "epochs", .type = SAL_PARAM_I64, .default_value = "45", .bounds = {1, 1000}, .label = "Epochs", .help = "Passes of the networks over the training samples."},
    {.key = "output", .type = SAL_PARAM_FILE_OUT, .flags = SAL_REQUIRED, .extension = "csv", .label = "Table", .help = "Scores with their spread and bounds and the differences to the best system, a row for each system."},
    {.key = "report", .type = SAL_PARAM_FILE_OUT, .extension = "html|pdf", .label = "Report", .help = "The table, the differences, both as figures, and what they say about the ranking, on one page."},
    {.key = NULL}};

static const sal_result_row results[] = {
    {"samples", true, "Samples used"}, {"best", false, "Best system"}, {"best_r2", true, "R2 of the best system"}, {"ranking", false, "Ranking of Zhang et al. (2026)"}, {NULL, false, NULL}};

enum { TABLE, REPORT, OUTPUTS };

static sal_status read(sal__compare_work *w)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t k = 0; k < w->count; k++) SAL_TRY(sal__train_window(&w->train, w->systems[k].id));
    SAL_TRY(sal__train_read(&w->train));
done:
    return status;
}

static sal_status add_system(sal__compare_work *w, const char *word)
{
    const sal_system *network = sal_system_find(word);
    const sal_baseline_method *method = sal_baseline_method_find(word);
    if (!network && !method)
        return sal_fail(w->train.ctx, SAL_STATUS_ARGUMENT, "there is no system \"%s\"; use ss_soilnet, ss_stack, spec_index, index, random_forest, gradient_boosting, svr, plsr, ridge or all", word);
    const char *id = network ? network->id : sal_baseline_method_id(method);
    for (int64_t k = 0; k < w->count; k++)
        if (w->systems[k].id == id) return SAL_STATUS_OK;
    w->systems[w->count++] = (sal__compared){.id = id, .title = network ? network->title : sal_baseline_method_title(method)};
    return sal_text_format(w->train.ctx, &w->systems[w->count - 1].checkpoint, "%s.%s.checkpoint", sal_argument_text(w->train.arguments, "output"), id);
}

static sal_status choose(sal__compare_work *w)
{
    sal_status status = SAL_STATUS_OK;
    char word[64];
    for (int64_t entry = 0, at = 0; sal__next_word(w->train.arguments, "systems", &entry, &at, word);) {
        bool all = word[0] == 'a' && word[1] == 'l' && word[2] == 'l' && !word[3];
        for (int64_t k = 0; all && k < sal_baseline_method_count(); k++) SAL_TRY(add_system(w, sal_baseline_method_id(sal_baseline_method_at(k))));
        for (int64_t k = sal_system_count(); all && k > 0; k--) SAL_TRY(add_system(w, sal_system_at(k - 1)->id));
        if (!all) SAL_TRY(add_system(w, word));
    }
    if (w->count < 2) return sal_fail(w->train.ctx, SAL_STATUS_ARGUMENT, "%lld system is nothing to compare; name at least two", (long long)w->count);
done:
    return status;
}

static sal_status run(sal_context *ctx, const sal_arguments *arguments, json_object *result)
{
    static const char *const keys[OUTPUTS] = {"output", "report"};
    sal_status status = SAL_STATUS_OK;
    sal_output *outputs[OUTPUTS] = {0};
    sal__compare_work *w = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *w, &w));
    w->train.ctx = ctx;
    w->train.arguments = arguments;
    SAL_TRY(choose(w));
    for (int32_t k = 0; k < OUTPUTS; k++)
        if (sal_argument_given(arguments, keys[k])) SAL_TRY(sal_output_new(ctx, sal_argument_text(arguments, keys[k]), &outputs[k]));
    if (outputs[REPORT]) SAL_TRY(sal_report_check(ctx, sal_argument_text(arguments, "report"))); /* before hours of training */
    sal_progress_push(ctx, 0, 0.03);
    status = read(w);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    sal_progress_push(ctx, 0.03, 0.98);
    status = sal__compare_run(w);
    sal_progress_pop(ctx);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(sal_progress(ctx, 0.98, "differences and report"));
    SAL_TRY(sal__compare_bounds(w));
    SAL_TRY(sal__compare_pairs(w));
    SAL_TRY(sal__compare_write_table(w, sal_output_path(outputs[TABLE])));
    if (outputs[REPORT]) SAL_TRY(sal__compare_write_report(w, sal_output_path(outputs[REPORT])));
    SAL_TRY(sal__compare_add_results(w, result));
    for (int32_t k = 0; k < OUTPUTS; k++)
        if (outputs[k]) SAL_TRY(sal_output_settle(outputs[k]));
    SAL_TRY(sal_progress(ctx, 1, NULL)); /* the last moment to cancel */
    for (int32_t k = 0; k < OUTPUTS; k++)
        if (outputs[k]) SAL_TRY(sal_output_commit(outputs[k]));
done:
    /* Checkpoints outlive any failure; a user who cancels wants no files. */
    if (w && (status == SAL_STATUS_OK || status == SAL_STATUS_CANCELLED)) sal__compare_forget(w);
    if (w) sal__compare_close(w);
    sal_release(ctx, w);
    for (int32_t k = 0; k < OUTPUTS; k++) sal_output_free(outputs[k]);
    return status;
}

const sal_operation sal_operation_compare = {
    .id = "compare",
    .title = "Compare models",
    .summary = "Trains several systems on the same samples and folds and compares their skill, with spread over seeds and paired differences.",
    .help = "Takes stacks and samples as Train model does, splits the samples once, and trains every system anew in every fold and with every seed. Scores are computed from the pooled "
            "out-of-fold predictions of each seed; the table shows their mean and standard deviation, never the best seed. Random forest, gradient boosting, support vectors, partial least squares and "
            "ridge regression see what SS-Stack sees and are tuned anew inside every fold; support vectors, partial least squares and ridge have no random part and run once.\n\n"
            "Validation is that of Train model, with the same folds for all systems: random folds are an optimistic reference, blocks ask for ground without samples, knndm for the map as a whole, campaign for another date.\n\n"
            "R2 and RMSE have 95 % bounds, and systems are compared in pairs on the same samples: the difference in R2 and RMSE with a 95 % interval. All come from one bootstrap of spatial blocks (2,000 draws; of places where there are few blocks), "
            "so that neighbouring samples, which resemble each other, count as one. A difference whose interval holds 0 may be chance.\n\n"
            "The report says whether the ranking of Zhang et al. (2026) holds here: SS-SoilNet before SS-Stack before Spec-Index before Index, and before random forest and support vectors.\n\n"
            "Nothing is kept but the table and the report: train the system of your choice with Train model. A comparison that was killed, or whose table could not be written, goes on when it is started "
            "again with the same inputs, from a checkpoint for each system beside the table, and gives the same bytes.",
    .tags = "benchmark,baseline,ablation,random forest,SVR,PLSR,ridge,XGBoost,cross-validation,significance",
    .params = params,
    .results = results,
    .run = run,
};
