/* table_mapper.h - baselines on tiles: the pixels that have bands, SAL_BASELINE_LANES at a time, each as a row of the table they were fitted to.
 */
#ifndef SAL_MAP_TABLE_MAPPER_H
#define SAL_MAP_TABLE_MAPPER_H

#include "baselines/baseline.h"
#include "map/mapper.h"

typedef struct sal_table_mapper sal_table_mapper;

/* Loads the baselines of every member; the model is of a baseline and takes `needs`. */
sal_status sal_table_mapper_new(sal_context *ctx, const sal_model_file *model, const sal_baseline_method *method, const sal_mapper_needs *needs, int32_t workers, sal_table_mapper **out);
void sal_table_mapper_free(sal_table_mapper *mapper);
/* Bytes for each worker. */
int64_t sal_table_mapper_bytes(const sal_model_file *model);
/* As sal_mapper_tile. */
void sal_table_mapper_tile(sal_table_mapper *mapper, int32_t worker, const sal_tile *tile, float *out, int64_t out_stride);

#endif
