/* safetensors.h - named arrays and texts in one file: 8 bytes of header length, a JSON header, then raw little-endian
 * data.
 *
 * The file can be read by anything that knows the safetensors format (github.com/huggingface/safetensors), and loading
 * it executes nothing. Files we write are sealed: their metadata key "sha256" covers every other byte of the file, so a
 * changed file is refused.
 */
#ifndef SAL_TENSOR_SAFETENSORS_H
#define SAL_TENSOR_SAFETENSORS_H

#include "base/base.h"

#define SAL_TENSOR_MAX_RANK 8

typedef enum sal_tensor_type { SAL_TENSOR_F32 = 1, SAL_TENSOR_F64 = 2, SAL_TENSOR_I64 = 3 } sal_tensor_type;

/* One named array, rows first (C order); borrowed from its sal_tensors. */
typedef struct sal_tensor_view {
    const char *name;
    sal_tensor_type type;
    int32_t rank;
    int64_t dims[SAL_TENSOR_MAX_RANK];
    int64_t count;    /* product of dims, 1 for rank 0 */
    const void *data; /* aligned for its type */
} sal_tensor_view;

typedef struct sal_tensors sal_tensors;

/* An empty set. The caller owns it; it uses `ctx` until it is freed. */
sal_status sal_tensors_new(sal_context *ctx, sal_tensors **out);
void sal_tensors_free(sal_tensors *tensors);

/* Adds an array; the name must be new and not "__metadata__". With `copy` the values are copied, otherwise `data` must
 * outlive the set. ARGUMENT for a bad name, rank or shape. */
sal_status sal_tensors_add(sal_tensors *tensors, const char *name, sal_tensor_type type, int32_t rank,
                           const int64_t *dims, const void *data, bool copy);
/* Adds or replaces a text of the metadata; the key "sha256" belongs to the format. Both are UTF-8. */
sal_status sal_tensors_set_metadata(sal_tensors *tensors, const char *key, const char *text);

/* Writes the file whole or not at all, sealed. IO when it cannot be written. */
sal_status sal_tensors_save(sal_tensors *tensors, const char *path);
/* Reads and checks a file. `what` says in messages what it is to the user: `model "x.safetensors" is cut short: 1234 of
 * 5678 bytes`. IO when it cannot be read; DATA when it is no safetensors file, is cut, hostile (overlapping, out of
 * bounds), of another number type, or sealed and changed since. */
sal_status sal_tensors_load(sal_context *ctx, const char *path, const char *what, sal_tensors **out);
/* The same from memory, copied; `name` stands for the file name in messages. */
sal_status sal_tensors_parse(sal_context *ctx, const void *bytes, int64_t length, const char *what, const char *name,
                             sal_tensors **out);

int64_t sal_tensors_count(const sal_tensors *tensors);
const sal_tensor_view *sal_tensors_at(const sal_tensors *tensors,
                                      int64_t i); /* in the order they were added or lie in the file */
const sal_tensor_view *sal_tensors_find(const sal_tensors *tensors, const char *name); /* NULL when absent */
/* Data of an array that must exist with this type and shape; a dimension of -1 accepts any. DATA otherwise, naming both
 * shapes. */
sal_status sal_tensors_require(const sal_tensors *tensors, const char *name, sal_tensor_type type, int32_t rank,
                               const int64_t *dims, const void **data);
const char *sal_tensors_metadata(const sal_tensors *tensors, const char *key); /* NULL when absent */
/* Whether a loaded file carried a seal (which then held). */
bool sal_tensors_sealed(const sal_tensors *tensors);
/* Bytes of one element. */
int64_t sal_tensor_type_size(sal_tensor_type type);

#endif
