/* samples_open.c - finding the point layer a user means. QGIS names layers as "file|layername=x|subset=...": parts we
 * do not know are refused, because leaving out a filter would silently train on other points. CSV coordinates count as
 * degrees only when the columns say so.
 */
#include "samples_private.h"
#include <cpl_conv.h>
#include <cpl_string.h>
#include <cpl_vsi.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct source {
    char *path, *layer, *subset; /* NULL when not given */
    long number;                 /* layerid, -1 when not given */
} source;

static sal_status parse_source(sal_context *ctx, const char *text, source *s)
{
    s->number = -1;
    const char *bar = strchr(text, '|');
    size_t length = bar ? (size_t)(bar - text) : strlen(text);
    sal_status status = sal_text_format(ctx, &s->path, "%.*s", (int)length, text);
    while (bar && status == SAL_STATUS_OK) {
        const char *part = bar + 1;
        bar = strchr(part, '|');
        length = bar ? (size_t)(bar - part) : strlen(part);
        if (!strncasecmp(part, "layername=", 10)) {
            status = sal_text_format(ctx, &s->layer, "%.*s", (int)length - 10, part + 10);
        } else if (!strncasecmp(part, "layerid=", 8)) {
            s->number = strtol(part + 8, NULL, 10);
        } else if (!strncasecmp(part, "subset=", 7)) { /* the last part; may itself hold bars */
            status = sal_text_copy(ctx, part + 7, &s->subset);
            bar = NULL;
        } else if (strncasecmp(part, "geometrytype=", 13) && strncasecmp(part, "uniqueGeometryType=", 19)) {
            status = sal_fail(
                ctx, SAL_STATUS_ARGUMENT,
                "layer \"%s\": the part \"%.*s\" is not understood; save the layer to a GeoPackage and use that", text,
                (int)length, part);
        }
    }
    return status;
}

static bool is_csv(GDALDatasetH dataset)
{
    return !strcmp(GDALGetDriverShortName(GDALGetDatasetDriver(dataset)), "CSV");
}

static bool may_hold_points(OGRLayerH layer)
{
    OGRwkbGeometryType type = OGR_GT_Flatten(OGR_L_GetGeomType(layer));
    return type == wkbPoint || type == wkbMultiPoint || type == wkbUnknown || type == wkbGeometryCollection;
}

static sal_status choose_layer(sal_context *ctx, const source *s, sal__layer *out)
{
    int count = GDALDatasetGetLayerCount(out->dataset), found = 0;
    sal_text names = { 0 };
    sal_status status = SAL_STATUS_OK;
    for (int i = 0; i < count; i++) {
        OGRLayerH layer = GDALDatasetGetLayer(out->dataset, i);
        if (!may_hold_points(layer)) continue;
        sal_text_append(ctx, &names, "%s\"%s\"", found++ ? ", " : "", OGR_L_GetName(layer));
        if (!out->layer) out->layer = layer;
    }
    if (s->layer || s->number >= 0) {
        out->layer = s->layer ? GDALDatasetGetLayerByName(out->dataset, s->layer)
                              : GDALDatasetGetLayer(out->dataset, (int)s->number);
        if (!out->layer)
            status = sal_fail(ctx, SAL_STATUS_DATA, "\"%s\" has no layer \"%s\"; its point layers are %s", s->path,
                              s->layer ? s->layer : "of that number", found ? names.data : "none");
        else if (!may_hold_points(out->layer))
            status = sal_fail(ctx, SAL_STATUS_DATA, "layer \"%s\" of \"%s\" holds no points (%s)",
                              OGR_L_GetName(out->layer), s->path, OGRGeometryTypeToName(OGR_L_GetGeomType(out->layer)));
    } else if (!found) {
        OGRLayerH first = count ? GDALDatasetGetLayer(out->dataset, 0) : NULL;
        bool csv = is_csv(out->dataset);
        status = sal_fail(ctx, SAL_STATUS_DATA, "\"%s\" has no point layer%s%s%s", s->path,
                          first && !csv ? ": it holds " : "",
                          first && !csv ? OGRGeometryTypeToName(OGR_L_GetGeomType(first)) : "",
                          csv ? "; name its coordinate columns longitude and latitude, or x and y" : "");
    } else if (found > 1) {
        status = sal_fail(ctx, SAL_STATUS_DATA, "\"%s\" has %d point layers (%s); name one, as in \"%s|layername=...\"",
                          s->path, found, names.data, s->path);
    }
    sal_text_free(ctx, &names);
    return status;
}

static bool shapefile_beside(const char *path)
{
    VSILFILE *shapefile = VSIFOpenL(CPLResetExtension(path, "shp"), "rb");
    if (shapefile) VSIFCloseL(shapefile);
    return shapefile != NULL;
}

static bool columns_say_degrees(OGRLayerH layer)
{
    static const char *const names[] = { "lon", "long", "longitude", NULL };
    OGRFeatureDefnH definition = OGR_L_GetLayerDefn(layer);
    for (int i = 0; names[i]; i++)
        for (int f = 0; f < OGR_FD_GetFieldCount(definition); f++)
            if (!strcasecmp(OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(definition, f)), names[i])) return true;
    return false;
}

/* GDAL gives a CSV the system of a .prj beside it, which may be that of a shapefile of the same name: columns called
 * longitude and latitude are degrees all the same, and others then have no system. */
static sal_status find_crs(sal_context *ctx, sal__layer *out)
{
    OGRSpatialReferenceH crs = OGR_L_GetSpatialRef(out->layer);
    const char *name = crs ? OSRGetName(crs) : NULL;
    if (name && !strncmp(name, "Undefined ", 10)) crs = NULL; /* how a GeoPackage says that there is none */
    bool csv = is_csv(out->dataset);
    if (csv && columns_say_degrees(out->layer) && !(crs && OSRIsGeographic(crs))) {
        out->crs = sal__crs_from_text("EPSG:4326");
        out->degrees_by_name = true;
    } else if (crs && !(csv && shapefile_beside(out->path))) {
        out->crs = OSRClone(crs);
        OSRSetAxisMappingStrategy(out->crs, OAMS_TRADITIONAL_GIS_ORDER);
    }
    if (out->crs) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_DATA, "layer \"%s\" of \"%s\" has no coordinate reference system; %s",
                    OGR_L_GetName(out->layer), out->path,
                    csv ? "name its columns longitude and latitude if they are degrees, put a .prj beside it, or save "
                          "it from QGIS as a GeoPackage"
                        : "set one in QGIS and save the layer as a GeoPackage");
}

/* A broken filter of a GeoPackage shows only when the first feature is asked for. */
static bool apply_filter(OGRLayerH layer, sal__gdal *gdal, const char *filter)
{
    if (!strncasecmp(filter, "select ", 7) || OGR_L_SetAttributeFilter(layer, filter) != OGRERR_NONE) return false;
    OGR_L_ResetReading(layer);
    OGRFeatureH feature = OGR_L_GetNextFeature(layer);
    if (feature) OGR_F_Destroy(feature);
    return !gdal->failed;
}

sal_status sal__layer_open(sal_context *ctx, sal__gdal *gdal, const char *text, sal__layer *out)
{
    static const char *const options[] = { "X_POSSIBLE_NAMES=longitude,lon,long,x,easting",
                                           "Y_POSSIBLE_NAMES=latitude,lat,y,northing", "KEEP_GEOM_COLUMNS=YES",
                                           "AUTODETECT_TYPE=YES", NULL };
    memset(out, 0, sizeof *out);
    source s = { 0 };
    sal_status status = SAL_STATUS_OK;
    if (!text || !text[0]) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "no samples are named");
    SAL_TRY(parse_source(ctx, text, &s));
    SAL_TRY(sal_text_copy(ctx, s.path, &out->path));
    const char *extension = CPLGetExtension(s.path); /* other drivers would complain of options they do not know */
    bool csv = !strcasecmp(extension, "csv") || !strcasecmp(extension, "txt") || !strcasecmp(extension, "tsv");
    out->dataset =
        GDALOpenEx(s.path, GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR, NULL, csv ? options : NULL, NULL);
    if (!out->dataset) {
        status = sal_fail(ctx, SAL_STATUS_IO, "samples \"%s\" cannot be opened%s", s.path, sal__gdal_reason(gdal));
        goto done;
    }
    SAL_TRY(choose_layer(ctx, &s, out));
    if (s.subset && s.subset[0] && !apply_filter(out->layer, gdal, s.subset)) {
        status = sal_fail(ctx, SAL_STATUS_DATA,
                          "the filter %s of layer \"%s\" cannot be applied%s; save the filtered layer and use that",
                          s.subset, OGR_L_GetName(out->layer), sal__gdal_reason(gdal));
        goto done;
    }
    status = find_crs(ctx, out);
done:
    sal_release(ctx, s.path);
    sal_release(ctx, s.layer);
    sal_release(ctx, s.subset);
    return status;
}

void sal__layer_close(sal_context *ctx, sal__layer *layer)
{
    if (layer->crs) OSRRelease(layer->crs);
    if (layer->dataset) GDALClose(layer->dataset);
    sal_release(ctx, layer->path);
    memset(layer, 0, sizeof *layer);
}
