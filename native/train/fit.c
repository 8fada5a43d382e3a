/* fit.c - trains one network.
 *
 * Batch k takes samples k B ... of an endless row of permutations, so that every batch is full; order, symmetry and dropout are hashes of
 * (seed, position): a run that is stopped and resumed gives the same bits. The learning rate warms up over the first epoch and falls by
 * a cosine to 1 % (Loshchilov and Hutter 2017). The trap: the scaled windows are a second copy of the data.
 */
#include "train/fit_private.h"
#include "data/window.h"
#include <math.h>
#include <string.h>

void sal_fit_defaults(sal_fit_options *o)
{
    *o = (sal_fit_options){ .epochs = 45, .batch = 32, .learning_rate = 3e-3, .weight_decay = 1e-2, .clip = 1, .log1p = true, .augment = true, .seed = 1 };
    sal_model_defaults(&o->model);
}

const char *sal_fit_system_id(const sal_fit_options *o) { return o->baseline ? sal_baseline_method_id(o->baseline) : o->system->id; }
const char *sal_fit_system_title(const sal_fit_options *o) { return o->baseline ? sal_baseline_method_title(o->baseline) : o->system->title; }
uint32_t sal_fit_system_uses(const sal_fit_options *o) { return o->baseline ? SAL_USES_SPECTRUM | SAL_USES_INDEX | SAL_USES_POINT : o->system->uses; }

int64_t sal_fit_steps(const sal_fit *f) { return f->steps; }
int64_t sal_fit_step(const sal_fit *f) { return f->step; }
int64_t sal_fit_samples(const sal_fit *f) { return f->samples; }
const float *sal_fit_losses(const sal_fit *f) { return f->losses; }
const sal_scaler *sal_fit_scaler(const sal_fit *f) { return &f->scaler; }
sal_params *sal_fit_params(sal_fit *f) { return f->params; }
const sal_model_options *sal_fit_model(const sal_fit *f) { return &f->options.model; }

/* ---- scaled copies ---- */

typedef struct scaling {
    const float *from;
    float *to;
    const sal_scaling *scales;
    int64_t rows, n; /* of one sample */
} scaling;

static void scale_one(void *arg, int64_t i, int32_t worker)
{
    const scaling *s = arg;
    int64_t size = s->rows * s->n;
    memcpy(s->to + i * size, s->from + i * size, (size_t)size * sizeof(float));
    sal_scale_apply(s->scales, s->n, s->rows, s->to + i * size);
}

static sal_status scaled(sal_fit *f, const float *from, int64_t rows, int64_t n, const sal_scaling *scales, float **to)
{
    sal_status status = sal_allocate(f->ctx, f->data->count * rows * n, sizeof(float), to);
    if (status != SAL_STATUS_OK) return status;
    scaling s = { from, *to, scales, rows, n };
    sal_pool_run(f->ctx, f->data->count, scale_one, &s);
    return SAL_STATUS_OK;
}

static sal_status scale_all(sal_fit *f)
{
    const sal_roles *r = &f->data->roles;
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(scaled(f, f->data->spectrum, 1, r->band_count, sal_scaler_bands(&f->scaler), &f->spectrum));
    SAL_TRY(scaled(f, f->data->index, 1, r->index_count, sal_scaler_indices(&f->scaler), &f->index));
    SAL_TRY(scaled(f, f->data->window, r->window * r->window, r->covariate_count, sal_scaler_covariates(&f->scaler), &f->window));
    SAL_TRY(sal_allocate(f->ctx, f->data->count, sizeof(float), &f->target));
    for (int64_t i = 0; i < f->data->count; i++) f->target[i] = (float)sal_scaler_forward(&f->scaler, f->data->target[i]);
done:
    return status;
}

/* ---- the network ---- */

static sal_status build(sal_fit *f)
{
    const sal_fit_options *o = &f->options;
    sal_status status = SAL_STATUS_OK;
    SAL_TRY(sal_params_new(f->ctx, &f->params));
    SAL_TRY(sal_tape_new(f->ctx, f->params, true, &f->tape));
    sal_model_options trained = o->model;
    trained.shows_embedding = false; /* nobody asks while training */
    sal_model_inputs in = sal_system_inputs(f->tape, o->system, &o->model, o->batch);
    sal_id y = o->system->build(f->tape, &trained, &in);
    sal_id target = sal_input(f->tape, "target", SAL_SHAPE(o->batch, 1), false);
    sal_id loss = sal_model_loss(f->tape, &o->model, y, target, SAL_NONE);
    sal_gradients(f->tape, loss);
    sal_tape_output(f->tape, loss, "loss");
    SAL_TRY(sal_program_new(f->ctx, f->tape, &f->program));
    SAL_TRY(sal_tape_new(f->ctx, f->params, false, &f->tape_eval));
    in = sal_system_inputs(f->tape_eval, o->system, &o->model, o->batch);
    sal_tape_output(f->tape_eval, o->system->build(f->tape_eval, &o->model, &in), "prediction");
    SAL_TRY(sal_program_new(f->ctx, f->tape_eval, &f->program_eval));
    SAL_TRY(sal_params_initialise(f->params, o->seed));
    sal_optimizer_options options = { .weight_decay = o->weight_decay, .clip_norm = o->clip };
    SAL_TRY(sal_optimizer_new(f->ctx, f->params, &options, &f->optimizer));
done:
    return status;
}

sal_status sal_fit_new(sal_context *ctx, const sal_dataset *d, const uint8_t *keep, const sal_fit_options *options, sal_fit **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_fit *f = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *f, &f));
    f->ctx = ctx;
    f->data = d;
    f->options = *options;
    sal_model_options *m = &f->options.model;
    m->bands = d->roles.band_count;
    m->indices = d->roles.index_count;
    m->covariates = d->roles.covariate_count;
    m->window = d->roles.window;
    SAL_TRY(sal_allocate(ctx, d->count, sizeof *f->list, &f->list));
    SAL_TRY(sal_allocate(ctx, d->count, sizeof *f->order, &f->order));
    for (int64_t i = 0; i < d->count; i++) {
        if (keep[i]) f->list[f->samples++] = i;
    }
    if (f->samples < 2) {
        status = sal_fail(ctx, SAL_STATUS_DATA, "%lld samples are too few to train on", (long long)f->samples);
        goto done;
    }
    if (f->options.batch > f->samples) f->options.batch = f->samples;
    f->steps = (f->options.epochs * f->samples + f->options.batch - 1) / f->options.batch;
    f->order_epoch = -1;
    f->schedule = (sal_schedule){ .kind = SAL_SCHEDULE_COSINE, .base = options->learning_rate, .floor = 0.01 * options->learning_rate,
                                  .steps = f->steps, .warmup = f->samples / f->options.batch };
    SAL_TRY(sal_allocate(ctx, f->options.epochs, sizeof *f->losses, &f->losses));
    for (int64_t e = 0; e < f->options.epochs; e++) f->losses[e] = NAN;
    SAL_TRY(sal_scaler_fit(ctx, d, keep, options->log1p, &f->scaler));
    SAL_TRY(scale_all(f));
    SAL_TRY(build(f));
    *out = f;
    return status;
done:
    sal_fit_free(f);
    return status;
}

void sal_fit_release_data(sal_fit *f)
{
    float **all[4] = { &f->spectrum, &f->index, &f->window, &f->target };
    for (int32_t k = 0; k < 4; k++) {
        sal_release(f->ctx, *all[k]);
        *all[k] = NULL;
    }
    sal_program_free(f->program);
    sal_program_free(f->program_eval);
    f->program = f->program_eval = NULL;
}

void sal_fit_free(sal_fit *f)
{
    if (!f) return;
    sal_fit_release_data(f);
    sal_optimizer_free(f->optimizer);
    sal_tape_free(f->tape);
    sal_tape_free(f->tape_eval);
    sal_params_free(f->params);
    sal_release(f->ctx, f->list);
    sal_release(f->ctx, f->order);
    sal_release(f->ctx, f->losses);
    sal_release(f->ctx, f);
}

/* ---- batches ---- */

static void put_row(sal_program *p, const char *name, int64_t k, const float *from, int64_t n)
{
    real *to = sal_program_input(p, name);
    for (int64_t i = 0; to && i < n; i++) to[k * n + i] = (real)from[i];
}

/* Sample i, in place k of the batch, gets one covariate from its donor. */
static void swap_covariate(const sal__fit_batch *b, int64_t k, int64_t i)
{
    const sal_fit *f = b->f;
    const sal_roles *r = &f->data->roles;
    int64_t c = b->swap->covariate, from = b->swap->donor[i], pixels = r->window * r->window, n = r->covariate_count;
    const char *const names[SAL_PARTS] = { "spectrum", "index", "window" };
    real *to = sal_program_input(b->program, names[b->swap->part]);
    if (b->swap->part == SAL_PART_SPECTRUM && to) to[k * r->band_count + c] = (real)f->spectrum[from * r->band_count + c];
    if (b->swap->part == SAL_PART_INDEX && to) to[k * r->index_count + c] = (real)f->index[from * r->index_count + c];
    if (b->swap->part == SAL_PART_INDEX && strcmp(r->indices[c], "NDVI") == 0) { /* the gate takes it by itself */
        real *ndvi = sal_program_input(b->program, "ndvi");
        if (ndvi) ndvi[k] = isfinite(f->data->ndvi[from]) ? (real)f->data->ndvi[from] : 0;
    }
    if (b->swap->part != SAL_PART_ENVIRONMENT) return;
    const float *window = f->window + from * pixels * n;
    for (int64_t q = 0; q < pixels && to; q++) to[(k * pixels + q) * n + c] = (real)window[q * n + c];
    real *point = sal_program_input(b->program, "point");
    if (point) point[k * n + c] = (real)window[(r->window / 2 * r->window + r->window / 2) * n + c];
}

void sal__fit_put_sample(void *arg, int64_t k, int32_t worker)
{
    const sal__fit_batch *b = arg;
    const sal_fit *f = b->f;
    const sal_roles *r = &f->data->roles;
    int64_t i = b->samples[k], w = r->window, c = r->covariate_count;
    const float *window = f->window + i * w * w * c;
    float ndvi = f->data->ndvi[i];
    if (!isfinite(ndvi)) ndvi = 0;
    put_row(b->program, "spectrum", k, f->spectrum + i * r->band_count, r->band_count);
    put_row(b->program, "index", k, f->index + i * r->index_count, r->index_count);
    put_row(b->program, "ndvi", k, &ndvi, 1);
    put_row(b->program, "target", k, f->target + i, 1);
    put_row(b->program, "point", k, window + (w / 2 * w + w / 2) * c, c);
    real *to = sal_program_input(b->program, "window");
    if (to) sal_window_symmetry(window, w, c, b->symmetry[k], to + k * w * w * c);
    if (b->swap) swap_covariate(b, k, i);
}

static void order_epoch(sal_fit *f, int64_t epoch)
{
    if (f->order_epoch == epoch) return;
    memcpy(f->order, f->list, (size_t)f->samples * sizeof *f->order);
    sal_random_shuffle(f->options.seed, sal_random_stream("fit order", (uint64_t)epoch, 0), f->order, f->samples);
    f->order_epoch = epoch;
}

static void fill_batch(sal_fit *f)
{
    sal__fit_batch b = { .f = f, .program = f->program, .count = f->options.batch };
    for (int64_t k = 0; k < b.count; k++) {
        int64_t position = f->step * b.count + k, epoch = position / f->samples;
        order_epoch(f, epoch);
        b.samples[k] = f->order[position % f->samples];
        b.symmetry[k] = f->options.augment ? (int32_t)sal_random_below(f->options.seed, sal_random_stream("fit symmetry", 0, 0), (uint64_t)position, 8) : 0;
    }
    sal_pool_run(f->ctx, b.count, sal__fit_put_sample, &b);
}

sal_status sal_fit_run(sal_fit *f, int64_t until)
{
    sal_status status = SAL_STATUS_OK;
    if (until > f->steps) until = f->steps;
    while (f->step < until) {
        SAL_TRY(sal_progress(f->ctx, (double)f->step / (double)f->steps, NULL));
        fill_batch(f);
        sal_program_run(f->program, f->options.seed, (uint64_t)f->step);
        sal_optimizer_step(f->optimizer, sal_schedule_rate(&f->schedule, f->step));
        double loss = (double)sal_program_output(f->program, "loss")[0];
        if (!isfinite(loss)) {
            status = sal_fail(f->ctx, SAL_STATUS_FAILED, "the loss is no longer a number after %lld steps; use a lower learning rate", (long long)f->step);
            goto done;
        }
        int64_t epoch = f->step * f->options.batch / f->samples, next = (f->step + 1) * f->options.batch / f->samples;
        int64_t first = (epoch * f->samples + f->options.batch - 1) / f->options.batch;
        f->loss_sum += loss;
        if (next > epoch && epoch < f->options.epochs) {
            f->losses[epoch] = (float)(f->loss_sum / (double)(f->step - first + 1 > 0 ? f->step - first + 1 : 1));
            f->loss_sum = 0;
        }
        f->step++;
    }
done:
    return status;
}
