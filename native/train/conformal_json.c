/* conformal_json.c - the calibration inside the model file. Reading trusts nothing: counts, order and finiteness are
 * checked. */
#include "train/conformal.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const by_names[] = { "pooled", "predicted", "observed", "sliding" };
static const char *const kind_names[] = { "", "additive", "scaled", "residual", "normalised" };

static sal_status add_number(sal_context *ctx, json_object *array, double value)
{
    json_object *number = json_object_new_double(value);
    if (number && !json_object_array_add(array, number)) return SAL_STATUS_OK;
    json_object_put(number);
    return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while writing the calibration");
}

static sal_status add_numbers(sal_context *ctx, json_object *object, const char *key, int32_t n, const double *values)
{
    json_object *array = json_object_new_array();
    sal_status status = sal_json_add(ctx, object, key, array);
    for (int32_t i = 0; status == SAL_STATUS_OK && i < n; i++) status = add_number(ctx, array, values[i]);
    return status;
}

sal_status sal_conformal_to_json(sal_context *ctx, const sal_conformal *c, json_object **out)
{
    sal_status status;
    double counts[SAL_CONFORMAL_KNOTS];
    char key[32];
    json_object *object = json_object_new_object();
    for (int32_t g = 0; g < c->groups; g++) counts[g] = (double)c->n[g];
    SAL_TRY(sal_json_add_text(ctx, object, "by", by_names[c->by]));
    SAL_TRY(sal_json_add_text(ctx, object, "kind", kind_names[c->kind]));
    SAL_TRY(sal_json_add_f64(ctx, object, "least_half_width", c->least_half_width));
    if (c->by == SAL_CONFORMAL_SLIDING) SAL_TRY(add_numbers(ctx, object, "labels", c->groups, c->label));
    else SAL_TRY(add_numbers(ctx, object, "breaks", c->groups - 1, c->breaks));
    SAL_TRY(add_numbers(ctx, object, "n", c->groups, counts));
    if (c->knots) {
        SAL_TRY(add_numbers(ctx, object, "at", c->knots, c->at));
        SAL_TRY(add_numbers(ctx, object, "difficulty", c->knots, c->difficulty));
    }
    for (int level = 0; level < SAL_CONFORMAL_LEVELS; level++) {
        snprintf(key, sizeof key, "q%02.0f", 100 * sal_conformal_levels[level]);
        SAL_TRY(add_numbers(ctx, object, key, c->groups, c->q[level]));
    }
done:
    if (status != SAL_STATUS_OK) {
        json_object_put(object);
        object = NULL;
    }
    *out = object;
    return status;
}

static sal_status read_numbers(sal_context *ctx, json_object *object, const char *what, const char *key, int32_t n,
                               double *values)
{
    json_object *array;
    sal_status status = sal_json_array(ctx, object, what, key, &array);
    if (status != SAL_STATUS_OK) return status;
    bool good = json_object_array_length(array) == (size_t)n;
    for (int32_t i = 0; good && i < n; i++) {
        json_object *value = json_object_array_get_idx(array, (size_t)i);
        values[i] = json_object_get_double(value);
        good = (json_object_is_type(value, json_type_double) || json_object_is_type(value, json_type_int)) &&
               isfinite(values[i]);
    }
    return good ? SAL_STATUS_OK
                : sal_fail(ctx, SAL_STATUS_DATA, "%s has a calibration whose \"%s\" does not make sense", what, key);
}

static sal_status read_choice(sal_context *ctx, json_object *object, const char *what, const char *key,
                              const char *const *names, int count, int *out)
{
    const char *text;
    sal_status status = sal_json_text(ctx, object, what, key, &text);
    if (status != SAL_STATUS_OK) return status;
    for (*out = 0; *out < count; (*out)++)
        if (names[*out][0] && !strcmp(names[*out], text)) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_DATA, "%s has a calibration of the unknown %s \"%.40s\"", what, key, text);
}

/* Only calibrations normalised without quantiles have one. */
static sal_status read_difficulty(sal_context *ctx, json_object *object, const char *what, sal_conformal *c)
{
    sal_status status = SAL_STATUS_OK;
    json_object *at;
    if (!json_object_object_get_ex(object, "at", &at)) return status;
    SAL_TRY(sal_json_array(ctx, object, what, "at", &at));
    size_t n = json_object_array_length(at);
    if (n < 1 || n > SAL_CONFORMAL_KNOTS)
        return sal_fail(ctx, SAL_STATUS_DATA, "%s has a calibration with %zu difficulties; 1 to %d are possible", what, n, SAL_CONFORMAL_KNOTS);
    c->knots = (int32_t)n;
    SAL_TRY(read_numbers(ctx, object, what, "at", c->knots, c->at));
    SAL_TRY(read_numbers(ctx, object, what, "difficulty", c->knots, c->difficulty));
    for (int32_t k = 0; k < c->knots; k++)
        if ((k && !(c->at[k] > c->at[k - 1])) || c->difficulty[k] < 0)
            return sal_fail(ctx, SAL_STATUS_DATA, "%s has a calibration whose difficulty is negative or out of order", what);
done:
    return status;
}

/* Limits of classes or labels of windows, which rise. */
static sal_status read_groups(sal_context *ctx, json_object *object, const char *what, sal_conformal *c)
{
    bool sliding = c->by == SAL_CONFORMAL_SLIDING;
    const char *key = sliding ? "labels" : "breaks";
    double *values = sliding ? c->label : c->breaks;
    json_object *array;
    sal_status status = sal_json_array(ctx, object, what, key, &array);
    if (status != SAL_STATUS_OK) return status;
    size_t n = json_object_array_length(array), groups = sliding ? n : n + 1;
    if (groups < 1 || groups > (sliding ? SAL_CONFORMAL_KNOTS : SAL_CLASS_MAX))
        return sal_fail(ctx, SAL_STATUS_DATA, "%s has a calibration of %zu %s; 1 to %d are possible", what, groups, sliding ? "windows" : "classes",
                        sliding ? SAL_CONFORMAL_KNOTS : SAL_CLASS_MAX);
    c->groups = (int32_t)groups;
    SAL_TRY(read_numbers(ctx, object, what, key, (int32_t)n, values));
    for (size_t g = 1; g < n; g++)
        if (!(values[g] > values[g - 1])) return sal_fail(ctx, SAL_STATUS_DATA, "%s has a calibration whose \"%s\" do not rise", what, key);
done:
    return status;
}

sal_status sal_conformal_from_json(sal_context *ctx, json_object *object, const char *what, sal_conformal *out)
{
    sal_status status;
    int by, kind;
    double counts[SAL_CONFORMAL_KNOTS];
    char key[32];
    *out = (sal_conformal){ 0 };
    SAL_TRY(read_choice(ctx, object, what, "by", by_names, sizeof by_names / sizeof *by_names, &by));
    SAL_TRY(read_choice(ctx, object, what, "kind", kind_names, 5, &kind));
    *out = (sal_conformal){ .by = (sal_conformal_by)by, .kind = (sal_conformal_kind)kind };
    SAL_TRY(read_groups(ctx, object, what, out));
    SAL_TRY(read_numbers(ctx, object, what, "n", out->groups, counts));
    for (int32_t g = 0; g < out->groups; g++) out->n[g] = counts[g] >= 0 && counts[g] < 1e15 ? (int64_t)counts[g] : 0;
    SAL_TRY(sal_json_f64(ctx, object, what, "least_half_width", &out->least_half_width));
    if (!(out->least_half_width > 0))
        return sal_fail(ctx, SAL_STATUS_DATA, "%s has a calibration without a least width", what);
    SAL_TRY(read_difficulty(ctx, object, what, out));
    for (int level = 0; level < SAL_CONFORMAL_LEVELS; level++) {
        snprintf(key, sizeof key, "q%02.0f", 100 * sal_conformal_levels[level]);
        SAL_TRY(read_numbers(ctx, object, what, key, out->groups, out->q[level]));
    }
done:
    return status;
}
