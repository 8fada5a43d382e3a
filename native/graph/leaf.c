/* leaf.c - nodes whose memory is bound before a run: inputs, parameters, state and constants. */
#include "tape_private.h"

const sal_op sal_op_input = { .name = "input", .n_in = 0, .flags = SAL_OP_LEAF };
const sal_op sal_op_parameter = { .name = "parameter", .n_in = 0, .flags = SAL_OP_LEAF };
const sal_op sal_op_state = { .name = "state", .n_in = 0, .flags = SAL_OP_LEAF };
const sal_op sal_op_constant = { .name = "constant", .n_in = 0, .flags = SAL_OP_LEAF };

static sal_id leaf(sal_tape *t, const sal_op *op, sal_shape shape)
{
    sal_id id = sal__append(t, op, NULL, 0, NULL, 0, NULL, 0);
    if (id < 0) return SAL_NONE;
    for (int32_t k = 0; k < shape.rank; k++) {
        if (shape.dim[k] < 1) {
            sal_tape_fail(t, "%s (node %d): dimension %d is %lld", op->name, id, k, (long long)shape.dim[k]);
            return SAL_NONE;
        }
    }
    t->nodes[id].shape = shape;
    t->nodes[id].count = sal_shape_count(&shape);
    return id;
}

sal_id sal_input(sal_tape *t, const char *name, sal_shape shape, bool wants_gradient)
{
    sal_id id = leaf(t, &sal_op_input, shape);
    if (id < 0) return SAL_NONE;
    t->nodes[id].wants_gradient = wants_gradient;
    sal_status status = sal_text_copy(t->ctx, name, &t->nodes[id].name);
    if (status != SAL_STATUS_OK) t->status = status;
    return id;
}

static sal_id param(sal_tape *t, const sal_op *op, const char *name, sal_shape shape, sal_init init, int64_t fan_in, int64_t fan_out)
{
    if (t->status != SAL_STATUS_OK) return SAL_NONE;
    int64_t index = sal__params_add(t->params, t, name, shape, init, fan_in, fan_out, op == &sal_op_state);
    if (index < 0) return SAL_NONE;
    for (int64_t i = 0; i < t->count; i++) {
        if (t->nodes[i].op == op && t->nodes[i].param == index) return (sal_id)i; /* used twice: one node, gradients add up */
    }
    sal_id id = leaf(t, op, shape);
    if (id >= 0) {
        t->nodes[id].param = (int32_t)index;
        t->nodes[id].wants_gradient = op == &sal_op_parameter;
    }
    return id;
}

sal_id sal_parameter(sal_tape *t, const char *name, sal_shape shape, sal_init init, int64_t fan_in, int64_t fan_out)
{
    return param(t, &sal_op_parameter, name, shape, init, fan_in, fan_out);
}

sal_id sal_state(sal_tape *t, const char *name, sal_shape shape, sal_init init)
{
    return param(t, &sal_op_state, name, shape, init, 0, 0);
}

sal_id sal_constant(sal_tape *t, sal_shape shape, double value)
{
    sal_id id = leaf(t, &sal_op_constant, shape);
    if (id >= 0) t->nodes[id].f[0] = value;
    return id;
}
