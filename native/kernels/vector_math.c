/* vector_math.c - exp, expm1, log, log1p, sigmoid, softplus, tanh and GELU over arrays. Float: a few branch-free operations per element that the
 * compiler turns into vectors (one version per instruction set); double: libm. Products and sums are never contracted into FMA
 * here, so all instruction sets give the same bits.
 *
 * exp: x = n ln 2 + r, |r| <= ln 2 / 2, Taylor polynomial of degree 7 (truncation 5e-9), n added to the exponent.
 * log: x = 2^n m, sqrt(1/2) <= m < sqrt(2), ln m = 2 artanh(s), s = (m - 1) / (m + 1), series to s^9 (truncation 1e-9).
 * tanh: Lambert's continued fraction (1770) below 0.625, 1 - 2 / (e^2x + 1) above.
 * Phi: erfc(z) = t P(t) exp(-z^2), t = 1 / (1 + z / 2); P fitted by least squares at Chebyshev nodes for 0 <= z <= 31, relative
 * error 9e-8.
 */
#include "vector_math.h"

#include "tensor/simd.h"

#include <math.h>

#define INLINE static inline __attribute__((always_inline)) /* or clang leaves calls in the loops */

#ifdef SAL_DOUBLE

static double exp_of(double x) { return exp(x); }
static double expm1_of(double x) { return expm1(x); }
static double log_of(double x) { return log(x); }
static double log1p_of(double x) { return log1p(x); }
static double sigmoid_of(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double softplus_of(double x) { return x - x == 0 ? fmax(x, 0) + log1p(exp(-fabs(x))) : x > 0 ? x : x == x ? 0 : x; }
static double tanh_of(double x) { return tanh(x); }
static double normal_of(double x) { return 0.5 * erfc(-x * M_SQRT1_2); }

#else

typedef union bits {
    float value;
    uint32_t word;
} bits;

/* `less` 0: exp(x); 1: exp(x) - 1 = p 2^n + (2^n - 1), the second factor of 2^n drawn out. */
INLINE float exp_less(float x, const float less)
{
    const float round = 12582912.0f; /* 1.5 x 2^23: adding it rounds to an integer */
    float inside = x < -87.0f ? -87.0f : x > 88.72283f ? 88.72283f : x;
    inside = x == x ? inside : 0.0f; /* keeps the conversion below defined */
    float n = (inside * 1.44269504f + round) - round;
    float r = inside - n * 0.693145752f; /* ln 2 in two parts; the first has few bits, so that the product is exact */
    r -= n * 1.42860677e-6f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r;
    int32_t half = (int32_t)n >> 1; /* 2^n in two factors, as 2^128 is none */
    bits first = { .word = (uint32_t)(half + 127) << 23 },
         second = { .word = (uint32_t)((int32_t)n - half + 127) << 23 };
    bits inverse = { .word = (uint32_t)(half - (int32_t)n + 127) << 23 }; /* 1 / second */
    float y = (p * first.value + (less == 0 ? first.value : first.value - inverse.value)) * second.value;
    y = x > 88.7228394f ? INFINITY : y;
    y = x < -87.0f ? -less : y;
    return x == x ? y : x;
}

INLINE float exp_of(float x) { return exp_less(x, 0); }
INLINE float expm1_of(float x) { return exp_less(x, 1); }

/* ln of a positive normal number. */
INLINE float log_positive(float x)
{
    bits b = { .value = x };
    int32_t n = (int32_t)(b.word - 0x3f3504f3u) >> 23; /* the bits of sqrt(1/2) */
    b.word -= (uint32_t)n << 23;
    float s = (b.value - 1) / (b.value + 1), z = s * s;
    float p = ((z * (2.0f / 9) + 2.0f / 7) * z + 2.0f / 5) * z + 2.0f / 3;
    float e = (float)n;
    return e * 0.693145752f + (2 * s + (s * z * p + e * 1.42860677e-6f));
}

INLINE float log_of(float x)
{
    float y = log_positive(x);
    y = x == INFINITY ? x : y;
    y = x == 0 ? -INFINITY : y;
    return x >= 0 ? y : NAN;
}

/* ln u + (x - (u - 1)) / u, u = 1 + x rounded: what the rounding lost is put back to first order. */
INLINE float log1p_of(float x)
{
    float u = 1 + x;
    float y = log_positive(u) + (x - (u - 1)) / u;
    y = x == INFINITY ? x : y;
    y = x == -1 ? -INFINITY : y;
    return x >= -1 ? y : NAN;
}

INLINE float sigmoid_of(float x)
{
    float e = exp_of(x < 0 ? x : -x);
    return (x < 0 ? e : 1.0f) / (1 + e);
}

INLINE float softplus_of(float x)
{
    float y = (x > 0 ? x : 0) + log1p_of(exp_of(x > 0 ? -x : x));
    return x == x ? y : x;
}

INLINE float tanh_of(float x)
{
    float a = fabsf(x), z = x * x;
    float near = x * (945 + z * (105 + z)) / (945 + z * (420 + z * 15));
    float far = 1 - 2 / (exp_of(a + a) + 1);
    far = x < 0 ? -far : far;
    return a < 0.625f ? near : far;
}

INLINE float normal_of(float x)
{
    static const float c[] = { 0.282092457f, 0.28219186f,  0.245259257f, 0.189440078f,    0.0212190688f,
                               0.171231849f, -0.33806282f, 0.157947996f, 0.000702802796f, -0.0120226265f };
    float z = fabsf(x) * 0.707106781f, t = 1 / (1 + 0.5f * z);
    float p = ((((c[9] * t + c[8]) * t + c[7]) * t + c[6]) * t + c[5]) * t + c[4];
    p = (((p * t + c[3]) * t + c[2]) * t + c[1]) * t + c[0];
    float tail = 0.5f * t * p * exp_of(-0.5f * x * x);
    return x < 0 ? tail : 1 - tail;
}

#endif

INLINE real gelu_of(real x)
{
    real y = x * normal_of(x);
    return x == -(real)INFINITY ? 0 : y;
}

INLINE real gelu_slope_of(real x)
{
    const real peak = (real)0.3989422804014327; /* 1 / sqrt(2 pi) */
    real density = x * peak * exp_of((real)-0.5 * x * x);
    density = x - x == 0 ? density : 0;
    return normal_of(x) + (x == x ? density : x);
}

/* Equal x and y are fine for a loop whose iterations do not meet, which the compiler is told. */
#if defined(__clang__)
#define SAL_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define SAL_INDEPENDENT _Pragma("GCC ivdep")
#endif

/* The versions are static because clang 14 gives those of a public function a name that gcc's objects do not find. */
#define SAL_MATH(name)                                                                                                 \
    SAL_CLONES static void name##_each(int64_t n, const real *x, real *y)                                              \
    {                                                                                                                  \
        SAL_INDEPENDENT                                                                                                \
        for (int64_t i = 0; i < n; i++) y[i] = name##_of(x[i]);                                                        \
    }                                                                                                                  \
    void sal_math_##name(int64_t n, const real *x, real *y) { name##_each(n, x, y); }

SAL_MATH(exp)
SAL_MATH(expm1)
SAL_MATH(log)
SAL_MATH(log1p)
SAL_MATH(sigmoid)
SAL_MATH(softplus)
SAL_MATH(tanh)
SAL_MATH(gelu)
SAL_MATH(gelu_slope)
