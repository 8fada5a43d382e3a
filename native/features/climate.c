/* climate.c - what tables and rasters of climate have in common. */
#include "features/climate_private.h"

#include <string.h>

sal_status sal__climate_new(sal_context *ctx, const char *path, sal_climate **out)
{
    sal_status status;
    sal_climate *c = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *c, &c));
    c->ctx = ctx;
    SAL_TRY(sal_arena_new(ctx, &c->arena));
    SAL_TRY(sal_arena_text(c->arena, path, &c->path));
    *out = c;
    return SAL_STATUS_OK;
done:
    sal_climate_free(c);
    return status;
}

void sal_climate_free(sal_climate *c)
{
    if (!c) return;
    sal_context *ctx = c->ctx;
    for (int64_t i = 0; i < c->raster_count; i++) sal_raster_free(c->rasters[i]);
    sal_release(ctx, c->rasters);
    sal_release(ctx, c->bands);
    sal_release(ctx, c->variables);
    sal_release(ctx, c->ids);
    sal_release(ctx, c->slots);
    sal_release(ctx, c->values);
    if (c->arena) sal_arena_free(c->arena);
    sal_release(ctx, c);
}

sal_status sal__climate_variable(sal_climate *c, const char *name, int64_t *index)
{
    sal_status status;
    for (*index = 0; *index < c->variable_count; (*index)++)
        if (strcmp(c->variables[*index], name) == 0) return SAL_STATUS_OK;
    SAL_TRY(sal_reallocate(c->ctx, c->variable_count, c->variable_count + 1, sizeof *c->variables, &c->variables));
    SAL_TRY(sal_arena_text(c->arena, name, &c->variables[c->variable_count]));
    c->variable_count++;
done:
    return status;
}

int64_t sal_climate_variables(const sal_climate *c) { return c->variable_count; }

const char *sal_climate_variable(const sal_climate *c, int64_t i) { return i >= 0 && i < c->variable_count ? c->variables[i] : ""; }

int64_t sal_climate_months(const sal_climate *c) { return c->months; }

void sal_climate_month(const sal_climate *c, int64_t i, char out[8]) { sal_month_text(c->first_month + i, out); }
