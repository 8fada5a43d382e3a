/* gradient_boosting.c - regression trees that each learn what those before leave over (Friedman 2001, doi:10.1214/aos/1013203451), by XGBoost
 * (Chen and Guestrin 2016, doi:10.1145/2939672.2939785): squared error, shrinkage 0.05, four fifths of the samples and covariates for each tree, L2 of 1 on the leaves;
 * depth and rounds are tuned in inner folds, which stands for early stopping.
 */
#include "baseline_private.h"
#include "boost.h"

enum { DEPTH = 0, ROUNDS = 1 };

static int32_t grid(int64_t n, int64_t p, sal_baseline_settings *out, int32_t *middle)
{
    const double depths[3] = {2, 4, 6}, rounds[2] = {120, 350};
    for (int32_t i = 0; i < 6; i++) out[i] = (sal_baseline_settings){{depths[i / 2], rounds[i % 2]}};
    *middle = 3;
    return 6;
}

static sal_status refuse(sal_context *ctx, const sal_baseline_settings *s, int64_t p)
{
    const sal_baseline_method *m = &sal_baseline_gradient_boosting;
    if (!(s->value[DEPTH] >= 1 && s->value[DEPTH] <= 24)) return sal__refuse_setting(ctx, m, DEPTH, s->value[DEPTH], "1 to 24");
    if (!(s->value[ROUNDS] >= 1 && s->value[ROUNDS] <= 10000)) return sal__refuse_setting(ctx, m, ROUNDS, s->value[ROUNDS], "1 to 10000");
    return SAL_STATUS_OK;
}

static sal_status fit(const sal__fitting *f, sal_baseline *out)
{
    sal_status status = SAL_STATUS_OK;
    float *target = NULL;
    const sal__boost boost = {.rounds = (int64_t)f->settings.value[ROUNDS], .trees = 1, .depth = f->settings.value[DEPTH], .rate = 0.05, .subsample = 0.8, .tree_columns = 0.8,
                              .node_columns = 1, .least = 3, .lambda = 1, .bins = 256, .seed = (uint32_t)sal_random_bits(f->seed, sal_random_stream("boosting", 0, 0), 0)};
    SAL_TRY(sal_allocate(f->ctx, f->rows.n, sizeof *target, &target));
    out->intercept = sal__mean(f->rows.n, f->rows.y);
    for (int64_t i = 0; i < f->rows.n; i++) target[i] = (float)(f->rows.y[i] - out->intercept);
    SAL_TRY(sal__boost_fit(out->ctx, f->look, &boost, f->rows.n, f->rows.p, f->rows.x, target, &out->trees));
done:
    sal_release(f->ctx, target);
    return status;
}

const sal_baseline_method sal_baseline_gradient_boosting = {
    .id = "gradient_boosting", .title = "Gradient boosting", .help = "boosted trees by XGBoost, depth and number of trees tuned in inner folds",
    .settings = {"depth", "trees"}, .form = SAL__FORM_TREES, .random = true, .check = sal__boost_check, .grid = grid, .refuse = refuse, .fit = fit};
