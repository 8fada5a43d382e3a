/* boost.c - XGBoost through its C interface, one thread, silent; its trees from their JSON (xgboost.readthedocs.io/en/stable/tutorials/saving_model.html).
 *
 * A round of several trees (a forest) is fitted tree by tree, each to the same gradient: the same bits as num_parallel_tree in one call, which takes seconds and
 * cannot be stopped.
 *
 * The trap: what the JSON says could come to mean something else in another version of XGBoost. So the trees we took over must give what
 * XGBoost itself predicts for the training rows, or the fit fails.
 */
#include "boost.h"
#include "base/json.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#ifdef SAL_HAS_XGBOOST
#include <xgboost/c_api.h>

sal_status sal__boost_check(sal_context *ctx) { return SAL_STATUS_OK; }

static sal_status failed(sal_context *ctx, int code)
{
    if (code == 0) return SAL_STATUS_OK;
    const char *text = XGBGetLastError();
    return sal_fail(ctx, SAL_STATUS_FAILED, "XGBoost: %.200s", text && text[0] ? text : "unknown error");
}

static void quiet(char before[256])
{
    const char *now = NULL;
    before[0] = 0;
    if (XGBGetGlobalConfig(&now) == 0 && now && strlen(now) < 256) strcpy(before, now);
    XGBSetGlobalConfig("{\"verbosity\": 0}");
}

static sal_status set(sal_context *ctx, BoosterHandle b, const char *key, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.17g", value);
    return failed(ctx, XGBoosterSetParam(b, key, text));
}

static sal_status configure(sal_context *ctx, const sal__boost *o, BoosterHandle b)
{
    sal_status status = SAL_STATUS_OK;
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"nthread", 1}, {"verbosity", 0}, {"seed", (double)(o->seed & 0x7fffffff)}, {"base_score", 0}, {"max_depth", o->depth},
                   {"eta", o->rate / (double)o->trees}, {"subsample", o->subsample}, {"colsample_bytree", o->tree_columns}, {"colsample_bynode", o->node_columns},
                   {"min_child_weight", o->least}, {"lambda", o->lambda}, {"max_bin", (double)o->bins}};
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) SAL_TRY(set(ctx, b, numbers[k].key, numbers[k].value));
    SAL_TRY(failed(ctx, XGBoosterSetParam(b, "tree_method", "hist"))); /* exact knows no covariates drawn at a node */
    SAL_TRY(failed(ctx, XGBoosterSetParam(b, "objective", "reg:squarederror")));
done:
    return status;
}

static sal_status new_matrix(sal_context *ctx, int64_t n, int64_t p, const float *x, const float *target, DMatrixHandle *out)
{
    sal_status status = SAL_STATUS_OK;
    char array[160];
    snprintf(array, sizeof array, "{\"data\": [%llu, true], \"shape\": [%lld, %lld], \"typestr\": \"<f4\", \"version\": 3}", (unsigned long long)(uintptr_t)x, (long long)n, (long long)p);
    SAL_TRY(failed(ctx, XGDMatrixCreateFromDense(array, "{\"missing\": NaN, \"nthread\": 1}", out)));
    SAL_TRY(failed(ctx, XGDMatrixSetFloatInfo(*out, "label", target, (bst_ulong)n)));
done:
    return status;
}

/* ---- its trees ---- */

static json_object *inside(json_object *o, const char *path[])
{
    for (; *path && o; path++) o = json_object_object_get(o, *path);
    return o;
}

enum { LEFT, RIGHT, FEATURE, VALUE, MISSING_LEFT, COVER, ARRAYS };
static const char *const arrays[ARRAYS] = {"left_children", "right_children", "split_indices", "split_conditions", "default_left", "sum_hessian"};

static double number(json_object *const *a, int32_t array, int64_t i)
{
    json_object *v = json_object_array_get_idx(a[array], (size_t)i);
    return json_object_is_type(v, json_type_boolean) ? json_object_get_boolean(v) : json_object_get_double(v);
}

static int64_t length_of(json_object *tree, json_object **a)
{
    int64_t n = -1;
    for (int32_t k = 0; k < ARRAYS; k++) {
        a[k] = json_object_object_get(tree, arrays[k]);
        int64_t here = json_object_is_type(a[k], json_type_array) ? (int64_t)json_object_array_length(a[k]) : -1;
        if (here < 1 || (k && here != n)) return -1;
        n = here;
    }
    return n;
}

/* One tree, renumbered breadth first; `order` (nodes) is scratch. Returns the nodes that were reached, -1 when they do not make a tree. */
static int64_t take_tree(json_object *const *a, int64_t n, int64_t p, int64_t *order, sal_trees *t, int64_t at)
{
    int64_t known = 1;
    order[0] = 0;
    for (int64_t i = 0; i < known; i++) {
        int64_t from = order[i], left = (int64_t)number(a, LEFT, from), right = (int64_t)number(a, RIGHT, from), k = at + i;
        t->value[k] = (float)number(a, VALUE, from);
        t->cover[k] = (float)number(a, COVER, from);
        t->feature[k] = -1;
        if (left < 0) continue;
        if (left >= n || right < 0 || right >= n || known + 2 > n) return -1;
        t->feature[k] = (int32_t)number(a, FEATURE, from);
        t->missing_right[k] = number(a, MISSING_LEFT, from) == 0;
        t->left[k] = (int32_t)known;
        order[known++] = left;
        order[known++] = right;
    }
    return known;
}

static sal_status take_trees(sal_context *ctx, json_object *list, int64_t p, sal_trees **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_trees *t = NULL;
    int64_t *order = NULL, count = json_object_is_type(list, json_type_array) ? (int64_t)json_object_array_length(list) : 0, nodes = 0, most = 0;
    json_object *a[ARRAYS];
    for (int64_t i = 0; i < count; i++) {
        int64_t n = length_of(json_object_array_get_idx(list, (size_t)i), a);
        if (n < 0) count = 0;
        nodes += n, most = n > most ? n : most;
    }
    if (count == 0) return sal_fail(ctx, SAL_STATUS_UNSUPPORTED, "this version of XGBoost describes its trees in a way that Salina does not know; use the version that salina --version names");
    SAL_TRY(sal_trees_new(ctx, count, nodes, p, &t));
    SAL_TRY(sal_allocate(ctx, most, sizeof *order, &order));
    nodes = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t n = length_of(json_object_array_get_idx(list, (size_t)i), a), reached = take_tree(a, n, p, order, t, nodes);
        if (reached < 1) SAL_TRY(sal_fail(ctx, SAL_STATUS_INTERNAL, "tree %lld of XGBoost is none; please report this", (long long)i));
        nodes += reached;
        t->first[i + 1] = nodes;
    }
    t->nodes = nodes; /* pruned nodes were left out */
    SAL_TRY(sal_trees_finish(t, "the trees of XGBoost"));
    *out = t;
    t = NULL;
done:
    sal_release(ctx, order);
    sal_trees_free(t);
    return status;
}

static sal_status read_trees(sal_context *ctx, BoosterHandle b, int64_t p, sal_trees **out)
{
    static const char *where[] = {"learner", "gradient_booster", "model", "trees", NULL};
    sal_status status = SAL_STATUS_OK;
    const char *text = NULL;
    bst_ulong length = 0;
    json_object *model = NULL;
    SAL_TRY(failed(ctx, XGBoosterSaveModelToBuffer(b, "{\"format\": \"json\"}", &length, &text)));
    SAL_TRY(sal_json_parse(ctx, text, (int64_t)length, "the model of XGBoost", &model));
    SAL_TRY(take_trees(ctx, inside(model, where), p, out));
done:
    json_object_put(model);
    return status;
}

/* Our evaluation of the training rows against XGBoost's. */
static sal_status compare(sal_context *ctx, BoosterHandle b, DMatrixHandle matrix, int64_t n, int64_t p, const float *x, const sal_trees *trees)
{
    enum { LANES = SAL_BASELINE_LANES };
    static const char how[] = "{\"type\": 0, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, \"strict_shape\": false}";
    sal_status status = SAL_STATUS_OK;
    float *block = NULL, sum[LANES];
    const float *theirs = NULL;
    bst_ulong const *shape = NULL;
    bst_ulong rank = 0;
    SAL_TRY(failed(ctx, XGBoosterPredictFromDMatrix(b, matrix, how, &shape, &rank, &theirs)));
    if (rank < 1 || (int64_t)shape[0] != n) SAL_TRY(sal_fail(ctx, SAL_STATUS_INTERNAL, "XGBoost predicts another number of rows than were given; please report this"));
    SAL_TRY(sal_allocate(ctx, p * LANES, sizeof *block, &block));
    for (int64_t first = 0; first < n; first += LANES) {
        int64_t count = n - first < LANES ? n - first : LANES;
        for (int64_t i = 0; i < count; i++)
            for (int64_t k = 0; k < p; k++) block[k * LANES + i] = x[(first + i) * p + k];
        sal_trees_predict(trees, LANES, block, sum);
        for (int64_t i = 0; i < count; i++) {
            float other = theirs[first + i];
            if (!(fabsf(sum[i] - other) <= 1e-4f * (1 + fabsf(other))))
                SAL_TRY(sal_fail(ctx, SAL_STATUS_INTERNAL, "the trees taken over from XGBoost give %g for row %lld, XGBoost %g; please report this with salina --version", (double)sum[i],
                                 (long long)(first + i), (double)other));
        }
    }
done:
    sal_release(ctx, block);
    return status;
}

/* One round after the other, or the trees of the only one: all learn the target itself, whose squared error has gradient -target and curvature 1. */
static sal_status run_rounds(sal_context *ctx, sal_context *look, const sal__boost *o, BoosterHandle b, DMatrixHandle matrix, int64_t n, const float *target)
{
    sal_status status = SAL_STATUS_OK;
    float *gradient = NULL, *curvature = NULL;
    SAL_ASSERT(ctx, o->trees == 1 || o->rounds == 1);
    SAL_TRY(sal_allocate(ctx, n, sizeof *gradient, &gradient));
    SAL_TRY(sal_allocate(ctx, n, sizeof *curvature, &curvature));
    for (int64_t i = 0; i < n; i++) gradient[i] = 0 - target[i], curvature[i] = 1;
    for (int32_t round = 0; round < o->rounds * o->trees; round++) {
        if (sal_look(look)) SAL_TRY(sal_fail(ctx, SAL_STATUS_CANCELLED, "cancelled"));
        if (o->trees == 1) SAL_TRY(failed(ctx, XGBoosterUpdateOneIter(b, round, matrix)));
        else SAL_TRY(failed(ctx, XGBoosterBoostOneIter(b, matrix, gradient, curvature, (bst_ulong)n)));
    }
done:
    sal_release(ctx, gradient);
    sal_release(ctx, curvature);
    return status;
}

sal_status sal__boost_fit(sal_context *ctx, sal_context *look, const sal__boost *o, int64_t n, int64_t p, const float *x, const float *target, sal_trees **out)
{
    sal_status status = SAL_STATUS_OK;
    DMatrixHandle matrix = NULL;
    BoosterHandle b = NULL;
    char before[256];
    *out = NULL;
    quiet(before);
    SAL_TRY(new_matrix(ctx, n, p, x, target, &matrix));
    SAL_TRY(failed(ctx, XGBoosterCreate(&matrix, 1, &b)));
    SAL_TRY(configure(ctx, o, b));
    SAL_TRY(run_rounds(ctx, look, o, b, matrix, n, target));
    SAL_TRY(read_trees(ctx, b, p, out));
    SAL_TRY(compare(ctx, b, matrix, n, p, x, *out));
done:
    if (status != SAL_STATUS_OK) {
        sal_trees_free(*out);
        *out = NULL;
    }
    if (b) XGBoosterFree(b);
    if (matrix) XGDMatrixFree(matrix);
    if (before[0]) XGBSetGlobalConfig(before);
    return status;
}

#else

sal_status sal__boost_check(sal_context *ctx)
{
    return sal_fail(ctx, SAL_STATUS_UNSUPPORTED, "this build of Salina is without XGBoost, which fits forests and boosted trees; install libxgboost-dev and build again, or train svr, plsr or ridge");
}

sal_status sal__boost_fit(sal_context *ctx, sal_context *look, const sal__boost *o, int64_t n, int64_t p, const float *x, const float *target, sal_trees **out)
{
    *out = NULL;
    return sal__boost_check(ctx);
}

#endif
