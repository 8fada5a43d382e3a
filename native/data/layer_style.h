/* layer_style.h - QGIS styles (.qml) beside output rasters, which QGIS applies when it loads them.
 * Bands count from 1 here, as in QGIS. Colours are (n, 3) bytes red, green, blue. All return MEMORY or IO only.
 */
#ifndef SAL_DATA_LAYER_STYLE_H
#define SAL_DATA_LAYER_STYLE_H

#include "base/base.h"

/* Classes of a continuous band: class i holds values above upper[i-1] up to and including upper[i]; the last may be
 * INFINITY. */
sal_status sal_style_write_classes(sal_context *ctx, const char *path_qml, int32_t band, int64_t n, const double *upper,
                                   const uint8_t *colours, const char *const *labels);
/* A continuous ramp (viridis, readable with every common colour blindness and in grey) from minimum to maximum; unit
 * may be NULL. */
sal_status sal_style_write_ramp(sal_context *ctx, const char *path_qml, int32_t band, double minimum, double maximum,
                                const char *unit);
/* A dissimilarity index (no unit): blue classes up to the threshold, red ones beyond it, where a model is not applicable (RdBu by C. Brewer, readable with
 * every common colour blindness). */
sal_status sal_style_write_index(sal_context *ctx, const char *path_qml, int32_t band, double threshold);
/* One colour a value, for bands of codes. */
sal_status sal_style_write_palette(sal_context *ctx, const char *path_qml, int32_t band, int64_t n,
                                   const int32_t *values, const uint8_t *colours, const char *const *labels);

#endif
