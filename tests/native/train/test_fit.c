/* test_fit.c - one network: it learns, it repeats bit by bit with any number of threads and after a stop, it fails cleanly. */
#include "synthetic.h"

enum { N = 40 };
static sal_context *ctx;
static sal_dataset *data;
static sal_fit_options options;
static uint8_t keep[N];
static char path[600];

static int setup(void **state)
{
    const char *base = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/salina_fit_%d.safetensors", base && base[0] ? base : "/tmp", (int)getpid());
    if (sal_context_new(&ctx)) return -1;
    data = synthetic_new(ctx, N);
    memset(keep, 1, sizeof keep);
    synthetic_options(&options);
    return 0;
}

static int teardown(void **state)
{
    unlink(path);
    sal_dataset_free(ctx, data);
    sal_context_free(ctx);
    return 0;
}

static sal_fit *trained(int64_t until)
{
    sal_fit *fit;
    assert_done(ctx, sal_fit_new(ctx, data, keep, &options, &fit));
    assert_done(ctx, sal_fit_run(fit, until));
    return fit;
}

static void network_learns_what_the_target_follows(void **state)
{
    options.epochs = 60;
    options.model.dropout = 0;
    sal_fit *fit = trained(INT64_MAX);
    int64_t list[N];
    double out[N * 3], mean = 0, sse = 0, sst = 0;
    const float *losses = sal_fit_losses(fit);
    assert_int_equal(sal_fit_step(fit), sal_fit_steps(fit));
    for (int64_t e = 0; e < options.epochs; e++) assert_true(isfinite(losses[e]));
    assert_true(losses[options.epochs - 1] < 0.5f * losses[0]);
    for (int64_t i = 0; i < N; i++) list[i] = i, mean += log1p(data->target[i]) / N;
    assert_done(ctx, sal_fit_predict(fit, list, N, out));
    const sal_scaling *s = &sal_fit_scaler(fit)->target;
    for (int64_t i = 0; i < N; i++) {
        double truth = log1p(data->target[i]), guess = out[3 * i + 1] * s->sd + s->mean;
        assert_true(out[3 * i] <= out[3 * i + 1] && out[3 * i + 1] <= out[3 * i + 2]);
        sse += (truth - guess) * (truth - guess), sst += (truth - mean) * (truth - mean);
    }
    if (!(1 - sse / sst > 0.8)) fail_msg("R2 on its own training samples is %.3f", 1 - sse / sst);
    sal_fit_free(fit);
}

static void every_epoch_takes_every_sample_once(void **state)
{
    options.batch = 7; /* batches cross the ends of epochs */
    options.epochs = 3;
    sal_fit *fit;
    assert_done(ctx, sal_fit_new(ctx, data, keep, &options, &fit));
    assert_int_equal(sal_fit_steps(fit), (3 * N + 6) / 7);
    assert_int_equal(sal_fit_samples(fit), N);
    sal_fit_free(fit);
}

static void bits_do_not_depend_on_threads(void **state)
{
    sal_fit *fit[3];
    const int32_t threads[3] = { 1, 2, 5 };
    for (int32_t k = 0; k < 3; k++) {
        sal_context_set_threads(ctx, threads[k]);
        fit[k] = trained(INT64_MAX);
        assert_same_network(fit[0], fit[k]);
    }
    for (int32_t k = 0; k < 3; k++) sal_fit_free(fit[k]);
}

static void another_seed_gives_another_network(void **state)
{
    size_t na, nb;
    sal_fit *a = trained(3);
    options.seed = 4;
    sal_fit *b = trained(3);
    void *ba = fit_bytes(a, &na), *bb = fit_bytes(b, &nb);
    assert_memory_not_equal(ba, bb, na);
    free(ba);
    free(bb);
    sal_fit_free(a);
    sal_fit_free(b);
}

/* Stops after k steps, writes the state to a file, goes on in another fit. */
static sal_fit *interrupted(int64_t k)
{
    sal_tensors *tensors;
    sal_fit *first = trained(k), *second;
    assert_done(ctx, sal_tensors_new(ctx, &tensors));
    assert_done(ctx, sal_fit_save(first, tensors, "x/"));
    assert_done(ctx, sal_tensors_save(tensors, path));
    sal_tensors_free(tensors);
    sal_fit_free(first);
    assert_done(ctx, sal_fit_new(ctx, data, keep, &options, &second));
    assert_done(ctx, sal_tensors_load(ctx, path, "checkpoint", &tensors));
    assert_done(ctx, sal_fit_restore(second, tensors, "x/"));
    sal_tensors_free(tensors);
    assert_int_equal(sal_fit_step(second), k);
    assert_done(ctx, sal_fit_run(second, INT64_MAX));
    return second;
}

static void stopped_and_restored_gives_the_same_bits(void **state)
{
    sal_fit *whole = trained(INT64_MAX);
    const int64_t stops[] = { 0, 1, 4, 5, 13, sal_fit_steps(whole) }; /* 5 steps are an epoch */
    for (size_t k = 0; k < sizeof stops / sizeof *stops; k++) {
        sal_fit *again = interrupted(stops[k]);
        assert_same_network(whole, again);
        assert_memory_equal(sal_fit_losses(whole), sal_fit_losses(again), (size_t)options.epochs * sizeof(float));
        sal_fit_free(again);
    }
    sal_fit_free(whole);
}

static void state_of_another_network_is_refused(void **state)
{
    sal_tensors *tensors;
    sal_fit *a = trained(2), *b;
    assert_done(ctx, sal_tensors_new(ctx, &tensors));
    assert_done(ctx, sal_fit_save(a, tensors, ""));
    options.model.width = 16;
    assert_done(ctx, sal_fit_new(ctx, data, keep, &options, &b));
    assert_int_equal(sal_fit_restore(b, tensors, ""), SAL_STATUS_DATA);
    sal_tensors_free(tensors);
    sal_fit_free(a);
    sal_fit_free(b);
}

static void prediction_does_not_depend_on_the_list(void **state)
{
    sal_fit *fit = trained(6);
    int64_t list[N], back[N], one = 17;
    double a[N * 3], b[N * 3], c[3];
    for (int64_t i = 0; i < N; i++) list[i] = i, back[i] = N - 1 - i;
    assert_done(ctx, sal_fit_predict(fit, list, N, a));
    assert_done(ctx, sal_fit_predict(fit, back, N, b));
    assert_done(ctx, sal_fit_predict(fit, &one, 1, c));
    for (int64_t i = 0; i < N; i++) assert_memory_equal(a + 3 * i, b + 3 * (N - 1 - i), 3 * sizeof *a);
    assert_memory_equal(a + 3 * one, c, sizeof c);
    sal_fit_free(fit);
}

static void samples_left_out_of_training_are_never_read_by_it(void **state)
{
    for (int64_t i = 30; i < N; i++) keep[i] = 0;
    sal_fit *a = trained(INT64_MAX);
    for (int64_t i = 30; i < N; i++) {
        data->target[i] *= 100;
        data->spectrum[i * SYNTHETIC_BANDS] = -5;
        data->ndvi[i] = 0.9f;
    }
    sal_fit *b = trained(INT64_MAX);
    assert_same_network(a, b);
    sal_fit_free(a);
    sal_fit_free(b);
}

static void missing_values_do_no_harm(void **state)
{
    for (int64_t i = 0; i < N; i += 3) data->ndvi[i] = NAN, data->index[i * SYNTHETIC_INDICES] = NAN, data->window[i * 867 + 5] = NAN;
    sal_fit *fit = trained(INT64_MAX);
    assert_true(isfinite(sal_fit_losses(fit)[options.epochs - 1]));
    sal_fit_free(fit);
}

static void batch_is_never_larger_than_the_samples(void **state)
{
    options.batch = 1000;
    sal_fit *fit = trained(INT64_MAX);
    assert_int_equal(sal_fit_steps(fit), options.epochs);
    sal_fit_free(fit);
}

static void one_sample_is_too_few(void **state)
{
    sal_fit *fit;
    memset(keep, 0, sizeof keep);
    keep[3] = 1;
    assert_int_equal(sal_fit_new(ctx, data, keep, &options, &fit), SAL_STATUS_DATA);
    assert_string_equal(sal_context_message(ctx), "1 samples are too few to train on");
    assert_null(fit);
}

static int32_t stop_at_once(void *user, double fraction, const char *message) { return 1; }

static void cancelled_training_keeps_its_state(void **state)
{
    sal_fit *fit = trained(3);
    sal_context_set_progress(ctx, stop_at_once, NULL);
    sal_status status = SAL_STATUS_OK;
    for (int32_t k = 0; k < 3 && status == SAL_STATUS_OK; k++) {
        usleep(120000); /* the callback is reached every 100 ms */
        status = sal_fit_run(fit, INT64_MAX);
    }
    assert_int_equal(status, SAL_STATUS_CANCELLED);
    assert_true(sal_fit_step(fit) >= 3 && sal_fit_step(fit) < sal_fit_steps(fit));
    sal_context_set_progress(ctx, NULL, NULL);
    sal_fit_free(fit);
}

static int64_t calls, fail_at, alive;

static void *allocate(void *user, size_t bytes)
{
    if (++calls == fail_at) return NULL;
    alive++;
    return aligned_alloc(64, (bytes + 127) / 64 * 64);
}

static void release(void *user, void *memory)
{
    alive -= memory != NULL;
    free(memory);
}

static void every_failed_allocation_is_reported_and_leaks_nothing(void **state)
{
    sal_context *poor;
    sal_status status = SAL_STATUS_MEMORY;
    assert_int_equal(sal_context_new(&poor), 0);
    sal_context_set_threads(poor, 1);
    sal_context_set_allocator(poor, (sal_allocator){ allocate, release, NULL });
    for (fail_at = 1; status != SAL_STATUS_OK; fail_at++) {
        sal_fit *fit;
        assert_true(fail_at < 20000);
        calls = alive = 0;
        sal_error_clear(poor);
        status = sal_fit_new(poor, data, keep, &options, &fit);
        if (status == SAL_STATUS_OK) status = sal_fit_run(fit, 1);
        if (status != SAL_STATUS_OK && status != SAL_STATUS_MEMORY) fail_msg("allocation %d: status %d: %s", (int)fail_at, status, sal_context_message(poor));
        sal_fit_free(fit);
        assert_int_equal(alive, 0);
        if (fail_at > 60) fail_at += fail_at / 20; /* thinned: each try builds a network */
    }
    sal_context_free(poor);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(network_learns_what_the_target_follows),
        TEST(every_epoch_takes_every_sample_once),
        TEST(bits_do_not_depend_on_threads),
        TEST(another_seed_gives_another_network),
        TEST(stopped_and_restored_gives_the_same_bits),
        TEST(state_of_another_network_is_refused),
        TEST(prediction_does_not_depend_on_the_list),
        TEST(samples_left_out_of_training_are_never_read_by_it),
        TEST(missing_values_do_no_harm),
        TEST(batch_is_never_larger_than_the_samples),
        TEST(one_sample_is_too_few),
        TEST(cancelled_training_keeps_its_state),
        TEST(every_failed_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
