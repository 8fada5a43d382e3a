/* tape_private.h - the inside of a tape, shared by the files that build, differentiate, plan and run it. */
#ifndef SAL_GRAPH_TAPE_PRIVATE_H
#define SAL_GRAPH_TAPE_PRIVATE_H

#include "op.h"

struct sal_tape {
    sal_context *ctx;
    sal_params *params;
    bool training;
    sal_node *nodes;
    int64_t count, capacity;
    sal_id *param_gradient; /* by parameter, SAL_NONE when none; set by sal_gradients */
    bool *wanted;           /* by node, valid while gradients are built */
    int64_t wanted_count;
    sal_status status;      /* of the first error */
};

/* Leaves (leaf.c). */
extern const sal_op sal_op_input, sal_op_parameter, sal_op_state, sal_op_constant;
/* A node that copies its input; gives a gradient a place of its own. */
sal_id sal__copy(sal_tape *t, sal_id x);
/* Index of a parameter; adds it when new. -1 after an error. */
int64_t sal__params_add(sal_params *params, sal_tape *t, const char *name, sal_shape shape, sal_init init, int64_t fan_in,
                        int64_t fan_out, bool is_state);

/* Where every node's value stands (plan.c). offset in reals from the arena's start, -1 for bound memory. */
typedef struct sal_plan {
    int64_t *offset;   /* by node */
    sal_id *root;      /* node whose memory a node uses (views and in-place), by node */
    int64_t *last_use; /* last node that reads the value, of a root the memory; INT64_MAX: kept; -1: not needed, not run */
    bool *passing;     /* by root: read only inside its group, image by image, and so kept only while a chunk of images passes: no place in the arena */
    sal_id *home;      /* on lanes, by root: the concat in whose memory it stands, from home_at on, or SAL_NONE */
    int64_t *home_at;
    int64_t size;      /* reals in the arena */
} sal_plan;

/* Whether a run evaluates node id; last as in mark_needed of plan.c. */
bool sal__runs(const sal_tape *t, const int64_t *last, sal_id id);
/* The node whose value id shows, through views. */
sal_id sal__source(const sal_tape *t, sal_id id);
/* Marks what depends on inputs and sets after and follows of every node of a tape that will run on lanes (plan_lanes.c). */
sal_status sal__lanes_join(sal_context *ctx, sal_tape *t, const int64_t *last);
/* Sets home and home_at; roots and last uses are known. */
void sal__lanes_homes(const sal_tape *t, const int64_t *last, const bool *bound, sal_plan *plan);
/* Whether an item of n reads input k only in its own image. */
bool sal__is_local(const sal_node *n, int32_t k);
/* Sets group_first and group_last of every node (group.c). */
void sal__group_nodes(sal_tape *t, const int64_t *last);
/* Whether a node of the group of id, before id, reads memory `root` at other images than its own. */
bool sal__group_reads_whole(const sal_tape *t, const sal_plan *plan, sal_id id, sal_id root);
/* `chunked`: nodes will run chunk by chunk, so that values may pass. */
sal_status sal__plan_new(sal_context *ctx, sal_tape *t, bool chunked, sal_plan *plan);
void sal__plan_clear(sal_context *ctx, sal_plan *plan);

#endif
