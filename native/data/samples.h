/* samples.h - field samples from any OGR point layer: position, target, date, campaign; and vector layers written back.
 */
#ifndef SAL_DATA_SAMPLES_H
#define SAL_DATA_SAMPLES_H

#include "date.h"
#include "stack.h"

typedef struct sal_sample {
    int64_t fid;         /* feature id in the layer */
    double x, y;         /* in the CRS of the samples object (see sal_samples_project) */
    double target;       /* finite */
    char date[11];       /* "YYYY-MM-DD", "" when the layer has none */
    char label[64];      /* the text of the date field as it stands, which may be the name of a campaign */
    int32_t stack;       /* index of the stack it belongs to, -1 before matching */
    int32_t column, row; /* pixel of that stack */
} sal_sample;

typedef struct sal_samples {
    int64_t count;
    sal_sample *items;
    char *target_field, *date_field; /* date_field "" when none */
    char *wkt;
    int64_t dropped_null, dropped_not_a_number, dropped_outside; /* left out while reading and matching */
    int64_t duplicates;                                          /* samples that share their pixel with another */
} sal_samples;

/* Reads points of `path` ("file.gpkg", "file.gpkg|layername=x", CSV with columns x/y, lon/lat or longitude/latitude is
 * read as EPSG:4326 only when the layer itself carries a CRS or the columns say so). target must be numeric (text that
 * holds numbers with a decimal point or comma is accepted and counted in a warning). DATA: no such field (the fields
 * are listed), no points, no CRS, text target, negative target (how many, first fid), all equal targets. NULL targets
 * are dropped with a warning. date_field may be NULL or "". Dates: OGR dates, or text YYYY-MM-DD, YYYY/MM/DD,
 * YYYYMMDD, DD.MM.YYYY, YYYY-MM (its 15th); when none can be read the texts are taken for names of campaigns, which
 * sal_samples_match checks; when some can and some cannot, DATA names the first that cannot. "|layername=",
 * "|layerid=" and "|subset=" work as QGIS writes them; a file with several point layers needs one of the first two. */
sal_status sal_samples_read(sal_context *ctx, const char *path, const char *target, const char *date_field,
                            sal_samples **out);
void sal_samples_free(sal_context *ctx, sal_samples *samples);
/* Brings positions to another CRS (WKT or "EPSG:32650"). */
sal_status sal_samples_project(sal_context *ctx, sal_samples *samples, const char *wkt);
/* The same for bare coordinates, in place; a point that cannot be transformed becomes NaN. */
sal_status sal_points_transform(sal_context *ctx, const char *from_wkt, const char *to_wkt, int64_t n, double *x,
                                double *y);
/* Gives every sample its stack and pixel: by campaign name when date_field's values equal stack campaigns, else by
 * nearest date (stated in the log with the largest gap; refused when a gap exceeds 183 days unless there is one
 * stack), the only stack when there is one. Several stacks of the nearest date are told apart by position. Afterwards
 * x, y and wkt are in the CRS of the first stack, in metres. Samples outside their stack are dropped with a warning;
 * DATA when none is left (says where the samples and the stack lie). Several samples of one stack in one pixel are
 * kept and counted in `duplicates` with a warning; exact duplicates (same position, date and target) are merged. */
sal_status sal_samples_match(sal_context *ctx, sal_samples *samples, sal_stack *const *stacks, int64_t n_stacks);

/* Writes points as a GeoPackage (whole or not at all): geometry plus n_fields columns. Kinds: 'f' double (NaN = null),
 * 'i' int64, 't' text. */
typedef struct sal_column {
    const char *name;
    char kind;
    const void *values; /* const double *, const int64_t *, const char *const * */
} sal_column;
sal_status sal_points_write(sal_context *ctx, const char *path, const char *layer, const char *wkt, int64_t count,
                            const double *x, const double *y, const sal_column *columns, int64_t n_columns);

#endif
