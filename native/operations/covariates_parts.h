/* covariates_parts.h - private to Build covariate stack: from its parameters to the parts of a sal_build.
 */
#ifndef SAL_OPERATIONS_COVARIATES_PARTS_H
#define SAL_OPERATIONS_COVARIATES_PARTS_H

#include "features/stack_build.h"
#include "operations/operation.h"

/* Rows of a table that were chosen, each once. */
typedef struct sal__choice {
    int64_t rows[256], n;
} sal__choice;

void sal__choose(sal__choice *choice, int64_t row);
/* The next word of a list parameter whose entries may hold commas; false at the end. */
bool sal__next_word(const sal_arguments *arguments, const char *key, int64_t *entry, int64_t *at, char word[64]);

/* Texts that need no raster: sensor, date, campaign; numbers. (covariates_sources.c) */
sal_status sal__take_texts(sal_context *ctx, sal_build *build, const sal_arguments *arguments);
/* The words of mask_classes, owned by the arena of the build, and the buffer. */
sal_status sal__take_masks(sal_build *build, const sal_arguments *arguments);
/* Scenes, cropland, elevation and ready-made rasters. */
sal_status sal__take_sources(sal_context *ctx, sal_build *build, const sal_arguments *arguments, const sal_scene *scenes, int64_t n);

/* The series and its phenology; after the scenes, whose date may say the year. (covariates_series.c) */
sal_status sal__take_series(sal_context *ctx, sal_build *build, const sal_arguments *arguments, sal__choice *phenology);
/* Monthly climate: summaries on the grid of the build, which has to be chosen, and where `write` the table at points,
 * which is committed once the stack is written. (covariates_climate.c) */
sal_status sal__take_climate(sal_context *ctx, sal_build *build, const sal_arguments *arguments, bool write);
/* The months from `first` to `last` (-1: to the end) of `c` at climate_points, under a temporary name in build->climate_table. (covariates_climate_table.c) */
sal_status sal__climate_table_at_points(sal_context *ctx, const sal_arguments *arguments, sal_climate *c, bool table, int64_t first, int64_t last,
                                        sal_build *build);
/* The grid to take: that of the user, or where no source gives one, that of the series. */
const char *sal__reference_grid(const sal_build *build, const sal_arguments *arguments);

/* The whole operation. (covariates_run.c) */
sal_status sal__covariates_run(sal_context *ctx, const sal_arguments *arguments, json_object *result);

/* (covariates_terrain.c) */
/* Covariates, method, window and radii; ARGUMENT when they do not go together. */
sal_status sal__take_terrain(sal_context *ctx, sal_build *build, const sal_arguments *arguments, sal__choice *terrain);
/* What depends on the pixel of the grid. */
sal_status sal__take_smoothing(sal_context *ctx, sal_build *build, const sal_arguments *arguments);

#endif
