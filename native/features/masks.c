/* masks.c - which pixels of the scenes are dropped, block by block with a margin for the buffer.
 *
 * A mask pixel has one of three codes: clear, dropped, or dropped together with its neighbours up to `mask_buffer`
 * pixels away (a square). Nodata of the mask drops but does not spread: beyond the edge of a scene is no cloud.
 */
#include "features/masks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct kind_row {
    const char *name;
    bool bits;
} kind_row;

typedef struct class_row {
    const char *kind;
    int number;
    const char *name;
    bool dropped;
} class_row;

static const kind_row kinds[] = {
#define SAL_MASK(name, bits) { name, bits },
#define SAL_MASK_CLASS(kind, number, name, dropped)
#include "features/masks.def"
#undef SAL_MASK
#undef SAL_MASK_CLASS
};

static const class_row classes[] = {
#define SAL_MASK(name, bits)
#define SAL_MASK_CLASS(kind, number, name, dropped) { kind, number, name, dropped },
#include "features/masks.def"
#undef SAL_MASK
#undef SAL_MASK_CLASS
};

enum { KINDS = sizeof kinds / sizeof *kinds, CLASSES = sizeof classes / sizeof *classes };
enum { CLEAR, DROPPED, SPREADS };

const char sal__mask_area[] = "area";

const char *sal__mask_kind(const char *name)
{
    for (int i = 0; i < KINDS; i++)
        if (strcasecmp(kinds[i].name, name) == 0) return kinds[i].name;
    return NULL;
}

static bool holds_bits(const char *kind)
{
    for (int i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, kind) == 0) return kinds[i].bits;
    return false;
}

/* ---- what is dropped ---- */

const char *sal__mask_dropped(const sal_mask *m, int64_t i)
{
    const char *last = "";
    for (int k = 0; k < CLASSES; k++) {
        if (strcmp(classes[k].kind, m->kind) != 0 || !m->drop[classes[k].number] || !strcmp(last, classes[k].name))
            continue;
        last = classes[k].name;
        if (i-- == 0) return last;
    }
    return NULL;
}

/* Whether the word is a class of any kind: sensors differ in what they tell, so one list may serve several. */
static bool known_word(const char *word)
{
    for (int i = 0; i < CLASSES; i++)
        if (strcasecmp(classes[i].name, word) == 0) return true;
    return false;
}

static sal_status fail_word(sal_context *ctx, const char *kind, const char *word)
{
    sal_text names = { 0 };
    for (int i = 0; i < CLASSES; i++)
        if (strcmp(classes[i].kind, kind) == 0)
            sal_text_append(ctx, &names, "%s%d %s", names.data ? ", " : "", classes[i].number, classes[i].name);
    sal_status status = sal_fail(ctx, SAL_STATUS_ARGUMENT,
                                 "mask_classes has \"%s\", which is no class of %s; use default, none or of these: %s",
                                 word, kind, names.data ? names.data : "");
    sal_text_free(ctx, &names);
    return status;
}

static sal_status take_word(sal_build *build, sal_mask *m, const char *word)
{
    char *end;
    const long number = strtol(word, &end, 10);
    const bool is_number = end != word && !*end, standard = strcmp(word, "default") == 0;
    bool found = standard || strcmp(word, "none") == 0;
    for (int i = 0; i < CLASSES; i++) {
        const class_row *row = &classes[i];
        if (strcmp(row->kind, m->kind) != 0) continue;
        if (is_number ? row->number == number : strcasecmp(row->name, word) == 0)
            m->drop[row->number] = found = true;
        else if (standard && row->dropped)
            m->drop[row->number] = true;
    }
    return found || (!is_number && known_word(word)) ? SAL_STATUS_OK : fail_word(build->ctx, m->kind, word);
}

sal_status sal__mask_add(sal_build *build, int64_t tile, const char *kind, const char *path, int64_t band, const char *archive)
{
    sal_status status = SAL_STATUS_OK;
    sal_mask m = { .kind = kind, .band = band, .tile = tile };
    bool any = strcmp(kind, sal__mask_area) == 0;
    char *copy;
    if (build->mask_count == SAL_BUILD_MASKS)
        return sal_fail(build->ctx, SAL_STATUS_DATA, "\"%s\" would be mask number %d of one stack; give at most %d", path,
                        SAL_BUILD_MASKS + 1, SAL_BUILD_MASKS);
    SAL_TRY(sal_arena_text(build->arena, path, &copy));
    m.path = copy;
    SAL_TRY(sal_arena_text(build->arena, archive, &copy));
    m.archive = copy;
    for (int64_t i = 0; i < build->mask_class_count && !any; i++) SAL_TRY(take_word(build, &m, build->mask_classes[i]));
    if (build->mask_class_count == 0 && !any) SAL_TRY(take_word(build, &m, "default"));
    for (int i = 0; i < 256; i++) any = any || m.drop[i];
    if (any) build->masks[build->mask_count++] = m;
done:
    return status;
}

/* ---- on the grid ---- */

int64_t sal__mask_margin(const sal_build *build, const sal_mask *m)
{
    return strcmp(m->kind, sal__mask_area) ? build->mask_buffer : 0;
}

sal_status sal__masks_place(sal_build *build)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t i = 0; i < build->mask_count; i++) {
        sal_mask *m = &build->masks[i];
        SAL_TRY(sal_progress(build->ctx, 1, NULL));
        if (m->tile >= 0 && build->tiles[m->tile].outside) continue;
        sal_grid grid = build->grid; /* borrows the CRS */
        m->shift_x = m->shift_y = sal__mask_margin(build, m);
        grid.x0 -= grid.pixel * (double)m->shift_x;
        grid.y0 += grid.pixel * (double)m->shift_y;
        grid.columns += 2 * m->shift_x;
        grid.rows += 2 * m->shift_y;
        SAL_TRY(sal_raster_open_warped_bands(build->ctx, m->path, &m->band, 1, &grid, "nearest", &m->raster));
    }
done:
    return status;
}

/* ---- applying ---- */

typedef struct scratch {
    float *values;          /* (rows + 2 margin, columns + 2 margin) */
    unsigned char *codes;   /* the same */
    unsigned char *line;    /* one column */
    unsigned char *dropped; /* (rows, columns) */
} scratch;

static int64_t with_margin(const sal_build *build, int64_t edge) { return edge + 2 * build->mask_buffer; }

int64_t sal__masks_bytes(const sal_build *build, int64_t edge)
{
    const int64_t n = with_margin(build, edge);
    return build->mask_count ? n * n * 5 + n + edge * edge + (int64_t)sizeof(scratch) + 64 : 0;
}

sal_status sal__masks_scratch(sal_build *build, int64_t edge, void *out)
{
    sal_status status = SAL_STATUS_OK;
    const int64_t n = with_margin(build, edge);
    char *block = NULL;
    if (build->mask_count) {
        SAL_TRY(sal_allocate(build->ctx, sal__masks_bytes(build, edge), 1, &block));
        scratch *s = (scratch *)block;
        s->values = (float *)(block + 64);
        s->codes = (unsigned char *)(s->values + n * n);
        s->line = s->codes + n * n;
        s->dropped = s->line + n;
    }
    *(char **)out = block;
done:
    return status;
}

static void encode(const sal_mask *m, const float *values, int64_t n, unsigned char *codes)
{
    const bool bits = holds_bits(m->kind), by_area = strcmp(m->kind, sal__mask_area) == 0;
    uint32_t wanted = 0;
    for (int i = 0; i < 32; i++) wanted |= m->drop[i] ? 1u << i : 0;
    for (int64_t i = 0; i < n; i++) {
        const float v = values[i];
        if (isnan(v) || (by_area && v == 0))
            codes[i] = DROPPED;
        else if (by_area || v < 0 || v > 65535)
            codes[i] = CLEAR;
        else if (bits) /* bit 0 of QA_PIXEL is fill; the others are seen things, which have an outside */
            codes[i] = (uint32_t)v & wanted ? (uint32_t)v & wanted & ~1u ? SPREADS : DROPPED : CLEAR;
        else
            codes[i] = v < 256 && m->drop[(int)v] ? v == 0 ? DROPPED : SPREADS : CLEAR;
    }
}

/* Marks with SPREADS what lies within `reach` of such a cell, along a line of n cells `step` apart. */
static void spread_line(unsigned char *codes, int64_t n, int64_t step, int64_t reach, unsigned char *line)
{
    int64_t last = -reach - 1;
    for (int64_t i = 0; i < n; i++) {
        if (codes[i * step] == SPREADS) last = i;
        line[i] = i - last <= reach;
    }
    last = n + reach;
    for (int64_t i = n - 1; i >= 0; i--) {
        if (codes[i * step] == SPREADS) last = i;
        if (line[i] || last - i <= reach) codes[i * step] = SPREADS;
    }
}

static sal_status drop_by(sal_build *build, sal_mask *m, int64_t x, int64_t y, int64_t columns, int64_t rows,
                          scratch *s)
{
    const int64_t b = sal__mask_margin(build, m), wide = columns + 2 * b, high = rows + 2 * b;
    const int64_t band = 0;
    sal_status status =
        sal_raster_read(m->raster, &band, 1, m->shift_x + x - b, m->shift_y + y - b, wide, high, s->values);
    if (status != SAL_STATUS_OK) return status;
    encode(m, s->values, wide * high, s->codes);
    for (int64_t r = 0; r < high && b > 0; r++) spread_line(s->codes + r * wide, wide, 1, b, s->line);
    for (int64_t c = 0; c < wide && b > 0; c++) spread_line(s->codes + c, high, wide, b, s->line);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) s->dropped[r * columns + c] = s->codes[(r + b) * wide + c + b] != CLEAR;
    return SAL_STATUS_OK;
}

/* Sets NaN where dropped, and counts the pixels that had a value. */
static void clear_pixels(const sal_build *build, sal_mask *m, int64_t pixels, const unsigned char *dropped,
                         float *block, int64_t bands)
{
    for (int64_t i = 0; i < pixels; i++) {
        bool seen = false;
        for (int64_t k = 0; k < build->source_count; k++) {
            if (build->sources[k].kind != SAL_SOURCE_REFLECTANCE) continue;
            float *value = &block[i * bands + k];
            seen = seen || !isnan(*value);
            if (dropped[i]) *value = NAN;
        }
        m->seen += seen;
        m->dropped += seen && dropped[i];
    }
}

sal_status sal__masks_apply(sal_build *build, int64_t tile, int64_t column, int64_t row, int64_t columns, int64_t rows, void *memory,
                            float *block, int64_t bands)
{
    sal_status status = SAL_STATUS_OK;
    for (int64_t i = 0; i < build->mask_count; i++) {
        scratch *s = memory;
        if (build->masks[i].tile != tile) continue;
        SAL_TRY(drop_by(build, &build->masks[i], column, row, columns, rows, s));
        clear_pixels(build, &build->masks[i], columns * rows, s->dropped, block, bands);
    }
done:
    return status;
}
