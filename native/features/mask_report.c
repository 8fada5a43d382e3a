/* mask_report.c - what masks took: the log, the refusal of a scene without clear ground, the metadata and the result.
 */
#include "features/masks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void class_names(const sal_mask *m, char out[160])
{
    size_t n = 0;
    const char *name;
    out[0] = 0;
    for (int64_t i = 0; n < 140 && (name = sal__mask_dropped(m, i)); i++)
        n += (size_t)snprintf(out + n, 160 - n, "%s%s", n ? ", " : "", name);
}

/* Whether each tile has a mask that dropped all of its pixels, or one of all tiles did; `which` is the first such mask. */
static bool took_all(const sal_build *build, bool area, int64_t *which)
{
    int64_t tiles = 0, hidden = 0;
    *which = -1;
    for (int64_t tile = -1; tile < build->tile_count; tile++) {
        bool all = false;
        for (int64_t i = 0; i < build->mask_count; i++) {
            const sal_mask *m = &build->masks[i];
            if (m->tile != tile || (strcmp(m->kind, sal__mask_area) == 0) != area) continue;
            if (m->seen == 0 || m->dropped < m->seen) continue;
            all = true;
            if (*which < 0) *which = i;
        }
        if (tile < 0 && all) return true;
        if (tile < 0 || build->tiles[tile].outside) continue;
        tiles++;
        hidden += all;
    }
    return tiles > 0 && hidden == tiles;
}

bool sal__masks_took_all(const sal_build *build)
{
    int64_t which;
    return took_all(build, false, &which);
}

sal_status sal__masks_check(const sal_build *build)
{
    char names[160];
    int64_t which;
    if (took_all(build, true, &which))
        return sal_fail(build->ctx, SAL_STATUS_DATA,
                        "cropland \"%s\" keeps none of the %lld pixels of the scenes: it is 0 or nodata on all of "
                        "them; give a mask of this place, not 0 where crops grow",
                        build->masks[which].path, (long long)build->masks[which].seen);
    for (int64_t i = 0; i < build->mask_count; i++) {
        const sal_mask *m = &build->masks[i];
        const char *tile = m->tile >= 0 && build->tile_count > 1 ? build->tiles[m->tile].name : "";
        class_names(m, names);
        sal_log(build->ctx, "mask %s drops %.2f %% of the pixels of the scene%s%s%s%s%s%s", m->kind,
                m->seen ? 100.0 * (double)m->dropped / (double)m->seen : 0, build->date[0] ? " of " : "", build->date,
                tile[0] ? ", tile " : "", tile, names[0] ? ": " : "", names);
    }
    if (!took_all(build, false, &which)) return SAL_STATUS_OK;
    class_names(&build->masks[which], names);
    return sal_fail(build->ctx, SAL_STATUS_DATA,
                    "the scene%s%s shows no clear ground: \"%s\" drops all of its %lld pixels (%s, buffer %lld "
                    "pixels)%s; take another date, or set mask_classes or mask_buffer lower",
                    build->date[0] ? " of " : "", build->date, build->masks[which].path,
                    (long long)build->masks[which].seen, names, (long long)build->mask_buffer,
                    build->tile_count > 1 ? ", and the other tiles show none either" : "");
}

/* A mask sees what the one before it left; each tile is counted for itself. */
double sal__masks_cloud_share(const sal_build *build)
{
    int64_t seen = 0, dropped = 0;
    for (int64_t tile = -1; tile < build->tile_count; tile++) {
        bool first = true;
        for (int64_t i = 0; i < build->mask_count; i++) {
            const sal_mask *m = &build->masks[i];
            if (m->tile != tile || strcmp(m->kind, sal__mask_area) == 0) continue;
            if (first) seen += m->seen;
            first = first && m->seen == 0;
            dropped += m->dropped;
        }
    }
    return seen ? (double)dropped / (double)seen : NAN;
}

static json_object *describe(const sal_build *build, const sal_mask *m)
{
    json_object *entry = json_object_new_object(), *names = json_object_new_array();
    const char *name;
    for (int64_t i = 0; (name = sal__mask_dropped(m, i)); i++)
        json_object_array_add(names, json_object_new_string(name));
    json_object_object_add(entry, "kind", json_object_new_string(m->kind));
    json_object_object_add(entry, "file", json_object_new_string(m->path));
    if (m->tile >= 0 && build->tile_count > 1 && build->tiles[m->tile].name[0])
        json_object_object_add(entry, "tile", json_object_new_string(build->tiles[m->tile].name));
    json_object_object_add(entry, "dropped", names);
    json_object_object_add(entry, "buffer", json_object_new_int64(sal__mask_margin(build, m)));
    json_object_object_add(entry, "share", sal_json_number(m->seen ? (double)m->dropped / (double)m->seen : 0));
    return entry;
}

json_object *sal__masks_json(const sal_build *build)
{
    json_object *list = json_object_new_array();
    for (int64_t i = 0; list && i < build->mask_count; i++)
        json_object_array_add(list, describe(build, &build->masks[i]));
    return list;
}
