/* crew.c - jobs that can fail and allocate in the threads of the pool: each worker has a context of its own.
 */
#include "baseline_private.h"

sal_status sal__crew_new(sal_context *ctx, sal__crew *crew)
{
    sal_status status = SAL_STATUS_OK;
    *crew = (sal__crew){.ctx = ctx};
    SAL_TRY(sal_allocate(ctx, sal_context_threads(ctx), sizeof *crew->own, &crew->own));
    for (; crew->workers < sal_context_threads(ctx); crew->workers++) {
        if (sal_context_new(&crew->own[crew->workers]) != SAL_STATUS_OK) {
            status = sal_fail(ctx, SAL_STATUS_MEMORY, "out of memory for %d threads", (int)sal_context_threads(ctx));
            goto done;
        }
        sal_context_set_threads(crew->own[crew->workers], 1);
    }
    return status;
done:
    sal__crew_free(crew);
    return status;
}

void sal__crew_free(sal__crew *crew)
{
    if (!crew->ctx) return;
    for (int32_t k = 0; k < crew->workers; k++) sal_context_free(crew->own[k]);
    sal_release(crew->ctx, crew->own);
    *crew = (sal__crew){0};
}

typedef struct shift {
    sal__crew *crew;
    sal_context *look;
    sal__job job;
    void *arg;
    int64_t first;
    sal_status *status; /* (jobs) */
    int32_t *by;        /* (jobs) */
} shift;

static void one(void *arg, int64_t i, int32_t worker)
{
    shift *s = arg;
    int64_t k = s->first + i;
    /* inside another pool the worker's number is that of the outer one */
    int32_t own = worker < s->crew->workers ? worker : 0;
    s->by[k] = own;
    if (sal_look(s->look)) s->status[k] = SAL_STATUS_CANCELLED;
    else s->status[k] = s->job(s->crew->own[own], s->arg, k);
}

sal_status sal__crew_run(sal__crew *crew, sal_context *look, int64_t jobs, sal__job job, void *arg)
{
    sal_status status = SAL_STATUS_OK;
    shift s = {.crew = crew, .look = look, .job = job, .arg = arg};
    SAL_TRY(sal_allocate(crew->ctx, jobs, sizeof *s.status, &s.status));
    SAL_TRY(sal_allocate(crew->ctx, jobs, sizeof *s.by, &s.by));
    while (s.first < jobs) {
        int64_t count = jobs - s.first < 2 * crew->workers ? jobs - s.first : 2 * crew->workers;
        if (crew->ctx == look) SAL_TRY(sal_progress(look, (double)s.first / (double)jobs, NULL));
        sal_pool_run(crew->ctx, count, one, &s);
        for (int64_t k = s.first; k < s.first + count; k++) {
            if (s.status[k] == SAL_STATUS_OK) continue;
            const char *message = sal_context_message(crew->own[s.by[k]]);
            if (crew->ctx == look) SAL_TRY(sal_progress(look, 0, NULL)); /* cancelled: in its own words */
            SAL_TRY(sal_fail(crew->ctx, s.status[k], "%s", message[0] ? message : "cancelled"));
        }
        s.first += count;
    }
done:
    sal_release(crew->ctx, s.status);
    sal_release(crew->ctx, s.by);
    return status;
}
