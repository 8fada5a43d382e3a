/* lstm.h - long short-term memory over a sequence (Hochreiter and Schmidhuber 1997, with forget gates), forward and backward:
 *
 *   i, f, g, o = x_t W + h_{t-1} U + b, cut into four;  i, f, o = sigmoid, g = tanh
 *   c_t = f c_{t-1} + i g,  h_t = o tanh(c_t),  h and c start at 0
 *
 * The gates lie in PyTorch's order i f g o; W is PyTorch's weight_ih transposed, U its weight_hh transposed, b the sum of its two
 * biases. One call does the rows of one chunk in the calling thread; any thread, nothing allocated. Surround runs with
 * sal_kernels_enter / leave (gemm.h).
 */
#ifndef SAL_KERNELS_LSTM_H
#define SAL_KERNELS_LSTM_H

#include "base/base.h"
#include "tensor/real.h"

typedef struct sal_lstm_shape {
    int64_t rows, steps, inputs, hidden;
} sal_lstm_shape;

/* Reals that forward leaves for backward: gates (rows, steps, 4, hidden), then cells (rows, steps, hidden). */
int64_t sal_lstm_saved_size(const sal_lstm_shape *shape);
/* Reals of scratch that backward needs. */
int64_t sal_lstm_scratch_size(const sal_lstm_shape *shape);

/* x (rows, steps, inputs), w (inputs, 4 hidden), u (hidden, 4 hidden), b (4 hidden) -> h (rows, steps, hidden). */
void sal_lstm_forward(const sal_lstm_shape *shape, const real *x, const real *w, const real *u, const real *b, real *h,
                      real *saved);

/* gh (rows, steps, hidden) is the gradient of every h_t from outside. Overwrites gx (NULL where not wanted), gw, gu, gb. */
void sal_lstm_backward(const sal_lstm_shape *shape, const real *x, const real *w, const real *u, const real *h,
                       const real *saved, const real *gh, real *gx, real *gw, real *gu, real *gb, real *scratch);

#endif
