/* intervals.c - the rules for prediction intervals over the conformal corrections of conformal.c (science.md 1.8).
 *
 * The trap: marginal and split hold 90 % on average and 62 % in saline soil; they are here for comparison with papers
 * that use them, and the report says so.
 */
#include "train/intervals.h"
#include <string.h>

enum { LEAST_SPLIT = 10 }; /* samples, the least that sal_conformal_fit takes */

static const char *const names[] = { "", "classwise", "marginal", "split", "normalised" };

sal_status sal_intervals_find(sal_context *ctx, const char *name, sal_intervals_rule *out)
{
    for (int k = SAL_INTERVALS_CLASSWISE; k <= SAL_INTERVALS_NORMALISED; k++) {
        *out = (sal_intervals_rule)k;
        if (!strcmp(names[k], name)) return SAL_STATUS_OK;
    }
    return sal_fail(ctx, SAL_STATUS_ARGUMENT, "there are no intervals \"%.40s\"; choose one of " SAL_INTERVALS_CHOICES, name);
}

static sal_conformal_by by_of(const sal_intervals *v) { return v->rule == SAL_INTERVALS_CLASSWISE ? SAL_CONFORMAL_SLIDING : SAL_CONFORMAL_POOLED; }

static sal_conformal_kind kind_of(const sal_intervals *v)
{
    if (v->rule == SAL_INTERVALS_NORMALISED) return SAL_CONFORMAL_NORMALISED;
    if (v->rule != SAL_INTERVALS_CLASSWISE) return SAL_CONFORMAL_RESIDUAL;
    return v->quantiles ? SAL_CONFORMAL_SCALED : SAL_CONFORMAL_ADDITIVE;
}

static int64_t size_of(const sal_intervals *v, int64_t fold)
{
    int64_t n = 0;
    for (int64_t i = 0; i < v->n; i++) n += v->fold[i] == fold;
    return n;
}

/* The largest fold and the largest of the others, the first where several are. */
static void two_largest(const sal_intervals *v, int64_t folds[2], int64_t sizes[2])
{
    folds[0] = folds[1] = -1;
    sizes[0] = sizes[1] = 0;
    for (int64_t f = 0; f < v->k; f++) {
        int64_t n = size_of(v, f);
        if (n > sizes[0]) {
            folds[1] = folds[0], sizes[1] = sizes[0];
            folds[0] = f, sizes[0] = n;
        } else if (n > sizes[1])
            folds[1] = f, sizes[1] = n;
    }
}

sal_status sal_intervals_check(sal_context *ctx, const sal_intervals *v)
{
    int64_t folds[2], sizes[2];
    if (v->rule != SAL_INTERVALS_SPLIT) return SAL_STATUS_OK;
    two_largest(v, folds, sizes);
    if (sizes[1] >= LEAST_SPLIT) return SAL_STATUS_OK;
    return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                    "intervals split needs two folds of at least %d samples, one to calibrate and one to score it, but the largest of the %lld folds hold %lld and %lld; take "
                    "fewer folds or intervals classwise",
                    LEAST_SPLIT, (long long)v->k, (long long)sizes[0], (long long)sizes[1]);
}

/* Calibration on one fold alone. */
static sal_status fit_fold(sal_context *ctx, const sal_intervals *v, int64_t fold, sal_conformal *out)
{
    sal_status status;
    double *part = NULL; /* (4, n) */
    int64_t m = 0;
    SAL_TRY(sal_allocate(ctx, 4 * v->n, sizeof *part, &part));
    for (int64_t i = 0; i < v->n; i++) {
        if (v->fold[i] != fold) continue;
        part[m] = v->observed[i];
        part[v->n + m] = v->lower[i];
        part[2 * v->n + m] = v->median[i];
        part[3 * v->n + m] = v->upper[i];
        m++;
    }
    SAL_TRY(sal_conformal_fit(ctx, m, part, part + v->n, part + 2 * v->n, part + 3 * v->n, by_of(v), kind_of(v), NULL, 0, out));
done:
    sal_release(ctx, part);
    return status;
}

sal_status sal_intervals_fit(sal_context *ctx, const sal_intervals *v, sal_conformal *out)
{
    int64_t folds[2], sizes[2];
    if (v->rule != SAL_INTERVALS_SPLIT)
        return sal_conformal_fit(ctx, v->n, v->observed, v->lower, v->median, v->upper, by_of(v), kind_of(v), v->breaks, v->n_breaks, out);
    sal_status status = sal_intervals_check(ctx, v);
    if (status != SAL_STATUS_OK) return status;
    two_largest(v, folds, sizes);
    return fit_fold(ctx, v, folds[0], out);
}

static sal_status cross_split(sal_context *ctx, const sal_intervals *v, double coverage, double *out_lower, double *out_upper)
{
    sal_status status;
    int64_t folds[2], sizes[2];
    sal_conformal c[2];
    sal_conformal_rule rules[2];
    SAL_TRY(sal_intervals_check(ctx, v));
    two_largest(v, folds, sizes);
    for (int k = 0; k < 2; k++) {
        SAL_TRY(fit_fold(ctx, v, folds[k], &c[k]));
        SAL_TRY(sal_conformal_rule_at(ctx, &c[k], coverage, &rules[k]));
    }
    for (int64_t i = 0; i < v->n; i++)
        sal_conformal_apply(&rules[v->fold[i] == folds[0]], v->lower[i], v->median[i], v->upper[i], &out_lower[i], &out_upper[i]);
done:
    return status;
}

sal_status sal_intervals_cross(sal_context *ctx, const sal_intervals *v, double coverage, double *out_lower, double *out_upper)
{
    if (v->rule == SAL_INTERVALS_SPLIT) return cross_split(ctx, v, coverage, out_lower, out_upper);
    return sal_conformal_cross(ctx, v->n, v->fold, v->k, v->observed, v->lower, v->median, v->upper, by_of(v), kind_of(v), v->breaks, v->n_breaks, coverage, out_lower,
                               out_upper);
}
