/* fit_checkpoint.c - all that a training is, as tensors, and back: the steps after it have the same bits as without a stop. */
#include "train/fit_private.h"
#include <stdio.h>
#include <string.h>

static sal_status save_one(sal_tensors *tensors, const char *prefix, const char *name, sal_tensor_type type, int64_t n, const void *data)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return sal_tensors_add(tensors, full, type, 1, &n, data, true);
}

static sal_status load_one(const sal_tensors *tensors, const char *prefix, const char *name, sal_tensor_type type, int64_t n, void *data, size_t size)
{
    char full[96];
    const void *from;
    snprintf(full, sizeof full, "%s%s", prefix, name);
    sal_status status = sal_tensors_require(tensors, full, type, 1, &n, &from);
    if (status == SAL_STATUS_OK) memcpy(data, from, (size_t)n * size);
    return status;
}

#ifdef SAL_DOUBLE
#define REAL_TENSOR SAL_TENSOR_F64
#else
#define REAL_TENSOR SAL_TENSOR_F32
#endif

sal_status sal_fit_save(const sal_fit *f, sal_tensors *tensors, const char *prefix)
{
    sal_status status = SAL_STATUS_OK;
    double numbers[2] = { (double)f->step, f->loss_sum };
    sal_optimizer_array arrays[4];
    int64_t n = sal_optimizer_state(f->optimizer, arrays);
    SAL_TRY(save_one(tensors, prefix, "numbers", SAL_TENSOR_F64, 2, numbers));
    SAL_TRY(save_one(tensors, prefix, "losses", SAL_TENSOR_F32, f->options.epochs, f->losses));
    SAL_TRY(save_one(tensors, prefix, "values", REAL_TENSOR, sal_params_size(f->params), sal_params_values(f->params)));
    SAL_TRY(save_one(tensors, prefix, "state", REAL_TENSOR, sal_params_state_size(f->params), sal_params_state(f->params)));
    for (int64_t i = 0; i < n; i++) SAL_TRY(save_one(tensors, prefix, arrays[i].name, REAL_TENSOR, arrays[i].count, arrays[i].values));
done:
    return status;
}

sal_status sal_fit_restore(sal_fit *f, const sal_tensors *tensors, const char *prefix)
{
    sal_status status = SAL_STATUS_OK;
    double numbers[2];
    sal_optimizer_array arrays[4];
    int64_t n = sal_optimizer_state(f->optimizer, arrays);
    SAL_TRY(load_one(tensors, prefix, "numbers", SAL_TENSOR_F64, 2, numbers, sizeof(double)));
    SAL_TRY(load_one(tensors, prefix, "losses", SAL_TENSOR_F32, f->options.epochs, f->losses, sizeof(float)));
    SAL_TRY(load_one(tensors, prefix, "values", REAL_TENSOR, sal_params_size(f->params), sal_params_values(f->params), sizeof(real)));
    SAL_TRY(load_one(tensors, prefix, "state", REAL_TENSOR, sal_params_state_size(f->params), sal_params_state(f->params), sizeof(real)));
    for (int64_t i = 0; i < n; i++)
        SAL_TRY(load_one(tensors, prefix, arrays[i].name, REAL_TENSOR, arrays[i].count, arrays[i].values, sizeof(real)));
    f->step = (int64_t)numbers[0];
    f->loss_sum = numbers[1];
    sal_optimizer_set_steps(f->optimizer, f->step);
done:
    return status;
}
