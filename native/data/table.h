/* table.h - rows of attribute tables through OGR: CSV, GeoPackage, spreadsheets, any layer; geometry is not looked at.
 */
#ifndef SAL_DATA_TABLE_H
#define SAL_DATA_TABLE_H

#include "base/base.h"

typedef struct sal_table sal_table;

/* Opens the layer `path` names ("file" or "file|layername=x"). IO when it cannot be opened, DATA when the file has several layers and none
 * is named. Used by one thread at a time. */
sal_status sal_table_open(sal_context *ctx, const char *path, sal_table **out);
void sal_table_free(sal_table *table);
int64_t sal_table_columns(const sal_table *table);
const char *sal_table_column(const sal_table *table, int64_t column); /* "" outside */
/* Column of that name, upper and lower case alike; -1 when there is none. */
int64_t sal_table_find(const sal_table *table, const char *name);
/* Begins again before the first row. */
sal_status sal_table_rewind(sal_table *table);
/* The next row, or *found = false at the end. IO when the file is damaged. */
sal_status sal_table_next(sal_table *table, bool *found);
/* A value of the current row as text, "" for NULL; borrowed until the next row or the next call. */
const char *sal_table_text(const sal_table *table, int64_t column);
/* The same as a number; NaN for NULL or empty; *good = false when it is neither. */
double sal_table_number(const sal_table *table, int64_t column, bool *good);

#endif
