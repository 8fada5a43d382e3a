/* write.h - a digital delta as a folder of files.
 */
#ifndef SAL_SIMULATE_WRITE_H
#define SAL_SIMULATE_WRITE_H

#include "delta.h"

typedef struct sal_delta_request {
    const char *folder; /* made when missing; its parent must exist */
    int64_t size, campaigns, samples, max_memory;
    uint64_t seed;
    int64_t series; /* the first so many campaigns get the NDVI series of their year and its true season */
} sal_delta_request;

typedef struct sal_delta_summary {
    int64_t files, samples;
    double mean, median, largest; /* of the measured salinity, g/kg */
} sal_delta_summary;

/* Makes the delta and writes dem.tif, scene_<date>.tif, phenology_<campaign>.tif, ndvi_series_<campaign>.tif, samples.gpkg, truth/ and README.txt. Files of other names in the folder are left
 * alone; ARGUMENT when one of ours is there already, when the folder is a file, when memory would exceed max_memory. On any failure, cancel included, every file and
 * folder it made is gone. */
sal_status sal_delta_write(sal_context *ctx, const sal_delta_request *request, sal_delta_summary *summary);

#endif
