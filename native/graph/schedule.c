/* schedule.c - learning rate as a function of the step, and of validation losses for the plateau rule. */
#include "graph/optimizer.h"
#include <math.h>

static const double pi = 3.14159265358979323846;

double sal_schedule_rate(const sal_schedule *s, int64_t step)
{
    double factor = s->factor > 0 ? s->factor : 0.1;
    if (step < s->warmup) return s->base * (double)(step + 1) / (double)s->warmup;
    switch (s->kind) {
    case SAL_SCHEDULE_CONSTANT: break;
    case SAL_SCHEDULE_COSINE: {
        int64_t length = s->steps - s->warmup;
        double part = length > 0 ? (double)(step - s->warmup) / (double)length : 1;
        return s->floor + 0.5 * (s->base - s->floor) * (1 + cos(pi * (part < 1 ? part : 1)));
    }
    case SAL_SCHEDULE_STEP:
        return fmax(s->floor, s->base * (s->period > 0 ? pow(factor, (double)(step / s->period)) : 1));
    case SAL_SCHEDULE_PLATEAU: return fmax(s->floor, s->base * (s->reports > 0 ? s->scale : 1));
    }
    return s->base;
}

void sal_schedule_report(sal_schedule *s, double loss)
{
    if (s->kind != SAL_SCHEDULE_PLATEAU) return;
    if (s->reports++ == 0) {
        s->best = loss;
        s->scale = 1;
        return;
    }
    if (loss < s->best || isnan(s->best)) {
        s->best = loss;
        s->bad = 0;
    } else if (++s->bad > s->patience) {
        s->scale *= s->factor > 0 ? s->factor : 0.1;
        s->bad = 0;
    }
}
