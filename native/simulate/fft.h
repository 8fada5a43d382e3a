/* fft.h - inverse Fourier transform of eight sequences side by side, length 2^a 3^b 5^c.
 */
#ifndef SAL_SIMULATE_FFT_H
#define SAL_SIMULATE_FFT_H

#include "base/base.h"

#define SAL__FFT_LANES 8

typedef struct sal_fft {
    int64_t length;
    int32_t stages;
    int32_t radix[32];
    float *w; /* (length, 2): exp(+2 pi i k / length) */
} sal_fft;

/* The smallest 2^a 3^b 5^c >= n that is a multiple of 4. */
int64_t sal__fft_length(int64_t n);
/* length must be of the form 2^a 3^b 5^c. The table belongs to the plan until sal__fft_clear. */
sal_status sal__fft_plan(sal_context *ctx, int64_t length, sal_fft *plan);
void sal__fft_clear(sal_context *ctx, sal_fft *plan);
/* x_n = sum_k X_k exp(+2 pi i k n / length), unscaled. a and b: (2, length, SAL__FFT_LANES), real parts first; the input is in a,
 * the result in the buffer that is returned, the other is scratch. Any thread. */
float *sal__fft_inverse(const sal_fft *plan, float *a, float *b);

#endif
