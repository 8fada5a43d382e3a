/* classes.h - named class schemes of the target: limits, names, colours. One row each in classes.def.
 *
 * They cut scores and intervals by class and colour the maps. The same limits have other names in other schemes, so a
 * scheme is always named where its classes appear.
 */
#ifndef SAL_TRAIN_CLASSES_H
#define SAL_TRAIN_CLASSES_H

#include "base/base.h"

#define SAL_CLASS_MAX 8

typedef struct sal_class_scheme {
    char id[32], title[96], unit[16], source[128];
    int32_t count;                /* classes, 1 .. SAL_CLASS_MAX */
    double breaks[SAL_CLASS_MAX]; /* count - 1 rising limits; a value equal to breaks[i] belongs to class i + 1 */
    char names[SAL_CLASS_MAX][48];
    char colours[SAL_CLASS_MAX][8]; /* "#rrggbb" */
} sal_class_scheme;

int64_t sal_class_scheme_count(void);
const sal_class_scheme *sal_class_scheme_at(int64_t i);
const sal_class_scheme *sal_class_scheme_find(const char *id); /* NULL when unknown */
/* The first scheme for a unit ("g/kg", "dS/m"; case and spaces do not matter, mS/cm is dS/m, g kg-1 is g/kg); NULL when
 * there is none. */
const sal_class_scheme *sal_class_scheme_for_unit(const char *unit);
/* Whether two unit texts mean the same unit. */
bool sal_unit_equal(const char *a, const char *b);
/* For targets without a scheme: quarters of the n values (quantiles of type 7; equal limits are merged). */
sal_status sal_class_scheme_quarters(sal_context *ctx, const char *unit, int64_t n, const double *values,
                                     sal_class_scheme *out);
/* Class of a value, 0 .. count - 1. */
int32_t sal_class_of(const sal_class_scheme *scheme, double value);
/* "< 1", "1-2", ">= 6": limits of a class as text, without the unit. */
void sal_class_limits_text(const sal_class_scheme *scheme, int32_t index, char out[64]);

#endif
