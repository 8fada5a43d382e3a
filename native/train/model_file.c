/* model_file.c - life of a model, its parameters, and the covariate contract with a stack (DESIGN.md section 2).
 *
 * The trap: bands are matched by id, never by position, and a stack of another sensor or pixel size gives a plausible,
 * wrong map; so it is refused.
 */
#include "train/model_file.h"
#include "features/covariates.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

sal_status sal_model_file_new(sal_context *ctx, sal_model_file **out)
{
    *out = NULL;
    sal_model_file *m = NULL;
    sal_status status = sal_allocate(ctx, 1, sizeof *m, &m);
    if (status != SAL_STATUS_OK) return status;
    m->ctx = ctx;
    m->hyper = json_object_new_object();
    m->scores = json_object_new_object();
    m->provenance = json_object_new_object();
    if (!m->hyper || !m->scores || !m->provenance) {
        status = sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory for a model");
        goto done;
    }
    SAL_TRY(sal_tensors_new(ctx, &m->tensors));
    *out = m;
    m = NULL;
done:
    sal_model_file_free(m);
    return status;
}

void sal_model_file_free(sal_model_file *m)
{
    if (!m) return;
    json_object_put(m->hyper);
    json_object_put(m->scores);
    json_object_put(m->provenance);
    sal_tensors_free(m->tensors);
    sal_applicability_free(m->applicability);
    sal_release(m->ctx, m->covariates);
    sal_release(m->ctx, m);
}

sal_status sal_model_file_set_covariates(sal_model_file *m, int64_t n)
{
    sal_model_covariate *covariates = NULL;
    sal_status status = sal_allocate(m->ctx, n, sizeof *covariates, &covariates);
    if (status != SAL_STATUS_OK) return status;
    sal_release(m->ctx, m->covariates);
    m->covariates = covariates;
    m->covariate_count = n;
    return status;
}

sal_status sal_model_file_parameter(const sal_model_file *m, int64_t member, const char *name, int32_t rank,
                                    const int64_t *dims, const float **data)
{
    char key[160];
    const void *found = NULL;
    snprintf(key, sizeof key, "member%lld/%s", (long long)member, name);
    sal_status status = sal_tensors_require(m->tensors, key, SAL_TENSOR_F32, rank, dims, &found);
    *data = found;
    return status;
}

sal_status sal_model_file_add_parameter(sal_model_file *m, int64_t member, const char *name, int32_t rank,
                                        const int64_t *dims, const float *data)
{
    char key[160];
    snprintf(key, sizeof key, "member%lld/%s", (long long)member, name);
    return sal_tensors_add(m->tensors, key, SAL_TENSOR_F32, rank, dims, data, true);
}

double sal_model_file_to_network(const sal_model_file *m, double value)
{
    return strcmp(m->transform, "log1p") ? value : log1p(value);
}

double sal_model_file_from_network(const sal_model_file *m, double value)
{
    return strcmp(m->transform, "log1p") ? value : fmax(expm1(value), 0);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool seen_before(const sal_model_file *m, int64_t i)
{
    for (int64_t j = 0; j < i; j++)
        if (!strcmp(m->covariates[j].id, m->covariates[i].id)) return true;
    return false;
}

/* " (an index of R and NIR)" from "R|NIR". */
static void append_roles(sal_context *ctx, sal_text *text, const char *roles)
{
    const char *last = strrchr(roles, '|');
    sal_text_append(ctx, text, " (an index of ");
    for (const char *c = roles; *c; c++) {
        if (*c == '|')
            sal_text_append(ctx, text, "%s", c == last ? " and " : ", ");
        else
            sal_text_append_bytes(ctx, text, c, 1);
    }
    sal_text_append(ctx, text, ")");
}

/* Refuses with every covariate that the stack cannot give; an index says which band roles it needs. */
static sal_status refuse_missing(const sal_model_file *m, sal_stack *stack, int64_t missing)
{
    sal_text list = { 0 };
    for (int64_t i = 0, shown = 0; i < m->covariate_count && shown < 8; i++) {
        const char *id = m->covariates[i].id;
        if (seen_before(m, i) || sal_covariates_has(stack, id)) continue;
        sal_text_append(m->ctx, &list, "%s\"%s\"", shown ? ", " : "", id);
        const sal_index *index = sal_index_find(id);
        if (index) append_roles(m->ctx, &list, index->roles);
        shown++;
    }
    if (missing > 8) sal_text_append(m->ctx, &list, " and %lld more", (long long)missing - 8);
    sal_status status = list.status;
    if (status == SAL_STATUS_OK)
        status = sal_fail(m->ctx, SAL_STATUS_DATA,
                          "stack \"%s\" has no band%s %s, which model \"%s\" needs; add %s with Build covariate stack "
                          "or train a model without %s",
                          base_name(sal_stack_path(stack)), missing > 1 ? "s" : "", list.data, m->name,
                          missing > 1 ? "them" : "it", missing > 1 ? "them" : "it");
    sal_text_free(m->ctx, &list);
    return status;
}

static sal_status check_units(const sal_model_file *m, sal_stack *stack)
{
    for (int64_t i = 0; i < m->covariate_count; i++) {
        const sal_model_covariate *c = &m->covariates[i];
        int64_t band = sal_stack_find(stack, c->id);
        const char *unit = band < 0 ? NULL : sal_raster_band_unit(sal_stack_raster(stack), band);
        if (unit && unit[0] && c->unit[0] && !sal_unit_equal(unit, c->unit))
            return sal_fail(m->ctx, SAL_STATUS_DATA,
                            "band \"%s\" of stack \"%s\" is in \"%s\", but model \"%s\" was trained on \"%s\"; convert "
                            "the band or correct its unit",
                            c->id, base_name(sal_stack_path(stack)), unit, m->name, c->unit);
    }
    return SAL_STATUS_OK;
}

sal_status sal_model_file_check_stack(const sal_model_file *m, sal_stack *stack)
{
    const char *name = base_name(sal_stack_path(stack)), *sensor = sal_stack_sensor(stack);
    double pixel = sal_stack_grid(stack)->pixel;
    if (m->sensor[0] && sensor[0] && strcmp(m->sensor, sensor))
        return sal_fail(m->ctx, SAL_STATUS_DATA,
                        "stack \"%s\" is of sensor \"%s\", but model \"%s\" was trained on \"%s\"; use a stack of that "
                        "sensor or train a model for this one",
                        name, sensor, m->name, m->sensor);
    if (fabs(pixel - m->pixel_m) > 0.01 * m->pixel_m)
        return sal_fail(m->ctx, SAL_STATUS_DATA,
                        "stack \"%s\" has pixels of %g m, but model \"%s\" was trained on pixels of %g m; build the "
                        "stack with that pixel size",
                        name, pixel, m->name, m->pixel_m);
    int64_t missing = 0;
    for (int64_t i = 0; i < m->covariate_count; i++)
        missing += !seen_before(m, i) && !sal_covariates_has(stack, m->covariates[i].id);
    if (missing) return refuse_missing(m, stack, missing);
    sal_status status = check_units(m, stack);
    if (status == SAL_STATUS_OK && m->sensor[0] && !sensor[0])
        sal_warn(m->ctx, "stack \"%s\" does not say which sensor it is of; model \"%s\" was trained on \"%s\"", name,
                 m->name, m->sensor);
    return status;
}
