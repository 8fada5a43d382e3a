/* program_prepare.c - cuts a planned tape into groups and chunks, finds what passes and what is absorbed, and lays out what a run needs. */
#include "program_private.h"

#include "tensor/simd.h"

extern const sal_op sal_op_normalise;

enum { CHUNKS_MAX = 64, CHUNKS_LEAST = 16, PARTIALS_MAX = 1 << 20 };
static const double chunk_work = 60000; /* operations that are worth a chunk of their own: about 15 us */

/* Chunks of images that fit a second-level cache want to be many; large partials cost memory, and adding them up takes time. */
static int64_t most_chunks(int64_t partial)
{
    int64_t most = partial > 0 ? PARTIALS_MAX / partial : CHUNKS_MAX;
    return most < CHUNKS_LEAST ? CHUNKS_LEAST : most > CHUNKS_MAX ? CHUNKS_MAX : most;
}

/* Cuts the group that begins with node `first`; returns the reals of its partials. */
static int64_t cut(sal_tape *t, const int64_t *last_use, sal_id first)
{
    sal_id last = t->nodes[first].group_last;
    int64_t most = CHUNKS_MAX, partials = 0, units = first == last ? INT64_MAX : t->nodes[t->nodes[first].in[0]].shape.dim[0];
    double work = 0;
    for (sal_id i = first; i <= last; i++) {
        sal_node *n = &t->nodes[i];
        if (!sal__runs(t, last_use, i)) continue;
        n->items = n->op->items ? n->op->items(t, n) : n->count;
        n->partial = n->op->partial ? n->op->partial(t, n) : 0;
        n->units = first == last ? n->items : units;
        work += (double)n->items * (n->op->work ? n->op->work(t, n) : 4);
        if (most > most_chunks(n->partial)) most = most_chunks(n->partial);
    }
    int64_t chunks = (int64_t)(work / chunk_work) + 1;
    if (chunks > most) chunks = most;
    for (sal_id i = first; i <= last; i++) {
        sal_node *n = &t->nodes[i];
        if (!sal__runs(t, last_use, i)) continue;
        if (n->units < 1) n->units = 1;
        n->chunks = chunks < n->units ? chunks : n->units;
        n->partial_begin = partials;
        partials += n->partial * n->chunks;
    }
    return partials;
}

/* Lays out the values that pass through the group of `first`, each with room for its largest chunk. */
static void place_passing(sal_program *p, sal_id first)
{
    const sal_node *nodes = p->tape->nodes;
    int64_t size = 0;
    for (sal_id i = first; i <= nodes[first].group_last; i++) {
        const sal_node *n = &nodes[i];
        if (!p->plan.passing[i]) continue;
        p->passing_at[i] = size;
        size += ((n->units + n->chunks - 1) / n->chunks * (n->count / n->units) + 15) / 16 * 16;
    }
    if (size > p->passing_size) p->passing_size = size;
}

/* Refuses what cannot run with samples innermost. */
sal_status sal__program_prepare_lanes(sal_program *p)
{
    sal_tape *t = p->tape;
    int64_t samples = 0;
    if (t->training) return sal_fail(p->ctx, SAL_STATUS_ARGUMENT, "a tape for training does not run on lanes");
    for (int64_t i = 0; i < t->count; i++, p->prepared++) {
        sal_node *n = &t->nodes[i];
        if (n->op == &sal_op_input) {
            if (!samples) samples = n->shape.dim[0];
            if (n->shape.rank < 1 || n->shape.dim[0] != samples || samples % SAL_LANES)
                return sal_fail(p->ctx, SAL_STATUS_ARGUMENT, "input \"%s\" does not have %lld samples, a multiple of %d, in its first dimension", n->name,
                                (long long)samples, (int)SAL_LANES);
        }
        bool view = (n->op->flags & SAL_OP_VIEW) != 0;
        if (p->plan.last_use[i] < 0 || n->op->flags & SAL_OP_LEAF || (view && !n->batched)) continue;
        bool fits = !n->op->lanes ? view || !n->op->items : !n->op->lanes_fits || n->op->lanes_fits(&t->nodes[n->in[0]], &t->nodes[n->in[1]], n);
        if (!fits) return sal_fail(p->ctx, SAL_STATUS_ARGUMENT, "op %s (node %d) has no form on lanes", n->op->name, n->id);
        if (!n->batched || n->shape.rank < 1 || n->shape.dim[0] != samples)
            return sal_fail(p->ctx, SAL_STATUS_ARGUMENT, "op %s (node %d) does not keep samples in its first dimension", n->op->name, n->id);
        const sal_node *in[SAL_INPUTS_MAX];
        for (int32_t k = 0; k < n->inputs; k++) in[k] = &t->nodes[n->in[k]];
        int64_t bytes = n->op->lanes_scratch ? n->op->lanes_scratch(in, n) : 0;
        if (bytes > p->scratch_bytes) p->scratch_bytes = bytes;
        if (view || n->follows != SAL_NONE) continue;
        p->schedule[p->scheduled++] = (sal_id)i;
    }
    return SAL_STATUS_OK;
}

/* A normalisation that passes is left to its readers where all of them can do it while they read: it is then never written. */
static void absorb(sal_program *p)
{
    sal_tape *t = p->tape;
    for (sal_id i = 0; i < t->count; i++) {
        sal_node *n = &t->nodes[i];
        n->absorbed = n->op == &sal_op_normalise && p->plan.passing[i];
        for (sal_id j = i + 1; j <= n->group_last && n->absorbed; j++) {
            const sal_node *reader = &t->nodes[j];
            for (int32_t k = 0; k < reader->inputs; k++) {
                bool takes = k == 0 && reader->in[k] == i && reader->op->absorbs && reader->op->absorbs(reader);
                if (p->plan.root[reader->in[k]] == i && !takes) n->absorbed = false;
            }
        }
    }
}

sal_status sal__program_prepare(sal_program *p)
{
    sal_tape *t = p->tape;
    for (int64_t i = 0; i < t->count; i++, p->prepared++) {
        sal_node *n = &t->nodes[i];
        if (!sal__runs(t, p->plan.last_use, (sal_id)i)) continue;
        if (n->group_first == i) {
            int64_t partials = cut(t, p->plan.last_use, (sal_id)i);
            if (partials > p->partial_size) p->partial_size = partials;
            place_passing(p, (sal_id)i);
        }
        if (n->op->prepare) {
            sal_status status = n->op->prepare(p->ctx, t, n);
            if (status != SAL_STATUS_OK) return status;
        }
        n->scratch_bytes = n->op->scratch ? n->op->scratch(t, n) : 0;
        if (n->scratch_bytes > p->scratch_bytes) p->scratch_bytes = n->scratch_bytes;
        p->schedule[p->scheduled++] = (sal_id)i;
    }
    p->scratch_bytes = (p->scratch_bytes + 63) / 64 * 64;
    absorb(p);
    return SAL_STATUS_OK;
}
