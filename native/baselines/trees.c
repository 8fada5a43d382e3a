/* trees.c - flat trees: checks, evaluation, file.
 *
 * 64 samples walk a tree together, level by level, until none moves: independent steps that the processor overlaps, where one sample after the
 * other would wait for memory at every node. All trees pass over a block before the next block, so that covariates stay in the cache.
 */
#include "trees.h"
#include "tensor/simd.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WALK = 64 };
static const int64_t most_nodes = (int64_t)1 << 30;

sal_status sal_trees_new(sal_context *ctx, int64_t count, int64_t nodes, int64_t p, sal_trees **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_trees *t = NULL;
    *out = NULL;
    SAL_TRY(sal_allocate(ctx, 1, sizeof *t, &t));
    *t = (sal_trees){.ctx = ctx, .count = count, .nodes = nodes, .p = p};
    SAL_TRY(sal_allocate(ctx, count + 1, sizeof *t->first, &t->first));
    SAL_TRY(sal_allocate(ctx, nodes, sizeof *t->feature, &t->feature));
    SAL_TRY(sal_allocate(ctx, nodes, sizeof *t->left, &t->left));
    SAL_TRY(sal_allocate(ctx, nodes, sizeof *t->missing_right, &t->missing_right));
    SAL_TRY(sal_allocate(ctx, nodes, sizeof *t->value, &t->value));
    SAL_TRY(sal_allocate(ctx, nodes, sizeof *t->cover, &t->cover));
    SAL_TRY(sal_allocate(ctx, nodes, sizeof *t->step, &t->step));
    SAL_TRY(sal_allocate(ctx, nodes, sizeof *t->link, &t->link));
    SAL_TRY(sal_allocate(ctx, nodes, sizeof *t->threshold, &t->threshold));
    SAL_TRY(sal_allocate(ctx, count, sizeof *t->depth, &t->depth));
    *out = t;
    t = NULL;
done:
    sal_trees_free(t);
    return status;
}

void sal_trees_free(sal_trees *t)
{
    if (!t) return;
    void *own[] = {t->first, t->feature, t->left, t->missing_right, t->value, t->cover, t->step, t->link, t->threshold, t->depth};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sal_release(t->ctx, own[i]);
    sal_release(t->ctx, t);
}

static sal_status refuse(const sal_trees *t, const char *what, int64_t tree, int64_t node)
{
    return sal_fail(t->ctx, SAL_STATUS_DATA, "%s: node %lld of tree %lld does not make sense; train the model again", what, (long long)node, (long long)tree);
}

/* One tree: every child belongs to one parent that stands before it, numbers are finite. */
static sal_status finish_tree(sal_trees *t, const char *what, int64_t tree)
{
    int64_t at = t->first[tree], n = t->first[tree + 1] - at, next = 1;
    int32_t depth = 0, level_end = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t k = at + i;
        bool leaf = t->feature[k] < 0;
        if (i >= next) return refuse(t, what, tree, i); /* no parent */
        if (!isfinite(t->value[k]) || t->feature[k] >= t->p || t->feature[k] < -1 || t->missing_right[k] > 1) return refuse(t, what, tree, i);
        if (!leaf && (t->left[k] != next || next + 1 >= n)) return refuse(t, what, tree, i);
        next += leaf ? 0 : 2;
        t->step[k] = leaf ? (int32_t)i : t->left[k];
        t->link[k] = leaf ? 0 : 2 * t->feature[k] + t->missing_right[k];
        t->threshold[k] = leaf ? INFINITY : t->value[k];
        if (i == level_end && i + 1 < n) { /* breadth first: the last node of a level has seen all of the next */
            depth++;
            level_end = (int32_t)next - 1;
        }
    }
    if (next != n) return refuse(t, what, tree, n - 1);
    t->depth[tree] = depth;
    return SAL_STATUS_OK;
}

sal_status sal_trees_finish(sal_trees *t, const char *what)
{
    sal_status status = SAL_STATUS_OK;
    if (t->count < 1 || t->first[0] != 0 || t->first[t->count] != t->nodes)
        return sal_fail(t->ctx, SAL_STATUS_DATA, "%s: its trees do not add up to its %lld nodes; train the model again", what, (long long)t->nodes);
    for (int64_t i = 0; i < t->count; i++) {
        if (t->first[i + 1] <= t->first[i] || t->first[i + 1] > t->nodes) return refuse(t, what, i, 0);
        SAL_TRY(finish_tree(t, what, i));
    }
done:
    return status;
}

sal_status sal_trees_join(sal_context *ctx, sal_trees *const *list, int64_t n, float factor, sal_trees **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_trees *t = NULL;
    int64_t count = 0, nodes = 0;
    *out = NULL;
    for (int64_t i = 0; i < n; i++) count += list[i]->count, nodes += list[i]->nodes;
    SAL_TRY(sal_trees_new(ctx, count, nodes, list[0]->p, &t));
    count = nodes = 0;
    for (int64_t i = 0; i < n; i++) {
        const sal_trees *from = list[i];
        for (int64_t k = 0; k <= from->count; k++) t->first[count + k] = nodes + from->first[k];
        for (int64_t k = 0; k < from->nodes; k++) t->value[nodes + k] = from->feature[k] < 0 ? from->value[k] * factor : from->value[k];
        memcpy(t->feature + nodes, from->feature, (size_t)from->nodes * sizeof *t->feature);
        memcpy(t->left + nodes, from->left, (size_t)from->nodes * sizeof *t->left);
        memcpy(t->missing_right + nodes, from->missing_right, (size_t)from->nodes);
        memcpy(t->cover + nodes, from->cover, (size_t)from->nodes * sizeof *t->cover);
        count += from->count, nodes += from->nodes;
    }
    SAL_TRY(sal_trees_finish(t, "trees"));
    *out = t;
    t = NULL;
done:
    sal_trees_free(t);
    return status;
}

/* ---- evaluation ---- */

/* WALK samples from the root to their leaves. */
SAL_CLONES static void walk(const float *block, int64_t lanes, const float *threshold, const int32_t *link, const int32_t *step, int32_t depth, const float *value, float *sum)
{
    int32_t at[WALK] = {0};
    for (int32_t d = 0; d < depth; d++) {
        int32_t moved = 0;
        for (int32_t i = 0; i < WALK; i++) {
            int32_t k = at[i], next;
            next = step[k] + (block[(int64_t)(link[k] >> 1) * lanes + i] >= threshold[k]);
            moved |= next ^ k;
            at[i] = next;
        }
        if (!moved) break;
    }
    for (int32_t i = 0; i < WALK; i++) sum[i] += value[at[i]];
}

/* The same where values are missing. At a leaf nothing is >= infinity, and link says that a missing value stays. */
SAL_CLONES static void walk_gaps(const float *block, int64_t lanes, const float *threshold, const int32_t *link, const int32_t *step, int32_t depth, const float *value, float *sum)
{
    int32_t at[WALK] = {0};
    for (int32_t d = 0; d < depth; d++) {
        int32_t moved = 0;
        for (int32_t i = 0; i < WALK; i++) {
            int32_t k = at[i];
            float v = block[(int64_t)(link[k] >> 1) * lanes + i];
            int32_t next = step[k] + (v != v ? link[k] & 1 : v >= threshold[k]);
            moved |= next ^ k;
            at[i] = next;
        }
        if (!moved) break;
    }
    for (int32_t i = 0; i < WALK; i++) sum[i] += value[at[i]];
}

void sal_trees_predict(const sal_trees *t, int64_t lanes, float *block, float *sum)
{
    bool gaps = false;
    for (int64_t i = 0; i < t->p * lanes; i++) {
        bool finite = fabsf(block[i]) < INFINITY;
        block[i] = finite ? block[i] : NAN;
        gaps |= !finite;
    }
    memset(sum, 0, (size_t)lanes * sizeof *sum);
    for (int64_t k = 0; k < t->count; k++) {
        int64_t at = t->first[k];
        for (int64_t i = 0; i < lanes; i += WALK)
            (gaps ? walk_gaps : walk)(block + i, lanes, t->threshold + at, t->link + at, t->step + at, t->depth[k], t->value + at, sum + i);
    }
}

/* ---- file ---- */

enum { FIELDS = 5 }; /* feature, left child, missing_right, value, cover: whole numbers below 2^24 are exact in a float */

sal_status sal_trees_store(const sal_trees *t, sal_tensors *tensors, const char *prefix)
{
    sal_status status = SAL_STATUS_OK;
    char name[96];
    float *rows = NULL;
    int64_t dims[2] = {t->nodes, FIELDS}, ends = t->count + 1;
    SAL_TRY(sal_allocate(t->ctx, t->nodes * FIELDS, sizeof *rows, &rows));
    for (int64_t k = 0; k < t->nodes; k++) {
        float *row = rows + k * FIELDS;
        row[0] = (float)t->feature[k], row[1] = (float)t->left[k], row[2] = (float)t->missing_right[k], row[3] = t->value[k], row[4] = t->cover[k];
    }
    snprintf(name, sizeof name, "%strees", prefix);
    SAL_TRY(sal_tensors_add(tensors, name, SAL_TENSOR_I64, 1, &ends, t->first, true));
    snprintf(name, sizeof name, "%snodes", prefix);
    SAL_TRY(sal_tensors_add(tensors, name, SAL_TENSOR_F32, 2, dims, rows, true));
done:
    sal_release(t->ctx, rows);
    return status;
}

/* A whole number in [low, high] from a file; what is none becomes high + 1, which finish refuses. */
static int32_t whole(float v, int32_t low, int32_t high) { return v >= (float)low && v <= (float)high && v == rintf(v) ? (int32_t)v : high + 1; }

sal_status sal_trees_restore(sal_context *ctx, int64_t p, const sal_tensors *tensors, const char *prefix, const char *what, sal_trees **out)
{
    sal_status status = SAL_STATUS_OK;
    sal_trees *t = NULL;
    char name[96];
    const int64_t *first;
    const float *rows;
    int64_t any = -1, dims[2] = {-1, FIELDS};
    *out = NULL;
    snprintf(name, sizeof name, "%strees", prefix);
    SAL_TRY(sal_tensors_require(tensors, name, SAL_TENSOR_I64, 1, &any, (const void **)&first));
    int64_t count = sal_tensors_find(tensors, name)->count - 1;
    snprintf(name, sizeof name, "%snodes", prefix);
    SAL_TRY(sal_tensors_require(tensors, name, SAL_TENSOR_F32, 2, dims, (const void **)&rows));
    int64_t nodes = sal_tensors_find(tensors, name)->dims[0];
    if (count < 1 || nodes < count || nodes > most_nodes)
        return sal_fail(ctx, SAL_STATUS_DATA, "%s has %lld trees with %lld nodes, which cannot be; train the model again", what, (long long)count, (long long)nodes);
    SAL_TRY(sal_trees_new(ctx, count, nodes, p, &t));
    memcpy(t->first, first, (size_t)(count + 1) * sizeof *first);
    for (int64_t k = 0; k < nodes; k++, rows += FIELDS) {
        t->feature[k] = whole(rows[0], -1, (int32_t)p - 1);
        t->left[k] = whole(rows[1], 0, (1 << 24) - 1);
        t->missing_right[k] = (uint8_t)whole(rows[2], 0, 1);
        t->value[k] = rows[3];
        t->cover[k] = isfinite(rows[4]) && rows[4] >= 0 ? rows[4] : NAN;
        if (isnan(t->cover[k])) SAL_TRY(sal_fail(ctx, SAL_STATUS_DATA, "%s: node %lld does not make sense; train the model again", what, (long long)k));
    }
    SAL_TRY(sal_trees_finish(t, what));
    *out = t;
    t = NULL;
done:
    sal_trees_free(t);
    return status;
}
