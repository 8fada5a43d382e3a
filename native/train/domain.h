/* domain.h - points of the ground that is to be mapped: what kNNDM and NNDM match, and what sampling is dense against. */
#ifndef SAL_TRAIN_DOMAIN_H
#define SAL_TRAIN_DOMAIN_H

#include "data/stack.h"

typedef enum sal_domain_kind {
    SAL_DOMAIN_REGULAR = 0, /* on a square grid, as CAST draws them */
    SAL_DOMAIN_RANDOM = 1
} sal_domain_kind;

typedef struct sal_domain {
    int64_t count;
    double *x, *y;   /* (count) centres of valid cells, in the CRS of the first stack */
    double area_m2;  /* of the valid cells of all grids, as the sample has it */
    int64_t tried;   /* cells looked at */
} sal_domain;

/* About `wanted` (10 .. 100,000) cells that have a value in every one of the bands (ids of the stacks), from each grid its share; stacks on one
 * grid are looked at once, through the first. Reads one pixel each. The same seed gives the same points. DATA
 * when fewer than 10 cells are valid among 64 times as many. */
sal_status sal_domain_sample(sal_context *ctx, sal_stack *const *stacks, int64_t n_stacks, const char *const *bands, int64_t n_bands,
                             sal_domain_kind kind, int64_t wanted, uint64_t seed, sal_domain *out);
void sal_domain_clear(sal_context *ctx, sal_domain *domain);

#endif
