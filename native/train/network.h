/* network.h - between a network in memory and a model file: options, parameters, scaling.
 */
#ifndef SAL_TRAIN_NETWORK_H
#define SAL_TRAIN_NETWORK_H

#include "models/model.h"
#include "train/dataset.h"
#include "train/model_file.h"

/* Writes options and the scaling of the target into the model's hyper-parameters. */
sal_status sal_network_describe(sal_model_file *model, const sal_model_options *options, const sal_scaler *scaler);
/* Reads them back; every field is checked. DATA names the file and the field. */
sal_status sal_network_options(const sal_model_file *model, const sal_system **system, sal_model_options *options, sal_scaling *target);
/* Adds all parameters and state of one member of the ensemble. */
sal_status sal_network_store(sal_model_file *model, int64_t member, sal_params *params);
/* Fills params, which a tape of the same system has defined and which are initialised, from one member. */
sal_status sal_network_restore(const sal_model_file *model, int64_t member, sal_params *params);
/* Covariates of a role ("spectral", "index", "window"): their ids (up to SAL_COVARIATES_MAX, borrowed) and scales. Returns how many. */
int64_t sal_network_covariates(const sal_model_file *model, const char *role, const char **ids, sal_scaling *scales);

#endif
