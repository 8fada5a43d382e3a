/* bench_kernels.c - GFLOP/s per core of the convolution methods and matrix products, by thread CPU time. Not a test.
 * Usage: bench_kernels [part of a name [method]]   only the cases whose name contains the part, only one method. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kernels/conv.h"
#include "kernels/gemm.h"

typedef struct bench_case {
    const char *name;
    sal_conv_shape s;
    uint32_t parts;
} bench_case;

/* batch, rows, cols, in, out, groups, kernel, stride, dilation, padding */
static const bench_case cases[] = {
    { "window 1: 65x65 10x(1-8) k5 s2", { 8, 65, 65, 10, 80, 10, 5, 5, 2, 2, 1, 1, 0, 0, 0, 0 }, 5 },
    { "window 2: 31x31 10x(8-16) k3 s2", { 8, 31, 31, 80, 160, 10, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0 }, 7 },
    { "window 3: 15x15 10x(16-16) k3 s2", { 8, 15, 15, 160, 160, 10, 3, 3, 2, 2, 1, 1, 0, 0, 0, 0 }, 7 },
    { "dense 1: 128x512 10x(1-8) k5", { 1, 128, 512, 10, 80, 10, 5, 5, 1, 1, 1, 1, 0, 0, 0, 0 }, 1 },
    { "dense 2: 128x512 10x(8-16) k3 d2", { 1, 128, 512, 80, 160, 10, 3, 3, 1, 1, 2, 2, 0, 0, 0, 0 }, 1 },
    { "dense 3: 136x520 10x(16-16) k3 d4", { 1, 136, 520, 160, 160, 10, 3, 3, 1, 1, 4, 4, 0, 0, 0, 0 }, 1 },
    { "fragment 1: 64x256 10x(1-8) k5 s2", { 1, 64, 256, 10, 80, 10, 5, 5, 2, 2, 1, 1, 0, 0, 0, 0 }, 1 },
    { "resnet 56x56 64-64 k3", { 2, 56, 56, 64, 64, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, 7 },
    { "resnet 28x28 128-128 k3", { 4, 28, 28, 128, 128, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, 7 },
    { "resnet 56x56 64-256 k1", { 2, 56, 56, 64, 256, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0 }, 7 },
    { "resnet 56x56 128-128 k3 s2", { 2, 56, 56, 128, 128, 1, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1 }, 7 },
    { "resnet 224x224 3-64 k7 s2", { 1, 224, 224, 3, 64, 1, 7, 7, 2, 2, 1, 1, 3, 3, 3, 3 }, 5 },
    { "small windows 8x 16x16 16-32 k3", { 8, 16, 16, 16, 32, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1 }, 7 },
    { "spectral 8x 1x10 1-16 k3", { 8, 1, 10, 1, 16, 1, 1, 3, 1, 1, 1, 1, 0, 1, 0, 1 }, 7 },
    { "spectral 8x 1x200 16-32 k5", { 8, 1, 200, 16, 32, 1, 1, 5, 1, 1, 1, 1, 0, 2, 0, 2 }, 7 },
};

static const char *const part_names[] = { "forward", "data", "weights" };
static const char *const method_names[] = { "auto", "plain", "gemm", "dnnl", "direct", "avx2" };

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static real *numbers(sal_context *ctx, int64_t count, uint64_t stream)
{
    real *values = NULL;
    if (sal_allocate(ctx, count, sizeof(real), &values) != SAL_STATUS_OK) return NULL;
    for (int64_t i = 0; i < count; i++) values[i] = (real)sal_random_normal(1, stream, (uint64_t)i);
    return values;
}

typedef struct arrays {
    real *x, *y, *w, *gw;
} arrays;

static void run_part(const sal_conv *conv, uint32_t part, int64_t batch, const arrays *a, const real *w, void *scratch)
{
    if (part == SAL_CONV_FORWARD) sal_conv_forward(conv, batch, a->x, NULL, w, NULL, a->y, scratch);
    if (part == SAL_CONV_BACKWARD_DATA) sal_conv_backward_data(conv, batch, a->y, w, a->x, scratch);
    if (part == SAL_CONV_BACKWARD_WEIGHTS) sal_conv_backward_weights(conv, batch, a->x, NULL, a->y, a->gw, scratch);
}

/* GFLOP/s of one part by one method, the best of five tenths of a second; 0 where the method cannot. */
static double measure(sal_context *ctx, const bench_case *b, uint32_t part, sal_conv_method method, double flop,
                      const arrays *a)
{
    sal_conv *conv = NULL;
    double best = 0;
    if (sal_conv_new_by(ctx, &b->s, part, method, &conv) != SAL_STATUS_OK) {
        sal_error_clear(ctx);
        return 0;
    }
    real *packed = numbers(ctx, sal_conv_packed_size(conv), 1);
    void *scratch = numbers(ctx, sal_conv_scratch_bytes(conv) / (int64_t)sizeof(real) + 1, 2);
    sal_conv_pack(conv, a->w, packed);
    for (int trial = 0; trial < 5; trial++) {
        int64_t runs = 0;
        double start = cpu_seconds(), now = start;
        for (; now - start < 0.03; now = cpu_seconds(), runs++)
            run_part(conv, part, b->s.batch, a, sal_conv_packed_size(conv) ? packed : a->w, scratch);
        double rate = flop * (double)runs / (now - start) * 1e-9;
        if (rate > best) best = rate;
    }
    sal_release(ctx, packed);
    sal_release(ctx, scratch);
    sal_conv_free(conv);
    return best;
}

static void bench_conv(sal_context *ctx, const bench_case *b, const char *only)
{
    const sal_conv_shape *s = &b->s;
    int64_t rows, cols;
    sal_conv_output_size(s, &rows, &cols);
    int64_t w_size = s->kernel_rows * s->kernel_cols * s->channels_in / s->groups * s->channels_out;
    double flop = 2.0 * (double)(s->batch * rows * cols * w_size);
    arrays a = { numbers(ctx, s->batch * s->rows * s->cols * s->channels_in, 3),
                 numbers(ctx, s->batch * rows * cols * s->channels_out, 4), numbers(ctx, w_size, 5),
                 numbers(ctx, w_size, 6) };
    for (int part = 0; part < 3; part++) {
        if (!(b->parts & 1u << part)) continue;
        printf("%-36s %-8s %7.2f MFLOP ", b->name, part_names[part], flop * 1e-6);
        for (int method = SAL_CONV_GEMM; method <= SAL_CONV_AVX2; method++)
            if (!only || strcmp(only, method_names[method]) == 0)
                printf(" %s %6.1f", method_names[method],
                       measure(ctx, b, 1u << part, (sal_conv_method)method, flop, &a));
        sal_conv *conv = NULL;
        if (sal_conv_new(ctx, s, 1u << part, &conv) == SAL_STATUS_OK)
            printf("  auto: %s", sal_conv_method_name(conv, 1u << part));
        sal_conv_free(conv);
        printf("\n");
        fflush(stdout);
    }
    sal_release(ctx, a.x);
    sal_release(ctx, a.y);
    sal_release(ctx, a.w);
    sal_release(ctx, a.gw);
}

static void bench_gemm(sal_context *ctx, int64_t m, int64_t n, int64_t k)
{
    real *a = numbers(ctx, m * k, 1), *b = numbers(ctx, n * k, 2), *c = numbers(ctx, m * n, 3);
    for (int t = 0; t < 4; t++) {
        int64_t runs = 0;
        double start = cpu_seconds(), now = start;
        for (; now - start < 0.1; now = cpu_seconds())
            for (int i = 0; i < 10; i++, runs++)
                sal_gemm(t & 1, t >> 1, m, n, k, 1, a, t & 1 ? m : k, b, t >> 1 ? k : n, 0, c, n);
        printf("gemm %4lld %4lld %4lld %c%c  %7.2f GFLOP/s  %8.3f us\n", (long long)m, (long long)n, (long long)k,
               t & 1 ? 'T' : 'N', t >> 1 ? 'T' : 'N', 2e-9 * (double)(m * n * k) * (double)runs / (now - start),
               1e6 * (now - start) / (double)runs);
    }
    sal_release(ctx, a);
    sal_release(ctx, b);
    sal_release(ctx, c);
}

int main(int argc, char **argv)
{
    sal_context *ctx = NULL;
    const char *wanted = argc > 1 ? argv[1] : "";
    if (sal_context_new(&ctx) != SAL_STATUS_OK) return 1;
    sal_kernels_enter(ctx);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strstr(cases[i].name, wanted)) bench_conv(ctx, &cases[i], argc > 2 ? argv[2] : NULL);
    static const int64_t products[][3] = { { 4, 4, 4 },     { 10, 10, 12 },    { 8, 48, 48 },
                                           { 10, 48, 48 },  { 49, 16, 16 },    { 80, 48, 48 },
                                           { 80, 192, 48 }, { 256, 256, 256 }, { 1024, 1024, 1024 } };
    for (size_t i = 0; i < sizeof products / sizeof *products && strstr("gemm", wanted); i++)
        bench_gemm(ctx, products[i][0], products[i][1], products[i][2]);
    sal_kernels_leave();
    sal_context_free(ctx);
    return 0;
}
