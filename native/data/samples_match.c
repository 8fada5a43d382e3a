/* samples_match.c - which stack and which pixel a sample belongs to. Names of campaigns come before dates, dates
 * before position; several stacks of the nearest date (tiles) are told apart by position. Samples end in the CRS of
 * the first stack, so that distances between them are metres whatever the layer was in.
 */
#include "date.h"
#include "samples_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t largest_gap_days = 183;

typedef struct matcher {
    sal_context *ctx;
    sal_samples *samples;
    sal_stack *const *stacks;
    int64_t n;
    double *x, *y; /* (stack, sample) in the CRS of each stack */
    enum { BY_ONE, BY_NAME, BY_DATE, BY_PLACE } rule;
    int64_t gap;
} matcher;

void sal__samples_compact(sal_samples *samples)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < samples->count; i++)
        if (samples->items[i].fid != INT64_MIN) samples->items[kept++] = samples->items[i];
    samples->count = kept;
}

static sal_status project_to_all(matcher *m)
{
    int64_t count = m->samples->count;
    sal_status status = sal_allocate(m->ctx, m->n * count, sizeof *m->x, &m->x);
    if (status == SAL_STATUS_OK) status = sal_allocate(m->ctx, m->n * count, sizeof *m->y, &m->y);
    for (int64_t k = 0; k < m->n && status == SAL_STATUS_OK; k++) {
        double *x = m->x + k * count, *y = m->y + k * count;
        const char *wkt = sal_stack_grid(m->stacks[k])->wkt;
        for (int64_t i = 0; i < count; i++) {
            x[i] = m->samples->items[i].x;
            y[i] = m->samples->items[i].y;
        }
        if (k && !strcmp(wkt, sal_stack_grid(m->stacks[k - 1])->wkt)) {
            memcpy(x, x - count, (size_t)count * sizeof *x);
            memcpy(y, y - count, (size_t)count * sizeof *y);
        } else {
            status = sal_points_transform(m->ctx, m->samples->wkt, wkt, count, x, y);
        }
    }
    return status;
}

static bool inside(const matcher *m, int64_t k, int64_t i, int32_t *column, int32_t *row)
{
    const sal_grid *grid = sal_stack_grid(m->stacks[k]);
    double c, r;
    sal_grid_locate(grid, m->x[k * m->samples->count + i], m->y[k * m->samples->count + i], &c, &r);
    c = floor(c);
    r = floor(r);
    if (!(c >= 0 && c < (double)grid->columns && r >= 0 && r < (double)grid->rows)) return false;
    *column = (int32_t)c;
    *row = (int32_t)r;
    return true;
}

static bool is_campaign(const matcher *m, const char *label)
{
    for (int64_t k = 0; k < m->n; k++)
        if (!strcmp(label, sal_stack_campaign(m->stacks[k]))) return true;
    return false;
}

static sal_status unreadable_date(const matcher *m, const sal_sample *sample)
{
    sal_text names = { 0 };
    for (int64_t k = 0; k < m->n; k++)
        sal_text_append(m->ctx, &names, "%s\"%s\"", k ? ", " : "", sal_stack_campaign(m->stacks[k]));
    sal_status status =
        sal_fail(m->ctx, SAL_STATUS_DATA,
                 "field \"%s\" holds \"%s\" in feature %lld, which is neither a date like 2020-06-15 nor a campaign of "
                 "the stacks (%s)",
                 m->samples->date_field, sample->label, (long long)sample->fid, names.data ? names.data : "");
    sal_text_free(m->ctx, &names);
    return status;
}

static sal_status choose_rule(matcher *m)
{
    const sal_samples *s = m->samples;
    bool all_named = s->count > 0, all_dated = true, any_label = false;
    const sal_sample *unreadable = NULL;
    for (int64_t i = 0; i < s->count; i++) {
        const sal_sample *sample = &s->items[i];
        any_label |= sample->label[0] != 0;
        bool named = is_campaign(m, sample->label);
        all_named &= named || !sample->label[0];
        if (sample->label[0] && !sample->date[0] && !named && !unreadable) unreadable = sample;
    }
    m->rule = m->n == 1 ? BY_ONE : BY_PLACE;
    if (any_label && all_named && m->n > 1) m->rule = BY_NAME;
    if (any_label && !all_named && unreadable) return unreadable_date(m, unreadable);
    if (m->n == 1 || m->rule == BY_NAME) return SAL_STATUS_OK;
    bool one_campaign = true;
    for (int64_t k = 0; k < m->n; k++) {
        const char *date = sal_stack_date(m->stacks[k]);
        one_campaign &= !strcmp(sal_stack_campaign(m->stacks[k]), sal_stack_campaign(m->stacks[0])) ||
                        (date[0] && !strcmp(date, sal_stack_date(m->stacks[0])));
        all_dated &= date[0] != 0;
    }
    if (one_campaign) return SAL_STATUS_OK;
    if (!any_label)
        return sal_fail(m->ctx, SAL_STATUS_DATA,
                        "there are %lld stacks of different dates and the samples have no date%s; name the field that "
                        "holds it (date_field)",
                        (long long)m->n, s->date_field[0] ? " in any row" : "");
    for (int64_t k = 0; k < m->n && !all_dated; k++)
        if (!sal_stack_date(m->stacks[k])[0])
            return sal_fail(m->ctx, SAL_STATUS_DATA,
                            "stack \"%s\" has no date to match samples by; set DATE in its SALINA metadata or rebuild "
                            "it with a date",
                            sal_stack_path(m->stacks[k]));
    m->rule = BY_DATE;
    return SAL_STATUS_OK;
}

static int64_t days_apart(const matcher *m, int64_t k, const sal_sample *sample)
{
    return llabs(sal_date_days(sal_stack_date(m->stacks[k])) - sal_date_days(sample->date));
}

/* Candidates are the stacks of the sample's campaign or nearest date; the first that contains it wins. */
static sal_status place_sample(matcher *m, int64_t i, bool *found)
{
    sal_sample *sample = &m->samples->items[i];
    int64_t nearest = INT64_MAX;
    *found = false;
    if (m->rule == BY_DATE) {
        for (int64_t k = 0; k < m->n; k++)
            nearest = days_apart(m, k, sample) < nearest ? days_apart(m, k, sample) : nearest;
        if (nearest > largest_gap_days)
            return sal_fail(m->ctx, SAL_STATUS_DATA,
                            "feature %lld is dated %s, %lld days from the nearest stack (at most %lld); add the stack "
                            "of its campaign or leave it out",
                            (long long)sample->fid, sample->date, (long long)nearest, (long long)largest_gap_days);
        if (nearest > m->gap) m->gap = nearest;
    }
    for (int64_t k = 0; k < m->n; k++) {
        if (m->rule == BY_NAME && strcmp(sample->label, sal_stack_campaign(m->stacks[k])) != 0) continue;
        if (m->rule == BY_DATE && days_apart(m, k, sample) != nearest) continue;
        if (inside(m, k, i, &sample->column, &sample->row)) {
            sample->stack = (int32_t)k;
            *found = true;
            return SAL_STATUS_OK;
        }
    }
    return SAL_STATUS_OK;
}

static sal_status no_overlap(matcher *m)
{
    const sal_samples *s = m->samples;
    const sal_grid *grid = sal_stack_grid(m->stacks[0]);
    double low_x = INFINITY, low_y = INFINITY, high_x = -INFINITY, high_y = -INFINITY;
    for (int64_t i = 0; i < s->count; i++) {
        low_x = fmin(low_x, m->x[i]);
        high_x = fmax(high_x, m->x[i]);
        low_y = fmin(low_y, m->y[i]);
        high_y = fmax(high_y, m->y[i]);
    }
    return sal_fail(m->ctx, SAL_STATUS_DATA,
                    "no sample lies on a stack: in %s the %lld samples span x %.0f to %.0f, y %.0f to %.0f, and stack "
                    "\"%s\" spans x %.0f to %.0f, y %.0f to "
                    "%.0f; check the CRS of both",
                    grid->crs_name, (long long)s->count, low_x, high_x, low_y, high_y, sal_stack_path(m->stacks[0]),
                    grid->x0, grid->x0 + grid->pixel * (double)grid->columns,
                    grid->y0 - grid->pixel * (double)grid->rows, grid->y0);
}

/* One stack takes samples of any date, but not in silence. */
static void warn_of_old_samples(const matcher *m)
{
    int64_t widest = 0, far = 0;
    if (m->rule != BY_ONE || !sal_stack_date(m->stacks[0])[0]) return;
    for (int64_t i = 0; i < m->samples->count; i++) {
        if (!m->samples->items[i].date[0]) continue;
        int64_t gap = days_apart(m, 0, &m->samples->items[i]);
        far += gap > largest_gap_days;
        widest = gap > widest ? gap : widest;
    }
    if (far)
        sal_warn(m->ctx,
                 "%lld of %lld samples were taken more than %lld days from the date of stack \"%s\" (up to %lld)",
                 (long long)far, (long long)m->samples->count, (long long)largest_gap_days,
                 sal_stack_campaign(m->stacks[0]), (long long)widest);
}

static sal_status place_all(matcher *m)
{
    sal_samples *s = m->samples;
    int64_t outside = 0, undated = 0;
    warn_of_old_samples(m);
    for (int64_t i = 0; i < s->count; i++) {
        sal_sample *sample = &s->items[i];
        bool found = false;
        bool without_date = (m->rule == BY_DATE && !sample->date[0]) || (m->rule == BY_NAME && !sample->label[0]);
        if (!without_date) {
            sal_status status = place_sample(m, i, &found);
            if (status != SAL_STATUS_OK) return status;
        }
        undated += without_date;
        outside += !without_date && !found;
    }
    if (outside + undated == s->count) return no_overlap(m);
    for (int64_t i = 0; i < s->count; i++)
        if (s->items[i].stack < 0) s->items[i].fid = INT64_MIN;
    s->dropped_outside += outside;
    s->dropped_null += undated;
    if (outside)
        sal_warn(m->ctx, "%lld of %lld samples lie outside their stack and were left out", (long long)outside,
                 (long long)s->count);
    if (undated) sal_warn(m->ctx, "%lld samples without \"%s\" were left out", (long long)undated, s->date_field);
    return SAL_STATUS_OK;
}

static int by_identity(const void *a, const void *b)
{
    const sal_sample *p = *(const sal_sample *const *)a, *q = *(const sal_sample *const *)b;
    if (p->stack != q->stack) return p->stack < q->stack ? -1 : 1;
    if (p->row != q->row) return p->row < q->row ? -1 : 1;
    if (p->column != q->column) return p->column < q->column ? -1 : 1;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    if (p->y != q->y) return p->y < q->y ? -1 : 1;
    if (p->target != q->target) return p->target < q->target ? -1 : 1;
    int order = strcmp(p->date, q->date);
    if (order) return order;
    return p < q ? -1 : p > q; /* the earlier one is kept */
}

/* Exact duplicates are merged; several samples left in one pixel are counted. */
static sal_status find_duplicates(matcher *m)
{
    sal_samples *s = m->samples;
    const sal_sample **order = NULL;
    sal_status status = sal_allocate(m->ctx, s->count, sizeof *order, &order);
    if (status != SAL_STATUS_OK) return status;
    for (int64_t i = 0; i < s->count; i++) order[i] = &s->items[i];
    qsort(order, (size_t)s->count, sizeof *order, by_identity);
    int64_t merged = 0;
    for (int64_t i = 1; i < s->count; i++) {
        const sal_sample *p = order[i - 1], *q = order[i];
        if (p->stack != q->stack || p->row != q->row || p->column != q->column) continue;
        if (p->x == q->x && p->y == q->y && p->target == q->target && !strcmp(p->date, q->date)) {
            s->items[q - s->items].fid = INT64_MIN;
            merged++;
        } else {
            s->duplicates++;
        }
    }
    sal_release(m->ctx, order);
    if (merged)
        sal_warn(m->ctx, "%lld samples repeat another one exactly (position, date, target) and count once",
                 (long long)merged);
    if (s->duplicates)
        sal_warn(m->ctx, "%lld samples share their pixel with another sample of the same stack and are kept",
                 (long long)s->duplicates);
    return SAL_STATUS_OK;
}

sal_status sal_samples_match(sal_context *ctx, sal_samples *samples, sal_stack *const *stacks, int64_t n_stacks)
{
    matcher m = { .ctx = ctx, .samples = samples, .stacks = stacks, .n = n_stacks };
    sal_status status = SAL_STATUS_OK;
    if (n_stacks < 1) return sal_fail(ctx, SAL_STATUS_ARGUMENT, "no stack is given for the samples");
    for (int64_t i = 0; i < samples->count; i++) samples->items[i].stack = -1;
    SAL_TRY(project_to_all(&m));
    SAL_TRY(choose_rule(&m));
    SAL_TRY(place_all(&m));
    if (m.rule == BY_DATE)
        sal_log(ctx, "samples were given to the stack nearest in date; the largest gap is %lld days", (long long)m.gap);
    else if (m.rule == BY_NAME)
        sal_log(ctx, "samples were given to stacks by campaign name (field \"%s\")", samples->date_field);
    sal__samples_compact(samples);
    SAL_TRY(sal_samples_project(ctx, samples, sal_stack_grid(stacks[0])->wkt));
    SAL_TRY(find_duplicates(&m));
    sal__samples_compact(samples);
done:
    sal_release(ctx, m.x);
    sal_release(ctx, m.y);
    return status;
}
