/* folds.h - which samples are tested together, and which may train while they are. One row per method in folds.def.
 *
 * A window of W pixels sees its neighbours: two windows share pixels where max(|dx|, |dy|) < W * pixel. Buffered
 * methods drop such training samples, so that no test pixel was seen in training; of every method the share of test
 * samples that share pixels with training is reported. Samples closer than a pixel are one place and never split,
 * except between campaigns by leave-campaign-out.
 */
#ifndef SAL_TRAIN_FOLDS_H
#define SAL_TRAIN_FOLDS_H

#include "base/base.h"
#include "train/variogram.h"

enum {
    SAL_FOLDS_MAX = 64,           /* most folds that can be asked for */
    SAL_LEAVE_ONE_OUT_MAX = 4000, /* most places of the leave-one-out methods: their work and memory grow with the square */
    SAL_KNNDM_MAX = 8000          /* most places that are clustered: n (n - 1) / 2 distances, 256 MB */
};

enum {
    SAL_FOLD_BUFFERED = 1,      /* training samples whose window touches that of a test sample are left out */
    SAL_FOLD_LEAVE_ONE_OUT = 2, /* a fold for every place; k is not asked for */
    SAL_FOLD_DOMAIN = 4,        /* needs points of the ground to be mapped */
    SAL_FOLD_CAMPAIGNS = 8      /* needs campaigns, and makes as many folds as they ask for */
};

typedef struct sal_fold_method {
    const char *id, *title;
    uint32_t flags;
    const char *help;
} sal_fold_method;

int64_t sal_fold_method_count(void);
const sal_fold_method *sal_fold_method_at(int64_t i);
const sal_fold_method *sal_fold_method_find(const char *id); /* NULL when unknown */

/* What to split: n samples at x, y (metres, one metric CRS; samples of different campaigns may share a place) with
 * their target. */
typedef struct sal_fold_request {
    const char *method;
    int64_t count;
    const double *x, *y, *target; /* (count) */
    int64_t k;                    /* folds, 2 .. SAL_FOLDS_MAX; the leave-one-out and campaign methods find their own number */
    double pixel_m;
    int64_t window; /* pixels, 1 for models without a window */
    double block_m; /* size of blocks, for bloo the radius; 0 chooses the range of the variogram of the target, at least
                       2 (window - 1) pixel, but small enough to give max(2 k, 10) blocks */
    uint64_t seed;
    bool group_windows;      /* a place is all that hangs together by windows that share pixels */
    const int32_t *campaign; /* (count) number of the campaign from 0, or NULL */
    const double *domain_x, *domain_y; /* (domain_count) ground to be mapped, as sal_domain_sample draws it; for
                                          SAL_FOLD_DOMAIN, and for Gij and W of any method */
    int64_t domain_count;
} sal_fold_request;

typedef struct sal_folds {
    int64_t count, k;
    char method[32];
    int32_t *fold;  /* (count) the fold in which a sample is tested, 0 .. k - 1 */
    uint8_t *train; /* (k, count) 1 where a sample may train while fold k is tested */
    int64_t *test_count, *train_count, *dropped_count; /* (k); dropped: neither tested nor trained */
    int64_t dropped_by_buffer;                         /* sum over folds */
    double block_m, buffer_m;                          /* 0 where the method has none */
    double overlap_share;                              /* of test samples whose window shares pixels with a training window */
    double min_distance_m, median_distance_m;          /* of nearest_m */

    /* Distances, Mila et al. 2022 (doi 10.1111/2041-210X.13851). */
    double *nearest_m; /* (count) Gj*: from a test sample to the nearest training sample of its fold */
    double *gj_m;      /* (count) Gj: from a sample to the nearest one of another place; infinite with one place */
    double *gij_m;     /* (domain_count) Gij: from a point of the domain to the nearest sample; NULL without a domain */
    int64_t domain_count;
    double w_m; /* W: area between the distribution functions of Gj* and Gij; NaN without a domain */

    int64_t *place; /* (count) number of the place of a sample */
    int64_t places;
    double *place_x, *place_y; /* (places) mean position */
    sal_variogram variogram;   /* of log(1 + target); range_m 0 where it was not needed or has no structure */
    int64_t blocks;            /* occupied blocks of block_m, 0 without blocks */

    /* What the bootstrap of scores draws: blocks, or places where there are fewer than 10 blocks. */
    int64_t *unit; /* (count) */
    int64_t units;
    double unit_m; /* size of those blocks, 0 for places */

    /* kNNDM */
    int64_t clusters; /* the best number of clusters; 0: Gj is not clustered against Gij, folds are random */
    double clustered_p; /* of the one-sided Kolmogorov-Smirnov test for that */
} sal_folds;

/* Splits. The same request gives the same folds for any number of threads. ARGUMENT: unknown method (the methods are
 * listed), k or sizes out of range, no domain or campaigns where the method needs them. DATA: fewer samples or places
 * than folds, all samples in one block, fewer blocks than folds, one campaign, a fold left without training samples. */
sal_status sal_folds_new(sal_context *ctx, const sal_fold_request *request, sal_folds **out);
void sal_folds_free(sal_context *ctx, sal_folds *folds);
/* Indices of the samples that train (test false) or are tested (test true) in fold f; `indices` holds `count` entries.
 * Returns how many. */
int64_t sal_folds_list(const sal_folds *folds, int64_t f, bool test, int64_t *indices);

#endif
