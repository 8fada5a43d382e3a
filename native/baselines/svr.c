/* svr.c - epsilon support vector regression with a Gaussian kernel (Drucker et al. 1997; Smola and Schoelkopf 2004, doi:10.1023/B:STCO.0000035301.49549.88), by LIBSVM.
 *
 * Covariates and target are standardised on the training rows; C and gamma are tuned in inner folds, epsilon is 0.1 standard deviations. The one file that
 * sees LIBSVM, which only fits: what it found is kept as our own arrays.
 *
 * The trap: svm_train cannot be stopped; all it does on its way is to print, after every 1,000 iterations. So it runs in a thread of its own, and where its
 * output would go, a cancelled fit ends that thread: pthread_exit unwinds through LIBSVM and frees its kernel cache (100 MB at most), while its six
 * arrays of 2 n numbers are lost, some 100 bytes a sample. A thousand iterations take 0.5 s at about 10,000 samples; beyond, the answer takes longer.
 */
#define _GNU_SOURCE /* pthread_timedjoin_np */
#include "baseline_private.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COST = 0, GAMMA = 1, EPSILON = 2 };

static int32_t grid(int64_t n, int64_t p, sal_baseline_settings *out, int32_t *middle)
{
    const double costs[4] = {0.3, 1, 3, 10}, gammas[3] = {0.1, 0.3, 1}; /* gamma: shares of 1 / p, the inverse of the mean squared norm */
    for (int32_t i = 0; i < 12; i++) out[i] = (sal_baseline_settings){{costs[i / 3], gammas[i % 3] / (double)p, 0.1}};
    *middle = 6;
    return 12;
}

static sal_status refuse(sal_context *ctx, const sal_baseline_settings *s, int64_t p)
{
    for (int32_t i = 0; i < 3; i++)
        if (!((i == EPSILON ? s->value[i] >= 0 : s->value[i] > 0) && s->value[i] < 1e9)) return sal__refuse_setting(ctx, &sal_baseline_svr, i, s->value[i], "above 0");
    return SAL_STATUS_OK;
}

#ifdef SAL_HAS_LIBSVM
#include <libsvm/svm.h>
#include <pthread.h>
#include <time.h>

static sal_status check(sal_context *ctx) { return SAL_STATUS_OK; }

typedef struct training {
    const struct svm_problem *problem;
    const struct svm_parameter *how;
    sal_context *look;
    struct svm_model *model;
} training;

static _Thread_local const training *in_hand;

/* In place of LIBSVM's output; never prints. In threads that are not ours it does nothing. */
static void hear(const char *text)
{
    if (in_hand && sal_cancelled(in_hand->look)) pthread_exit(NULL);
}

static void *train(void *arg)
{
    training *t = arg;
    in_hand = t;
    t->model = svm_train(t->problem, t->how);
    return NULL;
}

/* Waits for the end and meanwhile looks for cancelling, which only the thread that runs the operation can hear. */
static sal_status train_apart(sal_context *ctx, training *t)
{
    pthread_t thread;
    struct timespec until;
    svm_set_print_string_function(hear);
    if (pthread_create(&thread, NULL, train, t) != 0) return sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory for a thread of LIBSVM");
    do {
        sal_look(t->look);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000000;
        if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000, until.tv_sec++;
    } while (pthread_timedjoin_np(thread, NULL, &until) != 0);
    if (t->model) return SAL_STATUS_OK;
    if (sal_cancelled(t->look)) return sal_fail(ctx, SAL_STATUS_CANCELLED, "cancelled");
    return sal_fail(ctx, SAL_STATUS_FAILED, "LIBSVM found no model");
}

/* Rows as LIBSVM wants them: (index, value) with an end mark, p + 1 nodes each. */
static void fill_nodes(int64_t n, int64_t p, const double *z, struct svm_node *nodes, struct svm_node **rows)
{
    for (int64_t i = 0; i < n; i++) {
        rows[i] = nodes + i * (p + 1);
        for (int64_t k = 0; k < p; k++) rows[i][k] = (struct svm_node){(int)k + 1, z[i * p + k]};
        rows[i][p] = (struct svm_node){-1, 0};
    }
}

/* Support vectors by number, with their weights times the spread of the target. */
static sal_status take_model(const sal__fitting *f, const struct svm_model *model, const double *z, double mean, double sd, sal_baseline *out)
{
    sal_status status = SAL_STATUS_OK;
    int64_t p = f->rows.p, count = model->l > 0 ? model->l : 1;
    double *vectors = NULL, *weight = NULL;
    SAL_TRY(sal_allocate(f->ctx, count * p, sizeof *vectors, &vectors));
    SAL_TRY(sal_allocate(f->ctx, count, sizeof *weight, &weight));
    for (int64_t v = 0; v < model->l; v++) {
        memcpy(vectors + v * p, z + (int64_t)(model->sv_indices[v] - 1) * p, (size_t)p * sizeof *z);
        weight[v] = sd * model->sv_coef[0][v];
    }
    SAL_TRY(sal__baseline_kernels(out, count, vectors, weight, f->settings.value[GAMMA], mean - sd * model->rho[0]));
done:
    sal_release(f->ctx, vectors);
    sal_release(f->ctx, weight);
    return status;
}

static sal_status fit(const sal__fitting *f, sal_baseline *out)
{
    sal_status status = SAL_STATUS_OK;
    int64_t n = f->rows.n, p = f->rows.p;
    double *z = NULL, *y = NULL, mean = sal__mean(n, f->rows.y), sd = 0;
    struct svm_node *nodes = NULL, **rows = NULL;
    struct svm_model *model = NULL;
    SAL_TRY(sal__standardise(f, out, &z));
    SAL_TRY(sal_allocate(f->ctx, n, sizeof *y, &y));
    SAL_TRY(sal_allocate(f->ctx, n * (p + 1), sizeof *nodes, &nodes));
    SAL_TRY(sal_allocate(f->ctx, n, sizeof *rows, &rows));
    for (int64_t i = 0; i < n; i++) sd += (f->rows.y[i] - mean) * (f->rows.y[i] - mean) / (double)n;
    sd = sqrt(sd);
    for (int64_t i = 0; i < n; i++) y[i] = (f->rows.y[i] - mean) / sd;
    fill_nodes(n, p, z, nodes, rows);
    const struct svm_problem problem = {(int)n, y, rows};
    const struct svm_parameter how = {.svm_type = EPSILON_SVR, .kernel_type = RBF, .gamma = f->settings.value[GAMMA], .cache_size = 100, .eps = 1e-3, .C = f->settings.value[COST],
                                      .p = f->settings.value[EPSILON], .shrinking = 1};
    const char *wrong = svm_check_parameter(&problem, &how);
    if (wrong) SAL_TRY(sal_fail(f->ctx, SAL_STATUS_FAILED, "LIBSVM: %s", wrong));
    training t = {.problem = &problem, .how = &how, .look = f->look};
    status = train_apart(f->ctx, &t);
    model = t.model;
    if (status != SAL_STATUS_OK) goto done;
    SAL_TRY(take_model(f, model, z, mean, sd, out));
done:
    if (model) svm_free_and_destroy_model(&model);
    sal_release(f->ctx, z);
    sal_release(f->ctx, y);
    sal_release(f->ctx, nodes);
    sal_release(f->ctx, rows);
    return status;
}

#else

static sal_status check(sal_context *ctx)
{
    return sal_fail(ctx, SAL_STATUS_UNSUPPORTED, "this build of Salina is without LIBSVM, which fits svr; install libsvm-dev and build again, or train another system");
}

static sal_status fit(const sal__fitting *f, sal_baseline *out) { return check(f->ctx); }

#endif

const sal_baseline_method sal_baseline_svr = {
    .id = "svr", .title = "Support vector regression", .help = "Gaussian kernel by LIBSVM, cost and width tuned in inner folds",
    .settings = {"cost", "gamma", "epsilon"}, .form = SAL__FORM_KERNEL, .random = false, .check = check, .grid = grid, .refuse = refuse, .fit = fit};
