/* model.c - the list of systems, their inputs, defaults and losses. */
#include "model.h"
#include "ss_soilnet_parts.h"
#include <string.h>

#define SAL_SYSTEM(name) extern const sal_system sal_system_##name;
#include "models.def"
#undef SAL_SYSTEM

static const sal_system *const systems[] = {
#define SAL_SYSTEM(name) &sal_system_##name,
#include "models.def"
#undef SAL_SYSTEM
};

int64_t sal_system_count(void) { return (int64_t)(sizeof systems / sizeof systems[0]); }
const sal_system *sal_system_at(int64_t i) { return systems[i]; }

const sal_system *sal_system_find(const char *id)
{
    for (int64_t i = 0; i < sal_system_count(); i++) {
        if (strcmp(systems[i]->id, id) == 0) return systems[i];
    }
    return NULL;
}

void sal_model_defaults(sal_model_options *o)
{
    *o = (sal_model_options){ .window = 65, .width = 16, .heads = 2, .channels = { 8, 8, 8 }, .pools = 2, .hidden = 64, .dropout = 0.25,
                              .head = SAL_HEAD_QUANTILE, .quantile_low = 0.05, .quantile_high = 0.95 };
}

sal_model_inputs sal_system_inputs(sal_tape *t, const sal_system *system, const sal_model_options *o, int64_t n)
{
    sal_model_inputs in = { SAL_NONE, SAL_NONE, SAL_NONE, SAL_NONE, SAL_NONE };
    if (system->uses & SAL_USES_SPECTRUM) in.spectrum = sal_input(t, "spectrum", SAL_SHAPE(n, o->bands), false);
    if (system->uses & SAL_USES_INDEX) {
        in.index = sal_input(t, "index", SAL_SHAPE(n, o->indices), false);
        in.ndvi = sal_input(t, "ndvi", SAL_SHAPE(n, 1), false);
    }
    if (system->uses & SAL_USES_POINT) in.point = sal_input(t, "point", SAL_SHAPE(n, o->covariates), false);
    if (system->uses & SAL_USES_WINDOW) in.window = sal_input(t, "window", SAL_SHAPE(n, o->window, o->window, o->covariates), false);
    return in;
}

sal_id sal_model_loss(sal_tape *t, const sal_model_options *o, sal_id prediction, sal_id target, sal_id weight)
{
    int64_t n = sal_tape_dim(t, prediction, 0);
    sal_id y = sal_reshape(t, target, SAL_SHAPE(n)), w = weight == SAL_NONE ? SAL_NONE : sal_reshape(t, weight, SAL_SHAPE(n));
    if (o->head == SAL_HEAD_HUBER) return sal_loss_huber(t, sal_reshape(t, prediction, SAL_SHAPE(n)), y, w, 1);
    /* The centre learns by Huber, which does better in the long tail than the median; the limits by pinball. */
    const double quantiles[2] = { o->quantile_low, o->quantile_high };
    sal_id limits = sal_concat(t, (sal_id[]){ sal_slice(t, prediction, 1, 0, 1), sal_slice(t, prediction, 1, 2, 1) }, 2, 1);
    sal_id centre = sal_loss_huber(t, sal_reshape(t, sal_slice(t, prediction, 1, 1, 1), SAL_SHAPE(n)), y, w, 1);
    return sal_add(t, centre, sal_loss_pinball(t, limits, y, w, quantiles, 2));
}
