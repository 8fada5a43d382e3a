/* conv_part.h - what one way of computing one part of a convolution supplies (private to kernels). */
#ifndef SAL_KERNELS_CONV_PART_H
#define SAL_KERNELS_CONV_PART_H

#include "conv.h"

/* One of forward, backward data, backward weights, planned by one method. `plan` functions below fill it. */
typedef struct sal__conv_part sal__conv_part;
struct sal__conv_part {
    sal_context *ctx;
    sal_conv_shape shape;
    int64_t out_rows, out_cols;
    uint32_t part;                                                      /* SAL_CONV_FORWARD, ... */
    int64_t packed_size;                                                /* reals; 0: w as it is */
    int64_t scratch_bytes;                                              /* per calling thread */
    void (*pack)(const sal__conv_part *p, const real *w, real *packed); /* NULL when packed_size is 0 */
    /* forward: a = x, b = w, c = y; backward data: a = gy, b = w, c = gx; backward weights: a = x, b = gy, c = gw */
    void (*run)(const sal__conv_part *p, int64_t images, const real *a, const real *b, const real *bias, real *c,
                void *scratch);
    /* forward and backward weights, the same with a line for x; NULL where there is no such way */
    void (*run_line)(const sal__conv_part *p, int64_t images, const real *a, const sal_conv_line *line, const real *b, const real *bias, real *c,
                     void *scratch);
    void (*free)(sal__conv_part *p); /* NULL when there is no state */
    void *state;
    const char *name;
};

/* Each fills the method's fields, or returns UNSUPPORTED without a message where it cannot do the shape. */
typedef sal_status (*sal__conv_planner)(sal__conv_part *p);
sal_status sal__conv_plan_plain(sal__conv_part *p);
sal_status sal__conv_plan_gemm(sal__conv_part *p);
sal_status sal__conv_plan_dnnl(sal__conv_part *p);
sal_status sal__conv_plan_direct(sal__conv_part *p);
sal_status sal__conv_plan_avx2(sal__conv_part *p); /* direct, by the AVX2 kernels */

#endif
