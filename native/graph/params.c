/* params.c - the named arrays of a model: trainable values, their gradients, and state, one slab each.
 *
 * Initial values are drawn from (seed, name, element), so they do not depend on the order in which layers are built.
 */
#include "tape_private.h"
#include <math.h>
#include <string.h>

struct sal_params {
    sal_context *ctx;
    sal_param_info *items;
    int64_t count, capacity;
    int64_t size, state_size;
    real *values, *gradients, *state;
};

sal_status sal_params_new(sal_context *ctx, sal_params **out)
{
    *out = NULL;
    sal_params *p;
    sal_status status = sal_allocate(ctx, 1, sizeof *p, &p);
    if (status != SAL_STATUS_OK) return status;
    p->ctx = ctx;
    *out = p;
    return SAL_STATUS_OK;
}

void sal_params_free(sal_params *p)
{
    if (!p) return;
    for (int64_t i = 0; i < p->count; i++) sal_release(p->ctx, p->items[i].name);
    sal_release(p->ctx, p->items);
    sal_release(p->ctx, p->values);
    sal_release(p->ctx, p->gradients);
    sal_release(p->ctx, p->state);
    sal_release(p->ctx, p);
}

int64_t sal_params_count(const sal_params *p) { return p->count; }
const sal_param_info *sal_params_info(const sal_params *p, int64_t i) { return &p->items[i]; }
int64_t sal_params_size(const sal_params *p) { return p->size; }
int64_t sal_params_state_size(const sal_params *p) { return p->state_size; }
real *sal_params_values(sal_params *p) { return p->values; }
real *sal_params_gradients(sal_params *p) { return p->gradients; }
real *sal_params_state(sal_params *p) { return p->state; }

static int64_t find(const sal_params *p, const char *name)
{
    for (int64_t i = 0; i < p->count; i++) {
        if (strcmp(p->items[i].name, name) == 0) return i;
    }
    return -1;
}

real *sal_params_find(sal_params *p, const char *name, int64_t *count)
{
    int64_t i = find(p, name);
    if (i < 0 || !p->values) return NULL;
    if (count) *count = p->items[i].count;
    return (p->items[i].is_state ? p->state : p->values) + p->items[i].offset;
}

int64_t sal__params_add(sal_params *p, sal_tape *t, const char *name, sal_shape shape, sal_init init, int64_t fan_in,
                        int64_t fan_out, bool is_state)
{
    char a[128], b[128];
    int64_t i = find(p, name);
    if (i >= 0) {
        if (sal_shape_equal(&p->items[i].shape, &shape) && p->items[i].is_state == is_state) return i;
        sal_tape_fail(t, "parameter \"%s\" has shape %s here and %s elsewhere", name, sal_shape_text(&shape, a),
                      sal_shape_text(&p->items[i].shape, b));
        return -1;
    }
    if (p->values) {
        sal_tape_fail(t, "parameter \"%s\" was not defined before the parameters were initialised", name);
        return -1;
    }
    if (p->count == p->capacity) {
        int64_t capacity = p->capacity ? 2 * p->capacity : 64;
        if (sal_reallocate(p->ctx, p->capacity, capacity, sizeof *p->items, &p->items) != SAL_STATUS_OK) goto failed;
        p->capacity = capacity;
    }
    sal_param_info *info = &p->items[p->count];
    *info = (sal_param_info){ .shape = shape, .count = sal_shape_count(&shape), .init = init, .fan_in = fan_in, .fan_out = fan_out,
                              .is_state = is_state, .decays = !is_state && shape.rank > 1 };
    if (sal_text_copy(p->ctx, name, &info->name) != SAL_STATUS_OK) goto failed;
    int64_t *total = is_state ? &p->state_size : &p->size;
    info->offset = *total;
    *total += (info->count + 15) / 16 * 16; /* every array starts on a cache line */
    return p->count++;
failed:
    t->status = SAL_STATUS_MEMORY;
    return -1;
}

static void fill(const sal_param_info *info, uint64_t seed, real *v)
{
    uint64_t stream = sal_random_stream(info->name, 0, 0);
    double in = (double)(info->fan_in > 0 ? info->fan_in : 1), out = (double)(info->fan_out > 0 ? info->fan_out : 1);
    double bound = info->init == SAL_INIT_XAVIER_UNIFORM ? sqrt(6 / (in + out)) : 1 / sqrt(in);
    double sigma = info->init == SAL_INIT_HE_NORMAL ? sqrt(2 / in) : 0.02;
    for (int64_t i = 0; i < info->count; i++) {
        switch (info->init) {
        case SAL_INIT_ZEROS: v[i] = 0; break;
        case SAL_INIT_ONES: v[i] = 1; break;
        case SAL_INIT_MOMENTS: v[i] = 2 * i >= info->count ? 1 : 0; break;
        case SAL_INIT_HE_NORMAL:
        case SAL_INIT_NORMAL_02: v[i] = (real)(sigma * sal_random_normal(seed, stream, (uint64_t)i)); break;
        case SAL_INIT_XAVIER_UNIFORM:
        case SAL_INIT_UNIFORM_FAN_IN:
            v[i] = (real)(bound * (2 * sal_random_uniform(seed, stream, (uint64_t)i) - 1));
            break;
        }
    }
}

sal_status sal_params_initialise(sal_params *p, uint64_t seed)
{
    sal_status status = SAL_STATUS_OK;
    if (!p->values) {
        SAL_TRY(sal_allocate(p->ctx, p->size, sizeof(real), &p->values));
        SAL_TRY(sal_allocate(p->ctx, p->size, sizeof(real), &p->gradients));
        SAL_TRY(sal_allocate(p->ctx, p->state_size, sizeof(real), &p->state));
    }
    for (int64_t i = 0; i < p->count; i++) {
        const sal_param_info *info = &p->items[i];
        fill(info, seed, (info->is_state ? p->state : p->values) + info->offset);
    }
done:
    return status;
}
