/* test_conv.c - convolution in float: every method against the definition, bits from several threads, refusals. */
#include "conv_cases.h"

#include <stdlib.h>

static void plain_convolution_is_the_definition(void **state)
{
    assert_int_equal(assert_method_right(SAL_CONV_PLAIN, 1e-5), SHAPES);
}

static void gemm_convolution_is_the_definition(void **state)
{
    assert_int_equal(assert_method_right(SAL_CONV_GEMM, 1e-5), SHAPES);
}

static void automatic_convolution_is_the_definition(void **state)
{
    assert_int_equal(assert_method_right(SAL_CONV_AUTO, 1e-5), SHAPES);
}

/* A method may refuse parts of a shape; each part is tested where it is offered. */
static void assert_parts_right(sal_conv_method method, const char *absent)
{
    if (assert_method_right(method, 1e-5) == 0) {
        print_message("%s\n", absent);
        skip();
    }
}

static void dnnl_convolution_is_the_definition(void **state)
{
    assert_parts_right(SAL_CONV_DNNL, "built without oneDNN");
}

static void direct_convolution_is_the_definition(void **state) { assert_parts_right(SAL_CONV_DIRECT, "no AVX2 here"); }

static void avx2_convolution_is_the_definition(void **state) { assert_parts_right(SAL_CONV_AVX2, "no AVX2 here"); }

/* One chunk per task: all three parts on its own outputs. */
typedef struct chunk_work {
    const sal_conv *conv;
    const conv_case *c;
    const real *w;
    real *y, *gx, *gw;
    char *scratch;
    int64_t scratch_bytes;
} chunk_work;

static void run_chunk(void *arg, int64_t chunk, int32_t worker)
{
    const chunk_work *k = arg;
    const conv_case *c = k->c;
    char *scratch = k->scratch + worker * k->scratch_bytes;
    sal_conv_forward(k->conv, c->s.batch, c->x, NULL, k->w, c->bias, k->y + chunk * c->y_size, scratch);
    sal_conv_backward_data(k->conv, c->s.batch, c->gy, k->w, k->gx + chunk * c->x_size, scratch);
    sal_conv_backward_weights(k->conv, c->s.batch, c->x, NULL, c->gy, k->gw + chunk * c->w_size, scratch);
}

static void same_bits_from_every_thread(void **state)
{
    enum { THREADS = 4, CHUNKS = 16 };
    sal_context *ctx = context_with_threads(THREADS);
    sal_kernels_enter(ctx);
    for (int64_t i = 0; i < SHAPES; i++) {
        conv_case c = case_new(ctx, &shapes[i]);
        chunk_work k = { .c = &c };
        sal_conv *conv = NULL;
        assert_int_equal(sal_conv_new(ctx, &c.s, 7, &conv), SAL_STATUS_OK);
        real *packed = array(ctx, sal_conv_packed_size(conv), sizeof(real));
        sal_conv_pack(conv, c.w, packed);
        k.conv = conv;
        k.w = sal_conv_packed_size(conv) ? packed : c.w;
        k.scratch_bytes = (sal_conv_scratch_bytes(conv) + 63) / 64 * 64;
        k.scratch = array(ctx, k.scratch_bytes * THREADS, 1);
        k.y = array(ctx, c.y_size * (CHUNKS + 1), sizeof(real));
        k.gx = array(ctx, c.x_size * (CHUNKS + 1), sizeof(real));
        k.gw = array(ctx, c.w_size * (CHUNKS + 1), sizeof(real));
        run_chunk(&k, CHUNKS, 0);
        sal_pool_run(ctx, CHUNKS, run_chunk, &k);
        for (int64_t j = 0; j < CHUNKS; j++) {
            assert_memory_equal(k.y + j * c.y_size, k.y + CHUNKS * c.y_size, (size_t)c.y_size * sizeof(real));
            assert_memory_equal(k.gx + j * c.x_size, k.gx + CHUNKS * c.x_size, (size_t)c.x_size * sizeof(real));
            assert_memory_equal(k.gw + j * c.w_size, k.gw + CHUNKS * c.w_size, (size_t)c.w_size * sizeof(real));
        }
        void *all[] = { packed, k.scratch, k.y, k.gx, k.gw };
        for (size_t j = 0; j < sizeof all / sizeof *all; j++) sal_release(ctx, all[j]);
        sal_conv_free(conv);
        case_free(ctx, &c);
    }
    sal_kernels_leave();
    sal_context_free(ctx);
}

/* A line on the way in is the same as x of the line; padding stays 0. */
static void a_line_is_taken_on_the_way_in(void **state)
{
    sal_context *ctx = context_with_threads(1);
    int64_t taken = 0;
    sal_kernels_enter(ctx);
    for (int64_t i = 0; i < SHAPES; i++) {
        conv_case c = case_new(ctx, &shapes[i]);
        sal_conv *conv = NULL;
        assert_int_equal(sal_conv_new(ctx, &c.s, SAL_CONV_FORWARD | SAL_CONV_BACKWARD_WEIGHTS, &conv), SAL_STATUS_OK);
        bool takes = sal_conv_takes_line(conv, SAL_CONV_FORWARD);
        assert_int_equal(takes, sal_conv_takes_line(conv, SAL_CONV_BACKWARD_WEIGHTS));
        int64_t channels = c.s.channels_in, size = c.y_size > c.w_size ? c.y_size : c.w_size;
        real *scale = array(ctx, channels, sizeof(real)), *shift = array(ctx, channels, sizeof(real)), *through = array(ctx, c.x_size, sizeof(real));
        real *packed = array(ctx, sal_conv_packed_size(conv), sizeof(real)), *want = array(ctx, size, sizeof(real));
        char *scratch = array(ctx, sal_conv_scratch_bytes(conv), 1);
        fill(scale, channels, 5);
        fill(shift, channels, 6);
        sal_conv_pack(conv, c.w, packed);
        const real *w = sal_conv_packed_size(conv) ? packed : c.w;
        for (int relu = 0; relu < 2 && takes; relu++) {
            const sal_conv_line line = { scale, shift, relu != 0 };
            for (int64_t k = 0; k < c.x_size; k++) {
                real v = scale[k % channels] * c.x[k] + shift[k % channels];
                through[k] = relu && v < 0 ? 0 : v;
            }
            sal_conv_forward(conv, c.s.batch, through, NULL, w, c.bias, want, scratch);
            sal_conv_forward(conv, c.s.batch, c.x, &line, w, c.bias, c.y, scratch);
            for (int64_t k = 0; k < c.y_size; k++) assert_true(fabs((double)(c.y[k] - want[k])) < 1e-4);
            sal_conv_backward_weights(conv, c.s.batch, through, NULL, c.gy, want, scratch);
            sal_conv_backward_weights(conv, c.s.batch, c.x, &line, c.gy, c.gw, scratch);
            for (int64_t k = 0; k < c.w_size; k++) assert_true(fabs((double)(c.gw[k] - want[k])) < 1e-3);
            taken++;
        }
        void *all[] = { scale, shift, through, packed, want, scratch };
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) sal_release(ctx, all[k]);
        sal_conv_free(conv);
        case_free(ctx, &c);
    }
    sal_kernels_leave();
    sal_context_free(ctx);
    if (!taken) skip(); /* no AVX-512 here */
}

static void assert_refused(sal_conv_shape s, const char *word)
{
    sal_context *ctx = context_with_threads(1);
    sal_conv *conv = NULL;
    assert_int_equal(sal_conv_new(ctx, &s, SAL_CONV_FORWARD, &conv), SAL_STATUS_SHAPE);
    assert_null(conv);
    assert_non_null(strstr(sal_context_message(ctx), word));
    sal_context_free(ctx);
}

static void impossible_shapes_are_refused(void **state)
{
    sal_conv_shape s = shapes[8];
    s.rows = 1, s.pad_top = s.pad_bottom = 0;
    assert_refused(s, "does not fit into 1 x 11");
    s = shapes[8];
    s.groups = 3;
    assert_refused(s, "3 equal groups");
    s = shapes[8];
    s.stride_cols = 0;
    assert_refused(s, "strides");
}

/* Fails the n-th allocation. */
static int64_t until_failure;

static void *failing_allocate(void *user, size_t bytes)
{
    return until_failure-- == 0 ? NULL : aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void plain_release(void *user, void *memory) { free(memory); }

static void every_failed_allocation_is_reported(void **state)
{
    const sal_allocator failing = { failing_allocate, plain_release, NULL };
    for (int64_t which = 8; which < 12; which++)
        for (int64_t n = 0;; n++) {
            sal_context *ctx = context_with_threads(1);
            sal_conv *conv = NULL;
            until_failure = n;
            sal_context_set_allocator(ctx, failing);
            sal_status status = sal_conv_new(ctx, &shapes[which], 7, &conv);
            bool whole = until_failure >= 0;
            if (!whole) assert_int_equal(status, SAL_STATUS_MEMORY);
            until_failure = -1;
            sal_conv_free(conv);
            sal_context_free(ctx);
            if (whole) break;
            assert_true(n < 100);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_convolution_is_the_definition),
        cmocka_unit_test(gemm_convolution_is_the_definition),
        cmocka_unit_test(dnnl_convolution_is_the_definition),
        cmocka_unit_test(direct_convolution_is_the_definition),
        cmocka_unit_test(avx2_convolution_is_the_definition),
        cmocka_unit_test(automatic_convolution_is_the_definition),
        cmocka_unit_test(same_bits_from_every_thread),
        cmocka_unit_test(a_line_is_taken_on_the_way_in),
        cmocka_unit_test(impossible_shapes_are_refused),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
