/* broadcast.h - walking the rows of two arrays of one rank whose dimensions agree or are 1. A row is the last dimension. */
#ifndef SAL_GRAPH_OPS_BROADCAST_H
#define SAL_GRAPH_OPS_BROADCAST_H

#include "graph/op.h"

/* Output shape of a and b; fails through sal__shape_fail. */
sal_status sal__broadcast_shape(sal_tape *t, sal_node *n);

/* Position of one row of the output in an array of shape `in` (0 stride where in has size 1). */
typedef struct sal_walk {
    int32_t rank;
    int64_t dim[SAL_RANK_MAX], at[SAL_RANK_MAX], stride[SAL_RANK_MAX], offset;
} sal_walk;

static inline void sal__walk_start(sal_walk *w, const sal_shape *out, const sal_shape *in, int64_t row)
{
    int64_t stride = 1;
    w->rank = out->rank > 0 ? out->rank - 1 : 0;
    w->offset = 0;
    if (in->rank > 0) stride = in->dim[in->rank - 1];
    for (int32_t k = w->rank - 1; k >= 0; k--) {
        w->dim[k] = out->dim[k];
        w->stride[k] = in->dim[k] == 1 ? 0 : stride;
        stride *= in->dim[k];
        w->at[k] = row % out->dim[k];
        row /= out->dim[k];
        w->offset += w->at[k] * w->stride[k];
    }
}

static inline void sal__walk_next(sal_walk *w)
{
    for (int32_t k = w->rank - 1; k >= 0; k--) {
        w->offset += w->stride[k];
        if (++w->at[k] < w->dim[k]) return;
        w->offset -= w->stride[k] * w->dim[k];
        w->at[k] = 0;
    }
}

#endif
