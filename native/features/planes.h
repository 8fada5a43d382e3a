/* planes.h - between bands pixel by pixel, as GDAL and the networks have them, and planes, as vectors need them (private to features/).
 */
#ifndef SAL_FEATURES_PLANES_H
#define SAL_FEATURES_PLANES_H

#include "base/base.h"

/* out[i * stride + k] = planes[k * step + i] for n planes of m pixels. */
void sal__interleave(const float *planes, int64_t step, int64_t n, int64_t m, float *out, int64_t stride);
/* planes[k * step + i] = in[i * stride + k]. */
void sal__deinterleave(const float *in, int64_t stride, int64_t n, int64_t m, float *planes, int64_t step);

#endif
