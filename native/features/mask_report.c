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

bool sal__masks_took_all(const sal_build *build)
{
    for (int64_t i = 0; i < build->mask_count; i++) {
        const sal_mask *m = &build->masks[i];
        if (m->seen > 0 && m->dropped == m->seen && strcmp(m->kind, sal__mask_area) != 0) return true;
    }
    return false;
}

sal_status sal__masks_check(const sal_build *build)
{
    char names[160];
    for (int64_t i = 0; i < build->mask_count; i++) {
        const sal_mask *m = &build->masks[i];
        class_names(m, names);
        if (m->seen > 0 && m->dropped == m->seen && strcmp(m->kind, sal__mask_area) == 0)
            return sal_fail(build->ctx, SAL_STATUS_DATA,
                            "cropland \"%s\" keeps none of the %lld pixels of the scenes: it is 0 or nodata on all of "
                            "them; give a mask of this place, not 0 where crops grow",
                            m->path, (long long)m->seen);
        if (m->seen > 0 && m->dropped == m->seen)
            return sal_fail(build->ctx, SAL_STATUS_DATA,
                            "the scene%s%s shows no clear ground: \"%s\" drops all of its %lld pixels (%s, buffer %lld "
                            "pixels); take another date, or set mask_classes or mask_buffer lower",
                            build->date[0] ? " of " : "", build->date, m->path, (long long)m->seen, names,
                            (long long)build->mask_buffer);
        sal_log(build->ctx, "mask %s drops %.2f %% of the pixels of the scene%s%s%s%s", m->kind,
                m->seen ? 100.0 * (double)m->dropped / (double)m->seen : 0, build->date[0] ? " of " : "", build->date,
                names[0] ? ": " : "", names);
    }
    return SAL_STATUS_OK;
}

double sal__masks_cloud_share(const sal_build *build)
{
    int64_t seen = 0, dropped = 0;
    for (int64_t i = 0; i < build->mask_count; i++) {
        const sal_mask *m = &build->masks[i];
        if (strcmp(m->kind, sal__mask_area) == 0) continue;
        if (seen == 0) seen = m->seen;
        dropped += m->dropped; /* a mask sees what the one before it left */
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
