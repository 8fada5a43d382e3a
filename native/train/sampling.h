/* sampling.h - how densely the ground was sampled at every sample, to weigh scores by its inverse. */
#ifndef SAL_TRAIN_SAMPLING_H
#define SAL_TRAIN_SAMPLING_H

#include "base/base.h"

/* weights (n), mean 1, of samples at x, y: 1 / lambda, lambda the Gaussian kernel intensity with the share of the kernel that lies on
 * valid ground (the m points of the domain) as edge correction; bandwidths by Scott's rule, sd n^(-1/6) in x and in y (given back, m).
 * de Bruin et al. 2022 (doi 10.1016/j.ecoinf.2022.101665); Diggle 1985. Clustered samples then count less. DATA when all
 * samples lie on a line along an axis or the domain is empty. The same bits for any number of threads. */
sal_status sal_sampling_weights(sal_context *ctx, int64_t n, const double *x, const double *y, int64_t m, const double *domain_x,
                                const double *domain_y, double *weights, double bandwidth_m[2]);

#endif
