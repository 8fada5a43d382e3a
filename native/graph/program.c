/* program.c - a compiled tape and its executor.
 *
 * Nodes run one after another in tape order, those of a group (group.c) chunk by chunk together; the items of a node are cut into chunks
 * from shapes alone (program_prepare.c) and the chunks are spread over the threads, so that sums are always formed in the same order: the
 * same bits for any number of threads.
 */
#include "program_private.h"

#include "base/json.h"
#include "kernels/gemm.h"
#include <string.h>
#include <time.h>

static int64_t leaf_size(const sal_node *n)
{
    return n->op == &sal_op_input || n->op == &sal_op_constant ? (n->count + 15) / 16 * 16 : 0;
}

/* Points every node at its memory. Parameters are bound at the start of a run, since their slabs may not exist yet. */
static void bind(sal_program *p)
{
    const sal_tape *t = p->tape;
    int64_t used = 0;
    for (int64_t i = 0; i < t->count; i++) {
        const sal_node *n = &t->nodes[i];
        if (leaf_size(n)) {
            p->data[i] = p->leaves + used;
            used += leaf_size(n);
            for (int64_t k = 0; n->op == &sal_op_constant && k < n->count; k++) p->data[i][k] = (real)n->f[0];
        } else if (p->plan.offset[p->plan.root[i]] >= 0) {
            p->data[i] = p->arena + p->plan.offset[p->plan.root[i]];
        }
    }
    for (int64_t i = t->count - 1; i >= 0 && p->lanes; i--) { /* a home comes after what stands in it */
        if (p->plan.home[i] != SAL_NONE) p->data[i] = p->data[p->plan.home[i]] + p->plan.home_at[i];
    }
}

static void bind_params(sal_program *p)
{
    const sal_tape *t = p->tape;
    real *values = sal_params_values(t->params), *gradients = sal_params_gradients(t->params), *state = sal_params_state(t->params);
    for (int64_t i = 0; i < t->count; i++) {
        const sal_node *n = &t->nodes[i];
        if (n->param >= 0) p->data[i] = (n->op == &sal_op_state ? state : values) + sal_params_info(t->params, n->param)->offset;
    }
    for (int64_t k = 0; t->param_gradient && k < sal_params_count(t->params); k++) {
        if (t->param_gradient[k] >= 0) p->data[t->param_gradient[k]] = gradients + sal_params_info(t->params, k)->offset;
    }
    for (int64_t i = 0; i < t->count; i++) p->data[i] = p->data[p->plan.root[i]];
}

static sal_status compile(sal_context *ctx, sal_tape *tape, bool lanes, sal_program **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_program *p = NULL;
    *out = NULL;
    if (tape->status != SAL_STATUS_OK) return tape->status;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *p, &p));
    p->ctx = ctx;
    p->tape = tape;
    p->lanes = lanes;
    SAL_TRY(sal__plan_new(ctx, tape, !lanes, &p->plan));
    SAL_TRY(sal_allocate(ctx, tape->count, sizeof *p->schedule, &p->schedule));
    SAL_TRY(sal_allocate(ctx, tape->count, sizeof *p->data, &p->data));
    SAL_TRY(sal_allocate(ctx, tape->count, sizeof *p->passing_at, &p->passing_at));
    SAL_TRY(sal_allocate(ctx, tape->count * sal_context_threads(ctx), sizeof *p->seconds, &p->seconds));
    SAL_TRY(lanes ? sal__program_prepare_lanes(p) : sal__program_prepare(p));
    for (int64_t i = 0; i < tape->count; i++) p->leaf_size += leaf_size(&tape->nodes[i]);
    p->workers = lanes ? 1 : sal_context_threads(ctx);
    SAL_TRY(sal_allocate(ctx, p->plan.size, sizeof(real), &p->arena));
    SAL_TRY(sal_allocate(ctx, p->leaf_size, sizeof(real), &p->leaves));
    SAL_TRY(sal_allocate(ctx, p->partial_size, sizeof(real), &p->partials));
    SAL_TRY(sal_allocate(ctx, p->scratch_bytes * p->workers, 1, &p->scratch));
    SAL_TRY(sal_allocate(ctx, p->passing_size * p->workers, sizeof(real), &p->passing));
    SAL_TRY(sal_allocate(ctx, tape->count * p->workers, sizeof *p->worker_data, &p->worker_data));
    bind(p);
    *out = p;
    p = NULL;
done:
    sal_program_free(p);
    return status;
}

sal_status sal_program_new(sal_context *ctx, sal_tape *tape, sal_program **out) { return compile(ctx, tape, false, out); }
sal_status sal_program_new_lanes(sal_context *ctx, sal_tape *tape, sal_program **out) { return compile(ctx, tape, true, out); }

void sal_program_free(sal_program *p)
{
    if (!p) return;
    for (int64_t i = 0; i < p->tape->count && i <= p->prepared; i++) {
        sal_node *n = &p->tape->nodes[i];
        if (n->plan && n->op->unprepare) n->op->unprepare(p->ctx, n);
        n->plan = NULL;
    }
    sal__plan_clear(p->ctx, &p->plan);
    sal_release(p->ctx, p->schedule);
    sal_release(p->ctx, p->data);
    sal_release(p->ctx, p->worker_data);
    sal_release(p->ctx, p->passing);
    sal_release(p->ctx, p->passing_at);
    sal_release(p->ctx, p->seconds);
    sal_release(p->ctx, p->arena);
    sal_release(p->ctx, p->leaves);
    sal_release(p->ctx, p->partials);
    sal_release(p->ctx, p->scratch);
    sal_release(p->ctx, p);
}

int64_t sal_program_bytes(const sal_program *p)
{
    return (p->plan.size + p->leaf_size + p->partial_size + p->passing_size * p->workers) * (int64_t)sizeof(real) + p->scratch_bytes * p->workers;
}

static sal_id find_named(const sal_program *p, const char *name, bool input)
{
    for (sal_id i = 0; i < p->tape->count; i++) {
        const sal_node *n = &p->tape->nodes[i];
        if (n->name && strcmp(n->name, name) == 0 && (input ? n->op == &sal_op_input : n->is_output)) return i;
    }
    return SAL_NONE;
}

real *sal_program_input(sal_program *p, const char *name)
{
    sal_id id = find_named(p, name, true);
    return id < 0 ? NULL : p->data[id];
}

const real *sal_program_output(const sal_program *p, const char *name)
{
    sal_id id = find_named(p, name, false);
    return id < 0 ? NULL : p->data[id];
}

sal_shape sal_program_output_shape(const sal_program *p, const char *name)
{
    return sal_tape_shape(p->tape, find_named(p, name, false));
}

/* A group of nodes in the schedule. */
typedef struct job {
    sal_program *p;
    int64_t first, nodes;
    sal_run run;
} job;

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Lets the values that pass through the group stand in the worker's own memory, so that the images of this chunk come first there. */
static void bind_passing(const sal_program *p, sal_id first, int64_t chunk, int32_t worker)
{
    const sal_node *nodes = p->tape->nodes;
    real **data = p->worker_data + worker * p->tape->count, *own = p->passing + worker * p->passing_size;
    for (sal_id i = first; i <= nodes[first].group_last; i++) {
        sal_id root = p->plan.root[i];
        const sal_node *n = &nodes[root];
        if (p->plan.passing[root]) data[i] = own + p->passing_at[root] - sal_chunk_begin(n->units, n->chunks, chunk) * (n->count / n->units);
    }
}

static void run_chunk(void *arg, int64_t chunk, int32_t worker)
{
    const job *j = arg;
    sal_program *p = j->p;
    sal_run r = j->run;
    r.chunk = chunk;
    r.worker = worker;
    r.scratch = p->scratch + p->scratch_bytes * worker;
    r.data = p->worker_data + worker * p->tape->count;
    bind_passing(p, p->schedule[j->first], chunk, worker);
    for (int64_t k = j->first; k < j->first + j->nodes; k++) {
        const sal_node *n = &p->tape->nodes[p->schedule[k]];
        double start = p->profile ? cpu_seconds() : 0;
        r.partials = p->partials + n->partial_begin;
        if (n->absorbed) continue;
        n->op->eval(&r, n, sal__chunk_begin(n, chunk), sal__chunk_begin(n, chunk + 1));
        if (p->profile) p->seconds[worker * p->tape->count + n->id] += cpu_seconds() - start;
    }
}

/* What runs once before or after the chunks of the group. */
static void run_ends(job *j, bool after)
{
    sal_program *p = j->p;
    for (int64_t k = j->first; k < j->first + j->nodes; k++) {
        const sal_node *n = &p->tape->nodes[p->schedule[k]];
        double start = p->profile ? cpu_seconds() : 0;
        j->run.partials = p->partials + n->partial_begin;
        if (after && n->op->finish) n->op->finish(&j->run, n);
        if (!after && n->op->before) n->op->before(&j->run, n);
        if (p->profile) p->seconds[n->id] += cpu_seconds() - start;
    }
}

static void run_lanes(sal_program *p)
{
    sal_run r = { .data = p->data, .nodes = p->tape->nodes, .scratch = p->scratch };
    for (int64_t k = 0; k < p->scheduled; k++) {
        const sal_node *n = &r.nodes[p->schedule[k]];
        double start = p->profile ? cpu_seconds() : 0;
        if (n->op->lanes) n->op->lanes(&r, n);
        else n->op->eval(&r, n, 0, n->count);
        if (p->profile) p->seconds[n->id] += cpu_seconds() - start;
    }
}

void sal_program_run(sal_program *p, uint64_t seed, uint64_t step)
{
    bind_params(p);
    if (p->lanes) {
        run_lanes(p);
        return;
    }
    for (int32_t w = 0; w < p->workers; w++) memcpy(p->worker_data + w * p->tape->count, p->data, sizeof *p->data * (size_t)p->tape->count);
    sal_kernels_enter(p->ctx);
    const sal_node *nodes = p->tape->nodes;
    job j = { p, 0, 0, { .data = p->data, .nodes = nodes, .seed = seed, .step = step, .partials = p->partials, .scratch = p->scratch } };
    bool training = sal_tape_training(p->tape); /* a step of training is short and leaves a whole state */
    for (; j.first < p->scheduled && (training || !sal_look(p->ctx)); j.first += j.nodes) {
        const sal_node *n = &nodes[p->schedule[j.first]];
        for (j.nodes = 1; j.first + j.nodes < p->scheduled; j.nodes++) {
            if (nodes[p->schedule[j.first + j.nodes]].group_first != n->id) break;
        }
        run_ends(&j, false);
        if (n->chunks == 1) run_chunk(&j, 0, 0);
        else sal_pool_run(p->ctx, n->chunks, run_chunk, &j);
        run_ends(&j, true);
    }
    sal_kernels_leave();
}

void sal_program_profile(sal_program *p, bool on) { p->profile = on; }

sal_status sal_program_profile_json(sal_program *p, char **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_text text = { 0 };
    sal_text_append(p->ctx, &text, "{");
    const char *comma = "";
    for (int64_t k = 0; k < sal_op_count(); k++) {
        double seconds = 0;
        for (int64_t i = 0; i < p->tape->count; i++) {
            for (int32_t w = 0; p->tape->nodes[i].op == sal_op_at(k) && w < p->workers; w++) seconds += p->seconds[w * p->tape->count + i];
        }
        if (seconds <= 0) continue;
        sal_text_append(p->ctx, &text, "%s\"%s\": %.6f", comma, sal_op_at(k)->name, seconds);
        comma = ", ";
    }
    sal_text_append(p->ctx, &text, "}");
    status = sal_text_finish(p->ctx, &text, out);
    sal_text_free(p->ctx, &text);
    return status;
}
