/* random_field.h - stationary Gaussian fields with Matern covariance on a square grid.
 */
#ifndef SAL_SIMULATE_RANDOM_FIELD_H
#define SAL_SIMULATE_RANDOM_FIELD_H

#include "base/base.h"

typedef struct sal_field_spec {
    int64_t size;  /* pixels a side */
    double pixel;  /* m */
    double length; /* l of the covariance, m */
    double nu;     /* smoothness: 0.5 exponential, 1.5 once differentiable */
    uint64_t seed, stream;
} sal_field_spec;

/* Fills out (size, size) with mean 0, variance 1, C(h) = 2^(1-nu) / Gamma(nu) (sqrt(2 nu) h / l)^nu K_nu(sqrt(2 nu) h / l), by an inverse
 * Fourier transform of the square root of the spectral density (2 nu / l^2 + |k|^2)^-(nu + 1) times white noise. The transform is 3 l
 * wider than the grid, so opposite edges are nearly independent. Fails with MEMORY or CANCELLED. The same bits for any thread count. */
sal_status sal_field_fill(sal_context *ctx, const sal_field_spec *spec, float *out);
/* Bytes that sal_field_fill takes on top of `out` while it runs, with `threads` threads. */
int64_t sal_field_memory(int64_t size, double pixel, double length, int32_t threads);

#endif
