/* group.c - which nodes run one after another on the same images, so that a value is read while it is still in the cache.
 *
 * A group is a run of scheduled nodes. Each reads what the group makes only at its own images (op->local says through which inputs), so
 * chunks of images go through the whole group without waiting for each other. A sum over images, such as `moments`, may be made
 * in a group but not read there. The trap: memory that a node of a group frees is in use until the group ends (plan.c).
 */
#include "tape_private.h"

bool sal__runs(const sal_tape *t, const int64_t *last, sal_id id)
{
    return last[id] >= 0 && !(t->nodes[id].op->flags & (SAL_OP_LEAF | SAL_OP_VIEW));
}

bool sal__is_local(const sal_node *n, int32_t k) { return n->op->local >> k & 1; }

sal_id sal__source(const sal_tape *t, sal_id id)
{
    while (t->nodes[id].op->flags & SAL_OP_VIEW) id = t->nodes[id].in[0];
    return id;
}

static int64_t items_of(const sal_tape *t, const sal_node *n) { return n->op->items ? n->op->items(t, n) : n->count; }

/* Number of images that n can be cut into; 0: it is not local. */
static int64_t images_of(const sal_tape *t, const sal_node *n)
{
    if (!n->op->local) return 0;
    int64_t images = t->nodes[n->in[0]].shape.dim[0];
    for (int32_t k = 1; k < n->inputs; k++) {
        if (sal__is_local(n, k) && t->nodes[n->in[k]].shape.dim[0] != images) return 0;
    }
    return images > 1 && items_of(t, n) % images == 0 ? images : 0;
}

/* Whether n reads what nodes from `first` on make only at its own images. */
static bool fits(const sal_tape *t, const int64_t *last, const sal_node *n, sal_id first, int64_t images)
{
    for (int32_t k = 0; k < n->inputs; k++) {
        sal_id s = sal__source(t, n->in[k]);
        if (s < first || !sal__runs(t, last, s)) continue;
        if (!sal__is_local(n, k) || t->nodes[s].op->partial || t->nodes[s].shape.dim[0] != images) return false;
    }
    return true;
}

void sal__group_nodes(sal_tape *t, const int64_t *last)
{
    sal_id first = SAL_NONE, latest = SAL_NONE; /* of the open group */
    int64_t images = 0;
    for (sal_id i = 0; i < t->count; i++) {
        sal_node *n = &t->nodes[i];
        n->group_first = n->group_last = i;
        if (!sal__runs(t, last, i)) continue;
        int64_t own = images_of(t, n);
        if (!images || own != images || !fits(t, last, n, first, images)) {
            first = i;
            images = own;
        }
        n->group_first = first;
        latest = i;
        for (sal_id k = first; k <= latest; k++) {
            if (t->nodes[k].group_first == first) t->nodes[k].group_last = latest;
        }
    }
}

bool sal__group_reads_whole(const sal_tape *t, const sal_plan *plan, sal_id id, sal_id root)
{
    for (sal_id i = t->nodes[id].group_first; i < id; i++) {
        const sal_node *n = &t->nodes[i];
        if (n->group_first != t->nodes[id].group_first) continue;
        for (int32_t k = 0; k < n->inputs; k++) {
            if (!sal__is_local(n, k) && plan->root[n->in[k]] == root) return true;
        }
    }
    return false;
}
