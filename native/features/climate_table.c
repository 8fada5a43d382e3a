/* climate_table.c - monthly climate from an attribute table, found again by id: files of one campaign rarely keep one order.
 *
 * The table is read twice: first for its sites, months and variables, then for the values. It stays in memory (6,213 sites x 61 months x
 * 13 variables: 20 MB).
 */
#include "data/table.h"
#include "features/climate_private.h"

#include <math.h>
#include <string.h>

typedef struct reader {
    sal_climate *climate;
    const sal_climate_fields *fields;
    sal_table *table;
    int64_t id, date, variable; /* columns, -1 for none */
    int64_t *columns;           /* (count): long: column of each variable; wide: columns that are months */
    int64_t *months;            /* (count): wide: their months */
    int64_t count, row, last_month;
} reader;

/* ---- sites ---- */

static uint64_t hash(const char *text) /* FNV-1a */
{
    uint64_t h = 1469598103934665603u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 1099511628211u;
    return h;
}

/* Slot of an id, or the empty one where it belongs. */
static int64_t *slot_of(const sal_climate *c, const char *id)
{
    int64_t at = (int64_t)(hash(id) % (uint64_t)c->slot_count);
    while (c->slots[at] && strcmp(c->ids[c->slots[at] - 1], id) != 0) at = at + 1 < c->slot_count ? at + 1 : 0;
    return &c->slots[at];
}

static sal_status grow_slots(sal_climate *c)
{
    sal_release(c->ctx, c->slots);
    c->slots = NULL;
    c->slot_count = c->slot_count ? 2 * c->slot_count : 1024;
    sal_status status = sal_allocate(c->ctx, c->slot_count, sizeof *c->slots, &c->slots);
    for (int64_t i = 0; i < c->sites && status == SAL_STATUS_OK; i++) *slot_of(c, c->ids[i]) = i + 1;
    if (status == SAL_STATUS_OK) status = sal_reallocate(c->ctx, c->sites, c->slot_count / 2, sizeof *c->ids, &c->ids);
    return status;
}

static sal_status add_site(sal_climate *c, const char *id)
{
    sal_status status = SAL_STATUS_OK;
    if (2 * c->sites >= c->slot_count) SAL_TRY(grow_slots(c));
    int64_t *slot = slot_of(c, id);
    if (*slot) return SAL_STATUS_OK;
    SAL_TRY(sal_arena_text(c->arena, id, &c->ids[c->sites]));
    *slot = ++c->sites;
done:
    return status;
}

/* ---- columns ---- */

static sal_status find_column(reader *r, const char *name, int64_t *column)
{
    *column = name ? sal_table_find(r->table, name) : -1;
    if (!name || *column >= 0) return SAL_STATUS_OK;
    sal_text list = { 0 };
    for (int64_t i = 0; i < sal_table_columns(r->table) && i < 20; i++)
        sal_text_append(r->climate->ctx, &list, "%s%s", i ? ", " : "", sal_table_column(r->table, i));
    sal_status status = sal_fail(r->climate->ctx, SAL_STATUS_DATA, "table \"%s\" has no column \"%s\"; it has %s", r->climate->path, name,
                                 list.data ? list.data : "none");
    sal_text_free(r->climate->ctx, &list);
    return status;
}

static sal_status long_columns(reader *r)
{
    sal_status status = SAL_STATUS_OK;
    const sal_climate_fields *f = r->fields;
    const int64_t all = sal_table_columns(r->table);
    int64_t index;
    for (int64_t i = 0; i < (f->variables ? f->variable_count : all); i++) {
        int64_t column = i;
        if (f->variables) SAL_TRY(find_column(r, f->variables[i], &column));
        if (column == r->id || column == r->date) continue;
        SAL_TRY(sal__climate_variable(r->climate, sal_table_column(r->table, column), &index));
        r->columns[r->count++] = column;
    }
    if (r->count == 0)
        status = sal_fail(r->climate->ctx, SAL_STATUS_DATA, "table \"%s\" has no column of values beside \"%s\" and \"%s\"", r->climate->path,
                          f->id, f->date);
done:
    return status;
}

static sal_status wide_columns(reader *r)
{
    sal_status status = SAL_STATUS_OK;
    const sal_climate_fields *f = r->fields;
    int64_t index;
    for (int64_t i = 0; i < sal_table_columns(r->table); i++) {
        const int64_t month = sal_month_parse(sal_table_column(r->table, i));
        if (month < 0) continue;
        r->months[r->count] = month;
        r->columns[r->count++] = i;
    }
    for (int64_t i = 0; i < f->variable_count && f->variables; i++)
        SAL_TRY(sal__climate_variable(r->climate, f->variables[i], &index));
    if (r->count == 0)
        status = sal_fail(r->climate->ctx, SAL_STATUS_DATA,
                          "table \"%s\" has no column named by a month, such as 2010-01 or 20100101; give the field of the date if it has a "
                          "row for each month",
                          r->climate->path);
done:
    return status;
}

/* ---- rows ---- */

static sal_status take_month(reader *r, int64_t month)
{
    sal_climate *c = r->climate;
    if (c->months == 0) c->first_month = r->last_month = month;
    if (month < c->first_month) c->first_month = month;
    if (month > r->last_month) r->last_month = month;
    c->months = r->last_month - c->first_month + 1;
    if (c->months <= SAL__MONTHS_MOST) return SAL_STATUS_OK;
    char from[8], to[8];
    sal_month_text(c->first_month, from);
    sal_month_text(r->last_month, to);
    return sal_fail(c->ctx, SAL_STATUS_DATA, "table \"%s\" reaches from %s to %s, %lld months and more than %d; look for a wrong date", c->path,
                    from, to, (long long)c->months, SAL__MONTHS_MOST);
}

static sal_status month_of_row(reader *r, int64_t *month)
{
    const char *text = sal_table_text(r->table, r->date);
    *month = sal_month_parse(text);
    if (*month >= 0) return SAL_STATUS_OK;
    return sal_fail(r->climate->ctx, SAL_STATUS_DATA, "row %lld of table \"%s\" has \"%s\" in field \"%s\", which is no month; write YYYY-MM",
                    (long long)r->row, r->climate->path, text, r->fields->date);
}

/* Whether the caller wants the variable of a wide row; -1 in *index when not. */
static sal_status variable_of_row(reader *r, bool adding, int64_t *index)
{
    sal_climate *c = r->climate;
    const char *name = sal_table_text(r->table, r->variable);
    if (!r->fields->variables && adding) return sal__climate_variable(c, name, index);
    for (*index = c->variable_count - 1; *index >= 0; (*index)--)
        if (strcmp(c->variables[*index], name) == 0) break;
    return SAL_STATUS_OK;
}

static sal_status look_at_row(reader *r)
{
    sal_status status;
    int64_t month, index = 0;
    const char *id = sal_table_text(r->table, r->id);
    if (!id[0])
        SAL_TRY(sal_fail(r->climate->ctx, SAL_STATUS_DATA, "row %lld of table \"%s\" has no %s", (long long)r->row, r->climate->path,
                         r->fields->id));
    SAL_TRY(add_site(r->climate, id));
    if (r->date >= 0) {
        SAL_TRY(month_of_row(r, &month));
        SAL_TRY(take_month(r, month));
    } else {
        SAL_TRY(variable_of_row(r, true, &index));
    }
done:
    return status;
}

static sal_status put(reader *r, int64_t site, int64_t month, int64_t variable, int64_t column)
{
    sal_climate *c = r->climate;
    bool good;
    const double value = sal_table_number(r->table, column, &good);
    float *to = &c->values[(site * c->months + month - c->first_month) * c->variable_count + variable];
    char text[8];
    if (!good)
        return sal_fail(c->ctx, SAL_STATUS_DATA, "row %lld of table \"%s\" has \"%s\" in field \"%s\", which is no number", (long long)r->row,
                        c->path, sal_table_text(r->table, column), sal_table_column(r->table, column));
    if (isnan(value) || value == r->fields->missing) return SAL_STATUS_OK;
    if (isnan(*to) || *to == (float)value) {
        *to = (float)value;
        return SAL_STATUS_OK;
    }
    sal_month_text(month, text);
    return sal_fail(c->ctx, SAL_STATUS_DATA, "table \"%s\" has two values of %s at \"%s\" in %s, %g and %g; keep one", c->path,
                    c->variables[variable], c->ids[site], text, (double)*to, value);
}

static sal_status take_row(reader *r)
{
    sal_status status;
    const int64_t site = *slot_of(r->climate, sal_table_text(r->table, r->id)) - 1;
    int64_t month, index;
    if (r->date >= 0) {
        SAL_TRY(month_of_row(r, &month));
        for (int64_t k = 0; k < r->count; k++) SAL_TRY(put(r, site, month, k, r->columns[k]));
        return SAL_STATUS_OK;
    }
    SAL_TRY(variable_of_row(r, false, &index));
    for (int64_t k = 0; k < r->count && index >= 0; k++) SAL_TRY(put(r, site, r->months[k], index, r->columns[k]));
done:
    return status;
}

static sal_status for_rows(reader *r, sal_status (*act)(reader *))
{
    sal_status status;
    bool found = true;
    SAL_TRY(sal_table_rewind(r->table));
    for (r->row = 1; found; r->row++) {
        if (r->row % 1024 == 0) SAL_TRY(sal_progress(r->climate->ctx, 0, NULL));
        SAL_TRY(sal_table_next(r->table, &found));
        if (found) SAL_TRY(act(r));
    }
done:
    return status;
}

static sal_status read_table(reader *r)
{
    sal_status status;
    sal_climate *c = r->climate;
    SAL_TRY(find_column(r, r->fields->id, &r->id));
    SAL_TRY(find_column(r, r->fields->date, &r->date));
    SAL_TRY(find_column(r, r->fields->variable, &r->variable));
    SAL_TRY(sal_allocate(c->ctx, sal_table_columns(r->table) + r->fields->variable_count, sizeof *r->columns, &r->columns));
    SAL_TRY(sal_allocate(c->ctx, sal_table_columns(r->table), sizeof *r->months, &r->months));
    SAL_TRY(r->date >= 0 ? long_columns(r) : wide_columns(r));
    for (int64_t k = 0; k < r->count && r->date < 0; k++) SAL_TRY(take_month(r, r->months[k]));
    SAL_TRY(for_rows(r, look_at_row));
    if (c->sites == 0) SAL_TRY(sal_fail(c->ctx, SAL_STATUS_DATA, "table \"%s\" has no rows", c->path));
    SAL_TRY(sal_allocate(c->ctx, c->sites * c->months * c->variable_count, sizeof *c->values, &c->values));
    for (int64_t i = 0; i < c->sites * c->months * c->variable_count; i++) c->values[i] = NAN;
    SAL_TRY(for_rows(r, take_row));
done:
    return status;
}

sal_status sal_climate_open_table(sal_context *ctx, const char *path, const sal_climate_fields *fields, sal_climate **out)
{
    sal_status status;
    reader r = { .fields = fields };
    *out = NULL;
    if (!fields->id || !fields->date == !fields->variable)
        return sal_fail(ctx, SAL_STATUS_ARGUMENT,
                        "table \"%s\": name the field of the id, and either that of the date or that of the variable", path);
    SAL_TRY(sal__climate_new(ctx, path, &r.climate));
    SAL_TRY(sal_table_open(ctx, path, &r.table));
    SAL_TRY(read_table(&r));
    *out = r.climate;
    r.climate = NULL;
done:
    sal_table_free(r.table);
    sal_release(ctx, r.columns);
    sal_release(ctx, r.months);
    sal_climate_free(r.climate);
    return status;
}

sal_status sal_climate_by_id(const sal_climate *c, const char *const *ids, int64_t n, float *out)
{
    const int64_t size = c->months * c->variable_count;
    int64_t lacking = 0, first = -1;
    if (!c->values)
        return sal_fail(c->ctx, SAL_STATUS_ARGUMENT, "climate \"%s\" is a raster; it is read at positions, not by id", c->path);
    for (int64_t i = 0; i < n; i++) {
        const int64_t site = *slot_of(c, ids[i]) - 1;
        if (site < 0 && lacking++ == 0) first = i;
        if (site >= 0) memcpy(out + i * size, c->values + site * size, sizeof *out * (size_t)size);
    }
    if (lacking == 0) return SAL_STATUS_OK;
    return sal_fail(c->ctx, SAL_STATUS_DATA,
                    "%lld of %lld samples have no climate in table \"%s\", the first is \"%s\"; add them, or leave these samples out",
                    (long long)lacking, (long long)n, c->path, ids[first]);
}
