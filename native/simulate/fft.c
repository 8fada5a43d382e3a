/* fft.c - Stockham self-sorting transform, radices 4, 2, 3 and 5 (Van Loan 1992, Computational Frameworks for the FFT, 1.7).
 *
 * Eight sequences lie side by side, so that every inner loop runs over contiguous floats and becomes vector code. A stage of radix r
 * with s finished points and m = n / r left does, for p < m:
 *   y[s (r p + j)] = w^(j p s) sum_k x[s (p + m k)] exp(2 pi i j k / r).
 */
#include "fft.h"
#include "noise.h"
#include <math.h>

int64_t sal__fft_length(int64_t n)
{
    for (int64_t length = (n + 3) / 4 * 4;; length += 4) {
        int64_t rest = length;
        while (rest % 2 == 0) rest /= 2;
        while (rest % 3 == 0) rest /= 3;
        while (rest % 5 == 0) rest /= 5;
        if (rest == 1) return length;
    }
}

sal_status sal__fft_plan(sal_context *ctx, int64_t length, sal_fft *plan)
{
    static const int32_t radices[] = { 4, 2, 3, 5 };
    *plan = (sal_fft){ .length = length };
    int64_t rest = length;
    for (int i = 0; i < 4; i++)
        for (; rest % radices[i] == 0; rest /= radices[i]) plan->radix[plan->stages++] = radices[i];
    SAL_ASSERT(ctx, rest == 1);
    sal_status status = sal_allocate(ctx, 2 * length, sizeof(float), &plan->w);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t k = 0; k < length; k++) {
        double angle = 2.0 * 3.14159265358979323846 * (double)k / (double)length;
        plan->w[2 * k] = (float)cos(angle);
        plan->w[2 * k + 1] = (float)sin(angle);
    }
    return SAL_STATUS_OK;
}

void sal__fft_clear(sal_context *ctx, sal_fft *plan)
{
    sal_release(ctx, plan->w);
    *plan = (sal_fft){ 0 };
}

/* Input and output rows of one p: r pieces of `count` floats each, real and imaginary apart; w: r - 1 twiddles. */
typedef struct butterfly {
    const float *xr[5], *xi[5];
    float *yr[5], *yi[5];
    float wr[5], wi[5];
    int64_t count;
} butterfly;

static inline void store(const butterfly *f, int j, int64_t q, float re, float im)
{
    f->yr[j][q] = re * f->wr[j] - im * f->wi[j];
    f->yi[j][q] = re * f->wi[j] + im * f->wr[j];
}

SAL__CLONES static void radix2(const butterfly *restrict f)
{
    const float *restrict ar = f->xr[0], *restrict ai = f->xi[0], *restrict br = f->xr[1], *restrict bi = f->xi[1];
    float *restrict y0r = f->yr[0], *restrict y0i = f->yi[0], *restrict y1r = f->yr[1], *restrict y1i = f->yi[1];
    const float wr = f->wr[1], wi = f->wi[1];
    for (int64_t q = 0; q < f->count; q++) {
        float dr = ar[q] - br[q], di = ai[q] - bi[q];
        y0r[q] = ar[q] + br[q];
        y0i[q] = ai[q] + bi[q];
        y1r[q] = dr * wr - di * wi;
        y1i[q] = dr * wi + di * wr;
    }
}

SAL__CLONES static void radix4(const butterfly *restrict f)
{
    const float *restrict ar = f->xr[0], *restrict ai = f->xi[0], *restrict br = f->xr[1], *restrict bi = f->xi[1];
    const float *restrict cr = f->xr[2], *restrict ci = f->xi[2], *restrict dr = f->xr[3], *restrict di = f->xi[3];
    float *restrict y0r = f->yr[0], *restrict y0i = f->yi[0], *restrict y1r = f->yr[1], *restrict y1i = f->yi[1];
    float *restrict y2r = f->yr[2], *restrict y2i = f->yi[2], *restrict y3r = f->yr[3], *restrict y3i = f->yi[3];
    const float w1r = f->wr[1], w1i = f->wi[1], w2r = f->wr[2], w2i = f->wi[2], w3r = f->wr[3], w3i = f->wi[3];
    for (int64_t q = 0; q < f->count; q++) {
        float acr = ar[q] + cr[q], aci = ai[q] + ci[q], amr = ar[q] - cr[q], ami = ai[q] - ci[q];
        float bdr = br[q] + dr[q], bdi = bi[q] + di[q], bmr = br[q] - dr[q], bmi = bi[q] - di[q];
        y0r[q] = acr + bdr;
        y0i[q] = aci + bdi;
        float r1 = amr - bmi, i1 = ami + bmr, r2 = acr - bdr, i2 = aci - bdi, r3 = amr + bmi, i3 = ami - bmr;
        y1r[q] = r1 * w1r - i1 * w1i;
        y1i[q] = r1 * w1i + i1 * w1r;
        y2r[q] = r2 * w2r - i2 * w2i;
        y2i[q] = r2 * w2i + i2 * w2r;
        y3r[q] = r3 * w3r - i3 * w3i;
        y3i[q] = r3 * w3i + i3 * w3r;
    }
}

static void radix3(const butterfly *f)
{
    const float half_root3 = 0.866025404f;
    for (int64_t q = 0; q < f->count; q++) {
        float ar = f->xr[0][q], ai = f->xi[0][q], br = f->xr[1][q], bi = f->xi[1][q], cr = f->xr[2][q],
              ci = f->xi[2][q];
        float sr = br + cr, si = bi + ci, dr = half_root3 * (br - cr), di = half_root3 * (bi - ci);
        store(f, 0, q, ar + sr, ai + si);
        store(f, 1, q, ar - 0.5f * sr - di, ai - 0.5f * si + dr);
        store(f, 2, q, ar - 0.5f * sr + di, ai - 0.5f * si - dr);
    }
}

static void radix5(const butterfly *f)
{
    const float c1 = 0.309016994f, c2 = -0.809016994f, s1 = 0.951056516f,
                s2 = 0.587785252f; /* cos, sin of 72 and 144 degrees */
    for (int64_t q = 0; q < f->count; q++) {
        float ar = f->xr[0][q], ai = f->xi[0][q];
        float b1r = f->xr[1][q] + f->xr[4][q], b1i = f->xi[1][q] + f->xi[4][q];
        float d1r = f->xr[1][q] - f->xr[4][q], d1i = f->xi[1][q] - f->xi[4][q];
        float b2r = f->xr[2][q] + f->xr[3][q], b2i = f->xi[2][q] + f->xi[3][q];
        float d2r = f->xr[2][q] - f->xr[3][q], d2i = f->xi[2][q] - f->xi[3][q];
        float e1r = ar + c1 * b1r + c2 * b2r, e1i = ai + c1 * b1i + c2 * b2i;
        float e2r = ar + c2 * b1r + c1 * b2r, e2i = ai + c2 * b1i + c1 * b2i;
        float o1r = s1 * d1r + s2 * d2r, o1i = s1 * d1i + s2 * d2i;
        float o2r = s2 * d1r - s1 * d2r, o2i = s2 * d1i - s1 * d2i;
        store(f, 0, q, ar + b1r + b2r, ai + b1i + b2i);
        store(f, 1, q, e1r - o1i, e1i + o1r);
        store(f, 2, q, e2r - o2i, e2i + o2r);
        store(f, 3, q, e2r + o2i, e2i - o2r);
        store(f, 4, q, e1r + o1i, e1i - o1r);
    }
}

static void stage(const sal_fft *plan, int32_t r, int64_t s, int64_t m, const float *x, float *y)
{
    const int64_t half = plan->length * SAL__FFT_LANES, piece = s * SAL__FFT_LANES;
    for (int64_t p = 0; p < m; p++) {
        butterfly f = { .count = piece };
        for (int32_t j = 0; j < r; j++) {
            const float *w = plan->w + 2 * (p * j * s);
            f.xr[j] = x + piece * (p + m * j);
            f.xi[j] = f.xr[j] + half;
            f.yr[j] = y + piece * (r * p + j);
            f.yi[j] = f.yr[j] + half;
            f.wr[j] = w[0];
            f.wi[j] = w[1];
        }
        switch (r) {
        case 4: radix4(&f); break;
        case 2: radix2(&f); break;
        case 3: radix3(&f); break;
        default: radix5(&f); break;
        }
    }
}

float *sal__fft_inverse(const sal_fft *plan, float *a, float *b)
{
    int64_t s = 1, left = plan->length;
    for (int32_t i = 0; i < plan->stages; i++) {
        int32_t r = plan->radix[i];
        left /= r;
        stage(plan, r, s, left, a, b);
        s *= r;
        float *swap = a;
        a = b;
        b = swap;
    }
    return a;
}
