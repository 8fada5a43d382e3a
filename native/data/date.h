/* date.h - calendar dates as field tables write them. */
#ifndef SAL_DATA_DATE_H
#define SAL_DATA_DATE_H

#include <stdbool.h>
#include <stdint.h>

/* Reads YYYY-MM-DD, YYYY/MM/DD, YYYYMMDD, DD.MM.YYYY, each with a time behind it or not, and YYYY-MM (its 15th) into
 * "YYYY-MM-DD". False, and "" in out, for anything else or a day that does not exist. */
bool sal_date_parse(const char *text, char out[11]);
/* Days since 1970-01-01 of "YYYY-MM-DD"; INT64_MIN when it is none. */
int64_t sal_date_days(const char *date);

#endif
