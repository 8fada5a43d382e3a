/* test_training.c - folds and final model: honest predictions, checkpoint and resume with the same bits, cancel, time limit. */
#include <signal.h>
#include <sys/wait.h>

#include "base/context.h"
#include "synthetic.h"

enum { N = 40, FOLDS = 3 };
static sal_context *ctx;
static sal_dataset *data;
static sal_folds *folds;
static sal_training_request request;
static char checkpoint[600];

static int setup(void **state)
{
    const char *base = getenv("TMPDIR");
    snprintf(checkpoint, sizeof checkpoint, "%s/salina_training_%d.checkpoint", base && base[0] ? base : "/tmp", (int)getpid());
    unlink(checkpoint);
    if (sal_context_new(&ctx)) return -1;
    data = synthetic_new(ctx, N);
    sal_fold_request split = { .method = "random", .count = N, .x = data->x, .y = data->y, .target = data->target, .k = FOLDS, .pixel_m = 10, .window = SYNTHETIC_WINDOW, .seed = 1 };
    assert_done(ctx, sal_folds_new(ctx, &split, &folds));
    request = (sal_training_request){ .dataset = data, .folds = folds, .members = 2, .checkpoint = checkpoint };
    synthetic_options(&request.fit);
    return 0;
}

static int teardown(void **state)
{
    unlink(checkpoint);
    sal_folds_free(ctx, folds);
    sal_dataset_free(ctx, data);
    sal_context_free(ctx);
    return 0;
}

/* A whole training, after which the checkpoint is deleted, as operation train does once its outputs are written. */
static sal_training *trained(void)
{
    sal_training *t;
    assert_done(ctx, sal_training_run(ctx, &request, &t));
    if (request.checkpoint) assert_int_equal(unlink(request.checkpoint), 0);
    return t;
}

static void assert_same_training(const sal_training *a, const sal_training *b)
{
    assert_memory_equal(a->out_of_fold, b->out_of_fold, (size_t)(3 * N) * sizeof(double));
    assert_memory_equal(a->by_member, b->by_member, (size_t)(N * a->members) * sizeof(double));
    assert_memory_equal(a->losses, b->losses, (size_t)((a->folds + 1) * a->epochs) * sizeof(float));
    for (int64_t m = 0; m < a->members; m++) assert_same_network(a->final[m], b->final[m]);
}

static bool logged(const char *part)
{
    for (int64_t i = 0; i < sal_log_count(ctx); i++) {
        if (strstr(sal_log_line(ctx, i, NULL), part)) return true;
    }
    return false;
}

static void prediction_is_the_mean_over_members_of_networks_that_never_saw_the_sample(void **state)
{
    sal_training *a = trained(), *b;
    for (int64_t i = 0; i < N; i++) {
        double mean = (a->by_member[i] + a->by_member[N + i]) / 2;
        assert_true(fabs(mean - a->out_of_fold[3 * i + 1]) < 1e-12 * fmax(1, fabs(mean)));
        assert_true(a->out_of_fold[3 * i] <= a->out_of_fold[3 * i + 1] && a->out_of_fold[3 * i + 1] <= a->out_of_fold[3 * i + 2]);
        assert_true(a->by_member[i] != a->by_member[N + i]);
    }
    for (int64_t i = 0; i < N; i++) { /* targets of fold 0 change: its own predictions must not, others must */
        if (folds->fold[i] == 0) data->target[i] = 2 * data->target[i] + 1;
    }
    b = trained();
    int64_t changed = 0;
    for (int64_t i = 0; i < N; i++) {
        bool same = memcmp(a->out_of_fold + 3 * i, b->out_of_fold + 3 * i, 3 * sizeof(double)) == 0;
        if (folds->fold[i] == 0) assert_true(same);
        else changed += !same;
    }
    assert_true(changed > 0);
    sal_training_free(a);
    sal_training_free(b);
}

static void bits_do_not_depend_on_threads(void **state)
{
    sal_context_set_threads(ctx, 1);
    sal_training *a = trained();
    sal_context_set_threads(ctx, 2);
    sal_training *b = trained();
    assert_same_training(a, b);
    assert_true(a->samples_per_second > 0 && a->resumed_stage == 0);
    sal_training_free(a);
    sal_training_free(b);
}

static void training_in_many_pieces_gives_the_same_bits(void **state)
{
    sal_training *whole = trained(), *t = NULL;
    int32_t pieces = 0;
    request.seconds = 1e-9; /* every run stops at its first chance and keeps the checkpoint */
    for (; !t; pieces++) {
        assert_true(pieces < 200);
        sal_status status = sal_training_run(ctx, &request, &t);
        if (status == SAL_STATUS_OK) break;
        assert_int_equal(status, SAL_STATUS_FAILED);
        assert_non_null(strstr(sal_context_message(ctx), "run the same training again to go on from checkpoint"));
        assert_true(sal_file_exists(checkpoint));
        sal_error_clear(ctx);
    }
    assert_true(pieces > (FOLDS + 1) * 2);
    assert_same_training(whole, t);
    sal_training_free(whole);
    sal_training_free(t);
}

static void finished_training_is_given_back_from_its_checkpoint_without_a_step(void **state)
{
    sal_training *a, *b;
    assert_done(ctx, sal_training_run(ctx, &request, &a));
    assert_true(sal_file_exists(checkpoint)); /* outputs are still to be written */
    assert_done(ctx, sal_training_run(ctx, &request, &b));
    assert_int_equal(b->resumed_stage, (FOLDS + 1) * 2);
    assert_true(isnan(b->samples_per_second));
    assert_true(logged("all 8 networks are trained"));
    assert_same_training(a, b);
    assert_true(sal_file_exists(checkpoint));
    sal_training_free(a);
    sal_training_free(b);
}

/* A process that is killed as soon as its checkpoint says that stage `stage` is over. */
static void killed_after(double stage)
{
    pid_t child = fork();
    if (child == 0) {
        sal_training *t;
        sal_context *own;
        if (sal_context_new(&own)) _exit(2);
        request.fit.epochs = 40;
        _exit(sal_training_run(own, &request, &t));
    }
    for (int32_t k = 0; k < 20000; k++) {
        sal_tensors *tensors = NULL;
        double reached = -1;
        usleep(500);
        if (sal_file_exists(checkpoint) && sal_tensors_load(ctx, checkpoint, "checkpoint", &tensors) == SAL_STATUS_OK)
            reached = *(const double *)sal_tensors_find(tensors, "stage")->data;
        sal_error_clear(ctx);
        sal_tensors_free(tensors);
        if (reached >= stage) break;
    }
    int status;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(sal_file_exists(checkpoint));
}

static void killed_training_goes_on_with_the_same_bits(void **state)
{
    request.fit.epochs = 40;
    sal_training *whole = trained();
    const double stages[] = { 1, 4, 7 }; /* the last: the first final network is done, the second is not */
    for (size_t k = 0; k < 3; k++) {
        killed_after(stages[k]);
        sal_training *t = trained();
        assert_true(t->resumed_stage >= (int64_t)stages[k]);
        assert_true(logged("goes on from checkpoint"));
        assert_same_training(whole, t);
        sal_training_free(t);
    }
    sal_training_free(whole);
}

static void leave_checkpoint(void)
{
    sal_training *t;
    request.seconds = 1e-9;
    assert_int_equal(sal_training_run(ctx, &request, &t), SAL_STATUS_FAILED);
    assert_null(t);
    sal_error_clear(ctx);
    request.seconds = 0;
}

static void checkpoint_of_another_training_is_left_aside_with_a_warning(void **state)
{
    for (int32_t k = 0; k < 5; k++) {
        double target = data->target[3];
        float pixel = data->window[100];
        leave_checkpoint();
        sal_log_clear(ctx);
        if (k == 0) request.fit.seed++;
        if (k == 1) request.fit.learning_rate *= 2;
        if (k == 2) data->target[3] += 0.5;
        if (k == 3) data->window[100] += 1;
        if (k == 4) request.fit.model.dropout = 0.3;
        sal_training *t = trained();
        assert_true(logged("belongs to another training (other data, options or version); training starts anew"));
        assert_int_equal(t->resumed_stage, 0);
        sal_training_free(t);
        data->target[3] = target;
        data->window[100] = pixel;
    }
}

static void damaged_checkpoint_is_left_aside_with_a_warning(void **state)
{
    sal_training *whole = trained();
    leave_checkpoint();
    assert_int_equal(truncate(checkpoint, 5000), 0);
    sal_training *t = trained();
    assert_true(logged("training starts anew"));
    assert_same_training(whole, t);
    assert_string_equal(sal_context_message(ctx), "");
    sal_training_free(whole);
    sal_training_free(t);
}

typedef struct stopper {
    double at;
} stopper;

static int32_t stop_from(void *user, double fraction, const char *message) { return fraction >= ((stopper *)user)->at; }

static void cancelled_training_leaves_the_checkpoint_to_its_caller(void **state)
{
    request.fit.epochs = 60; /* long enough for the callback, which is reached every 100 ms */
    for (int32_t k = 0; k < 4; k++) {
        sal_training *t;
        stopper s = { 0.25 * k };
        sal__context_begin(ctx);
        sal_context_set_progress(ctx, stop_from, &s);
        sal_status status = sal_training_run(ctx, &request, &t);
        sal_context_set_progress(ctx, NULL, NULL);
        assert_int_equal(status, SAL_STATUS_CANCELLED);
        assert_null(t);
        assert_int_equal(sal_file_exists(checkpoint), k > 0);
        sal_error_clear(ctx);
    }
    sal__context_begin(ctx);
    sal_training *t = trained(), *whole = trained();
    assert_true(t->resumed_stage > 0 && whole->resumed_stage == 0);
    assert_same_training(whole, t);
    sal_training_free(whole);
    sal_training_free(t);
}

static void checkpoint_that_cannot_be_written_is_reported(void **state)
{
    sal_training *t;
    request.checkpoint = "/nonexistent/folder/x.checkpoint";
    assert_int_equal(sal_training_run(ctx, &request, &t), SAL_STATUS_IO);
    assert_non_null(strstr(sal_context_message(ctx), "/nonexistent/folder"));
}

static void training_without_a_checkpoint_file_works(void **state)
{
    sal_training *a = trained();
    request.checkpoint = NULL;
    sal_training *b = trained();
    assert_same_training(a, b);
    sal_training_free(a);
    sal_training_free(b);
}

/* The target follows band 0 and the level of environment 1. A resumed training asks the same. */
static void importance_names_what_the_target_follows(void **state)
{
    sal_dataset *more = synthetic_new(ctx, 300);
    sal_folds *split;
    sal_fold_request r = { .method = "random", .count = 300, .x = more->x, .y = more->y, .target = more->target, .k = 2, .pixel_m = 1e-3, .window = 1, .seed = 1 };
    assert_done(ctx, sal_folds_new(ctx, &r, &split));
    sal_training_request q = { .dataset = more, .folds = split, .members = 1, .importance = true, .checkpoint = checkpoint };
    synthetic_options(&q.fit);
    q.fit.epochs = 30, q.fit.batch = 16;
    sal_training *a, *b;
    assert_done(ctx, sal_training_run(ctx, &q, &a));
    assert_int_equal(a->covariates, SYNTHETIC_BANDS + SYNTHETIC_INDICES + SYNTHETIC_COVARIATES);
    for (int64_t k = 0; k < a->covariates; k++) {
        bool matters = k == 0 || k == SYNTHETIC_BANDS + SYNTHETIC_INDICES + 1;
        assert_true(isfinite(a->importance[k]));
        if (!matters) assert_true(a->importance[k] < 0.5 * fmin(a->importance[0], a->importance[SYNTHETIC_BANDS + SYNTHETIC_INDICES + 1]));
    }
    assert_done(ctx, sal_training_run(ctx, &q, &b)); /* from the checkpoint, without a step */
    assert_memory_equal(a->importance, b->importance, (size_t)a->covariates * sizeof(double));
    sal_training_free(a);
    sal_training_free(b);
    unlink(checkpoint);
    sal_folds_free(ctx, split);
    sal_dataset_free(ctx, more);
}

static void assert_same_embedding(const sal_training *a, const sal_training *b)
{
    assert_int_equal(a->units, b->units);
    assert_memory_equal(a->embedding, b->embedding, (size_t)(N * a->units) * sizeof(float));
    assert_memory_equal(a->unit_weight, b->unit_weight, (size_t)a->units * sizeof(double));
    assert_memory_equal(a->unseen, b->unseen, (size_t)N * sizeof(double));
}

/* The embedding of an ensemble and the index in the networks of the folds: the same bits in pieces and for any threads; targets of a sample do not
 * move its own index. */
static void embeddings_are_kept_and_indices_come_from_networks_that_never_saw_the_sample(void **state)
{
    sal_training *plain = trained(), *whole, *t = NULL;
    assert_null(plain->embedding);
    request.embedding = true;
    whole = trained();
    assert_same_training(plain, whole);
    assert_int_equal(whole->units, 2 * request.fit.model.hidden);
    for (int64_t i = 0; i < N; i++) assert_true(whole->unseen[i] > 0 && isfinite(whole->unseen[i]));
    sal_context_set_threads(ctx, 1);
    request.seconds = 1e-9;
    while (sal_training_run(ctx, &request, &t) == SAL_STATUS_FAILED) sal_error_clear(ctx);
    assert_same_training(whole, t);
    assert_same_embedding(whole, t);
    sal_training_free(t);
    unlink(checkpoint);
    request.seconds = 0;
    for (int64_t i = 0; i < N; i++)
        if (folds->fold[i] == 0) data->target[i] = 2 * data->target[i] + 1;
    t = trained();
    int64_t changed = 0;
    for (int64_t i = 0; i < N; i++) {
        if (folds->fold[i] == 0) assert_true(whole->unseen[i] == t->unseen[i]);
        else changed += whole->unseen[i] != t->unseen[i];
    }
    assert_true(changed > 0);
    sal_training_free(plain), sal_training_free(whole), sal_training_free(t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(prediction_is_the_mean_over_members_of_networks_that_never_saw_the_sample),
        TEST(bits_do_not_depend_on_threads),
        TEST(training_in_many_pieces_gives_the_same_bits),
        TEST(finished_training_is_given_back_from_its_checkpoint_without_a_step),
        TEST(killed_training_goes_on_with_the_same_bits),
        TEST(checkpoint_of_another_training_is_left_aside_with_a_warning),
        TEST(damaged_checkpoint_is_left_aside_with_a_warning),
        TEST(cancelled_training_leaves_the_checkpoint_to_its_caller),
        TEST(checkpoint_that_cannot_be_written_is_reported),
        TEST(training_without_a_checkpoint_file_works),
        TEST(importance_names_what_the_target_follows),
        TEST(embeddings_are_kept_and_indices_come_from_networks_that_never_saw_the_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
