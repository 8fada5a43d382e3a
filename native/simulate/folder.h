/* folder.h - the output folder of a digital delta: names, clean-up, and the files that are not rasters.
 */
#ifndef SAL_SIMULATE_FOLDER_H
#define SAL_SIMULATE_FOLDER_H

#include "plane.h"
#include "write.h"

typedef struct sal__folder sal__folder;

/* Checks that the folder can be made or holds none of our files, then makes it and its truth/. */
sal_status sal__folder_open(sal_context *ctx, const sal_delta_request *request, sal__folder **out);
/* folder/name, owned by the caller. */
sal_status sal__folder_path(const sal__folder *folder, const char *name, char **path);
/* Remembers a file that was written. */
sal_status sal__folder_made(sal__folder *folder, const char *path);
int64_t sal__folder_count(const sal__folder *folder);
/* The files stay; otherwise sal__folder_free removes what was made. */
void sal__folder_keep(sal__folder *folder);
void sal__folder_free(sal__folder *folder);

/* samples.gpkg and truth/samples_drivers.csv. */
sal_status sal__folder_samples(sal__folder *folder, const char *wkt, const sal_delta_point *points, int64_t count);
sal_status sal__folder_readme(sal__folder *folder, const sal_delta_request *request);

#endif
