/* classes.c - the table of class schemes and looking values up in it.
 *
 * The trap: FAO and NRCS share limits but not names ("slightly saline" is 2-4 in one and 4-8 in the other), hence ids,
 * never bare names.
 */
#include "train/classes.h"
#include "train/metrics.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
#define SAL_ROW(...) { __VA_ARGS__ }
#define SAL_CLASS_SCHEME(id_, title_, unit_, source_, breaks_, names_, colours_)                                       \
    { .id = #id_, .title = title_, .unit = unit_, .source = source_, .count = 5,                                       \
      .breaks = breaks_, .names = names_, .colours = colours_ },
static const sal_class_scheme schemes[] = {
#include "train/classes.def"
};
#undef SAL_CLASS_SCHEME
#undef SAL_ROW
/* clang-format on */

int64_t sal_class_scheme_count(void) { return (int64_t)(sizeof schemes / sizeof schemes[0]); }
const sal_class_scheme *sal_class_scheme_at(int64_t i) { return &schemes[i]; }

const sal_class_scheme *sal_class_scheme_find(const char *id)
{
    for (int64_t i = 0; i < sal_class_scheme_count(); i++)
        if (!strcmp(schemes[i].id, id)) return &schemes[i];
    return NULL;
}

/* Lower case without spaces, dots and carets; "gkg-1" becomes "g/kg" and so on for the units of soil salinity. */
static void plain_unit(const char *unit, char out[32])
{
    static const char *const same[][2] = { { "gkg-1", "g/kg" },  { "dsm-1", "ds/m" },   { "ms/cm", "ds/m" },
                                           { "mscm-1", "ds/m" }, { "mmho/cm", "ds/m" }, { "mmhos/cm", "ds/m" },
                                           { "mg/g", "g/kg" } };
    size_t n = 0;
    for (const char *c = unit; *c && n < 31; c++)
        if (!isspace((unsigned char)*c) && *c != '.' && *c != '^') out[n++] = (char)tolower((unsigned char)*c);
    out[n] = 0;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        if (!strcmp(out, same[i][0])) strcpy(out, same[i][1]);
}

bool sal_unit_equal(const char *a, const char *b)
{
    char p[32], q[32];
    plain_unit(a, p);
    plain_unit(b, q);
    return !strcmp(p, q);
}

const sal_class_scheme *sal_class_scheme_for_unit(const char *unit)
{
    for (int64_t i = 0; unit && i < sal_class_scheme_count(); i++)
        if (sal_unit_equal(schemes[i].unit, unit)) return &schemes[i];
    return NULL;
}

sal_status sal_class_scheme_quarters(sal_context *ctx, const char *unit, int64_t n, const double *values,
                                     sal_class_scheme *out)
{
    static const char *const colours[] = { "#fec44f", "#f58b2b", "#cc4c02", "#662506" };
    static const char *const names[] = { "lowest quarter", "second quarter", "third quarter", "highest quarter" };
    *out = (sal_class_scheme){
        .id = "quarters", .title = "Quarters of the observed values", .source = "quantiles of type 7", .count = 1
    };
    snprintf(out->unit, sizeof out->unit, "%s", unit ? unit : "");
    strcpy(out->names[0], names[0]);
    strcpy(out->colours[0], colours[0]);
    double *sorted = NULL;
    sal_status status = sal_sorted_copy(ctx, n, values, &sorted);
    if (status != SAL_STATUS_OK) return status;
    for (int32_t i = 1; i < 4 && n > 0; i++) {
        double limit = sal_quantile_sorted(n, sorted, i / 4.0);
        if (!(limit > sorted[0]) || (out->count > 1 && limit <= out->breaks[out->count - 2])) continue;
        out->breaks[out->count - 1] = limit;
        strcpy(out->names[out->count], names[i]);
        strcpy(out->colours[out->count], colours[i]);
        out->count++;
    }
    sal_release(ctx, sorted);
    return SAL_STATUS_OK;
}

int32_t sal_class_of(const sal_class_scheme *scheme, double value)
{
    int32_t c = 0;
    while (c + 1 < scheme->count && value >= scheme->breaks[c]) c++;
    return c;
}

void sal_class_limits_text(const sal_class_scheme *scheme, int32_t index, char out[64])
{
    if (scheme->count == 1)
        snprintf(out, 64, "all");
    else if (index == 0)
        snprintf(out, 64, "< %.4g", scheme->breaks[0]);
    else if (index == scheme->count - 1)
        snprintf(out, 64, ">= %.4g", scheme->breaks[index - 1]);
    else
        snprintf(out, 64, "%.4g - %.4g", scheme->breaks[index - 1], scheme->breaks[index]);
}
