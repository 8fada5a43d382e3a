/* gates.h - the gates of SS-SoilNet for every pixel of a tile at once, from the dense features of its trunk.
 *
 * What the network computes window by window (models/ss_soilnet_parts.c, sal_ss_soilnet_gates) is split into what neighbouring windows
 * share - means and maxima of feature groups, moved over the tile by separable passes - and what belongs to one window.
 */
#ifndef SAL_MAP_GATES_H
#define SAL_MAP_GATES_H

#include "models/ss_soilnet_parts.h"

typedef struct sal_gates sal_gates;

/* For tiles of up to rows x columns pixels; reads the gate parameters of `params`, which must be filled. Holds the scratch of one thread. */
sal_status sal_gates_new(sal_context *ctx, const sal_model_options *o, sal_params *params, int64_t rows, int64_t columns, sal_gates **out);
void sal_gates_free(sal_gates *gates);
int64_t sal_gates_bytes(const sal_model_options *o, int64_t rows, int64_t columns);
/* Features of a whole tile: (rows + 8 (cells - 1), columns + 8 (cells - 1), covariates * channels[2]). Call before sal_gates_row. */
void sal_gates_tile(sal_gates *gates, const float *features);
/* Row r of the tile: pooled (columns, covariates, channels[2] * pools), as the network's gates give it. Either of channel (columns, covariates)
 * and spatial (columns, cells, cells) may be NULL. */
void sal_gates_row(sal_gates *gates, int64_t r, float *pooled, float *channel, float *spatial);

#endif
