/* plane.h - square float planes (size, size): distances and box means, in parallel, the same bits for any thread count.
 */
#ifndef SAL_SIMULATE_PLANE_H
#define SAL_SIMULATE_PLANE_H

#include "base/base.h"

/* Calls task(arg, row) for every row; CANCELLED leaves some out. */
typedef void (*sal_row_task)(void *arg, int64_t row);
sal_status sal__plane_rows(sal_context *ctx, int64_t size, sal_row_task task, void *arg);

/* Exact Euclidean distance in pixels from every pixel centre to the nearest centre of a pixel where seed != 0; 0 on seeds and
 * 2 * size everywhere without any seed. Felzenszwalb & Huttenlocher 2012 (doi 10.4086/toc.2012.v008a019). */
sal_status sal__plane_distance(sal_context *ctx, const uint8_t *seed, int64_t size, float *out);

/* Mean over (2 radius + 1)^2 pixels, cut at the edges. in and out may be the same plane. */
sal_status sal__plane_box_mean(sal_context *ctx, const float *in, int64_t size, int64_t radius, float *out);

#endif
