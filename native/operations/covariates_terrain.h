/* covariates_terrain.h - private to Build covariate stack: lists of ids, and the parameters of its terrain.
 */
#ifndef SAL_OPERATIONS_COVARIATES_TERRAIN_H
#define SAL_OPERATIONS_COVARIATES_TERRAIN_H

#include "features/stack_build.h"
#include "operations/operation.h"

/* Rows of a table that were chosen, each once. */
typedef struct sal__choice {
    int64_t rows[256], n;
} sal__choice;

void sal__choose(sal__choice *choice, int64_t row);
/* The next word of a list parameter whose entries may hold commas; false at the end. */
bool sal__next_word(const sal_arguments *arguments, const char *key, int64_t *entry, int64_t *at, char word[64]);

/* Covariates, method, window and radii; ARGUMENT when they do not go together. */
sal_status sal__take_terrain(sal_context *ctx, sal_build *build, const sal_arguments *arguments, sal__choice *terrain);
/* What depends on the pixel of the grid. */
sal_status sal__take_smoothing(sal_context *ctx, sal_build *build, const sal_arguments *arguments);

#endif
