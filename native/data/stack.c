/* stack.c - a covariate stack is a raster whose band descriptions are covariate ids, on a metric grid, with a SALINA
 * metadata domain. Ids are what models match by, so a missing or repeated one is refused here and not discovered as a
 * wrong map.
 */
#include "stack.h"
#include "date.h"
#include <string.h>

struct sal_stack {
    sal_context *ctx;
    sal_raster *raster;
    char *sensor, *date, *campaign;
};

static sal_status check_ids(sal_context *ctx, sal_stack *stack)
{
    const char *path = sal_stack_path(stack);
    int64_t count = sal_stack_covariate_count(stack);
    for (int64_t i = 0; i < count; i++) {
        const char *id = sal_stack_covariate(stack, i);
        if (!id[0])
            return sal_fail(ctx, SAL_STATUS_DATA,
                            "band %lld of stack \"%s\" has no description to say which covariate it is; build the "
                            "stack with Build covariate stack",
                            (long long)i + 1, path);
        for (int64_t j = 0; j < i; j++)
            if (!strcmp(id, sal_stack_covariate(stack, j)))
                return sal_fail(ctx, SAL_STATUS_DATA,
                                "stack \"%s\" has two bands named \"%s\" (%lld and %lld); rename or remove one", path,
                                id, (long long)j + 1, (long long)i + 1);
    }
    return SAL_STATUS_OK;
}

/* File name without folders and extension. */
static sal_status copy_stem(sal_context *ctx, const char *path, char **out)
{
    const char *name = path;
    for (const char *c = path; *c; c++)
        if ((*c == '/' || *c == '\\') && c[1]) name = c + 1;
    const char *dot = strrchr(name, '.');
    int length = dot && dot != name ? (int)(dot - name) : (int)strlen(name);
    return sal_text_format(ctx, out, "%.*s", length, name);
}

static sal_status read_metadata(sal_context *ctx, sal_stack *stack)
{
    const char *sensor = sal_raster_metadata(stack->raster, "SALINA", "SENSOR");
    sal_status status = sal_text_copy(ctx, sensor ? sensor : "", &stack->sensor);
    if (status != SAL_STATUS_OK) return status;
    const char *date = sal_raster_metadata(stack->raster, "SALINA", "DATE");
    if (date && date[0] && (strlen(date) != 10 || sal_date_days(date) == INT64_MIN))
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "stack \"%s\" has the date \"%.40s\", which is not YYYY-MM-DD; set DATE in its SALINA metadata",
                        sal_stack_path(stack), date);
    status = sal_text_copy(ctx, date ? date : "", &stack->date);
    if (status != SAL_STATUS_OK) return status;
    const char *campaign = sal_raster_metadata(stack->raster, "SALINA", "CAMPAIGN");
    if (campaign && campaign[0]) return sal_text_copy(ctx, campaign, &stack->campaign);
    return copy_stem(ctx, sal_stack_path(stack), &stack->campaign);
}

sal_status sal_stack_open(sal_context *ctx, const char *path, sal_stack **out)
{
    *out = NULL;
    sal_stack *stack = NULL;
    sal_status status = sal_allocate(ctx, 1, sizeof *stack, &stack);
    if (status != SAL_STATUS_OK) return status;
    stack->ctx = ctx;
    SAL_TRY(sal_raster_open(ctx, path, &stack->raster));
    SAL_TRY(check_ids(ctx, stack));
    const sal_grid *grid = sal_stack_grid(stack);
    if (!grid->is_metric) {
        status =
            sal_fail(ctx, SAL_STATUS_DATA,
                     "stack \"%s\" is in %s, whose unit is not the metre; warp it to a projected system such as UTM",
                     path, grid->crs_name);
        goto done;
    }
    SAL_TRY(read_metadata(ctx, stack));
    *out = stack;
    return SAL_STATUS_OK;
done:
    sal_stack_free(stack);
    return status;
}

void sal_stack_free(sal_stack *stack)
{
    if (!stack) return;
    sal_context *ctx = stack->ctx;
    sal_raster_free(stack->raster);
    sal_release(ctx, stack->sensor);
    sal_release(ctx, stack->date);
    sal_release(ctx, stack->campaign);
    sal_release(ctx, stack);
}

sal_raster *sal_stack_raster(sal_stack *stack) { return stack->raster; }
const char *sal_stack_path(const sal_stack *stack) { return sal_raster_path(stack->raster); }
const sal_grid *sal_stack_grid(const sal_stack *stack) { return sal_raster_grid(stack->raster); }
const char *sal_stack_sensor(const sal_stack *stack) { return stack->sensor; }
const char *sal_stack_date(const sal_stack *stack) { return stack->date; }
const char *sal_stack_campaign(const sal_stack *stack) { return stack->campaign; }
int64_t sal_stack_covariate_count(const sal_stack *stack) { return sal_raster_band_count(stack->raster); }
const char *sal_stack_covariate(const sal_stack *stack, int64_t i) { return sal_raster_band_name(stack->raster, i); }

int64_t sal_stack_find(const sal_stack *stack, const char *id)
{
    for (int64_t i = 0; i < sal_stack_covariate_count(stack); i++)
        if (!strcmp(sal_stack_covariate(stack, i), id)) return i;
    return -1;
}
