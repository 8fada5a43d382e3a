/* test_cancel.c - every operation, cancelled at moments spread over its run: it returns CANCELLED within half a second, and nothing is left.
 *
 * Three ways for each: a whole run in which no two looks at the callback lie further apart than that; a request at the k-th look; and a request by
 * another thread after a delay that has nothing to do with the looks. A machine that is busy with other work gets three tries. SALINA_CANCEL_SIZE
 * sets the size of the delta, to look for slow places by hand.
 */
#define _GNU_SOURCE
#include "base/base.h"

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifdef SANITIZED
static const double most_seconds = 10;
enum { SIZE = 256, MOMENTS = 2 };
#else
static const double most_seconds = 0.5;
enum { SIZE = 640, MOMENTS = 6 };
#endif
enum { TRIES = 3 };

static sal_context *ctx;
static char folder[256], size_text[16];

/* ' stands for ", @ for the test folder, # for the size of the delta; results go to @/out. */
static sal_status run_operation(const char *id, const char *parameters)
{
    char text[4096];
    const char *json = NULL;
    size_t n = 0;
    for (const char *c = parameters; *c && n < sizeof text - 300; c++) {
        if (*c == '@') n += (size_t)snprintf(text + n, 300, "%s", folder);
        else if (*c == '#') n += (size_t)snprintf(text + n, 300, "%s", size_text);
        else text[n++] = *c == '\'' ? '"' : *c;
    }
    text[n] = 0;
    return sal_operation_run(ctx, id, text, &json);
}

/* ---- what is left ---- */

static void clear_results(void)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s/out' && mkdir '%s/out'", folder, folder);
    assert_int_equal(system(command), 0);
}

static int results(void)
{
    char path[300];
    int n = -2; /* . and .. */
    snprintf(path, sizeof path, "%s/out", folder);
    DIR *dir = opendir(path);
    while (readdir(dir)) n++;
    closedir(dir);
    return n;
}

/* ---- looking and asking ---- */

typedef struct watch {
    int64_t looks, stop_at;  /* 0: never */
    double last, longest;    /* time of the last look; longest time between two */
    double longest_at;       /* fraction before the longest */
    double fraction, delay;  /* delay of the thread that asks, s */
    _Atomic double asked_at; /* 0: not yet */
} watch;

static int32_t look(void *user, double fraction, const char *message)
{
    watch *w = user;
    double now = sal_clock();
    if (now - w->last > w->longest) w->longest = now - w->last, w->longest_at = w->fraction;
    w->last = now;
    w->fraction = fraction;
    if (++w->looks == w->stop_at) atomic_store(&w->asked_at, now);
    return atomic_load(&w->asked_at) > 0;
}

static void *ask_later(void *arg)
{
    watch *w = arg;
    struct timespec delay = { (time_t)w->delay, (long)(1e9 * fmod(w->delay, 1)) };
    nanosleep(&delay, NULL);
    atomic_store(&w->asked_at, sal_clock());
    return NULL;
}

/* Seconds from the request to the return; negative when the run was over before. */
static double seconds_to_return(const char *id, const char *parameters, watch *w)
{
    pthread_t thread;
    bool asks = w->delay > 0;
    w->last = sal_clock();
    if (asks) assert_int_equal(pthread_create(&thread, NULL, ask_later, w), 0);
    sal_context_set_progress(ctx, look, w);
    sal_status status = run_operation(id, parameters);
    double end = sal_clock();
    sal_context_set_progress(ctx, NULL, NULL);
    if (asks) pthread_join(thread, NULL);
    if (end - w->last > w->longest) w->longest = end - w->last, w->longest_at = w->fraction;
    if (status == SAL_STATUS_OK) {
        clear_results();
        return -1;
    }
    if (status != SAL_STATUS_CANCELLED) fail_msg("%s: status %d: %s", id, status, sal_context_message(ctx));
    if (results() != 0) fail_msg("%s: cancelled at %.0f %%, it left %d files", id, 100 * w->fraction, results());
    return end - atomic_load(&w->asked_at);
}

static void cancelled_in_time(const char *id, const char *parameters, watch moment)
{
    double seconds = INFINITY;
    for (int t = 0; t < TRIES && seconds > most_seconds; t++) {
        watch w = moment;
        seconds = seconds_to_return(id, parameters, &w);
        if (seconds > most_seconds)
            print_message("%s: %.2f s from the request at %.1f %% to the return, longest without a look %.2f s after %.1f %%\n", id, seconds, 100 * w.fraction, w.longest, 100 * w.longest_at);
    }
    assert_true(seconds <= most_seconds);
}

static void cancel_everywhere(const char *id, const char *parameters)
{
    watch whole;
    double begun = sal_clock();
    for (int t = 0; t < TRIES; t++) {
        whole = (watch){ 0 };
        begun = sal_clock();
        assert_true(seconds_to_return(id, parameters, &whole) < 0);
        if (whole.longest <= most_seconds) break;
        print_message("%s: %.2f s without a look at the callback, after %.1f %%\n", id, whole.longest, 100 * whole.longest_at);
    }
    assert_true(whole.longest <= most_seconds);
    begun = sal_clock() - begun;
    for (int64_t k = 0; k < MOMENTS; k++) {
        cancelled_in_time(id, parameters, (watch){ .stop_at = 1 + whole.looks * k / MOMENTS });
        cancelled_in_time(id, parameters, (watch){ .delay = begun * sal_random_uniform(5, sal_random_stream(id, 0, 0), (uint64_t)k) });
    }
    print_message("%s: %d moments in a run of %.1f s with %d looks, the longest after %.2f s\n", id, 2 * MOMENTS, begun, (int)whole.looks, whole.longest);
}

/* ---- operations ---- */

#define TRAIN "{'stacks':['@/stack.tif'],'samples':'@/delta/samples.gpkg','target':'salinity','unit':'g/kg','epochs':3,'folds':2,"

static void demo_is_cancelled_in_time(void **state)
{
    cancel_everywhere("demo", "{'output':'@/out/delta','size':#,'campaigns':1,'samples':60}");
}

static void covariates_are_cancelled_in_time(void **state)
{
    cancel_everywhere("covariates", "{'scene':['@/delta/scene_2019-07-18.tif'],'dem':'@/delta/dem.tif','extra':['@/delta/phenology_2019-07.tif'],"
                                    "'indices':['salinity'],'output':'@/out/stack.tif'}");
}

static void train_is_cancelled_in_time(void **state)
{
    cancel_everywhere("train", TRAIN "'seeds':2,'output':'@/out/m.safetensors','report':'@/out/m.html','predictions':'@/out/m.gpkg'}");
}

static void retrieve_is_cancelled_in_time(void **state)
{
    cancel_everywhere("retrieve", "{'stack':'@/stack.tif','model':'@/model.safetensors','output':'@/out/map.tif'}");
}

static void retrieve_as_cog_is_cancelled_in_time(void **state)
{
    cancel_everywhere("retrieve", "{'stack':'@/stack.tif','model':'@/quick.safetensors','format':'cog','output':'@/out/map.tif'}");
}

static int set_up(void **state)
{
    const char *root = getenv("TMPDIR"), *size = getenv("SALINA_CANCEL_SIZE");
    const struct {
        const char *id, *parameters;
    } steps[] = {
        { "demo", "{'output':'@/delta','size':#,'campaigns':1,'samples':200}" },
        { "covariates", "{'scene':['@/delta/scene_2019-07-18.tif'],'dem':'@/delta/dem.tif','extra':['@/delta/phenology_2019-07.tif'],'output':'@/stack.tif'}" },
        { "train", TRAIN "'output':'@/model.safetensors'}" },
        { "train", TRAIN "'system':'index','output':'@/quick.safetensors'}" },
    };
    snprintf(size_text, sizeof size_text, "%d", size ? atoi(size) : SIZE);
    snprintf(folder, sizeof folder, "%s/salina-XXXXXX", root ? root : "/tmp");
    if (!mkdtemp(folder) || sal_context_new(&ctx) != SAL_STATUS_OK) return -1;
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        if (run_operation(steps[k].id, steps[k].parameters) == SAL_STATUS_OK) continue;
        print_error("%s\n", sal_context_message(ctx));
        return -1;
    }
    clear_results();
    return 0;
}

static int tear_down(void **state)
{
    char command[400];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    sal_context_free(ctx);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demo_is_cancelled_in_time),
        cmocka_unit_test(covariates_are_cancelled_in_time),
        cmocka_unit_test(train_is_cancelled_in_time),
        cmocka_unit_test(retrieve_is_cancelled_in_time),
        cmocka_unit_test(retrieve_as_cog_is_cancelled_in_time),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
