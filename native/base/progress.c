/* progress.c - fractions, nested spans and cancellation.
 *
 * The callback may be Python under a lock: it is reached at most every 100 ms, or for a message, and only from the thread that
 * runs the operation: in a task of the pool only worker 0 is that thread.
 */
#define _POSIX_C_SOURCE 200809L
#include "context.h"
#include <math.h>
#include <stdio.h>
#include <time.h>

static const double THROTTLE_SECONDS = 0.1;

double sal_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void sal_time_iso(char out[24])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

bool sal_cancelled(const sal_context *ctx) { return atomic_load(&ctx->cancelled); }

bool sal_look(sal_context *ctx)
{
    if (sal_cancelled(ctx)) return true;
    if (sal__pool_helper() || !ctx->callback || sal_clock() - ctx->reported_at < THROTTLE_SECONDS) return false;
    ctx->reported_at = sal_clock();
    if (ctx->callback(ctx->callback_user, ctx->fraction, NULL)) atomic_store(&ctx->cancelled, true);
    return sal_cancelled(ctx);
}

static sal_status answer(sal_context *ctx)
{
    if (!sal_cancelled(ctx)) return SAL_STATUS_OK;
    if (sal__pool_inside()) return SAL_STATUS_CANCELLED;
    return sal_fail(ctx, SAL_STATUS_CANCELLED, "cancelled");
}

static double clamp(double x) { return x > 0 ? (x < 1 ? x : 1) : 0; } /* NaN gives 0 */

sal_status sal_progress(sal_context *ctx, double fraction, const char *format, ...)
{
    if (sal_cancelled(ctx) || sal__pool_inside()) return answer(ctx);
    int32_t level = ctx->depth < SAL__SPANS ? ctx->depth : SAL__SPANS;
    double from = level > 0 ? ctx->from[level - 1] : 0, to = level > 0 ? ctx->to[level - 1] : 1;
    double whole = from + (to - from) * clamp(fraction);
    if (whole > ctx->fraction) ctx->fraction = whole;
    if (!ctx->callback) return SAL_STATUS_OK;
    double now = sal_clock();
    if (!format && now - ctx->reported_at < THROTTLE_SECONDS) return SAL_STATUS_OK;
    char line[1024];
    if (format) {
        va_list list;
        va_start(list, format);
        vsnprintf(line, sizeof line, format, list);
        va_end(list);
    }
    ctx->reported_at = now;
    if (ctx->callback(ctx->callback_user, ctx->fraction, format ? line : NULL)) atomic_store(&ctx->cancelled, true);
    return answer(ctx);
}

/* Deeper than 16 the innermost kept span goes on; push and pop still pair. */
void sal_progress_push(sal_context *ctx, double from, double to)
{
    int32_t level = ctx->depth++;
    if (level >= SAL__SPANS) return;
    double a = level > 0 ? ctx->from[level - 1] : 0, b = level > 0 ? ctx->to[level - 1] : 1;
    ctx->from[level] = a + (b - a) * clamp(from);
    ctx->to[level] = a + (b - a) * clamp(to);
}

void sal_progress_pop(sal_context *ctx)
{
    if (ctx->depth > 0) ctx->depth--;
}
