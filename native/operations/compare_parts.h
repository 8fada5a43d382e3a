/* compare_parts.h - private to Compare models: systems on the same folds, their differences, and what is written of them.
 */
#ifndef SAL_OPERATIONS_COMPARE_PARTS_H
#define SAL_OPERATIONS_COMPARE_PARTS_H

#include "covariates_parts.h"
#include "train_parts.h"

enum { SAL__COMPARE_MOST = 16, SAL__COMPARE_METRICS = 5, SAL__COMPARE_DRAWS = 2000 };

/* The scores that are shown; each of one member, pooled over folds. */
typedef struct sal__compare_metric {
    const char *key, *label;
    bool has_unit;
} sal__compare_metric;
extern const sal__compare_metric sal__compare_metrics[SAL__COMPARE_METRICS]; /* R2, RMSE, MAE, bias, R2 of log1p */

typedef struct sal__compared {
    const char *id, *title;
    int64_t members;
    double *predicted;                                    /* (members, samples) out-of-fold, natural scale */
    double *error2;                                       /* (samples) squared error, mean over members */
    double mean[SAL__COMPARE_METRICS], sd[SAL__COMPARE_METRICS]; /* over members; sd NaN for one */
    double r2_low, r2_high, rmse_low, rmse_high;          /* 95 % bounds of the means of R2 and RMSE */
    double seconds;    /* of this run */
    char *checkpoint;  /* of its training; goes once all is written, or when the user cancels */
} sal__compared;

/* First system less second one, in R2 (above 0: the first is better) and RMSE (below 0: the first is better), with the 95 % interval. */
typedef struct sal__difference {
    int64_t first, second;
    double r2, r2_low, r2_high, rmse, rmse_low, rmse_high;
} sal__difference;

typedef struct sal__compare_work {
    sal__train_work train;
    sal_dataset point; /* the samples without their window: arrays of train.dataset but for `window` */
    sal__compared systems[SAL__COMPARE_MOST];
    int64_t count, best; /* best: greatest mean R2 */
    sal__difference to_best[SAL__COMPARE_MOST]; /* (count) of the best less each; of the best itself 0 */
    sal__difference claims[SAL__COMPARE_MOST];  /* the pairs of the ranking that were compared */
    int64_t claim_count, units;
    const char *ranking; /* in one sentence */
} sal__compare_work;

/* (compare_run.c) Out-of-fold predictions and scores of every system. */
sal_status sal__compare_run(sal__compare_work *w);
void sal__compare_forget(sal__compare_work *w); /* removes the checkpoints */
void sal__compare_close(sal__compare_work *w);
/* (compare_pairs.c) Differences by a bootstrap of blocks, and what they say about the ranking of the paper. */
sal_status sal__compare_pairs(sal__compare_work *w);
/* -1: the claim fails, 0: it holds within the noise, 1: it holds beyond it. */
int32_t sal__compare_verdict(const sal__difference *claim);
/* A block or place (0 .. units - 1) that stands in place u of a draw, the same for every system and pair. */
int64_t sal__compare_pick(const sal__compare_work *w, int64_t draw, int64_t u);
/* Percentiles 2.5 and 97.5 of the finite of SAL__COMPARE_DRAWS values, which are sorted; NaN without any. */
void sal__compare_limits(double *values, double *low, double *high);
/* (compare_bounds.c) Bounds of the scores of every system. */
sal_status sal__compare_bounds(sal__compare_work *w);
/* (compare_figures.c) */
void sal__compare_draw_scores(const sal__compare_work *w, sal_report *report, const char *unit);
void sal__compare_draw_differences(const sal__compare_work *w, sal_report *report, const char *unit);
/* (compare_write.c) */
sal_status sal__compare_write_table(sal__compare_work *w, const char *path);
sal_status sal__compare_write_report(sal__compare_work *w, const char *path);
sal_status sal__compare_add_results(sal__compare_work *w, json_object *result);

#endif
