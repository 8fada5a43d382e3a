/* planes.h - between bands pixel by pixel, as GDAL and the networks have them, and planes, as vectors need them (private to features/).
 */
#ifndef SAL_FEATURES_PLANES_H
#define SAL_FEATURES_PLANES_H

#include "base/base.h"

/* out[i * stride + k] = planes[k * step + i] for n planes of m pixels. */
void sal__interleave(const float *planes, int64_t step, int64_t n, int64_t m, float *out, int64_t stride);
/* planes[k * step + i] = in[i * stride + k]. */
void sal__deinterleave(const float *in, int64_t stride, int64_t n, int64_t m, float *planes, int64_t step);
/* Copies n values past the caches, for outputs that nobody reads again before they are pushed out anyway: half the traffic, since the
 * lines need not be fetched first. sal__stream_end before another thread may read them. */
void sal__stream(const float *from, int64_t n, float *to);
void sal__stream_end(void);
/* Whether an output of n values is one of those. */
static inline bool sal__stream_pays(int64_t n) { return n > (int64_t)4 << 20; /* 16 MiB, more than a core's share of any cache */ }

#endif
