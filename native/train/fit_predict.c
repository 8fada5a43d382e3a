/* fit_predict.c - what a trained network says of samples: its outputs, with a covariate swapped if asked, and its last hidden layer. */
#include "train/fit_private.h"
#include <math.h>

bool sal_fit_takes(const sal_fit_options *o, int32_t part) { return o->baseline || sal_system_takes(o->system, part); }

bool sal_system_takes(const sal_system *system, int32_t part)
{
    const uint32_t uses[SAL_PARTS] = { SAL_USES_SPECTRUM, SAL_USES_INDEX, SAL_USES_WINDOW | SAL_USES_POINT };
    return (system->uses & uses[part]) != 0;
}

sal_status sal_fit_predict(sal_fit *f, const int64_t *list, int64_t n, double *out) { return sal_fit_predict_swapped(f, list, n, NULL, out); }

/* Runs the network on samples list[start], list[start + 1] ..., repeating the last where the batch is longer than the list; NULL lists all. */
static void run_batch(sal__fit_batch *b, const int64_t *list, int64_t n, int64_t start)
{
    for (int64_t k = 0; k < b->count; k++) {
        int64_t at = start + k < n ? start + k : n - 1;
        b->samples[k] = list ? list[at] : at;
    }
    sal_pool_run(b->f->ctx, b->count, sal__fit_put_sample, b);
    sal_program_run(b->program, 0, 0);
}

sal_status sal_fit_predict_swapped(sal_fit *f, const int64_t *list, int64_t n, const sal_fit_swap *swap, double *out)
{
    sal_status status = SAL_STATUS_OK;
    sal__fit_batch b = { .f = f, .program = f->program_eval, .count = f->options.batch, .swap = swap };
    int64_t columns = f->options.model.head == SAL_HEAD_HUBER ? 1 : 3;
    for (int64_t start = 0; start < n; start += b.count) {
        run_batch(&b, list, n, start);
        const real *y = sal_program_output(f->program_eval, "prediction");
        for (int64_t k = 0; k < b.count && start + k < n; k++) {
            for (int64_t c = 0; c < 3; c++) out[(start + k) * 3 + c] = (double)y[k * columns + (columns == 3 ? c : 0)];
        }
        if (sal_cancelled(f->ctx)) SAL_TRY(sal_progress(f->ctx, 1, NULL));
    }
done:
    return status;
}

sal_status sal_fit_embed(sal_fit *f, int64_t stride, float *out)
{
    sal_status status = SAL_STATUS_OK;
    sal__fit_batch b = { .f = f, .program = f->program_eval, .count = f->options.batch };
    int64_t n = f->data->count, hidden = f->options.model.hidden;
    SAL_ASSERT(f->ctx, f->options.model.shows_embedding);
    for (int64_t start = 0; start < n; start += b.count) {
        run_batch(&b, NULL, n, start);
        const real *h = sal_program_output(f->program_eval, "embedding");
        for (int64_t k = 0; k < b.count && start + k < n; k++) {
            for (int64_t c = 0; c < hidden; c++) out[(start + k) * stride + c] = (float)h[k * hidden + c];
        }
        SAL_TRY(sal_progress(f->ctx, 1, NULL));
    }
done:
    return status;
}

void sal_fit_embedding_weights(sal_fit *f, double *weight)
{
    int64_t n = 0, hidden = f->options.model.hidden;
    const real *w = sal_params_find(f->params, "head/out/w", &n); /* (hidden, outputs), the centre in the middle */
    int64_t outputs = n / hidden;
    for (int64_t k = 0; k < hidden; k++) weight[k] = w ? fabs((double)w[k * outputs + outputs / 2]) : 0;
}
