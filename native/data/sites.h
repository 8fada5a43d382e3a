/* sites.h - places by id, from any OGR point layer: for data that is joined to them by id or read under them.
 */
#ifndef SAL_DATA_SITES_H
#define SAL_DATA_SITES_H

#include "base/base.h"

typedef struct sal_sites {
    int64_t count;
    char **ids;    /* text of the id field, or the feature id */
    double *x, *y; /* in the CRS of the layer */
    char *wkt;
    sal_arena *arena; /* owns the texts */
} sal_sites;

/* Reads the points of a layer named as for sal_samples_read. id_field may be NULL or "": then the feature ids. DATA: no such field, an
 * id that is empty or comes twice, a feature that is not one point, no points. */
sal_status sal_sites_read(sal_context *ctx, const char *path, const char *id_field, sal_sites *out);
void sal_sites_clear(sal_context *ctx, sal_sites *sites);

#endif
