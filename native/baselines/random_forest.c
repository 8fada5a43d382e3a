/* random_forest.c - bagged regression trees with covariates drawn at every node (Breiman 2001, doi:10.1023/A:1010933404324), by XGBoost.
 *
 * Where this departs from Breiman: a tree sees 63.2 % of the samples drawn without replacement, the expected share of different samples in a
 * bootstrap, not a bootstrap itself; splits lie at the borders of 64 quantile bins of a covariate, not at every value; leaves hold at least
 * 2 or 5 samples, chosen in the inner folds, and trees end at 24 levels. The forest is fitted in groups of trees with seeds of their own, whose
 * number never depends on that of threads.
 */
#include "baseline_private.h"
#include "boost.h"

enum { TREES = 500, ROUGH = 50, GROUP = 25, BINS = 64, SHARE = 0, LEAST = 1 };

static int32_t grid(int64_t n, int64_t p, sal_baseline_settings *out, int32_t *middle)
{
    const double shares[2] = {1.0 / 3, 2.0 / 3}, least[2] = {5, 2};
    for (int32_t i = 0; i < 4; i++) out[i] = (sal_baseline_settings){{shares[i % 2], least[i / 2]}};
    *middle = 1;
    return 4;
}

static sal_status refuse(sal_context *ctx, const sal_baseline_settings *s, int64_t p)
{
    const sal_baseline_method *m = &sal_baseline_random_forest;
    if (!(s->value[SHARE] > 0 && s->value[SHARE] <= 1)) return sal__refuse_setting(ctx, m, SHARE, s->value[SHARE], "above 0 and at most 1");
    if (!(s->value[LEAST] >= 1 && s->value[LEAST] <= 1e6)) return sal__refuse_setting(ctx, m, LEAST, s->value[LEAST], "at least 1");
    return SAL_STATUS_OK;
}

typedef struct forest {
    const sal__fitting *f;
    const float *target;
    sal_trees *groups[TREES / GROUP];
} forest;

static sal_status fit_group(sal_context *own, void *arg, int64_t i)
{
    forest *w = arg;
    const sal__fitting *f = w->f;
    const sal__boost boost = {.rounds = 1, .trees = GROUP, .depth = 24, .rate = 1, .subsample = 0.632, .tree_columns = 1, .node_columns = f->settings.value[SHARE],
                              .least = f->settings.value[LEAST], .lambda = 0, .bins = BINS, .seed = (uint32_t)sal_random_bits(f->seed, sal_random_stream("forest", 0, 0), (uint64_t)i)};
    return sal__boost_fit(own, f->look, &boost, f->rows.n, f->rows.p, f->rows.x, w->target, &w->groups[i]);
}

static sal_status fit(const sal__fitting *f, sal_baseline *out)
{
    sal_status status = SAL_STATUS_OK;
    sal__crew crew = {0};
    float *target = NULL;
    int64_t groups = (f->rough ? ROUGH : TREES) / GROUP;
    forest w = {.f = f};
    SAL_TRY(sal_allocate(f->ctx, f->rows.n, sizeof *target, &target));
    out->intercept = sal__mean(f->rows.n, f->rows.y);
    for (int64_t i = 0; i < f->rows.n; i++) target[i] = (float)(f->rows.y[i] - out->intercept);
    w.target = target;
    SAL_TRY(sal__crew_new(f->ctx, &crew));
    SAL_TRY(sal__crew_run(&crew, f->look, groups, fit_group, &w));
    SAL_TRY(sal_trees_join(out->ctx, w.groups, groups, 1.0f / (float)groups, &out->trees));
done:
    for (int64_t i = 0; i < groups; i++) sal_trees_free(w.groups[i]);
    sal__crew_free(&crew);
    sal_release(f->ctx, target);
    return status;
}

const sal_baseline_method sal_baseline_random_forest = {
    .id = "random_forest", .title = "Random forest", .help = "500 trees by XGBoost, share of covariates at a node and least leaf tuned in inner folds",
    .settings = {"node_share", "least_leaf"}, .form = SAL__FORM_TREES, .random = true, .check = sal__boost_check, .grid = grid, .refuse = refuse, .fit = fit};
