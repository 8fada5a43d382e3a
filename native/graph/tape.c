/* tape.c - appending nodes, remembering the first error, and the table of ops.
 *
 * A builder that fails records its message in the context and leaves the tape in error: every later builder returns SAL_NONE
 * without a word, so that model code needs no `if`.
 */
#include "tape_private.h"
#include <stdio.h>
#include <string.h>

#define SAL_OP(name) extern const sal_op sal_op_##name;
#include "ops/ops.def"
#undef SAL_OP

static const sal_op *const ops[] = {
#define SAL_OP(name) &sal_op_##name,
#include "ops/ops.def"
#undef SAL_OP
};

int64_t sal_op_count(void) { return (int64_t)(sizeof ops / sizeof ops[0]); }
const sal_op *sal_op_at(int64_t i) { return ops[i]; }

const sal_op *sal_op_find(const char *name)
{
    for (int64_t i = 0; i < sal_op_count(); i++) {
        if (strcmp(ops[i]->name, name) == 0) return ops[i];
    }
    return NULL;
}

sal_status sal_tape_new(sal_context *ctx, sal_params *params, bool training, sal_tape **out)
{
    *out = NULL;
    sal_tape *t;
    sal_status status = sal_allocate(ctx, 1, sizeof *t, &t);
    if (status != SAL_STATUS_OK) return status;
    t->ctx = ctx;
    t->params = params;
    t->training = training;
    *out = t;
    return SAL_STATUS_OK;
}

void sal_tape_free(sal_tape *t)
{
    if (!t) return;
    for (int64_t i = 0; i < t->count; i++) sal_release(t->ctx, t->nodes[i].name);
    sal_release(t->ctx, t->nodes);
    sal_release(t->ctx, t->param_gradient);
    sal_release(t->ctx, t->wanted);
    sal_release(t->ctx, t);
}

bool sal_tape_training(const sal_tape *t) { return t->training; }

sal_shape sal_tape_shape(const sal_tape *t, sal_id id) { return id >= 0 && id < t->count ? t->nodes[id].shape : SAL_SCALAR; }

int64_t sal_tape_dim(const sal_tape *t, sal_id id, int32_t axis)
{
    if (id < 0 || id >= t->count) return 1;
    const sal_shape *s = &t->nodes[id].shape;
    if (axis < 0) axis += s->rank;
    return axis >= 0 && axis < s->rank ? s->dim[axis] : 1;
}

void sal_tape_fail(sal_tape *t, const char *format, ...)
{
    if (t->status != SAL_STATUS_OK) return;
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    t->status = sal_fail(t->ctx, SAL_STATUS_SHAPE, "%s", text);
}

sal_status sal__shape_fail(sal_tape *t, const sal_node *n, const char *format, ...)
{
    char text[384], shapes[512] = "";
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    size_t used = 0;
    for (int32_t k = 0; k < n->inputs && used < sizeof shapes - 132; k++) {
        char one[128];
        used += (size_t)snprintf(shapes + used, sizeof shapes - used, "%s%s", k ? ", " : "", sal_shape_text(sal__shape_in(t, n, k), one));
    }
    sal_tape_fail(t, "%s (node %d, inputs %s): %s", n->op->name, n->id, shapes, text);
    return SAL_STATUS_SHAPE;
}

const sal_node *sal__node(const sal_tape *t, sal_id id) { return &t->nodes[id]; }
sal_node *sal__node_edit(sal_tape *t, sal_id id) { return &t->nodes[id]; }
const sal_shape *sal__shape_in(const sal_tape *t, const sal_node *n, int32_t k) { return &t->nodes[n->in[k]].shape; }

bool sal__wants(const sal_tape *t, sal_id id) { return id >= 0 && id < t->wanted_count && t->wanted[id]; }

static sal_status grow(sal_tape *t)
{
    if (t->count < t->capacity) return SAL_STATUS_OK;
    int64_t capacity = t->capacity ? 2 * t->capacity : 256;
    sal_status status = sal_reallocate(t->ctx, t->capacity, capacity, sizeof *t->nodes, &t->nodes);
    if (status == SAL_STATUS_OK) t->capacity = capacity;
    return status;
}

sal_id sal__append(sal_tape *t, const sal_op *op, const sal_id *in, int32_t inputs, const int64_t *i, int32_t n_i, const double *f,
                   int32_t n_f)
{
    if (t->status != SAL_STATUS_OK) return SAL_NONE;
    sal_status status = grow(t);
    if (status != SAL_STATUS_OK) {
        t->status = status;
        return SAL_NONE;
    }
    sal_node n = { .op = op, .id = (sal_id)t->count, .inputs = inputs, .param = -1 };
    if (inputs > SAL_INPUTS_MAX || n_i > SAL_ATTRIBUTES_MAX || (op->n_in >= 0 && inputs != op->n_in)) {
        sal_tape_fail(t, "%s (node %d): %d inputs and %d attributes do not fit", op->name, n.id, inputs, n_i);
        return SAL_NONE;
    }
    for (int32_t k = 0; k < inputs; k++) {
        n.in[k] = in[k];
        if (in[k] < 0 || in[k] >= t->count) {
            sal_tape_fail(t, "%s (node %d): input %d does not exist", op->name, n.id, k);
            return SAL_NONE;
        }
    }
    for (int32_t k = 0; k < n_i; k++) n.i[k] = i[k];
    for (int32_t k = 0; k < n_f && k < 4; k++) n.f[k] = f[k];
    if (op->shape) {
        status = op->shape(t, &n);
        if (status != SAL_STATUS_OK) {
            if (t->status == SAL_STATUS_OK) t->status = status;
            return SAL_NONE;
        }
    }
    n.count = sal_shape_count(&n.shape);
    t->nodes[t->count++] = n;
    return n.id;
}

sal_id sal__op1(sal_tape *t, const sal_op *op, sal_id a) { return sal__append(t, op, &a, 1, NULL, 0, NULL, 0); }
sal_id sal__again(sal_tape *t, sal_id x)
{
    if (x < 0 || !(t->nodes[x].op->flags & SAL_OP_CHEAP)) return x;
    const sal_node n = t->nodes[x]; /* appending may move the nodes */
    return sal__append(t, n.op, n.in, n.inputs, n.i, SAL_ATTRIBUTES_MAX, n.f, 4);
}

sal_id sal__op2(sal_tape *t, const sal_op *op, sal_id a, sal_id b)
{
    return sal__append(t, op, (sal_id[]){ a, b }, 2, NULL, 0, NULL, 0);
}

sal_status sal__shape_like(sal_tape *t, sal_node *n, int32_t k)
{
    n->shape = *sal__shape_in(t, n, k);
    return SAL_STATUS_OK;
}

static int64_t rows_of(const sal_shape *s) { return s->rank > 0 && s->dim[s->rank - 1] > 0 ? sal_shape_count(s) / s->dim[s->rank - 1] : 1; }

int64_t sal__items_rows(const sal_tape *t, const sal_node *n) { return rows_of(&n->shape); }
int64_t sal__items_first(const sal_tape *t, const sal_node *n) { return n->shape.rank ? n->shape.dim[0] : 1; }
int64_t sal__items_rows_in(const sal_tape *t, const sal_node *n) { return rows_of(sal__shape_in(t, n, 0)); }
int64_t sal__items_first_in(const sal_tape *t, const sal_node *n)
{
    const sal_shape *s = sal__shape_in(t, n, 0);
    return s->rank ? s->dim[0] : 1;
}
int64_t sal__items_one(const sal_tape *t, const sal_node *n) { return 1; }

void sal__finish_sum(const sal_run *r, const sal_node *n)
{
    real *out = sal__out(r, n);
    for (int64_t j = 0; j < n->partial; j++) out[j] = r->partials[j];
    for (int64_t c = 1; c < n->chunks; c++) {
        const real *p = r->partials + c * n->partial;
        for (int64_t j = 0; j < n->partial; j++) out[j] += p[j];
    }
}

void sal_tape_output(sal_tape *t, sal_id id, const char *name)
{
    if (t->status != SAL_STATUS_OK || id < 0) return;
    sal_node *n = &t->nodes[id];
    if (n->name) { /* one name per node: a second name gets a node of its own */
        sal_tape_output(t, sal__copy(t, id), name);
        return;
    }
    n->is_output = true;
    sal_status status = sal_text_copy(t->ctx, name, &n->name);
    if (status != SAL_STATUS_OK) t->status = status;
}

void sal_keep(sal_tape *t, sal_id id)
{
    if (t->status == SAL_STATUS_OK && id >= 0) t->nodes[id].keeps = true;
}
