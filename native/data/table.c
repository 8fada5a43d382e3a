/* table.c - attribute tables row by row. Columns of a CSV stay texts, so that ids keep their leading zeros; numbers are
 * read with a decimal point, whatever the locale. A first line of numbers (months) is a header all the same.
 */
#include "table.h"
#include "gdal_guard.h"
#include <cpl_conv.h>
#include <math.h>
#include <ogr_api.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sal_table {
    sal_context *ctx;
    char *path;
    GDALDatasetH dataset;
    OGRLayerH layer;
    OGRFeatureH row;
};

static sal_status choose(sal_table *t, const char *layer)
{
    const int count = GDALDatasetGetLayerCount(t->dataset);
    if (layer)
        t->layer = GDALDatasetGetLayerByName(t->dataset, layer);
    else if (count == 1)
        t->layer = GDALDatasetGetLayer(t->dataset, 0);
    if (t->layer) return SAL_STATUS_OK;
    if (layer) return sal_fail(t->ctx, SAL_STATUS_DATA, "table \"%s\" has no layer \"%s\"", t->path, layer);
    return sal_fail(t->ctx, SAL_STATUS_DATA, "table \"%s\" has %d layers; name one, as in \"%s|layername=...\"", t->path,
                    count, t->path);
}

sal_status sal_table_open(sal_context *ctx, const char *path, sal_table **out)
{
    static const char *const options[] = { "AUTODETECT_TYPE=NO", "KEEP_GEOM_COLUMNS=YES", "HEADERS=YES", NULL };
    sal_status status;
    sal__gdal gdal;
    sal_table *t = NULL;
    const char *bar = strchr(path, '|'), *layer = bar && strncmp(bar, "|layername=", 11) == 0 ? bar + 11 : NULL;
    *out = NULL;
    if (bar && !layer)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT, "table \"%s\": only |layername=... is understood behind the file", path);
    sal__gdal_enter(&gdal);
    SAL_TRY(sal_allocate(ctx, 1, sizeof *t, &t));
    t->ctx = ctx;
    SAL_TRY(sal_text_format(ctx, &t->path, "%.*s", (int)(bar ? bar - path : (long)strlen(path)), path));
    const bool csv = !strcasecmp(CPLGetExtension(t->path), "csv");
    t->dataset = GDALOpenEx(t->path, GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, NULL, csv ? options : NULL, NULL);
    if (!t->dataset)
        SAL_TRY(sal_fail(ctx, SAL_STATUS_IO, "table \"%s\" cannot be opened%s", t->path, sal__gdal_reason(&gdal)));
    SAL_TRY(choose(t, layer));
    *out = t;
    t = NULL;
done:
    sal_table_free(t);
    sal__gdal_leave(&gdal);
    return status;
}

void sal_table_free(sal_table *t)
{
    if (!t) return;
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    if (t->row) OGR_F_Destroy(t->row);
    if (t->dataset) GDALClose(t->dataset);
    sal__gdal_leave(&gdal);
    sal_release(t->ctx, t->path);
    sal_release(t->ctx, t);
}

int64_t sal_table_columns(const sal_table *t) { return OGR_FD_GetFieldCount(OGR_L_GetLayerDefn(t->layer)); }

const char *sal_table_column(const sal_table *t, int64_t column)
{
    if (column < 0 || column >= sal_table_columns(t)) return "";
    return OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(OGR_L_GetLayerDefn(t->layer), (int)column));
}

int64_t sal_table_find(const sal_table *t, const char *name)
{
    for (int64_t i = 0; i < sal_table_columns(t); i++)
        if (!strcasecmp(sal_table_column(t, i), name)) return i;
    return -1;
}

sal_status sal_table_rewind(sal_table *t)
{
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    OGR_L_ResetReading(t->layer);
    if (t->row) OGR_F_Destroy(t->row);
    t->row = NULL;
    sal__gdal_leave(&gdal);
    return SAL_STATUS_OK;
}

sal_status sal_table_next(sal_table *t, bool *found)
{
    sal_status status = SAL_STATUS_OK;
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    if (t->row) OGR_F_Destroy(t->row);
    t->row = OGR_L_GetNextFeature(t->layer);
    *found = t->row != NULL;
    if (!t->row && gdal.failed)
        status = sal_fail(t->ctx, SAL_STATUS_IO, "table \"%s\" cannot be read to its end%s", t->path, sal__gdal_reason(&gdal));
    sal__gdal_leave(&gdal);
    return status;
}

const char *sal_table_text(const sal_table *t, int64_t column)
{
    return OGR_F_IsFieldSetAndNotNull(t->row, (int)column) ? OGR_F_GetFieldAsString(t->row, (int)column) : "";
}

double sal_table_number(const sal_table *t, int64_t column, bool *good)
{
    const char *text = sal_table_text(t, column);
    char *end = NULL;
    while (*text == ' ') text++;
    *good = true;
    if (!*text) return NAN;
    const double value = CPLStrtod(text, &end);
    while (*end == ' ') end++;
    *good = end != text && *end == 0;
    return *good ? value : NAN;
}
