/* sites_read.c - points and their ids. An id that comes twice would join one place's data to another: it is refused.
 */
#include "sites.h"
#include "samples_private.h"
#include <cpl_conv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    sal_context *ctx;
    sal__layer source;
    sal_sites *sites;
    int64_t capacity;
    int field; /* -1: feature id */
} reader;

static sal_status find_field(reader *r, const char *name)
{
    OGRFeatureDefnH definition = OGR_L_GetLayerDefn(r->source.layer);
    sal_text names = { 0 };
    r->field = -1;
    if (!name || !name[0]) return SAL_STATUS_OK;
    r->field = OGR_FD_GetFieldIndex(definition, name);
    if (r->field >= 0) return SAL_STATUS_OK;
    for (int i = 0; i < OGR_FD_GetFieldCount(definition) && i < 20; i++)
        sal_text_append(r->ctx, &names, "%s%s", i ? ", " : "", OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(definition, i)));
    sal_status status = sal_fail(r->ctx, SAL_STATUS_DATA, "layer \"%s\" has no field \"%s\" for the id; it has %s",
                                 OGR_L_GetName(r->source.layer), name, names.data ? names.data : "none");
    sal_text_free(r->ctx, &names);
    return status;
}

static sal_status grow(reader *r)
{
    sal_status status = SAL_STATUS_OK;
    sal_sites *s = r->sites;
    const int64_t more = r->capacity ? 2 * r->capacity : 256;
    if (s->count < r->capacity) return status;
    SAL_TRY(sal_reallocate(r->ctx, r->capacity, more, sizeof *s->ids, &s->ids));
    SAL_TRY(sal_reallocate(r->ctx, r->capacity, more, sizeof *s->x, &s->x));
    SAL_TRY(sal_reallocate(r->ctx, r->capacity, more, sizeof *s->y, &s->y));
    r->capacity = more;
done:
    return status;
}

static sal_status take(reader *r, OGRFeatureH feature)
{
    sal_status status;
    sal_sites *s = r->sites;
    char number[24];
    OGRGeometryH geometry = OGR_F_GetGeometryRef(feature);
    if (geometry && OGR_GT_Flatten(OGR_G_GetGeometryType(geometry)) == wkbMultiPoint && OGR_G_GetGeometryCount(geometry) == 1)
        geometry = OGR_G_GetGeometryRef(geometry, 0);
    if (!geometry || OGR_G_IsEmpty(geometry) || OGR_GT_Flatten(OGR_G_GetGeometryType(geometry)) != wkbPoint)
        return sal_fail(r->ctx, SAL_STATUS_DATA, "feature %lld of layer \"%s\" is not one point; leave it out, or take centroids in QGIS first",
                        (long long)OGR_F_GetFID(feature), OGR_L_GetName(r->source.layer));
    snprintf(number, sizeof number, "%lld", (long long)OGR_F_GetFID(feature));
    const char *id = r->field < 0 ? number : OGR_F_IsFieldSetAndNotNull(feature, r->field) ? OGR_F_GetFieldAsString(feature, r->field) : "";
    if (!id[0])
        return sal_fail(r->ctx, SAL_STATUS_DATA, "feature %lld of layer \"%s\" has no id; fill the field, or name another",
                        (long long)OGR_F_GetFID(feature), OGR_L_GetName(r->source.layer));
    SAL_TRY(grow(r));
    SAL_TRY(sal_arena_text(s->arena, id, &s->ids[s->count]));
    s->x[s->count] = OGR_G_GetX(geometry, 0);
    s->y[s->count++] = OGR_G_GetY(geometry, 0);
done:
    return status;
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static sal_status check_distinct(reader *r)
{
    sal_status status;
    char **sorted = NULL;
    const int64_t n = r->sites->count;
    SAL_TRY(sal_allocate(r->ctx, n, sizeof *sorted, &sorted));
    memcpy(sorted, r->sites->ids, sizeof *sorted * (size_t)n);
    qsort(sorted, (size_t)n, sizeof *sorted, by_text);
    for (int64_t i = 1; i < n; i++)
        if (strcmp(sorted[i], sorted[i - 1]) == 0) {
            status = sal_fail(r->ctx, SAL_STATUS_DATA, "layer \"%s\" has the id \"%s\" more than once; take a field with an id for each point",
                              OGR_L_GetName(r->source.layer), sorted[i]);
            break;
        }
done:
    sal_release(r->ctx, sorted);
    return status;
}

static sal_status read_all(reader *r, sal__gdal *gdal, const char *path, const char *id_field)
{
    sal_status status;
    char *wkt = NULL;
    SAL_TRY(sal__layer_open(r->ctx, gdal, path, &r->source));
    SAL_TRY(find_field(r, id_field));
    OGR_L_ResetReading(r->source.layer);
    for (OGRFeatureH feature; (feature = OGR_L_GetNextFeature(r->source.layer));) {
        status = sal_look(r->ctx) ? sal_progress(r->ctx, 0, NULL) : SAL_STATUS_OK;
        if (status == SAL_STATUS_OK) status = take(r, feature);
        OGR_F_Destroy(feature);
        if (status != SAL_STATUS_OK) goto done;
    }
    if (gdal->failed)
        SAL_TRY(sal_fail(r->ctx, SAL_STATUS_IO, "points \"%s\" cannot be read to the end%s", path, sal__gdal_reason(gdal)));
    if (r->sites->count == 0)
        SAL_TRY(sal_fail(r->ctx, SAL_STATUS_DATA, "layer \"%s\" of \"%s\" has no points", OGR_L_GetName(r->source.layer), path));
    SAL_TRY(check_distinct(r));
    if (OSRExportToWkt(r->source.crs, &wkt) != OGRERR_NONE || !wkt)
        SAL_TRY(sal_fail(r->ctx, SAL_STATUS_DATA, "the coordinate reference system of \"%s\" cannot be written as text", path));
    status = sal_text_copy(r->ctx, wkt, &r->sites->wkt);
done:
    CPLFree(wkt);
    sal__layer_close(r->ctx, &r->source);
    return status;
}

sal_status sal_sites_read(sal_context *ctx, const char *path, const char *id_field, sal_sites *out)
{
    sal__gdal gdal;
    reader r = { .ctx = ctx, .sites = out };
    *out = (sal_sites){ 0 };
    sal_status status = sal_arena_new(ctx, &out->arena);
    if (status != SAL_STATUS_OK) return status;
    sal__gdal_enter(&gdal);
    status = read_all(&r, &gdal, path, id_field);
    sal__gdal_leave(&gdal);
    if (status != SAL_STATUS_OK) sal_sites_clear(ctx, out);
    return status;
}

void sal_sites_clear(sal_context *ctx, sal_sites *s)
{
    sal_release(ctx, s->ids);
    sal_release(ctx, s->x);
    sal_release(ctx, s->y);
    sal_release(ctx, s->wkt);
    if (s->arena) sal_arena_free(s->arena);
    *s = (sal_sites){ 0 };
}
