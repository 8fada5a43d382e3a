/* gates.h - the gates of SS-SoilNet for every pixel of a tile, from the dense features of its trunk, 48 neighbouring pixels at a time.
 *
 * What the network computes window by window (models/ss_soilnet_parts.c, sal_ss_soilnet_gates) is split into what neighbouring windows
 * share - means and maxima of feature groups, and their sums along a row - and what belongs to one window.
 */
#ifndef SAL_MAP_GATES_H
#define SAL_MAP_GATES_H

#include "map/trunk.h"

/* Not a power of two: the 16 features of a token would lie 4 KiB apart from those of the next, in the same lines of the first cache. */
enum { SAL_GATES_BLOCK = 48 };

typedef struct sal_gates sal_gates;

/* For rows of `columns` windows (a multiple of SAL_GATES_BLOCK); keeps what belongs to `rows` rows of features. Reads the gate parameters of
 * `params`, which must be filled. Holds the scratch of one thread. */
sal_status sal_gates_new(sal_context *ctx, const sal_model_options *o, sal_params *params, int64_t columns, int64_t rows, sal_gates **out);
void sal_gates_free(sal_gates *gates);
int64_t sal_gates_bytes(const sal_model_options *o, int64_t columns, int64_t rows);
/* Rows and columns of features beyond those of the windows: 8 (cells - 1). */
int64_t sal_gates_edge(const sal_model_options *o);
/* Takes row r of the features of the tile; rows come in order, from 0 in every tile. */
void sal_gates_push(sal_gates *gates, const sal_trunk *trunk, int64_t r);
/* The windows of row r, columns [at, at + SAL_GATES_BLOCK): pooled (covariates, channels[2] * pools, block), as the network's gates give it. Rows
 * r .. r + edge must have been pushed and still be kept by the trunk. Rows r, r + 8, ... one after the other find their features in the cache. */
void sal_gates_block(sal_gates *gates, const sal_trunk *trunk, int64_t r, int64_t at, float *pooled);

#endif
