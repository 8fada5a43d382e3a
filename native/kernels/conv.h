/* conv.h - 2-D convolution (cross-correlation, as in PyTorch) over channels-last arrays, forward and both gradients.
 *
 * x is (images, rows, cols, channels_in), y is (images, out_rows, out_cols, channels_out), w is (kernel_rows, kernel_cols,
 * channels_in / groups, channels_out), where channels_out runs group by group. 1-D convolution is the case rows = 1.
 * A plan is made once for a shape and never changes: threads share it, each with its own scratch. Kernels run in the calling
 * thread alone, never fail, and give the same bits from any thread. Surround runs with sal_kernels_enter / leave (gemm.h).
 */
#ifndef SAL_KERNELS_CONV_H
#define SAL_KERNELS_CONV_H

#include "base/base.h"
#include "tensor/real.h"

typedef struct sal_conv_shape {
    int64_t batch; /* most images in one call */
    int64_t rows, cols, channels_in, channels_out, groups;
    int64_t kernel_rows, kernel_cols, stride_rows, stride_cols, dilation_rows, dilation_cols;
    int64_t pad_top, pad_left, pad_bottom, pad_right;
} sal_conv_shape;

enum { SAL_CONV_FORWARD = 1, SAL_CONV_BACKWARD_DATA = 2, SAL_CONV_BACKWARD_WEIGHTS = 4 };

/* How a convolution is computed. AUTO takes the fastest that was measured for the class of shape. */
typedef enum sal_conv_method {
    SAL_CONV_AUTO = 0,
    SAL_CONV_PLAIN = 1,  /* loops, any shape */
    SAL_CONV_GEMM = 2,   /* patches as a matrix, then sal_gemm, any shape */
    SAL_CONV_DNNL = 3,   /* oneDNN, float builds that have it */
    SAL_CONV_DIRECT = 4, /* own vector kernels for narrow groups, float */
    SAL_CONV_AVX2 = 5    /* the same, held back to AVX2 on a processor that can do more */
} sal_conv_method;

typedef struct sal_conv sal_conv;

/* Output size; <= 0 where the kernel does not fit. */
void sal_conv_output_size(const sal_conv_shape *shape, int64_t *rows, int64_t *cols);

/* A plan for `parts`, a sum of SAL_CONV_FORWARD ... Fails with SHAPE (the message names the sizes) or MEMORY. */
sal_status sal_conv_new(sal_context *ctx, const sal_conv_shape *shape, uint32_t parts, sal_conv **out);
/* The same by a stated method for all parts; UNSUPPORTED where that method cannot do the shape. For tests and measurements. */
sal_status sal_conv_new_by(sal_context *ctx, const sal_conv_shape *shape, uint32_t parts, sal_conv_method method,
                           sal_conv **out);
/* NULL is allowed. */
void sal_conv_free(sal_conv *conv);

/* Bytes of scratch each calling thread brings, 64-byte aligned; the largest of the planned parts. */
int64_t sal_conv_scratch_bytes(const sal_conv *conv);
/* Reals of the packed weights; 0 where w itself is used as w_packed. The caller owns the buffer, 64-byte aligned. */
int64_t sal_conv_packed_size(const sal_conv *conv);
/* Packs w for forward and backward data (whichever is planned); again after each change of w. One thread. */
void sal_conv_pack(const sal_conv *conv, const real *w, real *packed);
/* Method chosen for one part, as a word for tables: "plain", "gemm", "dnnl", "direct". */
const char *sal_conv_method_name(const sal_conv *conv, uint32_t part);

/* What x may go through on its way in, so that it need not be written and read once more: scale x + shift per channel (channels_in), then a ReLU if
 * asked; padding stays 0. */
typedef struct sal_conv_line {
    const real *scale, *shift;
    bool relu;
} sal_conv_line;
/* Whether the forward part or the weight gradient of this plan takes one. */
bool sal_conv_takes_line(const sal_conv *conv, uint32_t part);

/* images is 1 .. shape.batch in all of these; outputs are overwritten. bias is (channels_out) or NULL. */
/* `line` is NULL where the plan takes none. */
void sal_conv_forward(const sal_conv *conv, int64_t images, const real *x, const sal_conv_line *line, const real *w_packed, const real *bias,
                      real *y, void *scratch);
void sal_conv_backward_data(const sal_conv *conv, int64_t images, const real *gy, const real *w_packed, real *gx,
                            void *scratch);
void sal_conv_backward_weights(const sal_conv *conv, int64_t images, const real *x, const sal_conv_line *line, const real *gy, real *gw,
                               void *scratch);

#endif
