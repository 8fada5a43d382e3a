/* roles.c - finds which covariates of the stacks are spectrum, index and environment.
 *
 * The order of the bands is the order of wavelength, because the spectral branch convolves along it.
 */
#include "dataset.h"
#include "features/indices.h"
#include <string.h>

static const char *const role_order[] = { "B", "G", "R", "RE1", "RE2", "RE3", "NIR", "NIR2", "SWIR1", "SWIR2" };

static bool in_all(sal_stack *const *stacks, int64_t n, const char *id)
{
    for (int64_t i = 0; i < n; i++) {
        if (!sal_covariates_has(stacks[i], id)) return false;
    }
    return true;
}

static sal_status add(sal_context *ctx, char **list, int64_t *count, const char *id)
{
    if (*count == SAL_COVARIATES_MAX)
        return sal_fail(ctx, SAL_STATUS_DATA, "the stacks have more than %d covariates of one kind; leave some out", SAL_COVARIATES_MAX);
    sal_status status = sal_text_copy(ctx, id, &list[*count]);
    if (status == SAL_STATUS_OK) (*count)++;
    return status;
}

static sal_status find_bands(sal_context *ctx, sal_stack *const *stacks, int64_t n, sal_roles *r)
{
    for (size_t k = 0; k < sizeof role_order / sizeof role_order[0]; k++) {
        for (int64_t i = 0; i < sal_stack_covariate_count(stacks[0]); i++) {
            const char *id = sal_stack_covariate(stacks[0], i), *role = sal_band_role(sal_stack_sensor(stacks[0]), id);
            if (!role || strcmp(role, role_order[k]) != 0 || !in_all(stacks, n, id)) continue;
            sal_status status = add(ctx, r->bands, &r->band_count, id);
            if (status != SAL_STATUS_OK) return status;
            break;
        }
    }
    if (r->band_count < 2)
        return sal_fail(ctx, SAL_STATUS_DATA, "the stacks share %lld spectral bands, at least 2 are needed; build them with Build covariate stack so that bands are named (B02, B03 ...)",
                        (long long)r->band_count);
    return SAL_STATUS_OK;
}

static sal_status find_environment(sal_context *ctx, sal_stack *const *stacks, int64_t n, sal_roles *r)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t i = 0; i < sal_stack_covariate_count(stacks[0]); i++) {
        const char *id = sal_stack_covariate(stacks[0], i);
        bool is_band = sal__band_id(sal_stack_sensor(stacks[0]), id) != NULL; /* B01 too, which no index and no network uses */
        if (is_band || sal_index_find(id) || !in_all(stacks, n, id)) continue;
        SAL_TRY(add(ctx, r->covariates, &r->covariate_count, id));
    }
    if (in_all(stacks, n, "LSWI")) SAL_TRY(add(ctx, r->covariates, &r->covariate_count, "LSWI"));
    if (in_all(stacks, n, "NDWI")) SAL_TRY(add(ctx, r->covariates, &r->covariate_count, "NDWI"));
    if (r->covariate_count == 0)
        return sal_fail(ctx, SAL_STATUS_DATA, "the stacks hold no environmental covariate; add a DEM or ready-made rasters with Build covariate stack");
done:
    return status;
}

sal_status sal_roles_find(sal_context *ctx, sal_stack *const *stacks, int64_t n_stacks, int64_t window, sal_roles *out)
{
    sal_status status = SAL_STATUS_OK;
    memset(out, 0, sizeof *out);
    out->window = window;
    SAL_TRY(find_bands(ctx, stacks, n_stacks, out));
    for (int64_t i = 0; i < sal_index_count(); i++) {
        const sal_index *index = sal_index_at(i);
        if (strcmp(index->group, "salinity") != 0 && strcmp(index->group, "vegetation") != 0) continue;
        if (in_all(stacks, n_stacks, index->id)) SAL_TRY(add(ctx, out->indices, &out->index_count, index->id));
    }
    if (!in_all(stacks, n_stacks, "NDVI")) {
        status = sal_fail(ctx, SAL_STATUS_DATA, "the stacks do not all have red and near-infrared bands, which the vegetation gate (NDVI) needs");
        goto done;
    }
    SAL_TRY(find_environment(ctx, stacks, n_stacks, out));
done:
    if (status != SAL_STATUS_OK) sal_roles_clear(ctx, out);
    return status;
}

static sal_status copy_list(sal_context *ctx, char *const *from, int64_t n, char **to, int64_t *count)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t i = 0; i < n && status == SAL_STATUS_OK; i++) status = add(ctx, to, count, from[i]);
    return status;
}

sal_status sal_roles_copy(sal_context *ctx, const sal_roles *from, sal_roles *to)
{
    sal_status status = SAL_STATUS_OK;
    memset(to, 0, sizeof *to);
    to->window = from->window;
    SAL_TRY(copy_list(ctx, from->bands, from->band_count, to->bands, &to->band_count));
    SAL_TRY(copy_list(ctx, from->indices, from->index_count, to->indices, &to->index_count));
    SAL_TRY(copy_list(ctx, from->covariates, from->covariate_count, to->covariates, &to->covariate_count));
done:
    if (status != SAL_STATUS_OK) sal_roles_clear(ctx, to);
    return status;
}

void sal_roles_clear(sal_context *ctx, sal_roles *r)
{
    for (int64_t i = 0; i < SAL_COVARIATES_MAX; i++) {
        sal_release(ctx, r->bands[i]);
        sal_release(ctx, r->indices[i]);
        sal_release(ctx, r->covariates[i]);
    }
    memset(r, 0, sizeof *r);
}
