/* train_report.h - the page that Train model writes. */
#ifndef SAL_OPERATIONS_TRAIN_REPORT_H
#define SAL_OPERATIONS_TRAIN_REPORT_H

#include "operations/operation.h"
#include "train/conformal.h"
#include "train/distribution.h"
#include "train/applicability.h"
#include "train/mean_factor.h"
#include "train/report.h"
#include "train/training.h"

enum { SAL_TRAIN_MEMBERS_MAX = 20 };

/* Shares of out-of-fold intervals that hold the measurement, by the coverage asked for (sal_conformal_levels). */
typedef struct sal_train_reliability {
    double all[SAL_CONFORMAL_LEVELS];
    double by_class[SAL_CLASS_MAX][SAL_CONFORMAL_LEVELS]; /* NaN for a class without samples */
} sal_train_reliability;

typedef struct sal_train_distribution {
    sal_distribution_scores all, observed[SAL_CLASS_MAX], predicted[SAL_CLASS_MAX]; /* by observed and by predicted class */
    const double *pit;                                                              /* (count), borrowed */
} sal_train_distribution;

typedef struct sal_train_summary {
    sal_train_reliability reliability;
    sal_train_distribution distribution;
    sal_class_scheme scheme;
    sal_scores scores; /* of the median */
    sal_mean_scores mean;
    int64_t members;
    double member_r2[SAL_TRAIN_MEMBERS_MAX], member_rmse[SAL_TRAIN_MEMBERS_MAX]; /* of each network alone, natural scale */
    int64_t covariates;
    const char **covariate_ids;             /* (covariates), in the order of the model file */
    const double *importance;               /* (covariates), borrowed from the training; NULL when all weigh alike */
    const sal_applicability *applicability; /* borrowed */
} sal_train_summary;

typedef struct sal_train_report_input {
    const sal_dataset *dataset;
    const sal_folds *folds;
    const sal_training *training;
    const sal_train_summary *summary;
    const double *lower, *median, *upper; /* (count) out-of-fold, natural scale, 90 % */
    sal_stack *const *stacks;
    int64_t stack_count;
    const sal_samples *samples;
    const sal_fit_options *options;
    json_object *provenance; /* of the model: inputs with hashes; borrowed */
} sal_train_report_input;

/* Mean and standard deviation (n - 1; NaN for one value). */
void sal_train_spread(int64_t n, const double *values, double *mean, double *sd);

/* Validation (train_report_folds.c). */
sal_status sal_train_report_folds(sal_context *ctx, sal_report *report, const sal_dataset *dataset, const sal_folds *folds);

/* Importance and area of applicability (train_report_applicability.c). */
sal_status sal_train_report_applicability(sal_context *ctx, sal_report *report, const sal_train_summary *summary);

sal_status sal_train_report_write(sal_context *ctx, const sal_arguments *arguments, const sal_train_report_input *input, const char *path);

/* (train_card.c) The section about inputs, parameters, versions and warnings. */
sal_status sal__train_report_card(sal_context *ctx, sal_report *report, const sal_arguments *arguments, const sal_train_report_input *input);
/* (train_reliability.c) Its figure and its numbers. */
void sal__train_report_reliability(sal_report *report, const sal_train_summary *summary);
sal_status sal__train_add_reliability(sal_context *ctx, const sal_train_summary *summary, json_object *result);
/* (train_distribution.c) Tables and PIT figure, and their numbers. */
void sal__train_report_distribution(sal_report *report, const sal_train_summary *summary, const char *unit);
sal_status sal__train_add_distribution(sal_context *ctx, const sal_train_summary *summary, json_object *result);
/* (train_numbers.c) What the report says about data, losses and inputs, for the result JSON. */
sal_status sal__train_report_numbers(sal_context *ctx, const sal_train_report_input *input, json_object *result);

#endif
