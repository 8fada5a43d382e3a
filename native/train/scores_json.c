/* scores_json.c - scores as JSON: every number of the tables. NaN becomes null. */
#include "train/metrics.h"
#include <ctype.h>

static void lower_case(const char *id, char key[32])
{
    int k = 0;
    for (; id[k] && k < 31; k++) key[k] = (char)tolower((unsigned char)id[k]);
    key[k] = 0;
}

static const char *id_of(int m, bool interval)
{
    return interval ? sal_interval_metric_at((sal_interval_metric)m)->id : sal_metric_at((sal_metric)m)->id;
}

static sal_status add_rows(sal_context *ctx, json_object *object, int count, const double *values, bool interval)
{
    sal_status status = SAL_STATUS_OK;
    for (int m = 0; m < count; m++) {
        char key[32];
        lower_case(id_of(m, interval), key);
        SAL_TRY(sal_json_add_f64(ctx, object, key, values[m]));
    }
done:
    return status;
}

/* Adds object[key] = {rows}. */
static sal_status add_table(sal_context *ctx, json_object *object, const char *key, int count, const double *values,
                            bool interval)
{
    json_object *table = json_object_new_object();
    sal_status status = sal_json_add(ctx, object, key, table);
    return status == SAL_STATUS_OK ? add_rows(ctx, table, count, values, interval) : status;
}

static sal_status add_classes(sal_context *ctx, const sal_scores *s, json_object *object)
{
    sal_status status;
    json_object *list = json_object_new_array();
    SAL_TRY(sal_json_add_text(ctx, object, "scheme", s->scheme.id));
    SAL_TRY(sal_json_add(ctx, object, "classes", list));
    for (int32_t c = 0; c < s->scheme.count; c++) {
        json_object *row = json_object_new_object();
        if (!row || json_object_array_add(list, row)) {
            json_object_put(row);
            return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while writing scores");
        }
        char limits[64];
        sal_class_limits_text(&s->scheme, c, limits);
        SAL_TRY(sal_json_add_text(ctx, row, "name", s->scheme.names[c]));
        SAL_TRY(sal_json_add_text(ctx, row, "limits", limits));
        SAL_TRY(sal_json_add_i64(ctx, row, "n", s->class_n[c]));
        SAL_TRY(add_rows(ctx, row, SAL_METRIC_COUNT, s->class_natural[c], false));
        if (s->has_interval) SAL_TRY(add_rows(ctx, row, SAL_INTERVAL_COUNT, s->class_interval[c], true));
    }
done:
    return status;
}

/* object[metric] = [low, high] for each. */
static sal_status add_bounds(sal_context *ctx, json_object *object, int count, const sal_bounds *bounds, bool interval)
{
    sal_status status = SAL_STATUS_OK;
    for (int m = 0; m < count; m++) {
        char key[32];
        json_object *two = json_object_new_array();
        lower_case(id_of(m, interval), key);
        SAL_TRY(sal_json_add(ctx, object, key, two));
        json_object_array_add(two, sal_json_number(bounds[m].low));
        json_object_array_add(two, sal_json_number(bounds[m].high));
    }
done:
    return status;
}

static sal_status add_bounds_table(sal_context *ctx, json_object *object, const char *key, int count, const sal_bounds *bounds, bool interval)
{
    json_object *table = json_object_new_object();
    sal_status status = sal_json_add(ctx, object, key, table);
    return status == SAL_STATUS_OK ? add_bounds(ctx, table, count, bounds, interval) : status;
}

static sal_status add_class_bounds(sal_context *ctx, const sal_scores *s, json_object *object)
{
    sal_status status;
    json_object *list = json_object_new_array();
    SAL_TRY(sal_json_add(ctx, object, "classes", list));
    for (int32_t c = 0; c < s->scheme.count; c++) {
        json_object *row = json_object_new_object();
        if (!row || json_object_array_add(list, row)) {
            json_object_put(row);
            return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory while writing scores");
        }
        SAL_TRY(add_bounds(ctx, row, SAL_METRIC_COUNT, s->class_bounds[c], false));
        if (s->has_interval) SAL_TRY(add_bounds(ctx, row, SAL_INTERVAL_COUNT, s->class_interval_bounds[c], true));
    }
done:
    return status;
}

static sal_status add_weighted(sal_context *ctx, const sal_scores *s, json_object *object)
{
    sal_status status;
    json_object *table = json_object_new_object();
    SAL_TRY(sal_json_add(ctx, object, "weighted", table));
    SAL_TRY(sal_json_add_f64(ctx, table, "effective_n", s->effective_n));
    SAL_TRY(add_table(ctx, table, "natural", SAL_METRIC_COUNT, s->weighted_natural, false));
    if (s->has_log) SAL_TRY(add_table(ctx, table, "log1p", SAL_METRIC_COUNT, s->weighted_log1p, false));
done:
    return status;
}

static sal_status add_all_bounds(sal_context *ctx, const sal_scores *s, json_object *object)
{
    sal_status status;
    json_object *table = json_object_new_object(), *weighted;
    SAL_TRY(sal_json_add(ctx, object, "bounds", table));
    SAL_TRY(sal_json_add_f64(ctx, table, "level", s->bounds_level));
    SAL_TRY(sal_json_add_i64(ctx, table, "draws", s->draws));
    SAL_TRY(sal_json_add_i64(ctx, table, "units", s->units));
    SAL_TRY(sal_json_add_f64(ctx, table, "unit_m", s->unit_m));
    SAL_TRY(add_bounds_table(ctx, table, "natural", SAL_METRIC_COUNT, s->natural_bounds, false));
    if (s->has_log) SAL_TRY(add_bounds_table(ctx, table, "log1p", SAL_METRIC_COUNT, s->log1p_bounds, false));
    if (s->has_interval) SAL_TRY(add_bounds_table(ctx, table, "interval", SAL_INTERVAL_COUNT, s->interval_bounds, true));
    if (s->has_weighted) {
        weighted = json_object_new_object();
        SAL_TRY(sal_json_add(ctx, table, "weighted", weighted));
        SAL_TRY(add_bounds_table(ctx, weighted, "natural", SAL_METRIC_COUNT, s->weighted_natural_bounds, false));
        if (s->has_log) SAL_TRY(add_bounds_table(ctx, weighted, "log1p", SAL_METRIC_COUNT, s->weighted_log1p_bounds, false));
    }
    if (s->has_classes) SAL_TRY(add_class_bounds(ctx, s, table));
done:
    return status;
}

sal_status sal_scores_json(sal_context *ctx, const sal_scores *s, json_object **out)
{
    sal_status status;
    json_object *object = json_object_new_object();
    SAL_TRY(sal_json_add_i64(ctx, object, "n", s->n));
    SAL_TRY(add_table(ctx, object, "natural", SAL_METRIC_COUNT, s->natural, false));
    if (s->has_log) SAL_TRY(add_table(ctx, object, "log1p", SAL_METRIC_COUNT, s->log1p, false));
    if (s->has_interval) {
        SAL_TRY(sal_json_add_f64(ctx, object, "coverage", s->coverage));
        SAL_TRY(add_table(ctx, object, "interval", SAL_INTERVAL_COUNT, s->interval, true));
    }
    if (s->has_classes) SAL_TRY(add_classes(ctx, s, object));
    if (s->has_weighted) SAL_TRY(add_weighted(ctx, s, object));
    if (s->draws) SAL_TRY(add_all_bounds(ctx, s, object));
done:
    if (status != SAL_STATUS_OK) {
        json_object_put(object);
        object = NULL;
    }
    *out = object;
    return status;
}
