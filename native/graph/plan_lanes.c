/* plan_lanes.c - what a program on lanes does in one pass, and what it writes where a concat wants it.
 *
 * A dense layer takes what follows it (normalisation, ReLU, a sum) into its own pass where nobody else reads the values between: those have no memory.
 * A value that a concat only moves is written there in the first place: its home. The trap: a home lives as long as all that stands in it.
 */
#include "tape_private.h"

extern const sal_op sal_op_normalise, sal_op_relu, sal_op_add, sal_op_concat;

typedef struct reader {
    sal_id id;     /* the last one */
    int32_t count; /* outputs count twice: they are read after the run */
} reader;

static void find_readers(const sal_tape *t, const int64_t *last, reader *readers)
{
    for (sal_id i = 0; i < t->count; i++) {
        const sal_node *n = &t->nodes[i];
        if (n->is_output) readers[sal__source(t, i)].count += 2;
        for (int32_t k = 0; k < n->inputs && sal__runs(t, last, i); k++) {
            reader *r = &readers[sal__source(t, n->in[k])];
            r->id = i;
            r->count++;
        }
    }
}

/* Whether add node n sums `value`, made in the pass of node `first`, and something that exists by then. */
static bool sums_with_older(const sal_tape *t, const sal_node *n, sal_id value, sal_id first)
{
    sal_id a = sal__source(t, n->in[0]), b = sal__source(t, n->in[1]);
    if (a == b) return false;
    const sal_node *other = &t->nodes[a == value ? n->in[1] : n->in[0]], *made = &t->nodes[a == value ? b : a];
    int64_t samples = n->shape.dim[0];
    return (made->id < first || made->op->flags & SAL_OP_LEAF) && (other->batched ? other->count == n->count : other->count * samples == n->count);
}

/* The steps of a chain come in this order, each once. */
static int32_t step_of(const sal_node *n) { return n->op == &sal_op_normalise ? 1 : n->op == &sal_op_relu ? 2 : n->op == &sal_op_add ? 3 : 0; }

static void join_after(sal_tape *t, const int64_t *last, const reader *readers, sal_id first)
{
    sal_node *n = &t->nodes[first], *end = n;
    if (!n->op->lanes_takes || !sal__runs(t, last, first) || !n->batched) return;
    for (int32_t step = 0; readers[end->id].count == 1;) {
        sal_node *next = &t->nodes[readers[end->id].id];
        int32_t follows = step_of(next);
        if (follows <= step || !n->op->lanes_takes(n, next)) return;
        if (follows == 3 ? !sums_with_older(t, next, end->id, first) : sal__source(t, next->in[0]) != end->id) return;
        end->after = next->id;
        next->follows = first;
        end = next;
        step = follows;
    }
}

sal_status sal__lanes_join(sal_context *ctx, sal_tape *t, const int64_t *last)
{
    reader *readers = NULL;
    sal_status status = sal_allocate(ctx, t->count, sizeof *readers, &readers);
    if (status != SAL_STATUS_OK) return status;
    find_readers(t, last, readers);
    for (sal_id i = 0; i < t->count; i++) {
        sal_node *n = &t->nodes[i];
        n->after = n->follows = SAL_NONE;
        n->batched = n->op == &sal_op_input;
        for (int32_t k = 0; k < n->inputs; k++) n->batched |= t->nodes[n->in[k]].batched;
    }
    for (sal_id i = 0; i < t->count; i++) join_after(t, last, readers, i);
    sal_release(ctx, readers);
    return SAL_STATUS_OK;
}

/* Whether a node other than `id`, after it, writes the memory of root. */
static bool written_after(const sal_tape *t, const int64_t *last, const sal_plan *p, sal_id root, sal_id id)
{
    for (sal_id i = id + 1; i < t->count; i++) {
        if (p->root[i] == root && sal__runs(t, last, i)) return true;
    }
    return false;
}

/* The last node that reads the memory of root r or what stands in it. */
static int64_t last_read(const sal_tape *t, const sal_plan *p, sal_id r)
{
    int64_t last = p->last_use[r];
    for (sal_id i = 0; i < r; i++) { /* a home comes after what stands in it */
        int64_t inner = p->home[i] == r ? last_read(t, p, i) : -1;
        if (inner > last) last = inner;
    }
    return last;
}

/* Whether the value of node `from`, with its memory at root r, can stand in concat c. */
static bool may_stand_in(const sal_tape *t, const int64_t *last, const sal_plan *p, const bool *bound, sal_id r, sal_id from, sal_id c)
{
    if (bound[r] || p->home[r] != SAL_NONE || !t->nodes[from].batched || t->nodes[r].count != t->nodes[from].count) return false;
    return !written_after(t, last, p, r, from) && (last_read(t, p, r) <= c || !written_after(t, last, p, c, c));
}

void sal__lanes_homes(const sal_tape *t, const int64_t *last, const bool *bound, sal_plan *p)
{
    for (sal_id i = 0; i < t->count; i++) p->home[i] = SAL_NONE;
    for (sal_id c = 0; c < t->count; c++) {
        const sal_node *n = &t->nodes[c];
        if (n->op != &sal_op_concat || p->last_use[c] < 0 || p->root[c] != c || !n->batched) continue;
        int64_t pieces = 1, at = 0; /* of one piece, every input is one stretch of memory */
        for (int64_t k = 1; k < n->i[0]; k++) pieces *= n->shape.dim[k];
        for (int32_t k = 0; k < n->inputs && pieces == 1; at += t->nodes[n->in[k++]].count) {
            sal_id from = sal__source(t, n->in[k]), r = p->root[from];
            if (!may_stand_in(t, last, p, bound, r, from, c)) continue;
            p->home[r] = c;
            p->home_at[r] = at;
        }
    }
}
