/* stack.h - a covariate stack: one GeoTIFF on one metric grid, band description = covariate id ("B04", "DEM", "SOS").
 *
 * Domain SALINA holds SENSOR, DATE (YYYY-MM-DD), CAMPAIGN, SOURCES (JSON with hashes) and VERSION. Bands are found by
 * id, never by position.
 */
#ifndef SAL_DATA_STACK_H
#define SAL_DATA_STACK_H

#include "raster.h"

typedef struct sal_stack sal_stack;

/* Opens a stack. DATA when band ids are missing or stand twice, or the grid is not metric; a plain multi-band GeoTIFF
 * with band descriptions is a stack as well (its sensor is then ""). */
sal_status sal_stack_open(sal_context *ctx, const char *path, sal_stack **out);
void sal_stack_free(sal_stack *stack);
sal_raster *sal_stack_raster(sal_stack *stack);
const char *sal_stack_path(const sal_stack *stack);
const sal_grid *sal_stack_grid(const sal_stack *stack);
const char *sal_stack_sensor(const sal_stack *stack);   /* "" when unknown */
const char *sal_stack_date(const sal_stack *stack);     /* "YYYY-MM-DD" or "" */
const char *sal_stack_campaign(const sal_stack *stack); /* name, file stem when not set */
int64_t sal_stack_covariate_count(const sal_stack *stack);
const char *sal_stack_covariate(const sal_stack *stack, int64_t i);
int64_t sal_stack_find(const sal_stack *stack, const char *id); /* band index, -1 when absent */

#endif
