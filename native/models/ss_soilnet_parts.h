/* ss_soilnet_parts.h - the pieces of SS-SoilNet, shared by its ablations and by the dense mapper.
 *
 * trunk (window -> one feature group per covariate) is convolution without padding and maps densely; gates reduces a window of
 * features to one vector per covariate; tail is what runs per pixel: tokens, queries, cross-attention, head.
 */
#ifndef SAL_MODELS_SS_SOILNET_PARTS_H
#define SAL_MODELS_SS_SOILNET_PARTS_H

#include "model.h"

enum { SAL_TRUNK_STAGES = 3 };
/* Kernel and stride of the trunk's stages: 5/2, 3/2, 3/2, so that 65 -> 31 -> 15 -> 7. */
extern const int64_t sal_trunk_kernel[SAL_TRUNK_STAGES], sal_trunk_stride[SAL_TRUNK_STAGES];
/* Pixels on a side of the feature map of a window; 0 when the window does not tile exactly (17 + 8 k pixels do). */
int64_t sal_trunk_cells(int64_t window);
/* Stage k of the trunk as a convolution with dilation instead of stride (dilation 1) or as trained (dilation 0). x (n, rows, cols, groups). */
sal_id sal_trunk_stage(sal_tape *t, const sal_model_options *o, int32_t k, sal_id x, int64_t dilation);
/* (n, window, window, covariates) -> (n, cells, cells, covariates * channels[2]) */
sal_id sal_ss_soilnet_trunk(sal_tape *t, const sal_model_options *o, sal_id window);
/* -> (n, covariates, channels[2] * pools); outputs "channel_gate" (n, covariates), "spatial_gate" (n, cells, cells); both where options.shows_attention */
sal_id sal_ss_soilnet_gates(sal_tape *t, const sal_model_options *o, sal_id features);
/* pooled: what gates gives -> (n, outputs); output "cross_attention" (n, heads, covariates, bands + 2) where options.shows_attention */
sal_id sal_ss_soilnet_tail(sal_tape *t, const sal_model_options *o, const sal_model_inputs *in, sal_id pooled);

/* (n, bands) -> (n, bands, width): one token per band from multi-scale 1-D convolution over the spectrum (MODC) */
sal_id sal_spectral_tokens(sal_tape *t, const sal_model_options *o, sal_id spectrum);
/* (n, indices), NDVI (n, 1) -> (n, 2, width): the bare and the vegetated branch of the Index-ResNet, each times its share of the gate */
sal_id sal_index_tokens(sal_tape *t, const sal_model_options *o, sal_id index, sal_id ndvi);
/* (n, covariates) of the pixel -> (n, width) */
sal_id sal_point_features(sal_tape *t, const sal_model_options *o, sal_id point);
/* (n, features) -> (n, 1) or (n, 3) with lower <= median <= upper; output "embedding" (n, hidden) where options.shows_embedding */
sal_id sal_regression_head(sal_tape *t, const sal_model_options *o, sal_id features);

#endif
