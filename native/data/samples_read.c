/* samples_read.c - field samples from an OGR point layer. What a table may hold besides clean numbers is either
 * refused with the first culprit or left out, counted and said: nothing is converted silently. Decimal commas ("6,1")
 * are common in exported field tables; "1,234.5" is refused, because which sign groups and which divides cannot be
 * known.
 */
#include "date.h"
#include "samples_private.h"
#include <cpl_conv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef struct reader {
    sal_context *ctx;
    sal__layer source;
    sal_samples *samples;
    int64_t capacity;
    int target, date; /* field numbers; date -1 when none */
    bool text_target;
    int64_t text_count, negative, negative_fid, no_point, no_date, dated, undated;
    double negative_value;
    int64_t undated_fid;
    char undated_text[64];
} reader;

static sal_status field_number(reader *r, const char *name, const char *role, int *out)
{
    OGRFeatureDefnH definition = OGR_L_GetLayerDefn(r->source.layer);
    int count = OGR_FD_GetFieldCount(definition), close = -1;
    sal_text names = { 0 };
    for (int f = 0; f < count; f++) {
        const char *field = OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(definition, f));
        if (!strcmp(field, name)) {
            sal_text_free(r->ctx, &names);
            *out = f;
            return SAL_STATUS_OK;
        }
        if (!strcasecmp(field, name)) close = f;
        sal_text_append(r->ctx, &names, "%s%s", f ? ", " : "", field);
    }
    sal_status status =
        close >= 0 ? sal_fail(r->ctx, SAL_STATUS_DATA, "layer \"%s\" has no %s field \"%s\"; did you mean \"%s\"?",
                              OGR_L_GetName(r->source.layer), role, name,
                              OGR_Fld_GetNameRef(OGR_FD_GetFieldDefn(definition, close)))
                   : sal_fail(r->ctx, SAL_STATUS_DATA, "layer \"%s\" has no %s field \"%s\"; its fields are %s",
                              OGR_L_GetName(r->source.layer), role, name, names.data ? names.data : "none");
    sal_text_free(r->ctx, &names);
    return status;
}

static sal_status choose_fields(reader *r, const char *target, const char *date)
{
    sal_context *ctx = r->ctx;
    r->date = -1;
    if (!target || !target[0]) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "no target field is named");
    sal_status status = field_number(r, target, "target", &r->target);
    if (status == SAL_STATUS_OK && date && date[0]) status = field_number(r, date, "date", &r->date);
    if (status != SAL_STATUS_OK) return status;
    OGRFieldType type = OGR_Fld_GetType(OGR_FD_GetFieldDefn(OGR_L_GetLayerDefn(r->source.layer), r->target));
    r->text_target = type == OFTString;
    if (type == OFTInteger || type == OFTInteger64 || type == OFTReal || type == OFTString) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_DATA, "target field \"%s\" holds %s values, not numbers", target,
                    OGR_GetFieldTypeName(type));
}

/* 1: a number, 0: says that there is none, -1: something else. */
static int parse_number(const char *text, double *out)
{
    static const char *const none[] = { "", "na", "n/a", "nan", "null", "none", "-", NULL };
    char number[64];
    while (*text == ' ' || *text == '\t') text++;
    size_t n = strlen(text);
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t')) n--;
    if (n >= sizeof number) return -1;
    memcpy(number, text, n);
    number[n] = 0;
    for (int i = 0; none[i]; i++)
        if (!strcasecmp(number, none[i])) return 0;
    char *comma = strchr(number, ',');
    if (comma && (strchr(comma + 1, ',') || strchr(number, '.'))) return -1;
    if (comma) *comma = '.';
    char *end = NULL;
    *out = CPLStrtod(number, &end); /* never by locale */
    return end != number && !*end && isfinite(*out) ? 1 : -1;
}

/* *use says whether the sample is kept. */
static sal_status read_target(reader *r, OGRFeatureH feature, sal_sample *sample, bool *use)
{
    *use = false;
    if (!OGR_F_IsFieldSetAndNotNull(feature, r->target)) {
        r->samples->dropped_null++;
        return SAL_STATUS_OK;
    }
    if (r->text_target) {
        const char *text = OGR_F_GetFieldAsString(feature, r->target);
        int kind = parse_number(text, &sample->target);
        if (kind < 0)
            return sal_fail(
                r->ctx, SAL_STATUS_DATA,
                "target field \"%s\" is text and feature %lld holds \"%.40s\", which is no number; correct the table",
                r->samples->target_field, (long long)sample->fid, text);
        if (kind == 0) {
            r->samples->dropped_null++;
            return SAL_STATUS_OK;
        }
        r->text_count++;
    } else {
        sample->target = OGR_F_GetFieldAsDouble(feature, r->target);
    }
    if (!isfinite(sample->target)) {
        r->samples->dropped_not_a_number++;
        return SAL_STATUS_OK;
    }
    if (sample->target < 0 && !r->negative++) {
        r->negative_fid = sample->fid;
        r->negative_value = sample->target;
    }
    *use = true;
    return SAL_STATUS_OK;
}

static void read_date(reader *r, OGRFeatureH feature, sal_sample *sample)
{
    if (r->date < 0) return;
    if (!OGR_F_IsFieldSetAndNotNull(feature, r->date)) {
        r->no_date++;
        return;
    }
    OGRFieldType type = OGR_Fld_GetType(OGR_FD_GetFieldDefn(OGR_L_GetLayerDefn(r->source.layer), r->date));
    int y, m, d, hour, minute, second, zone;
    const char *text = OGR_F_GetFieldAsString(feature, r->date);
    snprintf(sample->label, sizeof sample->label, "%s", text);
    if ((type == OFTDate || type == OFTDateTime) &&
        OGR_F_GetFieldAsDateTime(feature, r->date, &y, &m, &d, &hour, &minute, &second, &zone)) {
        char whole[48];
        snprintf(whole, sizeof whole, "%04d-%02d-%02d", y, m, d);
        sal_date_parse(whole, sample->date);
    } else {
        sal_date_parse(text, sample->date);
    }
    if (sample->date[0]) {
        r->dated++;
    } else if (!r->undated++) {
        r->undated_fid = sample->fid;
        snprintf(r->undated_text, sizeof r->undated_text, "%s", text);
    }
}

static sal_status read_point(reader *r, OGRFeatureH feature, sal_sample *sample, bool *use)
{
    OGRGeometryH geometry = OGR_F_GetGeometryRef(feature);
    *use = false;
    if (!geometry || OGR_G_IsEmpty(geometry)) {
        r->no_point++;
        return SAL_STATUS_OK;
    }
    OGRwkbGeometryType type = OGR_GT_Flatten(OGR_G_GetGeometryType(geometry));
    if (type == wkbMultiPoint && OGR_G_GetGeometryCount(geometry) == 1) {
        geometry = OGR_G_GetGeometryRef(geometry, 0);
        type = wkbPoint;
    }
    if (type != wkbPoint)
        return sal_fail(r->ctx, SAL_STATUS_DATA,
                        "feature %lld of layer \"%s\" is a %s, not one point; take centroids or split it in QGIS first",
                        (long long)sample->fid, OGR_L_GetName(r->source.layer),
                        OGRGeometryTypeToName(OGR_G_GetGeometryType(geometry)));
    sample->x = OGR_G_GetX(geometry, 0);
    sample->y = OGR_G_GetY(geometry, 0);
    if (!isfinite(sample->x) || !isfinite(sample->y)) {
        r->no_point++;
        return SAL_STATUS_OK;
    }
    if (r->source.degrees_by_name && (fabs(sample->x) > 360 || fabs(sample->y) > 90))
        return sal_fail(r->ctx, SAL_STATUS_DATA,
                        "feature %lld of \"%s\" lies at longitude %g, latitude %g, which are no degrees",
                        (long long)sample->fid, r->source.path, sample->x, sample->y);
    *use = true;
    return SAL_STATUS_OK;
}

static sal_status keep(reader *r, const sal_sample *sample)
{
    sal_samples *s = r->samples;
    if (s->count == r->capacity) {
        int64_t more = r->capacity ? 2 * r->capacity : 256;
        sal_status status = sal_reallocate(r->ctx, r->capacity, more, sizeof *s->items, &s->items);
        if (status != SAL_STATUS_OK) return status;
        r->capacity = more;
    }
    s->items[s->count++] = *sample;
    return SAL_STATUS_OK;
}

static sal_status read_features(reader *r, sal__gdal *gdal)
{
    sal_status status = SAL_STATUS_OK;
    OGR_L_ResetReading(r->source.layer);
    for (OGRFeatureH feature; status == SAL_STATUS_OK && (feature = OGR_L_GetNextFeature(r->source.layer));) {
        sal_sample sample = { .fid = OGR_F_GetFID(feature), .stack = -1, .column = -1, .row = -1 };
        bool use = false;
        status = read_point(r, feature, &sample, &use);
        if (status == SAL_STATUS_OK && use) status = read_target(r, feature, &sample, &use);
        if (status == SAL_STATUS_OK && use) {
            read_date(r, feature, &sample);
            status = keep(r, &sample);
        }
        OGR_F_Destroy(feature);
    }
    if (status == SAL_STATUS_OK && gdal->failed)
        status = sal_fail(r->ctx, SAL_STATUS_IO, "samples \"%s\" cannot be read to the end%s", r->source.path,
                          sal__gdal_reason(gdal));
    return status;
}

static sal_status check_values(reader *r)
{
    sal_context *ctx = r->ctx;
    const sal_samples *s = r->samples;
    const char *layer = OGR_L_GetName(r->source.layer);
    if (s->count < 1)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "layer \"%s\" of \"%s\" has no usable point: %lld have no geometry, %lld no \"%s\", %lld a "
                        "\"%s\" that is no number",
                        layer, r->source.path, (long long)r->no_point, (long long)s->dropped_null, s->target_field,
                        (long long)s->dropped_not_a_number, s->target_field);
    if (r->negative)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "%lld of %lld samples have a negative \"%s\" (first: feature %lld, %g); remove them or set "
                        "missing values to NULL",
                        (long long)r->negative, (long long)s->count, s->target_field, (long long)r->negative_fid,
                        r->negative_value);
    bool varies = s->count == 1;
    for (int64_t i = 1; i < s->count; i++) varies |= s->items[i].target != s->items[0].target;
    if (!varies)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "all %lld samples have the same \"%s\", %g; there is nothing to learn from",
                        (long long)s->count, s->target_field, s->items[0].target);
    if (r->dated && r->undated)
        return sal_fail(ctx, SAL_STATUS_DATA,
                        "date field \"%s\" holds \"%s\" in feature %lld, which is no date (%lld of %lld are not); "
                        "write dates as YYYY-MM-DD",
                        s->date_field, r->undated_text, (long long)r->undated_fid, (long long)r->undated,
                        (long long)s->count);
    return SAL_STATUS_OK;
}

static void warn_of_losses(const reader *r)
{
    sal_context *ctx = r->ctx;
    const sal_samples *s = r->samples;
    if (r->text_count)
        sal_warn(ctx, "target field \"%s\" is text; %lld values were read as numbers", s->target_field,
                 (long long)r->text_count);
    if (s->dropped_null)
        sal_warn(ctx, "%lld samples without \"%s\" were left out", (long long)s->dropped_null, s->target_field);
    if (s->dropped_not_a_number)
        sal_warn(ctx, "%lld samples whose \"%s\" is not a number were left out", (long long)s->dropped_not_a_number,
                 s->target_field);
    if (r->no_point) sal_warn(ctx, "%lld features without a point were left out", (long long)r->no_point);
    if (r->no_date) sal_warn(ctx, "%lld samples have no \"%s\"", (long long)r->no_date, s->date_field);
}

sal_status sal_samples_read(sal_context *ctx, const char *path, const char *target, const char *date_field,
                            sal_samples **out)
{
    *out = NULL;
    reader r = { .ctx = ctx, .target = -1, .date = -1 };
    sal__gdal gdal;
    sal__gdal_enter(&gdal);
    sal_status status = sal_allocate(ctx, 1, sizeof *r.samples, &r.samples);
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(sal__layer_open(ctx, &gdal, path, &r.source));
    SAL_TRY(choose_fields(&r, target, date_field));
    SAL_TRY(sal_text_copy(ctx, target, &r.samples->target_field));
    SAL_TRY(sal_text_copy(ctx, date_field ? date_field : "", &r.samples->date_field));
    SAL_TRY(sal__crs_to_wkt(ctx, r.source.crs, &r.samples->wkt));
    SAL_TRY(read_features(&r, &gdal));
    SAL_TRY(check_values(&r));
    warn_of_losses(&r);
    *out = r.samples;
    r.samples = NULL;
done:
    sal_samples_free(ctx, r.samples);
    sal__layer_close(ctx, &r.source);
    sal__gdal_leave(&gdal);
    return status;
}

void sal_samples_free(sal_context *ctx, sal_samples *samples)
{
    if (!samples) return;
    sal_release(ctx, samples->items);
    sal_release(ctx, samples->target_field);
    sal_release(ctx, samples->date_field);
    sal_release(ctx, samples->wkt);
    sal_release(ctx, samples);
}
