/* trunk.h - the trunk of SS-SoilNet over a tile, row by row: the features of every window at once, with dilation instead of stride.
 *
 * A row of anything is kept as (channel, column), so that a vector holds 16 neighbouring pixels, and rows are kept only as long as a later
 * row needs them. Batch normalisation is folded into the weights; a convolution, its bias and its ReLU are one pass.
 */
#ifndef SAL_MAP_TRUNK_H
#define SAL_MAP_TRUNK_H

#include "models/ss_soilnet_parts.h"

typedef struct sal_trunk sal_trunk;

/* For `columns` columns of features (a multiple of 16), of which `rows` rows are kept. Reads the parameters, which must be filled. */
sal_status sal_trunk_new(sal_context *ctx, const sal_model_options *o, const sal_params *params, int64_t columns, int64_t rows, sal_trunk **out);
void sal_trunk_free(sal_trunk *trunk);
int64_t sal_trunk_bytes(const sal_model_options *o, int64_t columns, int64_t rows);
/* Columns of the environment for the trunk's columns of features, and from one channel to the next in a row of it. */
int64_t sal_trunk_input_columns(const sal_trunk *trunk);
/* Begins a new tile: row 0 of the environment comes next. */
void sal_trunk_begin(sal_trunk *trunk);
enum { SAL_TRUNK_PUSH = 64 }; /* most rows at a time: enough to stay with one covariate for a while */
/* Where the scaled environment of one covariate, (input columns), is to be written in the i-th of the next rows, i < SAL_TRUNK_PUSH. */
float *sal_trunk_next(sal_trunk *trunk, int64_t i, int64_t covariate);
/* Takes the `rows` rows just written. Afterwards features stand ready up to the row sal_trunk_ready - 1. */
void sal_trunk_push(sal_trunk *trunk, int64_t rows);
int64_t sal_trunk_ready(const sal_trunk *trunk);
/* Row r of the features of one covariate in the tile, (channels[2], columns); one of the last `rows` that are ready. */
const float *sal_trunk_row(const sal_trunk *trunk, int64_t r, int64_t covariate);

#endif
