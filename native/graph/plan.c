/* plan.c - where every value stands: lifetimes, in-place use, offsets in one arena.
 *
 * A node that nothing needs gets no memory and is not run. What a group of nodes touches lives as long as the group runs. Offsets are found greedily, the largest value first, at the lowest place
 * that is free during its life (Pisarchyk and Lee 2020, arXiv 2001.03288, "greedy by size").
 */
#include "tape_private.h"
#include <stdlib.h>

#define FOREVER INT64_MAX

enum { LARGE = 16 * 1024 }; /* reals: smaller values stay in the caches anyway */
static bool large(const sal_node *n) { return n->count >= LARGE; }

/* On lanes: a value between two steps of one pass, which is never written. */
static bool between_steps(const sal_tape *t, const sal_plan *p, sal_id id)
{
    sal_id end = id;
    while (t->nodes[end].after != SAL_NONE) end = t->nodes[end].after;
    return p->root[end] != id;
}

/* First and last node that need the memory of every root, with all that stands in it. */
static void find_lives(const sal_tape *t, const sal_plan *p, int64_t *first, int64_t *end)
{
    for (sal_id i = 0; i < t->count; i++) {
        sal_id begin = p->home && t->nodes[i].follows != SAL_NONE ? t->nodes[i].follows : i;
        first[i] = t->nodes[begin].group_first;
        end[i] = p->last_use[i] == FOREVER || p->last_use[i] < 0 ? p->last_use[i] : t->nodes[p->last_use[i]].group_last;
    }
    for (sal_id i = 0; p->home && i < t->count; i++) {
        sal_id home = p->home[i];
        if (home == SAL_NONE) continue;
        if (first[i] < first[home]) first[home] = first[i];
        if (end[i] > end[home]) end[home] = end[i];
    }
}

typedef struct interval {
    sal_id root;
    int64_t first, last, size, offset;
} interval;

static bool is_bound(const sal_tape *t, sal_id id)
{
    if (t->nodes[id].op->flags & SAL_OP_LEAF) return true;
    for (int64_t p = 0; t->param_gradient && p < sal_params_count(t->params); p++) {
        if (t->param_gradient[p] == id) return true;
    }
    return false;
}

/* last[id]: the last node that reads id; -1 when the node is not needed at all. */
static void mark_needed(const sal_tape *t, const bool *bound, int64_t *last)
{
    for (int64_t i = 0; i < t->count; i++) last[i] = -1;
    for (int64_t i = t->count - 1; i >= 0; i--) {
        const sal_node *n = &t->nodes[i];
        if (n->is_output || bound[i]) last[i] = FOREVER;
        if (last[i] < 0 && (n->keeps || (n->op->flags & SAL_OP_STATE))) last[i] = i;
        if (last[i] < 0) continue;
        for (int32_t k = 0; k < n->inputs; k++) {
            if (last[n->in[k]] < i) last[n->in[k]] = i;
        }
    }
}

/* Whether a value that is made in a group of several nodes is read there only, views of it included. */
static bool ends_in_group(const sal_tape *t, const int64_t *last, sal_id id)
{
    const sal_node *n = &t->nodes[id];
    int64_t end = last[id];
    for (sal_id v = id + 1; v <= n->group_last && v <= end; v++) {
        sal_id shown = v;
        while (t->nodes[shown].op->flags & SAL_OP_VIEW) shown = t->nodes[shown].in[0];
        if (shown == id && last[v] > end) end = last[v];
    }
    return n->group_first != n->group_last && end <= n->group_last;
}

static bool may_overwrite(const sal_tape *t, const sal_plan *p, const bool *bound, const int64_t *last, sal_id id)
{
    const sal_node *n = &t->nodes[id];
    if (!(n->op->flags & SAL_OP_INPLACE) || bound[id] || n->inputs < 1) return false;
    sal_id r = p->root[n->in[0]];
    if (bound[r] || p->last_use[r] != id || t->nodes[n->in[0]].count != n->count) return false;
    for (int32_t k = 1; k < n->inputs; k++) {
        if (p->root[n->in[k]] == r) return false;
    }
    if (p->passing && large(n) && t->nodes[r].group_first != n->group_first && ends_in_group(t, last, id)) return false; /* better to pass: nothing is written back */
    return !sal__group_reads_whole(t, p, id, r);
}

static void find_roots(const sal_tape *t, const bool *bound, const int64_t *last, sal_plan *p)
{
    for (sal_id i = 0; i < t->count; i++) {
        const sal_node *n = &t->nodes[i];
        p->root[i] = i;
        if (last[i] < 0) continue;
        if ((n->op->flags & SAL_OP_VIEW) && !bound[i]) p->root[i] = p->root[n->in[0]];
        else if (may_overwrite(t, p, bound, last, i)) p->root[i] = p->root[n->in[0]];
        sal_id r = p->root[i];
        if (p->last_use[r] < last[i]) p->last_use[r] = last[i];
    }
}

/* Whether the value of root id can pass, see sal_plan. */
static bool can_pass(const sal_tape *t, const sal_plan *p, const bool *bound, sal_id id)
{
    const sal_node *n = &t->nodes[id];
    if (p->root[id] != id || bound[id] || !sal__runs(t, p->last_use, id) || n->op->partial || n->op->flags & SAL_OP_STATE || !large(n)) return false;
    if (n->group_first == n->group_last || p->last_use[id] > n->group_last) return false;
    if (n->count % t->nodes[t->nodes[n->group_first].in[0]].shape.dim[0]) return false;
    for (sal_id j = id + 1; j <= n->group_last; j++) {
        const sal_node *reader = &t->nodes[j];
        for (int32_t k = 0; k < reader->inputs; k++) {
            bool view = (reader->op->flags & SAL_OP_VIEW) != 0;
            if (p->root[reader->in[k]] == id && !view && !sal__is_local(reader, k)) return false;
        }
    }
    return true;
}

static int by_size(const void *a, const void *b)
{
    const interval *x = a, *y = b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return x->first < y->first ? -1 : x->first > y->first;
}

static int by_offset(const void *a, const void *b)
{
    const interval *x = *(interval *const *)a, *y = *(interval *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Lowest offset at which v fits beside the `placed` intervals before it; `beside` is room for pointers. */
static int64_t lowest_offset(interval *all, int64_t placed, const interval *v, interval **beside)
{
    int64_t n = 0, offset = 0;
    for (int64_t k = 0; k < placed; k++) {
        if (all[k].first <= v->last && v->first <= all[k].last) beside[n++] = &all[k];
    }
    qsort(beside, (size_t)n, sizeof *beside, by_offset);
    for (int64_t k = 0; k < n; k++) {
        if (beside[k]->offset >= offset + v->size) break;
        int64_t end = beside[k]->offset + beside[k]->size;
        if (end > offset) offset = end;
    }
    return offset;
}

sal_status sal__plan_new(sal_context *ctx, sal_tape *t, bool chunked, sal_plan *p)
{
    sal_status status = SAL_STATUS_OK;
    bool *bound = NULL;
    int64_t *last = NULL, *first = NULL, *end = NULL, n = 0;
    interval *all = NULL, **beside = NULL;
    *p = (sal_plan){ 0 };
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *p->offset, &p->offset));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *p->root, &p->root));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *p->last_use, &p->last_use));
    if (chunked) SAL_TRY(sal_allocate(ctx, t->count, sizeof *p->passing, &p->passing));
    if (!chunked) SAL_TRY(sal_allocate(ctx, t->count, sizeof *p->home, &p->home));
    if (!chunked) SAL_TRY(sal_allocate(ctx, t->count, sizeof *p->home_at, &p->home_at));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *bound, &bound));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *first, &first));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *end, &end));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *last, &last));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *all, &all));
    SAL_TRY(sal_allocate(ctx, t->count, sizeof *beside, &beside));
    for (sal_id i = 0; i < t->count; i++) {
        bound[i] = is_bound(t, i);
        p->last_use[i] = -1;
        p->offset[i] = -1;
    }
    mark_needed(t, bound, last);
    sal__group_nodes(t, last);
    if (!chunked) SAL_TRY(sal__lanes_join(ctx, t, last));
    find_roots(t, bound, last, p);
    if (!chunked) sal__lanes_homes(t, last, bound, p);
    find_lives(t, p, first, end);
    for (sal_id i = 0; i < t->count && chunked; i++) p->passing[i] = can_pass(t, p, bound, i);
    for (sal_id i = 0; i < t->count; i++) {
        if (p->root[i] != i || bound[i] || last[i] < 0) continue;
        if (chunked ? p->passing[i] : p->home[i] != SAL_NONE || between_steps(t, p, i)) continue;
        all[n++] = (interval){ i, first[i], end[i], (t->nodes[i].count + 15) / 16 * 16, 0 };
    }
    qsort(all, (size_t)n, sizeof *all, by_size);
    for (int64_t k = 0; k < n; k++) {
        all[k].offset = lowest_offset(all, k, &all[k], beside);
        p->offset[all[k].root] = all[k].offset;
        if (all[k].offset + all[k].size > p->size) p->size = all[k].offset + all[k].size;
    }
    for (sal_id i = 0; i < t->count; i++) {
        if (last[i] < 0 || p->root[i] != i) p->last_use[i] = last[i]; /* -1: nothing needs the node, it is not run */
    }
done:
    sal_release(ctx, bound);
    sal_release(ctx, last);
    sal_release(ctx, first);
    sal_release(ctx, end);
    sal_release(ctx, all);
    sal_release(ctx, beside);
    if (status != SAL_STATUS_OK) sal__plan_clear(ctx, p);
    return status;
}

void sal__plan_clear(sal_context *ctx, sal_plan *p)
{
    sal_release(ctx, p->offset);
    sal_release(ctx, p->root);
    sal_release(ctx, p->last_use);
    sal_release(ctx, p->passing);
    sal_release(ctx, p->home);
    sal_release(ctx, p->home_at);
    *p = (sal_plan){ 0 };
}
