/* network.c - options, parameters and scaling of a network in its model file. */
#include "network.h"
#include <math.h>
#include <string.h>

typedef struct field {
    const char *key;
    size_t offset;
    double low, high;
} field;

#define FIELD(name, low, high) { #name, offsetof(sal_model_options, name), low, high }
static const field integers[] = {
    FIELD(bands, 2, SAL_COVARIATES_MAX), FIELD(indices, 0, SAL_COVARIATES_MAX), FIELD(covariates, 1, SAL_COVARIATES_MAX),
    FIELD(window, 1, 513), FIELD(width, 4, 1024), FIELD(heads, 1, 64), FIELD(pools, 1, 49), FIELD(hidden, 1, 4096),
};
static const field numbers[] = { FIELD(dropout, 0, 0.95), FIELD(quantile_low, 0.001, 0.499), FIELD(quantile_high, 0.501, 0.999) };

sal_status sal_network_describe(sal_model_file *m, const sal_model_options *o, const sal_scaler *scaler)
{
    sal_status status = SAL_STATUS_OK;
    for (size_t k = 0; k < sizeof integers / sizeof *integers; k++)
        SAL_TRY(sal_json_add_i64(m->ctx, m->hyper, integers[k].key, *(const int64_t *)((const char *)o + integers[k].offset)));
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
        SAL_TRY(sal_json_add_f64(m->ctx, m->hyper, numbers[k].key, *(const double *)((const char *)o + numbers[k].offset)));
    json_object *channels = json_object_new_array();
    for (int32_t k = 0; k < 3 && channels; k++) json_object_array_add(channels, json_object_new_int64(o->channels[k]));
    SAL_TRY(sal_json_add(m->ctx, m->hyper, "channels", channels));
    SAL_TRY(sal_json_add_text(m->ctx, m->hyper, "head", o->head == SAL_HEAD_HUBER ? "huber" : "quantile"));
    SAL_TRY(sal_json_add_f64(m->ctx, m->hyper, "target_mean", scaler->target.mean));
    SAL_TRY(sal_json_add_f64(m->ctx, m->hyper, "target_sd", scaler->target.sd));
done:
    return status;
}

static sal_status refuse(const sal_model_file *m, const char *key, double value)
{
    return sal_fail(m->ctx, SAL_STATUS_DATA, "model \"%s\" has %s %g, which no model of this version can have; train it again", m->name, key, value);
}

sal_status sal_network_options(const sal_model_file *m, const sal_system **system, sal_model_options *o, sal_scaling *target)
{
    sal_status status = SAL_STATUS_OK;
    const char *head;
    json_object *channels;
    *system = sal_system_find(m->system);
    sal_model_defaults(o);
    if (!*system) return sal_fail(m->ctx, SAL_STATUS_DATA, "model \"%s\" is of system \"%s\", which this version does not have", m->name, m->system);
    for (size_t k = 0; k < sizeof integers / sizeof *integers; k++) {
        int64_t *v = (int64_t *)((char *)o + integers[k].offset);
        SAL_TRY(sal_json_i64(m->ctx, m->hyper, m->name, integers[k].key, v));
        if ((double)*v < integers[k].low || (double)*v > integers[k].high) return refuse(m, integers[k].key, (double)*v);
    }
    for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++) {
        double *v = (double *)((char *)o + numbers[k].offset);
        SAL_TRY(sal_json_f64(m->ctx, m->hyper, m->name, numbers[k].key, v));
        if (!(*v >= numbers[k].low && *v <= numbers[k].high)) return refuse(m, numbers[k].key, *v);
    }
    SAL_TRY(sal_json_array(m->ctx, m->hyper, m->name, "channels", &channels));
    for (size_t k = 0; k < 3; k++) {
        o->channels[k] = json_object_get_int64(json_object_array_get_idx(channels, k));
        if (o->channels[k] < 1 || o->channels[k] > 512) return refuse(m, "channels", (double)o->channels[k]);
    }
    SAL_TRY(sal_json_text(m->ctx, m->hyper, m->name, "head", &head));
    o->head = strcmp(head, "huber") == 0 ? SAL_HEAD_HUBER : SAL_HEAD_QUANTILE;
    SAL_TRY(sal_json_f64(m->ctx, m->hyper, m->name, "target_mean", &target->mean));
    SAL_TRY(sal_json_f64(m->ctx, m->hyper, m->name, "target_sd", &target->sd));
    if (!isfinite(target->mean) || !(target->sd > 0)) return refuse(m, "target_sd", target->sd);
    if (o->width % o->heads) return refuse(m, "heads", (double)o->heads);
done:
    return status;
}

sal_status sal_network_store(sal_model_file *m, int64_t member, sal_params *params)
{
    for (int64_t i = 0; i < sal_params_count(params); i++) {
        const sal_param_info *info = sal_params_info(params, i);
        const float *values = (const float *)(info->is_state ? sal_params_state(params) : sal_params_values(params)) + info->offset;
        sal_status status = sal_model_file_add_parameter(m, member, info->name, info->shape.rank, info->shape.dim, values);
        if (status != SAL_STATUS_OK) return status;
    }
    return SAL_STATUS_OK;
}

sal_status sal_network_restore(const sal_model_file *m, int64_t member, sal_params *params)
{
    for (int64_t i = 0; i < sal_params_count(params); i++) {
        const sal_param_info *info = sal_params_info(params, i);
        const float *from;
        sal_status status = sal_model_file_parameter(m, member, info->name, info->shape.rank, info->shape.dim, &from);
        if (status != SAL_STATUS_OK) return status;
        memcpy((info->is_state ? sal_params_state(params) : sal_params_values(params)) + info->offset, from, (size_t)info->count * sizeof(float));
    }
    return SAL_STATUS_OK;
}

int64_t sal_network_covariates(const sal_model_file *m, const char *role, const char **ids, sal_scaling *scales)
{
    int64_t n = 0;
    for (int64_t i = 0; i < m->covariate_count && n < SAL_COVARIATES_MAX; i++) {
        const sal_model_covariate *c = &m->covariates[i];
        if (strcmp(c->role, role) != 0) continue;
        ids[n] = c->id;
        scales[n++] = (sal_scaling){ c->mean, c->sd, c->low, c->high };
    }
    return n;
}
