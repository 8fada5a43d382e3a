/* shape.c - counting, comparing and printing shapes. */
#include "shape.h"
#include <stdio.h>

sal_shape sal_shape_make(int32_t rank, const int64_t *dim)
{
    sal_shape s = { rank < SAL_RANK_MAX ? rank : SAL_RANK_MAX, { 0 } };
    for (int32_t i = 0; i < s.rank; i++) s.dim[i] = dim[i];
    return s;
}

int64_t sal_shape_count(const sal_shape *shape)
{
    int64_t n = 1;
    for (int32_t i = 0; i < shape->rank; i++) n *= shape->dim[i];
    return n;
}

bool sal_shape_equal(const sal_shape *a, const sal_shape *b)
{
    if (a->rank != b->rank) return false;
    for (int32_t i = 0; i < a->rank; i++) {
        if (a->dim[i] != b->dim[i]) return false;
    }
    return true;
}

int64_t sal_shape_last(const sal_shape *shape) { return shape->rank > 0 ? shape->dim[shape->rank - 1] : 1; }

const char *sal_shape_text(const sal_shape *shape, char *buffer)
{
    int used = snprintf(buffer, 128, "(");
    for (int32_t i = 0; i < shape->rank; i++) {
        used += snprintf(buffer + used, (size_t)(128 - used), i ? ", %lld" : "%lld", (long long)shape->dim[i]);
    }
    snprintf(buffer + used, (size_t)(128 - used), ")");
    return buffer;
}
