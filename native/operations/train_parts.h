/* train_parts.h - private to Train model: its work from the arguments to the files, in the order in which the parts run.
 */
#ifndef SAL_OPERATIONS_TRAIN_PARTS_H
#define SAL_OPERATIONS_TRAIN_PARTS_H

#include "train/intervals.h"
#include "train/network.h"
#include "train_report.h"

enum { SAL__TRAIN_MODEL, SAL__TRAIN_REPORT, SAL__TRAIN_PREDICTIONS, SAL__TRAIN_OUTPUTS };
extern const char *const sal__train_output_keys[SAL__TRAIN_OUTPUTS];

typedef enum sal__train_basis {
    SAL__TRAIN_BASIS_COVARIATES = 0,
    SAL__TRAIN_BASIS_EMBEDDING = 1,
    SAL__TRAIN_BASIS_NONE = 2
} sal__train_basis;

typedef struct sal__train_work {
    sal_context *ctx;
    const sal_arguments *arguments;
    bool weighted; /* scores by sampling intensity too */
    int64_t window; /* of the system that looks at the widest; 0 without a window */
    sal_stack *stacks[256];
    int64_t stack_count;
    sal_samples *samples;
    sal_roles roles;
    sal_dataset *dataset;
    sal_folds *folds;
    sal_training *training;
    sal_train_summary summary;
    double *lower, *median, *upper; /* honest out-of-fold, natural scale */
    double *pit;                    /* (count) of the predictive distribution of each sample, from other folds */
    json_object *provenance;        /* of the model: inputs with hashes, arguments; for the report too */
    double *weights;                /* of the scores, NULL when all samples count alike */
    sal__train_basis basis;           /* of the area of applicability */
    sal_applicability *applicability; /* NULL without one */
    char *checkpoint;
    sal_output *outputs[SAL__TRAIN_OUTPUTS]; /* they appear together at the end; NULL where not asked for */
} sal__train_work;

/* (train_inputs.c) The window that a system needs; ARGUMENT when it does not fit, UNSUPPORTED when the system is not in this build. */
sal_status sal__train_window(sal__train_work *w, const char *system);
/* Stacks, samples, dataset and folds; ARGUMENT or DATA where they do not go together. */
sal_status sal__train_read(sal__train_work *w);
sal_status sal__train_scheme(sal__train_work *w);
void sal__train_options(const sal__train_work *w, sal_fit_options *o);
void sal__train_close(sal__train_work *w);

/* (train_folds.c) Folds, weights of the scores; what they are, as JSON. */
sal_status sal__train_folds(sal__train_work *w, int64_t window);
sal_status sal__train_add_folds(sal_context *ctx, const sal_folds *folds, json_object *to);

/* (train_scores.c) From out-of-fold predictions: intervals, scores, the factor of the mean; scores of every network alone, for
 * the spread over seeds. */
double sal__train_back(bool log1p, double value); /* to the natural scale, not below 0 */
sal_status sal__train_evaluate(sal__train_work *w, const sal_fit_options *o, sal_conformal *conformal);
sal_status sal__train_evaluate_members(sal__train_work *w, const sal_fit_options *o);
sal_status sal__train_add_centres(const sal__train_work *w, json_object *to);
sal_status sal__train_add_results(sal__train_work *w, json_object *result);

/* (train_reliability.c) Out-of-fold predictions on the scale of learning in all (4, n), class limits there in breaks (SAL_CLASS_MAX), and
 * both as what the chosen rule for intervals needs; whether the folds allow it (ARGUMENT), before training; coverage at every level, and
 * the predictive distributions that the levels make. */
sal_status sal__train_intervals(const sal__train_work *w, const sal_fit_options *o, double *all, double *breaks, sal_intervals *out);
sal_status sal__train_check_intervals(const sal__train_work *w);
sal_status sal__train_reliability(sal__train_work *w, const sal_fit_options *o, sal_train_reliability *out);

/* (train_distribution.c) Quantiles (count, SAL_DISTRIBUTION_QUANTILES) on the natural scale from limits on the scale of learning, a level at a
 * time; their scores and PIT when all are there. */
void sal__train_take_quantiles(const sal__train_work *w, bool log1p, int32_t level, const double *lower, const double *upper, double *quantiles);
sal_status sal__train_distribution(sal__train_work *w, const double *quantiles);

/* (train_applicability.c) What the area of applicability is to be of; ARGUMENT where the system has no such thing. Area of applicability, with the importance of the covariates in the summary; both as JSON. */
sal_status sal__train_choose_basis(sal__train_work *w);
sal_status sal__train_applicability(sal__train_work *w, const sal_fit_options *o);
sal_status sal__train_add_applicability(const sal__train_work *w, json_object *to);

/* (train_write.c) */
sal_status sal__train_write_model(sal__train_work *w, const sal_fit_options *o, const sal_conformal *conformal);
sal_status sal__train_write_predictions(sal__train_work *w);

#endif
