/* op.h - what an operation of the tape is made of; included by the files of graph/ops and the engine only.
 *
 * An op file is complete in itself: head comment with the equation, `shape` (all that can fail), `eval` on items [lo, hi) (cannot
 * fail, allocates nothing), `grad` (appends nodes), descriptor, builder. One line in ops/ops.def makes it known.
 */
#ifndef SAL_GRAPH_OP_H
#define SAL_GRAPH_OP_H

#include "tape.h"

#define SAL_INPUTS_MAX 16
#define SAL_ATTRIBUTES_MAX 16

typedef struct sal_op sal_op;
typedef struct sal_node sal_node;
typedef struct sal_run sal_run;

struct sal_node {
    const sal_op *op;
    sal_id id;
    sal_id in[SAL_INPUTS_MAX];
    int32_t inputs;
    sal_shape shape;
    int64_t count; /* elements of shape */
    int64_t i[SAL_ATTRIBUTES_MAX];
    double f[4];
    int32_t param;      /* index into params, or -1 */
    char *name;         /* of an input or output, or NULL */
    bool is_output, keeps, wants_gradient;
    /* set by prepare and the planner */
    void *plan;         /* what prepare made, freed by unprepare */
    int64_t items, chunks, partial; /* partial: reals per chunk */
    int64_t units, partial_begin;   /* chunks are cut between units of items / units items; where the partials begin */
    sal_id group_first, group_last; /* nodes that run chunk by chunk together with this one */
    int64_t scratch_bytes;          /* per worker */
    bool absorbed;                  /* its readers do its work while they read its input: it is not evaluated */
    sal_id after;                   /* on lanes: the node that is computed in the same pass as this one, or SAL_NONE */
    sal_id follows;                 /* on lanes: the node in whose pass this one is computed, or SAL_NONE */
    bool batched;                   /* depends on an input: its first dimension counts samples (programs on lanes) */
};

enum {
    SAL_OP_INPLACE = 1 << 0, /* the output may overwrite input 0 when nothing reads it later (same count) */
    SAL_OP_VIEW = 1 << 1,    /* the output is the memory of input 0 under another shape: eval is never called */
    SAL_OP_KINK = 1 << 2,    /* not differentiable everywhere: the gradient check stays away from kinks */
    SAL_OP_RANDOM = 1 << 3,  /* depends on (seed, step) */
    SAL_OP_STATE = 1 << 4,   /* writes a state array in place (input 0), never reordered or dropped */
    SAL_OP_CHEAP = 1 << 6,   /* computed again for the way back rather than kept */
    SAL_OP_LEAF = 1 << 5     /* input, parameter, state, constant: memory is bound, eval is never called in a run */
};

/* One run, as seen from one chunk. */
struct sal_run {
    real *const *data;         /* by node id */
    const sal_node *nodes;
    uint64_t seed, step;
    int64_t chunk;             /* this chunk, 0 .. n->chunks - 1 */
    int32_t worker;
    real *partials;            /* (chunks, partial) of the node */
    char *scratch;             /* scratch_bytes of this worker */
};

struct sal_op {
    const char *name;
    int32_t n_in; /* -1: any number up to SAL_INPUTS_MAX */
    uint32_t flags;
    uint32_t local; /* bit k: item i reads input k only in the image (first dimension) of item i; 0: not known, never grouped */
    /* Checks inputs and attributes, sets n->shape. Fails through sal__shape_fail. */
    sal_status (*shape)(sal_tape *t, sal_node *n);
    /* Number of independent items; NULL: one item per element (n->count). */
    int64_t (*items)(const sal_tape *t, const sal_node *n);
    /* Rough arithmetic operations of one item, for cutting chunks; NULL: 4. */
    double (*work)(const sal_tape *t, const sal_node *n);
    /* Reals per chunk for reductions over items; NULL: none. With partials, eval writes sal__partial(r, n) of its chunk (not cleared
     * before) and finish combines them in chunk order into the output. */
    int64_t (*partial)(const sal_tape *t, const sal_node *n);
    int64_t (*scratch)(const sal_tape *t, const sal_node *n); /* bytes per worker; called after prepare; NULL: none */
    sal_status (*prepare)(sal_context *ctx, const sal_tape *t, sal_node *n); /* makes n->plan; NULL: nothing to do */
    void (*unprepare)(sal_context *ctx, sal_node *n);
    void (*before)(const sal_run *r, const sal_node *n); /* runs once, before the chunks; NULL: nothing */
    void (*eval)(const sal_run *r, const sal_node *n, int64_t lo, int64_t hi);
    void (*finish)(const sal_run *r, const sal_node *n); /* runs once, after the chunks; NULL: nothing */
    /* Whether node n does the work of a `normalise` of input 0 itself, in a program where that is n's input (n->plan is made). NULL: never. */
    bool (*absorbs)(const sal_node *n);
    /* The whole node with samples innermost (sal_program_new_lanes): batched values are (rest, n) instead of (n, rest), others as always.
     * NULL: cannot, unless the op is a view or works element by element (items NULL), which is the same in both layouts. */
    void (*lanes)(const sal_run *r, const sal_node *n);
    bool (*lanes_fits)(const sal_node *x, const sal_node *w, const sal_node *n); /* inputs 0 and 1; NULL: always */
    /* Whether a node can do `next`, the only reader of the value so far, in the same pass; its lanes then ask n->after. NULL: never. */
    bool (*lanes_takes)(const sal_node *n, const sal_node *next);
    int64_t (*lanes_scratch)(const sal_node *const *in, const sal_node *n); /* bytes; NULL: none */
    /* Appends d loss / d input k as gx[k] for the inputs sal__wants; entries start as SAL_NONE, which means zero. NULL: no gradient. */
    void (*grad)(sal_tape *t, sal_id y, sal_id gy, sal_id gx[]);
};

static inline const real *sal__in(const sal_run *r, const sal_node *n, int32_t k) { return r->data[n->in[k]]; }
static inline real *sal__out(const sal_run *r, const sal_node *n) { return r->data[n->id]; }
static inline real *sal__partial(const sal_run *r, const sal_node *n) { return r->partials + r->chunk * n->partial; }
/* First item of a chunk. */
static inline int64_t sal__chunk_begin(const sal_node *n, int64_t chunk)
{
    return sal_chunk_begin(n->units, n->chunks, chunk) * (n->items / n->units);
}
static inline const sal_node *sal__in_node(const sal_run *r, const sal_node *n, int32_t k) { return &r->nodes[n->in[k]]; }

/* Appends a node: fills op, inputs and attributes in `draft`, calls shape. Returns SAL_NONE after an error or when an input is SAL_NONE. */
sal_id sal__append(sal_tape *t, const sal_op *op, const sal_id *in, int32_t inputs, const int64_t *i, int32_t n_i, const double *f,
                   int32_t n_f);
/* Common cases without and with integer attributes: sal__op1(t, &op, x). */
sal_id sal__op1(sal_tape *t, const sal_op *op, sal_id a);
sal_id sal__op2(sal_tape *t, const sal_op *op, sal_id a, sal_id b);
/* x for the way back: a second node like it where that is cheaper than keeping it (SAL_OP_CHEAP), else x itself. */
sal_id sal__again(sal_tape *t, sal_id x);
const sal_node *sal__node(const sal_tape *t, sal_id id);
sal_node *sal__node_edit(sal_tape *t, sal_id id);
const sal_shape *sal__shape_in(const sal_tape *t, const sal_node *n, int32_t k);
/* Whether anything needs the gradient of node id. */
bool sal__wants(const sal_tape *t, sal_id id);
/* Shape of the output = shape of input k. */
sal_status sal__shape_like(sal_tape *t, sal_node *n, int32_t k);
/* Records "<op> (node 12): <message>" and returns SHAPE. */
sal_status sal__shape_fail(sal_tape *t, const sal_node *n, const char *format, ...) SAL_PRINTF(3, 4);
int64_t sal__items_rows(const sal_tape *t, const sal_node *n);  /* product of all but the last dimension of the output */
int64_t sal__items_first(const sal_tape *t, const sal_node *n); /* first dimension of the output */
int64_t sal__items_rows_in(const sal_tape *t, const sal_node *n);  /* the same of input 0 */
int64_t sal__items_first_in(const sal_tape *t, const sal_node *n);
int64_t sal__items_one(const sal_tape *t, const sal_node *n);
/* Adds the partials in chunk order into out (n->partial reals): the usual finish. */
void sal__finish_sum(const sal_run *r, const sal_node *n);

/* The line of a normalise node: y = a x + b, with a ReLU if n->i[0]; a and b (channels). */
void sal__normalise_line(const sal_run *r, const sal_node *n, real *a, real *b);

/* What a dense layer or convolution does in the same pass: the chain of nodes from n->after on; scratch as sal__after_scratch. (normalise.c) */
struct sal_lanes_after;
bool sal__after_takes(const sal_node *n, const sal_node *next); /* a ReLU, or a normalisation with or without one */
bool sal__after_adds(const sal_node *n, const sal_node *next);  /* a sum with a parameter or another value */
int64_t sal__after_scratch(const sal_node *const *in, const sal_node *n);
/* Returns where the result belongs: the value of the last node of the chain. */
real *sal__after_of(const sal_run *r, const sal_node *n, struct sal_lanes_after *after);

/* Every op by name; the list of ops/ops.def. */
const sal_op *sal_op_find(const char *name);
int64_t sal_op_count(void);
const sal_op *sal_op_at(int64_t i);

#endif
