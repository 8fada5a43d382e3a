/* products.c - taking a product into a build: its bands with their own scale and offset, its mask, and what the stack
 * shall say of it later.
 */
#include "features/masks.h"
#include "features/product.h"
#include "features/tiles.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

sal_status sal__build_text(sal_build *build, const char **out, const char *format, ...)
{
    char text[4096], *copy = NULL;
    va_list list;
    va_start(list, format);
    const int n = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (n < 0 || n >= (int)sizeof text)
        return sal_fail(build->ctx, SAL_STATUS_ARGUMENT,
                        "a path of more than %zu letters begins with \"%.60s\"; move "
                        "the files to a shorter one",
                        sizeof text - 1, text);
    const sal_status status = sal_arena_text(build->arena, text, &copy);
    *out = copy;
    return status;
}

bool sal__ends_with(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcasecmp(text + n - m, ending) == 0;
}

const char *sal__plain_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static sal_status check_belongs(const sal_build *build, const sal__product *p)
{
    if (build->date[0] && p->date[0] && strcmp(build->date, p->date) != 0)
        return sal_fail(build->ctx, SAL_STATUS_DATA,
                        "scenes are of different days: \"%s\" is of %s and the others are of %s; build one stack for "
                        "each campaign",
                        p->path, p->date, build->date);
    if (build->sensor[0] && strcmp(build->sensor, p->sensor) != 0)
        return sal_fail(build->ctx, SAL_STATUS_DATA,
                        "scenes are of different sensors: \"%s\" is of %s and the others are of %s; build one stack "
                        "for each sensor",
                        p->path, p->sensor, build->sensor);
    return SAL_STATUS_OK;
}

/* {"name", "path", "sensor", "date", ..., "bands": {"B04": {"file", "scale", "offset"}}} as they are used. */
sal_status sal__build_describe(sal_build *build, const sal__product *p, const int64_t first[2])
{
    sal_status status;
    sal_context *ctx = build->ctx;
    json_object *entry = json_object_new_object(), *bands = json_object_new_object(), *band = NULL;
    SAL_TRY(sal_json_add_text(ctx, entry, "name", p->name));
    SAL_TRY(sal_json_add_text(ctx, entry, "path", p->path));
    SAL_TRY(sal_json_add_text(ctx, entry, "sensor", p->sensor));
    SAL_TRY(sal_json_add_text(ctx, entry, "date", p->date));
    if (p->tile[0]) SAL_TRY(sal_json_add_text(ctx, entry, "tile", p->tile));
    if (p->baseline[0]) SAL_TRY(sal_json_add_text(ctx, entry, "processing_baseline", p->baseline));
    SAL_TRY(sal_json_add_text(ctx, entry, "level", p->level));
    const int64_t own = build->source_count - first[0];
    for (int64_t i = 0; i < own + build->patch_count - first[1]; i++) {
        const sal_source *s = i < own ? &build->sources[first[0] + i] : &build->patches[first[1] + i - own];
        band = json_object_new_object();
        SAL_TRY(sal_json_add_text(ctx, band, "file", s->path));
        SAL_TRY(sal_json_add_f64(ctx, band, "scale", s->scale));
        SAL_TRY(sal_json_add_f64(ctx, band, "offset", s->offset));
        json_object *given = band;
        band = NULL;
        SAL_TRY(sal_json_add(ctx, bands, s->id, given));
    }
    json_object *given = bands;
    bands = NULL;
    SAL_TRY(sal_json_add(ctx, entry, "bands", given));
    if (json_object_array_add(build->scenes, entry) != 0)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory for the list of scenes"));
    entry = NULL;
done:
    json_object_put(band);
    json_object_put(bands);
    json_object_put(entry);
    return status;
}

sal_status sal__build_add_product(sal_build *build, const sal__product *p)
{
    sal_status status;
    const int64_t first[2] = { build->source_count, build->patch_count };
    int64_t tile;
    sal_source *s = NULL;
    const bool overridden = isfinite(build->scale) || isfinite(build->offset);
    SAL_TRY(check_belongs(build, p));
    if (!build->sensor[0]) snprintf(build->sensor, sizeof build->sensor, "%s", p->sensor);
    if (!build->date[0]) snprintf(build->date, sizeof build->date, "%s", p->date);
    SAL_TRY(sal__build_tile(build, p->tile, p->bands[0].path, &tile));
    for (int64_t i = 0; i < p->band_count; i++) {
        const sal__product_band *band = &p->bands[i];
        SAL_TRY(sal__build_add_band(build, tile, band->path, 0, band->id, &s));
        s->archive = p->archive;
        s->scale = isfinite(build->scale) ? build->scale : band->scale;
        s->offset = isfinite(build->offset) ? build->offset : band->offset;
        s->certain = !overridden;
        s->invalid_count = p->invalid_count;
        for (int64_t k = 0; k < p->invalid_count; k++) s->invalid[k] = p->invalid[k];
    }
    if (!p->mask[0])
        sal_warn(build->ctx, "scene \"%s\" has no file %s: its clouds cannot be masked", p->path, p->mask_kind);
    else
        SAL_TRY(sal__mask_add(build, tile, p->mask_kind, p->mask, 0, p->archive));
    SAL_TRY(sal__build_describe(build, p, first));
    sal_log(build->ctx, "%s of %s: %s%s%s", p->sensor, p->date, p->name, p->note[0] ? ", " : "", p->note);
    if (overridden)
        sal_log(build->ctx, "scale and offset as given replace those of the product: reflectance = DN x %.9g + %.9g",
                s->scale, s->offset);
done:
    return status;
}
