/* builders_more.h - activations, attention, recurrence, pooling, random and loss ops: one function per op.
 *
 * n is any batch, c or d channels. "rows" are all dimensions but the last. Builders never fail: see tape.h.
 */
#ifndef SAL_GRAPH_BUILDERS_MORE_H
#define SAL_GRAPH_BUILDERS_MORE_H

/* ---- elementwise, any shape ---- */
sal_id sal_sigmoid(sal_tape *t, sal_id x); /* 1 / (1 + exp(-x)) */
sal_id sal_tanh(sal_tape *t, sal_id x);
sal_id sal_gelu(sal_tape *t, sal_id x); /* x Phi(x), the exact form with erf (Hendrycks and Gimpel 2016) */
sal_id sal_exp(sal_tape *t, sal_id x);
sal_id sal_ln(sal_tape *t, sal_id x);       /* natural; x > 0 */
sal_id sal_log1p(sal_tape *t, sal_id x);    /* log(1 + x); x > -1 */
sal_id sal_softplus(sal_tape *t, sal_id x); /* log(1 + exp(x)), without overflow */
sal_id sal_square(sal_tape *t, sal_id x);
sal_id sal_sqrt(sal_tape *t, sal_id x); /* x > 0 */
sal_id sal_abs(sal_tape *t, sal_id x);
sal_id sal_reciprocal(sal_tape *t, sal_id x);                     /* 1 / x */
sal_id sal_clamp(sal_tape *t, sal_id x, double low, double high); /* gradient passes where low < x < high */
/* Drops with probability p (0 <= p < 1; rounded to a multiple of 2^-16) and scales what stays by 1 / (1 - p). In a tape that does not
 * train it is x itself. The mask is a hash of (seed, step, node, element). */
sal_id sal_dropout(sal_tape *t, sal_id x, double p);

/* ---- over the last dimension ---- */
sal_id sal_softmax(sal_tape *t, sal_id x);
sal_id sal_layer_norm_op(sal_tape *t, sal_id x, sal_id gamma, sal_id beta,
                         double eps);                       /* gamma, beta (c), or both SAL_NONE */
sal_id sal_l2_normalise(sal_tape *t, sal_id x, double eps); /* x / max(|x|, eps) by rows */

/* ---- channels last: x (n, ..., c) ---- */
/* Mean and variance over all positions and the c / groups channels of a group, per sample (Wu and He 2018); gamma, beta (c). */
sal_id sal_group_norm_op(sal_tape *t, sal_id x, sal_id gamma, sal_id beta, int64_t groups, double eps);
/* (n, rows, cols, c); windows kernel x kernel, `pad` on all sides: never chosen by max, counted as zeros by average (as PyTorch). */
sal_id sal_max_pool2d(sal_tape *t, sal_id x, int64_t kernel, int64_t stride, int64_t pad);
sal_id sal_average_pool2d(sal_tape *t, sal_id x, int64_t kernel, int64_t stride, int64_t pad);
sal_id sal_global_mean(sal_tape *t, sal_id x); /* (n, ..., c) -> (n, c) */
sal_id sal_global_max(sal_tape *t, sal_id x);  /* (n, ..., c) -> (n, c); the first of equal maxima gets the gradient */
/* Over channels: (..., c) -> (..., 1). */
sal_id sal_channel_mean(sal_tape *t, sal_id x);
sal_id sal_channel_max(sal_tape *t, sal_id x);
sal_id sal_sum_all(sal_tape *t, sal_id x);  /* -> scalar */
sal_id sal_mean_all(sal_tape *t, sal_id x); /* -> scalar */

/* ---- look-up ---- */
/* Rows of a table (rows, d) by index (any shape, whole numbers held as reals; outside 0 .. rows-1 gives zeros) -> (index..., d). */
sal_id sal_gather(sal_tape *t, sal_id table, sal_id index);

/* ---- attention ---- */
/* softmax(Q K' / sqrt(d / heads)) V, head by head (Vaswani et al. 2017): q (n, tq, d), k and v (n, tk, d) -> (n, tq, d). The score
 * matrix lives only in scratch; the gradient computes it again. */
sal_id sal_attention(sal_tape *t, sal_id q, sal_id k, sal_id v, int64_t heads);
/* The weights themselves, to be shown: (n, heads, tq, tk). Not differentiable. */
sal_id sal_attention_weights(sal_tape *t, sal_id q, sal_id k, int64_t heads);

/* ---- recurrence ---- */
/* LSTM (Hochreiter and Schmidhuber 1997), PyTorch's gate order i f g o and zero initial state: x (n, steps, in), w_ih (in, 4 h),
 * w_hh (h, 4 h), bias (4 h) or SAL_NONE -> hidden states (n, steps, h). */
sal_id sal_lstm(sal_tape *t, sal_id x, sal_id w_ih, sal_id w_hh, sal_id bias);

/* ---- losses: a scalar, the mean over the first dimension n; with weights (n): sum w l / sum w (0 when the weights sum to 0).
 * weights may be SAL_NONE. Targets get a gradient too where they want one, so that two branches can be drawn together. ---- */
sal_id sal_loss_mse(sal_tape *t, sal_id prediction, sal_id target, sal_id weights);
/* delta > 0: e^2 / 2 for |e| <= delta, delta (|e| - delta / 2) beyond (Huber 1964) */
sal_id sal_loss_huber(sal_tape *t, sal_id prediction, sal_id target, sal_id weights, double delta);
/* prediction (n, q), target (n) or (n, 1), one quantile in (0, 1) per column, q <= 8; mean over columns (Koenker and Bassett 1978) */
sal_id sal_loss_pinball(sal_tape *t, sal_id prediction, sal_id target, sal_id weights, const double *quantiles,
                        int32_t q);
sal_id sal_loss_cosine(sal_tape *t, sal_id a, sal_id b, sal_id weights); /* 1 - cos(a_i, b_i); (n, d) each */
/* NT-Xent of SimCLR (Chen et al. 2020) over the 2 n rows of a (n, d) and b (n, d); n >= 2, tau > 0. */
sal_id sal_loss_ntxent(sal_tape *t, sal_id a, sal_id b, double tau);

#endif
