/* gradients.c - reverse-mode differentiation as more tape: each op's rule appends nodes through the ordinary builders.
 *
 * The trap: builders may move the node array, so nothing here keeps a pointer to a node across a call of a rule.
 */
#include "tape_private.h"
#include <stdio.h>

/* wanted[i]: whether the gradient of node i leads to a leaf or to one of `targets`. */
static sal_status mark_wanted(sal_tape *t, const sal_id *targets, int64_t n_targets)
{
    sal_release(t->ctx, t->wanted);
    t->wanted = NULL;
    t->wanted_count = 0;
    sal_status status = sal_allocate(t->ctx, t->count, sizeof *t->wanted, &t->wanted);
    if (status != SAL_STATUS_OK) return status;
    t->wanted_count = t->count;
    for (int64_t i = 0; i < t->count; i++) {
        const sal_node *n = &t->nodes[i];
        bool w = targets ? false : n->wants_gradient;
        for (int64_t k = 0; k < n_targets; k++) w = w || targets[k] == i;
        for (int32_t k = 0; k < n->inputs && n->op->grad; k++) w = w || t->wanted[n->in[k]];
        t->wanted[i] = w;
    }
    return SAL_STATUS_OK;
}

static void accumulate(sal_tape *t, sal_id *g, sal_id x, sal_id gx)
{
    char a[128], b[128];
    if (gx == SAL_NONE || t->status != SAL_STATUS_OK) return;
    if (!sal_shape_equal(&t->nodes[x].shape, &t->nodes[gx].shape)) {
        sal_tape_fail(t, "the gradient of node %d (%s) has shape %s instead of %s", x, t->nodes[x].op->name,
                      sal_shape_text(&t->nodes[gx].shape, a), sal_shape_text(&t->nodes[x].shape, b));
        return;
    }
    g[x] = g[x] == SAL_NONE ? gx : sal_add(t, g[x], gx);
}

/* Walks from node y back to the start; g (y + 1 entries) holds the gradients found. */
static void walk_back(sal_tape *t, sal_id y, sal_id *g)
{
    for (sal_id id = y; id >= 0 && t->status == SAL_STATUS_OK; id--) {
        const sal_op *op = t->nodes[id].op;
        if (g[id] == SAL_NONE || !t->wanted[id] || !op->grad) continue;
        int32_t inputs = t->nodes[id].inputs;
        sal_id gx[SAL_INPUTS_MAX];
        for (int32_t k = 0; k < inputs; k++) gx[k] = SAL_NONE;
        op->grad(t, id, g[id], gx);
        for (int32_t k = 0; k < inputs; k++) {
            sal_id x = t->status == SAL_STATUS_OK ? t->nodes[id].in[k] : SAL_NONE;
            if (x != SAL_NONE && t->wanted[x]) accumulate(t, g, x, gx[k]);
        }
    }
}

static sal_status start(sal_tape *t, sal_id y, sal_id gy, const sal_id *targets, int64_t n, sal_id **g)
{
    sal_status status = mark_wanted(t, targets, n);
    if (status == SAL_STATUS_OK) status = sal_allocate(t->ctx, (int64_t)y + 1, sizeof **g, g);
    if (status != SAL_STATUS_OK) {
        t->status = status;
        return status;
    }
    for (sal_id i = 0; i <= y; i++) (*g)[i] = SAL_NONE;
    (*g)[y] = gy;
    return SAL_STATUS_OK;
}

void sal_gradients_of(sal_tape *t, sal_id y, sal_id gy, const sal_id *x, int64_t n, sal_id *gx)
{
    for (int64_t k = 0; k < n; k++) gx[k] = SAL_NONE;
    if (t->status != SAL_STATUS_OK || y < 0 || gy < 0) return;
    sal_id *g = NULL;
    if (start(t, y, gy, x, n, &g) != SAL_STATUS_OK) return;
    walk_back(t, y, g);
    for (int64_t k = 0; k < n && t->status == SAL_STATUS_OK; k++) gx[k] = x[k] <= y ? g[x[k]] : SAL_NONE;
    sal_release(t->ctx, g);
}

/* A gradient that lands in the slab must own its memory: not a view, not a leaf, not another parameter's gradient. */
static sal_id own(sal_tape *t, sal_id g, int64_t param)
{
    bool shared = (t->nodes[g].op->flags & (SAL_OP_VIEW | SAL_OP_LEAF)) != 0 || t->nodes[g].is_output;
    for (int64_t p = 0; p < param && !shared; p++) shared = t->param_gradient[p] == g;
    return shared ? sal__copy(t, g) : g;
}

void sal_gradients(sal_tape *t, sal_id loss)
{
    if (t->status != SAL_STATUS_OK || loss < 0) return;
    if (t->nodes[loss].count != 1) {
        char a[128];
        sal_tape_fail(t, "a gradient needs a scalar loss, not shape %s", sal_shape_text(&t->nodes[loss].shape, a));
        return;
    }
    sal_id *g = NULL, seed = sal_constant(t, t->nodes[loss].shape, 1);
    if (seed < 0 || start(t, loss, seed, NULL, 0, &g) != SAL_STATUS_OK) return;
    walk_back(t, loss, g);
    int64_t params = sal_params_count(t->params);
    sal_release(t->ctx, t->param_gradient);
    t->param_gradient = NULL;
    sal_status status = sal_allocate(t->ctx, params, sizeof *t->param_gradient, &t->param_gradient);
    if (status != SAL_STATUS_OK) {
        t->status = status;
        goto done;
    }
    for (int64_t p = 0; p < params; p++) t->param_gradient[p] = SAL_NONE;
    for (sal_id i = 0; i <= loss && t->status == SAL_STATUS_OK; i++) {
        if (g[i] == SAL_NONE || !t->nodes[i].wants_gradient) continue;
        if (t->nodes[i].op == &sal_op_parameter) {
            t->param_gradient[t->nodes[i].param] = own(t, g[i], params);
        } else if (t->nodes[i].op == &sal_op_input) {
            char name[160];
            snprintf(name, sizeof name, "gradient:%s", t->nodes[i].name);
            sal_tape_output(t, g[i], name);
        }
    }
done:
    sal_release(t->ctx, g);
}
