/* safetensors_private.h - what the writer and the reader of safetensors files share. */
#ifndef SAL_TENSOR_SAFETENSORS_PRIVATE_H
#define SAL_TENSOR_SAFETENSORS_PRIVATE_H

#include "tensor/safetensors.h"

#define SAL__SEAL_BEFORE "{\"__metadata__\":{\"sha256\":\""
#define SAL__NO_DIGEST   "0000000000000000000000000000000000000000000000000000000000000000"

typedef struct sal__tensor_item {
    sal_tensor_view view; /* its name is owned */
    void *owned;          /* the data, NULL when borrowed */
} sal__tensor_item;

typedef struct sal__tensor_text {
    char *key, *text;
} sal__tensor_text;

struct sal_tensors {
    sal_context *ctx;
    sal__tensor_item *items;
    int64_t count, capacity;
    sal__tensor_text *texts;
    int64_t text_count, text_capacity;
    char *bytes; /* the file, when loaded; views point into it */
    char *label; /* model "x.safetensors", when loaded */
    bool sealed;
};

const char *sal__tensor_type_name(sal_tensor_type type);
bool sal__tensor_bytes(sal_tensor_type type, int32_t rank, const int64_t *dims, int64_t *count, int64_t *bytes);
/* Appends a view (its name is copied); takes `owned` on success only. */
sal_status sal__tensors_append(sal_tensors *tensors, const sal_tensor_view *view, void *owned);
/* The key must be new. */
sal_status sal__tensors_append_text(sal_tensors *tensors, const char *key, const char *text);

#endif
