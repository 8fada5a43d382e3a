/* covariates_terrain.c - the terrain parameters of Build covariate stack.
 */
#include "operations/covariates_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sal__choose(sal__choice *c, int64_t row)
{
    for (int64_t i = 0; i < c->n; i++)
        if (c->rows[i] == row) return;
    if (c->n < 256) c->rows[c->n++] = row;
}

bool sal__next_word(const sal_arguments *arguments, const char *key, int64_t *entry, int64_t *at, char word[64])
{
    for (; *entry < sal_argument_count(arguments, key); (*entry)++, *at = 0) {
        const char *text = sal_argument_text_at(arguments, key, *entry) + *at;
        const size_t skip = strspn(text, ", "), n = strcspn(text + skip, ", ");
        *at += (int64_t)(skip + n);
        if (n == 0) continue;
        snprintf(word, 64, "%.*s", (int)(n < 63 ? n : 63), text + skip);
        return true;
    }
    return false;
}

static sal_status choose_terrain(sal_context *ctx, const sal_arguments *arguments, sal__choice *c)
{
    char word[64];
    if (!sal_argument_text(arguments, "dem")) return SAL_STATUS_OK;
    for (int64_t entry = 0, at = 0; sal__next_word(arguments, "terrain", &entry, &at, word);) {
        const int64_t row = sal_terrain_find(word);
        if (row >= 0)
            sal__choose(c, row);
        else if (strcmp(word, "all") == 0)
            for (int64_t k = 0; k < sal_terrain_count(); k++) sal__choose(c, k);
        else if (strcmp(word, "none") != 0)
            return sal_fail(
                ctx, SAL_STATUS_ARGUMENT,
                "terrain has \"%s\"; use none, all or SLOPE, PROFILE_CURV, PLAN_CURV, TANG_CURV, ASPECT, REL_ELEV, TWI",
                word);
    }
    return SAL_STATUS_OK;
}

static sal_status choose_radii(sal_context *ctx, sal_build *build, const sal_arguments *arguments, sal__choice *c)
{
    char word[64];
    sal_terrain_options *o = &build->terrain_options;
    if (!sal_argument_text(arguments, "dem")) return SAL_STATUS_OK;
    for (int64_t entry = 0, at = 0; sal__next_word(arguments, "tpi_radii", &entry, &at, word);) {
        char *end;
        const double radius = strtod(word, &end);
        if (*end || !(radius >= 1 && radius <= 100000) || radius != floor(radius))
            return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                            "tpi_radii has \"%s\"; give whole metres from 1 to 100000, such as 150,600", word);
        for (int64_t k = 0; k < o->radii; k++)
            if (o->radius[k] == radius)
                return sal_fail(ctx, SAL_STATUS_ARGUMENT, "tpi_radii has %s twice; give each radius once", word);
        if (o->radii == SAL_TERRAIN_RADII)
            return sal_fail(ctx, SAL_STATUS_ARGUMENT, "tpi_radii has more than %d radii; give fewer", SAL_TERRAIN_RADII);
        snprintf(build->radius_ids[o->radii], sizeof build->radius_ids[0], "TPI_%.0f", radius);
        sal__choose(c, sal_terrain_count() + o->radii);
        o->radius[o->radii++] = radius;
    }
    return SAL_STATUS_OK;
}

static sal_status take_method(sal_context *ctx, sal_build *build, const sal_arguments *arguments)
{
    static const char *const names[] = { "horn", "zevenbergen_thorne", "evans", "florinsky" };
    const char *name = sal_argument_text(arguments, "terrain_method");
    sal_terrain_options *o = &build->terrain_options;
    for (int k = 0; k < 4; k++)
        if (strcmp(name, names[k]) == 0) o->method = (sal_terrain_method)k;
    o->window = sal_argument_i64(arguments, "terrain_window");
    if (o->window % 2 == 0)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "terrain_window is %lld; give an odd number such as %lld",
                        (long long)o->window, (long long)o->window + 1);
    if (o->window != 3 && o->method != SAL_TERRAIN_EVANS)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "terrain_window is %lld, but the method %s has a window of its own; set terrain_method to evans, or leave "
                        "terrain_window out",
                        (long long)o->window, name);
    return SAL_STATUS_OK;
}

sal_status sal__take_smoothing(sal_context *ctx, sal_build *build, const sal_arguments *arguments)
{
    sal_terrain_options *o = &build->terrain_options;
    const double sigma = sal_argument_f64(arguments, "smooth_dem");
    const bool metres = strcmp(sal_argument_text(arguments, "smooth_unit"), "metres") == 0;
    o->pixel = build->grid.pixel;
    o->smooth = metres ? sigma / o->pixel : sigma;
    if (o->smooth > SAL_TERRAIN_SMOOTH)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "smooth_dem is %.6g %s, which is %.6g pixels of %.6g m; give at most %d pixels, or a coarser reference_grid",
                        sigma, metres ? "m" : "pixels", o->smooth, o->pixel, SAL_TERRAIN_SMOOTH);
    return SAL_STATUS_OK;
}

sal_status sal__take_terrain(sal_context *ctx, sal_build *build, const sal_arguments *arguments, sal__choice *terrain)
{
    sal_status status;
    build->terrain_options.relief_radius = sal_argument_f64(arguments, "rel_elev_radius");
    SAL_TRY(take_method(ctx, build, arguments));
    SAL_TRY(choose_terrain(ctx, arguments, terrain));
    SAL_TRY(choose_radii(ctx, build, arguments, terrain));
    for (int64_t k = 0; k < terrain->n; k++)
        build->wants_wetness = build->wants_wetness || terrain->rows[k] == sal_terrain_find("TWI");
done:
    return status;
}
