/* shape.h - the extent of a dense, row-major array, last dimension fastest (channels last). */
#ifndef SAL_TENSOR_SHAPE_H
#define SAL_TENSOR_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#define SAL_RANK_MAX 6

typedef struct sal_shape {
    int32_t rank; /* 0 for a scalar */
    int64_t dim[SAL_RANK_MAX];
} sal_shape;

/* SAL_SHAPE(n, 10, 48) */
#define SAL_SHAPE(...)                                                                                                 \
    sal_shape_make((int32_t)(sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)), (const int64_t[]){ __VA_ARGS__ })
#define SAL_SCALAR ((sal_shape){ 0, { 0 } })

sal_shape sal_shape_make(int32_t rank, const int64_t *dim);
int64_t sal_shape_count(const sal_shape *shape); /* elements; 1 for a scalar */
bool sal_shape_equal(const sal_shape *a, const sal_shape *b);
int64_t sal_shape_last(const sal_shape *shape); /* last dimension; 1 for a scalar */
/* "(8, 31, 31, 80)" into a buffer of at least 128 bytes; returns it. */
const char *sal_shape_text(const sal_shape *shape, char *buffer);

#endif
